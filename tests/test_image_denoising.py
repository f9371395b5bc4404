"""Denoising as a tool: the filters against SciPy's, and who wins on held-out digits."""

import numpy as np
import pytest
from scipy import ndimage, stats

from benchmarks.claims.denoising import compare_imputation, conditional_mean
from npae import datasets
from npae.experiments.generative import binarized, dequantized, watch_vae
from npae.experiments.image_denoising import (
    ALL,
    ONE,
    compare_denoisers,
    median_filter,
    psnr,
    wiener_filter,
)


@pytest.fixture(scope="module")
def digits():
    """1,347 training and 450 held-out digits, float32."""
    X = datasets.load_digits().data.astype(np.float32)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order[450:]], X[order[:450]]


def test_the_median_filter_is_scipys(rng):
    X = rng.random((5, 30))
    expected = [ndimage.median_filter(image, size=3, mode="reflect") for image in X.reshape(5, 5, 6)]
    np.testing.assert_array_equal(median_filter(X, (5, 6)), np.reshape(expected, (5, 30)))


def test_the_wiener_filter_is_the_local_formula(rng):
    X, s2 = rng.random((4, 30)), 0.05
    images = X.reshape(4, 5, 6)
    mean = np.stack([ndimage.uniform_filter(image, 3, mode="reflect") for image in images])
    variance = np.stack([ndimage.uniform_filter(image**2, 3, mode="reflect") for image in images]) - mean**2
    expected = np.where(variance < s2, mean, mean + (1 - s2 / np.maximum(variance, s2)) * (images - mean))
    np.testing.assert_allclose(wiener_filter(X, (5, 6), s2**0.5), expected.reshape(4, 30), rtol=1e-10)


def test_psnr_of_an_error_of_a_tenth_is_twenty_decibels():
    assert psnr(np.full((2, 3), 0.4), np.full((2, 3), 0.5)) == pytest.approx(20)
    assert psnr(np.full((2, 3), 7.0), np.ones((2, 3))) == np.inf, "clipped to [0, 1]"


def test_the_conditional_mean_is_the_regression_of_the_joint_gaussian(rng):
    A = rng.standard_normal((4, 4))
    mean, S, x = rng.standard_normal(4), A @ A.T + np.eye(4), rng.standard_normal((1, 4))
    missing = np.array([[False, True, False, True]])
    draws = stats.multivariate_normal(mean, S).rvs(200_000, random_state=0)
    seen = np.column_stack([draws[:, [0, 2]], np.ones(len(draws))])
    fitted = np.linalg.lstsq(seen, draws[:, [1, 3]], rcond=None)[0]
    filled = conditional_mean(x, missing, mean, S)
    np.testing.assert_array_equal(filled[0, [0, 2]], x[0, [0, 2]])
    np.testing.assert_allclose(filled[0, [1, 3]], np.r_[x[0, [0, 2]], 1] @ fitted, atol=0.03)


@pytest.mark.slow
def test_denoising_beats_pca_wiener_and_median_filters_on_held_out_digits_at_every_level(digits):
    result = compare_denoisers(*digits, (8, 8), sigmas=(0.1, 0.2, 0.4), width=256, epochs=60)
    assert all(gain > 0.15 for gain, _ in result.margins(ONE)), result.margins(ONE)
    for name in ("median", "Wiener", "PCA", "linear"):
        assert all(ours > theirs for ours, theirs in zip(result.psnr[ONE], result.psnr[name]))
    assert result.margins(ALL)[1][0] > 0 and result.images["noisy"].shape == (12, 64)


def test_missing_pixels_are_filled_in_better_than_by_the_mean(digits):
    errors = compare_imputation(*digits, ps=(0.3,), width=128, epochs=30)
    assert errors["denoising"][0] < 0.8 * errors["mean"][0] and errors["Gaussian"][0] < errors["mean"][0]


def test_dequantized_images_lie_in_their_intervals_and_bits_are_bits():
    X = datasets.load_digits().data[:50]
    spread = dequantized(X)
    assert np.array_equal(np.floor(spread * 17), X * 16) and spread.max() < 1
    assert set(np.unique(binarized(X))) == {0, 1} and binarized(X.astype(np.float32)).dtype == np.float32


def test_a_watched_autoencoder_keeps_its_bound_by_epoch(digits):
    bits = [binarized(X[:300]) for X in digits]
    watched = watch_vae(*bits, hidden=(16,), epochs=4)
    assert len(watched.kl) == 4 and watched.elbo[-1] > watched.elbo[0]
    reconstruction, kl = watched.model.elbo_parts(bits[1], n_samples=1)
    assert watched.kl[-1] == pytest.approx(kl, rel=1e-5)
    assert watched.reconstruction[-1] == pytest.approx(reconstruction, rel=1e-5)
