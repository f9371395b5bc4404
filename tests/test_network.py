"""The objective: every combination's gradient, the objective written again in autograd, theta and its views."""

import copy
import itertools
import pickle

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from autograd.tracer import getval

import npae
from catalogue import (
    ACTIVATIONS,
    EACH_NETWORK,
    LOSSES,
    NETWORKS,
    PAIRS,
    complex_step,
    make_batch,
    make_network,
    name,
    relative_error,
)
from npae import (
    BernoulliCrossEntropy,
    Contractive,
    Dense,
    Identity,
    KLSparsity,
    L1Sparsity,
    Network,
    ReLU,
    Sigmoid,
    Softplus,
    SquaredError,
    Stack,
    Tanh,
    Tied,
    TopK,
    WeightDecay,
)
from npae.gradcheck import check_network

EVERYTHING = (WeightDecay(0.3), L1Sparsity(0.2), KLSparsity(0.5, 0.1), Contractive(0.1))


@pytest.fixture
def network():
    return make_network((5, 4, 3), Tanh(), BernoulliCrossEntropy(), EVERYTHING)


@pytest.fixture
def batch():
    return make_batch(6, 5)


# the gradient of every activation x loss x penalty x tied x depth


@EACH_NETWORK
def test_every_gradient_agrees_with_a_complex_step(parts, batch):
    report = check_network(make_network(*parts, rng=3), *batch, method="complex", rtol=1e-12)
    assert report.ok and report.max_error < 1e-12, str(report)


@EACH_NETWORK
def test_float32_gradients_agree_with_float64(parts, batch):
    network = make_network(*parts, rng=3)
    single = network.astype(np.float32)
    x, target = (z.astype(np.float32) for z in batch)
    assert single.value_and_grad(x, target) == pytest.approx(network.value_and_grad(x, target), rel=1e-4)
    assert single.grad.dtype == np.float32
    for key, expected in network.gradients.items():
        assert relative_error(single.gradients[key], expected) < 1e-4


def test_every_two_parts_that_fit_meet_in_a_network_of_the_default_tests():
    for one, other in itertools.combinations(range(5), 2):
        assert {(parts[one], parts[other]) for parts in PAIRS} == {(parts[one], parts[other]) for parts in NETWORKS}
    assert len(PAIRS) < len(NETWORKS) / 8


def test_the_catalogue_is_not_vacuous(batch):
    """No network above has a dead array: a gradient that is zero everywhere proves nothing."""
    for parts in NETWORKS:
        network = make_network(*parts, rng=3)
        network.value_and_grad(*batch)
        assert all(np.abs(gradient).max() > 1e-4 for gradient in network.gradients.values()), parts


@pytest.mark.parametrize("tied", [False, True])
def test_the_gradient_agrees_with_a_complex_step_written_without_the_checker(tied, batch):
    network = make_network((5, 4, 3), Softplus(), BernoulliCrossEntropy(), EVERYTHING, tied)
    twin = network.astype(complex)

    def value(theta):
        twin.theta = theta
        return twin.value(*batch)

    network.value_and_grad(*batch)
    assert relative_error(network.grad, complex_step(value, network.theta)) < 1e-12


def test_a_wrong_gradient_would_be_found(batch):
    class FalseSquaredError(SquaredError):
        def __call__(self, a, x, out=None):
            value, da = super().__call__(a, x, out)
            return value, da * 1.0005

    network = make_network((5, 4), Tanh(), FalseSquaredError())
    assert not check_network(network, *batch).ok


# the objective once more, in autograd

PHI = {
    Identity(): lambda a: a,
    Sigmoid(): lambda a: 1 / (1 + anp.exp(-a)),
    Tanh(): anp.tanh,
    ReLU(): lambda a: a * (a > 0),
    Softplus(): lambda a: anp.log(1 + anp.exp(a)),
    TopK(2): lambda a: a * (getval(a) >= np.sort(getval(a))[:, -2:-1]),
}


