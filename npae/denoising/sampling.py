"""Samples from a denoiser: a Markov chain of corruption and reconstruction, or Langevin steps along the score."""

from typing import Any

import numpy as np

from npae.denoising.score import reconstruction, score_field
from npae.objective.corruption import GaussianNoise
from npae.objective.losses import SquaredError
from npae.validation import check_array, check_number

METHODS = ("walkback", "langevin")


def sample(model, x0, corruption, n_steps, *, rng, method="walkback", draw=None, step_size=None):
    """Draw a chain of samples (n_steps, N, D) from each start x0 (N, D); the start itself is not included.

    "walkback":  x~ ~ C(x~ | x), then x ~ p_reconstruct(x | x~). Its stationary distribution estimates the data's if
                 the reconstruction distribution is right. Bengio, Yao, Alain and Vincent (2013), Generalized denoising
                 auto-encoders as generative models, NeurIPS.
    "langevin":  x <- x + step_size / 2 score_field(x) + sqrt(step_size) e, for Gaussian noise; its stationary
                 distribution is close to the density smoothed by sigma. step_size: sigma^2 / 10 by default.

    draw: True draws x from p_reconstruct, False takes its mean. The default is True except for `SquaredError`, whose
    unit variance is a convention and not a property of the data: to draw, use the loss `Gaussian(variance)`.
    model: a Network or a fitted estimator, or, if nothing is drawn, a function x -> r(x).
    Raises ValueError or TypeError for invalid arguments.
    """
    x = check_array(x0, name="x0", owner="sample")
    check_number(n_steps, "n_steps", "sample", low=1, integer=True)
    if method not in METHODS:
        raise ValueError(f"sample: got method={method!r}, expected one of {METHODS}")
    rng = np.random.default_rng(rng)
    if method == "langevin":
        if not isinstance(corruption, GaussianNoise):
            raise TypeError(f"sample: got corruption={corruption!r}, expected GaussianNoise(sigma) for Langevin steps")
        sigma = corruption.sigma
        check_number(sigma, "sigma", "sample", include_low=False)
        step_size = float(sigma) ** 2 / 10 if step_size is None else step_size
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

    Without a correction the stationary distribution is wider than the density: N(0, v) becomes
    N(0, v / (1 - step_size / 4v)). Roberts and Tweedie (1996), Bernoulli 2; Neal (2011), MCMC using Hamiltonian
    dynamics, section 5.2. Raises ValueError unless step_size > 0.
    """
    x = check_array(x0, name="x0", owner="langevin").copy()
    check_number(n_steps, "n_steps", "langevin", low=1, integer=True)
    check_number(step_size, "step_size", "langevin", include_low=False)
    step_size, rng = float(step_size), np.random.default_rng(rng)
    chain = np.empty((n_steps, *x.shape), x.dtype)
    for t in range(n_steps):
        x += step_size / 2 * score(x)
        x += step_size**0.5 * rng.standard_normal(x.shape, dtype=x.dtype)
        chain[t] = x
    return chain


def energy_distance(X, Y):
    """2 E||x - y|| - E||x - x'|| - E||y - y'|| between samples X (N, D) and Y (M, D), at least 0, over all pairs.

    The distance of two distributions is 0 only if they are equal. Raises ValueError for samples of different D.
    Szekely and Rizzo (2013), Energy statistics, Journal of Statistical Planning and Inference 143.
    """
    X = check_array(X, owner="energy_distance")
    Y = check_array(Y, name="Y", owner="energy_distance", n_features=X.shape[1])
    return max(0.0, 2 * _mean_distance(X, Y) - _mean_distance(X, X) - _mean_distance(Y, Y))  # rounding may give less


def _mean_distance(X, Y, rows=500):
    total = 0.0
    for start in range(0, len(X), rows):
        squares = sum((X[start : start + rows, None, d] - Y[:, d]) ** 2 for d in range(X.shape[1]))
        total += float(np.sqrt(squares).sum(dtype=np.float64))
    return total / (len(X) * len(Y))
