"""A whole fit beside scikit-learn's MLPRegressor, a step beside per-sample NumPy, and peak memory."""

import tracemalloc
import warnings

import numpy as np

import npae
from benchmarks import peers
from benchmarks.cases import Case, npae_step
from benchmarks.report import cell, table
from benchmarks.timing import interleave


def mlp_fits(*, quick=False):
    """Rows: MLPRegressor / npae for the same sizes, batch, optimizer, epochs and dtype, digits and MNIST images."""
    if not peers.installed("sklearn"):
        return [["MLPRegressor", "not installed: pip install 'npae[bench]'", "", ""]]
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    digits, mnist = npae.datasets.load_digits().data, npae.datasets.load_mnist_5k().data
    fits = [("digits", digits, 25, 100, 5 if quick else 20)]
    fits += [] if quick else [("MNIST, 5,000 images", mnist, 500, 128, 2)]
    rows = []
    for name, data, K, batch, epochs in fits:
        for optimizer in ("SGD", "Adam"):
            for dtype in ("float32", "float64"):
                X = data.astype(dtype)
                ours = npae.Autoencoder(
                    K, optimizer=npae.SGD(0.01) if optimizer == "SGD" else npae.Adam(), batch_size=batch,
                    max_iter=epochs, tol=0, n_iter_no_change=epochs + 1, random_state=0,
                )  # fmt: skip
                theirs = MLPRegressor(
                    hidden_layer_sizes=(K,), activation="logistic", solver=optimizer.lower(), alpha=0, momentum=0,
                    batch_size=batch,
                    learning_rate_init=0.01 if optimizer == "SGD" else 1e-3, max_iter=epochs, tol=0,
                    n_iter_no_change=epochs + 1, random_state=0,
                )  # fmt: skip
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    fs = {"npae": lambda ours=ours, X=X: ours.fit(X), "MLP": lambda t=theirs, X=X: t.fit(X, X)}
                    t = interleave(fs, seconds=1.5 if quick else 4)
                what = f"fit, {name}, {X.shape[1]}-{K}-{X.shape[1]}, batch {batch}, {optimizer}, {dtype}"
                rows.append([what, cell(t["npae"].ratio(t["MLP"]), mark=True), _ms(t["npae"]), _ms(t["MLP"])])
    return rows


def per_sample(*, quick=False):
    """Rows: a step written as a loop over samples / npae's step."""
    rows = []
    for size in ("64-25-64",) if quick else ("64-25-64", "784-500-784"):
        case = Case(size)
        t = interleave({"npae": npae_step(case), "loop": peers.per_sample_step(case)}, seconds=1 if quick else 4)
        rows.append([f"step, {size}, SGD, float32, sample by sample", cell(t["npae"].ratio(t["loop"])),
                     _ms(t["npae"]), _ms(t["loop"])])  # fmt: skip
    return rows


def memory(*, quick=False):
    """Rows: peak of a fit with Adam over data + 4 P numbers (theta, grad, m, v), and what one step allocates."""
    X = np.random.default_rng(0).random((2000 if quick else 10_000, 784), dtype=np.float32)
    model = npae.Autoencoder(500, max_iter=2, random_state=0)
    model.fit(X[:256])  # imports done
    tracemalloc.start()
    model.fit(X)
    peak = tracemalloc.get_traced_memory()[1] + X.nbytes
    tracemalloc.stop()
    P = model.network_.theta.nbytes
    step = npae_step(Case("784-500-784", optimizer="Adam"))
    step()
    tracemalloc.start()
    step()
    allocated = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return [
        [f"peak memory of a fit, 784-500-784, Adam, float32, N = {len(X)}",
         f"{peak / (X.nbytes + 4 * P):.2f} x (data + 4 P)",
         f"{peak / 2**20:.1f} MB", f"data {X.nbytes / 2**20:.1f} MB, P {P / 2**20:.1f} MB"],
        ["allocated by one step", f"{allocated / 1024:.1f} kB", "", ""],
    ]  # fmt: skip


def main(*, quick=False):
    """Markdown tables."""
    header = ["what", "peer / npae", "npae", "peer"]
    return table(header, mlp_fits(quick=quick) + per_sample(quick=quick)) + "\n" + table(
        ["memory", "ratio", "npae", ""], memory(quick=quick)
    )  # fmt: skip


def _ms(timing):
    return f"{1e3 * timing.median:.3g} ms"
