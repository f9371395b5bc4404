"""Probabilistic PCA and factor analysis: x = mean + h W + e with h ~ N(0, I), and exact inference as the encoder."""

from dataclasses import dataclass

import numpy as np

from npae.generative.latent_model import LatentModel
from npae.objective.distributions import LOG_2PI
from npae.pca import PCA
from npae.validation import check_number, check_squares, check_varies


@dataclass(frozen=True, eq=False)
class LinearGaussian:
    """h ~ N(0, I), x | h ~ N(mean + h W, diag psi), so that x ~ N(mean, W^T W + diag psi).

    W (K, D), mean (D,), psi (D,) > 0. The posterior is q(h | x) = N(mu(x), P) with the same P for every x:

        P = (I + W diag(psi)^-1 W^T)^-1,    mu(x) = (x - mean) diag(psi)^-1 W^T P.

    Tipping and Bishop (1999), JRSS B 61; Bishop (2006), section 12.2.
    """

    W: np.ndarray
    mean: np.ndarray
    psi: np.ndarray

    def _gain(self):
        """Return diag(psi)^-1 W^T P (D, K) and P (K, K)."""
        scaled = self.W / self.psi
        P = np.linalg.inv(np.eye(len(self.W)) + scaled @ self.W.T)
        return scaled.T @ P, (P + P.T) / 2

    def encode(self, x):
        """mu(x), (N, K)."""
        return (x - self.mean) @ self._gain()[0]

    def decode(self, h):
        """mean + h W, (N, D)."""
        return self.mean + h @ self.W

    def log_likelihood(self, x):
        """log p(x_n) in nats, (N,). By Woodbury's identity for the covariance no D x D matrix is inverted."""
        z, (gain, P) = x - self.mean, self._gain()
        squares = (z * z / self.psi).sum(axis=1) - ((z @ gain) * (z @ (self.W / self.psi).T)).sum(axis=1)
        log_det = np.log(self.psi).sum() - np.linalg.slogdet(P)[1]
        return -0.5 * (squares + log_det + len(self.mean) * LOG_2PI)

    def parts(self, x):
        """L = -E_q[log p(x | h)] and Omega = KL(q(h | x) || N(0, I)), each (N,): their sum is -log p(x), exactly."""
        gain, P = self._gain()
        mu = (x - self.mean) @ gain
        spread = np.einsum("kd,kl,ld->d", self.W, P, self.W)  # Var_q of h W
        z = x - self.decode(mu)
        L = 0.5 * ((z * z + spread) / self.psi + np.log(self.psi) + LOG_2PI).sum(axis=1)
        omega = 0.5 * ((mu * mu).sum(axis=1) + np.trace(P) - len(P) - np.linalg.slogdet(P)[1])
        return L, omega

    def sample(self, n, rng):
        """Draw n samples (n, D); rng is a Generator or a seed."""
        rng = np.random.default_rng(rng)
        h = rng.standard_normal((n, len(self.W)))
        return self.decode(h) + np.sqrt(self.psi) * rng.standard_normal((n, len(self.mean)))


class LinearGaussianEstimator(LatentModel):
    """An estimator whose `model_` is a LinearGaussian; the code is the posterior mean mu(x)."""

    model_: LinearGaussian

    def _encode(self, x):
        return self.model_.encode(x)

    def _decode(self, h):
        return self.model_.decode(h)

    def _log_likelihood(self, x):
        return self.model_.log_likelihood(x)

    def _parts(self, x):
        return self.model_.parts(x)

    def sample(self, n, rng=None):
        """Draw n samples (n, D) of the model; rng is a Generator or a seed."""
        self._check_fitted("model_")
        return self.model_.sample(n, rng)


def check_components(x, n_components, owner):
    """Raise ValueError unless x (N, D) has at least two samples and more features than components."""
    N, D = x.shape
    if N < 2:
        raise ValueError(f"{owner}: got n_samples = 1, expected at least 2: one sample has no variance")
    if D < 2:
        raise ValueError(f"{owner}: got n_features = 1, expected at least 2, more than n_components")
    check_number(n_components, "n_components", owner, low=1, high=D - 1, integer=True)


