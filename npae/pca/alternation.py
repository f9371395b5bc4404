"""Training a linear autoencoder without a library: the best decoder for the encoder, the best encoder for the decoder.

J is quadratic in either matrix alone. In the principal directions of the data, S = V^T diag(s) V, with A = V W_e (r, k)
and B = W_d V^T (k, r), r the rank of S:

    B = (A^T diag(s) A + lam I)^-1 A^T diag(s)
    s_i (A B B^T)_ij + lam A_ij = s_i (B^T)_ij

The second is solved in the eigenvectors of B B^T. A tied network takes as A the matrix with orthonormal columns nearest
to B^T, B = A^T. At lam = 0 a sweep multiplies the angle to PCA's subspace by about s_{k+1} / s_k, as an orthogonal
iteration does: Golub and Van Loan (2013), Matrix computations, section 8.2.4.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.objective.layers import Tied
from npae.objective.network import Network
from npae.pca.moments import Moments, rounding_level


@dataclass(frozen=True)
class Sweeps:
    """What `alternate` reached: J, the largest |dJ/dW| over the largest variance, sweeps, whether that is small."""

    value: float
    max_gradient: float
    n_iter: int
    converged: bool
    message: str = "alternating least squares"


def can_alternate(network: Network) -> bool:
    """Whether a linear network has one layer on either side, and no weight decay where the two are tied."""
    layers = (*network.encoder.layers, *network.decoder.layers)
    return len(layers) == 2 and not (_tied(network) and network.penalties)


def alternate(network: Network, X: Any, *, max_iter: int = 20_000, gtol: float = 1e-12) -> Sweeps:
    """Train a linear network (one layer a side; untied with `WeightDecay` or not, tied without) by alternating.

    X (N, D) or `Moments`, which are all that is looked at. Starts from the network's encoder; weights outside the span
    of the data become zero, and the biases do the centring. Stops where no |dJ/dW| exceeds `gtol` times the largest
    variance. ValueError for another network.
    """
    if not can_alternate(network):
        raise ValueError(f"alternate: got {network!r}, expected one linear layer on either side")
    moments = X if isinstance(X, Moments) else Moments.of(X)
    lam = float(sum(penalty.lam for penalty in network.penalties))
    s, V = moments.spectrum()
    rank = max(1, int(np.count_nonzero(s > rounding_level(s, len(s)))))
    s, V = s[:rank], V[:rank]
    first, last, tied = network.encoder.layers[0], network.decoder.layers[0], _tied(network)
    A, root = V @ first.W, np.sqrt(s)[:, None]
    n_iter, largest = 0, np.inf
    while n_iter < max_iter and largest > gtol:
        B = _decoder(A, root, lam)
        A = _orthonormal(B.T) if tied else _encoder(B, s[:, None], lam)
        n_iter += 1
        largest = _gradient(A, A.T if tied else B, s[:, None], lam) / (s[0] or 1.0)
    first.W[:] = V.T @ A
    if not tied:
        last.W[:] = _decoder(A, root, lam) @ V  # the last word is the decoder's: its gradient is zero
    first.b[:], last.b[:] = -moments.mean @ first.W, moments.mean
    return Sweeps(network.value(moments.sample()), float(largest), n_iter, bool(largest <= gtol))


def _tied(network: Network) -> bool:
    return isinstance(network.decoder.layers[-1], Tied)


def _orthonormal(M: np.ndarray) -> np.ndarray:
    U, _, Q = np.linalg.svd(M, full_matrices=False)
    return U @ Q


def _decoder(A: np.ndarray, root: np.ndarray, lam: float) -> np.ndarray:
    """The least squares of sqrt(s) against sqrt(s) A; by singular values, which square no condition number."""
    U, sigma, Q = np.linalg.svd(root * A, full_matrices=False)
    kept = sigma > rounding_level(sigma, max(A.shape))
    factor = np.divide(sigma, sigma**2 + lam, out=np.zeros_like(sigma), where=kept)
    return (Q.T * factor) @ (U.T * root.T)


def _encoder(B: np.ndarray, s: np.ndarray, lam: float) -> np.ndarray:
    U, beta, Q = np.linalg.svd(B, full_matrices=False)  # B B^T = U diag(beta^2) U^T,  B^T U = Q^T diag(beta)
    scale = s * beta**2 + lam
    kept = beta > rounding_level(beta, max(B.shape))
    return np.divide(s * Q.T * beta, scale, out=np.zeros_like(Q.T), where=kept & (scale > 0)) @ U.T


def _gradient(A: np.ndarray, B: np.ndarray, s: np.ndarray, lam: float) -> float:
    """Largest |dJ/dB| = |lam B - A^T s (I - A B)|, where A is the best for B."""
    sA = s * A
    return float(np.abs(lam * B - sA.T + (A.T @ sA) @ B).max())
