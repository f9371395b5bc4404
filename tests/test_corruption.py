"""Corruption processes: fresh arrays, seeds, and the distribution each one claims."""

import numpy as np
import pytest
from scipy import stats

from catalogue import CORRUPTIONS, name
from npae import GaussianNoise, MaskingNoise, SaltAndPepper


@pytest.fixture
def x(rng):
    return rng.uniform(0.1, 0.9, (200, 50))


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
def test_x_is_left_alone_and_the_result_is_fresh(corruption, x):
    before = x.copy()
    noisy = corruption.corrupt(x, 0)
    assert np.array_equal(x, before) and not np.shares_memory(x, noisy)
    assert noisy.shape == x.shape and not np.array_equal(noisy, x)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
def test_a_seed_and_its_generator_give_the_same_noise_and_a_generator_moves_on(corruption, x):
    rng = np.random.default_rng(5)
    first, second = corruption.corrupt(x, rng), corruption.corrupt(x, rng)
    assert np.array_equal(first, corruption.corrupt(x, 5)) and np.array_equal(first, corruption(x, 5))
    assert np.array_equal(first, corruption.corrupt(x, np.random.SeedSequence(5)))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
def test_the_global_seed_plays_no_part(corruption, x):
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    corruption.corrupt(x, 0)
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
@pytest.mark.parametrize(
    ("given", "expected"),
    [(np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float64), (bool, np.float64)],
)
def test_float_dtypes_are_kept_and_integers_become_float64(corruption, given, expected, x):
    assert corruption.corrupt((x > 0.5).astype(given), 0).dtype == expected


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
def test_the_result_may_be_written_into_a_given_array(corruption, x):
    out = np.full_like(x, np.nan)
    assert corruption.corrupt(x, 0, out=out) is out
    assert np.array_equal(out, corruption.corrupt(x, 0))


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
def test_strided_and_single_samples_are_corrupted_too(corruption, x):
    assert corruption.corrupt(x[::3, ::2], 0).shape == x[::3, ::2].shape
    assert corruption.corrupt(x[0], 0).shape == x[0].shape


@pytest.mark.parametrize("corruption", [GaussianNoise(0), MaskingNoise(0), SaltAndPepper(0)], ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_noise_is_the_identity(corruption, dtype, x):
    assert np.array_equal(corruption.corrupt(x.astype(dtype), 0), x.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaussian_noise_is_standard_normal_times_sigma(dtype, x):
    noise = (GaussianNoise(0.3).corrupt(x.astype(dtype), 0) - x) / 0.3
    assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
    assert abs(stats.pearsonr(noise.ravel(), x.ravel()).statistic) < 0.05


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masking_sets_a_fraction_p_to_zero_and_keeps_the_rest(dtype, x):
    x = x.astype(dtype)
    noisy = MaskingNoise(0.3).corrupt(x, 0)
    masked = noisy == 0
    assert np.array_equal(noisy[~masked], x[~masked])
    assert stats.binomtest(int(masked.sum()), x.size, 0.3).pvalue > 0.01


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_salt_and_pepper_set_a_fraction_half_p_each_to_one_and_zero(dtype, x):
    x = x.astype(dtype)
    noisy = SaltAndPepper(0.3).corrupt(x, 0)
    pepper, salt = noisy == 0, noisy == 1
    assert np.array_equal(noisy[~(pepper | salt)], x[~(pepper | salt)])
    for flipped in (pepper, salt):
        assert stats.binomtest(int(flipped.sum()), x.size, 0.15).pvalue > 0.01


def test_probability_one_masks_or_flips_everything(x):
    assert not MaskingNoise(1).corrupt(x, 0).any()
    assert set(np.unique(SaltAndPepper(1).corrupt(x, 0))) == {0, 1}


@pytest.mark.parametrize("noise", [MaskingNoise(0.5), SaltAndPepper(0.5)], ids=name)
def test_entries_are_hit_independently_along_rows_and_columns(noise, x):
    hit = noise.corrupt(x, 0) != x
    n, d = x.shape
    for counts, m in ((hit.sum(axis=0), n), (hit.sum(axis=1), d)):  # binomial: chi^2 of the counts
        chi2 = ((counts - m / 2) ** 2 / (m / 4)).sum()
        assert 0.005 < stats.chi2(len(counts)).cdf(chi2) < 0.995


@pytest.mark.parametrize("make", [MaskingNoise, SaltAndPepper])
@pytest.mark.parametrize("p", [-0.01, 1.01, np.nan, np.inf, "0.5", None, True, [0.5]])
def test_a_probability_outside_the_unit_interval_is_refused(make, p):
    with pytest.raises(ValueError, match=rf"{make.__name__}: got p=.* expected a probability in \[0, 1\]"):
        make(p)


@pytest.mark.parametrize("sigma", [-0.01, np.nan, np.inf, "0.5", None, True])
def test_a_standard_deviation_that_is_negative_or_no_number_is_refused(sigma):
    with pytest.raises(ValueError, match=r"GaussianNoise: got sigma=.* expected a finite number >= 0"):
        GaussianNoise(sigma)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
@pytest.mark.parametrize("x", [np.array([["a"]]), np.array([[1j]]), np.array([[None]])])
def test_what_is_no_array_of_real_numbers_is_refused(corruption, x):
    with pytest.raises(TypeError, match=r"got an array of dtype .* expected real numbers"):
        corruption.corrupt(x, 0)


def test_corruptions_are_records_that_compare_and_print():
    assert MaskingNoise(0.3) == MaskingNoise(0.3) != MaskingNoise(0.4)
    assert repr(GaussianNoise(0.5)) == "GaussianNoise(sigma=0.5)"


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
def test_the_same_seed_gives_the_same_whatever_the_memory_order_or_byte_order(corruption):
    x = np.random.default_rng(0).random((7, 5))
    expected = corruption.corrupt(x, 3)
    for other in (np.asfortranarray(x), x[:, ::-1][:, ::-1], x.astype(">f8")):
        assert np.array_equal(corruption.corrupt(other, 3), expected)
    assert corruption.corrupt(x.astype(np.float16), 3).dtype == np.float64


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
def test_an_out_that_does_not_fit_or_overlaps_the_input_is_refused(corruption):
    x = np.random.default_rng(0).random((4, 6))
    before = x.copy()
    for out in (x, np.empty((4, 5)), np.empty((4, 6), np.float32), np.empty((6, 4)).T):
        with pytest.raises(ValueError, match="got out of shape"):
            corruption.corrupt(x, 0, out=out)
    assert np.array_equal(x, before)
