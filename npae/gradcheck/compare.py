"""Analytic against numeric, array by array: the relative error, the verdict and its explanation."""

from dataclasses import dataclass

import numpy as np

from npae.gradcheck.diagnosis import constant_factor, diagnose, diagnose_all, explain_factor
from npae.gradcheck.report import INCONCLUSIVE, KINK, OK, WRONG, GradientReport, Row

LOOSEST = 1e-4  # no tolerance is raised above this by the noise of a difference quotient


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


def compare(lines, numeric, x, options, overall, method):
    """The Row of one array.

    lines: its name, shape, positions, analytic values, scale; x: the variable there (None along directions);
    overall: the largest entry of the whole gradient.
    """
    a, n = lines.analytic, numeric.values
    kinks = np.broadcast_to(numeric.kinks, a.shape)
    smooth = ~kinks
    error = np.broadcast_to(numeric.error, a.shape)
    along_directions = len(lines.positions) and x is None
    scale = max(_largest(n[smooth]), lines.scale if along_directions else _largest(a[smooth]))
    gap = np.where(smooth, np.abs(a - n), 0.0)
    gap[~np.isfinite(gap)] = np.inf

    rtol = options.rtol or numeric.rtol
    tolerance = np.full(a.shape, rtol * scale)
    if options.rtol is None:
        tolerance = np.maximum(tolerance, np.minimum(3 * error, LOOSEST * scale))
    off = gap > tolerance
    wrong = off & ((gap > 3 * error) | ~np.isfinite(a))
    if not numeric.confirmed:
        wrong &= ~np.isfinite(a)

    status, note = OK, ""
    if wrong.any():
        status = WRONG
    elif off.any():
        status = INCONCLUSIVE
        if (np.abs(a) <= 3 * error).all() and (error <= 1e-7 * overall).all():
            # n is noise, a is below it, and both are nothing beside the other arrays' gradients
            status, note = OK, f"zero within the rounding of a real difference ({error.max():.0e})"
        else:
            note = _why_inconclusive(numeric, error, scale)
    if kinks.all():
        status = KINK
    k = _worst(gap, wrong, smooth)
    row = Row(
        name=lines.name,
        shape=lines.shape,
        status=status,
        error=float(gap[k] / scale) if gap[k] else 0.0,
        tolerance=float(tolerance[k] / scale) if scale else rtol,
        index=_index(lines, k, along_directions),
        analytic=float(a[k]),
        numeric=float(n[k]),
        method=method,
        checked=int(smooth.sum()),
        wrong=int(wrong.sum()),
        kinks=int(kinks.sum()),
        diagnosis=note,
        worst=k,
        analytic_values=a,
        numeric_values=n,
    )
    if status == WRONG:
        row.diagnosis = _explain(lines, np.where(smooth, a, n), n, x, options, max(rtol, float(tolerance[k] / scale)))
    if kinks.any():
        at = ", ".join(_bracket(_index(lines, i, along_directions)) for i in np.flatnonzero(kinks)[:3])
        more = ", ..." if kinks.sum() > 3 else ""
        kink = f"{kinks.sum():,} not differentiable here, at {at}{more}: the slopes from the left and right differ"
        row.diagnosis = "; ".join(filter(None, (row.diagnosis, kink)))
    return row


def finish(rows, method, reason, value):
    """The GradientReport of all rows, with what their pattern as a whole says."""
    wrong = [(row, row.analytic_values, row.numeric_values) for row in rows if row.status == WRONG]
    return GradientReport(rows, method, reason, value, diagnose_all(rows, wrong))


def _explain(lines, a, n, x, options, fit):
    if x is None:
        if not a.any():
            return diagnose(a, n)
        r = constant_factor(a, n, 10 * fit) if len(a) > 1 and n.any() and np.isfinite(a).all() else None
        return "" if r is None else explain_factor(r, lines.shape, options.n_samples, fit)[0]
    if len(a) == int(np.prod(lines.shape)):
        a, n, x = (array.reshape(lines.shape) for array in (a, n, x))
        return diagnose(a, n, x, options.n_samples, fit)
    return diagnose(a, n, x, options.n_samples, fit, whole=False)


def _why_inconclusive(numeric, error, scale):
    if not numeric.confirmed:
        return (
            "the complex step disagrees, but the gradient is too small beside the value for a real difference to say "
            "whether the complex step can be trusted here; subtract the constant part of f"
        )
    return (
        f"the numeric derivative is known to {error.max():.0e} only, the largest entry is {scale:.0e}: a real "
        "difference loses eps |f| / h. Subtract the constant part of f, scale x, or let f accept complex input"
    )


def _largest(values):
    values = np.abs(values[np.isfinite(values)])
    return float(values.max(initial=0.0))


def _worst(gap, wrong, smooth):
    if wrong.any():
        return int(np.argmax(np.where(wrong, gap, -1.0)))
    return int(np.argmax(np.where(smooth, gap, -1.0)))


def _index(lines, k, along_directions):
    if along_directions:
        return (int(k),)
    return tuple(int(i) for i in np.unravel_index(lines.positions[k], lines.shape)) if lines.shape else ()


def _bracket(index):
    return "[" + ", ".join(map(str, index)) + "]"
