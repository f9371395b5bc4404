"""Autoencoders in plain NumPy, written to be read.

    J(theta) = 1/N sum_n L(x_n, g(f(x~_n))) + Omega        x~_n ~ C(x~ | x_n)

Each letter has one home: f and g are `layers`, L is `losses`, Omega is `penalties`, C is `corruption`; J and its
gradient are `network`; what moves theta is `optimizers`; what proves the gradient is `gradcheck`.

Conventions. N samples, D inputs, K units, L layers; samples are rows: x (N, D), W (D, K), b (K,), a = x W + b,
h = phi(a). `dz` is dJ/dz and has z's shape. Mean over samples, sum over features; no other reduction exists. All
noise enters as an argument. float32 stays float32, float64 stays float64, integers become float64.
"""

import importlib

from npae.activations import Identity, ReLU, Sigmoid, Softplus, Tanh, TopK
from npae.corruption import GaussianNoise, MaskingNoise, SaltAndPepper
from npae.layers import Dense, Stack, Tied
from npae.losses import BernoulliCrossEntropy, SquaredError
from npae.network import Network
from npae.optimizers import SGD, Adam, RMSProp
from npae.penalties import Contractive, KLSparsity, L1Sparsity, WeightDecay

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
    "Identity",
    "KLSparsity",
    "L1Sparsity",
    "MaskingNoise",
    "ModelFileError",
    "Network",
    "NotFittedError",
    "RMSProp",
    "ReLU",
    "SaltAndPepper",
    "Sigmoid",
    "Softplus",
    "SquaredError",
    "Stack",
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

# What is imported on first use, so that `import npae` stays near the cost of `import numpy`.
_LATER = {
    "Autoencoder": "npae.estimators",
    "DivergenceError": "npae.training",
    "ModelFileError": "npae.model_file",
    "NotFittedError": "npae.base",
    "PCA": "npae.pca",
    "TrainingInterrupted": "npae.training",
    "lbfgs": "npae.full_batch",
    "load": "npae.model_file",
}
_MODULES = ("datasets", "estimators", "gradcheck", "manifold", "model_file", "pca", "plots", "training")


def __getattr__(name):
    if name in _LATER:
        value = getattr(importlib.import_module(_LATER[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"npae.{name}")
    else:
        raise AttributeError(f"module 'npae' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
