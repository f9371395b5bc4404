"""Linear autoencoders in closed form: the optimum, the saddles, and PCA from the weights.

    J(W_e, W_d) = 1/N sum_n 1/2 ||x_n - x_n W_e W_d||^2 + lam/2 (||W_e||_F^2 + ||W_d||_F^2),    X centred

J is quadratic in x, so it depends on the data only through the mean and the covariance S = X^T X / N = V^T diag(s) V
(rows of V are the principal directions, s_1 >= s_2 >= ...). A function that takes X (N, D) also takes `Moments`.

    lam = 0    W_e W_d = V_k^T V_k, the projector of PCA; W_e and W_d are free up to an invertible mixing of the code
    lam > 0    W_e = W_d^T = V_k^T diag(w) up to a rotation of the code, w_i^2 = 1 - lam / s_i, or 0 if s_i <= lam

With the singular values sigma_i of X, s_i = sigma_i^2 / N, so w_i^2 = 1 - N lam / sigma_i^2. Biases are not
penalized and centre the data. A tied network has one matrix, counted once: use lam / 2 here for its lam.

Bourlard and Kamp (1988), Biological Cybernetics 59; Baldi and Hornik (1989), Neural Networks 2, for the saddles; Kunin
et al. (2019), Loss landscapes of regularized linear autoencoders, and Bao et al. (2020), Regularized linear
autoencoders recover the principal components, eventually, for lam > 0; Plaut (2018), From principal subspaces to
principal components with linear autoencoders, for the way from a subspace to its directions.
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from npae.pca.moments import Moments, fix_signs, spectrum
from npae.validation import check_array, check_number

MAX_CRITICAL_POINTS = 100_000


def linear_autoencoder_optimum(X: Any, n_components: int, lam: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return a global minimum (W_e (D, k), W_d (k, D)) of J, that is of `SquaredError` with `WeightDecay(lam)`.

        W_e = W_d^T = V_k^T diag(w),    w_i^2 = max(0, 1 - lam / s_i) = max(0, 1 - N lam / sigma_i^2)

    X (N, D) is centred here; in a network, b_d = mean and b_e = -mean W_e centre it. Every other minimum is W_e M,
    M^-1 W_d with M invertible (lam = 0) or orthogonal (lam > 0). Units beyond min(N, D) and directions with s_i <= lam
    are exactly zero. Raises ValueError for a bad X, k or lam. Baldi and Hornik (1989); Kunin et al. (2019), theorem 2.
    """
    _, s, V, _ = _spectrum(X, n_components, lam)
    s, V = s[:n_components], V[:n_components]
    w2 = 1 - np.divide(lam, s, out=np.ones_like(s), where=s > lam) if lam else np.ones_like(s)
    W_d = np.zeros((n_components, V.shape[1]), V.dtype)
    W_d[: len(s)] = np.sqrt(w2)[:, None] * V
    return W_d.T.copy(), W_d


def linear_autoencoder_loss(X: Any, n_components: int, lam: float = 0.0) -> float:
    """Return the smallest J of a linear autoencoder with k units; for k = 0, half the total variance.

    J* = sum_{i <= k, s_i > lam} (lam - lam^2 / (2 s_i)) + sum_{all other i} s_i / 2
    """
    _, s, _, _ = _spectrum(X, n_components, lam)
    return _loss(s.astype(np.float64), list(range(min(n_components, int(np.sum(s > lam))))), lam)


