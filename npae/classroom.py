"""Checks of exercise sheets beside the gradient check: a value is right, and a function has no loop over samples.

    assert_value(J, 1.5, "J", sizes={"N": 7})   # J: got 10.5, expected 1.5: got = 7 x expected, and 7 is N: ...
    assert_no_loop(lambda n: f(x[:n]), "f")     # f: got 9.6 times as many steps for 10 times as many samples ...

Both raise AssertionError with a sentence on the mistake. You can use them in your own exercise sheets.
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from npae.gradcheck.mistakes import Comparison, shape_hint, wrong_factor

CLOSE = 1e-6  # a pattern holds if its relative error is at most this
ANSWER = Comparison(
    got="got", expected="expected", subject="it", sums="a sum where the mean over {axis} belongs",
    averages="a mean where the sum over {axis} belongs",
    known={
        -1.0: "-expected: the sign is wrong", 2.0: "2 x expected: a factor 1/2 is forgotten",
        0.5: "expected / 2: a factor 2 is forgotten",
        -2.0: "-2 x expected: the sign is wrong, and a factor 1/2 is forgotten",
        -0.5: "-expected / 2: the sign is wrong, and a factor 2 is forgotten",
        np.log(2): "expected x log 2: log where log2 belongs",
        1 / np.log(2): "expected / log 2: log2 where log belongs",
    },
)  # fmt: skip


@np.errstate(all="ignore")
def assert_value(
    got: Any, expected: Any, name: str, *, rtol: float = 1e-9, atol: float = 1e-12,
    sizes: Mapping[str, int] | None = None, mistakes: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Raise AssertionError with an explanation unless max|got - expected| <= atol + rtol max|expected|.

    expected: numbers, or a tuple of whole numbers, a shape. name: of the value, for the message. sizes: {"N": 7},
    numbers that may be a forgotten or a superfluous factor. mistakes: {sentence: value}, the values that known mistakes
    give; the message contains the sentence of the first one that fits.
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
        raise AssertionError(f"{name}: got {got!r}, expected {_describe_expected(target)}{hint}")
    dtype, value = value.dtype, value.astype(float)
    if value.shape != target.shape:
        got = f"{name}: got shape {value.shape}"
        raise AssertionError(f"{got}, expected {target.shape}{shape_hint(value.shape, target.shape)}")
    limit = atol + rtol * np.abs(target).max(initial=0.0)
    gap = np.where(np.isfinite(value), np.abs(value - target), np.inf)
    if (gap <= limit).all():
        return
    k = np.unravel_index(int(gap.argmax()), gap.shape)
    where = f" at {[int(i) for i in k]}" if gap.ndim else ""
    words = _known_mistake(value, target, mistakes or {}) or _float32_hint(dtype, gap, target)
    counts = isinstance(expected, (int, np.integer)) and dtype.kind in "iub"  # a count is never a mean
    if not (words or counts):
        words = _pattern(value, target, sizes or {}, gap > limit, max(10 * rtol, _precision(dtype)))
    shown, wanted = _distinguishing_digits(value[k], target[k])
    raise AssertionError(f"{name}: got {shown}{where}, expected {wanted}{words and f': {words}'}")


def assert_no_loop(f: Callable[[int], Any], name: str, *, few: int = 10, many: int = 100) -> None:
    """Raise AssertionError if f(n), which processes n samples, takes more Python steps for many samples than for few.

    Steps are bytecodes, counted and not timed: the same on any machine. A NumPy operation on a whole array is one.
    """
    f(few)  # for work that is done only once, such as an import
    before, after = count_steps(f, few), count_steps(f, many)
    if after > 1.5 * before:
        raise AssertionError(
            f"{name}: got {after / before:.1f} times as many Python steps for {many / few:g} times as many samples, "
            "expected as many: there is a loop over the samples; write it as one product or sum of arrays"
        )


def count_steps(f: Callable[..., Any], *args: Any) -> int:
    """Return the number of Python bytecodes that f(*args) executes, including those of functions that it calls.

    Other threads do not count. Raises RuntimeError if two other tools, such as profilers, use `sys.monitoring`.
    """
    steps, thread = 0, threading.get_ident()

    def count(*_):
        nonlocal steps
        steps += threading.get_ident() == thread

    def trace(frame, event, arg):
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            count()
        return trace

    if sys.version_info >= (3, 12):  # tracing of opcodes begins too late there
        with _monitoring(count):
            f(*args)
        return steps
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        f(*args)
    finally:
        sys.settrace(before)
    return steps


@contextlib.contextmanager
def _monitoring(count):
    """Call count(code, offset) at each bytecode, in all threads; from Python 3.12 on."""
    monitoring = sys.monitoring  # type: ignore[attr-defined]
    tool = next((k for k in (4, 3) if monitoring.get_tool(k) is None), None)  # not those of debuggers and coverage
    if tool is None:
        got = f"the tools {monitoring.get_tool(3)} and {monitoring.get_tool(4)} in sys.monitoring"
        raise RuntimeError(f"count_steps: got {got}, expected one free place; end a profiler or restart Python")
    monitoring.use_tool_id(tool, "npae.classroom")
    try:
        monitoring.register_callback(tool, monitoring.events.INSTRUCTION, count)
        monitoring.set_events(tool, monitoring.events.INSTRUCTION)
        yield
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)


def _describe_expected(target):
    return f"an array of shape {target.shape}" if target.ndim else "a number"


def _distinguishing_digits(a, b):
    """Return two numbers as text, with six digits or as many as are needed to see the difference."""
    digits = next((n for n in range(6, 17) if f"{a:.{n}g}" != f"{b:.{n}g}"), 17)
    return f"{a:.{digits}g}", f"{b:.{digits}g}"


def _known_mistake(value, target, mistakes):
    for sentence, wrong in mistakes.items():
        if np.shape(wrong) == value.shape and _equal(value, wrong) and not _equal(wrong, target):
            return sentence
    return ""


def _float32_hint(dtype, gap, target):
    """Return a hint if got has a shorter dtype than float64 and equals expected to that precision."""
    if _precision(dtype) < 1e-9 or gap.max() > _precision(dtype) * np.abs(target).max():
        return ""
    return f"it is {dtype}, and as near as that comes: compute it in float64"


def _precision(dtype):
    return 100 * float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0


def _equal(a, b):
    return np.allclose(a, b, rtol=0.0, atol=CLOSE * np.abs(b).max(initial=0.0))


def _pattern(value, target, sizes, wrong, tol):
    """Return a sentence on how value differs from target, by the simplest pattern that fits; '' for a single number."""
    bad = value.size - int(np.isfinite(value).sum())
    if bad:
        return f"{bad:,} of {value.size:,} entries are NaN or infinite; look for an exp that overflows, log(0), 0 / 0"
    r = wrong_factor(value, target, CLOSE)
    if r is not None:
        counts = {size: name for name, size in reversed(sizes.items())}  # the first name of each size
        return ANSWER.factor(r, counts, CLOSE, single=value.size == 1)
    if value.size == 1:
        return ""
    if not value.any():
        return "all entries are zero"
    if np.ptp(value - target) <= CLOSE * np.abs(value - target).max():
        return f"got = expected + {(value - target).flat[0]:.6g} everywhere: something constant is left out or too much"
    fitting = (sentence for fits, sentence in ANSWER.patterns(value, target, min(tol, CLOSE), bad=wrong) if fits)
    return next(fitting, f"{int(wrong.sum()):,} of {value.size:,} entries are wrong")
