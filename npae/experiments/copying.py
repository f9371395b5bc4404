"""Find out which networks copy any input: their errors on shuffled pixels and on white noise."""

import numpy as np

from npae.experiments.family import error
from npae.pca import PCA
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
    """Return a linear network with K = D: a random encoder, and the best decoder for it by least squares.

        W_d = (V W_e)^+ V,    V (r, D): orthonormal directions that span the centred training images

    x - mean = c V comes back as c V W_e (V W_e)^+ V = x - mean, for a new image in the span too.
    """
    D = run.train.shape[1]
    network = bottleneck_network(D, D, rng=run.seed)
    mean, V = span(run.train)
    first, last = network.encoder.layers[0], network.decoder.layers[0]
    last.W[:] = np.linalg.pinv(V @ first.W) @ V
    first.b[:], last.b[:] = -mean @ first.W, mean
    return network


def span(X):
    """Return the mean (D,) of X (N, D) and orthonormal directions (r, D) in which X varies."""
    pca = PCA().fit(X.astype(np.float64))
    return pca.mean_, pca.components_[pca.explained_variance_ > pca.rounding_]


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
    mean, V = span(run.train)
    noise = mean + np.random.default_rng(run.seed).standard_normal((n, len(mean))) @ V.T @ V
    return float(np.abs(network.reconstruct(noise) - noise).max()), len(V)
