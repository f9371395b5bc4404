"""Corruptions as distributions: exact moments against draws and enumeration, composition, blocks of an image."""

import itertools

import numpy as np
import pytest

from catalogue import CORRUPTIONS, name
from npae import BlockOcclusion, CorruptionChain, GaussianNoise, GaussianNoiseRange, MaskingNoise, SaltAndPepper

BLOCK = BlockOcclusion((2, 3), (1, 2), value=0.3)
ALL = [
    *CORRUPTIONS,
    BLOCK,
    CorruptionChain((SaltAndPepper(0.3), BLOCK, GaussianNoise(0.2))),
    CorruptionChain((BLOCK, MaskingNoise(0.4))),
]


@pytest.mark.parametrize("corruption", ALL, ids=name)
def test_mean_and_variance_given_x_are_those_of_the_draws(corruption, rng):
    x, n = rng.random((3, 6)), 20_000
    draws = corruption.corrupt(np.repeat(x, n, axis=0), 0).reshape(3, n, 6)
    spread = np.sqrt(corruption.variance(x))
    np.testing.assert_allclose(draws.mean(axis=1), corruption.mean(x), atol=5 * spread.max() / np.sqrt(n))
    np.testing.assert_allclose(draws.var(axis=1), corruption.variance(x), atol=0.02 * (1 + spread.max() ** 2))


@pytest.mark.parametrize("corruption", ALL, ids=name)
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


@pytest.mark.parametrize("corruption", ALL, ids=name)
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


def test_block_moments_equal_the_mean_over_all_places(rng):
    x = rng.random((1, 6))
    hidden = np.array([[1, 1, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 1, 1]], bool)
    places = np.where(hidden, 0.3, x)
    np.testing.assert_allclose(BLOCK.mean(x)[0], places.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(BLOCK.variance(x)[0], places.var(axis=0), atol=1e-15)
    noisy_second = BLOCK.joint_moments(x[0], np.outer(x, x))[1]
    np.testing.assert_allclose(noisy_second, places.T @ places / 4, rtol=1e-13)
    drawn = {tuple(row) for row in BLOCK.corrupt(np.tile(x, (200, 1)), 0)}
    assert drawn == {tuple(row) for row in places}


def test_a_block_is_one_block_in_every_image(rng):
    x = rng.uniform(0.1, 1, (50, 64)).astype(np.float32)
    noisy = BlockOcclusion((8, 8), (3, 4)).corrupt(x, 0)
    assert noisy.dtype == np.float32
    hit = (noisy == 0).reshape(50, 8, 8)
    assert (hit.any(axis=2).sum(axis=1) == 3).all() and (hit.any(axis=1).sum(axis=1) == 4).all()
    assert (hit.sum(axis=(1, 2)) == 12).all()
    assert np.array_equal(noisy[noisy != 0], x[noisy != 0])


def test_gaussian_noises_one_after_another_are_one_with_the_sum_of_the_variances(rng):
    x = rng.random((3, 5))
    chain = CorruptionChain([GaussianNoise(0.3), GaussianNoise(0.4)])
    np.testing.assert_allclose(chain.variance(x), GaussianNoise(0.5).variance(x), rtol=1e-12)
    assert chain == CorruptionChain((GaussianNoise(0.3), GaussianNoise(0.4)))


def test_the_order_of_a_chain_matters(rng):
    x = rng.random((3, 5))
    noise, mask = GaussianNoise(0.3), MaskingNoise(0.5)
    masked_last = CorruptionChain((noise, mask)).corrupt(x, 0)
    masked_first = CorruptionChain((mask, noise)).corrupt(x, 0)
    assert (masked_last == 0).any() and not (masked_first == 0).any()
    assert (CorruptionChain((noise, mask)).variance(x) < CorruptionChain((mask, noise)).variance(x)).all()


def test_every_sample_has_a_level_of_its_own(rng):
    noisy = GaussianNoiseRange(0.1, 0.9).corrupt(np.zeros((2000, 100)), 0)
    levels = noisy.std(axis=1)
    assert 0.07 < levels.min() < 0.2 and 0.75 < levels.max() < 1.1
    assert levels.mean() == pytest.approx(0.5, abs=0.02)
    assert np.array_equal(GaussianNoiseRange(0.2, 0.2).moments(0.0, 0.0), GaussianNoise(0.2).moments(0.0, 0.0))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: BlockOcclusion((2, 3), (3, 1)), ValueError, "expected one that fits"),
        (lambda: BlockOcclusion((2, 3), (0, 1)), ValueError, r"size=\(0, 1\)"),
        (lambda: BlockOcclusion(6, (1, 1)), ValueError, "image_shape=6"),
        (lambda: BlockOcclusion((2, 3), (1, 1), np.nan), ValueError, "value=nan"),
        (lambda: BLOCK.corrupt(np.zeros((2, 5)), 0), ValueError, r"got x of shape \(2, 5\)"),
        (lambda: GaussianNoiseRange(0.5, 0.1), ValueError, "expected low <= high"),
        (lambda: CorruptionChain(()), TypeError, "expected corruptions such as"),
        (lambda: CorruptionChain((0.3,)), TypeError, "expected corruptions such as"),
    ],
)
def test_what_does_not_fit_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
