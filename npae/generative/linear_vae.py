"""The linear variational autoencoder: its evidence lower bound needs no sampling and its optimum is known."""

import warnings
from dataclasses import replace

import numpy as np

from npae.generative.latent_model import LatentModel
from npae.generative.linear_gaussian import LinearGaussian, check_components
from npae.objective.distributions import LOG_2PI
from npae.pca.moments import Moments
from npae.training.lbfgs import lbfgs

FLAT = 1e-3  # a gradient at which the bound is within about 1e-4 nats of its maximum


class LinearVAE(LatentModel):
    """q(h | x) = N((x - m) V, diag d),    p(x | h) = N(m + h W, s2 I): trained by L-BFGS on the exact bound.

    V (D, K), W (K, D). At the optimum the bound is the log-likelihood of probabilistic PCA, because q is the exact
    posterior. That posterior is diagonal only if the rows of W are orthogonal: the bound rotates the code to the
    principal directions. There are no other local maxima. Lucas, Tucker, Grosse and Norouzi (2019), Don't blame the
    ELBO!, NeurIPS; Dai et al. (2018), JMLR 19.

    The cost of an iteration does not grow with N, because the bound depends on x only through the mean and covariance.
    The scale of x and its axes do not matter. If the variances of x span many orders of magnitude, max_iter may be too
    small: then `fit` warns, and `result_.converged` is False.
    """

    fitted_attribute = "decoder_"

    def __init__(self, n_components=2, *, max_iter=20_000, gtol=1e-9, random_state=None):
        self.n_components, self.max_iter, self.gtol, self.random_state = n_components, max_iter, gtol, random_state

    def fit(self, X, y=None):
        """Maximize the bound for X (N, D) from a random start; y is ignored."""
        x = self._check_fit(X).astype(np.float64)
        check_components(x, self.n_components, type(self).__name__)
        moments = Moments.from_samples(x)
        variances, axes = moments.spectrum()
        if variances[self.n_components :].sum() <= 1e-14 * variances.sum() + np.finfo(np.float64).tiny:
            got = f"LinearVAE: got data all of whose variance is in {self.n_components} components"
            raise ValueError(f"{got}, expected some left over: the bound has no maximum")
        unit = variances.mean()  # the bound of x / sqrt(unit) along its principal axes has the same maxima, rotated
        problem = _Bound(np.diag(variances / unit), self.n_components, np.random.default_rng(self.random_state))
        result = lbfgs(problem, None, max_iter=self.max_iter, gtol=self.gtol)
        value = result.value + len(variances) / 2 * float(np.log(unit))  # x / sqrt(unit) is as much denser
        self.result_ = replace(result, value=value, converged=result.max_gradient <= max(self.gtol, FLAT))
        self.mean_, self.n_iter_ = moments.mean, result.n_iter
        self.encoder_, self.decoder_ = axes.T @ problem.V / np.sqrt(unit), problem.W @ axes * np.sqrt(unit)
        self.code_variance_, self.noise_variance_ = np.exp(problem.log_d), float(np.exp(problem.log_s2[0]) * unit)
        if not self.result_.converged:
            warnings.warn(
                f"LinearVAE: got a gradient of {result.max_gradient:.2g} after {result.n_iter} iterations, expected at "
                f"most {max(self.gtol, FLAT):g}: the bound is not at its maximum. Raise max_iter, or standardize X",
                stacklevel=2,
            )
        return self

    @property
    def model_(self):
        """The generative part as a LinearGaussian, whose log-likelihood is exact."""
        return LinearGaussian(self.decoder_, self.mean_, np.full(len(self.mean_), self.noise_variance_))

    def _encode(self, x):
        return (x - self.mean_) @ self.encoder_

    def _decode(self, h):
        return self.mean_ + h @ self.decoder_

    def _parts(self, x):
        """Return L and Omega, (N,), whose sum is the negative bound; exact, without draws."""
        mu, d, s2 = self._encode(x), self.code_variance_, self.noise_variance_
        squares = ((x - self._decode(mu)) ** 2).sum(axis=1) + d @ (self.decoder_**2).sum(axis=1)
        L = 0.5 * (squares / s2 + len(self.mean_) * (np.log(s2) + LOG_2PI))
        return L, 0.5 * ((mu * mu).sum(axis=1) + (d - 1 - np.log(d)).sum())

    def elbo(self, X):
        """Return the evidence lower bound, mean over X, in nats per sample."""
        return self.score(X)


class _Bound:
    """The negative bound and its gradient over one flat theta (A, W, log d, log s2), for `lbfgs`.

    V = A / root, root_d the standard deviation of x_d: if S is diagonal, J has the same curvature along all rows of A.

    J = 1/2 [D log(2 pi s2) + (tr((I - VW)^T S (I - VW)) + sum_k d_k |W_k|^2) / s2
             + tr(V^T S V) + sum_k (d_k - 1 - log d_k)]

    dA = S (V - (I - VW) W^T / s2) / root,    dW = (d W - V^T S (I - VW)) / s2,
    dlog d_k = (d_k |W_k|^2 / s2 + d_k - 1) / 2,    dlog s2 = (D - squares / s2) / 2
    """

    def __init__(self, S, K, rng):
        self.S, D = S, len(S)
        unit, variances = np.trace(S) / D, S.diagonal()
        self.root = np.sqrt(np.maximum(variances, 1e-14 * variances.max()))[:, None]
        sizes = (D * K, K * D, K, 1)
        ends = np.cumsum(sizes)
        self.theta, self.grad = np.zeros(ends[-1]), np.zeros(ends[-1])
        shapes = ((D, K), (K, D), (K,), (1,))

        def views(vector):
            return [vector[end - n : end].reshape(shape) for end, n, shape in zip(ends, sizes, shapes)]

        self.A, self.W, self.log_d, self.log_s2 = views(self.theta)
        self.dA, self.dW, self.dlog_d, self.dlog_s2 = views(self.grad)
        self.A[:] = rng.standard_normal((D, K)) / np.sqrt(D * unit) * self.root
        self.W[:] = rng.standard_normal((K, D)) * np.sqrt(unit / D)
        self.log_s2[:] = np.log(unit)

    @property
    def V(self):
        """The encoder, (D, K)."""
        return self.A / self.root

    def value_and_grad(self, x=None, target=None):
        """J, leaving its gradient in `grad`."""
        S, V, W, d, s2 = self.S, self.V, self.W, np.exp(self.log_d), np.exp(self.log_s2[0])
        D = len(S)
        R = np.eye(D) - V @ W
        SR, SV, lengths = S @ R, S @ V, (W * W).sum(axis=1)
        squares = (R * SR).sum() + d @ lengths
        self.dA[:] = (SV - SR @ W.T / s2) / self.root
        self.dW[:] = (d[:, None] * W - V.T @ SR) / s2
        self.dlog_d[:] = (d * lengths / s2 + d - 1) / 2
        self.dlog_s2[:] = (D - squares / s2) / 2
        total = D * (LOG_2PI + self.log_s2[0]) + squares / s2 + (V * SV).sum() + (d - 1 - self.log_d).sum()
        return total / 2
