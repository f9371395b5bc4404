"""BLAS on one thread: sums are then taken in one order, whatever the machine has of cores."""

import contextlib
import os
import threading
import warnings

_lock = threading.Lock()
_holders = 0
_limit = None
VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS")


@contextlib.contextmanager
def one_blas_thread():
    """While anyone in this process is within, BLAS has one thread; the last to leave restores what was before.

    Without threadpoolctl nothing is done.
    """
    global _holders, _limit
    with _lock:
        _holders += 1
        if _holders == 1:
            _limit = _limited()
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0 and _limit is not None:
                _limit.restore_original_limits()
                _limit = None


def _limited():
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return None
    return threadpool_limits(limits=1, user_api="blas")


def warn_of_threads():
    """Warn where nothing keeps BLAS on one thread: neither threadpoolctl nor a variable of the environment."""
    with contextlib.suppress(ImportError):
        import threadpoolctl  # noqa: F401

        return
    if not any(os.environ.get(name) == "1" for name in VARIABLES):
        warnings.warn(
            "sweep: without threadpoolctl the threads of BLAS are not fixed, and scores may differ in their last "
            "digits: pip install 'npae[sweep]', or set OPENBLAS_NUM_THREADS=1 for every process",
            stacklevel=3,
        )
