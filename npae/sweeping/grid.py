"""The tasks of a sweep: settings of the grid times folds of the data, each with its own seed."""

import hashlib
import itertools
import json

import numpy as np

from npae.base import random_state_names
from npae.storage.signature import fingerprint
from npae.sweeping.job import Task


def settings_of(grid):
    """Return the settings of {argument: values} or of a list of such: every combination, the last argument fastest."""
    grids = [grid] if isinstance(grid, dict) else grid
    if not isinstance(grids, (list, tuple)) or not all(isinstance(each, dict) for each in grids):
        raise TypeError(f"sweep: got grid={grid!r}, expected a dict {{argument: list of values}}, or a list of dicts")
    for name, values in (item for each in grids for item in each.items()):
        if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
            raise ValueError(f"sweep: got {values!r} for {name} in the grid, expected a list of at least one value")
    return [
        dict(zip(sorted(each), values))
        for each in grids
        for values in itertools.product(*(list(each[name]) for name in sorted(each)))
    ]


def folds_of(cv, X, y, rng):
    """Return the folds as a list of (train, test), arrays of row numbers; cv as for `npae.sweep`."""
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if isinstance(cv, (int, np.integer)) and not isinstance(cv, bool):
        if not 2 <= cv <= n:
            raise ValueError(f"sweep: got cv={cv} for {n} samples, expected a number of folds in [2, {n}]")
        parts = np.array_split(np.arange(n), cv)
        return [(np.concatenate(parts[:i] + parts[i + 1 :]), parts[i]) for i in range(cv)]
    if isinstance(cv, (float, np.floating)):
        held = round(float(cv) * n) if 0 < cv < 1 else 0
        if not 1 <= held < n:
            raise ValueError(f"sweep: got cv={cv!r} for {n} samples, expected a fraction with samples on both sides")
        order = rng.permutation(n)
        return [(order[held:], order[:held])]
    if not hasattr(cv, "split") and not np.iterable(cv):
        raise TypeError(f"sweep: got cv={cv!r}, expected a number, a fraction, pairs of row numbers or a splitter")
    pairs = list(cv.split(X, y) if hasattr(cv, "split") else cv)
    if not pairs or not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise ValueError("sweep: got a cv that gives no pairs (train, test), expected at least one")
    return [(_numbers(train, n), _numbers(test, n)) for train, test in pairs]


def _numbers(rows, n):
    rows = np.asarray(rows)
    rows = np.flatnonzero(rows) if rows.dtype == bool and rows.shape == (n,) else rows
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows) or rows.min() < -n or rows.max() >= n:
        got = f"a fold of dtype {rows.dtype} and shape {rows.shape}"
        raise ValueError(f"sweep: got {got}, expected row numbers below {n}")
    return rows


def tasks_of(estimator, settings, n_folds, root, every_seed):
    """Return the tasks in order. ValueError for settings that cannot be told apart.

    The seed of a task is drawn from the sweep's seed and from the setting and the fold. So it stays the same if the
    grid grows or its order changes, on any worker.
    """
    tasks: list[Task] = []
    seen: dict[str, int] = {}
    for s, params in enumerate(settings):
        text = json.dumps({name: fingerprint(value) for name, value in params.items()}, sort_keys=True)
        if text in seen:
            raise ValueError(
                f"sweep: got settings {seen[text]} and {s} that look the same, {text}; expected each once, and "
                "user-defined parts that differ in their class or fields"
            )
        seen[text] = s
        names = random_state_names(estimator, params, every=every_seed)
        for fold in range(n_folds):
            key = hashlib.sha256(f"{text} on fold {fold}".encode()).hexdigest()[:32]
            spawn_key = (*root.spawn_key, *(int(key[i : i + 8], 16) for i in range(0, 32, 8)))
            state = np.random.SeedSequence(root.entropy, spawn_key=spawn_key).generate_state(1)
            tasks.append(Task(s, fold, params, key, int(state[0]) if names else None))
    return tasks
