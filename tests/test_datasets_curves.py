"""Curves and Gaussians as densities: against closed forms, SciPy, difference quotients and their own samples."""

import numpy as np
import pytest
from scipy import special, stats

from npae.datasets import GaussianDensity, make_ring, make_spiral


def difference_quotient(f, x, h=1e-5):
    steps = h * np.eye(x.shape[1])
    return np.stack([(f(x + s) - f(x - s)) / (2 * h) for s in steps], axis=1)


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.4, 3.0])
def test_the_ring_has_the_density_and_score_in_bessel_functions(sigma, rng):
    """p = exp(-(r^2 + R^2) / 2 s^2) I_0(r R / s^2) / 2 pi s^2, and the score is radial: (R I_1 / I_0 - r) / s^2."""
    R, x = 1.3, rng.normal(0, 1, (60, 2))
    x *= (1.3 + sigma * rng.uniform(-3, 3, (60, 1))) / np.linalg.norm(x, axis=1, keepdims=True)
    r = np.abs(np.linalg.norm(x, axis=1))
    z = r * R / sigma**2
    log_p = -((r - R) ** 2) / (2 * sigma**2) + np.log(special.i0e(z)) - np.log(2 * np.pi * sigma**2)
    ring = make_ring(5, radius=R, rng=0)
    np.testing.assert_allclose(ring.log_density(x, sigma), log_p, rtol=1e-11, atol=1e-11)
    pull = (R * special.i1e(z) / special.i0e(z) - r) / sigma**2
    np.testing.assert_allclose(ring.score(x, sigma), (pull / r)[:, None] * x, rtol=1e-9, atol=1e-10 / sigma)


@pytest.mark.parametrize("make", [make_ring, make_spiral])
@pytest.mark.parametrize("options", [{"noise": 0.03}, {"noise": 0.03, "n_features": 4}, {}])
def test_the_score_is_the_gradient_of_the_log_density(make, options, rng):
    curve = make(30, **options, rng=0)
    x = curve.data + rng.normal(0, 0.1, curve.data.shape)
    slope = difference_quotient(lambda y: curve.log_density(y, 0.1), x)
    np.testing.assert_allclose(curve.score(x, 0.1), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_ring, make_spiral])
def test_the_density_integrates_to_one(make):
    axis = np.linspace(-1.8, 1.8, 241)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    density = np.exp(make(1, rng=0).log_density(grid, 0.1))
    assert abs(density.sum() * (axis[1] - axis[0]) ** 2 - 1) < 1e-6


@pytest.mark.parametrize("sigma", [0.03, 0.2])
def test_the_spiral_agrees_with_a_sum_over_very_many_points_by_length(sigma, rng):
    spiral = make_spiral(20, turns=2, rng=0)
    grid = np.linspace(0, 4 * np.pi, 400_001)
    length = grid * np.hypot(1, grid) + np.arcsinh(grid)
    t = np.interp((np.arange(40_000) + 0.5) / 40_000 * length[-1], length, grid)
    points = spiral.chart(t[:, None])
    x = spiral.data + rng.normal(0, sigma, (20, 2))
    squares = ((x[:, None] - points) ** 2).sum(axis=2)
    expected = special.logsumexp(-squares / (2 * sigma**2), axis=1) - np.log(40_000 * 2 * np.pi * sigma**2)
    np.testing.assert_allclose(spiral.log_density(x, sigma), expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_ring, make_spiral])
def test_samples_follow_the_density_they_report(make):
    """E[score] = 0 and E[score . x] = -D, integration by parts."""
    curve = make(60_000, noise=0.05, rng=0)
    score = curve.score(curve.data)
    assert np.all(np.abs(score.mean(axis=0)) < 4 * score.std(axis=0) / np.sqrt(6e4))
    assert (score * curve.data).sum(axis=1).mean() == pytest.approx(-2, rel=0.03)


def test_the_spiral_has_the_tangents_and_the_curvature_of_its_chart():
    spiral = make_spiral(50, turns=2, rng=0)
    h = 1e-4
    plus, middle, minus = (spiral.chart(spiral.target + d) for d in (h, 0, -h))
    first, second = (plus - minus) / (2 * h), (plus - 2 * middle + minus) / h**2
    speed = np.linalg.norm(first, axis=1)
    np.testing.assert_allclose(spiral.tangents[:, 0], first / speed[:, None], atol=1e-6)
    cross = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    np.testing.assert_allclose(spiral.curvature[:, 0], cross / speed**3, rtol=1e-4)


def test_a_curve_without_noise_has_no_density():
    with pytest.raises(ValueError, match="expected one of them above 0"):
        make_ring(5, rng=0).score(np.zeros((1, 2)))


def test_the_gaussian_agrees_with_scipy_and_its_own_gradient(rng):
    A = rng.standard_normal((4, 4))
    density = GaussianDensity(rng.standard_normal(4), A @ A.T)
    x = rng.standard_normal((10, 4))
    expected = stats.multivariate_normal(density.mean, A @ A.T + 0.25 * np.eye(4)).logpdf(x)
    np.testing.assert_allclose(density.log_density(x, 0.5), expected, rtol=1e-12)
    slope = difference_quotient(lambda y: density.log_density(y, 0.5), x)
    np.testing.assert_allclose(density.score(x, 0.5), slope, rtol=1e-6, atol=1e-7)
    with pytest.raises(ValueError, match="singular covariance"):
        GaussianDensity(np.zeros(2), np.diag([1.0, 0.0])).score(np.zeros((1, 2)))
