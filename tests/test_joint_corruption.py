"""Corruptions as distributions: exact moments compared with draws and with enumeration."""

import itertools

import numpy as np
import pytest

from catalogue import CORRUPTIONS, name
from npae import GaussianNoise, GaussianNoiseRange, MaskingNoise


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
def test_mean_and_variance_given_x_are_those_of_the_draws(corruption, rng):
    x, n = rng.random((3, 6)), 20_000
    draws = corruption.corrupt(np.repeat(x, n, axis=0), 0).reshape(3, n, 6)
    spread = np.sqrt(corruption.variance(x))
    np.testing.assert_allclose(draws.mean(axis=1), corruption.mean(x), atol=5 * spread.max() / np.sqrt(n))
    np.testing.assert_allclose(draws.var(axis=1), corruption.variance(x), atol=0.02 * (1 + spread.max() ** 2))


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
def test_joint_moments_are_those_of_the_draws(corruption, rng):
    x, n = rng.random((4, 6)) * [1, 2, 1, 0.5, 1, 1], 60_000
    mean, second = x.mean(axis=0), x.T @ x / 4
    noisy_mean, noisy_second, cross = corruption.joint_moments(mean, second)
    clean = np.tile(x, (n // 4, 1))
    noisy = corruption.corrupt(clean, 0)
    for exact, drawn in (
        (noisy_mean, noisy.mean(axis=0)),
        (noisy_second, noisy.T @ noisy / n),
        (cross, noisy.T @ clean / n),
    ):
        np.testing.assert_allclose(drawn, exact, atol=0.03)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=name)
def test_joint_moments_have_the_diagonal_of_the_moments_and_are_symmetric(corruption, rng):
    x = rng.random((4, 6))
    mean, second = x.mean(axis=0), x.T @ x / 4
    noisy_mean, noisy_second, _ = corruption.joint_moments(mean, second)
    expected = corruption.moments(mean, second.diagonal())
    np.testing.assert_allclose(noisy_mean, expected[0], rtol=1e-13)
    np.testing.assert_allclose(noisy_second.diagonal(), expected[1], rtol=1e-13)
    np.testing.assert_allclose(noisy_second, noisy_second.T, rtol=1e-13)
    covariance = noisy_second - np.outer(noisy_mean, noisy_mean)
    assert np.linalg.eigvalsh(covariance).min() > -1e-13


def test_masking_moments_equal_the_sum_over_all_masks(rng):
    x, p = rng.random(5), 0.3
    masks = np.array(list(itertools.product([0.0, 1.0], repeat=5)))
    probability = (1 - p) ** masks.sum(axis=1) * p ** (5 - masks.sum(axis=1))
    second = np.einsum("m,md,me->de", probability, masks * x, masks * x)
    noisy_mean, noisy_second, cross = MaskingNoise(p).joint_moments(x, np.outer(x, x))
    np.testing.assert_allclose(noisy_mean, probability @ (masks * x), rtol=1e-14)
    np.testing.assert_allclose(noisy_second, second, rtol=1e-13)
    np.testing.assert_allclose(cross, np.outer(probability @ (masks * x), x), rtol=1e-13)


def test_every_sample_has_a_level_of_its_own(rng):
    noisy = GaussianNoiseRange(0.1, 0.9).corrupt(np.zeros((2000, 100)), 0)
    levels = noisy.std(axis=1)
    assert 0.07 < levels.min() < 0.2 and 0.75 < levels.max() < 1.1
    assert levels.mean() == pytest.approx(0.5, abs=0.02)
    assert np.array_equal(GaussianNoiseRange(0.2, 0.2).moments(0.0, 0.0), GaussianNoise(0.2).moments(0.0, 0.0))


def test_levels_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="expected low <= high"):
        GaussianNoiseRange(0.5, 0.1)
