"""How long a check takes: of every layer of the cases, and of 20,000 numbers, right and wrong."""

import statistics
import time

import numpy as np

from benchmarks.robustness.checker import layers
from npae.gradcheck import check_gradient, check_layer


def seconds(check, repeats):
    """The median duration of a call."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        check()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main():
    """Print a table."""
    each, numbers = {}, {}
    for name, (make, x, _) in layers.CASES.items():
        numbers[name] = sum(row.checked for row in check_layer(make(), x).rows)
        each[name] = seconds(lambda make=make, x=x: check_layer(make(), x), 9)
    print("| check_layer | numbers | ms |\n|---|---|---|")
    for name in sorted(each, key=each.get):
        print(f"| {name} | {numbers[name]} | {1e3 * each[name]:.1f} |")
    print(f"median of {len(each)}: {1e3 * statistics.median(each.values()):.1f} ms\n")
    for name, wrong in WRONG.items():
        taken = seconds(lambda wrong=wrong: check_gradient(lambda p: _network(p, wrong), POINT), 3)
        print(f"check_gradient, {sum(part.size for part in POINT.values()):,} numbers, {name}: {taken:.2f} s")


rng = np.random.default_rng(0)
X = rng.standard_normal((32, 100))
POINT = {
    "W": rng.standard_normal((100, 98)) / 10,
    "b": rng.standard_normal(98),
    "V": rng.standard_normal((98, 100)) / 10,
}


def _entry(g):
    g["V"][17, 31] *= 1.1
    return g


WRONG = {
    "right": lambda g: g,
    "one entry wrong": _entry,
    "one array transposed": lambda g: g | {"W": g["W"].reshape(98, 100).T.copy()},
    "all twice": lambda g: {name: 2 * part for name, part in g.items()},
}


def _network(p, wrong):
    h = np.tanh(X @ p["W"] + p["b"])
    r = h @ p["V"] - X
    dh = r @ p["V"].T * (1 - h * h)
    return (r * r).sum() / 2, wrong({"W": X.T @ dh, "b": dh.sum(axis=0), "V": h.T @ r})
