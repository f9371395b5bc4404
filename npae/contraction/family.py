"""The contractive family beside `npae.Contractive`: how fast the Jacobian changes, and the Jacobian of g o f."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from npae.contraction.norms import check_dense, deep_contraction, jacobian_change
from npae.kernels import fresh
from npae.penalties import Contractive
from npae.validation import check_number


@dataclass(frozen=True, eq=False)
class HigherOrderContractive:
    """CAE+H: Omega = lam / N sum_n ||J(x_n)||_F^2 + gamma / (N M) sum_n sum_m ||J(x_n + sigma e_mn) - J(x_n)||_F^2.

    The second term, for e ~ N(0, I) and small sigma, is gamma sigma^2 times the squared norm of the Hessian of f: it
    asks for tangent planes that turn slowly. Rifai et al. (2011), Higher order contractive auto-encoder, ECML,
    equation 5.

    noise: an array e (M, D), the same for all samples, or (M, N, D); or a seed of which (n_noise, N, D) standard
    normal numbers are drawn. The objective is deterministic either way; `draw(rng)` gives the same penalty with
    other noise. Raises as Contractive does, and ValueError for noise that does not fit.
    """

    lam: float
    gamma: float
    sigma: float
    n_noise: int = 1
    noise: Any = 0

    def __post_init__(self):
        for name in ("lam", "gamma", "sigma"):
            check_number(getattr(self, name), name, "HigherOrderContractive")
        check_number(self.n_noise, "n_noise", "HigherOrderContractive", low=1, integer=True)
        e = np.array(self.noise, dtype=np.float64)
        if e.ndim:
            if e.ndim not in (2, 3) or not e.size or not np.isfinite(e).all():
                raise ValueError(
                    f"HigherOrderContractive: got noise of shape {e.shape}, expected finite numbers (M, D) or "
                    "(M, N, D), or a seed >= 0"
                )
            e.flags.writeable = False
            object.__setattr__(self, "noise", e)
            object.__setattr__(self, "n_noise", len(e))
        else:
            check_number(self.noise, "noise", "HigherOrderContractive", integer=True)

    def draw(self, rng):
        """The same penalty with `n_noise` fresh standard normal displacements a sample."""
        return replace(self, noise=int(np.random.default_rng(rng).integers(2**63)))

    def check(self, encoder):
        """Raise ValueError unless every layer is dense and elementwise and the noise is as wide as the input."""
        check_dense(type(self).__name__, encoder)
        self._noise(None, encoder.layers[0].n_in)

    def _noise(self, n_samples, n_features):
        e = self.noise
        if isinstance(e, np.ndarray) and e.shape[-1] != n_features:
            raise ValueError(f"HigherOrderContractive: got noise of {e.shape[-1]} features, expected {n_features}")
        if n_samples is None:
            return None
        if not isinstance(e, np.ndarray):
            return np.random.default_rng(e).standard_normal((self.n_noise, n_samples, n_features))
        if e.ndim == 3 and e.shape[1] != n_samples:
            raise ValueError(f"HigherOrderContractive: got noise for {e.shape[1]} samples, expected {n_samples}")
        return e

    def __call__(self, encoder, decoder=None, array=fresh):
        """The value; adds da, dW and db, or W_scale, to every layer of the encoder."""
        x, value = encoder.x, Contractive(self.lam)(encoder, decoder, array)
        e = (self.sigma * self._noise(*x.shape)).astype(x.real.dtype)
        scale = self.gamma / (len(x) * len(e))
        for m, e_m in enumerate(e):
            change = jacobian_change(encoder.layers, scale, e_m, lambda name, *like, m=m: array(f"{m} {name}", *like))
            value = value + change
        return value

    def _key(self):
        noise = self.noise.tobytes() if isinstance(self.noise, np.ndarray) else self.noise
        return type(self), self.lam, self.gamma, self.sigma, self.n_noise, noise

    def __eq__(self, other):
        return isinstance(other, HigherOrderContractive) and self._key() == other._key()

    def __hash__(self):
        return hash(self._key())


@dataclass(frozen=True)
class ReconstructionContractive:
    """Omega = lam / N sum_n ||dr(x_n)/dx||_F^2 for r = g o f, the decoder's output after the encoder, exact.

    What denoising by Gaussian noise of variance 2 lam does to the squared error to first order where r(x) = x. A
    Bernoulli decoder's output are its logits. Alain and Bengio (2014), What regularized auto-encoders learn from the
    data-generating distribution, JMLR 15, equation 10.

    Raises as Contractive does, for the decoder's layers too, and ValueError where there is no decoder.
    """

    lam: float

    def __post_init__(self):
        check_number(self.lam, "lam", "ReconstructionContractive")

    def check(self, encoder, decoder=None):
        """Raise ValueError unless every layer is dense and elementwise."""
        check_dense(type(self).__name__, encoder)
        if decoder is not None:
            check_dense(type(self).__name__, decoder, "decoder")

    def __call__(self, encoder, decoder=None, array=fresh):
        """The value; adds da and dW to every layer of both stacks."""
        if decoder is None:
            raise ValueError("ReconstructionContractive: got no decoder, expected penalty(encoder, decoder)")
        return deep_contraction([*encoder.layers, *decoder.layers], self.lam / len(encoder.x), array)
