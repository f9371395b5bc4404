"""Sweeps: one score whatever the engine; what dies, fails or is interrupted; the file of results."""

import contextlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold, ParameterGrid, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sweep_parts import Counted, Recorder, square_scorer
from threadpoolctl import threadpool_info

import npae
from npae.base import folds_of
from npae.sweeping.grid import Outcome, Task, settings_of, tasks_of
from npae.sweeping.results import SweepResults
from npae.sweeping.workers import Job
from npae.threads import one_blas_thread
from npae.training.rows import LazyRows, lazy_rows
from optional_packages import import_or_skip

SPAWN = multiprocessing.get_context("spawn")
X = npae.datasets.load_digits().data[:240]
SMALL = npae.Autoencoder(max_iter=2, batch_size=60)
GRID = {"n_components": [3, 5], "penalties": [[], [npae.Contractive(0.1)]], "optimizer__lr": [0.01]}


class OwnPool(ProcessPoolExecutor):
    """A pool of which the sweep knows nothing but that it is an executor."""


@pytest.fixture(scope="module")
def serial():
    return npae.sweep(SMALL, GRID, X, cv=2, random_state=0)


# the same scores


@pytest.mark.parametrize(
    "executor",
    [
        lambda: ProcessPoolExecutor(1, mp_context=SPAWN),
        lambda: ProcessPoolExecutor(3, mp_context=SPAWN),
        lambda: ThreadPoolExecutor(3),
        lambda: OwnPool(2, mp_context=SPAWN),
    ],
    ids=["one process", "three processes", "threads", "an unknown executor"],
)
def test_the_scores_are_the_same_to_the_bit_on_every_engine(executor, serial):
    with executor() as pool:
        assert np.array_equal(npae.sweep(SMALL, GRID, X, cv=2, random_state=0, executor=pool).scores, serial.scores)


@pytest.mark.slow
def test_the_scores_are_the_same_to_the_bit_on_dask(serial):
    distributed = import_or_skip("distributed")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            swept = npae.sweep(SMALL, GRID, X, cv=2, random_state=0, executor=client.get_executor())
    assert np.array_equal(swept.scores, serial.scores) and swept.lost == []


def test_the_scores_are_those_of_grid_search_with_its_splitter_and_the_estimators_own_seed():
    model = npae.Autoencoder(max_iter=2, random_state=3)
    grid = {"n_components": [3, 5], "activation": ["tanh", "sigmoid"]}
    for cv in (2, KFold(3), ShuffleSplit(2, random_state=0)):
        theirs = GridSearchCV(model, grid, cv=cv, refit=False).fit(X).cv_results_
        ours = npae.sweep(model, grid, X, cv=cv)
        assert [dict(each) for each in theirs["params"]] == ours.settings
        columns = [theirs[f"split{k}_test_score"] for k in range(ours.scores.shape[1])]
        assert np.array_equal(np.stack(columns, axis=1), ours.scores)
        assert theirs["rank_test_score"][ours.best_index] == 1


def test_a_pipeline_is_swept_too_and_each_random_state_in_it_gets_a_seed():
    pipeline = make_pipeline(MinMaxScaler(), npae.Autoencoder(3, max_iter=2))
    grid = {"autoencoder__n_components": [3, 4]}
    first, again = (npae.sweep(pipeline, grid, X, cv=2, random_state=seed) for seed in (1, 1))
    assert np.array_equal(first.scores, again.scores)
    assert not np.array_equal(first.scores, npae.sweep(pipeline, grid, X, cv=2, random_state=2).scores)


# the grid, the folds, the seeds


def test_the_settings_are_those_of_scikit_learns_grid_in_its_order():
    grid = [{"b": [1, 2], "a": [3, 4, 5]}, {"c": [np.float64(1)]}, {}]
    assert settings_of(grid) == list(ParameterGrid(grid))


@pytest.mark.parametrize("n", [7, 10])
def test_the_folds_are_those_of_scikit_learn(n):
    for (train, test), (train_, test_) in zip(folds_of(3, np.zeros((n, 1)), None, None), KFold(3).split(np.zeros(n))):
        assert np.array_equal(train, train_) and np.array_equal(test, test_)


