"""What a wrong gradient looks like: the patterns of errors whose causes are known, told in plain language."""

import numpy as np

EXACT = 1e-5  # a pattern holds if what it does not explain is this part of the gradient


def diagnose(a, n, x=None, n_samples=None, rtol=EXACT, whole=True):
    """A sentence on why the analytic gradient a is not the numeric gradient n, or '' if no known pattern fits.

    a, n and the variable's value x have one shape; `n_samples` is N, the batch size, if known; `rtol` is how well n
    is known; `whole`: a and n are the array, not a sample of its entries. Patterns, in this order: not finite; zero;
    a constant factor (sign, 2, N, a width); an offset proportional to x; another order of the entries (transposed);
    an axis summed or averaged away; rows that are zero; signs alone; a few entries alone.
    """
    fit = max(EXACT, 10 * rtol)
    finite = np.isfinite(a)
    if not finite.all():
        return f"{a.size - finite.sum():,} of {a.size:,} entries of the analytic gradient are NaN or infinite"
    if not a.any():
        return "the analytic gradient is zero: a term of the value never reaches this array in the backward pass"
    if not n.any():
        return "the value does not depend on this array, but the analytic gradient is not zero"
    patterns = (_factor, _offset, _order, _broadcast, _zero_lines, _signs, _few_entries)
    for pattern in patterns if whole else (_factor, _offset):
        sentence = pattern(a, n, x, n_samples, fit)
        if sentence:
            return sentence
    return ""


def constant_factor(a, n, fit=EXACT):
    """r if a = r n, else None."""
    r = float(np.vdot(n, a) / np.vdot(n, n))
    return r if r and np.linalg.norm(a - r * n) <= fit * np.linalg.norm(a) else None


def _close(a, b, fit):
    return np.linalg.norm(a - b) <= fit * max(np.linalg.norm(a), np.linalg.norm(b))


def _factor(a, n, x, n_samples, fit):
    r = constant_factor(a, n, fit)
    if r is None or (a.size == 1 and not explain_factor(r, a.shape, n_samples, fit)[1]):
        return ""
    sentence, _ = explain_factor(r, a.shape, n_samples, fit)
    return sentence


def explain_factor(r, shape, n_samples, fit):
    """A sentence on analytic = r numeric, and whether r is a known number (sign, 2, N, a width)."""

    def near(number):
        return number and abs(r / number - 1) <= 10 * fit

    for N, count in (
        (n_samples, "the batch size N"),
        *((size, "the length of an axis of this array") for size in shape),
    ):
        if N is None or N <= 2:  # 2 is more often a forgotten half
            continue
        if near(N):
            return (
                f"analytic = {N} x numeric, and {N} is {count}: the value averages where the gradient sums",
                True,
            )
        if near(1 / N):
            return (
                f"analytic = numeric / {N}, and {N} is {count}: the value sums where the gradient averages",
                True,
            )
    if near(-1):
        return "analytic = -numeric: the sign is wrong", True
    batch = "; or mean against sum, the batch size being 2" if n_samples == 2 else ""
    if near(2):
        return f"analytic = 2 x numeric: a factor 1/2 of the value is forgotten in the gradient{batch}", True
    if near(0.5):
        return (
            f"analytic = numeric / 2: a factor 2 is forgotten in the gradient (derivative of a square){batch}",
            True,
        )
    for number in (round(r), 1 / round(1 / r) if abs(r) < 0.7 and round(1 / r) else 0):
        if number and abs(number) != 1 and abs(number) < 1e6 and near(number):
            text = f"{number:g}" if abs(number) > 1 else f"1/{round(1 / number)}"
            return (
                f"analytic = {text} x numeric: mean against sum over {abs(round(max(number, 1 / number, key=abs)))} "
                "samples or features? or a constant forgotten",
                True,
            )
    return f"analytic = {r:.6g} x numeric everywhere: a constant factor is wrong", False


def _offset(a, n, x, n_samples, fit):
    if x is None or a.size < 2 or not x.any():
        return ""
    # a - n carries the error of n, which is larger relative to a - n than to n
    c = constant_factor(a - n, x, min(fit * max(1.0, np.linalg.norm(n) / np.linalg.norm(a - n)), 0.01))
    if c is None:
        return ""
    if c < 0:
        return f"analytic = numeric - {-c:.6g} x the array itself: the gradient of a weight decay is missing"
    return f"analytic = numeric + {c:.6g} x the array itself: a weight decay is in the gradient, not in the value"


