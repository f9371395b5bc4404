"""Train the whole family of autoencoders on one data set, measure all in the same way, and print one table."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from npae import datasets
from npae.estimators.autoencoder import Autoencoder
from npae.experiments.claims import N_SEEDS, needs_seeds
from npae.experiments.cosine import fixed_length
from npae.objective.contraction import Contractive
from npae.objective.corruption import GaussianNoise
from npae.objective.losses import SquaredError
from npae.objective.penalties import KLSparsity, L1Sparsity
from npae.pca import PCA
from npae.system.processes import in_processes
from npae.system.progress import ProgressLine
from npae.training.streams import streams

ACTIVE = 0.1  # a unit counts as active on a sample if its activation exceeds this


@dataclass(frozen=True)
class Schedule:
    """The training of a member: epochs in full and quick runs, first learning rate, batch size."""

    epochs: int
    quick_epochs: int
    lr: float
    batch_size: int


@dataclass(frozen=True)
class Settings:
    """The settings of one data set: sizes, strengths of regularizers, schedules of narrow and wide codes, seconds."""

    n_components: int
    n_overcomplete: int
    narrow: Schedule
    wide: Schedule
    sigma: float
    kl: float
    l1: float
    contractive: float
    seconds: tuple[float, float]  # a full and a quick run, on two idle cores of an AMD EPYC


SETTINGS = {
    "digits": Settings(16, 128, Schedule(200, 25, 3e-2, 64), Schedule(150, 15, 1e-2, 64), 0.3, 0.1, 0.02, 0.05,
                       (70, 13)),
    "mnist": Settings(64, 800, Schedule(80, 5, 1e-2, 64), Schedule(24, 2, 1e-3, 128), 0.5, 0.1, 0.02, 0.05,
                      (165, 35)),
}  # fmt: skip


@dataclass
class Trained:
    """One fitted model of the family and its measures; errors are 1/2 ||x^ - x||^2, mean over samples."""

    model: Any
    about: str
    n_components: int
    seconds: float
    measures: dict[str, float]

    @property
    def epochs(self):
        """Return the number of epochs; 0 for a model that needs no training loop."""
        return getattr(self.model, "n_iter_", 0)

    @property
    def last_fall(self):
        """Return the fraction by which J fell in the last tenth of the epochs."""
        losses = self.model.loss_curve_ if self.epochs else [1.0]
        return 1 - losses[-1] / losses[-1 - len(losses) // 10]


class FamilyRun:
    """The data, split once, and the trained family; `models` is a dict name -> Trained, in the order of the table.

    data: 'digits' or 'mnist'. A quarter of the samples (a fifth of MNIST's) is held out. `noisy` is the held-out part,
    corrupted once by the noise that trains the denoising autoencoder. The same seed gives the same numbers.
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
        self._others = {}  # name -> measures of further seeds
        self._cache = {}

    def __getstate__(self):
        return {**self.__dict__, "log": print}  # a user-defined function may not reach another process

    @property
    def epochs(self):
        """Return the number of epochs of a narrow code."""
        return self._epochs(self.settings.narrow)

    def _epochs(self, schedule):
        return schedule.quick_epochs if self.quick else schedule.epochs

    def autoencoder(self, n_components, *, lengthen=1, **changes):
        """Return an estimator with the common settings: D-K-D, sigmoid units, squared error, Adam, no early stopping.

        The learning rate falls to zero along half a cosine, over `lengthen` times the epochs of the schedule.
        """
        schedule = self.settings.narrow if n_components <= self.settings.n_components else self.settings.wide
        epochs = lengthen * self._epochs(schedule)
        common = {"activation": "sigmoid", "output_activation": "sigmoid", "random_state": self.seed}
        common |= fixed_length(len(self.train), lr=schedule.lr, epochs=epochs, batch_size=schedule.batch_size)
        return Autoencoder(n_components, **{**common, **changes})

    def _members(self):
        """Return {name: (description, number of code units, arguments of the estimator)} in the order of the table."""
        s = self.settings
        K, wide, contractive = s.n_components, s.n_overcomplete, Contractive(s.contractive)
        members: dict[str, tuple[str, int, dict]] = {
            "PCA": ("linear, by SVD", K, {}),
            "undercomplete": ("K < D", K, {}),
            "denoising": (f"Gaussian noise, sigma={s.sigma:g}", K, {"corruption": self.noise}),
            "contractive": (f"lam={s.contractive:g}, tied", K, {"penalties": [contractive], "tied": True}),
            "overcomplete": ("K > D, no regularizer", wide, {}),
            "sparse (KL)": (f"KL, beta={s.kl:g}, rho=0.05", wide, {"penalties": [KLSparsity(s.kl, 0.05)]}),
            "sparse (L1)": (f"L1, lam={s.l1:g}", wide, {"penalties": [L1Sparsity(s.l1)]}),
        }
        return members

    def member(self, name, **changes):
        """Return a member of the family by its name, not fitted."""
        _, n_components, regularizer = self._members()[name]
        return PCA(n_components) if name == "PCA" else self.autoencoder(n_components, **{**regularizer, **changes})

    def train_family(self, jobs=1):
        """Fit and measure every member in `jobs` processes; return self."""
        family = {name: about for name, (about, _, _) in self._members().items()}
        names = list(family)
        labels = [f"[{i}/{len(names)}] {name:<14}" for i, name in enumerate(names, start=1)]
        if jobs > 1:
            fits = in_processes(FamilyRun._fit, names, jobs, self)
        else:
            fits = ((i, self._fit(name, labels[i])) for i, name in enumerate(names))
        for i, (model, seconds) in fits:
            name, about = names[i], family[names[i]]
            self.log(f"{labels[i]} {seconds:6.1f} s   {about}")
            self.models[name] = Trained(model, about, model.n_components, seconds, self.measure(model))
        self.models = {name: self.models[name] for name in names}
        return self

    def cached(self, key, make):
        """Return make(), called the first time only: several sections share the result."""
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def pair(self, name, other, column="held-out error"):
        """Return the numbers of two members: one each, or (S,) one per seed if they differ by less than 10 %."""
        ours, theirs = self.held_out(name, column), self.held_out(other, column)
        if needs_seeds(ours, theirs):
            return self.over_seeds(name, column), self.over_seeds(other, column)
        return ours, theirs

    def over_seeds(self, name, column):
        """Return one number of the table for five seeds of weights and orders, with the same split: (5,)."""
        found = self._others.setdefault(name, [])
        for i in range(len(found) + 1, N_SEEDS if name != "PCA" else 0):
            found.append(self.measure(self.member(name, random_state=self.seed + 1000 + i).fit(self.train)))
        ours = self.held_out(name, column)
        return np.array([ours, *(measures[column] for measures in found)] if found else [ours] * N_SEEDS)

    def error_after_longer_training(self, name):
        """Return the held-out error of a member that is trained for twice as many epochs."""
        return error(self.member(name, lengthen=2).fit(self.train).reconstruct(self.test), self.test)

    def _fit(self, name, label=None):
        """Return (the fitted member, seconds); a label shows the progress on a terminal."""
        model, start = self.member(name), time.perf_counter()
        progress = ProgressLine(label, getattr(model, "max_iter", 1))
        watched = label is not None and progress.live and isinstance(model, Autoencoder)
        if watched:
            model.callbacks = lambda _, history: progress(len(history["loss"]), f"J {history['loss'][-1]:.4f}")
        model.fit(self.train)
        if watched:
            model.callbacks = None
            progress.close(erase=True)
        return model, time.perf_counter() - start

    def measure(self, model):
        """Return the columns of the table for one fitted model."""
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
        """Return the family as a table, in lines of text."""
        head = (
            f"{'':<14}{'K':>5}{'training':>10}{'held-out':>10}{'corrupted':>11}{'mean act.':>11}"
            f"{'active':>8}{'||J||_F':>9}{'epochs':>8}{'seconds':>9}"
        )
        lines = [head, "-" * len(head)]
        for name, trained in self.models.items():
            train, test, noisy, mean, active, norm = trained.measures.values()
            lines.append(
                f"{name:<14}{trained.n_components:>5}{train:>10.4f}{test:>10.4f}{noisy:>11.4f}{mean:>11.3f}"
                f"{active:>8.1%}{norm:>9.3f}{trained.epochs:>8}{trained.seconds:>9.1f}"
            )
        lines.append(f"{'identity':<14}{self.test.shape[1]:>5}{0:>10.4f}{0:>10.4f}{self.identity_error:>11.4f}")
        lines += [
            "",
            "errors: 1/2 ||x^ - x||^2, mean over samples; corrupted: the input has "
            f"{self.noise!r}, the target is clean;",
            f"active: units above {ACTIVE:g}; ||J||_F: mean norm of the encoder's Jacobian at held-out images.",
        ]
        return "\n".join(lines)

    @property
    def identity_error(self):
        """Return the error of copying the corrupted input."""
        return error(self.noisy, self.test)

    def held_out(self, name, column="held-out error"):
        """Return one number of the table."""
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
