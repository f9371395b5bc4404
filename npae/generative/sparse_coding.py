"""Sparse coding: the decoder is a dictionary, the encoder an iteration that finds the code of least cost."""

from typing import Any

import numpy as np

from npae.base import Estimator
from npae.objective.layers import Dense
from npae.objective.losses import SquaredError
from npae.objective.penalties import L1Sparsity
from npae.validation import check_number, check_squares


def ista(x, W, lam, *, n_iter=100, h0=None):
    """Codes h (N, K) that lower 1/2 ||x_n - h_n W||^2 + lam ||h_n||_1, and the mean objectives (n_iter + 1,).

        h <- shrink(h - (h W - x) W^T / M, lam / M),    shrink(a, t) = sign(a) max(|a| - t, 0),    M = ||W W^T||_2

    Each step is one layer with the weights W^T / M and I - W W^T / M, and can only lower the objective; it falls as
    1 / n_iter at least. W (K, D), h0: zeros. Daubechies, Defrise and De Mol (2004), CPAM 57.
    """
    return _iterate(x, W, lam, n_iter, h0, accelerated=False)


def fista(x, W, lam, *, n_iter=100, h0=None):
    """As `ista`, from points extrapolated along the last step, so that the objective falls as 1 / n_iter^2.

    Where extrapolating would raise a sample's objective, that sample takes ISTA's step and begins anew, which keeps the
    descent monotone. Beck and Teboulle (2009), SIAM J. Imaging Sciences 2; O'Donoghue and Candes (2015), Foundations of
    Computational Mathematics 15.
    """
    return _iterate(x, W, lam, n_iter, h0, accelerated=True)


def sparse_cost(x, h, W, lam):
    """1/2 ||x_n - h_n W||^2 + lam ||h_n||_1, (N,)."""
    return 0.5 * ((x - h @ W) ** 2).sum(axis=1) + lam * np.abs(h).sum(axis=1)


def _iterate(x, W, lam, n_iter, h0, accelerated):
    G, B = W @ W.T, x @ W.T  # the data enter once: a step costs N K^2
    M = np.linalg.norm(G, 2) or 1.0
    h: Any = np.zeros((len(x), len(W)), np.result_type(x, W)) if h0 is None else np.array(h0)

    y, t, costs = h, np.ones((len(x), 1), h.dtype), [sparse_cost(x, h, W, lam)]
    for _ in range(n_iter):
        new = _step(y, G, B, M, lam)
        cost = sparse_cost(x, new, W, lam)
        if accelerated:
            worse = cost > costs[-1]
            if worse.any():
                new[worse] = _step(h[worse], G, B[worse], M, lam)
                cost[worse] = sparse_cost(x[worse], new[worse], W, lam)
                t[worse] = 1
            t_next = (1 + np.sqrt(1 + 4 * t * t)) / 2
            y = new + (t - 1) / t_next * (new - h)
            t = t_next
        else:
            y = new
        h = new
        costs.append(cost)
    return h, np.array([cost.mean() for cost in costs])


def _step(h, G, B, M, lam):
    a = h - (h @ G - B) / M
    return np.sign(a) * np.maximum(np.abs(a) - lam / M, 0)


