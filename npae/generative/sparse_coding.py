"""Sparse coding: the decoder is a dictionary, the encoder an iteration that minimizes the cost of the code."""

from typing import Any

import numpy as np

from npae.generative.latent_model import LatentModel
from npae.objective.layers import Dense
from npae.validation import check_number, check_squares


def ista(x, W, lam, *, n_iter=100, h0=None):
    """Minimize 1/2 ||x_n - h_n W||^2 + lam ||h_n||_1: return codes h (N, K) and the mean objectives (n_iter + 1,).

        h <- shrink(h - (h W - x) W^T / M, lam / M),    shrink(a, t) = sign(a) max(|a| - t, 0),    M = ||W W^T||_2

    Each step is one layer with the weights W^T / M and I - W W^T / M, and never raises the objective, which falls at
    least as 1 / n_iter. W (K, D); h0: the first codes, zeros if None. Daubechies, Defrise and De Mol (2004), CPAM 57.
    """
    return _minimize_codes(x, W, lam, n_iter, h0, accelerated=False)


def fista(x, W, lam, *, n_iter=100, h0=None):
    """Do as `ista`, but step from points extrapolated along the last step: the objective falls as 1 / n_iter^2.

    If extrapolating would raise the objective of a sample, that sample takes ISTA's step and restarts, so that the
    objective never rises. Beck and Teboulle (2009), SIAM J. Imaging Sciences 2; O'Donoghue and Candes (2015),
    Foundations of Computational Mathematics 15.
    """
    return _minimize_codes(x, W, lam, n_iter, h0, accelerated=True)


def sparse_cost(x, h, W, lam):
    """1/2 ||x_n - h_n W||^2 + lam ||h_n||_1, (N,)."""
    return 0.5 * ((x - h @ W) ** 2).sum(axis=1) + lam * np.abs(h).sum(axis=1)


def _minimize_codes(x, W, lam, n_iter, h0, accelerated):
    G, B = W @ W.T, x @ W.T  # a step then costs N K^2, for any D
    M = np.linalg.norm(G, 2) or 1.0
    h: Any = np.zeros((len(x), len(W)), np.result_type(x, W)) if h0 is None else np.array(h0)

    y, t, costs = h, np.ones((len(x), 1), h.dtype), [sparse_cost(x, h, W, lam)]
    for _ in range(n_iter):
        new = _shrink_step(y, G, B, M, lam)
        cost = sparse_cost(x, new, W, lam)
        if accelerated:
            worse = cost > costs[-1]
            if worse.any():
                new[worse] = _shrink_step(h[worse], G, B[worse], M, lam)
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


def _shrink_step(h, G, B, M, lam):
    a = h - (h @ G - B) / M
    return np.sign(a) * np.maximum(np.abs(a) - lam / M, 0)


class SparseCoding(LatentModel):
    """Minimize 1/N sum_n [1/2 ||x_n - h_n W||^2 + lam ||h_n||_1] over codes h and a dictionary W with ||W_k|| <= 1.

    As an autoencoder: the encoder is `fista`, the decoder a `Dense` whose bias is the mean of x, L the squared error
    and Omega the L1 penalty: a Gaussian reconstruction distribution and a Laplace prior. q is the most probable code.

    Two steps alternate: FISTA improves the codes, starting from the last ones; then each W_k takes its best value for
    fixed codes and fixed other rows. So the objective in `loss_curve_` never rises. Unit k: W_k <- u / max(1, ||u||),
    u = W_k + (h_k^T x - h_k^T h W) / ||h_k||^2. Samples with the largest errors replace the units that no sample uses.
    Olshausen and Field (1996), Nature 381; Mairal, Bach, Ponce and Sapiro (2010), JMLR 11.

    n_components K; lam; n_iter_code steps of inference; at most max_iter rounds, which end when the objective falls by
    less than the fraction tol.
    """

    fitted_attribute = "decoder_"

    def __init__(self, n_components=64, *, lam=0.1, n_iter_code=100, max_iter=50, tol=1e-4, random_state=None):
        self.n_components, self.lam, self.n_iter_code = n_components, lam, n_iter_code
        self.max_iter, self.tol, self.random_state = max_iter, tol, random_state

    def fit(self, X, y=None):
        """Learn the dictionary from X (N, D) minus its mean; y is ignored."""
        x = self._prepare(self._check_fit(X))
        check_number(self.n_components, "n_components", "SparseCoding", low=1, integer=True)
        check_number(self.lam, "lam", "SparseCoding")
        check_number(self.n_iter_code, "n_iter_code", "SparseCoding", low=1, integer=True)
        rng = np.random.default_rng(self.random_state)
        self.mean_ = x.mean(axis=0)
        x = x - self.mean_
        W = x[rng.choice(len(x), self.n_components, replace=len(x) < self.n_components)]
        W = W + 1e-3 * x.std() * rng.standard_normal(W.shape).astype(x.dtype)
        W[np.linalg.norm(W, axis=1) == 0] = 1  # samples equal to their mean
        W /= np.linalg.norm(W, axis=1, keepdims=True)
        h, self.loss_curve_ = None, []
        for _ in range(self.max_iter):
            h, costs = fista(x, W, self.lam, n_iter=self.n_iter_code, h0=h)
            self.loss_curve_.append(float(costs[-1]))
            if len(self.loss_curve_) > 1 and self.loss_curve_[-2] - costs[-1] < self.tol * self.loss_curve_[-2]:
                break
            self._update_dictionary(W, x, h)
        self.n_iter_ = len(self.loss_curve_)
        self.decoder_ = Dense(*W.shape)
        self.decoder_.W, self.decoder_.b = W, self.mean_
        return self

    def _update_dictionary(self, W, x, h):
        A, B, unused = h.T @ h, h.T @ x, []
        for k in range(len(W)):
            if A[k, k] <= 0:
                unused.append(k)
                continue
            u = W[k] + (B[k] - A[k] @ W) / A[k, k]
            W[k] = u / max(1.0, float(np.linalg.norm(u)))
        if unused:  # their h is 0, so that the objective does not change
            worst = np.argsort(((x - h @ W) ** 2).sum(axis=1))[::-1][: len(unused)]
            replacement = x[worst] / np.maximum(np.linalg.norm(x[worst], axis=1, keepdims=True), np.finfo(x.dtype).tiny)
            W[unused[: len(replacement)]] = replacement

    @property
    def components_(self):
        """The dictionary W (K, D)."""
        self._check_fitted("decoder_")
        return self.decoder_.W

    def _encode(self, x):
        return fista(x - self.mean_, self.decoder_.W, self.lam, n_iter=self.n_iter_code)[0]

    def _decode(self, h):
        return self.decoder_(h)

    def _parts(self, x):
        """1/2 ||x^_n - x_n||^2 and lam ||h_n||_1, each (N,)."""
        h = self._encode(x)
        return 0.5 * ((self._decode(h) - x) ** 2).sum(axis=1), self.lam * np.abs(h).sum(axis=1)

    def _prepare(self, x):
        return check_squares(x, "SparseCoding")
