"""Reconstruction losses L: the negative log-likelihood of a reconstruction distribution p(x | a).

`a` is what the decoder puts out, x the target; both are (N, D). A call returns the value, the mean over
samples of the sum over features, and its gradient da (N, D).
"""

import functools
import warnings
from dataclasses import dataclass

import numpy as np

from npae.objective.kernels import Buffers, dot, negative_abs, positive_part, sigmoid, sum_log1p
from npae.objective.user_defined import takes


class Loss:
    """A reconstruction distribution p(x | a); its call returns the mean of -log p(x_n | a_n) and da (N, D)."""

    target_range = (-np.inf, np.inf)

    def n_outputs(self, n_features):
        """Return the number of columns of a for D features."""
        return n_features

    def check_target(self, x):
        """Raise ValueError for targets outside `target_range`."""
        low, high = self.target_range
        if low > -np.inf and (x.min() < low or x.max() > high):
            got = f"{type(self).__name__}: got targets from {float(x.min())!r} to {float(x.max())!r}"
            raise ValueError(f"{got}, expected all in [{low}, {high}]; scale the data or use SquaredError()")

    def _arrays(self, a, x, n=1):
        """Return a (N, n D) and x (N, D) as arrays; ValueError for other shapes."""
        a, x = np.asarray(a), np.asarray(x)
        if a.shape != (x.shape if n == 1 else (len(x), n * x.shape[-1])):
            expected = "the same (N, D)" if n == 1 else f"(N, {n * x.shape[-1]}) and (N, {x.shape[-1]})"
            got = f"got outputs of shape {a.shape} and targets of shape {x.shape}"
            raise ValueError(f"{type(self).__name__}: {got}, expected {expected}")
        return (a, x) if a.dtype.kind in "fc" else (a.astype(np.float64), x)


@dataclass(frozen=True)
class SquaredError(Loss):
    """L = 1/2 ||a - x||^2, da = (a - x) / N: a Gaussian p(x | a) of mean a and unit variance, up to a constant.

    Goodfellow, Bengio and Courville (2016), Deep Learning, sections 5.5.1 and 14.3.
    """

    def __call__(self, a, x, out=None):
        """Return the value (mean over samples, sum over features) and da (N, D), written into `out` if given."""
        a, x = self._arrays(a, x)
        da = np.subtract(a, x, out=np.empty_like(a) if out is None else out, casting="same_kind")
        value = dot(da, da) / (2 * len(a))
        da *= 1 / len(a)
        return value, da

    def mean(self, a):
        """Return the reconstruction x^ = E[x | a] = a, shape (N, D)."""
        return a

    def log_likelihood(self, a, x):
        """Return log p(x_n | a_n) in nats, shape (N,)."""
        a, x = self._arrays(a, x)
        return -0.5 * ((a - x) ** 2).sum(axis=1) - 0.5 * a.shape[1] * np.log(2 * np.pi)

    def sample(self, a, rng):
        """Draw x ~ N(a, I), shape (N, D); rng is a numpy Generator or a seed."""
        a, _ = self._arrays(a, a)
        return a + np.random.default_rng(rng).standard_normal(a.shape, dtype=a.dtype)


@dataclass(frozen=True)
class BernoulliCrossEntropy(Loss):
    """L = sum_d softplus(a_d) - x_d a_d, da = (sigmoid(a) - x) / N: a Bernoulli p(x | a) with logits a, x in [0, 1].

    Computed from logits as max(a, 0) - x a + log1p(exp(-|a|)), which neither overflows nor clips.
    Goodfellow, Bengio and Courville (2016), Deep Learning, section 6.2.2.2.
    """

    target_range = (0, 1)

    def __call__(self, a, x, out=None):
        """Return the value (mean over samples, sum over features) and da (N, D), written into `out` if given."""
        a, x = self._arrays(a, x)
        e = np.greater(a.real, 0, out=np.empty_like(a) if out is None else out, casting="unsafe")
        e -= x
        value = dot(e, a)  # max(a, 0) - x a = ([a > 0] - x) a, term by term: no term is negative, so none cancel
        np.exp(negative_abs(a, out=e), out=e)
        value = (value + sum_log1p(e)) / len(a)
        da = sigmoid(a, out=e)
        da -= x
        da *= 1 / len(a)
        return value, da

    def mean(self, a):
        """Return the reconstruction x^ = E[x | a] = sigmoid(a), shape (N, D)."""
        return sigmoid(self._arrays(a, a)[0])

    def log_likelihood(self, a, x):
        """Return log p(x_n | a_n) in nats, (N,); warn once if x has grey values, for which it is not a likelihood."""
        a, x = self._arrays(a, x)
        if np.any((x.real > 0) & (x.real < 1)):
            _warn_of_grey_values()
        return (x * a - positive_part(a) - np.log1p(np.exp(negative_abs(a)))).sum(axis=1)

    def sample(self, a, rng):
        """Draw x ~ Bernoulli(sigmoid(a)), shape (N, D) of zeros and ones in a's dtype; rng: Generator or seed."""
        a, _ = self._arrays(a, a)
        return (np.random.default_rng(rng).random(a.shape) < sigmoid(a)).astype(a.dtype)


@functools.cache  # once per process; every time if warnings are errors
def _warn_of_grey_values():
    got = "BernoulliCrossEntropy: got targets between 0 and 1 for a log-likelihood, expected 0 or 1"
    warnings.warn(f"{got}; ContinuousBernoulli() is a distribution of grey values", stacklevel=3)


def with_buffer(loss):
    """Return the loss as a function of (a, x); one that takes `out` gets an array for da that is kept for later."""
    array = Buffers()
    return (lambda a, x: loss(a, x, out=array("da", a.shape, a.dtype))) if takes(loss, "out") else loss
