"""The command line on bad days: streams that are closed, folders that are gone, few letters, files of a user's."""

import json
import os
import subprocess
import sys

import pytest

from npae import cli
from npae.cli.streams import safe_stdio

MAIN = [sys.executable, "-W", "error", "-m", "npae"]


def run(*arguments, **kwargs):
    given = {"capture_output": True, "text": True, "timeout": 300} | kwargs
    return subprocess.run([*MAIN, *map(str, arguments)], **given)


def shell(command, folder, **variables):
    """A line for sh, in a folder, where `npae` is the command."""
    environment = os.environ | variables | {"PYTHON": sys.executable}
    environment.pop("PYTHONUNBUFFERED", None)  # a buffer that cannot be written would be lost silently
    command = f'npae() {{ "$PYTHON" -W error -m npae "$@"; }}; {command}'
    given = {"capture_output": True, "text": True, "timeout": 300}
    return subprocess.run(["sh", "-c", command], cwd=folder, env=environment, **given)


def one_line(text, *words):
    """Whether an error is one line, without a traceback, with the words in it."""
    assert len(text.splitlines()) == 1 and "Traceback" not in text, text
    assert all(word in text for word in words), text
    return True


@pytest.fixture
def model(tmp_path):
    """A small model file."""
    assert cli.main(["train", "--data", "digits", "--epochs", "1", "--out", str(tmp_path / "model.npz"), "--json"]) == 0
    return tmp_path / "model.npz"


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_costs_nothing_but_what_it_would_have_shown(tmp_path, closed):
    done = shell(f"npae train --data digits --epochs 1 --out model.npz {closed}", tmp_path)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert shell("npae info model.npz", tmp_path).stdout.startswith("Autoencoder(")


def test_a_full_disk_under_standard_output_is_said_and_is_no_success(model):
    if not os.path.exists("/dev/full"):
        pytest.fail("expected a system with /dev/full")
    done = shell(f"npae info {model} > /dev/full", model.parent)
    assert done.returncode == 2 and one_line(done.stderr, "npae info: ", "No space left on device")


def test_a_full_disk_under_standard_error_costs_what_it_would_have_shown(tmp_path):
    assert shell("npae info none.npz 2> /dev/full", tmp_path).returncode == 2


def test_the_reader_of_a_pipe_may_leave(model):
    done = shell("{ npae doctor --json; echo $? > status; } | true", model.parent)
    assert done.stderr == "" and (model.parent / "status").read_text().strip() in ("0", "141")


@pytest.mark.parametrize("command", ["train --data digits --epochs 1 --out m.npz", "demo --quick", "info m.npz"])
def test_a_folder_that_was_deleted_is_one_line(tmp_path, command):
    (tmp_path / "gone").mkdir()
    done = shell(f"rmdir ../gone && npae {command}", tmp_path / "gone")
    assert done.returncode == 2 and one_line(done.stderr, f"npae {command.split()[0]}: ")


ASCII = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.slow
def test_names_that_the_output_has_no_letters_for_are_written_by_number(tmp_path):
    done = shell("npae train --data digits --epochs 1 --out modèle.npz", tmp_path, **ASCII)
    assert done.returncode == 0 and "mod" in done.stdout and (tmp_path / "modèle.npz").exists()
    done = shell("npae info modèle.npz --json", tmp_path, **ASCII)
    assert json.loads(done.stdout)["ok"] and done.returncode == 0
    done = shell("npae info là.npz", tmp_path, **ASCII)
    assert done.returncode == 2 and one_line(done.stderr, "No such file")


def test_an_array_that_the_output_has_no_letters_for_is_written_by_number(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\ndef f(x):\n    return (x['β'] ** 2).sum(), {'β': 2 * x['β']}\nx = {'β': np.ones(3)}\n",
        encoding="utf-8",
    )
    done = shell("npae gradcheck mine.py:f", tmp_path, **ASCII)
    assert done.returncode == 0 and "\\u03b2" in done.stdout, done.stderr


