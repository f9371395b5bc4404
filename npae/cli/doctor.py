"""`npae doctor`: versions, BLAS and its threads, and whether what is installed computes right."""

import os
import tempfile

from npae.cli.arguments import add_json
from npae.cli.streams import show
from npae.threads import threads

PACKAGES = (
    "matplotlib", "scipy", "scikit-learn", "threadpoolctl", "tqdm", "pandas", "polars", "dask", "mpi4py", "autograd",
    "torch",
)  # fmt: skip


def add_command(commands):
    """Add `doctor` to the subcommands."""
    parser = commands.add_parser(
        "doctor",
        help="versions, BLAS, and a self-test: what a report of a bug should contain",
        description="Versions, BLAS and its threads, and a self-test of a few seconds: exit status 1 where it fails.",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args):
    """Say what is there, run every test."""
    versions, blas = _versions(), _blas()
    tests = {name: _tried(test) for name, test in TESTS.items()}
    failed = [name for name, fault in tests.items() if fault]
    text = [f"{name} {version or 'not installed'}" for name, version in versions.items()]
    text += [f"BLAS {blas['name']} {blas['version']}, {blas['cores']} cores, threads: {blas['threads']}"]
    text += [f"{'FAILED' if fault else 'ok':<7}{name}{f': {fault}' if fault else ''}" for name, fault in tests.items()]
    show(args, {"ok": not failed, "versions": versions, "blas": blas, "failed": {n: tests[n] for n in failed},
                "tests": list(tests)}, "\n".join(text))  # fmt: skip
    return 1 if failed else 0


def _versions():
    import importlib.metadata
    import platform

    import numpy as np

    import npae

    found = {"npae": npae.__version__, "Python": f"{platform.python_version()} on {platform.system()} "
             f"{platform.machine()}", "NumPy": np.__version__}  # fmt: skip
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def _blas():
    import numpy as np

    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    found = {"name": built.get("name", "?"), "version": built.get("version", "?"), "cores": os.cpu_count()}
    try:
        from threadpoolctl import threadpool_info

        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        counted = ", ".join(f"{pool['num_threads']} in {os.path.basename(pool['filepath'])}" for pool in pools)
        return found | {"threads": f"{counted or 'none found'} ({threads()})"}
    except ImportError:
        return found | {"threads": threads()}


def _tried(test):
    """None where a test is passed, otherwise what it found, in words."""
    try:
        return test()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _products():
    """Matrix products of whole numbers, which are exact, beside sums that no BLAS takes."""
    import numpy as np

    rng = np.random.default_rng(0)
    A, B = (rng.integers(-50, 50, (150, 150)) for _ in range(2))
    exact = A @ B  # of whole numbers: NumPy's own loops
    for dtype in (np.float32, np.float64):
        if not np.array_equal(A.astype(dtype) @ B.astype(dtype), exact):
            return f"a product of {np.dtype(dtype)} matrices of whole numbers is wrong: this BLAS cannot be trusted"
    return None


def _gradients():
    """Ten random networks under the complex step."""
    from npae.cli.fuzz import fuzz

    report = fuzz(10)
    return None if report.ok else f"worst relative error {report.worst_error:.1e} in {report.worst_array}"


def _data():
    """The digits are those that were packed."""
    from npae.datasets import load_digits, load_mnist_5k

    sums = [round(float(load().data.sum() * scale)) for load, scale in ((load_digits, 16), (load_mnist_5k, 255))]
    return None if sums == SUMS else f"got grey levels with the sums {sums}, expected {SUMS}"


def _repeats():
    """The same seed gives the same weights, and a file the same codes."""
    import numpy as np

    import npae

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
    """PCA beside the singular values that NumPy finds."""
    import numpy as np

    import npae

    X = npae.datasets.load_digits().data
    ours = npae.PCA(10).fit(X).explained_variance_
    theirs = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[:10] ** 2
    ratio = ours / theirs
    return None if np.ptp(ratio) < 1e-10 * ratio.mean() else f"variances differ from the singular values': {ratio}"


SUMS = [561718, 131267102]
TESTS = {
    "matrix products": _products,
    "gradients": _gradients,
    "the data in the package": _data,
    "training and model files": _repeats,
    "PCA": _pca,
}
