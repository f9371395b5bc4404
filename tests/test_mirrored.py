"""The mirror image of an encoder: widths, activations, ties and draws."""

import numpy as np
import pytest

from npae import Dense, Identity, ReLU, Sigmoid, Softplus, Tanh
from npae.objective.layers import mirrored


@pytest.mark.parametrize("tied", [False, True])
def test_a_mirrored_decoder_has_the_encoders_widths_backwards_and_its_hidden_activations(tied):
    encoder = [Dense(7, 5, Tanh()), Dense(5, 4, ReLU()), Dense(4, 2, Sigmoid())]
    decoder = mirrored(encoder, tied=tied, rng=0)
    assert [(layer.n_in, layer.n_out) for layer in decoder] == [(2, 4), (4, 5), (5, 7)]
    assert [layer.activation for layer in decoder] == [ReLU(), Tanh(), Identity()]
    assert [np.shares_memory(layer.W, dense.W) for layer, dense in zip(decoder, encoder[::-1])] == [tied] * 3
    given = mirrored(encoder, [Softplus(), Tanh(), Sigmoid()], tied=tied)
    assert [layer.activation for layer in given] == [Softplus(), Tanh(), Sigmoid()]


def test_a_mirrored_decoder_draws_from_the_code_on_and_is_the_same_for_the_same_seed():
    encoder = [Dense(5, 3, Tanh()), Dense(3, 2)]
    rng = np.random.default_rng(4)
    by_hand = [Dense(2, 3, Tanh(), rng=rng), Dense(3, 5, rng=rng)]
    for layer, expected in zip(mirrored(encoder, rng=4), by_hand):
        assert np.array_equal(layer.W, expected.W)


def test_a_mirror_image_has_one_activation_a_layer():
    with pytest.raises(ValueError, match="mirrored: got 1 activations, expected 2, one per decoder layer"):
        mirrored([Dense(5, 3), Dense(3, 2)], [Tanh()])
