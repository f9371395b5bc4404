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
from npae.training.lbfgs import lbfgs


@dataclass(frozen=True)
class Exercise:
    """The exercise's sizes, strengths of its penalties, and the largest spread of a localized filter."""

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
    """A trained exercise: the network, its data, filters by name as rows (n, D), and how it was trained."""

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
        """Return name -> (spread (n,), coherence (n,), number of localized and oriented filters)."""
        shape, most = self.exercise.image_shape, self.exercise.most_spread
        found = {}
        for name, rows in self.filters.items():
            n = int(sparsity.localized_and_oriented(rows, shape, most_spread=most).sum())
            found[name] = sparsity.spread(rows, shape), sparsity.coherence(rows, shape), n
        return found


def edge_patches(n=10_000, *, seed=0):
    """Return the exercise's data: 8 x 8 patches of whitened photographs, scaled into [0.1, 0.9]."""
    return normalize_patches(load_patches(n, whitened=True, rng=seed).data)


def exercise_network(exercise, *, seed=0):
    """Return the network D-K-D at the exercise's start: weights uniform in +-sqrt(6 / (D + K + 1)), biases at zero."""
    (D, K), rng = exercise.widths, np.random.default_rng(seed)
    penalties = [WeightDecay(exercise.lam), KLSparsity(exercise.beta, exercise.rho)]
    network = Network([Dense(D, K, Sigmoid())], [Dense(K, D, Sigmoid())], penalties=penalties)
    limit = np.sqrt(6 / (D + K + 1))
    for layer in (network.encoder.layers[0], network.decoder.layers[0]):
        layer.W[:] = rng.uniform(-limit, limit, layer.W.shape)
    return network


def solve(exercise, X, *, max_iter=400, seed=0):
    """Train the exercise's network by L-BFGS on all of X."""
    network = exercise_network(exercise, seed=seed)
    result = lbfgs(network, X, max_iter=max_iter, gtol=1e-9)
    filters = _filters(exercise, network, X, seed)
    return Result(exercise, network, X, filters, f"{result.n_iter} iterations of L-BFGS", result.value)


def _filters(exercise, network, X, seed):
    """Return filters by name: the encoder's, PCA's, and random ones with the variances of the data."""
    K = exercise.widths[1]
    rows: dict[str, Any] = {
        "learnt": network.encoder.layers[0].W.T.copy(),
        "PCA": PCA(min(K, len(X) - 1)).fit(X).components_,
        "random": np.random.default_rng(seed).standard_normal((K, X.shape[1])) * X.std(axis=0),
    }
    if exercise is EDGES:  # patches have mean 0, so a constant added to a filter changes nothing
        rows = {name: W - W.mean(axis=1, keepdims=True) for name, W in rows.items()}
    return rows


def edges(n=10_000, *, max_iter=400, seed=0):
    """Train 64-25-64 on 10,000 patches: rho 0.01, lambda 1e-4, beta 3, 400 iterations."""
    return solve(EDGES, edge_patches(n, seed=seed), max_iter=max_iter, seed=seed)


def strokes(n=5000, *, max_iter=400, seed=0):
    """Train 784-196-784 on MNIST images: rho 0.1, lambda 3e-3, beta 3, 400 iterations; some minutes."""
    return solve(STROKES, load_mnist_5k().data[:n], max_iter=max_iter, seed=seed)
