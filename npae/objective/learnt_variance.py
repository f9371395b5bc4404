"""Where a decoder puts out more than a mean: a variance that is learnt, shared by all samples or not."""

from typing import Any

import numpy as np

from npae.objective.activations import Identity
from npae.objective.layers import Dense
from npae.objective.pending import Pending
from npae.validation import check_number


class LearntVariance:
    """h = (x, b): x (N, D) beside a log variance that is a parameter, b (D,), or (1,) for all features: h (N, 2 D).

    dx = the first half of dh, db = the second summed over samples (and over features for one b). It goes last in a
    decoder whose loss is `Gaussian("features")` or `Gaussian("shared")`. `start` is the variance to begin with.
    """

    parameters: tuple[str, ...] = ("b",)
    activation = Identity()

    def __init__(self, n_features, *, per_feature=True, start=1.0):
        check_number(n_features, "n_features", "LearntVariance", low=1, integer=True)
        self.n_in, self.n_out = int(n_features), 2 * int(n_features)
        self.b = np.full(n_features if per_feature else 1, np.log(start))
        self.db = np.zeros_like(self.b)
        self.x: Any = None
        self.h: Any = None
        self.pending = Pending()

    def forward(self, x):
        """(x, log variance) (N, 2 D)."""
        self.x, self.pending = x, Pending()
        self.h = np.empty((len(x), self.n_out), np.result_type(x, self.b))
        self.h[:, : self.n_in] = x
        self.h[:, self.n_in :] = self.b
        return self.h

    def backward(self, dh):
        """dx (N, D), leaving db."""
        if self.pending.dh is not None:
            dh = dh + self.pending.dh
        right = dh[:, self.n_in :]
        self.db[...] = right.sum(axis=0) if self.b.size == self.n_in else right.sum()
        return dh[:, : self.n_in]

    _gradients = backward

    def __getstate__(self):
        return self.__dict__ | {"x": None, "h": None, "pending": Pending()}

    def __repr__(self):
        return f"LearntVariance({self.n_in}, per_feature={self.b.size == self.n_in})"


def begin_with_variance_of(network, X):
    """Set the log variances of a LearntVariance to those of the data X (N, D): what a constant reconstruction has."""
    last = network.decoder.layers[-1]
    if isinstance(last, LearntVariance):
        variance = np.maximum(X.var(axis=0, dtype=np.float64), 1e-6)
        last.b[:] = np.log(variance if last.b.size == last.n_in else variance.mean())


def with_outputs(decoder, loss, n_features, rng=None):
    """The layers of a decoder with D outputs, changed so that it puts out all that the loss asks for.

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
