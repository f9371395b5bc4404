"""Angles between the column spaces of matrices, accurate for angles near 0 and near a right angle."""

from typing import Any

import numpy as np


def principal_angles(A: Any, B: Any) -> np.ndarray:
    """Return the principal angles (..., k), ascending, between the column spaces of A (..., D, p) and B (..., D, q).

        cos theta_i = singular values of Q_A^T Q_B,    sin theta_i = those of (I - Q_A Q_A^T) Q_B,    k = q <= p

    in radians, 0 to pi/2; Q are orthonormal bases. The cosine of a small angle and the sine of a large one lose half
    of the digits; theta = arctan2(sin, cos) loses none. Columns need not be orthonormal, only independent; leading
    axes are batched and broadcast. If p > q and B lies inside A, all angles are 0.
    Raises ValueError for dependent columns, different D, NaN and infinity. Bjorck and Golub (1973), Math. Comp. 27;
    Knyazev and Argentati (2002), SIAM J. Sci. Comput. 23.
    """
    sine, cosine = _sines_and_cosines(A, B)
    return np.arctan2(sine, cosine)


def projector_distance(A: Any, B: Any) -> np.ndarray:
    """Return ||P_A - P_B||_F (...), P the orthogonal projectors on column spaces of A (..., D, p) and B (..., D, q).

    sqrt(|p - q| + 2 sum_i sin^2 theta_i): 0 for equal spaces, sqrt(p + q) for orthogonal ones. Errors as above.
    """
    sine, _ = _sines_and_cosines(A, B)
    return np.sqrt(abs(np.shape(A)[-1] - np.shape(B)[-1]) + 2 * (sine**2).sum(axis=-1))


def _sines_and_cosines(A: Any, B: Any) -> tuple[np.ndarray, np.ndarray]:
    Q_A, Q_B = _basis(A, "A"), _basis(B, "B")
    if Q_A.shape[-2] != Q_B.shape[-2]:
        got = f"A in {Q_A.shape[-2]} dimensions and B in {Q_B.shape[-2]}"
        raise ValueError(f"principal_angles: got {got}, expected as many")
    if Q_A.shape[-1] < Q_B.shape[-1]:
        Q_A, Q_B = Q_B, Q_A
    M = np.swapaxes(Q_A, -1, -2) @ Q_B
    cosine = np.linalg.svd(M, compute_uv=False)  # descending, so the angles ascend
    sine = np.linalg.svd(Q_B - Q_A @ M, compute_uv=False)[..., ::-1][..., -M.shape[-1] :]
    return sine, cosine


def _basis(A: Any, name: str) -> np.ndarray:
    """Return orthonormal columns (..., D, p) that span the columns of A, in float64."""
    A = np.asarray(A)
    if A.dtype.kind not in "fiub" or A.ndim < 2:
        got = f"{name} of dtype {A.dtype} and shape {A.shape}"
        raise ValueError(f"principal_angles: got {got}, expected real numbers (..., D, p)")
    if not np.isfinite(A).all():
        raise ValueError(f"principal_angles: got NaN or infinity in {name}, expected finite numbers")
    D, p = A.shape[-2:]
    eps = np.finfo(A.dtype if A.dtype.kind == "f" else np.float64).eps
    A = A.astype(np.float64)
    # the column space does not depend on the columns' lengths; divide by the largest entry first: no square overflows
    A = A / (np.abs(A).max(axis=-2, keepdims=True, initial=0) + np.finfo(np.float64).tiny)
    A = A / (np.linalg.norm(A, axis=-2, keepdims=True) + np.finfo(np.float64).tiny)
    U, sigma, _ = np.linalg.svd(A, full_matrices=False)
    rank = (sigma > max(D, p) * eps).sum(axis=-1)
    if (rank < p).any():
        got = f"{p} columns of rank {rank.min()} in {D} dimensions for {name}"
        raise ValueError(f"principal_angles: got {got}, expected independent columns")
    return U
