"""Compare a whole fit with scikit-learn's MLPRegressor and a step with per-sample NumPy; measure peak memory."""

import itertools
import tracemalloc
import warnings

import numpy as np

import npae
from benchmarks.report import HEADER, beside, installed, table
from benchmarks.speed import peers
from benchmarks.speed.cases import Case, npae_step


def mlp_fits(quick):
    """Return rows: MLPRegressor / npae with equal sizes, batch, optimizer, epochs and dtype, on digits and MNIST."""
    if not installed("sklearn"):
        return [["MLPRegressor", "not installed: pip install 'npae[bench]'", "", ""]]
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    fits = [("digits", npae.datasets.load_digits().data, 25, 100, 5 if quick else 20)]
    if not quick:
        fits.append(("MNIST, 5,000 images", npae.datasets.load_mnist_5k().data, 500, 128, 2))
    rows = []
    for (name, data, K, batch, n), lr, dtype in itertools.product(fits, (0.01, 1e-3), ("float32", "float64")):
        X, optimizer = data.astype(dtype), npae.SGD(lr) if lr == 0.01 else npae.Adam(lr)
        solver = type(optimizer).__name__
        common = {"batch_size": batch, "max_iter": n, "tol": 0, "n_iter_no_change": n + 1, "random_state": 0}
        ours = npae.Autoencoder(K, optimizer=optimizer, **common)
        fixed = {"hidden_layer_sizes": (K,), "activation": "logistic", "alpha": 0, "momentum": 0}
        theirs = MLPRegressor(solver=solver.lower(), learning_rate_init=lr, **fixed, **common)
        what = f"fit, {name}, {X.shape[1]}-{K}-{X.shape[1]}, batch {batch}, {solver}, {dtype}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fit_ours, fit_theirs = (lambda m=ours, X=X: m.fit(X)), (lambda m=theirs, X=X: m.fit(X, X))
            rows.append(beside(what, fit_ours, fit_theirs, seconds=1.5 if quick else 4))
    return rows


def per_sample(quick):
    """Return rows: a step written as a loop over samples / npae's step."""
    cases = [Case(size) for size in (("64-25-64",) if quick else ("64-25-64", "784-500-784"))]
    return [
        beside(f"step, {case.size}, SGD, float32, sample by sample", npae_step(case), peers.per_sample_step(case),
               seconds=1 if quick else 4) for case in cases
    ]  # fmt: skip


def memory(quick):
    """Return rows: peak of a fit with Adam over data + 4 P numbers (theta, grad, m, v), and what one step allocates."""
    X = np.random.default_rng(0).random((2000 if quick else 10_000, 784), dtype=np.float32)
    model = npae.Autoencoder(500, max_iter=2, random_state=0)
    model.fit(X[:256])  # imports done
    peak = _traced(lambda: model.fit(X)) + X.nbytes
    P, MB = model.network_.theta.nbytes, 2**20
    step = npae_step(Case("784-500-784", optimizer="Adam"))
    step()
    return [
        [f"peak memory of a fit, 784-500-784, Adam, float32, N = {len(X)}", f"{peak / (X.nbytes + 4 * P):.2f} x (data "
         "+ 4 P)", f"{peak / MB:.1f} MB", f"data {X.nbytes / MB:.1f} MB, P {P / MB:.1f} MB"],
        ["allocated by one step", f"{_traced(step) / 1024:.1f} kB", "", ""],
    ]  # fmt: skip


def _traced(f):
    tracemalloc.start()
    f()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def main(quick=False):
    """Return Markdown tables."""
    rows = mlp_fits(quick) + per_sample(quick)
    return table(HEADER, rows) + "\n" + table(["memory", "ratio", "npae", ""], memory(quick))
