"""Find out which networks copy any input: their errors on shuffled pixels and on white noise."""

import numpy as np

from npae.experiments.family import error
from npae.pca.alternation import alternate
from npae.pca.fit_linear import bottleneck_network
from npae.training.optimizers import Adam
from npae.training.schedules import Cosine


def shuffled(run):
    """Return the held-out images, each with its pixels in a new random order: the same grey levels, no digits."""
    return np.random.default_rng(run.seed).permuted(run.test, axis=1)


def grey(x):
    """Return images (N, D) whose pixels all have the mean grey of the image: an answer that copies nothing."""
    return np.broadcast_to(x.mean(axis=1, keepdims=True), x.shape)


def linear_copier(run):
    """Return (a linear network with K = D, the number of sweeps of alternating least squares that trained it)."""
    D = run.train.shape[1]
    network = bottleneck_network(D, D, rng=run.seed)
    return network, alternate(network, run.train.astype(np.float64)).n_iter


def relu_copier(run):
    """Return the overcomplete member with ReLU units and a linear output instead of sigmoids: no unit saturates."""
    K = run.settings.n_overcomplete
    plain = run.autoencoder(K)
    schedule = plain.optimizer.lr
    optimizer = Adam(Cosine(min(3e-3, schedule.lr), schedule.n_steps))
    return run.autoencoder(K, activation="relu", output_activation="identity", optimizer=optimizer).fit(run.train)


def copying_errors(run, models, x):
    """Return {name: 1/2 ||x^ - x||^2} of the grey answer and of every model, for images x (N, D)."""
    return {"mean grey": error(grey(x), x)} | {name: error(model.reconstruct(x), x) for name, model in models.items()}


def white_noise_error(run, network, n=100):
    """Return the largest |x^ - x| for white noise in the directions in which the training images vary; their number."""
    X = run.train.astype(np.float64)
    mean = X.mean(axis=0)
    _, sigma, V = np.linalg.svd(X - mean, full_matrices=False)
    V = V[sigma > max(X.shape) * np.finfo(float).eps * sigma[0]]
    noise = mean + np.random.default_rng(run.seed).standard_normal((n, X.shape[1])) @ V.T @ V
    return float(np.abs(network.reconstruct(noise) - noise).max()), len(V)
