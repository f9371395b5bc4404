"""The catalogue fuzzer and the `gradcheck` subcommand before it."""

import json

import numpy as np
import pytest

from npae import cli
from npae.cli import fuzz as fuzzing
from npae.cli.fuzz import examine, fuzz, random_model
from npae.objective.activations import ReLU, Tanh
from npae.objective.layers import Dense
from npae.objective.network import Network
from npae.objective.penalties import L1Sparsity


def command(*words):
    return cli.main(["gradcheck", *map(str, words)])


@pytest.mark.slow
def test_random_models_have_exact_gradients():
    report = fuzz(300, seed=11)
    assert report.ok and report.models == 300, report
    assert 0 < report.worst_error <= 1e-12 and "seed 11" in report.worst_model


@pytest.mark.slow
def test_two_processes_find_the_same_worst_model(monkeypatch):
    monkeypatch.setattr(fuzzing, "WORTH_A_PROCESS", 40)
    one, two = fuzz(40, seed=5), fuzz(40, seed=5, jobs=2)
    assert (one.worst_error, one.worst_model) == (two.worst_error, two.worst_model)


def test_the_fuzzer_reaches_the_whole_catalogue():
    text = "\n".join(random_model(0, i).description for i in range(400)).replace("[", " ").replace("(", " ")
    for name in (
        *("Identity", "Sigmoid", "Tanh", "ReLU", "Softplus", "TopK", "SquaredError", "BernoulliCrossEntropy"),
        *("WeightDecay", "L1Sparsity", "KLSparsity"),
        *(" Contractive", "HigherOrderContractive", "ReconstructionContractive"),
        *("GaussianNoise", "MaskingNoise", "SaltAndPepper", ", tied", "untied"),
    ):
        assert name in text


def test_models_are_at_unit_scale_with_biases_and_more_than_one_sample():
    for i in range(50):
        model = random_model(1, i)
        assert len(model.x) > 1 and all(b.all() for name, b in model.network.parameters.items() if name.endswith("b"))
        assert 0.1 < np.abs(model.network.parameters["encoder.0.W"]).max() < 5


def test_a_model_is_the_same_alone_and_among_others():
    a, b = random_model(3, 7), random_model(3, 7)
    assert a.description == b.description
    np.testing.assert_array_equal(a.network.theta, b.network.theta)


def test_a_wrong_gradient_is_reported_with_its_model(monkeypatch, capsys):
    right = Dense.backward

    def wrong(self, *args, **kwargs):
        dx = right(self, *args, **kwargs)
        if isinstance(self.activation, Tanh):
            self.db *= 1.001
        return dx

    monkeypatch.setattr(Dense, "backward", wrong)
    assert command("--models", 20, "--jobs", 1) == 1
    out = capsys.readouterr().out
    assert "FAILED 9.99e-04 in" in out and "Tanh" in out
    assert command("--models", 20, "--jobs", 1, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["ok"] and all("Tanh" in model for _, _, _, model in found["failures"])
    assert found["worst_error"] == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1 + 1e-10, 1.001, np.nan])
def test_a_wrong_activation_slope_is_seen(monkeypatch, factor):
    models = [random_model(0, i) for i in range(60)]
    right = Tanh.dphi
    monkeypatch.setattr(Tanh, "dphi", lambda self, h, out=None: factor * right(self, h))
    assert all(examine(model)[0] == ("Tanh" not in model.description) for model in models)


def test_an_array_that_cancels_is_told_from_one_that_is_wrong():
    model = random_model(0, 0)
    model.network = Network([Dense(3, 2, rng=0)], [Dense(2, 3, ReLU(), rng=1)], penalties=[L1Sparsity(0.3)])
    model.network.decoder.layers[0].b[:] = -100  # dead: what is left of db is lam/N sum_n sign(h_n) = 0
    model.x = model.target = np.array([[1.0, 2, 3], [3.0, 1, 2]])
    model.x = np.concatenate([model.x, -model.x])
    model.target = model.x
    ok, error, _, _ = examine(model)
    assert ok and error <= 1e-12
    model.network.value_and_grad(model.x, model.target)
    assert np.abs(model.network.gradients["encoder.0.b"]).max() < 1e-15


@pytest.mark.slow
def test_command_fuzzes_the_catalogue(capsys):
    assert command("--models", 30, "--seed", 2) == 0
    assert "all agree" in capsys.readouterr().out
    assert command("--models", 30, "--seed", 2, "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"]


