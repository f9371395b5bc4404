"""Train contractive, denoising and plain autoencoders on known manifolds and on digits, and measure their tangents.

On known manifolds the encoder is deep and the decoder one linear layer, so that the encoder has to flatten the data.
Then the code is close to the nearest point of the manifold, and its Jacobian to the projection on the tangent space.
Weight decay limits the decoder; without it the code would shrink and the decoder grow until the penalty costs nothing.
On digits the weights are tied instead.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae import datasets, manifold
from npae.experiments.cosine import train_epochs
from npae.objective.activations import Sigmoid, Tanh
from npae.objective.contraction import Contractive
from npae.objective.corruption import GaussianNoise
from npae.objective.kernels import blocks
from npae.objective.layers import Dense, mirrored
from npae.objective.network import Network
from npae.objective.penalties import WeightDecay

MAKERS: dict[str, Any] = {
    "circle": datasets.make_circle, "sphere": datasets.make_sphere, "swiss roll": datasets.make_swiss_roll,
}  # fmt: skip
KINDS = ("shift_x", "shift_y", "rotation")  # motions of an image
NEIGHBOURS = (25, 50, 100, 200, 400, 800, 1200, 1800, 2500, 3500)
PENALTIES: dict[str, tuple[Any, ...]] = {"contractive": (Contractive(1.0), WeightDecay(3e-4)), "plain": ()}


def train_steps(network, X, *, n_steps, batch_size=100, **how):
    """Train for about n_steps minibatches, in whole epochs, by `train_epochs`, and return the network."""
    epochs = max(1, round(n_steps / -(-len(X) // batch_size)))
    return train_epochs(network, X, epochs=epochs, batch_size=batch_size, **how)


@dataclass(frozen=True)
class Tangents:
    """Angles in degrees on held-out points of a known manifold, with the data and the models."""

    name: str
    n_dims: int
    train: datasets.Dataset
    test: datasets.Dataset
    models: dict[str, Network]
    angles: dict[str, np.ndarray]  # model -> (N,)
    local_pca: dict[int, float]  # number of neighbours -> median angle
    sigma: dict[str, np.ndarray]  # model -> (N, k)


def known_manifold(
    name, *, n_samples=20_000, n_test=1000, noise=0.02, n_features=20, n_steps=12_000, neighbours=NEIGHBOURS,
    width=128, random_state=0,
):  # fmt: skip
    """Train on a circle, sphere or swiss roll; compare the tangent spaces with the true ones and with local PCA."""
    both = MAKERS[name](n_samples + n_test, noise=noise, n_features=n_features, rng=random_state)
    train_set, test = both.subset(slice(0, n_samples)), both.subset(slice(n_samples, None))
    d = test.tangents.shape[1]
    models = {}
    for label, penalties in PENALTIES.items():
        network = manifold_network(n_features, penalties, width=width, rng=random_state)
        models[label] = train_steps(network, train_set.data, n_steps=n_steps, lr=1e-2, batch_size=250, rng=random_state)
    spaces = {label: manifold.tangent_space(model, test.data, d) for label, model in models.items()}
    angles = {label: degrees(T, test.tangents) for label, T in spaces.items()}
    planes = {k: manifold.local_pca(train_set.data, test.data, k, d) for k in neighbours if k <= n_samples}
    local = {k: median_angle(T, test.tangents) for k, T in planes.items()}
    sigma = {label: manifold.singular_values(model, test.data) for label, model in models.items()}
    return Tangents(name, d, train_set, test, models, angles, local, sigma)


def manifold_network(n_features, penalties, *, width=128, n_components=6, rng=None):
    """Return a network of two hidden tanh layers, a linear code and a linear decoder; float32.

    The first weights are three times as large as Glorot's, so that tanh is nonlinear on the scale of the data.
    """
    rng = np.random.default_rng(rng)
    encoder = [Dense(n_features, width, Tanh(), rng=rng), Dense(width, width, Tanh(), rng=rng)]
    encoder.append(Dense(width, n_components, rng=rng))
    encoder[0].W *= 3
    for layer in encoder:
        layer.b[:] = rng.uniform(-0.5, 0.5, layer.n_out)
    return Network(encoder, [Dense(n_components, n_features, rng=rng)], penalties=penalties, dtype=np.float32)


@dataclass(frozen=True)
class ImageCodes:
    """Plain, denoising and contractive autoencoders of images, and their Jacobians at held-out images."""

    test: np.ndarray  # (N, D)
    models: dict[str, Network]
    spacing: float  # median distance of a held-out image to the nearest training image
    sigma: dict[str, np.ndarray]  # model -> (N, min(128, D)) singular values
    radii: np.ndarray
    ratios: dict[str, np.ndarray]  # model -> (len(radii),) contraction ratios


def tied_code(X, *, n_units=128, lam=None, sigma=None, rng, **how):
    """Train tied sigmoid units on X (N, D) by `train_steps`, with `Contractive(lam)` or `GaussianNoise(sigma)`."""
    rng = np.random.default_rng(rng)
    encoder = [Dense(X.shape[1], n_units, Sigmoid(), rng=rng)]
    penalties = [] if lam is None else [Contractive(lam)]
    network = Network(encoder, mirrored(encoder, tied=True), penalties=penalties, dtype=np.float32)
    return train_steps(network, X, corruption=None if sigma is None else GaussianNoise(sigma), rng=rng, **how)


def image_codes(X_train, X_test, *, lam=0.3, sigma=0.3, n_steps=6000, lr=3e-3, random_state=0):
    """Train three codes of 128 units on X_train (M, D), measure at X_test (N, D); radii reach ten times the spacing."""
    kinds: dict[str, dict[str, Any]] = {"plain": {}, "denoising": {"sigma": sigma}, "contractive": {"lam": lam}}
    how = {"n_steps": n_steps, "lr": lr, "rng": random_state}
    models = {label: tied_code(X_train, **how, **kind) for label, kind in kinds.items()}
    spacing = float(np.median(nearest_distance(X_train, X_test)))
    radii = np.geomspace(0.01, 10, 13) * spacing
    sigmas = {label: manifold.singular_values(model, X_test) for label, model in models.items()}
    ratios = {label: manifold.contraction_ratio(model, X_test, radii, rng=0) for label, model in models.items()}
    return ImageCodes(X_test, models, spacing, sigmas, radii, ratios)


def motion_angles(model, X, image_shape, n_dims, *, rng=0):
    """Return {motion: median angle in degrees to the tangent space} at images X (N, D), with a 'random' direction."""
    true = datasets.transform_tangents(X, image_shape, KINDS)
    random = np.random.default_rng(rng).standard_normal(X.shape)
    T = manifold.tangent_space(model, X, n_dims)
    return angles_to(T, true) | {"random": median_angle(T, random[:, None])}


def angles_to(T, true):
    """Return {motion: median angle in degrees of the tangents true (N, 3, D) to the spaces T (N, d, D)}."""
    return {kind: median_angle(T, true[:, i : i + 1]) for i, kind in enumerate(KINDS)}


def degrees(T, T_true):
    """Return the angles (N,) in degrees between tangent spaces."""
    return np.degrees(manifold.tangent_angles(T, T_true))


def median_angle(T, T_true):
    """Return the median angle in degrees between tangent spaces."""
    return float(np.median(degrees(T, T_true)))


def turning_walks(X_train, X, image_shape, *, n_steps=3000, n_walk=10, random_state=0):
    """Return walks (n_walk + 1, N, D) from images X (N, D) that begin as a turn, and straight lines that begin alike.

    A denoising autoencoder, D-256-24-256-D, learns X_train (M, D), turned by up to 40 degrees either way.
    """
    rng = np.random.default_rng(random_state)
    pick = np.repeat(np.arange(len(X_train)), 2)
    angles = rng.uniform(-0.7, 0.7, len(pick))
    turned = datasets.transform_images(X_train[pick], image_shape, rotation=angles).clip(0, 1)
    D = turned.shape[1]
    encoder = [Dense(D, 256, Tanh(), rng=rng), Dense(256, 24, rng=rng)]
    network = Network(encoder, mirrored(encoder, [Tanh(), Sigmoid()], rng=rng), dtype=np.float32)
    train_steps(network, turned, n_steps=n_steps, lr=3e-3, corruption=GaussianNoise(0.3), rng=rng)
    turn = datasets.transform_tangents(X, image_shape, ("rotation",))
    step = 0.08 * float(np.linalg.norm(X, axis=1).mean())
    walk = manifold.walk(network, X, n_walk, step, n_dims=6, direction=turn[:, 0])
    V = manifold.tangent_space(network, X, 6)
    t = np.einsum("nid,nie,ne->nd", V, V, turn[:, 0])
    t /= np.linalg.norm(t, axis=1, keepdims=True)
    return walk, X + step * np.arange(n_walk + 1)[:, None, None] * t


def distances_to_turned(path, X, image_shape, *, furthest=1.2, n_angles=61):
    """Return the distance (N,) of each image of path (N, D) to its image of X, turned by the best angle."""
    angles = np.linspace(-furthest, furthest, n_angles)
    turned = np.stack([datasets.transform_images(X, image_shape, rotation=angle).clip(0, 1) for angle in angles])
    return np.linalg.norm(turned - path, axis=2).min(axis=0)


def nearest_distance(X_train, X):
    """Return the distance (N,) of each row of X to the nearest row of X_train."""
    squares = np.square(X_train).sum(axis=1)
    least = [(squares - 2 * X[n] @ X_train.T).min(axis=1) + np.square(X[n]).sum(axis=1) for n in blocks(len(X), 1000)]
    return np.sqrt(np.maximum(np.concatenate(least), 0))
