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
from npae.objective.activations import Sigmoid, Tanh
from npae.objective.contraction import Contractive
from npae.objective.corruption import GaussianNoise
from npae.objective.kernels import blocks
from npae.objective.layers import Dense, mirrored
from npae.objective.network import Network
from npae.objective.penalties import WeightDecay
from npae.training.loop import train
from npae.training.optimizers import Adam
from npae.training.schedules import Cosine

MAKERS: dict[str, Any] = {
    "circle": datasets.make_circle,
    "sphere": datasets.make_sphere,
    "swiss roll": datasets.make_swiss_roll,
}
NEIGHBOURS = (25, 50, 100, 200, 400, 800, 1200, 1800, 2500, 3500)
PENALTIES: dict[str, tuple[Any, ...]] = {"contractive": (Contractive(1.0), WeightDecay(3e-4)), "plain": ()}


@dataclass(frozen=True, eq=False)
class UnitDecoder:
    """Another optimizer, after each of whose steps the rows of the decoder's W are scaled to norm 1."""

    optimizer: Any
    network: Network

    def start(self, theta):
        """The other optimizer's step, and the scaling after it."""
        step, decoder = self.optimizer.start(theta), self.network.decoder.layers[0]

        def unit_step(grad):
            step(grad)
            decoder.W /= np.linalg.norm(decoder.W, axis=1, keepdims=True)

        return unit_step


