"""The sweep: every setting of a grid on every fold, wherever an executor takes it."""

import pickle
import platform
import warnings
from collections import Counter, deque
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from npae.objective.user_defined import is_user_defined
from npae.storage.signature import digest, fingerprint
from npae.sweeping.engines import engine_for
from npae.sweeping.fold import digest_of_rows
from npae.sweeping.grid import described, folds_of, settings_of, tasks_of
from npae.sweeping.job import Job, Lost, Outcome, Retried, fresh
from npae.sweeping.processes import Processes
from npae.sweeping.record import Record
from npae.sweeping.results import SweepResults, words
from npae.system.interrupts import raise_interrupts
from npae.system.progress import progress_of
from npae.threads import one_blas_thread, warn_of_threads
from npae.training.rows import on_disk
from npae.training.streams import seed_sequence
from npae.validation import check_array, check_number


def sweep(
    estimator,
    grid,
    X,
    *,
    y=None,
    cv=3,
    scoring=None,
    executor=None,
    random_state=None,
    path=None,
    retries=2,
    verbose=0,
):
    """Fit and score an estimator at every setting of a grid on every fold: a SweepResults.

        results = npae.sweep(Autoencoder(), {"n_components": [8, 16], "optimizer__lr": [1e-3, 1e-2]}, X, random_state=0)
        results.best_params

    estimator : this package's or any with get_params, set_params, fit and score; it is left as it is.
    grid : {argument: list of values}, or a list of such; nested arguments by 'optimizer__lr'.
    X, y : (N, D) and None or (N,); arrays, frames, or a memmap, of which only the name travels.
    cv : k consecutive folds; or a fraction to hold out once; or a splitter with split(X, y); or pairs of row numbers.
    scoring : (fitted estimator, X, y) -> number, without y where there is none; a name of scikit-learn's; None for
        `estimator.score`. Higher is better.
    executor : None for this process; ProcessPoolExecutor(2); client.get_executor() of Dask; MPIPoolExecutor(); any
        other of concurrent.futures. The scores are the same to the bit: every task has a seed of its own, drawn from
        the random state and from what the task is, and BLAS has one thread.
    random_state : None leaves an estimator's own random_state where it has one, as GridSearchCV does.
    path : a file of results, one line of JSON a task, written as they come. Where it is there already, its tasks are
        not done again, and a grid that has grown goes on; the file of another sweep is refused. An estimator counts by
        the name of its class and its arguments; a scoring and parts of your own as for `Checkpoint`, by their fields
        and their code, but not by the global variables and functions that it reads, nor by code in C.
    retries : how often a task is begun again whose worker died; each time is in `results.lost`.
    verbose : 1 for progress.

    What a fit raises is in `results.errors`, with a warning; a lost worker loses the task it was at. Ctrl-C ends the
    sweep at once, with the results so far in the file. Raises TypeError or ValueError for arguments that do not fit,
    before anything is fitted (but of data on a disk only the first row is looked at, and what an estimator of others
    takes for X is left to it); RuntimeError where the executor broke, and where every task failed.
    """
    check_number(retries, "retries", "sweep", integer=True)
    settings = settings_of(grid)
    scorer = _scorer(estimator, scoring)
    for params in settings:
        fresh(estimator).set_params(**params)  # names that are wrong are said before anything is fitted
    _check_data(estimator, X, y)
    record = None if path is None else Record(path)
    root, own = _root(estimator, random_state, record and record.seed)
    folds = folds_of(cv, X, y, np.random.default_rng(root))
    tasks = tasks_of(estimator, settings, len(folds), root, not own)
    if record is not None:
        record.begin(_about(estimator, X, y, scoring, folds, root, own))
    if executor is not None:
        warn_of_threads()
    progress = progress_of("sweep", len(tasks)) if verbose else None
    run = _Run(settings, len(folds), _seed(root), record, retries, progress)
    try:
        with raise_interrupts(), one_blas_thread():
            run.go(tasks, executor, Job(estimator, X, y, folds, scorer))
    finally:
        if progress:
            progress.close()
    run.tell()
    return run.results


