"""The contractive penalties against brute-force Jacobians, complex steps and each other."""

import itertools

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from catalogue import relative_error
from npae import (
    Dense,
    Identity,
    Network,
    ReLU,
    Sigmoid,
    Softplus,
    SquaredError,
    Stack,
    Tanh,
    Tied,
    WeightDecay,
)
from npae.objective import jacobian as jacobian_product
from npae.objective.contraction import Contractive, HigherOrderContractive, ReconstructionContractive, deep_contraction
from npae.objective.jacobian import cheapest_order
from npae.objective.layers import named_layers

PHI = {
    Identity(): lambda a: a,
    Sigmoid(): lambda a: 1 / (1 + anp.exp(-a)),
    Tanh(): anp.tanh,
    ReLU(): lambda a: anp.where(a > 0, a, 0.0),
    Softplus(): lambda a: anp.logaddexp(a, 0.0),
}
# encoders of depth 1 to 4; among them every order of multiplication, and codes wider and narrower than the layers
WIDTHS = [(5, 4), (4, 4), (3, 3, 3), (7, 5, 3), (3, 6, 4), (6, 4, 5, 3), (3, 5, 6, 4), (9, 5, 4, 3, 2), (3, 5, 6, 4, 4)]
N = 4


def make_network(widths, activation, tied, penalties, rng):
    """Encoder and mirrored decoder, every layer with the activation, at unit-scale weights and biases."""
    encoder = [Dense(n_in, n_out, activation) for n_in, n_out in itertools.pairwise(widths)]
    if tied:
        decoder = [Tied(dense, activation) for dense in reversed(encoder)]
    else:
        decoder = [Dense(dense.n_out, dense.n_in, activation) for dense in reversed(encoder)]
    network = Network(encoder, decoder, penalties=penalties)
    network.theta = rng.uniform(-1, 1, network.theta.size)
    return network


def penalty_of(name, widths, rng):
    """One of the family, with the noise it needs."""
    return {
        "exact": lambda: Contractive(0.3),
        "higher order": lambda: HigherOrderContractive(0.3, 0.2, 0.5, noise=rng.normal(size=(2, N, widths[0]))),
        "reconstruction": lambda: ReconstructionContractive(0.3),
    }[name]()


FAMILY = ["exact", "higher order", "reconstruction"]


def brute_force(penalty, jacobian, x):
    """The penalty's value by definition, from `jacobian(x, of)` -> (N, K, D), `of` the encoder or the whole."""
    J = jacobian(x, "code")
    if isinstance(penalty, Contractive):
        squares = J**2
    elif isinstance(penalty, ReconstructionContractive):
        squares = jacobian(x, "reconstruction") ** 2
    else:
        moved = [jacobian(x + penalty.sigma * e, "code") for e in penalty.noise]
        change = sum(((J_e - J) ** 2).sum() for J_e in moved) / len(moved)
        return (penalty.lam * (J**2).sum() + penalty.gamma * change) / len(x)
    return penalty.lam * squares.sum() / len(x)


def finite_difference_jacobian(network, x, of, step=1e-5):
    """(N, K, D) by fourth-order central differences of the encoder, or of encoder and decoder."""
    f = network.encoder if of == "code" else lambda z: network.decoder(network.encoder(z))
    columns = []
    for d in range(x.shape[1]):
        e = step * np.eye(x.shape[1])[d]
        columns.append((8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))) / (12 * step))
    return np.stack(columns, axis=2)


def forward_with(network, theta, x, of):
    """The encoder's, or the whole network's, output in autograd's numpy, for parameters taken from `theta`."""
    pieces, start = {}, 0
    for key, array in network.parameters.items():
        pieces[key] = anp.reshape(theta[start : start + array.size], array.shape)
        start += array.size
    names = {id(layer): key for key, layer in named_layers(network.encoder, network.decoder)}
    layers = (
        network.encoder.layers
        if of == "code"
        else [layer for _, layer in named_layers(network.encoder, network.decoder)]
    )
    for layer in layers:
        tied = isinstance(layer, Tied)
        W = pieces[names[id(layer.dense)] + ".W"].T if tied else pieces[names[id(layer)] + ".W"]
        x = PHI[layer.activation](anp.dot(x, W) + pieces[names[id(layer)] + ".b"])
    return x


def autograd_value(network, penalty, x):
    """The penalty as a function of theta, each Jacobian brute-forced by reverse mode, an output at a time."""

    def jacobian(theta, z, of):
        n_out = network.encoder.layers[-1].n_out if of == "code" else x.shape[1]
        rows = [
            autograd.grad(lambda y, k=k: anp.sum(forward_with(network, theta, y, of)[:, k]))(z) for k in range(n_out)
        ]
        return anp.stack(rows, axis=1)

    return lambda theta: brute_force_autograd(penalty, lambda z, of: jacobian(theta, z, of), x)