def train_steps(network, X, *, n_steps, lr, batch_size=100, corruption=None, unit_decoder=False, rng=None):
    """Adam for about n_steps minibatches, in whole epochs, the learning rate falling to 0 along half a cosine."""
    steps_an_epoch = -(-len(X) // batch_size)
    n_epochs = max(1, round(n_steps / steps_an_epoch))
    adam = Adam(Cosine(lr, n_epochs * steps_an_epoch))
    step = (UnitDecoder(adam, network) if unit_decoder else adam).start(network.theta)
    train(network, X, step, batch_size=batch_size, max_iter=n_epochs, corruption=corruption, rng=rng)
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


def known_manifold(
    name, *, n_samples=20_000, n_test=1000, noise=0.02, n_features=20, n_steps=12_000, neighbours=NEIGHBOURS,
    width=128, random_state=0,
):  # fmt: skip
    """Train on a circle, sphere or swiss roll and compare tangent spaces with the true ones and with local PCA's."""
    both = MAKERS[name](n_samples + n_test, noise=noise, n_features=n_features, rng=random_state)
    train_set, test = both.subset(slice(0, n_samples)), both.subset(slice(n_samples, None))
    d = test.tangents.shape[1]
    models = {}
    for label, penalties in PENALTIES.items():
        network = manifold_network(n_features, penalties, width=width, rng=random_state)
        models[label] = train_steps(network, train_set.data, n_steps=n_steps, lr=1e-2, batch_size=250, rng=random_state)
    angles = {
        label: _degrees(manifold.tangent_space(model, test.data, d), test.tangents) for label, model in models.items()
    }
    local = {
        k: float(np.median(_degrees(manifold.local_pca(train_set.data, test.data, k, d), test.tangents)))
        for k in neighbours
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
class ImageCodes:
    """Plain, denoising and contractive autoencoders of images, tied, 128 sigmoids, as they are at held-out images."""

    test: np.ndarray  # (N, D)
    models: dict[str, Network]
    spacing: float  # median distance of a held-out image to the nearest training image
    sigma: dict[str, np.ndarray]  # model -> (N, min(128, D)) singular values
    radii: np.ndarray
    ratios: dict[str, np.ndarray]  # model -> (len(radii),) contraction ratios


def image_codes(X_train, X_test, *, lam=0.3, sigma=0.3, n_steps=6000, lr=3e-3, random_state=0):
    """Train the three on X_train (M, D) and look at X_test (N, D); radii run to ten times the spacing."""
    models = {}
    for label, penalties, corruption in (
        ("plain", (), None),
        ("denoising", (), GaussianNoise(sigma)),
        ("contractive", (Contractive(lam),), None),
    ):
        rng = np.random.default_rng(random_state)
        encoder = [Dense(X_train.shape[1], 128, Sigmoid(), rng=rng)]
        network = Network(encoder, mirrored(encoder, tied=True), penalties=penalties, dtype=np.float32)
        models[label] = train_steps(network, X_train, n_steps=n_steps, lr=lr, corruption=corruption, rng=rng)
    spacing = float(np.median(nearest_distance(X_train, X_test)))
    radii = np.geomspace(0.01, 10, 13) * spacing
    sigmas = {label: manifold.singular_values(model, X_test) for label, model in models.items()}
    ratios = {label: manifold.contraction_ratio(model, X_test, radii, rng=0) for label, model in models.items()}
    return ImageCodes(X_test, models, spacing, sigmas, radii, ratios)


def digits(*, n_steps=6000, random_state=0):
    """`image_codes` of 1,400 digits of 8 x 8, looked at on the other 397."""
    X = datasets.load_digits().data
    order = np.random.default_rng(random_state).permutation(len(X))
    return image_codes(X[order[:1400]], X[order[1400:]], n_steps=n_steps, random_state=random_state)


def motion_angles(model, X, image_shape, n_dims, *, rng=0):
    """Median angle in degrees of each motion of the images X (N, D), and of a random direction, to the tangent space.

    {motion: degrees} for shift_x, shift_y, rotation and 'random'.
    """
    kinds = ("shift_x", "shift_y", "rotation")
    T = manifold.tangent_space(model, X, n_dims)
    true = datasets.transform_tangents(X, image_shape, kinds)
    directions = {kind: true[:, i] for i, kind in enumerate(kinds)}
    directions["random"] = np.random.default_rng(rng).standard_normal(X.shape)
    return {kind: float(np.median(_degrees(T, u[:, None, :]))) for kind, u in directions.items()}


def turning_walks(X_train, X, image_shape, *, n_steps=3000, n_walk=10, random_state=0):
    """Walks (n_walk + 1, N, D) from images X (N, D) that begin as a turn, and the straight lines that begin alike.

    The autoencoder, D-256-24-256-D, learns X_train (M, D) turned by up to 40 degrees either way, under noise.
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
    """Distance (N,) of each image of path (N, D) to the nearest of X's own, turned by up to `furthest` radians."""
    turned = np.stack([
        datasets.transform_images(X, image_shape, rotation=angle).clip(0, 1)
        for angle in np.linspace(-furthest, furthest, n_angles)
    ])  # fmt: skip
    return np.linalg.norm(turned - path, axis=2).min(axis=0)


def scale_cheat(*, n_steps=6000, lam=0.3, random_state=0):
    """What stops the scale cheat: {variant: (penalty / lam, |W_encoder|, |W_decoder|, squared error)} on the digits.

    'untied' lets the encoder shrink and the decoder grow; 'tied' and 'unit decoder' (`UnitDecoder`) do not. One layer
    of 128 tanh, which is linear where it is small.
    """
    X = datasets.load_digits().data
    X = X - X.mean(axis=0)
    results: dict[str, Any] = {}
    for variant in ("untied", "tied", "unit decoder"):
        rng = np.random.default_rng(random_state)
        encoder = [Dense(64, 128, Tanh(), rng=rng)]
        decoder = mirrored(encoder, tied=variant == "tied", rng=rng)
        network = Network(encoder, decoder, penalties=[Contractive(lam)], dtype=np.float32)
        train_steps(network, X, n_steps=n_steps, lr=3e-3, unit_decoder=variant == "unit decoder", rng=rng)
        contraction = float((manifold.jacobian(network, X) ** 2).sum(axis=(1, 2)).mean())
        error = float(((network.reconstruct(X) - X) ** 2).sum(axis=1).mean())
        results[variant] = (contraction, np.linalg.norm(encoder[0].W), np.linalg.norm(decoder[0].W), error)
    return results


def nearest_distance(X_train, X):
    """Distance (N,) of each row of X to the nearest row of X_train."""
    squares = np.square(X_train).sum(axis=1)
    least = [(squares - 2 * X[n] @ X_train.T).min(axis=1) + np.square(X[n]).sum(axis=1) for n in blocks(len(X), 1000)]
    return np.sqrt(np.maximum(np.concatenate(least), 0))


def _degrees(T, T_true):
    return np.degrees(manifold.tangent_angles(T, T_true))