def objective(parameters, network, x, target, tied):
    """J from the equations in the package's docstring, sample by sample for the Jacobian."""

    def through(side, z):
        layers = getattr(network, side).layers
        for i, layer in enumerate(layers):
            mirror = f"encoder.{len(layers) - 1 - i}.W"
            W = parameters[mirror].T if tied and side == "decoder" else parameters[f"{side}.{i}.W"]
            z = PHI[layer.activation](anp.dot(z, W) + parameters[f"{side}.{i}.b"])
        return z

    h = through("encoder", x)
    a = through("decoder", h)
    if isinstance(network.loss, SquaredError):
        J = anp.sum((a - target) ** 2) / 2
    else:
        p = 1 / (1 + anp.exp(-a))
        J = -anp.sum(target * anp.log(p) + (1 - target) * anp.log(1 - p))
    J = J / len(x)
    for penalty in network.penalties:
        if isinstance(penalty, WeightDecay):
            J = J + penalty.lam / 2 * sum(anp.sum(W**2) for key, W in parameters.items() if key.endswith("W"))
        elif isinstance(penalty, L1Sparsity):
            J = J + penalty.lam * anp.sum(anp.abs(h)) / len(x)
        elif isinstance(penalty, KLSparsity):
            rho, q = penalty.rho, anp.mean(h, axis=0)
            J = J + penalty.beta * anp.sum(rho * anp.log(rho / q) + (1 - rho) * anp.log((1 - rho) / (1 - q)))
        else:
            for x_n in x:
                dh_dx = autograd.jacobian(lambda z: through("encoder", z[None])[0])(x_n)
                J = J + penalty.lam * anp.sum(dh_dx**2) / len(x)
    return J


SAMPLE = [
    (widths, activation, loss, EVERYTHING if activation.elementwise else EVERYTHING[:3], tied)
    for widths in ((5, 3), (5, 4, 3))
    for i, activation in enumerate(ACTIVATIONS)
    for loss in [list(LOSSES)[i % 2]]
    for tied in (False, True)
]


@pytest.mark.parametrize(("widths", "activation", "loss", "penalties", "tied"), SAMPLE, ids=str)
def test_value_and_gradient_agree_with_autograd(widths, activation, loss, penalties, tied):
    x, target = make_batch(3, 5)
    network = make_network(widths, activation, loss, penalties, tied)
    parameters = {key: value.copy() for key, value in network.parameters.items()}
    value, gradient = autograd.value_and_grad(objective)(parameters, network, x, target, tied)
    assert network.value_and_grad(x, target) == pytest.approx(value, rel=1e-12)
    for key, expected in gradient.items():
        assert relative_error(network.gradients[key], expected) < 1e-10


# value and gradient


def test_the_same_batch_twice_gives_the_same_value_and_gradient(network, batch):
    value, grad = network.value_and_grad(*batch), network.grad.copy()
    assert network.value_and_grad(*batch) == value and np.array_equal(network.grad, grad)
    assert network.value(*batch) == value and np.array_equal(network.grad, grad)


def test_value_alone_leaves_nothing_behind_for_the_next_gradient(network, batch):
    network.value_and_grad(*batch)
    grad = network.grad.copy()
    network.value(batch[0][:2], batch[1][:2])
    network.value_and_grad(*batch)
    assert np.array_equal(network.grad, grad)


def test_the_target_is_x_unless_given(network, batch):
    x, target = batch
    assert network.value_and_grad(x) == network.value_and_grad(x, x) != network.value_and_grad(x, target)


def test_the_batch_and_theta_are_left_alone(network, batch):
    before = [z.copy() for z in (*batch, network.theta)]
    network.value_and_grad(*batch)
    assert all(np.array_equal(z, copied) for z, copied in zip((*batch, network.theta), before))


@pytest.mark.parametrize(
    "penalties", [(), (WeightDecay(0.3), L1Sparsity(0.2), KLSparsity(0.5, 0.1), Contractive(0.1))], ids=name
)
def test_repeating_or_permuting_the_batch_changes_neither_value_nor_gradient(penalties, batch, rng):
    network = make_network((5, 4, 3), Tanh(), SquaredError(), penalties)
    value, grad = network.value_and_grad(*batch), network.grad.copy()
    order = rng.permutation(np.r_[0:6, 0:6])
    assert network.value_and_grad(batch[0][order], batch[1][order]) == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(network.grad, grad, rtol=1e-11, atol=1e-14)


def test_the_value_is_the_loss_plus_each_penalty(batch):
    def value(*penalties):
        return make_network((5, 4, 3), Sigmoid(), SquaredError(), penalties).value(*batch)

    parts = [value(penalty) - value() for penalty in EVERYTHING]
    assert value(*EVERYTHING) == pytest.approx(value() + sum(parts), rel=1e-13)


def test_equal_penalties_add(batch):
    twice, double = (
        make_network((5, 4, 3), Sigmoid(), SquaredError(), penalties)
        for penalties in (
            [L1Sparsity(0.2), L1Sparsity(0.2), WeightDecay(0.1), WeightDecay(0.1)],
            [L1Sparsity(0.4), WeightDecay(0.2)],
        )
    )
    assert twice.value_and_grad(*batch) == pytest.approx(double.value_and_grad(*batch), rel=1e-14)
    np.testing.assert_allclose(twice.grad, double.grad, rtol=1e-12)


