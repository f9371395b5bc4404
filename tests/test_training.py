"""The training loop: stopping, keeping, diverging, going on."""

import copy
import os
import pickle
import signal

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

import npae
from npae import SGD, Adam, Autoencoder, Cosine, Dense, DivergenceError, MaskingNoise, Network, TrainingInterrupted
from npae.training.loop import train
from npae.training.streams import streams


@pytest.fixture(scope="module")
def X():
    return npae.datasets.load_digits().data[:300]


def test_an_epoch_visits_every_sample_once_and_the_loss_is_the_mean_objective(X):
    model = Autoencoder(4, optimizer=SGD(0.0), batch_size=128, max_iter=3, tol=0, random_state=0).fit(X)
    expected = 0.5 * ((model.reconstruct(X) - X) ** 2).sum(axis=1).mean()
    np.testing.assert_allclose(model.loss_curve_, expected, rtol=1e-12)


def test_a_fit_equals_a_loop_written_by_hand(X):
    model = Autoencoder(4, optimizer=SGD(0.1), batch_size=100, max_iter=4, tol=0, random_state=5).fit(X)
    weights_rng, shuffle_rng, _, _ = streams(5, 4)
    W, V = (
        layer.W.copy()
        for layer in (npae.Dense(64, 4, npae.Sigmoid(), rng=weights_rng), npae.Dense(4, 64, rng=weights_rng))
    )
    b, c = np.zeros(4), np.zeros(64)
    for _ in range(4):
        order = shuffle_rng.permutation(300)
        for start in range(0, 300, 100):
            x = X[order[start : start + 100]]
            h = 1 / (1 + np.exp(-(x @ W + b)))
            da = (h @ V + c - x) / 100
            dh = da @ V.T * h * (1 - h)
            V, c, W, b = V - 0.1 * h.T @ da, c - 0.1 * da.sum(0), W - 0.1 * x.T @ dh, b - 0.1 * dh.sum(0)
    np.testing.assert_allclose(
        model.network_.theta, np.concatenate([W.ravel(), b, V.ravel(), c]), rtol=1e-10, atol=1e-13
    )


def test_training_stops_when_the_loss_no_longer_falls(X):
    model = Autoencoder(4, optimizer=SGD(0.0), max_iter=50, n_iter_no_change=3, random_state=0).fit(X)
    assert model.n_iter_ == 4


def test_early_stopping_puts_the_best_weights_back(X):
    seen = []
    model = Autoencoder(
        60,
        optimizer=SGD(0.5, momentum=0.9),  # rough enough to rise again
        early_stopping=True,
        validation_fraction=0.3,
        max_iter=40,
        random_state=0,
        callbacks=lambda network, history: seen.append((history["validation_loss"][-1], network.theta.copy())),
    ).fit(X)
    best = min(range(len(seen)), key=lambda i: seen[i][0])
    assert best < len(seen) - 1
    assert np.array_equal(model.network_.theta, seen[best][1])


def test_early_stopping_needs_a_sample_on_each_side(X):
    with pytest.raises(ValueError, match="at least one sample on each side"):
        Autoencoder(2, early_stopping=True, validation_fraction=0.01).fit(X[:10])


def test_divergence_names_the_epoch_and_keeps_the_best_finite_weights(X):
    steps = []

    def worsen(network, history):
        steps.append(network.theta.copy())
        if len(history["loss"]) == 3:
            model._step.lr = 1e200

    model = Autoencoder(4, activation="relu", optimizer=SGD(0.01), callbacks=worsen, tol=0, random_state=0)
    with pytest.raises(DivergenceError, match=r"epoch 4.*Last finite loss: [\d.]+ after epoch 3.*Try"):
        model.fit(X)
    assert np.array_equal(model.network_.theta, steps[2])
    assert np.isfinite(model.reconstruct(X)).all()
    assert model.n_iter_ == 3


