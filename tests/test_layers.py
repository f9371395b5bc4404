"""Layers and the kernels under them: formulas written out, gradients of a random projection, tied weights, caches."""

import copy
import pickle
import re

import numpy as np
import pytest

from catalogue import ACTIVATIONS, complex_step, name, relative_error
from npae import Contractive, Dense, Identity, Network, ReLU, Sigmoid, Stack, Tanh, Tied, TopK, WeightDecay
from npae.gradcheck import check_network
from npae.objective.kernels import BLOCK, Buffers, add_scaled, blocks, column_squares


def unit_scale(layer, rng):
    """The layer with weights and biases uniform in +-1."""
    for parameter in layer.parameters:
        getattr(layer, parameter)[...] = rng.uniform(-1, 1, getattr(layer, parameter).shape)
    return layer


@pytest.fixture
def x(rng):
    return rng.random((6, 5))


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
def test_dense_is_the_sum_written_out(phi, x, rng):
    layer = unit_scale(Dense(5, 4, phi), rng)
    a = [[sum(x[n, d] * layer.W[d, k] for d in range(5)) + layer.b[k] for k in range(4)] for n in range(6)]
    expected = ACTIVATIONS[phi](np.array(a))
    np.testing.assert_allclose(layer.forward(x), expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
def test_dense_gradients_are_complex_steps_of_a_projection_of_the_output(phi, x, rng):
    layer = unit_scale(Dense(5, 4, phi), rng)
    dh = rng.normal(size=(6, 4))
    layer.forward(x)
    dx = layer.backward(dh)
    trial = copy.deepcopy(layer)

    def projection(parameter):
        def f(z):
            setattr(trial, parameter, z)
            return (trial(x) * dh).sum()

        return f

    assert relative_error(dx, complex_step(lambda x: (layer(x) * dh).sum(), x)) < 1e-13
    trial.W, trial.b = layer.W.astype(complex), layer.b.astype(complex)
    assert relative_error(layer.dW, complex_step(projection("W"), layer.W)) < 1e-13
    trial.W = layer.W.astype(complex)
    assert relative_error(layer.db, complex_step(projection("b"), layer.b)) < 1e-13


def test_backward_overwrites_the_gradient_of_the_call_before(x, rng):
    layer = unit_scale(Dense(5, 4, Tanh()), rng)
    layer.forward(x)
    layer.backward(np.ones((6, 4)))
    dW = layer.dW.copy()
    layer.forward(x)
    layer.backward(np.ones((6, 4)))
    assert np.array_equal(layer.dW, dW)


def test_backward_leaves_dh_and_x_alone_and_a_stack_skips_dx_on_request(x, rng):
    layer, dh = unit_scale(Dense(5, 4, Sigmoid()), rng), rng.normal(size=(6, 4))
    before = x.copy(), dh.copy()
    layer.forward(x)
    layer.backward(dh)
    gradients = layer.dW.copy(), layer.db.copy()
    stack = Stack([layer])
    stack.forward(x)
    assert stack.backward(dh, need_dx=False) is None
    assert np.array_equal(layer.dW, gradients[0]) and np.array_equal(layer.db, gradients[1])
    assert np.array_equal(x, before[0]) and np.array_equal(dh, before[1])


def test_a_call_keeps_nothing_and_a_forward_keeps_x_and_h(x):
    layer = Dense(5, 4, Sigmoid(), rng=0)
    layer(x)
    assert layer.x is None and layer.h is None
    h = layer.forward(x)
    assert layer.x is x and layer.h is h
    layer(x[:2])
    assert layer.x is x and layer.h is h


def test_backward_before_forward_says_what_is_missing():
    with pytest.raises(RuntimeError, match=re.escape("Dense(5, 4, Identity()): got backward() first, expected a forw")):
        Dense(5, 4).backward(np.ones((6, 4)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_a_layer_of_one_dtype_stays_in_it(dtype, x, rng):
    layer = Dense(5, 4, Sigmoid(), rng=0)
    for parameter in ("W", "b", "dW", "db"):
        setattr(layer, parameter, getattr(layer, parameter).astype(dtype))
    h = layer.forward(x.astype(dtype))
    assert h.dtype == layer.backward(h).dtype == layer.dW.dtype == layer.db.dtype == dtype


def test_initial_weights_repeat_with_the_seed_and_biases_are_zero():
    one, same, other = Dense(5, 4, rng=1), Dense(5, 4, rng=np.random.default_rng(1)), Dense(5, 4, rng=2)
    assert np.array_equal(one.W, same.W) and not np.array_equal(one.W, other.W)
    assert not one.b.any() and one.W.shape == (5, 4) and one.b.shape == (4,)


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=name)
def test_initial_weights_have_the_spread_of_their_source(phi):
    """Uniform in +-gain sqrt(6 / (D + K)): Glorot and Bengio (2010), 4 for the sigmoid; He et al. (2015) for ReLU."""
    gain = {"Sigmoid": 4.0, "ReLU": 2**0.5, "Softplus": 2.0}.get(type(phi).__name__, 1.0)
    for n_in, n_out in ((400, 300), (30, 2000)):
        W, limit = Dense(n_in, n_out, phi, rng=3).W, gain * (6 / (n_in + n_out)) ** 0.5
        assert 0.999 * limit < np.abs(W).max() < limit
        assert np.abs(W.mean()) < 5 * limit / (3 * W.size) ** 0.5
        assert W.std() == pytest.approx(limit / 3**0.5, rel=0.01)  # of a uniform distribution
    assert Dense(7, 5, phi, rng=3).activation.gain == gain


@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (1, 4), (5, 1)])
@pytest.mark.parametrize("phi", [Identity(), Sigmoid(), Tanh(), ReLU()], ids=name)
def test_layers_of_width_one_are_like_any_other(phi, n_in, n_out, rng):
    x = rng.random((6, n_in))
    dense = Dense(n_in, n_out, phi, rng=0)
    network = Network([dense], [Tied(dense)], penalties=[WeightDecay(0.1), Contractive(0.2)])
    network.theta = rng.uniform(0.2, 1, network.theta.size)
    assert check_network(network, x, method="complex", rtol=1e-12).ok
    for n_samples in (1, 2):
        assert network.reconstruct(x[:n_samples]).shape == (n_samples, n_in)
        assert check_network(network, x[:n_samples], method="complex", rtol=1e-12).ok


