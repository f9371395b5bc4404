"""SciPy's L-BFGS for whatever has a theta, a gradient and an objective, in float64."""

import contextlib
from dataclasses import dataclass

import numpy as np

from npae.validation import check_number


@dataclass(frozen=True)
class LBFGSResult:
    """What `lbfgs` reached: the objective, the largest |gradient| entry, iterations, and why it stopped."""

    value: float
    max_gradient: float
    n_iter: int
    converged: bool
    message: str


def minimize(network, x, target=None, *, max_iter, gtol):
    """Minimize `network.value_and_grad(x, target)`, which leaves its gradient in `grad`, over `network.theta` (P,).

    theta is left at the best point, after Ctrl-C too. Arguments and errors are those of `npae.lbfgs`.
    """
    scipy_minimize = check_problem(network, max_iter, gtol)
    best = np.inf, network.theta.copy()

    def objective(theta):
        nonlocal best
        network.theta[:] = theta
        value = network.value_and_grad(x, target)
        if value < best[0]:
            best = value, theta.copy()
        return value, network.grad.copy()

    options = {"maxiter": max_iter, "maxfun": 2 * max_iter + 20, "gtol": gtol, "ftol": 0.0, "maxcor": 30}
    try:
        with one_scipy_thread():
            result = scipy_minimize(objective, network.theta.copy(), jac=True, method="L-BFGS-B", options=options)
        best = result.fun, result.x
    finally:
        network.theta[:] = best[1]
    largest = float(np.abs(result.jac).max())
    return LBFGSResult(float(result.fun), largest, int(result.nit), bool(largest <= gtol), str(result.message))


def check_problem(network, max_iter, gtol):
    """SciPy's minimize, or an error that says what is missing or wrong before anything moves."""
    check_number(max_iter, "max_iter", "lbfgs", low=1, integer=True)
    check_number(gtol, "gtol", "lbfgs")
    if network.theta.dtype != np.float64:
        raise TypeError(
            f"lbfgs: got a network of dtype {network.theta.dtype}, expected float64; use network.astype('float64')"
        )
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise ImportError("lbfgs needs SciPy: pip install 'npae[lbfgs]'") from error
    return minimize


def one_scipy_thread():
    """SciPy's wheel has a BLAS of its own, whose waiting threads take NumPy's the cores: a step takes 5 times as long.

    Without threadpoolctl nothing is done.
    """
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return contextlib.nullcontext()
    pools = ThreadpoolController()
    own = [pool.filepath for pool in pools.lib_controllers if "scipy.libs" in pool.filepath]
    return pools.select(filepath=own).limit(limits=1)
