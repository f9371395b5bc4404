"""Analytic against numeric, array by array: the relative error, the verdict, and the known patterns of mistakes."""

import numpy as np

from npae.gradcheck.report import INCONCLUSIVE, KINK, OK, WRONG, Row

LOOSEST = 1e-4  # no tolerance is raised above this by the noise of a difference quotient
EXACT = 1e-5  # a pattern holds if what it does not explain is this part of the gradient


def compare(lines, numeric, x, options, overall, method):
    """The Row of one array.

    lines: its name, shape, positions, analytic values, scale; x: the variable there (None along directions);
    overall: the largest entry of the whole gradient.
    """
    a, n = lines.analytic, numeric.values
    kinks, error = np.broadcast_to(numeric.kinks, a.shape), np.broadcast_to(numeric.error, a.shape)
    scale = max(_largest(n[~kinks]), lines.scale if x is None else _largest(a[~kinks]))
    gap = np.where(kinks, 0.0, np.abs(a - n))
    gap[~np.isfinite(gap)] = np.inf

    rtol = options.rtol or numeric.rtol
    tolerance = np.full(a.shape, rtol * scale)
    if options.rtol is None:
        tolerance = np.maximum(tolerance, np.minimum(3 * error, LOOSEST * scale))
    off = gap > tolerance
    wrong = off & ((gap > 3 * error) | ~np.isfinite(a))
    if not numeric.confirmed:
        wrong &= ~np.isfinite(a)

    status, note, zero = OK, "", False
    if wrong.any():
        status = WRONG
    elif off.any() and (np.abs(a) <= 3 * error).all() and (error <= 1e-7 * overall).all():
        # n is noise, a is below it, and both are nothing beside the other arrays' gradients
        note, zero = f"zero within the rounding of a real difference ({error.max():.0e})", True
    elif off.any():
        status, note = INCONCLUSIVE, _why_inconclusive(numeric, error, scale)
    if kinks.all():
        status = KINK
    k = int(np.argmax(np.where(wrong if wrong.any() else ~kinks, gap, -1.0)))
    at = [_index(lines, i, x is None) for i in (k, *np.flatnonzero(kinks)[:3])]
    row = Row(
        name=lines.name,
        shape=lines.shape,
        status=status,
        error=float(gap[k] / scale) if gap[k] else 0.0,
        tolerance=float(tolerance[k] / scale) if scale else rtol,
        index=at[0],
        analytic=float(a[k]),
        numeric=float(n[k]),
        method=method,
        checked=int((~kinks).sum()),
        wrong=int(wrong.sum()),
        kinks=int(kinks.sum()),
        diagnosis=note,
        rounding=zero,
        worst=k,
        analytic_values=a,
        numeric_values=n,
    )
    if status == WRONG:
        row.diagnosis = _explain(lines, np.where(kinks, n, a), n, x, options, max(rtol, float(tolerance[k] / scale)))
    if kinks.any():
        listed = ", ".join(str(list(index)) for index in at[1:]) + (", ..." if kinks.sum() > 3 else "")
        kink = f"{kinks.sum():,} not differentiable here, at {listed}: the slopes from the left and right differ"
        row.diagnosis = "; ".join(filter(None, (row.diagnosis, kink)))
    return row


def _explain(lines, a, n, x, options, fit):
    if x is not None:
        whole = len(a) == int(np.prod(lines.shape))
        if whole:
            a, n, x = (array.reshape(lines.shape) for array in (a, n, x))
        return diagnose(a, n, x, options.n_samples, fit, whole)
    if not a.any():
        return diagnose(a, n)
    r = constant_factor(a, n, 10 * fit) if len(a) > 1 and n.any() and np.isfinite(a).all() else None
    return "" if r is None else explain_factor(r, lines.shape, options.n_samples, fit)[0]


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
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def _index(lines, k, along_directions):
    if along_directions:
        return (int(k),)
    return tuple(int(i) for i in np.unravel_index(lines.positions[k], lines.shape)) if lines.shape else ()


