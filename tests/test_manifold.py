"""Jacobians, tangent spaces and contraction against finite differences, known manifolds and closed forms."""

import itertools

import numpy as np
import pytest

from npae import (
    PCA,
    Adam,
    Cosine,
    Dense,
    Identity,
    Network,
    NotFittedError,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
    TopK,
    WeightDecay,
    datasets,
    manifold,
)
from npae.generative import RBM
from npae.objective.contraction import Contractive
from npae.training.loop import train

ACTIVATIONS = [Identity(), Sigmoid(), Tanh(), ReLU(), Softplus()]


def make_network(widths, activation=Tanh(), scale=1.0, dtype=None, rng=0):
    """An encoder of these widths at unit-scale weights and biases, with a linear decoder."""
    encoder = [Dense(n_in, n_out, activation) for n_in, n_out in itertools.pairwise(widths)]
    network = Network(encoder, [Dense(widths[-1], widths[0])], dtype=dtype)
    network.theta[:] = scale * np.random.default_rng(rng).uniform(-1, 1, network.theta.size)
    return network


def linear_network(W, decoder=None):
    """h = x W; x^ = h `decoder`, by default W^T."""
    network = Network([Dense(*W.shape)], [Dense(*W.shape[::-1])])
    network.encoder.layers[0].W[:] = W
    network.decoder.layers[0].W[:] = W.T if decoder is None else decoder
    return network


class Holder:
    """Something with a network_, like an estimator."""

    def __init__(self, network):
        self.network_ = network


class NotFitted:
    """An estimator before fit."""

    network_: Network

    def fit(self, X):
        """Never called."""


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("widths", [(5, 4), (4, 6, 3), (3, 5, 4, 6), (6, 5, 4, 3, 2)], ids=str)
def test_jacobian_is_that_of_finite_differences(widths, activation, rng):
    network, X, step = make_network(widths, activation), rng.normal(size=(4, widths[0])), 1e-6
    columns = [(network.encode(X + step * e) - network.encode(X - step * e)) / (2 * step) for e in np.eye(widths[0])]
    J = manifold.jacobian(network, X)
    assert J.shape == (4, widths[-1], widths[0])
    np.testing.assert_allclose(J, np.stack(columns, axis=2), rtol=1e-6, atol=1e-8)


def test_the_penalty_is_the_mean_squared_norm_of_the_jacobian(rng):
    network, X = make_network((5, 4, 6, 3), Sigmoid()), rng.normal(size=(7, 5))
    network.encoder.forward(X)
    expected = 0.3 * (manifold.jacobian(network, X) ** 2).sum(axis=(1, 2)).mean()
    assert Contractive(0.3)(network.encoder) == pytest.approx(expected, rel=1e-13)
    assert 0.3 * (manifold.singular_values(network, X) ** 2).sum(axis=1).mean() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("widths", [(5, 3), (3, 5), (4, 6, 4), (7, 5, 4), (6, 3, 5)], ids=str)
def test_singular_values_and_tangents_decompose_the_jacobian(widths, rng, monkeypatch):
    network, X = make_network(widths), rng.normal(size=(7, widths[0]))
    J, k = manifold.jacobian(network, X), min(widths[0], widths[-1])
    monkeypatch.setattr(manifold, "BLOCK", 3 * 30)  # a few samples at a time
    sigma, V = manifold.singular_values(network, X), manifold.tangent_space(network, X, k)
    assert sigma.shape == (7, k) and V.shape == (7, k, widths[0])
    assert (np.diff(sigma, axis=1) <= 0).all()
    np.testing.assert_allclose(V @ V.transpose(0, 2, 1), np.broadcast_to(np.eye(k), (7, k, k)), atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(J @ V.transpose(0, 2, 1), axis=1), sigma, rtol=1e-10, atol=1e-14)


def test_float32_stays_float32_and_estimators_are_looked_into(rng):
    network, X = make_network((5, 4, 3), dtype=np.float32), rng.normal(size=(6, 5))
    for function in (manifold.jacobian, manifold.singular_values, lambda m, x: manifold.tangent_space(m, x, 2)):
        got = function(Holder(network), X)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, function(network, X))


# -- angles ----------------------------------------------------------------------------------------------------------


