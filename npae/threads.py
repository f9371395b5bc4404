"""The number of BLAS threads: one, unless the user sets another.

BLAS splits a matrix product among as many threads as there are cores. This gains little for minibatches. If another
process uses one of the cores, every product waits for the thread on that core, and training takes many times as long.
`python -m benchmarks.speed.threads` measures both.

    from npae.threads import limit_threads
    limit_threads()  # before `import numpy`
"""

import contextlib
import os
import sys
import threading
import warnings

VARIABLES = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip


def limit_threads(n=1):
    """Set the number of BLAS threads, of this process and of those that it starts; return True if this was possible.

    It is not if one of VARIABLES is in the environment, which is the user's setting, or if NumPy has been imported
    and threadpoolctl is missing.
    """
    if any(name in os.environ for name in VARIABLES):
        return False
    if "numpy" in sys.modules:
        try:
            from threadpoolctl import threadpool_limits
        except ImportError:
            return False
        threadpool_limits(n)
    os.environ.update(dict.fromkeys(VARIABLES, str(n)))
    return True


def threads():
    """Return the user's setting as text, for `npae doctor`."""
    given = [f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ]
    return ", ".join(given) or "the default of BLAS"


_lock = threading.Lock()
_holders = 0
_limit = None


@contextlib.contextmanager
def one_blas_thread():
    """Give BLAS one thread for the duration, if threadpoolctl is installed; the last of several to end restores it."""
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
    """Warn if neither threadpoolctl nor a variable of the environment sets one BLAS thread."""
    with contextlib.suppress(ImportError):
        import threadpoolctl  # noqa: F401

        return
    if not any(os.environ.get(name) == "1" for name in VARIABLES):
        warnings.warn(
            "sweep: without threadpoolctl the threads of BLAS are not fixed, and scores may differ in their last "
            "digits: pip install 'npae[sweep]', or set OPENBLAS_NUM_THREADS=1 for every process",
            stacklevel=3,
        )
