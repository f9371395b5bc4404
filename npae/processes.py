"""Work in several processes that Ctrl-C ends at once."""

import contextlib
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor


def map_in_processes(f, arguments, n):
    """[f(each) for each of the arguments], by n new processes, which Ctrl-C ends at once; f and they are pickled."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")  # not fork: forking a process whose BLAS has threads is not safe
    with ProcessPoolExecutor(n, mp_context=context) as pool:
        try:
            with _interrupts_later():  # the processes inherit it: Ctrl-C is for this process, which ends them
                futures = [pool.submit(f, each) for each in arguments]
            return [future.result() for future in futures]
        except BaseException:
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()
            raise


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
