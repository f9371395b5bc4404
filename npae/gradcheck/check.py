"""The public checks of a function: check_gradient, assert_gradient, numerical_gradient, taylor_slope."""

import numpy as np

from npae.gradcheck.engine import SEED, Check
from npae.gradcheck.numeric import (
    CENTRAL_STEP,
    COMPLEX_STEP,
    RTOL,
    ComplexWarning,
    central_slope,
    coordinate,
    noise_level,
    power_of_two,
    quietly,
    richardson_slope,
)
from npae.gradcheck.numeric import direction as line
from npae.gradcheck.report import GradientError
from npae.gradcheck.variables import Function, Options, Variables, check_scalar


def check_gradient(f, x, *, method="auto", rtol=None, directions=None, coordinates=None, n_samples=None):
    """Hold the gradient that f returns against derivatives of the value that f returns: a GradientReport.

    error = max|analytic - numeric| / max(max|analytic|, max|numeric|) for each array.

    f(x) -> (value, gradient), x an array, a dict or a list of arrays, the gradient in the same structure and shapes.

    method: "complex" (complex step, machine precision), "richardson" (with an error estimate), "central", or "auto":
    complex where f survives complex input and agrees with a real difference along a random direction of each
    array (a function that takes abs or a conjugate does not), else Richardson. rtol: largest relative error per
    array. directions: compare derivatives along so many random directions of each array, instead of all coordinates
    (above 20,000 numbers "auto" takes 1, and 3 to look closer where that fails). coordinates: compare a random
    sample of so many coordinates of each array. n_samples: the batch size N, which lets the diagnosis tell a mean
    from a sum.

    Raises ValueError where f is not deterministic, changes its input or returns what does not fit x, TypeError for
    float32. Nocedal and Wright (2006), section 8.1; Squire and Trapp (1998).
    """
    options = Options(method, rtol, directions, coordinates, n_samples)
    return Check(Function(f, x), options).report()


def assert_gradient(f, x, **options):
    """Raise GradientError (an AssertionError that carries the report) unless check_gradient(f, x, ...) is ok.

    Returns the report, so that a test can look further.
    """
    report = check_gradient(f, x, **options)
    if not report.ok:
        raise GradientError(report)
    return report


def numerical_gradient(f, x, *, method="central", step=None):
    """The gradient of a scalar f at x by finite differences, in the structure of x.

    central: df/dx_i = (f(x + h e_i) - f(x - h e_i)) / 2h + O(h^2), with h about eps^(1/3) max(1, |x_i|).
    complex: df/dx_i = Im f(x + ih e_i) / h + O(h^2), h = 1e-30, exact to machine precision for an analytic f.
    richardson: the central difference extrapolated, with a step chosen by its estimated error.

    f: array (or dict or list of arrays) -> scalar. step: h for all coordinates.

    Raises ValueError for an unknown method or step, TypeError for float32 and where f casts complex input to real.
    Nocedal and Wright (2006), section 8.1; Squire and Trapp (1998), SIAM Review 40.
    """
    if method not in RTOL:
        raise ValueError(f"got method={method!r}, expected one of {tuple(RTOL)}")
    if step is not None and not (np.isfinite(step) and step > 0 and method != "richardson"):
        raise ValueError(f"got step={step!r}, expected a positive number (and none for 'richardson')")
    variables = Variables(x)
    theta = variables.point.astype(np.complex128 if method == "complex" else np.float64)
    gradient = np.empty(len(theta))

    def value():
        return f(variables.view(theta))

    f0 = check_scalar(f(variables.view(variables.point.copy())))
    with quietly():
        for i, x_i in enumerate(variables.point):
            phi = coordinate(theta, value, i)
            if method == "complex":
                gradient[i] = _complex_part(phi, step or COMPLEX_STEP)
            elif method == "central":
                gradient[i] = central_slope(phi, step or power_of_two(CENTRAL_STEP * max(1.0, abs(x_i))))
            else:
                noise = np.finfo(float).eps * abs(f0)
                gradient[i] = richardson_slope(phi, f0, abs(x_i), noise, 1e-9 * abs(f0)).value
    return variables.view(gradient)


def _complex_part(phi, h):
    try:
        value = phi(1j * h)
    except ComplexWarning as warning:
        raise TypeError(f"f casts its complex input to real ({warning}); use method='central'") from warning
    if not np.iscomplexobj(value):
        raise TypeError(f"f returned {value!r} for complex input, expected a complex number; use method='central'")
    return np.imag(value) / h


def taylor_slope(f, x, direction=None):
    """The slope of the Taylor remainder on logarithmic axes: 2 for a right gradient, 1 for a wrong one.

    R(t) = |f(x + t v) - f(x) - t <g, v>| = t^2/2 |v^T H v| + O(t^3) if g is the gradient of f.

    f(x) -> (value, gradient); x an array, a dict or a list of arrays; direction in the same structure, by default a
    random one, scaled to unit 2-norm. Returns the steps t (41,), the remainders R (41,) and the slope: the median of
    the local slopes over the smallest decade and a half of remainders that stand above rounding. Where nothing stands
    above rounding (f is linear along v and the gradient right) the slope is infinite; where f or the gradient is not
    finite, it is NaN.

    Boumal (2023), An introduction to optimization on smooth manifolds, section 4.8.
    """
    subject = Function(f, x)
    point = subject.point
    v = np.random.default_rng(SEED).standard_normal(point.size)
    if direction is not None:
        v = subject.variables.flatten(direction, "direction")
        if not v.any():
            raise ValueError("got a direction of zeros, expected one that leads somewhere")
    v /= np.linalg.norm(v)
    f0, gradient = subject.value_and_gradient(point.copy())
    steps = np.logspace(-8, 0, 41)
    theta, value = subject.evaluator(np.float64)
    with quietly():
        phi = line(theta, value, slice(None), v)
        remainders = np.array([abs(float(phi(t)) - f0 - t * (gradient @ v)) for t in steps])
        noise = noise_level(phi, f0)
    # rounding: of f, and of t <g, v>
    above = remainders > 30 * (noise + np.finfo(float).eps * steps * abs(gradient @ v))
    clear = np.isfinite(remainders) & np.logical_and.accumulate(above[::-1])[::-1]
    chosen = np.flatnonzero(clear)[:8]
    if len(chosen) < 2:
        return steps, remainders, np.inf if np.isfinite(remainders).all() else np.nan
    local = np.diff(np.log(remainders[chosen])) / np.diff(np.log(steps[chosen]))
    return steps, remainders, float(np.median(local))
