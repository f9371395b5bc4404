"""Work in several processes that Ctrl-C ends at once."""

import contextlib
import multiprocessing
import operator
import os
import pickle
import signal
import tempfile
import threading
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from typing import Any

_held: Any = None  # in a process of the pool: the function and its first arguments
_loaded: tuple = (None, None)  # in a worker: the path of `load_once` and its object


def map_in_processes(f, arguments, n):
    """Return [f(each) for each of the arguments], computed by n new processes, which Ctrl-C ends at once."""
    return [result for _, result in sorted(in_processes(f, arguments, n), key=operator.itemgetter(0))]


def in_processes(f, arguments, n, *shared):
    """Yield (i, f(*shared, arguments[i])) as they are done, by n new processes, which Ctrl-C ends at once.

    All is pickled; f and the shared arguments go to a process once. Raises ChildProcessError if a process was killed.
    """
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")  # not fork: forking a process whose BLAS has threads is not safe
    with tempfile.TemporaryDirectory() as folder:
        # a file, because a write into the pipe of a process that died at its start would never end
        path = os.path.join(folder, "shared.pickle")
        with open(path, "wb") as file:
            pickle.dump((f, shared), file)
        with ProcessPoolExecutor(n, mp_context=context, initializer=_hold, initargs=(path,)) as pool:
            try:
                with _interrupts_later():  # inherited: only this process gets Ctrl-C, and ends the others
                    futures = {pool.submit(_call, each): i for i, each in enumerate(arguments)}
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BrokenExecutor as error:
                raise ChildProcessError(
                    "a process ended while it had work: killed, perhaps for want of memory, or started by a script "
                    'outside of its `if __name__ == "__main__":`'
                ) from error
            except BaseException:
                for process in set(multiprocessing.active_children()) - before:
                    process.terminate()
                raise


def _hold(path):
    global _held
    with open(path, "rb") as file:
        _held = pickle.load(file)
    threading.Thread(target=leave_with_parent, daemon=True).start()


def leave_with_parent():
    """End this process when its parent was killed; it would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _call(argument):
    f, shared = _held
    return f(*shared, argument)


@contextlib.contextmanager
def _interrupts_later():
    """Block Ctrl-C for the duration, if the system can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def pickled(thing, name):
    """Return the bytes of a thing that is sent to a worker of a sweep; TypeError if it cannot be pickled."""
    try:
        return pickle.dumps(thing, protocol=5)
    except Exception as error:
        got = f"sweep: got {name}, which cannot be sent to a process ({error})"
        raise TypeError(f"{got}; expected what pickle takes: no lambdas, no classes made within functions") from error


def load_once(path):
    """Return the object in a pickle file, in a worker: read at the first call; the worker then ignores Ctrl-C."""
    global _loaded
    if _loaded[0] != path:
        if multiprocessing.parent_process() is not None:
            threading.Thread(target=leave_with_parent, daemon=True).start()
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides
        with open(path, "rb") as file:
            _loaded = path, pickle.load(file)
    return _loaded[1]


def renewed(pool):
    """Return a new ProcessPoolExecutor like one that broke."""
    options = {"mp_context": pool._mp_context, "initializer": pool._initializer, "initargs": pool._initargs}
    return ProcessPoolExecutor(pool._max_workers, **options)
