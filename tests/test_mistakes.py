"""Factors and shapes of wrong arrays: what is said of them, and of none other."""

import numpy as np
import pytest

from npae.mistakes import Factors, constant_factor, shape_hint

WORDS = Factors("mine", "yours", {-1.0: "-yours", 2.0: "2 x yours: a half"}, "a sum over {axis}", "a mean over {axis}")
A = np.random.default_rng(0).standard_normal((4, 3))


@pytest.mark.parametrize("r", [-1.0, 3e-7, 1e9])
def test_a_constant_factor_is_found_and_nothing_else_is_one(r):
    assert constant_factor(r * A, A, 1e-6) == pytest.approx(r, rel=1e-12)
    assert constant_factor(r * A + 1e-4 * r * A[::-1], A, 1e-6) is None
    assert constant_factor(A, 0 * A, 1e-6) is None and constant_factor(0 * A, A, 1e-6) is None


@pytest.mark.parametrize(
    ("r", "words"),
    [
        (-1, "mine = -yours"),
        (2, "mine = 2 x yours: a half"),
        (7, "mine = 7 x yours, and 7 is N: a sum over N"),
        (-1 / 7, "mine = -yours / 7, and 7 is N: a mean over N"),
        (6 / 7, "mine = 0.857143 x yours: 7 against 6, and 7 is N (ddof?)"),
        (12, "mine = 12 x yours: mean against sum over 12 samples or features? or a constant forgotten"),
        (-1 / 12, "mine = 1/-12 x yours: mean against sum over 12 samples or features? or a constant forgotten"),
        (1 + 1e-6, "agrees to 6 digits (a factor 1.000001): an epsilon, a rounded constant or float32"),
        (1 - 3e-11, "agrees to 10 digits (a factor 0.99999999997): an epsilon, a rounded constant or float32"),
        (0.77, "mine = 0.77 x yours everywhere: a constant factor is wrong"),
    ],
)
def test_a_factor_is_told(r, words):
    assert WORDS.explain(r, {7: "N"}, 1e-6) == words


def test_of_two_sizes_the_last_comes_first_and_a_batch_of_two_is_no_forgotten_half_for_sure():
    assert WORDS.explain(1 / 8, {8: "D", 7: "N"}, 1e-6).endswith("a mean over D")
    assert WORDS.explain(7 / 8, {8: "D", 7: "N"}, 1e-6) == "mine = 0.875 x yours: 8 against 7, and 8 is D (ddof?)"
    assert WORDS.explain(2, {2: "N"}, 1e-6) == "mine = 2 x yours: a half; or mean against sum, N being 2"
    assert WORDS.explain(-1, {2: "N"}, 1e-6) == "mine = -yours"


def test_one_number_is_a_multiple_of_any_other():
    assert WORDS.explain(0.77, {}, 1e-6, single=True) == ""
    assert WORDS.explain(-1, {}, 1e-6, single=True) == "mine = -yours"


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        ((4, 3), (3, 4), "transposed"),
        ((4, 3, 2), (4, 2, 3), "axes are in another order"),
        ((12,), (3, 4), "the same size"),
        ((4, 1), (4,), "the same size"),
        ((5, 3), (3,), "an axis is left over"),
        ((5, 3), (5,), "an axis is left over"),
        ((5,), (3,), "wrong axis"),
        ((5, 3), (4, 3), ""),
        ((), (3,), ""),
    ],
)
def test_a_shape_is_told(got, expected, words):
    hint = shape_hint(got, expected)
    assert words in hint and bool(hint) == bool(words)
