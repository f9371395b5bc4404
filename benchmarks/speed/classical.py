"""Compare the classical exercise with SciPy's L-BFGS and other gradients: python -m benchmarks.speed.classical

64-25-64 sigmoid units on 10,000 patches and 784-196-784 on 5,000 images, weight decay and KL: one value with its
gradient, also by PyTorch and autograd, and the whole fit by `npae.lbfgs` and by SciPy's L-BFGS with their gradients,
all in float64.
"""

import numpy as np

from benchmarks.report import HEADER, beside, installed, table
from npae.datasets import load_mnist_5k
from npae.experiments.edges import EDGES, STROKES, edge_patches, exercise_network
from npae.training.lbfgs import lbfgs


def flat_objective(xp, exercise, x, sigmoid):
    """Return J(theta) by the functions of a library, with theta in the order of the network."""
    D, K = exercise.widths
    rho, ends = exercise.rho, np.cumsum([D * K, K, K * D, D])

    def J(theta):
        W, b, V, c = (theta[end - n : end] for end, n in zip(ends, (D * K, K, K * D, D)))
        W, V = W.reshape(D, K), V.reshape(K, D)
        h = sigmoid(x @ W + b)
        u = sigmoid(h @ V + c) - x
        q = xp.mean(h, 0)
        kl = xp.sum(rho * xp.log(rho / q) + (1 - rho) * xp.log((1 - rho) / (1 - q)))
        decay = exercise.lam / 2 * (xp.sum(W * W) + xp.sum(V * V))
        return 0.5 * xp.sum(u * u) / len(x) + decay + exercise.beta * kl

    return J


def torch_gradient(exercise, X, threads):
    """Return theta -> (J, dJ) by PyTorch."""
    import torch

    J = flat_objective(torch, exercise, torch.from_numpy(X), torch.sigmoid)

    def value_and_gradient(theta):
        torch.set_num_threads(threads)
        theta = torch.from_numpy(theta).requires_grad_()
        value = J(theta)
        value.backward()
        return value.item(), theta.grad.numpy()

    return value_and_gradient


def autograd_gradient(exercise, X):
    """Return theta -> (J, dJ) by autograd."""
    import autograd.numpy as anp
    from autograd import value_and_grad

    return value_and_grad(flat_objective(anp, exercise, X, lambda a: 1 / (1 + anp.exp(-a))))


def scipy_fit(value_and_gradient, theta, max_iter):
    """Return J after the whole fit by SciPy's L-BFGS, with as much memory as `npae.lbfgs`."""
    from scipy.optimize import minimize as scipy_minimize
    from threadpoolctl import threadpool_limits

    options = {"maxiter": max_iter, "maxfun": 2 * max_iter + 20, "gtol": 1e-9, "ftol": 0.0, "maxcor": 30}
    with threadpool_limits(1):
        return scipy_minimize(value_and_gradient, theta, jac=True, method="L-BFGS-B", options=options).fun


def peers(exercise, X):
    """Return {name: theta -> (J, dJ)}."""
    found = {}
    if installed("torch"):
        names = {1: "PyTorch, 1 thread", 2: "PyTorch, 2 threads"}
        found |= {name: torch_gradient(exercise, X, n) for n, name in names.items()}
    if installed("autograd"):
        found["autograd"] = autograd_gradient(exercise, X)
    return found


def rows_of(name, exercise, X, max_iter, quick):
    """Return rows of the table after checking that all sides compute the same."""
    network, rows = exercise_network(exercise), []
    theta = network.theta.copy()
    value, gradient = network.value_and_grad(X), network.grad.copy()
    D, K = exercise.widths
    what = f"{D}-{K}-{D}, {len(X):,} {name}"

    def fit():
        network.theta[:] = theta
        return lbfgs(network, X, max_iter=max_iter, gtol=1e-9).value

    for peer, theirs in peers(exercise, X).items():
        their_value, their_gradient = theirs(theta.copy())
        assert abs(their_value / value - 1) < 1e-12, peer
        assert np.abs(their_gradient - gradient).max() < 1e-11 * np.abs(gradient).max(), peer
        rows.append(beside(f"{what}, value and gradient ({peer})", lambda: network.value_and_grad(X),
                           lambda theirs=theirs: theirs(theta.copy()), seconds=0.5 if quick else 3))  # fmt: skip
        if max_iter:
            rows.append(beside(f"{what}, {max_iter} iterations of L-BFGS ({peer})", fit,
                               lambda f=theirs: scipy_fit(f, theta.copy(), max_iter), seconds=0, burst=0))  # fmt: skip
        network.theta[:] = theta
    return rows


def main(quick=False):
    """Return a Markdown table."""
    rows = rows_of("patches", EDGES, edge_patches(1000 if quick else 10_000), 10 if quick else 400, quick)
    if not quick:
        rows += rows_of("images", STROKES, load_mnist_5k().data, 0, quick)
    return table(HEADER, rows)


if __name__ == "__main__":
    print(main())
