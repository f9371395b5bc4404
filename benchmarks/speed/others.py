"""Measure start-up, loading, PCA, Jacobians and tangents."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import npae
from benchmarks.report import HEADER, beside, installed, table


def imports(quick):
    """Return rows: import numpy / import npae, in new interpreters."""

    def run(code):
        return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()

    pair = (lambda: run("import npae")), (lambda: run("import numpy"))
    loaded = run("import sys, npae; print(*{'matplotlib', 'scipy', 'sklearn'} & set(sys.modules))")
    return [
        beside("`import npae` (peer: `import numpy`)", *pair, seconds=2 if quick else 10, burst=0),
        ["heavy modules that `import npae` loads", loaded or "none", "", ""],
    ]


def analyses(quick):
    """Return rows: PCA and scikit-learn's; Jacobian, tangents and loading alone."""
    X, fit_theirs = np.random.default_rng(0).random((1000 if quick else 5000, 784)), None
    if installed("sklearn"):
        from sklearn.decomposition import PCA

        fit_theirs = lambda: PCA(50, svd_solver="full").fit(X)  # noqa: E731
    model = npae.Autoencoder(32, max_iter=1, random_state=0).fit(X[:500])
    x, seconds = X[:200], 0.5 if quick else 2
    pca = f"PCA, {len(X)} x 784, 50 components (scikit-learn, svd_solver='full')"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        model.save(path)
        return [
            beside(pca, lambda: npae.PCA(50).fit(X), fit_theirs, seconds=seconds),
            beside("Jacobian, 784-32, 200 samples", lambda: npae.manifold.jacobian(model, x), seconds=seconds),
            beside("their tangent spaces (5)", lambda: npae.manifold.tangent_space(model, x, 5), seconds=seconds),
            beside("load a 784-32-784 model", lambda: npae.load(path), seconds=seconds),
        ]


def main(quick=False):
    """Return a Markdown table."""
    return table(HEADER, imports(quick) + analyses(quick))
