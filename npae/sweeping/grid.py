"""What there is to do: the settings of a grid, the folds of the data; for each pair a task with a seed of its own."""

import hashlib
import itertools
import json

import numpy as np

from npae.storage.signature import fingerprint
from npae.sweeping.job import Task, seeded


def settings_of(grid):
    """The settings of {argument: values} or of a list of such: every combination, the last argument in front."""
    grids = [grid] if isinstance(grid, dict) else grid
    if not isinstance(grids, (list, tuple)) or not all(isinstance(each, dict) for each in grids):
        raise TypeError(
            f"sweep: got grid={grid!r}, expected a dict from arguments to lists of values, or a list of dicts"
        )
    for each in grids:
        for name, values in each.items():
            if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
                raise ValueError(f"sweep: got {values!r} for {name} in the grid, expected a list of at least one value")
    return [
        dict(zip(sorted(each), values))
        for each in grids
        for values in itertools.product(*(list(each[name]) for name in sorted(each)))
    ]


def folds_of(cv, X, y, rng):
    """The folds as a list of (train, test), arrays of row numbers.

    cv: k for k consecutive folds, the first N mod k of them one longer; a fraction in (0, 1) of the samples, held out
    once at random; an object with split(X, y), as scikit-learn has them; or pairs of row numbers (or masks).
    """
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
        raise ValueError(
            f"sweep: got a fold of dtype {rows.dtype} and shape {rows.shape}, expected row numbers below {n}"
        )
    return rows


def tasks_of(estimator, settings, n_folds, root, all_seeded):
    """The tasks in order, one for each setting on each fold.

    The seed of a task is drawn from the sweep's and from what the task is, not from its place: it stays the same when
    the grid grows, when the order changes, on any worker. Raises ValueError for settings that look the same.
    """
    tasks: list[Task] = []
    seen: dict[str, int] = {}
    for s, params in enumerate(settings):
        text = json.dumps({name: described(value) for name, value in params.items()}, sort_keys=True)
        if text in seen:
            raise ValueError(
                f"sweep: got settings {seen[text]} and {s} that look the same, {text}; expected each once, and "
                "parts of your own with fields or code by which they can be told apart"
            )
        seen[text] = s
        names = seeded(estimator, params, all_of_them=all_seeded)
        for fold in range(n_folds):
            key = hashlib.sha256(f"{text} on fold {fold}".encode()).hexdigest()[:32]
            spawn_key = (*root.spawn_key, *(int(key[i : i + 8], 16) for i in range(0, 32, 8)))
            state = np.random.SeedSequence(root.entropy, spawn_key=spawn_key).generate_state(1)
            tasks.append(Task(len(tasks), s, fold, params, key, int(state[0]) if names else None))
    return tasks


def described(value):
    """`fingerprint` of a value, and of an estimator its class and its arguments."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        return [name, {key: described(each) for key, each in sorted(value.get_params(deep=False).items())}]
    if isinstance(value, (list, tuple)):
        return [described(each) for each in value]
    if isinstance(value, dict):
        return {str(key): described(each) for key, each in value.items()}
    return fingerprint(value)
