"""Models as files: whole or refused, and nothing executed."""

import json

import numpy as np
import pytest

import npae
from npae import Autoencoder, ModelFileError


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
    with np.load(path) as file:
        header, arrays = json.loads(file["header"].tobytes()), theta(file["theta"])
    change(header)
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), theta=arrays)


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.update(format=99),
        lambda h: h.pop("params"),
        lambda h: h["params"].update(n_components=6),
        lambda h: h["params"].update(optimizer={"object": "lbfgs", "fields": {}}),
        lambda h: h["params"].update(corruption={"object": "os", "fields": {}}),
        lambda h: h.update({"class": "eval"}),
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

    model.corruption = Mine(0.1)
    with pytest.raises(TypeError, match="corruption"):
        model.save(tmp_path / "m.npz")


def test_no_damaged_byte_gets_past_the_error_that_names_the_file(model, tmp_path):
    path = tmp_path / "m.npz"
    model.save(path)
    whole = path.read_bytes()
    refused = 0
    for at in range(whole.index(b"PK\x01\x02"), len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            npae.load(path)  # whole all the same, or refused by name
        except ModelFileError:
            refused += 1
    assert refused > 50
