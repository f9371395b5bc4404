"""What a sweep has found: scores by setting and fold, what failed, what was lost and done again."""

import html
from dataclasses import dataclass, field

import numpy as np

from npae.system.printing import html_table, text_columns

HEAD = ("mean score", "std", "setting")


@dataclass(eq=False, repr=False)
class SweepResults:
    """The scores of S settings on F folds; higher is better.

    settings : the S settings of the grid, dicts from argument to value.
    scores, seconds : (S, F); NaN where a task failed.
    errors : {(setting, fold): what went wrong}.
    lost : one line for each run that a worker took with it when it died, with what became of the task.
    seed : the SeedSequence's entropy and spawn key, [entropy, spawn_key]: `random_state` for the same again.
    """

    settings: list
    scores: np.ndarray
    seconds: np.ndarray
    seed: list
    errors: dict = field(default_factory=dict)
    lost: list = field(default_factory=list)

    @property
    def mean_scores(self):
        """(S,) means over the folds; NaN for a setting that failed on one of them."""
        return self.scores.mean(axis=1)

    @property
    def std_scores(self):
        """(S,) standard deviations over the folds, with 1/F."""
        return self.scores.std(axis=1)

    @property
    def best_index(self):
        """The number of the setting with the highest mean; the first of equals. ValueError where every one failed."""
        if np.isnan(self.mean_scores).all():
            raise ValueError(f"SweepResults: got no setting with a score on every fold, errors {self.errors}")
        return int(np.nanargmax(self.mean_scores))

    @property
    def best_params(self):
        """The setting with the highest mean score: `estimator.set_params(**results.best_params)`."""
        return self.settings[self.best_index]

    @property
    def best_score(self):
        """The highest mean score."""
        return float(self.mean_scores[self.best_index])

    @property
    def rows(self):
        """A dict for each task, for a data frame: the arguments, 'fold', 'score', 'seconds', 'error'."""
        return [
            {**setting, "fold": k, "score": float(self.scores[s, k]), "seconds": float(self.seconds[s, k]),
             "error": self.errors.get((s, k))}
            for s, setting in enumerate(self.settings)
            for k in range(self.scores.shape[1])
        ]  # fmt: skip

    def _cells(self):
        means, stds = self.mean_scores, self.std_scores
        order = sorted(range(len(means)), key=lambda s: (np.isnan(means[s]), -means[s], s))
        return [(f"{means[s]:.6g}", f"{stds[s]:.4g}", words(self.settings[s])) for s in order]

    def _amiss(self):
        failed = [f"failed: {words(self.settings[s])}, fold {k}: {text}" for (s, k), text in self.errors.items()]
        return failed + self.lost

    def __str__(self):
        return "\n".join([*text_columns([HEAD, *self._cells()], ">><"), *self._amiss()])

    def _repr_html_(self):
        return html_table(HEAD, self._cells()) + "".join(f"<p>{html.escape(text)}</p>" for text in self._amiss())

    def __repr__(self):
        return f"<SweepResults of {len(self.settings)} settings on {self.scores.shape[1]} folds>"


def words(setting):
    """A setting on one line."""
    return ", ".join(f"{name}={value!r}" for name, value in setting.items()) or "the estimator as it is"
