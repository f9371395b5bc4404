"""The network of the variational autoencoder: a layer that draws the code, a penalty, and the bounds on log p(x).

The layer before the code returns (mu, s), the means and log variances of q(h | x) = N(mu, diag exp(s)). Kingma and
Welling (2014), Auto-encoding variational Bayes, ICLR; Rezende, Mohamed and Wierstra (2014), ICML.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.objective.activations import Identity
from npae.objective.kernels import standard_normal
from npae.objective.layer_base import Layer
from npae.objective.layers import Stack
from npae.objective.network import Network
from npae.validation import check_number


class GaussianCode(Layer):
    """h = mu + exp(s / 2) e with x = (mu, s) (N, 2 K), h (N, K), and e (N, K) given as `noise`; h = mu without noise.

    dmu = dh,    ds = dh e exp(s / 2) / 2: s is a log variance, so that exp(s / 2) is the standard deviation.

    The layer does not draw the noise: `VariationalNetwork` sets it before each training step, and resets it to None, so
    that encode and reconstruct use the mean. Raises ValueError for noise that is not (N, K).
    """

    noise: Any = None
    _shift: Any = None

    def __init__(self, n_out):
        check_number(n_out, "n_out", "GaussianCode", low=1, integer=True)
        self.n_out, self.n_in = int(n_out), 2 * int(n_out)
        super().__init__(_SampledCode(), self.n_out)

    def forward(self, x):
        """Return mu + exp(s / 2) e, (N, K), from (mu, s) (N, 2 K)."""
        K, noise = self.n_out, self.noise
        self.x, self._shift = x, None
        if noise is None:
            self.h = x[:, :K].copy()
            return self.h
        if np.shape(noise) != (len(x), K):
            raise ValueError(f"GaussianCode: got noise of shape {np.shape(noise)}, expected {(len(x), K)}")
        self._shift = np.exp(x[:, K:] / 2) * noise  # exp(s / 2) e
        self.h = x[:, :K] + self._shift
        return self.h

    def backward_da(self, da, need_dx=True):
        """Return (dmu, ds) (N, 2 K) from da = dh (N, K)."""
        ds = np.zeros_like(da) if self._shift is None else da * self._shift / 2
        return np.hstack([da, ds])

    def __getstate__(self):
        return super().__getstate__() | {"_shift": None}

    def __repr__(self):
        return f"GaussianCode({self.n_out})"


class _SampledCode(Identity):
    """An activation that is not elementwise: a function that needs a Jacobian refuses the layer by name."""

    elementwise = False

    def __repr__(self):
        return "GaussianCode"


@dataclass(frozen=True)
class KLToStandardNormal:
    """Omega = beta / N sum_n KL(q(h | x_n) || N(0, I)), KL = 1/2 sum_k (mu_k^2 + exp(s_k) - 1 - s_k), in nats.

    dmu = beta / N mu,    ds = beta / 2N (exp(s) - 1). With beta = 1 the objective is the negative evidence lower bound;
    another beta weights the information in the code: Higgins et al. (2017), beta-VAE, ICLR.
    Raises ValueError unless beta >= 0, and for an encoder that does not end in a `GaussianCode`.
    """

    beta: float = 1.0

    def __post_init__(self):
        check_number(self.beta, "beta", "KLToStandardNormal")

    def check(self, encoder):
        """Raise ValueError unless the encoder ends in a GaussianCode that follows another layer."""
        if len(encoder) < 2 or not isinstance(encoder.layers[-1], GaussianCode):
            got = f"KLToStandardNormal: got {encoder!r}"
            raise ValueError(f"{got}, expected layers that end in one with 2 K outputs and GaussianCode(K)")

    def __call__(self, encoder, decoder=None):
        """Return the value; add dh = (dmu, ds) to the layer that returns (mu, s)."""
        before, code = encoder.layers[-2:]
        parameters, K = code.x, code.n_out
        value = self.beta * kl_to_standard_normal(parameters).sum() / len(parameters)
        d = parameters * (self.beta / len(parameters))
        np.exp(parameters[:, K:], out=d[:, K:])
        d[:, K:] -= 1
        d[:, K:] *= self.beta / (2 * len(parameters))
        before.pending.add("dh", d)
        return value


def kl_to_standard_normal(parameters):
    """KL(N(mu_n, diag exp(s_n)) || N(0, I)) in nats, (N,), from (mu, s) (N, 2 K)."""
    K = parameters.shape[1] // 2
    mu, s = parameters[:, :K], parameters[:, K:]
    return 0.5 * (mu * mu + np.expm1(s) - s).sum(axis=1)


class VariationalNetwork(Network):
    """A Network whose encoder ends in a `GaussianCode`, and which passes noise to that layer: one draw e per sample.

    Arguments are Network's; beta weights the KL term, which comes before the other penalties. Training draws the noise
    from rng, a Generator or a seed. Noise (N, K) given as `network.noise`, or as the argument of
    `value_and_grad(x, target, noise)`, replaces the draw and makes the objective deterministic. `value`, as for a
    validation set, draws from one fixed seed, so that two values differ by the weights alone.
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
        """Return J for x (N, D) with noise (N, K), if given; leave dJ/dtheta in grad."""
        x, target = self._check_batch(x, target)
        return self._call_with_noise(super()._value_and_grad, x, target, self._noise_for(noise, len(x), self.rng))

    def value(self, x, target=None, noise=None):
        """Return J for the same arguments, without the gradient."""
        x, target = self._check_batch(x, target)
        return self._call_with_noise(self._forward, x, target, self._noise_for(noise, len(x), 0))[0]

    def _value_and_grad(self, x, target):
        return self._call_with_noise(super()._value_and_grad, x, target, self._noise_for(None, len(x), self.rng))

    def _call_with_noise(self, f, x, target, noise):
        self.code.noise = noise
        try:
            return f(x, target)
        finally:
            self.code.noise = None

    def _noise_for(self, noise, n_samples, rng):
        """Return the noise (N, K): the argument, else `self.noise`, else a draw from rng."""
        noise = self.noise if noise is None else noise
        if noise is None:
            real = np.zeros(0, self._theta.dtype).real.dtype
            return standard_normal(np.random.default_rng(rng), np.empty((n_samples, self.code.n_out), real))
        return np.asarray(noise).astype(self._theta.dtype, copy=False)

    def __getstate__(self):
        return super().__getstate__() | {"rng": self.rng, "noise": self.noise}

    # -- evaluation ----------------------------------------------------------------------------------------------------

    def posterior(self, x):
        """Return (mu, s) (N, 2 K), the means and log variances of q(h | x)."""
        return Stack(self.encoder.layers[:-1])(x)

    def elbo_parts(self, x, *, n_samples=1, rng=0):
        """Return E_q[log p(x_n | h)], the mean of n_samples draws, and the exact KL(q || N(0, I)), each (N,), nats."""
        rng, parameters = np.random.default_rng(rng), self.posterior(x)
        total = sum(self._log_likelihood(x, self._draw(parameters, rng)[0]) for _ in range(n_samples))
        return total / n_samples, kl_to_standard_normal(parameters)

    def importance_weighted_bound(self, x, *, n_samples=50, rng=0):
        """log 1/k sum_i p(x, h_i) / q(h_i | x), h_i ~ q(h | x), k = n_samples: (N,) in nats.

        It rises from the evidence lower bound (k = 1) to log p(x) as k grows. Burda, Grosse and Salakhutdinov (2016),
        Importance weighted autoencoders, ICLR.
        """
        rng, parameters = np.random.default_rng(rng), self.posterior(x)
        s, total = parameters[:, self.code.n_out :], np.full(len(x), -np.inf)
        for _ in range(n_samples):
            h, e = self._draw(parameters, rng)
            log_prior_over_q = 0.5 * (s + e * e - h * h).sum(axis=1)  # the constants of the two densities cancel
            total = np.logaddexp(total, self._log_likelihood(x, h) + log_prior_over_q)
        return total - np.log(n_samples)

    def _draw(self, parameters, rng):
        K = self.code.n_out
        e = rng.standard_normal((len(parameters), K), dtype=parameters.dtype)
        return parameters[:, :K] + np.exp(parameters[:, K:] / 2) * e, e

    def _log_likelihood(self, x, h):
        return self.loss.log_likelihood(self.decoder(h), x)
