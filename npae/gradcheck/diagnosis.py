"""Explain a wrong gradient: patterns of errors whose causes are known, in plain words."""

import itertools
import re

import numpy as np

from npae.gradcheck.mistakes import Comparison, accounts_for, constant_factor, matches_instead, wrong_factor
from npae.gradcheck.report import KINK, NOT_CHECKED, WRONG

EXACT = 1e-5  # a pattern holds if its relative error is at most this
GRADIENT = Comparison(
    got="analytic", expected="numeric", subject="the analytic gradient",
    known={
        -1.0: "-numeric: the sign is wrong", 2.0: "2 x numeric: a factor 1/2 of the value is forgotten in the gradient",
        0.5: "numeric / 2: a factor 2 is forgotten in the gradient (derivative of a square)",
        -2.0: "-2 x numeric: the sign is wrong, and a factor 1/2 of the value is forgotten",
        -0.5: "-numeric / 2: the sign is wrong, and a factor 2 is forgotten",
        np.log(2): "numeric x log 2: log2 in the value, log in the gradient",
        1 / np.log(2): "numeric / log 2: log in the value, log2 in the gradient",
    },
    sums="the value averages where the gradient sums", averages="the value sums where the gradient averages",
    absent=": a term never reaches it", repeated="; an index that repeats keeps its last `+=` only: np.add.at",
)  # fmt: skip
TIMES = {  # factors that a derivative may have too much, or may lack
    "x": lambda x: x, "x^2": lambda x: x * x, "(1 - x)": lambda x: 1 - x, "x (1 - x)": lambda x: x * (1 - x),
    "(1 - x^2)": lambda x: 1 - x * x, "(1 - tanh(x)^2)": lambda x: 1 / np.cosh(x) ** 2,
    "sigmoid(x)": lambda x: 1 / (1 + np.exp(-x)), "(1 - sigmoid(x))": lambda x: 1 / (1 + np.exp(x)),
    "exp(x)": lambda x: np.exp(x), "cos(x)": lambda x: np.cos(x),
}  # fmt: skip


def diagnose(a, n, x=None, n_samples=None, rtol=EXACT, shape=None, labels=None, bad=None):
    """Return a sentence on why the analytic gradient a is not the numeric gradient n, or '' if no known pattern fits.

    a, n and the variable's value x have one shape (without x they are along random directions); n_samples: N, the
    batch size, if known; rtol: the relative error of n; if a is a block, shape: of the whole array, labels: the block's
    rows and columns; bad: a mask of the wrong entries. Simple patterns come first.
    """
    tol, finite = max(EXACT, 10 * rtol), np.isfinite(a)
    if not finite.all():
        return f"{a.size - finite.sum():,} of {a.size:,} entries of the analytic gradient are NaN or infinite"
    if not a.any():
        return "the analytic gradient is zero: a term of the value never reaches this array in the backward pass"
    if not n.any():
        return "the value does not depend on this array, but the analytic gradient is not zero"
    if r := wrong_factor(a, n, tol):
        shape, batch = shape or a.shape, n_samples or 0
        sizes = dict.fromkeys((k for k in shape if k > 2), "the length of an axis of this array")
        sizes |= dict.fromkeys((k * batch for k in shape if k * batch > 2), "the batch size by the length of an axis")
        return GRADIENT.factor(r, sizes | {batch: "the batch size N"}, tol, single=a.size == 1)
    patterns = () if x is None else _patterns(a, n, x, tol, labels, bad)
    return next((sentence for fits, sentence in patterns if fits), "")


