"""Measure whether the tangents of contractive and denoising codes follow the motions of an image, over seeds.

The two codes have the same number of units and about the same Jacobian norm and error. There are three baselines: eight
directions of one PCA of all images, eight of each image's neighbours, and eight random directions.
"""

from dataclasses import dataclass

import numpy as np

from npae import datasets, manifold
from npae.experiments.family import error
from npae.experiments.manifolds import KINDS, angles_to, tied_code
from npae.pca import PCA

N_DIMS = 8  # of the tangent spaces
CODES = (
    ("contractive, &lambda; = 0.3", 128, 0.3, None), ("denoising, &sigma; = 0.5", 128, None, 0.5),
    ("contractive, &lambda; = 0.3", 512, 0.3, None), ("denoising, &sigma; = 0.5", 512, None, 0.5),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Code:
    """The measures of one code at held-out digits, arrays (S,) over S seeds."""

    name: str
    units: int
    angles: dict[str, np.ndarray]  # motion -> median angle to the tangent space, degrees
    norm: np.ndarray  # mean ||J||_F
    directions: np.ndarray  # median effective number of directions that move the code
    error: np.ndarray


def motion_study(*, seeds=5, n_steps=1500, n_test=200, codes=CODES, random_state=0):
    """Return ([a Code for each entry of `codes`], {baseline: {motion: degrees}}) on n_test digits of 8 x 8."""
    X = datasets.load_digits().data
    order = np.random.default_rng(random_state).permutation(len(X))
    train_set, test = X[order[:1400]], X[order[1400 : 1400 + n_test]]
    true = datasets.transform_tangents(test, (8, 8), KINDS)
    random = np.random.default_rng(random_state).standard_normal((len(test), 64, N_DIMS))
    one = PCA(N_DIMS).fit(train_set).components_
    baselines = {
        "PCA, the same for all": np.broadcast_to(one, (len(test), *one.shape)),
        "local PCA, 40 neighbours": manifold.local_pca(train_set, test, 40, N_DIMS),
        "random": np.linalg.qr(random)[0].transpose(0, 2, 1),
    }
    results = []
    for name, units, lam, sigma in codes:
        how = {"n_steps": n_steps, "lr": 2e-2, "n_units": units, "lam": lam, "sigma": sigma}
        each = [_measure(tied_code(train_set, rng=random_state + s, **how), test, true) for s in range(seeds)]
        angles = {kind: np.array([angles[kind] for angles, *_ in each]) for kind in KINDS}
        results.append(Code(name, units, angles, *(np.array(column) for column in list(zip(*each))[1:])))
    return results, {name: angles_to(T, true) for name, T in baselines.items()}


def _measure(network, X, true):
    sigma, V = jacobian_spectrum(network, X)
    norm = float(np.sqrt((sigma**2).sum(axis=1)).mean())
    angles = angles_to(V[:, :N_DIMS], true)
    return angles, norm, float(np.median(effective_directions(sigma))), error(network.reconstruct(X), X)


def jacobian_spectrum(network, X):
    """Return all singular values (N, D), descending, and right-singular vectors (N, D, D) of the Jacobians of a code.

    They are computed from the eigenvectors of J^T J (D, D), which is fast for K > D. A sigma below 1e-8 of the largest
    is lost to rounding.
    """
    J = manifold.jacobian(network, X).astype(np.float64)
    squares, V = np.linalg.eigh(np.swapaxes(J, 1, 2) @ J)  # J^T J = V sigma^2 V^T
    return np.sqrt(np.maximum(squares[:, ::-1], 0)), np.swapaxes(V, 1, 2)[:, ::-1]


def effective_directions(sigma):
    """(sum sigma^2)^2 / sum sigma^4 of singular values (N, k): the number of directions that move the code, (N,)."""
    return (sigma**2).sum(axis=1) ** 2 / (sigma**4).sum(axis=1)
