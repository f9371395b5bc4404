"""The whole catalogue under the gradient check: random networks, every parameter by a complex step.

`npae gradcheck` runs `fuzz`; `npae gradcheck path/to/file.py:function` checks a user's own function.
"""

import argparse
import json
import multiprocessing
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field

import numpy as np

from npae.activations import Identity, ReLU, Sigmoid, Softplus, Tanh, TopK
from npae.corruption import GaussianNoise, MaskingNoise, SaltAndPepper
from npae.gradcheck import check_gradient
from npae.gradcheck.numeric import complex_gradient
from npae.gradcheck.user_file import load_function
from npae.layers import Dense, Tied
from npae.losses import BernoulliCrossEntropy, SquaredError
from npae.network import Network
from npae.penalties import Contractive, KLSparsity, L1Sparsity, WeightDecay

RTOL = 1e-12  # on the relative error per array, see model_error
FLOOR = np.finfo(float).eps / RTOL
ACTIVATIONS = (Identity(), Sigmoid(), Tanh(), ReLU(), Softplus())
LOSSES = (SquaredError(), BernoulliCrossEntropy())
CORRUPTIONS = (None, None, GaussianNoise(0.5), MaskingNoise(0.3), SaltAndPepper(0.2))
WORTH_A_PROCESS = 400  # models: starting a process costs as much as checking some fifty
SCALES = (0.5, 0.75, 1.0)


@dataclass
class Model:
    """One random network with its batch: x (N, D), which may be corrupted, and the clean target (N, D)."""

    network: Network
    x: np.ndarray
    target: np.ndarray
    description: str


