"""Numerical derivatives: complex step, central differences, Richardson extrapolation, kinks and rounding noise.

Everything here evaluates a function through a *buffer*: `value()` takes no argument and reads the flat vector
`theta`, of which the caller's arrays are views. A derivative along one coordinate writes one number.
"""

import contextlib
import warnings
from dataclasses import dataclass
from math import factorial

import numpy as np

ComplexWarning = getattr(np, "exceptions", np).ComplexWarning

# Squire and Trapp: the step may be so small that the truncation error h^2 f'''/6 is zero in floating point.
COMPLEX_STEP = 1e-30

# Minimizes eps |f| / h + h^2 |f'''| / 6 where f and f''' are of order one: Nocedal and Wright, equation 8.8.
CENTRAL_STEP = np.finfo(float).eps ** (1 / 3)

# Powers of two, because x + h is then exact (nearly always). The first is the best for functions of order one;
# the next ones come closer to a kink or a singularity, or see a small term beside a large f.
STEPS = tuple(2.0**k for k in (-12, -16, -9, -20, -6, -24, -3))
FINEST = (2.0**-20, 2.0**-24)

RTOL = {"complex": 1e-10, "richardson": 1e-7, "central": 1e-6}
NAMES = {"complex": "complex step", "richardson": "Richardson extrapolation", "central": "central difference"}


