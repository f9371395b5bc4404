"""The softmax by hand, as a loss, as the output of an encoder and as a linear probe: beside scipy and scikit-learn."""

import importlib

import numpy as np
import pytest
from scipy import special, stats

from npae import Adam, Autoencoder, Contractive, Dense, L1Sparsity, ReLU, Sigmoid, Stack, Tanh, WeightDecay, gradcheck
from npae.datasets import load_digits
from npae.probe import Classifier, LinearProbe, SoftmaxCrossEntropy
from npae.training.loop import train


@pytest.fixture
def logits(rng):
    return 3 * rng.normal(size=(9, 4)), rng.integers(0, 4, 9)


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data))
    return data.data[order], data.target[order]


# the loss


def test_the_softmax_loss_is_the_categorical_negative_log_likelihood(logits):
    a, y = logits
    value, _ = SoftmaxCrossEntropy()(a, y)
    expected = -np.mean([stats.multinomial(1, p).logpmf(np.eye(4)[c]) for p, c in zip(special.softmax(a, axis=1), y)])
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(SoftmaxCrossEntropy().log_likelihood(a, y), special.log_softmax(a, axis=1)[range(9), y])
    np.testing.assert_allclose(SoftmaxCrossEntropy().mean(a), special.softmax(a, axis=1), rtol=1e-14)


def test_the_softmax_gradient_is_that_of_its_complex_step(logits):
    a, y = logits
    assert gradcheck.check_loss(SoftmaxCrossEntropy(), a, y, method="complex", rtol=1e-12).ok


def test_huge_logits_neither_overflow_nor_lose_the_tail():
    a = np.array([[1e4, 0.0, -1e4], [-800.0, -810.0, -1e4]])
    value, da = SoftmaxCrossEntropy()(a, np.array([1, 1]))
    assert value == pytest.approx((1e4 + 10 + np.log1p(np.exp(-10))) / 2, rel=1e-14)
    np.testing.assert_allclose(da, [[0.5, -0.5, 0], [0.5 / (1 + np.exp(-10)), -0.5 / (1 + np.exp(-10)), 0]], rtol=1e-12)


def test_with_two_classes_the_softmax_is_the_sigmoid(rng):
    a = rng.normal(size=(5, 1))
    p = SoftmaxCrossEntropy().mean(np.hstack([np.zeros((5, 1)), a]))[:, 1:]
    np.testing.assert_allclose(p, special.expit(a), rtol=1e-14)


def test_samples_have_the_classes_as_often_as_their_probabilities_say():
    a = np.tile(np.log([[0.1, 0.2, 0.7]]), (20_000, 1))
    y = SoftmaxCrossEntropy().sample(a, 1)
    assert stats.chisquare(np.bincount(y, minlength=3), 20_000 * np.array([0.1, 0.2, 0.7])).pvalue > 0.01


# an encoder with a softmax output


@pytest.mark.parametrize("penalties", [(), (WeightDecay(0.1),), (L1Sparsity(0.2), Contractive(0.1))], ids=str)
@pytest.mark.parametrize("depth", [1, 2])
def test_a_classifier_has_the_gradient_of_its_complex_step(penalties, depth, rng):
    encoder = [Dense(5, 4, Tanh()), Dense(4, 6, Sigmoid())][:depth]
    network = Classifier(encoder, 3, penalties=penalties)
    network.theta = rng.uniform(-1, 1, network.theta.size)
    x, y = rng.random((7, 5)), rng.integers(0, 3, 7)
    assert gradcheck.check_network(network, x, y, method="complex", rtol=1e-12).ok
    value = Classifier(network.encoder, 3)
    value.theta = network.theta
    expected = special.log_softmax(network.decoder(network.encoder(x)), axis=1)[range(7), y].mean()
    assert value.value(x, y) == pytest.approx(-expected, rel=1e-12)


def test_fine_tuning_starts_from_the_encoder_and_leaves_the_autoencoder_as_it_is(digits):
    X, y = digits[0][:200].astype(np.float32), digits[1][:200]
    model = Autoencoder(30, max_iter=3, random_state=0).fit(X)
    before = model.network_.theta.copy()
    network = Classifier(model.network_.encoder, 10, rng=0)
    assert np.array_equal(network.encode(X), model.transform(X)) and network.theta.dtype == np.float32
    train(network, X, Adam(1e-2).start(network.theta), target=y, batch_size=20, max_iter=30, rng=0)
    assert network.score(X, y) > 0.95 and network.score(digits[0][200:], digits[1][200:]) > 0.8
    assert np.array_equal(model.network_.theta, before)


