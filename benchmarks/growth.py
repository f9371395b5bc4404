"""How time grows with N, D, K and parameters: log-log slopes."""

import numpy as np

import npae
from benchmarks.report import table
from benchmarks.timing import interleave


def slopes(*, quick=False):
    """Rows: the least-squares slope of log time over log size."""
    rng = np.random.default_rng(0)
    top = 8 if quick else 32

    def epoch(N, D=256, K=128, batch=128, optimizer=npae.SGD(1e-3)):
        X = rng.random((N, D), dtype=np.float32)
        model = npae.Autoencoder(K, optimizer=optimizer, batch_size=batch, random_state=0)
        model.partial_fit(X)
        return lambda: model.partial_fit(X)

    def update(P):
        theta = rng.standard_normal(P, dtype=np.float32)
        step, g = npae.Adam().start(theta), theta * 1e-3
        return lambda: step(g)

    sizes = [2**i for i in range(top.bit_length())]
    return [
        _row("epoch in N, 256-128-256, batch 128", {1024 * s: epoch(1024 * s) for s in sizes}, quick),
        _row("epoch in D, D-128-D, N = 1,024", {128 * s: epoch(1024, D=128 * s) for s in sizes[:5]}, quick),
        _row("epoch in K, 256-K-256, N = 1,024", {128 * s: epoch(1024, K=128 * s) for s in sizes[:5]}, quick),
        _row("Adam update in parameters", {2**14 * s: update(2**14 * s) for s in sizes}, quick),
    ]


def _row(name, functions, quick):
    timings = interleave(functions, seconds=1.0 if quick else 5.0, burst=0.02)
    x, y = np.log(list(timings)), np.log([t.median for t in timings.values()])
    slope = np.polyfit(x, y, 1)[0]
    span = f"{min(timings):,} to {max(timings):,}"
    return [name, f"{slope:.2f}", span, f"{1e3 * timings[min(timings)].median:.3g} to {1e3 * np.exp(y[-1]):.3g} ms"]


def main(*, quick=False):
    """A Markdown table."""
    return table(["growth", "slope", "sizes", "time"], slopes(quick=quick))
