"""A mixture of Gaussians: the code is the component, and the responsibilities are the encoder."""

import numpy as np

from npae.generative.latent_model import LatentModel
from npae.objective.distributions import LOG_2PI
from npae.validation import check_number, check_squares


class MixtureOfGaussians(LatentModel):
    """p(x) = sum_k w_k N(x; m_k, diag v_k), by expectation maximization.

    As an autoencoder: the encoder is r_k = p(k | x), a softmax of quadratic functions of x; the decoder, for the
    one-hot code, is row k of the means; L = -E_q[log N(x; m_k, v_k)], Omega = KL(r || w). Their sum is -log p(x).

    n_components K; max_iter; tol: the iteration ends when the likelihood rises by less, in nats per sample;
    min_variance is added to every v_kd, because a component on a single sample would have variance 0. The first means
    are the best of 10 draws of K samples. `transform` returns the responsibilities, `reconstruct` their mean of x.
    Bishop (2006), sections 9.2 and 9.4.
    """

    fitted_attribute = "means_"

    def __init__(self, n_components=10, *, max_iter=200, tol=1e-6, min_variance=1e-3, random_state=None):
        self.n_components, self.max_iter, self.tol = n_components, max_iter, tol
        self.min_variance, self.random_state = min_variance, random_state

    def fit(self, X, y=None):
        """Maximize the likelihood of X (N, D); `loss_curve_` is the negative likelihood per iteration. y is ignored."""
        x = self._prepare(self._check_fit(X))
        check_number(self.n_components, "n_components", "MixtureOfGaussians", low=1, high=len(x), integer=True)
        check_number(self.min_variance, "min_variance", "MixtureOfGaussians")
        rng = np.random.default_rng(self.random_state)
        starts = [x[rng.choice(len(x), self.n_components, replace=False)] for _ in range(10)]
        K, log_v = self.n_components, np.log(x.var(axis=0) + self.min_variance)
        self.log_variances_, self.logits_ = np.tile(log_v, (K, 1)), np.zeros(K, x.dtype)
        self.means_ = max(starts, key=lambda means: _log_sum(self._log_joint(x, means)).mean()).copy()
        self.loss_curve_ = []
        for _ in range(self.max_iter):
            log_joint = self._log_joint(x, self.means_)
            log_p = _log_sum(log_joint)
            self.loss_curve_.append(float(-log_p.mean()))
            if len(self.loss_curve_) > 1 and self.loss_curve_[-2] - self.loss_curve_[-1] < self.tol:
                break
            self._maximize(np.exp(log_joint - log_p), x)
        self.n_iter_ = len(self.loss_curve_)
        return self

    def _maximize(self, r, x):
        """Set means, variances and weights to the maximum for responsibilities r (N, K)."""
        counts = r.sum(axis=0)[:, None] + 10 * np.finfo(x.dtype).tiny
        centre = self.means_.mean(axis=0)
        x = x - centre
        means = r.T @ x / counts
        variances = np.maximum(r.T @ (x * x) / counts - means**2, 0) + self.min_variance
        self.means_ = centre + means
        self.log_variances_, self.logits_ = np.log(variances), np.log(counts[:, 0] / len(x))

    def _log_joint(self, x, means):
        """log w_k + log N(x_n; m_k, diag v_k), (N, K)."""
        centre = means.mean(axis=0)  # far from 0, x^2 - 2 x m + m^2 would cancel
        x, means, precision = x - centre, means - centre, np.exp(-self.log_variances_)
        squares = (x * x) @ precision.T - 2 * x @ (means * precision).T + (means**2 * precision).sum(axis=1)
        log_w = self.logits_ - np.logaddexp.reduce(self.logits_)
        return log_w - 0.5 * (squares + self.log_variances_.sum(axis=1) + x.shape[1] * LOG_2PI)

    @property
    def weights_(self):
        """w (K,), positive, with sum 1."""
        self._check_fitted("means_")
        return np.exp(self.logits_ - np.logaddexp.reduce(self.logits_))

    def _encode(self, x):
        log_joint = self._log_joint(x, self.means_)
        return np.exp(log_joint - _log_sum(log_joint))

    def _decode(self, h):
        return h @ self.means_

    def _log_likelihood(self, x):
        return _log_sum(self._log_joint(x, self.means_))[:, 0]

    def _parts(self, x):
        log_joint = self._log_joint(x, self.means_)
        log_r, log_w = log_joint - _log_sum(log_joint), np.log(self.weights_)
        r = np.exp(log_r)
        return -(r * (log_joint - log_w)).sum(axis=1), (r * (log_r - log_w)).sum(axis=1)

    def sample(self, n, rng=None):
        """Draw n samples (n, D) of the mixture; rng is a Generator or a seed."""
        weights, rng = self.weights_, np.random.default_rng(rng)
        k = rng.choice(len(weights), size=n, p=weights)
        return self.means_[k] + np.exp(self.log_variances_[k] / 2) * rng.standard_normal((n, self.means_.shape[1]))

    def _prepare(self, x):
        return check_squares(x, "MixtureOfGaussians")


def _log_sum(log_joint):
    """log sum_k exp(log_joint_nk), (N, 1)."""
    return np.logaddexp.reduce(log_joint, axis=1, keepdims=True)