def test_a_fraction_is_held_out_once_and_no_sample_is_on_both_sides():
    ((train, test),) = folds_of(0.25, X, None, np.random.default_rng(0))
    assert len(test) == 60 and sorted([*train, *test]) == list(range(240)) and not np.array_equal(test, np.sort(test))


def test_the_seed_of_a_task_stays_when_the_grid_grows_or_turns_around():
    root = np.random.SeedSequence(5)

    def seeds(values, root=root):
        tasks = tasks_of(SMALL, settings_of({"n_components": values}), 2, root, True)
        return {(task.params["n_components"], task.fold): task.seed for task in tasks}

    small, large = seeds([3, 4]), seeds([9, 4, 3])
    assert small == {key: large[key] for key in small} and len({*large.values()}) == 6
    assert not {*small.values()} & {*seeds([3, 4], np.random.SeedSequence(6)).values()}


def test_a_seed_in_the_grid_and_an_estimators_own_are_left_alone(tmp_path):
    ours = npae.sweep(Recorder(str(tmp_path)), {"random_state": [7, 8]}, X, cv=2, random_state=0)
    assert ours.scores.tolist() == [[7, 7], [8, 8]]
    assert npae.sweep(Recorder(str(tmp_path), random_state=5), {}, X, cv=2).scores.tolist() == [[5, 5]]
    given = npae.sweep(Recorder(str(tmp_path), random_state=5), {}, X, cv=2, random_state=0).scores
    assert given[0, 0] != given[0, 1] and 5 not in given


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"estimator": npae.Autoencoder}, "expected one that has get_params"),
        ({"grid": {"n_components": 3}}, "expected a list of at least one value"),
        ({"grid": {"n_components": []}}, "expected a list of at least one value"),
        ({"grid": {"activation": "tanh"}}, "expected a list of at least one value"),
        ({"grid": "n_components"}, "expected a dict"),
        ({"grid": {"components": [3]}}, "Invalid parameter 'components'"),
        ({"grid": {"n_components": [3, 3]}}, "settings 0 and 1 that look the same"),
        ({"cv": 1}, "expected a number of folds"),
        ({"cv": 1.5}, "expected a fraction"),
        ({"cv": []}, "gives no pairs"),
        ({"cv": [([0, 1], [10**6])]}, "expected row numbers below 240"),
        ({"cv": None}, "expected a number, a fraction"),
        ({"scoring": 3}, "expected None, a name or a callable"),
        ({"executor": 2}, "expected None or an executor"),
        ({"retries": -1}, "expected a whole number"),
        ({"random_state": "x"}, "expected None, an int"),
        ({"y": np.zeros(241)}, "got y with 241 samples, expected 240"),
        ({"y": [0] * 239}, "got y with 239 samples, expected 240"),
        ({"y": 3}, "got y=3, expected samples"),
        ({"X": X[0]}, "sweep: Expected 2D array, got 1D array"),
        ({"X": np.where(X[7, 3] == X, np.nan, X)}, r"sweep: Input X contains NaN. The first is at \[\d+, \d+\]"),
        ({"X": "file.npy"}, "sweep: got X of dtype"),
        ({"estimator": Recorder(), "grid": {}, "X": 3}, "got X=3, expected samples"),
        ({"estimator": Recorder(), "grid": {}, "y": X[:5]}, "got y with 5 samples, expected 240"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_fitted(arguments, message):
    given = {"estimator": SMALL, "grid": {"n_components": [3]}, "X": X} | arguments
    with pytest.raises((ValueError, TypeError), match=message):
        npae.sweep(**given)


def test_of_data_on_a_disk_only_the_first_row_is_looked_at_before_the_fits():
    rows = OnDisk(X)
    with pytest.raises(TypeError, match="expected None or an executor"):
        npae.sweep(SMALL, {"n_components": [3]}, rows, cv=2, y=np.zeros(len(X)), executor=2)
    assert rows.most == 1


def test_what_an_estimator_of_others_takes_for_x_is_left_to_it(tmp_path):
    for given in (["some", "text"] * 3, np.array([1.0, np.nan, 3.0]), np.zeros((4, 2, 2))):
        assert npae.sweep(Recorder(str(tmp_path), a=2, random_state=1), {}, given, cv=2).scores.tolist() == [[3, 3]]


def test_a_scorer_is_called_without_y_where_there_is_none_and_by_name():
    (score,) = npae.sweep(SMALL, {}, X, cv=0.5, scoring=square_scorer, random_state=0).scores[0]
    ((_, test),) = folds_of(0.5, X, None, np.random.default_rng(np.random.SeedSequence(0)))
    assert score == -float((X[test] ** 2).sum())
    from sklearn.linear_model import LogisticRegression

    labels = npae.datasets.load_digits().target[:240]
    model = LogisticRegression(max_iter=500)
    ours = npae.sweep(model, {"C": [0.1, 1.0]}, X, y=labels, cv=KFold(2), scoring="accuracy").scores
    theirs = GridSearchCV(model, {"C": [0.1, 1.0]}, cv=KFold(2), scoring="accuracy", refit=False).fit(X, labels)
    assert ours[:, 1].tolist() == theirs.cv_results_["split1_test_score"].tolist()


# threads


def test_blas_has_one_thread_within_and_what_it_had_after():
    def threads():
        return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}

    before = threads()
    with one_blas_thread():
        with one_blas_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == before


