"""Callbacks: frozen records that `fit` and `train` take as `callbacks`.

A callback is any callable (network, history); the training ends if it returns True. Or it is a record with
`start(run)`, which returns such a callable for one training; `run` is the `npae.training.run.Run`. The returned object
may also have `after_step()`, called after each step of the optimizer, and `end()`, called at the end of the training
unless it was interrupted. The record does not change, so that it can be printed, compared and cloned.
"""

import math
from dataclasses import dataclass

from npae.validation import check_number


@dataclass(frozen=True)
class EarlyStopping:
    """End the training when history[monitor] has not fallen below (1 - tol) x its best for `patience` epochs.

    monitor: 'validation_loss' (fit(early_stopping=True) holds samples out for it), 'loss', or another list of the
    history that should fall. It looks at the history alone, so that a resumed run ends where it would have. Prechelt
    (1998), Early stopping, but when? Raises ValueError for patience below 1, tol below 0, and, after the first epoch,
    for a monitor that is not there.
    """

    monitor: str = "validation_loss"
    patience: int = 10
    tol: float = 0.0

    def __post_init__(self):
        check_number(self.patience, "patience", "EarlyStopping", low=1, integer=True)
        check_number(self.tol, "tol", "EarlyStopping")

    def start(self, run):
        """Return a callable that returns True to end the training."""

        def on_epoch_end(network, history):
            if self.monitor not in history:
                raise ValueError(f"EarlyStopping: got monitor={self.monitor!r}, expected one of {sorted(history)}")
            best, last_gain, values = math.inf, 0, history[self.monitor][-run.epoch :]
            for epoch, value in enumerate(values, start=1):
                if not math.isfinite(best) or value < best - self.tol * abs(best):
                    last_gain = epoch if value < best else last_gain  # not where it is NaN
                best = min(best, value)
            return len(values) - last_gain >= self.patience

        return on_epoch_end
