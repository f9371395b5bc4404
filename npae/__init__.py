"""Autoencoders in plain NumPy, written to be read.

    J(theta) = 1/N sum_n L(x_n, g(f(x~_n))) + Omega        x~_n ~ C(x~ | x_n)

Each letter has one home: f and g are `layers`, L is `losses`, Omega is `penalties`, C is `corruption`; J and its
gradient are `network`; what moves theta is `optimizers`; what proves the gradient is `gradcheck`.

Conventions. N samples, D inputs, K units, L layers; samples are rows: x (N, D), W (D, K), b (K,), a = x W + b,
h = phi(a). `dz` is dJ/dz and has z's shape. Mean over samples, sum over features; no other reduction exists. All
noise enters as an argument. float32 stays float32, float64 stays float64, integers become float64.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "PCA",
    "SGD",
    "Adam",
    "Autoencoder",
    "BernoulliCrossEntropy",
    "Contractive",
    "Dense",
    "DivergenceError",
    "GaussianNoise",
    "HigherOrderContractive",
    "HutchinsonContractive",
    "Identity",
    "KLSparsity",
    "L1Sparsity",
    "MaskingNoise",
    "ModelFileError",
    "Network",
    "NotFittedError",
    "RMSProp",
    "ReLU",
    "ReconstructionContractive",
    "SaltAndPepper",
    "Sigmoid",
    "Softplus",
    "SquaredError",
    "Stack",
    "TangentPropagation",
    "Tanh",
    "Tied",
    "TopK",
    "TrainingInterrupted",
    "WeightDecay",
    "datasets",
    "gradcheck",
    "lbfgs",
    "load",
    "manifold",
    "pca",
]

# Everything is imported on first use, so that `import npae` costs no more than `import numpy`.
_HOMES = {
    "activations": ("Identity", "ReLU", "Sigmoid", "Softplus", "Tanh", "TopK"),
    "base": ("NotFittedError",),
    "corruption": ("GaussianNoise", "MaskingNoise", "SaltAndPepper"),
    "datasets": (),
    "estimators": ("Autoencoder",),
    "full_batch": ("lbfgs",),
    "gradcheck": (),
    "layers": ("Dense", "Stack", "Tied"),
    "losses": ("BernoulliCrossEntropy", "SquaredError"),
    "manifold": (),
    "model_file": ("ModelFileError", "load"),
    "network": ("Network",),
    "optimizers": ("SGD", "Adam", "RMSProp"),
    "pca": ("PCA",),
    "penalties": (
        "Contractive",
        "HigherOrderContractive",
        "HutchinsonContractive",
        "KLSparsity",
        "L1Sparsity",
        "ReconstructionContractive",
        "TangentPropagation",
        "WeightDecay",
    ),
    "plots": (),
    "training": ("DivergenceError", "TrainingInterrupted"),
}

if TYPE_CHECKING:
    from npae import datasets, gradcheck, manifold, pca
    from npae.activations import Identity, ReLU, Sigmoid, Softplus, Tanh, TopK
    from npae.base import NotFittedError
    from npae.corruption import GaussianNoise, MaskingNoise, SaltAndPepper
    from npae.estimators import Autoencoder
    from npae.full_batch import lbfgs
    from npae.layers import Dense, Stack, Tied
    from npae.losses import BernoulliCrossEntropy, SquaredError
    from npae.model_file import ModelFileError, load
    from npae.network import Network
    from npae.optimizers import SGD, Adam, RMSProp
    from npae.pca import PCA
    from npae.penalties import (
        Contractive,
        HigherOrderContractive,
        HutchinsonContractive,
        KLSparsity,
        L1Sparsity,
        ReconstructionContractive,
        TangentPropagation,
        WeightDecay,
    )
    from npae.training import DivergenceError, TrainingInterrupted


def __getattr__(name):
    if name in _HOMES:
        return importlib.import_module(f"npae.{name}")
    for home, names in _HOMES.items():
        if name in names:
            globals()[name] = value = getattr(importlib.import_module(f"npae.{home}"), name)
            return value
    raise AttributeError(f"module 'npae' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__, *_HOMES})
