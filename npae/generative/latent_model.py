"""The base of the generative estimators: the code of X, the data of a code, the score, and (L, Omega)."""

from typing import Any

import numpy as np

from npae.base import Estimator


class LatentModel(Estimator):
    """An estimator that defines `_encode(x)` -> (N, K), `_decode(h)` -> (N, D), `_parts(x)` -> (L, Omega), each (N,).

    `fitted_attribute` is the attribute that `fit` sets last.
    """

    fitted_attribute = "model_"
    _encode: Any
    _decode: Any
    _parts: Any

    def transform(self, X):
        """Return the code of X, (N, K)."""
        x = self._check(X)
        return self._wrap_output(self._encode(x).astype(x.dtype, copy=False), X)

    def inverse_transform(self, H):
        """Return the means of x for codes H (N, K), (N, D)."""
        self._check_fitted(self.fitted_attribute)
        return self._decode(np.asarray(H))

    def reconstruct(self, X):
        """decode(encode(x)), (N, D)."""
        x = self._check(X)
        return self._decode(self._encode(x)).astype(x.dtype, copy=False)

    def score_samples(self, X):
        """-(L + Omega) in nats, (N,): log p(x_n), or its lower bound if q is not the exact posterior."""
        return self._log_likelihood(self._check(X))

    def score(self, X, y=None):
        """Return the mean of `score_samples` over X (N, D); y is ignored."""
        return float(self._log_likelihood(self._check(X)).mean())

    def parts(self, X):
        """Return (L, Omega), means over X in nats, whose sum is -score(X)."""
        L, omega = self._parts(self._check(X))
        return float(L.mean()), float(omega.mean())

    def _log_likelihood(self, x):
        return -sum(self._parts(x))

    def _check(self, X):
        self._check_fitted(self.fitted_attribute)
        return self._prepare(self._check_fit(X, reset=False))

    def _prepare(self, x):
        """Return checked data x (N, D) in the form that the other methods take."""
        return x
