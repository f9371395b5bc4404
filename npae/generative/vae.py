"""The variational autoencoder as what it is: a Network whose code is drawn, with a penalty on the distribution of it.

    J = 1/N sum_n [-log p(x_n | h_n) + KL(q(h | x_n) || N(0, I))],    h_n = mu(x_n) + exp(s(x_n) / 2) e_n

is the negative evidence lower bound, estimated with one draw e_n ~ N(0, I) a sample. L and Omega keep their places; the
noise of a denoising autoencoder has moved from the input to the code. Kingma and Welling (2014).
"""

from typing import Any

import numpy as np

from npae.generative.code import KLToStandardNormal, kl_to_standard_normal
from npae.kernels import standard_normal
from npae.layers import Stack
from npae.network import Network


class VariationalNetwork(Network):
    """A Network whose encoder ends in a `GaussianCode`, and which gives that layer its noise: one draw e a sample.

    Arguments are Network's; beta weighs the KL term, which comes before the other penalties. rng: a Generator or a
    seed, from which training draws. `noise` (N, K), if it is set, is used in place of a draw, so that the objective is
    deterministic; `value_and_grad(x, target, noise)` takes it as an argument. Without a gradient, as for a validation
    set, the noise comes from one fixed seed: two values then differ by the weights alone.
    """

    rng: Any = None
    noise: Any = None

    def __init__(self, encoder, decoder, *, beta=1.0, penalties=(), rng=None, **others):
        self.rng = np.random.default_rng(rng)
        super().__init__(encoder, decoder, penalties=[KLToStandardNormal(beta), *penalties], **others)

    @property
    def code(self):
        """The GaussianCode."""
        return self.encoder.layers[-1]

    def value_and_grad(self, x, target=None, noise=None):
        """J for x (N, D) with the code's noise (N, K), if given; leaves dJ/dtheta in grad."""
        x, target = self._check_batch(x, target)
        return self._with_noise(super()._value_and_grad, x, target, self._given(noise, len(x), self.rng))

    def value(self, x, target=None, noise=None):
        """J alone, for the same arguments."""
        x, target = self._check_batch(x, target)
        return self._with_noise(self._forward, x, target, self._given(noise, len(x), 0))[0]

    def _value_and_grad(self, x, target):
        return self._with_noise(super()._value_and_grad, x, target, self._given(None, len(x), self.rng))

    def _with_noise(self, f, x, target, noise):
        self.code.noise = noise
        try:
            return f(x, target)
        finally:
            self.code.noise = None

    def _given(self, noise, n_samples, rng):
        noise = self.noise if noise is None else noise
        if noise is None:
            real = np.zeros(0, self._theta.dtype).real.dtype
            return standard_normal(np.random.default_rng(rng), np.empty((n_samples, self.code.n_out), real))
        return np.asarray(noise).astype(self._theta.dtype, copy=False)

    def __getstate__(self):
        return super().__getstate__() | {"rng": self.rng, "noise": self.noise}

    # -- evaluation ----------------------------------------------------------------------------------------------------

    def posterior(self, x):
        """(mu, s) (N, 2 K): means and log variances of q(h | x)."""
        return Stack(self.encoder.layers[:-1])(x)

    def elbo_parts(self, x, *, n_samples=1, rng=0):
        """E_q[log p(x_n | h)] (N,), by the mean of n_samples draws, and KL(q(h | x_n) || N(0, I)) (N,), exact; nats."""
        rng, parameters = np.random.default_rng(rng), self.posterior(x)
        total = sum(self._log_likelihood(x, self._draw(parameters, rng)[0]) for _ in range(n_samples))
        return total / n_samples, kl_to_standard_normal(parameters)

    def importance_weighted_bound(self, x, *, n_samples=50, rng=0):
        """log 1/k sum_i p(x, h_i) / q(h_i | x), h_i ~ q(h | x), k = n_samples: (N,) in nats.

        Between the evidence lower bound (k = 1) and log p(x), which it reaches as k grows. Burda, Grosse and
        Salakhutdinov (2016), Importance weighted autoencoders, ICLR.
        """
        rng, parameters = np.random.default_rng(rng), self.posterior(x)
        s, total = parameters[:, self.code.n_out :], None
        for _ in range(n_samples):
            h, e = self._draw(parameters, rng)
            log_prior_over_q = 0.5 * (s + e * e - h * h).sum(axis=1)  # the constants of the two densities cancel
            log_w = (self._log_likelihood(x, h) + log_prior_over_q).astype(np.float64)
            total = log_w if total is None else np.logaddexp(total, log_w)
        return total - np.log(n_samples)

    def _draw(self, parameters, rng):
        K = self.code.n_out
        e = rng.standard_normal((len(parameters), K), dtype=parameters.dtype)
        return parameters[:, :K] + np.exp(parameters[:, K:] / 2) * e, e

    def _log_likelihood(self, x, h):
        return self.loss.log_likelihood(self.decoder(h), x)