def test_divergence_in_the_first_epoch_leaves_the_initial_weights(X):
    model = Autoencoder(4, activation="relu", optimizer=SGD(1e100), random_state=0)
    with pytest.raises(DivergenceError, match="first epoch"):
        model.fit(X)
    fresh = Autoencoder(4, activation="relu", optimizer=SGD(0.0), max_iter=1, random_state=0).fit(X)
    assert np.array_equal(model.network_.theta, fresh.network_.theta)


def test_ctrl_c_keeps_what_was_learned(X):
    def interrupt(network, history):
        if len(history["loss"]) == 5:
            os.kill(os.getpid(), signal.SIGINT)

    model = Autoencoder(4, callbacks=interrupt, max_iter=1000, tol=0, random_state=0)
    with pytest.warns(TrainingInterrupted, match="epoch 6"):
        model.fit(X)
    assert model.n_iter_ == 5
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    whole = Autoencoder(4, max_iter=5, tol=0, random_state=0).fit(X)
    np.testing.assert_array_equal(model.network_.theta, whole.network_.theta)


def test_a_callback_stops_by_returning_true(X):
    model = Autoencoder(4, callbacks=[lambda n, h: None, lambda n, h: len(h["loss"]) == 2], random_state=0).fit(X)
    assert model.n_iter_ == 2


def test_denoising_is_trained_against_the_clean_images(X):
    seen = []

    class Spy(MaskingNoise):
        def corrupt(self, x, rng, out=None):
            noisy = super().corrupt(x, rng, out=out)
            seen.append((x.copy(), noisy.copy()))
            return noisy

    Autoencoder(4, corruption=Spy(0.5), max_iter=2, batch_size=300, tol=0, random_state=0).fit(X)
    (x1, n1), (x2, n2) = seen
    assert sorted(map(tuple, x1)) == sorted(map(tuple, X))
    assert 0.4 < (n1[x1 > 0] == 0).mean() < 0.6
    assert np.array_equal(np.unique(x1), np.unique(x2)) and not np.array_equal(n1, n2)


def test_a_denoising_fit_beats_the_identity_and_pca_on_held_out_corrupted_digits():
    X = npae.datasets.load_digits().data
    X = X[np.random.default_rng(0).permutation(len(X))].astype(np.float32)
    train, test = X[:1300], X[1300:]
    noise = npae.GaussianNoise(0.3)
    noisy = noise.corrupt(test, 1)
    model = Autoencoder(
        16, output_activation="sigmoid", corruption=noise, optimizer=Adam(0.01), max_iter=80, random_state=0
    ).fit(train)
    pca = npae.PCA(16).fit(train)

    def error(a):
        return 0.5 * ((a - test) ** 2).sum(axis=1).mean()

    ours, theirs, identity = error(model.reconstruct(noisy)), error(pca.reconstruct(noisy)), error(noisy)
    print(f"denoising {ours:.3f}, PCA {theirs:.3f}, identity {identity:.3f}")
    assert ours < 0.8 * theirs
    assert ours < 0.35 * identity


def test_training_with_the_contraction_makes_the_jacobian_fall(X):
    norms = []
    model = Autoencoder(
        8, penalties=[npae.Contractive(0.5)], optimizer=Adam(0.01), tied=True, max_iter=60, random_state=0, tol=0
    )
    model.callbacks = lambda network, history: norms.append(
        np.linalg.norm(npae.manifold.jacobian(network, X[:50]), axis=(1, 2)).mean()
    )
    model.fit(X)
    assert norms[-1] < 0.5 * norms[0]


def network_of(X, n_components=4, dtype=None, rng=0):
    encoder = [Dense(X.shape[1], n_components, npae.Sigmoid(), rng=rng)]
    return Network(encoder, [Dense(n_components, X.shape[1], rng=rng)], dtype=dtype)