def test_integers_booleans_lists_and_other_memory_orders_give_the_same_value(network, batch):
    x = (batch[0] > 0.5).astype(float)
    expected = network.value(x)
    for same in (x.astype(int), x.astype(bool), x.tolist(), np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2]):
        assert network.value(same) == expected


def test_integer_pixels_are_not_computed_in_their_small_type(batch):
    network = make_network((5, 4), Sigmoid(), SquaredError())
    x = (batch[0] * 255).astype(np.uint8)
    assert network.value(x) == network.value(x.astype(float)) > 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES, ids=name)
@pytest.mark.parametrize("logit", [1e4, -1e4])
def test_logits_of_ten_thousand_give_a_finite_value_and_gradient(dtype, loss, logit, batch):
    network = make_network((5, 4), Sigmoid(), loss, EVERYTHING).astype(dtype)
    network.decoder.layers[-1].b[:] = logit
    assert np.isfinite(network.value_and_grad(*batch)) and np.isfinite(network.grad).all()


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e4, -1e4, 1e-310])
def test_hidden_layers_survive_extreme_activations(phi, dtype, size, batch):
    network = make_network((5, 4, 3), phi, SquaredError(), [WeightDecay(0.1), L1Sparsity(0.1)]).astype(dtype)
    network.encoder.layers[0].b[:] = size
    assert np.isfinite(network.value_and_grad(*batch)) and np.isfinite(network.grad).all()


# theta and its views


@pytest.mark.parametrize("tied", [False, True])
def test_views_of_theta_and_grad_reach_every_layer(tied, batch):
    network = make_network((5, 4, 3), Tanh(), SquaredError(), tied=tied)
    network.theta[:] = np.arange(network.theta.size)
    seen = []
    for stack in (network.encoder, network.decoder):
        for layer in stack.layers:
            for parameter in layer.parameters:
                assert np.shares_memory(getattr(layer, parameter), network.theta)
                assert np.shares_memory(getattr(layer, "d" + parameter), network.grad)
                seen.extend(getattr(layer, parameter).ravel())
    assert sorted(seen) == list(range(network.theta.size))
    weights = 5 * 4 + 4 * 3
    assert network.theta.size == network.grad.size == weights * (1 if tied else 2) + 4 + 3 + 4 + 5


def test_names_lead_to_the_same_memory(network):
    assert list(network.parameters) == list(network.gradients)
    assert network.parameters["encoder.0.W"] is network.encoder.layers[0].W
    assert network.gradients["decoder.1.b"] is network.decoder.layers[1].db
    network.parameters["encoder.1.b"][:] = 7
    assert (network.encoder.layers[1].b == 7).all()


def test_theta_keeps_what_the_layers_held_before_they_were_composed():
    dense, out = Dense(5, 4, Sigmoid(), rng=0), Dense(4, 5, rng=1)
    W = dense.W.copy()
    network = Network([dense], [out])
    assert np.array_equal(dense.W, W) and np.array_equal(network.theta[:20], W.ravel())


def test_an_assigned_array_is_adopted_and_stays_a_view(network, batch):
    A = np.full((5, 4), 0.1)
    network.encoder.layers[0].W = A
    expected = copy.deepcopy(network).value(*batch)
    assert network.value_and_grad(*batch) == expected
    W = network.encoder.layers[0].W
    assert W is not A and np.array_equal(W, A) and np.shares_memory(W, network.theta)
    network.theta[:] = 0
    assert not W.any() and (A == 0.1).all()


@pytest.mark.parametrize("door", ["theta", "value", "value_and_grad", "encode", "reconstruct", "decode"])
def test_every_door_adopts_an_assigned_array(door, network, batch):
    network.decoder.layers[0].b = np.arange(4)
    argument = {"theta": (), "decode": (np.zeros((2, 3)),)}.get(door, (batch[0],))
    found = getattr(network, door)
    if argument:
        found(*argument)
    assert np.array_equal(network.parameters["decoder.0.b"], np.arange(4.0))


def test_an_assigned_array_of_another_shape_is_refused(network, batch):
    with pytest.raises(ValueError, match=r"got W of shape \(3, 3\), expected \(5, 4\)"):
        network.encoder.layers[0].W = np.zeros((3, 3))
    assert network.encoder.layers[0].W.shape == (5, 4)


