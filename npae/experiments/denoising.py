"""What denoising autoencoders estimate, held against what is known: scores, samples, closed forms, small noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae import datasets
from npae.denoising import (
    energy_distance,
    langevin,
    learn_reconstruction_distribution,
    linear_denoiser,
    score_field,
    small_noise,
)
from npae.objective.activations import Tanh
from npae.objective.corruption import GaussianNoise
from npae.objective.layers import Dense
from npae.objective.network import Network
from npae.pca.lbfgs import lbfgs

DENSITIES: dict[str, Any] = {
    "mixture": (datasets.make_gaussian_mixture, 0.3),
    "ring": (datasets.make_ring, 0.4),
    "spiral": (datasets.make_spiral, 0.2),
}  # and the noise that each is learnt with


def plane_network(width=64, *, n_layers=1, rng=None):
    """2-width-width-2, overcomplete, tanh within, linear output; float32. Biases spread, for tanh to bend apart."""
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
    """A denoising autoencoder of a known density, and its score beside the exact one at held-out points."""

    name: str
    sigma: float
    data: datasets.Dataset
    model: Network
    X: np.ndarray  # (M, 2) held-out, where the smoothed density is above 5 % of its peak
    exact: np.ndarray  # (M, 2)
    learnt: np.ndarray  # (M, 2)

    @property
    def cosine(self):
        """Mean cosine of learnt and exact score."""
        norms = np.linalg.norm(self.exact, axis=1) * np.linalg.norm(self.learnt, axis=1)
        return float(((self.exact * self.learnt).sum(axis=1) / norms).mean())

    @property
    def relative_error(self):
        """sqrt(E||learnt - exact||^2 / E||exact||^2)."""
        return float(np.linalg.norm(self.learnt - self.exact) / np.linalg.norm(self.exact))

    def __repr__(self):
        return f"{self.name}, sigma {self.sigma:g}: cosine {self.cosine:.4f}, relative error {self.relative_error:.1%}"


def learn_score(name, *, sigma=None, n_steps=8000, n_samples=20_000, width=64, n_layers=1, random_state=0):
    """Train on 'mixture', 'ring' or 'spiral' with Gaussian noise, and look at 3,000 held-out smoothed points."""
    make, default = DENSITIES[name]
    sigma = default if sigma is None else sigma
    both = make(n_samples + 3000, rng=random_state)
    data, held_out = both.subset(slice(0, n_samples)), both.subset(slice(n_samples, None))
    model = plane_network(width, n_layers=n_layers, rng=random_state)
    learn_reconstruction_distribution(
        model,
        data.data,
        GaussianNoise(sigma),
        n_steps=n_steps,
        batch_size=500,
        rng=random_state,
    )
    X = GaussianNoise(sigma).corrupt(held_out.data, random_state + 1)
    log_p = both.log_density(X, sigma)
    X = X[log_p > log_p.max() + np.log(0.05)]
    return LearntScore(name, sigma, held_out, model, X, both.score(X, sigma), score_field(model, X, sigma))


def langevin_quality(result, *, n_samples=2000, n_steps=300, random_state=0):
    """Energy distances to held-out data: of Langevin samples along the learnt score, and of fresh smoothed samples.

    The chains start far apart, from N(0, 1), and take steps of sigma^2 / 10.
    """
    rng = np.random.default_rng(random_state)
    x0, sigma = rng.standard_normal((n_samples, 2)), result.sigma
    chain = langevin(lambda x: score_field(result.model, x, sigma), x0, sigma**2 / 10, n_steps, rng=rng)
    fresh = DENSITIES[result.name][0](n_samples, rng=random_state + 7).data
    fresh = GaussianNoise(sigma).corrupt(fresh, random_state + 8)
    data = result.data.data[:n_samples]
    return energy_distance(chain[-1], data), energy_distance(fresh, data)


@dataclass(frozen=True, eq=False)
class LinearConvergence:
    """Distance of trained linear denoisers to the closed form, ||A - A*||_F / ||A*||_F, by noise draws a sample."""

    draws: tuple[int, ...]
    errors: np.ndarray

    @property
    def slope(self):
        """Of log error against log draws; -1/2 where the error falls as 1 / sqrt(draws)."""
        return float(np.polyfit(np.log(self.draws), np.log(self.errors), 1)[0])

    def __repr__(self):
        return f"errors {np.array2string(self.errors, precision=4)} at {self.draws} draws, slope {self.slope:.2f}"


def linear_convergence(corruption, *, draws=(2, 8, 32, 128, 512), repeats=5, n_samples=50, random_state=0):
    """Train D-D-D linear networks by L-BFGS on fixed noise and compare encoder times decoder with `linear_denoiser`."""
    rng = np.random.default_rng(random_state)
    X = rng.standard_normal((n_samples, 5)) @ rng.standard_normal((5, 5)) + 0.5
    A, errors = linear_denoiser(X, corruption).A, []
    for n in draws:
        squares = []
        for _ in range(repeats):
            clean = np.tile(X, (n, 1))
            network = Network([Dense(5, 5, rng=rng)], [Dense(5, 5, rng=rng)])
            lbfgs(network, corruption.corrupt(clean, rng), clean, gtol=1e-7)
            got = network.encoder.layers[0].W @ network.decoder.layers[0].W
            squares.append(((got - A) ** 2).sum() / (A**2).sum())
        errors.append(np.mean(squares) ** 0.5)
    return LinearConvergence(tuple(draws), np.array(errors))


def small_noise_rows(model, X, sigmas=(0.4, 0.2, 0.1, 0.05), *, n_draws=400, random_state=0):
    """[(sigma, (E L - L_0) / sigma^2 by antithetic draws)], and the limit as a `SmallNoise`.

    e and -e together take the terms of odd order out of the mean.
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