@contextlib.contextmanager
def quietly():
    """No floating-point warnings at the displaced points; a silent cast of complex to real becomes an error."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", ComplexWarning)
        yield


def coordinate(theta, value, i):
    """phi(t) = f(x + t e_i), which leaves theta as it was."""
    start = theta[i]

    def phi(t):
        theta[i] = start + t
        try:
            return value()
        finally:
            theta[i] = start

    return phi


def direction(theta, value, where, v):
    """phi(t) = f(x + t v), v on the entries `where` (a slice or indices) of theta, which is left as it was."""
    start = theta[where].copy()

    def phi(t):
        theta[where] = start + t * v
        try:
            return value()
        finally:
            theta[where] = start

    return phi


def complex_slope(phi):
    """phi'(0) = Im phi(ih) / h + O(h^2), to machine precision.

    Squire and Trapp (1998), SIAM Review 40; Martins, Sturdza and Alonso (2003), ACM TOMS 29.
    """
    return phi(1j * COMPLEX_STEP).imag / COMPLEX_STEP


def complex_gradient(theta, value, indices):
    """df/dtheta_i for each i of `indices`, by one complex step each; theta and what value() returns are complex."""
    gradient = np.empty(len(indices))
    for k, i in enumerate(indices):
        start = theta[i]
        theta[i] = complex(start.real, COMPLEX_STEP)
        gradient[k] = value().imag
        theta[i] = start
    return gradient / COMPLEX_STEP


def central_slope(phi, h):
    """(phi(h) - phi(-h)) / 2h = phi'(0) + h^2 phi'''/6, with a rounding error of about eps |phi| / h."""
    return (float(phi(h)) - float(phi(-h))) / (2 * h)


@dataclass
class Slope:
    """A derivative, an estimate of its absolute error, whether that met its target, whether it is a kink."""

    value: float
    error: float
    clean: bool = False
    kink: bool = False


def richardson_slope(phi, f0, scale, noise, target, steps=STEPS):
    """phi'(0) by R = (4 D(h/2) - D(h)) / 3, at the first step whose estimated error is at most `target`.

    D is the central difference; the error is estimated as |D(h/2) - D(h)| / 3, which is that of D(h/2), plus
    the rounding 4 noise / h. The steps are in units of `scale`, and smaller ones where |x| is small. If none
    reaches the target, the one of least error is returned.

    A kink: the jump of the one-sided slopes, K = 2 J(h/2) - J(h) with J(h) = (phi(h) - 2 phi(0) + phi(-h)) / h,
    is -h^3 phi''''/16 for a smooth phi but stays as h falls where phi' jumps at 0. A kink at a distance is
    avoided by a smaller step. Nocedal and Wright (2006), section 8.1; Ridders (1982), Adv. Eng. Software 4.
    """
    unit = power_of_two(max(scale, 1.0))
    tiny = steps[:5] if 0 < scale < STEPS[-1] else ()
    best, jumps = Slope(np.nan, np.inf), {}
    for h in [unit * h for h in steps] + [power_of_two(scale) * h for h in tiny]:
        f_plus, f_minus, g_plus, g_minus = (float(phi(t)) for t in (h, -h, h / 2, -h / 2))
        D, D_half = (f_plus - f_minus) / (2 * h), (g_plus - g_minus) / h
        error = abs(D_half - D) / 3 + 4 * noise / h
        jump = 4 * (g_plus - 2 * f0 + g_minus) / h - (f_plus - 2 * f0 + f_minus) / h
        if not np.isfinite(error + jump):
            continue
        jumps[h / unit] = (abs(jump), 30 * noise / h)
        if error < best.error:
            best = Slope((4 * D_half - D) / 3, error)
        if error <= target and abs(jump) <= target + 30 * noise / h:
            return Slope((4 * D_half - D) / 3, error, clean=True)
    best.kink = _is_kink(jumps, target)
    return best


def _is_kink(jumps, target):
    if any(h not in jumps for h in FINEST):
        return False
    (coarse, _), (fine, rounding) = jumps[FINEST[0]], jumps[FINEST[1]]
    return bool(fine > rounding + target and fine > coarse / 2 and coarse > fine / 2)


def power_of_two(scale):
    """The power of two nearest to `scale` on a logarithmic axis."""
    return 2.0 ** np.round(np.log2(scale))


def noise_level(phi, f0):
    """The standard deviation of the rounding error of phi near 0, from high-order differences at 7 close points.

    The k-th difference of a smooth function at spacing h is O(h^k); what is left is noise, amplified by
    sqrt((2k)!) / k!. Moré and Wild (2011), SIAM J. Sci. Comput. 33 (ECnoise). The points lie on one side, so
    that a kink at 0 does not look like noise; the other side is asked too if one looks noisy. Never below
    eps |f| / 2.
    """
    floor = np.finfo(float).eps * abs(f0) / 2
    h = 2.0**-22
    level = np.inf
    for side in (h, -h):
        level = min(level, _difference_noise([f0, *(float(phi(t * side)) for t in range(1, 7))]))
        if level <= 100 * floor:
            break
    return max(level, floor) if np.isfinite(level) else floor


def _difference_noise(values):
    sigmas, differences = [], np.array(values)
    for k in range(1, 7):
        differences = np.diff(differences)
        if k >= 4:
            sigmas.append(factorial(k) / factorial(2 * k) ** 0.5 * np.sqrt(np.mean(differences**2)))
    return min(sigmas)


@dataclass
class Numeric:
    """Numeric derivatives of one array: values, estimated absolute errors, and which coordinates are kinks.

    confirmed: whether a real difference was accurate enough to vouch for complex steps.
    """

    method: str
    values: np.ndarray
    error: np.ndarray | float = 0.0
    kinks: np.ndarray | bool = False
    confirmed: bool = True
    rtol: float = 0.0


class Coordinates:
    """Some coordinates of one array as the lines to differentiate along; `where`: their places in theta."""

    def __init__(self, name, shape, where, first, point, gradient):
        self.name, self.shape, self.where, self.first = name, shape, where, first
        self.x, self.analytic = point[where], gradient[where]
        self.scale = np.abs(self.analytic).max()
        self.positions = np.searchsorted(first, where) if len(where) < len(first) else np.arange(len(where))

    def __len__(self):
        return len(self.where)

    def complex_slopes(self, theta, value):
        """The derivative along each coordinate by complex step."""
        return complex_gradient(theta, value, self.where)

    def line(self, theta, value, k):
        """phi(t) along coordinate k, and the scale of x there."""
        return coordinate(theta, value, self.where[k]), abs(self.x[k])

    def test_line(self, theta, value, rng):
        """phi along one random direction v of the whole array, and v."""
        v = rng.standard_normal(len(self.where)) * np.maximum(np.abs(self.x), 1.0)
        return direction(theta, value, self.where, v), v


class Directions:
    """A few random directions of one array: analytic = <gradient, v>; the scale is the gradient's 2-norm."""

    def __init__(self, name, shape, where, point, gradient, count, rng):
        self.name, self.shape = name, shape
        self.where = slice(where[0], where[-1] + 1) if where[-1] - where[0] == len(where) - 1 else where
        self.x, g = point[self.where], gradient[self.where]
        self.v = [rng.standard_normal(len(where)) for _ in range(count)]
        self.analytic = np.array([g @ v for v in self.v])
        self.scale = np.linalg.norm(g)
        self.positions = np.arange(count)

    def __len__(self):
        return len(self.v)

    def complex_slopes(self, theta, value):
        """The derivative along each direction by complex step."""
        return np.array([complex_slope(direction(theta, value, self.where, v)) for v in self.v])

    def line(self, theta, value, k):
        """phi(t) along direction k, and the scale of x."""
        return direction(theta, value, self.where, self.v[k]), 1.0

    def test_line(self, theta, value, rng):
        """phi along the first direction, and the weights of that direction among all."""
        return direction(theta, value, self.where, self.v[0]), np.eye(len(self.v))[0]
