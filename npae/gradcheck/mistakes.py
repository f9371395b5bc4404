"""What a wrong array gives away beside the right one: a factor whose cause is known, a pattern, a place, a shape.

The gradient checker says it of gradients (`npae.gradcheck.diagnosis`), exercise sheets of answers (`npae.classroom`).
"""

from dataclasses import dataclass

import numpy as np


def constant_factor(a, b, fit):
    """r if a = r b but for a part `fit` of a, else None."""
    if not (a.any() and b.any()):
        return None
    size_a, size_b = np.abs(a).max(), np.abs(b).max()
    a, b = a / size_a, b / size_b  # no square leaves float64
    r = float(np.vdot(b, a) / np.vdot(b, b))
    total = float(r * (size_a / size_b))
    fits = np.linalg.norm(a - r * b) <= fit * np.linalg.norm(a)
    return total if fits and total and np.isfinite(total) else None


def wrong_factor(a, b, fit):
    """r if a, which should be b, is r b instead, and no more than a tenth of their difference is left; else None."""
    r = constant_factor(a, b, fit)
    return r if r and np.abs(a - r * b).max() <= 0.1 * np.abs(a - b).max() else None


def close(a, b, fit):
    """Whether two arrays agree but for a part `fit` of the larger, in 2-norm."""
    size = max(np.abs(a).max(), np.abs(b).max()) or 1.0
    a, b = a / size, b / size
    return np.linalg.norm(a - b) <= fit * max(np.linalg.norm(a), np.linalg.norm(b))


def instead(a, b, c, fit):
    """Whether a, which should be b, is c instead: but for the part `fit`, and a tenth of what a and b differ by."""
    return close(a, c, fit) and np.abs(a - c).max() < 0.1 * np.abs(a - b).max()


def explains(a, b, c):
    """Whether c leaves less than half of the error of every entry of a, which should be b, a tenth of the largest."""
    left, gap = np.abs(a - c), np.abs(a - b)
    return (left < 0.5 * gap).all() and left.max() < 0.1 * gap.max()


