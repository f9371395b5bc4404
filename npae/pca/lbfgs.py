"""Training on all samples at once: `lbfgs`, which picks the way that fits the objective."""

from npae.objective.network import Network
from npae.pca.fit_linear import fit_linear, why_not_quadratic
from npae.training.scipy_lbfgs import check_problem, minimize


def lbfgs(network, x, target=None, *, max_iter=5000, gtol=1e-10):
    """Minimize the network's objective over all of x (N, D), against target (N, D) if given; theta is left at the best.

    Stops when no |dJ/dtheta| exceeds `gtol`, when J can fall no further in float64, or after `max_iter` iterations;
    Ctrl-C, too, leaves the best theta. A linear network takes the way of `npae.pca.fit_linear.fit_linear`: to PCA's
    subspace in nine digits, at a cost that does not grow with N; there `gtol` is relative to the largest variance of x.
    Raises ImportError without SciPy, TypeError for a network that is not float64, ValueError for bad x or max_iter.
    Liu and Nocedal (1989), On the limited memory BFGS method, Mathematical Programming 45.
    """
    check_problem(network, max_iter, gtol)
    if target is None and isinstance(network, Network) and not why_not_quadratic(network):
        return fit_linear(network, x, max_iter=max_iter, gtol=gtol)
    return minimize(network, x, target, max_iter=max_iter, gtol=gtol)
