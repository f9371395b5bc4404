"""Cases of the step benchmarks: networks, objectives and optimizers, npae's step, and its matrix products alone."""

from dataclasses import dataclass

import numpy as np

import npae

SIZES = {  # name -> widths D, K_1, ..., K_L and samples in a minibatch
    "64-25-64": ((64, 25), 100),
    "784-196-784": ((784, 196), 1000),
    "784-500-784": ((784, 500), 128),
    "784-1000-784 (20)": ((784, 1000), 20),
    "784-1000-784 (100)": ((784, 1000), 100),
    "784-1000-500-250-30": ((784, 1000, 500, 250, 30), 256),
}
KINDS = ("plain", "denoising", "KL", "contractive")
LR, SIGMA, BETA, RHO, LAM = 1e-3, 0.1, 0.1, 0.05, 1e-3


@dataclass(frozen=True)
class Case:
    """One cell of the table: sigmoid layers, the last one linear (or sigmoid), squared error."""

    size: str
    kind: str = "plain"
    optimizer: str = "SGD"
    dtype: str = "float32"
    output: str = "identity"

    @property
    def widths(self):
        return SIZES[self.size][0]

    @property
    def layers(self):
        """Return (inputs, outputs) of every layer: the encoder's, then their mirror images."""
        there = list(zip(self.widths, self.widths[1:]))
        return there + [(b, a) for a, b in reversed(there)]

    def batch(self):
        """Return x (N, D), uniform in [0, 1)."""
        return np.random.default_rng(0).random((SIZES[self.size][1], self.widths[0])).astype(self.dtype)

    def weights(self):
        """Return one W per layer, the same for every library."""
        rng = np.random.default_rng(1)
        return [(rng.standard_normal(shape) / shape[0] ** 0.5).astype(self.dtype) for shape in self.layers]


def network(case, npae=npae):
    """Return the network of the case, built with this package or with another copy of it."""
    depth, last = len(case.widths) - 1, len(case.layers) - 1
    penalties = {"KL": [npae.KLSparsity(BETA, RHO)], "contractive": [npae.Contractive(LAM)]}.get(case.kind, [])
    layers = []
    for i, ((D, K), W) in enumerate(zip(case.layers, case.weights())):
        linear = i == last and case.output == "identity"
        layers.append(npae.Dense(D, K, npae.Identity() if linear else npae.Sigmoid(), rng=0))
        layers[-1].W = W
    return npae.Network(layers[:depth], layers[depth:], penalties=penalties, dtype=case.dtype)


def npae_step(case, npae=npae):
    """The training loop's step: noise, value and gradient, update."""
    net, x = network(case, npae), case.batch()
    value_and_grad = getattr(net, "_value_and_grad", net.value_and_grad)
    step = (npae.SGD(LR) if case.optimizer == "SGD" else npae.Adam(LR)).start(net.theta)
    noise, rng, noisy = npae.GaussianNoise(SIGMA), np.random.default_rng(0), np.empty_like(x)

    def run():
        seen = noise.corrupt(x, rng, out=noisy) if case.kind == "denoising" else x
        value_and_grad(seen, x)
        step(net.grad)

    return run


def product_calls(case):
    """(a, b, out) of the step's matrix products: h = x W, dW = x^T da, and dx = da W^T except in the first layer."""
    rng, N, calls = np.random.default_rng(0), SIZES[case.size][1], []
    for i, (W, (D, K)) in enumerate(zip(case.weights(), case.layers)):
        x, da, h = (rng.standard_normal(shape).astype(case.dtype) for shape in ((N, D), (N, K), (N, K)))
        calls += [(x, W, h), (x.T, da, np.empty_like(W))]
        if i:
            calls.append((da, W.T, np.empty_like(x)))
    return calls


def multiply(product, calls):
    """A function that makes every product(a, b, out=out) of the calls."""

    def run():
        for a, b, out in calls:
            product(a, b, out=out)

    return run


def products(case):
    """The step's own matrix products and nothing else, by NumPy."""
    return multiply(np.dot, product_calls(case))
