"""What denoising costs as the noise goes to zero: a contraction of the reconstruction, and a term often left out."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.objective.activations import Activation, Identity, Sigmoid
from npae.objective.losses import BernoulliCrossEntropy, SquaredError
from npae.objective.network import Network
from npae.validation import check_array


@dataclass(frozen=True)
class SmallNoise:
    """The two terms of the limit, means over samples, and their sum."""

    contraction: float  # 1/2 ||dr/dx||_F^2
    laplacian: float  # 1/2 (r - x) . Laplacian r

    @property
    def total(self):
        """What (E L - L_0) / sigma^2 tends to."""
        return self.contraction + self.laplacian


def small_noise(model, X):
    """The limit of (E[L(x, r(x + sigma e))] - L(x, r(x))) / sigma^2 as sigma -> 0, L = 1/2 ||r - x||^2: a SmallNoise.

        1/2 ||dr/dx||_F^2 + 1/2 (r(x) - x) . Laplacian r(x),    the next term is of order sigma^2

    Denoising is said to equal the contraction alone. That holds where r(x) = x, and where r is affine; elsewhere the
    second term, which has either sign, belongs to it. Bishop (1995), Neural Computation 7; Alain and Bengio (2014),
    JMLR 15, who assume it away.
    model: a Network or what holds one as network_, with the means of a squared error or of a cross entropy.
    """
    r, J, laplacian = reconstruction_derivatives(model, X)
    X = np.asarray(X, dtype=r.dtype)
    contraction = 0.5 * np.einsum("nde,nde->", J, J) / len(X)
    return SmallNoise(float(contraction), float(0.5 * ((r - X) * laplacian).sum() / len(X)))


def reconstruction_derivatives(model, X):
    """r(x) (N, D), dr/dx (N, D, D) with [n, d, e] = dr_d / dx_e, and the Laplacian (N, D), at X (N, D).

    Through a layer h = phi(a), a = x W + b, both derivatives go forward together, with J the derivative by the input:

        J_h = diag(phi'(a)) W^T J_x,    Lap h = phi''(a) sum_e (W^T J_x)_e^2 + phi'(a) (Lap x) W.

    Raises TypeError for a loss whose mean is not the decoder's output or its sigmoid, ValueError for activations that
    are not elementwise.
    """
    network: Any = getattr(model, "network_", model)
    if not isinstance(network, Network):
        raise TypeError(f"reconstruction_derivatives: got {model!r}, expected a Network or a fitted estimator")
    dtype, D = network.theta.dtype, network.encoder.layers[0].n_in
    h = check_array(X, owner="reconstruction_derivatives", dtype=dtype, n_features=D)
    J = np.broadcast_to(np.eye(D, dtype=dtype), (len(h), D, D))  # [n, unit, e]
    laplacian = np.zeros_like(h)
    for layer in [*network.encoder.layers, *network.decoder.layers]:
        slope = np.swapaxes(np.swapaxes(J, 1, 2) @ layer.W, 1, 2)  # da/dx
        h, laplacian, J = _through(layer.activation, layer(h), slope, laplacian @ layer.W)
    final = _final(network.loss)
    return _through(final, final(h.copy()), J, laplacian, (0, 2, 1)) if final else (h, J, laplacian)


def _through(activation, h, slope, laplacian, order=(0, 1, 2)):
    """h, Lap h and J_h from h, J_a and Lap a; `order` (0, 2, 1) gives h, J_h, Lap h instead."""
    if not activation.elementwise:
        raise ValueError(f"reconstruction_derivatives: got {activation!r}, expected elementwise activations")
    first, second = activation.dphi(h), activation.ddphi(h)
    laplacian = second * np.einsum("nke,nke->nk", slope, slope) + first * laplacian
    parts = (h, laplacian, first[:, :, None] * slope)
    return tuple(parts[i] for i in order)


def _final(loss) -> Activation | None:
    """The activation that makes the mean of the loss out of the decoder's output; None for the output itself."""
    if isinstance(loss, SquaredError):
        return None
    if isinstance(loss, BernoulliCrossEntropy):
        return Sigmoid()
    probe = np.array([[-1.5, 0.0, 2.0]])
    if hasattr(loss, "mean") and np.array_equal(loss.mean(probe), Identity()(probe)):
        return None
    raise TypeError(
        f"reconstruction_derivatives: got {loss!r}, expected a loss whose mean is the output or its sigmoid"
    )