def diagnose(a, n, x=None, n_samples=None, rtol=EXACT, whole=True):
    """A sentence on why the analytic gradient a is not the numeric gradient n, or '' if no known pattern fits.

    a, n and the variable's value x have one shape; `n_samples` is N, the batch size, if known; `rtol` is how well n
    is known; `whole`: a and n are the array, not a sample of its entries. The patterns are tried from the simplest on.
    """
    fit = max(EXACT, 10 * rtol)
    finite = np.isfinite(a)
    if not finite.all():
        return f"{a.size - finite.sum():,} of {a.size:,} entries of the analytic gradient are NaN or infinite"
    if not a.any():
        return "the analytic gradient is zero: a term of the value never reaches this array in the backward pass"
    if not n.any():
        return "the value does not depend on this array, but the analytic gradient is not zero"
    r = constant_factor(a, n, fit)
    if r is not None:
        sentence, known = explain_factor(r, a.shape, n_samples, fit)
        if known or a.size > 1:
            return sentence
    patterns = (_order, _signs, _broadcast, _zero_lines, _few_entries) if whole else ()
    return _offset(a, n, x, fit) or next(filter(None, (pattern(a, n, fit) for pattern in patterns)), "")


def constant_factor(a, n, fit=EXACT):
    """r if a = r n, else None."""
    r = float(np.vdot(n, a) / np.vdot(n, n))
    return r if r and np.linalg.norm(a - r * n) <= fit * np.linalg.norm(a) else None


def _close(a, b, fit):
    return np.linalg.norm(a - b) <= fit * max(np.linalg.norm(a), np.linalg.norm(b))


def explain_factor(r, shape, n_samples, fit):
    """A sentence on analytic = r numeric, and whether r is a known number (sign, 2, N, a width)."""

    def near(number):
        return number and abs(r / number - 1) <= 10 * fit

    axes = [(size, "the length of an axis of this array") for size in shape]
    for N, count in ((n_samples, "the batch size N"), *axes):
        if N is None or N <= 2:  # 2 is more often a forgotten half
            continue
        if near(N):
            return f"analytic = {N} x numeric, and {N} is {count}: the value averages where the gradient sums", True
        if near(1 / N):
            return f"analytic = numeric / {N}, and {N} is {count}: the value sums where the gradient averages", True
    batch = "; or mean against sum, the batch size being 2" if n_samples == 2 else ""
    for number, sentence in (
        (-1, "analytic = -numeric: the sign is wrong"),
        (2, f"analytic = 2 x numeric: a factor 1/2 of the value is forgotten in the gradient{batch}"),
        (0.5, f"analytic = numeric / 2: a factor 2 is forgotten in the gradient (derivative of a square){batch}"),
    ):
        if near(number):
            return sentence, True
    for number in (round(r), 1 / round(1 / r) if abs(r) < 0.7 and round(1 / r) else 0):
        if number and abs(number) != 1 and abs(number) < 1e6 and near(number):
            text = f"{number:g}" if abs(number) > 1 else f"1/{round(1 / number)}"
            count = abs(round(max(number, 1 / number, key=abs)))
            return (
                f"analytic = {text} x numeric: mean against sum over {count} samples or features? "
                "or a constant forgotten",
                True,
            )
    return f"analytic = {r:.6g} x numeric everywhere: a constant factor is wrong", False


def _offset(a, n, x, fit):
    if x is None or a.size < 2 or not x.any():
        return ""
    # a - n carries the error of n, which is larger relative to a - n than to n
    c = constant_factor(a - n, x, min(fit * max(1.0, np.linalg.norm(n) / np.linalg.norm(a - n)), 0.01))
    if c is None:
        return ""
    if c < 0:
        return f"analytic = numeric - {-c:.6g} x the array itself: the gradient of a weight decay is missing"
    return f"analytic = numeric + {c:.6g} x the array itself: a weight decay is in the gradient, not in the value"


