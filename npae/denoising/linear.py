"""The best affine denoiser in closed form, for every corruption whose first two moments are known."""

from dataclasses import dataclass

import numpy as np

from npae.objective.layers import Dense
from npae.objective.network import Network
from npae.validation import check_array


@dataclass(frozen=True, eq=False)
class LinearDenoiser:
    """r(x~) = x~ A + b, with A (D, D) and b (D,)."""

    A: np.ndarray
    b: np.ndarray

    def reconstruct(self, x):
        """x~ A + b, (N, D)."""
        x = check_array(x, name="x", owner="LinearDenoiser", n_features=len(self.b))
        return x @ self.A + self.b

    def network(self):
        """Return the same map as a Network of two linear layers: the code is x~ A + b, the decoder copies it."""
        encoder, decoder = Dense(*self.A.shape), Dense(*self.A.shape)
        encoder.W, encoder.b, decoder.W = self.A, self.b, np.eye(len(self.b))
        return Network([encoder], [decoder])


def linear_denoiser(X, corruption):
    """Return the affine r with the least E||r(x~) - x||^2 over the rows of X (N, D) and all draws of the corruption.

        A = Cov(x~)^-1 Cov(x~, x),    b = E[x] - E[x~] A

    With S the covariance of X (divided by N) and m its mean this is, for Gaussian noise,

        A = (S + sigma^2 I)^-1 S,    so that (r(x) - x) / sigma^2 = -(S + sigma^2 I)^-1 (x - m),

    the score of the Gaussian N(m, S) smoothed, whatever the distribution of X; and for masking noise with q = 1 - p

        A = [q^2 S + q p diag(S + m m^T)]^-1 q S.

    The moments come from `corruption.joint_moments`, without drawing noise. A is 0 along directions in which x~ is
    constant.
    Bishop (1995), Training with noise is equivalent to Tikhonov regularization; Chen et al. (2012), Marginalized
    denoising autoencoders for domain adaptation, ICML.
    """
    X = check_array(X, owner="linear_denoiser", dtype=np.float64)
    if not hasattr(corruption, "joint_moments"):
        raise TypeError(f"linear_denoiser: got {corruption!r}, expected a corruption with joint_moments(mean, second)")
    mean = X.mean(axis=0)
    noisy_mean, noisy_second, cross = corruption.joint_moments(mean, X.T @ X / len(X))
    covariance = noisy_second - np.outer(noisy_mean, noisy_mean)
    A = np.linalg.pinv(covariance, rcond=len(mean) * 1e-15, hermitian=True) @ (cross - np.outer(noisy_mean, mean))
    return LinearDenoiser(A, mean - noisy_mean @ A)
