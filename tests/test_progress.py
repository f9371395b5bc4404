"""Progress: tqdm's bar where someone looks on and tqdm is there, a line or lines otherwise, nothing for verbose=0."""

import io
import sys
import types

import numpy as np
import pytest

from npae import Autoencoder
from npae.generative import RBM
from npae.system.progress import ProgressBar, ProgressLine, progress_of, shown_progress
from optional_packages import import_or_skip


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, total=20):
    progress = progress_of("fit", total, stream)
    for done in range(1, total + 1):
        progress(done, f"loss {done}")
    progress.close()
    return type(progress), stream.getvalue()


def test_a_terminal_gets_tqdms_bar_to_its_end():
    import_or_skip("tqdm")
    kind, text = shown(Terminal())
    assert kind is ProgressBar and "fit: 100%" in text and "20/20" in text and "loss 20" in text


def test_without_tqdm_a_terminal_gets_one_line_that_rewrites_itself(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    kind, text = shown(Terminal())
    assert kind is ProgressLine and text.count("\n") == 1 and text.count("\r") == 20 and "20/20" in text


def test_a_file_gets_about_ten_plain_lines():
    kind, text = shown(io.StringIO(), total=200)
    assert kind is ProgressLine and text.count("\n") == 10 and "\r" not in text and "\x1b" not in text


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_a_notebook_without_widgets_gets_plain_text(monkeypatch, with_tqdm):
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.delitem(sys.modules, "ipywidgets", raising=False)
    if with_tqdm:
        import_or_skip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    kind, text = shown(io.StringIO())
    assert kind is (ProgressBar if with_tqdm else ProgressLine) and "20/20" in text and "\x1b[K" not in text


def test_nothing_is_shown_unless_asked_for_and_the_bar_ends_with_the_fit(capsys):
    x = np.random.default_rng(0).random((30, 4))
    for model in (Autoencoder(2, max_iter=3), RBM(2, max_iter=3)):
        model.fit(x)
        assert capsys.readouterr() == ("", "")
        model.set_params(verbose=1).fit(x)
        out = capsys.readouterr().out
        assert out.splitlines()[-1].startswith(f"{type(model).__name__}  3/3  loss ") and out.endswith("\n")
    with pytest.raises(KeyError), shown_progress("x", 3, True) as progress:
        raise KeyError(progress.label)


class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


class Bare:
    """Whatever people put for standard output."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_a_training_outlives_the_stream_of_its_progress(monkeypatch):
    closed, bare = io.StringIO(), Bare()
    closed.close()
    for stream in (None, closed, Full(), bare):
        monkeypatch.setattr(sys, "stdout", stream)
        model = Autoencoder(2, max_iter=2, verbose=1, random_state=0).fit(np.random.default_rng(0).random((9, 4)))
        monkeypatch.undo()
        assert model.n_iter_ == 2
    assert "2/2" in bare.text