def test_tangent_angles_of_planes_turned_by_a_known_angle(rng):
    angles = np.array([0.0, 1e-9, 0.1, 1.0, np.pi / 2])
    Q = np.linalg.qr(rng.normal(size=(5, 6, 6)))[0].transpose(0, 2, 1)  # (5, 6, 6), orthonormal rows
    turned = np.cos(angles)[:, None] * Q[:, 1] + np.sin(angles)[:, None] * Q[:, 2]
    T = np.stack([Q[:, 0], turned], axis=1)
    np.testing.assert_allclose(manifold.tangent_angles(T, Q[:, :2]), angles, rtol=1e-6, atol=1e-15)
    np.testing.assert_allclose(manifold.tangent_angles(3 * T[:, ::-1], Q[:, :2]), angles, rtol=1e-6, atol=1e-15)
    np.testing.assert_allclose(manifold.tangent_angles(T[:, 1:], Q[:, :2]), angles, rtol=1e-6, atol=1e-15)


def test_tangent_angles_refuse_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="tangent_angles: got shapes"):
        manifold.tangent_angles(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="tangent_angles: got shapes"):
        manifold.tangent_angles(np.ones((2, 1, 3)), np.ones((3, 1, 3)))


# -- dimension, contraction ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 3])
def test_local_dimension_counts_the_singular_values_before_the_largest_drop(d):
    sigma = np.array([3.0] * d + [0.4, 0.3, 1e-9, 1e-14])
    network = linear_network(np.linalg.qr(np.random.default_rng(0).normal(size=(9, len(sigma))))[0] * sigma)
    assert (manifold.local_dimension(network, np.zeros((2, 9))) == d).all()
    np.testing.assert_allclose(manifold.singular_values(network, np.zeros((2, 9)))[0], sigma, atol=1e-14)


def test_local_dimension_of_a_code_as_wide_as_the_manifold_is_its_width():
    assert (manifold.local_dimension(linear_network(np.eye(5)[:, :2]), np.zeros((3, 5))) == 2).all()


def test_contraction_ratio_of_a_scaled_rotation_is_its_scale(rng):
    network = linear_network(0.3 * np.linalg.qr(rng.normal(size=(4, 4)))[0])
    ratios = manifold.contraction_ratio(network, rng.normal(size=(6, 4)), [1e-6, 0.1, 10.0], rng=0)
    np.testing.assert_allclose(ratios, 0.3, rtol=1e-8)


def test_contraction_ratio_tends_to_the_jacobian_for_small_radii(rng):
    """E ||J u||^2 = ||J||_F^2 / D for u uniform on the sphere; in one dimension there is one direction."""
    network, X = make_network((1, 4, 3)), rng.normal(size=(20, 1))
    expected = np.linalg.norm(manifold.jacobian(network, X), axis=(1, 2)).mean()
    assert manifold.contraction_ratio(network, X, [1e-5], rng=0)[0] == pytest.approx(expected, rel=1e-4)


def test_contraction_ratio_is_reproducible_and_draws_from_its_rng(rng):
    network, X = make_network((5, 4), dtype=np.float32), rng.normal(size=(6, 5))
    first, again, other = (manifold.contraction_ratio(network, X, [0.1, 1.0], rng=seed) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).all()
    assert first.shape == (2,)
    generator = np.random.default_rng(0)
    np.testing.assert_array_equal(manifold.contraction_ratio(network, X, [0.1, 1.0], rng=generator), first)


# -- walking ---------------------------------------------------------------------------------------------------------


def test_a_walk_on_a_plane_goes_straight_on_and_stays_on_it(rng):
    V = np.linalg.qr(rng.normal(size=(5, 2)))[0]  # the code is two coordinates, the reconstruction the projection
    x = rng.normal(size=(3, 2)) @ V.T
    direction = V[:, 0] + 5 * np.linalg.svd(V.T)[2][4]  # half along the plane; the rest is dropped
    path = manifold.walk(linear_network(V), x, 4, 0.5, n_dims=2, direction=direction)
    np.testing.assert_allclose(path, x + 0.5 * np.arange(5)[:, None, None] * V[:, 0], atol=1e-12)
    back = manifold.walk(linear_network(V), path[-1], 4, -0.5, n_dims=2, direction=direction)
    np.testing.assert_allclose(back[-1], x, atol=1e-12)


