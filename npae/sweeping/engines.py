"""Where tasks are done: here, in processes, or wherever an executor of `concurrent.futures` takes them.

An engine has a `capacity`, how many tasks it is given at a time; `start(task)`; `wait()`, which returns (task, Outcome
or Lost) of those that have come to an end; `broken`, the error after which it takes no more; and `close(now)`.
"""

import contextlib
import os
import pickle
import shutil
import tempfile
import threading
import uuid
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from npae.sweeping.dask_engine import Dask
from npae.sweeping.futures import Futures
from npae.sweeping.processes import Processes, pickled
from npae.system.interrupts import ended_by

MISSING = "the data are not here"


def engine_for(executor, job):
    """The engine that an executor stands for; None is this process. Raises TypeError for what is no executor."""
    if executor is None:
        return Serial(job)
    if type(executor) is ProcessPoolExecutor:
        return Processes(executor, job)
    if isinstance(executor, ThreadPoolExecutor):
        return Threads(executor, job)
    if hasattr(getattr(executor, "_client", None), "scatter"):
        return Dask(executor, job)
    if isinstance(executor, Executor) or callable(getattr(executor, "submit", None)):
        return Parcels(executor, job)
    raise TypeError(
        f"sweep: got executor={executor!r}, expected None or an executor of concurrent.futures, such as "
        "ProcessPoolExecutor(2), client.get_executor() of Dask or MPIPoolExecutor()"
    )


class Serial:
    """One task after another, in this process."""

    capacity = 1
    broken = None

    def __init__(self, job):
        self.job, self.task = job, None

    def start(self, task):
        """Keep the task for `wait`."""
        self.task = task

    def wait(self):
        """Do the task."""
        return [(self.task, self.job.run(self.task))]

    def close(self, now=False):
        """Nothing is left behind."""


class Threads(Futures):
    """Threads of this process, which see the job as it is."""

    def __init__(self, executor, job):
        super().__init__(executor, job)
        self.ended = threading.Event()

    def _submit(self, task):
        return self.executor.submit(self._run, task)

    def _run(self, task):
        with ended_by(self.ended):
            return self.job.run(task)

    def close(self, now=False):
        """Take back what has not begun, and with `now` end what has."""
        if now:
            self.ended.set()
        super().close(now)


class Parcels(Futures):
    """An executor of which nothing is known, such as MPI's: its workers take the job from a file, once.

    A worker that does not see the file, on another machine, says so and gets the job with its task; it keeps it.
    """

    def __init__(self, executor, job):
        super().__init__(executor, job)
        self.packed = pickled(job, "the estimator, the data and the scoring")
        self.token = uuid.uuid4().hex
        self.folder = tempfile.mkdtemp(prefix="npae-sweep-")
        self.path = os.path.join(self.folder, "job")
        with open(self.path, "wb") as file:
            file.write(self.packed)

    def _submit(self, task, packed=None):
        task = pickled(task, "the values of the grid")
        return self.executor.submit(run_parcel, self.token, self.path, packed, task)

    def _outcome(self, task, future):
        outcome = super()._outcome(task, future)
        if outcome != MISSING:
            return outcome
        self.running[self._submit(task, self.packed)] = task
        return None

    def close(self, now=False):
        """Take back what has not begun, and the file."""
        super().close(now)
        shutil.rmtree(self.folder, ignore_errors=True)


_jobs: dict = {}  # in a worker: the job of the sweep under way


def run_parcel(token, path, packed, task):
    """In a worker: the outcome of a task of the job that is kept, or comes, or lies in a file; or MISSING."""
    job = _jobs.get(token)
    if job is None:
        with contextlib.suppress(FileNotFoundError):
            if packed is None:
                with open(path, "rb") as file:
                    packed = file.read()
        if packed is None:
            return MISSING
        job = pickle.loads(packed)
        _jobs.clear()
        _jobs[token] = job
    return job.run(pickle.loads(task))
