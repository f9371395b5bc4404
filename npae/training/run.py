"""A training under way: its epochs, what it watches, when it has gone wrong, and all that a checkpoint has to keep."""

import math
from typing import Any

import numpy as np

from npae.objective.kernels import Buffers, dot
from npae.objective.user_defined import read_only, takes
from npae.validation import described

HOPELESS = 1e4  # an objective this many times that of the first weights, or of the data, does not come back


class DivergenceError(RuntimeError):
    """The objective left the finite numbers, or all proportion; the network holds the best weights.

    args: what happened and what to try, and where the weights are, for who has the network at hand.
    """

    def __str__(self):
        return " ".join(self.args)


def _corrupter(corruption, buffers):
    """corrupt(x, rng) -> x~ as the loop calls it: into one array, taken again, where the corruption has an `out`."""
    if corruption is None:
        return lambda x, rng: x
    if takes(corruption.corrupt, "out"):
        return lambda x, rng: corruption.corrupt(x, rng, out=buffers("noisy", x.shape, x.dtype))

    def corrupt(x, rng):
        name = type(corruption).__name__
        with read_only(f"{name}: got x", [x]):
            noisy = np.asarray(corruption.corrupt(x, rng), x.dtype)
        if noisy.shape != x.shape:
            raise ValueError(f"{name}: got x~ of shape {noisy.shape}, expected x's, {x.shape}")
        if not np.isfinite(noisy).all():
            raise ValueError(f"{name}: got x~ with NaN or infinity, expected finite numbers")
        return noisy

    return corrupt


def part_names(network):
    """Names of the terms of J, network.part_values: 'reconstruction', then each penalty's class."""
    names = ["reconstruction"]
    for penalty in network.penalties:
        name = getattr(penalty, "__name__", type(penalty).__name__)
        same = sum(each.partition(" ")[0] == name for each in names)
        names.append(f"{name} {same + 1}" if same else name)
    return names


