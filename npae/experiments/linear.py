"""Linear autoencoders on data: angles to PCA during training, components, errors by width of the code."""

from typing import Any

import numpy as np

from npae.experiments.cosine import train_epochs
from npae.objective.activations import Tanh
from npae.pca import PCA, compare_with_pca, fit_linear_autoencoder, principal_angles
from npae.pca.fit_linear import bottleneck_network, decoder_matrix, descend
from npae.pca.moments import Moments, fix_signs
from npae.pca.theory import loss_surface


def angle_histories(X: Any, k: int = 8, n_steps: int = 10_000, random_state: Any = 0) -> dict[str, Any]:
    """Return the largest principal angle during training by Adam, by name of the step size: name -> (steps, angles)."""
    x, P = Moments.from_samples(X).sample(), PCA(k).fit(X).components_.T

    def largest_angle(network: Any) -> float:
        return principal_angles(decoder_matrix(network).T, P)[-1]

    histories = {}
    for name, dtype, final in (
        ("constant step 1e-2", np.float64, 1e-2),
        ("decaying to 1e-5, float32", np.float32, 1e-5),
        ("decaying to 1e-8, float64", np.float64, 1e-8),
    ):
        network = bottleneck_network(X.shape[1], k, rng=random_state, dtype=dtype)
        histories[name] = descend(network, x, n_epochs=n_steps, final=final, record=largest_angle, every=40)
    return histories


def loss_surfaces(lam: float = 0.15, angle: float = np.pi / 6) -> dict[str, Any]:
    """Return J over both parameters of the two smallest linear autoencoders, as arguments of `plots.linear.surfaces`.

    The first has one input and one unit, x^ = x u v, and weight decay lam. The second has two inputs and one tied unit,
    x^ = x w w^T; its data have variance 1 along a direction at `angle` and 0.4 across it.
    """
    grid = np.linspace(-1.7, 1.7, 91)
    V = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    unit, plane = Moments(np.zeros(1), np.eye(1), 2), Moments(np.zeros(2), V.T * [1.0, 0.4] @ V, 3)
    one_unit, tied = loss_surface(unit, grid, grid[:, None], lam), loss_surface(plane, grid, grid[:, None])
    return {"grid": grid, "one_unit": one_unit, "tied": tied, "V": V, "lam": lam}


def nonlinear_network(X: Any, k: int, *, hidden: int = 128, max_iter: int = 150, rng: Any = 0) -> Any:
    """Train D-hidden-k-hidden-D with tanh on X (N, D) by Adam over max_iter epochs, with a rate that falls to zero."""
    network = bottleneck_network(X.shape[1], k, hidden=hidden, activation=Tanh(), rng=rng, lam=1e-5, dtype=np.float32)
    return train_epochs(network, X.astype(np.float32), lr=5e-3, epochs=max_iter, batch_size=64, rng=rng)


def component_images(X, k=8, lam=0.02, max_iter=100, random_state=0):
    """Return images (k, D) by name: directions of PCA, decoders of a plain, a regularized and a nonlinear network."""
    rows = {"PCA: directions by variance": PCA(k).fit(X).components_}
    names = {"linear, untied: decoder weights, mixed": 0.0, f"linear, weight decay {lam:g}: singular vectors": lam}
    for name, weight_decay in names.items():
        network = bottleneck_network(X.shape[1], k, lam=weight_decay, rng=random_state)
        fit_linear_autoencoder(network, X, gtol=1e-10)
        W = decoder_matrix(network)
        rows[name] = np.linalg.svd(W, full_matrices=False)[2] if weight_decay else W
    network = nonlinear_network(X, k, hidden=64, max_iter=max_iter, rng=random_state)
    code = network.encode(X.astype(np.float32))
    step, middle = np.eye(k) * code.std(axis=0), code.mean(axis=0)
    added = network.decode(middle + step) - network.decode(middle[None])
    rows["nonlinear: what one unit, a deviation up, adds"] = added
    return {name: fix_signs(row) for name, row in rows.items()}


def errors_by_width(X, widths=(1, 2, 3, 4, 6, 8, 12, 16), max_iter=150, random_state=0):
    """Return widths k and held-out errors, mean 1/2 ||x^ - x||^2, of PCA, linear and nonlinear networks by name."""
    order = np.random.default_rng(random_state).permutation(len(X))
    train_set, test = X[order[len(X) // 4 :]], X[order[: len(X) // 4]]
    errors: dict[str, list[float]] = {"PCA": [], "linear": [], "nonlinear, 128 tanh": []}
    for k in widths:
        pca = PCA(k).fit(train_set)
        linear = bottleneck_network(X.shape[1], k, rng=random_state)
        fit_linear_autoencoder(linear, train_set, gtol=1e-10)
        nonlinear = nonlinear_network(train_set, k, max_iter=max_iter, rng=random_state)
        results = [compare_with_pca(network, test, pca=pca) for network in (linear, nonlinear)]
        for name, error in zip(errors, [results[0].pca_error, *(result.reconstruction_error for result in results)]):
            errors[name].append(error)
    return list(widths), errors
