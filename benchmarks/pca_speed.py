"""npae.PCA beside scikit-learn's on tall data, taking turns: python benchmarks/pca_speed.py [--short]

Medians over rounds and the ratio of the medians, npae / scikit-learn: below 1 npae is faster.
"""

import argparse
import time

import numpy as np
from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811

from npae.pca import PCA


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(title, ours, theirs, rounds):
    ours(), theirs()
    times = np.array([(seconds(ours), seconds(theirs)) for _ in range(rounds)])
    a, b = np.median(times, axis=0)
    print(f"{title:<46}{a:>9.3f} s{b:>9.3f} s   ratio {a / b:.2f}, of single rounds "
          f"{np.quantile(times[:, 0] / times[:, 1], 0.25):.2f} to {np.quantile(times[:, 0] / times[:, 1], 0.75):.2f}",
          flush=True)  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="6,000 rows")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    N = 6_000 if arguments.short else 60_000
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, 60)) @ rng.standard_normal((60, 784)) + 0.1 * rng.standard_normal((N, 784))
    solver = "covariance_eigh" if N < 7840 else "auto"
    print(f"{f'X ({N:,}, 784)':<46}{'npae':>11}{'sklearn':>11}")
    for dtype in (np.float64, np.float32):
        x = X.astype(dtype)
        name = np.dtype(dtype).name
        compare(f"fit, all components, {name}", lambda x=x: PCA(solver="covariance").fit(x),
                lambda x=x: SklearnPCA(svd_solver=solver).fit(x), arguments.rounds)  # fmt: skip
        compare(f"fit_transform, 32 components, {name}", lambda x=x: PCA(32, solver="covariance").fit_transform(x),
                lambda x=x: SklearnPCA(32, svd_solver=solver).fit_transform(x), arguments.rounds)  # fmt: skip