def test_without_threadpoolctl_a_variable_of_the_environment_is_asked_for(monkeypatch):
    from npae import threads

    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    threads.warn_of_threads()
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.warns(UserWarning, match="the threads of BLAS are not fixed"):
        threads.warn_of_threads()
    with one_blas_thread():
        pass


# what dies, what fails


@pytest.mark.slow
@pytest.mark.parametrize("kind", [ProcessPoolExecutor, OwnPool])
def test_a_pool_that_breaks_because_a_worker_is_killed_is_followed_by_a_new_pool_and_reported(tmp_path, kind):
    grid = [{"a": [1], "deed": ["die once"]}, {"a": [2, 3, 4, 5], "deed": ["nap"]}]
    with kind(2, mp_context=SPAWN) as pool:
        swept = npae.sweep(Recorder(str(tmp_path)), grid, X, cv=0.5, executor=pool, random_state=0)
    assert np.array_equal(swept.scores, npae.sweep(Recorder(str(tmp_path)), grid, X, cv=0.5, random_state=0).scores)
    assert any("a=1" in line for line in swept.lost) and len(swept.lost) <= 2 and swept.errors == {}
    assert swept.lost[0].startswith("lost and begun again: ") and swept.lost[0] in str(swept)


@pytest.mark.slow
def test_a_task_that_kills_every_worker_is_given_up_after_some_new_pools_and_done_again_by_the_next_sweep(tmp_path):
    grid = [{"a": [1], "deed": ["die"]}, {"a": [2, 3, 4]}]
    path = tmp_path / "results.jsonl"
    given = {"cv": 0.5, "retries": 1, "random_state": 0, "path": path}
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool, pytest.warns(UserWarning, match="1 of 4 tasks failed"):
        swept = npae.sweep(Recorder(str(tmp_path)), grid, X, executor=pool, **given)
    assert np.isnan(swept.scores[:, 0]).tolist() == [True, False, False, False] and swept.best_index in (1, 2, 3)
    assert len(swept.lost) == 2 and swept.errors.keys() == {(0, 0)} and "pool of processes broke" in swept.errors[0, 0]
    assert [json.loads(line)["lost"] for line in path.read_text().splitlines()[1:]].count(True) == 1
    fits = len(list(tmp_path.glob("1-*")))
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool, pytest.warns(UserWarning, match="1 of 4 tasks failed"):
        npae.sweep(Recorder(str(tmp_path)), grid, X, executor=pool, **given)
    assert len(list(tmp_path.glob("1-*"))) == fits + 2


def test_an_executor_that_breaks_and_is_no_pool_of_processes_ends_the_sweep_with_the_results_kept(tmp_path):
    class Breaking(Executor):
        n = 0

        def submit(self, f, *args):
            self.n += 1
            if self.n > 2:
                raise BrokenExecutor("gone")
            future = Future()
            future.set_result(f(*args))
            return future

    path = tmp_path / "results.jsonl"
    with pytest.raises(RuntimeError, match=r"the executor broke .*gone"):
        npae.sweep(SMALL, {"n_components": [2, 3]}, X, cv=2, executor=Breaking(), random_state=0, path=path)
    assert len(path.read_text().splitlines()) == 3
    whole = npae.sweep(SMALL, {"n_components": [2, 3]}, X, cv=2, random_state=0, path=path)
    assert np.array_equal(whole.scores, npae.sweep(SMALL, {"n_components": [2, 3]}, X, cv=2, random_state=0).scores)


