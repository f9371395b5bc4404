"""The denoising loss as the noise goes to zero: a contraction of the reconstruction, and a term often left out."""

from dataclasses import dataclass

import numpy as np

from npae.objective.activations import Identity, Sigmoid
from npae.objective.network import checked_inputs


@dataclass(frozen=True)
class SmallNoise:
    """The two terms of the limit, means over samples, and their sum."""

    contraction: float  # 1/2 ||dr/dx||_F^2
    laplacian: float  # 1/2 (r - x) . Laplacian r

    @property
    def total(self):
        """The limit of (E L - L_0) / sigma^2."""
        return self.contraction + self.laplacian


def small_noise(model, X):
    """Return the limit of (E[L(x, r(x + sigma e))] - L(x, r(x))) / sigma^2 as sigma -> 0, for L = 1/2 ||r - x||^2.

        1/2 ||dr/dx||_F^2 + 1/2 (r(x) - x) . Laplacian r(x),    the next term is of order sigma^2

    Denoising is said to equal the contraction alone. That is true if r(x) = x or if r is affine. In general the second
    term, which can be positive or negative, is part of the limit. Bishop (1995), Neural Computation 7; Alain and Bengio
    (2014), JMLR 15, who assume it to be 0.
    model: a Network, or a fitted estimator, whose loss has the mean of a squared error or of a cross entropy.
    """
    r, J, laplacian = reconstruction_derivatives(model, X)
    X = np.asarray(X, dtype=r.dtype)
    contraction = 0.5 * np.einsum("nde,nde->", J, J) / len(X)
    return SmallNoise(float(contraction), float(0.5 * ((r - X) * laplacian).sum() / len(X)))


def reconstruction_derivatives(model, X):
    """Return r(x) (N, D), dr/dx (N, D, D) with [n, d, e] = dr_d / dx_e, and the Laplacian (N, D), at X (N, D).

    A layer h = phi(a), a = x W + b passes both derivatives forward, with J the derivative with respect to the input:

        J_h = diag(phi'(a)) W^T J_x,    Lap h = phi''(a) sum_e (W^T J_x)_e^2 + phi'(a) (Lap x) W.

    Raises TypeError if the mean of the loss is not the decoder's output or its sigmoid, ValueError for activations that
    are not elementwise.
    """
    network, h = checked_inputs(model, X, "reconstruction_derivatives")
    N, D = h.shape
    J = np.broadcast_to(np.eye(D, dtype=h.dtype), (N, D, D))  # [n, unit, e]
    laplacian = np.zeros_like(h)
    for layer in [*network.encoder.layers, *network.decoder.layers]:
        slope = np.swapaxes(np.swapaxes(J, 1, 2) @ layer.W, 1, 2)  # da/dx
        h, laplacian, J = _apply_activation(layer.activation, layer(h), slope, laplacian @ layer.W)
    final = _output_activation(network.loss)
    h, laplacian, J = _apply_activation(final, final(h), J, laplacian)
    return h, J, laplacian


def _apply_activation(activation, h, slope, laplacian):
    """Return h, Lap h and J_h from h, J_a and Lap a."""
    if not activation.elementwise:
        raise ValueError(f"reconstruction_derivatives: got {activation!r}, expected elementwise activations")
    first, second = activation.dphi(h), activation.ddphi(h)
    laplacian = second * np.einsum("nke,nke->nk", slope, slope) + first * laplacian
    return h, laplacian, first[:, :, None] * slope


def _output_activation(loss):
    """Return the activation that turns the decoder's output into the mean of the loss: Identity or Sigmoid."""
    a = np.array([[-1.5, 0.0, 2.0]])
    for phi in (Identity(), Sigmoid()):
        if hasattr(loss, "mean") and np.array_equal(loss.mean(a), phi(a)):
            return phi
    expected = "expected a loss whose mean is the output or its sigmoid"
    raise TypeError(f"reconstruction_derivatives: got {loss!r}, {expected}")
