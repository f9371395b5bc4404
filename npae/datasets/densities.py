"""A density with a known score: a mixture of isotropic Gaussians, also after noise and rotation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npae.datasets.dataset import Dataset, RandomSource, random_embedding, random_streams
from npae.validation import check_number


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """p(x) = sum_m weights_m N(x; means_m E, s_m^2 E^T E + noise^2 I), in R^D, M components.

    means (M, D_0), std s (M,), weights (M,) of sum 1, embedding E (D_0, D) of orthonormal rows, noise >= 0.
    With `sigma` both methods describe the density smoothed by N(0, sigma^2 I), which a denoiser trained with
    that noise has to learn. They raise ValueError if the density does not exist: D > D_0 and noise = sigma = 0.
    """

    means: np.ndarray
    std: np.ndarray
    weights: np.ndarray
    embedding: np.ndarray
    noise: float = 0.0

    def log_density(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """log p_sigma(x), natural logarithm: (N, D) -> (N,)."""
        log_joint, _, _, off, tau2 = self._parts(x, sigma)
        n_off = off.shape[1] - self.means.shape[1]
        outside = 0.5 * (off**2).sum(axis=1) / tau2 + 0.5 * n_off * np.log(2 * np.pi * tau2) if n_off else 0.0
        return np.logaddexp.reduce(log_joint, axis=1) - outside

    def score(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """d log p_sigma(x) / dx: (N, D) -> (N, D).

        With y = x E^T, v_m = s_m^2 + tau^2, tau^2 = noise^2 + sigma^2 and r_nm the posterior of component m:
        (sum_m r_nm (means_m - y) / v_m) E - (x - y E) / tau^2.
        """
        log_joint, y, variance, off, tau2 = self._parts(x, sigma)
        pull = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True)) / variance  # r / v, (N, M)
        inside = pull @ self.means - pull.sum(axis=1, keepdims=True) * y  # (N, D_0)
        score = inside @ self.embedding
        return score - off / tau2 if off.shape[1] > y.shape[1] else score

    def _parts(self, x: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
        """Return log(weight x native density) (N, M), y (N, D_0), v (M,), x - y E (N, D) and tau^2."""
        x = np.asarray(x, dtype=float)
        d0, d = self.embedding.shape
        if x.ndim != 2 or x.shape[1] != d:
            raise ValueError(f"GaussianMixture: got x of shape {x.shape}, expected (N, {d})")
        check_number(sigma, "sigma", "GaussianMixture")
        tau2 = self.noise**2 + sigma**2
        if d > d0 and tau2 == 0:
            got = f"GaussianMixture: got no density, {d0} dimensions in {d}"
            raise ValueError(f"{got}, expected noise or sigma above 0")
        y, variance = x @ self.embedding.T, self.std**2 + tau2
        squared = ((y[:, None, :] - self.means) ** 2).sum(axis=2)  # (N, M)
        log_joint = np.log(self.weights) - 0.5 * squared / variance - 0.5 * d0 * np.log(2 * np.pi * variance)
        return log_joint, y, variance, x - y @ self.embedding, tau2


def make_gaussian_mixture(
    n_samples: int = 1000, *, means: Sequence[Sequence[float]] | np.ndarray | int = 8,
    std: float | Sequence[float] | np.ndarray = 0.15, weights: Sequence[float] | np.ndarray | None = None,
    noise: float = 0.0, n_features: int | None = None, rng: RandomSource = None,
) -> Dataset:  # fmt: skip
    """Draw from a mixture of M isotropic Gaussians with its exact score, `dataset.score(x, sigma=0.0)`.

    means    (M, D_0), or a number M of means spaced evenly on the unit circle.
    std      one standard deviation, or (M,), above 0.
    weights  (M,) positive, divided by their sum; None: equal weights.
    noise, n_features, rng   as in `npae.datasets.manifolds`; extent: the longest side of the box of means +- 2 std.

    `target` (N,) is the component, `clean` (N, D) the sample before noise; `score` and `log_density` are those
    of `data`, noise included.
    Raises ValueError for arguments out of range or shapes that do not match.
    """
    owner = "make_gaussian_mixture"
    if isinstance(means, (int, np.integer)):
        angle = 2 * np.pi * np.arange(means) / max(means, 1)
        means = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    mu = np.asarray(means, dtype=float)
    if mu.ndim != 2 or mu.size == 0 or not np.isfinite(mu).all():
        raise ValueError(f"{owner}: got means of shape {mu.shape}, expected (M, D_0), finite, or a whole number M")
    s = _per_component("std", std, len(mu))
    w = _per_component("weights", 1.0 if weights is None else weights, len(mu))
    position_rng, rotation_rng, noise_rng = random_streams(owner, n_samples, noise, rng)
    embedding = random_embedding(owner, mu.shape[1], n_features, rotation_rng)
    std_noise = float(noise * np.max((mu + 2 * s[:, None]).max(axis=0) - (mu - 2 * s[:, None]).min(axis=0)))
    mixture = GaussianMixture(mu, s, w / w.sum(), embedding, std_noise)
    component = position_rng.choice(len(mu), size=n_samples, p=mixture.weights)
    clean = (mu[component] + s[component, None] * position_rng.standard_normal((n_samples, mu.shape[1]))) @ embedding
    description = (
        f"mixture of {len(mu)} Gaussians in {clean.shape[1]} dimensions, noise of standard deviation {std_noise:g}"
    )
    return Dataset(
        clean + std_noise * noise_rng.standard_normal(clean.shape), component, description=description, clean=clean,
        embedding=embedding, score=mixture.score, log_density=mixture.log_density,
    )  # fmt: skip


def _per_component(name: str, value: float | Sequence[float] | np.ndarray, n: int) -> np.ndarray:
    array = np.asarray(value, dtype=float)
    if array.shape not in ((), (n,)) or not ((array > 0) & np.isfinite(array)).all():
        got = f"make_gaussian_mixture: got {name}={value!r}"
        raise ValueError(f"{got}, expected one number or {n}, each finite and above 0")
    return np.broadcast_to(array, (n,)).copy()
