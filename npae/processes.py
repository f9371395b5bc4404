"""Work in several processes that Ctrl-C ends at once."""

import contextlib
import multiprocessing
import operator
import os
import signal
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
    with ProcessPoolExecutor(n, mp_context=context, initializer=_hold, initargs=(f, shared)) as pool:
        try:
            with _interrupts_later():  # the processes inherit it: Ctrl-C is for this process, which ends them
                futures = {pool.submit(_call, each): i for i, each in enumerate(arguments)}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenExecutor as error:
            raise ChildProcessError(
                "a process was killed while it worked, perhaps for want of memory; or a script started it outside of its "
                'if __name__ == "__main__":'
            ) from error
        except BaseException:
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()
            raise


def _hold(f, shared):
    global _held
    _held = f, shared
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent():
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
