"""The results of a sweep: scores by setting and fold, and their file, from which a killed sweep resumes."""

import html
import json
import os
import warnings
import zlib
from dataclasses import dataclass, field

import numpy as np

from npae.storage.signature import fingerprint
from npae.sweeping.grid import Outcome
from npae.system.files import check_writable, write_atomically
from npae.system.printing import html_table, text_columns

HEAD = ("mean score", "std", "setting")


@dataclass(eq=False, repr=False)
class SweepResults:
    """The scores of S settings, dicts {argument: value}, on F folds; higher is better.

    scores, seconds : (S, F); NaN for a task that failed. errors : {(setting, fold): message}. lost : a line for each
    run that ended with its worker. seed : [entropy, spawn key], a `random_state` that gives the same results.
    """

    settings: list
    scores: np.ndarray
    seconds: np.ndarray
    seed: list
    errors: dict = field(default_factory=dict)
    lost: list = field(default_factory=list)

    mean_scores = property(lambda self: self.scores.mean(axis=1), doc="(S,) means; NaN if a fold failed.")
    std_scores = property(lambda self: self.scores.std(axis=1), doc="(S,) standard deviations over folds, with 1/F.")
    best_params = property(lambda self: self.settings[self.best_index], doc="The setting with the highest mean score.")
    best_score = property(lambda self: float(self.mean_scores[self.best_index]), doc="The highest mean score.")

    @property
    def best_index(self):
        """The index of the setting with the highest mean, the first of equals; ValueError if every setting failed."""
        if np.isnan(self.mean_scores).all():
            raise ValueError(f"SweepResults: got no setting with a score on every fold, errors {self.errors}")
        return int(np.nanargmax(self.mean_scores))

    @property
    def rows(self):
        """A dict per task, for a data frame: the arguments, 'fold', 'score', 'seconds', 'error'."""
        return [
            {**self.settings[s], "fold": k, "score": float(score), "seconds": float(self.seconds[s, k]),
             "error": self.errors.get((s, k))} for (s, k), score in np.ndenumerate(self.scores)
        ]  # fmt: skip

    def _cells(self):
        means, stds = self.mean_scores, self.std_scores
        order = sorted(range(len(means)), key=lambda s: (np.isnan(means[s]), -means[s], s))
        return [(f"{means[s]:.6g}", f"{stds[s]:.4g}", on_one_line(self.settings[s])) for s in order]

    def _failures(self):
        errors = sorted(self.errors.items())
        return [f"failed: {on_one_line(self.settings[s])}, fold {k}: {text}" for (s, k), text in errors] + self.lost

    def __str__(self):
        return "\n".join([*text_columns([HEAD, *self._cells()], ">><"), *self._failures()])

    def _repr_html_(self):
        return html_table(HEAD, self._cells()) + "".join(f"<p>{html.escape(text)}</p>" for text in self._failures())

    def __repr__(self):
        return f"<SweepResults of {len(self.settings)} settings on {self.scores.shape[1]} folds>"


def on_one_line(setting):
    """Return a setting as text."""
    return ", ".join(f"{name}={value!r}" for name, value in setting.items()) or "the estimator as it is"


class Record:
    """The results in a file, new or from an earlier run.

    A line of JSON about the sweep, then one per task, each with a checksum; the file is written atomically. `done` maps
    a task's key to its Outcome, without the lost tasks; `seed` is the sweep's. Warns of damaged lines, whose tasks are
    done again. Raises ValueError if the file is not a results file.
    """

    def __init__(self, path):
        self.path = os.fspath(path)
        check_writable(self.path)
        if os.path.exists(self.path) and not os.path.isfile(self.path):
            raise ValueError(f"sweep: got path={self.path!r}, which is a pipe or a device; expected a file")
        with open(self.path if os.path.exists(self.path) else os.devnull, "rb") as file:
            lines = file.read().splitlines()
        parsed = [_values(line) for line in lines]
        if lines and "npae sweep" not in (parsed[0] or {}):
            raise ValueError(f"sweep: got path={self.path!r}, which is not a results file; expected one, or a new name")
        damaged = ", ".join(str(n) for n, values in enumerate(parsed, start=1) if values is None)
        if damaged:
            got = f"sweep: got {self.path!r} with damaged lines, number {damaged}"
            warnings.warn(f"{got}; their tasks are done again", stacklevel=3)
        self._lines = [line for line, values in zip(lines, parsed) if values]
        self.about, *rows = [values for values in parsed if values] or [{}]
        self.seed = self.about.get("seed")
        done = (row for row in rows if not row["lost"])
        self.done = {row["task"]: Outcome(row["score"], row["error"], row["seconds"]) for row in done}

    def begin(self, about):
        """Write the line about the sweep into a new file; ValueError if an old file is of another sweep."""
        about = json.loads(json.dumps({"npae sweep": 2, **about}))
        names = sorted({*self.about, *about} - {"versions"})
        differ = ", ".join(name for name in names if self.about and self.about.get(name) != about.get(name))
        if differ:
            got = f"sweep: got path={self.path!r} with the results of another sweep (different: {differ})"
            raise ValueError(f"{got}, expected the file of this sweep, or a new name")
        if not self.about:
            self._add(about)

    def add(self, task, outcome):
        """Add the line of a task; if that fails, as on a full disk, the file stays as it was. Raises OSError."""
        params = {name: fingerprint(value) for name, value in task.params.items()}
        self._add({"task": task.key, "params": params, "fold": task.fold, "seed": task.seed, **vars(outcome)})

    def _add(self, values):
        self._lines.append(json.dumps({**values, "crc32": _crc32(values)}, allow_nan=False).encode())
        write_atomically(self.path, b"\n".join([*self._lines, b""]))


def _crc32(values):
    return zlib.crc32(json.dumps(values).encode())


def _values(line):
    """Return the values of a line; None if it is damaged."""
    try:
        values = json.loads(line)
        return values if values.pop("crc32") == _crc32(values) else None
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
