"""Further reconstruction distributions p(x | a), each a loss: value and gradient of its negative log-likelihood.

As in `npae.losses`: `a` is what the decoder puts out, x (N, D) the target; a call returns the mean over samples of
-log p(x_n | a_n) in nats, constants included, and da. Where a distribution has more parameters than a mean, a is wider
than x: `n_outputs(D)` says how wide. All are analytic but for the kink of `Laplace`, so that a complex step works.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae import losses
from npae.continuous_bernoulli import ContinuousBernoulli

LOG_2PI = float(np.log(2 * np.pi))
LEARNT = ("shared", "features", "samples")


class Distribution:
    """What the losses here share: the negative log-likelihood as value and gradient, and no limits on the target."""

    def n_outputs(self, n_features):
        """Columns of a for D features."""
        return n_features

    def check_target(self, x):
        """Raise ValueError for targets that have no likelihood; here all have one."""

    def _owned(self, a, x):
        """a and x as arrays whose shapes fit."""
        a, x = np.asarray(a), np.asarray(x)
        a = a if a.dtype.kind in "fc" else a.astype(np.float64)
        if x.ndim != 2 or a.shape != (len(x), self.n_outputs(x.shape[1])):
            raise ValueError(
                f"{type(self).__name__}: got outputs of shape {a.shape} and targets of shape {x.shape}, expected "
                f"(N, {self.n_outputs(x.shape[-1])}) and (N, {x.shape[-1]})"
            )
        return a, x


@dataclass(frozen=True)
class Gaussian(Distribution):
    """p(x | a) = N(x; m, diag v): L = 1/2 sum_d [(x_d - m_d)^2 / v_d + log v_d + log 2 pi].

    variance   a number, or D of them: v is given, and a (N, D) is the mean m.
               "shared", "features" or "samples": v is learnt, the same everywhere, one for each feature, or one for
               each feature of each sample; a (N, 2 D) is m beside log v. The likelihood is the same for the three:
               who puts out the columns of log v differs, a `LearntVariance` layer or the last `Dense`.

    dm = (m - x) / (v N),    d log v = 1/2 (1 - (x - m)^2 / v) / N. Variances, not standard deviations. With "features"
    or "samples" and no noise in the code the likelihood has no upper limit: a feature that can be copied has v -> 0.
    Raises ValueError for a variance that is none of these. Bishop (2006), Pattern Recognition and Machine Learning,
    sections 1.2.4 and 5.6.
    """

    variance: Any = 1.0

    def __post_init__(self):
        v = self.variance
        if isinstance(v, str):
            if v not in LEARNT:
                raise ValueError(f"Gaussian: got variance={v!r}, expected a number > 0, or one of {LEARNT}")
            return
        array = np.asarray(v, dtype=np.float64)
        if array.ndim > 1 or not (np.isfinite(array) & (array > 0)).all() or isinstance(v, bool):
            raise ValueError(f"Gaussian: got variance={v!r}, expected a finite number > 0, or one for each feature")
        object.__setattr__(self, "variance", float(array) if array.ndim == 0 else tuple(array.tolist()))

    @property
    def learnt(self):
        """Whether a holds log variances too."""
        return isinstance(self.variance, str)

    def n_outputs(self, n_features):
        """D, or 2 D with a learnt variance."""
        return 2 * n_features if self.learnt else n_features

    def _parts(self, a):
        """m (N, D) and log v, (N, D), (D,) or a number."""
        if self.learnt:
            D = a.shape[1] // 2
            return a[:, :D], a[:, D:]
        return a, np.log(np.asarray(self.variance)).astype(a.real.dtype)

    def __call__(self, a, x, out=None):
        """Value and da, written into `out` if given."""
        a, x = self._owned(a, x)
        mean, log_v = self._parts(a)
        da = np.empty_like(a) if out is None else out
        N, D = x.shape
        z = mean - x
        precision = np.exp(-log_v)
        np.multiply(z, precision, out=da[:, :D])
        squares = z * da[:, :D]
        value = (squares.sum() + np.broadcast_to(log_v, z.shape).sum()) / (2 * N) + D / 2 * LOG_2PI
        if self.learnt:
            np.subtract(1, squares, out=da[:, D:])
            da[:, D:] /= 2
        da *= 1 / N
        return value, da

    def mean(self, a):
        """m, (N, D)."""
        return self._parts(np.asarray(a))[0]

    def log_likelihood(self, a, x):
        """log p(x_n | a_n) in nats, (N,)."""
        a, x = self._owned(a, x)
        mean, log_v = self._parts(a)
        return -0.5 * ((x - mean) ** 2 * np.exp(-log_v) + log_v + LOG_2PI).sum(axis=1)

    def sample(self, a, rng):
        """A draw m + sqrt(v) e, (N, D); rng is a Generator or a seed."""
        mean, log_v = self._parts(np.asarray(a))
        return mean + np.exp(log_v / 2) * np.random.default_rng(rng).standard_normal(mean.shape, dtype=mean.dtype)


@dataclass(frozen=True)
class Laplace(Distribution):
    """p(x | a) = prod_d exp(-|x_d - a_d| / b) / 2b: L = sum_d |a_d - x_d| / b + log 2b, da = sign(a - x) / (b N).

    The median is fitted, so a few wild pixels pull less than they do in a squared error. The derivative at the kink is
    taken as 0. b is the scale; the standard deviation is sqrt(2) b. Raises ValueError unless b > 0.
    """

    scale: float = 1.0

    def __post_init__(self):
        if isinstance(self.scale, bool) or not isinstance(self.scale, (int, float)) or not 0 < self.scale < np.inf:
            raise ValueError(f"Laplace: got scale={self.scale!r}, expected a finite number > 0")

    def __call__(self, a, x, out=None):
        """Value and da, written into `out` if given."""
        a, x = self._owned(a, x)
        z = a - x
        da = np.sign(z.real, out=np.empty_like(a) if out is None else out, casting="unsafe")
        value = (da * z).sum() / (self.scale * len(x)) + x.shape[1] * float(np.log(2 * self.scale))
        da *= 1 / (self.scale * len(x))
        return value, da

    def mean(self, a):
        """a, (N, D), median as well."""
        return a

    def log_likelihood(self, a, x):
        """log p(x_n | a_n) in nats, (N,)."""
        a, x = self._owned(a, x)
        return -(np.abs(a - x) / self.scale + float(np.log(2 * self.scale))).sum(axis=1)

    def sample(self, a, rng):
        """A draw, (N, D); rng is a Generator or a seed."""
        a = np.asarray(a)
        return (a + np.random.default_rng(rng).laplace(scale=self.scale, size=a.shape)).astype(a.dtype)


@dataclass(frozen=True)
class Categorical(Distribution):
    """Groups of C columns, each one of C classes: p = softmax(a) in a group, L = -sum_c x_c log p_c, da = (p - x) / N.

    Targets are one-hot groups, or probabilities that sum to 1 in each; a and x are (N, G C). `mean` gives p, `sample`
    one-hot groups. Goodfellow, Bengio and Courville (2016), Deep Learning, section 6.2.2.3.
    Raises ValueError unless C is a whole number >= 2, and for targets that are not such groups.
    """

    n_classes: int

    def __post_init__(self):
        if not isinstance(self.n_classes, (int, np.integer)) or isinstance(self.n_classes, bool) or self.n_classes < 2:
            raise ValueError(f"Categorical: got n_classes={self.n_classes!r}, expected a whole number >= 2")

    def _groups(self, a):
        if a.shape[1] % self.n_classes:
            raise ValueError(f"Categorical: got {a.shape[1]} columns, expected groups of {self.n_classes}")
        return a.reshape(len(a), -1, self.n_classes)

    def check_target(self, x):
        """Raise ValueError unless every group is a distribution over its classes."""
        groups = self._groups(np.asarray(x))
        if groups.min() < 0 or np.abs(groups.sum(axis=2) - 1).max() > 1e-5:
            raise ValueError(
                f"Categorical: got targets whose groups of {self.n_classes} columns are no probabilities that sum to "
                "1, expected one-hot groups"
            )

    def _shifted(self, a):
        """a minus the largest (real part) of its group (N, G, C), and log sum_c exp of it (N, G, 1)."""
        groups = self._groups(a)
        groups = groups - groups.real.max(axis=2, keepdims=True)
        return groups, np.log(np.exp(groups).sum(axis=2, keepdims=True))

    def __call__(self, a, x, out=None):
        """Value and da, written into `out` if given."""
        a, x = self._owned(a, x)
        groups, log_sum = self._shifted(a)
        log_p = (groups - log_sum).reshape(a.shape)
        value = -(x * log_p).sum() / len(x)
        weight = np.repeat(self._groups(x).sum(axis=2), self.n_classes, axis=1)  # 1, but for rounding
        da = np.exp(log_p, out=np.empty_like(a) if out is None else out)
        da *= weight
        da -= x
        da *= 1 / len(x)
        return value, da

    def mean(self, a):
        """p, (N, G C)."""
        groups, log_sum = self._shifted(np.asarray(a))
        return np.exp(groups - log_sum).reshape(np.shape(a))

    def log_likelihood(self, a, x):
        """log p(x_n | a_n) in nats, (N,)."""
        a, x = self._owned(a, x)
        groups, log_sum = self._shifted(a)
        return (x * (groups - log_sum).reshape(a.shape)).sum(axis=1)

    def sample(self, a, rng):
        """One-hot groups (N, G C): the class with the largest a + Gumbel noise; rng is a Generator or a seed."""
        groups = self._groups(np.asarray(a))
        winner = (groups + np.random.default_rng(rng).gumbel(size=groups.shape)).argmax(axis=2)
        return (winner[:, :, None] == np.arange(self.n_classes)).astype(groups.dtype).reshape(np.shape(a))


BY_NAME: dict[str, Any] = losses.BY_NAME | {
    "gaussian": Gaussian("shared"),
    "continuous_bernoulli": ContinuousBernoulli(),
    "laplace": Laplace(),
}
