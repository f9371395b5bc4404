"""Unit rows, a running mean for KL, and the auxiliary term for silent units: values, gradients, what moves when."""

import copy
import pickle

import numpy as np
import pytest

from npae import (
    SGD,
    Adam,
    Autoencoder,
    AuxiliaryTopK,
    BernoulliCrossEntropy,
    Dense,
    L1Sparsity,
    Network,
    ReLU,
    Sigmoid,
    SquaredError,
    Tanh,
    Tied,
    TopK,
    UnitRows,
    WeightDecay,
    gradcheck,
    load,
    sparsity,
)
from npae.training.loop import train


def unit_scale(network, rng=0):
    network.theta = np.random.default_rng(rng).uniform(-1, 1, network.theta.size)
    return network


@pytest.fixture
def x(rng):
    return rng.random((7, 6))


# unit rows


@pytest.mark.parametrize("phi", [None, Sigmoid(), Tanh()], ids=str)
@pytest.mark.parametrize("loss", [SquaredError(), BernoulliCrossEntropy()], ids=str)
def test_unit_rows_have_the_gradient_of_their_complex_step(phi, loss, x):
    outer = [UnitRows(5, 6)] if phi is None else [UnitRows(5, 4, phi), Dense(4, 6)]
    network = unit_scale(Network([Dense(6, 5, ReLU())], outer, loss=loss, penalties=[L1Sparsity(0.3)]))
    assert gradcheck.check_network(network, x, method="complex", rtol=1e-12).ok


def test_unit_rows_as_the_only_layers_take_a_tied_neighbour_and_decay_elsewhere(x):
    dense = Dense(6, 5, Tanh())
    network = unit_scale(
        Network([dense, UnitRows(5, 5)], [UnitRows(5, 5, Tanh()), Tied(dense)], penalties=[WeightDecay(0.2)])
    )
    assert gradcheck.check_network(network, x, method="complex", rtol=1e-12).ok
    value = network.value(x)
    network.penalties = ()
    assert value - network.value(x) == pytest.approx(0.1 * (dense.W**2).sum())


def test_every_row_has_norm_one_and_its_length_does_not_matter(x, rng):
    layer = UnitRows(6, 4, Tanh(), rng=0)
    np.testing.assert_allclose(np.linalg.norm(layer.W, axis=1), 1, rtol=1e-14)
    dense = Dense(6, 4, Tanh())
    dense.W = layer.W
    np.testing.assert_allclose(layer.forward(x), dense.forward(x), rtol=1e-14)
    h = layer.forward(x).copy()
    layer.V *= rng.uniform(0.1, 10, (6, 1))
    np.testing.assert_allclose(layer.forward(x), h, rtol=1e-13)
    layer.backward(rng.normal(size=h.shape))
    np.testing.assert_allclose((layer.dV * layer.V).sum(axis=1), 0, atol=1e-14)  # only the direction is learnt


def test_what_others_ask_of_w_reaches_v(x):
    class Orthogonal:
        def __call__(self, encoder, decoder):
            layer = decoder.layers[0]
            E = layer.W @ layer.W.T - np.eye(layer.n_in, dtype=layer.W.dtype)
            layer.pending.add("dW", 4 * E @ layer.W)
            return (E * E).sum()

    network = unit_scale(Network([Dense(6, 4)], [UnitRows(4, 6)], penalties=[Orthogonal()]))
    assert gradcheck.check_network(network, x, method="complex", rtol=1e-12).ok


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unit_rows_keep_the_dtype_and_survive_copies(dtype, x):
    network = Network([Dense(6, 5, ReLU(), rng=0)], [UnitRows(5, 6, rng=1)], dtype=dtype)
    value = network.value_and_grad(x.astype(dtype))
    layer = network.decoder.layers[0]
    assert {a.dtype for a in (network.reconstruct(x), layer.W, layer.h, layer.dV, layer.dW)} == {np.dtype(dtype)}
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert twin.value_and_grad(x.astype(dtype)) == value and np.array_equal(twin.grad, network.grad)
    with pytest.raises(AttributeError):
        layer.W = layer.W


