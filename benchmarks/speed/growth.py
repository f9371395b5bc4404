"""Measure how time grows with N, D, K and the number of parameters: log-log slopes."""

import numpy as np

import npae
from benchmarks.report import ms, table
from benchmarks.timing import interleave


def _epoch(N=1024, D=256, K=128):
    X = np.random.default_rng(0).random((N, D), dtype=np.float32)
    model = npae.Autoencoder(K, optimizer=npae.SGD(1e-3), batch_size=128, random_state=0)
    return lambda: model.partial_fit(X)


def _update(P):
    theta = np.random.default_rng(0).standard_normal(P, dtype=np.float32)
    step, g = npae.Adam().start(theta), theta * 1e-3
    return lambda: step(g)


def _row(what, functions, quick):
    t = interleave(functions, seconds=1.0 if quick else 5.0, burst=0.02)
    slope = np.polyfit(np.log(list(t)), np.log([each.median for each in t.values()]), 1)[0]
    return [what, f"{slope:.2f}", f"{min(t):,} to {max(t):,}", f"{ms(t[min(t)])} to {ms(t[max(t)])}"]


def main(quick=False):
    """Return a Markdown table: the least-squares slopes of log time over log size."""
    sizes = [2**i for i in range(4 if quick else 6)]
    return table(["growth", "slope", "sizes", "time"], [
        _row("epoch in N, 256-128-256, batch 128", {1024 * s: _epoch(N=1024 * s) for s in sizes}, quick),
        _row("epoch in D, D-128-D, N = 1,024", {128 * s: _epoch(D=128 * s) for s in sizes[:5]}, quick),
        _row("epoch in K, 256-K-256, N = 1,024", {128 * s: _epoch(K=128 * s) for s in sizes[:5]}, quick),
        _row("Adam update in parameters", {2**14 * s: _update(2**14 * s) for s in sizes}, quick),
    ])  # fmt: skip