@pytest.mark.slow
def test_a_page_is_written_where_latex_is_asked_for_and_not_there(tmp_path, monkeypatch):
    """A page with one figure, with usetex in the user's matplotlibrc and no LaTeX to be found."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\n")
    code = (
        "import types, matplotlib, npae.report as report\nfrom npae.plots.style import curves\n"
        "from npae.experiments.family import FamilyRun\n"
        "assert matplotlib.rcParams['text.usetex']\n"
        "drawing = lambda: curves({'a': ([0, 1], [0, 1])}, xlabel='x', ylabel='y')[0]\n"
        "drawn = lambda run: ('title', [report.page.figure(drawing(), '')])\n"
        "report.section_modules = lambda: [types.SimpleNamespace(__name__='drawn', build=drawn)]\n"
        "report.write_report(FamilyRun(), 'page.html')\n"
    )
    environment = os.environ | {"MATPLOTLIBRC": str(tmp_path), "PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment,
                          timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "<img" in (tmp_path / "page.html").read_text(encoding="utf-8")


def check(tmp_path, body, *more):
    (tmp_path / "mine.py").write_text(f"import numpy as np\nx = np.ones(3)\n{body}")
    return run("gradcheck", f"{tmp_path}/mine.py:f", *more)


def test_a_print_of_the_users_does_not_spoil_the_json(tmp_path):
    done = check(
        tmp_path, "print('hello')\ndef f(x):\n    print('once more')\n    return (x ** 2).sum(), 2 * x\n", "--json"
    )
    assert json.loads(done.stdout)["ok"] is True and "once more" in done.stderr


@pytest.mark.parametrize(
    "body", ["import sys\nsys.exit(0)\n", "def f(x):\n    import sys\n    sys.exit(0)\n", "exit()\n"]
)
def test_a_file_that_leaves_is_not_a_right_gradient(tmp_path, body):
    done = check(tmp_path, body)
    assert done.returncode == 2 and "called sys.exit(" in done.stderr and "mine.py" in done.stderr
    assert json.loads(check(tmp_path, body, "--json").stdout)["ok"] is False


def test_what_the_users_code_raises_is_shown_from_its_first_line_on(tmp_path):
    body = "def g(x):\n    raise ValueError('too small')\ndef f(x):\n    return g(x), x\n"
    done = check(tmp_path, body)
    assert done.returncode == 2 and "in g" in done.stderr and "engine.py" not in done.stderr
    assert done.stderr.splitlines()[-1] == "npae gradcheck: too small"
    found = json.loads(check(tmp_path, body, "--json").stdout)
    assert found["error"] == "too small" and "in g" in found["traceback"]


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        ("GeneratorExit", "GeneratorExit"),
        ("MemoryError", "MemoryError"),
        ("ValueError('one\\nline')", "one line"),
        ("type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()", "Mute"),
    ],
)
def test_whatever_the_users_code_raises_is_no_wrong_gradient(tmp_path, capsys, raised, words):
    (tmp_path / "mine.py").write_text(f"x = [1.0]\ndef f(x):\n    raise {raised}\n")
    for more in ([], ["--json"]):
        assert cli.main(["gradcheck", f"{tmp_path}/mine.py:f", *more]) == 2
        out, err = capsys.readouterr()
        assert (json.loads(out)["error"] if more else err.splitlines()[-1].removeprefix("npae gradcheck: ")) == words


def test_a_stream_that_the_users_code_has_closed_is_status_2(tmp_path):
    done = check(tmp_path, "def f(x):\n    import sys\n    sys.stdout.close()\n    return (x ** 2).sum(), 2 * x\n")
    assert done.returncode == 2 and one_line(done.stderr, "npae gradcheck: ", "closed")


def test_what_this_package_says_of_the_users_code_is_one_line(tmp_path):
    done = check(tmp_path, "def f(x):\n    return 'no pair'\n")
    assert done.returncode == 2 and one_line(done.stderr, "npae gradcheck: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["info", "none.npz"], ["none.npz", "No such file"]),
        (["info", "text.npz"], ["text.npz"]),
        (["train", "--data", "none.npy", "--out", "m.npz"], ["none.npy", "expected a file that exists"]),
        (["train", "--data", "digits", "--out", "none/m.npz"], ["expected a file in a folder that exists"]),
        (["train", "--data", "digits", "--out", "m.npz", "--activation", "sinus"], ["sinus"]),
        (["transform", "model.npz", "--data", "digits", "--out", "codes.xls"], [".npy, .npz, .csv"]),
        (["transform", "model.npz", "--data", "mnist", "--out", "codes.npy"], ["784 features", "64 features"]),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(model, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(model.parent)
    (model.parent / "text.npz").write_text("no model")
    for more in ([], ["--json"]):
        capsys.readouterr()
        status = cli.main([*arguments, *more])
        out, err = capsys.readouterr()
        assert status == 2
        if more:
            found = json.loads(out)
            assert found["ok"] is False and one_line(found["error"], *words) and err == ""
        else:
            assert one_line(err, f"npae {arguments[0]}: ", *words) and out == ""


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("--optimizer", "adam=-1", "got 'adam=-1': Adam: got lr=-1.0"),
        ("--penalty", "l2=1", "expected one of decay, l1, kl, contractive"),
        ("--penalty", "kl", "got 'kl': "),
        ("--corruption", "masking=x", "got 'masking=x': "),
        ("--hidden", "5;4", "expected whole numbers"),
        ("--size", "28", "expected"),
        ("--epochs", "0", "expected a whole number >= 1"),
    ],
)
def test_an_argument_that_is_none_is_a_usage_error(argument, value, words, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "--data", "digits", "--out", "m.npz", argument, value])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and one_line(err, "npae train: ", argument, words, "npae train --help")


@pytest.mark.parametrize("arguments", [["train", "--epochs", "x"], ["info"], ["nonsense"], ["info", "m.npz", "--what"]])
def test_a_usage_error_is_in_the_json_too(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([*arguments, "--json"])
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert stop.value.code == 2 and found["ok"] is False and one_line(found["error"], "--help") and err == ""


@pytest.mark.parametrize("name", ["", "none/", "model.npz/"])
def test_a_name_that_is_no_files_is_known_before_anything_is_read(model, monkeypatch, capsys, name):
    monkeypatch.chdir(model.parent)
    assert cli.main(["train", "--data", "none.npy", "--out", name, "--quiet"]) == 2
    assert one_line(capsys.readouterr().err, "--out") and os.listdir() == ["model.npz"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--data", "X.npy", "--out", "link.npy"],
        ["train", "--data", "digits", "--out", "new.npz", "--checkpoint", "./new.npz"],
        ["transform", "model.npz", "--data", "X.npy", "--out", "./model.npz"],
        ["reconstruct", "model.npz", "--data", "X.npy", "--out", "X.npy"],
    ],
)
def test_what_is_read_is_not_written_over(model, monkeypatch, capsys, arguments):
    monkeypatch.chdir(model.parent)
    (model.parent / "X.npy").write_bytes(b"years of work")
    (model.parent / "link.npy").symlink_to("X.npy")
    before = model.read_bytes()
    assert cli.main(arguments) == 2 and one_line(capsys.readouterr().err, "which would replace it")
    assert (model.parent / "X.npy").read_bytes() == b"years of work" and model.read_bytes() == before


def test_a_training_that_diverges_is_status_1_and_leaves_no_file(tmp_path, capsys):
    arguments = ["train", "--data", "digits", "--out", str(tmp_path / "m.npz"), "--activation", "relu", "--optimizer",
                 "sgd=1e6", "--quiet"]  # fmt: skip
    assert cli.main(arguments) == 1
    err = capsys.readouterr().err
    assert one_line(err, "npae train: training diverged") and not list(tmp_path.iterdir())
    assert err.endswith("weaker penalties.\n"), "nothing is said of weights, which are in no file"


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_in_a_training_is_status_130_and_leaves_no_file(tmp_path, capsys, monkeypatch, as_json):
    import npae

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(npae.Network, "_value_and_grad", interrupted)
    arguments = ["train", "--data", "digits", "--out", str(tmp_path / "m.npz"), "--json" if as_json else "--quiet"]
    assert cli.main(arguments) == 130 and not list(tmp_path.iterdir())
    out, err = capsys.readouterr()
    if as_json:
        assert json.loads(out) == {"ok": False, "error": "interrupted"} and not err
    else:
        assert err == "\nnpae train: interrupted\n" and not out


def test_streams_are_those_of_before_when_the_command_is_done(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with safe_stdio():
        print("to nobody")
    assert sys.stdout is None


def test_a_layer_may_have_arguments_by_name_and_be_a_dataclass(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n\n@dataclass\nclass Scaled:\n"
        "    n: int\n    scale: float = 1.0\n\n    def forward(self, x):\n        return self.scale * x\n\n"
        "    def backward(self, dh):\n        return self.n * dh\n"
    )
    assert cli.main(["gradcheck", f"{tmp_path}/mine.py:Scaled(2, scale=2.0)", "--x", "5x4"]) == 0
    assert cli.main(["gradcheck", f"{tmp_path}/mine.py:Scaled(3, scale=2.0)", "--x", "5x4"]) == 1
    assert cli.main(["gradcheck", f"{tmp_path}/mine.py:Scaled(3, size=2.0)", "--x", "5x4"]) == 2
    assert "unexpected keyword argument 'size'" in capsys.readouterr().err
