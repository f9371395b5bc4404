"""The photographs, patches of them, and their preparation: held against the source, scikit-learn and closed forms."""

import importlib

import numpy as np
import pytest

from npae.datasets import load_patches, load_photographs, normalize_patches, whiten_image


@pytest.fixture(scope="module")
def photographs():
    return load_photographs()


# photographs and patches


def test_the_photographs_are_the_luma_of_their_source_to_half_a_grey_level(photographs):
    images = importlib.import_module("sklearn.datasets").load_sample_images().images
    red, green, blue = np.moveaxis(np.stack(images) / 255, -1, 0)
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    assert photographs.images.shape == (2, 427, 640)
    assert np.abs(photographs.images - grey).max() < 0.51 / 255
    assert "danielbuechele" in photographs.description and "vultilion" in photographs.description


def test_patches_are_grey_squares_of_the_photographs_and_follow_the_seed():
    patches = load_patches(200, size=6, rng=3)
    assert patches.data.shape == (200, 36) and patches.image_shape == (6, 6) and patches.data.dtype == np.float64
    assert patches.data.min() >= 0 and patches.data.max() <= 1 and set(patches.target) == {0, 1}
    assert np.array_equal(load_patches(200, size=6, rng=3).data, patches.data)
    assert not np.array_equal(load_patches(200, size=6, rng=4).data, patches.data)
    right, left = patches.images[:, :, 1:].ravel(), patches.images[:, :, :-1].ravel()
    assert np.corrcoef(right, left)[0, 1] > 0.9  # neighbours in a photograph are alike


def test_a_patch_as_large_as_the_photograph_stands_in_the_photograph_it_names(photographs):
    for seed in range(4):
        patch = load_patches(1, size=427, rng=seed)
        photograph = photographs.images[patch.target[0]]
        assert any(np.array_equal(photograph[:, i : i + 427], patch.images[0]) for i in range(640 - 427 + 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "load_patches: got n=0, expected a whole number >= 1"),
        ({"n": 1, "size": 428}, "got size=428, expected a whole number in"),
    ],
)
def test_patches_that_cannot_be_cut_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_patches(rng=0, **arguments)


# whitening in frequency


def test_a_wave_leaves_the_whitening_of_an_image_as_itself_times_the_filter():
    rows, columns = np.mgrid[:64, :96]
    for ky, kx in ((3, 0), (0, 5), (4, 9)):
        wave = np.cos(2 * np.pi * (ky * rows / 64 + kx * columns / 96) + 0.4)
        f = np.hypot(ky / 64, kx / 96)
        np.testing.assert_allclose(whiten_image(wave, 0.2), f * np.exp(-((f / 0.2) ** 4)) * wave, atol=1e-14)


def test_whitening_an_image_is_linear_and_takes_its_mean_out(rng):
    x, y = rng.random((2, 9, 14))
    np.testing.assert_allclose(whiten_image(2 * x - y + 5), 2 * whiten_image(x) - whiten_image(y), atol=1e-14)
    assert abs(whiten_image(x).mean()) < 1e-16


def test_whitened_photographs_have_flat_spectra_where_grey_ones_fall(photographs):
    """Mean amplitude in an octave of low frequencies over that in one of middle frequencies."""

    def fall(image):
        rows, columns = image.shape
        f = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns))
        amplitude = np.abs(np.fft.fft2(image - image.mean()))
        return amplitude[(f > 0.02) & (f < 0.04)].mean() / amplitude[(f > 0.1) & (f < 0.2)].mean()

    for image in photographs.images:
        assert fall(image) > 4 > 2 > fall(whiten_image(image, 0.3)) > 0.5


def test_whitened_patches_come_from_whitened_photographs_of_unit_variance(photographs):
    patches = load_patches(20_000, size=4, whitened=True, rng=0)
    for i in range(2):
        assert patches.data[patches.target == i].std() == pytest.approx(1, abs=0.05)
    whole = whiten_image(photographs.images[0], 0.3)
    patch = next(p for p, i in zip(patches.images, patches.target) if i == 0)
    windows = np.lib.stride_tricks.sliding_window_view(whole / whole.std(), (4, 4))
    assert np.abs(windows - patch).max(axis=(2, 3)).min() < 1e-12


@pytest.mark.parametrize("cutoff", [0, -1, np.nan, np.inf])
def test_a_cutoff_that_is_no_frequency_is_refused(cutoff):
    with pytest.raises(ValueError, match="whiten_image: got cutoff="):
        whiten_image(np.ones((4, 4)), cutoff)
    with pytest.raises(ValueError, match=r"got shape \(4,\), expected an image"):
        whiten_image(np.ones(4))


# the normalization of the exercise


def test_normalized_patches_lie_in_the_interval_of_the_exercise_and_keep_their_shape(rng):
    X = load_patches(3000, rng=0).data
    Y = normalize_patches(X)
    assert Y.min() == pytest.approx(0.1, abs=1e-15) and Y.max() == pytest.approx(0.9, abs=1e-15)
    centred = np.array([x - x.mean() for x in X])
    limit = 3 * np.sqrt(np.mean(centred**2))
    inside = np.abs(centred) < limit
    assert 0.97 < inside.mean() < 1
    np.testing.assert_allclose((Y[inside] - 0.5) / 0.4 * limit, centred[inside], atol=1e-14)
    assert set(np.round(Y[~inside], 12)) == {0.1, 0.9}


def test_normalization_does_not_depend_on_brightness_or_contrast(rng):
    X = rng.random((50, 9))
    np.testing.assert_allclose(normalize_patches(7 * X + rng.random((50, 1))), normalize_patches(X), atol=1e-14)


def test_patches_without_contrast_cannot_be_normalized():
    with pytest.raises(ValueError, match="normalize_patches: got patches without contrast"):
        normalize_patches(np.ones((4, 9)))
