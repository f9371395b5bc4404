"""Losses: values against probability distributions of other libraries, gradients against complex steps."""

import numpy as np
import pytest
from scipy import special, stats
from sklearn import metrics

from catalogue import LOSSES, complex_step, name, relative_error
from npae import BernoulliCrossEntropy, SquaredError
from npae.objective import distributions


@pytest.fixture
def a(rng):
    return rng.normal(size=(6, 4)) * 2


@pytest.fixture
def x(rng):
    return rng.random((6, 4))


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_value_is_the_mean_over_samples_of_the_sum_over_features(loss, a, x):
    assert loss(a, x)[0] == pytest.approx(LOSSES[loss](a, x).sum(axis=1).mean(), rel=1e-13)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_gradient_is_the_complex_step_of_the_value(loss, a, x):
    assert relative_error(loss(a, x)[1], complex_step(lambda a: loss(a, x)[0], a)) < 1e-14


def test_squared_error_is_half_the_features_times_the_mean_squared_error(a, x):
    assert SquaredError()(a, x)[0] == pytest.approx(metrics.mean_squared_error(x, a) * a.shape[1] / 2, rel=1e-14)


def test_cross_entropy_of_labels_is_the_log_loss(a):
    x = (np.arange(a.size) % 2).reshape(a.shape).astype(float)
    expected = metrics.log_loss(x.ravel(), special.expit(a).ravel()) * a.shape[1]
    assert BernoulliCrossEntropy()(a, x)[0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_repeating_the_batch_keeps_the_value_and_halves_the_gradient(loss, a, x):
    value, da = loss(a, x)
    value_2, da_2 = loss(np.vstack([a, a]), np.vstack([x, x]))
    assert value_2 == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(da_2, np.vstack([da, da]) / 2, rtol=1e-14)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_repeating_the_features_doubles_the_value(loss, a, x):
    assert loss(np.hstack([a, a]), np.hstack([x, x]))[0] == pytest.approx(2 * loss(a, x)[0], rel=1e-14)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_the_gradient_vanishes_where_the_mean_is_the_target(loss, a):
    np.testing.assert_allclose(loss(a, loss.mean(a))[1], 0, atol=1e-17)


def test_log_likelihoods_are_those_of_scipy(a, x):
    np.testing.assert_allclose(SquaredError().log_likelihood(a, x), stats.norm(a, 1).logpdf(x).sum(axis=1), rtol=1e-13)
    bits = (x > 0.5).astype(float)
    np.testing.assert_allclose(
        BernoulliCrossEntropy().log_likelihood(a, bits),
        stats.bernoulli(special.expit(a)).logpmf(bits).sum(axis=1),
        rtol=1e-13,
    )


@pytest.mark.parametrize(
    ("loss", "constant"), [(SquaredError(), 0.5 * np.log(2 * np.pi)), (BernoulliCrossEntropy(), 0)]
)
def test_value_is_the_mean_negative_log_likelihood_up_to_a_constant(loss, constant, a, x):
    assert loss(a, x)[0] == pytest.approx(-loss.log_likelihood(a, x).mean() - constant * a.shape[1], rel=1e-13)


@pytest.mark.parametrize(
    ("loss", "mean", "variance"),
    [
        (SquaredError(), lambda a: a, np.ones_like),
        (BernoulliCrossEntropy(), special.expit, lambda a: special.expit(a) * special.expit(-a)),
    ],
    ids=name,
)
def test_samples_have_the_moments_of_the_distribution(loss, mean, variance):
    n, logits = 20000, np.array([-3.0, -1, 0, 2])
    draws = loss.sample(np.tile(logits, (n, 1)), 0)
    np.testing.assert_allclose(loss.mean(logits), mean(logits), rtol=1e-15)
    np.testing.assert_allclose(draws.mean(axis=0), mean(logits), atol=5 * np.sqrt(variance(logits).max() / n))
    np.testing.assert_allclose(draws.var(axis=0), variance(logits), atol=5 * np.sqrt(2 / n))


@pytest.mark.parametrize("loss", LOSSES, ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_repeat_with_the_seed_and_keep_the_dtype(loss, dtype, a):
    a = a.astype(dtype)
    draw = loss.sample(a, 3)
    assert draw.dtype == dtype and draw.shape == a.shape
    assert np.array_equal(draw, loss.sample(a, np.random.default_rng(3)))
    assert not np.array_equal(draw, loss.sample(a, 4))


@pytest.mark.parametrize("loss", LOSSES, ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_logits_of_ten_thousand_give_the_exact_loss_without_a_warning(loss, dtype, size, target):
    a, x = np.full((2, 3), size, dtype), np.full((2, 3), target, dtype)
    value, da = loss(a, x)
    if isinstance(loss, SquaredError):
        expected, slope = (size - target) ** 2 / 2, size - target
    else:  # softplus(a) = max(a, 0) here
        expected, slope = max(size, 0) - target * size, (size > 0) - target
    assert value == pytest.approx(3 * expected, rel=1e-6)
    np.testing.assert_allclose(da, slope / 2, rtol=1e-6)
    assert np.isfinite(loss.log_likelihood(a, x)).all()


def test_cross_entropy_of_denormal_logits_is_log_two_a_feature():
    value, da = BernoulliCrossEntropy()(np.full((1, 3), 5e-324), np.full((1, 3), 0.5))
    assert value == pytest.approx(3 * np.log(2), rel=1e-15) and np.array_equal(da, np.zeros((1, 3)))


@pytest.mark.parametrize("loss", LOSSES, ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept_inputs_are_left_alone_and_the_gradient_is_fresh(loss, dtype, a, x):
    a, x = a.astype(dtype), x.astype(dtype)
    before = a.copy(), x.copy()
    value, da = loss(a, x)
    assert da.dtype == dtype and value.dtype == dtype
    assert np.array_equal(a, before[0]) and np.array_equal(x, before[1])
    assert not np.shares_memory(da, a) and not np.shares_memory(da, x)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_the_gradient_may_be_written_into_a_given_array(loss, a, x):
    out = np.full_like(a, np.nan)
    value, da = loss(a, x, out=out)
    assert da is out and value == loss(a, x)[0] and np.array_equal(da, loss(a, x)[1])


@pytest.mark.parametrize(("low", "high"), [(-0.1, 1), (0, 1.5), (-3, 7)])
def test_bernoulli_refuses_targets_outside_the_unit_interval(low, high):
    with pytest.raises(ValueError, match=rf"got targets from {float(low)} to {float(high)}, expected all in \[0, 1\]"):
        BernoulliCrossEntropy().check_target(np.array([[low, high, 0.5]]))


def test_bernoulli_says_how_little_a_target_is_outside():
    with pytest.raises(ValueError, match=r"from 0\.5 to 1\.0000000000000002,"):
        BernoulliCrossEntropy().check_target(np.array([[0.5, 1 + 2.3e-16]]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bernoulli_keeps_its_digits_where_the_logits_are_sure_and_right(dtype):
    a = np.tile(np.array([40.0, -40.0, 60.0], dtype), (5000, 1))
    x = (a > 0).astype(dtype)
    expected = 2 * np.exp(-40.0) + np.exp(-60.0)  # log1p(e) = e; the sums of max(a, 0) and of x a are 10^5 and cancel
    value, _ = BernoulliCrossEntropy()(a, x)
    assert 0 <= value < 1e-6
    if dtype == np.float64:
        assert value <= 1.01 * expected


@pytest.mark.parametrize("loss", [SquaredError(), BernoulliCrossEntropy()])
def test_whole_numbers_and_lists_are_taken_and_shapes_that_differ_are_refused(loss):
    a, x = [[1, -2], [0, 3]], [[1, 0], [0, 1]]
    value, da = loss(a, x)
    expected, da_expected = loss(np.array(a, float), np.array(x, float))
    assert value == expected and np.array_equal(da, da_expected)
    with pytest.raises(ValueError, match=r"shape \(2, 2\) and targets of shape \(2, 1\), expected the same"):
        loss(np.zeros((2, 2)), np.zeros((2, 1)))


def test_bernoulli_accepts_the_ends_and_squared_error_everything():
    BernoulliCrossEntropy().check_target(np.array([[0.0, 1.0]]))
    SquaredError().check_target(np.array([[-3.0, 7.0]]))


def test_names_lead_to_every_loss():
    assert set(LOSSES) <= set(distributions.BY_NAME.values())