@pytest.mark.parametrize(("n_in", "n_out"), [(0, 3), (3, 0), (-1, 3), (2.0, 3), ("2", 3), (3, None)])
def test_sizes_that_are_no_positive_whole_numbers_are_refused(n_in, n_out):
    with pytest.raises(ValueError, match=r"Dense: got n_(in|out)=.*, expected a whole number >= 1"):
        Dense(n_in, n_out)


@pytest.mark.parametrize("activation", ["sigmoid", Sigmoid, None, np.tanh])
def test_what_is_no_activation_is_refused(activation):
    with pytest.raises(TypeError, match=r"Dense: got activation=.* expected an activation such as"):
        Dense(2, 3, activation)
    with pytest.raises(TypeError, match=r"Tied: got activation=.* expected an activation such as"):
        Tied(Dense(2, 3), activation)


def test_a_layer_prints_its_sizes_and_activation():
    assert repr(Dense(5, 4, TopK(2))) == "Dense(5, 4, TopK(k=2))"
    assert repr(Stack([Dense(5, 4), Tied(Dense(5, 4))])) == "Stack([Dense(5, 4, Identity()), Tied(4, 5, Identity())])"


def test_a_pickled_layer_drops_its_caches(x):
    layer = Dense(5, 4, Sigmoid(), rng=0)
    layer.forward(x)
    again = pickle.loads(pickle.dumps(layer))
    assert again.x is None and again.h is None and np.array_equal(again(x), layer(x))


# tied layers


def test_tied_weights_are_the_transpose_in_the_same_memory():
    dense = Dense(5, 4)
    tied = Tied(dense)
    assert np.shares_memory(tied.W, dense.W) and np.array_equal(tied.W, dense.W.T)
    dense.W[0, 1] = 7
    assert tied.W[1, 0] == 7
    dense.W = np.ones((5, 4))
    assert np.array_equal(tied.W, np.ones((4, 5)))
    assert tied.parameters == ("b",) and (tied.n_in, tied.n_out) == (4, 5)


