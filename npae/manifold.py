"""The manifold of the data as an encoder represents it: Jacobians, tangent planes, contraction, walks.

J(x) = df/dx = U diag(sigma) V^T: the rows of V^T with large sigma are the directions of x to which the code responds.
If the encoder contracts as much as it can while the data remain distinct, these rows span the manifold's tangent plane,
and their number is its dimension. Rifai et al. (2011), The manifold tangent classifier, NIPS.

`model` is a Network or a fitted estimator. Every function raises ValueError for a model that is not fitted, for an
encoder whose activations are not elementwise, and if X is not a finite (N, D) array. Angles are in radians.
"""

from typing import Any

import numpy as np

from npae.objective.contraction import check_dense
from npae.objective.kernels import blocks
from npae.objective.layers import activations_of
from npae.objective.network import checked_inputs
from npae.pca.angles import principal_angles
from npae.validation import check_array, check_number

BLOCK = 2**22  # entries of J in memory at a time, 32 MB in float64, if the result is its singular values or vectors


def jacobian(model, X):
    """Return J (N, K, D) with J[n, k, d] = dh_k / dx_d at X (N, D), in the network's dtype."""
    network, X = _check(model, X, "jacobian")
    return _jacobian(network.encoder.layers, X, network.encoder.layers[0].W)


def singular_values(model, X):
    """Return the singular values of J(x_n), (N, min(K, D)), descending."""
    network, X = _check(model, X, "singular_values")
    layers, (_, R) = network.encoder.layers, _row_space(network.encoder.layers, len(X))
    return np.concatenate([np.linalg.svd(_jacobian(layers, X[n], R), compute_uv=False) for n in _blocks(network, X)])


def tangent_space(model, X, n_dims):
    """Return orthonormal rows (N, n_dims, D): the right-singular vectors of J(x_n) with the largest singular values.

    Raises ValueError unless 1 <= n_dims <= min(K, D).
    """
    network, X = _check(model, X, "tangent_space")
    layers = network.encoder.layers
    check_number(n_dims, "n_dims", "tangent_space", low=1, high=min(layers[-1].n_out, X.shape[1]), integer=True)
    Q, R = _row_space(layers, len(X))
    jacobians = (_jacobian(layers, X[n], R) for n in _blocks(network, X))
    V = np.concatenate([np.linalg.svd(J, full_matrices=False)[2][:, :n_dims] for J in jacobians])
    return V if Q is None else (V.reshape(-1, V.shape[2]) @ Q.T).reshape(len(X), n_dims, -1)


def tangent_angles(T, T_true):
    """Return the largest principal angle (N,), in [0, pi/2], of the row spaces of T (N, d, D) and T_true (N, d', D).

    With d < d' it is the angle between the first space and the closest d-dimensional part of the second. Bjorck and
    Golub (1973). Raises ValueError for shapes that do not match and for dependent rows.
    """
    T, T_true = np.asarray(T), np.asarray(T_true)
    if T.ndim != 3 or T_true.ndim != 3 or len(T) != len(T_true) or not T.shape[1] or not T_true.shape[1]:
        raise ValueError(f"tangent_angles: got shapes {T.shape} and {T_true.shape}, expected (N, d, D) and (N, d', D)")
    return principal_angles(np.swapaxes(T, 1, 2), np.swapaxes(T_true, 1, 2))[:, -1]


def local_dimension(model, X):
    """Return the dimension of the manifold at every x_n, (N,): the d with the largest drop sigma_d - sigma_{d+1}.

    d is 1 to min(K, D); the value after the last singular value counts as 0. The drop is a difference, not a ratio,
    because tiny singular values differ by large factors without meaning.
    """
    return np.diff(singular_values(model, X), axis=1, append=0).argmin(axis=1) + 1


def contraction_ratio(model, X, radii, *, rng, n_directions=8):
    """Return the distance of codes divided by the distance of inputs, at every radius r: (len(radii),).

        mean over n and u of ||f(x_n + r u) - f(x_n)|| / r,    u uniform on the unit sphere of R^D

    with `n_directions` of u per sample, the same for all radii, drawn from `rng` (a Generator or a seed). Computed in
    float64. Rifai et al. (2011), Contractive auto-encoders, ICML, section 5.3. Raises ValueError unless all r > 0.
    """
    network, X = _check(model, X, "contraction_ratio")
    radii = np.asarray(radii, dtype=np.float64)
    if radii.ndim != 1 or not (np.isfinite(radii) & (radii > 0)).all():
        raise ValueError(f"contraction_ratio: got radii={radii!r}, expected a list of finite numbers > 0")
    check_number(n_directions, "n_directions", "contraction_ratio", low=1, integer=True)
    network, X, rng = network.astype(np.float64), X.astype(np.float64), np.random.default_rng(rng)
    h, ratios = network.encoder(X), np.zeros(len(radii))
    for _ in range(n_directions):
        u = rng.standard_normal(X.shape)
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        for i, r in enumerate(radii):
            ratios[i] += (np.linalg.norm(network.encoder(X + r * u) - h, axis=1) / r).mean()
    return ratios / n_directions


