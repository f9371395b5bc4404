"""Checkpoints: a run that is ended anywhere goes on and ends with the bytes of one that was not."""

import errno
import os
import random

import numpy as np
import pytest

import npae
from benchmarks.robustness import kills
from npae import SGD, Adam, Autoencoder, Checkpoint, Cosine, RMSProp, VariationalAutoencoder
from npae.training.loop import train


@pytest.fixture(scope="module")
def X():
    return npae.datasets.load_digits().data[:100]


class Killed(BaseException):
    """Stands for a power cut: nothing in the package catches it."""


class KillAfter:
    """A callback that ends the process, so to speak, after so many steps."""

    def __init__(self, n):
        self.n = n

    def start(self, run):
        return self

    def __call__(self, network, history):
        return False

    def after_step(self):
        self.n -= 1
        if not self.n:
            raise Killed


def everything(model):
    """All that a run ends with but the seconds, as bytes."""
    step, found = model._step, [model.network_.theta.tobytes(), str(model._step.t)]
    found += [getattr(step, name).tobytes() for name in step._state]
    for rng in (model._shuffle_rng, model._noise_rng, model._split_rng):
        found.append(str(rng.bit_generator.state))
    history = {name: np.array(values).tobytes() for name, values in model.history_.items() if name != "seconds"}
    penalties = [
        {k: np.array(v).tobytes() for k, v in getattr(p, "state", {}).items()} for p in model.network_.penalties
    ]
    return found, history, penalties


SETTINGS = {
    "adam": lambda: Autoencoder(3, optimizer=Adam(Cosine(1e-2, 40)), corruption=npae.MaskingNoise(0.2)),
    "momentum": lambda: Autoencoder(3, optimizer=SGD(0.01, momentum=0.9, nesterov=True), tied=True),
    "rmsprop, two blocks": lambda: Autoencoder((3), hidden_layer_sizes=(8,), optimizer=RMSProp(1e-3), block_size=40),
    "early stopping": lambda: Autoencoder(
        3, early_stopping=True, n_iter_no_change=2, tol=0.3, corruption=npae.GaussianNoise(0.1)
    ),
    "a callback ends it": lambda: Autoencoder(3, callbacks=[npae.EarlyStopping("loss", patience=1, tol=0.3)]),
    "a penalty with a state": lambda: Autoencoder(6, penalties=[npae.AuxiliaryTopK(1.0, 2, patience=50)]),
    "variational": lambda: VariationalAutoencoder(2, loss="bernoulli"),
}


def settings(name, path, *more):
    model = SETTINGS[name]()
    mine = list(model.callbacks or ())
    return model.set_params(
        max_iter=6, batch_size=20, random_state=7, callbacks=[*mine, Checkpoint(path, epochs=2, seconds=0), *more]
    )


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("after", [1, 7, 15, 30])
def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_bytes(X, name, after, tmp_path):
    whole = settings(name, tmp_path / "whole.npz").fit(X)
    path = tmp_path / "killed.npz"
    killed = settings(name, path, KillAfter(after))
    try:
        killed.fit(X)
    except Killed:
        assert os.path.exists(path)
    resumed = settings(name, path).fit(X)
    assert everything(resumed) == everything(whole)
    loaded = npae.load(path)
    assert np.array_equal(loaded.network_.theta, whole.network_.theta) and loaded.history_ == resumed.history_


@pytest.mark.slow
def test_processes_that_are_killed_lose_nothing(tmp_path):
    """SIGKILL while they train and while they save; `python -m benchmarks.robustness.kills` does it 60 times."""
    (tmp_path / "saves").mkdir()
    counts = kills.kill_training(3, tmp_path, random.Random(1)) + kills.kill_saving(
        1, tmp_path / "saves", random.Random(1)
    )
    assert counts["kills while training"] == 3 and counts["kills while saving"] == 1
    assert counts["runs that ended with the bytes of one left alone"] == 1


def test_a_run_without_a_seed_goes_on_with_that_of_its_file(X, tmp_path):
    path = tmp_path / "m.npz"
    with pytest.raises(Killed):
        settings("adam", path, KillAfter(12)).set_params(random_state=None).fit(X)
    rest = settings("adam", path).set_params(random_state=None).fit(X)
    whole = settings("adam", tmp_path / "whole.npz").set_params(random_state=rest._seed).fit(X)
    assert everything(rest) == everything(whole)


def test_a_finished_run_is_taken_from_its_file_and_may_be_given_more_epochs(X, tmp_path):
    path = tmp_path / "m.npz"
    short = settings("adam", path).fit(X)
    again = settings("adam", path, KillAfter(1)).fit(X)  # not one step
    assert everything(again) == everything(short)
    longer = settings("adam", path).set_params(max_iter=9).fit(X)
    assert everything(longer) == everything(settings("adam", tmp_path / "w.npz").set_params(max_iter=9).fit(X))


