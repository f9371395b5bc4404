"""Measures of a code, each held against counting by hand on codes that are known."""

import itertools

import numpy as np
import pytest

import npae
from npae import Autoencoder, Dense, Network, ReLU, Sigmoid, TopK, sparsity


@pytest.fixture
def X(rng):
    return rng.normal(size=(40, 6))


@pytest.fixture
def model(rng):
    """ReLU units of which number 3 is never active."""
    network = Network([Dense(6, 5, ReLU(), rng=rng)], [Dense(5, 6, rng=rng)])
    network.encoder.layers[0].b[:] = [0.1, -0.5, 0, -100, 3]
    return network


def test_l0_and_density_count_the_entries_that_are_active(model, X):
    h = model.encode(X)
    for threshold in (0, 0.7):
        active = [[abs(value) > threshold for value in row] for row in h]
        assert sparsity.l0(model, X, threshold).tolist() == [sum(row) for row in active]
        assert sparsity.density(model, X, threshold).tolist() == [sum(unit) / 40 for unit in zip(*active)]
    assert sparsity.l0(model, X).sum() == np.count_nonzero(h)


def test_the_sign_of_an_activation_does_not_matter_to_its_being_active(X):
    network = Network([Dense(6, 5, rng=0)], [Dense(5, 6, rng=1)])
    expected = sparsity.l0(network, X, 0.5)
    network.encoder.layers[0].W *= -1
    assert np.array_equal(sparsity.l0(network, X, 0.5), expected)


def test_the_mean_activation_is_what_kl_calls_rho_hat(X):
    network = Network([Dense(6, 5, Sigmoid(), rng=0)], [Dense(5, 6, rng=1)], penalties=[npae.KLSparsity(1.0, 0.3)])
    plain = Network(network.encoder.layers, network.decoder.layers)
    q = sparsity.mean_activation(network, X)
    np.testing.assert_allclose(q, np.mean([network.encode(x[None])[0] for x in X], axis=0), rtol=1e-13)
    kl = (0.3 * np.log(0.3 / q) + 0.7 * np.log(0.7 / (1 - q))).sum()
    assert kl == pytest.approx(
        Network(plain.encoder.layers, plain.decoder.layers, penalties=[npae.KLSparsity(1.0, 0.3)]).value(X)
        - plain.value(X)
    )


def test_a_unit_is_dead_if_no_sample_turns_it_on(model, X):
    assert sparsity.dead_units(model, X).tolist() == [3]
    assert sparsity.dead_units(model, X, threshold=1e3).tolist() == [0, 1, 2, 3, 4]
    model.encoder.layers[0].b[3] = 100
    assert sparsity.dead_units(model, X).tolist() == []


def test_the_histogram_of_densities_counts_every_living_unit_once(model, X):
    counts, edges, n_dead = sparsity.density_histogram(model, X, n_bins=7)
    assert n_dead == 1 and counts.sum() == 4 and len(counts) == 7
    np.testing.assert_allclose(edges, 40.0 ** np.linspace(-1, 0, 8))
    density = sparsity.density(model, X)
    assert counts.tolist() == [
        sum(a <= d < b or d == b == 1 for d in density if d) for a, b in itertools.pairwise(edges)
    ]


def test_units_active_on_one_sample_and_on_all_lie_in_the_first_and_the_last_bin():
    network = Network([Dense(2, 2, ReLU())], [Dense(2, 2)])
    network.encoder.layers[0].W[:], network.encoder.layers[0].b[:] = np.eye(2), [0, 100]
    X = np.zeros((50, 2))
    X[7, 0] = 1
    counts, _, n_dead = sparsity.density_histogram(network, X, n_bins=5)
    assert counts.tolist() == [1, 0, 0, 0, 1] and n_dead == 0


def test_top_k_has_an_l0_of_exactly_k_on_every_sample(X):
    model = Autoencoder(20, activation=TopK(4), max_iter=3, random_state=0).fit(X)
    assert (sparsity.l0(model, X) == 4).all()