def test_a_walk_starts_along_the_leading_tangent_and_is_projected_back(rng):
    W = np.diag([3.0, 1.0, 1.0])[:, :2]
    network = linear_network(W, decoder=np.diag([1 / 3, 1.0, 1.0])[:2])
    path = manifold.walk(network, np.array([[1.0, 2.0, 7.0]]), 1, 0.25, n_projections=1)
    assert path.shape == (2, 1, 3)
    np.testing.assert_allclose(abs(path[1] - path[0]), [[0.25, 0, 7.0]], atol=1e-14)
    off = manifold.walk(network, np.array([[1.0, 2.0, 7.0]]), 1, 0.25, n_projections=0)
    np.testing.assert_allclose(abs(off[1] - off[0]), [[0.25, 0, 0]], atol=1e-14)


def test_a_walk_refuses_a_direction_off_the_manifold():
    with pytest.raises(ValueError, match="orthogonal to the tangent space"):
        manifold.walk(linear_network(np.eye(3)[:, :1]), np.zeros((1, 3)), 1, 0.1, direction=np.array([0.0, 1.0, 0.0]))


# -- local PCA -------------------------------------------------------------------------------------------------------


def test_local_pca_of_a_plane_is_the_plane_and_of_a_clean_circle_its_tangent(rng, monkeypatch):
    V = np.linalg.qr(rng.normal(size=(6, 2)))[0].T
    plane = rng.normal(size=(40, 2)) @ V
    monkeypatch.setattr(manifold, "BLOCK", 200)  # a few samples at a time
    T = manifold.local_pca(plane, plane[:7], 5, 2)
    np.testing.assert_allclose(manifold.tangent_angles(T, np.tile(V, (7, 1, 1))), 0, atol=1e-7)
    circle = datasets.make_circle(2000, n_features=6, rng=0)
    angles = manifold.tangent_angles(manifold.local_pca(circle.data, circle.data[:50], 10, 1), circle.tangents[:50])
    assert np.median(angles) < 0.01


def test_local_pca_refuses_more_dimensions_than_neighbours_can_span():
    with pytest.raises(ValueError, match="local_pca: got n_neighbors=2, expected a whole number in"):
        manifold.local_pca(np.eye(4), np.eye(4), 2, 2)


# -- refusals --------------------------------------------------------------------------------------------------------


