"""Explain how a wrong array differs from the right one: by a factor whose cause is known, a pattern, a place, a shape.

The gradient checker explains gradients with it (`npae.gradcheck.diagnosis`), exercise sheets explain answers
(`npae.classroom`).
"""

from dataclasses import dataclass

import numpy as np


def constant_factor(a, b, tol):
    """Return r if ||a - r b|| <= tol ||a||, else None."""
    if not (a.any() and b.any()):
        return None
    size_a, size_b = np.abs(a).max(), np.abs(b).max()
    a, b = a / size_a, b / size_b  # no square leaves float64
    r = float(np.vdot(b, a) / np.vdot(b, b))
    total = float(r * (size_a / size_b))
    fits = np.linalg.norm(a - r * b) <= tol * np.linalg.norm(a)
    return total if fits and total and np.isfinite(total) else None


def wrong_factor(a, b, tol):
    """Return r if a, which should be b, is r b instead, up to a tenth of their difference; else None."""
    r = constant_factor(a, b, tol)
    return r if r and np.abs(a - r * b).max() <= 0.1 * np.abs(a - b).max() else None


def nearly_equal(a, b, tol):
    """Return True if ||a - b|| <= tol max(||a||, ||b||)."""
    size = max(np.abs(a).max(), np.abs(b).max()) or 1.0
    a, b = a / size, b / size
    return np.linalg.norm(a - b) <= tol * max(np.linalg.norm(a), np.linalg.norm(b))


def matches_instead(a, b, c, tol):
    """Return True if a, which should be b, is nearly equal to c instead: nearer than a tenth of its distance to b."""
    return nearly_equal(a, c, tol) and np.abs(a - c).max() < 0.1 * np.abs(a - b).max()


def accounts_for(a, b, c):
    """Return True if |a - c| is below half of |a - b| in every entry and below a tenth of its maximum."""
    left, gap = np.abs(a - c), np.abs(a - b)
    return (left < 0.5 * gap).all() and left.max() < 0.1 * gap.max()


