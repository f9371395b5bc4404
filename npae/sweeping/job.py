"""A task of a sweep: one setting of the grid on one fold, fitted and scored alike in every process."""

import copy
import mmap
import time
from dataclasses import dataclass, field

import numpy as np

from npae.base import clone, set_random_states
from npae.estimators.trained import TrainedEstimator
from npae.system.interrupts import raise_interrupts
from npae.threads import one_blas_thread
from npae.training.rows import lazy_rows, rows_in_memory


@dataclass(frozen=True)
class Task:
    """One setting on one fold; `key` names both, and `seed` is drawn from it (None: the estimator has its own)."""

    setting: int
    fold: int
    params: dict = field(hash=False)
    key: str
    seed: int | None


@dataclass(frozen=True)
class Outcome:
    """The score of a task, or its error; lost: no worker could end it, so that a resumed sweep does it again."""

    score: float | None
    error: str | None
    seconds: float = 0.0
    lost: bool = False


@dataclass
class Job:
    """All that the tasks share; scoring(model, X, y) may be None. A worker gets it once, a memmap by its file name."""

    estimator: object
    X: object
    y: object
    folds: list
    scoring: object

    def __getstate__(self):
        return vars(self) | {"X": _file_of(self.X), "y": _file_of(self.y)}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.X, self.y = (np.memmap(**each) if isinstance(each, dict) else each for each in (self.X, self.y))

    def run(self, task):
        """Fit and score a clone of the estimator; return an Outcome, whatever the estimator raises."""
        started, score, error = time.perf_counter(), None, None
        try:
            with one_blas_thread(), raise_interrupts():
                score = self._score(task)
            if not np.isfinite(score):
                score, error = None, f"the score is {score}"
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        return Outcome(score, error, time.perf_counter() - started)

    def _score(self, task):
        model = clone(self.estimator).set_params(**copy.deepcopy(task.params))
        if task.seed is not None:
            set_random_states(model, task.seed, task.params)
        train, test = self.folds[task.fold]
        rows = lazy_rows if isinstance(model, TrainedEstimator) else rows_in_memory
        model.fit(rows(self.X, train), *([] if self.y is None else [rows_in_memory(self.y, train)]))
        X_test = (rows if self.scoring is None else rows_in_memory)(self.X, test)
        scored = X_test, *([] if self.y is None else [rows_in_memory(self.y, test)])
        return float(model.score(*scored) if self.scoring is None else self.scoring(model, *scored))


def _file_of(X):
    """Return X, or the arguments of np.memmap if X is the memmap of a whole file."""
    if not isinstance(X, np.memmap) or not isinstance(X.base, mmap.mmap) or X.filename is None:
        return X
    order = "C" if X.flags.c_contiguous else "F"
    return dict(filename=str(X.filename), dtype=X.dtype, mode="r", offset=X.offset, shape=X.shape, order=order)  # noqa: C408
