"""Check a gradient: choose a method and differentiate numerically, array by array."""

import contextlib
import functools
import itertools

import numpy as np

from npae.gradcheck import numeric
from npae.gradcheck.diagnosis import diagnose_all
from npae.gradcheck.numeric import (
    COMPLEX_STEP,
    EPS,
    NAMES,
    RTOL,
    Slope,
    passing_real,
    real_slope,
    silence_warnings,
    watch,
)
from npae.gradcheck.parameters import restored
from npae.gradcheck.report import KINK, NOT_CHECKED, OK, WRONG, GradientReport, Row
from npae.gradcheck.verdicts import Lines, compare, direction
from npae.validation import check_number

LARGE = 2_000  # numbers: above this "auto" takes a random direction first, and searches if that fails
BLOCK, MAX_LOCATED = 16, 4  # rows and columns of the block around a wrong entry; wrong entries to search for
SEED = 20081  # directions, samples and projections are the same in every run, and not the x of default_rng(0)
OFFSET = 2.0**-10  # how far a point is moved off a kink, relative to each number of 1 and more
AGREE = 1e-7  # largest gap between complex step and real difference along a direction, over the gradient's norm
AT_A_KINK, TOO_COARSE = SOFT_REASONS = "there are kinks", "a real difference is too coarse to confirm the complex step"


