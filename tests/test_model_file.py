"""Models as files: whole or refused, and nothing executed."""

import json

import numpy as np
import pytest

import npae
from npae import Autoencoder, ModelFileError
from npae.storage.archive import pack, unpack
from optional_packages import import_or_skip


@pytest.fixture
def model():
    X = npae.datasets.load_digits().data[:100]
    return Autoencoder(
        5,
        hidden_layer_sizes=(10,),
        activation=("relu", npae.Sigmoid()),
        penalties=[npae.KLSparsity(0.1, 0.2), npae.Contractive(0.1)],
        corruption=npae.MaskingNoise(0.2),
        optimizer=npae.SGD(0.1, momentum=0.5),
        max_iter=2,
        random_state=4,
    ).fit(X)


def test_a_loaded_model_is_the_saved_one(model, tmp_path):
    X = npae.datasets.load_digits().data[100:150]
    model.save(tmp_path / "m.npz")
    other = npae.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(other.reconstruct(X), model.reconstruct(X))
    assert other.get_params() == model.get_params()
    assert other.history_ == model.history_
    other.partial_fit(X)
    assert other.n_iter_ == 3


def test_a_loaded_model_prints_as_the_saved_one(model, tmp_path):
    model.save(tmp_path / "m.npz")
    assert repr(npae.load(tmp_path / "m.npz")) == repr(model)


def test_penalties_that_hold_arrays_come_back(tmp_path):
    X = npae.datasets.load_digits().data[:50]
    penalties = [npae.HigherOrderContractive(0.1, 0.2, 0.3, noise=np.ones((2, 64)))]
    npae.Autoencoder(3, penalties=penalties, max_iter=1, random_state=0).fit(X).save(tmp_path / "m.npz")
    assert npae.load(tmp_path / "m.npz").get_params()["penalties"] == penalties


@pytest.mark.parametrize("cut", [0, 10, 200, 1000])
def test_a_truncated_file_is_refused_by_name(model, tmp_path, cut):
    path = tmp_path / "m.npz"
    model.save(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelFileError, match=r"m\.npz"):
        npae.load(path)


def _rewrite(path, change, theta=lambda theta: theta):
    """As someone with intent would, who computes a new digest."""
    arrays = unpack(path)
    header = json.loads(arrays["header"].tobytes())
    change(header)
    arrays["theta"] = theta(arrays["theta"])
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    path.write_bytes(bytes(pack(arrays)))


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.update(format=99),
        lambda h: h.pop("params"),
        lambda h: h["params"].update(n_components=6),
        lambda h: h["params"].update(optimizer={"object": "lbfgs", "fields": {}}),
        lambda h: h["params"].update(corruption={"object": "os", "fields": {}}),
        lambda h: h.update({"class": "eval"}),
        lambda h: h.update({"class": "PCA"}),
        lambda h: h.update({"class": "Network"}),
        lambda h: h.update(history=None),
        lambda h: h.update(history={}),
        lambda h: h["history"].pop("loss"),
        lambda h: h["history"].update(loss={"array": "array99"}),
        lambda h: h["history"].update(extra=[1, 2]),
        lambda h: h.update(more=1),
        lambda h: h.update(n_features_in=63),
        lambda h: h.update(n_features_in=True),
        lambda h: h.update(output="excel"),
        lambda h: h.update(feature_names=["a"]),
        lambda h: h["params"].update(validation_fraction=float("nan")),
        lambda h: h["params"].update(tied="yes"),
        lambda h: h["params"].update(surprise=1),
        lambda h: h["params"].update(
            callbacks={"object": "Checkpoint", "fields": {"path": "elsewhere", "epochs": 1}}  # which would write there
        ),
    ],
)
def test_a_header_that_does_not_fit_is_refused(model, tmp_path, change):
    path = tmp_path / "m.npz"
    model.save(path)
    _rewrite(path, change)
    with pytest.raises(ModelFileError):
        npae.load(path)


def test_weights_that_are_not_finite_are_refused(model, tmp_path):
    path = tmp_path / "m.npz"
    model.save(path)
    _rewrite(path, lambda h: None, lambda theta: theta * np.nan)
    with pytest.raises(ModelFileError, match="not finite"):
        npae.load(path)


def test_a_newer_format_is_said_to_be_one(model, tmp_path):
    model.save(tmp_path / "m.npz")
    _rewrite(tmp_path / "m.npz", lambda h: h.update(format=99))
    with pytest.raises(ModelFileError, match="got format 99, expected 2; a newer npae may read it"):
        npae.load(tmp_path / "m.npz")


