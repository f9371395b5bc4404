"""What the exercise sheets ask besides a gradient check: is this value right, and is it computed without a loop?

    assert_value(J, 1.5, "J", sizes={"N": 7})   # J: got 10.5, expected 1.5: got = 7 x expected, and 7 is N: ...
    assert_no_loop(lambda n: f(x[:n]), "f")     # f: got 9.6 times as many steps for 10 times as many samples ...

Both raise AssertionError with words on what is wrong; they serve in anyone's own sheet as well.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from npae.gradcheck.mistakes import Comparison, shape_hint, wrong_factor

CLOSE = 1e-6  # a pattern holds if it leaves this part of the value unexplained
ANSWER = Comparison(
    got="got",
    expected="expected",
    it="it",
    known={
        -1.0: "-expected: the sign is wrong",
        2.0: "2 x expected: a factor 1/2 is forgotten",
        0.5: "expected / 2: a factor 2 is forgotten",
        -2.0: "-2 x expected: the sign is wrong, and a factor 1/2 is forgotten",
        -0.5: "-expected / 2: the sign is wrong, and a factor 2 is forgotten",
        np.log(2): "expected x log 2: log where log2 belongs",
        1 / np.log(2): "expected / log 2: log2 where log belongs",
    },
    sums="a sum where the mean over {axis} belongs",
    averages="a mean where the sum over {axis} belongs",
)


@np.errstate(all="ignore")
def assert_value(
    got: Any, expected: Any, name: str, *, rtol: float = 1e-9, atol: float = 1e-12,
    sizes: Mapping[str, int] | None = None, mistakes: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Raise AssertionError, in words, unless max|got - expected| <= atol + rtol max|expected|.

    expected: numbers, or a tuple of whole ones, which is taken for a shape. name: what the message calls the value.
    sizes: {"N": 7}, numbers that may be a forgotten or a superfluous factor. mistakes: {sentence: value}, what known
    mistakes would give; the sentence of one that fits is said.
    """
    if isinstance(got, tuple) and isinstance(expected, tuple) and all(isinstance(k, int) for k in (*got, *expected)):
        known = (f": {sentence}" for sentence, wrong in (mistakes or {}).items() if np.array_equal(wrong, got))
        if got != expected:
            raise AssertionError(f"{name}: got {got}, expected {expected}{next(known, shape_hint(got, expected))}")
    target = np.asarray(expected, dtype=float)
    try:
        value = np.asarray(got)
    except ValueError:  # rows of different lengths
        value = np.empty(0, dtype=object)
    if value.dtype.kind not in "fiub":
        hint = "; a function without return gives None" if got is None else ""
        raise AssertionError(f"{name}: got {got!r}, expected {_kind(target)}{hint}")
    dtype, value = value.dtype, value.astype(float)
    if value.shape != target.shape:
        raise AssertionError(
            f"{name}: got shape {value.shape}, expected {target.shape}{shape_hint(value.shape, target.shape)}"
        )
    limit = atol + rtol * np.abs(target).max(initial=0.0)
    gap = np.where(np.isfinite(value), np.abs(value - target), np.inf)
    if (gap <= limit).all():
        return
    k = np.unravel_index(int(gap.argmax()), gap.shape)
    where = f" at {[int(i) for i in k]}" if gap.ndim else ""
    words = _known(value, target, mistakes or {}) or _single(dtype, gap, target)
    counts = isinstance(expected, (int, np.integer)) and dtype.kind in "iub"  # of things: none is a mean for a sum
    if not (words or counts):
        words = _pattern(value, target, sizes or {}, gap > limit, max(10 * rtol, _precision(dtype)))
    shown, wanted = _apart(value[k], target[k])
    raise AssertionError(f"{name}: got {shown}{where}, expected {wanted}{words and f': {words}'}")


def assert_no_loop(f: Callable[[int], Any], name: str, *, few: int = 10, many: int = 100) -> None:
    """Raise AssertionError if f(n), which handles n samples, takes more Python steps for many samples than for few.

    Steps are bytecodes, counted and not timed: the same on any machine. What NumPy does for a whole array is one.
    """
    f(few)  # what is done once, such as an import, is done here
    before, after = count_steps(f, few), count_steps(f, many)
    if after > 1.5 * before:
        raise AssertionError(
            f"{name}: got {after / before:.1f} times as many Python steps for {many / few:g} times as many samples, "
            "expected as many: there is a loop over the samples; write it as one product or sum of arrays"
        )


def count_steps(f: Callable[..., Any], *args: Any) -> int:
    """The number of Python bytecodes that f(*args) executes, those of functions it calls included."""
    steps = 0

    def trace(frame, event, arg):
        nonlocal steps
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        f(*args)
    finally:
        sys.settrace(before)
    return steps


def _kind(target):
    return f"an array of shape {target.shape}" if target.ndim else "a number"


def _apart(a, b):
    """Two numbers of six digits, or of as many as tell them apart."""
    digits = next((n for n in range(6, 17) if f"{a:.{n}g}" != f"{b:.{n}g}"), 17)
    return f"{a:.{digits}g}", f"{b:.{digits}g}"


def _known(value, target, mistakes):
    for sentence, wrong in mistakes.items():
        wrong = np.asarray(wrong, dtype=float)
        if wrong.shape == value.shape and _same(value, wrong) and not _same(wrong, target):
            return sentence
    return ""


def _single(dtype, gap, target):
    """A sentence if got is of a dtype shorter than float64, and as near as that comes."""
    if _precision(dtype) < 1e-9 or gap.max() > _precision(dtype) * np.abs(target).max():
        return ""
    return f"it is {dtype}, and as near as that comes: compute it in float64"


def _precision(dtype):
    return 100 * float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0


def _same(a, b):
    return bool(np.isfinite(a).all() and np.abs(a - b).max(initial=0.0) <= CLOSE * np.abs(b).max(initial=0.0))


def _pattern(value, target, sizes, wrong, fit):
    """A sentence on how value differs from target, from the simplest pattern on; '' if none fits."""
    bad = value.size - int(np.isfinite(value).sum())
    if bad:
        return f"{bad:,} of {value.size:,} entries are NaN or infinite; look for an exp that overflows, log(0), 0 / 0"
    r = wrong_factor(value, target, CLOSE)
    if r is not None:
        counts = {size: name for name, size in reversed(sizes.items())}  # of two of one size the first is told
        return ANSWER.factor(r, counts, CLOSE, single=value.size == 1)
    if value.size == 1:
        return ""
    if not value.any():
        return "all entries are zero"
    if np.ptp(value - target) <= CLOSE * np.abs(value - target).max():
        return f"got = expected + {(value - target).flat[0]:.6g} everywhere: something constant is left out or too much"
    told = (sentence for fits, sentence in ANSWER.patterns(value, target, min(fit, CLOSE), bad=wrong) if fits)
    return next(told, f"{int(wrong.sum()):,} of {value.size:,} entries are wrong")
