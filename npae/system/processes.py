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

_held: Any = None  # in a process of the pool: what is called, and what it is called with first


def map_in_processes(f, arguments, n):
    """[f(each) for each of the arguments], by n new processes, which Ctrl-C ends at once; f and they are pickled."""
    return [result for _, result in sorted(in_processes(f, arguments, n), key=operator.itemgetter(0))]


def in_processes(f, arguments, n, *shared):
    """Yield (i, f(*shared, arguments[i])) as they are done, by n new processes, which Ctrl-C ends at once.

    All is pickled; f and what is shared go to a process once. Raises ChildProcessError where one has been killed.
    """
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")  # not fork: forking a process whose BLAS has threads is not safe
    with tempfile.TemporaryDirectory() as folder:
        # in a file: into a pipe, one would write for ever what a process that died at its start does not read
        path = os.path.join(folder, "shared.pickle")
        with open(path, "wb") as file:
            pickle.dump((f, shared), file)
        with ProcessPoolExecutor(n, mp_context=context, initializer=_hold, initargs=(path,)) as pool:
            try:
                with _interrupts_later():  # the processes inherit it: Ctrl-C is for this process, which ends them
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
    """End this process when the one that started it has been killed; it would wait for its work for ever."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _call(argument):
    f, shared = _held
    return f(*shared, argument)


@contextlib.contextmanager
def _interrupts_later():
    """Ctrl-C waits until this is over, where the system can hold it back."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
