"""Check the gradients of random networks, every parameter by a complex step."""

import dataclasses
import itertools
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.gradcheck import check_network
from npae.objective.activations import Identity, ReLU, Sigmoid, Softplus, Tanh, TopK
from npae.objective.contraction import Contractive, HigherOrderContractive, ReconstructionContractive
from npae.objective.corruption import GaussianNoise, MaskingNoise, SaltAndPepper
from npae.objective.layers import Dense, Tied
from npae.objective.losses import BernoulliCrossEntropy, SquaredError
from npae.objective.network import Network
from npae.objective.penalties import KLSparsity, L1Sparsity, WeightDecay
from npae.system.printing import json_ready
from npae.system.processes import map_in_processes

RTOL = 1e-12  # on the relative error per array
ACTIVATIONS = (Identity(), Sigmoid(), Tanh(), ReLU(), Softplus())
LOSSES = (SquaredError(), BernoulliCrossEntropy())
# penalty: how often it is drawn if the code admits it (the last two cost most)
PENALTIES = {WeightDecay(0.1): 1 / 3, L1Sparsity(0.3): 1 / 3}
SIGMOID_PENALTIES = {KLSparsity(0.5, 0.2): 1 / 3}
ELEMENTWISE_PENALTIES: dict[Any, float] = {Contractive(0.3): 1 / 3}
ELEMENTWISE_PENALTIES |= {HigherOrderContractive(0.1, 0.2, 0.3): 1 / 12, ReconstructionContractive(0.2): 1 / 12}
CORRUPTIONS = (None, None, GaussianNoise(0.5), MaskingNoise(0.3), SaltAndPepper(0.2))
WORTH_A_PROCESS = 400  # models; starting a process costs as much as checking about fifty
SCALES = (0.5, 0.75, 1.0)


@dataclass
class Model:
    """One random network with its batch: x (N, D), which may be corrupted, and the clean target (N, D)."""

    network: Network
    x: np.ndarray
    target: np.ndarray
    description: str


def random_model(seed, index):
    """Return the Model with number `index` of a seed; it does not depend on the other models that are drawn.

    Depth 1 to 3, widths 2 to 5, N = 2 to 4; W_ij ~ N(0, scale^2 / D), b_j ~ N(0, 1/4), targets uniform in [0, 1];
    each penalty at its rate if the code admits it. Scales end at 1: if all units of an array saturate, phi' computed
    from h (1 - h^2 for tanh) has a relative error of eps / phi', and so has any gradient that contains it.
    """
    rng = np.random.default_rng([seed, index])

    def choose(options):
        return options[rng.integers(len(options))]

    depth = int(rng.integers(1, 4))
    widths = [int(width) for width in rng.integers(2, 6, depth + 1)]  # D, K_1, ..., K_depth
    activations = [choose(ACTIVATIONS) for _ in range(depth)]
    if rng.random() < 0.1:
        activations[-1] = TopK(int(rng.integers(1, widths[-1] + 1)))
    tied, loss, scale, N = bool(rng.integers(2)), choose(LOSSES), choose(SCALES), int(rng.integers(2, 5))

    candidates: dict[Any, float] = PENALTIES | (SIGMOID_PENALTIES if activations[-1] == Sigmoid() else {})
    candidates |= ELEMENTWISE_PENALTIES if all(activation.elementwise for activation in activations) else {}
    penalties = [penalty for penalty, probability in candidates.items() if rng.random() < probability]

    encoder = [Dense(n_in, n_out, act) for n_in, n_out, act in zip(widths, widths[1:], activations)]
    outputs = [*(choose(ACTIVATIONS) for _ in range(depth - 1)), choose((Identity(), Identity(), choose(ACTIVATIONS)))]
    decoder = [
        Tied(layer, act) if tied else Dense(layer.n_out, layer.n_in, act)
        for layer, act in zip(reversed(encoder), outputs)
    ]
    network = Network(encoder, decoder, loss=loss, penalties=penalties)
    for name, view in network.parameters.items():
        size = scale / view.shape[0] ** 0.5 if name.endswith("W") else 0.5
        view[...] = rng.normal(0, size, view.shape)
    target = rng.random((N, widths[0]))
    corruption = choose(CORRUPTIONS)
    x = target if corruption is None else corruption(target, rng)

    text = " -> ".join(map(str, widths))
    text += f", {'tied' if tied else 'untied'}, {activations} | {outputs}, {loss}, penalties {penalties}"
    return Model(
        network, x, target, f"{text}, corruption {corruption}, scale {scale}, N = {N}, seed {seed}, model {index}"
    )