class Check:
    """One check in progress of a subject (variables.Function), with check_gradient's keywords."""

    def __init__(self, subject, method="auto", rtol=None, directions=None, n_samples=None):
        if method not in ("auto", *RTOL):
            raise ValueError(f"got method={method!r}, expected one of {('auto', *RTOL)}")
        check_number(0.5 if rtol is None else rtol, "rtol", "check", high=1.0, include_low=False, include_high=False)
        for name, number in (("directions", directions), ("n_samples", n_samples)):
            check_number(1 if number is None else number, name, "check", low=1, integer=True)
        self.subject, self.point, self.off_kink, self.rng = subject, subject.point, False, np.random.default_rng(SEED)
        self.method, self.rtol, self.directions, self.n_samples = method, rtol, directions or 0, n_samples

    def report(self):
        """Differentiate numerically, compare, explain; restore what f keeps."""
        with restored(self.subject.restore):
            self.f0, self.gradient = self.subject.value_and_gradient(self.point.copy())
            self.overall = np.abs(self.gradient).max()  # NaN if the gradient has one
            self._refuse_noise()
            with silence_warnings():
                return self._report()

    def _report(self):
        asked, count = self.method, self.directions
        large = self.point.size > LARGE and asked == "auto" and not count
        count = count or int(large)
        lines = [Lines(self, name, count) for name, index in self.subject.index.items() if index.size]
        real = "central" if asked == "central" else "richardson"
        why = self.complex_steps(lines) if asked in ("auto", "complex") else {each.name: "" for each in lines}
        if asked == "complex" and (reasons := set(why.values()).difference(SOFT_REASONS)):
            raise ValueError(f"the complex step cannot be used: {reasons.pop()}. Take 'auto' or 'richardson'")
        for each in lines:
            if each.name in why:
                self.differentiate(each, real)
        if count and not self.off_kink and any(slope.sides for each in lines for slope in each.slopes):
            return self._report_off_kink()
        rows = [compare(each, self) for each in lines]
        for k, each in enumerate(lines):
            if rows[k].status not in (OK, KINK) and each.trusted:  # kinks so near that no real difference counts
                each.method, each.slopes = "complex", each.trusted
                rows[k] = compare(each, self)
                why.pop(each.name)
        if large:
            rows = [self._search(each, row) if row.status == WRONG else row for each, row in zip(lines, rows)]
        rows += [Row(name, (), NOT_CHECKED, diagnosis=text) for name, text in self.subject.unchecked.items()]
        because = "; ".join(dict.fromkeys(why.values()))
        if len(why) < len(lines):
            elsewhere = f"; {NAMES[real]} for {', '.join(why)}: {because}" if why else ""
            because = "f accepts complex input and agrees with a real difference in every array" + elsewhere
        reason = f"because {because}" + (f"; {self.point.size:,} numbers, hence directions" if large else "")
        reason += f"; at x moved by up to {OFFSET:.0e}, where no direction meets a kink of x" if self.off_kink else ""
        method = NAMES[real if len(why) == len(lines) else "complex"] + (" along random directions" if count else "")
        whole = diagnose_all(rows, self._asymmetry)
        return GradientReport(rows, method, reason if because else "as asked", self.f0, whole)

    def _report_off_kink(self):
        """Return the report at a point nearby: a direction that meets one kink shows nothing of all other entries."""
        self.off_kink = True
        moved = self.point + OFFSET * self.rng.uniform(-1, 1, self.point.size) * np.maximum(np.abs(self.point), 1.0)
        with contextlib.suppress(ArithmeticError, ValueError):  # if f is undefined there, the check stays inconclusive
            self.f0, self.gradient = self.subject.value_and_gradient(moved.copy())
            self.point = moved
        self.overall = np.abs(self.gradient).max()
        return self._report()

    def _asymmetry(self):
        """|<v, A u> - <u, A v>| / (|A u| |v| + |A v| |u|), A the gradient's derivative: 0 for a gradient.

        NaN if the gradient is not finite nearby, or has float32's precision.
        """
        (u, v), h = self.rng.standard_normal((2, self.point.size)), 2.0**-17
        if (self.gradient == self.gradient.astype(np.float32)).all():
            return np.nan
        try:
            at = [self.subject.value_and_gradient(self.point + t * w)[1] for w in (u, v) for t in (h, -h)]
        except (ArithmeticError, ValueError):
            return np.nan
        Au, Av, norm = at[0] - at[1], at[2] - at[3], np.linalg.norm
        return abs(v @ Au - u @ Av) / (norm(Au) * norm(v) + norm(Av) * norm(u))

    def phi(self, where, v):
        """phi(t) = f(x + t v), v on the entries `where`."""

        def phi(t):
            theta = self.point.astype(complex if isinstance(t, complex) else float)
            theta[where] += t * v
            return self.subject.value(theta)

        return phi

    @functools.cached_property
    def noise(self):
        """The rounding error of the value, measured only if eps |f| does not decide."""
        probe = self.rng.standard_normal(self.point.size) * np.maximum(np.abs(self.point), 1.0)
        return numeric.noise_level(self.phi(slice(None), probe), self.f0)

    def _refuse_noise(self):
        again, gradient = self.subject.value_and_gradient(self.point.copy())
        with np.errstate(invalid="ignore"):  # infinity - infinity
            difference = np.abs(np.nan_to_num(gradient - self.gradient, copy=False)).max()
        what = f"the values {self.f0!r} and {again!r}"
        if abs(again - self.f0) <= 1e-13 * abs(self.f0):
            what = f"one value, but gradients that differ by {difference:.1e}"
            if not difference > 1e-12 * self.overall:
                return
        raise ValueError(
            f"f is not deterministic: two calls at the same x gave {what}. Draw the noise once, outside, and pass it "
            "in: noise = rng.normal(size=x.shape); check_gradient(lambda x: f(x, noise), x). If f adds to a gradient "
            "that it keeps between calls, set that to zero at the start of f"
        )

    def slope(self, method, line, scale=1.0, target=0.0):
        """Return the derivative along a line (entries, v), by complex steps or real ones."""
        if method == "complex":
            return Slope(self.phi(*line)(1j * COMPLEX_STEP).imag / COMPLEX_STEP, 0.0)
        return real_slope(self.phi(*line), self.f0, scale, self.noise, target, extrapolate=method != "central")

    def differentiate(self, lines, method):
        """Compute the slopes along the lines, each as exactly as the largest slope so far requires."""
        lines.method, lines.slopes, size = method, [], lines.scale
        target = 0.1 * (self.rtol or RTOL[method])
        for line, scale in zip(lines.lines, np.ones(len(lines.lines)) if lines.along else np.abs(lines.x)):
            lines.slopes.append(self.slope(method, line, scale, target * size))
            size = max(size, abs(lines.slopes[-1].value))

    def complex_steps(self, lines):
        """Take complex steps; return name -> why the steps of that array cannot be trusted."""
        marks = frozenset[tuple[str, str]]()
        try:
            real = complex(self.subject.value(self.point.astype(complex))).real
            for each in lines:
                self.differentiate(each, "complex")
            gap, why = abs(real - self.f0), f"f is {real!r} for complex input, but {self.f0!r} for real input"
        except Exception as error:  # f may raise anything on complex input
            text = str(error).partition("\n")[0] or "no message"
            gap, why = np.inf, f"f does not survive complex input ({type(error).__name__}: {text})"
        if not (gap <= 1e-12 * abs(self.f0) or gap <= 100 * self.noise):
            return {each.name: why for each in lines}
        with contextlib.suppress(Exception):  # f may refuse an array of another class
            marks = self.subject.value(self.point.astype(complex), watch).marks
        return {each.name: why for each in lines if (why := self.why_not_complex(each, marks))}

    def why_not_complex(self, lines, marks):
        """Return why complex steps are not the derivative (f's marks, or a real difference that disagrees), or ''."""
        n = np.array([slope.value for slope in lines.slopes])
        followed = {operation for name, operation in marks if name == lines.name}
        lost = followed - {""}
        seen = f"f takes {', '.join(sorted(lost))} of complex {lines.name}" if lost else ""
        if lost - {"real"} or not np.isfinite(n).all():
            return seen or f"the complex step gives NaN or infinity for {lines.name}"
        agree = np.abs(n - lines.analytic).max() <= RTOL["complex"] * np.abs(n).max()
        line, predicted, size = lines.lines[0], n[0], max(lines.scale, np.abs(n).max())
        if not lines.along:
            v = direction(self.rng, len(n)) * np.maximum(np.abs(lines.x), 1.0)
            line, predicted, size = (lines.flat, v), n @ v, np.linalg.norm(n * v)
        sure = followed == {""} or (lost == {"real"} and self._passes_real(line, predicted, size))
        if agree and sure:  # two independent derivatives agree, and nothing was lost on the way from x to f
            lines.trusted = lines.slopes
            if self._is_smooth(line, predicted, size):
                return ""
        slope = real_slope(self.phi(*line), self.f0, 1.0, EPS * abs(self.f0), AGREE / 3 * size)
        if slope.sides or not abs(predicted - slope.value) <= AGREE * size:
            slope = self.slope("richardson", line, target=AGREE / 3 * size)
        gap, size = abs(predicted - slope.value), max(size, abs(slope.value))
        if slope.sides or gap <= max(AGREE * size, 3 * slope.error):
            vague = slope.error > 1e-3 * size and gap > 0 and followed != {""}
            return AT_A_KINK if slope.sides else TOO_COARSE if vague else ""
        cause = seen or "f takes abs, a norm, .real or a conjugate somewhere"
        return f"in {lines.name} real differences contradict the complex step by {gap / size:.1e}: {cause}"

    def _is_smooth(self, line, predicted, size):
        """Return True if complex steps beside the point, nearer than any kink but one at it, give the same slope."""
        sides = (self.phi(*line)(t + 1j * COMPLEX_STEP).imag / COMPLEX_STEP for t in (4 * EPS, -4 * EPS))
        return all(abs(side - predicted) <= 1e-6 * size for side in sides)

    def _passes_real(self, line, predicted, size):
        """Return True if `.real` loses nothing of a slope: it stays the same if `.real` returns the complex array."""
        theta = self.point.astype(complex)
        theta[line[0]] += 1j * COMPLEX_STEP * line[1]
        with contextlib.suppress(Exception):  # f may refuse an array of another class
            return abs(self.subject.value(theta, passing_real).imag / COMPLEX_STEP - predicted) <= 1e-9 * size
        return False

    def _search(self, lines, row):
        """Return the row of the wrong entries, found by bisection; if there are many, of a block around one of them."""
        if not np.isfinite(row.analytic):
            return row
        (flat, v), tolerance = lines.lines[0], row.tolerance * lines.scale

        def gap(part):
            slope = self.slope(lines.method, (flat[part], v[part]), target=tolerance / 10)
            return self.gradient[flat[part]] @ v[part] - slope.value

        def wrong(part, total):
            # the gap <g, v> - D f v of a set is the sum of its halves' gaps: log2(P) derivatives lead to an entry
            if len(part) == 1:
                yield int(part[0])
                return
            half, other = np.split(part, [len(part) // 2])
            g = gap(half)
            more, less = sorted([(half, g), (other, total - g)], key=lambda side: -abs(side[1]))
            yield from wrong(*more)
            if abs(less[1]) > tolerance:
                yield from wrong(*less)

        every = np.arange(len(v))
        found = sorted(itertools.islice(wrong(every, lines.analytic[0] - lines.slopes[0].value), MAX_LOCATED))
        few = abs(gap(np.setdiff1d(every, found))) <= tolerance
        coordinates, labels = (found, [found]) if few else self._block(lines.shape, found[0])
        each = Lines(self, lines.name, coordinates=coordinates)
        self.differentiate(each, lines.method)
        located = compare(each, self, labels)
        if few:
            at = ", ".join(str(list(each.index(k))) for k in range(len(found)))
            located.diagnosis = f"only {len(found)} of {len(v):,} entries are wrong, at {at}: found by bisection"
        return located

    def _block(self, shape, place):
        """Return the coordinates of a block, and its rows and columns: the same ones if the array is square."""
        sides = (shape[0], int(np.prod(shape[1:]))) if len(shape) > 1 else (1, shape[0])
        many = BLOCK if 1 not in sides else BLOCK**2
        chosen = [np.union1d(self.rng.choice(n, min(n, many)), [i]) for i, n in zip(divmod(place, sides[1]), sides)]
        chosen = [np.union1d(*chosen)] * 2 if sides[0] == sides[1] else chosen
        return np.ravel_multi_index(np.ix_(*chosen), sides).ravel(), chosen
