"""Trainings of the experiments, and the scale cheat of the manifold benchmark."""

import numpy as np
import pytest

import npae
from benchmarks.claims.manifolds import UnitDecoder, scale_cheat
from npae import SGD, Dense, Network, Tanh
from npae.experiments.manifolds import train_steps


def test_the_unit_decoder_takes_the_others_step_and_then_scales_the_decoders_rows(rng):
    network = Network([Dense(6, 3, Tanh(), rng=0)], [Dense(3, 6, rng=1)])
    theta, x = network.theta.copy(), rng.normal(size=(5, 6))
    network.value_and_grad(x)
    UnitDecoder(SGD(0.1), network).start(network.theta)(network.grad)
    expected = theta - 0.1 * network.grad
    W = expected[6 * 3 + 3 :][:18].reshape(3, 6)
    W /= np.sqrt((W**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(network.theta, expected, rtol=1e-14)


def test_only_ties_and_unit_rows_keep_the_encoder_from_shrinking_the_penalty_away():
    """The penalty alone would have the encoder shrink to nothing: untied, the decoder grows and nothing is lost."""
    results = scale_cheat(n_steps=800)
    contraction, _, decoder, error = zip(*results.values())
    assert decoder[2] == pytest.approx(128**0.5, rel=1e-6)
    assert decoder[0] > 1.5 * decoder[2] and contraction[0] < 0.8 * min(contraction[1:])
    assert error[0] < 0.7 * min(error[1:])


def test_training_takes_about_as_many_steps_as_asked_in_whole_epochs():
    X, counts = npae.datasets.load_digits().data[:130], []

    class Counting:
        def corrupt(self, x, rng):
            counts.append(len(x))
            return x

    network = Network([Dense(64, 3, rng=0)], [Dense(3, 64, rng=1)])
    train_steps(network, X, n_steps=7, lr=1e-2, batch_size=50, corruption=Counting(), rng=0)
    assert counts == [50, 50, 30] * 2
