"""Further reconstruction distributions p(x | a), each a loss: value and gradient of its negative log-likelihood.

As in `npae.objective.losses`: `a` is what the decoder puts out, x (N, D) the target; a call returns the mean over
samples of -log p(x_n | a_n) in nats, constants included, and da. If a distribution has more parameters than a mean, a
is wider than x: `n_outputs(D)` is its width. All are analytic, except at the kink of `Laplace`, so that a complex step
works.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.objective.kernels import negative_abs
from npae.objective.losses import BernoulliCrossEntropy, Loss, SquaredError
from npae.validation import check_number


@dataclass(frozen=True)
class ContinuousBernoulli(Loss):
    """p(x | a) = a exp(a x) / (exp(a) - 1) for x in [0, 1]: a distribution of grey values.

    L = sum_d log(2 sinh(a/2) / a) - (x - 1/2) a,    E[x] = 1/2 + coth(a/2) / 2 - 1/a,    da = (E[x] - x) / N.

    The Bernoulli's exp(x a - softplus(a)) does not integrate to 1 over [0, 1]; divided by its integral it is this.
    Loaiza-Ganem and Cunningham (2019), The continuous Bernoulli, NeurIPS.
    """

    target_range = (0, 1)

    def __call__(self, a, x, out=None):
        """Return the value and da, written into `out` if given."""
        a, x = self._arrays(a, x)
        value = (_log_sinh_ratio(a) - (x - 0.5) * a).sum() / len(x)
        da = np.subtract(_half_langevin(a), x - 0.5, out=out)
        da *= 1 / len(x)
        return value, da

    def mean(self, a):
        """Return E[x | a], (N, D), which is not sigmoid(a)."""
        return _half_langevin(np.asarray(a)) + 0.5

    def log_likelihood(self, a, x):
        """Return log p(x_n | a_n) in nats, (N,)."""
        a, x = self._arrays(a, x)
        return ((x - 0.5) * a - _log_sinh_ratio(a)).sum(axis=1)

    def sample(self, a, rng):
        """Draw by the inverse distribution function, log(1 + u (e^a - 1)) / a; rng is a Generator or a seed."""
        a = np.asarray(a)
        u = np.random.default_rng(rng).random(a.shape).astype(a.dtype)
        b = -np.abs(a)  # x at a is 1 - x at -a, and exp(-|a|) cannot overflow
        small = b > -1e-4
        x = np.where(small, u + u * (1 - u) * b / 2, np.log1p(u * np.expm1(b)) / np.where(small, 1, b))
        return np.clip(np.where(a > 0, 1 - x, x), 0, 1).astype(a.dtype)


def _log_sinh_ratio(a):
    """Return log(2 sinh(a/2) / a): a series to a^10 for |a| < 1/4, else |a|/2 + log(1 - exp(-|a|)) - log |a|."""
    far = -negative_abs(a)
    near = far.real < 0.25
    far = np.where(near, 1, far)
    s = np.where(near, a * a, 0)
    series = s * (1 / 24 + s * (-1 / 2880 + s * (1 / 181440 + s * (-1 / 9676800 + s / 479001600))))
    return np.where(near, series, far / 2 + np.log1p(-np.exp(-far)) - np.log(far)).astype(a.dtype)


def _half_langevin(a):
    """Return coth(a/2) / 2 - 1/a, odd: its series to a^9 for |a| < 1/4."""
    near = np.abs(a.real) < 0.25
    far = np.where(near, 1, a)
    near_a = np.where(near, a, 0)
    s = near_a * near_a
    series = near_a * (1 / 12 + s * (-1 / 720 + s * (1 / 30240 + s * (-1 / 1209600 + s / 47900160))))
    return np.where(near, series, 0.5 / np.tanh(far / 2) - 1 / far).astype(a.dtype)


LOG_2PI = float(np.log(2 * np.pi))
LEARNT = ("shared", "features", "samples")


@dataclass(frozen=True)
class Gaussian(Loss):
    """p(x | a) = N(x; m, diag v): L = 1/2 sum_d [(x_d - m_d)^2 / v_d + log v_d + log 2 pi].

    variance   a number, or D of them: v is given, and a (N, D) is the mean m.
               "shared", "features" or "samples": v is learnt, the same everywhere, one for each feature, or one for
               each feature of each sample; a (N, 2 D) is m beside log v. The likelihood is the same for the three:
               a `LearntVariance` layer or the last `Dense` puts out the columns of log v.

    dm = (m - x) / (v N),    d log v = 1/2 (1 - (x - m)^2 / v) / N. Variances, not standard deviations. With "features"
    or "samples" and no noise in the code the likelihood has no upper limit: a feature that can be copied has v -> 0.
    Raises ValueError for any other variance. Bishop (2006), Pattern Recognition and Machine Learning,
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
        """True if a holds log variances too."""
        return isinstance(self.variance, str)

    def n_outputs(self, n_features):
        """Return D, or 2 D with a learnt variance."""
        return 2 * n_features if self.learnt else n_features

    def _parts(self, a):
        """Return m (N, D) and log v, (N, D), (D,) or a number."""
        if self.learnt:
            D = a.shape[1] // 2
            return a[:, :D], a[:, D:]
        return a, np.log(np.asarray(self.variance)).astype(a.real.dtype)

    def __call__(self, a, x, out=None):
        """Return the value and da, written into `out` if given."""
        a, x = self._arrays(a, x, 1 + self.learnt)
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
        """Return m, (N, D)."""
        return self._parts(np.asarray(a))[0]

    def log_likelihood(self, a, x):
        """Return log p(x_n | a_n) in nats, (N,)."""
        a, x = self._arrays(a, x, 1 + self.learnt)
        mean, log_v = self._parts(a)
        return -0.5 * ((x - mean) ** 2 * np.exp(-log_v) + log_v + LOG_2PI).sum(axis=1)

    def sample(self, a, rng):
        """Draw m + sqrt(v) e, (N, D); rng is a Generator or a seed."""
        mean, log_v = self._parts(np.asarray(a))
        return mean + np.exp(log_v / 2) * np.random.default_rng(rng).standard_normal(mean.shape, dtype=mean.dtype)


