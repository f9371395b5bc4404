"""Training linear autoencoders all the way to the optimum, from a random start.

Two things keep an ordinary L-BFGS run far from ten digits. The curvature for the encoder's weights is the Kronecker
product of S and W_d W_d^T, as ill-conditioned as the data; and J is rounded to 1e-16 J, which hides an angle of
sqrt(1e-16 J / gap) from a line search. `fit_linear` answers the first with a change of variables, the second with
differences of J taken from gradients; without SciPy it alternates between the best decoder and the best encoder.
"""

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
from npae.pca.alternation import Sweeps, alternate, can_alternate
from npae.pca.moments import Moments
from npae.training.loop import train
from npae.training.optimizers import Adam
from npae.training.schedules import Cosine
from npae.training.scipy_lbfgs import LBFGSResult, check_problem, minimize
from npae.validation import check_array

LEG = 1000  # iterations of L-BFGS before the variables are conditioned anew


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


def fit_linear(network: Network, X: Any, *, max_iter: int = 20_000, gtol: float = 1e-12) -> LBFGSResult | Sweeps:
    """Train a linear network (any depth, tied or not, `WeightDecay` or not) by L-BFGS on the moments of X alone.

    The weights start where they are, up to a mixing of the code, the biases where they do the centring, which leaves
    the rest of J to the weights.
    X (N, D) or `Moments`; only their `sample()` of at most D + 1 rows is trained on, with the same J and gradient, so
    the cost of an iteration does not grow with N. Stops where no |dJ/dphi| exceeds `gtol` times the largest variance,
    phi the variables of `_Conditioned`, whatever the units of x.
    Without SciPy: by `alternate` where one layer stands on either side, by Adam with a falling step elsewhere, which
    comes to about six digits.
    ValueError for a network that is not linear, TypeError for one that is not float64.
    """
    why = why_not_quadratic(network)
    if why:
        raise ValueError(f"fit_linear: {why}, expected an objective quadratic in x")
    if isinstance(X, Moments):
        moments = X
    else:
        n_features = network.encoder.layers[0].n_in
        moments = Moments.of(check_array(X, name="x", owner="Network", dtype=np.float64, n_features=n_features))
    try:
        check_problem(network, max_iter, gtol)
    except ImportError:
        return _without_scipy(network, moments, max_iter, gtol)
    x, mean = moments.sample(), moments.mean[None]
    first, last = network.encoder.layers[0], network.decoder.layers[-1]
    first.b[:] = -(mean @ first.W)[0]
    last.b += (mean - network.reconstruct(mean))[0]
    n_iter, rounded = 0, False
    while True:
        _orthonormalize_decoder(network)
        conditioned = _Conditioned(network, moments)
        if rounded:
            conditioned.take_differences_from_here(x)
        try:
            result = minimize(conditioned, x, max_iter=min(LEG, max_iter - n_iter), gtol=gtol)
        finally:  # after Ctrl-C, too
            conditioned.write()
        n_iter += result.n_iter
        if result.converged or n_iter >= max_iter or result.n_iter == 0:
            return replace(result, value=network.value(x), n_iter=n_iter)
        rounded = rounded or result.n_iter < LEG


def _without_scipy(network: Network, moments: Moments, max_iter: int, gtol: float) -> Sweeps:
    if can_alternate(network):
        return alternate(network, moments, max_iter=max_iter, gtol=gtol)
    x = moments.sample()
    descend(network, x, n_epochs=max_iter, every=max_iter)
    value = network.value_and_grad(x)
    largest = float(np.abs(network.grad).max() / (moments.spectrum()[0][0] or 1.0))
    return Sweeps(value, largest, max_iter, largest <= gtol, "Adam with a falling step")


def _orthonormalize_decoder(network: Network) -> None:
    """Mix the code so that the decoder's rows are orthonormal: h R, R^-1 W_d with W_d = R Q. J stays the same.

    Where weight decay or tying would notice, nothing is done.
    """
    before, after = network.encoder.layers[-1], network.decoder.layers[0]
    if network.penalties or any(isinstance(layer, Tied) for layer in network.decoder.layers):
        return
    R = np.asarray(np.linalg.qr(decoder_matrix(network).T, mode="r")).T
    if R.shape[0] == R.shape[1] and np.linalg.cond(R) < 1e8:
        before.W[:], before.b[:] = before.W @ R, before.b @ R
        after.W[:] = np.linalg.solve(R, after.W)