@dataclass(frozen=True)
class Comparison:
    """Two arrays that should agree, in the words of who compares them.

    got, expected: how the two are called in a formula; it: how the first one is in a sentence. known: {number:
    sentence}, what that factor between the two means, the sentence going on after 'got = '. sums: what it means that
    got is N times what was expected, averages: that it is 1/N of it, {axis} being what there are N of. absent: what it
    may mean that got is zero where the other is not, repeated: that half of the rows or less are wrong, and no others.
    """

    got: str
    expected: str
    it: str
    known: dict[float, str]
    sums: str
    averages: str
    absent: str = ""
    repeated: str = ""

    def factor(self, r, sizes, fit, single=False):
        """A sentence on got = r expected: r is a size, a known number, a whole one, 1 within some digits, or neither.

        sizes: {7: "the batch size N"}, how many there are of what, the likeliest last. fit: how well r is known.
        single: they are one number each, which is a multiple of any other: '' where r is neither.
        """
        fit = min(10 * fit, 1e-3, 0.1 * abs(r - 1))
        for number, words in self._numbers(r, sizes):
            if abs(r / number - 1) <= fit:
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

    def patterns(self, a, b, fit, x=None, labels=None, bad=None):
        """(whether it fits, sentence) for each pattern, in the order in which they are tried.

        a is what came, b what was expected, of one shape, finite and not equal; x, if known, the variable's value.
        labels: where in a larger array they are, along each axis; bad: where they differ by more than they may. A
        pattern fits if what it does not explain is the part `fit` of a at most, and a tenth of what a and b differ by.
        """
        fit = min(fit, 0.1 * np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max()))
        bad = np.abs(a - b) > fit * max(np.abs(a).max(), np.abs(b).max()) if bad is None else bad
        the, axes = f"{self.it} is ", [axis for axis in range(a.ndim) if a.shape[axis] > 1]
        if a.ndim == 2 and min(a.shape) > 1:
            order = "" if a.shape == b.T.shape else ": its entries are in the order of the transpose"
            turned = instead(a, b, b.T.reshape(a.shape), fit) or instead(b, a, a.T.reshape(a.shape), fit)
            yield turned, f"{the}transposed{order}"
        flipped = a.ndim > 1 and min(a.shape[-2:]) > 1 and instead(a, b, np.flip(b, (-2, -1)), fit)
        yield flipped, the + "turned around: a convolution for a correlation?"
        where = self.where(a, b, fit, bad, x, labels)
        yield where.startswith("the magnitudes"), where
        for axis in axes:
            p, q, along = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0), f"axis {axis}" if a.ndim > 1 else "axis"
            yield instead(p, q, q[::-1], fit), the + f"reversed along {along}"
            off = len(p) > 2 and (instead(p[1:], q[1:], q[:-1], fit) or instead(p[:-1], q[:-1], q[1:], fit))
            yield off, the + f"shifted along {along}: an index is off by one"
            for total, word in ((q.sum(axis=0), "summed"), (q.mean(axis=0), "averaged")):
                repeated = np.broadcast_to(total, p.shape)
                words = f"{the}{word} over {along} and repeated along it: look for a wrong axis"
                yield instead(p, q, repeated, fit), words
        ordered = np.empty(b.shape)
        ordered.flat[np.argsort(a, axis=None)] = np.sort(b, axis=None)
        order = "look at a reshape, a permutation, an index"
        yield instead(a, b, ordered, fit), f"the numbers are right, but in another order: {order}"
        top, c = np.abs(a).max(), np.abs(a - b).max()
        clipped = (np.abs(b) > top).sum() > 1 and instead(a, b, np.clip(b, -top, top), fit)
        yield clipped, the + f"clipped at {top:.6g}"
        yield where, where
        many = a.size > 2 and bad.mean() >= 0.5
        for which, along in (None, "everywhere"), *((axis, f"along axis {axis}") for axis in axes if a.ndim > 1):
            flat = np.ptp(a, which).max() <= fit * top and np.ptp(b, which).max() > 0.1 * np.abs(b).max()
            yield many and flat, the + f"constant {along}: a sum over the wrong axis was broadcast"
            shifted = np.ptp(a - b, which).max() <= fit * c
            shared = f"the difference is constant {along}: a term that all entries share (a mean, a sum) is missing"
            yield shifted, shared
        equal = close(a, top * np.sign(b), fit) and np.ptp(np.abs(b)) > 0.1 * np.abs(b).max()
        yield many and equal, "only the signs are right: the magnitudes are all equal"
        for axis, what in enumerate(("column", "row")) if a.ndim == 2 and min(a.shape) > 1 else ():
            r = (a * b).sum(axis=axis, keepdims=True) / np.maximum((b * b).sum(axis=axis, keepdims=True), 1e-300)
            k, cause = (np.abs(r - 1) > fit).sum(), "a scale, a deviation, a weight?"
            subject = f"each {what} is wrong" if k == r.size else f"{k:,} of {r.size:,} {what}s are wrong, each"
            yield k > 1 and instead(a, b, r * b, fit), f"{subject} by a factor of its own: {cause}"

    def where(self, a, b, fit, bad, x=None, labels=None):
        """'wrong only in this region, and there like this', or ''."""
        labels = labels or [np.arange(size) for size in a.shape]
        size, gap = np.maximum(np.abs(a), np.abs(b)), np.abs(a - b)
        care = size > fit * size.max()

        def holds(mask):  # what is too little to be wrong may be in the place or not, but not be spread over both
            out = gap[~mask].max()
            right = mask & ~bad & care & (gap <= max(out, fit * size.max()))
            return out <= 0.1 * gap.max() and not (bad & ~mask).any() and not right.any()

        regions = _regions(bad, x, labels) if (care & ~bad).any() and bad.sum() > 1 else ()
        place = next((words for words, mask in regions if holds(mask)), "")
        if close(np.abs(a), np.abs(b), fit) and (np.sign(a) != np.sign(b))[bad].all():
            return f"the magnitudes agree but {bad.sum():,} of {a.size:,} signs are wrong{place and ': '}{place}"
        r = wrong_factor(a[bad], b[bad], 10 * fit) if bad.sum() > 1 else None
        what = f", where {self.it} is zero{self.absent}" if not a[bad].any() else ""
        what = ", where it should be zero" if not b[bad].any() else what
        what = ", and there " + self.factor(r, {}, fit) if r else what
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
    """(words, mask) of places that a mistake can be confined to, none of them nearly everything."""
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
    """What may have gone wrong with a shape that is not the expected one: '; a reason', or ''."""
    reasons = {
        "it looks transposed": len(got) == 2 and got == expected[::-1],
        "its axes are in another order": len(got) == len(expected) and sorted(got) == sorted(expected),
        "the same size in another shape: look for a keepdims or a reshape": np.prod(got) == np.prod(expected),
        "an axis is left over: sum or average over it": expected in (got[1:], got[:-1]),
        "the sum or the mean may have gone over the wrong axis": len(got) == len(expected) == 1,
    }
    return next((f"; {reason}" for reason, fits in reasons.items() if fits), "")
