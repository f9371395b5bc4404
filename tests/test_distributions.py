"""Further reconstruction distributions: each against SciPy's, its gradient against a complex step, its samples."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from catalogue import complex_step, relative_error
from npae import Categorical, ContinuousBernoulli, Gaussian, Laplace
from npae.gradcheck import assert_gradient

VARIANCES = (0.5, 2.0, 0.1, 1.3)
FAMILY = [
    Gaussian(),
    Gaussian(0.3),
    Gaussian(VARIANCES),
    Gaussian("samples"),
    Laplace(0.7),
    Categorical(2),
    ContinuousBernoulli(),
]


@pytest.fixture
def x(rng):
    return rng.random((6, 4))


def outputs(loss, rng, n=6, scale=2.0):
    return scale * rng.standard_normal((n, loss.n_outputs(4)))


def targets(loss, x):
    if not isinstance(loss, Categorical):
        return x
    first = (x[:, ::2] > 0.5).astype(float)
    return np.stack([first, 1 - first], axis=2).reshape(x.shape)


def scipy_log_likelihood(loss, a, x):
    """log p(x | a), (N,), from SciPy."""
    if isinstance(loss, Gaussian):
        mean, v = (a[:, :4], np.exp(a[:, 4:])) if loss.learnt else (a, np.asarray(loss.variance))
        return stats.norm(mean, np.sqrt(v)).logpdf(x).sum(axis=1)
    if isinstance(loss, Laplace):
        return stats.laplace(a, loss.scale).logpdf(x).sum(axis=1)
    if isinstance(loss, Categorical):
        p = special.softmax(a.reshape(len(a), -1, 2), axis=2)
        return stats.multinomial(1, p).logpmf(x.reshape(p.shape)).sum(axis=1)
    # a density a e^{ax} / (e^a - 1) on [0, 1] is a truncated exponential, turned round where a > 0
    b = np.abs(a)
    return stats.truncexpon(b, scale=1 / b).logpdf(np.where(a > 0, 1 - x, x)).sum(axis=1)


@pytest.mark.parametrize("loss", FAMILY, ids=repr)
def test_log_likelihoods_are_those_of_scipy_to_twelve_digits(loss, x, rng):
    a, x = outputs(loss, rng), targets(loss, x)
    np.testing.assert_allclose(loss.log_likelihood(a, x), scipy_log_likelihood(loss, a, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("loss", FAMILY, ids=repr)
def test_the_value_is_the_mean_negative_log_likelihood_constants_included(loss, x, rng):
    a, x = outputs(loss, rng), targets(loss, x)
    assert loss(a, x)[0] == pytest.approx(-loss.log_likelihood(a, x).mean(), rel=1e-13)


@pytest.mark.parametrize("loss", FAMILY, ids=repr)
def test_the_gradient_is_right_to_twelve_digits(loss, x, rng):
    a, x = outputs(loss, rng), targets(loss, x)
    assert relative_error(loss(a, x)[1], complex_step(lambda a: loss(a, x)[0], a)) < 1e-12
    if not isinstance(loss, Laplace):
        assert_gradient(lambda a: loss(a, x), a, rtol=1e-12)


def test_the_public_checker_agrees_on_laplace_away_from_its_kink(rng):
    x = rng.random((5, 4))
    assert_gradient(lambda a: Laplace(0.7)(a, x), x + rng.choice([-1.0, 1.0], x.shape) * rng.uniform(0.5, 1, x.shape))


@pytest.mark.parametrize("loss", FAMILY, ids=repr)
def test_a_given_array_receives_the_gradient(loss, x, rng):
    a, x = outputs(loss, rng), targets(loss, x)
    out = np.full_like(a, np.nan)
    value, da = loss(a, x, out=out)
    expected, fresh = loss(a, x)
    assert da is out and value == expected and np.array_equal(da, fresh)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", FAMILY, ids=repr)
def test_the_dtype_is_kept_and_samples_repeat_with_the_seed(loss, dtype, x, rng):
    a, x = outputs(loss, rng).astype(dtype), targets(loss, x).astype(dtype)
    draw = loss.sample(a, 3)
    assert loss(a, x)[1].dtype == loss.mean(a).dtype == draw.dtype == loss.log_likelihood(a, x).dtype == dtype
    assert draw.shape == loss.mean(a).shape == x.shape
    assert np.array_equal(draw, loss.sample(a, np.random.default_rng(3)))
    loss.check_target(draw)


@pytest.mark.parametrize("loss", FAMILY, ids=repr)
def test_samples_have_the_mean_and_the_variance_of_the_distribution(loss, rng):
    n = 40_000
    a = outputs(loss, rng, 1)
    draws, mean = loss.sample(np.tile(a, (n, 1)), 0), loss.mean(a)[0]
    if isinstance(loss, Gaussian):
        variance = np.exp(a[0, 4:]) if loss.learnt else np.broadcast_to(loss.variance, 4)
    elif isinstance(loss, Laplace):
        variance = np.full(4, 2 * loss.scale**2)
    elif isinstance(loss, Categorical):
        variance = mean * (1 - mean)
    else:
        b = np.abs(a[0])
        variance = stats.truncexpon(b, scale=1 / b).var()
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=5 * np.sqrt(variance.max() / n))
    np.testing.assert_allclose(draws.var(axis=0), variance, rtol=0.08)


def test_the_gradient_vanishes_where_the_mean_is_the_target(rng):
    for loss in (Gaussian(0.3), Categorical(2), ContinuousBernoulli()):
        a = outputs(loss, rng)
        np.testing.assert_allclose(loss(a, loss.mean(a))[1], 0, atol=1e-16)


def test_a_learnt_variance_is_a_variance_and_not_a_standard_deviation(rng):
    """The likelihood is largest where exp(second half) is the mean square of the residual."""
    residual = rng.standard_normal((1000, 1)) * 3
    a = np.zeros((1000, 2))
    a[:, 1] = np.log(np.mean(residual**2))
    loss = Gaussian("shared")
    assert abs(loss(a, residual)[1][:, 1].sum()) < 1e-13
    for wrong in (np.log(np.mean(residual**2)) / 2, 2 * np.log(np.mean(residual**2))):
        a[:, 1] = wrong
        assert abs(loss(a, residual)[1][:, 1].sum()) > 0.3


def test_the_squared_error_is_the_gaussian_of_unit_variance_but_for_a_constant(x, rng):
    from npae import SquaredError

    a = rng.standard_normal(x.shape)
    value, da = Gaussian()(a, x)
    other, da_other = SquaredError()(a, x)
    assert value == pytest.approx(other + 2 * np.log(2 * np.pi), rel=1e-14)
    np.testing.assert_allclose(da, da_other, rtol=1e-14)


@pytest.mark.parametrize("a", [-40.0, -3.0, -0.2501, -0.2499, -1e-3, 1e-9, 0.1, 0.2499, 0.2501, 5.0, 40.0])
def test_the_continuous_bernoulli_integrates_to_one_and_has_the_mean_it_says(a):
    loss, logits = ContinuousBernoulli(), np.full((1, 1), a)

    def density(x):
        return np.exp(loss.log_likelihood(logits, np.full((1, 1), x)))[0]

    options = {"epsabs": 1e-13, "epsrel": 1e-13, "limit": 200}
    assert integrate.quad(density, 0, 1, **options)[0] == pytest.approx(1, abs=2e-12)
    assert integrate.quad(lambda x: x * density(x), 0, 1, **options)[0] == pytest.approx(
        loss.mean(logits)[0, 0], abs=2e-12
    )


def test_the_continuous_bernoulli_survives_huge_logits_and_zero():
    a = np.array([[-1e4, -800.0, 0.0, 800.0, 1e4]])
    x = np.full_like(a, 0.25)
    value, da = ContinuousBernoulli()(a, x)
    assert np.isfinite(value) and np.isfinite(da).all()
    np.testing.assert_allclose(ContinuousBernoulli().mean(a), [[1e-4, 1 / 800, 0.5, 1 - 1 / 800, 1 - 1e-4]], rtol=1e-12)
    assert ((ContinuousBernoulli().sample(a, 0) >= 0) & (ContinuousBernoulli().sample(a, 0) <= 1)).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gaussian(0), "variance=0"),
        (lambda: Gaussian("each"), "expected a number > 0, or one of"),
        (lambda: Gaussian([1.0, -1.0]), "expected a finite number > 0"),
        (lambda: Laplace(0.0), "scale=0.0"),
        (lambda: Laplace("1"), "scale='1'"),
        (lambda: Categorical(1), "n_classes=1"),
        (lambda: Categorical(3)(np.zeros((2, 4)), np.zeros((2, 4))), "got 4 columns, expected groups of 3"),
        (lambda: Categorical(2).check_target(np.full((2, 4), 0.3)), "expected one-hot groups"),
        (lambda: ContinuousBernoulli().check_target(np.array([[1.5]])), r"expected all in \[0, 1\]"),
        (lambda: Gaussian("samples")(np.zeros((2, 4)), np.zeros((2, 4))), r"expected \(N, 8\) and \(N, 4\)"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_came_and_what_was_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_distributions_are_records_that_compare_and_print():
    assert Gaussian([1, 2]) == Gaussian((1.0, 2.0)) != Gaussian(1.0)
    assert repr(Gaussian("shared")) == "Gaussian(variance='shared')"
    assert repr(Categorical(3)) == "Categorical(n_classes=3)"