def test_without_unit_rows_l1_is_cheated_by_rescaling_and_with_them_it_is_not(x):
    """h / c and c W reconstruct alike: the penalty falls as 1 / c, the error stays."""
    values = {}
    for kind in (Dense, UnitRows):
        encoder, decoder = Dense(6, 5, ReLU(), rng=0), kind(5, 6, rng=1)
        network = Network([encoder], [decoder], penalties=[L1Sparsity(0.5)])
        plain = Network([copy.deepcopy(encoder)], [copy.deepcopy(decoder)])
        before = network.value(x) - plain.value(x), network.reconstruct(x)
        encoder.W /= 10
        scaled = decoder.W if kind is Dense else decoder.V
        scaled *= 10
        after = 0.5 * np.abs(network.encode(x)).sum(axis=1).mean(), network.reconstruct(x)
        values[kind] = after[0] / before[0], np.abs(after[1] - before[1]).max()
    assert values[Dense] == pytest.approx((0.1, 0), abs=1e-12)
    assert values[UnitRows][0] == pytest.approx(0.1) and values[UnitRows][1] > 0.1  # paid for by the error


def test_an_estimator_with_unit_rows_differs_in_nothing_else_and_is_saved(tmp_path, rng):
    X = rng.random((60, 6))
    how = {"activation": "relu", "penalties": [L1Sparsity(0.05)], "max_iter": 5, "random_state": 0}
    free, unit = Autoencoder(8, **how).fit(X), Autoencoder(8, unit_rows=True, **how).fit(X)
    np.testing.assert_allclose(np.linalg.norm(unit.network_.decoder.layers[0].W, axis=1), 1, rtol=1e-12)
    start = Autoencoder(8, **how | {"max_iter": 1, "optimizer": SGD(0.0)}).fit(X).network_
    same = Autoencoder(8, unit_rows=True, **how | {"max_iter": 1, "optimizer": SGD(0.0)}).fit(X).network_
    assert np.array_equal(start.theta, same.theta) and not np.array_equal(free.transform(X), unit.transform(X))
    unit.save(tmp_path / "model.npz")
    assert np.array_equal(load(tmp_path / "model.npz").reconstruct(X), unit.reconstruct(X))
    deep = Autoencoder(8, hidden_layer_sizes=(7,), unit_rows=True, max_iter=1, random_state=0).fit(X).network_
    assert [type(layer) for layer in deep.decoder.layers] == [UnitRows, Dense]
    with pytest.raises(ValueError, match="Autoencoder: got tied=True and unit_rows=True"):
        Autoencoder(8, tied=True, unit_rows=True).fit(X)
    with pytest.raises(TypeError, match="Autoencoder: got unit_rows=1, expected True or False"):
        Autoencoder(8, unit_rows=1).fit(X)


# reviving silent units


def reviving(k=2, lam=0.4, decoder=Dense, phi=TopK(2)):
    penalty = AuxiliaryTopK(lam, k, patience=10)
    network = unit_scale(Network([Dense(6, 3, Tanh()), Dense(3, 8, phi)], [decoder(8, 6)], penalties=[penalty]))
    penalty.state["since"] = np.array([0, 12, 3, 10, 40, 9, 99, 11])
    return network, penalty


@pytest.mark.parametrize("decoder", [Dense, UnitRows])
@pytest.mark.parametrize("k", [1, 3, 5, 20])
def test_the_auxiliary_term_has_the_gradient_of_its_complex_step(k, decoder, x):
    network, penalty = reviving(k, decoder=decoder)
    assert penalty.silent.tolist() == [1, 3, 4, 6, 7]
    assert gradcheck.check_network(network, x, method="complex", rtol=1e-12).ok
    network, _ = reviving(k, decoder=decoder, phi=ReLU())
    assert gradcheck.check_network(network, x, method="complex", rtol=1e-12).ok


def test_the_auxiliary_value_is_the_error_that_is_left_by_living_and_silent_units_together(x):
    network, _ = reviving(k=2)
    plain = Network(copy.deepcopy(network.encoder), copy.deepcopy(network.decoder))
    hidden, code = plain.encoder.layers
    expected = 0.0
    for each, r in zip(x, plain.reconstruct(x)):
        a = np.tanh(each @ hidden.W + hidden.b) @ code.W + code.b
        chosen = sorted([1, 3, 4, 6, 7], key=lambda j: a[j])[-2:]
        e = sum(a[j] * plain.decoder.layers[0].W[j] for j in chosen)
        expected += 0.4 / 2 * np.linalg.norm(each - r - e) ** 2 / len(x)
    assert network.value(x) - plain.value(x) == pytest.approx(expected, rel=1e-12)


