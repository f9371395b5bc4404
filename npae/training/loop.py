"""Minibatch training of any network: epochs until a limit, a callback or Ctrl-C ends them."""

import time
import warnings

import numpy as np

from npae.system.interrupts import interrupts_raise
from npae.training.rows import Rows
from npae.training.run import DivergenceError, Run
from npae.validation import check_number


class TrainingInterrupted(UserWarning):
    """Ctrl-C ended the training; the weights learned so far are kept."""


def train(network, X, step, *, target=None, X_validation=None, max_iter=100, callbacks=(), progress=None, **options):
    """Minimize the network's objective over X (N, D) by minibatches; return the history, lists that grow per epoch.

        history = train(network, X, Adam(Cosine(1e-2, 100 * 12)).start(network.theta), batch_size=100, rng=0)

    `step` is any step(grad) that moves network.theta; max_iter is the number of epochs. target and X_validation are
    arrays like X, or None. `callbacks`, `progress` and the end of the training are those of `continue_training`.
    options: `batch_size`, `rng`, `corruption`, `tol`, `n_iter_no_change` and `history`, as for
    `npae.training.run.Run`, which describes the history.

    Raises DivergenceError if the objective is not finite, or 10,000 times as large as both that of the first weights
    and the data, with the best epoch's weights put back; ValueError or TypeError for an X or target that does not fit
    the network, and for an x~ that does not have x's shape.
    """
    rows = checked_rows(network, X, target)
    held_out = None if X_validation is None else checked_rows(network, X_validation)
    run = Run(network, rows, step, rows_validation=held_out, **options)
    return continue_training(run, max_iter, callbacks, progress)


def continue_training(run, max_iter, callbacks=(), progress=None):
    """Train from where a `Run` is until it has done max_iter epochs; return its history.

    The training also ends when the monitored loss has stalled (`Run.stalled`), when a callback, called as
    callback(network, history) after each epoch, returns True, or by Ctrl-C, with a TrainingInterrupted warning (see
    `npae.raise_interrupts`). With validation samples the best weights are put back at the end. A callback may be a
    record with `start(run)`, which returns the callable: see `npae.training.callbacks`. progress: a call (epoch, text).
    """
    check_number(max_iter, "max_iter", "train", low=1, integer=True)
    network = run.network
    callbacks = [each.start(run) if hasattr(each, "start") else each for each in callbacks]
    hooks = [each.after_step for each in callbacks if hasattr(each, "after_step")]
    start = time.perf_counter() - (run.history["seconds"][-1] if run.history["seconds"] else 0.0)
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # DivergenceError reports them
            while not run.finished and run.epoch < max_iter and not run.stalled():
                row = run.one_epoch(hooks)
                run.close_epoch(row | {"seconds": time.perf_counter() - start})
                if progress:
                    progress(run.epoch, f"loss {row['loss']:.6g}")
                answers = [callback(network, run.history) for callback in callbacks]
                run.finished = any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers)
            for callback in callbacks:
                if hasattr(callback, "end"):
                    callback.end()
    except DivergenceError:
        network.theta = run.best_theta
        raise
    except KeyboardInterrupt:
        run.align_history()
        if interrupts_raise():
            raise
        message = f"training interrupted in epoch {len(run.history['loss']) + 1}: the weights learned so far are kept"
        warnings.warn(message, TrainingInterrupted, stacklevel=3 if run.estimator is None else 4)
    if run.rows_validation is not None or not np.isfinite(network.theta.sum()):
        network.theta = run.best_theta
    return run.history


def checked_rows(network, X, target=None):
    """Return X and target, checked by the network, as Rows; Rows as they are."""
    if isinstance(X, Rows):
        return X
    X, checked = network._check_batch(X, target)
    return Rows(X, network.theta.dtype, target=None if target is None else checked)