@pytest.mark.parametrize(("deed", "message"), [("fail", "ZeroDivisionError: oh"), ("nan", "the score is nan")])
def test_a_fit_that_fails_is_reported_and_costs_no_other(tmp_path, deed, message):
    grid = [{"a": [1], "deed": [deed]}, {"a": [2]}]
    with pytest.warns(UserWarning, match=f"1 of 2 tasks failed, the first at a=1, deed='{deed}', fold 0: {message}"):
        swept = npae.sweep(Recorder(str(tmp_path)), grid, X, cv=0.5, random_state=0)
    assert swept.errors == {(0, 0): message} and swept.best_index == 1
    assert [row["error"] for row in swept.rows] == [message, None]
    with pytest.raises(RuntimeError, match="all 1 tasks failed"):
        npae.sweep(Recorder(str(tmp_path), deed=deed), {}, X, cv=0.5)


@pytest.mark.slow
def test_dask_gives_the_task_of_a_dead_worker_to_another(tmp_path):
    import_or_skip("distributed")
    grid = [{"a": [1], "deed": ["die once"]}, {"a": [2, 3]}]
    code = textwrap.dedent(f"""
        import warnings
        from concurrent.futures import ThreadPoolExecutor
        from dask.distributed import Client, LocalCluster
        import numpy as np
        import npae
        from sweep_parts import Recorder

        if __name__ == "__main__":
            with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster:
                with Client(cluster) as client:
                    swept = npae.sweep(Recorder({str(tmp_path)!r}), {grid!r}, npae.datasets.load_digits().data, cv=0.5,
                                       executor=client.get_executor(), random_state=0)
            print(int(np.isnan(swept.scores).sum()), swept.errors)
    """)
    script = tmp_path / "on_dask.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, env=with_tests())
    assert done.stdout.split("\n")[0] == "0 {}", done.stderr[-2000:]


def with_tests():
    """An environment whose Python finds the modules of this folder."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])}


# data travel once


@pytest.mark.parametrize("kind", [ProcessPoolExecutor, OwnPool])
def test_a_worker_gets_the_data_once(tmp_path, kind):
    data = Counted(str(tmp_path), X)
    with kind(2, mp_context=SPAWN) as pool:
        npae.sweep(Recorder(str(tmp_path)), {"a": list(range(6))}, data, cv=2, executor=pool, random_state=0)
    unpacked = [path.name.split("-")[1] for path in tmp_path.glob("unpacked-*")]
    assert len(unpacked) == len(set(unpacked)) <= 2 and str(os.getpid()) not in unpacked


def test_a_memmap_travels_as_the_name_of_its_file(tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    job = Job(SMALL, mapped, None, [], None)
    packed = pickle.dumps(job)
    assert len(packed) < 5000 and np.array_equal(pickle.loads(packed).X, X)
    part = pickle.loads(pickle.dumps(Job(SMALL, mapped[10:20], None, [], None))).X
    assert np.array_equal(part, X[10:20])


class OnDisk:
    """Data as h5py has them: slices alone, and what is read at a time is written down."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.most = values, values.shape, values.dtype, 0

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        self.most = max(self.most, len(self.values[rows]))
        return self.values[rows]


@pytest.mark.parametrize("cv", [3, 0.3, [([7, 3, -1, 5], [0, 2])]])
@pytest.mark.parametrize("scoring", [None, square_scorer])
def test_data_on_a_disk_give_the_scores_of_the_same_data_in_memory(tmp_path, cv, scoring):
    np.save(tmp_path / "X.npy", X)
    given = {"cv": cv, "random_state": 0, "scoring": scoring}
    expected = npae.sweep(SMALL, GRID, X, path=tmp_path / "results", **given).scores
    for data in (np.load(tmp_path / "X.npy", mmap_mode="r"), OnDisk(X)):
        assert np.array_equal(npae.sweep(SMALL, GRID, data, **given).scores, expected)
        again = npae.sweep(SMALL, GRID, data, path=tmp_path / "results", **given)  # all of it is in the file
        assert np.array_equal(again.scores, expected)


