"""The closed forms hold (zero gradient, counted signs of the Hessian), and training from a random start gets there."""

import numpy as np
import pytest

import npae
from npae.pca import PCA, compare_with_pca
from npae.pca.fit_linear import bottleneck_network, decoder_matrix, descend, fit_linear_autoencoder
from npae.pca.moments import Moments
from npae.pca.theory import (
    critical_points,
    directions_from_codes,
    directions_from_regularized,
    linear_autoencoder_loss,
    linear_autoencoder_optimum,
    loss_surface,
)

DIGITS = npae.datasets.load_digits().data
NETWORKS = {"untied": {}, "tied": {"tied": True}, "two hidden layers": {"hidden": 48}}


def small(seed=0, N=30, D=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, D)) * np.arange(D, 0, -1) @ np.linalg.qr(rng.normal(size=(D, D)))[0] + 3


def network_at(X, W_e, W_d, lam=0.0, tied=False):
    network = bottleneck_network(*W_e.shape, lam=lam, tied=tied)
    encoder, decoder = network.encoder.layers[0], network.decoder.layers[0]
    encoder.W[:] = W_e
    if not tied:
        decoder.W[:] = W_d
    encoder.b[:] = -X.mean(0) @ W_e
    decoder.b[:] = X.mean(0)
    return network


# -- closed forms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3, 5, 7])
@pytest.mark.parametrize("lam", [0.0, 0.5, 4.0, 100.0])
def test_the_optimum_has_no_gradient_and_the_loss_it_should(k, lam):
    X = small()
    W_e, W_d = linear_autoencoder_optimum(X, k, lam)
    network = network_at(X, W_e, W_d, lam)
    np.testing.assert_allclose(network.value_and_grad(X), linear_autoencoder_loss(X, k, lam), rtol=1e-12, atol=1e-13)
    assert np.abs(network.grad).max() < 1e-12
    w = np.linalg.svd(W_d, compute_uv=False)
    sigma = np.linalg.svd(X - X.mean(0), compute_uv=False)
    expected = np.zeros(k)
    expected[: min(k, 5)] = np.maximum(0, 1 - len(X) * lam / sigma[:k] ** 2)
    np.testing.assert_allclose(w[: len(expected)] ** 2, expected[: len(w)], atol=1e-12)
    assert np.count_nonzero(np.abs(W_d).max(axis=1)) == np.count_nonzero(expected), "dropped exactly"


@pytest.mark.parametrize("lam", [0.0, 2.0])
def test_no_other_weights_have_a_smaller_loss(lam, rng):
    X = small()
    best = linear_autoencoder_loss(X, 2, lam)
    for _ in range(50):
        W_e, W_d = (W + rng.normal(size=W.shape) * 10 ** rng.uniform(-4, 0)
                    for W in linear_autoencoder_optimum(X, 2, lam))  # fmt: skip
        assert network_at(X, W_e, W_d, lam).value(X) >= best


def test_tied_weights_count_once_and_take_half_the_lam():
    X = small()
    W_e, W_d = linear_autoencoder_optimum(X, 2, 1.5 / 2)
    network = network_at(X, W_e, W_d, 1.5, tied=True)
    np.testing.assert_allclose(network.value_and_grad(X), linear_autoencoder_loss(X, 2, 1.5 / 2), rtol=1e-12)
    assert np.abs(network.grad).max() < 1e-12


def test_without_units_the_optimum_is_the_mean_and_half_the_variance():
    X = small()
    W_e, W_d = linear_autoencoder_optimum(X, 0)
    assert W_e.shape == (5, 0) and W_d.shape == (0, 5)
    np.testing.assert_allclose(linear_autoencoder_loss(X, 0), X.var(0).sum() / 2, rtol=1e-12)
    assert [point.directions for point in critical_points(X, 0)] == [()]


