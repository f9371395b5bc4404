"""The public checks of a function: check_gradient, assert_gradient, numerical_gradient, taylor_slope."""

import numpy as np

from npae.gradcheck import numeric
from npae.gradcheck.engine import SEED, SOFT_REASONS, Check
from npae.gradcheck.numeric import EPS, RTOL, power_of_two
from npae.gradcheck.parameters import restored
from npae.gradcheck.report import GradientError
from npae.gradcheck.variables import Function, real_scalar
from npae.gradcheck.verdicts import Lines


def check_gradient(f, x, *, method="auto", rtol=None, directions=None, n_samples=None, parts=None):
    """Compare the gradient that f returns with numerical derivatives of its value; return a GradientReport.

    error = max|analytic - numeric| / max(max|analytic|, max|numeric|) for each array.

    f(x) -> (value, gradient), x an array, or dicts and lists of arrays, the gradient in the same structure and shapes
    ("dW" may stand for "W"). If f returns no gradient of an array, that array is not checked and the report is not ok.

    method: "complex" (complex step, machine precision), "richardson" (with an error estimate), "central", or "auto":
    complex if f accepts complex input, applies no operation that loses a derivative (abs, a conjugate, a variance),
    and agrees with a real difference along a random direction of each array; else Richardson. rtol: largest relative
    error per array. directions: compare derivatives along this number of random directions of each array, instead of
    all coordinates (above 2,000 numbers "auto" takes 1, and bisects to the wrong entries if that fails); if they meet a
    kink, the check moves to a point near x. n_samples: the batch size N, with which the diagnosis distinguishes a mean
    from a sum. parts: {"W": (3, 2), "b": (2,)}, names and shapes of the pieces of a flat x, in its order.

    Raise ValueError if f is not deterministic, changes its input or returns a gradient that does not fit x; TypeError
    for float32. Nocedal and Wright (2006), section 8.1; Squire and Trapp (1998).
    """
    return Check(Function(f, x, parts=parts), method, rtol, directions, n_samples).report()


def assert_gradient(f, x, **options):
    """Return the report of check_gradient(f, x, ...); raise GradientError, an AssertionError, if it is not ok."""
    report = check_gradient(f, x, **options)
    if not report.ok:
        raise GradientError(report)
    return report


def numerical_gradient(f, x, *, method="central", step=None):
    """Return the gradient of a scalar f at x by finite differences, in the structure of x.

    central: df/dx_i = (f(x + h e_i) - f(x - h e_i)) / 2h + O(h^2), with h about eps^(1/3) max(1, |x_i|).
    complex: df/dx_i = Im f(x + ih e_i) / h + O(h^2), h = 1e-30, exact to machine precision for an analytic f.
    richardson: the central difference extrapolated, with a step chosen by its estimated error.

    f: array (or dicts and lists of arrays) -> scalar. step: h for all coordinates.

    Raise ValueError for an unknown method or step; TypeError for float32, or if the complex step would be wrong: f does
    not accept complex input, takes its abs or its variance, say, or contradicts a real difference.
    Nocedal and Wright (2006), section 8.1; Squire and Trapp (1998), SIAM Review 40.
    """
    if method not in RTOL:
        raise ValueError(f"got method={method!r}, expected one of {tuple(RTOL)}")
    if step is not None and not (np.isfinite(step) and step > 0 and method != "richardson"):
        raise ValueError(f"got step={step!r}, expected a positive number (and none for 'richardson')")
    subject = Function(lambda x: (f(x), None), x)
    check = Check(subject, method=method)
    check.gradient = np.zeros_like(subject.point)
    with restored(f), numeric.silence_warnings():
        check.f0 = real_scalar(subject.value(subject.point))
        lines = [Lines(check, name) for name, index in subject.index.items() if index.size]
        if method == "complex" and (why := set(check.complex_steps(lines).values()).difference(SOFT_REASONS)):
            raise TypeError(f"{why.pop()}; use method='central'")
        for each in lines if method == "richardson" else ():
            check.differentiate(each, method)
        slopes = np.array([slope.value for each in lines for slope in each.slopes] or subject.point)
        for i, x in enumerate(subject.point) if step or method == "central" else ():
            phi, h = check.phi(i, 1.0), step or power_of_two(numeric.CENTRAL_STEP * max(1.0, abs(x)))
            slopes[i] = phi(1j * h).imag / h if method == "complex" else float(phi(h) - phi(-h)) / (2 * h)
    return subject.view(slopes)


def taylor_slope(f, x, direction=None):
    """Return the slope of the Taylor remainder on logarithmic axes: 2 for a right gradient, 1 for a wrong one.

    R(t) = |f(x + t v) - f(x) - t <g, v>| = t^2/2 |v^T H v| + O(t^3) if g is the gradient of f.

    f(x) -> (value, gradient); x an array, or dicts and lists of arrays; direction in the same structure, by default a
    random one, scaled to unit 2-norm. Return the steps t (41,), the remainders R (41,) and the slope: the median of the
    local slopes over the smallest decade and a half of remainders above rounding. The slope is infinite if no remainder
    is above rounding (f is linear along v and the gradient is right), and NaN if f or the gradient is not finite.

    Boumal (2023), An introduction to optimization on smooth manifolds, section 4.8.
    """
    subject = Function(f, x)
    v = np.random.default_rng(SEED).standard_normal(subject.point.size)
    v = v if direction is None else subject.flatten(direction, "direction")
    if not v.any():
        raise ValueError("direction: got zeros, expected a direction that is not zero")
    v, steps = v / np.linalg.norm(v), np.logspace(-8, 0, 41)
    with restored(f):
        f0, gradient = subject.value_and_gradient(subject.point.copy())
        phi = Check(subject).phi(slice(None), v)
        with numeric.silence_warnings():
            remainders = np.array([abs(float(phi(t)) - f0 - t * (gradient @ v)) for t in steps])
            noise = numeric.noise_level(phi, f0)
    # the rounding of f and of t <g, v>
    above = remainders > 30 * (noise + EPS * steps * abs(gradient @ v))
    clear = np.isfinite(remainders) & np.logical_and.accumulate(above[::-1])[::-1]
    chosen = np.flatnonzero(clear)[:8]
    if len(chosen) < 2:
        return steps, remainders, np.inf if np.isfinite(remainders).all() else np.nan
    return steps, remainders, float(np.median(np.diff(np.log(remainders[chosen])) / np.diff(np.log(steps[chosen]))))
