"""The gradient check itself: choose a method, differentiate numerically, tell wrong from unknown, array by array.

The tolerance on the relative error per array is the method's own (numeric.RTOL). A real difference cannot resolve less
than about eps |f| / h: where its estimated error exceeds the tolerance, that is raised to three times the estimate, at
most to LOOSEST, so that a gradient wrong by 0.1 % always fails. What differs by more than LOOSEST but by less than
three times the estimate is 'inconclusive': neither proved nor refuted. A given `rtol` is never raised.
"""

import functools
from dataclasses import replace

import numpy as np

from npae.gradcheck.numeric import (
    CENTRAL_STEP,
    NAMES,
    RTOL,
    STEPS,
    Coordinates,
    Directions,
    Numeric,
    Slope,
    central_slope,
    complex_gradient,
    direction,
    noise_level,
    power_of_two,
    quietly,
    richardson_slope,
)
from npae.gradcheck.report import KINK, OK, WRONG, GradientReport
from npae.gradcheck.verdicts import compare, diagnose_all

LARGE, DIRECTIONS = 20_000, 3  # above so many numbers "auto" takes one random direction, and so many where that fails
SEED = 0  # directions, samples of coordinates and projections are the same in every run
AGREES = "because f accepts complex input and agrees with a real difference in every array"
AGREE = 1e-5  # complex step and real difference along a direction: this close, relative to the gradient's norm