def test_other_files_and_missing_ones_are_told_apart(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(ModelFileError, match="no npae model"):
        npae.load(tmp_path / "text.npz")
    with pytest.raises(FileNotFoundError):
        npae.load(tmp_path / "nothing.npz")


def test_a_failed_save_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = tmp_path / "m.npz"
    model.save(path)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        model.save(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["m.npz"]


def test_an_object_of_ones_own_cannot_be_saved(model, tmp_path):
    class Mine(npae.MaskingNoise):
        pass

    X = npae.datasets.load_digits().data[:20]
    model.set_params(corruption=Mine(0.1)).fit(X)
    with pytest.raises(TypeError, match=r"corruption=.*Mine"):
        model.save(tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())


def test_an_estimator_of_ones_own_is_refused_before_anything_is_written(tmp_path):
    class Mine(Autoencoder):
        pass

    with pytest.raises(TypeError, match="got a Mine, expected an estimator of this package"):
        Mine(2, max_iter=1).fit(np.eye(4)).save(tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        {"activation": "relu"},
        {"n_components": 9},
        {"loss": "bernoulli", "output_activation": "identity"},
        {"hidden_layer_sizes": ()},
        {"penalties": []},
        {"tied": True},
        {"optimizer": None},
    ],
)
def test_what_was_fitted_is_saved_with_what_it_was_fitted_with(model, tmp_path, change):
    X = npae.datasets.load_digits().data[100:150]
    before, fitted_with = model.reconstruct(X), model.get_params()
    model.set_params(**change).save(tmp_path / "m.npz")
    other = npae.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(other.reconstruct(X), before)
    assert other.get_params() == fitted_with


def test_what_was_fitted_is_saved_though_the_owner_of_a_list_has_changed_it(tmp_path):
    X, penalties, sizes = np.random.default_rng(0).random((20, 5)), [npae.WeightDecay(0.1)], [4]
    model = Autoencoder(2, hidden_layer_sizes=sizes, penalties=penalties, max_iter=2, random_state=0).fit(X)
    sizes.append(3)
    penalties[0] = None
    model.save(tmp_path / "m.npz")
    other = npae.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(other.transform(X), model.transform(X))
    assert other.hidden_layer_sizes == [4] and other.penalties == [npae.WeightDecay(0.1)]


def test_what_changes_between_calls_of_partial_fit_is_saved_as_it_is_then(model, tmp_path):
    X = npae.datasets.load_digits().data[:50]
    model.set_params(corruption=npae.MaskingNoise(0.7), activation="relu").partial_fit(X).save(tmp_path / "m.npz")
    other = npae.load(tmp_path / "m.npz")
    assert other.corruption == npae.MaskingNoise(0.7) and other.activation == ("relu", npae.Sigmoid())


def test_feature_names_and_the_kind_of_output_come_back(tmp_path):
    pandas = import_or_skip("pandas")
    frame = pandas.DataFrame(np.random.default_rng(0).random((20, 3)), columns=["a", "größe", "c\n"])
    Autoencoder(2, max_iter=1).set_output(transform="pandas").fit(frame).save(tmp_path / "m.npz")
    other = npae.load(tmp_path / "m.npz")
    assert list(other.feature_names_in_) == list(frame.columns)
    assert isinstance(other.transform(frame), pandas.DataFrame)
    with pytest.raises(ValueError, match="same order"):
        other.transform(frame[frame.columns[::-1]])


@pytest.mark.parametrize("name", ["Autoencoder", "VariationalAutoencoder"])
@pytest.mark.parametrize("loss", ["bernoulli", "squared_error", "gaussian"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_estimator_comes_back_to_the_bit(name, loss, dtype, tmp_path):
    X = npae.datasets.load_digits().data[:40].astype(dtype).round()
    model = getattr(npae, name)(3, loss=loss, hidden_layer_sizes=[7], early_stopping=True, max_iter=3, random_state=0)
    model.fit(X).save(tmp_path / "m.npz")
    other = npae.load(tmp_path / "m.npz")
    assert other.network_.theta.dtype == dtype and np.array_equal(other.network_.theta, model.network_.theta)
    assert np.array_equal(other.reconstruct(X), model.reconstruct(X)) and other.history_ == model.history_


def test_numpy_reads_the_file_and_the_same_model_gives_the_same_bytes(model, tmp_path):
    model.save(tmp_path / "m.npz")
    model.save(tmp_path / "again.npz")
    assert (tmp_path / "m.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["theta"], model.network_.theta)
        assert json.loads(file["header"].tobytes())["class"] == "Autoencoder"
