"""The `Dataset` that every loader and maker returns: the data, and the exact quantities known for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np

from npae.validation import check_number

# A string, so that numpy.random (half the cost of importing numpy) is loaded when it is first used.
RandomSource: TypeAlias = "int | np.random.SeedSequence | np.random.Generator | None"

_PER_SAMPLE = ("data", "target", "clean", "tangents", "curvature")


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """N samples as rows, with the exact quantities known for them; a field that does not apply is None.

    N samples, D features, d intrinsic dimensions.

    data         (N, D) float64.  Images are flattened and lie in [0, 1].
    target       (N,) integer classes, or (N, d) intrinsic coordinates of a known manifold.
    image_shape  (rows, columns) of an image, rows * columns = D.
    description  one or two sentences: what it is, the source, the licence.

    Known manifolds (`npae.datasets.manifolds`) add
    clean        (N, D) the points before noise.
    tangents     (N, d, D) orthonormal rows spanning the tangent space at `clean`.
    curvature    (N, d) principal curvatures, curvature[:, i] along tangents[:, i].
    embedding    (D_0, D) orthonormal rows E; a point q of the native space lies at q E.
    chart        callable (M, d) -> (M, D): coordinates to points on the manifold, without noise.
    A known density adds
    score        callable (x, sigma=0.0), (M, D) -> (M, D): gradient of log_density.
    log_density  callable (x, sigma=0.0), (M, D) -> (M,): log of the density smoothed by N(0, sigma^2 I).
    """

    data: np.ndarray
    target: np.ndarray
    image_shape: tuple[int, int] | None = None
    description: str = ""
    clean: np.ndarray | None = None
    tangents: np.ndarray | None = None
    curvature: np.ndarray | None = None
    embedding: np.ndarray | None = None
    chart: Callable[[np.ndarray], np.ndarray] | None = None
    score: Callable[..., np.ndarray] | None = None
    log_density: Callable[..., np.ndarray] | None = None

    @property
    def images(self) -> np.ndarray:
        """Return `data` as (N, rows, columns), a view; raise ValueError if the samples are not images."""
        if self.image_shape is None:
            raise ValueError("Dataset: got no image_shape, expected a dataset of images")
        return self.data.reshape(-1, *self.image_shape)

    def subset(self, index: Any) -> Dataset:
        """Return the samples that a slice, a boolean mask or an index array selects, with their known quantities."""
        values = {name: getattr(self, name) for name in _PER_SAMPLE}
        return replace(self, **{name: value[index] for name, value in values.items() if value is not None})

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "description"}
        parts = [
            f"{name}()" if callable(value) else f"{name}={value.shape if isinstance(value, np.ndarray) else value}"
            for name, value in values.items()
            if value is not None
        ]
        return f"Dataset({', '.join(parts)})"


def image_dataset(images: np.ndarray, labels: np.ndarray, largest: float, description: str) -> Dataset:
    """Return whole-number images (N, rows, columns) and labels (N,) as a Dataset, grey levels divided by `largest`."""
    n, rows, columns = images.shape
    return Dataset(images.reshape(n, rows * columns) / largest, labels.astype(np.int64), (rows, columns), description)


# Shared by the synthetic data of `manifolds`, `curves` and `densities`.


def random_streams(
    owner: str, n_samples: int, noise: float, rng: RandomSource, **lengths: float
) -> tuple[np.random.Generator, ...]:
    """Return Generators for positions, rotation and noise; raise ValueError for a bad n_samples, noise or length."""
    check_number(n_samples, "n_samples", owner, low=1, integer=True)
    check_number(noise, "noise", owner)
    for name, value in lengths.items():
        check_number(value, name, owner, include_low=False)
    return tuple(np.random.default_rng(seed) for seed in np.random.default_rng(rng).integers(2**63, size=3))


def random_embedding(owner: str, native: int, n_features: int | None, rng: np.random.Generator) -> np.ndarray:
    """Draw orthonormal rows (native, D), uniform over all such matrices; n_features=None gives the identity.

    By QR of a Gaussian matrix with diag R > 0: F. Mezzadri, Notices AMS 54 (2007) 592.
    """
    if n_features is None:
        return np.eye(native)
    check_number(n_features, "n_features", owner, low=native, integer=True)
    q, r = np.linalg.qr(rng.standard_normal((n_features, native)))
    return np.ascontiguousarray((q * np.sign(np.diag(r))).T)
