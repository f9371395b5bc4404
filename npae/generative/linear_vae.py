"""The linear variational autoencoder, whose evidence lower bound has no sampling in it and whose optimum is known."""

import numpy as np

from npae.generative.linear_gaussian import LinearGaussian, check_room
from npae.lbfgs_scipy import LBFGSResult, minimize
from npae.optimizers import Adam
from npae.pca.moments import Moments
from npae.schedules import Cosine
from npae.sklearn_face import Estimator

LOG_2PI = float(np.log(2 * np.pi))


class LinearVAE(Estimator):
    """q(h | x) = N((x - m) V, diag d),    p(x | h) = N(m + h W, s2 I): trained by L-BFGS on the exact bound.

    At the optimum the bound is the log-likelihood of probabilistic PCA: q is then the exact posterior, which is
    diagonal where the rows of W are orthogonal, so the bound also turns the code into principal directions.
    V (D, K), W (K, D).
    There are no other local maxima. Lucas, Tucker, Grosse and Norouzi (2019), Don't blame the ELBO!, NeurIPS; Dai et
    al. (2018), JMLR 19.

    Without SciPy it is maximized by Adam with a falling step, which comes less near. The cost of a step does not grow
    with N: the bound depends on the mean and covariance of x alone.
    """

    def __init__(self, n_components=2, *, max_iter=20_000, gtol=1e-9, random_state=None):
        self.n_components = n_components
        self.max_iter = max_iter
        self.gtol = gtol
        self.random_state = random_state

    def fit(self, X, y=None):
        """Maximize the bound for X (N, D) from a random start; y is ignored."""
        x = self._check_fit(X).astype(np.float64)
        check_room(x, self.n_components, type(self).__name__)
        moments = Moments.of(x)
        variances = np.linalg.eigvalsh(moments.covariance)
        if variances[: -self.n_components].sum() <= 1e-14 * variances.sum() + np.finfo(np.float64).tiny:
            raise ValueError(
                f"LinearVAE: got data all of whose variance is in {self.n_components} components, expected some left "
                "over: the bound has no maximum"
            )
        problem = _Bound(moments.covariance, self.n_components, np.random.default_rng(self.random_state))
        try:
            self.result_ = minimize(problem, None, max_iter=self.max_iter, gtol=self.gtol)
        except ImportError:
            self.result_ = _descend(problem, 2 * self.max_iter, self.gtol)
        self.mean_, self.n_iter_ = moments.mean, self.result_.n_iter
        self.encoder_, self.decoder_ = problem.V.copy(), problem.W.copy()
        self.code_variance_, self.noise_variance_ = np.exp(problem.log_d), float(np.exp(problem.log_s2[0]))
        return self

    @property
    def model_(self):
        """The generative part, whose log-likelihood is exact."""
        return LinearGaussian(self.decoder_, self.mean_, np.full(len(self.mean_), self.noise_variance_))

    def transform(self, X):
        """Means of the code, (N, K)."""
        x, h = self._encode(X)
        return self._frame(h.astype(x.dtype, copy=False), X)

    def _encode(self, X):
        self._check_fitted("decoder_")
        x = self._check_fit(X, reset=False)
        return x, (x - self.mean_) @ self.encoder_

    def inverse_transform(self, H):
        """m + h W, (N, D)."""
        self._check_fitted("decoder_")
        return self.mean_ + np.asarray(H) @ self.decoder_

    def reconstruct(self, X):
        """decode(encode(x)), (N, D)."""
        x, h = self._encode(X)
        return self.inverse_transform(h).astype(x.dtype, copy=False)

    def parts(self, X):
        """(L, Omega), means over X in nats, whose sum is the negative bound: exact, nothing is drawn."""
        (x, mu), d, s2 = self._encode(X), self.code_variance_, self.noise_variance_
        squares = ((x - self.mean_ - mu @ self.decoder_) ** 2).sum(axis=1) + d @ (self.decoder_**2).sum(axis=1)
        L = 0.5 * (squares / s2 + len(self.mean_) * (np.log(s2) + LOG_2PI))
        omega = 0.5 * ((mu * mu).sum(axis=1) + (d - 1 - np.log(d)).sum())
        return float(L.mean()), float(omega.mean())

    def elbo(self, X):
        """The evidence lower bound, mean over X, in nats a sample."""
        return -sum(self.parts(X))


def _descend(problem, n_steps, gtol):
    """Full-batch Adam along half a cosine, where L-BFGS is not to be had."""
    step = Adam(Cosine(0.02, n_steps)).start(problem.theta)
    for _ in range(n_steps):
        problem.value_and_grad(None)
        step(problem.grad)
    value, largest = problem.value_and_grad(None), float(np.abs(problem.grad).max())
    return LBFGSResult(float(value), largest, n_steps, largest <= gtol, "Adam: SciPy is not installed")


class _Bound:
    """The negative bound and its gradient over one flat theta (V, W, log d, log s2), for `minimize`.

    J = 1/2 [D log(2 pi s2) + (tr((I - VW)^T S (I - VW)) + sum_k d_k |W_k|^2) / s2
             + tr(V^T S V) + sum_k (d_k - 1 - log d_k)]

    dV = S (V - (I - VW) W^T / s2),    dW = (d W - V^T S (I - VW)) / s2,
    dlog d_k = (d_k |W_k|^2 / s2 + d_k - 1) / 2,    dlog s2 = (D - squares / s2) / 2
    """

    def __init__(self, S, K, rng):
        self.S, D = S, len(S)
        self.unit = np.trace(S) / D
        sizes = (D * K, K * D, K, 1)
        ends = np.cumsum(sizes)
        self.theta, self.grad = np.zeros(ends[-1]), np.zeros(ends[-1])
        shapes = ((D, K), (K, D), (K,), (1,))

        def views(vector):
            return [vector[end - n : end].reshape(shape) for end, n, shape in zip(ends, sizes, shapes)]

        self.V, self.W, self.log_d, self.log_s2 = views(self.theta)
        self.dV, self.dW, self.dlog_d, self.dlog_s2 = views(self.grad)
        self.V[:] = rng.standard_normal((D, K)) / np.sqrt(D * self.unit)
        self.W[:] = rng.standard_normal((K, D)) * np.sqrt(self.unit / D)
        self.log_s2[:] = np.log(self.unit)

    def value_and_grad(self, x=None, target=None):
        """J, leaving its gradient in `grad`."""
        S, V, W, d, s2 = self.S, self.V, self.W, np.exp(self.log_d), np.exp(self.log_s2[0])
        D = len(S)
        R = np.eye(D) - V @ W
        SR, SV, lengths = S @ R, S @ V, (W * W).sum(axis=1)
        squares = (R * SR).sum() + d @ lengths
        self.dV[:] = SV - SR @ W.T / s2
        self.dW[:] = (d[:, None] * W - V.T @ SR) / s2
        self.dlog_d[:] = (d * lengths / s2 + d - 1) / 2
        self.dlog_s2[:] = (D - squares / s2) / 2
        total = D * (LOG_2PI + self.log_s2[0]) + squares / s2 + (V * SV).sum() + (d - 1 - self.log_d).sum()
        return total / 2