def _order(a, n, fit):
    if a.ndim != 2 or min(a.shape) < 2:
        return ""
    if a.shape[0] == a.shape[1] and _close(a, n.T, fit):
        return "the analytic gradient is transposed"
    if _close(a, n.T.reshape(a.shape), fit) or _close(a.T.reshape(a.shape), n, fit):
        return "the analytic gradient is transposed: its entries are in the order of the transpose"
    return ""


def _broadcast(a, n, fit):
    axes = [axis for axis in range(a.ndim) if a.shape[axis] > 1]
    for axis in axes:
        what = "axis" if a.ndim == 1 else f"axis {axis}"
        for reduce, word in ((np.sum, "summed"), (np.mean, "averaged")):
            if _close(a, np.broadcast_to(reduce(n, axis=axis, keepdims=True), a.shape), fit):
                return f"the analytic gradient is {word} over {what} and repeated along it: look for a wrong axis"
    flat = fit * np.abs(a).max()
    if axes and np.ptp(a) <= flat:
        return "all entries of the analytic gradient are equal: a sum over the wrong axis was broadcast"
    for axis in axes if a.ndim > 1 else ():
        if np.ptp(a, axis=axis).max() <= flat:
            return f"the analytic gradient is constant along axis {axis}: a sum over the wrong axis was broadcast"
    return ""


def _zero_lines(a, n, fit):
    small = fit * np.abs(n).max()
    words = (("row", "rows"), ("column", "columns")) if a.ndim == 2 else (("entry", "entries"),) if a.ndim else ()
    for axis, (one, many) in enumerate(words):
        others = tuple(k for k in range(a.ndim) if k != axis)
        lines = np.flatnonzero(~a.any(axis=others) & (np.abs(n).max(axis=others) > small))
        if len(lines):
            listed = ", ".join(map(str, lines[:5])) + (", ..." if len(lines) > 5 else "")
            what, whom = (f"{one} {listed} is", "it") if len(lines) == 1 else (f"{many} {listed} are", "them")
            return f"{what} zero in the analytic gradient: a term never reaches {whom}"
    return ""


def _signs(a, n, fit):
    flipped = np.sum((a * n < 0) & (np.abs(a - n) > fit * np.abs(n).max()))
    if not flipped or not _close(np.abs(a), np.abs(n), fit):
        return ""
    return f"the magnitudes agree but {flipped:,} of {a.size:,} signs are wrong"


def _few_entries(a, n, fit):
    bad = np.flatnonzero(np.abs(a - n).ravel() > fit * max(np.abs(a).max(), np.abs(n).max()))
    if not 0 < len(bad) <= max(1, a.size // 20) or a.size < 4:
        return ""
    at = ", ".join(str([int(k) for k in np.unravel_index(i, a.shape)]) for i in bad[:3])
    return f"only {len(bad):,} of {a.size:,} entries are wrong, at {at}{', ...' if len(bad) > 3 else ''}"


def diagnose_all(rows):
    """A sentence on the pattern of the rows: only the biases wrong, or one factor everywhere; else ''.

    A bias is any vector beside a matrix, except the input x.
    """
    wrong = [row for row in rows if row.status == WRONG]
    if not wrong or not all(np.isfinite(row.analytic_values).all() for row in wrong):
        return ""
    biases = {row.name for row in rows if len(row.shape) == 1 and row.name != "x"}
    if {row.name for row in wrong} <= biases and any(len(row.shape) == 2 for row in rows):
        return (
            "only biases are wrong, all weight matrices agree: look at the sum over the samples in db, "
            "and for a term of the value that uses the bias alone"
        )
    if len(wrong) > 1 and len(wrong) == sum(row.status != KINK for row in rows):
        a, n = (np.concatenate([getattr(row, f"{side}_values") for row in wrong]) for side in ("analytic", "numeric"))
        r = constant_factor(a, n) if n.any() else None
        if r is not None:
            return f"all arrays are wrong by the same factor {r:.6g}: look at what multiplies the whole value"
    return ""
