"""What the sheets ask: right values pass, wrong ones are told in words, loops are counted and not timed."""

import re
import sys

import numpy as np
import pytest

from npae.classroom import assert_no_loop, assert_value, count_steps

EXPECTED = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0], [2.0, 2.5, -0.25]])
ROLLED = np.roll(EXPECTED, 1, axis=0)


def message(got, expected=EXPECTED, **options):
    with pytest.raises(AssertionError) as raised:
        assert_value(got, expected, "dW", **options)
    return str(raised.value)


@pytest.mark.parametrize("got", [EXPECTED, EXPECTED * (1 + 1e-10), EXPECTED.tolist()])
def test_a_right_value_passes(got):
    assert_value(got, EXPECTED, "dW", sizes={"N": 3}, mistakes={"rolled": ROLLED})


def test_a_number_a_whole_number_and_zeros_pass():
    assert_value(3.0, 3, "k")
    assert_value(np.float64(2), 2.0, "J")
    assert_value(np.full(3, 1e-13), np.zeros(3), "db")
    assert_value(np.zeros((0, 3)), np.zeros((0, 3)), "empty")


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-9])
def test_a_value_wrong_by_twice_the_tolerance_fails(rtol):
    wrong = EXPECTED.copy()
    wrong[1, 1] += 2 * rtol * 4
    assert "at [1, 1], expected 4" in message(wrong, rtol=rtol)
    assert_value(wrong, EXPECTED, "dW", rtol=3 * rtol)


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (-EXPECTED, "got = -expected: the sign is wrong"),
        (2 * EXPECTED, "got = 2 x expected: a factor 1/2 is forgotten"),
        (EXPECTED / 2, "got = expected / 2: a factor 2 is forgotten"),
        (7 * EXPECTED, "got = 7 x expected, and 7 is N: a sum where the mean over N belongs"),
        (EXPECTED / 5, "got = expected / 5, and 5 is D: a mean where the sum over D belongs"),
        (1.5 * EXPECTED, "got = 1.5 x expected everywhere: a constant factor is wrong"),
        (EXPECTED.T, "it is transposed"),
        (np.abs(EXPECTED), "the magnitudes agree but 3 of 9 signs are wrong"),
        (EXPECTED + 0.7, "got = expected + 0.7 everywhere"),
        (0 * EXPECTED, "all entries are zero"),
        (ROLLED, "the rows are in another order"),
        (EXPECTED[::-1], "it is reversed along axis 0"),
        (np.roll(EXPECTED, 1, axis=1), "it is shifted along axis 1: an index is off by one"),
        (np.broadcast_to(EXPECTED.sum(axis=0), (3, 3)), "it is summed over axis 0 and repeated along it"),
        (EXPECTED.ravel()[[1, 0, 2, 5, 4, 3, 8, 7, 6]].reshape(3, 3), "the numbers are right, but in another order"),
        (np.clip(EXPECTED, -2.25, 2.25), "it is clipped at 2.25"),
        (EXPECTED * [[1], [2], [1]], "wrong only row 1, and there got = 2 x expected"),
        (EXPECTED * (1 - np.eye(3)), "wrong only on the diagonal, where it is zero"),
        (EXPECTED * [0.7, 1.2, 1.3], "each column is wrong by a factor of its own"),
        (EXPECTED - EXPECTED.mean(axis=0), "the difference is constant along axis 0"),
        (np.where(EXPECTED == 4, np.nan, EXPECTED), "1 of 9 entries are NaN or infinite; look for an exp"),
        (np.where(EXPECTED == 4, np.inf, EXPECTED), "1 of 9 entries are NaN or infinite"),
        (np.where(EXPECTED == 4, 3.9, EXPECTED), "expected 4: only 1 of 9 entries are wrong, at [1, 1]"),
        (None, "got None, expected an array of shape (3, 3); a function without return gives None"),
        ("dW", "got 'dW', expected an array of shape (3, 3)"),
        ([[1, 2], [3]], "got [[1, 2], [3]], expected an array"),
        (EXPECTED.astype(complex), "expected an array of shape (3, 3)"),
        (EXPECTED.ravel(), "got shape (9,), expected (3, 3); the same size in another shape"),
        (EXPECTED[:2], "got shape (2, 3), expected (3, 3)"),
        (np.stack([EXPECTED] * 5), "got shape (5, 3, 3), expected (3, 3); an axis is left over"),
        (EXPECTED[0, 0], "got shape (), expected (3, 3)"),
    ],
)
def test_what_is_wrong_is_told_in_words(got, words):
    said = message(got, sizes={"N": 7, "D": 5}, mistakes={"the rows are in another order": ROLLED})
    assert said.startswith("dW: got ") and words in said


