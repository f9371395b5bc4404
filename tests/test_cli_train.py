"""The commands that train a model and use it, on every kind of data."""

import argparse
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

import npae
from npae import cli
from npae.cli.data import read

X = np.random.default_rng(0).random((40, 6))
QUICK = ["--epochs", "2", "--components", "3", "--quiet"]


def command(capsys, *arguments):
    """The one JSON object of a command that succeeds."""
    capsys.readouterr()
    assert cli.main([*map(str, arguments), "--json"]) == 0, capsys.readouterr()
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    return json.loads(out)


def write_folder(path, images):
    path.mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(path / f"{i:03}.png")
    (path / "notes.txt").write_text("no image")


def write_zip(path, name):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "hello")


def write_csv(path, X, header="", delimiter=","):
    np.savetxt(path, X, delimiter=delimiter, header=header, comments="")


def test_every_kind_of_data_is_the_same_data(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (12, 3, 2)).astype(np.uint8)
    rows = images.reshape(12, 6) / 255.0
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "images.npy", images)
    np.savez(tmp_path / "one.npz", anything=rows)
    np.savez(tmp_path / "two.npz", X=rows, y=np.arange(12))
    np.savez(tmp_path / "named.npz", a=rows, b=rows[:5])
    write_csv(tmp_path / "plain.csv", rows)
    write_csv(tmp_path / "head.csv", rows, header="a,b,c,d,e,f")
    write_csv(tmp_path / "semicolons.csv", rows, delimiter=";")
    write_csv(tmp_path / "blanks.txt", rows, delimiter=" ")
    write_folder(tmp_path / "folder", images)
    expected = npae.Autoencoder(3, max_iter=2, random_state=0).fit(rows)
    for name in ("rows.npy", "images.npy", "one.npz", "two.npz", "named.npz", "plain.csv", "head.csv", "semicolons.csv",
                 "blanks.txt", "folder"):  # fmt: skip
        more = ["--array", "a"] if name == "named.npz" else []
        found = command(capsys, "train", "--data", tmp_path / name, "--out", tmp_path / "model.npz", *QUICK, *more)
        assert (found["n_samples"], found["n_features"]) == (12, 6), name
        theta = npae.load(tmp_path / "model.npz").network_.theta
        assert theta == pytest.approx(expected.network_.theta, abs=1e-12), name
        assert found["loss"] == pytest.approx(expected.loss_curve_[-1], abs=1e-12)


@pytest.mark.parametrize(("name", "shape"), [("digits", (1797, 64)), ("mnist", (5000, 784))])
def test_the_sets_of_the_package_have_names(tmp_path, capsys, name, shape):
    found = command(capsys, "train", "--data", name, "--out", tmp_path / "m.npz", "--epochs", 1, "--components", 2)
    assert (found["n_samples"], found["n_features"]) == shape and found["epochs"] == 1


def test_every_argument_reaches_the_estimator(tmp_path, capsys):
    np.save(tmp_path / "X.npy", X)
    command(
        capsys, "train", "--data", tmp_path / "X.npy", "--out", tmp_path / "m.npz", "--components", 3,
        "--hidden", "5,4",
        "--activation", "sigmoid", "--loss", "bernoulli", "--penalty", "contractive=0.1", "--penalty", "kl=0.5,0.1",
        "--corruption", "masking=0.3", "--tied", "--optimizer", "sgd=0.1", "--batch-size", 7, "--epochs", 3,
        "--early-stopping", "--seed", 4,
    )  # fmt: skip
    model = npae.load(tmp_path / "m.npz")
    expected = npae.Autoencoder(
        3, hidden_layer_sizes=(5, 4), loss="bernoulli",
        penalties=[npae.Contractive(0.1), npae.KLSparsity(0.5, 0.1)], corruption=npae.MaskingNoise(0.3), tied=True,
        optimizer=npae.SGD(0.1), batch_size=7, max_iter=3, early_stopping=True, random_state=4,
    )  # fmt: skip
    assert repr(model) == repr(expected) and model.get_params() == expected.get_params()
    command(capsys, "train", "--data", tmp_path / "X.npy", "--out", tmp_path / "v.npz", "--variational", *QUICK)
    assert type(npae.load(tmp_path / "v.npz")) is npae.VariationalAutoencoder
    assert cli.main(["train", "--data", "digits", "--out", str(tmp_path / "v.npz"), "--variational", "--tied"]) == 2


