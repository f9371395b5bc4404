"""Linear autoencoders trained without SciPy: alternating least squares, and what `fit_linear` falls back to."""

import sys

import numpy as np
import pytest

import npae
from npae.pca import PCA, compare_with_pca
from npae.pca.alternation import alternate
from npae.pca.fit_linear import bottleneck_network, fit_linear
from npae.pca.theory import linear_autoencoder_loss

DIGITS = npae.datasets.load_digits().data


@pytest.mark.parametrize("lam", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("k", [1, 8])
def test_from_random_weights_it_reaches_the_least_loss_and_no_gradient_is_left(k, lam):
    network = bottleneck_network(64, k, lam=lam, rng=0)
    result = alternate(network, DIGITS)
    assert result.converged
    assert result.value == pytest.approx(linear_autoencoder_loss(DIGITS, k, lam), rel=1e-12)
    network.value_and_grad(DIGITS)
    assert np.abs(network.grad).max() < 1e-11


def test_without_weight_decay_the_decoder_spans_pcas_subspace_and_its_rows_stay_mixed():
    network = bottleneck_network(64, 8, rng=0)
    alternate(network, DIGITS)
    assert compare_with_pca(network, DIGITS).angles[-1] < 1e-9
    assert np.linalg.cond(network.decoder.layers[0].W) > 1.1


def test_tied_weights_become_orthonormal_and_may_only_be_rotated():
    network = bottleneck_network(64, 8, tied=True, rng=0)
    assert alternate(network, DIGITS).converged
    W = network.encoder.layers[0].W
    np.testing.assert_allclose(W.T @ W, np.eye(8), atol=1e-12)
    assert compare_with_pca(network, DIGITS).angles[-1] < 1e-9
    network.value_and_grad(DIGITS)
    assert np.abs(network.grad).max() < 1e-11


def test_a_code_as_wide_as_the_input_copies_whatever_lies_in_the_span_of_the_data():
    network = bottleneck_network(64, 64, rng=0)
    alternate(network, DIGITS)
    pca = PCA(64).fit(DIGITS)
    V = pca.components_[pca.explained_variance_ > pca.rounding_]
    noise = pca.mean_ + np.random.default_rng(0).standard_normal((20, 64)) @ V.T @ V
    assert np.abs(network.reconstruct(noise) - noise).max() < 1e-10


@pytest.mark.parametrize("what", [{"tied": True, "lam": 0.1}, {"hidden": 5}])
def test_ties_under_weight_decay_and_hidden_layers_are_refused_by_name(what):
    with pytest.raises(ValueError, match=r"alternate: got Network\(.*, expected one linear layer on either side"):
        alternate(bottleneck_network(6, 2, **what), DIGITS[:, :6])


@pytest.mark.parametrize(("what", "angle"), [({}, 1e-9), ({"tied": True}, 1e-9), ({"hidden": 48}, 1e-4)])
def test_fit_linear_reaches_pca_without_scipy_too(what, angle, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    network = bottleneck_network(64, 8, rng=0, **what)
    result = fit_linear(network, DIGITS, max_iter=4000)
    assert compare_with_pca(network, DIGITS).angles[-1] < angle
    assert result.value == pytest.approx(linear_autoencoder_loss(DIGITS, 8), rel=1e-6)