@pytest.mark.parametrize("shape", [(30, 5), (400, 5), (4, 7), (1, 3)])
def test_moments_are_all_that_linear_theory_needs(shape):
    X = small(1, *shape)
    moments = Moments.from_samples(X)
    np.testing.assert_allclose(moments.covariance, np.cov(X.T, bias=True), atol=1e-12)
    for k, lam in ((2, 0.0), (3, 0.3)):
        (A, B), (C, D) = linear_autoencoder_optimum(X, k, lam), linear_autoencoder_optimum(moments, k, lam)
        np.testing.assert_allclose(
            linear_autoencoder_loss(X, k, lam), linear_autoencoder_loss(moments, k, lam), atol=1e-12
        )
        if k < min(shape):
            np.testing.assert_allclose(A @ B, C @ D, atol=1e-10)
    sample = moments.sample()
    assert len(sample) <= min(shape[0], shape[1] + 1)
    np.testing.assert_allclose(sample.mean(0), X.mean(0), atol=1e-12)
    np.testing.assert_allclose(sample.T @ sample / len(sample), X.T @ X / len(X), atol=1e-11)


@pytest.mark.parametrize("parameters", NETWORKS.values(), ids=NETWORKS)
def test_the_sample_of_the_moments_has_the_objective_and_gradient_of_the_data(parameters):
    network = bottleneck_network(64, 4, rng=0, lam=0.1, **parameters)
    value = network.value_and_grad(DIGITS)
    gradient = network.grad.copy()
    np.testing.assert_allclose(network.value_and_grad(Moments.from_samples(DIGITS).sample()), value, rtol=1e-13)
    np.testing.assert_allclose(network.grad, gradient, atol=1e-12 * np.abs(gradient).max())


@pytest.mark.parametrize("lam", [0.0, 0.5, 7.0])
def test_every_critical_point_has_no_gradient_its_loss_and_its_ways_down(lam):
    X = small(2, D=4)
    X[:, 3] -= X[:, 3].mean()
    s, V = Moments.from_samples(X).spectrum()
    points = critical_points(X, 2, lam)
    kept = int((s > lam).sum())
    assert len(points) == 1 + kept + kept * (kept - 1) // 2
    assert [point.directions for point in points if point.is_minimum] == [tuple(range(min(kept, 2)))]
    for point in points:
        W = np.zeros((4, 2))
        W[:, : len(point.directions)] = V[list(point.directions)].T * np.sqrt(1 - lam / s[list(point.directions)])
        network = network_at(X, W, W.T, lam)
        np.testing.assert_allclose(network.value_and_grad(X), point.loss, rtol=1e-12)
        assert np.abs(network.grad).max() < 1e-11
        eigenvalues = np.linalg.eigvalsh(hessian(network, X))
        assert int((eigenvalues < -1e-6).sum()) == point.n_descent


def hessian(network, X, step=1e-20):
    """By a complex step of the gradient: exact to rounding."""
    other = network.astype(complex)
    theta, rows = other.theta.copy(), []
    for i in range(len(theta)):
        other.theta = theta + 1j * step * np.eye(len(theta))[i]
        other.value_and_grad(X)
        rows.append(other.grad.imag / step)
    return (np.array(rows) + np.array(rows).T) / 2


def test_too_many_critical_points_are_refused():
    with pytest.raises(ValueError, match="expected at most 100000"):
        critical_points(DIGITS, 8)


def test_the_loss_surfaces_are_the_networks(rng):
    X = rng.normal(size=(20, 1)) + 2
    for u, v in rng.normal(size=(5, 2)):
        network = network_at(X, np.array([[u]]), np.array([[v]]), 0.3)
        np.testing.assert_allclose(loss_surface(X, u, v, 0.3), network.value(X), rtol=1e-12)
    X = rng.normal(size=(20, 2)) @ rng.normal(size=(2, 2))
    X -= X.mean(0)
    for w in rng.normal(size=(5, 2)):
        network = network_at(X, w[:, None], w[None], 0.3, tied=True)
        np.testing.assert_allclose(loss_surface(X, *w, 0.3), network.value(X), rtol=1e-12)
    assert loss_surface(Moments.from_samples(X), np.zeros((3, 1)), np.zeros(4)).shape == (3, 4)
    with pytest.raises(ValueError, match="3 features, expected 1 or 2"):
        loss_surface(rng.normal(size=(9, 3)), 0, 0)


