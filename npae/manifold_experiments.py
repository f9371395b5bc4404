"""What contractive, denoising and plain autoencoders learn of known manifolds and of digits, as numbers and figures.

The encoder is deep and the decoder one linear layer, so that bending the data flat is the encoder's work: the code is
close to the nearest point of the manifold, and its Jacobian to the projection on the tangent space. Weight decay
holds the decoder, or the code would shrink and the decoder grow until the penalty costs nothing; on digits the weights
are tied instead.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae import datasets, manifold
from npae.activations import Sigmoid, Tanh
from npae.kernels import blocks
from npae.layers import Dense, Tied
from npae.network import Network
from npae.optimizers import Adam
from npae.penalties import Contractive, WeightDecay

MAKERS: dict[str, Any] = {
    "circle": datasets.make_circle,
    "sphere": datasets.make_sphere,
    "swiss roll": datasets.make_swiss_roll,
}
NEIGHBOURS = (25, 50, 100, 150, 200, 300, 400, 600, 800, 1200)
PENALTIES: dict[str, tuple[Any, ...]] = {"contractive": (Contractive(1.0), WeightDecay(3e-4)), "plain": ()}


def train(network, X, *, n_steps, lr, batch_size=100, sigma=0.0, rng=None):
    """Adam on random batches, the learning rate falling to 0 along half a cosine; sigma is of Gaussian corruption."""
    rng, X = np.random.default_rng(rng), X.astype(network.theta.dtype)
    step = Adam(lr).start(network.theta)
    for t in range(n_steps):
        step.lr = lr * (1 + np.cos(np.pi * t / n_steps)) / 2
        target = X[rng.integers(0, len(X), batch_size)]
        x = target + sigma * rng.standard_normal(target.shape, dtype=X.dtype) if sigma else target
        network.value_and_grad(x, target)
        step(network.grad)
    return network


@dataclass(frozen=True)
class Tangents:
    """Angles in degrees on held-out points of a known manifold, and what they come from."""

    name: str
    n_dims: int
    train: datasets.Dataset
    test: datasets.Dataset
    models: dict[str, Network]
    angles: dict[str, np.ndarray]  # model -> (N,)
    local_pca: dict[int, float]  # number of neighbours -> median angle
    sigma: dict[str, np.ndarray]  # model -> (N, k)


def known_manifold(name, *, n_samples=4000, noise=0.02, n_features=20, n_steps=12000, random_state=0):
    """Train on a circle, sphere or swiss roll and compare tangent spaces with the true ones and with local PCA's."""
    both = MAKERS[name](n_samples + 1000, noise=noise, n_features=n_features, rng=random_state)
    train_set, test = both.subset(slice(0, n_samples)), both.subset(slice(n_samples, None))
    d = test.tangents.shape[1]
    models = {}
    for label, penalties in PENALTIES.items():
        network = manifold_network(n_features, penalties, rng=random_state)
        models[label] = train(network, train_set.data, n_steps=n_steps, lr=5e-3, batch_size=250, rng=random_state)
    angles = {
        label: _degrees(manifold.tangent_space(model, test.data, d), test.tangents) for label, model in models.items()
    }
    local = {
        k: float(np.median(_degrees(manifold.local_pca(train_set.data, test.data, k, d), test.tangents)))
        for k in NEIGHBOURS
        if k <= n_samples
    }
    sigma = {label: manifold.singular_values(model, test.data) for label, model in models.items()}
    return Tangents(name, d, train_set, test, models, angles, local, sigma)


def manifold_network(n_features, penalties, *, width=128, n_components=6, rng=None):
    """Two hidden layers of tanh, a linear code, a linear decoder; float32.

    The first layer starts three times larger than Glorot's, so that its tanh are bent on the scale of the data.
    """
    rng = np.random.default_rng(rng)
    encoder = [
        Dense(n_features, width, Tanh(), rng=rng),
        Dense(width, width, Tanh(), rng=rng),
        Dense(width, n_components, rng=rng),
    ]
    encoder[0].W *= 3
    for layer in encoder:
        layer.b[:] = rng.uniform(-0.5, 0.5, layer.n_out)
    return Network(encoder, [Dense(n_components, n_features, rng=rng)], penalties=penalties, dtype=np.float32)


@dataclass(frozen=True)
class Digits:
    """Plain, denoising and contractive autoencoders of the digits, tied, 128 sigmoids, and their held-out spectra."""

    train: datasets.Dataset
    test: datasets.Dataset
    models: dict[str, Network]
    spacing: float  # median distance of a held-out digit to the nearest training digit
    sigma: dict[str, np.ndarray]  # model -> (N, 64)
    radii: np.ndarray
    ratios: dict[str, np.ndarray]  # model -> (len(radii),)


