"""The main job: the whole family trained on one data set, measured alike, and set side by side."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from npae import datasets
from npae.autoencoder import Autoencoder
from npae.corruption import GaussianNoise
from npae.losses import SquaredError
from npae.optimizers import Adam
from npae.pca import PCA
from npae.penalties import Contractive, KLSparsity, L1Sparsity
from npae.training import ProgressLine, streams

ACTIVE = 0.1  # a unit counts as active on a sample where its activation exceeds this


@dataclass(frozen=True)
class Settings:
    """What differs between the data sets: sizes, strengths and the time allowed."""

    n_components: int
    n_overcomplete: int
    epochs: int
    quick_epochs: int
    lr: float
    sigma: float
    kl: float
    l1: float
    contractive: float


SETTINGS = {
    "digits": Settings(16, 128, 200, 80, 1e-2, sigma=0.3, kl=0.1, l1=0.02, contractive=0.05),
    "mnist": Settings(64, 1000, 40, 2, 3e-3, sigma=0.5, kl=0.1, l1=0.02, contractive=0.05),
}


@dataclass
class Trained:
    """One fitted model of the family and what was measured of it; errors are 1/2 ||x^ - x||^2, mean over samples."""

    model: Any
    about: str
    n_components: int
    seconds: float
    measures: dict[str, float]


class Run:
    """The data, split once, and the trained family; `models` is a dict name -> Trained, in the order of the table.

    data: 'digits' or 'mnist'. A quarter of the samples (a fifth of MNIST's) is held out; `noisy` is the held-out part
    corrupted once, by the noise that the denoising autoencoder is trained with. The same seed gives the same numbers.
    """

    def __init__(self, data="digits", *, quick=False, seed=0, log=print):
        self.settings = SETTINGS[data]
        self.quick, self.seed, self.log = quick, seed, log
        self.dataset = datasets.load_digits() if data == "digits" else datasets.load_mnist_5k()
        split_rng, noise_rng = streams(seed, 2)
        order = split_rng.permutation(len(self.dataset))
        n_test = len(order) // (4 if data == "digits" else 5)
        X = self.dataset.data.astype(np.float32)
        self.train, self.test = X[order[n_test:]], X[order[:n_test]]
        self.test_target = self.dataset.target[order[:n_test]]
        self.noise = GaussianNoise(self.settings.sigma)
        self.noisy = self.noise.corrupt(self.test, noise_rng)
        self.image_shape = self.dataset.image_shape
        self.models = {}

    @property
    def epochs(self):
        """Epochs of each fit."""
        return self.settings.quick_epochs if self.quick else self.settings.epochs

    def autoencoder(self, n_components, **changes):
        """An estimator with the family's common settings: D-K-D, sigmoid units, squared error, Adam."""
        common = {
            "activation": "sigmoid",
            "output_activation": "sigmoid",
            "optimizer": Adam(self.settings.lr),
            "max_iter": self.epochs,
            "tol": 0.0,
            "random_state": self.seed,
        }
        return Autoencoder(n_components, **{**common, **changes})

    def train_family(self):
        """Fit every member and measure it; returns self."""
        s = self.settings
        K, wide = s.n_components, s.n_overcomplete
        family = {
            "PCA": (PCA(K), "linear, by SVD"),
            "undercomplete": (self.autoencoder(K), "K < D"),
            "overcomplete": (self.autoencoder(wide), "K > D, no regularizer"),
            "sparse (KL)": (
                self.autoencoder(wide, penalties=[KLSparsity(s.kl, 0.05)]),
                f"KL, beta={s.kl:g}, rho=0.05",
            ),
            "sparse (L1)": (self.autoencoder(wide, penalties=[L1Sparsity(s.l1)]), f"L1, lam={s.l1:g}"),
            "denoising": (self.autoencoder(K, corruption=self.noise), f"Gaussian noise, sigma={s.sigma:g}"),
            "contractive": (
                self.autoencoder(K, penalties=[Contractive(s.contractive)], tied=True),
                f"lam={s.contractive:g}, tied",
            ),
        }
        for i, (name, (model, about)) in enumerate(family.items(), start=1):
            self.models[name] = self._fit(model, name, about, f"[{i}/{len(family)}] {name:<14}")
        return self

    def _fit(self, model, name, about, label):
        start, progress = time.perf_counter(), ProgressLine(label, self.epochs)
        watched = progress.live and isinstance(model, Autoencoder)
        if watched:
            model.callbacks = lambda _, history: progress(len(history["loss"]), f"J {history['loss'][-1]:.4f}")
        model.fit(self.train)
        if watched:
            model.callbacks = None
        progress.close(erase=True)
        seconds = time.perf_counter() - start
        self.log(f"{label} {seconds:6.1f} s   {about}")
        return Trained(model, about, model.n_components, seconds, self.measure(model))

    def measure(self, model):
        """The columns of the table for one fitted model."""
        h = model.transform(self.test)
        return {
            "training error": error(model.reconstruct(self.train), self.train),
            "held-out error": error(model.reconstruct(self.test), self.test),
            "corrupted-input error": error(model.reconstruct(self.noisy), self.test),
            "mean activation": float(h.mean()),
            "active units": float((np.abs(h) > ACTIVE).mean()),
            "mean ||J||_F": mean_jacobian_norm(model, self.test[:500]),
        }

    def table(self):
        """The family side by side, as lines of text."""
        head = (
            f"{'':<14}{'K':>5}{'training':>10}{'held-out':>10}{'corrupted':>11}{'mean act.':>11}"
            f"{'active':>8}{'||J||_F':>9}{'seconds':>9}"
        )
        lines = [head, "-" * len(head)]
        for name, trained in self.models.items():
            train, test, noisy, mean, active, norm = trained.measures.values()
            lines.append(
                f"{name:<14}{trained.n_components:>5}{train:>10.4f}{test:>10.4f}{noisy:>11.4f}{mean:>11.3f}"
                f"{active:>8.1%}{norm:>9.3f}{trained.seconds:>9.1f}"
            )
        lines.append(f"{'identity':<14}{self.test.shape[1]:>5}{0:>10.4f}{0:>10.4f}{self.identity_error:>11.4f}")
        lines += [
            "",
            "errors: 1/2 ||x^ - x||^2, mean over samples; corrupted: the held-out images with "
            f"{self.noise!r} go in, clean ones are compared;",
            f"active: units above {ACTIVE:g}; ||J||_F: of the encoder at held-out images, mean.",
        ]
        return "\n".join(lines)

    @property
    def identity_error(self):
        """What copying the corrupted input would cost."""
        return error(self.noisy, self.test)

    def held_out(self, name, column="held-out error"):
        """One number of the table."""
        return self.models[name].measures[column]


def mean_jacobian_norm(model, X):
    """||dh/dx||_F of a code of one layer at X (N, D), mean over samples: sqrt(sum_k phi'(a_k)^2 ||W_:k||^2)."""
    if isinstance(model, PCA):
        return float(np.linalg.norm(model.components_))  # h is linear in x
    (layer,) = model.network_.encoder.layers
    slope = layer.activation.dphi(model.transform(X))
    return float(np.sqrt(slope**2 @ (layer.W**2).sum(axis=0)).mean())


def error(reconstruction, x):
    """1/2 ||x^ - x||^2, mean over samples, for (N, D) arrays."""
    return float(SquaredError()(reconstruction, x)[0])
