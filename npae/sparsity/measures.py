"""How sparse is a code, which units work, and what does the sparsity cost?

`model` is a Network, or what holds one as `network_`; X is (N, D). A unit is active on a sample where |h| > threshold:
0 suits codes that have exact zeros (TopK, ReLU); a sigmoid is never 0 and a tanh hardly ever, so that they ask for a
threshold such as 0.1. Every function raises ValueError for a model that is not fitted and for X that is no finite
(N, D) array.
"""

import numpy as np

from npae.objective.network import network_of
from npae.validation import check_array, check_number, check_varies


def l0(model, X, threshold=0.0):
    """The number of units that are active on each sample, (N,) whole numbers: the '0-norm' of the code."""
    return _active(model, X, threshold, "l0").sum(axis=1)


def mean_activation(model, X):
    """The mean of every unit's h over the samples, (K,): rho_hat of a code in (0, 1)."""
    return _code(model, X, "mean_activation").mean(axis=0)


def density(model, X, threshold=0.0):
    """The part of the samples on which every unit is active, (K,) in [0, 1]."""
    return _active(model, X, threshold, "density").mean(axis=0)


def density_histogram(model, X, threshold=0.0, *, n_bins=20):
    """(counts, edges, n_dead): how many units have which density, in n_bins equal steps of its logarithm.

    edges (n_bins + 1,) run from 1 / N, active on one sample, to 1; the n_dead units that are active on none have no
    logarithm and are counted apart. Bricken et al. (2023), Towards monosemanticity, where two such heaps, far apart,
    tell units that answer to something from units that hardly ever do.
    """
    check_number(n_bins, "n_bins", "density_histogram", low=1, integer=True)
    active = _active(model, X, threshold, "density_histogram")
    times = active.sum(axis=0)
    edges = np.logspace(-np.log10(max(len(active), 2)), 0, n_bins + 1)
    edges[0], edges[-1] = min(edges[0], 1 / len(active)), 1
    counts = np.histogram(times[times > 0] / len(active), edges)[0]
    return counts, edges, int((times == 0).sum())


def dead_units(model, X, threshold=0.0):
    """The units that are active on no sample, their numbers in ascending order."""
    return np.flatnonzero(~_active(model, X, threshold, "dead_units").any(axis=0))


def unexplained_variance(model, X):
    """The fraction of variance unexplained: sum_n ||x_n - x^_n||^2 / sum_n ||x_n - mean||^2.

    0 for a perfect copy, 1 for answering the mean whatever comes; more is possible. Raises ValueError where X has no
    variance.
    """
    network, X = _check(model, X, "unexplained_variance")
    total = check_varies(X, "unexplained_variance")
    return float(np.square(network.reconstruct(X) - X).sum(dtype=np.float64) / total)


def top_samples(model, X, n=8):
    """Which samples a unit answers to most: (K, n) indices of X, by falling h, of equal values the first."""
    h = _code(model, X, "top_samples")
    check_number(n, "n", "top_samples", low=1, high=len(h), integer=True)
    return np.argsort(-h, axis=0, kind="stable")[:n].T


def frontier(models, X, threshold=0.0):
    """What sparsity costs: for a dict name -> model, a dict name -> (mean l0, fraction of variance unexplained)."""
    return {
        name: (float(l0(model, X, threshold).mean()), unexplained_variance(model, X)) for name, model in models.items()
    }


def _check(model, X, owner):
    network = network_of(model, owner)
    n_features = network.encoder.layers[0].n_in
    return network, check_array(X, owner=owner, dtype=network.theta.dtype, n_features=n_features)


def _code(model, X, owner):
    network, X = _check(model, X, owner)
    return network.encode(X)


def _active(model, X, threshold, owner):
    check_number(threshold, "threshold", owner)
    return np.abs(_code(model, X, owner)) > threshold