def brute_force_autograd(penalty, jacobian, x):
    """`brute_force` in autograd's numpy for the penalties that the gradient is compared for."""
    if isinstance(penalty, ReconstructionContractive):
        return penalty.lam / len(x) * anp.sum(jacobian(x, "reconstruction") ** 2)
    J = jacobian(x, "code")
    value = penalty.lam / len(x) * anp.sum(J**2)
    if isinstance(penalty, HigherOrderContractive):
        for e in penalty.noise:
            change = jacobian(x + penalty.sigma * e, "code") - J
            value = value + penalty.gamma / len(x) / len(penalty.noise) * anp.sum(change**2)
    return value


def penalty_value(network, penalty, x):
    """The penalty alone; the pending gradient is thrown away by a backward pass."""
    network.decoder.forward(network.encoder.forward(x))
    value = penalty(network.encoder, network.decoder)
    network.encoder.backward(network.decoder.backward(np.zeros_like(x)))
    return value


def penalty_gradient(network, penalty, x):
    """The penalty's gradient alone: backward from a loss of 0."""
    penalty_value(network, penalty, x)
    return network.grad.copy()


@pytest.mark.parametrize("activation", PHI, ids=str)
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("name", FAMILY)
def test_value_is_that_of_a_finite_difference_jacobian(name, widths, activation, rng):
    penalty = penalty_of(name, widths, rng)
    network, x = make_network(widths, activation, False, [penalty], rng), rng.normal(size=(N, widths[0]))
    expected = brute_force(penalty, lambda z, of: finite_difference_jacobian(network, z, of), x)
    assert penalty_value(network, penalty, x) == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("activation", PHI, ids=str)
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("name", FAMILY)
def test_gradient_is_the_derivative_of_the_value(name, widths, activation, tied, rng):
    """Complex step along random directions, relative to sum |g_i d_i|, to 1e-12."""
    penalty = penalty_of(name, widths, rng)
    network, x = make_network(widths, activation, tied, [penalty], rng), rng.normal(size=(N, widths[0]))
    gradient, complex_network = penalty_gradient(network, penalty, x), network.astype(complex)
    for _ in range(2):
        d = rng.normal(size=gradient.size)
        complex_network.theta = network.theta + 1e-30j * d
        slope = penalty_value(complex_network, penalty, x.astype(complex)).imag / 1e-30
        assert abs(slope - gradient @ d) <= 1e-12 * np.abs(gradient * d).sum()


@pytest.mark.parametrize("name", ["exact", "reconstruction", "higher order"])
@pytest.mark.parametrize(
    ("widths", "activation", "tied"),
    [
        ((5, 4), Sigmoid(), True),
        ((6, 4, 3), Tanh(), False),
        ((3, 5, 4), Softplus(), True),
        ((5, 4, 4, 3), Tanh(), True),
    ],
    ids=str,
)
def test_value_and_gradient_are_those_of_automatic_differentiation(name, widths, activation, tied, rng):
    penalty = penalty_of(name, widths, rng)
    network, x = make_network(widths, activation, tied, [penalty], rng), rng.normal(size=(N, widths[0]))
    value, gradient = autograd.value_and_grad(autograd_value(network, penalty, x))(network.theta.copy())
    assert penalty_value(network, penalty, x) == pytest.approx(value, rel=1e-12)
    assert relative_error(penalty_gradient(network, penalty, x), gradient) < 1e-10


def test_gradient_adds_to_the_loss_and_to_other_penalties(rng):
    x, widths = rng.normal(size=(N, 6)), (6, 5, 4)
    penalties = [penalty_of(name, widths, rng) for name in FAMILY] + [WeightDecay(0.3), Contractive(0.1)]
    together = make_network(widths, Tanh(), True, penalties, rng)
    value, gradient = together.value_and_grad(x), together.grad.copy()
    values, gradients = [], []
    for alone in ([], *([penalty] for penalty in penalties)):
        network = Network(together.encoder.layers, together.decoder.layers, loss=SquaredError(), penalties=alone)
        values.append(network.value_and_grad(x))
        gradients.append(network.grad.copy())
    assert value == pytest.approx(values[0] + sum(v - values[0] for v in values[1:]), rel=1e-13)
    np.testing.assert_allclose(
        gradient, gradients[0] + sum(g - gradients[0] for g in gradients[1:]), rtol=1e-11, atol=1e-12
    )


