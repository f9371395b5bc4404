"""Fingerprints: user-defined parts are compared by fields, functions by code, in every process alike."""

import functools
import json
import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import npae
from npae.storage.signature import fingerprint
from npae.training.loop import train

X = npae.datasets.load_digits().data[:60]


def scaled(k):
    def loss(a, x):
        return k * 0.5 * ((a - x) ** 2).sum() / len(a), k * (a - x) / len(a)

    return loss


def with_factor(a, x, k=1.0):
    return scaled(k)(a, x)


class Loss:
    """A loss with a field."""

    def __init__(self, k):
        self.k = k

    def __call__(self, a, x):
        return scaled(self.k)(a, x)


class Slotted:
    """A part without a dict."""

    __slots__ = ("k",)

    def __init__(self, k):
        self.k = k


def circle(k):
    part = Loss(k)
    part.others = [part]
    return part


def recursive(k):
    def power(n):
        return k if n == 0 else k * power(n - 1)

    return power


PAIRS = {
    "closure": (scaled(1.0), scaled(2.0)),
    "constant": (lambda a: a * 1, lambda a: a * 2),
    "type of a constant": (lambda a: a * 1, lambda a: a * 1.0),
    "attribute of another name": (lambda a: a.min(), lambda a: a.max()),
    "nested code": (lambda a: [0 for _ in a], lambda a: [1 for _ in a]),
    "default": (lambda a, k=1: a * k, lambda a, k=2: a * k),
    "keyword default": (lambda a, *, k=1: a * k, lambda a, *, k=2: a * k),
    "field": (Loss(1.0), Loss(2.0)),
    "array": (Loss(np.ones(3)), Loss(np.zeros(3))),
    "array of objects": (Loss(np.array([1, None])), Loss(np.array([2, None]))),
    "dates": (Loss(np.array(["2020-01-01"], "M8[D]")), Loss(np.array(["2020-01-02"], "M8[D]"))),
    "function in a field": (Loss(scaled(1.0)), Loss(scaled(2.0))),
    "slot": (Slotted(1.0), Slotted(2.0)),
    "dict": (Loss({"k": 1}), Loss({"k": 2})),
    "set": (Loss({"a", "b"}), Loss({"a", "c"})),
    "long": (Loss([0] * 2000), Loss([0] * 1999 + [1])),
    "circle": (circle(1.0), circle(2.0)),
    "recursion": (recursive(1.0), recursive(2.0)),
    "partial": (functools.partial(with_factor, k=1.0), functools.partial(with_factor, k=2.0)),
    "bound method": (Loss(1.0).__call__, Loss(2.0).__call__),
    "cached": (functools.lru_cache(scaled(1.0)), functools.lru_cache(scaled(2.0))),
    "ufunc": (np.tanh, np.exp),
    "infinity": (Loss(np.inf), Loss(-np.inf)),
    "seeds": (np.random.SeedSequence(1), np.random.SeedSequence(2)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_parts_of_ones_own_that_differ_are_told_apart(name):
    one, other = PAIRS[name]
    assert json.dumps(fingerprint(one), allow_nan=False) != json.dumps(fingerprint(other), allow_nan=False)
    assert fingerprint(one) == fingerprint(one)


def test_the_methods_of_a_class_are_not_compared():
    one, other = (type("Part", (), {"value": eval(f"lambda self: {k}")})() for k in (1, 2))
    assert fingerprint(one) == fingerprint(other)


def test_a_part_of_the_package_is_called_by_its_public_name_so_that_its_file_may_move():
    assert fingerprint(npae.L1Sparsity(0.1))[0] == "npae.L1Sparsity"


def test_what_moves_on_and_what_cannot_be_pickled_is_described_by_its_class():
    assert fingerprint(Loss(threading.Lock())) == fingerprint(Loss(threading.Lock()))
    assert fingerprint(Loss(np.random.default_rng(0))) == fingerprint(Loss(np.random.default_rng(1)))
    assert fingerprint(Loss(x for x in "a")) == fingerprint(Loss(x for x in "b"))


@pytest.mark.slow
def test_the_description_is_the_same_in_every_process():
    code = (
        "import json, test_signature as t\n"
        "print(json.dumps([[t.fingerprint(part) for part in pair] for pair in t.PAIRS.values()]))"
    )
    texts = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", code]
        texts.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(texts) == 1 and " 0x" not in texts.pop()


@pytest.mark.parametrize("make", [scaled, Loss, lambda k: functools.partial(with_factor, k=k)])
def test_a_checkpoint_of_another_loss_of_ones_own_is_refused(tmp_path, make):
    def fit(loss):
        kept = npae.Checkpoint(tmp_path / "run.npz", epochs=1)
        return npae.Autoencoder(3, max_iter=2, random_state=0, loss=loss, callbacks=[kept]).fit(X)

    assert fit(make(1.0)).loss_curve_ == fit(make(1.0)).loss_curve_
    with pytest.raises(ValueError, match=r"of another run .*loss is"):
        fit(make(100.0))


def test_a_checkpoint_of_another_corruption_of_ones_own_is_refused(tmp_path):
    class Dimming:
        def __init__(self, by):
            self.by = by

        def corrupt(self, x, rng):
            return x * self.by

    def fit(by):
        kept = npae.Checkpoint(tmp_path / "run.npz", epochs=1)
        npae.Autoencoder(3, max_iter=1, random_state=0, corruption=Dimming(by), callbacks=[kept]).fit(X)

    fit(0.5)
    with pytest.raises(ValueError, match=r"of another run .*corruption is"):
        fit(0.25)


def test_a_checkpoint_of_a_bare_network_with_another_loss_is_refused(tmp_path):
    def go(loss):
        rng = np.random.default_rng(0)
        network = npae.Network([npae.Dense(64, 3, rng=rng)], [npae.Dense(3, 64, rng=rng)], loss=loss)
        step = npae.Adam().start(network.theta)
        train(network, X, step, rng=0, max_iter=1, callbacks=[npae.Checkpoint(tmp_path / "run.npz", epochs=1)])

    go(scaled(1.0))
    go(scaled(1.0))
    with pytest.raises(ValueError, match=r"of another run .*loss is"):
        go(scaled(2.0))


@pytest.mark.slow
def test_the_same_lambda_in_a_new_process_goes_on(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent("""
        import sys
        import npae

        X = npae.datasets.load_digits().data[:60]
        k = FACTOR
        loss = lambda a, x, k=k: (k * ((a - x) ** 2).sum() / len(a), 2 * k * (a - x) / len(a))
        kept = npae.Checkpoint("run.npz", epochs=1)
        fitted = npae.Autoencoder(3, max_iter=int(sys.argv[1]), random_state=0, loss=loss, callbacks=[kept]).fit(X)
        print(fitted.n_iter_, fitted.loss_curve_[0])
    """)
    )
    text = script.read_text()

    def run(epochs, factor):
        script.write_text(text.replace("FACTOR", factor))
        command = [sys.executable, str(script), str(epochs)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    first, second = run(1, "0.5").stdout.split(), run(3, "0.5").stdout.split()
    assert (first[0], second[0]) == ("1", "3") and first[1] == second[1]
    assert "of another run (loss is" in run(4, "5.0").stderr
