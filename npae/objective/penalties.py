"""Regularizers Omega, read off a stack's activations and weights after its forward pass.

`penalty(encoder, decoder)` returns the value and adds its gradient to `layer.pending`, for the layer's next backward
to add to its own. `penalty.check(encoder)` raises before anything is trained if the two do not fit. Penalties on
Jacobians are in `npae.objective.contraction`.
"""

from dataclasses import dataclass

import numpy as np

from npae.objective.kernels import dot, fresh
from npae.objective.layers import check_not_empty
from npae.validation import check_number


@dataclass(frozen=True)
class Weighted:
    """A penalty Omega = lam times a sum; ValueError unless lam >= 0."""

    lam: float

    def __post_init__(self):
        check_number(self.lam, "lam", type(self).__name__)


@dataclass(frozen=True)
class WeightDecay(Weighted):
    """Omega = lam / 2 sum_l ||W_l||_F^2, dW_l += lam W_l; biases are free, a tied matrix counts once.

    Goodfellow, Bengio and Courville (2016), Deep Learning, section 7.1.1. Raises ValueError unless lam >= 0.
    """

    def check(self, encoder):
        """Accept any encoder."""

    def __call__(self, encoder, decoder=None):
        """Return the value; add lam as W_scale to every layer that owns a W."""
        layers = [*encoder.layers, *(decoder.layers if decoder else ())]
        value = 0.0
        for layer in layers:
            if "W" in layer.parameters:
                value = value + self.lam / 2 * dot(layer.W, layer.W)
                layer.pending.add("W_scale", self.lam)
        return value


@dataclass(frozen=True)
class L1Sparsity(Weighted):
    """Omega = lam / N sum_n sum_j |h_nj| on the code h, dh = lam / N sign(h), taken as 0 at h = 0.

    A Laplace prior on the code: Goodfellow, Bengio and Courville (2016), Deep Learning, section 14.2.1.
    Raises ValueError unless lam >= 0.
    """

    def check(self, encoder):
        """Raise ValueError for an encoder without layers."""
        check_not_empty(type(self).__name__, encoder)

    def __call__(self, encoder, decoder=None, array=fresh):
        """Return the value; add dh to the code layer."""
        h = encoder.h
        dh = np.sign(h.real, out=array("dh", h.shape, h.real.dtype))
        value = self.lam / len(h) * dot(dh, h)
        dh *= self.lam / len(h)
        encoder.layers[-1].pending.add("dh", dh)
        return value


@dataclass(frozen=True)
class KLSparsity:
    """Omega = beta sum_j KL(rho || rho_hat_j), rho_hat_j = 1/N sum_n p_nj, for a bounded code.

    p = h for a code in (0, 1), and p = (h + 1) / 2 for one in (-1, 1), such as tanh, so that there rho = 0.05 asks for
    a mean h of -0.9; in general p = (h - low) / (high - low). With KL(rho || q) = rho log(rho / q) +
    (1 - rho) log((1 - rho) / (1 - q)) in nats

        dh_nj = beta / N ((1 - rho) / (1 - rho_hat_j) - rho / rho_hat_j) / (high - low)

    A mean activation that has rounded to exactly 0 or 1 is taken at the nearest number inside, so that value
    and gradient stay finite. Lee, Ekanadham and Ng (2008), Sparse deep belief net model for visual area V2; Ng
    (2011), CS294A lecture notes, section 3, where a footnote has a tanh unit inactive near -1.

    Raises ValueError unless beta >= 0 and rho is in (0, 1), and for a code whose activation is not bounded.
    """

    beta: float
    rho: float

    def __post_init__(self):
        check_number(self.beta, "beta", type(self).__name__)
        check_number(self.rho, "rho", type(self).__name__, high=1, include_low=False, include_high=False)

    def check(self, encoder):
        """Raise ValueError unless the code is bounded."""
        check_not_empty(type(self).__name__, encoder)
        low, high = code_range(encoder)
        if not np.isfinite(high - low):
            activation = getattr(encoder.layers[-1], "activation", encoder.layers[-1])
            got = f"{type(self).__name__}: got a code of {activation!r} with values in ({low:g}, {high:g})"
            raise ValueError(f"{got}, expected a bounded code; use Sigmoid() or Tanh() for it, or L1Sparsity")

    def __call__(self, encoder, decoder=None):
        """Return the value; add dh, one number per unit, to the code layer."""
        rho_hat, slope = mean_activation(encoder)
        value, derivative = relative_entropy(self.rho, rho_hat)
        encoder.layers[-1].pending.add("dh", self.beta * slope / len(encoder.h) * derivative)
        return self.beta * value


def code_range(encoder):
    """Return (low, high), the open interval of the code's values."""
    return getattr(getattr(encoder.layers[-1], "activation", None), "range", (-np.inf, np.inf))


def mean_activation(encoder):
    """Return rho_hat (K,), the batch mean of a bounded code mapped to (0, 1), and the slope of the map."""
    low, high = code_range(encoder)
    slope = 1 / (high - low)
    rho_hat = (encoder.h.mean(axis=0) - low) * slope
    if low:  # a tanh unit cannot come nearer to -1 than half the resolution at 1, as a sigmoid can to 0
        least = np.finfo(rho_hat.dtype).epsneg * slope
        rho_hat = np.where(rho_hat.real < least, least, rho_hat).astype(rho_hat.dtype)
    return rho_hat, slope


def relative_entropy(rho, q):
    """Return sum_j KL(rho || q_j) of Bernoulli distributions in nats, and its derivative by q (K,), inside (0, 1)."""
    limits = np.finfo(q.dtype)
    low, high = 1e4 * limits.tiny, 1 - limits.epsneg  # 1 / low is far enough from overflow to be multiplied
    q = np.where(q.real < low, low, np.where(q.real > high, high, q)).astype(q.dtype)
    value = (rho * np.log(rho / q) + (1 - rho) * np.log((1 - rho) / (1 - q))).sum()
    return value, (1 - rho) / (1 - q) - rho / q
