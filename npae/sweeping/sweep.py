"""The sweep: every setting of a grid on every fold, on any executor of concurrent.futures."""

import platform

import numpy as np

from npae.base import clone
from npae.objective.user_defined import is_user_defined
from npae.storage.signature import digest, fingerprint
from npae.sweeping.grid import folds_of, settings_of, tasks_of
from npae.sweeping.job import Job, Outcome
from npae.sweeping.record import Record
from npae.sweeping.results import SweepResults
from npae.sweeping.workers import run_tasks
from npae.system.interrupts import raise_interrupts
from npae.system.progress import shown_progress
from npae.threads import one_blas_thread, warn_of_threads
from npae.training.rows import is_out_of_core
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
    settings, scorer = settings_of(grid), _scorer(estimator, scoring)
    for params in settings:
        clone(estimator).set_params(**params)  # raises for a wrong name
    _check_data(estimator, X, y)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        expected = "ProcessPoolExecutor(2), client.get_executor() of Dask or MPIPoolExecutor()"
        raise TypeError(f"sweep: got executor={executor!r}, expected None or an executor such as {expected}")
    record = None if path is None else Record(path)
    root, own = _seed_sequence(estimator, random_state, record and record.seed)
    folds = folds_of(cv, X, y, np.random.default_rng(root))
    tasks = tasks_of(estimator, settings, len(folds), root, not own)
    seed = [np.asarray(root.entropy, object).tolist(), [int(k) for k in root.spawn_key]]
    if record is not None:
        record.begin({
            "estimator": fingerprint(estimator), "data": [_digest(X), None if y is None else _digest(y)],
            "folds": digest(*(np.asarray(rows) for pair in folds for rows in pair)),
            "scoring": fingerprint(scoring), "seed": seed, "seeds": "the estimator's own" if own else "by task",
            "versions": {"numpy": np.__version__, "python": platform.python_version()},
        })  # fmt: skip
    if executor is not None:
        warn_of_threads()
    shape = len(settings), len(folds)
    results = SweepResults(settings, np.full(shape, np.nan), np.full(shape, np.nan), seed)
    done = {} if record is None else {key: line for key, line in record.done.items() if not line.get("lost")}
    left = [task for task in tasks if task.key not in done]
    for task in tasks:
        if task.key in done:
            results.add(task, Outcome(*(done[task.key][name] for name in ("score", "error", "seconds"))))
    job = Job(estimator, X, y, folds, scorer)
    with raise_interrupts(), one_blas_thread(), shown_progress("sweep", len(tasks), verbose) as progress:
        for n, (task, outcome) in enumerate(run_tasks(left, job, executor, retries, results.add_lost), start=1):
            if record is not None:
                record.add(task, outcome)
            results.add(task, outcome)
            if progress:
                progress(len(tasks) - len(left) + n, results.best_so_far())
    results.warn_of_errors()
    return results


def _scorer(estimator, scoring):
    for name in ("get_params", "set_params", "fit", *(["score"] if scoring is None else [])):
        if isinstance(estimator, type) or not hasattr(estimator, name):
            raise TypeError(f"sweep: got estimator={estimator!r}, expected one that has {name}")
    if isinstance(scoring, str):
        try:
            from sklearn.metrics import get_scorer
        except ImportError as error:
            raise ImportError(f"sweep: scoring={scoring!r} needs scikit-learn: pip install scikit-learn") from error
        return get_scorer(scoring)
    if scoring is not None and not callable(scoring):
        raise TypeError(f"sweep: got scoring={scoring!r}, expected None, a name or a callable (estimator, X, y)")
    return scoring


def _check_data(estimator, X, y):
    """Raise unless npae's estimators take X (of out-of-core data the first row) and y has as many samples."""
    if not is_user_defined(estimator):
        check_array(X[:1] if is_out_of_core(X) else X, owner="sweep")
    for name, data in (("X", X), ("y", [] if y is None else y)):
        if not hasattr(data, "__len__") and not getattr(data, "shape", ()):
            raise TypeError(f"sweep: got {name}={data!r}, expected samples, such as an array")
    n, n_targets = (len(data) if not hasattr(data, "shape") else data.shape[0] for data in (X, X if y is None else y))
    if n_targets != n:
        raise ValueError(f"sweep: got y with {n_targets} samples, expected {n}, as many as X has")


def _digest(X):
    values = X if is_out_of_core(X) else np.asarray(X)
    if values.dtype.kind == "O":
        return fingerprint(values)
    return [digest(np.asarray(values[start : start + 4096])) for start in range(0, values.shape[0], 4096)]


def _seed_sequence(estimator, random_state, recorded):
    """Return the SeedSequence of a sweep, and True if the estimator keeps its own random state."""
    own = random_state is None
    if own:
        state = estimator.get_params(deep=False).get("random_state")
        random_state = state if isinstance(state, (int, np.integer)) else None
    if random_state is None and recorded:
        return np.random.SeedSequence(recorded[0], spawn_key=tuple(recorded[1])), own
    return seed_sequence(random_state), own