def test_assigning_theta_copies_into_it(network):
    theta = network.theta
    new = np.linspace(-1, 1, theta.size)
    network.theta = new
    assert network.theta is theta and np.array_equal(theta, new) and not np.shares_memory(theta, new)


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n)), lambda n: n.astype(float)]
)
@pytest.mark.parametrize("tied", [False, True])
def test_a_copy_is_equal_and_independent(duplicate, tied, batch):
    network = make_network((5, 4, 3), Tanh(), SquaredError(), EVERYTHING, tied)
    network.value_and_grad(*batch)
    twin = duplicate(network)
    assert np.array_equal(twin.theta, network.theta) and not np.shares_memory(twin.theta, network.theta)
    assert twin.loss == network.loss and twin.penalties == network.penalties
    assert twin.value_and_grad(*batch) == network.value_and_grad(*batch)
    assert np.array_equal(twin.grad, network.grad)
    before = network.reconstruct(batch[0])
    twin.theta[:] = 0.5
    assert np.array_equal(network.reconstruct(batch[0]), before)
    assert all(np.shares_memory(layer.b, twin.theta) for layer in twin.encoder.layers + twin.decoder.layers)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_a_network_computes_in_its_dtype_whatever_comes_in(dtype, network, batch):
    network = network.astype(dtype)
    network.value_and_grad(*batch)
    assert network.theta.dtype == network.grad.dtype == dtype
    assert network.encode(batch[0]).dtype == network.reconstruct(batch[0]).dtype == dtype
    assert all(layer.h.dtype == dtype for layer in network.encoder.layers + network.decoder.layers)


def test_dtype_may_be_chosen_at_construction():
    assert Network([Dense(5, 4)], [Dense(4, 5)], dtype="float32").theta.dtype == np.float32


# inference


def test_reconstruct_is_decode_of_encode_and_the_mean_of_the_loss(network, batch):
    x, _ = batch
    h = network.encoder(x)
    assert np.array_equal(network.encode(x), h)
    assert np.array_equal(network.decode(h), network.loss.mean(network.decoder(h)))
    assert np.array_equal(network.reconstruct(x), network.decode(h))


def test_inference_touches_no_cache_and_no_gradient(network, batch):
    x, _ = batch
    network.value_and_grad(*batch)
    layers = network.encoder.layers + network.decoder.layers
    before = [(layer.x.copy(), layer.h.copy(), layer.dW.copy()) for layer in layers]
    ids = [(id(layer.x), id(layer.h)) for layer in layers]
    grad = network.grad.copy()
    network.decode(network.encode(x[:2] / 2))
    network.reconstruct(x[:2] / 3)
    assert ids == [(id(layer.x), id(layer.h)) for layer in layers]
    for layer, (x_before, h_before, dW_before) in zip(layers, before):
        assert np.array_equal(layer.x, x_before)
        assert np.array_equal(layer.h, h_before) and np.array_equal(layer.dW, dW_before)
    assert np.array_equal(network.grad, grad)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
def test_inference_returns_fresh_arrays(phi, loss, batch):
    network = make_network((5, 4), phi, loss)
    x, _ = batch
    before = x.copy()
    results = [network.encode(x), network.encode(x), network.reconstruct(x), network.reconstruct(x)]
    network.value_and_grad(x)
    results += [network.encode(x), network.encoder.layers[0].h]
    kept = results[0].copy()
    for i, one in enumerate(results):
        assert not any(np.shares_memory(one, other) for other in (x, network.theta, *results[:i]))
    results[1][:] = 7
    network.value_and_grad(x / 2)
    assert np.array_equal(results[0], kept) and np.array_equal(x, before)


def test_a_step_can_be_looked_at(network, batch):
    network.value_and_grad(*batch)
    code = network.encoder.layers[-1]
    assert np.array_equal(code.h, network.encode(batch[0])) and code.dW.shape == code.W.shape
    assert np.array_equal(network.encoder.layers[0].x, batch[0])


def test_a_network_prints_what_it_is_made_of():
    network = Network([Dense(5, 4, Sigmoid())], [Dense(4, 5)], penalties=[WeightDecay(0.1)], dtype="float32")
    assert repr(network) == (
        "Network([Dense(5, 4, Sigmoid())], [Dense(4, 5, Identity())], loss=SquaredError(), "
        "penalties=[WeightDecay(lam=0.1)], dtype='float32')"
    )


def test_stacks_and_lists_make_the_same_network():
    network = Network(Stack([Dense(5, 4, rng=0)]), [Dense(4, 5, rng=1)])
    assert np.array_equal(network.theta, Network([Dense(5, 4, rng=0)], Stack([Dense(4, 5, rng=1)])).theta)


