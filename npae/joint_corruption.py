"""Corruptions that treat a sample as a whole: blocks of an image, a noise level of its own, one after another.

As in `npae.corruption`: `corrupt(x, rng)` draws, the moments are exact.
"""

from dataclasses import dataclass

import numpy as np

from npae.corruption import Corruption
from npae.kernels import standard_normal


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
