"""What a wrong gradient looks like: patterns of errors whose causes are known, told in plain words."""

import itertools
import re

import numpy as np

from npae.gradcheck.report import KINK, UNCHECKED, WRONG
from npae.mistakes import Factors, constant_factor

EXACT = 1e-5  # a pattern holds if what it does not explain is this part of the gradient
FACTORS = Factors(
    got="analytic",
    expected="numeric",
    known={
        -1.0: "-numeric: the sign is wrong",
        2.0: "2 x numeric: a factor 1/2 of the value is forgotten in the gradient",
        0.5: "numeric / 2: a factor 2 is forgotten in the gradient (derivative of a square)",
        -2.0: "-2 x numeric: the sign is wrong, and a factor 1/2 of the value is forgotten",
        -0.5: "-numeric / 2: the sign is wrong, and a factor 2 is forgotten",
        np.log(2): "numeric x log 2: log2 in the value, log in the gradient",
        1 / np.log(2): "numeric / log 2: log in the value, log2 in the gradient",
    },
    sums="the value averages where the gradient sums",
    averages="the value sums where the gradient averages",
)
TIMES = {  # by what a derivative is multiplied in vain, or not multiplied
    "x": lambda x: x, "x^2": lambda x: x * x, "(1 - x)": lambda x: 1 - x, "x (1 - x)": lambda x: x * (1 - x),
    "(1 - x^2)": lambda x: 1 - x * x, "(1 - tanh(x)^2)": lambda x: 1 / np.cosh(x) ** 2,
    "sigmoid(x)": lambda x: 1 / (1 + np.exp(-x)), "(1 - sigmoid(x))": lambda x: 1 / (1 + np.exp(x)),
    "exp(x)": lambda x: np.exp(x), "cos(x)": lambda x: np.cos(x),
}  # fmt: skip


def diagnose(a, n, x=None, n_samples=None, rtol=EXACT, shape=None, labels=None):
    """A sentence on why the analytic gradient a is not the numeric gradient n, or '' if no known pattern fits.

    a, n and the variable's value x have one shape (without x they are along random directions); n_samples: N, the
    batch size, if known; rtol: how well n is known; shape: of the array that a block was taken of, labels: which rows
    and columns. The patterns are tried from the simplest on.
    """
    fit, finite = max(EXACT, 10 * rtol), np.isfinite(a)
    if not finite.all():
        return f"{a.size - finite.sum():,} of {a.size:,} entries of the analytic gradient are NaN or infinite"
    if not a.any():
        return "the analytic gradient is zero: a term of the value never reaches this array in the backward pass"
    if not n.any():
        return "the value does not depend on this array, but the analytic gradient is not zero"
    if r := constant_factor(a, n, fit):
        shape, batch = shape or a.shape, n_samples or 0
        sizes = dict.fromkeys((k for k in shape if k > 2), "the length of an axis of this array")
        sizes |= dict.fromkeys((k * batch for k in shape), "the batch size by the length of an axis")
        return FACTORS.explain(r, sizes | {batch: "the batch size N"}, fit, single=a.size == 1)
    patterns = () if x is None else _patterns(a, n, x, fit, labels or [np.arange(size) for size in a.shape])
    return next((sentence for fits, sentence in patterns if fits), "")


def _close(a, b, fit):
    return np.linalg.norm(a - b) <= fit * max(np.linalg.norm(a), np.linalg.norm(b))


