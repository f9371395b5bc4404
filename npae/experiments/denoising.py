"""Compare the estimates of denoising autoencoders with known densities: scores, samples, the limit of small noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae import datasets
from npae.denoising import energy_distance, langevin, learn_reconstruction_distribution, score_field, small_noise
from npae.objective.activations import Tanh
from npae.objective.corruption import GaussianNoise
from npae.objective.layers import Dense
from npae.objective.network import Network

DENSITIES: dict[str, Any] = {
    "mixture": (datasets.make_gaussian_mixture, 0.3),
    "ring": (datasets.make_ring, 0.4),
    "spiral": (datasets.make_spiral, 0.2),
}  # name -> (maker of the data, standard deviation of the noise)


def plane_network(width=64, *, n_layers=1, rng=None):
    """Return a network 2-width-width-2 of tanh units with a linear output; float32. Random biases spread the units."""
    rng = np.random.default_rng(rng)
    encoder = [Dense(2, width, Tanh(), rng=rng)]
    encoder += [Dense(width, width, Tanh(), rng=rng) for _ in range(n_layers - 1)]
    for layer in encoder:
        layer.b[:] = rng.uniform(-1, 1, width)
    encoder[0].W *= 3
    decoder = [Dense(width, width, Tanh(), rng=rng), Dense(width, 2, rng=rng)]
    return Network(encoder, decoder, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class LearntScore:
    """A denoising autoencoder of a known density, with the learnt and the exact score at held-out points."""

    name: str
    sigma: float
    data: datasets.Dataset
    model: Network
    X: np.ndarray  # (M, 2) held-out points with a smoothed density above 5 % of its peak
    exact: np.ndarray  # (M, 2)
    learnt: np.ndarray  # (M, 2)

    @property
    def cosine(self):
        """Return the mean cosine of learnt and exact score."""
        norms = np.linalg.norm(self.exact, axis=1) * np.linalg.norm(self.learnt, axis=1)
        return float(((self.exact * self.learnt).sum(axis=1) / norms).mean())

    @property
    def relative_error(self):
        """sqrt(E||learnt - exact||^2 / E||exact||^2)."""
        return float(np.linalg.norm(self.learnt - self.exact) / np.linalg.norm(self.exact))

    def __repr__(self):
        return f"{self.name}, sigma {self.sigma:g}: cosine {self.cosine:.4f}, relative error {self.relative_error:.1%}"


def learn_score(name, *, sigma=None, n_steps=8000, n_samples=20_000, width=64, n_layers=1, random_state=0):
    """Train on 'mixture', 'ring' or 'spiral' with Gaussian noise; compare the scores at 3,000 held-out points."""
    make, default = DENSITIES[name]
    sigma = default if sigma is None else sigma
    both = make(n_samples + 3000, rng=random_state)
    data, held_out = both.subset(slice(0, n_samples)), both.subset(slice(n_samples, None))
    model = plane_network(width, n_layers=n_layers, rng=random_state)
    learn_reconstruction_distribution(
        model, data.data, GaussianNoise(sigma), n_steps=n_steps, batch_size=500, rng=random_state
    )
    X = GaussianNoise(sigma).corrupt(held_out.data, random_state + 1)
    log_p = both.log_density(X, sigma)
    X = X[log_p > log_p.max() + np.log(0.05)]
    return LearntScore(name, sigma, held_out, model, X, both.score(X, sigma), score_field(model, X, sigma))


def langevin_quality(result, *, n_samples=2000, n_steps=300, random_state=0):
    """Return two energy distances to held-out data: of Langevin samples with the learnt score, and of new samples.

    The chains start from N(0, 1) and take steps of sigma^2 / 10. The new samples are smoothed by the noise.
    """
    rng = np.random.default_rng(random_state)
    x0, sigma = rng.standard_normal((n_samples, 2)), result.sigma
    chain = langevin(lambda x: score_field(result.model, x, sigma), x0, sigma**2 / 10, n_steps, rng=rng)
    fresh = DENSITIES[result.name][0](n_samples, rng=random_state + 7).data
    fresh = GaussianNoise(sigma).corrupt(fresh, random_state + 8)
    data = result.data.data[:n_samples]
    return energy_distance(chain[-1], data), energy_distance(fresh, data)


def small_noise_rows(model, X, sigmas=(0.4, 0.2, 0.1, 0.05), *, n_draws=400, random_state=0):
    """Return [(sigma, (E L - L_0) / sigma^2)] by antithetic draws, and the limit as a `SmallNoise`.

    The pair e and -e removes the terms of odd order from the mean.
    """
    rng, X = np.random.default_rng(random_state), np.asarray(X, dtype=np.float64)
    model = model.astype(np.float64)
    zero, rows = 0.5 * ((model.reconstruct(X) - X) ** 2).sum(axis=1).mean(), []
    for sigma in sigmas:
        total = 0.0
        for _ in range(n_draws):
            e = sigma * rng.standard_normal(X.shape)
            for noisy in (X + e, X - e):
                total += 0.5 * ((model.reconstruct(noisy) - X) ** 2).sum(axis=1).mean() / (2 * n_draws)
        rows.append((sigma, (total - zero) / sigma**2))
    return rows, small_noise(model, X)