def test_early_stopping_with_more_patience_goes_on_from_where_it_moved_not_from_the_best(X, tmp_path):
    path = tmp_path / "m.npz"
    settings("early stopping", path).fit(X)
    more = settings("early stopping", path).set_params(n_iter_no_change=4).fit(X)
    whole = settings("early stopping", tmp_path / "w.npz").set_params(n_iter_no_change=4).fit(X)
    assert everything(more) == everything(whole)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"batch_size": 10}, "batch_size is 10, was 20"),
        ({"optimizer": Adam(1.0)}, "optimizer is"),
        ({"n_components": 4}, "n_components is 4"),
        ({"random_state": 8}, "random_state is 8, was 7"),
        ({"corruption": npae.MaskingNoise(0.3)}, "corruption is"),
    ],
)
def test_a_file_of_another_run_is_refused_and_nothing_changes(X, change, what, tmp_path):
    path = tmp_path / "m.npz"
    settings("adam", path).fit(X)
    before = path.read_bytes()
    model = settings("adam", path).set_params(**change)
    with pytest.raises(ValueError, match=rf"Checkpoint: got the file .* of another run \(.*{what}"):
        model.fit(X)
    with pytest.raises(ValueError, match="data is"):
        settings("adam", path).fit(X[::-1])
    assert not hasattr(model, "network_") and path.read_bytes() == before
    begun = model.set_params(callbacks=[Checkpoint(path, epochs=1, resume=False)]).fit(X)
    assert np.array_equal(npae.load(path).network_.theta, begun.network_.theta)


def test_partial_fit_and_warm_starts_write_and_never_resume(X, tmp_path):
    path = tmp_path / "m.npz"
    model = settings("adam", path)
    for n in (1, 2, 3):
        model.partial_fit(X)
        assert len(npae.load(path).history_["loss"]) == n
    assert settings("adam", path).partial_fit(X).n_iter_ == 1
    warm = settings("adam", path).set_params(warm_start=True, max_iter=2)
    warm.set_params(callbacks=[Checkpoint(path, epochs=1, resume=False)]).fit(X)
    assert warm.set_params(callbacks=[Checkpoint(path, epochs=1)]).fit(X).n_iter_ == 4
    assert npae.load(path).n_iter_ == 4


def test_a_bare_network_and_parts_of_ones_own_are_kept_too(X, tmp_path):
    def network():
        rng = np.random.default_rng(0)
        return npae.Network([npae.Dense(64, 5, npae.Tanh(), rng=rng)], [npae.Dense(5, 64, rng=rng)])

    def go(path, *more, network):
        step = Adam(1e-2).start(network.theta)
        history = train(
            network, X, step, rng=1, max_iter=4, batch_size=20, callbacks=[Checkpoint(path, epochs=1), *more]
        )
        return network.theta.copy(), history["loss"], step.m.copy()

    whole = go(tmp_path / "whole.npz", network=network())
    with pytest.raises(Killed):
        go(tmp_path / "m.npz", KillAfter(13), network=network())
    rest = go(tmp_path / "m.npz", network=network())
    assert all(np.array_equal(a, b) for a, b in zip(whole, rest))
    with pytest.raises(npae.ModelFileError, match="got class None"):
        npae.load(tmp_path / "m.npz")

    def own(encoder, decoder):
        return 0.0

    model = Autoencoder(3, penalties=[own], random_state=0, max_iter=3, callbacks=Checkpoint(tmp_path / "own.npz", 1))
    fitted = model.fit(X)
    again = Autoencoder(**model.get_params(deep=False)).fit(X)
    assert np.array_equal(again.network_.theta, fitted.network_.theta) and again.history_ == fitted.history_


def test_only_an_optimizer_whose_state_is_known_is_taken(X, tmp_path):
    class Own:
        def start(self, theta):
            return lambda grad: None

    with pytest.raises(TypeError, match=r"Checkpoint: got the step .*, expected one of npae's optimizers"):
        Autoencoder(2, optimizer=Own(), callbacks=[Checkpoint(tmp_path / "m.npz", 1)]).fit(X)


def test_a_file_that_cannot_be_written_is_known_before_anything_is_trained(X, tmp_path):
    def never(network, history):
        raise AssertionError("trained")

    for path in (tmp_path / "missing" / "m.npz", tmp_path):
        with pytest.raises(OSError, match=r"no such folder|got a folder"):
            Autoencoder(2, callbacks=[Checkpoint(path, 1), never]).fit(X)


def test_a_disk_that_becomes_full_ends_the_training_in_words_and_leaves_the_last_checkpoint(X, tmp_path, monkeypatch):
    path, fsync, count = tmp_path / "m.npz", os.fsync, iter(range(9))

    def full(descriptor):
        if next(count) >= 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    model = Autoencoder(2, max_iter=5, random_state=0, callbacks=[Checkpoint(path, epochs=1)])
    with pytest.raises(OSError, match="No space left on device: it could not be written; the file that was there is"):
        model.fit(X)
    assert npae.load(path).n_iter_ == 1 and os.listdir(tmp_path) == ["m.npz"]
    assert model.n_iter_ == 2  # what was learned is there
    monkeypatch.undo()
    whole = Autoencoder(2, max_iter=5, random_state=0).fit(X)
    assert np.array_equal(model.fit(X).network_.theta, whole.network_.theta)


def test_a_damaged_checkpoint_is_refused(X, tmp_path):
    path = tmp_path / "m.npz"
    settings("adam", path).fit(X)
    path.write_bytes(path.read_bytes()[:-100] + bytes(100))
    with pytest.raises(npae.ModelFileError, match=r"m\.npz"):
        settings("adam", path).fit(X)
    Autoencoder(2, max_iter=1).fit(X).save(path)
    with pytest.raises(npae.ModelFileError, match="expected a checkpoint"):
        settings("adam", path).fit(X)


@pytest.mark.parametrize("arguments", [{}, {"epochs": 0}, {"epochs": 1.5}, {"seconds": -1}, {"seconds": np.nan}])
def test_arguments_that_mean_nothing_are_refused(arguments):
    with pytest.raises(ValueError, match="Checkpoint: got"):
        Checkpoint("m.npz", **arguments)
