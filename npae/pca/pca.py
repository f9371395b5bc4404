"""Principal component analysis."""

import math
from typing import Any

import numpy as np

from npae.base import Estimator
from npae.pca.moments import principal_directions
from npae.validation import check_array, check_finite, check_flag, check_number


class PCA(Estimator):
    """Principal directions V_k of centred data, and the Gaussian model they maximize the likelihood of.

        X - mean = U diag(sigma) V,    h = (x - mean) V_k^T,    x^ = mean + h V_k
        explained_variance_ = sigma^2 / (N - 1),    noise_variance_ = mean of the others
        p(x) = N(x | mean, C),    C = V_k^T diag(explained_variance_ - noise_variance_) V_k + noise_variance_ I

    Shapes and names are scikit-learn's: X (N, D), components_ (k, D), mean_ (D,). Signs are fixed: the entry of largest
    magnitude of each direction is positive.

    n_components   k; None keeps min(N, D); a float in (0, 1) keeps the fewest that explain more than this
                   part of the variance.
    whiten         True or "pca": h_i / sqrt(var_i + eps); "zca": the same times V_k, (N, D), the whitening that changes
                   x least: patches stay patches. With eps = 0 a direction without variance is whitened to 0.
                   Bell and Sejnowski (1997), The independent components of natural scenes are edge filters.
    solver         "svd", "covariance", or "auto", the cheaper one: see `npae.pca.moments.spectrum`.
    maximum_likelihood   False divides as scikit-learn does, by N - 1 and, for the noise, by min(N, D) - k. True
                   divides by N and D - k: then (mean_, C) is the exact maximum of the likelihood.

    Every method raises ValueError or TypeError for bad parameters or data, and ValueError on overflow.
    Tipping and Bishop (1999), JRSS B 61.
    """

    def __init__(self, n_components=None, *, whiten=False, eps=0.0, solver="auto", maximum_likelihood=False):
        self.n_components, self.whiten, self.eps = n_components, whiten, eps
        self.solver, self.maximum_likelihood = solver, maximum_likelihood

    def fit(self, X, y=None):
        """Compute mean, directions and variances of X (N, D); y is ignored."""
        x = self._check_fit(X)
        check_flag(self.maximum_likelihood, "maximum_likelihood", "PCA")
        if self.whiten not in (False, True, "pca", "zca"):
            raise ValueError(f"PCA: got whiten={self.whiten!r}, expected False, True, 'pca' or 'zca'")
        check_number(self.eps, "eps", "PCA")
        mean, s, V, rounding = principal_directions(x, self.solver)
        (N, D), m = x.shape, len(s)
        divisor = N if self.maximum_likelihood else max(N - 1, 1)  # one sample has variance 0, not 0 / 0
        with np.errstate(over="ignore"):  # reported in words
            variance, total = check_finite((s * (N / divisor), s.sum()), "the variance", "PCA")
            ratio = s / total if s[0] > 0 else np.zeros_like(s)
            k = self._width(ratio)
            left = (D if self.maximum_likelihood else m) - k
            noise = float(variance[k:].sum() / left) if left else 0.0
        self.mean_, self.n_samples_, self.n_components_ = mean, N, k
        self.components_ = V[:k].copy()
        self.explained_variance_ = variance[:k].copy()
        self.explained_variance_ratio_ = ratio[:k].copy()
        self.singular_values_ = math.sqrt(N) * np.sqrt(s[:k])
        self.noise_variance_ = noise
        self.rounding_ = rounding * N / divisor
        return self

    def _width(self, ratio):
        k: Any = self.n_components
        m = len(ratio)
        if k is None:
            return m
        if isinstance(k, (float, np.floating)):
            check_number(k, "n_components", "PCA", high=1.0, include_high=False)
            if k > 0:
                return min(int(np.searchsorted(np.cumsum(ratio), k, side="right")) + 1, m)
        check_number(k, "n_components", "PCA", high=m, integer=True)
        return int(k)

    def _scale(self):
        """sqrt(var + eps) (k,); infinity instead of 0, so that the quotient is 0."""
        variance = np.where(self.explained_variance_ > self.rounding_, self.explained_variance_, 0)
        scale = np.sqrt(variance + variance.dtype.type(self.eps))
        return np.where(scale > 0, scale, np.inf).astype(scale.dtype)

    def _check(self, X):
        self._check_fitted("components_")
        return self._check_fit(X, reset=False)

    @property
    def _n_features_out(self):
        return self.n_features_in_ if self.whiten == "zca" else self.n_components_

    def transform(self, X):
        """Return the codes (N, k) of X (N, D); with ZCA (N, D)."""
        x = self._check(X)
        with np.errstate(over="ignore", invalid="ignore"):  # reported in words
            h = x @ self.components_.T
            h -= self.mean_ @ self.components_.T  # centred after the projection: no centred copy of X is made
            if self.whiten:
                h /= self._scale()
            h = h @ self.components_ if self.whiten == "zca" else h
        return self._wrap_output(check_finite(h, "the code", "PCA"), X)

    def inverse_transform(self, H):
        """Return the points (N, D) whose transform is H (N, k); with ZCA H is (N, D)."""
        self._check_fitted("components_")
        if self.n_components_ == 0 and self.whiten != "zca":
            return np.tile(self.mean_, (len(H), 1))
        h = check_array(H, name="H", owner="PCA", n_features=self._n_features_out)
        with np.errstate(over="ignore", invalid="ignore"):  # reported in words
            if self.whiten == "zca":
                h = h @ self.components_.T
            if self.whiten:
                scale = self._scale()
                h = h * np.where(np.isinf(scale), 0, scale)
            return check_finite(h @ self.components_ + self.mean_, "the reconstruction", "PCA")

    def reconstruct(self, X):
        """x^ = mean + (x - mean) V_k^T V_k (N, D), whitened or not: the best k-dimensional affine approximation."""
        x = self._check(X)
        with np.errstate(over="ignore", invalid="ignore"):  # reported in words
            x_hat = (x - self.mean_) @ self.components_.T @ self.components_ + self.mean_
        return check_finite(x_hat, "the reconstruction", "PCA")

    def score_samples(self, X):
        """log p(x_n) (N,) in nats under probabilistic PCA, h the code before whitening.

            -1/2 [D log 2 pi + sum_i log s_i + (D - k) log s2 + sum_i h_i^2 / s_i + ||x - x^||^2 / s2]

        with s_i = max(explained_variance_, s2), s2 = noise_variance_. Raises ValueError if C is singular, because then
        there is no density. Tipping and Bishop (1999), section 3.
        """
        x = self._check(X)
        D, k, s2 = self.n_features_in_, self.n_components_, self.noise_variance_
        s = np.maximum(self.explained_variance_, s2)
        if (k < D and s2 <= self.rounding_) or (k and s[-1] <= self.rounding_):
            rank = int(np.count_nonzero(self.explained_variance_ > self.rounding_))
            expected = f"expected n_components below the rank of the data, here at most {max(rank - 1, 0)}"
            raise ValueError(f"PCA: got {k} components and noise variance {s2:.3g} for {D} features: the covariance is "
                             f"singular and has no density, {expected}")  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):  # reported in words
            centred = x - self.mean_
            h = centred @ self.components_.T
            log_p = (h**2 / s).sum(axis=1) + float(np.log(s).sum() + D * np.log(2 * np.pi))
            if k < D:
                log_p += ((centred - h @ self.components_) ** 2).sum(axis=1) / s2 + float((D - k) * np.log(s2))
        return check_finite(-log_p / 2, "the density", "PCA")

    def score(self, X, y=None):
        """Return the mean of log p(x_n) over X, in nats."""
        return float(self.score_samples(X).mean())

    def get_covariance(self):
        """Return C (D, D), the covariance of the Gaussian model."""
        s = np.maximum(self.explained_variance_ - self.noise_variance_, 0)
        return (self.components_.T * s) @ self.components_ + self.noise_variance_ * np.eye(self.n_features_in_)
