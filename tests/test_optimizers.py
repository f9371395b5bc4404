"""Optimizers: every update against the textbook's formula written plainly in float64."""

import numpy as np
import pytest

from catalogue import make_batch, make_network, name
from npae import SGD, Adam, RMSProp, Sigmoid, SquaredError
from npae.objective.kernels import BLOCK


def sgd(theta, gradients, lr):
    for g in gradients:
        theta = theta - lr * g
    return theta


def momentum(theta, gradients, lr, mu):
    v = 0  # Polyak (1964): v = mu v - lr g, theta = theta + v
    for g in gradients:
        v = mu * v - lr * g
        theta = theta + v
    return theta


def nesterov(theta, gradients, lr, mu):
    v = 0  # Sutskever et al. (2013), at the looked-ahead point: theta + mu v_new - mu v_old + v_new
    for g in gradients:
        v_old, v = v, mu * v - lr * g
        theta = theta - mu * v_old + (1 + mu) * v
    return theta


def rmsprop(theta, gradients, lr, decay, eps):
    v = 0
    for g in gradients:
        v = decay * v + (1 - decay) * g**2
        theta = theta - lr * g / (np.sqrt(v) + eps)
    return theta


def adam(theta, gradients, lr, beta1, beta2, eps):
    m = v = 0  # Kingma and Ba (2015), algorithm 1
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - lr * m_hat / (np.sqrt(v_hat) + eps)
    return theta


