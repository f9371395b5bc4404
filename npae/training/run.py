"""The state of a training: its epochs, the loss it monitors, when it diverges, and all that a checkpoint stores."""

import math
from typing import Any

import numpy as np

from npae.objective.kernels import Buffers, dot
from npae.objective.user_defined import locked, takes
from npae.training.rows import Rows
from npae.training.streams import streams
from npae.validation import check_number, described

HOPELESS = 1e4  # an objective this many times that of the first weights, and of the data, does not recover


class DivergenceError(RuntimeError):
    """The objective is not finite, or far larger than at the first weights; the network holds the best weights.

    args: a sentence on what happened and what to try, and a sentence on the weights, for callers with the network.
    """

    def __str__(self):
        return " ".join(self.args)


def _corrupter(corruption, buffers):
    """Return corrupt(x, rng) -> x~; a corruption that takes `out` writes into one array, which is reused."""
    if corruption is None:
        return lambda x, rng: x
    if takes(corruption.corrupt, "out"):
        return lambda x, rng: corruption.corrupt(x, rng, out=buffers("noisy", x.shape, x.dtype))

    def corrupt(x, rng):
        name = type(corruption).__name__
        with locked(f"{name}: got x", [x]):
            noisy = np.asarray(corruption.corrupt(x, rng), x.dtype)
        if noisy.shape != x.shape:
            raise ValueError(f"{name}: got x~ of shape {noisy.shape}, expected x's, {x.shape}")
        if not np.isfinite(noisy).all():
            raise ValueError(f"{name}: got x~ with NaN or infinity, expected finite numbers")
        return noisy

    return corrupt


def part_names(network):
    """Return the names of the terms of J, network.part_values: 'reconstruction', then each penalty's class."""
    names = ["reconstruction"]
    for penalty in network.penalties:
        name = getattr(penalty, "__name__", type(penalty).__name__)
        same = sum(each.partition(" ")[0] == name for each in names)
        names.append(f"{name} {same + 1}" if same else name)
    return names


class Run:
    """A training of a network under way: all that callbacks may look at, and all that a checkpoint stores.

    rows: checked samples and targets, `npae.training.rows.Rows`. An epoch visits every sample once in a new order, in
    ceil(N / batch_size) steps, with its row of `target` (or x itself); a corruption, any object with corrupt(x, rng) ->
    x~, draws new noise for each visit. Order and noise draw from streams of their own, seeded by `rng` unless given as
    `shuffle_rng` and `noise_rng`. A penalty that has `after_step()` is called after each step.

    history: "loss" is the mean objective over the epoch's minibatches; "reconstruction" and the penalties' names its
    terms; "seconds" the time since the beginning; "validation_loss" the objective on rows_validation, with the same
    noise every time; "gradient_norm" that of the last minibatch; "learning_rate" that of the next step. NaN stands in
    for an epoch without such a number.

    epoch: whole epochs of this call; batch: minibatches done of the current epoch, sums: of its samples, objective and
    terms; order: shuffle_rng's state when it began. best, best_theta, last_gain: the monitored loss at its lowest, its
    weights, and the last epoch that lowered it by more than tol. finished: whether a callback has ended the training.
    counting: the penalties with `after_step()`. resumable: whether a checkpoint may restore the state of another run.
    """

    def __init__(
        self, network, rows: Rows, step, *, batch_size=128, rng=None, shuffle_rng=None, noise_rng=None,
        corruption=None, rows_validation: Any = None, tol=0.0, n_iter_no_change=None, history=None, estimator=None,
        resumable=True,
    ):  # fmt: skip
        check_number(batch_size, "batch_size", "train", low=1, integer=True)
        if not callable(step):
            raise TypeError(f"train: got a step that is {described(step)}, expected a function step(grad)")
        self.network, self.step, self.estimator, self.resumable = network, step, estimator, resumable
        self.rows, self.rows_validation = rows, rows_validation
        self.history: Any = {} if history is None else history
        for name in ("loss", "seconds"):
            self.history.setdefault(name, [])
        order_rng, other_rng = streams(rng, 2)
        self.shuffle_rng: Any = shuffle_rng or order_rng
        self.noise_rng: Any = noise_rng or other_rng
        self.batch_size, self.tol, self.n_iter_no_change = batch_size, tol, n_iter_no_change
        self.gradient_norm, self.n_parts = math.nan, 0
        self.buffers = Buffers()
        self.corrupt = _corrupter(corruption, self.buffers)
        self.validation_seed = 0 if self.rows_validation is None else int(self.noise_rng.integers(2**63))
        self.counting = [each for each in network.penalties if hasattr(each, "after_step")]
        self.names = ["loss", *part_names(network)]
        self.epoch = self.batch = self.last_gain = 0
        self.sums, self.order = [0.0] * (len(self.names) + 1), self.shuffle_rng.bit_generator.state
        self.finished = False
        self.best, self.best_theta = math.inf, network.theta.copy()
        self.first, self.scale = math.nan, 0.0  # the objective at the first weights, and 1/2 sum ||x||^2

    def stalled(self):
        """Return True if the monitored loss has not fallen by the fraction tol for n_iter_no_change epochs."""
        return self.n_iter_no_change is not None and self.epoch - self.last_gain >= self.n_iter_no_change

    def one_epoch(self, hooks=()):
        """Visit every sample, or the rest of an epoch that was begun; return the epoch's means by name."""
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
        rate = getattr(step, "lr", math.nan)  # a user-defined step may be a bare function
        if stepped:  # else the run was resumed after the last minibatch, and the norm with it
            self.measure_gradient()
        return row | {"gradient_norm": self.gradient_norm, "learning_rate": float(rate)}

    def measure_gradient(self):
        """Store the norm of the gradient of the last minibatch."""
        self.gradient_norm = math.sqrt(dot(self.network.grad, self.network.grad))

    def close_epoch(self, row):
        """Append the epoch's means to the history, or raise DivergenceError."""
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
        """Return the mean objective over the validation rows, by batches as large as in training: no buffer grows."""
        total, n = 0.0, 0
        for i, x in enumerate(self.rows_validation.in_order(self.batch_size)):
            noisy = self.corrupt(x, np.random.default_rng([self.validation_seed, i]))
            total, n = total + self.network.value(noisy, x) * len(x), n + len(x)
        return total / n

    def align_history(self):
        """Cut off the last epoch of the history if it was interrupted while it was appended."""
        shortest = min(map(len, self.history.values()))
        for values in self.history.values():
            del values[shortest:]

    def divergence(self, what):
        """Return the error that says what happened and what to try."""
        losses = self.history["loss"]
        last = f"{losses[-1]:.6g} after epoch {len(losses)}" if losses else "none, it was the first epoch"
        lr = getattr(self.step, "lr", None)
        known = isinstance(lr, (int, float))
        lower = f"learning rate below {lr:g} (a tenth, say)" if known else "smaller learning rate"
        advice = f"Try a {lower}, inputs scaled to about [0, 1], or weaker penalties."
        message = f"training diverged in epoch {len(losses) + 1}: {what}. Last finite loss: {last}. {advice}"
        return DivergenceError(message, "The best finite weights are kept.")


def append(history, row):
    """Append an epoch to a history: all its lists keep one length, with NaN for a missing number."""
    n = len(history["loss"])
    for name in {**history, **row}:
        values = history.setdefault(name, [])
        values += [math.nan] * (n - len(values)) + [row.get(name, math.nan)]
