"""A mixture of Gaussians: the code says which component, and the responsibilities are the encoder."""

import numpy as np

from npae.base import Estimator
from npae.validation import check_number, check_squares

LOG_2PI = float(np.log(2 * np.pi))


def negative_log_likelihood(means, log_variances, logits, x):
    """-1/N sum_n log sum_k w_k N(x_n; m_k, diag v_k) and its gradient, a dict like the arguments; w = softmax(logits).

    With the responsibilities r_nk:  dm_k = sum_n r_nk (m_k - x_n) / v_k / N,
    dlog v_k = sum_n r_nk (1 - (x_n - m_k)^2 / v_k) / 2N,    dlogits_k = w_k - sum_n r_nk / N.
    """
    log_joint = _log_joint(means, log_variances, logits, x)
    log_p = np.logaddexp.reduce(log_joint, axis=1)
    x, means, _ = _centred(x, means)
    r = np.exp(log_joint - log_p[:, None]) / len(x)
    counts, precision = r.sum(axis=0)[:, None], np.exp(-log_variances)
    first, second = r.T @ x, r.T @ (x * x)
    squares = second - 2 * means * first + counts * means**2
    w = np.exp(logits - np.logaddexp.reduce(logits))
    gradient = {
        "means": (counts * means - first) * precision,
        "log_variances": (counts - squares * precision) / 2,
        "logits": w - r.sum(axis=0),
    }
    return -log_p.mean(), gradient


def _centred(x, means):
    """x and the means, both less the middle of the means, and that: far from 0, x^2 - 2 x m + m^2 would cancel."""
    middle = means.mean(axis=0)
    return x - middle, means - middle, middle


def _log_joint(means, log_variances, logits, x):
    """log w_k + log N(x_n; m_k, diag v_k), (N, K)."""
    (x, means, _), precision = _centred(x, means), np.exp(-log_variances)
    squares = (x * x) @ precision.T - 2 * x @ (means * precision).T + (means**2 * precision).sum(axis=1)
    log_w = logits - np.logaddexp.reduce(logits)
    return log_w - 0.5 * (squares + log_variances.sum(axis=1) + x.shape[1] * LOG_2PI)


class MixtureOfGaussians(Estimator):
    """p(x) = sum_k w_k N(x; m_k, diag v_k), by expectation maximization.

    Seen as an autoencoder: the encoder is r_k = p(k | x), a softmax of quadratic functions of x; the decoder, for the
    one-hot code, is row k of the means; L = -E_q[log N(x; m_k, v_k)], Omega = KL(r || w). Their sum is -log p(x).

    n_components K; max_iter; tol, the gain in nats a sample that ends the iteration; min_variance is added to every
    v_kd, or a component could close in on one sample. Starts from the best of 10 draws of K samples as means.
    Bishop (2006), sections 9.2 and 9.4.
    """

    def __init__(self, n_components=10, *, max_iter=200, tol=1e-6, min_variance=1e-3, random_state=None):
        self.n_components = n_components
        self.max_iter = max_iter
        self.tol = tol
        self.min_variance = min_variance
        self.random_state = random_state

    def fit(self, X, y=None):
        """Raise the likelihood of X (N, D) until it stands; `loss_curve_` holds its negative. y is ignored."""
        x = check_squares(self._check_fit(X), "MixtureOfGaussians")
        check_number(self.n_components, "n_components", "MixtureOfGaussians", low=1, high=len(x), integer=True)
        check_number(self.min_variance, "min_variance", "MixtureOfGaussians")
        rng = np.random.default_rng(self.random_state)
        starts = [x[rng.choice(len(x), self.n_components, replace=False)] for _ in range(10)]
        K, log_v = self.n_components, np.log(x.var(axis=0) + self.min_variance)
        self.log_variances_, self.logits_ = np.tile(log_v, (K, 1)), np.zeros(K, x.dtype)
        start = max(starts, key=lambda m: self._log_p(x, m).mean())
        self.means_, self.loss_curve_ = start.copy(), []
        for _ in range(self.max_iter):
            log_joint = _log_joint(self.means_, self.log_variances_, self.logits_, x)
            log_p = np.logaddexp.reduce(log_joint, axis=1)
            self.loss_curve_.append(float(-log_p.mean()))
            if len(self.loss_curve_) > 1 and self.loss_curve_[-2] - self.loss_curve_[-1] < self.tol:
                break
            self._maximize(np.exp(log_joint - log_p[:, None]), x)
        self.n_iter_ = len(self.loss_curve_)
        return self

    def _maximize(self, r, x):
        counts = r.sum(axis=0)[:, None] + 10 * np.finfo(x.dtype).tiny
        x, _, middle = _centred(x, self.means_)
        means = r.T @ x / counts
        variances = np.maximum(r.T @ (x * x) / counts - means**2, 0) + self.min_variance
        self.means_ = middle + means
        self.log_variances_, self.logits_ = np.log(variances), np.log(counts[:, 0] / len(x))

    def _log_p(self, x, means):
        return np.logaddexp.reduce(_log_joint(means, self.log_variances_, self.logits_, x), axis=1)

    @property
    def weights_(self):
        """w (K,), positive, of sum 1."""
        self._check_fitted("means_")
        return np.exp(self.logits_ - np.logaddexp.reduce(self.logits_))

    def transform(self, X):
        """Responsibilities p(k | x), (N, K)."""
        return self._frame(self._responsibilities(self._check(X)), X)

    def inverse_transform(self, H):
        """sum_k h_k m_k, (N, D): the mean of x given the responsibilities h."""
        self._check_fitted("means_")
        return np.asarray(H) @ self.means_

    def reconstruct(self, X):
        """decode(encode(x)), (N, D)."""
        return self._responsibilities(self._check(X)) @ self.means_

    def score_samples(self, X):
        """log p(x_n) in nats, (N,)."""
        return self._log_p(self._check(X), self.means_)

    def score(self, X, y=None):
        """The mean of log p(x_n) over X, in nats."""
        return float(self.score_samples(X).mean())

    def parts(self, X):
        """(L, Omega), means over X in nats, whose sum is -score(X)."""
        x = self._check(X)
        log_joint = _log_joint(self.means_, self.log_variances_, self.logits_, x)
        log_r = log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True)
        log_w, r = np.log(self.weights_), np.exp(log_r)
        return float(-(r * (log_joint - log_w)).sum(axis=1).mean()), float((r * (log_r - log_w)).sum(axis=1).mean())

    def sample(self, n, rng=None):
        """n draws (n, D) of the mixture."""
        weights, rng = self.weights_, np.random.default_rng(rng)
        k = rng.choice(len(weights), size=n, p=weights)
        return self.means_[k] + np.exp(self.log_variances_[k] / 2) * rng.standard_normal((n, self.means_.shape[1]))

    def _responsibilities(self, x):
        log_joint = _log_joint(self.means_, self.log_variances_, self.logits_, x)
        return np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))

    def _check(self, X):
        self._check_fitted("means_")
        return check_squares(self._check_fit(X, reset=False), "MixtureOfGaussians")