def test_without_silent_units_the_auxiliary_term_is_nothing(x):
    network, penalty = reviving()
    penalty.state["since"][:] = 0
    value = network.value_and_grad(x)
    plain = Network(network.encoder.layers, network.decoder.layers)
    assert value == plain.value_and_grad(x) and np.array_equal(network.grad, plain.grad)


def test_samples_are_counted_since_a_unit_was_active_by_after_step_alone(x):
    penalty = AuxiliaryTopK(0.1, 2, patience=10)
    network = unit_scale(Network([Dense(6, 8, TopK(2))], [Dense(8, 6)], penalties=[penalty]))
    since = np.zeros(8, int)
    for batch in (x[:3], x[3:], x):
        network.value(batch)
        assert np.array_equal(penalty.state["since"], since)
        active = (network.encode(batch) != 0).any(axis=0)
        since = np.where(active, 0, since + len(batch))
        penalty.after_step()
    assert np.array_equal(penalty.state["since"], since) and set(penalty.silent) == set(np.flatnonzero(since >= 10))
    assert (since == 14).any() and (since == 0).any()


def test_units_that_start_dead_come_back():
    """Of 64 units the biases shut 48 out of TopK for good; the auxiliary term lets more than half of them in again."""
    X = np.random.default_rng(0).normal(size=(600, 10)) @ np.random.default_rng(1).normal(size=(10, 30)) / 3
    dead = {}
    for penalties in ((), (AuxiliaryTopK(0.3, 8, patience=600),)):
        network = Network([Dense(30, 64, TopK(4), rng=0)], [Dense(64, 30, rng=1)], penalties=penalties)
        network.encoder.layers[0].b[16:] = -3
        train(network, X, Adam(3e-3).start(network.theta), batch_size=50, max_iter=60, rng=0)
        dead[bool(penalties)] = len(sparsity.dead_units(network, X))
    assert dead[False] >= 45 and dead[True] <= 24


@pytest.mark.parametrize(
    ("encoder", "decoder", "message"),
    [
        ([Dense(6, 8)], [Dense(8, 7), Dense(7, 6)], "as decoder, expected one linear layer"),
        ([Dense(6, 8)], [Dense(8, 6, Sigmoid())], "as decoder, expected one linear layer"),
    ],
)
def test_the_auxiliary_term_refuses_what_it_does_not_fit(encoder, decoder, message):
    with pytest.raises(ValueError, match=message):
        Network(encoder, decoder, penalties=[AuxiliaryTopK(0.1, 4)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AuxiliaryTopK(-1, 4), "AuxiliaryTopK: got lam=-1"),
        (lambda: AuxiliaryTopK(1, k=0), "AuxiliaryTopK: got k=0"),
        (lambda: AuxiliaryTopK(1, 4, patience=1.5), "AuxiliaryTopK: got patience=1.5"),
    ],
)
def test_hyperparameters_out_of_range_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("penalty", [AuxiliaryTopK(0.1, 2, 5)], ids=str)
def test_penalties_with_state_print_and_compare_by_their_numbers_and_copies_count_for_themselves(penalty, x):
    network = Network([Dense(6, 8, TopK(2), rng=0)], [Dense(8, 6, rng=1)], penalties=[penalty])
    twin = pickle.loads(pickle.dumps(penalty))
    network.value_and_grad(x)
    penalty.after_step()
    assert twin == penalty and hash(twin) == hash(penalty) and "state" not in repr(penalty)
    assert not twin.state and penalty.state
    again = copy.deepcopy(penalty)
    network.value_and_grad(x[:2])
    penalty.after_step()
    assert any(not np.array_equal(again.state[name], penalty.state[name]) for name in again.state)


def test_a_penalty_with_state_starts_anew_for_another_width(x):
    penalty = AuxiliaryTopK(0.1, 2, 5)
    for width in (8, 5):
        network = Network([Dense(6, width, TopK(2), rng=0)], [Dense(width, 6, rng=1)], penalties=[penalty])
        assert np.isfinite(network.value_and_grad(x))
        penalty.after_step()
        assert all(len(value) == width for value in penalty.state.values() if np.ndim(value))
