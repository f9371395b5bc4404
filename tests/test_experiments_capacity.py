"""Capacity, probes and pretraining: small runs of what the report and the benchmarks train."""

import numpy as np
import pytest

from npae import Autoencoder, Dense, Sigmoid, TopK, datasets
from npae.datasets import Dataset
from npae.experiments import capacity, pretraining
from npae.experiments.capacity import (
    KINDS,
    RECIPES,
    TIED,
    accuracy_gain,
    balanced,
    coder,
    identity_map,
    memorize,
    probe_codes,
)
from npae.pca import PCA
from npae.probe import LinearProbe


@pytest.fixture(scope="module")
def digits():
    return datasets.load_digits().subset(slice(0, 800))


@pytest.fixture(scope="module")
def table(digits):
    recipe = capacity.Recipe(200, 3, 1e-2, 0.3, 0.02, RECIPES["digits"].kl, lam=0.1)
    return probe_codes(digits, recipe, widths=(4, 80), labels=(20, 50), seed=3), recipe


@pytest.mark.parametrize("K", [64, 100])
def test_a_linear_autoencoder_as_wide_as_its_input_becomes_the_identity_with_no_error(K):
    M, unexplained = identity_map(K, n_steps=300)
    np.testing.assert_allclose(M, np.eye(64), atol=1e-5)
    assert unexplained < 1e-10


def test_a_code_of_one_unit_learns_by_heart_and_fails_on_held_out_samples():
    found = memorize(n_steps=1500)
    e = found.errors
    assert found.network.encoder.layers[-1].n_out == 1
    assert e["training"] < 0.05 * e["PCA, training"] and e["held-out"] > 1.1 * e["PCA, held-out"]
    X = found.train
    by_hand = 0.5 * np.mean([np.sum((found.network.reconstruct(x[None])[0] - x) ** 2) for x in X])
    assert e["training"] == pytest.approx(by_hand, rel=1e-10)
    residual = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[1] ** 2 / (2 * len(X))
    assert e["PCA, training"] == pytest.approx(residual, rel=1e-10)


def test_a_balanced_choice_has_every_class_equally_often_and_no_sample_twice(rng):
    y = rng.integers(0, 10, 500)
    chosen = balanced(y, 50, rng)
    assert len(set(chosen.tolist())) == 50 and np.bincount(y[chosen]).tolist() == [5] * 10


def test_every_kind_of_code_is_the_plain_one_but_for_its_regularizer():
    plain, recipe = coder("unregularized", 128, RECIPES["digits"], 1200), RECIPES["digits"]
    changes = {
        "sparse (KL)": {"penalties": [recipe.kl]},
        "sparse (top k)": {"activation": TopK(16)},
        "denoising": {"corruption"},
        "contractive": {"penalties", "tied"},
        TIED: {"tied"},
    }
    for kind in changes:
        model = coder(kind, 128, recipe, 1200)
        different = {name for name, value in model.get_params(deep=False).items() if value != getattr(plain, name)}
        assert different == set(changes[kind])
    assert coder("sparse (top k)", 4, recipe, 1200).activation == TopK(1)


def test_the_table_of_probes_has_raw_pixels_and_pca_beside_every_code(table):
    found, _ = table
    assert set(found) == {("raw pixels", 64), ("PCA", 4)} | {(kind, K) for kind in KINDS for K in (4, 80)}
    assert found["raw pixels", 64][:2] == (0, 0)
    assert all(set(right) == {20, 50} and min(right.values()) > 0 for *_, right in found.values())


def test_probes_of_raw_pixels_and_pca_are_what_the_definition_gives(digits, table):
    found, _ = table
    rng = np.random.default_rng(3)
    order = rng.permutation(800)
    X, y = digits.data[order].astype(np.float32), digits.target[order]
    first = balanced(y[200:], 20, rng)
    second = balanced(y[200:], 50, rng)
    pca = PCA(4).fit(X[200:])
    for n, chosen in ((20, first), (50, second)):
        for key, h in ((("raw pixels", 64), X), (("PCA", 4), pca.transform(X))):
            probe = LinearProbe(0.1, tol=1e-4).fit(h[200:][chosen], y[200:][chosen])
            assert found[key][2][n] == np.mean(probe.predict(h[:200]) == y[:200])
    residual = X[:200] - pca.inverse_transform(pca.transform(X[:200]))
    assert found["PCA", 4][1] == pytest.approx(0.5 * (residual**2).sum(axis=1).mean(), rel=1e-5)


