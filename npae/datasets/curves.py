"""Densities with a known smoothed score that are not mixtures: a Gaussian, a ring, a spiral."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np

from npae.datasets.dataset import Dataset, RandomSource, random_streams
from npae.datasets.densities import GaussianMixture
from npae.datasets.manifolds import _circle, _embed, make_circle, spiral_angles, spiral_curvature

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)  # on [-1, 1]
Map: TypeAlias = Callable[[np.ndarray], np.ndarray]
PANEL = 2.0  # length of a panel in standard deviations: 12 nodes then give the integral to about 1e-13
BLOCK = 2**20  # distances of points to nodes that are in memory at a time


@dataclass(frozen=True, eq=False)
class GaussianDensity:
    """p(x) = N(x; mean, covariance) in R^D; smoothed by sigma, the covariance is S + sigma^2 I.

    mean (D,), covariance S (D, D). Methods raise ValueError if S + sigma^2 I is singular.
    """

    mean: np.ndarray
    covariance: np.ndarray

    def _precision(self, sigma: float) -> tuple[np.ndarray, float]:
        """Return (S + sigma^2 I)^-1 and log det(S + sigma^2 I), by eigenvalues."""
        s, V = np.linalg.eigh(self.covariance)
        s = s + sigma**2
        if s[0] <= 0:
            raise ValueError(f"GaussianDensity: got a singular covariance and sigma={sigma!r}, expected sigma above 0")
        return (V / s) @ V.T, float(np.log(s).sum())

    def log_density(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """log p_sigma(x), natural logarithm: (N, D) -> (N,)."""
        precision, log_det = self._precision(sigma)
        z = np.asarray(x, dtype=float) - self.mean
        return -0.5 * (((z @ precision) * z).sum(axis=1) + log_det + len(self.mean) * np.log(2 * np.pi))

    def score(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """d log p_sigma(x) / dx = -(S + sigma^2 I)^-1 (x - mean): (N, D) -> (N, D)."""
        return -(np.asarray(x, dtype=float) - self.mean) @ self._precision(sigma)[0]


@dataclass(frozen=True, eq=False)
class CurveDensity:
    """p(x) = 1/length int N(x; c(t) E, tau^2 I) |c'(t)| dt: points uniform by length on a curve c, plus noise.

    chart c: (M, 1) -> (M, D_0) and speed |c'|: (M,) -> (M,), for t in [start, stop]; embedding E (D_0, D); noise: the
    standard deviation. Smoothing by sigma gives tau^2 = noise^2 + sigma^2, which must not be 0. Gauss and Legendre's
    rule on panels of about two tau turns the integral into a mixture of Gaussians at the nodes.
    """

    chart: Map
    speed: Map
    start: float
    stop: float
    embedding: np.ndarray
    noise: float = 0.0

    def _mixture(self, sigma: float) -> GaussianMixture:
        tau = float(np.hypot(self.noise, sigma))
        if not 0 < tau < np.inf:
            got = f"CurveDensity: got noise={self.noise!r} and sigma={sigma!r}"
            raise ValueError(f"{got}, expected one of them above 0")
        longest = (self.stop - self.start) * self.speed(np.linspace(self.start, self.stop, 1001)).max()
        edges = np.linspace(self.start, self.stop, max(32, int(np.ceil(longest / (PANEL * tau)))) + 1)
        half = np.diff(edges)[:, None] / 2
        t = ((edges[:-1, None] + half) + half * NODES).ravel()
        weights = (half * WEIGHTS).ravel() * self.speed(t)
        return GaussianMixture(
            self.chart(t[:, None]), np.zeros(len(t)), weights / weights.sum(), self.embedding, self.noise
        )

    def _by_blocks(self, name: str, x: np.ndarray, sigma: float) -> np.ndarray:
        mixture = self._mixture(sigma)
        step = max(1, BLOCK // len(mixture.weights))
        f = getattr(mixture, name)
        return np.concatenate([f(x[i : i + step], sigma) for i in range(0, max(len(x), 1), step)])

    def log_density(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """log p_sigma(x), natural logarithm: (N, D) -> (N,)."""
        return self._by_blocks("log_density", np.asarray(x, dtype=float), sigma)

    def score(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """d log p_sigma(x) / dx: (N, D) -> (N, D)."""
        return self._by_blocks("score", np.asarray(x, dtype=float), sigma)


def make_ring(
    n_samples: int = 1000, *, radius: float = 1.0,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """`make_circle` with its density: `score(x, sigma=0.0)` and `log_density` of the noisy circle.

    In the plane p(x) = exp(-(r^2 + radius^2) / 2 tau^2) I_0(r radius / tau^2) / (2 pi tau^2), r = ||x||.
    """
    ring = make_circle(n_samples, radius=radius, noise=noise, n_features=n_features, rng=rng)
    chart, speed = partial(_circle, radius=radius), partial(np.full_like, fill_value=radius)
    return _with_density(ring, chart, speed, 2 * np.pi, noise * 2 * radius)


def make_spiral(
    n_samples: int = 1000, *, turns: float = 1.5,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """Archimedes' spiral in the plane, p(t) = s t (cos t, sin t), s = 1 / (2 pi turns), t in [0, 2 pi turns).

    It ends at distance 1, its windings 1 / turns apart. Extent 2; curvature (2 + t^2) / (s (1 + t^2)^(3/2)).
    `target` (N, 1): t, radians; `score` and `log_density` as in `make_ring`; the rest as in `npae.datasets.manifolds`.
    """
    position_rng, *rngs = random_streams("make_spiral", n_samples, noise, rng, turns=turns)
    s, grid = 1.0 / (2 * np.pi * turns), np.linspace(0.0, 2 * np.pi * turns, 4097)
    t = spiral_angles(grid, position_rng, n_samples)[:, None]
    cos, sin = np.cos(t), np.sin(t)
    tangents = np.stack([cos - t * sin, sin + t * cos], axis=2) / np.hypot(1, t)[:, :, None]  # (N, 1, 2)
    chart = partial(_spiral, s=s)
    spiral = _embed("spiral", chart, t, tangents, spiral_curvature(t, s), noise * 2, n_features, *rngs)
    return _with_density(spiral, chart, partial(_spiral_speed, s=s), float(grid[-1]), noise * 2)


def _with_density(data: Dataset, chart: Map, speed: Map, stop: float, noise: float) -> Dataset:
    assert data.embedding is not None
    density = CurveDensity(chart, speed, 0.0, stop, data.embedding, noise)
    return replace(data, score=density.score, log_density=density.log_density)


def _spiral(x: np.ndarray, s: float) -> np.ndarray:
    return s * np.column_stack([x * np.cos(x), x * np.sin(x)])


def _spiral_speed(t: np.ndarray, s: float) -> np.ndarray:
    return s * np.hypot(1, t)