class ProbabilisticPCA(LinearGaussianEstimator):
    """The maximum-likelihood LinearGaussian with one variance for all features, psi = s2, in closed form.

        W = diag(s_i - s2)^(1/2) V_k,    s2 the mean of the variances left out

    with V_k and s_i PCA's directions and variances (divided by N). `fit` raises ValueError if the k components hold all
    of the variance, so that s2 would be 0. Tipping and Bishop (1999).
    """

    def __init__(self, n_components=2):
        self.n_components = n_components

    def fit(self, X, y=None):
        """Maximize the likelihood of X (N, D); y is ignored."""
        x = self._check_fit(X)
        check_components(x, self.n_components, "ProbabilisticPCA")
        pca = PCA(self.n_components, maximum_likelihood=True).fit(x)
        s2 = pca.noise_variance_
        if s2 <= pca.rounding_:
            got = f"ProbabilisticPCA: got data all of whose variance is in {self.n_components} components"
            raise ValueError(f"{got}, expected some left over")
        W = np.sqrt(np.maximum(pca.explained_variance_ - s2, 0))[:, None] * pca.components_
        self.model_ = LinearGaussian(W, pca.mean_, np.full(x.shape[1], s2, x.dtype))
        return self


class FactorAnalysis(LinearGaussianEstimator):
    """The maximum-likelihood LinearGaussian with a variance psi_d per feature, by two alternating maximizations.

        W given psi:  W_k = (l_k - 1)^(1/2) u_k psi^1/2, (l_k, u_k) the largest of psi^-1/2 S psi^-1/2
        psi given W:  psi = diag(S - W^T W)

    `fit` ends when the likelihood rises by less than `tol` nats per sample, or after max_iter. Barber (2012), Bayesian
    reasoning and machine learning, algorithm 21.1.
    """

    def __init__(self, n_components=2, *, tol=1e-8, max_iter=5000):
        self.n_components, self.tol, self.max_iter = n_components, tol, max_iter

    def fit(self, X, y=None):
        """Maximize the likelihood of X (N, D); `loss_curve_` is the negative likelihood per iteration. y is ignored."""
        x = self._check_fit(X)
        check_components(x, self.n_components, "FactorAnalysis")
        check_varies(check_squares(x, "FactorAnalysis"), "FactorAnalysis")
        mean = x.mean(axis=0)
        S = (x - mean).T @ (x - mean) / len(x)
        floor = 1e-12 * np.trace(S)
        if floor < np.finfo(S.dtype).tiny:
            raise ValueError(f"FactorAnalysis: got data of variance {np.trace(S):.3g}, expected data that vary")
        psi, self.loss_curve_ = np.maximum(S.diagonal(), floor), []
        for _ in range(self.max_iter):
            root = np.sqrt(psi)
            values, vectors = np.linalg.eigh(S / root / root[:, None])
            first, rest = values[: -self.n_components - 1 : -1], values[: -self.n_components]
            W = np.sqrt(np.maximum(first - 1, 0))[:, None] * vectors[:, : -self.n_components - 1 : -1].T * root
            # at the best W: log|C| = log|psi| + sum log first, tr(C^-1 S) = K + sum of the rest
            log_det = np.log(psi).sum() + np.log(np.maximum(first, 1)).sum()
            trace = (first / np.maximum(first, 1)).sum() + rest.sum()
            self.loss_curve_.append(0.5 * float(log_det + trace + len(psi) * LOG_2PI))
            self.model_ = LinearGaussian(W, mean, psi)
            if len(self.loss_curve_) > 1 and self.loss_curve_[-2] - self.loss_curve_[-1] < self.tol:
                break
            psi = np.maximum(S.diagonal() - (W * W).sum(axis=0), floor)
        self.n_iter_ = len(self.loss_curve_)
        return self