@dataclass
class FuzzReport:
    """The result of `fuzz`.

    `failures`: (index, error, array, description) of every model whose check is not ok. `rounding`: (index, array,
    error) of every array whose terms cancel, so that its relative error is that of rounding alone.
    """

    models: int
    seed: int
    rtol: float
    worst_error: float
    worst_array: str
    worst_model: str
    failures: list
    rounding: list
    seconds: float

    @property
    def ok(self):
        """True if every model passed."""
        return not self.failures

    def to_dict(self):
        """Return the report in plain Python types, for JSON."""
        return json_ready(dataclasses.asdict(self) | {"ok": self.ok})

    def __str__(self):
        lines = [
            f"{self.models:,} random models, seed {self.seed}, every parameter by complex step: {self.seconds:.1f} s",
            f"worst relative error per array {self.worst_error:.2e} (tolerance {self.rtol:.0e}), {self.worst_array} of",
            f"  {self.worst_model}",
        ]
        if self.rounding:
            some = ", ".join(f"{array} of model {index}" for index, array, _ in self.rounding[:5])
            lines.append(f"arrays that cancel to rounding: {len(self.rounding):,}, {some}")
        lines += [f"FAILED {error:.2e} in {array} of {text}" for _, error, array, text in self.failures[:20]]
        verdict = "all agree" if self.ok else f"{len(self.failures):,} of {self.models:,} models FAILED"
        return "\n".join([*lines, verdict])


def fuzz(n_models=1000, seed=0, *, jobs=1, rtol=RTOL):
    """Check the gradients of n_models random networks, in `jobs` processes if n_models is large: a FuzzReport."""
    started = time.perf_counter()
    n_chunks = 4 * jobs if jobs > 1 and n_models >= WORTH_A_PROCESS else 1
    chunks = [(range(i, n_models, n_chunks), seed, rtol) for i in range(n_chunks)]
    parts = map_in_processes(_examine_some, chunks, jobs) if n_chunks > 1 else map(_examine_some, chunks)
    found = sorted(itertools.chain.from_iterable(parts))

    def describe(index):
        return random_model(seed, index).description

    index, _, error, array, _ = max(found, key=lambda result: result[2])
    return FuzzReport(
        *(n_models, seed, rtol, error, array, describe(index)),
        failures=[(i, error, array, describe(i)) for i, ok, error, array, _ in found if not ok],
        rounding=[(i, *each) for i, _, _, _, cancelled in found for each in cancelled],
        seconds=time.perf_counter() - started,
    )


def _examine_some(chunk):
    indices, seed, rtol = chunk
    return [(index, *examine(random_model(seed, index), rtol)) for index in indices]


def examine(model, rtol=RTOL):
    """Return (ok, error, array, rounding) of a model's gradient check.

    error: the worst relative error of a parameter array; array: its name (or why no gradient could be compared);
    rounding: (array, error) of those that cancel.
    """
    try:
        report = check_network(model.network, model.x, model.target, rtol=rtol)
    except ValueError as error:  # a value that is not finite, or not the same twice
        return False, np.inf, f"no array: {error}", []
    rounding = [(row.name, row.error) for row in report.rows if row.rounding]
    return report.ok, report.max_error, report.worst.name, rounding
