"""The results of a sweep: scores by setting and fold, errors, and tasks whose worker died."""

import html
import warnings
from dataclasses import dataclass, field

import numpy as np

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
        S, F = self.scores.shape
        return [
            {**self.settings[s], "fold": k, "score": float(self.scores[s, k]), "seconds": float(self.seconds[s, k]),
             "error": self.errors.get((s, k))} for s in range(S) for k in range(F)
        ]  # fmt: skip

    def add(self, task, outcome):
        """Enter the outcome of a task."""
        where = task.setting, task.fold
        self.seconds[where] = outcome.seconds
        if outcome.error is None:
            self.scores[where] = outcome.score
        else:
            self.errors[where] = outcome.error

    def add_lost(self, task, error):
        """Enter a task that is begun again because its worker may have died."""
        self.lost.append(f"lost and begun again: {on_one_line(task.params)}, fold {task.fold}: {error}")

    def best_so_far(self):
        """Return the best setting with scores on all folds as text, for the progress."""
        done = ~np.isnan(self.mean_scores)
        return f"best {self.best_score:.6g}: {on_one_line(self.best_params)}" if done.any() else ""

    def warn_of_errors(self):
        """Warn of the failed tasks; RuntimeError if all failed."""
        if self.errors:
            (s, k), text = min(self.errors.items())
            n = self.scores.size
            first = f"the first at {on_one_line(self.settings[s])}, fold {k}: {text}"
            if len(self.errors) == self.scores.size:
                raise RuntimeError(f"sweep: all {n} tasks failed, {first}")
            warnings.warn(f"sweep: {len(self.errors)} of {n} tasks failed, {first}", stacklevel=3)

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
