"""The tasks of a sweep at work, here or on an executor: data sent once per worker, new pools for broken ones."""

import contextlib
import copy
import os
import pickle
import tempfile
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.base import clone, set_random_states
from npae.estimators.trained import TrainedEstimator
from npae.sweeping.grid import Outcome
from npae.system.interrupts import raise_interrupts
from npae.system.processes import load_once, pickled, renewed
from npae.threads import one_blas_thread
from npae.training.rows import lazy_rows, memmap_arguments, rows_in_memory


@dataclass
class Job:
    """All that the tasks share; scoring(model, X, y) may be None. A worker gets it once, a memmap by its file name."""

    estimator: Any
    X: Any
    y: Any
    folds: list
    scoring: Any

    def __getstate__(self):
        return vars(self) | {"X": memmap_arguments(self.X), "y": memmap_arguments(self.y)}

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
        return Outcome(score, error, round(time.perf_counter() - started, 3))

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


def run_tasks(tasks, job, executor, retries, lost):
    """Yield (task, Outcome) as tasks end, here (executor=None) or on an executor.

    If a pool of processes breaks, a new pool does the remaining tasks, at most `retries` times; the tasks that were
    running, one of which may have killed its worker, come last. lost(task, error) is called for each of them. Raises
    RuntimeError if another executor breaks, TypeError for a task that cannot be pickled.
    """
    if executor is None:
        yield from ((task, job.run(task)) for task in tasks)
        return
    left, running, broken = deque(tasks), dict[Any, Any](), None
    n = getattr(executor, "_max_workers", None) or len(left)  # tasks in work: few in a pool, where a worker may die
    with contextlib.ExitStack() as stack:
        submit = _submitter(job, executor, stack)
        try:
            while left or running:
                try:
                    while left and not broken and len(running) < n:
                        running[submit(executor, left[0])] = left[0]
                        left.popleft()
                except BrokenExecutor as failure:
                    broken = failure
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task, error = running.pop(future), future.exception()
                    if isinstance(error, BrokenExecutor):
                        broken = error
                        left.append(task)
                        lost(task, error)
                    else:
                        yield task, Outcome(None, repr(error), lost=True) if error else future.result()
                if broken and not running:
                    if not isinstance(executor, ProcessPoolExecutor):
                        raise RuntimeError(f"sweep: the executor broke ({broken!r}); use a new one") from broken
                    if not retries:
                        break
                    executor, retries, broken = stack.enter_context(renewed(executor)), retries - 1, None
            yield from ((task, Outcome(None, f"the pool of processes broke: {broken}", lost=True)) for task in left)
        except BaseException:  # Ctrl-C, or a full disk
            for future in running:
                future.cancel()
            for process in list((getattr(executor, "_processes", None) or {}).values()):
                process.kill()
            raise


def _submitter(job, executor, stack):
    """Return submit(executor, task) -> future, which sends the job at most once to each worker."""
    if isinstance(executor, ThreadPoolExecutor):
        return lambda executor, task: executor.submit(job.run, task)
    if hasattr(getattr(executor, "_client", None), "scatter"):  # Dask
        scattered = executor._client.scatter(job, broadcast=True, hash=False)
        return lambda executor, task: executor.submit(type(job).run, scattered, task, pure=False)
    path = os.path.join(stack.enter_context(tempfile.TemporaryDirectory(prefix="npae-sweep-")), "job")
    with open(path, "wb") as file:
        file.write(pickled(job, "the estimator, the data and the scoring"))
    return lambda executor, task: executor.submit(run_from_file, path, pickled(task, "the values of the grid"))


def run_from_file(path, packed):
    """Return the Outcome of a pickled task, in a worker that reads the job from a file with its first task."""
    return load_once(path).run(pickle.loads(packed))