def _patterns(a, n, x, tol, labels, bad):
    """Yield (True if it fits, sentence) for each pattern, in the order in which they should be tried."""
    # a - n carries the error of n, which is larger relative to a - n than to n
    c = constant_factor(a - n, x, min(tol * max(1.0, np.linalg.norm(n) / np.linalg.norm(a - n)), 0.01)) or 0.0
    wrong = f"missing, or one of {-c / 2:.6g} has the wrong sign, or one of {-c:.6g} lacks a factor 2"
    decay = wrong if c < 0 else "in the gradient, not in the value"
    more = f"{'+-'[c < 0]} {abs(c):.6g} x the array itself"
    fits = np.count_nonzero(x[bad]) >= min(3, max(x.size, 2)) and accounts_for(a[bad], n[bad], (n + c * x)[bad])
    yield fits, f"analytic = numeric {more}: the gradient of a weight decay is {decay}"
    yield from GRADIENT.patterns(a, n, tol, x, labels, bad)
    for axis in (axis for axis in range(a.ndim) if a.shape[axis] > 1):
        for part, words in (
            (1, "sums to 0 along axis {} (a softmax, or a mean that is subtracted)"),
            (x, "has no part along x on axis {} (a normalization, by a norm or a deviation)"),
        ):
            zero, size = np.abs((n * part).sum(axis)).max(), np.abs(n * part).sum(axis).max()
            fits = zero <= tol * size < np.abs((a * part).sum(axis)).max()
            yield fits, f"the true gradient {words.format(axis)}, the analytic one does not: a part of it is missing"
    for words, factor in TIMES.items():
        if np.ptp(y := factor(x)) > tol:
            for c, product, sign, why in (
                (constant_factor(a, n * y, tol), n * y, "x", "multiplied in that is not there"),
                (y[a != 0].all() and constant_factor(a * y, n, tol), n / np.where(y, y, 1), "/", "not multiplied in"),
            ):
                times = f"{c:.6g} x numeric" if c and abs(c - 1) > tol else "numeric"
                fits = c and np.count_nonzero(a[bad]) > 2 and accounts_for(a[bad], n[bad], c * product[bad])
                yield fits, f"analytic = {times} {sign} {words}, x the array: a derivative is {why}"


def diagnose_all(rows, asymmetry):
    """Return a sentence on what the wrong rows have in common, or on the origin of an unknown mistake; else ''.

    asymmetry() of the gradient's derivative: 0 for the gradient of any function, NaN if it cannot be computed.
    """
    wrong, names = [row for row in rows if row.status == WRONG], [row.name for row in rows if row.status == WRONG]
    biases = {row.name for row in rows if len(row.shape) == 1 and re.search(r"(^|[._])[bc]\d*$|bias", row.name)}
    if not wrong or not all(np.isfinite(row.analytic_values).all() for row in wrong):
        return ""
    if biases.issuperset(names) and any(len(row.shape) == 2 for row in rows):
        look = "look at the sum over the samples in db, and for a term of the value that uses the bias alone"
        return f"only biases are wrong, all weight matrices agree: {look}"
    for p, q in itertools.permutations(wrong, 2):
        whole = p.shape == q.shape and p.analytic_values.size == q.numeric_values.size == np.prod(p.shape)
        if whole and matches_instead(p.analytic_values, p.numeric_values, q.numeric_values, EXACT):
            return f"the gradient of {p.name} is that of {q.name}: they are exchanged, or one is used twice"
    every = len(wrong) > 1 and len(wrong) == sum(row.status not in (KINK, NOT_CHECKED) for row in rows)
    a, n = (np.concatenate([getattr(row, f"{side}_values") for row in wrong]) for side in ("analytic", "numeric"))
    if every and (r := wrong_factor(a, n, EXACT)):
        return f"all arrays are wrong by the same factor {r:.6g}: look at what multiplies the whole value"
    if all(row.diagnosis for row in wrong):
        return ""
    causes = [f"wrong in {', '.join(names)} alone: look at what only these pass through"] if len(rows) > 1 else []
    if 1 < len(rows) == len(wrong):
        causes = ["every array is wrong: look at where the backward pass begins"]
    if (size := asymmetry()) <= 1e-6:
        causes += ["it is the gradient of another function than the value: a term, a power or a constant differs"]
    elif size >= 1e-4:
        causes += ["no function has this gradient (its derivative is not symmetric): a mistake in the chain rule"]
    return "; ".join(causes)
