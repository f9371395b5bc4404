"""Derivatives along a line phi(t): complex steps and operations that spoil them; real differences, kinks, noise."""

import contextlib
import functools
import operator
import warnings
from dataclasses import dataclass
from math import factorial

import numpy as np

from npae.gradcheck.variables import map_leaves

# phi'(0) = Im phi(ih) / h + O(h^2), h so small that the truncation error h^2 phi'''/6 is zero in floating point.
# Squire and Trapp (1998), SIAM Review 40; Martins, Sturdza and Alonso (2003), ACM TOMS 29.
COMPLEX_STEP = 1e-30

# Minimizes eps |f| / h + h^2 |f'''| / 6 if f and f''' are of order one: Nocedal and Wright, equation 8.8.
CENTRAL_STEP = np.finfo(float).eps ** (1 / 3)

# Powers of two, because x + h is then exact (nearly always). The first is the best for functions of order one; the
# next ones come closer to a kink, a singularity or the edge of a domain, or resolve a small term of a large f.
STEPS = tuple(2.0**k for k in (-12, -16, -9, -20, -6, -24, -3, -28, -32))
FINEST = (2.0**-20, 2.0**-24)

RTOL = {"complex": 1e-10, "richardson": 1e-7, "central": 1e-6}
NAMES = {"complex": "complex step", "richardson": "Richardson extrapolation", "central": "central difference"}
EPS = np.finfo(float).eps

NOT_ANALYTIC = {  # operations that lose the imaginary part, and with it the derivative of a complex step
    "absolute", "fabs", "conjugate", "sign", "real", "imag", "angle", "arctan2", "hypot", "var", "std", "nanvar",
    "nanstd", "cov", "corrcoef",
    "norm", "vdot", "vecdot", "svd", "eigh", "eigvalsh", "qr", "cholesky", "pinv", "lstsq", "cond",
}  # fmt: skip
PIECEWISE_CONSTANT = {"sign", "floor", "ceil", "rint", "trunc", "heaviside", "signbit", "around", "round", "fix"}


