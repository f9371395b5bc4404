"""The Gaussian mixture: its score against its log density, and both against the samples."""

import importlib

import numpy as np
import pytest

from npae.datasets import make_gaussian_mixture

MEANS = [[0.0, 0.0], [1.5, 0.2], [-0.4, 1.1]]
UNEQUAL = {"means": MEANS, "std": [0.2, 0.5, 0.3], "weights": [1.0, 2.0, 5.0]}


def difference_quotient(f, x, h=1e-5):
    steps = h * np.eye(x.shape[1])
    return np.stack([(f(x + s) - f(x - s)) / (2 * h) for s in steps], axis=1)


@pytest.mark.parametrize("sigma", [0.0, 0.3])
@pytest.mark.parametrize(
    "options",
    [
        {},
        UNEQUAL,
        {**UNEQUAL, "noise": 0.05},
        {**UNEQUAL, "noise": 0.05, "n_features": 6},
        {**UNEQUAL, "n_features": 2},
    ],
    ids=["ring", "unequal", "noise", "embedded", "turned"],
)
def test_the_score_is_the_gradient_of_the_log_density(options, sigma):
    mixture = make_gaussian_mixture(40, **options, rng=0)
    x = mixture.data + np.random.default_rng(1).normal(0, 0.2, mixture.data.shape)
    slope = difference_quotient(lambda y: mixture.log_density(y, sigma), x)
    np.testing.assert_allclose(mixture.score(x, sigma), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"noise": 0.05}], ids=["plain", "noise"])
@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_the_density_integrates_to_one(options, sigma):
    axis = np.linspace(-4, 5, 301)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    density = np.exp(make_gaussian_mixture(1, **UNEQUAL, **options, rng=0).log_density(grid, sigma))
    assert abs(density.sum() * (axis[1] - axis[0]) ** 2 - 1) < 1e-6


def test_the_density_agrees_with_scipy_when_embedded_with_noise():
    stats = importlib.import_module("scipy.stats")
    mixture = make_gaussian_mixture(30, **UNEQUAL, noise=0.05, n_features=4, rng=0)
    E, sd = mixture.embedding, mixture.score.__self__.noise
    density = sum(
        w * stats.multivariate_normal(m @ E, s**2 * E.T @ E + (sd**2 + 0.04) * np.eye(4)).pdf(mixture.data)
        for w, m, s in zip([0.125, 0.25, 0.625], np.array(MEANS), UNEQUAL["std"])
    )
    np.testing.assert_allclose(mixture.log_density(mixture.data, 0.2), np.log(density), rtol=1e-10)


def test_samples_follow_the_density_they_report():
    """Component shares, means and deviations; and E[score] = 0, E[score . x] = -D (integration by parts)."""
    mixture = make_gaussian_mixture(100_000, **UNEQUAL, noise=0.05, n_features=3, rng=0)
    sd = mixture.score.__self__.noise
    assert sd == pytest.approx(0.05 * max(1.5 + 1.0 + 0.4 + 0.6, 1.1 + 0.6 + 0.8))
    for m, (weight, mean, std) in enumerate(zip([0.125, 0.25, 0.625], MEANS, UNEQUAL["std"])):
        mine = mixture.target == m
        assert mine.mean() == pytest.approx(weight, abs=0.006)
        native = mixture.data[mine] @ mixture.embedding.T
        np.testing.assert_allclose(native.mean(axis=0), mean, atol=0.02)
        np.testing.assert_allclose(native.std(axis=0), np.hypot(std, sd), rtol=0.02)
    score = mixture.score(mixture.data)
    assert np.all(np.abs(score.mean(axis=0)) < 4 * score.std(axis=0) / np.sqrt(1e5))
    assert (score * mixture.data).sum(axis=1).mean() == pytest.approx(-3, rel=0.02)


def test_smoothing_by_sigma_equals_more_variance():
    narrow = make_gaussian_mixture(20, means=MEANS, std=0.3, rng=0)
    wide = make_gaussian_mixture(20, means=MEANS, std=0.5, rng=0)
    np.testing.assert_allclose(narrow.score(wide.data, sigma=0.4), wide.score(wide.data), rtol=1e-12)


def test_far_from_all_means_the_score_stays_finite_and_points_back():
    mixture = make_gaussian_mixture(5, rng=0)
    x = np.array([[1e4, 0.0]])
    assert np.isfinite(mixture.log_density(x)).all()
    np.testing.assert_allclose(mixture.score(x), (np.array([[1.0, 0.0]]) - x) / 0.15**2)


def test_a_number_of_means_stands_for_as_many_on_the_unit_circle():
    means = make_gaussian_mixture(5, means=6, rng=0).score.__self__.means
    np.testing.assert_allclose(np.linalg.norm(means, axis=1), 1)
    np.testing.assert_allclose(means.sum(axis=0), 0, atol=1e-15)


def test_a_flat_density_in_a_larger_space_is_refused_without_noise():
    mixture = make_gaussian_mixture(5, n_features=4, rng=0)
    for known in (mixture.score, mixture.log_density):
        with pytest.raises(ValueError, match="no density"):
            known(mixture.data)
    assert mixture.score(mixture.data, sigma=0.1).shape == (5, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_gaussian_mixture(5, means=0), r"means of shape \(0, 2\)"),
        (lambda: make_gaussian_mixture(5, means=[1.0, 2.0]), r"means of shape \(2,\)"),
        (lambda: make_gaussian_mixture(5, means=[[np.nan, 0]]), "finite"),
        (lambda: make_gaussian_mixture(5, std=0), "std=0"),
        (lambda: make_gaussian_mixture(5, means=MEANS, std=[1, 2]), "expected one number or 3"),
        (lambda: make_gaussian_mixture(5, means=MEANS, weights=[1, 0, 1]), "weights"),
        (lambda: make_gaussian_mixture(5, noise=-1), "noise=-1"),
        (lambda: make_gaussian_mixture(5, rng=0).score(np.zeros((2, 3))), r"shape \(2, 3\), expected \(N, 2\)"),
        (lambda: make_gaussian_mixture(5, rng=0).score(np.zeros((2, 2)), sigma=-1), "sigma=-1"),
    ],
)
def test_arguments_out_of_range_are_refused_with_what_came_and_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()