def test_the_same_command_gives_the_same_model_and_a_checkpoint_goes_on(tmp_path, capsys):
    np.save(tmp_path / "X.npy", X)
    first = ["train", "--data", tmp_path / "X.npy", *QUICK]
    for name in ("a", "b"):
        command(capsys, *first, "--out", tmp_path / f"{name}.npz", "--checkpoint", tmp_path / f"{name}.checkpoint")
    thetas = [npae.load(tmp_path / f"{name}.npz").network_.theta.tobytes() for name in ("a", "b")]
    assert thetas[0] == thetas[1]
    longer = [*first[:3], "--epochs", 5, "--components", 3, "--quiet"]
    command(capsys, *longer, "--out", tmp_path / "a.npz", "--checkpoint", tmp_path / "a.checkpoint")
    command(capsys, *longer, "--out", tmp_path / "c.npz")
    assert np.array_equal(npae.load(tmp_path / "a.npz").network_.theta, npae.load(tmp_path / "c.npz").network_.theta)


@pytest.mark.parametrize("kind", [".npy", ".npz", ".csv"])
def test_codes_and_reconstructions_are_those_of_the_model(tmp_path, capsys, kind):
    np.save(tmp_path / "X.npy", X)
    command(capsys, "train", "--data", tmp_path / "X.npy", "--out", tmp_path / "m.npz", *QUICK)
    model = npae.load(tmp_path / "m.npz")
    for name, array in (("transform", model.transform(X)), ("reconstruct", model.reconstruct(X))):
        out = tmp_path / f"{name}{kind}"
        found = command(capsys, name, tmp_path / "m.npz", "--data", tmp_path / "X.npy", "--out", out)
        back = np.loadtxt(out, delimiter=",") if kind == ".csv" else np.load(out)
        back = back[back.files[0]] if kind == ".npz" else back
        assert np.array_equal(back, array) and found["shape"] == list(array.shape)
    assert found["error"] == pytest.approx(0.5 * ((model.reconstruct(X) - X) ** 2).sum(axis=1).mean(), rel=1e-12)
    assert found["score"] == model.score(X)