def _order(a, n, x, n_samples, fit):
    if a.ndim != 2 or min(a.shape) < 2:
        return ""
    if a.shape[0] == a.shape[1] and _close(a, n.T, fit):
        return "the analytic gradient is transposed"
    if _close(a, n.T.reshape(a.shape), fit) or _close(a.T.reshape(a.shape), n, fit):
        return "the analytic gradient is transposed: its entries are in the order of the transpose"
    return ""


def _broadcast(a, n, x, n_samples, fit):
    if not a.ndim or a.size < 2:
        return ""
    for axis in range(a.ndim):
        if a.shape[axis] < 2:
            continue
        for reduce, word in ((np.sum, "summed"), (np.mean, "averaged")):
            if _close(a, np.broadcast_to(reduce(n, axis=axis, keepdims=True), a.shape), fit):
                what = "" if a.ndim == 1 else f" {axis}"
                return f"the analytic gradient is {word} over axis{what} and repeated along it: look for a wrong axis"
    if np.ptp(a) <= fit * np.abs(a).max():
        return "all entries of the analytic gradient are equal: a sum over the wrong axis was broadcast"
    for axis in range(a.ndim) if a.ndim > 1 else ():
        if a.shape[axis] > 1 and np.ptp(a, axis=axis).max() <= fit * np.abs(a).max():
            return f"the analytic gradient is constant along axis {axis}: a sum over the wrong axis was broadcast"
    return ""


def _zero_lines(a, n, x, n_samples, fit):
    small = fit * np.abs(n).max()
    for axis, word in ((0, "row"), (1, "column")) if a.ndim == 2 else ((0, "entry"),):
        others = tuple(k for k in range(a.ndim) if k != axis)
        lines = np.flatnonzero(~a.any(axis=others) & (np.abs(n).max(axis=others) > small))
        if len(lines):
            one, many = word, {"row": "rows", "column": "columns", "entry": "entries"}[word]
            listed = ", ".join(map(str, lines[:5])) + (", ..." if len(lines) > 5 else "")
            what = f"{one} {listed} is" if len(lines) == 1 else f"{many} {listed} are"
            return f"{what} zero in the analytic gradient: a term never reaches {'it' if len(lines) == 1 else 'them'}"
    return ""


def _signs(a, n, x, n_samples, fit):
    if not _close(np.abs(a), np.abs(n), fit):
        return ""
    flipped = np.sum((a * n < 0) & (np.abs(a - n) > fit * np.abs(n).max()))
    return f"the magnitudes agree but {flipped:,} of {a.size:,} signs are wrong" if flipped else ""


def _few_entries(a, n, x, n_samples, fit):
    bad = np.flatnonzero(np.abs(a - n).ravel() > fit * max(np.abs(a).max(), np.abs(n).max()))
    if not 0 < len(bad) <= max(1, a.size // 20) or a.size < 4:
        return ""
    at = ", ".join("[" + ", ".join(map(str, map(int, np.unravel_index(i, a.shape)))) + "]" for i in bad[:3])
    return f"only {len(bad):,} of {a.size:,} entries are wrong, at {at}{', ...' if len(bad) > 3 else ''}"


def diagnose_all(rows, wrong):
    """A sentence on the pattern of the rows: only the biases wrong, or one factor everywhere; else ''.

    `wrong` holds (row, analytic, numeric) of the wrong rows. A bias is any vector beside a matrix, except the input x.
    """
    if not wrong or not all(np.isfinite(a).all() for _, a, _ in wrong):
        return ""
    names = {row.name for row, _, _ in wrong}
    biases = {row.name for row in rows if len(row.shape) == 1 and row.name != "x"}
    if names <= biases and any(len(row.shape) == 2 for row in rows):
        return (
            "only biases are wrong, all weight matrices agree: look at the sum over the samples in db, "
            "and for a term of the value that uses the bias alone"
        )
    if len(wrong) > 1 and len(wrong) == sum(row.status != "not differentiable" for row in rows):
        a, n = (np.concatenate([part[i] for part in wrong]) for i in (1, 2))
        r = constant_factor(a, n) if n.any() else None
        if r is not None:
            return f"all arrays are wrong by the same factor {r:.6g}: look at what multiplies the whole value"
    return ""
