"""L-BFGS: minimize J on all samples at once, with the curvature of the last few steps.

    theta <- theta + a p,    p = -H g,    g = dJ/dtheta

H approximates the inverse Hessian from the last m changes s of theta and y of g; for the newest pair H y = s.
`two_loops` computes H g. `line_search` finds a step a that satisfies the strong Wolfe conditions:

    J(theta + a p) <= J(theta) + c1 a g^T p,    |g(theta + a p)^T p| <= c2 |g^T p|

Nocedal and Wright (2006), Numerical Optimization: algorithms 7.4 (two loops), 3.5 and 3.6 (line search).
Liu and Nocedal (1989), On the limited memory BFGS method, Mathematical Programming 45.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from npae.validation import check_number

C1, C2 = 1e-4, 0.9  # Nocedal and Wright, section 3.1
MAX_TRIALS = 20  # evaluations of J in one line search
MAX_STALLED = 100  # iterations in which neither J nor the gradient falls
EPS = float(np.finfo(np.float64).eps)
RESOLVED = 1e-10  # rounding takes half of the digits of a smaller relative change of J

ValueAndGrad = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class LBFGSResult:
    """J and max_i |dJ/dtheta_i| at the end, iterations, evaluations of J, and why the iteration stopped."""

    value: float
    max_gradient: float
    n_iter: int
    n_evaluations: int
    converged: bool
    message: str


class Trial(NamedTuple):
    """A point theta + step p of a line search: J minus J at step 0, the slope g^T p, and theta, J and g there."""

    step: float
    change: float
    slope: float
    theta: np.ndarray
    value: float
    grad: np.ndarray


def lbfgs(network: Any, x: Any, target: Any = None, *, max_iter: int = 5000, gtol: float = 1e-10) -> LBFGSResult:
    """Minimize the network's objective over all of x (N, D), with target (N, D) if given; theta is left at the best.

    Stops when max_i |dJ/dtheta_i| <= gtol, when J falls no further in float64, or after `max_iter` iterations; Ctrl-C
    leaves the best theta too. For linear networks `npae.pca.fit_linear_autoencoder` needs fewer iterations.
    Raises TypeError for a network that is not float64, ValueError for bad x, max_iter or gtol.
    """
    check_options(network, max_iter, gtol)
    theta = network.theta.copy()

    def value_and_grad(point: np.ndarray) -> tuple[float, np.ndarray]:
        network.theta[:] = point
        return network.value_and_grad(x, target), network.grad.copy()

    try:
        return minimize(value_and_grad, theta, max_iter=max_iter, gtol=gtol)
    finally:
        network.theta[:] = theta


def check_options(network: Any, max_iter: Any, gtol: Any) -> None:
    """Raise ValueError for a bad max_iter or gtol, TypeError for a network that is not float64."""
    check_number(max_iter, "max_iter", "lbfgs", low=1, integer=True)
    check_number(gtol, "gtol", "lbfgs")
    if network.theta.dtype != np.float64:
        expected = "expected float64; use network.astype('float64')"
        raise TypeError(f"lbfgs: got a network of dtype {network.theta.dtype}, {expected}")


def minimize(
    value_and_grad: ValueAndGrad, theta: np.ndarray, *, max_iter: int, gtol: float, memory: int = 30
) -> LBFGSResult:
    """Minimize J over theta (P,), in place; value_and_grad(theta) returns J and a new array dJ/dtheta (P,).

    Stops when max_i |dJ/dtheta_i| <= gtol; after `max_iter` iterations; when not even a step along -dJ/dtheta lowers J;
    or when neither J nor the gradient falls for MAX_STALLED iterations. If value_and_grad raises, theta is the best
    point so far. Raises ValueError if J or its gradient is not finite at the start.
    """
    n_iter = n_evaluations = n_stalled = 0
    best = np.inf
    pairs: deque = deque(maxlen=memory)

    def trial(start: Trial, p: np.ndarray, step: float) -> Trial:
        nonlocal best, n_evaluations
        point = start.theta + step * p
        value, grad = value_and_grad(point)
        n_evaluations += 1
        if value < best:
            best, theta[:] = value, point
        slope, change = float(grad @ p), float(value - start.value)
        if abs(change) <= RESOLVED * abs(start.value):  # then the trapezoidal rule gives more digits
            change = step * (start.slope + slope) / 2
        return Trial(step, change if np.isfinite(change + slope) else np.inf, slope, point, float(value), grad)

    with np.errstate(over="ignore", invalid="ignore"):  # J may overflow at a trial; the step then shrinks
        zero = np.zeros_like(theta)
        here = trial(Trial(0.0, 0.0, 0.0, theta.copy(), 0.0, zero), zero, 0.0)
        largest = smallest = float(np.abs(here.grad).max(initial=0))
        if not np.isfinite(here.value + largest):
            raise ValueError(f"lbfgs: got J = {here.value} and |dJ/dtheta| = {largest}, expected finite numbers")
        while largest > gtol and n_iter < max_iter and n_stalled < MAX_STALLED:
            p = -two_loops(here.grad, pairs)
            start = here._replace(step=0.0, change=0.0, slope=float(here.grad @ p))
            step = 1.0 if pairs else 1 / float(np.linalg.norm(p))
            found = line_search(partial(trial, start, p), start, step)
            if found is start:
                if not pairs:
                    break
                pairs.clear()  # rounding has spoiled H: try H = I
                continue
            s, y = found.theta - here.theta, found.grad - here.grad
            if s @ y > EPS * (y @ y):  # H stays positive definite
                pairs.append((s, y, 1 / (s @ y)))
            here, n_iter, largest = found, n_iter + 1, float(np.abs(found.grad).max())
            n_stalled = 0 if largest < smallest or here.change < -EPS * abs(here.value) else n_stalled + 1
            smallest = min(smallest, largest)
    theta[:] = here.theta
    reached, spent = largest <= gtol, n_iter == max_iter
    message = "max |dJ/dtheta| <= gtol" if reached else "max_iter reached" if spent else "J falls no further in float64"
    return LBFGSResult(here.value, largest, n_iter, n_evaluations, reached, message)


def two_loops(g: np.ndarray, pairs: Sequence) -> np.ndarray:
    """H g (P,), from pairs (s, y, 1 / s^T y), the oldest first; H = (s^T y / y^T y) I before the first pair is used."""
    r, alphas = g.copy(), []
    for s, y, rho in reversed(pairs):
        alphas.append(rho * (s @ r))
        r -= alphas[-1] * y
    if pairs:
        _, y, rho = pairs[-1]
        r /= rho * (y @ y)
    for s, y, rho in pairs:
        r += (alphas.pop() - rho * (y @ r)) * s
    return r


def line_search(trial: Callable[[float], Trial], start: Trial, step: float) -> Trial:
    """Return a trial that satisfies the strong Wolfe conditions: lengthen the step until it is too long, then `zoom`.

    If MAX_TRIALS trials find none, return the lowest that satisfies the first condition, `start` if there is none.
    """
    if not -np.inf < start.slope < 0:
        return start
    previous = start
    for n in range(MAX_TRIALS):
        here = trial(step)
        if not lowers_enough(here, start) or here.change >= previous.change:
            return zoom(trial, start, previous, here, MAX_TRIALS - n - 1)
        if abs(here.slope) <= C2 * -start.slope:
            return here
        if here.slope >= 0:
            return zoom(trial, start, here, previous, MAX_TRIALS - n - 1)
        step, previous = 4 * step, here
    return previous


def zoom(trial: Callable[[float], Trial], start: Trial, low: Trial, high: Trial, n_trials: int) -> Trial:
    """Shrink an interval that contains steps with the strong Wolfe conditions; J is lowest at its end `low`."""
    for _ in range(n_trials):
        margin = 0.1 * (high.step - low.step)
        left, right = sorted((low.step + margin, high.step - margin))
        here = trial(min(max(cubic_minimum(low, high), left), right))
        if not lowers_enough(here, start) or here.change >= low.change:
            high = here
            continue
        if abs(here.slope) <= C2 * -start.slope:
            return here
        if here.slope * (high.step - low.step) >= 0:
            high = low
        low = here
    return low


def lowers_enough(here: Trial, start: Trial) -> bool:
    """J <= J(start) + c1 a g^T p."""
    return here.change <= C1 * here.step * start.slope


def cubic_minimum(a: Trial, b: Trial) -> float:
    """The minimum of the cubic with both values and slopes, or the middle step. Nocedal and Wright, equation 3.59."""
    middle, width = (a.step + b.step) / 2, b.step - a.step
    d1 = a.slope + b.slope - 3 * (b.change - a.change) / width
    square = d1**2 - a.slope * b.slope
    if not 0 <= square < np.inf:  # no minimum, or J is infinite at b
        return middle
    d2 = np.copysign(np.sqrt(square), width)
    denominator = b.slope - a.slope + 2 * d2
    return b.step - width * (b.slope + d2 - d1) / denominator if denominator else middle
