"""Autoencoders in plain NumPy, written to be read.

    J(theta) = 1/N sum_n L(x_n, g(f(x~_n))) + Omega        x~_n ~ C(x~ | x_n)

Each letter has one home: f and g are `layers`, L is `losses`, Omega is `penalties`, C is `corruption`; J and its
gradient are `network`; what moves theta is `optimizers`; what proves the gradient is `gradcheck`.

Conventions. N samples, D inputs, K units, L layers; samples are rows: x (N, D), W (D, K), b (K,), a = x W + b,
h = phi(a). `dz` is dJ/dz and has z's shape. Mean over samples, sum over features; no other reduction exists. All
noise enters as an argument. float32 stays float32, float64 stays float64, integers become float64.
"""

import importlib

__version__ = "0.1.0"

# The public names by the module they live in, imported on first use: `import npae` costs no more than `import numpy`.
_HOMES = {
    "activations": ("Identity", "ReLU", "Sigmoid", "Softplus", "Tanh", "TopK"),
    "autoencoder": ("Autoencoder",),
    "contraction.family": ("HigherOrderContractive", "ReconstructionContractive"),
    "corruption": ("GaussianNoise", "MaskingNoise", "SaltAndPepper"),
    "callbacks": ("EarlyStopping", "LearningRateLog"),
    "checkpoints": ("Checkpoint",),
    "continuous_bernoulli": ("ContinuousBernoulli",),
    "distributions": ("Categorical", "Gaussian", "Laplace"),
    "generative.code": ("GaussianCode", "KLToStandardNormal"),
    "generative.variational_autoencoder": ("VariationalAutoencoder",),
    "interrupts": ("raise_interrupts",),
    "joint_corruption": ("BlockOcclusion", "CorruptionChain", "GaussianNoiseRange"),
    "layers": ("Dense", "Stack", "Tied"),
    "learnt_variance": ("LearntVariance",),
    "lbfgs_training": ("lbfgs",),
    "losses": ("BernoulliCrossEntropy", "SquaredError"),
    "model_file": ("ModelFileError", "load"),
    "network": ("Network",),
    "optimizers": ("SGD", "Adam", "RMSProp"),
    "pca": ("PCA",),
    "penalties": ("Contractive", "KLSparsity", "L1Sparsity", "WeightDecay"),
    "schedules": ("Constant", "Cosine", "StepDecay", "WarmUp"),
    "sklearn_face": ("NotFittedError",),
    "sparsity": ("AuxiliaryTopK", "RunningKLSparsity", "UnitRows"),
    "sweeping.sweep": ("sweep",),
    "training": ("DivergenceError", "TrainingInterrupted"),
}
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
