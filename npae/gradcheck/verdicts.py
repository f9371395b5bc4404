"""Compare analytic with numeric derivatives, array by array: the relative error and the verdict."""

import numpy as np

from npae.gradcheck.diagnosis import diagnose
from npae.gradcheck.numeric import EPS, NAMES, RTOL
from npae.gradcheck.report import INCONCLUSIVE, KINK, OK, WRONG, Row

LOOSEST = 1e-4  # the noise of a difference quotient raises no tolerance above this
SINGLE = 16 * float(np.finfo(np.float32).eps)
FLOAT32_HINT = "look for astype(np.float32), dtype=np.float32, or data and weights that are float32"


class Lines:
    """The `lines` (entries of theta, v) of one array, some of its `coordinates` or `count` directions, and `slopes`."""

    def __init__(self, check, name, count=0, coordinates=None):
        index = check.subject.index[name]
        self.name, self.shape, self.along = name, index.shape, bool(count)
        self.coordinates = np.arange(index.size) if coordinates is None else np.sort(coordinates)
        self.flat = index.ravel()[self.coordinates]
        self.x, self.gradient = check.point[self.flat], (g := check.gradient[self.flat])
        self.lines = [(self.flat, direction(check.rng, g.size)) for _ in range(count)] or [(i, 1.0) for i in self.flat]
        self.analytic = np.array([g @ v for _, v in self.lines]) if count else g
        self.scale = float(np.linalg.norm(g[np.isfinite(g)], 2 if count else np.inf)) if np.isfinite(g).any() else 0.0
        self.method, self.slopes, self.trusted = "complex", [], []

    def index(self, k):
        """Return the index of line k in the report: the number of a direction, or the place of an entry."""
        if self.along or not self.shape:
            return (k,) if self.along else ()
        return tuple(int(i) for i in np.unravel_index(self.coordinates[k], self.shape))


def direction(rng, size):
    """Return entries of 1/2 to 3/2 and either sign: a wrong entry cannot hide behind a small one, no two cancel."""
    return rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 1.5, size)


def compare(lines, check, labels=None):
    """Return the Row of one array; labels: the coordinates along each axis, if they are not the whole array.

    The tolerance is numeric.RTOL of the method. If the estimated error of a real difference exceeds it, the tolerance
    is three times the estimate, at most LOOSEST, so that a gradient wrong by 0.1 % always fails. A difference above the
    tolerance, but below three times the estimate, is inconclusive: neither proved nor refuted. A given rtol is never
    raised. At a kink the numeric value is the number between the two one-sided slopes that is nearest to the analytic
    one.
    """
    a, n, error = lines.analytic, *(np.array([getattr(s, part) for s in lines.slopes]) for part in ("value", "error"))
    kinks = np.array([slope.sides is not None for slope in lines.slopes])
    for i in np.flatnonzero(kinks):
        low, high = lines.slopes[i].sides
        n[i], error[i] = np.clip(a[i], low, high), 1e-4 * (high - low)
    sizes = np.abs(np.concatenate([n, [lines.scale] if lines.along else a[~kinks]]))
    scale, gap = float(sizes[np.isfinite(sizes)].max(initial=0.0)), np.abs(a - n)
    gap[~np.isfinite(gap)] = np.inf

    rtol, overall = check.rtol or RTOL[lines.method], check.overall
    tolerance = np.where(kinks, error, rtol * scale)
    if check.rtol is None:
        tolerance = np.maximum(tolerance, np.minimum(3 * error, LOOSEST * scale))
    off = gap > tolerance
    wrong = off & ((gap > 3 * error) | ~np.isfinite(a))

    status, note = OK if not off.any() else WRONG if wrong.any() else INCONCLUSIVE, ""
    # a and n are rounding, and negligible compared with the other arrays' gradients
    nothing = (gap <= 4 * EPS * overall) | ((np.maximum(np.abs(a), gap) <= 3 * error) & (error <= 1e-7 * overall))
    zero = bool(off.any() and nothing.all())
    if zero:
        status, note = OK, f"zero within rounding: nothing beside the largest entry of the gradient, {overall:.0e}"
    elif status == WRONG and not kinks.any() and gap.max() <= SINGLE * scale and (a == a.astype(np.float32)).all():
        status, note = INCONCLUSIVE, f"agrees to float32's precision, and its numbers are float32's: {FLOAT32_HINT}"
    elif status == INCONCLUSIVE:
        coarse = lines.method != "complex" and check.noise > 1e5 * EPS * abs(check.f0)
        note = (
            f"the value moves in steps of float32's size: something inside f is float32, {FLOAT32_HINT}" if coarse else
            f"the numeric derivative is known to {error.max():.0e} only, the largest entry is {scale:.0e}: a real "
            "difference loses eps |f| / h, and more near a kink or an edge of f's domain. Subtract the constant part "
            "of f, scale x, or let f accept complex input"
        )  # fmt: skip
    wrong &= status == WRONG
    k = int(np.argmax(np.where(wrong if wrong.any() else ~kinks, gap, -1.0)))
    if (wrong & ~(kinks & np.isfinite(a))).any():
        note = _explain(lines, a, n, check.n_samples, max(rtol, float(tolerance[k] / scale)), labels, wrong)
    if kinks.any():
        some = np.flatnonzero(kinks & wrong if (kinks & wrong).any() else kinks)
        at = ", ".join(str(list(lines.index(i))) for i in some[:3]) + (", ..." if len(some) > 3 else "")
        kink = f"{kinks.sum():,} not differentiable here, at {at}: the slopes from the left and right differ"
        if (kinks & wrong).any():
            kink = f"not differentiable at {at}, and the gradient is not between the slopes from the left and right"
        note = "; ".join(filter(None, (note, kink)))
    if kinks.any() and status == OK:  # along a direction one kink hides all other entries
        status = INCONCLUSIVE if lines.along else KINK if kinks.all() else OK
    sizes = float(gap[k] / scale) if gap[k] else 0.0, float(tolerance[k] / scale) if scale else rtol
    counts = [int(mask.sum()) for mask in (~kinks | wrong, wrong, kinks)]
    worst = (*sizes, lines.index(k), float(a[k]), float(n[k]), NAMES[lines.method])
    return Row(*(lines.name, lines.shape, status, *worst, *counts, note, zero, a, n))


def _explain(lines, a, n, n_samples, tol, labels, bad):
    if not np.isfinite(lines.gradient).all():
        return diagnose(lines.gradient, n)
    if lines.along:  # one number is a multiple of any other
        return "" if len(a) == 1 and a.any() else diagnose(a, n, None, n_samples, tol, lines.shape)
    if (part := a.size < np.prod(lines.shape)) and len(lines.shape) != 2:  # rows and columns are not axes
        places = np.unravel_index(lines.coordinates, lines.shape)
        labels = [np.transpose(places) if len(places) > 1 else places[0]]
    shape = tuple(map(len, labels)) if part else lines.shape
    a, n, x, bad = (each.reshape(shape) for each in (a, n, lines.x, bad))
    words = diagnose(a, n, x, n_samples, tol, lines.shape, labels if part else None, bad)
    return f"of {' x '.join(map(str, shape))} entries looked at: {words}" if part and words else words
