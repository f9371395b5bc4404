"""Schedules of the learning rate: a schedule is any callable t -> lr, t = 0, 1, ... the number of optimizer steps
taken.

Optimizers take a schedule in place of a number: `Adam(Cosine(1e-2, 10_000))`, `SGD(lambda t: 0.1 / (1 + t))`. Those
here are frozen records: they print, compare, and are saved with a model. An epoch has ceil(N / batch_size) steps.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from npae.validation import check_number

Rate: TypeAlias = float | Callable[[int], float]


def check_rate(lr, owner):
    """Raise ValueError unless lr is a finite number >= 0, or a schedule that begins with one."""
    if callable(lr) and not isinstance(lr, type):
        check_number(lr(0), "lr(0)", owner)
    else:
        check_number(lr, "lr", owner)


def rate(lr, t):
    """Return the learning rate lr, a number or a schedule, after t steps; a Python float, so float32 stays float32."""
    return float(lr(t) if callable(lr) else lr)


@dataclass(frozen=True)
class StepDecay:
    """lr_t = lr factor^floor(t / every): multiplied by `factor` after every `every` steps.

    Goodfellow, Bengio and Courville (2016), Deep Learning, section 8.3.1, for why it has to fall; He et al. (2016),
    Deep residual learning, section 3.4, for a tenth at a time.
    Raises ValueError unless lr >= 0, every is a whole number >= 1 and factor is in [0, 1].
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self):
        check_number(self.lr, "lr", "StepDecay")
        check_number(self.every, "every", "StepDecay", low=1, integer=True)
        check_number(self.factor, "factor", "StepDecay", high=1)

    def __call__(self, t):
        return self.lr * self.factor ** (t // self.every)


@dataclass(frozen=True)
class Cosine:
    """lr_t = final + (lr - final) (1 + cos(pi t / n_steps)) / 2, and `final` from t = n_steps on.

    Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts, equation 5 without restarts.
    Raises ValueError unless lr >= 0, n_steps is a whole number >= 1 and final >= 0.
    """

    lr: float
    n_steps: int
    final: float = 0.0

    def __post_init__(self):
        check_number(self.lr, "lr", "Cosine")
        check_number(self.n_steps, "n_steps", "Cosine", low=1, integer=True)
        check_number(self.final, "final", "Cosine")

    def __call__(self, t):
        if t >= self.n_steps:
            return self.final
        return self.final + (self.lr - self.final) * (1 + math.cos(math.pi * t / self.n_steps)) / 2


@dataclass(frozen=True)
class WarmUp:
    """lr_t = min(1, (t + 1) / n_steps) times `lr`, a number or the lr_t of another schedule: it rises in equal steps.

    Goyal et al. (2017), Accurate, large minibatch SGD, section 2.2.
    Raises ValueError unless lr, or lr(0), is >= 0 and n_steps is a whole number >= 1.
    """

    lr: Rate
    n_steps: int

    def __post_init__(self):
        check_rate(self.lr, "WarmUp")
        check_number(self.n_steps, "n_steps", "WarmUp", low=1, integer=True)

    def __call__(self, t):
        return min(1.0, (t + 1) / self.n_steps) * rate(self.lr, t)
