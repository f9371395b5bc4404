"""What is not training: start-up, loading, PCA, Jacobians and tangents."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import npae
from benchmarks import peers
from benchmarks.report import cell, table
from benchmarks.timing import interleave


def imports(*, quick=False):
    """Rows: import npae over import numpy, in new interpreters."""

    def run(*code):
        return lambda: subprocess.run([sys.executable, *code], check=True, capture_output=True)

    names = {"numpy": run("-c", "import numpy"), "npae": run("-c", "import npae")}
    t = interleave(names, seconds=2 if quick else 10, burst=0)
    rows = [["import npae over import numpy", cell(t["numpy"].ratio(t["npae"])), _ms(t["npae"]), _ms(t["numpy"])]]
    loaded = "import sys, npae; print(*{'matplotlib', 'scipy', 'sklearn'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True).stdout.strip()
    rows.append(["heavy modules that `import npae` loads", found or "none", "", ""])
    return rows


def analyses(*, quick=False):
    """Rows: PCA beside scikit-learn's; Jacobian, tangents and loading alone."""
    rng = np.random.default_rng(0)
    X = rng.random((1000 if quick else 5000, 784))
    rows = []
    pca = {"npae": lambda: npae.PCA(50).fit(X)}
    if peers.installed("sklearn"):
        from sklearn.decomposition import PCA

        pca["peer"] = lambda: PCA(50, svd_solver="full").fit(X)
    rows.append(_beside(f"PCA, {len(X)} x 784, 50 components (scikit-learn, svd_solver='full')", pca, quick))
    model = npae.Autoencoder(32, max_iter=1, random_state=0).fit(X[:500])
    x = X[:200]
    rows.append(_beside("Jacobian, 784-32, 200 samples", {"npae": lambda: npae.manifold.jacobian(model, x)}, quick))
    tangents = {"npae": lambda: npae.manifold.tangent_space(model, x, 5)}
    rows.append(_beside("tangent spaces of 5 dimensions, the same", tangents, quick))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        model.save(path)
        rows.append(_beside("load a 784-32-784 model", {"npae": lambda: npae.load(path)}, quick))
    return rows


def _beside(name, functions, quick):
    try:
        t = interleave(functions, seconds=0.5 if quick else 2)
    except (AttributeError, ImportError) as error:
        return [name, f"not there yet: {error}", "", ""]
    ratio = cell(t["npae"].ratio(t["peer"]), mark=True) if "peer" in t else "-"
    return [name, ratio, _ms(t["npae"]), _ms(t["peer"]) if "peer" in t else "-"]


def main(*, quick=False):
    """A Markdown table."""
    return table(["what", "peer / npae", "npae", "peer"], imports(quick=quick) + analyses(quick=quick))


def _ms(timing):
    return f"{1e3 * timing.median:.3g} ms"