def test_a_network_is_trained_without_an_estimator_and_alike_for_the_same_seed(X):
    first, again, other = (network_of(X) for _ in range(3))
    noise = MaskingNoise(0.2)
    histories = [
        train(network, X, Adam(0.01).start(network.theta), batch_size=50, max_iter=5, rng=seed, corruption=noise)
        for network, seed in ((first, 1), (again, 1), (other, 2))
    ]
    assert {len(values) for values in histories[0].values()} == {5}
    assert histories[0]["loss"] == histories[1]["loss"] and histories[0]["loss"][-1] < histories[0]["loss"][0]
    assert np.array_equal(first.theta, again.theta) and not np.array_equal(first.theta, other.theta)


def test_a_cosine_over_the_steps_of_all_epochs_ends_at_its_end(X):
    network, seen = network_of(X), []
    step = SGD(Cosine(0.1, 4 * 3)).start(network.theta)  # 300 samples in 3 batches of 128, 128 and 44
    train(network, X, step, max_iter=4, rng=0, callbacks=[lambda network, history: seen.append((step.t, step.lr))])
    np.testing.assert_allclose(seen, [(3 * e, 0.05 * (1 + np.cos(np.pi * e / 4))) for e in range(1, 5)], atol=1e-16)


def test_partial_fit_goes_on_with_the_schedule(X):
    whole = Autoencoder(3, optimizer=Adam(Cosine(0.02, 9)), max_iter=3, tol=0, random_state=0).fit(X)
    parts = Autoencoder(3, optimizer=Adam(Cosine(0.02, 9)), random_state=0)
    for _ in range(3):
        parts.partial_fit(X)
    assert np.array_equal(whole.network_.theta, parts.network_.theta) and parts._step.lr == 0


class PlainDescent:
    """An optimizer of one's own whose step is a bare function."""

    def __init__(self, lr):
        self.rate = lr

    def start(self, theta):
        def step(grad):
            theta[:] -= self.rate * grad

        return step