@contextlib.contextmanager
def silence_warnings():
    """Silence floating-point warnings at displaced points; make a silent cast of complex to real an error."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", getattr(np, "exceptions", np).ComplexWarning)
        yield


@dataclass
class Slope:
    """A derivative with an estimate of its absolute error; at a kink, `sides`: the two one-sided derivatives."""

    value: float
    error: float
    sides: tuple | None = None


def real_slope(phi, f0, scale, noise, target, extrapolate=True):
    """phi'(0) by R = (4 D(h/2) - D(h)) / 3 or D(h/2), at the first step whose estimated error is at most `target`.

    D is the central difference; its error is estimated as |D(h/2) - D(h)| / 3, that of D(h/2), plus the rounding
    4 noise / h. Steps are in units of `scale`, and smaller if |x| is small. If no step reaches the target, return the
    slope of least error; if phi is finite on one side only (the edge of a domain), extrapolate on that side.

    A kink: the jump of the one-sided slopes, K = 2 J(h/2) - J(h) with J(h) = (phi(h) - 2 phi(0) + phi(-h)) / h, is
    -h^3 phi''''/16 for a smooth phi, but does not fall with h if phi' jumps at 0. A smaller step avoids a kink at a
    distance. Nocedal and Wright (2006), section 8.1; Ridders (1982), Adv. Eng. Software 4.
    """
    unit, found = power_of_two(max(scale, 1.0)), {}
    tiny = [power_of_two(scale) * h for h in STEPS[:5]] if 0 < scale < STEPS[6] else []
    for h in [unit * h for h in STEPS] + tiny:
        f_plus, f_minus, g_plus, g_minus = (float(phi(t)) for t in (h, -h, h / 2, -h / 2))
        D, D_half = (f_plus - f_minus) / (2 * h), (g_plus - g_minus) / h
        slope = Slope((4 * D_half - D) / 3 if extrapolate else D_half, abs(D_half - D) / 3 + 4 * noise / h)
        sides = (3 * f0 - 4 * g_minus + f_minus) / h, (4 * g_plus - f_plus - 3 * f0) / h
        jump, rounding = abs(sides[1] - sides[0]), 30 * noise / h
        for side, first in ((sides[0], f0 - g_minus), (sides[1], g_plus - f0)) if not np.isfinite(jump) else ():
            if np.isfinite(side):  # the edge of a domain: take the inner side
                slope, jump = Slope(side, abs(side - 2 * first / h) + 16 * noise / h), 0.0
        if np.isfinite(slope.error + jump):
            found[h / unit] = slope, jump, rounding, sides
            if slope.error <= target and jump <= target + rounding:
                return slope
    best = Slope(np.nan, np.inf)
    for h in sorted(found):  # a step is too wide if it contradicts a finer one
        slope = found[h][0]
        if np.isfinite(best.error) and abs(slope.value - best.value) > 3 * (slope.error + best.error):
            break
        best = min(best, slope, key=lambda slope: slope.error)
    if all(h in found for h in FINEST):
        (_, coarse, _, sides), (_, fine, rounding, _) = (found[h] for h in FINEST)
        if fine > rounding + target and fine > coarse / 2 and coarse > fine / 2:
            best.sides = tuple(sorted(sides))
    return best


def power_of_two(scale):
    """Return the power of two nearest to `scale` on a logarithmic axis."""
    return 2.0 ** np.round(np.log2(scale))


def noise_level(phi, f0):
    """Return the standard deviation of the rounding error of phi near 0, from high-order differences at 7 points.

    The k-th difference of a smooth function at spacing h is O(h^k); the rest is noise, amplified by sqrt((2k)!) / k!.
    Moré and Wild (2011), SIAM J. Sci. Comput. 33 (ECnoise). The quieter side counts, because a kink at 0 is not noise.
    Differences that are equally large at two wider spacings are noise too: float32 inside f. Never below eps |f| / 2.
    """
    floor, level = EPS * abs(f0) / 2, np.inf
    for h in (2.0**k for k in (-22, -30, -38)):  # ever closer, because an edge or a kink may be near
        for side in (1, -1):
            level = min(level, min(_noise_at(phi, f0, range(0, 7 * side, side), h))) if level > 100 * floor else level
    wide = [np.median(_noise_at(phi, f0, range(-8, 9), h)) for h in (2.0**-16, 2.0**-13)]
    if 1e4 * floor < min(wide) < max(wide) < min(5 * min(wide), 1e-5 * abs(f0)):
        level = max(level, 4 * max(wide))
    return max(level, floor) if np.isfinite(level) else floor


def _noise_at(phi, f0, places, h):
    values = np.array([float(phi(t * h)) if t else f0 for t in places])
    return [factorial(k) / factorial(2 * k) ** 0.5 * np.sqrt(np.mean(np.diff(values, k) ** 2)) for k in (4, 5, 6)]


class Watched(np.ndarray):
    """An array with marks: (name, "") of each variable behind it, (name, operation) if that lost a derivative."""

    marks: frozenset = frozenset()

    def __array_finalize__(self, parent):
        self.marks = getattr(parent, "marks", frozenset())

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return _apply(getattr(ufunc, method), ufunc.__name__, inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return _apply(function, function.__name__, args, kwargs)

    def __getitem__(self, key):
        return _apply(lambda array, key: array[key], "", (self, key), {})

    def __setitem__(self, key, value):
        super().__setitem__(_unwatched(key, []), _unwatched(value, found := [self]))
        self.marks = _union(found)

    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))
    var, std, dot = (functools.partialmethod(function) for function in (np.var, np.std, np.dot))


class PassingReal(np.ndarray):
    """An array whose real part is the array itself, with the same derivative; comparisons look at real parts."""

    real = property(lambda self: self)
    __gt__, __ge__, __lt__, __le__ = (
        lambda self, other, f=f: f(np.asarray(self).real, np.asarray(other).real)
        for f in (operator.gt, operator.ge, operator.lt, operator.le)
    )


def passing_real(array, marks):
    """Return the array as PassingReal."""
    return array.view(PassingReal)


def watch(thing, marks):
    """Return the array, or each array in a structure, as a Watched one with these marks."""

    def watched(leaf):
        if getattr(getattr(leaf, "dtype", None), "kind", "") not in ("f", "c"):
            return leaf
        leaf = leaf if isinstance(leaf, Watched) else np.asarray(leaf).view(Watched)
        leaf.marks = marks
        return leaf

    return map_leaves(watched, thing)


def _apply(function, name, args, kwargs):
    found: list[Watched] = []
    result, marks = function(*_unwatched(args, found), **_unwatched(kwargs, found)), _union(found)
    if any(array.dtype.kind == "c" for array in found):
        marks |= {(source, name.replace("absolute", "abs")) for source, _ in marks if name in NOT_ANALYTIC}
    elif name in PIECEWISE_CONSTANT:
        return result
    watch(kwargs.get("out"), marks)
    return watch(result, marks)


def _union(found):
    return frozenset().union(*(each.marks for each in found))


def _unwatched(thing, found):
    def plain(leaf):
        found.extend([leaf] if isinstance(leaf, Watched) else ())
        return leaf.view(np.ndarray) if isinstance(leaf, Watched) else leaf

    return map_leaves(plain, thing)
