"""The sweep: every setting of a grid on every fold, on any executor of concurrent.futures."""

import itertools
import platform
import warnings

import numpy as np

from npae.base import clone, folds_of, n_samples, scorer_of
from npae.objective.user_defined import is_user_defined
from npae.storage.signature import fingerprint
from npae.sweeping.grid import settings_of, tasks_of
from npae.sweeping.results import Record, SweepResults, on_one_line
from npae.sweeping.workers import Job, run_tasks
from npae.system.interrupts import raise_interrupts
from npae.system.progress import shown_progress
from npae.threads import one_blas_thread, warn_of_threads
from npae.training.rows import digest, digest_of_data, is_out_of_core
from npae.training.streams import seed_sequence
from npae.validation import check_array, check_number


def sweep(
    estimator, grid, X, *, y=None, cv=3, scoring=None, executor=None, random_state=None, path=None, retries=2, verbose=0
):
    """Fit and score an estimator at every setting of a grid on every fold; return a SweepResults.

        results = npae.sweep(Autoencoder(), {"n_components": [8, 16], "optimizer__lr": [1e-3, 1e-2]}, X, random_state=0)
        results.best_params

    estimator : an npae estimator, or any with get_params, set_params, fit and score; it is not changed.
    grid : {argument: list of values}, or a list of such; nested arguments by 'optimizer__lr'.
    X, y : (N, D) and None or (N,): arrays, frames or out-of-core data. A memmap is sent to workers by its file name.
    cv : k consecutive folds; a fraction to hold out once; a splitter with split(X, y); or pairs of row numbers.
    scoring : (fitted estimator, X, y) -> number, without y if y is None; the name of a scikit-learn scorer; or None for
        `estimator.score`. Higher is better.
    executor : None for this process; ProcessPoolExecutor(2); client.get_executor() of Dask; MPIPoolExecutor(); any
        other executor of concurrent.futures. Scores are equal bit for bit, because every task has its own seed, drawn
        from the random state, the setting and the fold, and because BLAS has one thread.
    random_state : with None an estimator keeps its own random_state, as in GridSearchCV.
    path : a results file, one line of JSON per task. A later call with the same path skips the tasks in it, also if the
        grid has grown; the file of another sweep is refused. Methods of user-defined classes are not compared.
    retries : how many new pools replace a ProcessPoolExecutor that breaks because a worker died.
    verbose : 1 for progress.

    An exception in a fit is in `results.errors`, with a warning; a dead worker is in `results.lost`. Ctrl-C ends the
    sweep at once (in threads after the running tasks), with the results so far in the file. Raises TypeError or
    ValueError for arguments that do not fit, before any fit; RuntimeError if another executor breaks or all tasks fail.
    """
    check_number(retries, "retries", "sweep", integer=True)
    settings, scorer = settings_of(grid), scorer_of(estimator, scoring)
    for params in settings:
        clone(estimator).set_params(**params)  # raises for a wrong name
    _check_data(estimator, X, y)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        expected = "ProcessPoolExecutor(2), client.get_executor() of Dask or MPIPoolExecutor()"
        raise TypeError(f"sweep: got executor={executor!r}, expected None or an executor such as {expected}")
    record, own = None if path is None else Record(path), random_state is None
    state = estimator.get_params(deep=False).get("random_state") if own else random_state
    state = None if own and not isinstance(state, (int, np.integer)) else state
    if state is None and record and record.seed:
        state = np.random.SeedSequence(record.seed[0], spawn_key=tuple(record.seed[1]))
    root = seed_sequence(state)
    folds = folds_of(cv, X, y, np.random.default_rng(root))
    tasks = tasks_of(estimator, settings, len(folds), root, not own)
    seed = [np.asarray(root.entropy, object).tolist(), [int(k) for k in root.spawn_key]]
    if record is not None:
        record.begin({
            "estimator": fingerprint(estimator), "data": [digest_of_data(X), None if y is None else digest_of_data(y)],
            "folds": digest(*(np.asarray(rows) for pair in folds for rows in pair)),
            "scoring": fingerprint(scoring), "seed": seed, "seeds": "the estimator's own" if own else "by task",
            "versions": {"numpy": np.__version__, "python": platform.python_version()},
        })  # fmt: skip
    if executor is not None:
        warn_of_threads()
    scores, seconds = np.full((2, len(settings), len(folds)), np.nan)
    results = SweepResults(settings, scores, seconds, seed)
    done = {} if record is None else record.done
    known = [(task, done[task.key]) for task in tasks if task.key in done]
    new = run_tasks(
        [task for task in tasks if task.key not in done], Job(estimator, X, y, folds, scorer), executor, retries,
        lambda task, error: results.lost.append(f"lost and begun again: {_name(task.params, task.fold)}: {error}"),
    )  # fmt: skip
    with raise_interrupts(), one_blas_thread(), shown_progress("sweep", len(tasks), verbose) as progress:
        for n, (task, outcome) in enumerate(itertools.chain(known, new), start=1):
            if record is not None and task.key not in done:
                record.add(task, outcome)
            at = task.setting, task.fold
            results.scores[at], results.seconds[at] = outcome.score, outcome.seconds
            if outcome.error is not None:
                results.errors[at] = outcome.error
            if progress:
                scored = not np.isnan(results.mean_scores).all()
                progress(n, f"best {results.best_score:.6g}: {on_one_line(results.best_params)}" if scored else "")
    if results.errors:
        (s, k), text = min(results.errors.items())
        first = f"the first at {_name(settings[s], k)}: {text}"
        if len(results.errors) == len(tasks):
            raise RuntimeError(f"sweep: all {len(tasks)} tasks failed, {first}")
        warnings.warn(f"sweep: {len(results.errors)} of {len(tasks)} tasks failed, {first}", stacklevel=2)
    return results


def _name(params, fold):
    return f"{on_one_line(params)}, fold {fold}"


def _check_data(estimator, X, y):
    """Raise unless npae's estimators take X (of out-of-core data the first row) and y has as many samples."""
    if not is_user_defined(estimator):
        check_array(X[:1] if is_out_of_core(X) else X, owner="sweep")
    n, n_targets = n_samples(X), n_samples(X if y is None else y, "y")
    if n_targets != n:
        raise ValueError(f"sweep: got y with {n_targets} samples, expected {n}, as many as X has")