class Run:
    """A training under way: what callbacks may look at, and all that a checkpoint has to keep.

    epoch: whole epochs of this call; batch: minibatches done of the one under way, sums: of its samples, objective and
    terms; order: shuffle_rng's state when it began. best, best_theta, last_gain: the monitored loss at its lowest, its
    weights, and the last epoch that lowered it by more than tol. finished: whether a callback has ended it. counting:
    the penalties with a state that moves on after each step. resumable: whether a checkpoint may put it back to where
    another run was.
    """

    shuffle_rng: Any
    noise_rng: Any

    def __init__(
        self, network, rows, step, history, *, batch_size, shuffle_rng, noise_rng, corruption=None,
        rows_validation=None, tol=0.0, estimator=None, resumable=True,
    ):  # fmt: skip
        if not callable(step):
            raise TypeError(f"train: got a step that is {described(step)}, expected a function step(grad)")
        self.network, self.rows, self.step, self.history, self.estimator = network, rows, step, history, estimator
        for name in ("loss", "seconds"):
            history.setdefault(name, [])
        self.batch_size, self.shuffle_rng, self.noise_rng, self.tol = batch_size, shuffle_rng, noise_rng, tol
        self.resumable, self.gradient_norm, self.n_parts = resumable, math.nan, 0
        self.buffers = Buffers()
        self.corrupt = _corrupter(corruption, self.buffers)
        self.rows_validation = rows_validation
        self.validation_seed = 0 if rows_validation is None else int(noise_rng.integers(2**63))
        self.counting = [each for each in network.penalties if hasattr(each, "after_step")]
        self.names = ["loss", *part_names(network)]
        self.epoch = self.batch = self.last_gain = 0
        self.sums, self.order, self.finished = [0.0] * (len(self.names) + 1), shuffle_rng.bit_generator.state, False
        self.best, self.best_theta = math.inf, network.theta.copy()
        self.first, self.scale = math.nan, 0.0  # the objective at the first weights, and 1/2 sum ||x||^2

    def stuck(self, n_iter_no_change):
        """Whether the monitored loss has not fallen for so many epochs."""
        return n_iter_no_change is not None and self.epoch - self.last_gain >= n_iter_no_change

    def one_epoch(self, hooks=()):
        """Visit every sample, or those that are left of an epoch begun before; the epoch's means by name."""
        if not self.batch:
            self.order, self.sums = self.shuffle_rng.bit_generator.state, [0.0] * len(self.sums)
        network, step, sums, stepped = self.network, self.step, self.sums, False
        for x, target in self.rows.batches(self.shuffle_rng, self.batch_size, self.buffers, skip=self.batch):
            value = network._value_and_grad(self.corrupt(x, self.noise_rng), target)
            if not math.isfinite(value):
                raise self.divergence("the objective is not finite")
            if not self.epoch:
                self.first = value if math.isnan(self.first) else self.first
                self.scale += float(dot(x, x)) / 2
            step(network.grad)
            for penalty in self.counting:
                penalty.after_step()
            n = len(x)
            sums[0] += n
            sums[1] += value * n
            for i, part in enumerate(network.part_values, start=2):
                sums[i] += float(part) * n
            self.batch, self.n_parts, stepped = self.batch + 1, len(network.part_values), True
            for hook in hooks:
                hook()
        if not sums[0]:
            raise ValueError("train: got weights by which an epoch visits no sample, expected larger ones")
        row = {name: total / sums[0] for name, total in zip(self.names[: 1 + self.n_parts], sums[1:])}
        if self.rows_validation is not None:
            row["validation_loss"] = self._validation_loss()
        rate = getattr(step, "lr", math.nan)  # a step of one's own may be a bare function
        if stepped:  # else the run was resumed after the last minibatch, and the norm with it
            self.measure_gradient()
        return row | {"gradient_norm": self.gradient_norm, "learning_rate": float(rate)}

    def measure_gradient(self):
        """Take the norm of the gradient of the last minibatch."""
        self.gradient_norm = math.sqrt(dot(self.network.grad, self.network.grad))

    def close_epoch(self, row):
        """Take the epoch's means into the history, or raise DivergenceError."""
        losses = [row["loss"], row.get("validation_loss", 0.0)]
        if not np.isfinite([self.network.theta.sum(), *losses]).all():
            raise self.divergence("the objective is not finite")
        if not self.epoch:
            self.scale /= self.sums[0]
        before = self.history["loss"][0] if len(self.history["loss"]) else self.first
        usual = max(min(abs(self.first), abs(before)), self.scale)
        if usual and row["loss"] > HOPELESS * usual:
            raise self.divergence(f"the objective is {row['loss']:.6g}, and was {self.first:.6g} at first")
        self.epoch, self.batch = self.epoch + 1, 0
        append(self.history, row)
        monitored = losses[self.rows_validation is not None]
        if not math.isfinite(self.best) or monitored < self.best - self.tol * abs(self.best):
            self.last_gain = self.epoch
        if monitored < self.best:
            self.best = monitored
            self.best_theta[:] = self.network.theta

    def _validation_loss(self):
        """The mean objective over the other rows, by batches as large as training's, so that no buffer grows."""
        total, n = 0.0, 0
        for i, x in enumerate(self.rows_validation.in_order(self.batch_size)):
            noisy = self.corrupt(x, np.random.default_rng([self.validation_seed, i]))
            total, n = total + self.network.value(noisy, x) * len(x), n + len(x)
        return total / n

    def align_history(self):
        """Cut off an epoch that was interrupted while it was being written down."""
        shortest = min(map(len, self.history.values()))
        for values in self.history.values():
            del values[shortest:]

    def divergence(self, what):
        """The error that says what happened and what to try."""
        losses = self.history["loss"]
        last = f"{losses[-1]:.6g} after epoch {len(losses)}" if losses else "none, it was the first epoch"
        lr = getattr(self.step, "lr", None)
        lower = (
            f"learning rate below {lr:g} (a tenth, say)" if isinstance(lr, (int, float)) else "smaller learning rate"
        )
        return DivergenceError(
            f"training diverged in epoch {len(losses) + 1}: {what}. Last finite loss: {last}. Try a {lower}, "
            "inputs scaled to about [0, 1], or weaker penalties.",
            "The best finite weights are kept.",
        )


def append(history, row):
    """One more epoch in a history: all its lists stay as long as one another, with NaN where a number is missing."""
    n = len(history["loss"])
    for name in {**history, **row}:
        values = history.setdefault(name, [])
        values += [math.nan] * (n - len(values)) + [row.get(name, math.nan)]
