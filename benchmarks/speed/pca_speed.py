"""Compare npae.PCA with scikit-learn's on tall data, in turns: python -m benchmarks.speed.pca_speed [--short]"""

import argparse

import numpy as np
from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811

from benchmarks.report import HEADER, beside, table
from npae.pca import PCA

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="6,000 rows")
    parser.add_argument("--seconds", type=float, default=10.0, help="of rounds for each of the four comparisons")
    chosen = parser.parse_args()
    N, rows, rng = 6_000 if chosen.short else 60_000, [], np.random.default_rng(0)
    X = rng.standard_normal((N, 60)) @ rng.standard_normal((60, 784)) + 0.1 * rng.standard_normal((N, 784))
    solver = "covariance_eigh" if N < 7840 else "auto"
    for x in (X, X.astype(np.float32)):
        for k, call in ((None, "fit"), (32, "fit_transform")):
            ours, theirs = PCA(k, solver="covariance"), SklearnPCA(k, svd_solver=solver)
            what = f"{call}, {k or 'all'} components, {x.dtype}, {N:,} x 784"
            pair = (lambda m=ours, x=x, c=call: getattr(m, c)(x)), (lambda m=theirs, x=x, c=call: getattr(m, c)(x))
            rows.append(beside(what, *pair, seconds=chosen.seconds, burst=0))
    print(table(HEADER, rows))