def test_unexplained_variance_is_zero_for_a_copy_one_for_the_mean_and_pcas_for_pca(X):
    copying = Network([Dense(6, 6)], [Dense(6, 6)])
    copying.encoder.layers[0].W[:] = copying.decoder.layers[0].W[:] = np.eye(6)
    assert sparsity.unexplained_variance(copying, X) == 0
    copying.decoder.layers[0].W[:], copying.decoder.layers[0].b[:] = 0, X.mean(axis=0)
    assert sparsity.unexplained_variance(copying, X) == pytest.approx(1, rel=1e-12)
    pca = npae.PCA().fit(X)
    copying.encoder.layers[0].W[:] = np.diag([1, 1, 0, 0, 0, 0]) @ pca.components_
    V = pca.components_[:2]
    copying.encoder.layers[0].W[:] = V.T @ V
    copying.encoder.layers[0].b[:] = X.mean(axis=0) - X.mean(axis=0) @ V.T @ V
    copying.decoder.layers[0].W[:], copying.decoder.layers[0].b[:] = np.eye(6), 0
    expected = pca.explained_variance_[2:].sum() / pca.explained_variance_.sum()
    assert sparsity.unexplained_variance(copying, X) == pytest.approx(expected, rel=1e-10)


def test_top_samples_are_those_with_the_largest_activation(model, X):
    h = model.encode(X)
    top = sparsity.top_samples(model, X, 3)
    assert top.shape == (5, 3)
    for k, chosen in enumerate(top):
        assert sorted(h[:, k], reverse=True)[:3] == list(h[chosen, k])
    assert top[3].tolist() == [0, 1, 2]  # all are 0 there: the first


def test_the_frontier_is_a_pair_for_every_model(model, X):
    other = Network([Dense(6, 5, TopK(2), rng=0)], [Dense(5, 6, rng=1)])
    found = sparsity.frontier({"relu": model, "top 2": other}, X)
    assert list(found) == ["relu", "top 2"] and found["top 2"][0] == 2
    assert found["relu"] == (sparsity.l0(model, X).mean(), sparsity.unexplained_variance(model, X))


MEASURES = [
    sparsity.l0,
    sparsity.mean_activation,
    sparsity.density,
    sparsity.density_histogram,
    sparsity.dead_units,
    sparsity.unexplained_variance,
    sparsity.top_samples,
]


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_refuse_by_name_what_is_no_model_or_no_data(measure, model, X):
    with pytest.raises(npae.NotFittedError, match=f"{measure.__name__}: got a Autoencoder that is not fitted"):
        measure(Autoencoder(3), X)
    with pytest.raises(TypeError, match=f"{measure.__name__}: got 'model', expected a Network"):
        measure("model", X)
    with pytest.raises(ValueError, match=f"{measure.__name__} is expecting 6 features"):
        measure(model, X[:, 1:])
    with pytest.raises(ValueError, match=f"{measure.__name__}: Input X contains NaN"):
        measure(model, np.where(X > 1, np.nan, X))


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_take_a_fitted_estimator_and_leave_the_network_as_it_was(measure, X):
    estimator = Autoencoder(8, activation="relu", max_iter=2, random_state=0).fit(X.astype(np.float32))
    network = estimator.network_
    network.value_and_grad(X)
    before = network.theta.copy(), network.encoder.layers[0].h.copy()
    np.testing.assert_equal(measure(estimator, X), measure(network, X))
    assert np.array_equal(network.theta, before[0]) and np.array_equal(network.encoder.layers[0].h, before[1])


def test_bad_numbers_are_refused(model, X):
    with pytest.raises(ValueError, match="l0: got threshold=-1"):
        sparsity.l0(model, X, -1)
    with pytest.raises(ValueError, match="top_samples: got n=41"):
        sparsity.top_samples(model, X, 41)
    with pytest.raises(ValueError, match="density_histogram: got n_bins=0"):
        sparsity.density_histogram(model, X, n_bins=0)
    with pytest.raises(ValueError, match="unexplained_variance: got samples that are all the same"):
        sparsity.unexplained_variance(model, np.ones((3, 6)))
