"""One grid on every engine: are the scores of `npae.sweep` and of scikit-learn's GridSearchCV the same, bit for bit?

    python -m benchmarks.robustness.engines            # all of them
    python -m benchmarks.robustness.engines --only serial processes

Needs scikit-learn, `npae[dask]` and `npae[mpi]` with an MPI (`pip install mpich` brings one). Exit status 1 where
scores differ or an engine is not there.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # joblib's processes inherit it; the sweep would see to itself

import numpy as np

import npae

GRID = {
    "n_components": [8, 16],
    "penalties": [[], [npae.Contractive(0.1)], [npae.L1Sparsity(0.01), npae.WeightDecay(1e-4)]],
    "optimizer": [npae.Adam(0.01), npae.SGD(0.05, momentum=0.9)],
}
FOLDS = 3
MPI_COMMAND = "mpiexec -n 3 python -m mpi4py.futures -m benchmarks.robustness.engines --mpi FILE"


def estimator():
    """Noise, a shuffled order and initial weights: all that draws."""
    return npae.Autoencoder(max_iter=8, corruption=npae.MaskingNoise(0.2), hidden_layer_sizes=(24,), random_state=0)


def data():
    """600 of the digits, in float32: what is summed in another order shows at once."""
    return npae.datasets.load_digits().data[:600].astype(np.float32)


def swept(executor=None):
    """(settings, folds): the scores of the sweep."""
    return npae.sweep(estimator(), GRID, data(), cv=FOLDS, executor=executor).scores


def searched(n_jobs=None):
    """(settings, folds): the scores of GridSearchCV."""
    from sklearn.model_selection import GridSearchCV

    found = GridSearchCV(estimator(), GRID, cv=FOLDS, n_jobs=n_jobs, refit=False).fit(data()).cv_results_
    return np.stack([found[f"split{k}_test_score"] for k in range(FOLDS)], axis=1)


def in_processes():
    """npae.sweep in two processes."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        return swept(pool)


def on_dask(work):
    """`work(client)` with two worker processes of Dask."""
    from dask.distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        return work(client)


def searched_on_dask(client):
    """GridSearchCV through joblib on Dask."""
    import joblib

    with joblib.parallel_config(backend="dask"):
        return searched()


def by_mpi():
    """npae.sweep on three ranks: one that hands out, two that work."""
    if shutil.which("mpiexec") is None:
        raise ImportError("mpiexec is not there")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "scores.npy")
        words = [
            sys.executable if word == "python" else path if word == "FILE" else word for word in MPI_COMMAND.split()
        ]
        done = subprocess.run(words, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        with open(path + ".json") as file:
            ranks = json.load(file)
        if ranks != [1, 2]:
            raise RuntimeError(f"got tasks done by the ranks {ranks}, expected 1 and 2")
        return np.load(path)


def rank(_):
    """In a worker: which rank this is."""
    import time

    from mpi4py import MPI

    time.sleep(0.2)  # so that each is asked once
    return MPI.COMM_WORLD.rank


def as_master(path):
    """What rank 0 does under MPI_COMMAND."""
    from mpi4py.futures import MPIPoolExecutor

    with MPIPoolExecutor() as executor:
        ranks = sorted(set(executor.map(rank, range(executor.num_workers))))
        np.save(path, swept(executor))
    with open(path + ".json", "w") as file:
        json.dump(ranks, file)


ENGINES = {
    "serial": ("npae.sweep, this process", swept, ()),
    "processes": ("npae.sweep, 2 processes", in_processes, ()),
    "dask": (
        "npae.sweep, Dask, 2 worker processes",
        lambda: on_dask(lambda c: swept(c.get_executor())),
        ("distributed",),
    ),
    "mpi": ("npae.sweep, MPI, 3 ranks", by_mpi, ("mpi4py",)),
    "grid-serial": ("GridSearchCV, this process", searched, ("sklearn",)),
    "grid-processes": ("GridSearchCV, 2 processes", lambda: searched(2), ("sklearn",)),
    "grid-dask": (
        "GridSearchCV, joblib on Dask, 2 workers",
        lambda: on_dask(searched_on_dask),
        ("sklearn", "distributed"),
    ),
}


def digest(scores):
    """The first 16 digits of the SHA-256 of float64 scores, in order."""
    return hashlib.sha256(np.ascontiguousarray(scores, np.float64).tobytes()).hexdigest()[:16]


def main(argv=None):
    """Run every engine, print a line for each; 0 where all scores are those of the first, bit for bit."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.robustness.engines", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--only", nargs="+", choices=list(ENGINES), default=list(ENGINES), help="these engines")
    parser.add_argument("--mpi", metavar="FILE", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.mpi:
        as_master(args.mpi)
        return 0
    n = int(np.prod([len(values) for values in GRID.values()]))
    print(f"{n} settings on {FOLDS} folds, {n * FOLDS} scores in float64; SHA-256 of their bytes\n")
    first, status = None, 0
    for name in args.only:
        label, work, needs = ENGINES[name]
        missing = [module for module in needs if importlib.util.find_spec(module) is None]
        try:
            if missing:
                raise ImportError(f"{missing[0]} is not installed")
            scores = work()
        except ImportError as error:
            print(f"{label:<42}{error}")
            status = 1
            continue
        first = scores if first is None else first
        same = scores.tobytes() == first.tobytes()
        status = status if same else 1
        print(f"{label:<42}{digest(scores)}  {'the same bits' if same else 'DIFFERENT'}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
