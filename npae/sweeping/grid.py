"""The tasks of a sweep: settings of the grid times folds of the data, each with its own seed."""

import hashlib
import itertools
import json
from dataclasses import dataclass, field

import numpy as np

from npae.base import random_state_names
from npae.storage.signature import fingerprint


@dataclass(frozen=True)
class Task:
    """One setting on one fold; `key` names both, and `seed` is drawn from it (None: the estimator has its own)."""

    setting: int
    fold: int
    params: dict = field(hash=False)
    key: str
    seed: int | None


@dataclass(frozen=True)
class Outcome:
    """The score of a task, or its error; lost: no worker could end it, so that a resumed sweep does it again."""

    score: float | None
    error: str | None
    seconds: float = 0.0
    lost: bool = False


def settings_of(grid):
    """Return the settings of {argument: values} or of a list of such: every combination, the last argument fastest."""
    grids = [grid] if isinstance(grid, dict) else grid
    if not isinstance(grids, (list, tuple)) or not all(isinstance(each, dict) for each in grids):
        raise TypeError(f"sweep: got grid={grid!r}, expected a dict {{argument: list of values}}, or a list of dicts")
    for name, values in (item for each in grids for item in each.items()):
        if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
            raise ValueError(f"sweep: got {values!r} for {name} in the grid, expected a list of at least one value")
    names = [sorted(each) for each in grids]
    return [dict(zip(k, v)) for k, g in zip(names, grids) for v in itertools.product(*(list(g[name]) for name in k))]


def tasks_of(estimator, settings, n_folds, root, every_seed):
    """Return the tasks in order. ValueError for settings that look the same.

    The seed of a task is drawn from the sweep's seed and from the setting and the fold. So it stays the same if the
    grid grows or its order changes, on any worker.
    """
    tasks, seen = list[Task](), dict[str, int]()
    for s, params in enumerate(settings):
        text = json.dumps({name: fingerprint(value) for name, value in params.items()}, sort_keys=True)
        if text in seen:
            got = f"sweep: got settings {seen[text]} and {s} that look the same, {text}"
            raise ValueError(f"{got}; expected each once, and user-defined parts that differ in their class or fields")
        seen[text] = s
        names = random_state_names(estimator, params, every=every_seed)
        for fold in range(n_folds):
            key = hashlib.sha256(f"{text} on fold {fold}".encode()).hexdigest()[:32]
            spawn_key = (*root.spawn_key, *(int(key[i : i + 8], 16) for i in range(0, 32, 8)))
            state = np.random.SeedSequence(root.entropy, spawn_key=spawn_key).generate_state(1)
            tasks.append(Task(s, fold, params, key, int(state[0]) if names else None))
    return tasks
