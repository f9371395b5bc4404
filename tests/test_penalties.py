"""The contractive family as records: what they refuse, print and compare; L1, KL and decay: test_penalties_sparsity."""

import dataclasses
import pickle

import numpy as np
import pytest

from npae import Dense, Identity, Network, ReLU, Sigmoid, Softplus, Stack, Tanh, TopK, gradcheck
from npae.objective.contraction import Contractive, HigherOrderContractive, ReconstructionContractive

FAMILY = [
    Contractive(0.3),
    HigherOrderContractive(0.3, 0.2, 0.5),
    HigherOrderContractive(0.3, 0.2, 0.5, noise=np.ones((2, 6))),
    ReconstructionContractive(0.3),
]


def kind(penalty):
    """A test id."""
    return type(penalty).__name__


def make_network(penalty, activation=Tanh(), widths=(6, 5, 3)):
    """Unit-scale weights, non-zero biases."""
    rng = np.random.default_rng(0)
    encoder = [Dense(widths[0], widths[1], activation), Dense(widths[1], widths[2], activation)]
    decoder = [Dense(widths[2], widths[0])]
    network = Network(encoder, decoder, penalties=[penalty])
    network.theta = rng.uniform(-1, 1, network.theta.size)
    return network


@pytest.mark.parametrize("penalty", FAMILY, ids=kind)
@pytest.mark.parametrize("activation", [Identity(), Sigmoid(), Tanh(), ReLU(), Softplus()], ids=str)
def test_the_public_gradient_check_passes_with_a_complex_step(penalty, activation, rng):
    network, x = make_network(penalty, activation), rng.random((4, 6))
    assert gradcheck.check_network(network, x, method="complex", rtol=1e-12).ok


@pytest.mark.parametrize("penalty", FAMILY, ids=kind)
def test_no_penalty_for_no_weight(penalty, rng):
    x = rng.random((4, 6))
    changes = {"lam": 0.0} | ({"gamma": 0.0} if isinstance(penalty, HigherOrderContractive) else {})
    network = make_network(dataclasses.replace(penalty, **changes))
    plain = Network(network.encoder.layers, network.decoder.layers)
    expected = plain.value_and_grad(x), plain.grad.copy()
    network = Network(plain.encoder.layers, plain.decoder.layers, penalties=network.penalties)
    assert network.value_and_grad(x) == expected[0]
    np.testing.assert_allclose(network.grad, expected[1], rtol=1e-15, atol=1e-18)


@pytest.mark.parametrize("penalty", FAMILY, ids=kind)
def test_activations_that_are_not_elementwise_are_refused_by_name(penalty):
    for encoder in ([Dense(6, 5, TopK(2)), Dense(5, 3)], [Dense(6, 5), Dense(5, 3, TopK(2))]):
        with pytest.raises(ValueError, match=rf"{kind(penalty)}: got TopK\(k=2\) in the \w+, expected Dense layers"):
            Network(encoder, [Dense(3, 6)], penalties=[penalty])


@pytest.mark.parametrize("penalty", FAMILY, ids=kind)
def test_an_encoder_without_layers_is_refused(penalty):
    with pytest.raises(ValueError, match=rf"{kind(penalty)}: got no layers for the encoder, expected at least one"):
        penalty.check(Stack([]))


@pytest.mark.parametrize("lam", [-0.1, np.nan, np.inf, "a", None, True])
@pytest.mark.parametrize("penalty", FAMILY, ids=kind)
def test_a_weight_that_is_no_number_from_0_is_refused(penalty, lam):
    with pytest.raises(ValueError, match=rf"{kind(penalty)}: got lam="):
        dataclasses.replace(penalty, lam=lam)


@pytest.mark.parametrize("name", ["gamma", "sigma"])
def test_the_higher_order_weights_are_checked_too(name):
    with pytest.raises(ValueError, match=f"HigherOrderContractive: got {name}=-1"):
        dataclasses.replace(HigherOrderContractive(0.1, 0.1, 0.1), **{name: -1})


@pytest.mark.parametrize("array", [np.ones(3), np.ones((0, 3)), [[np.nan, 1.0]], -1])
def test_noise_of_the_wrong_kind_is_refused(array):
    with pytest.raises(ValueError, match=r"HigherOrderContractive: got noise(=| of shape)"):
        HigherOrderContractive(0.1, 0.1, 0.1, noise=array)


def test_noise_that_does_not_fit_the_encoder_is_refused_before_training():
    with pytest.raises(ValueError, match=r"got noise of shape \(2, 5\), expected \(M, 6\) or"):
        make_network(HigherOrderContractive(0.1, 0.1, 0.1, noise=np.ones((2, 5))))


def test_noise_that_does_not_fit_the_batch_is_refused(rng):
    x = rng.random((3, 6))
    with pytest.raises(ValueError, match=r"got noise of shape \(2, 4, 6\), expected \(M, 6\) or \(M, 3, 6\)"):
        make_network(HigherOrderContractive(0.1, 0.1, 0.1, noise=np.ones((2, 4, 6)))).value_and_grad(x)


def test_the_reconstruction_penalty_needs_an_elementwise_decoder(rng):
    encoder = Stack([Dense(4, 3)])
    encoder.forward(rng.random((2, 4)))
    with pytest.raises(ValueError, match="got no decoder"):
        ReconstructionContractive(0.1)(encoder)
    with pytest.raises(ValueError, match=r"got TopK\(k=2\) in the decoder"):
        Network([Dense(4, 3)], [Dense(3, 4, TopK(2))], penalties=[ReconstructionContractive(0.1)])


@pytest.mark.parametrize("penalty", FAMILY, ids=kind)
def test_penalties_print_compare_hash_and_pickle(penalty):
    twin = pickle.loads(pickle.dumps(penalty))
    assert twin == penalty and hash(twin) == hash(penalty)
    assert dataclasses.replace(penalty, lam=0.5) != penalty != "something else"
    assert repr(penalty).startswith(f"{kind(penalty)}(lam=0.3")
    with pytest.raises(dataclasses.FrozenInstanceError):
        penalty.lam = 1.0


def test_arrays_given_are_copied_and_kept_from_change():
    noise = np.ones((2, 3))
    penalty = HigherOrderContractive(0.1, 0.1, 0.1, noise=noise)
    noise[:] = 0
    assert penalty.n_noise == 2 and penalty.noise.sum() == 6
    with pytest.raises(ValueError):
        penalty.noise[0, 0] = 5.0
