"""Measure the effects of too much capacity, and the use of regularized codes: identity, memory, probes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.datasets import load_patches
from npae.estimators.autoencoder import Autoencoder
from npae.experiments.cosine import fixed_length, train_epochs
from npae.experiments.family import error
from npae.objective.activations import Tanh, TopK
from npae.objective.contraction import Contractive
from npae.objective.corruption import GaussianNoise
from npae.objective.layers import Dense, mirrored
from npae.objective.network import Network
from npae.objective.penalties import KLSparsity
from npae.pca import PCA
from npae.pca.fit_linear import descend
from npae.pca.moments import Moments
from npae.probe import LinearProbe


def identity_map(n_components=128, *, n_steps=500, rng=0):
    """Return W_e W_d (D, D) and error / variance of a linear autoencoder D-K-D, K > D, of whitened 8 x 8 patches."""
    X = load_patches(5000, rng=rng).data
    whitened = PCA(whiten="zca", maximum_likelihood=True).fit_transform(X)
    x = Moments.from_samples(whitened).sample()  # D + 1 samples with the mean and covariance of all
    first, last = Dense(64, n_components, rng=rng), Dense(n_components, 64, rng=rng + 1)
    network = Network([first], [last])
    descend(network, x, n_epochs=n_steps, final=1e-6, every=n_steps)
    return first.W @ last.W, 2 * error(network.reconstruct(x), x) / np.square(x).sum(axis=1).mean()


@dataclass(frozen=True)
class Memory:
    """A deep autoencoder with a code of one unit, the samples that it memorized, and held-out samples."""

    network: Network
    train: np.ndarray
    test: np.ndarray
    errors: dict[str, float]  # of the network in training and held out, and of one principal component


def memorize(n_samples=16, *, width=50, n_steps=2500, rng=0):
    """Train 2-w-w-1-w-w-2 (tanh) on a few samples of a round Gaussian, which has no structure to learn.

    The first weights are three times as large as usual, and the biases random, so that the curve bends often.
    """
    rng = np.random.default_rng(rng)
    X, test = rng.standard_normal((n_samples, 2)), rng.standard_normal((2000, 2))
    encoder = [Dense(2, width, Tanh(), rng=rng), Dense(width, width, Tanh(), rng=rng), Dense(width, 1, rng=rng)]
    network = Network(encoder, mirrored(encoder, rng=rng))
    for stack in (network.encoder, network.decoder):
        stack.layers[0].W *= 3
        stack.layers[0].b[:] = rng.uniform(-3, 3, width)
    train_epochs(network, X, lr=3e-3, epochs=n_steps, batch_size=n_samples, rng=rng)
    pca = PCA(1).fit(X)
    errors = {
        "training": error(network.reconstruct(X), X),
        "held-out": error(network.reconstruct(test), test),
        "PCA, training": error(pca.inverse_transform(pca.transform(X)), X),
        "PCA, held-out": error(pca.inverse_transform(pca.transform(test)), test),
    }
    return Memory(network, X, test, errors)


@dataclass(frozen=True)
class Recipe:
    """The training of the codes of one data set: held-out images, epochs, learning rate, strengths of regularizers."""

    n_test: int
    epochs: int
    lr: float
    sigma: float
    contractive: float
    kl: KLSparsity
    lam: float  # of the probe


RECIPES = {
    "digits": Recipe(597, 100, 1e-2, 0.3, 0.02, KLSparsity(0.3, 0.1), lam=0.1),
    "mnist": Recipe(1000, 30, 3e-3, 0.5, 0.1, KLSparsity(0.3, 0.05), lam=0.1),
}
KINDS = ("unregularized", "sparse (KL)", "sparse (top k)", "denoising", "contractive")
TIED = "unregularized, tied"


def unregularized_twin(kind):
    """Return the name of the same code without its regularizer: tied for the contractive code, which is tied."""
    return TIED if kind == "contractive" else "unregularized"


def coder(kind, n_components, recipe, n_samples, *, epochs=None, seed=0):
    """Return an estimator D-K-D with a sigmoid code or TopK(K / 8); `kind` is one of KINDS, or TIED."""
    epochs = recipe.epochs if epochs is None else epochs
    regularizers: dict[str, dict[str, Any]] = {
        "unregularized": {},
        TIED: {"tied": True},
        "sparse (KL)": {"penalties": [recipe.kl]},
        "sparse (top k)": {"activation": TopK(max(1, n_components // 8))},
        "denoising": {"corruption": GaussianNoise(recipe.sigma)},
        "contractive": {"penalties": [Contractive(recipe.contractive)], "tied": True},
    }
    how = fixed_length(n_samples, lr=recipe.lr, epochs=epochs, batch_size=100)
    return Autoencoder(n_components, output_activation="sigmoid", random_state=seed, **how, **regularizers[kind])


def balanced(y, n, rng):
    """Return the indices of about n samples, the same number of each class, drawn from `rng`."""
    classes = np.unique(y)
    return np.concatenate([rng.permutation(np.flatnonzero(y == c))[: n // len(classes)] for c in classes])


def labelled_split(dataset, n_test, labels, seed):
    """Return X (N, D) and y (N,) in random order, held-out samples first, and {n: indices of n labelled samples}."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(dataset))
    X, y = dataset.data[order].astype(np.float32), dataset.target[order]
    return X, y, {n: n_test + balanced(y[n_test:], n, rng) for n in labels}


def probe_codes(dataset, recipe, *, widths, kinds=KINDS, labels=(50, 100, 200), epochs=None, seed=0, log=None):
    """Return {(kind, width): (training error, held-out error, {number of labels: accuracy})} for one seed.

    Codes are learnt from all training images without labels. A `LinearProbe` sees a few labels, the same for every
    code, and is scored on held-out images. 'raw pixels' and 'PCA' (width components) are probed in the same way.
    """
    X, y, chosen = labelled_split(dataset, recipe.n_test, labels, seed)
    held, seen = slice(0, recipe.n_test), slice(recipe.n_test, None)
    table = {}

    def add(kind, width, h, reconstruction):
        errors = [error(reconstruction[part], X[part]) for part in (seen, held)]
        probe = LinearProbe(recipe.lam, tol=1e-4)
        right = {n: probe.fit(h[i], y[i]).score(h[held], y[held]) for n, i in chosen.items()}
        table[kind, width] = (*errors, right)
        if log:
            log(f"seed {seed}, {kind}, {width}: errors {errors[0]:.3f} {errors[1]:.3f}, accuracies {right}")

    add("raw pixels", X.shape[1], X, X)
    for width in widths:
        if width <= X.shape[1]:
            pca = PCA(width).fit(X[seen])
            add("PCA", width, pca.transform(X), pca.inverse_transform(pca.transform(X)))
        for kind in kinds:
            model = coder(kind, width, recipe, len(X) - recipe.n_test, epochs=epochs, seed=seed).fit(X[seen])
            add(kind, width, model.transform(X), model.reconstruct(X))
    return table


def accuracy_gain(tables, kind, width, other, other_width, n):
    """Return mean and spread over seeds of the accuracy of one code minus that of another, with n labels each."""
    differences = [table[kind, width][2][n] - table[other, other_width][2][n] for table in tables]
    return float(np.mean(differences)), float(np.std(differences, ddof=1)) if len(differences) > 1 else 0.0
