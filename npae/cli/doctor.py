"""`npae doctor`: print versions, BLAS and its threads, and test that what is installed computes right."""

import importlib.metadata
import os
import platform
import tempfile

import numpy as np

import npae
from npae.cli.fuzz import fuzz
from npae.cli.streams import print_result
from npae.threads import threads

PACKAGES = (
    "matplotlib", "scipy", "scikit-learn", "threadpoolctl", "tqdm", "pandas", "polars", "dask", "mpi4py", "autograd",
    "torch",
)  # fmt: skip
SUMS = [561718, 131267102]  # of the grey levels of digits and mnist


def run(args):
    """Print the versions and run every test."""
    versions, blas = _versions(), _blas()
    tests = {name: _fault(test) for name, test in TESTS.items()}
    failed = {name: fault for name, fault in tests.items() if fault}
    text = [f"{name} {version or 'not installed'}" for name, version in versions.items()]
    text += [f"BLAS {blas['name']} {blas['version']}, {blas['cores']} cores, threads: {blas['threads']}"]
    text += [f"{'FAILED' if fault else 'ok':<7}{name}{f': {fault}' if fault else ''}" for name, fault in tests.items()]
    values = {"ok": not failed, "versions": versions, "blas": blas, "failed": failed, "tests": list(tests)}
    print_result(args, values, "\n".join(text))
    return 1 if failed else 0


def _versions():
    python = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    found = {"npae": npae.__version__, "Python": python, "NumPy": np.__version__}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def _blas():
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    found = {"name": built.get("name", "?"), "version": built.get("version", "?"), "cores": os.cpu_count()}
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return found | {"threads": threads()}
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    counted = ", ".join(f"{pool['num_threads']} in {os.path.basename(pool['filepath'])}" for pool in pools)
    return found | {"threads": f"{counted or 'none found'} ({threads()})"}


def _fault(test):
    try:
        return test()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _products():
    """Compare products of matrices of whole numbers, which are exact, with sums that no BLAS computes."""
    A, B = np.random.default_rng(0).integers(-50, 50, (2, 150, 150))
    exact = A @ B  # of whole numbers: NumPy's own loops
    for dtype in (np.float32, np.float64):
        if not np.array_equal(A.astype(dtype) @ B.astype(dtype), exact):
            return f"a product of {np.dtype(dtype)} matrices of whole numbers is wrong: this BLAS cannot be trusted"
    return None


def _gradients():
    """Check ten random networks."""
    report = fuzz(10)
    return None if report.ok else f"worst relative error {report.worst_error:.1e} in {report.worst_array}"


def _data():
    """Check the sums of the grey levels of both data sets."""
    sets = (npae.datasets.load_digits, 16), (npae.datasets.load_mnist_5k, 255)
    sums = [round(float(load().data.sum() * scale)) for load, scale in sets]
    return None if sums == SUMS else f"got grey levels with the sums {sums}, expected {SUMS}"


def _repeats():
    """Check that one seed gives the same weights twice, and a file the same codes."""
    X = np.random.default_rng(0).random((64, 10))
    first, second = (npae.Autoencoder(4, max_iter=3, random_state=0).fit(X) for _ in range(2))
    if first.network_.theta.tobytes() != second.network_.theta.tobytes():
        return "two trainings with one seed differ"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.npz")
        first.save(path)
        same = np.array_equal(npae.load(path).transform(X), first.transform(X))
    return None if same else "a model that was saved and loaded has other codes"


def _pca():
    """Compare PCA with the singular values that NumPy finds."""
    X = npae.datasets.load_digits().data
    ratio = npae.PCA(10).fit(X).explained_variance_ / np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[:10] ** 2
    return None if np.ptp(ratio) < 1e-10 * ratio.mean() else f"variances differ from the singular values': {ratio}"


TESTS = {  # each returns None if it is passed, otherwise a sentence
    "matrix products": _products, "gradients": _gradients, "the data in the package": _data,
    "training and model files": _repeats, "PCA": _pca,
}  # fmt: skip
