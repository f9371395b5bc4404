"""What linear autoencoders learn of data: angles to PCA along the way, components, errors by width of the code."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from npae.activations import Tanh
from npae.lbfgs_training import lbfgs
from npae.pca import PCA, compare_with_pca, principal_angles
from npae.pca.moments import Moments, fix_signs
from npae.pca.training import bottleneck_network, decoder_matrix, descend, fit_linear


def angle_histories(X: Any, k: int = 8, n_steps: int = 10_000, random_state: Any = 0) -> dict[str, Any]:
    """Largest principal angle along Adam's path, for a constant and a decaying step: name -> (steps, angles)."""
    x, P = Moments.of(X).sample(), PCA(k).fit(X).components_.T

    def largest_angle(network: Any) -> float:
        return principal_angles(decoder_matrix(network).T, P)[-1]

    histories = {}
    for name, dtype, final in (
        ("constant step 1e-2", np.float64, 1e-2),
        ("decaying to 1e-5, float32", np.float32, 1e-5),
        ("decaying to 1e-8, float64", np.float64, 1e-8),
    ):
        network = bottleneck_network(X.shape[1], k, rng=random_state, dtype=dtype)
        histories[name] = descend(network, x, n_epochs=n_steps, final=final, record=largest_angle)
    return histories


def component_images(
    X: Any, k: int = 8, lam: float = 0.02, max_iter: int = 200, random_state: Any = 0
) -> dict[str, Any]:
    """Rows of images (k, D): PCA's directions beside the decoders of a plain, a regularized and a nonlinear network."""
    rows = {"PCA: directions by variance": PCA(k).fit(X).components_}
    for name, weight_decay in (
        ("linear autoencoder: decoder weights, the same subspace mixed", 0.0),
        (f"linear autoencoder, weight decay {lam:g}: singular vectors of the decoder", lam),
    ):
        network = bottleneck_network(X.shape[1], k, lam=weight_decay, rng=random_state)
        fit_linear(network, X)
        W = decoder_matrix(network)
        rows[name] = np.linalg.svd(W, full_matrices=False)[2] if weight_decay else W
    network = bottleneck_network(X.shape[1], k, hidden=64, activation=Tanh(), rng=random_state)
    lbfgs(network, X, max_iter=max_iter)
    step, middle = np.eye(k) * network.encode(X).std(axis=0), network.encode(X).mean(axis=0)
    rows["nonlinear autoencoder: what one code unit, a deviation up, adds"] = network.decode(
        middle + step
    ) - network.decode(middle[None])
    return {name: fix_signs(row) for name, row in rows.items()}


def errors_by_width(
    X: Any, widths: Sequence[int] = (1, 2, 3, 4, 6, 8, 12, 16), max_iter: int = 300, random_state: Any = 0
) -> tuple[list[int], dict[str, list[float]]]:
    """Widths k and the held-out errors, mean 1/2 ||x^ - x||^2, of PCA, linear and nonlinear networks by name."""
    order = np.random.default_rng(random_state).permutation(len(X))
    train, test = X[order[len(X) // 4 :]], X[order[: len(X) // 4]]
    errors: dict[str, list[float]] = {"PCA": [], "linear": [], "nonlinear, 128 tanh": []}
    for k in widths:
        pca = PCA(k).fit(train)
        linear = bottleneck_network(X.shape[1], k, rng=random_state)
        fit_linear(linear, train)
        nonlinear = bottleneck_network(X.shape[1], k, hidden=128, activation=Tanh(), rng=random_state, lam=1e-5)
        lbfgs(nonlinear, train, max_iter=max_iter)
        results = [compare_with_pca(network, test, pca=pca) for network in (linear, nonlinear)]
        for name, error in zip(errors, [results[0].pca_error, *(result.reconstruction_error for result in results)]):
            errors[name].append(error)
    return list(widths), errors
