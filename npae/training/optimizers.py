"""Optimizers: `optimizer.start(theta)` returns a step; `step(grad)` updates theta in place.

An optimizer is a frozen record of its hyperparameters; the step holds the state. lr is a number or a schedule
(`npae.training.schedules`). theta and grad are flat (P,) vectors of one dtype; updates go through them in blocks that
fit a cache. L-BFGS, which takes the whole objective, is `npae.lbfgs`.
"""

from dataclasses import dataclass

import numpy as np

from npae.objective.kernels import BLOCK, aligned, blocks, flush_denormals
from npae.training.schedules import Rate, check_rate, rate
from npae.validation import check_flag, check_number

TINY = float(np.finfo(np.float32).tiny)  # an eps below is 0 in float32, and 0 / 0 where a gradient is 0
FLUSH = 128  # steps: a running mean of 0.9 falls through the denormal numbers in about as many


class Step:
    """One optimizer at work on one theta: its state, the number t of steps taken, and the learning rate lr."""

    m: np.ndarray
    v: np.ndarray

    def __init__(self, optimizer, theta, *state):
        self.optimizer = optimizer
        self.theta = theta
        self.t = 0
        self._lr = optimizer.lr
        for name in state:
            setattr(self, name, aligned(theta.shape, theta.dtype))
            getattr(self, name).fill(0)
        self._state = state
        self._arrange()

    def _arrange(self):
        self._blocks = blocks(self.theta.size)
        self._scratch = aligned((min(self.theta.size, BLOCK),), self.theta.dtype)

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name not in ("_blocks", "_scratch")}

    def __setstate__(self, state):
        self.__dict__.update(state)
        for name in self._state:  # an array from a mapped file may be read-only
            array = aligned(self.theta.shape, self.theta.dtype)
            array[:] = getattr(self, name)
            setattr(self, name, array)
        self._arrange()

    @property
    def lr(self):
        """The learning rate of the next step; a number or schedule that is set here holds from then on."""
        return rate(self._lr, self.t)

    @lr.setter
    def lr(self, lr):
        check_rate(lr, type(self.optimizer).__name__)
        self._lr = lr

    def __call__(self, grad):
        """Update theta in place by the gradient (P,); ValueError for another length."""
        if grad.shape != self.theta.shape:
            raise ValueError(f"step: got a gradient of shape {grad.shape}, expected {self.theta.shape}")
        lr = self.lr
        self.t += 1
        for block in self._blocks:
            self.update(block, self.theta[block], grad[block], lr, self._scratch[: block.stop - block.start])
            if self.t % FLUSH == 0:
                for name in self._state:
                    flush_denormals(getattr(self, name)[block])

    def update(self, block, theta, g, lr, scratch):
        """Update one block of theta by the same block of the gradient; `scratch` is as long."""
        raise NotImplementedError


@dataclass(frozen=True)
class SGD:
    """theta -= lr g, or with momentum mu: v = mu v + g, theta -= lr v (Nesterov: theta -= lr (g + mu v)).

    Sutskever et al. (2013), On the importance of initialization and momentum, equations 1 to 4, for a constant lr; one
    that changes multiplies the whole velocity.
    Raises ValueError for lr < 0, for a momentum outside [0, 1), and for Nesterov without momentum; TypeError unless
    nesterov is True or False.
    """

    lr: Rate
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self):
        check_rate(self.lr, "SGD")
        check_number(self.momentum, "momentum", "SGD", high=1, include_high=False)
        check_flag(self.nesterov, "nesterov", "SGD")
        if self.nesterov and not self.momentum:
            raise ValueError("SGD: got nesterov=True with momentum=0, expected a momentum in (0, 1)")

    def start(self, theta):
        """Return a step that holds the velocity v, if there is momentum."""
        return _MomentumStep(self, theta, "v") if self.momentum else _PlainStep(self, theta)


class _PlainStep(Step):
    def update(self, block, theta, g, lr, scratch):
        theta -= np.multiply(g, lr, out=scratch)


class _MomentumStep(Step):
    def update(self, block, theta, g, lr, scratch):
        mu, v = self.optimizer.momentum, self.v[block]
        v *= mu
        v += g
        if self.optimizer.nesterov:
            np.multiply(v, mu, out=scratch)
            scratch += g
            scratch *= lr
        else:
            np.multiply(v, lr, out=scratch)
        theta -= scratch


@dataclass(frozen=True)
class RMSProp:
    """v = decay v + (1 - decay) g^2, theta -= lr g / (sqrt(v) + eps).

    Tieleman and Hinton (2012), Neural networks for machine learning, lecture 6.5.
    Raises ValueError for lr < 0, eps not above 0 and for a decay outside [0, 1).
    """

    lr: Rate
    decay: float = 0.9
    eps: float = 1e-8

    def __post_init__(self):
        check_rate(self.lr, "RMSProp")
        check_number(self.decay, "decay", "RMSProp", high=1, include_high=False)
        check_number(self.eps, "eps", "RMSProp", low=TINY)

    def start(self, theta):
        """Return a step that holds the running mean v of the squared gradient."""
        return _RMSPropStep(self, theta, "v")


class _RMSPropStep(Step):
    def update(self, block, theta, g, lr, scratch):
        o, v = self.optimizer, self.v[block]
        v *= o.decay
        v += np.multiply(np.multiply(g, g, out=scratch), 1 - o.decay, out=scratch)
        np.sqrt(v, out=scratch)
        scratch += o.eps
        np.divide(g, scratch, out=scratch)
        scratch *= lr
        theta -= scratch


@dataclass(frozen=True)
class Adam:
    """theta -= lr m^ / (sqrt(v^) + eps) with m^, v^ the bias-corrected running means of g and g^2.

    Kingma and Ba (2015), Adam, algorithm 1. The step keeps m / (1 - beta1) and v / (1 - beta2), which saves
    two multiplications a parameter: with c = (1 - beta2) / (1 - beta2^t) the same update is
    lr (1 - beta1) / (1 - beta1^t) m / (sqrt(c v) + eps).
    Raises ValueError for lr < 0, eps not above 0 and for beta1 or beta2 outside [0, 1).
    """

    lr: Rate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self):
        check_rate(self.lr, "Adam")
        check_number(self.beta1, "beta1", "Adam", high=1, include_high=False)
        check_number(self.beta2, "beta2", "Adam", high=1, include_high=False)
        check_number(self.eps, "eps", "Adam", low=TINY)

    def start(self, theta):
        """Return a step that holds the two running means."""
        return _AdamStep(self, theta, "m", "v")


class _AdamStep(Step):
    def update(self, block, theta, g, lr, scratch):
        o, m, v = self.optimizer, self.m[block], self.v[block]
        root_c = ((1 - o.beta2) / (1 - o.beta2**self.t)) ** 0.5
        m *= o.beta1
        m += g
        v *= o.beta2
        v += np.multiply(g, g, out=scratch)
        np.sqrt(v, out=scratch)
        scratch += o.eps / root_c
        np.divide(m, scratch, out=scratch)
        scratch *= lr * (1 - o.beta1) / (1 - o.beta1**self.t) / root_c
        theta -= scratch
