"""Factors and shapes of wrong arrays: what is said of them, and of none other."""

import numpy as np
import pytest

from npae.gradcheck.mistakes import Comparison, constant_factor, shape_hint

WORDS = Comparison(
    "mine", "yours", "this", {-1.0: "-yours", 2.0: "2 x yours: a half"}, "a sum over {axis}", "a mean over {axis}"
)
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
        (-1 / 12, "mine = -1/12 x yours: mean against sum over 12 samples or features? or a constant forgotten"),
        (1 + 1e-6, "agrees to 6 digits (a factor 1.000001): an epsilon, a rounded constant or float32"),
        (1 - 3e-11, "agrees to 10 digits (a factor 0.99999999997): an epsilon, a rounded constant or float32"),
        (0.77, "mine = 0.77 x yours everywhere: a constant factor is wrong"),
    ],
)
def test_a_factor_is_told(r, words):
    assert WORDS.factor(r, {7: "N"}, 1e-6) == words


def test_a_factor_that_is_nearly_a_whole_number_or_nearly_one_of_a_ddof_is_neither():
    assert WORDS.factor(7265.4, {}, 1e-5) == "mine = 7265.4 x yours everywhere: a constant factor is wrong"
    assert "everywhere" in WORDS.factor(1 / 7265.4, {}, 1e-5) and "over 7265 samples" in WORDS.factor(7265, {}, 1e-5)
    assert "everywhere" in WORDS.factor(1.00095, {1000: "N"}, 1e-5)
    assert "1000 against 999" in WORDS.factor(1000 / 999, {1000: "N"}, 1e-5)


def test_of_two_sizes_the_last_comes_first_and_a_batch_of_two_is_no_forgotten_half_for_sure():
    assert WORDS.factor(1 / 8, {8: "D", 7: "N"}, 1e-6).endswith("a mean over D")
    assert WORDS.factor(7 / 8, {8: "D", 7: "N"}, 1e-6) == "mine = 0.875 x yours: 8 against 7, and 8 is D (ddof?)"
    assert WORDS.factor(2, {2: "N"}, 1e-6) == "mine = 2 x yours: a half; or mean against sum, N being 2"
    assert WORDS.factor(-1, {2: "N"}, 1e-6) == "mine = -yours"


def test_one_number_is_a_multiple_of_any_other():
    assert WORDS.factor(0.77, {}, 1e-6, single=True) == ""
    assert WORDS.factor(-1, {}, 1e-6, single=True) == "mine = -yours"


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


def told(a, b, **options):
    return [sentence for fits, sentence in WORDS.patterns(a, b, 1e-6, **options) if fits]


def test_equal_words_stand_for_what_came_and_for_the_places_of_x():
    assert told(A[::-1], A)[0] == "this is reversed along axis 0"
    half = np.where(A < 0, A / 2, A)
    assert "wrong only where x < 0, and there mine = 0.5 x yours everywhere" in told(half, A, x=A)[0]
    assert not any("where x" in sentence for sentence in told(half, A))
    gone = A.copy()
    gone[2] = 0
    assert told(gone, A)[0] == "wrong only row 2, where this is zero"
    assert told(gone, A, labels=[np.arange(10, 14), np.arange(3)])[0] == "wrong only row 12, where this is zero"


def test_two_unlike_arrays_fit_no_pattern():
    rng = np.random.default_rng(1)
    assert not any(told(*rng.standard_normal((2, *shape))) for shape in [(7,), (5, 4), (4, 4), (2, 3, 4)] * 50)


def test_one_entry_that_is_too_small_is_not_called_clipped():
    low = A.copy()
    low.flat[np.abs(A).argmax()] *= 0.97
    assert told(low, A)[0].startswith("only 1 of 12 entries are wrong, at [")