def digits(*, lam=0.3, sigma=0.3, n_steps=6000, random_state=0):
    """Train the three on 1,400 digits and look at the other 397."""
    both = datasets.load_digits()
    order = np.random.default_rng(random_state).permutation(len(both))
    train_set, test = both.subset(order[:1400]), both.subset(order[1400:])
    models = {}
    for label, penalties, corruption in (
        ("plain", (), 0.0),
        ("denoising", (), sigma),
        ("contractive", (Contractive(lam),), 0.0),
    ):
        rng = np.random.default_rng(random_state)
        dense = Dense(64, 128, Sigmoid(), rng=rng)
        network = Network([dense], [Tied(dense)], penalties=penalties, dtype=np.float32)
        models[label] = train(network, train_set.data, n_steps=n_steps, lr=3e-3, sigma=corruption, rng=rng)
    spacing = float(np.median(nearest_distance(train_set.data, test.data)))
    radii = np.geomspace(0.01, 1, 9) * spacing
    return Digits(
        train_set,
        test,
        models,
        spacing,
        {label: manifold.singular_values(model, test.data) for label, model in models.items()},
        radii,
        {label: manifold.contraction_ratio(model, test.data, radii, rng=0) for label, model in models.items()},
    )


def motion_angles(model, test, n_dims, *, rng=0):
    """Median angle in degrees of each motion of the image, and of a random direction, to the learnt tangent space.

    {motion: degrees} for shift_x, shift_y, rotation and 'random'; `test` is a dataset of images.
    """
    kinds = ("shift_x", "shift_y", "rotation")
    T = manifold.tangent_space(model, test.data, n_dims)
    true = datasets.transform_tangents(test.data, test.image_shape, kinds)
    directions = {kind: true[:, i] for i, kind in enumerate(kinds)}
    directions["random"] = np.random.default_rng(rng).standard_normal(test.data.shape)
    return {kind: float(np.median(_degrees(T, u[:, None, :]))) for kind, u in directions.items()}


def scale_cheat(*, n_steps=6000, lam=0.3, random_state=0):
    """What stops the scale cheat: {variant: (penalty / lam, |W_encoder|, |W_decoder|, squared error)} on the digits.

    'untied' lets the encoder shrink and the decoder grow; 'tied' and 'unit decoder' (rows of W_decoder scaled to
    norm 1 after every step, the encoder's columns by the inverse) do not. One layer of 128 tanh, which is linear
    where it is small.
    """
    X = datasets.load_digits().data
    X = X - X.mean(axis=0)
    results: dict[str, Any] = {}
    for variant in ("untied", "tied", "unit decoder"):
        rng = np.random.default_rng(random_state)
        dense = Dense(64, 128, Tanh(), rng=rng)
        decoder = Tied(dense) if variant == "tied" else Dense(128, 64, rng=rng)
        network = Network([dense], [decoder], penalties=[Contractive(lam)], dtype=np.float32)
        if variant == "unit decoder":
            _train_unit_decoder(network, X, n_steps, rng)
        else:
            train(network, X, n_steps=n_steps, lr=3e-3, rng=rng)
        contraction = float((manifold.jacobian(network, X) ** 2).sum(axis=(1, 2)).mean())
        error = float(((network.reconstruct(X) - X) ** 2).sum(axis=1).mean())
        results[variant] = (contraction, np.linalg.norm(dense.W), np.linalg.norm(decoder.W), error)
    return results


def _train_unit_decoder(network, X, n_steps, rng):
    decoder = network.decoder.layers[0]
    X, step = X.astype(np.float32), Adam(3e-3).start(network.theta)
    for t in range(n_steps):
        step.lr = 3e-3 * (1 + np.cos(np.pi * t / n_steps)) / 2
        network.value_and_grad(X[rng.integers(0, len(X), 100)])
        step(network.grad)
        decoder.W /= np.linalg.norm(decoder.W, axis=1, keepdims=True)


def nearest_distance(X_train, X):
    """Distance (N,) of each row of X to the nearest row of X_train."""
    squares = np.square(X_train).sum(axis=1)
    least = [(squares - 2 * X[n] @ X_train.T).min(axis=1) + np.square(X[n]).sum(axis=1) for n in blocks(len(X), 1000)]
    return np.sqrt(np.maximum(np.concatenate(least), 0))


def _degrees(T, T_true):
    return np.degrees(manifold.tangent_angles(T, T_true))