WIDTHS_AND_ORDERS = list(itertools.product([(7, 5, 3), (3, 5, 6, 4)], ["gram", "outputs", "inputs"]))


@pytest.mark.parametrize(("widths", "order"), WIDTHS_AND_ORDERS, ids=str)
def test_every_order_of_multiplication_gives_the_same(widths, order, rng, monkeypatch):
    penalty = Contractive(0.3)
    network, x = make_network(widths, Tanh(), False, [penalty], rng), rng.normal(size=(N, widths[0]))
    expected = penalty_value(network, Contractive(0.3), x), penalty_gradient(network, Contractive(0.3), x)
    monkeypatch.setattr(jacobian_product, "cheapest_order", lambda *_: order)
    assert penalty_value(network, penalty, x) == pytest.approx(expected[0], rel=1e-13)
    assert relative_error(penalty_gradient(network, penalty, x), expected[1]) < 1e-13


def test_cheapest_order_follows_the_widths():
    assert cheapest_order((784, 500, 100), 100) == "gram"  # J itself is never formed
    assert cheapest_order((20, 100, 100, 50), 100) == "inputs"  # 20 rows a sample instead of 50
    assert cheapest_order((20, 64, 64, 2), 100) == "outputs"


@pytest.mark.parametrize("n_samples", [1, 3, 7, 8])
@pytest.mark.parametrize("name", ["exact", "higher order"])
def test_blocks_of_samples_change_nothing(name, n_samples, rng, monkeypatch):
    penalty = (
        Contractive(0.3) if name == "exact" else HigherOrderContractive(0.3, 0.2, 0.5, noise=rng.normal(size=(2, 7)))
    )
    network, x = make_network((7, 5, 6, 3), Sigmoid(), False, [penalty], rng), rng.normal(size=(n_samples, 7))
    expected = penalty_gradient(network, penalty, x)
    monkeypatch.setattr(jacobian_product, "BLOCK", 3 * 3 * 6)  # three samples
    assert relative_error(penalty_gradient(network, penalty, x), expected) < 1e-13


def test_reused_buffers_give_what_fresh_arrays_give(rng):
    """A network gives its penalties the same arrays at every call, for short last batches too."""
    for name in FAMILY:
        penalty = (
            HigherOrderContractive(0.3, 0.2, 0.5, n_noise=2)
            if name == "higher order"
            else penalty_of(name, (7, 5, 3), rng)
        )
        network, x = make_network((7, 5, 3), Tanh(), True, [penalty], rng), rng.normal(size=(N, 7))
        for _ in range(2):
            value = network.value_and_grad(x)
            network.value_and_grad(x[:2])
        value, gradient = network.value_and_grad(x), network.grad.copy()
        other = network.astype(np.float64)
        assert value == other.value_and_grad(x)
        np.testing.assert_array_equal(gradient, other.grad)


@pytest.mark.parametrize("name", FAMILY)
def test_float32_stays_float32_and_near_float64(name, rng):
    penalty = penalty_of(name, (7, 5, 4, 3), rng)
    network, x = make_network((7, 5, 4, 3), Sigmoid(), False, [penalty], rng), rng.normal(size=(N, 7))
    single = network.astype(np.float32)
    value = network.value_and_grad(x)
    assert single.value_and_grad(x.astype(np.float32)) == pytest.approx(value, rel=1e-5)
    assert single.grad.dtype == np.float32
    assert relative_error(single.grad, network.grad) < 1e-4
    pending = single.encoder.layers[0].pending
    single.encoder.forward(x.astype(np.float32))
    single.decoder.forward(single.encoder.layers[-1].h)
    penalty(single.encoder, single.decoder)
    left = [pending.da, *dict(pending.gradients).get("dW", [])]
    assert all(array.dtype == np.float32 for array in left if array is not None)


def test_one_layer_is_the_formula_of_the_paper(rng):
    """Rifai et al. (2011), equation 7: sum_j (h_j (1 - h_j))^2 sum_d W_dj^2."""
    network, x = make_network((5, 4), Sigmoid(), False, [], rng), rng.normal(size=(N, 5))
    h, W = network.encode(x), network.encoder.layers[0].W
    expected = 0.3 / N * ((h * (1 - h)) ** 2 * (W**2).sum(axis=0)).sum()
    assert penalty_value(network, Contractive(0.3), x) == pytest.approx(expected, rel=1e-14)


def test_a_linear_encoder_is_contracted_to_the_norm_of_its_product(rng):
    """J = (W_1 W_2 W_3)^T for all x."""
    network, x = make_network((6, 5, 4, 3), Identity(), False, [], rng), rng.normal(size=(N, 6))
    W = np.linalg.multi_dot([layer.W for layer in network.encoder.layers])
    assert penalty_value(network, Contractive(0.3), x) == pytest.approx(0.3 * (W**2).sum(), rel=1e-13)
    assert penalty_value(network, HigherOrderContractive(0, 1.0, 1.0), x) == pytest.approx(0, abs=1e-20)


