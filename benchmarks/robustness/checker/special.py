"""Small functions for what mutants do not show: kinks, errors of 1e-7 to 1e-5, refusals. Each is f(x), x and a note."""

import numpy as np

X = np.random.default_rng(0).standard_normal(12)


def _relu(x):
    return np.where(x > 0, x, 0)


KINKS = {  # right gradients at a point where f is not differentiable
    "relu": (lambda x: (_relu(x).sum(), (x > 0) * 1.0), np.array([1.0, 0, -1])),
    "abs": (lambda x: (np.abs(x).sum(), np.sign(x.real)), np.array([1.0, 0, -2])),
    "max": (lambda x: (np.max(x), np.array([0.5, 0.5, 0])), np.array([2.0, 2, 1])),
    "hinge": (lambda x: (_relu(1 - x).sum(), (x < 1) * -1.0), np.array([1.0, 0.5, 2])),
    "clip": (lambda x: (np.clip(x, -1, 1).sum(), (np.abs(x.real) < 1) * 1.0), np.array([1.0, 0.3, -2])),
    "leaky": (lambda x: (np.where(x > 0, x, 0.1 * x).sum(), np.where(x > 0, 1, 0.1)), np.array([0.0, 1, -1])),
    "norm at 0": (lambda x: (np.sqrt((x * x).sum()), 0 * x), np.zeros(3)),
}


def _softmax(x):
    e = np.exp(x - x.real.max())
    return e / e.sum()


SMALL = {  # gradients that are wrong by 1e-7 to 1e-5: an epsilon, a rounded constant
    "epsilon of a norm": (lambda x: (np.sqrt((x * x).sum() + 1e-5), x / np.sqrt((x * x).sum())), X),
    "rounded constant": (lambda x: (np.pi * (x * x).sum() / 2, 3.141592 * x), X),
    "rounded log 2": (lambda x: ((np.exp(x) / np.log(2)).sum(), np.exp(x) / 0.693147), X),
    "epsilon of a logarithm": (lambda x: (np.log(np.exp(x) + 1e-6).sum(), np.ones_like(x)), X),
    "epsilon of a quotient": (lambda x: ((1 / (x * x + 1 + 1e-7)).sum(), -2 * x / (x * x + 1) ** 2), X),
    "decay of 1e-6": (lambda x: (np.cos(x).sum(), -np.sin(x) + 1e-6 * x), X),
    "rounded square root": (lambda x: (np.tanh(2**0.5 * x).sum(), 1.41421 * (1 - np.tanh(2**0.5 * x) ** 2)), X),
    "epsilon of Adam": (lambda x: ((x * x).sum() / (1 + 1e-8 * 100), 2 * x), X),
    "momentum of a mean": (lambda x: ((x**3).sum() * 0.9999999, 3 * x * x), X),
    "label smoothing of 1e-5": (
        lambda x: (
            -np.log(_softmax(x))[0] * (1 - 1e-5) - 1e-5 * np.log(_softmax(x)).mean(),
            _softmax(x) - np.eye(12)[0],
        ),
        X,
    ),
    "truncated pi": (lambda x: (np.sin(np.pi * x).sum(), 3.14159 * np.cos(np.pi * x)), X),
}

LARGE_CONSTANT = 1e6
SCALINGS = {"value": (1.0, 0.0), "x 1e-9": (1e-9, 0.0), "x 1e-6": (1e-6, 0.0), "x 1e6": (1e6, 0.0), "+ 1e6": (1.0, 1e6)}
