"""How many threads the matrix products use: one, unless the user says otherwise.

The BLAS under NumPy splits a product among as many threads as there are cores and has them wait for each other by
spinning. Alone on the machine that gains little for products as small as a minibatch's; where another process holds one
of the cores, every product waits for the thread that got none, and training takes many times as long.
`python -m benchmarks.threads` measures both.

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
    """Let BLAS use n threads, here and in processes started from here; returns whether that could be done.

    A user's own setting, any of VARIABLES in the environment, is left alone. BLAS reads these when NumPy is imported;
    after that threadpoolctl is needed, and without it False is returned and nothing done.
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
    """What `npae doctor` says: the setting that counts, in words."""
    given = [f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ]
    return ", ".join(given) or "as many as BLAS likes"


_lock = threading.Lock()
_holders = 0
_limit = None


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