def test_bad_input_says_what_came_and_what_was_expected():
    X = small()
    for arguments, message in [
        ((X, -1), "n_components=-1"),
        ((X, 1.5), "n_components=1.5, expected a whole number"),
        ((X, 2, -0.1), "lam=-0.1"),
        ((X, 2, np.nan), "lam=nan"),
        ((X[0], 2), "2D"),
        ((X * np.nan, 2), "NaN"),
    ]:
        with pytest.raises(ValueError, match=message):
            linear_autoencoder_optimum(*arguments)
    nonlinear = bottleneck_network(5, 2, hidden=4, activation=npae.Tanh())
    with pytest.raises(ValueError, match="layer 0 of the encoder is Tanh"):
        fit_linear_autoencoder(nonlinear, X)
    with pytest.raises(ValueError, match="affine decoder"):
        decoder_matrix(nonlinear)
    with pytest.raises(TypeError, match="float32"):
        fit_linear_autoencoder(bottleneck_network(5, 2, dtype=np.float32), X)
    with pytest.raises(ValueError, match="below 1"):
        directions_from_regularized(2 * np.eye(3), 0.1)
    with pytest.raises(ValueError, match="Contractive"):
        fit_linear_autoencoder(
            npae.Network([npae.Dense(5, 2)], [npae.Dense(2, 5)], penalties=[npae.Contractive(1.0)]), X
        )


# -- training gets there ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 8, 16, pytest.param(32, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NETWORKS)
def test_lbfgs_reaches_pca_and_no_mixing_of_the_code_changes_that(name, k):
    network = bottleneck_network(64, k, rng=k, **NETWORKS[name])
    result = fit_linear_autoencoder(network, DIGITS, max_iter=5000, gtol=1e-10)
    assert result.converged
    np.testing.assert_allclose(network.value(DIGITS), linear_autoencoder_loss(DIGITS, k), rtol=1e-10)
    check(compare_with_pca(network, DIGITS))
    directions, eigenvalues = directions_from_codes(decoder_matrix(network), network.encode(DIGITS))
    pca = PCA(k, maximum_likelihood=True).fit(DIGITS)
    assert np.abs((directions * pca.components_).sum(axis=1)).min() > 0.9999
    np.testing.assert_allclose(eigenvalues, pca.explained_variance_, rtol=1e-8)
    if name != "tied":  # a tied code can be rotated only
        M = np.random.default_rng(k).normal(size=(k, k))
        encoder, decoder = network.encoder.layers[-1], network.decoder.layers[0]
        encoder.W[:], encoder.b[:] = encoder.W @ M, encoder.b @ M
        decoder.W[:] = np.linalg.solve(M, decoder.W)
        check(compare_with_pca(network, DIGITS))


def check(result):
    assert result.angles.shape == (result.n_components,)
    assert result.angles[-1] <= 1e-6
    assert abs(result.excess) <= 1e-10


@pytest.mark.slow
def test_lbfgs_reaches_pca_on_mnist():
    X = npae.datasets.load_mnist_5k().data
    network = bottleneck_network(784, 32, tied=True, rng=0)
    fit_linear_autoencoder(network, X, gtol=1e-10)
    check(compare_with_pca(network, X))


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 8, 16, 32])
@pytest.mark.parametrize("name", NETWORKS)
def test_adam_with_a_decaying_step_reaches_pca_in_float32(name, k):
    network = bottleneck_network(64, k, rng=k, dtype=np.float32, **NETWORKS[name])
    steps, values = descend(network, Moments.from_samples(DIGITS).sample(), every=1000)
    assert steps[-1] == 10_000 and values[-1] < values[0]
    assert compare_with_pca(network, DIGITS).angles[-1] <= 1e-2


