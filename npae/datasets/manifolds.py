"""Curves and surfaces whose tangents and curvature are known exactly: circle, helix, sphere, torus, roll.

Every maker takes the same three things after its shape:

    noise       standard deviation of isotropic Gaussian noise in all D directions, as a fraction of the extent:
                the longest side of the bounding box of the whole manifold in its native space R^D_0.
    n_features  D: the native space is turned at random into R^D (uniform orthonormal rows); None leaves it.
    rng         None, int, SeedSequence or Generator. Places, rotation and noise have a stream each: one seed
                gives the same places at any noise and D, and the same rotation for any number of samples.

and returns a `Dataset`. `target` (N, d) are the coordinates; every chart is orthogonal, so `tangents[:, i]` is
the unit vector along coordinate i and the principal direction of `curvature[:, i]`. A surface's curvatures are
signed for its inward normal (sphere and tube positive; the roll towards its axis). Samples are uniform by length
or area. Raises ValueError for arguments out of range.
Source: M. P. do Carmo, Differential Geometry of Curves and Surfaces (1976), sections 1-5, 2-5, 3-3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy import cos, pi, sin

from npae.datasets.dataset import Dataset, RandomSource, random_embedding, random_streams
from npae.validation import check_number


def make_circle(
    n_samples: int = 1000, *, radius: float = 1.0,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """Circle in the plane, p(t) = radius (cos t, sin t); extent 2 radius; curvature 1/radius.

    `target` (N, 1): t in [0, 2 pi), radians.
    """
    place, turn, shake = random_streams("make_circle", n_samples, noise, rng, radius=radius)
    t = place.uniform(0.0, 2 * pi, n_samples)
    tangents = np.stack([_rows(-sin(t), cos(t))], axis=1)  # (N, 1, 2)
    curvature = np.full((n_samples, 1), 1.0 / radius)
    chart = partial(_circle, radius=radius)
    return _embedded("circle", chart, _rows(t), tangents, curvature, noise * 2 * radius, n_features, turn, shake)


def make_helix(
    n_samples: int = 1000, *, radius: float = 1.0, pitch: float = 0.5, turns: float = 3.0,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """Helix p(t) = (radius cos t, radius sin t, b (t - pi turns)) with b = pitch / 2 pi and turns >= 1.

    Extent max(2 radius, pitch turns); curvature radius / (radius^2 + b^2).
    `target` (N, 1): t in [0, 2 pi turns), radians.
    """
    check_number(turns, "turns", "make_helix", low=1)
    place, turn, shake = random_streams("make_helix", n_samples, noise, rng, radius=radius, pitch=pitch)
    t, b = place.uniform(0.0, 2 * pi * turns, n_samples), pitch / (2 * pi)
    speed = np.hypot(radius, b)
    tangents = np.stack([_rows(-radius * sin(t), radius * cos(t), np.full_like(t, b)) / speed], axis=1)
    curvature = np.full((n_samples, 1), radius / speed**2)
    chart = partial(_helix, radius=radius, b=b, middle=pi * turns)
    sd = noise * max(2 * radius, pitch * turns)
    return _embedded("helix", chart, _rows(t), tangents, curvature, sd, n_features, turn, shake)


def make_sphere(
    n_samples: int = 1000, *, radius: float = 1.0,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """Sphere p(u, v) = radius (sin v cos u, sin v sin u, cos v); extent 2 radius; both curvatures 1/radius.

    `target` (N, 2): longitude u in [0, 2 pi), colatitude v in [0, pi], radians.
    """
    place, turn, shake = random_streams("make_sphere", n_samples, noise, rng, radius=radius)
    u = place.uniform(0.0, 2 * pi, n_samples)
    v = np.arccos(place.uniform(-1.0, 1.0, n_samples))  # Archimedes: the height is uniform
    along_u = _rows(-sin(u), cos(u), np.zeros_like(u))
    along_v = _rows(cos(v) * cos(u), cos(v) * sin(u), -sin(v))
    tangents, curvature = np.stack([along_u, along_v], axis=1), np.full((n_samples, 2), 1.0 / radius)
    chart = partial(_sphere, radius=radius)
    return _embedded("sphere", chart, _rows(u, v), tangents, curvature, noise * 2 * radius, n_features, turn, shake)


def make_torus(
    n_samples: int = 1000, *, major: float = 1.0, minor: float = 0.4,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """Torus p(u, v) = (w cos u, w sin u, minor sin v), w = major + minor cos v, major > minor.

    Extent 2 (major + minor); curvatures cos v / w along u and 1/minor along v.
    `target` (N, 2): u, v in [0, 2 pi), radians.
    """
    if not major > minor:
        raise ValueError(f"make_torus: got major={major}, minor={minor}, expected major > minor")
    place, turn, shake = random_streams("make_torus", n_samples, noise, rng, major=major, minor=minor)
    u = place.uniform(0.0, 2 * pi, n_samples)
    grid = np.linspace(0.0, 2 * pi, 4097)
    v = _inverse_cdf(grid, major * grid + minor * sin(grid), place, n_samples)  # area is w du dv
    along_u = _rows(-sin(u), cos(u), np.zeros_like(u))
    along_v = _rows(-sin(v) * cos(u), -sin(v) * sin(u), cos(v))
    tangents = np.stack([along_u, along_v], axis=1)
    curvature = _rows(cos(v) / (major + minor * cos(v)), np.full_like(v, 1.0 / minor))
    chart = partial(_torus, major=major, minor=minor)
    sd = noise * 2 * (major + minor)
    return _embedded("torus", chart, _rows(u, v), tangents, curvature, sd, n_features, turn, shake)


def make_swiss_roll(
    n_samples: int = 1000, *, height: float = 1.5,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """Swiss roll p(t, y) = (s t cos t, y, s t sin t), t in [3 pi/2, 9 pi/2), y in [0, height), s = 2 / (9 pi).

    The usual roll shrunk to an outer radius of 1; its windings are 2 pi s = 0.444 apart. Extent max(1.78, height);
    curvatures (2 + t^2) / (s (1 + t^2)^(3/2)) along t and 0 along y. `target` (N, 2): t, y.
    Source: J. B. Tenenbaum et al., Science 290 (2000) 2319.
    """
    place, turn, shake = random_streams("make_swiss_roll", n_samples, noise, rng, height=height)
    s, grid = 1.0 / (4.5 * pi), np.linspace(1.5 * pi, 4.5 * pi, 4097)
    t = _inverse_cdf(grid, grid * np.hypot(1, grid) + np.arcsinh(grid), place, n_samples)  # length of a spiral
    y = place.uniform(0.0, height, n_samples)
    along_t = _rows(cos(t) - t * sin(t), np.zeros_like(t), sin(t) + t * cos(t)) / np.hypot(1, t)[:, None]
    tangents = np.stack([along_t, np.broadcast_to([0.0, 1.0, 0.0], along_t.shape)], axis=1)
    curvature = _rows((2 + t**2) / (s * np.hypot(1, t) ** 3), np.zeros_like(t))
    chart = partial(_swiss_roll, s=s)
    across = np.ptp(s * grid * cos(grid)), np.ptp(s * grid * sin(grid))
    sd = noise * max(*across, height)
    return _embedded("swiss roll", chart, _rows(t, y), tangents, curvature, sd, n_features, turn, shake)


def _circle(x: np.ndarray, radius: float) -> np.ndarray:
    return radius * _rows(cos(x[:, 0]), sin(x[:, 0]))


def _helix(x: np.ndarray, radius: float, b: float, middle: float) -> np.ndarray:
    t = x[:, 0]
    return _rows(radius * cos(t), radius * sin(t), b * (t - middle))


def _sphere(x: np.ndarray, radius: float) -> np.ndarray:
    u, v = x.T
    return radius * _rows(sin(v) * cos(u), sin(v) * sin(u), cos(v))


def _torus(x: np.ndarray, major: float, minor: float) -> np.ndarray:
    u, v = x.T
    w = major + minor * cos(v)
    return _rows(w * cos(u), w * sin(u), minor * sin(v))


def _swiss_roll(x: np.ndarray, s: float) -> np.ndarray:
    t, y = x.T
    return _rows(s * t * cos(t), y, s * t * sin(t))


def _rows(*columns: np.ndarray) -> np.ndarray:
    """Columns (N,) as rows of samples (N, number of columns)."""
    return np.stack(columns, axis=1)


def _inverse_cdf(grid: np.ndarray, cdf: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    """(n,) draws from the density d cdf / d grid, by linear interpolation of its inverse."""
    return np.interp(rng.uniform(cdf[0], cdf[-1], n), cdf, grid)


def _embedded_chart(x: np.ndarray, native: Callable[[np.ndarray], np.ndarray], embedding: np.ndarray) -> np.ndarray:
    return native(np.asarray(x, dtype=float)) @ embedding


def _embedded(
    name: str,
    native: Callable[[np.ndarray], np.ndarray],
    coordinates: np.ndarray,  # (N, d)
    tangents: np.ndarray,  # (N, d, D_0)
    curvature: np.ndarray,  # (N, d)
    sd: float, n_features: int | None, turn: np.random.Generator, shake: np.random.Generator,
) -> Dataset:  # fmt: skip
    """Turn a manifold in its native space R^D_0 into R^D and add the noise there."""
    owner = f"make_{name.replace(' ', '_')}"
    embedding = random_embedding(owner, tangents.shape[-1], n_features, turn)  # (D_0, D)
    chart = partial(_embedded_chart, native=native, embedding=embedding)
    clean = chart(coordinates)  # (N, D)
    description = f"{name} in {clean.shape[1]} dimensions, noise of standard deviation {sd:g}"
    return Dataset(
        clean + sd * shake.standard_normal(clean.shape), coordinates, description=description, clean=clean,
        tangents=tangents @ embedding, curvature=curvature, embedding=embedding, chart=chart,
    )  # fmt: skip
