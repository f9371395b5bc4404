"""Do the tangents of a code follow the motions of an image? Contractive and denoising codes side by side, over seeds.

A comparison is fair at about the same norm of the Jacobian and the same error, with as many units: the penalty's weight
and the noise's size are varied, then the number of units. What the eight directions of one PCA for all images say, and
those of each image's neighbours, are the measures of doing well; eight random directions of doing nothing.
"""

from dataclasses import dataclass

import numpy as np

from npae import datasets, manifold
from npae.experiments.family import error
from npae.experiments.manifolds import train_steps
from npae.objective.activations import Sigmoid
from npae.objective.contraction import Contractive
from npae.objective.corruption import GaussianNoise
from npae.objective.layers import Dense, mirrored
from npae.objective.network import Network
from npae.pca import PCA

KINDS = ("shift_x", "shift_y", "rotation")
N_DIMS = 8  # of the tangent spaces that motions are held against
CODES = (
    ("contractive, &lambda; = 0.3", 128, 0.3, None),
    ("denoising, &sigma; = 0.5", 128, None, 0.5),
    ("contractive, &lambda; = 0.3", 512, 0.3, None),
    ("denoising, &sigma; = 0.5", 512, None, 0.5),
)


@dataclass(frozen=True, eq=False)
class Code:
    """One code over S seeds at held-out digits; arrays (S,)."""

    name: str
    units: int
    angles: dict[str, np.ndarray]  # motion -> median angle to the tangent space, degrees
    norm: np.ndarray  # mean ||J||_F
    directions: np.ndarray  # median effective number of directions that move the code
    error: np.ndarray


def motion_study(*, seeds=5, n_steps=1500, n_test=200, codes=CODES, random_state=0):
    """([Code of every entry of `codes`], {baseline: {motion: degrees}}) on n_test digits of 8 x 8."""
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
        each = [_measure(_train(train_set, units, lam, sigma, n_steps, random_state + s), test, true)
                for s in range(seeds)]  # fmt: skip
        angles = {kind: np.array([angles[kind] for angles, *_ in each]) for kind in KINDS}
        results.append(Code(name, units, angles, *(np.array(column) for column in list(zip(*each))[1:])))
    return results, {name: angles_to(T, true) for name, T in baselines.items()}


def _train(X, units, lam, sigma, n_steps, seed):
    rng = np.random.default_rng(seed)
    encoder = [Dense(X.shape[1], units, Sigmoid(), rng=rng)]
    penalties = [] if lam is None else [Contractive(lam)]
    network = Network(encoder, mirrored(encoder, tied=True), penalties=penalties, dtype=np.float32)
    corruption = None if sigma is None else GaussianNoise(sigma)
    return train_steps(network, X, n_steps=n_steps, lr=2e-2, corruption=corruption, rng=rng)


def _measure(network, X, true):
    sigma, V = spectrum(network, X)
    norm = float(np.sqrt((sigma**2).sum(axis=1)).mean())
    angles = angles_to(V[:, :N_DIMS], true)
    return angles, norm, float(np.median(effective_directions(sigma))), error(network.reconstruct(X), X)


def spectrum(network, X):
    """All singular values (N, D), descending, and right-singular vectors (N, D, D) of wide codes' Jacobians.

    By the eigenvectors of J^T J (D, D), which is fast where K > D; a sigma below 1e-8 of the largest is lost in it.
    """
    J = manifold.jacobian(network, X).astype(np.float64)
    squares, V = np.linalg.eigh(np.swapaxes(J, 1, 2) @ J)  # J^T J = V sigma^2 V^T
    return np.sqrt(np.maximum(squares[:, ::-1], 0)), np.swapaxes(V, 1, 2)[:, ::-1]


def effective_directions(sigma):
    """(sum sigma^2)^2 / sum sigma^4 of singular values (N, k): how many directions move the code, (N,)."""
    return (sigma**2).sum(axis=1) ** 2 / (sigma**4).sum(axis=1)


def angles_to(T, true):
    """Median angle in degrees of each motion's tangents true (N, 3, D) to the spaces T (N, d, D), by motion."""
    return {
        kind: float(np.median(np.degrees(manifold.tangent_angles(T, true[:, i : i + 1]))))
        for i, kind in enumerate(KINDS)
    }
