"""Activation functions h = phi(a), with phi' and phi'' as functions of the output h.

A layer need not keep `a`: the derivatives of all of them can be written in h, and one contractive formula
serves all. `out` may be the argument of phi itself; the derivatives read h to the end, so there it may not.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.objective.kernels import broadcast, largest, logistic, positive_part, sigmoid, softplus
from npae.objective.user_defined import ContractError, check_result, is_user_defined, locked
from npae.validation import check_number


@dataclass(frozen=True)
class Activation:
    """An activation function phi, as layers, penalties and initializations use it.

    `elementwise` says that h_j depends on a_j alone; `range` is the open interval of its values; `gain` is the
    factor on Glorot and Bengio's (2010) initial weights that keeps the scale of a signal through the layer.
    """

    elementwise = True
    range = (-np.inf, np.inf)
    gain = 1.0

    def __call__(self, a, out=None):
        """Return phi(a), shape (N, K)."""
        raise NotImplementedError

    def biased(self, a, b):
        """Return phi(a + b), shape (N, K), written over a."""
        return self(broadcast(np.add, b, a), out=a)

    def dphi(self, h, out=None):
        """Return phi'(a) for phi(a) = h, shape (N, K)."""
        raise NotImplementedError

    def ddphi(self, h, out=None):
        """Return phi''(a) for phi(a) = h, shape (N, K)."""
        raise NotImplementedError

    def check(self, n_units):
        """Raise ValueError if a layer of `n_units` cannot have this activation."""

    def backward(self, h, dh, out=None):
        """Return da = dh phi'(a), shape (N, K)."""
        return np.multiply(self.dphi(h, out=out), dh, out=out)


@dataclass(frozen=True)
class Identity(Activation):
    """phi(a) = a, phi' = 1, phi'' = 0."""

    def __call__(self, a, out=None):
        return np.positive(a, out=out) if out is not a else a

    def dphi(self, h, out=None):
        return _full(h, 1.0, out)

    def ddphi(self, h, out=None):
        return _full(h, 0.0, out)

    def backward(self, h, dh, out=None):
        return dh


@dataclass(frozen=True)
class Sigmoid(Activation):
    """phi(a) = 1 / (1 + exp(-a)), phi' = h (1 - h), phi'' = phi' (1 - 2 h)."""

    range = (0.0, 1.0)
    gain = 4.0

    def __call__(self, a, out=None):
        return sigmoid(a, out=out)

    def biased(self, a, b):
        """Return phi(a + b), written over a; the sign of -(a + b) costs nothing here."""
        return logistic(broadcast(np.subtract, -b, a))

    def dphi(self, h, out=None):
        out = np.subtract(1, h, out=out)
        return np.multiply(out, h, out=out)

    def ddphi(self, h, out=None):
        # h - 3 h^2 + 2 h^3 by Horner's rule, which needs no second array
        out = np.multiply(h, 2, out=out)
        out -= 3
        out *= h
        out += 1
        out *= h
        return out


@dataclass(frozen=True)
class Tanh(Activation):
    """phi(a) = tanh(a), phi' = 1 - h^2, phi'' = -2 h phi'."""

    range = (-1.0, 1.0)

    def __call__(self, a, out=None):
        return np.tanh(a, out=out)

    def dphi(self, h, out=None):
        return np.subtract(1, np.multiply(h, h, out=out), out=out)

    def ddphi(self, h, out=None):
        out = np.multiply(h, h, out=out)
        out -= 1
        out *= h
        out *= 2
        return out


@dataclass(frozen=True)
class ReLU(Activation):
    """phi(a) = max(a, 0), phi' = [h > 0], phi'' = 0; the derivative at the kink is taken as 0.

    The gain sqrt(2) is He et al.'s (2015).
    """

    range = (0.0, np.inf)
    gain = 2**0.5

    def __call__(self, a, out=None):
        return positive_part(a, out=out)

    def dphi(self, h, out=None):
        out = np.empty_like(h) if out is None else out
        return np.greater(h.real, 0, out=out, casting="unsafe")

    def ddphi(self, h, out=None):
        return _full(h, 0.0, out)


@dataclass(frozen=True)
class Softplus(Activation):
    """phi(a) = log(1 + exp(a)), phi' = 1 - exp(-h), phi'' = phi' (1 - phi')."""

    range = (0.0, np.inf)
    gain = 2.0

    def __call__(self, a, out=None):
        return softplus(a, out=out)

    def dphi(self, h, out=None):
        out = np.expm1(np.negative(h, out=out), out=out)
        return np.negative(out, out=out)

    def ddphi(self, h, out=None):
        return np.multiply(self.dphi(h, out=out), np.exp(-h), out=out)