def test_a_tied_layer_adds_its_part_to_the_gradient_of_the_shared_weights(x, rng):
    dense = unit_scale(Dense(5, 4, Sigmoid()), rng)
    tied = unit_scale(Tied(dense, Tanh()), rng)
    twin = unit_scale(Dense(4, 5, Tanh()), rng)
    twin.W[:], twin.b[:] = dense.W.T, tied.b
    dh = rng.normal(size=x.shape)
    alone = copy.deepcopy(dense)

    twin.forward(alone.forward(x))
    alone.backward(twin.backward(dh))
    tied.forward(dense.forward(x))
    dense.backward(tied.backward(dh))

    np.testing.assert_allclose(dense.dW, alone.dW + twin.dW.T, rtol=1e-13)
    np.testing.assert_allclose(tied.dW, twin.dW, rtol=1e-13)
    np.testing.assert_allclose(tied.db, twin.db, rtol=1e-13)


@pytest.mark.parametrize("what", [np.eye(2), "dense", None, Tied(Dense(2, 2))])
def test_only_a_dense_layer_can_be_tied_to(what):
    with pytest.raises(TypeError, match=r"(?s)Tied: got .* expected the Dense layer whose weights it shares"):
        Tied(what)


def test_a_copy_of_a_network_keeps_its_own_tie(x):
    dense = Dense(5, 4, Sigmoid(), rng=0)
    network = copy.deepcopy(Network([dense], [Tied(dense)]))
    encoder, decoder = network.encoder.layers[0], network.decoder.layers[0]
    assert decoder.dense is encoder is not dense and np.shares_memory(decoder.W, encoder.W)


# stacks


def test_a_stack_is_the_composition_of_its_layers(x):
    first, second = Dense(5, 4, Tanh(), rng=0), Dense(4, 3, Sigmoid(), rng=1)
    stack = Stack([first, second])
    assert np.array_equal(stack(x), second(first(x)))
    assert np.array_equal(stack.forward(x), stack(x)) and len(stack) == 2
    dh = np.ones((6, 3))
    dx = stack.backward(dh)
    assert relative_error(dx, complex_step(lambda x: stack(x).sum(), x)) < 1e-13
    assert stack.backward(dh, need_dx=False) is None


def test_a_stack_of_layers_that_do_not_fit_says_which():
    with pytest.raises(ValueError, match=r"Dense\(5, 4, .* before Dense\(3, 2, .* expected layer 1 to take 4 inputs"):
        Stack([Dense(5, 4), Dense(3, 2)])


def test_an_empty_stack_is_the_identity(x):
    assert np.array_equal(Stack([])(x), x) and np.array_equal(Stack([]).forward(x), x)


# kernels


@pytest.mark.parametrize("size", [1, 5, 10, 11])
def test_blocks_cover_every_index_once(size):
    covered = np.concatenate([np.arange(size)[block] for block in blocks(size, 5)])
    assert np.array_equal(covered, np.arange(size))


@pytest.mark.parametrize("shape", [(3, 4), (2 * BLOCK // 50 + 3, 50), (3, BLOCK + 7)])
@pytest.mark.parametrize("transposed", [False, True])
def test_blocked_sums_are_the_plain_sums(shape, transposed, rng):
    W, total, scale = rng.normal(size=shape), rng.normal(size=shape), rng.normal(size=shape[1])
    if transposed:
        W, total = np.asfortranarray(W), np.asfortranarray(total)
    np.testing.assert_allclose(column_squares(W), np.linalg.norm(W, axis=0) ** 2, rtol=1e-12)
    expected = total + W * scale
    add_scaled(total, W, scale)
    np.testing.assert_allclose(total, expected, rtol=1e-12, atol=1e-14)


def test_buffers_are_reused_by_name_and_cut_to_fewer_rows():
    empty = Buffers()
    first = empty("h", (6, 3), np.float64)
    assert np.shares_memory(first, empty("h", (4, 3), np.float64)) and empty("h", (4, 3), np.float64).shape == (4, 3)
    assert np.shares_memory(first, empty("h", (6, 3), np.float64))
    assert not np.shares_memory(first, empty("da", (6, 3), np.float64))
    assert not np.shares_memory(first, empty("h", (6, 4), np.float64))
    assert empty("h", (6, 4), np.float32).dtype == np.float32 and empty("h", (9, 4), np.float32).shape == (9, 4)


def test_a_short_batch_after_a_long_one_gives_the_gradient_of_the_short_one(rng):
    x = rng.random((8, 5))
    long_first, fresh = (Network([Dense(5, 3, ReLU(), rng=0)], [Dense(3, 5, Identity(), rng=1)]) for _ in range(2))
    long_first.value_and_grad(x)
    assert long_first.value_and_grad(x[:3]) == fresh.value_and_grad(x[:3])
    assert np.array_equal(long_first.grad, fresh.grad)
