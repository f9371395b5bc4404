"""Corruption processes C(x~ | x): `corrupt(x, rng)` returns a fresh array and leaves x as it was.

Each is a distribution whose first two moments are known exactly: `mean(x)`, `variance(x)`, and `joint_moments`, from
which the best linear denoiser follows without a draw.

Vincent et al. (2010), Stacked denoising autoencoders, JMLR 11, section 3.3.
"""

from dataclasses import dataclass

import numpy as np

from npae.objective.kernels import blocks, standard_normal
from npae.validation import float_dtype


class Corruption:
    """x (N, D) of floats -> x~ (N, D) of the same dtype; integers become float64.

    `rng` is a numpy Generator or a seed; `out`, if given, receives x~ and is returned.
    """

    def corrupt(self, x, rng, out=None):
        """x~ for x, a fresh array unless `out`, a C-ordered array of x~'s shape and dtype, is given.

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
            raise ValueError(
                f"{type(self).__name__}: got out of shape {out.shape} and dtype {out.dtype}, expected a C-ordered "
                f"array {x.shape} of {x.dtype} apart from x"
            )
        return self._corrupt(x, np.random.default_rng(rng), out)

    __call__ = corrupt

    def _corrupt(self, x, rng, out):
        raise NotImplementedError

    def moments(self, mean, second):
        """E[x~_d] and E[x~_d^2] where E[x_d] = mean and E[x_d^2] = second, arrays of one shape; exact.

        Both are affine in (mean, second), so that the moments of one corruption after another follow by calling twice.
        """
        raise NotImplementedError

    def mean(self, x):
        """E[x~ | x], shape of x."""
        x = np.asarray(x)
        return self.moments(x, x * x)[0]

    def variance(self, x):
        """Var[x~_d | x] entry by entry, shape of x."""
        x = np.asarray(x)
        mean, second = self.moments(x, x * x)
        return second - mean * mean

    def joint_moments(self, mean, second):
        """E[x~] (D,), E[x~ x~^T] and E[x~ x^T] (D, D) where E[x] = mean (D,) and E[x x^T] = second (D, D); exact.

        For entries that are corrupted independently of each other: with E[x~_d | x] = c_d x_d + o_d,
        E[x~_d x~_e] = c_d c_e E[x_d x_e] + c_d o_e E[x_d] + o_d c_e E[x_e] + o_d o_e off the diagonal.
        """
        c, offset = self.slope_and_offset(len(mean))
        noisy_mean, diagonal = self.moments(mean, second.diagonal())
        noisy_second = c[:, None] * second * c + np.outer(noisy_mean, noisy_mean) - np.outer(c * mean, c * mean)
        np.fill_diagonal(noisy_second, diagonal)
        return noisy_mean, noisy_second, c[:, None] * second + np.outer(offset, mean)

    def slope_and_offset(self, n_features):
        """c (D,) and o (D,) of E[x~ | x] = c x + o."""
        zeros, ones = np.zeros(n_features), np.ones(n_features)
        offset = self.moments(zeros, zeros)[0]
        return self.moments(ones, ones)[0] - offset, offset

    def _check(self, name, value, high):
        is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= high or not np.isfinite(value):
            expected = "a probability in [0, 1]" if high == 1 else "a finite number >= 0"
            raise ValueError(f"{type(self).__name__}: got {name}={value!r}, expected {expected}")


@dataclass(frozen=True)
class GaussianNoise(Corruption):
    """x~ = x + sigma e, e ~ N(0, I); sigma is the standard deviation in the units of x.

    Raises ValueError unless sigma is finite and >= 0.
    """

    sigma: float

    def __post_init__(self):
        self._check("sigma", self.sigma, np.inf)

    def moments(self, mean, second):
        """(mean, second + sigma^2)."""
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
        self._check("p", self.p, 1)

    def moments(self, mean, second):
        """(1 - p) (mean, second)."""
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
        self._check("p", self.p, 1)

    def moments(self, mean, second):
        """(1 - p) (mean, second) + p / 2: a coin's moments are both 1/2."""
        return (1 - self.p) * mean + self.p / 2, (1 - self.p) * second + self.p / 2

    def _corrupt(self, x, rng, out):
        out[...] = x
        for rows in blocks(len(x), max(1, 4096 * len(x) // max(1, x.size))):
            u = rng.random(x[rows].shape, dtype=x.dtype)
            np.copyto(out[rows], u < self.p / 2, where=u < self.p)
        return out


@dataclass(frozen=True)
class BlockOcclusion(Corruption):
    """A block of `size` (rows, columns) of every image is set to `value`, its place uniform among all that fit.

    x is (N, D), rows of images of `image_shape` with D pixels. Pixels near the border are covered less often.
    Raises ValueError for a block that does not fit into the image, and for x of another width.
    """

    image_shape: tuple[int, int]
    size: tuple[int, int]
    value: float = 0.0

    def __post_init__(self):
        for name in ("image_shape", "size"):
            pair = getattr(self, name)
            if np.shape(pair) != (2,) or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in pair):
                raise ValueError(f"BlockOcclusion: got {name}={pair!r}, expected two whole numbers >= 1")
            object.__setattr__(self, name, tuple(int(n) for n in pair))
        if self.size[0] > self.image_shape[0] or self.size[1] > self.image_shape[1]:
            raise ValueError(f"BlockOcclusion: got size={self.size}, expected one that fits into {self.image_shape}")
        if not isinstance(self.value, (int, float, np.number)) or not np.isfinite(self.value):
            raise ValueError(f"BlockOcclusion: got value={self.value!r}, expected a finite number")

    def _places(self):
        """Numbers of places by row and by column."""
        return self.image_shape[0] - self.size[0] + 1, self.image_shape[1] - self.size[1] + 1

    def _hidden(self, top, left):
        """(..., D) whether a pixel lies in the block whose upper left corner is (top, left), arrays (..., 1)."""
        row, column = (grid.ravel() for grid in np.indices(self.image_shape))
        below, right = row - top, column - left
        return (below >= 0) & (below < self.size[0]) & (right >= 0) & (right < self.size[1])

    def _corrupt(self, x, rng, out):
        if x.shape[-1:] != (self.image_shape[0] * self.image_shape[1],):
            raise ValueError(f"BlockOcclusion: got x of shape {x.shape}, expected images of {self.image_shape} as rows")
        rows, columns = self._places()
        shape = (*x.shape[:-1], 1)
        out[...] = x
        np.copyto(
            out, self.value, where=self._hidden(rng.integers(rows, size=shape), rng.integers(columns, size=shape))
        )
        return out

    def _visible(self):
        """P[d and e are both visible] (D, D), over all places."""
        rows, columns = self._places()
        top, left = (grid.reshape(-1, 1) for grid in np.indices((rows, columns)))
        seen = 1.0 - self._hidden(top, left)
        return seen.T @ seen / len(seen)

    def moments(self, mean, second):
        """v (mean, second) + (1 - v) (value, value^2) with v (D,) the probability that a pixel is visible."""
        seen = self._visible().diagonal()
        return seen * mean + (1 - seen) * self.value, seen * second + (1 - seen) * self.value**2

    def joint_moments(self, mean, second):
        """As `Corruption.joint_moments`, by the probabilities that two pixels are both visible, both hidden, or one."""
        both = self._visible()
        seen = both.diagonal()
        first_alone = seen[:, None] - both  # d visible, e hidden
        shift = self.value * first_alone * mean[:, None]
        neither = 1 - seen[:, None] - seen + both
        noisy_second = both * second + shift + shift.T + self.value**2 * neither
        cross = seen[:, None] * second + np.outer((1 - seen) * self.value, mean)
        return self.moments(mean, second.diagonal())[0], noisy_second, cross


@dataclass(frozen=True)
class GaussianNoiseRange(Corruption):
    """x~ = x + s e, e ~ N(0, I), with a deviation s of its own for every sample, uniform in [low, high].

    One denoiser trained with it serves all levels in between. Raises ValueError unless 0 <= low <= high < infinity.
    """

    low: float
    high: float

    def __post_init__(self):
        self._check("low", self.low, np.inf)
        self._check("high", self.high, np.inf)
        if self.low > self.high:
            raise ValueError(f"GaussianNoiseRange: got low={self.low!r} above high={self.high!r}, expected low <= high")

    def _corrupt(self, x, rng, out):
        standard_normal(rng, out)
        out *= rng.uniform(self.low, self.high, (*x.shape[:-1], 1)).astype(out.dtype)
        out += x
        return out

    def moments(self, mean, second):
        """(mean, second + E[s^2]), E[s^2] = (low^2 + low high + high^2) / 3; two entries stay uncorrelated given x."""
        return mean + 0.0, second + (self.low**2 + self.low * self.high + self.high**2) / 3


@dataclass(frozen=True)
class CorruptionChain(Corruption):
    """One corruption after another: C(x~ | x) = sum over x' of C_2(x~ | x') C_1(x' | x), and so on.

    `corruptions` is a sequence of this package's corruptions, the first applied first. Raises TypeError for others.
    """

    corruptions: tuple[Corruption, ...]

    def __post_init__(self):
        parts = self.corruptions
        if not isinstance(parts, (list, tuple)) or not parts or not all(isinstance(c, Corruption) for c in parts):
            raise TypeError(
                f"CorruptionChain: got {parts!r}, expected corruptions such as (MaskingNoise(0.1), GaussianNoise(0.2))"
            )
        object.__setattr__(self, "corruptions", tuple(parts))

    def _corrupt(self, x, rng, out):
        for corruption in self.corruptions[:-1]:
            x = corruption.corrupt(x, rng)
        return self.corruptions[-1].corrupt(x, rng, out=out)

    def moments(self, mean, second):
        """The moments of the last, at the moments of those before."""
        for corruption in self.corruptions:
            mean, second = corruption.moments(mean, second)
        return mean, second

    def joint_moments(self, mean, second):
        """As `Corruption.joint_moments`, link by link; E[x~ x^T] = c E[x' x^T] + o E[x]^T."""
        noisy_mean, noisy_second, cross = mean, second, second
        for corruption in self.corruptions:
            c, offset = corruption.slope_and_offset(len(mean))
            noisy_mean, noisy_second, _ = corruption.joint_moments(noisy_mean, noisy_second)
            cross = c[:, None] * cross + np.outer(offset, mean)
        return noisy_mean, noisy_second, cross
