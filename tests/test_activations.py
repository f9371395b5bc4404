"""Activations: phi against another library, phi' and phi'' as functions of h against complex steps of phi."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from catalogue import ACTIVATIONS, complex_step, name, relative_error
from npae import Dense, Identity, ReLU, Sigmoid, Softplus, Tanh, TopK, gradcheck
from npae.objective import activations
from npae.objective.kernels import negative_abs, sigmoid, softplus

ELEMENTWISE = [phi for phi in ACTIVATIONS if phi.elementwise]
EPS = np.finfo(float).eps
reals = st.floats(-1e4, 1e4)


@pytest.fixture
def a(rng):
    return rng.normal(size=(7, 5)) * 2


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
def test_value_agrees_with_an_independent_formula(phi, a):
    np.testing.assert_allclose(phi(a), ACTIVATIONS[phi](a), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("phi", ELEMENTWISE, ids=name)
def test_first_derivative_from_the_output_is_the_complex_step(phi, a):
    expected = phi(a + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(phi.dphi(phi(a)), expected, rtol=1e-13, atol=4 * EPS)


@pytest.mark.parametrize("phi", ELEMENTWISE, ids=name)
def test_second_derivative_from_the_output_is_the_complex_step_of_the_first(phi, a):
    expected = phi.dphi(phi(a + 1e-30j)).imag / 1e-30
    np.testing.assert_allclose(phi.ddphi(phi(a)), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
def test_backward_is_the_transposed_jacobian(phi, a, rng):
    dh = rng.normal(size=a.shape)
    expected = complex_step(lambda a: (phi(a) * dh).sum(), a)
    assert relative_error(phi.backward(phi(a), dh), expected) < 1e-13


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_dtype_is_kept(phi, dtype, a):
    h = phi(a.astype(dtype))
    assert h.dtype == phi.dphi(h).dtype == phi.ddphi(h).dtype == phi.backward(h, h).dtype == dtype


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
def test_without_out_the_argument_is_left_alone_and_the_result_is_fresh(phi, a):
    before = a.copy()
    h = phi(a)
    h_before = h.copy()
    results = [h, phi.dphi(h), phi.ddphi(h)]
    assert np.array_equal(a, before) and np.array_equal(h, h_before)
    assert not any(np.shares_memory(one, other) for one, other in itertools.combinations([a, *results], 2))


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
def test_phi_may_be_written_over_its_argument(phi, a):
    expected, out = phi(a), a.copy()
    assert phi(out, out=out) is out
    assert np.array_equal(out, expected)


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
@pytest.mark.parametrize("method", ["dphi", "ddphi"])
def test_derivatives_may_be_written_into_another_array(phi, method, a):
    h, out = phi(a), np.full_like(a, np.nan)
    assert getattr(phi, method)(h, out=out) is out
    assert np.array_equal(out, getattr(phi, method)(h))


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("a", [1e4, -1e4, 800.0, -745.0, 5e-324, -1e-310, 0.0])
def test_extreme_arguments_give_finite_values_and_derivatives(phi, dtype, a):
    h = phi(np.full((2, 3), a, dtype))
    for z in (h, phi.dphi(h), phi.ddphi(h)):
        assert np.isfinite(z).all()
    low, high = phi.range
    assert (low <= h).all() and (h <= high).all()


@pytest.mark.parametrize("phi", ELEMENTWISE, ids=name)
@pytest.mark.parametrize("a", [1e4, -1e4, 800.0])
def test_a_complex_step_survives_extreme_arguments(phi, a):
    slope = (phi(np.array([[a + 1e-30j]])).imag / 1e-30).item()
    assert slope == pytest.approx(phi.dphi(phi(np.array([[a]]))).item(), abs=1e-300)


@given(reals)
def test_sigmoid_is_correct_to_a_few_ulps_everywhere(a):
    with np.errstate(over="ignore"):
        expected = 1 / (1 + np.exp(-np.longdouble(a)))
    np.testing.assert_allclose(sigmoid(np.array([a])), float(expected), rtol=4 * EPS, atol=np.finfo(float).tiny)


@given(reals)
def test_softplus_is_correct_to_a_few_ulps_everywhere(a):
    z = np.longdouble(a)
    expected = max(z, 0) + np.log1p(np.exp(-abs(z)))
    np.testing.assert_allclose(softplus(np.array([a])), float(expected), rtol=4 * EPS, atol=5e-324)


@given(reals)
def test_sigmoid_is_the_derivative_of_softplus_and_symmetric(a):
    a = np.array([a])
    np.testing.assert_allclose(Softplus().dphi(softplus(a)), special.expit(a), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(sigmoid(a) + sigmoid(-a), 1, rtol=2 * EPS)
    np.testing.assert_allclose(softplus(a) - softplus(-a), a, rtol=1e-12, atol=1e-15)


def test_negative_abs_takes_the_sign_of_the_real_part():
    z = np.array([3 + 1j, -3 + 1j])
    assert np.array_equal(negative_abs(z), [-3 - 1j, -3 + 1j])
    assert np.array_equal(negative_abs(np.array([3.0, -3.0])), [-3, -3])


def test_the_relu_derivative_at_the_kink_is_zero():
    assert ReLU().dphi(ReLU()(np.zeros((1, 2)))).sum() == 0


def test_top_k_keeps_the_k_largest_of_each_row():
    a = np.array([[3.0, -1, 2, 0], [-4, -3, -2, -1]])
    assert np.array_equal(TopK(2)(a), [[3, 0, 2, 0], [0, 0, -2, -1]])


def test_top_k_of_all_units_is_the_identity(a):
    assert np.array_equal(TopK(a.shape[1])(a), a)


def test_top_k_keeps_exactly_k_of_equal_values():
    assert np.array_equal(TopK(2)(np.ones((1, 4))), [[0, 0, 1, 1]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("k", [1, 2, 5, 8])
def test_exactly_k_units_survive_whatever_the_ties_zeros_among_them(k, dtype):
    a = np.random.default_rng(k).integers(-1, 2, (300, 8)).astype(dtype)  # three values for eight units
    a[0], a[1] = 0, -0.0
    phi = TopK(k)
    kept = phi.dphi(phi(a)).real == 1
    assert (kept.sum(axis=1) == k).all()
    last_first = np.argsort(-a.real[:, ::-1], axis=1, kind="stable")[:, :k]  # a stable sort, from the end
    expected = np.zeros(a.shape, bool)
    np.put_along_axis(expected, 7 - last_first, True, axis=1)
    assert np.array_equal(kept, expected)
    assert np.array_equal(phi(a), np.where(expected, a, 0))


def test_a_unit_that_is_kept_at_zero_passes_its_gradient_and_one_that_is_dropped_does_not():
    a = np.array([[3.0, 0.0, -1.0, -2.0], [-0.0, -1.0, 2.0, -3.0]])
    phi, R = TopK(2), np.array([[0.3, 0.7, 0.2, 0.4], [0.6, 0.1, 0.5, 0.9]])
    da = phi.backward(phi(a), R)
    assert np.array_equal(da, [[0.3, 0.7, 0, 0], [0.6, 0, 0.5, 0]])
    gradcheck.assert_gradient(lambda a: ((R * phi(a)).sum(), phi.backward(phi(a), R)), a, method="complex", rtol=1e-14)


def test_at_a_tie_the_largest_jump_from_one_unit_to_the_other():
    phi, step = TopK(1), 1e-9
    assert np.array_equal(phi(np.array([[1.0, 1.0 - step]])), [[1, 0]])
    assert np.array_equal(phi(np.array([[1.0, 1.0]])), [[0, 1]])


def test_what_is_no_number_is_kept_so_that_it_shows():
    a = np.array([[1.0, np.nan, 3.0, 2.0], [np.nan, np.nan, np.nan, 1.0]])
    h = TopK(2)(a)
    assert np.isnan(h[0, 1]) and np.isnan(h[1]).any()


@pytest.mark.parametrize("k", [0, -1, 1.5, "2", None])
def test_top_k_refuses_what_is_no_positive_whole_number(k):
    with pytest.raises(ValueError, match=r"TopK: got k=.* expected a whole number >= 1"):
        TopK(k)


def test_top_k_of_more_units_than_there_are_says_so():
    with pytest.raises(ValueError, match="got k=6 for 5 units"):
        TopK(6)(np.zeros((2, 5)))


def test_activations_compare_print_and_pickle_by_value():
    assert Sigmoid() == Sigmoid() != Tanh() and TopK(2) == TopK(2) != TopK(3)
    assert repr(Softplus()) == "Softplus()" and repr(TopK(3)) == "TopK(k=3)"
    assert all(pickle.loads(pickle.dumps(phi)) == phi for phi in ACTIVATIONS)


def test_names_lead_to_every_activation_without_arguments():
    assert set(activations.BY_NAME.values()) == {phi for phi in ACTIVATIONS if not isinstance(phi, TopK)}
    assert all(name == type(phi).__name__.lower() for name, phi in activations.BY_NAME.items())


@pytest.mark.parametrize(("phi", "factor"), [(Identity(), 1), (Tanh(), 1), (Sigmoid(), 4), (ReLU(), 2**0.5)], ids=name)
def test_initial_weights_are_glorot_uniform_times_the_published_gain(phi, factor):
    limit = factor * (6 / (60 + 40)) ** 0.5
    W = Dense(60, 40, phi, rng=0).W
    assert stats.kstest(W.ravel(), stats.uniform(-limit, 2 * limit).cdf).pvalue > 0.01