@dataclass(frozen=True)
class Comparison:
    """The words for a comparison of two arrays that should agree.

    got, expected: the names of the two in a formula; subject: the first one in a sentence. known: {factor: meaning},
    the sentence after 'got = '. sums: the meaning of got = N expected; averages: of got = expected / N; both contain
    {axis}, the things that are N in number. absent: the meaning of a got that is zero where expected is not. repeated:
    the meaning if at most half of the rows are wrong and all others right.
    """

    got: str
    expected: str
    subject: str
    known: dict[float, str]
    sums: str
    averages: str
    absent: str = ""
    repeated: str = ""

    def factor(self, r, sizes, tol, single=False):
        """Return a sentence on got = r expected: r is a size, a known number, a whole one, nearly 1, or other.

        sizes: {7: "the batch size N"}, the likeliest last. tol: the relative error of r. single: both are one number,
        which is a multiple of any other, so return '' for an r of no known kind.
        """
        tol = min(10 * tol, 1e-3, 0.1 * abs(r - 1))
        for number, words in self._numbers(r, sizes):
            if abs(r / number - 1) <= tol:
                return f"{self.got} = {words}"
        if abs(r - 1) < 1e-4:
            digits = int(0.01 - np.log10(abs(r - 1) + 1e-16))
            factor = f"a factor {r:.{digits + 3}g}"
            return f"agrees to {digits} digits ({factor}): an epsilon, a rounded constant or float32"
        return "" if single else f"{self.got} = {r:.6g} x {self.expected} everywhere: a constant factor is wrong"

    def _numbers(self, r, sizes):
        for N, axis in reversed(sizes.items()):
            if N > 2:  # 2 is more often a forgotten half
                count, sums, averages = f"and {N} is {axis}", *(s.format(axis=axis) for s in (self.sums, self.averages))
                for sign, minus in ((1, ""), (-1, "-")):
                    yield sign * N, f"{minus}{N} x {self.expected}, {count}: {sums}"
                    yield sign / N, f"{minus}{self.expected} / {N}, {count}: {averages}"
                for number in (1 - 1 / N, N / (N - 1)):
                    if abs(r - number) <= 0.01 * abs(r - 1):
                        yield number, f"{r:.6g} x {self.expected}: {N} against {N - 1}, {count} (ddof?)"
        for number, words in self.known.items():
            two = abs(number) in (2, 0.5) and 2 in sizes
            yield number, words + (f"; or mean against sum, {sizes[2]} being 2" if two else "")
        times = r if abs(r) > 1 else 1 / r
        if abs(times) < 1e6 and abs(whole := round(times)) > 2 and abs(times - whole) <= 1e-3:
            number, factor = (whole, f"{whole}") if abs(r) > 1 else (1 / whole, f"{'-' * (whole < 0)}1/{abs(whole)}")
            why = f"mean against sum over {abs(whole)} samples or features? or a constant forgotten"
            yield number, f"{factor} x {self.expected}: {why}"

    def patterns(self, a, b, tol, x=None, labels=None, bad=None):
        """Yield (True if it fits, sentence) for each pattern, in the order in which they should be tried.

        a: the array that came; b: the expected one, of the same shape, both finite and not equal; x: the variable's
        value if known. labels: their indices along each axis of a larger array; bad: a mask of the wrong entries. A
        pattern fits if its error is at most `tol` relative to a, and a tenth of the difference of a and b.
        """
        tol = min(tol, 0.1 * np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max()))
        bad = np.abs(a - b) > tol * max(np.abs(a).max(), np.abs(b).max()) if bad is None else bad
        the, axes = f"{self.subject} is ", [axis for axis in range(a.ndim) if a.shape[axis] > 1]
        if a.ndim == 2 and min(a.shape) > 1:
            order = "" if a.shape == b.T.shape else ": its entries are in the order of the transpose"
            swaps = (a, b, b.T.reshape(a.shape)), (b, a, a.T.reshape(a.shape))
            turned = any(matches_instead(*swap, tol) for swap in swaps)
            yield turned, f"{the}transposed{order}"
        flipped = a.ndim > 1 and min(a.shape[-2:]) > 1 and matches_instead(a, b, np.flip(b, (-2, -1)), tol)
        yield flipped, the + "turned around: a convolution for a correlation?"
        place = self.locate(a, b, tol, bad, x, labels)
        yield place.startswith("the magnitudes"), place
        for axis in axes:
            p, q, along = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0), f"axis {axis}" if a.ndim > 1 else "axis"
            yield matches_instead(p, q, q[::-1], tol), the + f"reversed along {along}"
            shifts = (p[1:], q[1:], q[:-1]), (p[:-1], q[:-1], q[1:])
            off = len(p) > 2 and any(matches_instead(*shift, tol) for shift in shifts)
            yield off, the + f"shifted along {along}: an index is off by one"
            for total, word in ((q.sum(axis=0), "summed"), (q.mean(axis=0), "averaged")):
                repeated = np.broadcast_to(total, p.shape)
                words = f"{the}{word} over {along} and repeated along it: look for a wrong axis"
                yield matches_instead(p, q, repeated, tol), words
        ordered = np.empty(b.shape)
        ordered.flat[np.argsort(a, axis=None)] = np.sort(b, axis=None)
        order = "look at a reshape, a permutation, an index"
        yield matches_instead(a, b, ordered, tol), f"the numbers are right, but in another order: {order}"
        top, c = np.abs(a).max(), np.abs(a - b).max()
        clipped = (np.abs(b) > top).sum() > 1 and matches_instead(a, b, np.clip(b, -top, top), tol)
        yield clipped, the + f"clipped at {top:.6g}"
        yield place, place
        many = a.size > 2 and bad.mean() >= 0.5
        for which, along in (None, "everywhere"), *((axis, f"along axis {axis}") for axis in axes if a.ndim > 1):
            flat = np.ptp(a, which).max() <= tol * top and np.ptp(b, which).max() > 0.1 * np.abs(b).max()
            yield many and flat, the + f"constant {along}: a sum over the wrong axis was broadcast"
            shifted = np.ptp(a - b, which).max() <= tol * c
            shared = f"the difference is constant {along}: a term that all entries share (a mean, a sum) is missing"
            yield shifted, shared
        equal = nearly_equal(a, top * np.sign(b), tol) and np.ptp(np.abs(b)) > 0.1 * np.abs(b).max()
        yield many and equal, "only the signs are right: the magnitudes are all equal"
        for axis, what in enumerate(("column", "row")) if a.ndim == 2 and min(a.shape) > 1 else ():
            r = (a * b).sum(axis=axis, keepdims=True) / np.maximum((b * b).sum(axis=axis, keepdims=True), 1e-300)
            k, cause = (np.abs(r - 1) > tol).sum(), "a scale, a deviation, a weight?"
            lines = f"each {what} is wrong" if k == r.size else f"{k:,} of {r.size:,} {what}s are wrong, each"
            yield k > 1 and matches_instead(a, b, r * b, tol), f"{lines} by a factor of its own: {cause}"

    def locate(self, a, b, tol, bad, x=None, labels=None):
        """Return 'wrong only in this region, and there like this', or ''."""
        labels = labels or [np.arange(size) for size in a.shape]
        size, gap = np.maximum(np.abs(a), np.abs(b)), np.abs(a - b)
        care = size > tol * size.max()

        def holds(mask):  # entries too small to be wrong may be inside or outside of the region, but not both
            out = gap[~mask].max()
            right = mask & ~bad & care & (gap <= max(out, tol * size.max()))
            return out <= 0.1 * gap.max() and not (bad & ~mask).any() and not right.any()

        regions = _regions(bad, x, labels) if (care & ~bad).any() and bad.sum() > 1 else ()
        place = next((words for words, mask in regions if holds(mask)), "")
        if nearly_equal(np.abs(a), np.abs(b), tol) and (np.sign(a) != np.sign(b))[bad].all():
            return f"the magnitudes agree but {bad.sum():,} of {a.size:,} signs are wrong{place and ': '}{place}"
        r = wrong_factor(a[bad], b[bad], 10 * tol) if bad.sum() > 1 else None
        what = f", where {self.subject} is zero{self.absent}" if not a[bad].any() else ""
        what = ", where it should be zero" if not b[bad].any() else what
        what = ", and there " + self.factor(r, {}, tol) if r else what
        if place:
            repeats = place[:3] == "row" and not what and a.shape[1] > 1 and bad.any(axis=1).mean() <= 0.5
            return f"wrong only {place}{what}{self.repeated if repeats else ''}"
        if bad.sum() <= max(1, a.size // 20) and a.size > 2:
            at = ", ".join(
                str(np.hstack([label[k] for label, k in zip(labels, spot)]).tolist()) for spot in np.argwhere(bad)[:3]
            )
            more = ", ..." if bad.sum() > 3 else ""
            return f"only {bad.sum():,} of {a.size:,} entries are wrong, at {at}{more}{what}"
        return f"{bad.sum():,} of {a.size:,} entries are wrong{what}" if what and bad.sum() < care.sum() else ""


def _regions(bad, x, labels):
    """Yield (words, mask) of each region to which a mistake may be confined, at most 75 % of the array."""
    for axis in range(bad.ndim) if bad.ndim > 1 else ():
        name = ("row", "column")[axis] if bad.ndim == 2 else f"axis {axis} at"
        lines = np.flatnonzero(np.moveaxis(bad, axis, 0).reshape(len(labels[axis]), -1).any(axis=1))
        at = ", ".join(str(labels[axis][i]) for i in lines[:5]) + (", ..." if len(lines) > 5 else "")
        if len(lines) <= 0.75 * len(labels[axis]):
            yield f"{name}{'s' * (len(lines) > 1 and bad.ndim == 2)} {at}", np.isin(np.indices(bad.shape)[axis], lines)
    if bad.ndim == 2 and min(bad.shape) > 1:
        i, j = np.meshgrid(*labels, indexing="ij")
        yield from (("on the diagonal", i == j), ("off the diagonal", i != j))
        yield from (("above the diagonal", i < j), ("below the diagonal", i > j))
    box, inner = ([slice(w.min(), w.max() + 1) for w in np.nonzero(mask)] for mask in (bad, ~bad))
    block, border = np.zeros(bad.shape, bool), np.ones(bad.shape, bool)
    block[tuple(box)], border[tuple(inner)] = True, False
    span = ", ".join(f"{label[part.start]}:{label[part.stop - 1] + 1}" for label, part in zip(labels, box))
    places = [] if x is None else [("where x < 0", x < 0), ("where x > 0", x > 0), ("where x = 0", x == 0)]
    places += [(f"in the block [{span}]", block), ("at the border", border)] if np.ndim(labels[0]) == 1 else []
    for words, size in () if x is None else (("x", x), ("|x|", np.abs(x))):
        places += [(f"where {words} > {size[~bad].max():.3g}", size > size[~bad].max())]
        places += [(f"where {words} < {size[~bad].min():.3g}", size < size[~bad].min())]
    yield from ((words, mask) for words, mask in places if mask.mean() <= 0.75)


def shape_hint(got, expected):
    """Return a likely reason for a shape that is not the expected one: '; a reason', or ''."""
    reasons = {
        "it looks transposed": len(got) == 2 and got == expected[::-1],
        "its axes are in another order": len(got) == len(expected) and sorted(got) == sorted(expected),
        "the same size in another shape: look for a keepdims or a reshape": np.prod(got) == np.prod(expected),
        "an axis is left over: sum or average over it": expected in (got[1:], got[:-1]),
        "the sum or the mean may have gone over the wrong axis": len(got) == len(expected) == 1,
    }
    return next((f"; {reason}" for reason, fits in reasons.items() if fits), "")
