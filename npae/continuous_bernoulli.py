"""The continuous Bernoulli distribution: the reconstruction distribution of grey values in [0, 1]."""

from dataclasses import dataclass

import numpy as np

from npae.kernels import negative_abs
from npae.losses import _pair


@dataclass(frozen=True)
class ContinuousBernoulli:
    """p(x | a) = a exp(a x) / (exp(a) - 1) for x in [0, 1]: what the cross entropy is a likelihood of for grey values.

    L = sum_d log(2 sinh(a/2) / a) - (x - 1/2) a,    E[x] = 1/2 + coth(a/2) / 2 - 1/a,    da = (E[x] - x) / N.

    The Bernoulli's exp(x a - softplus(a)) does not integrate to 1 over [0, 1]; divided by its integral it is this.
    Loaiza-Ganem and Cunningham (2019), The continuous Bernoulli, NeurIPS.
    """

    def n_outputs(self, n_features):
        """D columns of a for D features."""
        return n_features

    def check_target(self, x):
        """Raise ValueError unless all targets are in [0, 1]."""
        low, high = x.min(), x.max()
        if low < 0 or high > 1:
            raise ValueError(
                f"ContinuousBernoulli: got targets from {float(low)!r} to {float(high)!r}, expected all in [0, 1]; "
                "scale the data or use SquaredError()"
            )

    def __call__(self, a, x, out=None):
        """Value and da, written into `out` if given."""
        a, x = _pair(a, x)
        value = (_log_sinh_ratio(a) - (x - 0.5) * a).sum() / len(x)
        da = np.subtract(_half_langevin(a), x - 0.5, out=out)
        da *= 1 / len(x)
        return value, da

    def mean(self, a):
        """E[x | a], (N, D), which is not sigmoid(a)."""
        return _half_langevin(np.asarray(a)) + 0.5

    def log_likelihood(self, a, x):
        """log p(x_n | a_n) in nats, (N,)."""
        a, x = _pair(a, x)
        return ((x - 0.5) * a - _log_sinh_ratio(a)).sum(axis=1)

    def sample(self, a, rng):
        """A draw by the inverse distribution function, log(1 + u (e^a - 1)) / a; rng is a Generator or a seed."""
        a = np.asarray(a)
        u = np.random.default_rng(rng).random(a.shape).astype(a.dtype)
        b = -np.abs(a)  # x at a is 1 - x at -a, and exp(-|a|) cannot overflow
        small = b > -1e-4
        x = np.where(small, u + u * (1 - u) * b / 2, np.log1p(u * np.expm1(b)) / np.where(small, 1, b))
        return np.clip(np.where(a > 0, 1 - x, x), 0, 1).astype(a.dtype)


def _log_sinh_ratio(a):
    """log(2 sinh(a/2) / a), even: its series to a^10 for |a| < 1/4, else |a|/2 + log(1 - exp(-|a|)) - log |a|."""
    far = -negative_abs(a)
    near = far.real < 0.25
    far = np.where(near, 1, far)
    s = np.where(near, a * a, 0)
    series = s * (1 / 24 + s * (-1 / 2880 + s * (1 / 181440 + s * (-1 / 9676800 + s / 479001600))))
    return np.where(near, series, far / 2 + np.log1p(-np.exp(-far)) - np.log(far)).astype(a.dtype)


def _half_langevin(a):
    """coth(a/2) / 2 - 1/a, odd: its series to a^9 for |a| < 1/4."""
    near = np.abs(a.real) < 0.25
    far = np.where(near, 1, a)
    near_a = np.where(near, a, 0)
    s = near_a * near_a
    series = near_a * (1 / 12 + s * (-1 / 720 + s * (1 / 30240 + s * (-1 / 1209600 + s / 47900160))))
    return np.where(near, series, 0.5 / np.tanh(far / 2) - 1 / far).astype(a.dtype)