@dataclass(frozen=True)
class Laplace(Loss):
    """p(x | a) = prod_d exp(-|x_d - a_d| / b) / 2b: L = sum_d |a_d - x_d| / b + log 2b, da = sign(a - x) / (b N).

    The median is fitted, so a few wild pixels pull less than they do in a squared error. The derivative at the kink is
    taken as 0. b is the scale; the standard deviation is sqrt(2) b. Raises ValueError unless b > 0.
    """

    scale: float = 1.0

    def __post_init__(self):
        check_number(self.scale, "scale", "Laplace", include_low=False)

    def __call__(self, a, x, out=None):
        """Return the value and da, written into `out` if given."""
        a, x = self._arrays(a, x)
        z = a - x
        da = np.sign(z.real, out=np.empty_like(a) if out is None else out, casting="unsafe")
        value = (da * z).sum() / (self.scale * len(x)) + x.shape[1] * float(np.log(2 * self.scale))
        da *= 1 / (self.scale * len(x))
        return value, da

    def mean(self, a):
        """Return a, (N, D), which is also the median."""
        return a

    def log_likelihood(self, a, x):
        """Return log p(x_n | a_n) in nats, (N,)."""
        a, x = self._arrays(a, x)
        return -(np.abs(a - x) / self.scale + float(np.log(2 * self.scale))).sum(axis=1)

    def sample(self, a, rng):
        """Draw x, (N, D); rng is a Generator or a seed."""
        a = np.asarray(a)
        return (a + np.random.default_rng(rng).laplace(scale=self.scale, size=a.shape)).astype(a.dtype)


@dataclass(frozen=True)
class Categorical(Loss):
    """Groups of C columns, each one of C classes: p = softmax(a) in a group, L = -sum_c x_c log p_c, da = (p - x) / N.

    Targets are one-hot groups, or probabilities that sum to 1 in each; a and x are (N, G C). `mean` gives p, `sample`
    one-hot groups. Goodfellow, Bengio and Courville (2016), Deep Learning, section 6.2.2.3.
    Raises ValueError unless C is a whole number >= 2, and for targets that are not such groups.
    """

    n_classes: int

    def __post_init__(self):
        check_number(self.n_classes, "n_classes", "Categorical", low=2, integer=True)

    def _groups(self, a):
        if a.shape[1] % self.n_classes:
            raise ValueError(f"Categorical: got {a.shape[1]} columns, expected groups of {self.n_classes}")
        return a.reshape(len(a), -1, self.n_classes)

    def check_target(self, x):
        """Raise ValueError unless every group is a distribution over its classes."""
        groups = self._groups(np.asarray(x))
        if groups.min() < 0 or np.abs(groups.sum(axis=2) - 1).max() > 1e-5:
            got = f"got targets whose groups of {self.n_classes} columns are no probabilities that sum to 1"
            raise ValueError(f"Categorical: {got}, expected one-hot groups")

    def _log_p(self, a):
        """Return log softmax in each group, (N, G C); the largest (real part) of a group is taken out before exp."""
        groups = self._groups(a)
        groups = groups - groups.real.max(axis=2, keepdims=True)
        return (groups - np.log(np.exp(groups).sum(axis=2, keepdims=True))).reshape(a.shape)

    def __call__(self, a, x, out=None):
        """Return the value and da, written into `out` if given."""
        a, x = self._arrays(a, x)
        log_p = self._log_p(a)
        value = -(x * log_p).sum() / len(x)
        weight = np.repeat(self._groups(x).sum(axis=2), self.n_classes, axis=1)  # 1, except for rounding
        da = np.exp(log_p, out=np.empty_like(a) if out is None else out)
        da *= weight
        da -= x
        da *= 1 / len(x)
        return value, da

    def mean(self, a):
        """Return p, (N, G C)."""
        return np.exp(self._log_p(np.asarray(a)))

    def log_likelihood(self, a, x):
        """Return log p(x_n | a_n) in nats, (N,)."""
        a, x = self._arrays(a, x)
        return (x * self._log_p(a)).sum(axis=1)

    def sample(self, a, rng):
        """Draw one-hot groups (N, G C): the class with the largest a + Gumbel noise; rng is a Generator or a seed."""
        groups = self._groups(np.asarray(a))
        winner = (groups + np.random.default_rng(rng).gumbel(size=groups.shape)).argmax(axis=2)
        return (winner[:, :, None] == np.arange(self.n_classes)).astype(groups.dtype).reshape(np.shape(a))


BY_NAME: dict[str, Any] = {"squared_error": SquaredError(), "bernoulli": BernoulliCrossEntropy()}
BY_NAME |= {"gaussian": Gaussian("shared"), "continuous_bernoulli": ContinuousBernoulli(), "laplace": Laplace()}
