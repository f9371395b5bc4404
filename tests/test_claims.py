"""Claims: a sentence passes where its numbers carry it, and fails where they do not."""

import numpy as np
import pytest

from npae.experiments.claims import below, same


def test_a_clear_difference_needs_one_number_on_either_side():
    assert below(1.0, 2) == "1 < 2"
    with pytest.raises(AssertionError, match="got 2 and 1, 0 of 1 pairs in order"):
        below(2, 1.0)
    with pytest.raises(AssertionError, match="0 of 1 pairs"):
        below(1, 1)


def test_a_close_difference_needs_five_seeds():
    with pytest.raises(AssertionError, match="closer than 10%, expected at least 5 seeds"):
        below(0.95, 1.0)
    with pytest.raises(AssertionError, match="at least 5 seeds"):
        below([0.95, 0.94, 0.96, 0.95], 1.0)
    assert below([0.95, 0.94, 0.96, 0.95, 0.95], 1.0) == "0.95 ± 0.007 < 1 (5 of 5 seeds)"


def test_a_close_difference_has_to_exceed_chance_by_students_t():
    with pytest.raises(AssertionError, match="may be chance, expected a larger difference"):
        below([0.999, 0.999, 0.999, 0.999, 0.8], 1.0)  # in order, but t = 1.02
    assert below([0.97, 0.96, 0.98, 0.97, 0.96], 1.0).endswith("(5 of 5 seeds)")


def test_close_counts_relative_to_the_larger_whatever_the_sign():
    assert below(90, 100.1).startswith("90 <")
    with pytest.raises(AssertionError, match="closer"):
        below(90.1, 100)
    with pytest.raises(AssertionError, match="closer"):
        below(-100, -95)
    assert below(-0.01, 0.01) == "-0.01 < 0.01"


def test_every_seed_has_to_be_in_order_however_far_the_means_are_apart():
    with pytest.raises(AssertionError, match="4 of 5 pairs in order"):
        below([1, 1, 1, 1, 3.0], [2, 2, 2, 9, 2])
    assert below([1, 2, 3, 4, 5], [1.01, 2.01, 3.01, 4.01, 5.01]).endswith("(5 of 5 seeds)")  # paired, not pooled


@pytest.mark.parametrize("wrong", [np.nan, np.inf, [], [[1.0, 2.0]], [1.0, np.nan]])
def test_what_is_no_number_is_refused_on_either_side(wrong):
    with pytest.raises(ValueError, match="below: got"):
        below(wrong, 1e9)
    with pytest.raises(ValueError, match="below: got"):
        below(-1e9, wrong)


def test_sides_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="2 and 3 numbers"):
        below([1, 1], [2, 2, 2])


def test_same_measures_the_largest_difference_by_the_largest_entry():
    theirs = np.array([[4.0, -8.0], [0.0, 1.0]])
    assert same(theirs, theirs) == 0
    assert same(theirs + np.array([[0, 0], [4e-12, 0]]), theirs) == pytest.approx(5e-13, rel=1e-3)
    with pytest.raises(AssertionError, match=r"differ by 1\.0e-10"):
        same(theirs + np.array([[0, 0], [8e-10, 0]]), theirs)
    assert same(1.0, 1.0) == 0 and same([], []) == 0 and same(np.zeros(3), np.zeros(3)) == 0


def test_same_refuses_what_would_be_broadcast_and_what_is_not_a_number():
    with pytest.raises(ValueError, match=r"shapes \(1, 2\) and \(2,\)"):
        same(np.ones((1, 2)), np.ones(2))
    with pytest.raises(AssertionError, match="nan"):
        same([np.nan], [1.0])
    with pytest.raises(AssertionError, match="nan"):
        same([1.0], [np.nan])