def test_numbers_and_vectors_have_words_of_their_own():
    assert message(14.0, 2.0, sizes={"N": 7}) == (
        "dW: got 14, expected 2: got = 7 x expected, and 7 is N: a sum where the mean over N belongs"
    )
    assert message(2.1, 2.0, sizes={"N": 7}) == "dW: got 2.1, expected 2"
    assert message(None, 2.0).startswith("dW: got None, expected a number; a function without return")
    assert message(0.0, 2.0) == "dW: got 0, expected 2"
    assert message(1.0, 0.0) == "dW: got 1, expected 0"
    assert "wrong axis" in message(np.ones(4), np.ones(7))
    assert "it looks transposed" in message(np.ones((4, 7)), np.ones((7, 4)))
    assert "its axes are in another order" in message(np.ones((7, 5, 4)), np.ones((7, 4, 5)))


@pytest.mark.parametrize("expected", [3.0, -0.1, 12345678.9, 1e-30, np.pi])
@pytest.mark.parametrize("error", [1e-2, 1e-5, 1e-7, 1e-12, 2**-52])
def test_the_two_numbers_of_a_message_differ_however_near_they_are(expected, error):
    words = message(expected * (1 + error), expected, rtol=0, atol=0)
    shown = re.match("dW: got (.*), expected ([^:]*)", words)
    assert shown[1] != shown[2] and float(shown[1]) == pytest.approx(expected * (1 + error), rel=error)


def test_a_factor_near_one_is_not_said_to_be_one():
    assert "agrees to 7 digits (a factor 1.0000001)" in message(EXPECTED * (1 + 1e-7))
    assert "agrees to 8 digits (a factor 1.000000002)" in message(EXPECTED * (1 + 2e-9))


def test_more_factors_have_their_words():
    said = {
        -2: "-2 x expected: the sign is wrong, and a factor 1/2",
        np.log(2): "expected x log 2: log where log2 belongs",
        7 / 6: "1.16667 x expected: 7 against 6, and 7 is N (ddof?)",
        -7: "-7 x expected, and 7 is N: a sum where the mean over N belongs",
        11: "11 x expected: mean against sum over 11 samples or features?",
    }
    for factor, words in said.items():
        assert f"got = {words}" in message(factor * EXPECTED, sizes={"N": 7})
    assert "or mean against sum, N being 2" in message(2 * EXPECTED, sizes={"N": 2})
    assert "got = 7 x expected, and 7 is N" in message(7 * EXPECTED, sizes={"N": 7, "D": 7})


def test_a_value_that_is_only_short_of_digits_is_told_to_be_float32():
    assert message(np.float32(0.1), 0.1).endswith(
        "got 0.100000001, expected 0.1: it is float32, and as near as that comes: compute it in float64"
    )
    assert "it is float16" in message((EXPECTED / 3).astype(np.float16), EXPECTED / 3)
    assert "got = -expected" in message(-EXPECTED.astype(np.float32))
    assert "float32" not in message(EXPECTED.astype(np.float32) + np.float32(0.01))


def test_a_batch_of_two_is_not_told_from_a_forgotten_half():
    assert "a factor 1/2 is forgotten" in message(2 * EXPECTED, sizes={"N": 2})


def test_a_known_mistake_goes_before_a_pattern_and_never_hides_a_right_value():
    assert message(2 * EXPECTED, mistakes={"the half of J": 2 * EXPECTED}).endswith("expected 4: the half of J")
    assert "a factor 1/2" in message(2 * EXPECTED, mistakes={"no mistake at all": EXPECTED, "a number": 8.0})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (np.exp(-740.0), 1.0, "got 4.19956e-322, expected 1"),
        (np.exp([-740.0, -741, -739]), [0.5, 0.2, 0.3], "3 of 3 entries are wrong"),
        ([1e200, 1, 5], [1.0, 2, 3], "3 of 3 entries are wrong"),
        ([2, 2, 2, 2, 5], [2] * 5, "only 1 of 5 entries are wrong, at [4]"),
        (np.eye(3) * [3, 0, 0] + 2, np.full((3, 3), 2), "only 1 of 9 entries are wrong, at [0, 0]"),
        (np.eye(10) * [3, *[0] * 9] + 2, np.full((10, 10), 2), "only 1 of 100 entries are wrong, at [0, 0]"),
        ([1e-200, 5e-200, -3e-200], [1, 2, 3.0], "3 of 3 entries are wrong"),
        ([1, 2.0], [1e200, 1e190], "1 of 2 entries are wrong"),
        ([2e200, -4e200], [1e200, -2e200], "got = 2 x expected: a factor 1/2 is forgotten"),
        ([1e8, 5, 6, 8], [1e8, 1, 2, 3.0], "wrong only in the block [1:4]"),
        ([1.0, 1e-7, 0], [1.0, 0, 0], "only 1 of 3 entries are wrong, at [1], where it should be zero"),
        ([2, 2, 0], [2, 1, 0], "only 1 of 3 entries are wrong, at [1]"),
        ([1, 1], [1, 2], "1 of 2 entries are wrong"),
        (np.full(3, 0.1), 0.1 * np.sign([0.5, -0.3, 0.8]), "the magnitudes agree but 1 of 3 signs are wrong"),
        ([[5, 4, 3, 2, 1.0]], [[1, 2, 3, 4, 5.0]], "it is reversed along axis 1"),
        ((7, 7), (7, 6), "got (7, 7), expected (7, 6)"),
        ((1, 1), (4, 4), "got (1, 1), expected (4, 4)"),
        ((7,), (7, 6), "got (7,), expected (7, 6)"),
        ((6, 7), (7, 6), "got (6, 7), expected (7, 6); it looks transposed"),
        (6, 2, "got 6, expected 2"),
    ],
)
def test_nothing_is_said_that_is_not_so(got, expected, words):
    assert message(got, expected).endswith(words)


