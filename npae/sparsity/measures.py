"""Measures of a sparse code: active units per sample, dead units, and the variance that the code leaves unexplained.

`model` is a Network or a fitted estimator; X is (N, D). A unit is active on a sample if |h| > threshold. A threshold
of 0 is right for codes with exact zeros (TopK, ReLU); a sigmoid is never 0 and a tanh almost never, so that they need
a threshold such as 0.1. Every function raises ValueError for a model that is not fitted and if X is not a finite
(N, D) array.
"""

import numpy as np

from npae.objective.network import checked_inputs
from npae.validation import check_number, check_varies


def l0(model, X, threshold=0.0):
    """Return the number of units that are active on each sample, (N,): the '0-norm' of the code."""
    return _active(model, X, threshold, "l0").sum(axis=1)


def mean_activation(model, X):
    """Return the mean of every unit's h over the samples, (K,): rho_hat of a code in (0, 1)."""
    return _code(model, X, "mean_activation").mean(axis=0)


def density(model, X, threshold=0.0):
    """Return the fraction of samples on which each unit is active, (K,) in [0, 1]."""
    return _active(model, X, threshold, "density").mean(axis=0)


def density_histogram(model, X, threshold=0.0, *, n_bins=20):
    """Return (counts, edges, n_dead), a histogram of the units' density in n_bins equal steps of its logarithm.

    edges (n_bins + 1,) go from 1 / N, active on one sample, to 1. n_dead counts the units that are active on no sample,
    whose logarithm does not exist. Bricken et al. (2023), Towards monosemanticity, find two separate groups: units that
    respond to a feature and units that are almost never active.
    """
    check_number(n_bins, "n_bins", "density_histogram", low=1, integer=True)
    active = _active(model, X, threshold, "density_histogram")
    n_active = active.sum(axis=0)
    edges = np.logspace(-np.log10(max(len(active), 2)), 0, n_bins + 1)
    edges[0], edges[-1] = min(edges[0], 1 / len(active)), 1
    counts = np.histogram(n_active[n_active > 0] / len(active), edges)[0]
    return counts, edges, int((n_active == 0).sum())


def dead_units(model, X, threshold=0.0):
    """Return the numbers of the units that are active on no sample, ascending."""
    return np.flatnonzero(~_active(model, X, threshold, "dead_units").any(axis=0))


def unexplained_variance(model, X):
    """The fraction of variance unexplained: sum_n ||x_n - x^_n||^2 / sum_n ||x_n - mean||^2.

    0 for a perfect copy, 1 if every reconstruction is the mean; more is possible. Raises ValueError if X has no
    variance.
    """
    network, X = checked_inputs(model, X, "unexplained_variance")
    total = check_varies(X, "unexplained_variance")
    return float(np.square(network.reconstruct(X) - X).sum(dtype=np.float64) / total)


def top_samples(model, X, n=8):
    """Return the indices (K, n) of the n samples with the largest h for each unit, descending; ties by index."""
    h = _code(model, X, "top_samples")
    check_number(n, "n", "top_samples", low=1, high=len(h), integer=True)
    return np.argsort(-h, axis=0, kind="stable")[:n].T


def frontier(models, X, threshold=0.0):
    """Return {name: (mean l0, fraction of variance unexplained)} for a dict name -> model: sparsity against error."""
    return {name: (l0(m, X, threshold).mean().item(), unexplained_variance(m, X)) for name, m in models.items()}


def _code(model, X, owner):
    network, X = checked_inputs(model, X, owner)
    return network.encode(X)


def _active(model, X, threshold, owner):
    check_number(threshold, "threshold", owner)
    return np.abs(_code(model, X, owner)) > threshold