class Check:
    """One check in progress: a subject (see variables.Function), its real buffer, the noise of its value."""

    def __init__(self, subject, options):
        self.subject, self.options = subject, options
        self.point = subject.point
        self.f0, self.gradient = subject.value_and_gradient(self.point.copy())
        self.overall = np.abs(self.gradient).max()  # NaN if the gradient has one
        self._refuse_noise()
        self.theta, self.value = subject.evaluator(np.float64)
        self.rng = np.random.default_rng(SEED)
        self.lines: list = self._lines()

    def report(self):
        """Differentiate numerically, compare, explain."""
        with quietly():
            method, numerics, reason = self._differentiate()
            rows = [self._compare(lines, numeric) for lines, numeric in zip(self.lines, numerics)]
            if method == "complex":
                rows = [self._doubt(lines, row) for lines, row in zip(self.lines, rows)]
        if not np.array_equal(self.theta, self.point):
            raise ValueError("f changed its input in place at some displaced x; copy it first")
        along = isinstance(self.lines[0], Directions)
        if along and not self.options.directions:
            if any(row.status == WRONG for row in rows):
                return Check(self.subject, replace(self.options, directions=DIRECTIONS)).report()
            reason += f"; {self.point.size:,} numbers, hence directions"
        elsewhere = [row.name for row in rows if row.method != NAMES[method]]
        if elsewhere:
            reason += f"; {NAMES['richardson']} for {', '.join(elsewhere)}, with kinks or against the complex step"
        if len(elsewhere) == len(rows):
            method, reason = "richardson", "because f has kinks, or real differences contradict the complex step"
        name = NAMES[method] + (" along random directions" if along else "")
        return GradientReport(rows, name, reason, self.f0, diagnose_all(rows))

    @functools.cached_property
    def noise(self):
        """The rounding error of the value, measured only where eps |f| does not settle the matter."""
        sizes = np.abs(self.point)
        smallest = sizes[sizes > 0].min(initial=1.0)
        levels = []
        for scale in (np.maximum(sizes, 1.0), np.maximum(sizes, smallest)):  # the second for a tiny x, as in log(1e-7)
            probe = self.rng.standard_normal(self.point.size) * scale
            levels.append(noise_level(direction(self.theta, self.value, slice(None), probe), self.f0))
            if levels[-1] <= 100 * np.finfo(float).eps * abs(self.f0):
                break
        return min(levels)

    # -- what to differentiate along ---------------------------------------------------------------------------

    def _lines(self):
        options, lines = self.options, list[Coordinates | Directions]()
        count = options.directions
        if not count and not options.coordinates and options.method == "auto" and self.point.size > LARGE:
            count = 1
        for name, index in self.subject.index.items():
            first = where = index.ravel()
            if not index.size:
                continue
            if count:
                lines.append(Directions(name, index.shape, where, self.point, self.gradient, count, self.rng))
                continue
            if options.coordinates and index.size > options.coordinates:
                where = np.sort(self.rng.choice(first, options.coordinates, replace=False))
            lines.append(Coordinates(name, index.shape, where, first, self.point, self.gradient))
        return lines

    def _refuse_noise(self):
        again, gradient = self.subject.value_and_gradient(self.point.copy())
        with np.errstate(invalid="ignore"):  # infinity - infinity
            difference = np.abs(np.nan_to_num(gradient - self.gradient, copy=False)).max()
        if abs(again - self.f0) > 1e-13 * abs(self.f0):
            what = f"the values {self.f0!r} and {again!r}"
        elif difference > 1e-12 * self.overall:
            what = f"one value, but gradients that differ by {difference:.1e}"
        else:
            return
        raise ValueError(
            f"f is not deterministic: two calls at the same x gave {what}. Draw the noise once, outside, and pass it "
            "in: noise = rng.normal(size=x.shape); check_gradient(lambda x: f(x, noise), x). If f adds to a gradient "
            "that it keeps between calls, set that to zero at the start of f"
        )

    # -- numeric derivatives -----------------------------------------------------------------------------------

    def _differentiate(self):
        """(method, a Numeric for each of self.lines, why this method)."""
        method, reason = self.options.method, "as asked"
        if method in ("auto", "complex"):
            numerics, reason = self._complex()
            if numerics:
                return "complex", numerics, reason
            if method == "complex":
                raise ValueError(f"the complex step cannot be used: {reason}. Take method='auto' or 'richardson'")
            method, reason = "richardson", f"because {reason}"
        return method, [self._real(method, lines) for lines in self.lines], reason

    def _complex(self):
        """Complex steps, held against a real difference along a random direction of each array; or why not."""
        try:
            theta, value = self.subject.evaluator(np.complex128)
            real = complex(value()).real
            slopes = [lines.complex_slopes(theta, value) for lines in self.lines]
        except Exception as error:  # whatever f raises on complex input is a reason not to use it
            text = str(error).partition("\n")[0] or "no message"
            return None, f"f does not survive complex input ({type(error).__name__}: {text})"
        gap = abs(real - self.f0)
        if not gap <= 1e-12 * abs(self.f0) and not gap <= 100 * self.noise:
            return None, f"f is {real!r} for complex input, but {self.f0!r} for real input"
        if isinstance(self.lines[0], Directions) and self._joint_test(slopes):
            return [Numeric("complex", n, rtol=RTOL["complex"]) for n in slopes], AGREES
        numerics = []
        for lines, n in zip(self.lines, slopes):
            if not np.isfinite(n).all():
                return None, f"the complex step gives NaN or infinity for {lines.name}"
            slope, gap, size = self._real_test(lines, n)
            if slope.kink:
                numerics.append(self._real("richardson", lines))
                continue
            if gap > AGREE * size + 3 * slope.error:
                return None, (
                    f"in {lines.name} the complex step differs from a real difference along a random direction by "
                    f"{gap / size:.1e}: f takes abs, a norm, .real or a conjugate somewhere"
                )
            known = bool(slope.error <= 1e-3 * size or gap == 0)
            numerics.append(Numeric("complex", n, confirmed=known, rtol=RTOL["complex"]))
        return numerics, AGREES

    def _joint_test(self, slopes):
        """One real difference along the first direction of all arrays at once: four values where all is well."""
        v = np.empty_like(self.point)
        for lines in self.lines:
            v[lines.where] = lines.v[0]
        size = max(max(lines.scale, abs(n[0])) for lines, n in zip(self.lines, slopes))
        phi = direction(self.theta, self.value, slice(None), v)
        quick = np.finfo(float).eps * abs(self.f0)
        slope = richardson_slope(phi, self.f0, 1.0, quick, AGREE / 10 * size, STEPS[:1])
        return slope.clean and abs(slope.value - sum(n[0] for n in slopes)) <= AGREE / 2 * size

    def _real_test(self, lines, n):
        """A real difference along one direction of an array: the Slope, its gap to complex steps n, their size."""
        size = np.linalg.norm(n) if isinstance(lines, Coordinates) else max(lines.scale, np.abs(n).max())
        phi, weights = lines.test_line(self.theta, self.value, self.rng)
        h, rounding = STEPS[0], np.finfo(float).eps * abs(self.f0)
        plus, minus = float(phi(h)), float(phi(-h))
        slope = Slope((plus - minus) / (2 * h), rounding / h)
        jump = abs(plus - 2 * self.f0 + minus) / h
        if not max(abs(n @ weights - slope.value), slope.error, AGREE * jump) <= AGREE / 10 * size:
            slope = richardson_slope(phi, self.f0, 1.0, self.noise, AGREE / 10 * size)
        return slope, abs(n @ weights - slope.value), max(size, abs(slope.value))

    def _real(self, method, lines):
        if method == "central":
            return self._central(lines)
        target = 0.1 * (self.options.rtol or RTOL[method])
        slopes, size = [], lines.scale if np.isfinite(lines.scale) else 0.0
        for k in range(len(lines)):
            phi, scale = lines.line(self.theta, self.value, k)
            slopes.append(richardson_slope(phi, self.f0, scale, self.noise, target * size))
            size = max(size, abs(slopes[-1].value)) if np.isfinite(slopes[-1].value) else size
        value, error, kinks = (
            np.array([getattr(slope, part) for slope in slopes]) for part in ("value", "error", "kink")
        )
        return Numeric(method, value, error, kinks, rtol=RTOL[method])

    def _central(self, lines):
        """Central differences; the error is estimated, and kinks looked for, where they disagree with f's gradient."""
        n, error, kinks = np.empty(len(lines)), np.zeros(len(lines)), np.zeros(len(lines), bool)
        tolerance = (self.options.rtol or RTOL["central"]) * lines.scale
        for k in range(len(lines)):
            phi, scale = lines.line(self.theta, self.value, k)
            h = power_of_two(CENTRAL_STEP * max(scale, 1.0))
            n[k] = central_slope(phi, h)
            if not np.isfinite(n[k]):
                error[k] = np.inf
                continue
            one_sided = (float(phi(h)) - self.f0) / h - (self.f0 - float(phi(-h))) / h
            if abs(n[k] - lines.analytic[k]) > tolerance or abs(one_sided) > 1e-3 * lines.scale + 10 * self.noise / h:
                kinks[k] = richardson_slope(phi, self.f0, scale, self.noise, 0.0).kink
                error[k] = abs(central_slope(phi, 2 * h) - n[k]) / 3 + 2 * self.noise / h
        return Numeric("central", n, error=error, kinks=kinks, rtol=RTOL["central"])

    # -- verdicts ----------------------------------------------------------------------------------------------

    def _compare(self, lines, numeric):
        x = self.point[lines.where] if isinstance(lines, Coordinates) else None
        return compare(lines, numeric, x, self.options, self.overall, NAMES[numeric.method])

    def _doubt(self, lines, row):
        """A second look at a row that failed: is the complex step wrong here, or is it rounding alone?"""
        if row.status in (OK, KINK) or row.method != NAMES["complex"] or not np.isfinite(row.error):
            return row
        k = row.worst
        phi, scale = lines.line(self.theta, self.value, k)
        slope = richardson_slope(phi, self.f0, scale, self.noise, 1e-6 * abs(row.analytic - row.numeric))
        gaps = abs(row.analytic - slope.value), abs(row.numeric - slope.value)
        if row.status == WRONG and gaps[0] <= 3 * slope.error + AGREE * abs(row.analytic) < gaps[1] / 10:
            return self._compare(lines, self._real("richardson", lines))
        if isinstance(lines, Coordinates) and self._is_rounding(lines, row):
            row.status, row.wrong, row.rounding = OK, 0, True
            row.diagnosis = "agrees within rounding: both sides move as much when x moves by its last digit"
        return row

    def _is_rounding(self, lines, row):
        """Whether the worst entries differ by no more than analytic and numeric move when x moves by eps |x|.

        The condition of a gradient that cancels (terms of size 1 that sum to 1e-17) cannot be read off the value,
        but it shows: the entries of both derivatives wander by the rounding of their terms.
        """
        worst = np.argsort(-np.abs(row.analytic_values - row.numeric_values))[:8]
        theta, value = self.subject.evaluator(np.complex128)
        moved_a, moved_n = [row.analytic_values[worst]], [row.numeric_values[worst]]
        for _ in range(4):
            point = self.point * (1 + np.finfo(float).eps * self.rng.integers(-2, 3, self.point.size))
            moved_a.append(self.subject.value_and_gradient(point.copy())[1][lines.where[worst]])
            theta[:] = point
            moved_n.append(complex_gradient(theta, value, lines.where[worst]))
        spread = np.ptp(moved_a, axis=0) + np.ptp(moved_n, axis=0)
        gap = np.abs(moved_a[0] - moved_n[0])
        limit = 1e-10 * max(self.overall, abs(self.f0) / max(1.0, np.abs(self.point).max()))
        return bool((gap <= 4 * spread).all() and (gap <= limit).all())
