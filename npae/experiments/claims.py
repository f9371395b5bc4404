"""Check the comparisons that the lessons and the report page state.

There is one rule. Two numbers that differ by less than 10 % are compared over at least five seeds (`needs_seeds`), and
the mean difference has to be larger than Student's t allows by chance (`beyond_chance`). `below` and `same` assert;
`npae.report.words` puts the result into words.
"""

from typing import Any

import numpy as np

CLOSE = 0.1  # numbers that differ by a smaller fraction are compared over several seeds
N_SEEDS = 5
STUDENT = 2.776  # 97.5 % quantile of Student's t with 4 degrees of freedom: five seeds


def needs_seeds(ours: float, theirs: float) -> bool:
    """Return True if the numbers differ by less than 10 % of the second one."""
    return bool(abs(ours - theirs) < CLOSE * abs(theirs))


def beyond_chance(differences: np.ndarray) -> bool:
    """Return True if the mean of at least five paired differences is not 0, by Student's t at 95 %."""
    return bool(abs(differences.mean()) > STUDENT * differences.std(ddof=1) / len(differences) ** 0.5)


def below(smaller: Any, larger: Any) -> str:
    """Assert that one number is below another, or each of several below its counterpart; return the sentence.

    Each side is a number, or a list with a number per seed, in the same order: [0.31, 0.33, 0.32, 0.31, 0.34]. Every
    pair has to be in order. If the means differ by less than 10 %, five pairs are needed that differ by more than
    chance.

    Raises AssertionError with the numbers if a pair is not in order, or if the means are close and the pairs are too
    few or do not agree; ValueError for numbers that are not finite and for lists of different lengths.
    """
    a, b = _check_numbers(smaller), _check_numbers(larger)
    if a.size > 1 and b.size > 1 and a.size != b.size:
        raise ValueError(f"below: got {a.size} and {b.size} numbers, expected as many on either side, or one")
    n = max(a.size, b.size)
    sentence = f"{_format(a)} < {_format(b)}" + (f" ({n} of {n} seeds)" if n > 1 else "")
    if not (a < b).all():
        got = f"below: got {_format(a)} and {_format(b)}, {(a < b).sum()} of {n} pairs in order"
        raise AssertionError(f"{got}, expected all")
    if needs_seeds(a.mean(), b.mean()):
        if n < N_SEEDS:
            raise AssertionError(f"below: got {sentence}, closer than {CLOSE:.0%}, expected at least {N_SEEDS} seeds")
        if not beyond_chance(b - a):
            raise AssertionError(f"below: got {sentence}, which may be chance, expected a larger difference")
    return sentence


def same(derived: Any, theirs: Any, rtol: float = 1e-12) -> float:
    """Assert that two arrays are equal; return the largest difference divided by the largest entry.

    Raises AssertionError if that quotient exceeds rtol, ValueError if the shapes differ: nothing is broadcast.
    """
    a, b = np.asarray(derived), np.asarray(theirs)
    if a.shape != b.shape:
        raise ValueError(f"same: got shapes {a.shape} and {b.shape}, expected the same")
    scale = np.abs(b).max(initial=0)
    difference = float(np.abs(a - b).max(initial=0) / (scale or 1))
    if not difference <= rtol:
        got = f"same: got arrays that differ by {difference:.1e} of the largest entry"
        raise AssertionError(f"{got}, expected {rtol:g}")
    return difference


def _check_numbers(side: Any) -> np.ndarray:
    array = np.atleast_1d(np.asarray(side, dtype=float))
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"below: got {side!r}, expected a finite number or a list with one per seed")
    return array


def _format(array: np.ndarray) -> str:
    mean = f"{array.mean():.4g}"
    return mean if array.size == 1 else f"{mean} ± {array.std(ddof=1):.1g}"
