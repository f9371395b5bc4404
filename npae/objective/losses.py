"""Reconstruction losses L: the negative log-likelihood of a reconstruction distribution p(x | a).

`a` is what the decoder puts out, x the target; both are (N, D). A call returns the value, the mean over
samples of the sum over features, and its gradient da (N, D).
"""

import functools
import warnings
from dataclasses import dataclass

import numpy as np

from npae.objective.kernels import dot, negative_abs, positive_part, sigmoid, sum_log1p


@dataclass(frozen=True)
class SquaredError:
    """L = 1/2 ||a - x||^2, da = (a - x) / N: a Gaussian p(x | a) of mean a and unit variance, up to a constant.

    Goodfellow, Bengio and Courville (2016), Deep Learning, sections 5.5.1 and 14.3.
    """

    def __call__(self, a, x, out=None):
        """Value (mean over samples, sum over features) and da (N, D), written into `out` if given."""
        a, x = _pair(a, x)
        da = np.subtract(a, x, out=np.empty_like(a) if out is None else out, casting="same_kind")
        value = dot(da, da) / (2 * len(a))
        da *= 1 / len(a)
        return value, da

    def check_target(self, x):
        """Every real target has a Gaussian likelihood."""

    def mean(self, a):
        """The reconstruction x^ = E[x | a] = a, shape (N, D)."""
        return a

    def log_likelihood(self, a, x):
        """log p(x_n | a_n) in nats, shape (N,)."""
        a, x = _pair(a, x)
        return -0.5 * ((a - x) ** 2).sum(axis=1) - 0.5 * a.shape[1] * np.log(2 * np.pi)

    def sample(self, a, rng):
        """A draw x ~ N(a, I), shape (N, D); rng is a numpy Generator or a seed."""
        a, _ = _pair(a, a)
        return a + np.random.default_rng(rng).standard_normal(a.shape, dtype=a.dtype)


@dataclass(frozen=True)
class BernoulliCrossEntropy:
    """L = sum_d softplus(a_d) - x_d a_d, da = (sigmoid(a) - x) / N: a Bernoulli p(x | a) with logits a, x in [0, 1].

    Computed from logits as max(a, 0) - x a + log1p(exp(-|a|)), which neither overflows nor clips.
    Goodfellow, Bengio and Courville (2016), Deep Learning, section 6.2.2.2.
    """

    def __call__(self, a, x, out=None):
        """Value (mean over samples, sum over features) and da (N, D), written into `out` if given."""
        a, x = _pair(a, x)
        e = np.greater(a.real, 0, out=np.empty_like(a) if out is None else out, casting="unsafe")
        e -= x
        value = dot(e, a)  # max(a, 0) - x a = ([a > 0] - x) a, term by term: no term is negative, so none cancel
        np.exp(negative_abs(a, out=e), out=e)
        value = (value + sum_log1p(e)) / len(a)
        da = sigmoid(a, out=e)
        da -= x
        da *= 1 / len(a)
        return value, da

    def check_target(self, x):
        """Raise ValueError unless all targets are probabilities."""
        low, high = x.min(), x.max()
        if low < 0 or high > 1:
            raise ValueError(
                f"BernoulliCrossEntropy: got targets from {float(low)!r} to {float(high)!r}, expected all in [0, 1]; "
                "scale the data or use SquaredError()"
            )

    def mean(self, a):
        """The reconstruction x^ = E[x | a] = sigmoid(a), shape (N, D)."""
        return sigmoid(_pair(a, a)[0])

    def log_likelihood(self, a, x):
        """log p(x_n | a_n) in nats, shape (N,); warns once where x has grey values, for which it is no likelihood."""
        a, x = _pair(a, x)
        if np.any((x.real > 0) & (x.real < 1)):
            _warn_of_grey_values()
        return (x * a - positive_part(a) - np.log1p(np.exp(negative_abs(a)))).sum(axis=1)

    def sample(self, a, rng):
        """A draw x ~ Bernoulli(sigmoid(a)), shape (N, D) of zeros and ones in a's dtype; rng: Generator or seed."""
        a, _ = _pair(a, a)
        return (np.random.default_rng(rng).random(a.shape) < sigmoid(a)).astype(a.dtype)


@functools.cache  # once a process; where warnings are errors, every time
def _warn_of_grey_values():
    warnings.warn(
        "BernoulliCrossEntropy: got targets between 0 and 1 for a log-likelihood, expected 0 or 1: over grey values it "
        "does not integrate to 1. ContinuousBernoulli() is the distribution of those",
        stacklevel=3,
    )


def _pair(a, x):
    a, x = np.asarray(a), np.asarray(x)
    if a.shape != x.shape:
        raise ValueError(f"got outputs of shape {a.shape} and targets of shape {x.shape}, expected the same (N, D)")
    return (a, x) if a.dtype.kind in "fc" else (a.astype(np.float64), x)


BY_NAME = {"squared_error": SquaredError(), "bernoulli": BernoulliCrossEntropy()}