class _Conditioned:
    """A network as `minimize` sees it after the change of variables W_1 = T W, b_1 = b - mean W_1 in its first layer.

        T = (S / s_1 + eps I)^(-1/2),    dW = T (dW_1 - mean^T db_1),    db = db_1

    In these variables the first layer looks at white inputs. eps: lam / s_1, for T must not inflate the weight decay,
    or 1e-6. J is the same function but for its unit, s_1; a tied layer would meet T on its other side, so there T = I.
    """

    def __init__(self, network: Network, moments: Moments):
        self.network, self.mean = network, moments.mean
        self.T: np.ndarray | None = None
        self.start: tuple[np.ndarray, np.ndarray] | None = None
        theta, self.grad = network.theta.copy(), np.zeros_like(network.theta)
        W, b = network.encoder.layers[0].W, network.encoder.layers[0].b
        b += self.mean @ W
        s, V = moments.spectrum()
        self.unit = s[0] or 1.0
        if s[0] > 0 and not any(isinstance(layer, Tied) for layer in network.decoder.layers):
            lam = sum(penalty.lam for penalty in network.penalties)
            scale = np.sqrt(s / s[0] + max(lam / s[0], 1e-6))
            self.T = (V.T / scale) @ V
            W[:] = (V.T * scale) @ (V @ W)
        self.theta = network.theta.copy()
        network.theta = theta

    def _times_T(self, W: np.ndarray) -> np.ndarray:
        return W if self.T is None else self.T @ W

    def write(self) -> None:
        """Put the variables back into the network's own."""
        self.network.theta = self.theta
        layer = self.network.encoder.layers[0]
        layer.W[:] = self._times_T(layer.W)
        layer.b -= self.mean @ layer.W

    def value_and_grad(self, x: np.ndarray, target: np.ndarray | None = None) -> float:
        self.write()
        value = self.network.value_and_grad(x, target) / self.unit
        layer = self.network.encoder.layers[0]
        layer.dW[:] = self._times_T(layer.dW - np.outer(self.mean, layer.db))
        np.divide(self.network.grad, self.unit, out=self.grad)
        if self.start is None:
            return value
        theta, grad = self.start
        return float((grad + self.grad) @ (self.theta - theta) / 2)

    def take_differences_from_here(self, x: np.ndarray) -> None:
        """From now on the value is J - J(here) by the trapezoidal rule, (g_0 + g)/2 (theta - theta_0).

        Its error is of third order in the step, its rounding relative to the difference and not to J.
        """
        self.start = None
        self.value_and_grad(x)
        self.start = self.theta.copy(), self.grad.copy()


def descend(
    network: Network, X: Any, *, n_epochs: int = 10_000, lr: float = 1e-2, final: float = 1e-5,
    batch_size: int | None = None, rng: Any = None, record: Callable[[Network], float] | None = None, every: int = 10,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Train by Adam, its step falling from `lr` to `final` by `Cosine`; epochs (M,) and what `record` said after them.

    A fixed step of Adam ends in a cloud about as wide as the step; the decay lets the cloud shrink. X (N, D) is taken
    whole, an epoch being one step, unless a `batch_size` is given. `record(network)`, J unless given, is called before
    the first epoch, after `every` so many and after the last.
    """
    x = np.asarray(X, network.theta.dtype)
    batch_size = batch_size or len(x)
    record = record or (lambda network: network.value(x))
    epochs, records = [0], [record(network)]

    def look(network: Network, history: dict[str, list]) -> None:
        epoch = len(history["loss"])
        if epoch % every == 0 or epoch == n_epochs:
            epochs.append(epoch)
            records.append(record(network))

    step = Adam(Cosine(lr, n_epochs * -(-len(x) // batch_size), final)).start(network.theta)
    train(network, x, step, batch_size=batch_size, max_iter=n_epochs, rng=rng, callbacks=[look])
    return np.array(epochs), np.array(records)


def decoder_matrix(network: Any) -> np.ndarray:
    """W_1 W_2 ... W_L (k, D) of an affine decoder x^ = h W + b; ValueError, saying why, where it is not affine."""
    why = why_not_affine(network, "decoder")
    if why:
        raise ValueError(f"decoder_matrix: {why}, expected an affine decoder")
    return functools.reduce(np.matmul, [layer.W for layer in network.decoder.layers])


def why_not_affine(network: Any, side: str) -> str:
    """What makes the encoder or decoder nonlinear, in words; "" where it is affine."""
    if side == "decoder" and type(network.loss) is not SquaredError:
        return f"the reconstruction is the mean under {network.loss}, which is not affine in the code"
    for i, layer in enumerate(getattr(network, side).layers):
        if type(layer) not in (Dense, Tied):
            return f"layer {i} of the {side} is {layer}, of which only the layer itself knows what it computes"
        if not isinstance(layer.activation, Identity):
            return f"layer {i} of the {side} is {layer.activation}, which is not affine"
    return ""


def why_not_quadratic(network: Any) -> str:
    """What keeps J from being quadratic in x, in words; "" for a linear network with no penalty but `WeightDecay`."""
    others = [penalty for penalty in network.penalties if type(penalty) is not WeightDecay]
    if others:
        return f"got the penalty {others[0]}"
    return why_not_affine(network, "encoder") or why_not_affine(network, "decoder")