def _spectrum(X: Any, n_components: int, lam: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    check_number(n_components, "n_components", "linear_autoencoder", integer=True)
    check_number(lam, "lam", "linear_autoencoder")
    return spectrum(X)


def _loss(s: np.ndarray, kept: list[int], lam: float) -> float:
    # a kept direction costs 1/2 s_i (1 - w_i^2)^2 + lam w_i^2 with w_i^2 = 1 - lam / s_i, one left out costs s_i / 2
    return float(np.delete(s, kept).sum() / 2 + (lam - lam**2 / (2 * s[kept])).sum())


@dataclass(frozen=True)
class CriticalPoint:
    """Points of zero gradient: the principal directions they keep (from 0), J, and the number of descent directions."""

    directions: tuple[int, ...]
    loss: float
    n_descent: int

    @property
    def is_minimum(self) -> bool:
        """True if no direction descends: then the point is a global minimum, because there is no other kind."""
        return self.n_descent == 0


def critical_points(X: Any, n_components: int, lam: float = 0.0) -> list[CriticalPoint]:
    """Return every critical point in order of J, one for each set I of at most k directions with s_i > lam.

        W_e = W_d^T = V_I^T diag(w_I)
        n_descent = #{i in I, j not in I: s_j > s_i} + (k - |I|) #{j not in I: s_j > lam}

    n_descent is the number of negative eigenvalues of the Hessian. Exchanging i for j has the curvature
    [[s_i, -s_j], [-s_j, s_j w_i^2 + lam]] of determinant (s_i - s_j)(s_j + lam); moving a unit away from zero has the
    curvature lam +- s_j. So the first k directions are the minimum, and every other point is a saddle: there is no
    other minimum and no maximum. If eigenvalues repeat, the sets are examples out of a continuum.
    Raises ValueError for more than 100,000 points. Baldi and Hornik (1989); Kunin et al. (2019).
    """
    _, s, _, rounding = _spectrum(X, n_components, lam)
    s = np.where(s > rounding, s, 0).astype(np.float64)
    candidates = range(int(np.sum(s > lam)))
    count = sum(comb(len(candidates), r) for r in range(n_components + 1))
    if count > MAX_CRITICAL_POINTS:
        expected = f"expected at most {MAX_CRITICAL_POINTS}; take fewer features"
        raise ValueError(f"critical_points: got {count} points, {expected}")
    points = []
    for r in range(min(n_components, len(candidates)) + 1):
        for kept in combinations(candidates, r):
            left = np.delete(s, kept)
            n_descent = (left[:, None] > s[list(kept)]).sum() + (n_components - r) * (left > lam).sum()
            points.append(CriticalPoint(kept, _loss(s, list(kept), lam), int(n_descent)))
    return sorted(points, key=lambda point: point.loss)


def directions_from_regularized(W_decoder: Any, lam: float) -> tuple[np.ndarray, np.ndarray]:
    """Return ordered principal directions (r, D) and eigenvalues (r,), from the decoder of an L2-regularized network.

        W_d = Q diag(w) V (SVD),    s_i = lam / (1 - w_i^2)

    W_d (k, D) of an untied network with one layer on either side; r is the rank of W_d. An error d in w_i^2 becomes
    d s_i^2 / lam in s_i, so a larger lam gives more digits.
    Raises ValueError unless 0 < w_i < 1, that is, unless lam is the one of the training. Kunin et al. (2019).
    """
    W = check_array(W_decoder, name="W_decoder", owner="directions_from_regularized")
    check_number(lam, "lam", "directions_from_regularized")
    _, w, V = np.linalg.svd(W, full_matrices=False)
    kept = w > max(W.shape) * np.finfo(W.dtype).eps * w[0]
    if lam == 0 or w[0] >= 1:
        got = f"got lam={lam} and a largest singular value {w[0]:.6g}"
        raise ValueError(f"directions_from_regularized: {got}, expected lam > 0 and a value below 1")
    return fix_signs(V[kept]), lam / (1 - w[kept] ** 2)


def directions_from_codes(W_decoder: Any, codes: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return ordered principal directions (r, D) and eigenvalues (r,), from any linear decoder and its codes.

        (H - mean H) W_d / sqrt(N) = U diag(sqrt s) V (SVD)

    W_d (k, D) spans the principal subspace, but its rows are not the principal directions. The reconstructions H W_d
    lie in the same subspace and vary most along the first direction. With H - mean = Q R, only R W_d (k, D)
    is decomposed. Raises ValueError if the codes H (N, k) have another width. Plaut (2018).
    """
    W = check_array(W_decoder, name="W_decoder", owner="directions_from_codes")
    H = check_array(codes, name="codes", owner="directions_from_codes", n_features=len(W))
    R = np.linalg.qr(H - H.mean(axis=0), mode="r")
    _, sigma, V = np.linalg.svd(R @ W, full_matrices=False)
    kept = sigma > max(W.shape) * np.finfo(sigma.dtype).eps * sigma[0]
    return fix_signs(V[kept]), sigma[kept] ** 2 / len(H)


def loss_surface(X: Any, u: Any, v: Any, lam: float = 0.0) -> np.ndarray:
    """Return J of the two linear autoencoders with two parameters, on arrays u and v that broadcast; X is centred here.

        D = 1, untied, x^ = x u v:                    J = s/2 (1 - u v)^2 + lam/2 (u^2 + v^2)
        D = 2, tied, x^ = x w w^T with w = (u, v)^T:  J = 1/2 (tr S - 2 w^T S w + |w|^2 w^T S w) + lam/2 |w|^2

    The first has a saddle at 0 between the valleys u v = 1 (lam = 0) or the minima u = v = +-sqrt(1 - lam/s). The
    second has minima at +-v_1, saddles at +-v_2 and a maximum at 0. Raises ValueError for D > 2.
    """
    S = (X if isinstance(X, Moments) else Moments.from_samples(X)).covariance
    check_number(lam, "lam", "loss_surface")
    u, v = np.asarray(u), np.asarray(v)
    if len(S) > 2:
        raise ValueError(f"loss_surface: got {len(S)} features, expected 1 or 2")
    if len(S) == 1:
        return S[0, 0] / 2 * (1 - u * v) ** 2 + lam / 2 * (u**2 + v**2)
    wSw = S[0, 0] * u**2 + 2 * S[0, 1] * u * v + S[1, 1] * v**2
    return (np.trace(S) - 2 * wSw + (u**2 + v**2) * wSw + lam * (u**2 + v**2)) / 2