class Dropped:
    """A corruption of one's own, without an `out`; it draws as MaskingNoise(0.3) does and answers in float64."""

    def corrupt(self, x, rng):
        return x * (rng.random(x.shape, dtype=x.dtype) >= 0.3).astype(float)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_optimizer_of_ones_own_moves_what_the_packages_own_moves(X, dtype):
    mine, theirs = (
        Autoencoder(3, optimizer=optimizer, max_iter=3, tol=0, random_state=0).fit(X.astype(dtype))
        for optimizer in (PlainDescent(0.1), SGD(0.1))
    )
    assert mine.network_.theta.dtype == dtype
    np.testing.assert_allclose(mine.network_.theta, theirs.network_.theta, rtol=1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("optimizer", [PlainDescent(0.1), SGD(0.1)])
def test_a_copy_goes_on_by_itself_whoever_wrote_its_optimizer(X, optimizer, duplicate):
    model = Autoencoder(3, optimizer=optimizer, max_iter=1, random_state=0).fit(X)
    other, before = duplicate(model), model.network_.theta.copy()
    other.partial_fit(X)
    assert np.array_equal(model.network_.theta, before)
    assert np.array_equal(other.network_.theta, model.partial_fit(X).network_.theta)
    assert not np.array_equal(before, model.network_.theta)


def test_an_optimizer_of_ones_own_may_diverge(X):
    with pytest.raises(DivergenceError, match="Try a smaller learning rate, inputs scaled"):
        Autoencoder(4, activation="relu", optimizer=PlainDescent(1e100), random_state=0).fit(X)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_corruption_of_ones_own_trains_as_the_packages_own(X, early_stopping, dtype):
    mine, theirs = (
        Autoencoder(8, corruption=noise, early_stopping=early_stopping, max_iter=3, random_state=0).fit(X.astype(dtype))
        for noise in (Dropped(), MaskingNoise(0.3))
    )
    assert mine.network_.theta.dtype == dtype
    assert np.array_equal(mine.network_.theta, theirs.network_.theta)


def test_what_a_corruption_takes_is_looked_up_once(X, monkeypatch):
    import inspect

    calls, signature, network = [], inspect.signature, network_of(X)
    monkeypatch.setattr(inspect, "signature", lambda what: calls.append(what) or signature(what))
    train(network, X, SGD(0.1).start(network.theta), corruption=Dropped(), max_iter=5, batch_size=10)
    assert len(calls) == 1


def test_a_corruption_that_overwrites_its_input_or_changes_its_shape_is_stopped(X):
    class InPlace:
        def corrupt(self, x, rng):
            x *= 0
            return x

    class Narrow:
        def corrupt(self, x, rng):
            return x[:1]

    network = network_of(X)
    with pytest.raises(ValueError, match="read-only"):
        train(network, X, SGD(0.1).start(network.theta), corruption=InPlace())
    with pytest.raises(ValueError, match=r"Narrow: got x~ of shape \(1, 64\), expected x's, \(128, 64\)"):
        train(network, X, SGD(0.1).start(network.theta), corruption=Narrow())


def test_train_refuses_what_does_not_fit_before_anything_moves(X):
    network = network_of(X)
    before, step = network.theta.copy(), SGD(0.1).start(network.theta)
    with pytest.raises(ValueError, match="x has 63 features, but Network is expecting 64"):
        train(network, X[:, 1:], step)
    with pytest.raises(ValueError, match="train: got batch_size=0, expected a whole number >= 1"):
        train(network, X, step, batch_size=0)
    with pytest.raises(ValueError, match=r"train: got max_iter=1\.5, expected a whole number >= 1"):
        train(network, X, step, max_iter=1.5)
    assert np.array_equal(network.theta, before)
    train(network, X.astype(np.float32), step, max_iter=1)  # is taken in the network's own dtype
    assert network.theta.dtype == np.float64


@pytest.mark.parametrize(
    "state", [None, 3, np.random.SeedSequence(3), np.random.default_rng(3), np.random.RandomState(3)]
)
def test_streams_are_independent_generators(state):
    a, b = streams(state, 2)
    assert not np.array_equal(a.random(5), b.random(5))


def test_streams_refuse_what_is_no_seed():
    for bad in ("seed", 1.5, True):
        with pytest.raises(TypeError, match="random_state"):
            streams(bad, 1)
    with pytest.raises(ValueError):
        streams(-1, 1)


def test_the_history_holds_the_terms_of_the_objective_and_what_moves_it(X):
    penalties = [npae.WeightDecay(0.01), npae.Contractive(0.1), npae.WeightDecay(0.02)]
    model = Autoencoder(4, penalties=penalties, optimizer=SGD(Cosine(0.1, 12)), max_iter=4, tol=0, random_state=0)
    history = model.fit(X).history_
    assert list(history) == [
        "loss", "seconds", "reconstruction", "WeightDecay", "Contractive", "WeightDecay 2", "gradient_norm",
        "learning_rate",
    ]  # fmt: skip
    assert {len(values) for values in history.values()} == {4}
    terms = np.array([history[name] for name in ("reconstruction", "WeightDecay", "Contractive", "WeightDecay 2")])
    np.testing.assert_allclose(terms.sum(axis=0), history["loss"], rtol=1e-13)
    np.testing.assert_allclose(np.array(history["WeightDecay 2"]), 2 * np.array(history["WeightDecay"]), rtol=1e-13)
    np.testing.assert_allclose(history["learning_rate"], [0.05 * (1 + np.cos(np.pi * e / 4)) for e in range(1, 5)])
    assert history["gradient_norm"][-1] == pytest.approx(np.linalg.norm(model.network_.grad), rel=1e-12)


def test_every_list_of_a_history_is_as_long_as_every_other_whatever_was_measured(X):
    model = Autoencoder(3, max_iter=2, early_stopping=True, random_state=0).fit(X).partial_fit(X)
    assert {len(values) for values in model.history_.values()} == {3}
    assert np.isnan(model.history_["validation_loss"]).tolist() == [False, False, True]
    given = {"loss": [1.0, 2.0], "seconds": [0.1, 0.2], "validation_loss": []}
    network = network_of(X)
    train(network, X, SGD(0.1).start(network.theta), history=given, max_iter=1, X_validation=X[:9])
    assert {len(values) for values in given.values()} == {3} and np.isnan(given["validation_loss"][:2]).all()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_objective_that_grows_out_of_all_proportion_is_divergence_though_it_is_finite(X, early_stopping):
    model = Autoencoder(
        4, activation="identity", optimizer=SGD(0.9), max_iter=30, early_stopping=early_stopping, random_state=0
    )
    with pytest.raises(DivergenceError, match=r"the objective is \d.*, and was [\d.]+ at first"):
        model.fit(X)
    assert np.isfinite(model.reconstruct(X)).all()
    assert len({len(values) for values in model.history_.values()}) == 1
    assert all(value < 1e4 * 64 for value in model.history_["loss"])


def test_a_loss_that_begins_at_nothing_or_below_may_grow(X):
    """Zeros are reconstructed without error by zero weights, and a likelihood may be above one."""
    Autoencoder(2, max_iter=3, random_state=0).fit(np.zeros((20, 5)))
    model = Autoencoder(4, max_iter=300, loss=npae.Gaussian(1e-3), optimizer=Adam(0.03), random_state=0).fit(X[:, :3])
    assert model.history_["loss"][-1] < 0 < model.history_["loss"][0]


def test_ctrl_c_leaves_a_loop_over_fits_where_that_is_asked_for(X):
    def interrupt(network, history):
        if len(history["loss"]) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    model = Autoencoder(4, callbacks=interrupt, max_iter=1000, tol=0, random_state=0)
    with pytest.raises(KeyboardInterrupt), npae.raise_interrupts():
        cross_val_score(model, X, cv=3)
    with pytest.warns(TrainingInterrupted):
        model.fit(X)


def test_an_interrupt_while_the_history_is_written_leaves_it_whole(X, monkeypatch):
    class Interrupting(list):
        def __iadd__(self, values):
            raise KeyboardInterrupt

    history = {"loss": [1.0], "seconds": [0.0], "reconstruction": Interrupting([1.0])}
    network = network_of(X)
    with pytest.warns(TrainingInterrupted) as caught:
        train(network, X, SGD(0.1).start(network.theta), history=history, max_iter=2)
    assert caught[0].filename == __file__
    assert {len(values) for values in history.values()} == {1}


def test_warm_start_goes_on_with_the_weights_the_steps_and_the_history(X):
    settings = {"optimizer": Adam(Cosine(0.02, 18)), "corruption": MaskingNoise(0.1), "tol": 0, "random_state": 0}
    whole = Autoencoder(3, max_iter=6, **settings).fit(X)
    parts = Autoencoder(3, max_iter=2, warm_start=True, **settings)
    for n in (2, 4, 6):
        assert parts.fit(X).n_iter_ == n
    assert np.array_equal(whole.network_.theta, parts.network_.theta)
    assert whole.history_["loss"] == parts.history_["loss"]
    with pytest.raises(ValueError, match="expecting 64 features"):
        parts.fit(X[:, :5])
    assert parts.set_params(warm_start=False).fit(X).n_iter_ == 2


def test_a_fit_begins_anew_with_penalties_that_remember_too(X):
    model = Autoencoder(
        4, penalties=[npae.AuxiliaryTopK(0.5, 2, patience=50)], max_iter=2, batch_size=50, random_state=0
    )
    first = model.fit(X).network_.theta.copy()
    assert np.array_equal(model.fit(X).network_.theta, first)
