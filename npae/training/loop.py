"""Minibatch training: what happens between the first weights and the last.

`train` knows a network, an optimizer's step and an array; the estimators dress it.
"""

import time
import warnings

import numpy as np

from npae.system.interrupts import check_ended, interrupts_raise
from npae.training.rows import Rows
from npae.training.run import DivergenceError, Run
from npae.training.streams import streams
from npae.validation import check_number


class TrainingInterrupted(UserWarning):
    """Ctrl-C ended the training; what was learned is kept."""


def train(
    network,
    X,
    step,
    history=None,
    *,
    target=None,
    batch_size=128,
    max_iter=100,
    rng=None,
    shuffle_rng=None,
    noise_rng=None,
    corruption=None,
    tol=0.0,
    n_iter_no_change=None,
    X_validation=None,
    callbacks=(),
    progress=None,
    estimator=None,
    resumable=True,
):
    """Minimize the network's objective over X (N, D) by minibatches; returns `history`, lists that grow by the epoch.

        history = train(network, X, Adam(Cosine(1e-2, 100 * 12)).start(network.theta), batch_size=100, rng=0)

    An epoch visits every sample once in a new order, in ceil(N / batch_size) steps, against its row of `target` (or
    itself); a corruption draws new noise for each visit. Order and noise draw from streams of their own, seeded by
    `rng` where they are not given as `shuffle_rng` and `noise_rng`. X may be `npae.training.rows.Rows`, which say how
    it is read, and are taken as checked. A penalty that has `after_step()` is told after each step.

    history: "loss" is the mean objective over the epoch's minibatches; "reconstruction" and the penalties' names its
    terms; "seconds" the time since the beginning; "validation_loss" the objective on X_validation, with the same noise
    every time; "gradient_norm" that of the last minibatch; "learning_rate" that of the next step. NaN stands where an
    epoch has no such number.

    Training ends after `max_iter` epochs; when the monitored loss (validation if there is one) has not fallen below
    (1 - tol) x its best for `n_iter_no_change` epochs; when a callback, called as callback(network, history) after each
    epoch, returns True; or by Ctrl-C, with a TrainingInterrupted warning (see `npae.raise_interrupts`). With
    X_validation the best weights are put back at the end. `step` is any step(grad) that moves network.theta,
    `corruption` whatever has corrupt(x, rng) -> x~, `progress` a call (epoch, text). A callback may be a record with
    `start(run)`, which returns what is called: see `npae.training.callbacks`. Only where `resumable` a
    `npae.Checkpoint` puts
    the training back to where a killed one was.

    Raises DivergenceError when the objective is not finite, or 10,000 times as large as both that of the first weights
    and the data, with the best epoch's weights put back; ValueError or TypeError for an X or target
    that does not fit the network, and for an x~ that does not have x's shape.
    """
    for name, value in (("batch_size", batch_size), ("max_iter", max_iter)):
        check_number(value, name, "train", low=1, integer=True)
    X = _rows(network, X, target)
    X_validation = X_validation if X_validation is None else _rows(network, X_validation)
    order_rng, other_rng = streams(rng, 2)
    run = Run(
        network, X, step, {} if history is None else history,
        batch_size=batch_size, shuffle_rng=shuffle_rng or order_rng, noise_rng=noise_rng or other_rng,
        corruption=corruption, rows_validation=X_validation, tol=tol, estimator=estimator, resumable=resumable,
    )  # fmt: skip
    callbacks = [each.start(run) if hasattr(each, "start") else each for each in callbacks]
    hooks = [each.after_step for each in callbacks if hasattr(each, "after_step")]
    start = time.perf_counter() - (run.history["seconds"][-1] if run.history["seconds"] else 0.0)
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # reported below, in words
            while not run.finished and run.epoch < max_iter and not run.stuck(n_iter_no_change):
                check_ended()
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
        warnings.warn(
            f"training interrupted in epoch {len(run.history['loss']) + 1}: the weights learned so far are kept",
            TrainingInterrupted,
            stacklevel=2 if estimator is None else 4,
        )
    if X_validation is not None or not np.isfinite(network.theta.sum()):
        network.theta = run.best_theta
    return run.history


def _rows(network, X, target=None):
    if isinstance(X, Rows):
        return X
    X, checked = network._check_batch(X, target)
    return Rows(X, network.theta.dtype, target=None if target is None else checked)