FILE = """
import numpy as np

x = np.array([1.0, 2.0, 3.0])
named_x = {"W": np.ones((2, 3)), "b": np.arange(3)}


def right(x):
    return (x**4).sum() / 4, x**3


def wrong(x):
    return (x**4).sum() / 4, 2 * x**3


def named(p):
    return (p["W"] @ p["b"]).sum(), {"W": np.ones((2, 1)) * p["b"], "b": p["W"].sum(axis=0)}


def pair():
    return right, np.array([4.0, 10.0])


def bad_pair():
    return 3


def float32(x):
    return (x**2).sum(), (2 * x).astype(np.float32)
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(FILE)
    return file


@pytest.mark.parametrize(("name", "status"), [("right", 0), ("wrong", 1), ("named", 0), ("pair", 0), ("float32", 2)])
def test_command_checks_a_users_function(path, capsys, name, status):
    assert command(f"{path}:{name}") == status
    printed = capsys.readouterr()
    assert ("Gradient check" in printed.out) == (status < 2) and ("float64" in printed.err) == (status == 2)
    assert command(f"{path}:{name}", "--json") == status
    assert json.loads(capsys.readouterr().out)["ok"] == (status == 0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nothing.py:f", "expected a file that exists"),
        ("mine.py", "expected path/to/file.py:name"),
        ("{path}:missing", "got 'missing', expected a function of"),
        ("{path}:bad_pair", "expected a pair (f, x)"),
        ("{folder}/no_x.py:f", "got f without a place to check it at"),
    ],
)
def test_command_says_what_is_missing(path, capsys, spec, message):
    (path.parent / "no_x.py").write_text("def f(x):\n    return x, x\n")
    assert command(spec.format(path=path, folder=path.parent)) == 2
    assert message in capsys.readouterr().err


MORE = """
import numpy as np

W, b = np.ones((2, 3)), np.arange(3.0)


def several(W, b):
    return (W @ b).sum(), b * np.ones((2, 1)), W.sum(axis=0)


def of_a_pair(u, v):
    return (u * v).sum(), (v, u)


of_a_pair_x = (np.ones(3), np.arange(3.0))


class Model:
    scale = 2.0

    def loss(self, x):
        return self.scale * (x**2).sum(), 2 * self.scale * x

    def wrong(self, x):
        return self.scale * (x**2).sum(), 2 * x


model, loss_x, wrong_x = Model(), np.arange(4.0), np.arange(4.0)


class Scale:
    def __init__(self, n=4):
        self.s = np.arange(1.0, n + 1)

    def forward(self, x):
        self.x = x
        return x * self.s

    def backward(self, dh):
        self.ds = (dh * self.x).sum(axis=0)
        return dh * self.s


class Needs(Scale):
    def __init__(self, n):
        super().__init__(n)


layer = Scale(3)
layer_x = np.ones((2, 3))
"""


@pytest.mark.parametrize(
    ("name", "options", "status"),
    [
        ("several", (), 0),
        ("of_a_pair", (), 0),
        ("model.loss", (), 0),
        ("Model.loss", (), 0),
        ("model.wrong", (), 1),
        ("Scale", ("--x", "5x4"), 0),
        ("Needs(3)", ("--x", "5x3"), 0),
        ("layer", (), 0),
        ("model.loss", ("--method", "central"), 0),
        ("model.loss", ("--x", "7"), 0),
    ],
)
def test_command_checks_methods_several_arguments_and_layers(tmp_path, capsys, name, options, status):
    (tmp_path / "more.py").write_text(MORE)
    assert command(f"{tmp_path}/more.py:{name}", *options, "--json") == status
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] == (status == 0) and len(found["rows"]) == 1 + (name.partition("(")[0] in LAYERS)
    assert ("central" in found["method"]) == ("central" in options)


LAYERS = ("several", "of_a_pair", "Scale", "Needs", "layer")


def test_command_checks_several_things_and_returns_the_worst_status(tmp_path, capsys):
    (tmp_path / "more.py").write_text(MORE)
    right, wrong = f"{tmp_path}/more.py:model.loss", f"{tmp_path}/more.py:model.wrong"
    assert command(right, wrong) == 1
    printed = capsys.readouterr().out
    assert right in printed and wrong in printed and printed.count("Gradient check") == 2
    assert command(right, f"{tmp_path}/more.py:Needs", "--x", "5x3") == 2
    assert "expected 'Needs(4, 3)' with its arguments" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command(right, "--x", "5by3")
    assert "expected whole numbers such as 5x4" in capsys.readouterr().err


def test_models_must_be_a_positive_number(capsys):
    with pytest.raises(SystemExit):
        command("--models", 0)
    assert "expected a whole number >= 1" in capsys.readouterr().err
