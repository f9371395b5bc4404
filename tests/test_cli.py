"""The command line, as a user meets it."""

import json
import subprocess
import sys

import pytest

import npae
from npae import cli


def run(*arguments, **kwargs):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "npae", *arguments], capture_output=True, text=True, timeout=300, **kwargs
    )


def test_help_and_version_load_no_matplotlib():
    code = (
        "import sys\nfrom npae.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit as stop: assert stop.code == 0\n"
        "assert not {'matplotlib', 'scipy', 'sklearn'} & set(sys.modules), 'loaded too much'"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for command in ("demo", "train", "transform", "reconstruct", "info", "gradcheck", "doctor"):
        assert command in done.stdout
    assert run("--version").stdout.strip() == f"npae {npae.__version__}"


def test_an_unknown_command_is_a_usage_error():
    done = run("train-all")
    assert done.returncode == 2
    assert "invalid choice" in done.stderr


@pytest.mark.parametrize("seed", ["-1", "x", "1.5"])
def test_a_seed_must_be_a_whole_number(seed, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", "--seed", seed])
    assert stop.value.code == 2
    assert "--seed" in capsys.readouterr().err


def test_demo_refuses_a_folder_that_does_not_exist_before_it_trains(tmp_path, capsys):
    assert cli.main(["demo", "--out", str(tmp_path / "none" / "page.html")]) == 2
    assert "expected a file in a folder that exists" in capsys.readouterr().err
    assert cli.main(["demo", "--out", str(tmp_path)]) == 2


@pytest.mark.parametrize("body", ["def f(x):\n    raise ZeroDivisionError('oh')\nx = [1.0]\n", "def f(x:\n"])
def test_a_file_that_fails_is_not_a_wrong_gradient(body, tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(body)
    assert cli.main(["gradcheck", f"{path}:f", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_negative_seed_is_refused_in_words(capsys):
    with pytest.raises(SystemExit):
        cli.main(["gradcheck", "--models", "1", "--seed", "-1"])
    assert "expected a whole number >= 0" in capsys.readouterr().err
