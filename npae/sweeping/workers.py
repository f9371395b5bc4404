"""The tasks of a sweep on an executor of concurrent.futures: data sent once per worker, new pools for broken ones."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor, wait

from npae.sweeping.job import Outcome
from npae.system.processes import leave_with_parent

_loaded: tuple = (None, None)  # in a worker: the path of a job, the job


def run_tasks(tasks, job, executor, retries, lost):
    """Yield (task, Outcome) as tasks end, here (executor=None) or on an executor.

    If a pool of processes breaks, a new pool does the remaining tasks, at most `retries` times; the tasks that were
    running, one of which may have killed its worker, come last. lost(task, error) is called for each of them. Raises
    RuntimeError if another executor breaks, TypeError for a task that cannot be pickled.
    """
    if executor is None:
        yield from ((task, job.run(task)) for task in tasks)
        return
    left, running, broken, ended = deque(tasks), {}, None, False
    with contextlib.ExitStack() as stack:
        submit = _submitter(job, executor, stack)
        try:
            while left or running:
                while left and broken is None and len(running) < _n_workers(executor):
                    try:
                        running[submit(executor, left[0])] = left[0]
                        left.popleft()
                    except BrokenExecutor as error:
                        broken = error
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task, error = running.pop(future), future.exception()
                    if isinstance(error, BrokenExecutor):
                        broken = error
                        left.append(task)
                        lost(task, error)
                    else:
                        yield task, future.result() if error is None else Outcome(None, repr(error), lost=True)
                if broken is not None and not running:
                    if not isinstance(executor, ProcessPoolExecutor):
                        raise RuntimeError(f"sweep: the executor broke ({broken!r}); use a new one") from broken
                    if not retries:
                        break
                    executor, retries, broken = stack.enter_context(_renewed(executor)), retries - 1, None
            yield from ((task, Outcome(None, f"the pool of processes broke: {broken}", lost=True)) for task in left)
            ended = True
        finally:
            if not ended:  # Ctrl-C, or a full disk
                for future in running:
                    future.cancel()
                for process in list((getattr(executor, "_processes", None) or {}).values()):
                    process.kill()


def _n_workers(executor):
    client = getattr(executor, "_client", None)
    if client is not None:
        return max(1, sum(client.nthreads().values()))
    return getattr(executor, "num_workers", None) or getattr(executor, "_max_workers", None) or os.cpu_count() or 1


def _renewed(pool):
    options = {"mp_context": pool._mp_context, "initializer": pool._initializer, "initargs": pool._initargs}
    return ProcessPoolExecutor(pool._max_workers, **options)


def _submitter(job, executor, stack):
    """Return submit(executor, task) -> future, which sends the job at most once to each worker."""
    if isinstance(executor, ThreadPoolExecutor):
        return lambda executor, task: executor.submit(job.run, task)
    if hasattr(getattr(executor, "_client", None), "scatter"):  # Dask
        scattered = executor._client.scatter(job, broadcast=True, hash=False)
        return lambda executor, task: executor.submit(type(job).run, scattered, task, pure=False)
    path = os.path.join(stack.enter_context(tempfile.TemporaryDirectory(prefix="npae-sweep-")), "job")
    with open(path, "wb") as file:
        file.write(_pickled(job, "the estimator, the data and the scoring"))
    return lambda executor, task: executor.submit(run_from_file, path, _pickled(task, "the values of the grid"))


def run_from_file(path, packed):
    """Return the Outcome of a pickled task, in a worker that reads the job from a file with its first task."""
    global _loaded
    if _loaded[0] != path:
        if multiprocessing.parent_process() is not None:
            threading.Thread(target=leave_with_parent, daemon=True).start()
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides
        with open(path, "rb") as file:
            _loaded = path, pickle.load(file)
    return _loaded[1].run(pickle.loads(packed))


def _pickled(thing, name):
    try:
        return pickle.dumps(thing, protocol=5)
    except Exception as error:
        got = f"sweep: got {name}, which cannot be sent to a process ({error})"
        raise TypeError(f"{got}; expected what pickle takes: no lambdas, no classes made within functions") from error