@dataclass(frozen=True)
class TopK(Activation):
    """Keep the k largest of each row and set the others to 0 (Makhzani and Frey 2013, k-sparse autoencoders).

    phi' = 1 for a unit that is kept, 0 for one that is dropped. Exactly k are kept, of equal values the last. A kept
    unit may itself be 0: what is dropped is therefore written as -0.0, which is equal to 0 in all arithmetic, and
    what is kept as +0.0, so that h alone tells them apart. Away from ties (the k-th largest of a row equal to the next)
    phi' is the derivative; at a tie h jumps from one unit to the other and has none.

    Not elementwise: h_j depends on the whole row, so `Contractive` refuses it.
    Raises ValueError unless k is a positive whole number; at least k units are needed where it is applied.
    """

    k: int

    elementwise = False

    def __post_init__(self):
        check_number(self.k, "k", "TopK", low=1, integer=True)

    def check(self, n_units):
        """Raise ValueError if there are fewer than k units."""
        if self.k > n_units:
            raise ValueError(f"TopK: got k={self.k} for {n_units} units, expected k <= the number of units")

    def __call__(self, a, out=None):
        self.check(a.shape[-1])
        kept = largest(a, self.k)
        h = np.add(a, 0.0, out=out)  # a kept -0.0 becomes +0.0
        np.copyto(h, -0.0, where=~kept)
        return h

    def dphi(self, h, out=None):
        """Return 1 for a unit that was kept, 0 for a dropped one, whose h is -0.0."""
        out = np.empty_like(h) if out is None else out
        dropped = np.signbit(h.real) & (h.real == 0)
        return np.logical_not(dropped, out=out, casting="unsafe")

    def ddphi(self, h, out=None):
        return _full(h, 0.0, out)


@dataclass(frozen=True, repr=False)
class UserActivation(Activation):
    """A user-defined phi(a) with dphi(h), and ddphi(h) if a layer is contracted, called as a layer calls its own."""

    phi: Any

    def __post_init__(self):
        for name in ("elementwise", "range", "gain"):
            object.__setattr__(self, name, getattr(self.phi, name, getattr(Activation, name)))
        object.__setattr__(self, "check", getattr(self.phi, "check", super().check))

    def __call__(self, a, out=None):
        return self.phi(a)

    def dphi(self, h, out=None):
        return self._copied(self.phi.dphi(h), h, out)

    def ddphi(self, h, out=None):
        return self._copied(self.phi.ddphi(h), h, out)

    def _copied(self, values, h, out):
        out = np.empty_like(h) if out is None else out
        out[...] = values  # values may be h itself, as for exp
        return out

    def __repr__(self):
        return repr(self.phi)


def as_activation(activation, owner, n_units):
    """Return an activation as a layer of n_units uses it; TypeError or ValueError, naming `owner`, if it is unfit."""
    if not isinstance(activation, Activation) or is_user_defined(activation):
        if isinstance(activation, type) or not callable(activation) or not callable(getattr(activation, "dphi", None)):
            raise TypeError(f"{owner}: got activation={activation!r}, expected an activation such as Sigmoid()")
        _check_shapes(activation, n_units)
        activation = UserActivation(activation)
    activation.check(n_units)
    return activation


def _check_shapes(phi, n_units):
    """Raise ContractError unless a user-defined phi, dphi and ddphi return arrays like h and leave h unchanged."""
    for dtype in (np.float32, np.float64):
        a = np.random.default_rng(0).standard_normal((5, n_units)).astype(dtype)
        try:
            with np.errstate(all="ignore"):
                h = phi(a.copy())
                check_result(h, a.shape, dtype, f"{phi!r}: phi(a)")
                for name in ("dphi", "ddphi") if hasattr(phi, "ddphi") else ("dphi",):
                    with locked(f"{phi!r}: {name} got h", [h]):
                        values = getattr(phi, name)(h)
                    check_result(values, h.shape, dtype, f"{phi!r}: {name}(h)")
        except ContractError:
            raise
        except Exception:  # an error of its own, as it may raise for random numbers, is left for training to judge
            return


def _full(h, value, out):
    if out is None:
        return np.full_like(h, value)
    out.fill(value)
    return out


BY_NAME = {"identity": Identity(), "sigmoid": Sigmoid(), "tanh": Tanh(), "relu": ReLU(), "softplus": Softplus()}
