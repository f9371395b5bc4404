"""Train linear autoencoders to the optimum from a random start: by L-BFGS to nine digits, by Adam to four."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from npae.objective.activations import Identity
from npae.objective.layers import Dense, Tied, mirrored
from npae.objective.losses import SquaredError
from npae.objective.network import Network
from npae.objective.penalties import WeightDecay
from npae.pca.moments import Moments
from npae.training.lbfgs import LBFGSResult, check_options, minimize
from npae.training.loop import train
from npae.training.optimizers import Adam
from npae.training.schedules import Cosine
from npae.validation import check_array


def bottleneck_network(
    n_features: int, n_components: int, *, hidden: int | None = None, activation: Any = Identity(), tied: bool = False,
    lam: float = 0.0, loss: Any = SquaredError(), rng: Any = None, dtype: Any = None,
) -> Network:  # fmt: skip
    """D-k-D, or D-hidden-k-hidden-D, at a random start: code and output linear, `activation` in the hidden layers.

    Tied: the decoder shares the matrices. lam: `WeightDecay(lam)`. With the default activation everything is linear.
    """
    rng = np.random.default_rng(rng)
    first = [] if hidden is None else [Dense(n_features, hidden, activation, rng=rng)]
    encoder = [*first, Dense(hidden or n_features, n_components, rng=rng)]
    penalties = [WeightDecay(lam)] if lam else []
    return Network(encoder, mirrored(encoder, tied=tied, rng=rng), loss=loss, penalties=penalties, dtype=dtype)


def fit_linear_autoencoder(network: Network, X: Any, *, max_iter: int = 20_000, gtol: float = 1e-12) -> LBFGSResult:
    """Train a linear network of any depth, tied or not, with `WeightDecay` or not, by L-BFGS on conditioned weights:

        W_1 = T W,    T = (S / s_1 + eps I)^(-1/2),    eps = max(lam / s_1, 1e-6)

    L-BFGS moves W, so the first layer sees white inputs. In W_1 itself the curvature is the Kronecker product of S and
    W_d W_d^T, as ill-conditioned as the data. eps keeps T from enlarging the weight decay. Tied layers share W_1 with
    the decoder, where T would be on the wrong side, so they take T = I.

    X is (N, D) or its `Moments`: J depends on X only through the mean and the covariance S, with eigenvalues
    s_1 >= s_2 >= ... The network is trained on the `sample()` of the centred moments, at most D + 1 rows, so the cost
    of an iteration does not grow with N. All biases stay 0, which is optimal for centred data; at the end the first
    layer subtracts the mean and the last layer adds the mean.

    Starts from the network's weights, up to a mixing of the code. `gtol` and `max_gradient` belong to J / s_1 and W, so
    the units of X do not matter. Ctrl-C leaves the best theta. Raises ValueError for a network that is not linear,
    TypeError for one that is not float64.
    """
    reason = why_not_quadratic(network)
    if reason:
        raise ValueError(f"fit_linear_autoencoder: {reason}, expected an objective quadratic in x")
    check_options(network, max_iter, gtol)
    layers = (*network.encoder.layers, *network.decoder.layers)
    first, last = layers[0], layers[-1]
    if not isinstance(X, Moments):
        X = Moments.from_samples(check_array(X, name="x", owner="Network", dtype=np.float64, n_features=first.n_in))
    x = Moments(np.zeros_like(X.mean), X.covariance, X.n_samples).sample()
    s, V = X.spectrum()
    unit = float(s[0]) or 1.0
    lam = sum(penalty.lam for penalty in network.penalties)
    scale = np.sqrt(s / unit + max(lam / unit, 1e-6))
    T = (V.T / scale) @ V
    tied = _is_tied(network)

    def times_T(W: np.ndarray) -> np.ndarray:
        return W if tied else T @ W

    _orthonormalize_decoder(network)
    if not tied:
        first.W[:] = (V.T * scale) @ V @ first.W
    for layer in layers:
        layer.b[:] = 0
    theta = network.theta.copy()

    def value_and_grad(conditioned: np.ndarray) -> tuple[float, np.ndarray]:
        network.theta[:] = conditioned
        first.W[:] = times_T(first.W)
        value = network.value_and_grad(x)
        first.dW[:] = times_T(first.dW)
        for layer in layers:
            layer.db[:] = 0
        return value / unit, network.grad / unit

    try:
        result = minimize(value_and_grad, theta, max_iter=max_iter, gtol=gtol)
    finally:  # after Ctrl-C too
        network.theta[:] = theta
        first.W[:] = times_T(first.W)
        first.b[:], last.b[:] = -X.mean @ first.W, X.mean
    return replace(result, value=result.value * unit)


def _is_tied(network: Network) -> bool:
    return any(isinstance(layer, Tied) for layer in network.decoder.layers)


def _orthonormalize_decoder(network: Network) -> None:
    """Mix the code so that the decoder's rows become orthonormal: h R, R^-1 W_d with W_d = R Q. J stays the same.

    L-BFGS then needs up to four times fewer iterations. Weight decay and tied weights depend on R, so there W_d stays.
    """
    before, after = network.encoder.layers[-1], network.decoder.layers[0]
    if network.penalties or _is_tied(network):
        return
    R = np.asarray(np.linalg.qr(decoder_matrix(network).T, mode="r")).T
    if R.shape[0] == R.shape[1] and np.linalg.cond(R) < 1e8:
        before.W[:] = before.W @ R
        after.W[:] = np.linalg.solve(R, after.W)


def descend(
    network: Network, X: Any, *, n_epochs: int = 10_000, lr: float = 1e-2, final: float = 1e-5,
    batch_size: int | None = None, rng: Any = None, record: Callable[[Network], float] | None = None, every: int = 10,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Train by Adam with a step that falls from `lr` to `final` by `Cosine`; return epochs (M,) and records (M,).

    With a fixed step Adam ends in a cloud about as wide as the step; the decay shrinks the cloud. A batch is all of
    X (N, D) unless `batch_size` is given. A record is `record(network)`, by default J; it is taken before the first
    epoch, after every `every` epochs and after the last.
    """
    x = np.asarray(X, network.theta.dtype)
    batch_size = batch_size or len(x)
    record = record or (lambda network: network.value(x))
    epochs, records = [0], [record(network)]

    def on_epoch_end(network: Network, history: dict[str, list]) -> None:
        epoch = len(history["loss"])
        if epoch % every == 0 or epoch == n_epochs:
            epochs.append(epoch)
            records.append(record(network))

    step = Adam(Cosine(lr, n_epochs * -(-len(x) // batch_size), final)).start(network.theta)
    train(network, x, step, batch_size=batch_size, max_iter=n_epochs, rng=rng, callbacks=[on_epoch_end])
    return np.array(epochs), np.array(records)


def decoder_matrix(network: Any) -> np.ndarray:
    """Return W_1 W_2 ... W_L (k, D) of an affine decoder x^ = h W + b; raise ValueError if it is not affine."""
    reason = why_not_affine(network, "decoder")
    if reason:
        raise ValueError(f"decoder_matrix: {reason}, expected an affine decoder")
    return functools.reduce(np.matmul, [layer.W for layer in network.decoder.layers])


def why_not_affine(network: Any, side: str) -> str:
    """Return why the encoder or decoder is not affine, or "" if it is affine."""
    if side == "decoder" and type(network.loss) is not SquaredError:
        return f"the reconstruction is the mean under {network.loss}, which is not affine in the code"
    for i, layer in enumerate(getattr(network, side).layers):
        if type(layer) not in (Dense, Tied):
            return f"layer {i} of the {side} is {layer}, a user-defined layer"
        if not isinstance(layer.activation, Identity):
            return f"layer {i} of the {side} is {layer.activation}, which is not affine"
    return ""


def why_not_quadratic(network: Any) -> str:
    """Return why J is not quadratic in x, or "" for a linear network without a penalty except `WeightDecay`."""
    others = [penalty for penalty in network.penalties if type(penalty) is not WeightDecay]
    if others:
        return f"got the penalty {others[0]}"
    return why_not_affine(network, "encoder") or why_not_affine(network, "decoder")
