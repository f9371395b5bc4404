"""The script that compares engines: it says the same of the same bits, and sees a difference in the last one."""

import importlib.util

import numpy as np
import pytest

import npae
from benchmarks.robustness import engines


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(engines, "GRID", {"n_components": [3, 4]})
    monkeypatch.setattr(engines, "estimator", lambda: npae.Autoencoder(max_iter=2, random_state=0))


def test_equal_scores_are_said_to_be_the_same_bits(capsys):
    assert engines.main(["--only", "serial", "grid-serial"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert len(lines) == 2 and all("the same bits" in line for line in lines)
    assert len({line.split()[-4] for line in lines}) == 1


def test_a_difference_in_the_last_bit_is_seen(capsys, monkeypatch):
    other = ("other", lambda: np.nextafter(engines.swept(), np.inf), ())
    monkeypatch.setitem(engines.ENGINES, "mpi", other)
    assert engines.main(["--only", "serial", "mpi"]) == 1
    assert "DIFFERENT" in capsys.readouterr().out


def test_an_engine_that_is_not_there_is_no_success(capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert engines.main(["--only", "serial", "dask"]) == 1
    assert "distributed is not installed" in capsys.readouterr().out
