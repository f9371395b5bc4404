"""The classical exercise of sparse autoencoders: edges from patches of photographs, pen strokes from digits.

Ng (2011), CS294A lecture notes: sigmoid units, squared error, weight decay, KL sparsity, L-BFGS on all samples.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae import sparsity
from npae.datasets import load_mnist_5k, load_patches, normalize_patches
from npae.objective.activations import Sigmoid
from npae.objective.layers import Dense
from npae.objective.network import Network
from npae.objective.penalties import KLSparsity, WeightDecay
from npae.pca import PCA
from npae.pca.lbfgs import lbfgs
from npae.training.optimizers import Adam
from npae.training.schedules import Cosine


@dataclass(frozen=True)
class Exercise:
    """What the exercise asks for: sizes and strengths, and the criterion that its filters are held against."""

    widths: tuple[int, int]
    rho: float
    lam: float
    beta: float
    most_spread: float
    image_shape: tuple[int, int]


EDGES = Exercise((64, 25), rho=0.01, lam=1e-4, beta=3.0, most_spread=0.85, image_shape=(8, 8))
STROKES = Exercise((784, 196), rho=0.1, lam=3e-3, beta=3.0, most_spread=0.25, image_shape=(28, 28))


@dataclass(frozen=True)
class Result:
    """A trained exercise: the network, its data, filters by name as rows (n, D), and how training ended."""

    exercise: Exercise
    network: Network
    X: np.ndarray
    filters: dict[str, np.ndarray]
    how: str
    value: float

    @property
    def mean_activation(self):
        """rho_hat (K,) on the training data."""
        return sparsity.mean_activation(self.network, self.X)

    def criteria(self):
        """name -> (spread (n,), coherence (n,), how many filters are localized and oriented)."""
        shape, most = self.exercise.image_shape, self.exercise.most_spread
        return {
            name: (
                sparsity.spread(rows, shape),
                sparsity.coherence(rows, shape),
                int(sparsity.localized_and_oriented(rows, shape, most_spread=most).sum()),
            )
            for name, rows in self.filters.items()
        }


def edge_patches(n=10_000, *, seed=0):
    """The exercise's data: 8 x 8 patches of whitened photographs, squeezed into [0.1, 0.9]."""
    return normalize_patches(load_patches(n, whitened=True, rng=seed).data)


def exercise_network(exercise, *, seed=0):
    """D-K-D at the exercise's start: weights uniform in +-sqrt(6 / (D + K + 1)), biases at zero."""
    (D, K), rng = exercise.widths, np.random.default_rng(seed)
    network = Network(
        [Dense(D, K, Sigmoid())],
        [Dense(K, D, Sigmoid())],
        penalties=[WeightDecay(exercise.lam), KLSparsity(exercise.beta, exercise.rho)],
    )
    limit = np.sqrt(6 / (D + K + 1))
    for layer in (network.encoder.layers[0], network.decoder.layers[0]):
        layer.W[:] = rng.uniform(-limit, limit, layer.W.shape)
    return network


def solve(exercise, X, *, max_iter=400, seed=0):
    """Train by L-BFGS on all of X, or, where SciPy is not there, by three times as many steps of Adam, and say so."""
    network = exercise_network(exercise, seed=seed)
    try:
        result = lbfgs(network, X, max_iter=max_iter, gtol=1e-9)
        how, value = f"{result.n_iter} iterations of L-BFGS", result.value
    except ImportError:
        n_steps = 3 * max_iter
        step = Adam(Cosine(3e-2, n_steps)).start(network.theta)
        for _ in range(n_steps):
            network.value_and_grad(X)
            step(network.grad)
        how, value = f"{n_steps} steps of Adam, because L-BFGS needs SciPy: pip install 'npae[lbfgs]'", network.value(X)
    return Result(exercise, network, X, _filters(exercise, network, X, seed), how, value)


def _filters(exercise, network, X, seed):
    """The encoder's filters, PCA's, and random ones with the spread of the data; all without their mean where it is."""
    K = exercise.widths[1]
    random = np.random.default_rng(seed).standard_normal((K, X.shape[1])) * X.std(axis=0)
    rows: dict[str, Any] = {
        "learnt": network.encoder.layers[0].W.T.copy(),
        "PCA": PCA(min(K, len(X) - 1)).fit(X).components_,
        "random": random,
    }
    if exercise is EDGES:  # patches lost their means, so that a constant in a filter does nothing
        rows = {name: W - W.mean(axis=1, keepdims=True) for name, W in rows.items()}
    return rows


def edges(n=10_000, *, max_iter=400, seed=0):
    """64-25-64 on 10,000 patches: rho 0.01, lambda 1e-4, beta 3, 400 iterations."""
    return solve(EDGES, edge_patches(n, seed=seed), max_iter=max_iter, seed=seed)


def strokes(n=5000, *, max_iter=400, seed=0):
    """784-196-784 on MNIST images: rho 0.1, lambda 3e-3, beta 3, 400 iterations; some minutes."""
    return solve(STROKES, load_mnist_5k().data[:n], max_iter=max_iter, seed=seed)
