"""What all tasks of a sweep share, and how one of them is done: the same here, in a process, on another machine."""

import copy
import mmap
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from npae.estimators.trained import TrainedEstimator
from npae.sweeping.fold import take, view
from npae.system.interrupts import raise_interrupts
from npae.threads import one_blas_thread


@dataclass(frozen=True)
class Task:
    """One setting on one fold; `key` stands for both, `seed` is drawn from it (None: the estimator has its own)."""

    index: int
    setting: int
    fold: int
    params: dict = field(hash=False)
    key: str
    seed: int | None


@dataclass(frozen=True)
class Outcome:
    """The score of a task, or what went wrong in it."""

    score: float | None
    error: str | None
    seconds: float


@dataclass(frozen=True)
class Lost:
    """A task that came to no end: the worker died, say."""

    reason: str


class Retried(Lost):
    """A run that was lost, while the task goes on by itself."""


class Job:
    """The estimator, the data X (N, D) with y (N,) or None, the folds, a list of (train, test), and the scoring.

    Goes to a worker once. A memmap of a whole file travels as the name of the file.
    """

    def __init__(self, estimator, X, y, folds, scoring):
        self.estimator, self.X, self.y, self.folds, self.scoring = estimator, X, y, folds, scoring

    def __getstate__(self):
        return vars(self) | {"X": _Mapped.of(self.X), "y": _Mapped.of(self.y)}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.X, self.y = (each.open() if isinstance(each, _Mapped) else each for each in (self.X, self.y))

    def run(self, task):
        """Fit and score a fresh estimator: an Outcome, whatever the estimator raises."""
        started = time.perf_counter()
        score, error = None, None
        try:
            with one_blas_thread(), raise_interrupts():
                score = self._score(task)
            if not np.isfinite(score):
                score, error = None, f"the score is {score}"
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        return Outcome(score, error, time.perf_counter() - started)

    def _score(self, task):
        model = fresh(self.estimator).set_params(**copy.deepcopy(task.params))
        if task.seed is not None:
            seed(model, task.seed, task.params)
        train, test = self.folds[task.fold]
        fitted = view if isinstance(model, TrainedEstimator) else take  # which reads data on a disk by blocks
        model.fit(fitted(self.X, train), *([] if self.y is None else [take(self.y, train)]))
        scored = (fitted if self.scoring is None else take)(self.X, test)
        scored = scored, *([] if self.y is None else [take(self.y, test)])
        return float(model.score(*scored) if self.scoring is None else self.scoring(model, *scored))


def fresh(estimator):
    """An estimator with the same arguments that has seen nothing; by scikit-learn's own way where it is loaded."""
    sklearn = sys.modules.get("sklearn.base")
    if sklearn is not None:
        return sklearn.clone(estimator)
    params = estimator.get_params(deep=False)
    return type(estimator)(**{name: copy.deepcopy(value) for name, value in params.items()})


def seeded(estimator, params=(), *, all_of_them=True):
    """The names of the random states that a sweep sets: not those of the grid; where not all, those that are None."""
    return [
        name
        for name, value in sorted(estimator.get_params(deep=True).items())
        if (name == "random_state" or name.endswith("__random_state"))
        and name not in params
        and (all_of_them or value is None)
    ]


def seed(model, number, params):
    """Give each random state that the grid does not set a number of its own, drawn from `number`."""
    names = seeded(model, params)
    numbers = np.random.SeedSequence(number).generate_state(max(len(names), 1))
    model.set_params(**{name: int(each) for name, each in zip(names, numbers)})


@dataclass(frozen=True)
class _Mapped:
    """A memmap by its file."""

    filename: Any
    dtype: Any
    shape: tuple
    offset: int
    order: Any

    @classmethod
    def of(cls, X):
        """X, or where it is the memmap of a file, and no part of one, its description."""
        whole = isinstance(X, np.memmap) and isinstance(getattr(X, "base", None), mmap.mmap)
        if not whole or X.filename is None:
            return X
        return cls(str(X.filename), X.dtype, X.shape, X.offset, "C" if X.flags.c_contiguous else "F")

    def open(self):
        return np.memmap(self.filename, self.dtype, "r", self.offset, self.shape, self.order)
