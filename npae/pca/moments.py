"""Mean, covariance and principal directions: PCA and linear autoencoders depend on the data only through these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.validation import check_array, check_finite

BLOCK_ROWS = 2048  # rows centred at a time: the block stays near the cache, its product runs at full BLAS speed
PASSES = 4  # the first mean is that of a block, the second is exact up to rounding
SAFE = 1e-2  # variance >= SAFE * second moment: their difference loses at most two digits


@dataclass(frozen=True, eq=False)
class Moments:
    """The mean (D,) and the covariance (D, D), divided by N, of n_samples samples.

    Functions that depend on the data only through these two take `Moments` in place of X (N, D). Their cost then does
    not grow with N.
    """

    mean: np.ndarray
    covariance: np.ndarray
    n_samples: int

    @classmethod
    def from_samples(cls, X: Any) -> Moments:
        """Return the moments of X (N, D), summed in float64 without a centred copy. ValueError if they overflow."""
        x = check_array(X, owner="Moments")
        with np.errstate(over="ignore", invalid="ignore"):  # reported in words
            moments = cls._sum(x)
        check_finite((moments.mean, moments.covariance), "the covariance", "PCA", x.dtype)
        return moments

    @classmethod
    def _sum(cls, x: np.ndarray) -> Moments:
        N = len(x)
        if x.dtype == np.float64:
            mean = np.ones(N) @ x / N  # a product, twice as fast as a reduction over rows
            gram = x.T @ x / N  # one product, twice as fast as a general one: BLAS sees the symmetry
            covariance = gram - np.outer(mean, mean)
            if (covariance.diagonal() >= SAFE * gram.diagonal()).all():
                return cls(mean, covariance, N)
        # float32, or a mean so large that the difference would lose digits: subtract a mean first, block by block
        mean = x[:BLOCK_ROWS].mean(axis=0, dtype=np.float64)
        for _ in range(PASSES):
            resolution = np.spacing(np.abs(mean.astype(x.dtype)))  # c can be no nearer to the mean than this
            mean, covariance, shift = cls._sum_around(x, mean)
            if ((shift**2 <= covariance.diagonal() / SAFE) | (np.abs(shift) <= resolution)).all():
                break
        return cls(mean, covariance, N)

    @staticmethod
    def _sum_around(x: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return c + d, 1/N sum (x - c)(x - c)^T - d d^T, and d = 1/N sum (x - c), in one pass."""
        N, D = x.shape
        c = c.astype(x.dtype)
        total, covariance, product = np.zeros(D), np.zeros((D, D)), np.empty((D, D), x.dtype)
        centred, ones = np.empty((min(N, BLOCK_ROWS), D), x.dtype), np.ones(min(N, BLOCK_ROWS), x.dtype)
        for i in range(0, N, BLOCK_ROWS):
            block = x[i : i + BLOCK_ROWS]
            part = np.subtract(block, c, out=centred[: len(block)])
            total += ones[: len(block)] @ part
            covariance += np.matmul(part.T, part, out=product)
        d = total / N
        return c + d, covariance / N - np.outer(d, d), d

    def spectrum(self, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
        """Return the eigenvalues (D,) of the covariance, descending and >= 0, and its eigenvectors as rows (D, D)."""
        with np.errstate(over="ignore"):  # reported in words
            covariance = check_finite(self.covariance.astype(dtype, copy=False), "the covariance", "PCA")
        s, V = np.linalg.eigh(covariance)
        return np.maximum(s[::-1], 0), fix_signs(V.T[::-1])

    def sample(self) -> np.ndarray:
        """Return r + 1 samples (r + 1, D) that have exactly these moments; r is the rank of the covariance.

            X = mean + sqrt(r + 1) H diag(sqrt s) V,    H (r + 1, r), H^T H = I, 1^T H = 0

        A linear network of any depth with `SquaredError` has an objective quadratic in x. Its value and gradient on
        these samples equal those on the N samples, so every optimizer can fit from the moments alone.
        The columns of H are the cosines of the discrete cosine transform, without the constant one.
        """
        s, V = self.spectrum()
        r = int(np.count_nonzero(s > rounding_level(s, len(s))))
        H = np.sqrt(2 / (r + 1)) * np.cos(np.pi * np.outer(np.arange(r + 1) + 0.5, np.arange(1, r + 1)) / (r + 1))
        return self.mean + np.sqrt(r + 1) * (H * np.sqrt(s[:r])) @ V[:r]


def spectrum(X: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return `principal_directions` of X (N, D) or of `Moments`."""
    if isinstance(X, Moments):
        s, V = X.spectrum()
        return X.mean, s, V, rounding_level(s, len(s))
    return principal_directions(check_array(X, owner="spectrum"))


def principal_directions(x: np.ndarray, solver: str = "auto") -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return mean (D,), eigenvalues (m,) of the covariance over N, directions (m, D), and the rounding level of s.

    "svd" decomposes the centred x, or for N >= 2 D the R of its QR, which has the same sigma and V, in about 2 N D^2
    operations and a few of D^3; singular values are good to eps sigma_1.
    "covariance" takes x^T x and its eigenvectors in about N D^2 + 9 D^3, at full BLAS speed and without a copy of x;
    singular values are good to sqrt(eps) sigma_1. "auto" takes the covariance where N >= 10 D, so that D^3 is small
    compared with the product with x, and the SVD otherwise. m = min(N, D). ValueError for another solver.
    """
    N, D = x.shape
    m = min(N, D)
    if solver not in ("auto", "svd", "covariance"):
        raise ValueError(f"principal_directions: got solver={solver!r}, expected 'auto', 'svd' or 'covariance'")
    if solver == "covariance" or (solver == "auto" and N >= 10 * D):
        moments = Moments.from_samples(x)
        s, V = moments.spectrum(x.dtype)
        return moments.mean.astype(x.dtype, copy=False), s[:m], V[:m], rounding_level(s, max(N, D))
    with np.errstate(over="ignore", invalid="ignore"):  # reported in words
        mean = x.mean(axis=0)
        centred = check_finite(x - mean, "the mean", "PCA")
        R = check_finite(np.linalg.qr(centred, mode="r"), "the covariance", "PCA") if N >= 2 * D else centred
        _, sigma, V = np.linalg.svd(R, full_matrices=False)  # x - mean = U diag(sigma) V
        s = check_finite(sigma**2 / N, "the covariance", "PCA")
        return mean, s, fix_signs(V), rounding_level(sigma, max(N, D)) ** 2 / N


def rounding_level(values: np.ndarray, size: int) -> float:
    """Return the level below which singular values or eigenvalues (descending) of such a matrix are rounding."""
    return size * float(np.finfo(values.dtype).eps) * float(values[0])


def fix_signs(V: np.ndarray) -> np.ndarray:
    """Return the rows of V (K, D) with the signs that make the entry of largest magnitude of each row positive."""
    largest = np.take_along_axis(V, np.abs(V).argmax(axis=1)[:, None], axis=1)
    return V * np.where(largest < 0, -1, 1).astype(V.dtype)