class _Run:
    """A sweep under way: what has come of its tasks so far, in memory and in the file."""

    def __init__(self, settings, n_folds, seed, record, retries, progress):
        shape = len(settings), n_folds
        self.results = SweepResults(settings, np.full(shape, np.nan), np.full(shape, np.nan), seed)
        self.record, self.retries, self.progress = record, retries, progress
        self.attempts: Counter = Counter()
        self.n_done, self.best = 0, (-np.inf, "")

    def go(self, tasks, executor, job):
        """Do all that is not in the file yet."""
        done: dict = {} if self.record is None else self.record.done
        waiting: deque = deque()
        for task in tasks:
            line = done.get(task.key)
            if line is None or line.get("lost"):
                waiting.append(task)
            else:
                self._take(task, Outcome(line["score"], line["error"], line["seconds"]))
        if not waiting:
            return
        engine, running, whole = engine_for(executor, job), 0, False
        try:
            while waiting or running:
                while waiting and running < engine.capacity and engine.broken is None:
                    engine.start(waiting.popleft())
                    running += 1
                for task, outcome in engine.wait() if running else ():
                    if not isinstance(outcome, Retried):
                        running -= 1
                    if isinstance(outcome, Lost):
                        self._lose(task, outcome, waiting)
                    else:
                        self._write(task, outcome)
                if engine.broken is not None and not running:
                    engine = self._successor(engine, executor, job)
            whole = True
        finally:
            engine.close(now=not whole)

    def _successor(self, engine, executor, job):
        """What goes on where an executor has broken: processes of the sweep's own, where it was of processes."""
        engine.close(now=True)
        if isinstance(executor, ProcessPoolExecutor):
            return Processes(executor, job)
        where = "there is no file of results" if self.record is None else f"the rest is in {self.record.path}"
        raise RuntimeError(
            f"sweep: the executor broke ({engine.broken!r}) after {self.n_done} of {self.results.scores.size} tasks; "
            f"{where}. Sweep again with a new executor"
        ) from engine.broken

    def _lose(self, task, outcome, waiting):
        self.attempts[task.key] += 1
        what = f"{words(task.params)}, fold {task.fold}: {outcome.reason}"
        if isinstance(outcome, Retried):
            self.results.lost.append(f"lost and begun again: {what}")
        elif self.attempts[task.key] <= self.retries:
            waiting.append(task)
            self.results.lost.append(f"lost and begun again: {what}")
        else:
            times = self.attempts[task.key]
            self.results.lost.append(f"lost, and given up after {times} times: {what}")
            self._write(task, Outcome(None, f"lost {times} times: {outcome.reason}", 0.0), lost=True)

    def _write(self, task, outcome, lost=False):
        """Into the file, then into the results."""
        if self.record is not None:
            self.record.add({
                "task": task.key,
                "params": {name: described(value) for name, value in task.params.items()},
                "fold": task.fold,
                "seed": task.seed,
                "score": outcome.score,
                "error": outcome.error,
                "seconds": round(outcome.seconds, 3),
                "runs": self.attempts[task.key] + (not lost),
                **({"lost": True} if lost else {}),
            })  # fmt: skip
        self._take(task, outcome)

    def _take(self, task, outcome):
        results, where = self.results, (task.setting, task.fold)
        results.seconds[where] = outcome.seconds
        if outcome.error is None:
            results.scores[where] = outcome.score
        else:
            results.errors[where] = outcome.error
        self.n_done += 1
        mean = results.scores[task.setting].mean()
        if mean > self.best[0]:
            self.best = mean, f"best {mean:.6g}: {words(task.params)}"
        if self.progress:
            self.progress(self.n_done, self.best[1])

    def tell(self):
        """RuntimeError where nothing has a score, a warning where some have none; errors in the order of the grid."""
        results = self.results
        results.errors = dict(sorted(results.errors.items()))
        if not results.errors:
            return
        (s, k), text = next(iter(results.errors.items()))
        first = f"the first at {words(results.settings[s])}, fold {k}: {text}"
        if len(results.errors) == results.scores.size:
            raise RuntimeError(f"sweep: all {results.scores.size} tasks failed, {first}")
        warnings.warn(f"sweep: {len(results.errors)} of {results.scores.size} tasks failed, {first}", stacklevel=3)


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
    """Raise where X is not what the package's estimators take (of data on a disk the first row), or y does not fit."""
    if not is_user_defined(estimator):
        check_array(X[:1] if on_disk(X) else X, owner="sweep")
    n, n_targets = (None if each is None else _length(each, name) for each, name in ((X, "X"), (y, "y")))
    if n_targets not in (None, n):
        raise ValueError(f"sweep: got y with {n_targets} samples, expected {n}, as many as X has")


def _length(data, name):
    shape = getattr(data, "shape", None)
    if shape == () or (shape is None and not hasattr(data, "__len__")):
        raise TypeError(f"sweep: got {name}={data!r}, expected samples, such as an array")
    return len(data) if shape is None else shape[0]


def _root(estimator, random_state, recorded):
    """The SeedSequence of a sweep, and whether an estimator keeps the random state that it has."""
    own = random_state is None
    if own:
        state = estimator.get_params(deep=False).get("random_state")
        random_state = state if isinstance(state, (int, np.integer)) else None
    if random_state is None and recorded is not None:
        return np.random.SeedSequence(recorded[0], spawn_key=tuple(recorded[1])), own
    return seed_sequence(random_state), own


def _seed(root):
    entropy = root.entropy
    return [[int(e) for e in entropy] if np.iterable(entropy) else int(entropy), [int(k) for k in root.spawn_key]]


def _about(estimator, X, y, scoring, folds, root, own):
    """What tells one sweep from another, in JSON's types."""
    return {
        "estimator": described(estimator),
        "data": [_digest(X), None if y is None else _digest(y)],
        "folds": digest(*(np.asarray(rows) for pair in folds for rows in pair)),
        "scoring": fingerprint(scoring),
        "seed": _seed(root),
        "seeds": "the estimator's own" if own else "by task",
        "versions": {"numpy": np.__version__, "python": platform.python_version()},
    }


def _digest(X):
    if on_disk(X):
        return digest_of_rows(X)
    values = np.asarray(X)
    return digest(np.frombuffer(pickle.dumps(X, protocol=5), np.uint8) if values.dtype.kind == "O" else values)
