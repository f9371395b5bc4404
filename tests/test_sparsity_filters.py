"""Localization and orientation of filters: closed forms, and what noise and principal components make of them."""

import numpy as np
import pytest

from npae import PCA, sparsity
from npae.datasets import load_patches, normalize_patches

Y, X = np.mgrid[:8, :8] - 3.5
SHAPE = (8, 8)


def rows(*images):
    return np.stack([image.ravel() for image in images])


def gabor(angle, width=1.4, wavelength=4.0):
    along = X * np.cos(angle) + Y * np.sin(angle)
    return np.exp(-(X**2 + Y**2) / (2 * width**2)) * np.sin(2 * np.pi * along / wavelength)


def test_one_pixel_and_one_line_have_no_spread_and_an_even_filter_has_spread_one():
    pixel, line = np.zeros((2, *SHAPE))
    pixel[2, 5] = line[3] = 1
    checkerboard = (-1.0) ** (X + Y)
    np.testing.assert_allclose(
        sparsity.spread(rows(pixel, line, np.ones(SHAPE), checkerboard), SHAPE), [0, 0, 1, 1], atol=1e-7
    )


def test_the_spread_of_a_gaussian_is_the_product_of_its_axes():
    """The energy exp(-(x / s)^2 - (y / t)^2) has variances s^2 / 2 and t^2 / 2; turning it changes nothing."""
    y, x = np.mgrid[:40, :60] - np.array([19.3, 30.2])[:, None, None]
    for s, t, angle in ((3, 3, 0), (2.5, 6, 0), (2.5, 6, 0.7)):
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        filters = rows(np.exp(-((u / s) ** 2) / 2 - (v / t) ** 2 / 2))
        uniform = np.sqrt((40**2 - 1) / 12 * (60**2 - 1) / 12)
        assert sparsity.spread(filters, (40, 60)) == pytest.approx(s * t / 2 / uniform, rel=1e-3)


def test_two_edges_at_opposite_ends_are_spread_beyond_an_even_filter():
    ends = np.zeros(SHAPE)
    ends[:, 0], ends[:, -1] = 1, -1
    assert sparsity.spread(rows(ends), SHAPE) > 1.4


@pytest.mark.parametrize("angle", np.linspace(0, np.pi, 7))
def test_a_plane_wave_is_coherent_in_every_direction_and_at_every_wavelength(angle):
    for wavelength in (2.7, 4.0, 9.0):
        along = (X * np.cos(angle) + Y * np.sin(angle)) / wavelength
        assert sparsity.coherence(rows(np.sin(2 * np.pi * along + 0.4)), SHAPE) == pytest.approx(1, abs=1e-12)


def test_what_is_the_same_after_a_quarter_turn_has_no_coherence():
    blob, cross = np.exp(-(X**2 + Y**2) / 4), np.cos(X) * np.cos(Y)
    np.testing.assert_allclose(sparsity.coherence(rows(blob, cross, blob + 0.3), SHAPE), 0, atol=1e-12)


def test_neither_number_knows_the_scale_the_sign_or_a_quarter_turn_of_a_filter(rng):
    W = rng.normal(size=(20, 8, 8))
    turned = np.rot90(W, axes=(1, 2)).reshape(20, 64)
    for measure in (sparsity.spread, sparsity.coherence):
        expected = measure(W.reshape(20, 64), SHAPE)
        np.testing.assert_allclose(measure(-3 * W.reshape(20, 64), SHAPE), expected, rtol=1e-12)
        np.testing.assert_allclose(measure(turned, SHAPE), expected, rtol=1e-12)


def test_an_edge_is_localized_and_oriented_and_noise_and_waves_are_not(rng):
    edges = rows(*(gabor(angle) for angle in np.linspace(0, np.pi, 12, endpoint=False)))
    assert sparsity.localized_and_oriented(edges, SHAPE).all()
    assert sparsity.localized_and_oriented(rng.normal(size=(1000, 64)), SHAPE).mean() < 0.01
    waves = rows(*(np.cos(np.pi * k * (X + 4) / 8) * np.cos(np.pi * m * (Y + 4) / 8) for k in range(6) for m in (0, 3)))
    assert not sparsity.localized_and_oriented(waves[1:], SHAPE).any()
    blob = rows(np.exp(-(X**2 + Y**2) / 4))
    assert not sparsity.localized_and_oriented(blob, SHAPE)[0]


def test_principal_components_of_patches_are_oriented_but_not_localized():
    components = PCA(25).fit(normalize_patches(load_patches(10_000, whitened=True, rng=0).data)).components_
    assert (sparsity.coherence(components, SHAPE) > 0.5).sum() >= 15
    assert sparsity.localized_and_oriented(components, SHAPE).sum() <= 5


@pytest.mark.parametrize("measure", [sparsity.spread, sparsity.coherence])
def test_filters_that_are_none_are_refused_by_name(measure):
    name = measure.__name__
    with pytest.raises(ValueError, match=rf"{name}: got filters of shape \(3, 60\) and images of 8 x 8"):
        measure(np.ones((3, 60)), SHAPE)
    with pytest.raises(ValueError, match=f"{name}: got a filter that is zero or not finite"):
        measure(np.array([[1.0] * 64, [0.0] * 64]), SHAPE)
    with pytest.raises(ValueError, match="coherence: got a filter without slope"):
        sparsity.coherence(np.ones((1, 64)), SHAPE)
