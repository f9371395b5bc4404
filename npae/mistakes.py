"""What a wrong array gives away beside the right one: a factor whose cause is known, a shape that is another's."""

from dataclasses import dataclass

import numpy as np


def constant_factor(a, b, fit):
    """r if a = r b but for a part `fit` of a, else None."""
    r = float(np.vdot(b, a) / np.vdot(b, b)) if b.any() else 0.0
    return r if r and np.linalg.norm(a - r * b) <= fit * np.linalg.norm(a) else None


@dataclass(frozen=True)
class Factors:
    """The factors that are known between what came and what was expected, in the words of who compares them.

    got, expected: how the two are called. known: {number: sentence}, the sentence going on after 'got = '. sums: what
    it means that got is N times what was expected, averages: that it is 1/N of it, {axis} being what there are N of.
    """

    got: str
    expected: str
    known: dict[float, str]
    sums: str
    averages: str

    def explain(self, r, sizes, fit, single=False):
        """A sentence on got = r expected: r is 1 within some digits, a size, a known number, a whole one, or neither.

        sizes: {7: "the batch size N"}, how many there are of what, the likeliest last. fit: how well r is known.
        single: they are one number each, which is a multiple of any other: '' where r is neither.
        """
        if abs(r - 1) < 1e-4:
            digits = int(0.01 - np.log10(abs(r - 1) + 1e-16))
            factor = f"a factor {r:.{digits + 3}g}"
            return f"agrees to {digits} digits ({factor}): an epsilon, a rounded constant or float32"
        unknown = "" if single else f"{r:.6g} x {self.expected} everywhere: a constant factor is wrong"
        near = (words for number, words in self._numbers(r, sizes) if abs(r / number - 1) <= min(10 * fit, 1e-3))
        words = next(near, unknown)
        return words and f"{self.got} = {words}"

    def _numbers(self, r, sizes):
        for N, axis in reversed(sizes.items()):
            if N > 2:  # 2 is more often a forgotten half
                count, sums, averages = f"and {N} is {axis}", *(s.format(axis=axis) for s in (self.sums, self.averages))
                for sign, minus in ((1, ""), (-1, "-")):
                    yield sign * N, f"{minus}{N} x {self.expected}, {count}: {sums}"
                    yield sign / N, f"{minus}{self.expected} / {N}, {count}: {averages}"
                for number in (1 - 1 / N, N / (N - 1)):
                    yield number, f"{r:.6g} x {self.expected}: {N} against {N - 1}, {count} (ddof?)"
        for number, words in self.known.items():
            two = abs(number) in (2, 0.5) and 2 in sizes
            yield number, words + (f"; or mean against sum, {sizes[2]} being 2" if two else "")
        whole = round(r if abs(r) > 1 else 1 / r)
        if 2 < abs(whole) < 1e6:
            number, factor = (whole, f"{whole}") if abs(r) > 1 else (1 / whole, f"1/{whole}")
            why = f"mean against sum over {abs(whole)} samples or features? or a constant forgotten"
            yield number, f"{factor} x {self.expected}: {why}"


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