def test_gains_are_means_and_spreads_of_differences_seed_by_seed():
    def row(a, b):
        return {("x", 1): (0, 0, {10: a}), ("y", 2): (0, 0, {10: b})}

    tables = [row(0.9, 0.8), row(0.7, 0.5), row(0.6, 0.6)]
    mean, spread = accuracy_gain(tables, "x", 1, "y", 2, 10)
    assert mean == pytest.approx(0.1) and spread == pytest.approx(0.1)
    assert accuracy_gain(tables[:1], "x", 1, "y", 2, 10) == (pytest.approx(0.1), 0.0)


# pretraining


def test_pretrained_layers_are_encoders_of_autoencoders_on_the_codes_before(digits):
    X = digits.data[:200].astype(np.float32)
    layers = pretraining.pretrained_layers("denoising", X, (12, 5), epochs=2, seed=4)
    assert [(layer.n_in, layer.n_out, layer.activation) for layer in layers] == [
        (64, 12, Sigmoid()),
        (12, 5, Sigmoid()),
    ]
    again = pretraining.pretrained_layers("denoising", X, (12,), epochs=2, seed=4)
    assert np.array_equal(again[0].W, layers[0].W)  # the first does not know of the second

    fitted = []

    class Spy(Autoencoder):
        def fit(self, X, y=None):
            fitted.append((self, X))
            return super().fit(X)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretraining, "Autoencoder", Spy)
        pretraining.pretrained_layers("contractive", X, (12, 5), epochs=2, seed=4)
    (first, given), (_, codes) = fitted
    assert given is X and np.array_equal(codes, first.transform(X))


def test_random_layers_are_as_they_were_drawn():
    layers = pretraining.pretrained_layers("random", np.zeros((3, 20)), (8, 6), seed=1)
    for i, (layer, sizes) in enumerate(zip(layers, ((20, 8), (8, 6)))):
        assert np.array_equal(layer.W, Dense(*sizes, Sigmoid(), rng=np.random.default_rng([1, i])).W)


def test_fine_tuning_starts_from_the_probe_and_improves_on_the_labels(digits):
    X, y = digits.data[:100].astype(np.float32), digits.target[:100]
    layers = pretraining.pretrained_layers("random", X, (30,), seed=0)
    codes = layers[0](X)
    probe = LinearProbe(0.1, tol=1e-4).fit(codes, y)
    before = pretraining.fine_tuned(layers, X, y, n_steps=4)  # one epoch, at small steps
    agree = before.predict(X) == probe.predict(codes)
    assert agree.mean() > 0.95
    after = pretraining.fine_tuned(layers, X, y, n_steps=200)
    assert after.value(X, y) < 0.7 * before.value(X, y)


def test_few_labels_gives_an_accuracy_for_every_start_and_number_of_labels_and_follows_the_seed(digits):
    small = Dataset(digits.data[:400], digits.target[:400], (8, 8), "")
    how = {"n_test": 100, "widths": (10,), "labels": (20, 50), "epochs": 1, "n_steps": 10}
    found = pretraining.few_labels(small, **how)
    assert set(found) == {(kind, n) for kind in pretraining.KINDS for n in (20, 50)}
    assert all(0 < right <= 1 for right in found.values())
    assert pretraining.few_labels(small, **how) == found
    assert pretraining.few_labels(small, **how, seed=1) != found


def test_the_curve_of_memory_runs_through_what_the_decoder_can_put_out():
    from npae.plots.sparse_codes import curve_of_memory

    found = memorize(n_steps=20)
    (axis,) = curve_of_memory(found).axes
    held, curve, train = axis.lines
    assert np.array_equal(train.get_xydata(), found.train) and np.array_equal(held.get_xydata(), found.test[:200])
    h = found.network.encode(found.train)
    np.testing.assert_allclose(curve.get_xydata()[[0, -1]], found.network.decode(np.array([h.min(0), h.max(0)])))