# optimizer -> theta after the steps, by the textbook
OPTIMIZERS = {
    SGD(0.1): lambda theta, gs: sgd(theta, gs, 0.1),
    SGD(0.1, momentum=0.9): lambda theta, gs: momentum(theta, gs, 0.1, 0.9),
    SGD(0.1, momentum=0.7, nesterov=True): lambda theta, gs: nesterov(theta, gs, 0.1, 0.7),
    RMSProp(0.01): lambda theta, gs: rmsprop(theta, gs, 0.01, 0.9, 1e-8),
    RMSProp(0.01, decay=0.5, eps=0.1): lambda theta, gs: rmsprop(theta, gs, 0.01, 0.5, 0.1),
    Adam(): lambda theta, gs: adam(theta, gs, 1e-3, 0.9, 0.999, 1e-8),
    Adam(0.01, beta1=0.5, beta2=0.8, eps=0.1): lambda theta, gs: adam(theta, gs, 0.01, 0.5, 0.8, 0.1),
    Adam(0.01, beta1=0.0, beta2=0.0): lambda theta, gs: adam(theta, gs, 0.01, 0.0, 0.0, 1e-8),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
@pytest.mark.parametrize("size", [7, 2 * BLOCK + 7])
def test_ten_steps_are_those_of_the_textbook(optimizer, size, rng):
    start = rng.normal(size=size)
    gradients = rng.normal(size=(10, size)) * 10.0 ** rng.integers(-3, 3, size)
    theta = start.copy()
    step = optimizer.start(theta)
    for g in gradients:
        step(g)
    moved = theta - start
    np.testing.assert_allclose(moved, OPTIMIZERS[optimizer](start, gradients) - start, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_theta_is_updated_in_place_in_its_dtype_and_the_gradient_is_left_alone(optimizer, dtype, rng):
    theta, g = rng.normal(size=9).astype(dtype), rng.normal(size=9).astype(dtype)
    before, g_before = theta.copy(), g.copy()
    step = optimizer.start(theta)
    assert np.array_equal(theta, before)
    step(g)
    assert step.theta is theta and theta.dtype == dtype and (theta != before).all() and np.array_equal(g, g_before)
    expected = OPTIMIZERS[optimizer](before.astype(float), g_before[None].astype(float))
    np.testing.assert_allclose(theta, expected, rtol=1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
def test_a_zero_gradient_at_the_start_moves_nothing(optimizer):
    theta = np.ones(4)
    optimizer.start(theta)(np.zeros(4))
    assert np.array_equal(theta, np.ones(4))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
def test_the_learning_rate_may_be_set_between_steps_and_the_record_stays(optimizer):
    theta, g = np.ones(4), np.full(4, 0.3)
    step = optimizer.start(theta)
    step(g)
    before, step.lr = theta.copy(), 0.0
    step(g)
    assert np.array_equal(theta, before) and step.t == 2 and optimizer.lr > 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
def test_two_starts_share_no_state(optimizer):
    one, other, g = np.ones(4), np.ones(4), np.full(4, 0.3)
    step = optimizer.start(one)
    for _ in range(3):
        step(g)
    optimizer.start(other)(g)
    expected = OPTIMIZERS[optimizer](np.ones(4), [g])
    np.testing.assert_allclose(other, expected, rtol=1e-14)


def test_the_first_adam_step_is_the_learning_rate_whatever_the_size_of_the_gradient():
    theta = np.zeros(5)
    Adam(0.01, eps=1e-30).start(theta)(np.array([1e-6, -1e-3, 1.0, -1e3, 1e6]))
    np.testing.assert_allclose(theta, [-0.01, 0.01, -0.01, 0.01, -0.01], rtol=1e-12)


@pytest.mark.parametrize(
    "optimizer", [SGD(0.1), SGD(0.1, momentum=0.5), SGD(0.1, momentum=0.5, nesterov=True), RMSProp(0.01), Adam(0.1)],
    ids=name,
)  # fmt: skip
def test_a_quadratic_is_descended(optimizer):
    curvature, optimum = np.array([1.0, 3.0, 10.0]), np.array([1.0, -2.0, 0.5])
    theta = np.zeros(3)
    step = optimizer.start(theta)
    for _ in range(500):
        step(curvature * (theta - optimum))
    np.testing.assert_allclose(theta, optimum, atol=0.02)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: SGD(-0.1), "SGD: got lr=-0.1"),
        (lambda: SGD("0.1"), "SGD: got lr='0.1'"),
        (lambda: SGD(None), "SGD: got lr=None"),
        (lambda: SGD(True), "SGD: got lr=True"),
        (lambda: SGD(float("nan")), "SGD: got lr=nan"),
        (lambda: SGD(float("inf")), "SGD: got lr=inf"),
        (lambda: SGD(0.1, momentum=1), "SGD: got momentum=1"),
        (lambda: SGD(0.1, momentum=-0.1), "SGD: got momentum=-0.1"),
        (lambda: SGD(0.1, nesterov=True), "SGD: got nesterov=True with momentum=0"),
        (lambda: RMSProp(-1), "RMSProp: got lr=-1"),
        (lambda: RMSProp(0.1, decay=1), "RMSProp: got decay=1"),
        (lambda: RMSProp(0.1, eps=-1), "RMSProp: got eps=-1"),
        (lambda: Adam(-1), "Adam: got lr=-1"),
        (lambda: Adam(beta1=1), "Adam: got beta1=1"),
        (lambda: Adam(beta2=1.5), "Adam: got beta2=1.5"),
        (lambda: Adam(eps=-1e-8), "Adam: got eps=-1e-08"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make, what):
    with pytest.raises(ValueError, match=f"{what}.* expected a "):
        make()


def test_optimizers_are_records_that_compare_and_print():
    assert Adam() == Adam(1e-3) != Adam(1e-2)
    assert repr(SGD(0.1)) == "SGD(lr=0.1, momentum=0.0, nesterov=False)"


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
def test_a_network_is_trained_through_its_theta(optimizer):
    x, _ = make_batch(20, 5)
    network = make_network((5, 3), Sigmoid(), SquaredError())
    step = optimizer.start(network.theta)
    before = network.value(x)
    for _ in range(20):
        network.value_and_grad(x)
        step(network.grad)
    assert network.value(x) < before


@pytest.mark.parametrize("make", [lambda eps: Adam(0.1, eps=eps), lambda eps: RMSProp(0.1, eps=eps)])
@pytest.mark.parametrize("eps", [0, 1e-60, -1e-8])
def test_an_eps_that_would_divide_nothing_by_nothing_is_refused(make, eps):
    with pytest.raises(ValueError, match="got eps="):
        make(eps)


def test_a_gradient_of_another_length_is_refused():
    theta = np.ones(5)
    with pytest.raises(ValueError, match=r"got a gradient of shape \(4,\), expected \(5,\)"):
        SGD(0.1).start(theta)(np.ones(4))
    assert np.array_equal(theta, np.ones(5))
