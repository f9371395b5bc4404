"""Angles between the column spaces of matrices, accurate however small or however close to a right angle."""

from typing import Any

import numpy as np


def principal_angles(A: Any, B: Any) -> np.ndarray:
    """Principal angles (..., k) between the column spaces of A (..., D, p) and B (..., D, q), k = min(p, q), ascending.

        cos theta_i = singular values of Q_A^T Q_B,    sin theta_i = those of (I - Q_A Q_A^T) Q_B,    q <= p

    in radians, 0 to pi/2; Q are orthonormal bases. The cosine of a small angle and the sine of a large one have lost
    half the digits; theta = arctan2(sin, cos) leans on whichever has not. Columns need not be orthonormal, only
    independent; leading axes are batched and broadcast. With p > q, all angles are 0 where B lies inside A.
    ValueError for dependent columns, different D and what is not finite. Bjorck and Golub (1973), Math. Comp. 27;
    Knyazev and Argentati (2002), SIAM J. Sci. Comput. 23.
    """
    sine, cosine = _sines_and_cosines(A, B)
    return np.arctan2(sine, cosine)


def projector_distance(A: Any, B: Any) -> np.ndarray:
    """||P_A - P_B||_F (...) of the orthogonal projectors onto the column spaces of A (..., D, p) and B (..., D, q).

    sqrt(|p - q| + 2 sum_i sin^2 theta_i): from 0, the same space, to sqrt(p + q), orthogonal ones. Errors as above.
    """
    sine, _ = _sines_and_cosines(A, B)
    return np.sqrt(abs(np.shape(A)[-1] - np.shape(B)[-1]) + 2 * (sine**2).sum(axis=-1))


def _sines_and_cosines(A: Any, B: Any) -> tuple[np.ndarray, np.ndarray]:
    Q_A, Q_B = _basis(A, "A"), _basis(B, "B")
    if Q_A.shape[-2] != Q_B.shape[-2]:
        raise ValueError(
            f"principal_angles: got A in {Q_A.shape[-2]} dimensions and B in {Q_B.shape[-2]}, expected as many"
        )
    if Q_A.shape[-1] < Q_B.shape[-1]:
        Q_A, Q_B = Q_B, Q_A
    M = np.swapaxes(Q_A, -1, -2) @ Q_B
    cosine = np.linalg.svd(M, compute_uv=False)  # descending, so the angles ascend
    sine = np.linalg.svd(Q_B - Q_A @ M, compute_uv=False)[..., ::-1][..., -M.shape[-1] :]
    return sine, cosine


def _basis(A: Any, name: str) -> np.ndarray:
    """Orthonormal columns (..., D, p) spanning those of A, in float64."""
    A = np.asarray(A)
    if A.dtype.kind not in "fiub" or A.ndim < 2:
        raise ValueError(
            f"principal_angles: got {name} of dtype {A.dtype} and shape {A.shape}, expected real numbers (..., D, p)"
        )
    if not np.isfinite(A).all():
        raise ValueError(f"principal_angles: got NaN or infinity in {name}, expected finite numbers")
    D, p = A.shape[-2:]
    eps = np.finfo(A.dtype if A.dtype.kind == "f" else np.float64).eps
    A = A.astype(np.float64)
    # neither the space nor its rank knows the columns' lengths; the largest entry first, so that no square overflows
    A = A / (np.abs(A).max(axis=-2, keepdims=True, initial=0) + np.finfo(np.float64).tiny)
    A = A / (np.linalg.norm(A, axis=-2, keepdims=True) + np.finfo(np.float64).tiny)
    U, sigma, _ = np.linalg.svd(A, full_matrices=False)
    rank = (sigma > max(D, p) * eps).sum(axis=-1)
    if (rank < p).any():
        raise ValueError(
            f"principal_angles: got {p} columns of rank {rank.min()} in {D} dimensions for {name}, "
            "expected independent columns"
        )
    return U
