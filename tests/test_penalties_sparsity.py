"""Weight decay, L1 and KL sparsity: values from other formulas, gradients by complex step through the encoder."""

import copy

import numpy as np
import pytest
from scipy import special, stats

from catalogue import complex_step, make_batch, make_network, name, relative_error
from npae import (
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

SPARSITIES = [L1Sparsity(0.7), KLSparsity(0.7, 0.2)]


@pytest.fixture
def x(rng):
    return rng.random((6, 5))


@pytest.fixture
def encoder(rng):
    stack = Stack([Dense(5, 4, Tanh()), Dense(4, 3, Sigmoid())])
    for layer in stack.layers:
        layer.W[:], layer.b[:] = rng.uniform(-1, 1, layer.W.shape), rng.uniform(-1, 1, layer.b.shape)
    return stack


def saturated(bias, dtype=np.float64, penalty=KLSparsity(3.0, 0.05), phi=Sigmoid()):
    """A network of one layer whose every unit has that bias."""
    network = Network([Dense(5, 4, phi, rng=0)], [Dense(4, 5, rng=1)], penalties=[penalty], dtype=dtype)
    network.encoder.layers[0].b[:] = bias
    return network


# value


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_weight_decay_is_half_the_squared_frobenius_norms_without_biases(depth, x):
    network = make_network((5, 4, 6, 3)[: depth + 1], Tanh(), SquaredError(), rng=1)
    network.encoder.forward(x)
    norms = [np.linalg.norm(layer.W, "fro") for layer in network.encoder.layers + network.decoder.layers]
    expected = 0.3 / 2 * np.sum(np.square(norms))
    assert WeightDecay(0.3)(network.encoder, network.decoder) == pytest.approx(expected, rel=1e-13)


def test_weight_decay_counts_a_tied_matrix_once(x):
    network = make_network((5, 4), Sigmoid(), SquaredError(), [WeightDecay(0.3)], tied=True)
    plain = make_network((5, 4), Sigmoid(), SquaredError(), tied=True)
    W = network.encoder.layers[0].W
    assert network.value(x) - plain.value(x) == pytest.approx(0.15 * (W**2).sum(), rel=1e-12)
    network.value_and_grad(x)
    plain.value_and_grad(x)
    np.testing.assert_allclose(
        network.gradients["encoder.0.W"] - plain.gradients["encoder.0.W"], 0.3 * W, rtol=1e-12, atol=1e-15
    )
    assert all(np.array_equal(network.gradients[b], plain.gradients[b]) for b in ("encoder.0.b", "decoder.0.b"))


def test_weight_decay_alone_shrinks_every_weight_towards_zero_and_leaves_biases(x):
    network = make_network((5, 4), Tanh(), SquaredError(), [WeightDecay(0.3)])
    plain = make_network((5, 4), Tanh(), SquaredError())
    network.value_and_grad(x)
    plain.value_and_grad(x)
    for key, W in network.parameters.items():
        expected = 0.3 * W if key.endswith("W") else np.zeros_like(W)
        np.testing.assert_allclose(network.gradients[key] - plain.gradients[key], expected, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("phi", [Identity(), Tanh(), ReLU(), Softplus(), TopK(2)], ids=name)
def test_l1_is_the_mean_over_samples_of_the_1_norm_of_the_code(phi, x):
    encoder = Stack([Dense(5, 4, phi, rng=3)])
    h = encoder.forward(x)
    expected = 0.7 * np.mean([np.linalg.norm(row, 1) for row in h])
    assert L1Sparsity(0.7)(encoder) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("phi", [Identity(), Tanh(), ReLU(), TopK(2)], ids=name)
def test_l1_is_the_negative_logarithm_of_a_laplace_prior_on_the_code(phi, x):
    """-log prod_j lam / 2 exp(-lam |h_j|) = lam sum_j |h_j| - K log(lam / 2), mean over samples, with its gradient."""
    encoder, lam = Stack([Dense(5, 4, phi, rng=3)]), 0.7
    h = encoder.forward(x)
    prior = -stats.laplace(scale=1 / lam).logpdf(h).sum(axis=1).mean()
    assert L1Sparsity(lam)(encoder) == pytest.approx(prior + 4 * np.log(lam / 2), rel=1e-12)
    derivative = np.where(h > 0, lam, np.where(h < 0, -lam, 0)) / len(h)  # of -log p(h) / N; 0 is a kink
    np.testing.assert_array_equal(encoder.layers[0].pending.dh, derivative)


@pytest.mark.parametrize("rho", [0.01, 0.2, 0.9])
def test_kl_is_the_sum_of_the_relative_entropies_of_bernoullis(rho, encoder, x):
    q = encoder.forward(x).mean(axis=0)
    expected = sum(stats.entropy([rho, 1 - rho], [q_j, 1 - q_j]) for q_j in q)
    assert KLSparsity(0.7, rho)(encoder) == pytest.approx(0.7 * expected, rel=1e-12)


@pytest.mark.parametrize("rho", [0.01, 0.2, 0.9])
def test_kl_of_a_tanh_code_is_that_of_the_code_mapped_to_the_unit_interval(rho, x, rng):
    encoder = Stack([Dense(5, 4, Tanh(), rng=2)])
    encoder.layers[0].b[:] = rng.uniform(-1, 1, 4)
    q = (encoder.forward(x).mean(axis=0) + 1) / 2
    expected = sum(stats.entropy([rho, 1 - rho], [q_j, 1 - q_j]) for q_j in q)
    assert KLSparsity(0.7, rho)(encoder) == pytest.approx(0.7 * expected, rel=1e-12)


def test_a_tanh_code_is_a_sigmoid_code_with_twice_the_weights_to_kl(x, rng):
    """(tanh(a) + 1) / 2 = sigmoid(2 a): equal values, and gradients that differ by the factor 2 of the chain rule."""
    W, b = rng.uniform(-1, 1, (5, 4)), rng.uniform(-1, 1, 4)
    values, gradients = [], []
    for phi, factor in ((Tanh(), 1), (Sigmoid(), 2)):
        network = Network([Dense(5, 4, phi)], [Dense(4, 5)], penalties=[KLSparsity(0.7, 0.1)])
        network.encoder.layers[0].W[:], network.encoder.layers[0].b[:] = factor * W, factor * b
        network.decoder.layers[0].W[:] = 0
        values.append(network.value_and_grad(x))
        gradients.append(factor * network.gradients["encoder.0.W"])
    assert values[0] == pytest.approx(values[1], rel=1e-13)
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-11)


def test_kl_is_zero_with_zero_gradient_where_the_mean_activation_is_rho(x):
    encoder = Stack([Dense(5, 4, Sigmoid())])
    encoder.layers[0].W[:], encoder.layers[0].b[:] = 0, special.logit(0.2)
    h = encoder.forward(x)
    assert KLSparsity(5.0, 0.2)(encoder) == pytest.approx(0, abs=1e-14)
    encoder.backward(np.zeros_like(h))
    np.testing.assert_allclose(encoder.layers[0].dW, 0, atol=1e-14)


def test_kl_uses_the_mean_over_the_batch_and_not_each_sample(x):
    encoder = Stack([Dense(1, 1, Sigmoid())])
    encoder.layers[0].W[:] = 1
    encoder.forward(np.array([[3.0], [-3.0]]))  # the mean activation is exactly 1/2, each sample is far from it
    assert KLSparsity(1.0, 0.5)(encoder) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("penalty", SPARSITIES, ids=name)
def test_sparsity_is_read_off_the_last_layer_alone(penalty, encoder, x):
    encoder.forward(x)
    value = penalty(encoder)
    code = Stack([encoder.layers[-1]])
    code.forward(encoder.layers[0](x))
    assert penalty(code) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("penalty", SPARSITIES, ids=name)
def test_repeating_the_batch_keeps_the_value(penalty, encoder, x):
    again = copy.deepcopy(encoder)
    encoder.forward(x)
    again.forward(np.vstack([x, x, x]))
    assert penalty(again) == pytest.approx(penalty(encoder), rel=1e-13)


@pytest.mark.parametrize("make", [WeightDecay, L1Sparsity, lambda lam: KLSparsity(lam, 0.2)])
def test_value_and_gradient_are_linear_in_the_strength(make, x):
    def at(lam):
        network = make_network((5, 4), Sigmoid(), SquaredError(), [make(lam)])
        return network.value_and_grad(x), network.grad.copy()

    (v0, g0), (v1, g1), (v3, g3) = at(0), at(1), at(3)
    assert v3 - v0 == pytest.approx(3 * (v1 - v0), rel=1e-12)
    np.testing.assert_allclose(g3 - g0, 3 * (g1 - g0), rtol=1e-10, atol=1e-14)
    plain = make_network((5, 4), Sigmoid(), SquaredError())
    assert v0 == plain.value_and_grad(x) and np.array_equal(g0, plain.grad)


# gradient


@pytest.mark.parametrize("phi", [Sigmoid(), Tanh()], ids=name)
@pytest.mark.parametrize("penalty", [WeightDecay(0.7), *SPARSITIES], ids=name)
def test_a_penalty_alone_has_the_gradient_of_its_complex_step(penalty, phi, encoder, x):
    encoder.layers[-1].activation = phi
    h = encoder.forward(x)
    penalty(encoder)
    encoder.backward(np.zeros_like(h))
    for i, layer in enumerate(encoder.layers):
        for parameter in ("W", "b"):
            trial = copy.deepcopy(encoder)
            for each in trial.layers:
                each.W, each.b = each.W.astype(complex), each.b.astype(complex)

            def value(z, i=i, parameter=parameter, trial=trial):
                setattr(trial.layers[i], parameter, z)
                trial.forward(x)
                return penalty(trial)

            expected = complex_step(value, getattr(layer, parameter))
            assert relative_error(getattr(layer, "d" + parameter), expected) < 1e-13


def test_the_l1_gradient_at_an_activation_of_zero_is_zero():
    encoder = Stack([Dense(2, 2)])
    encoder.layers[0].W[:] = np.eye(2)
    h = encoder.forward(np.array([[0.0, -3.0]]))
    L1Sparsity(0.5)(encoder)
    encoder.backward(np.zeros_like(h))
    assert np.array_equal(encoder.layers[0].db, [0, -0.5])


def test_the_kl_gradient_is_the_published_formula(x, encoder):
    h = encoder.forward(x)
    q, rho, beta = h.mean(axis=0), 0.2, 0.7
    KLSparsity(beta, rho)(encoder)
    encoder.backward(np.zeros_like(h))
    da = beta / len(x) * (-rho / q + (1 - rho) / (1 - q)) * h * (1 - h)
    np.testing.assert_allclose(encoder.layers[-1].db, da.sum(axis=0), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [1e5, -1e5, 800, -800, -745, -710, 40, 37, -100, -18, -8])
@pytest.mark.parametrize("phi", [Sigmoid(), Tanh()], ids=name)
def test_a_mean_activation_at_the_end_of_its_range_gives_a_finite_kl_and_gradient(phi, dtype, bias, x):
    network = saturated(bias, dtype, phi=phi)
    value = network.value_and_grad(x)
    assert np.isfinite(value) and value > 0 and np.isfinite(network.grad).all()


def test_kl_pulls_saturated_units_back_where_their_activation_is_not_yet_rounded(x):
    for bias, sign in ((-600.0, -1), (30.0, 1)):  # db < 0 raises b in the next step
        network = saturated(bias, penalty=KLSparsity(100.0, 0.05))
        network.value_and_grad(x)
        assert (np.sign(network.gradients["encoder.0.b"]) == sign).all()


def test_one_sample_is_a_batch_too(rng):
    x, target = make_batch(1, 5)
    penalties = [WeightDecay(0.3), *SPARSITIES]
    network = make_network((5, 4), Sigmoid(), SquaredError(), penalties)
    assert np.isfinite(network.value_and_grad(x, target)) and np.isfinite(network.grad).all()


# errors


@pytest.mark.parametrize("lam", [-0.1, np.nan, np.inf, "1", None, True, 1j, [1.0]])
@pytest.mark.parametrize("make", [WeightDecay, L1Sparsity, lambda lam: KLSparsity(lam, 0.1)])
def test_a_strength_that_is_negative_or_no_number_is_refused(make, lam):
    with pytest.raises(ValueError, match=r"got (lam|beta)=.*, expected a finite number >= 0"):
        make(lam)


@pytest.mark.parametrize("rho", [0, 1, 0.0, 1.0, -0.1, 1.1, np.nan, "0.1", None])
def test_a_target_activation_outside_the_open_unit_interval_is_refused(rho):
    with pytest.raises(ValueError, match=r"KLSparsity: got rho=.*, expected "):
        KLSparsity(1.0, rho)


@pytest.mark.parametrize("phi", [Identity(), ReLU(), Softplus(), TopK(2)], ids=name)
def test_kl_refuses_a_code_without_bounds_by_name(phi):
    with pytest.raises(ValueError, match=r"KLSparsity: got a code of .* expected a bounded code") as caught:
        Network([Dense(5, 4, phi)], [Dense(4, 5)], penalties=[KLSparsity(1.0, 0.1)])
    assert repr(phi) in str(caught.value)


@pytest.mark.parametrize("penalty", SPARSITIES, ids=name)
def test_sparsity_of_an_encoder_without_layers_is_refused(penalty):
    with pytest.raises(ValueError, match="got no layers for the encoder, expected at least one"):
        penalty.check(Stack([]))


def test_penalties_are_records_that_compare_and_print():
    assert KLSparsity(1.0, 0.1) == KLSparsity(1.0, 0.1) != KLSparsity(1.0, 0.2)
    assert repr(L1Sparsity(0.5)) == "L1Sparsity(lam=0.5)"


def test_weight_decay_reaches_a_dense_layer_that_two_tied_layers_share(x):
    dense = Dense(5, 4, Sigmoid(), rng=0)
    network = Network([dense], [Tied(dense, Tanh()), Dense(5, 4, rng=1), Tied(dense)], penalties=[WeightDecay(0.3)])
    plain = copy.deepcopy(network)
    plain.penalties = ()
    network.value_and_grad(x)
    plain.value_and_grad(x)
    np.testing.assert_allclose(
        network.gradients["encoder.0.W"] - plain.gradients["encoder.0.W"], 0.3 * dense.W, rtol=1e-11, atol=1e-14
    )
