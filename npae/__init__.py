"""Autoencoders in plain NumPy, written to be read.

    J(theta) = 1/N sum_n L(x_n, g(f(x~_n))) + Omega        x~_n ~ C(x~ | x_n)

Each letter has one file in `npae/objective/`: f and g are `layers`, L is `losses`, Omega is `penalties`, C is
`corruption`; J and its gradient are `network`. `npae/training/` moves theta; `npae/gradcheck/` checks the gradient.

Conventions. N samples, D inputs, K units, L layers; samples are rows: x (N, D), W (D, K), b (K,), a = x W + b,
h = phi(a). `dz` is dJ/dz and has z's shape. Mean over samples, sum over features; no other reduction exists. All
noise enters as an argument. float32 stays float32, float64 stays float64, integers become float64.
"""

import importlib

__version__ = "0.1.0"

# The public names by the module they live in, imported on first use: `import npae` costs no more than `import numpy`.
_HOMES = {
    "estimators.autoencoder": ("Autoencoder",),
    "generative.variational_autoencoder": ("VariationalAutoencoder",),
    "generative.variational_network": ("GaussianCode", "KLToStandardNormal"),
    "objective.activations": ("Identity", "ReLU", "Sigmoid", "Softplus", "Tanh", "TopK"),
    "objective.contraction": ("Contractive", "HigherOrderContractive", "ReconstructionContractive"),
    "objective.corruption": ("GaussianNoise", "GaussianNoiseRange", "MaskingNoise", "SaltAndPepper"),
    "objective.distributions": ("Categorical", "ContinuousBernoulli", "Gaussian", "Laplace"),
    "objective.layers": ("Dense", "Stack", "Tied"),
    "objective.learnt_variance": ("LearntVariance",),
    "objective.losses": ("BernoulliCrossEntropy", "SquaredError"),
    "objective.network": ("Network",),
    "objective.penalties": ("KLSparsity", "L1Sparsity", "WeightDecay"),
    "objective.revival": ("AuxiliaryTopK",),
    "objective.unit_rows": ("UnitRows",),
    "pca": ("PCA",),
    "storage.checkpoints": ("Checkpoint",),
    "storage.model_file": ("ModelFileError", "load"),
    "sweeping.sweep": ("sweep",),
    "system.interrupts": ("raise_interrupts",),
    "training.callbacks": ("EarlyStopping",),
    "training.lbfgs": ("lbfgs",),
    "training.loop": ("TrainingInterrupted",),
    "training.optimizers": ("SGD", "Adam", "RMSProp"),
    "training.run": ("DivergenceError",),
    "training.schedules": ("Cosine", "StepDecay", "WarmUp"),
    "validation": ("NotFittedError",),
}  # fmt: skip
_ROOMS = (
    "datasets", "denoising", "generative", "gradcheck", "manifold", "pca", "plots", "probe", "sparsity",
)  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted({*_HOME_OF, *_ROOMS})


def __getattr__(name):
    if name in _ROOMS:
        return importlib.import_module(f"npae.{name}")
    if name in _HOME_OF:
        globals()[name] = value = getattr(importlib.import_module(f"npae.{_HOME_OF[name]}"), name)
        return value
    raise AttributeError(f"module 'npae' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