def test_a_real_number_that_happens_to_be_whole_is_no_number_of_things():
    assert message(14.0, 2, sizes={"N": 7}).endswith("a sum where the mean over N belongs")


def test_a_known_mistake_of_a_shape_is_told_and_a_right_shape_passes():
    assert message((6, 3), (3, 6), mistakes={"rows and columns": (6, 3)}) == (
        "dW: got (6, 3), expected (3, 6): rows and columns"
    )
    assert_value((3, 6), (3, 6), "shape", mistakes={"rows and columns": (6, 3)})
    assert message((2, 3), (3, 2), mistakes={"as an array": np.array([2, 3])}).endswith(": as an array")
    assert_value((1.0, 2.0 + 1e-12), (1.0, 2.0), "two numbers")


def test_rows_that_are_wrong_are_no_repeated_index_and_small_errors_are_counted():
    rng = np.random.default_rng(0)
    h = rng.normal(size=(7, 3))
    wrong = h.copy()
    wrong[2] = rng.normal(size=3)
    assert message(wrong, h).endswith(": wrong only row 2")
    many = rng.normal(size=(10, 10))
    wrong = many * (1 + 1e-7 * rng.normal(size=many.shape))
    wrong[3, 4] += 0.5
    assert re.search(r": (9\d|100) of 100 entries are wrong", message(wrong, many))


def test_entries_within_the_tolerance_are_not_counted():
    wrong = EXPECTED + 1e-3 * np.random.default_rng(0).normal(size=EXPECTED.shape)
    wrong[1] += [1, 2, -3]
    assert message(wrong, rtol=0.01).endswith(": wrong only row 1")
    wrong = EXPECTED + 1e-3 * (EXPECTED == 4) + 1e-5 * ROLLED
    assert message(wrong, rtol=1e-4).endswith(": only 1 of 9 entries are wrong, at [1, 1]")


def total(x):
    return sum(row.sum() for row in x)


def inner(x):
    return [np.dot(x[i], x[i]) for i in range(len(x))]


@pytest.mark.parametrize("loop", [total, inner, lambda x: np.apply_along_axis(np.sum, 1, x)])
def test_a_loop_over_the_samples_is_told_and_arrays_are_not(loop):
    with pytest.raises(
        AssertionError, match=r"^f: got \d+\.\d times as many Python steps for 10 times as many samples"
    ):
        assert_no_loop(lambda n: loop(np.ones((n, 3))), "f")
    assert_no_loop(lambda n: np.einsum("nd,nd->n", np.ones((n, 3)), np.ones((n, 3))), "f")
    assert_no_loop(lambda n: [total(np.ones((5, 3))) for _ in range(4)], "a loop over anything else")


def test_steps_are_counted_the_same_every_time_and_grow_with_what_is_done():
    x = np.ones((50, 3))
    total(x)
    assert count_steps(total, x) == count_steps(total, x) > 2 * count_steps(total, x[:10]) > 0


def test_counting_leaves_the_tracing_of_a_debugger_as_it_was():
    seen = []

    def debugger(frame, event, arg):
        seen.append(event)

    before = sys.gettrace()
    sys.settrace(debugger)
    try:
        count_steps(total, np.ones((2, 2)))
        kept = sys.gettrace()
        with pytest.raises(ZeroDivisionError):
            count_steps(lambda: 1 / 0)
        kept_after_an_error = sys.gettrace()
    finally:
        sys.settrace(before)
    assert kept is kept_after_an_error is debugger
