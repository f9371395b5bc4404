"""How many threads the matrix products use: one, unless the user says otherwise.

The BLAS under NumPy splits a product among as many threads as there are cores and has them wait for each other by
spinning. Alone on the machine that gains little for products as small as a minibatch's; where another process holds one
of the cores, every product waits for the thread that got none, and training takes many times as long.
`python -m benchmarks.threads` measures both.

    from npae.threads import limit_threads
    limit_threads()  # before `import numpy`
"""

import os
import sys

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