def test_a_fold_of_data_on_a_disk_is_read_by_blocks(monkeypatch):
    data = OnDisk(X)
    train = LazyRows(data, np.r_[0:20, 30:50, 25])
    assert train.shape == (41, X.shape[1]) and np.array_equal(train[:], X[train.index]) and train[5:5].shape[0] == 0
    assert np.array_equal(lazy_rows(data, np.arange(9)[::-1])[:], X[8::-1])
    monkeypatch.setattr("npae.training.rows.IN_MEMORY", 10)
    assert np.array_equal(lazy_rows(data, np.r_[8:0:-1, -1])[:], X[np.r_[1:9, 239]])  # by blocks: as they lie
    data.most = 0
    small = npae.Autoencoder(2, block_size=8, batch_size=4, max_iter=1)
    npae.sweep(small, {"n_components": [2]}, data, cv=2, random_state=0)
    assert data.most <= 8


def test_what_cannot_be_sent_is_named(tmp_path):
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        with pytest.raises(TypeError, match="got the estimator, the data and the scoring, which cannot be sent"):
            npae.sweep(SMALL, GRID, X, executor=pool, scoring=lambda model, X: 0)
        with pytest.raises(TypeError, match="got the values of the grid, which cannot be sent"):
            npae.sweep(Recorder(), {"a": [lambda: 0]}, X, executor=pool)


# the file of results