def test_training_with_labels_shuffles_them_with_their_samples(digits):
    X, y = digits[0][:300], digits[1][:300]
    network = Classifier([Dense(64, 40, ReLU(), rng=0)], 10, rng=1)
    history = train(network, X, Adam(1e-2).start(network.theta), target=y, batch_size=32, max_iter=20, rng=0)
    assert history["loss"][-1] < 0.05 and history["loss"][0] > 1


def test_scores_and_predictions_are_those_of_the_probabilities(rng):
    network = Classifier([Dense(5, 4, Tanh(), rng=0)], 3, rng=1)
    x = rng.random((20, 5))
    p = network.probabilities(x)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)
    assert np.array_equal(network.predict(x), p.argmax(axis=1)) and network.score(x, network.predict(x)) == 1
    assert network.n_classes == 3


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.zeros((4, 1), int), ValueError, r"Classifier: got labels of shape \(4, 1\), expected \(4,\)"),
        (np.zeros(3, int), ValueError, r"Classifier: got labels of shape \(3,\), expected \(4,\)"),
        (np.zeros(4), TypeError, "Classifier: got labels of dtype float64, expected whole numbers"),
        (np.array([0, 1, 2, 3]), ValueError, "Classifier: got labels from 0 to 3, expected numbers from 0 below 3"),
        (np.array([0, 1, -1, 1]), ValueError, "Classifier: got labels from -1 to 1"),
        (None, ValueError, "Classifier: got labels of shape"),
    ],
)
def test_labels_that_do_not_fit_are_refused(y, error, message):
    network = Classifier([Dense(5, 4)], 3)
    with pytest.raises(error, match=message):
        network.value_and_grad(np.zeros((4, 5)), y)


def test_a_classifier_has_at_least_two_classes():
    with pytest.raises(ValueError, match="Classifier: got n_classes=1"):
        Classifier(Stack([Dense(5, 4)]), 1)


# the linear probe


@pytest.mark.parametrize("shape", [(150, 8), (30, 64)], ids=["N > K", "N < K"])
@pytest.mark.parametrize("lam", [0.3, 0.01])
def test_the_linear_probe_is_scikit_learns_logistic_regression_on_features_of_mean_variance_one(shape, lam, digits):
    linear_model = importlib.import_module("sklearn.linear_model")
    N, K = shape
    H, y = digits[0][:N, :K] * 3 + 1, digits[1][:N]
    probe = LinearProbe(lam, tol=1e-9).fit(H, y)
    scale = np.sqrt(H.var(axis=0).mean())
    h = (H - H.mean(axis=0)) / scale
    theirs = linear_model.LogisticRegression(C=1 / (N * lam), tol=1e-10, max_iter=20_000).fit(h, y)
    np.testing.assert_allclose(probe.W_.T * scale, theirs.coef_, rtol=0, atol=2e-5)
    logits, expected = H @ probe.W_ + probe.b_, theirs.decision_function(h)
    difference = logits - logits.mean(axis=1, keepdims=True) - (expected - expected.mean(axis=1, keepdims=True))
    assert np.abs(difference).max() < 5e-5


def test_the_linear_probe_does_not_know_scale_shift_or_rotation(digits, rng):
    H, y = digits[0][:100], digits[1][:100]
    turn = np.linalg.qr(rng.normal(size=(64, 64)))[0]
    moved = 7 * H @ turn + rng.normal(size=64)
    first, second = LinearProbe(0.1, tol=1e-8).fit(H, y), LinearProbe(0.1, tol=1e-8).fit(moved, y)
    np.testing.assert_allclose(H @ first.W_ + first.b_, moved @ second.W_ + second.b_, atol=1e-6)


def test_constant_features_do_no_harm_and_labels_need_not_be_consecutive(digits):
    H, y = digits[0][:200], digits[1][:200] * 10 + 7
    probe = LinearProbe(0.1).fit(H, y)
    np.testing.assert_allclose(probe.W_[H.std(axis=0) == 0], 0, atol=1e-12)
    assert probe.classes_.tolist() == list(range(7, 98, 10))
    assert probe.score(digits[0][200:], digits[1][200:] * 10 + 7) > 0.85
    assert LinearProbe(0.1).fit(np.ones((4, 2)), np.array([0, 0, 0, 1])).predict(np.ones((1, 2))) == 0


def test_a_probe_that_does_not_converge_says_so(digits):
    with pytest.raises(RuntimeError, match=r"LinearProbe: got \|gradient\| .* after 3 steps"):
        LinearProbe(1e-4, max_iter=3).fit(digits[0][:100], digits[1][:100])
    for lam in (0, -1, np.nan):
        with pytest.raises(ValueError, match="LinearProbe: got lam="):
            LinearProbe(lam)