def _patterns(a, n, x, fit, labels):
    """(whether it fits, sentence) for each pattern, in the order in which they are tried."""
    the, axes = "the analytic gradient is ", [axis for axis in range(a.ndim) if a.shape[axis] > 1]
    # a - n carries the error of n, which is larger relative to a - n than to n
    c = constant_factor(a - n, x, min(fit * max(1.0, np.linalg.norm(n) / np.linalg.norm(a - n)), 0.01)) or 0.0
    decay = f"missing, or one of {-c / 2:.6g} has the wrong sign" if c < 0 else "in the gradient, not in the value"
    more = f"{'+-'[c < 0]} {abs(c):.6g} x the array itself"
    yield c, f"analytic = numeric {more}: the gradient of a weight decay is {decay}"
    if a.ndim == 2 and min(a.shape) > 1:
        order = "" if a.shape == n.T.shape else ": its entries are in the order of the transpose"
        turned = _close(a, n.T.reshape(a.shape), fit) or _close(a.T.reshape(a.shape), n, fit)
        yield turned, f"{the}transposed{order}"
    yield a.ndim > 1 and _close(a, np.flip(n, (-2, -1)), fit), the + "turned around: a convolution for a correlation?"
    where = _where(a, n, x, fit, labels)
    for axis in axes:
        b, m, along = np.moveaxis(a, axis, 0), np.moveaxis(n, axis, 0), f"axis {axis}" if a.ndim > 1 else "axis"
        yield _close(b, m[::-1], fit), the + f"reversed along {along}"
        off = (b[1:].any() and _close(b[1:], m[:-1], fit)) or (b[:-1].any() and _close(b[:-1], m[1:], fit))
        yield len(b) > 2 and off, the + f"shifted along {along}: an index is off by one"
        for total, word in ((m.sum(axis=0), "summed"), (m.mean(axis=0), "averaged")):
            repeated = np.broadcast_to(total, b.shape)
            yield _close(b, repeated, fit), the + f"{word} over {along} and repeated along it: look for a wrong axis"
    order = _close(np.sort(a, axis=None), np.sort(n, axis=None), fit)
    yield order, "the numbers are right, but in another order: look at a reshape, a permutation, an index"
    top, c = np.abs(a).max(), np.abs(a - n).max()
    yield _close(a, np.clip(n, -top, top), fit), the + f"clipped at {top:.6g}"
    yield where, where
    for which, along in (None, "everywhere"), *((axis, f"along axis {axis}") for axis in axes if a.ndim > 1):
        yield np.ptp(a, which).max() <= fit * top, the + f"constant {along}: a sum over the wrong axis was broadcast"
        shared = f"the difference is constant {along}: a term that all entries share (a mean, a sum) is missing"
        yield np.ptp(a - n, which).max() <= fit * c, shared
    yield _close(a, top * np.sign(n), fit), "only the signs of the gradient are right: its magnitudes are all equal"
    for axis, what in enumerate(("column", "row")) if a.ndim == 2 and min(a.shape) > 1 else ():
        r = (a * n).sum(axis=axis, keepdims=True) / np.maximum((n * n).sum(axis=axis, keepdims=True), 1e-300)
        yield _close(a, r * n, fit), f"each {what} is wrong by a factor of its own: a scale, a deviation, a weight?"
    for axis in axes:
        for part, words in (
            (1, "sums to 0 along axis {} (a softmax, or a mean that is subtracted)"),
            (x, "has no part along x on axis {} (a normalization, by a norm or a deviation)"),
        ):
            zero, size = np.abs((n * part).sum(axis)).max(), np.abs(n * part).sum(axis).max()
            fits = zero <= fit * size < np.abs((a * part).sum(axis)).max()
            yield fits, f"the true gradient {words.format(axis)}, the analytic one does not: a part of it is missing"
    for words, factor in TIMES.items():
        if np.ptp(y := factor(x)) > fit:
            more = f"analytic = numeric x {words}, x the array: a derivative is multiplied in that is not there"
            yield constant_factor(a, n * y, fit), more
            less = f"analytic = numeric / {words}, x the array: a derivative is not multiplied in"
            yield constant_factor(a * y, n, fit), less


