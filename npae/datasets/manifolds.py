"""Curves and surfaces whose tangents and curvature are known exactly: circle, sphere, Swiss roll.

Every maker takes the same three arguments after its shape:

    noise       standard deviation of isotropic Gaussian noise in all D directions, as a fraction of the extent:
                the longest side of the bounding box of the whole manifold in its native space R^D_0.
    n_features  D: the native space is rotated at random into R^D (uniform orthonormal rows); None: no rotation.
    rng         None, int, SeedSequence or Generator. Positions, rotation and noise have separate streams: one seed
                gives the same positions at any noise and D, and the same rotation for any number of samples.

and returns a `Dataset`. `target` (N, d) are the coordinates; every chart is orthogonal, so `tangents[:, i]` is
the unit vector along coordinate i and the principal direction of `curvature[:, i]`. A surface's curvatures are
signed for its inward normal (the sphere's are positive; the roll's normal points to its axis). Samples are uniform by
length or area. Every maker raises ValueError for arguments out of range.
Source: M. P. do Carmo, Differential Geometry of Curves and Surfaces (1976), sections 1-5, 2-5, 3-3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy import column_stack, cos, pi, sin

from npae.datasets.dataset import Dataset, RandomSource, random_embedding, random_streams


def make_circle(
    n_samples: int = 1000, *, radius: float = 1.0,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """Circle in the plane, p(t) = radius (cos t, sin t); extent 2 radius; curvature 1/radius.

    `target` (N, 1): t in [0, 2 pi), radians.
    """
    position_rng, *rngs = random_streams("make_circle", n_samples, noise, rng, radius=radius)
    t = position_rng.uniform(0.0, 2 * pi, (n_samples, 1))
    tangents = np.stack([-sin(t), cos(t)], axis=2)  # (N, 1, 2)
    curvature = np.full((n_samples, 1), 1.0 / radius)
    chart = partial(_circle, radius=radius)
    return _embed("circle", chart, t, tangents, curvature, noise * 2 * radius, n_features, *rngs)


def make_sphere(
    n_samples: int = 1000, *, radius: float = 1.0,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """Sphere p(u, v) = radius (sin v cos u, sin v sin u, cos v); extent 2 radius; both curvatures 1/radius.

    `target` (N, 2): longitude u in [0, 2 pi), colatitude v in [0, pi], radians.
    """
    position_rng, *rngs = random_streams("make_sphere", n_samples, noise, rng, radius=radius)
    u = position_rng.uniform(0.0, 2 * pi, n_samples)
    v = np.arccos(position_rng.uniform(-1.0, 1.0, n_samples))  # Archimedes: the height is uniform
    along_u = column_stack([-sin(u), cos(u), np.zeros_like(u)])
    along_v = column_stack([cos(v) * cos(u), cos(v) * sin(u), -sin(v)])
    tangents, curvature = np.stack([along_u, along_v], axis=1), np.full((n_samples, 2), 1.0 / radius)
    chart = partial(_sphere, radius=radius)
    return _embed("sphere", chart, column_stack([u, v]), tangents, curvature, noise * 2 * radius, n_features, *rngs)


def make_swiss_roll(
    n_samples: int = 1000, *, height: float = 1.5,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """Swiss roll p(t, y) = (s t cos t, y, s t sin t), t in [3 pi/2, 9 pi/2), y in [0, height), s = 2 / (9 pi).

    The usual roll shrunk to an outer radius of 1; its windings are 2 pi s = 0.444 apart. Extent max(1.78, height);
    curvatures (2 + t^2) / (s (1 + t^2)^(3/2)) along t and 0 along y. `target` (N, 2): t, y.
    Source: J. B. Tenenbaum et al., Science 290 (2000) 2319.
    """
    position_rng, *rngs = random_streams("make_swiss_roll", n_samples, noise, rng, height=height)
    s, grid = 1.0 / (4.5 * pi), np.linspace(1.5 * pi, 4.5 * pi, 4097)
    t = spiral_angles(grid, position_rng, n_samples)
    y = position_rng.uniform(0.0, height, n_samples)
    along_t = column_stack([cos(t) - t * sin(t), np.zeros_like(t), sin(t) + t * cos(t)]) / np.hypot(1, t)[:, None]
    tangents = np.stack([along_t, np.broadcast_to([0.0, 1.0, 0.0], along_t.shape)], axis=1)
    curvature = column_stack([spiral_curvature(t, s), np.zeros_like(t)])
    chart = partial(_swiss_roll, s=s)
    std = noise * max(np.ptp(s * grid * cos(grid)), np.ptp(s * grid * sin(grid)), height)
    return _embed("swiss roll", chart, column_stack([t, y]), tangents, curvature, std, n_features, *rngs)


def _circle(x: np.ndarray, radius: float) -> np.ndarray:
    return radius * column_stack([cos(x), sin(x)])


def _sphere(x: np.ndarray, radius: float) -> np.ndarray:
    u, v = x.T
    return radius * column_stack([sin(v) * cos(u), sin(v) * sin(u), cos(v)])


def _swiss_roll(x: np.ndarray, s: float) -> np.ndarray:
    t, y = x.T
    return column_stack([s * t * cos(t), y, s * t * sin(t)])


def spiral_angles(grid: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw n angles t (n,) from grid[0] to grid[-1] that are uniform by the length of the spiral s t (cos t, sin t)."""
    length = grid * np.hypot(1, grid) + np.arcsinh(grid)  # from 0 to t, divided by s / 2
    return np.interp(rng.uniform(length[0], length[-1], n), length, grid)


def spiral_curvature(t: np.ndarray, s: float) -> np.ndarray:
    """(2 + t^2) / (s (1 + t^2)^(3/2)), the curvature of the spiral s t (cos t, sin t)."""
    return (2 + t**2) / (s * np.hypot(1, t) ** 3)


def _embedded_chart(x: np.ndarray, native: Callable[[np.ndarray], np.ndarray], embedding: np.ndarray) -> np.ndarray:
    return native(np.asarray(x, dtype=float)) @ embedding


def _embed(
    name: str, native: Callable[[np.ndarray], np.ndarray], coordinates: np.ndarray, tangents: np.ndarray,
    curvature: np.ndarray, std: float, n_features: int | None, rotation_rng: np.random.Generator,
    noise_rng: np.random.Generator,
) -> Dataset:  # fmt: skip
    """Rotate a manifold from its native space R^D_0 into R^D and add noise there.

    coordinates (N, d), tangents (N, d, D_0), curvature (N, d).
    """
    embedding = random_embedding(f"make_{name.replace(' ', '_')}", tangents.shape[-1], n_features, rotation_rng)
    chart = partial(_embedded_chart, native=native, embedding=embedding)
    clean = chart(coordinates)  # (N, D)
    description = f"{name} in {clean.shape[1]} dimensions, noise of standard deviation {std:g}"
    return Dataset(
        clean + std * noise_rng.standard_normal(clean.shape), coordinates, description=description, clean=clean,
        tangents=tangents @ embedding, curvature=curvature, embedding=embedding, chart=chart,
    )  # fmt: skip