def walk(model, x, n_steps, step, *, n_dims=1, direction=None, n_projections=1):
    """Return a path (n_steps + 1, N, D) along the learnt manifold, whose first point is x (N, D).

        t <- V V^T t / ||V V^T t||,    x <- r(x + step t),    V the tangent space of x with n_dims dimensions

    so that the direction t follows the tangent space, and the reconstruction r, applied n_projections times, moves x
    back to the manifold. `direction` (N, D) or (D,) is the first t, by default the leading tangent.
    Raises ValueError as tangent_space does, and for a direction that is orthogonal to the tangent space.
    """
    network, x = _check(model, x, "walk")
    check_number(n_steps, "n_steps", "walk", integer=True)
    check_number(step, "step", "walk", low=-np.inf)
    check_number(n_projections, "n_projections", "walk", integer=True)
    t = None if direction is None else np.broadcast_to(np.asarray(direction, dtype=x.dtype), x.shape)
    path = [x]
    for _ in range(n_steps):
        V = tangent_space(network, x, n_dims)  # (N, n_dims, D)
        t = V[:, 0] if t is None else np.einsum("nid,nie,ne->nd", V, V, t, optimize=True)
        length = np.linalg.norm(t, axis=1, keepdims=True)
        if not (length > 0).all():
            raise ValueError("walk: got a direction orthogonal to the tangent space, expected one with a part in it")
        t = t / length
        x = x + step * t
        for _ in range(n_projections):
            x = network.reconstruct(x)
        path.append(x)
    return np.stack(path)


def local_pca(X_train, X, n_neighbors, n_dims):
    """Return the first principal directions of each x_n's nearest neighbours, (N, n_dims, D): a baseline for tangents.

    The neighbours are the n_neighbors points of X_train (M, D) closest to x_n, minus their mean. The distances cost
    N M D, and every sample costs a singular value decomposition of (n_neighbors, D).
    Raises ValueError unless n_dims < n_neighbors <= M and n_dims <= D.
    """
    X_train = check_array(X_train, name="X_train", owner="local_pca")
    X = check_array(X, name="X", owner="local_pca", dtype=X_train.dtype, n_features=X_train.shape[1])
    check_number(n_dims, "n_dims", "local_pca", low=1, high=X.shape[1], integer=True)
    check_number(n_neighbors, "n_neighbors", "local_pca", low=n_dims + 1, high=len(X_train), integer=True)
    centre = X_train.mean(axis=0)  # far from the origin the difference below would cancel
    X_train, X = X_train - centre, X - centre
    squares, V = np.square(X_train).sum(axis=1), []
    for n in blocks(len(X), max(1, BLOCK // max(len(X_train), n_neighbors * X.shape[1]))):
        distance = squares - 2 * X[n] @ X_train.T  # squared, up to ||x_n||^2
        neighbors = X_train[np.argpartition(distance, n_neighbors - 1, axis=1)[:, :n_neighbors]]  # (n, n_neighbors, D)
        neighbors -= neighbors.mean(axis=1, keepdims=True)
        V.append(np.linalg.svd(neighbors, full_matrices=False)[2][:, :n_dims])
    return np.concatenate(V)


def _jacobian(layers, X, W_1):
    """J = S_L W_L^T ... S_1 W_1^T, multiplied from the outputs: one product per layer, over the rows of all samples."""
    H = activations_of(layers, X)
    weights = [W_1, *(layer.W for layer in layers[1:])]
    J = layers[-1].activation.dphi(H[-1])[:, :, None] * weights[-1].T  # (N, K_L, K_{L-1})
    for layer, h, W in zip(layers[-2::-1], H[-2::-1], weights[-2::-1]):
        J *= layer.activation.dphi(h)[:, None, :]
        J = (J.reshape(-1, layer.n_out) @ W.T).reshape(*J.shape[:2], len(W))
    return J


def _row_space(layers, n_samples):
    """Return Q (D, K_1) and R of W_1 = Q R: J = (S_L W_L^T ... S_1 R^T) Q^T, a small factor with J's singular values.

    Return (None, W_1) if the factor would not be smaller than J or would have fewer singular values, or if the QR would
    cost more than it saves because all J together have few rows.
    """
    W, K = layers[0].W, layers[-1].n_out
    return np.linalg.qr(W) if K <= W.shape[1] < W.shape[0] <= n_samples * K / 4 else (None, W)


def _blocks(network, X):
    widest = max(layer.n_in for layer in network.encoder.layers)
    return blocks(len(X), max(1, BLOCK // (network.encoder.layers[-1].n_out * widest)))


def _check(model: Any, X, owner):
    network, X = checked_inputs(model, X, owner)
    check_dense(owner, network.encoder)
    return network, X
