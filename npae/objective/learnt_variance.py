"""Decoders that put out more than a mean: a learnt variance, shared by all samples or not."""

from typing import Any

import numpy as np

from npae.objective.activations import Identity
from npae.objective.layer_base import Assigned, Layer
from npae.objective.layers import Dense
from npae.validation import check_number


class LearntVariance(Layer):
    """h = (x, b): x (N, D) beside a log variance that is a parameter, b (D,), or (1,) for all features: h (N, 2 D).

    dx = the first half of dh, db = the second summed over samples (and over features for one b). It goes last in a
    decoder whose loss is `Gaussian("features")` or `Gaussian("shared")`. `start` is the variance to begin with.
    """

    parameters = ("b",)
    b: Any = Assigned()
    db: Any = Assigned()

    def __init__(self, n_features, *, per_feature=True, start=1.0):
        check_number(n_features, "n_features", "LearntVariance", low=1, integer=True)
        self.n_in, self.n_out = int(n_features), 2 * int(n_features)
        super().__init__(Identity(), self.n_out)
        self.b = np.full(n_features if per_feature else 1, np.log(start))
        self.db = np.zeros_like(self.b)

    def forward(self, x):
        """Return (x, log variance) (N, 2 D)."""
        self.x, self.h = x, np.empty((len(x), self.n_out), np.result_type(x, self.b))
        self.h[:, : self.n_in] = x
        self.h[:, self.n_in :] = self.b
        return self.h

    def backward_da(self, da, need_dx=True):
        """Return dx (N, D) from da = dh (N, 2 D); leave db."""
        right = da[:, self.n_in :]
        self.db[...] = right.sum(axis=0) if self.b.size == self.n_in else right.sum()
        return da[:, : self.n_in]

    def start_at(self, variance):
        """Set the log variances to those of the data, variance (D,): the best for a constant x^."""
        variance = np.maximum(variance, 1e-6)
        self.b[:] = np.log(variance if self.b.size == self.n_in else variance.mean())

    def __repr__(self):
        return f"LearntVariance({self.n_in}, per_feature={self.b.size == self.n_in})"


def widen_decoder(decoder, loss, n_features, rng=None):
    """Return the layers of a decoder with D outputs, changed so that it puts out all that the loss needs.

    `Gaussian("shared")` and `Gaussian("features")`: a `LearntVariance` follows. Any other loss whose n_outputs(D) is
    above D: the last Dense is made wider, the new columns starting at zero.
    """
    needed = loss.n_outputs(n_features) if hasattr(loss, "n_outputs") else n_features
    if needed == n_features:
        return list(decoder)
    variance = getattr(loss, "variance", None)
    if variance in ("shared", "features"):
        return [*decoder, LearntVariance(n_features, per_feature=variance == "features")]
    last = decoder[-1]
    if type(last) is not Dense:
        raise ValueError(f"got {last!r} as the last layer with {loss!r}, expected a Dense with {needed} outputs")
    wide = Dense(last.n_in, needed, last.activation, rng=rng)
    wide.W[:] = 0
    wide.W[:, :n_features], wide.b[:n_features] = last.W, last.b
    return [*decoder[:-1], wide]