# tied layers in unusual places


def test_a_matrix_used_three_times_has_the_sum_of_its_gradients(batch):
    dense = Dense(5, 4, Sigmoid(), rng=0)
    network = Network([dense], [Tied(dense, Tanh()), Dense(5, 4, Tanh(), rng=1), Tied(dense)], penalties=EVERYTHING)
    report = check_network(network, *batch, method="complex", rtol=1e-12)
    assert report.ok and report.max_error < 1e-12, str(report)


def test_a_tied_layer_inside_the_encoder_is_contracted_too(batch):
    dense = Dense(5, 4, Sigmoid(), rng=0)
    encoder = [dense, Tied(dense, Tanh()), Dense(5, 2, Sigmoid(), rng=1)]
    network = Network(encoder, [Dense(2, 5, rng=2)], penalties=EVERYTHING)
    report = check_network(network, *batch, method="complex", rtol=1e-12)
    assert report.ok and report.max_error < 1e-12, str(report)


# what is left over, copied or put together wrongly


def test_looking_at_a_penalty_or_the_value_does_not_change_the_next_gradient(batch):
    network = Network([Dense(5, 4, Sigmoid(), rng=0)], [Dense(4, 5, rng=1)], penalties=EVERYTHING)
    network.value_and_grad(*batch)
    expected = network.grad.copy()
    network.value(*batch)
    for penalty in network.penalties:
        penalty(network.encoder, network.decoder)
    network.value_and_grad(*batch)
    assert np.array_equal(network.grad, expected)


def test_a_shallow_copy_is_a_network_of_its_own(batch):
    network = Network([Dense(5, 4, Sigmoid(), rng=0)], [Dense(4, 5, rng=1)])
    other = copy.copy(network)
    other.theta[:] = 0
    assert network.theta.any() and not other.encoder.layers[0].W.any()


def test_complex_kernels_look_at_the_real_part_where_it_is_exactly_zero():
    a, h = np.zeros((1, 1)), 1e-30
    for activation, slope in ((npae.ReLU(), 0.0), (npae.Softplus(), 0.5)):
        assert activation(a + 1j * h).imag[0, 0] / h == pytest.approx(slope)
    value, _ = npae.BernoulliCrossEntropy()(a + 1j * h, np.full((1, 1), 0.2))
    assert value.imag / h == pytest.approx(0.5 - 0.2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Network(Dense(5, 4), [Dense(4, 5)]), "Stack: got Dense"),
        (lambda: Network([1], [2]), r"Stack: got \[1\], expected a list of layers"),
        (lambda: Network([Dense(5, 4)], [Dense(4, 5)], loss=npae.SquaredError), "expected a loss such as"),
        (lambda: Network([Dense(5, 4)], [Dense(4, 5)], penalties=[WeightDecay]), "expected one such as"),
        (lambda: Network([Dense(5, 4)], [Dense(4, 5)], penalties=WeightDecay(0.1)), "expected a list such as"),
    ],
)
def test_parts_that_are_no_parts_are_named(build, message):
    with pytest.raises(TypeError, match=message):
        build()


@pytest.mark.parametrize("make", [lambda: Dense(5, 2, npae.TopK(3)), lambda: npae.Tied(Dense(2, 5), npae.TopK(3))])
def test_topk_is_refused_where_there_are_too_few_units(make):
    with pytest.raises(ValueError, match="TopK: got k=3 for 2 units"):
        make()


def test_a_loss_may_return_a_plain_number(batch):
    class Plain(npae.SquaredError):
        def __call__(self, a, x, out=None):
            value, da = super().__call__(a, x, out)
            return float(value), da

    network = Network([Dense(5, 4)], [Dense(4, 5)], loss=Plain())
    assert isinstance(network.value_and_grad(*batch), float)


def test_networks_that_share_layers_can_be_used_in_turn(rng):
    encoder, decoder = [Dense(5, 3, Sigmoid(), rng=0)], [Dense(3, 5, rng=1)]
    first = Network(encoder, decoder, penalties=[WeightDecay(0.5)])
    second = Network(encoder, decoder)
    x, theta = rng.normal(size=(7, 5)), rng.normal(size=second.theta.shape)
    for network in (first, second, first):
        network.theta = theta
        alone = copy.deepcopy(network)
        assert network.value_and_grad(x) == alone.value_and_grad(x)
        np.testing.assert_array_equal(network.grad, alone.grad)
    encoder[0].W = np.ones((5, 3))
    assert first.value(x) != second.value(x) and second.parameters["encoder.0.W"].min() == 1