def test_info_says_what_is_in_the_file(tmp_path, capsys):
    model = npae.Autoencoder(3, hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(X)
    model.save(tmp_path / "m.npz")
    found = command(capsys, "info", tmp_path / "m.npz")
    assert found["estimator"] == repr(model) and found["n_features"] == 6 and found["epochs"] == 2
    assert found["n_weights"] == model.network_.theta.size == sum(int(np.prod(s)) for s in found["arrays"].values())
    assert found["last"]["loss"] == model.loss_curve_[-1]
    assert cli.main(["info", str(tmp_path / "m.npz")]) == 0
    assert "6 features, " in capsys.readouterr().out


def test_doctor_finds_nothing_wrong_and_names_what_is_there(capsys):
    found = command(capsys, "doctor")
    assert found["failed"] == {} and found["versions"]["NumPy"] == np.__version__ and len(found["tests"]) >= 5
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert f"NumPy {np.__version__}" in out and "BLAS" in out and "threads" in out and "FAILED" not in out


def test_doctor_sees_a_wrong_gradient_wrong_data_and_a_training_that_does_not_repeat(capsys, monkeypatch):
    from npae.cli import doctor

    monkeypatch.setattr(npae.Sigmoid, "dphi", lambda self, h, out=None: h * (1 - h) * 1.001)
    assert "relative error" in doctor.TESTS["gradients"]()
    monkeypatch.setattr("npae.datasets.load_digits", lambda: npae.datasets.Dataset(np.ones((3, 64)), np.zeros(3)))
    assert "expected [561718, 131267102]" in doctor.TESTS["the data in the package"]()
    seeds = iter(range(99))
    kind = npae.Autoencoder
    monkeypatch.setattr(npae, "Autoencoder", lambda *a, random_state, **k: kind(*a, random_state=next(seeds), **k))
    assert "differ" in doctor.TESTS["training and model files"]()
    capsys.readouterr()
    assert cli.main(["doctor", "--json"]) == 1
    assert set(json.loads(capsys.readouterr().out)["failed"]) >= {"gradients", "training and model files"}


@pytest.mark.parametrize(
    ("write", "name", "message"),
    [
        (lambda path: path.write_text(""), "a.csv", "got an empty file"),
        (lambda path: path.write_text("a,b\n1,2\n3,x\n"), "a.csv", "got 'x' in line 3, column 'b', expected"),
        (lambda path: path.write_text("\n\na,b\n1,2\n\n3,x\n"), "a.csv", "got 'x' in line 6, column 'b', expected"),
        (lambda path: path.write_text('1,2\n\n"3,5",4\n'), "a.csv", "got '3,5' in line 3, column 1, expected"),
        (lambda path: path.write_text("\n1,2\n\n3\n"), "a.csv", "got 1 cells in line 4, expected 2, as in line 2"),
        (lambda path: path.write_text("1,1_0\n"), "a.csv", "got '1_0' in line 1, column 2, expected a number"),
        (lambda path: path.write_text("1 2\n3 4 5\n"), "a.txt", "got 3 cells in line 2, expected 2"),
        (lambda path: path.write_bytes(b"1,2\n" * 9999 + b"\xff"), "a.csv", "got text that is not UTF-8"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "a.csv", "got text that is not UTF-8"),
        (lambda path: path.write_text("hello"), "a.npy", "expected one that np.save or np.savez wrote"),
        (lambda path: np.save(path, np.ones(3)), "a.npy", "expected samples as rows"),
        (lambda path: np.save(path, np.array([{}, 1]), allow_pickle=True), "a.npy", "Python objects"),
        (lambda path: path.write_bytes(b"\x93NUMPY\x01\x00"), "a.npy", "a.npy"),
        (lambda path: path.write_text("hello"), "a.npz", "a.npz"),
        (lambda path: np.savez(path, a=X, b=X), "a.npz", "got the arrays a, b, expected --array NAME"),
        (lambda path: np.savez(path), "a.npz", "got the arrays none"),
        (lambda path: write_zip(path, "notes.txt"), "a.npz", "got 'notes.txt', which is not an array"),
        (lambda path: path.write_text("a,b\n"), "a.csv", "got no rows under the names"),
        (lambda path: path.write_text(",2,5\n1,3,4\n"), "a.csv", "got '' in line 1, column 1, expected a number"),
        (lambda path: path.mkdir(), "a", "got no images"),
        (lambda path: path.write_text(""), "a.xls", "expected digits, mnist, FILE.npy"),
    ],
)
def test_data_that_cannot_be_read_are_named_with_what_is_wrong(tmp_path, capsys, write, name, message):
    write(tmp_path / name)
    assert cli.main(["train", "--data", str(tmp_path / name), "--out", str(tmp_path / "m.npz"), *QUICK]) == 2
    err = capsys.readouterr().err
    assert err.startswith("npae train: ") and message in err and len(err.splitlines()) == 1
    assert not (tmp_path / "m.npz").exists()


@pytest.mark.parametrize(
    "text",
    [
        '"a","b"\n"1.5","2"\n"3","4"\n',
        ",a,b\n0,1.5,2\n1,3,4\n",
        ",0,1\n0,1.5,2\n1,3,4\n",
        '"","a","b"\n"1",1.5,2\n"2",3,4\n',
        "\n  \na,b\n1.5,2\n\n3,4\n\n",
        '"a, in m",b\n1.5,2\n3,4\n',
    ],
)
def test_tables_as_pandas_and_r_write_them(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    found = read(argparse.Namespace(data=str(tmp_path / "a.csv"), array=None, size=None))
    assert np.array_equal(found.X, [[1.5, 2], [3, 4]])


@pytest.mark.parametrize("first", ["1,,3", "5.1,?,1", "1,NA,3", "2020-01-01,2,3", ",,", "?,2,3", "x,1,2"])
def test_a_first_sample_with_a_cell_that_is_no_number_is_not_taken_for_names(tmp_path, first):
    (tmp_path / "a.csv").write_text(f"{first}\n4,5,6\n7,8,9\n")
    with pytest.raises(
        ValueError, match=r"a\.csv: got .* in line 1, column [12], expected a number, or a first line of names"
    ):
        read(argparse.Namespace(data=str(tmp_path / "a.csv"), array=None, size=None))


def test_a_photograph_is_read_as_it_is_seen(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # the camera was turned
    Image.fromarray(np.zeros((3, 5), np.uint8)).save(tmp_path / "a.png", exif=exif)
    assert "images of 5 x 3" in read(argparse.Namespace(data=str(tmp_path), array=None, size=None)).about


def test_images_of_sixteen_bits_keep_their_levels(tmp_path):
    levels = np.array([[0, 257], [30000, 65535]], np.uint16)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    found = read(argparse.Namespace(data=str(tmp_path), array=None, size=None))
    assert np.allclose(found.X, levels.reshape(1, 4) / 65535, rtol=1e-6)
    found = read(argparse.Namespace(data=str(tmp_path), array=None, size=(4, 4)))
    assert found.X.shape == (1, 16) and 0 < found.X.mean() < 1
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "deep.tif")
    with pytest.raises(ValueError, match=r"deep\.tif: cannot be read as an image .*mode 'F', expected 8 or 16 bits"):
        read(argparse.Namespace(data=str(tmp_path), array=None, size=None))


def test_images_of_different_sizes_are_refused_or_brought_to_one(tmp_path, capsys):
    write_folder(tmp_path / "folder", [np.zeros((3, 4), np.uint8), np.full((6, 8), 255, np.uint8)])
    arguments = ["train", "--data", tmp_path / "folder", "--out", tmp_path / "m.npz", *QUICK]
    assert cli.main([*map(str, arguments)]) == 2
    assert "got 000.png of 3 x 4, 001.png of 6 x 8, expected one size, or --size 3x4" in capsys.readouterr().err
    assert command(capsys, *arguments, "--size", "3x4")["n_features"] == 12
    (tmp_path / "folder" / "002.png").write_text("no image")
    assert cli.main([*map(str, arguments), "--size", "3x4"]) == 2
    assert "002.png: cannot be read as an image" in capsys.readouterr().err