def random_model(seed, index):
    """Model number `index` of a seed: the same one in every run, alone or among others.

    Depth 1 to 3, widths 2 to 5, N = 2 to 4; W_ij ~ N(0, scale^2 / D), b_j ~ N(0, 1/4), targets uniform in [0, 1];
    each penalty with probability 1/3 where the code admits it. Scales end at 1: where all units of an array saturate,
    phi' taken from h (1 - h^2 for tanh) carries a relative error of eps / phi', and so does any gradient built on it.
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

    candidates = [WeightDecay(0.1), L1Sparsity(0.3)]
    candidates += [KLSparsity(0.5, 0.2)] if activations[-1] == Sigmoid() else []
    candidates += [Contractive(0.3)] if all(activation.elementwise for activation in activations) else []
    penalties = [penalty for penalty in candidates if rng.random() < 1 / 3]

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


def model_error(model):
    """(error, array, rounding): the worst relative error over a model's parameter arrays, and the name of that array.

    error = max|dW - n| / max(max|n|, FLOOR max|dJ/dtheta|), n by one complex step a coordinate. The floor makes the
    tolerance RTOL an absolute one of eps times the largest gradient entry of the network, for an array that is
    nothing but the rounding of terms that cancel (its own relative error would be 0/0). `rounding` lists (array,
    error without the floor) where that decides. The real part of the complex objective must be the objective, or
    the error is infinite.
    """
    network, x, target = model.network, model.x, model.target
    J = network.value_and_grad(x, target)
    copied = network.astype(np.complex128)
    if not abs(copied.value(x, target).real - J) <= RTOL * abs(J):
        return np.inf, "value", []
    theta = copied.theta
    numeric = complex_gradient(theta, lambda: copied.value(x, target), range(len(theta)))
    floor, start = FLOOR * np.abs(network.grad).max(), 0
    worst, where, rounding = 0.0, "", []
    for name, analytic in network.gradients.items():
        n = numeric[start : start + analytic.size].reshape(analytic.shape)
        start += analytic.size
        gap, size = np.abs(analytic - n).max(), np.abs(n).max()
        error = gap / max(size, floor) if gap else 0.0
        if not error <= worst:
            worst, where = (float(error) if np.isfinite(error) else np.inf), name
        if error <= RTOL < gap / max(size, np.finfo(float).tiny):
            rounding.append((name, float(gap / max(size, np.finfo(float).tiny))))
    return worst, where, rounding


@dataclass
class FuzzReport:
    """What the fuzzer found.

    `failures` lists (index, error, array, description) of every model above rtol, `rounding` (index, array, error
    without the floor) of every array that is held to eps times the network's largest gradient entry instead.
    """

    models: int
    seed: int
    rtol: float
    worst_error: float = 0.0
    worst_array: str = ""
    worst_model: str = ""
    failures: list = field(default_factory=list)
    rounding: list = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self):
        """Whether every model agreed."""
        return not self.failures

    def __str__(self):
        lines = [
            f"{self.models:,} random models, seed {self.seed}, every parameter by complex step: {self.seconds:.1f} s",
            f"worst relative error per array {self.worst_error:.2e} (tolerance {self.rtol:.0e}), {self.worst_array} of",
            f"  {self.worst_model}",
        ]
        if self.rounding:
            lines.append(
                f"arrays that cancel to rounding, held to eps x the largest gradient: {len(self.rounding):,}, "
                + ", ".join(f"{array} of model {index}" for index, array, _ in self.rounding[:5])
            )
        lines += [f"FAILED {error:.2e} in {array} of {text}" for _, error, array, text in self.failures[:20]]
        verdict = "all agree" if self.ok else f"{len(self.failures):,} of {self.models:,} models FAILED"
        return "\n".join([*lines, verdict])


def fuzz(n_models=1000, seed=0, *, jobs=1, rtol=RTOL):
    """Check the gradients of n_models random networks: a FuzzReport. jobs: processes, if there are many models."""
    started = time.perf_counter()
    report = FuzzReport(n_models, seed, rtol)
    if jobs > 1 and n_models >= WORTH_A_PROCESS:
        # spawn, not fork: forking a process whose BLAS has threads is not safe
        chunks = [(range(i, n_models, 4 * jobs), seed, rtol) for i in range(4 * jobs)]
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            parts = list(pool.map(_fuzz_some, chunks))
    else:
        parts = [_fuzz_some((range(n_models), seed, rtol))]
    for worst, failures, rounding in parts:
        report.failures += failures
        report.rounding += rounding
        if worst and (not report.worst_model or worst[1] > report.worst_error):
            _, report.worst_error, report.worst_array, report.worst_model = worst
    report.failures.sort()
    report.rounding.sort()
    report.seconds = time.perf_counter() - started
    return report


def _fuzz_some(chunk):
    indices, seed, rtol = chunk
    worst, failures, rounding = None, [], []
    for index in indices:
        model = random_model(seed, index)
        error, array, cancelled = model_error(model)
        rounding += [(index, *found) for found in cancelled]
        found = (index, error, array, model.description)
        if worst is None or error > worst[1]:
            worst = found
        if not error <= rtol:
            failures.append(found)
    return worst, failures, rounding


def add_arguments(parser):
    """The arguments of `npae gradcheck`."""
    parser.add_argument(
        "function",
        nargs="?",
        metavar="path/to/file.py:function",
        help="check your own f(x) -> (value, gradient) at the file's <function>_x or x; without it, fuzz the catalogue",
    )
    parser.add_argument("--models", type=_positive, default=1000, metavar="N", help="how many random networks (1000)")
    parser.add_argument("--seed", type=seed_number, default=0, metavar="S", help="which random networks (0)")
    parser.add_argument("--jobs", type=_positive, default=2, metavar="J", help="processes (2)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(args):
    """Run `npae gradcheck`: exit status 0 if all agrees, 1 if not, 2 if there was nothing that could be checked."""
    if args.function is None:
        report = fuzz(args.models, args.seed, jobs=args.jobs)
        print(json.dumps(_finite(asdict(report) | {"ok": report.ok})) if args.json else report)
        return 0 if report.ok else 1
    try:
        f, x = load_function(args.function)
        checked = check_gradient(f, x)
    except Exception as error:  # the user's file may raise anything
        if not isinstance(error, (ValueError, TypeError)) and not args.json:
            traceback.print_exc()
        if args.json:
            print(json.dumps({"ok": False, "error": str(error)}))
        else:
            print(f"npae gradcheck: {error}", file=sys.stderr)
        return 2
    print(json.dumps(checked.to_dict()) if args.json else checked)
    return 0 if checked.ok else 1


def seed_number(text):
    """A whole number >= 0, for argparse."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"got {text}, expected a whole number >= 0")
    return number


def _positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {text}, expected a whole number >= 1")
    return number


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value