def _where(a, n, x, fit, labels):
    """'wrong only in this region, and there like this', or ''."""
    size = np.maximum(np.abs(a), np.abs(n))
    bad, care = np.abs(a - n) > fit * size.max(), size > fit * size.max()
    regions = _regions(x, bad, labels) if (care & ~bad).any() and bad.sum() > 1 else ()
    place = next((w for w, mask in regions if not (bad & ~mask).any() and not (mask & ~bad & care).any()), "")
    if _close(np.abs(a), np.abs(n), fit):
        return f"the magnitudes agree but {bad.sum():,} of {a.size:,} signs are wrong{place and ': '}{place}"
    r = constant_factor(a[bad], n[bad], 10 * fit) if bad.sum() > 1 else None
    what = ", where the analytic gradient is zero: a term never reaches it" if not a[bad].any() else ""
    what = ", where it should be zero" if not n[bad].any() else what
    what = ", and there " + FACTORS.explain(r, {}, fit) if r else what
    if place:
        repeats = place[:3] == "row" and not what and bad.any(axis=1).mean() <= 0.5
        lost = "; an index that repeats keeps its last `+=` only: np.add.at" if repeats else ""
        return f"wrong only {place}{what}{lost}"
    if bad.sum() <= max(1, a.size // 20) and a.size >= 4:
        at = ", ".join(str([int(label[k]) for label, k in zip(labels, spot)]) for spot in np.argwhere(bad)[:3])
        return f"only {bad.sum():,} of {a.size:,} entries are wrong, at {at}{', ...' if bad.sum() > 3 else ''}{what}"
    return f"{bad.sum():,} of {a.size:,} entries are wrong{what}" if what and bad.sum() < care.sum() else ""


def _regions(x, bad, labels):
    """(words, mask) of places that a mistake can be confined to, none of them nearly everything."""
    for axis in range(x.ndim) if x.ndim > 1 else ():
        name = ("row", "column")[axis] if x.ndim == 2 else f"axis {axis} at"
        lines = np.flatnonzero(np.moveaxis(bad, axis, 0).reshape(len(labels[axis]), -1).any(axis=1))
        at = ", ".join(str(labels[axis][i]) for i in lines[:5]) + (", ..." if len(lines) > 5 else "")
        if len(lines) <= 0.75 * len(labels[axis]):
            yield f"{name}{'s' * (len(lines) > 1 and x.ndim == 2)} {at}", np.isin(np.indices(x.shape)[axis], lines)
    if x.ndim == 2:
        i, j = np.indices(x.shape)
        yield from (("on the diagonal", i == j), ("off the diagonal", i != j))
        yield from (("above the diagonal", i < j), ("below the diagonal", i > j))
    box, inner = ([slice(w.min(), w.max() + 1) for w in np.nonzero(mask)] for mask in (bad, ~bad))
    block, border = np.zeros(x.shape, bool), np.ones(x.shape, bool)
    block[tuple(box)], border[tuple(inner)] = True, False
    span = ", ".join(f"{label[part.start]}:{label[part.stop - 1] + 1}" for label, part in zip(labels, box))
    places = [("where x < 0", x < 0), ("where x > 0", x > 0), ("where x = 0", x == 0)]
    places += [(f"in the block [{span}]", block), ("at the border", border)]
    for words, size in (("x", x), ("|x|", np.abs(x))):
        places += [(f"where {words} > {size[~bad].max():.3g}", size > size[~bad].max())]
        places += [(f"where {words} < {size[~bad].min():.3g}", size < size[~bad].min())]
    yield from ((words, mask) for words, mask in places if mask.mean() <= 0.75)


def diagnose_all(rows, asymmetry):
    """A sentence on what the wrong rows have in common, or on where an unknown mistake comes from; else ''.

    asymmetry() of the gradient's derivative: 0 for the gradient of any function, NaN where it cannot be had.
    """
    wrong, names = [row for row in rows if row.status == WRONG], [row.name for row in rows if row.status == WRONG]
    biases = {row.name for row in rows if len(row.shape) == 1 and re.search(r"(^|[._])[bc]\d*$|bias", row.name)}
    if not wrong or not all(np.isfinite(row.analytic_values).all() for row in wrong):
        return ""
    if biases.issuperset(names) and any(len(row.shape) == 2 for row in rows):
        look = "look at the sum over the samples in db, and for a term of the value that uses the bias alone"
        return f"only biases are wrong, all weight matrices agree: {look}"
    for p, q in itertools.permutations(wrong, 2):
        if p.shape == q.shape and _close(p.analytic_values, q.numeric_values, EXACT):
            return f"the gradient of {p.name} is that of {q.name}: they are exchanged, or one is used twice"
    every = len(wrong) > 1 and len(wrong) == sum(row.status not in (KINK, UNCHECKED) for row in rows)
    a, n = (np.concatenate([getattr(row, f"{side}_values") for row in wrong]) for side in ("analytic", "numeric"))
    if every and (r := constant_factor(a, n, EXACT)):
        return f"all arrays are wrong by the same factor {r:.6g}: look at what multiplies the whole value"
    if all(row.diagnosis for row in wrong):
        return ""
    told = [f"wrong in {', '.join(names)} alone: look at what only these pass through"] if len(rows) > 1 else []
    if 1 < len(rows) == len(wrong):
        told = ["every array is wrong: look at where the backward pass begins"]
    if (size := asymmetry()) <= 1e-6:
        told += ["it is the gradient of another function than the value: a term, a power or a constant differs"]
    elif size >= 1e-4:
        told += ["no function has this gradient (its derivative is not symmetric): a mistake in the chain rule"]
    return "; ".join(told)