class SparseCoding(Estimator):
    """Minimize 1/N sum_n [1/2 ||x_n - h_n W||^2 + lam ||h_n||_1] over codes h and a dictionary W with ||W_k|| <= 1.

    Seen as an autoencoder: the encoder is `fista`, the decoder a `Dense` without bias, L a `SquaredError`, Omega an
    `L1Sparsity`: a Gaussian reconstruction distribution and a Laplace prior, with the most probable code for q.

    The dictionary is learnt by turns: codes by FISTA from where they were, then each W_k at its best with the others
    held, so that the objective in `loss_curve_` never rises. Unit k: W_k <- u / max(1, ||u||),
    u = W_k + (h_k^T x - h_k^T h W) / ||h_k||^2. Units that no sample uses are replaced by the samples worst explained.
    Olshausen and Field (1996), Nature 381; Mairal, Bach, Ponce and Sapiro (2010), JMLR 11.

    n_components K, lam, n_iter_code steps of inference, max_iter rounds, tol the relative gain that ends them.
    """

    def __init__(self, n_components=64, *, lam=0.1, n_iter_code=100, max_iter=50, tol=1e-4, random_state=None):
        self.n_components = n_components
        self.lam = lam
        self.n_iter_code = n_iter_code
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn the dictionary from X (N, D), centred; y is ignored."""
        x = check_squares(self._check_fit(X), "SparseCoding")
        check_number(self.n_components, "n_components", "SparseCoding", low=1, integer=True)
        check_number(self.lam, "lam", "SparseCoding")
        check_number(self.n_iter_code, "n_iter_code", "SparseCoding", low=1, integer=True)
        rng = np.random.default_rng(self.random_state)
        self.mean_ = x.mean(axis=0)
        x = x - self.mean_
        W = x[rng.choice(len(x), self.n_components, replace=len(x) < self.n_components)]
        W = W + 1e-3 * x.std() * rng.standard_normal(W.shape).astype(x.dtype)
        W[np.linalg.norm(W, axis=1) == 0] = 1  # samples that do not differ from their mean
        W /= np.linalg.norm(W, axis=1, keepdims=True)
        h, self.loss_curve_ = None, []
        for _ in range(self.max_iter):
            h, costs = fista(x, W, self.lam, n_iter=self.n_iter_code, h0=h)
            self.loss_curve_.append(float(costs[-1]))
            if len(self.loss_curve_) > 1 and self.loss_curve_[-2] - costs[-1] < self.tol * self.loss_curve_[-2]:
                break
            self._improve(W, x, h)
        self.n_iter_ = len(self.loss_curve_)
        self._keep(W)
        return self

    def _improve(self, W, x, h):
        A, B, unused = h.T @ h, h.T @ x, []
        for k in range(len(W)):
            if A[k, k] <= 0:
                unused.append(k)
                continue
            u = W[k] + (B[k] - A[k] @ W) / A[k, k]
            W[k] = u / max(1.0, float(np.linalg.norm(u)))
        if unused:  # h is 0 there, so that the objective does not change
            worst = np.argsort(((x - h @ W) ** 2).sum(axis=1))[::-1][: len(unused)]
            fresh = x[worst] / np.maximum(np.linalg.norm(x[worst], axis=1, keepdims=True), np.finfo(x.dtype).tiny)
            W[unused[: len(fresh)]] = fresh

    def _keep(self, W):
        decoder = Dense(*W.shape)
        decoder.W, decoder.b = W, self.mean_
        self.decoder_, self.loss_, self.penalty_ = decoder, SquaredError(), L1Sparsity(self.lam)

    @property
    def components_(self):
        """The dictionary W (K, D)."""
        self._check_fitted("decoder_")
        return self.decoder_.W

    def transform(self, X):
        """Codes of least cost after n_iter_code steps of FISTA, (N, K)."""
        return self._frame(self._encode(self._check(X)), X)

    def inverse_transform(self, H):
        """mean + h W, (N, D)."""
        self._check_fitted("decoder_")
        return self.decoder_(np.asarray(H))

    def reconstruct(self, X):
        """decode(encode(x)), (N, D)."""
        return self.decoder_(self._encode(self._check(X)))

    def parts(self, X):
        """(L, Omega): 1/2 ||x^ - x||^2 and lam ||h||_1, means over X (N, D)."""
        x = self._check(X)
        h = self._encode(x)
        return float(self.loss_(self.decoder_(h), x)[0]), float(self.lam * np.abs(h).sum(axis=1).mean())

    def score(self, X, y=None):
        """The negative objective, L + Omega, of X."""
        return -sum(self.parts(X))

    def _encode(self, x):
        return fista(x - self.mean_, self.decoder_.W, self.lam, n_iter=self.n_iter_code)[0]

    def _check(self, X):
        self._check_fitted("decoder_")
        return check_squares(self._check_fit(X, reset=False), "SparseCoding")
