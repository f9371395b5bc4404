"""Corruption processes C(x~ | x): `corrupt(x, rng)` returns a fresh array and leaves x as it was.

Each is a distribution whose first two moments are known exactly: `mean(x)`, `variance(x)`, and `joint_moments`, from
which the best linear denoiser follows without a draw.

Vincent et al. (2010), Stacked denoising autoencoders, JMLR 11, section 3.3.
"""

from dataclasses import dataclass

import numpy as np

from npae.objective.kernels import blocks, standard_normal
from npae.validation import check_number, float_dtype


class Corruption:
    """x (N, D) of floats -> x~ (N, D) of the same dtype; integers become float64.

    `rng` is a numpy Generator or a seed; `out`, if given, receives x~ and is returned.
    """

    def corrupt(self, x, rng, out=None):
        """Return x~ for x, a new array unless `out`, a C-ordered array of x~'s shape and dtype, is given.

        The same seed gives the same x~ whatever the memory order of x. TypeError for what is not real, ValueError for
        an `out` that does not fit or overlaps x.
        """
        x = np.asarray(x)
        if x.dtype.kind not in "fiub":
            raise TypeError(f"{type(self).__name__}: got an array of dtype {x.dtype}, expected real numbers")
        x = x.astype(float_dtype(x), copy=False)
        if out is None:
            out = np.empty(x.shape, x.dtype)
        elif out.shape != x.shape or out.dtype != x.dtype or not out.flags.c_contiguous or np.may_share_memory(out, x):
            expected = f"expected a C-ordered array {x.shape} of {x.dtype} apart from x"
            got = f"got out of shape {out.shape} and dtype {out.dtype}"
            raise ValueError(f"{type(self).__name__}: {got}, {expected}")
        return self._corrupt(x, np.random.default_rng(rng), out)

    __call__ = corrupt

    def _corrupt(self, x, rng, out):
        raise NotImplementedError

    def moments(self, mean, second):
        """Return E[x~_d] and E[x~_d^2] where E[x_d] = mean and E[x_d^2] = second, arrays of one shape; exact.

        Both are affine in (mean, second), so that the moments of one corruption after another follow by calling twice.
        """
        raise NotImplementedError

    def mean(self, x):
        """Return E[x~ | x], shape of x."""
        x = np.asarray(x)
        return self.moments(x, x * x)[0]

    def variance(self, x):
        """Return Var[x~_d | x] entry by entry, shape of x."""
        x = np.asarray(x)
        mean, second = self.moments(x, x * x)
        return second - mean * mean

    def joint_moments(self, mean, second):
        """Return E[x~] (D,), E[x~ x~^T] and E[x~ x^T] (D, D), exact, for E[x] = mean (D,), E[x x^T] = second (D, D).

        For entries that are corrupted independently of each other: with E[x~_d | x] = c_d x_d + o_d,
        E[x~_d x~_e] = c_d c_e E[x_d x_e] + c_d o_e E[x_d] + o_d c_e E[x_e] + o_d o_e off the diagonal.
        """
        c, offset = self.slope_and_offset(len(mean))
        noisy_mean, diagonal = self.moments(mean, second.diagonal())
        noisy_second = c[:, None] * second * c + np.outer(noisy_mean, noisy_mean) - np.outer(c * mean, c * mean)
        np.fill_diagonal(noisy_second, diagonal)
        return noisy_mean, noisy_second, c[:, None] * second + np.outer(offset, mean)

    def slope_and_offset(self, n_features):
        """Return c (D,) and o (D,) of E[x~ | x] = c x + o."""
        zeros, ones = np.zeros(n_features), np.ones(n_features)
        offset = self.moments(zeros, zeros)[0]
        return self.moments(ones, ones)[0] - offset, offset


@dataclass(frozen=True)
class GaussianNoise(Corruption):
    """x~ = x + sigma e, e ~ N(0, I); sigma is the standard deviation in the units of x.

    Raises ValueError unless sigma is finite and >= 0.
    """

    sigma: float

    def __post_init__(self):
        check_number(self.sigma, "sigma", "GaussianNoise")

    def moments(self, mean, second):
        """Return (mean, second + sigma^2)."""
        return mean + 0.0, second + self.sigma**2

    def _corrupt(self, x, rng, out):
        standard_normal(rng, out)
        out *= self.sigma
        out += x
        return out


@dataclass(frozen=True)
class MaskingNoise(Corruption):
    """x~_d = 0 with probability p, else x_d: missing inputs. Raises ValueError unless p is in [0, 1]."""

    p: float

    def __post_init__(self):
        check_number(self.p, "p", type(self).__name__, high=1, what="a probability")

    def moments(self, mean, second):
        """Return (1 - p) (mean, second)."""
        return (1 - self.p) * mean, (1 - self.p) * second

    def _corrupt(self, x, rng, out):
        rng.random(dtype=out.dtype, out=out)
        np.greater_equal(out, self.p, out=out, casting="unsafe")
        out *= x
        return out


@dataclass(frozen=True)
class SaltAndPepper(Corruption):
    """x~_d = 0 or 1, by a fair coin, with probability p, else x_d: for x in [0, 1].

    Raises ValueError unless p is in [0, 1].
    """

    p: float

    def __post_init__(self):
        check_number(self.p, "p", type(self).__name__, high=1, what="a probability")

    def moments(self, mean, second):
        """Return (1 - p) (mean, second) + p / 2: a coin's moments are both 1/2."""
        return (1 - self.p) * mean + self.p / 2, (1 - self.p) * second + self.p / 2

    def _corrupt(self, x, rng, out):
        out[...] = x
        for rows in blocks(len(x), max(1, 4096 * len(x) // max(1, x.size))):
            u = rng.random(x[rows].shape, dtype=x.dtype)
            np.copyto(out[rows], u < self.p / 2, where=u < self.p)
        return out


@dataclass(frozen=True)
class GaussianNoiseRange(Corruption):
    """x~ = x + s e, e ~ N(0, I); each sample draws its standard deviation s, uniform in [low, high].

    One denoiser trained with it serves all levels in between. Raises ValueError unless 0 <= low <= high < infinity.
    """

    low: float
    high: float

    def __post_init__(self):
        check_number(self.low, "low", "GaussianNoiseRange")
        check_number(self.high, "high", "GaussianNoiseRange")
        if self.low > self.high:
            raise ValueError(f"GaussianNoiseRange: got low={self.low!r} above high={self.high!r}, expected low <= high")

    def _corrupt(self, x, rng, out):
        standard_normal(rng, out)
        out *= rng.uniform(self.low, self.high, (*x.shape[:-1], 1)).astype(out.dtype)
        out += x
        return out

    def moments(self, mean, second):
        """Return (mean, second + E[s^2]), E[s^2] = (low^2 + low high + high^2) / 3; entries are independent."""
        return mean + 0.0, second + (self.low**2 + self.low * self.high + self.high**2) / 3