def test_a_device_is_no_file_of_results(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    for path in (os.devnull, tmp_path / "pipe"):
        with pytest.raises(ValueError, match="which is a pipe or a device; expected a file"):
            npae.sweep(SMALL, GRID, X, path=path)


def test_a_sweep_goes_on_from_its_file_and_does_nothing_twice(tmp_path, serial):
    path = tmp_path / "results.jsonl"
    half = npae.sweep(SMALL, {**GRID, "n_components": [5]}, X, cv=2, random_state=0, path=path)
    before = path.read_bytes()
    whole = npae.sweep(SMALL, GRID, X, cv=2, random_state=0, path=path)
    assert path.read_bytes().startswith(before) and len(before.splitlines()) == 5
    assert np.array_equal(whole.scores, serial.scores) and np.array_equal(half.scores, serial.scores[[2, 3]])
    after = path.read_bytes()
    assert np.array_equal(npae.sweep(SMALL, GRID, X, cv=2, random_state=0, path=path).scores, serial.scores)
    assert path.read_bytes() == after


@pytest.mark.parametrize("lost", [1, 30, 200])
def test_a_file_cut_anywhere_in_its_last_lines_is_mended(tmp_path, serial, lost):
    path = tmp_path / "results.jsonl"
    npae.sweep(SMALL, GRID, X, cv=2, random_state=0, path=path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    with pytest.warns(UserWarning, match="damaged lines, number 9") if lost > 1 else contextlib.nullcontext():
        assert np.array_equal(npae.sweep(SMALL, GRID, X, cv=2, random_state=0, path=path).scores, serial.scores)
    assert all(json.loads(line) for line in path.read_text().splitlines())
    assert {json.loads(line)["task"] for line in path.read_text().splitlines()[1:]} == \
           {json.loads(line)["task"] for line in whole.decode().splitlines()[1:]}  # fmt: skip


def test_the_file_of_another_sweep_is_refused_with_what_differs_and_left_as_it_is(tmp_path):
    path = tmp_path / "results.jsonl"
    npae.sweep(SMALL, {"n_components": [3]}, X, cv=2, random_state=0, path=path)
    before = path.read_bytes()
    other = npae.Autoencoder(max_iter=3, batch_size=60)
    for arguments, differs in (
        ({"estimator": other}, "estimator"),
        ({"X": X + 1e-9}, "data"),
        ({"cv": 3}, "folds"),
        ({"random_state": 1}, "seed"),
        ({"scoring": square_scorer}, "scoring"),
    ):
        given = {"estimator": SMALL, "grid": {"n_components": [3]}, "X": X, "cv": 2, "random_state": 0} | arguments
        with pytest.raises(ValueError, match=rf"results of another sweep \(different: {differs}\)"):
            npae.sweep(**given, path=path)
    assert path.read_bytes() == before
    (tmp_path / "text").write_text("hello\n")
    with pytest.raises(ValueError, match="not a results file"):
        npae.sweep(SMALL, {}, X, path=tmp_path / "text")


def test_any_flipped_bit_of_a_line_is_named_and_its_task_is_done_again(tmp_path, rng):
    def swept(path):
        return npae.sweep(Recorder(str(tmp_path)), {"random_state": [7, 8]}, X, cv=2, random_state=0, path=path)

    path = tmp_path / "results.jsonl"
    scores, before = swept(path).scores, path.read_bytes()
    start = before.index(b"\n") + 1
    for at in rng.choice(np.arange(start, len(before)), 150, replace=False):
        damaged = bytearray(before)
        damaged[at] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        number = before[: at + 1].count(b"\n") + (before[at] != 10)
        with pytest.warns(UserWarning, match=rf"damaged lines, number {number}\b"):
            assert np.array_equal(swept(path).scores, scores)
        assert sorted(json.loads(line)["task"] for line in path.read_bytes().splitlines()[1:]) == sorted(
            json.loads(line)["task"] for line in before.splitlines()[1:]
        )


def test_a_file_whose_first_line_is_damaged_is_refused(tmp_path):
    path = tmp_path / "results.jsonl"
    npae.sweep(SMALL, {}, X, cv=0.5, random_state=0, path=path)
    path.write_bytes(path.read_bytes().replace(b'"seed": [0', b'"seed": [1', 1))
    with pytest.raises(ValueError, match="not a results file"):
        npae.sweep(SMALL, {}, X, cv=0.5, random_state=0, path=path)


def test_another_scoring_of_the_same_name_is_refused(tmp_path):
    def scored(number):
        return lambda model, X: number

    def scores(scoring):
        return npae.sweep(SMALL, {}, X, cv=2, random_state=0, path=tmp_path / "r.jsonl", scoring=scoring).scores

    assert (scores(scored(1.0)) == scores(scored(1.0))).all()
    with pytest.raises(ValueError, match=r"different: scoring"):
        scores(scored(2.0))


def test_a_sweep_without_a_seed_takes_that_of_its_file(tmp_path):
    path = tmp_path / "results.jsonl"
    half = npae.sweep(SMALL, {"n_components": [3]}, X, cv=0.5, path=path)
    whole = npae.sweep(SMALL, {"n_components": [3, 4]}, X, cv=0.5, path=path)
    entropy, key = whole.seed
    again = npae.sweep(SMALL, {"n_components": [3, 4]}, X, cv=0.5,
                       random_state=np.random.SeedSequence(entropy, spawn_key=key))  # fmt: skip
    assert half.seed == whole.seed and np.array_equal(whole.scores, again.scores)
    assert half.scores[0, 0] == whole.scores[0, 0]


def test_a_line_that_the_disk_does_not_take_leaves_the_lines_before_it(tmp_path, monkeypatch):
    from npae.sweeping.results import Record

    record = Record(tmp_path / "results.jsonl")
    record.begin({"seed": [0, []]})
    task = Task(0, 0, {}, "a", None)
    record.add(task, Outcome(1.0, None))
    before = (tmp_path / "results.jsonl").read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        record.add(task, Outcome(1.0, None))
    assert (tmp_path / "results.jsonl").read_bytes() == before


def test_a_path_in_a_folder_that_is_not_there_is_refused_before_anything_is_fitted(tmp_path):
    with pytest.raises(OSError, match="no such folder"):
        npae.sweep(Recorder(str(tmp_path)), {}, X, path=tmp_path / "none" / "results")
    assert list(tmp_path.iterdir()) == []


# Ctrl-C and SIGKILL

SCRIPT = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
import npae
from sweep_parts import Recorder

if __name__ == "__main__":
    kind, folder, path = sys.argv[1:]
    pool = None if kind == "serial" else ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(kind))
    grid = [{"a": [1]}, {"a": [2, 3], "deed": ["sleep"]}]
    X = npae.datasets.load_digits().data
    npae.sweep(Recorder(folder), grid, X, cv=0.5, executor=pool, random_state=0, path=path)
"""


def begun(tmp_path, kind):
    """A sweep under way in another process group: one task is done, the next one or two sleep for a minute."""
    (tmp_path / "fits").mkdir()
    (tmp_path / "script.py").write_text(SCRIPT)
    arguments = [sys.executable, tmp_path / "script.py", kind, tmp_path / "fits", tmp_path / "results.jsonl"]
    running = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=with_tests(), start_new_session=True)
    wanted = 2 if kind == "serial" else 3
    while (
        sum(path.stat().st_size > 0 for path in (tmp_path / "fits").iterdir()) < wanted
        or len((tmp_path / "results.jsonl").read_bytes().splitlines()) < 2
    ):
        time.sleep(0.02)
        assert running.poll() is None, running.stderr.read()
    return running


def pids(tmp_path):
    return {int(path.read_text()) for path in (tmp_path / "fits").iterdir()}


def gone(pid):
    """Whether a process ends, within ten seconds."""
    return any(time.sleep(0.02 * i) or ended(pid) for i in range(32))


def ended(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["serial", "spawn", "fork"])
def test_ctrl_c_ends_a_sweep_at_once_with_its_workers_and_leaves_the_file_whole(tmp_path, kind):
    running = begun(tmp_path, kind)
    workers = pids(tmp_path) - {running.pid}
    os.killpg(running.pid, signal.SIGINT)
    message = running.communicate(timeout=30)[1]
    assert running.returncode == -signal.SIGINT and message.count("Traceback") == 1
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert len(lines) == 2 and lines[1]["params"] == {"a": 1}
    assert all(gone(pid) for pid in workers)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spawn", "fork"])
def test_the_workers_of_a_sweep_that_is_killed_end_too_and_the_file_is_whole(tmp_path, kind):
    running = begun(tmp_path, kind)
    running.kill()
    running.communicate(timeout=30)  # ends when nobody holds the pipe of standard error any more
    assert all(gone(pid) for pid in pids(tmp_path))
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert len(lines) == 2


def test_progress_is_shown_where_it_is_asked_for(capsys):
    npae.sweep(SMALL, {"n_components": [3, 4]}, X, cv=2, random_state=0)
    assert capsys.readouterr().out == ""
    npae.sweep(SMALL, {"n_components": [3, 4]}, X, cv=2, random_state=0, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[-1].startswith("sweep  4/4  best -") and "n_components=" in lines[-1]


def test_the_results_in_words_have_the_best_first(serial):
    first = str(serial).splitlines()[1]
    assert f"{serial.best_score:.6g}" in first and str(serial.best_params["n_components"]) in first
    assert serial.best_score == serial.scores.mean(axis=1).max()
    assert repr(serial) == "<SweepResults of 4 settings on 2 folds>" and len(serial.rows) == 8
    model = npae.Autoencoder(max_iter=2).set_params(**serial.best_params)
    assert model.n_components == serial.best_params["n_components"]


def test_the_estimator_is_left_as_it_is(tmp_path):
    model = npae.Autoencoder(4, max_iter=1, penalties=[npae.AuxiliaryTopK(0.1, 2, patience=50)], random_state=0).fit(X)
    before = model.network_.theta.copy()
    npae.sweep(model, {"n_components": [3]}, X, cv=2, random_state=1)
    assert model.n_components == 4 and np.array_equal(model.network_.theta, before)


def test_a_task_has_no_state_of_the_one_before():
    """A penalty of the grid that counts: the second fold has the score that it has alone."""
    grid = {"penalties": [[npae.AuxiliaryTopK(0.1, 2, patience=50)]]}
    first, second = folds_of(2, X, None, None)
    both = npae.sweep(npae.Autoencoder(3, max_iter=2, random_state=0), grid, X, cv=[first, second]).scores
    assert both[0, 1] == npae.sweep(npae.Autoencoder(3, max_iter=2, random_state=0), grid, X, cv=[second]).scores[0, 0]


def test_a_notebook_shows_the_results_as_a_table_best_first():
    errors = {(1, 0): "ValueError: 1 < 2"}
    scores = np.array([[-2.0, -4.0], [np.nan, -1.0], [-1.0, -1.5]])
    results = SweepResults([{"n": 1}, {"n": 2}, {"n": 3}], scores, 0 * scores, [0, []], errors, ["a worker died"])
    text = results._repr_html_()
    assert text.index("n=3") < text.index("n=1") < text.index("n=2") and text.count("<tr>") == 4
    assert "<td style='text-align:left'>-1.25</td>" in text and "failed: n=2, fold 0: ValueError: 1 &lt; 2" in text
    assert text.endswith("<p>a worker died</p>")
    assert str(results).splitlines()[:2] == ["mean score   std  setting", "     -1.25  0.25  n=3"]
