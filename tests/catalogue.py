"""What the parametrized tests run over. A new piece is tested by adding one line, with its oracle, to a list below."""

import itertools

import numpy as np
import pytest
from scipy import special, stats

from npae import (
    BernoulliCrossEntropy,
    Contractive,
    Dense,
    GaussianNoise,
    GaussianNoiseRange,
    HigherOrderContractive,
    Identity,
    KLSparsity,
    L1Sparsity,
    MaskingNoise,
    Network,
    ReconstructionContractive,
    ReLU,
    SaltAndPepper,
    Sigmoid,
    Softplus,
    SquaredError,
    Tanh,
    TopK,
    WeightDecay,
)
from npae.objective.layers import mirrored


def top_two(a):
    """Each row with all but its two largest entries set to 0 (no ties)."""
    return np.where(stats.rankdata(a, axis=1) > a.shape[1] - 2, a, 0)


# activation -> phi(a) from somewhere else
ACTIVATIONS = {
    Identity(): lambda a: a,
    Sigmoid(): special.expit,
    Tanh(): lambda a: 1 - 2 * special.expit(-2 * a),
    ReLU(): lambda a: (a + np.abs(a)) / 2,
    Softplus(): lambda a: np.logaddexp(0, a),
    TopK(2): top_two,
}

# loss -> (N, D) of -log p(x | a) from somewhere else, up to a constant
LOSSES = {
    SquaredError(): lambda a, x: stats.norm(a, 1).logpdf(a) - stats.norm(a, 1).logpdf(x),
    BernoulliCrossEntropy(): lambda a, x: (
        special.entr(x)
        + special.rel_entr(x, special.expit(a))
        + special.entr(1 - x)
        + special.rel_entr(1 - x, special.expit(-a))
    ),
}

PENALTIES = [
    (),
    (WeightDecay(0.3),),
    (L1Sparsity(0.2),),
    (KLSparsity(0.5, 0.1),),
    (Contractive(0.1),),
    (HigherOrderContractive(0.1, 0.2, 0.3),),
    (ReconstructionContractive(0.1),),
    (WeightDecay(0.3), L1Sparsity(0.2), KLSparsity(0.5, 0.1), Contractive(0.1)),
]

CORRUPTIONS = [
    GaussianNoise(0.3),
    MaskingNoise(0.4),
    SaltAndPepper(0.4),
    GaussianNoiseRange(0.1, 0.6),
]

# widths of encoders of depth 1 to 3, under- and overcomplete
WIDTHS = [(5, 4), (5, 6, 3), (5, 4, 6, 3)]


def name(piece):
    """Return a readable test id: the repr of a piece, the name of a function, the parts of a tuple, widths as numbers.

    The repr of a function holds an address, which is another one in each process: pytest-xdist needs equal ids.
    """
    if isinstance(piece, tuple):
        return "+".join(type(part).__name__ if not isinstance(part, int) else str(part) for part in piece) or "none"
    return getattr(piece, "__name__", str(piece))


def fit_together(activation, penalties):
    """Whether make_network can build it: a contraction needs elementwise activations."""
    contractive = (Contractive, HigherOrderContractive, ReconstructionContractive)
    return activation.elementwise or not any(isinstance(penalty, contractive) for penalty in penalties)


NETWORKS = [
    (widths, activation, loss, penalties, tied)
    for widths, activation, loss, penalties, tied in itertools.product(
        WIDTHS, ACTIVATIONS, LOSSES, PENALTIES, (False, True)
    )
    if fit_together(activation, penalties)
]


def cover_pairs(rows):
    """Return rows that together hold every pair of parts in any two columns; greedily, the most new pairs first."""
    pairs = {row: set(itertools.combinations(enumerate(row), 2)) for row in rows}
    missing, chosen = set().union(*pairs.values()), []
    while missing:
        chosen.append(max(rows, key=lambda row: len(pairs[row] & missing)))
        missing -= pairs[chosen[-1]]
    return chosen


PAIRS = set(cover_pairs(NETWORKS))
# by default the tests take the networks in PAIRS; `-m ""` takes the full product
EACH_NETWORK = pytest.mark.parametrize(
    "parts",
    [
        pytest.param(
            parts,
            id="-".join([*map(name, parts[:-1]), "tied" * parts[-1]]),
            marks=() if parts in PAIRS else pytest.mark.slow,
        )
        for parts in NETWORKS
    ],
)


def make_network(widths, activation, loss, penalties=(), tied=False, rng=0):
    """A network of unit scale: weights and biases uniform in +-1, widths D, ..., K mirrored by the decoder.

    All layers have the activation, but the last is linear and the code is a sigmoid where KLSparsity asks for one.
    """
    rng = np.random.default_rng(rng)
    code = Sigmoid() if any(isinstance(penalty, KLSparsity) for penalty in penalties) else activation
    pairs = list(itertools.pairwise(widths))
    phis = [activation] * (len(pairs) - 1)
    encoder = [Dense(n_in, n_out, phi) for (n_in, n_out), phi in zip(pairs, [*phis, code])]
    network = Network(encoder, mirrored(encoder, tied=tied), loss=loss, penalties=penalties)
    network.theta = rng.uniform(-1, 1, network.theta.size)
    return network


def make_batch(n_samples, n_features, rng=0):
    """An input x and another target, both in [0, 1]."""
    rng = np.random.default_rng(rng)
    return rng.random((n_samples, n_features)), rng.random((n_samples, n_features))


def complex_step(f, x, h=1e-30):
    """df/dx for every entry of x, by Im f(x + ih) / h."""
    gradient = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        z = x.astype(complex)
        z[i] += 1j * h
        gradient[i] = f(z).imag / h
    return gradient


def relative_error(got, expected):
    """max |got - expected| / max |expected| (0 where both vanish)."""
    difference = np.abs(got - expected).max()
    return difference and difference / np.abs(expected).max()