# -- the higher-order penalty --------------------------------------------------------------------------------------


def test_the_higher_order_term_approaches_the_hessian(rng):
    """E ||J(x + sigma e) - J(x)||^2 / sigma^2 -> sum of squared second derivatives."""
    network, x = make_network((3, 5, 4), Tanh(), False, [], rng), rng.normal(size=(2, 3))
    axes = np.concatenate([np.eye(3), -np.eye(3)]) * np.sqrt(3)  # e e^T averages to I
    sigma = 1e-3
    change = penalty_value(network, HigherOrderContractive(0.0, 1.0, sigma, noise=axes), x) / sigma**2
    step = 1e-4
    second = [
        (
            finite_difference_jacobian(network, x + step * e, "code")
            - finite_difference_jacobian(network, x - step * e, "code")
        )
        / (2 * step)
        for e in np.eye(3)
    ]
    assert change == pytest.approx(sum((each**2).sum() for each in second) / 2, rel=1e-4)


def test_without_gamma_or_sigma_only_the_first_term_is_left(rng):
    network, x = make_network((5, 4, 3), Sigmoid(), False, [], rng), rng.normal(size=(N, 5))
    expected = penalty_value(network, Contractive(0.3), x)
    for gamma, sigma in ((0.0, 0.5), (0.5, 0.0)):
        assert penalty_value(network, HigherOrderContractive(0.3, gamma, sigma), x) == pytest.approx(
            expected, rel=1e-14
        )


def test_a_seed_stands_for_its_noise_and_draw_gives_another(rng):
    network, x = make_network((5, 4, 3), Sigmoid(), False, [], rng), rng.normal(size=(N, 5))
    penalty = HigherOrderContractive(0.3, 0.5, 0.2, n_noise=2)
    value = penalty_value(network, penalty, x)
    assert penalty_value(network, penalty, x) == value
    other = penalty.draw(np.random.default_rng(1))
    assert other == penalty.draw(np.random.default_rng(1)) != penalty
    assert penalty_value(network, other, x) != value


# -- the scale cheat -----------------------------------------------------------------------------------------------


def test_untied_weights_let_the_penalty_vanish_without_changing_the_reconstruction(rng):
    """f / c and a decoder that multiplies by c: the same r, the penalty divided by c^2. Tied weights cannot do this."""
    network, x = make_network((5, 4), Identity(), False, [], rng), rng.normal(size=(N, 5))
    r, omega = network.reconstruct(x), penalty_value(network, Contractive(0.3), x)
    encoder, decoder = network.encoder.layers[0], network.decoder.layers[0]
    encoder.W /= 1000
    encoder.b /= 1000
    decoder.W *= 1000
    np.testing.assert_allclose(network.reconstruct(x), r, rtol=1e-12)
    assert penalty_value(network, Contractive(0.3), x) == pytest.approx(omega / 1e6, rel=1e-12)

    tied = make_network((5, 4), Identity(), True, [], rng)
    r = tied.reconstruct(x)
    tied.encoder.layers[0].W /= 1000
    assert np.linalg.norm(tied.reconstruct(x) - r) > 0.5 * np.linalg.norm(r - tied.decoder.layers[0].b)


def test_the_reconstruction_penalty_cannot_be_cheated_by_scale(rng):
    network, x = make_network((5, 4), Identity(), False, [], rng), rng.normal(size=(N, 5))
    omega = penalty_value(network, ReconstructionContractive(0.3), x)
    network.encoder.layers[0].W /= 1000
    network.encoder.layers[0].b /= 1000
    network.decoder.layers[0].W *= 1000
    assert penalty_value(network, ReconstructionContractive(0.3), x) == pytest.approx(omega, rel=1e-12)


# -- memory --------------------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_number_of_samples_beyond_the_layers_own(rng):
    """Every array that grows with N is a layer's width wide: never (N, D, K)."""
    import tracemalloc

    def peak(n_samples):
        encoder = Stack([Dense(40, 64, Tanh(), rng=0), Dense(64, 48, Tanh(), rng=1)])
        encoder.forward(rng.normal(size=(n_samples, 40)))
        tracemalloc.start()
        deep_contraction(encoder.layers, 1.0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    grown = peak(2000) - peak(1000)
    assert grown < 1000 * 8 * 10 * (64 + 48)  # against 1000 * 8 * 64 * 48 for one (N, K_1, K_2) array