FUNCTIONS = {
    "jacobian": lambda m, X: manifold.jacobian(m, X),
    "singular_values": lambda m, X: manifold.singular_values(m, X),
    "tangent_space": lambda m, X: manifold.tangent_space(m, X, 1),
    "contraction_ratio": lambda m, X: manifold.contraction_ratio(m, X, [0.1], rng=0),
    "walk": lambda m, X: manifold.walk(m, X, 1, 0.1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_model_that_is_not_fitted_is_refused(name):
    for error in (ValueError, AttributeError):
        with pytest.raises(error, match=f"{name}: got a NotFitted that is not fitted, expected fit"):
            FUNCTIONS[name](NotFitted(), np.zeros((2, 5)))
    with pytest.raises(TypeError, match=f"{name}: got 3, expected a Network or an estimator"):
        FUNCTIONS[name](3, np.zeros((2, 5)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_estimator_that_never_holds_a_network_is_not_said_to_lack_a_fit(name):
    X = np.random.default_rng(0).standard_normal((9, 5))
    for model in (PCA(2), PCA(2).fit(X)):
        with pytest.raises(
            TypeError, match=rf"{name}: got PCA\(.*\), expected a Network or an estimator that holds one"
        ):
            FUNCTIONS[name](model, X)


def test_a_boltzmann_machine_before_its_fit_is_said_to_lack_one():
    with pytest.raises(NotFittedError, match="jacobian: got a RBM that is not fitted, expected fit"):
        manifold.jacobian(RBM(2), np.zeros((2, 5)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_encoders_that_are_not_elementwise_are_refused_by_name(name):
    with pytest.raises(ValueError, match=rf"{name}: got TopK\(k=2\) in the encoder, expected Dense layers"):
        FUNCTIONS[name](Network([Dense(5, 4, TopK(2))], [Dense(4, 5)]), np.zeros((2, 5)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_input_of_the_wrong_shape_or_with_nan_is_refused(name):
    network = make_network((5, 4))
    for X in (np.zeros((2, 4)), np.zeros(5), np.full((2, 5), np.nan)):
        with pytest.raises(ValueError, match=name):
            FUNCTIONS[name](network, X)


@pytest.mark.parametrize("n_dims", [0, 4, -1, 1.5, True])
def test_too_many_dimensions_are_refused(n_dims):
    with pytest.raises(ValueError, match=rf"tangent_space: got n_dims={n_dims!r}, expected a whole number in \[1, 3\]"):
        manifold.tangent_space(make_network((5, 4, 3)), np.zeros((2, 5)), n_dims)


@pytest.mark.parametrize("radii", [[0.0, 1.0], [-1.0], [np.nan], 0.5])
def test_radii_that_are_not_positive_are_refused(radii):
    with pytest.raises(ValueError, match="contraction_ratio: got radii="):
        manifold.contraction_ratio(make_network((5, 4)), np.zeros((2, 5)), radii, rng=0)


# -- what is learnt --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def circle():
    """A noisy circle in 20 dimensions: training data, held-out data, a contractive and a plain autoencoder."""
    both = datasets.make_circle(3000, noise=0.02, n_features=20, rng=0)
    train, test = both.subset(slice(0, 2000)), both.subset(slice(2000, None))
    return train, test, *(train_on(train.data, penalties) for penalties in ((Contractive(0.1), WeightDecay(1e-4)), ()))


def train_on(X, penalties, rng=0):
    """A deep encoder with a linear decoder, by Adam, 125 epochs of 20 batches."""
    rng = np.random.default_rng(rng)
    encoder = [Dense(20, 48, Tanh(), rng=rng), Dense(48, 48, Tanh(), rng=rng), Dense(48, 4, rng=rng)]
    network = Network(encoder, [Dense(4, 20, rng=rng)], penalties=penalties)
    train(network, X, Adam(Cosine(3e-3, 2500)).start(network.theta), batch_size=100, max_iter=125, rng=rng)
    return network


@pytest.mark.slow
def test_the_contractive_code_has_one_large_singular_value_on_a_circle_and_it_points_along(circle):
    _, test, contractive, plain = circle
    angle = {
        name: np.degrees(np.median(manifold.tangent_angles(manifold.tangent_space(model, test.data, 1), test.tangents)))
        for name, model in (("contractive", contractive), ("plain", plain))
    }
    assert angle["contractive"] < 5 < angle["plain"]
    assert np.median(manifold.local_dimension(contractive, test.data)) == 1


@pytest.mark.slow
def test_the_contractive_code_contracts_more_than_the_plain_one(circle):
    _, test, contractive, plain = circle
    radii = [0.01, 0.05, 0.2]
    less, more = (manifold.contraction_ratio(m, test.data, radii, rng=0) for m in (contractive, plain))
    assert (less < more).all() and (less < 1).all()


@pytest.mark.slow
def test_a_walk_goes_around_the_circle(circle):
    """Twelve steps of 0.25 along the tangents come three radians round, and stay within a tenth of the circle."""
    _, test, contractive, _ = circle
    path = manifold.walk(contractive, test.clean[:20], 12, 0.25)
    plane = path @ test.embedding.T  # (13, 20, 2)
    radius = np.linalg.norm(plane, axis=2)
    assert abs(radius - 1).max() < 0.15
    turn = np.abs(np.angle(np.exp(1j * np.diff(np.arctan2(plane[..., 1], plane[..., 0]), axis=0))).sum(axis=0))
    assert np.median(turn) == pytest.approx(3.0, rel=0.15)


def test_local_pca_does_not_depend_on_where_the_origin_is(rng):
    train, x = rng.normal(size=(300, 5)), rng.normal(size=(6, 5))
    expected = manifold.local_pca(train, x, 6, 2)
    far = manifold.local_pca((train + 100).astype(np.float32), (x + 100).astype(np.float32), 6, 2)
    assert manifold.tangent_angles(expected, far).max() < 1e-3
    with pytest.raises(ValueError, match="tangent_angles"):
        manifold.tangent_angles(np.ones((6, 0, 5)), np.ones((6, 1, 5)))