@pytest.mark.parametrize(("k", "lam"), [(8, 0.05), (8, 0.2), (16, 0.05), (32, 0.01)])
@pytest.mark.parametrize("tied", [False, True])
def test_weight_decay_orders_the_directions_and_shows_their_eigenvalues(k, lam, tied):
    network = bottleneck_network(64, k, lam=2 * lam if tied else lam, tied=tied, rng=0)
    fit_linear_autoencoder(network, DIGITS)
    s, V = Moments.from_samples(DIGITS).spectrum()
    r = int((s[:k] > lam).sum())
    W_d = decoder_matrix(network)
    w = np.linalg.svd(W_d, compute_uv=False)
    np.testing.assert_allclose(w**2, np.maximum(0, 1 - lam / s[:k]), atol=1e-8)
    assert (w[r:] < 1e-8).all()
    directions, eigenvalues = directions_from_regularized(W_d, lam)
    assert np.abs((directions[:r] * V[:r]).sum(axis=1)).min() > 0.9999
    np.testing.assert_allclose(eigenvalues[:r], s[:r], rtol=1e-6)
    result = compare_with_pca(network, DIGITS, rank_rtol=1e-6)
    assert result.angles.shape == (r,) and result.angles[-1] < 1e-6
    np.testing.assert_allclose(network.value(DIGITS), linear_autoencoder_loss(DIGITS, k, lam), rtol=1e-12)


def test_a_minibatch_descent_records_what_it_is_asked_to():
    network = bottleneck_network(64, 2, rng=1, dtype=np.float32)  # rng=0 starts beside a saddle
    epochs, angles = descend(
        network, DIGITS, n_epochs=333, batch_size=200, rng=0, every=100,
        record=lambda net: compare_with_pca(net, DIGITS).angles[-1],
    )  # fmt: skip
    assert epochs.tolist() == [0, 100, 200, 300, 333] and angles[-1] < 0.1 < angles[0]


@pytest.mark.parametrize(("make", "k"), [("make_circle", 1), ("make_swiss_roll", 2)])
def test_a_nonlinear_autoencoder_beats_pca_on_a_curved_manifold(make, k):
    data = getattr(npae.datasets, make)(600, rng=0).data
    train, test = data[:400] / data.std(), data[400:] / data.std()
    network = bottleneck_network(data.shape[1], k, hidden=32, activation=npae.Tanh(), rng=0)
    npae.lbfgs(network, train, max_iter=500)
    result = compare_with_pca(network, test, pca=PCA(k).fit(train))
    assert result.angles is None and result.excess < -0.5


def test_an_interrupted_lbfgs_leaves_the_best_weights_of_a_linear_network():
    X = np.random.default_rng(1).normal(size=(100, 20)) @ np.diag(np.logspace(0, -2, 20)) + 3
    for stop in range(3, 12):
        network = bottleneck_network(20, 5, rng=3)
        value_and_grad, seen = network.value_and_grad, []

        def interrupted(x, target=None, value_and_grad=value_and_grad, seen=seen, stop=stop):
            seen.append(value_and_grad(x, target))
            if len(seen) == stop:
                raise KeyboardInterrupt
            return seen[-1]

        network.value_and_grad = interrupted
        with pytest.raises(KeyboardInterrupt):
            fit_linear_autoencoder(network, X)
        assert network.value(X) <= min(seen[:-1]) * (1 + 1e-9)


@pytest.mark.parametrize("scale", [1e-3, 1e-1, 1e5, 1e8])
def test_the_units_of_the_data_do_not_matter(scale):
    X = np.random.default_rng(0).normal(size=(500, 6)) * [3, 2.5, 2, 1.5, 1, 0.5] * scale
    network = bottleneck_network(6, 2, rng=0)
    result = fit_linear_autoencoder(network, X, max_iter=1000, gtol=1e-10)
    assert result.converged and compare_with_pca(network, X).angles[-1] < 1e-6


def test_float32_data_and_wrong_widths_are_treated_as_everywhere():
    network = bottleneck_network(64, 3, rng=0)
    x = DIGITS.astype(np.float32)
    assert fit_linear_autoencoder(network, x).value == pytest.approx(network.value(x), rel=1e-12)
    with pytest.raises(ValueError, match="x has 63 features, but Network is expecting 64"):
        fit_linear_autoencoder(network, DIGITS[:, 1:])
    with pytest.raises(ValueError, match="lbfgs: got gtol=nan"):
        fit_linear_autoencoder(network, DIGITS, gtol=np.nan)


def test_data_without_variance_show_an_excess_where_the_model_is_wrong():
    result = compare_with_pca(bottleneck_network(6, 2, rng=0), np.ones((5, 6)))
    assert result.pca_error == 0 and result.reconstruction_error > 0 and result.excess == np.inf
