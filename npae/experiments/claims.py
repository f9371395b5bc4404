"""Sentences that carry their numbers: what a lesson says is asserted where it says it.

`below` is the one rule for comparisons, `same` the one for derivations; both return what they found, to be printed.
"""

from typing import Any

import numpy as np

CLOSE = 0.1  # nearer than this, as a part of the larger, a comparison has to hold over seeds
N_SEEDS = 5


def below(smaller: Any, larger: Any) -> str:
    """Assert that one number is below another, or each of several below its counterpart; returns the sentence.

    Each side is a number, or one for every seed in the same order, such as [0.31, 0.33, 0.32, 0.31, 0.34]. Every pair
    has to be in order. Where the means are closer than 10 % of the larger, at least five pairs are asked for: were
    there nothing in it, all of five would be in this order once in 32 times (the sign test).

    Raises AssertionError with the numbers where a pair is not in order, or where the two are close and the seeds few;
    ValueError for what is not finite and for sides of different lengths.
    """
    a, b = _numbers(smaller), _numbers(larger)
    if a.size > 1 and b.size > 1 and a.size != b.size:
        raise ValueError(f"below: got {a.size} and {b.size} numbers, expected as many on either side, or one")
    n = max(a.size, b.size)
    sentence = f"{_shown(a)} < {_shown(b)}" + (f" ({n} of {n} seeds)" if n > 1 else "")
    if not (a < b).all():
        raise AssertionError(
            f"below: got {_shown(a)} and {_shown(b)}, {(a < b).sum()} of {n} pairs in order, expected all"
        )
    gap = b.mean() - a.mean()
    if gap < CLOSE * max(abs(a.mean()), abs(b.mean())) and n < N_SEEDS:
        raise AssertionError(f"below: got {sentence}, closer than {CLOSE:.0%}, expected at least {N_SEEDS} seeds")
    return sentence


def same(derived: Any, theirs: Any, rtol: float = 1e-12) -> float:
    """Assert that two arrays are equal, by the largest difference over the largest entry; returns that quotient.

    Raises AssertionError where it exceeds rtol, ValueError for different shapes, so that nothing is broadcast unseen.
    """
    a, b = np.asarray(derived), np.asarray(theirs)
    if a.shape != b.shape:
        raise ValueError(f"same: got shapes {a.shape} and {b.shape}, expected the same")
    scale = np.abs(b).max(initial=0)
    difference = float(np.abs(a - b).max(initial=0) / (scale or 1))
    if not difference <= rtol:
        raise AssertionError(
            f"same: got arrays that differ by {difference:.1e} of the largest entry, expected {rtol:g}"
        )
    return difference


def _numbers(side: Any) -> np.ndarray:
    array = np.atleast_1d(np.asarray(side, dtype=float))
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"below: got {side!r}, expected a finite number or a list of them, one a seed")
    return array


def _shown(array: np.ndarray) -> str:
    mean = f"{array.mean():.4g}"
    return mean if array.size == 1 else f"{mean} ± {array.std(ddof=1):.1g}"
