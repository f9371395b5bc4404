"""Samples from a denoiser: a Markov chain of corruption and reconstruction, Langevin steps along its score."""

from typing import Any

import numpy as np

from npae.denoising.score import positive, reconstruction, score_field
from npae.objective.corruption import GaussianNoise
from npae.objective.losses import SquaredError
from npae.validation import check_array, check_number

METHODS = ("walkback", "langevin")


def sample(model, x0, corruption, n_steps, *, rng, method="walkback", draw=None, step_size=None):
    """A chain of samples (n_steps, N, D) for each start x0 (N, D), which itself is not among them.

    "walkback":  x~ ~ C(x~ | x), then x ~ p_reconstruct(x | x~). Its stationary distribution estimates the data's where
                 the reconstruction distribution is right. Bengio, Yao, Alain and Vincent (2013), Generalized denoising
                 auto-encoders as generative models, NeurIPS.
    "langevin":  x <- x + step_size / 2 score_field(x) + sqrt(step_size) e, for Gaussian noise; its stationary
                 distribution is close to the density smoothed by sigma. step_size: sigma^2 / 10 by default.

    draw: whether x is drawn from p_reconstruct or is its mean. By default drawn, but for `SquaredError`, whose unit
    variance is a convention and says nothing of the data: give the loss as `Gaussian(variance)` to have it drawn.
    model: a Network or a fitted estimator; a function x -> r(x) serves where nothing is drawn.
    Raises ValueError or TypeError for arguments that do not fit.
    """
    x = check_array(x0, name="x0", owner="sample")
    check_number(n_steps, "n_steps", "sample", low=1, integer=True)
    if method not in METHODS:
        raise ValueError(f"sample: got method={method!r}, expected one of {METHODS}")
    rng = np.random.default_rng(rng)
    if method == "langevin":
        if not isinstance(corruption, GaussianNoise):
            raise TypeError(f"sample: got corruption={corruption!r}, expected GaussianNoise(sigma) for Langevin steps")
        sigma = positive(corruption.sigma, "sigma", "sample")
        step_size = sigma**2 / 10 if step_size is None else step_size
        return langevin(lambda y: score_field(model, y, sigma), x, step_size, n_steps, rng=rng)
    if not hasattr(corruption, "corrupt"):
        raise TypeError(f"sample: got corruption={corruption!r}, expected one such as GaussianNoise(0.3)")
    reconstruct = reconstruction(model, "sample")
    network: Any = getattr(model, "network_", model)
    loss: Any = getattr(network, "loss", None)
    if draw if draw is not None else loss is not None and not isinstance(loss, SquaredError):
        if not hasattr(loss, "sample"):
            raise TypeError(f"sample: got {model!r}, expected a model whose loss has sample(a, rng), or draw=False")

        def reconstruct(noisy):
            return loss.sample(network.decoder(network.encoder(noisy)), rng)

    chain = np.empty((n_steps, *x.shape), x.dtype)
    for t in range(n_steps):
        x = chain[t] = reconstruct(corruption.corrupt(x, rng))
    return chain


def langevin(score, x0, step_size, n_steps, *, rng):
    """x <- x + step_size / 2 score(x) + sqrt(step_size) e, e ~ N(0, I), from x0 (N, D): (n_steps, N, D).

    Without a correction the chain settles a little wider than the density: N(0, v) becomes
    N(0, v / (1 - step_size / 4v)). Roberts and Tweedie (1996), Bernoulli 2; Neal (2011), MCMC using Hamiltonian
    dynamics, section 5.2. ValueError unless step_size > 0.
    """
    x = check_array(x0, name="x0", owner="langevin").copy()
    check_number(n_steps, "n_steps", "langevin", low=1, integer=True)
    step_size, rng = positive(step_size, "step_size", "langevin"), np.random.default_rng(rng)
    chain = np.empty((n_steps, *x.shape), x.dtype)
    for t in range(n_steps):
        x += step_size / 2 * score(x)
        x += step_size**0.5 * rng.standard_normal(x.shape, dtype=x.dtype)
        chain[t] = x
    return chain


def energy_distance(X, Y):
    """2 E||x - y|| - E||x - x'|| - E||y - y'|| between samples X (N, D) and Y (M, D), at least 0; all pairs are taken.

    Zero for equal distributions only. Raises ValueError for samples of different D. Szekely and Rizzo (2013), Energy
    statistics, Journal of Statistical Planning and Inference 143.
    """
    X = check_array(X, owner="energy_distance")
    Y = check_array(Y, name="Y", owner="energy_distance", n_features=X.shape[1])
    return max(0.0, 2 * _mean_distance(X, Y) - _mean_distance(X, X) - _mean_distance(Y, Y))  # rounding may go below


def _mean_distance(X, Y, rows=500):
    total = 0.0
    for start in range(0, len(X), rows):
        squares = sum((X[start : start + rows, None, d] - Y[:, d]) ** 2 for d in range(X.shape[1]))
        total += float(np.sqrt(squares).sum(dtype=np.float64))
    return total / (len(X) * len(Y))
