"""The contractive family: penalties on the Jacobian of an encoder, as records around `npae.contraction.norms`.

Contractive                  ||df/dx||_F^2, exact
HutchinsonContractive        the same, estimated by random probes
HigherOrderContractive       and how fast the Jacobian changes (CAE+H)
ReconstructionContractive    ||d(g o f)/dx||_F^2
TangentPropagation           ||do/dx u||^2 of a classifier along known tangents u
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from npae.contraction.norms import contraction, hutchinson, jacobian_change, tangent_propagation
from npae.kernels import fresh
from npae.validation import check_number


@dataclass(frozen=True)
class Contractive:
    """Omega = lam / N sum_n ||df(x_n)/dx||_F^2, exact for an encoder of any depth, with its exact gradient.

    For one layer, dh/dx = S W^T with S = diag(phi'(a)), so that Omega = lam / N sum_n sum_j phi'(a_nj)^2 ||W_:j||^2;
    deeper encoders by `norms`, at about 3/2 N K_L K_1^2 multiplications for two layers. Rifai et al. (2011),
    Contractive auto-encoders, ICML.

    Raises ValueError unless lam >= 0, for an encoder without layers, and for an activation that is not elementwise.
    """

    lam: float

    def __post_init__(self):
        check_number(self.lam, "lam", "Contractive")

    def check(self, encoder):
        """Raise ValueError unless every layer of the encoder is elementwise."""
        check_elementwise(type(self).__name__, encoder)

    def __call__(self, encoder, decoder=None, empty=fresh):
        """The value; leaves da, and W_scale or dW, with every encoder layer."""
        return contraction(encoder.layers, self.lam / len(encoder.layers[0].x), empty)


@dataclass(frozen=True, eq=False)
class HutchinsonContractive:
    """Omega = lam / (N P) sum_n sum_p ||v_p^T df(x_n)/dx||^2: `Contractive` estimated by P probes, for very wide codes.

    Costs P rows instead of K_L, and is unbiased where E[v v^T] = I; with probes of signs its variance is
    2 / P sum_{i != j} (J J^T)_ij^2 for one sample and lam = 1. Hutchinson (1990), Communications in Statistics 19(2).

    probes: an array v (P, K_L), or a seed of which `n_probes` rows of random signs are drawn. The objective is
    deterministic either way; `draw(rng)` gives the same penalty with other probes.
    Raises as Contractive does, and ValueError for probes that are not (P, K_L).
    """

    lam: float
    n_probes: int = 1
    probes: Any = 0

    def __post_init__(self):
        check_number(self.lam, "lam", "HutchinsonContractive")
        check_number(self.n_probes, "n_probes", "HutchinsonContractive", low=1, integer=True)
        if _is_seed(self.probes):
            return
        object.__setattr__(self, "probes", _finite(self.probes, "probes", self, (2,), "(P, K_L)"))
        object.__setattr__(self, "n_probes", len(self.probes))

    def draw(self, rng):
        """The same penalty with `n_probes` rows of fresh random signs for every width of code."""
        return replace(self, probes=_seed(rng))

    def check(self, encoder):
        """Raise ValueError unless every layer is elementwise and the probes are as long as the code."""
        check_elementwise(type(self).__name__, encoder)
        width = encoder.layers[-1].n_out
        if not _is_seed(self.probes) and self.probes.shape[1] != width:
            raise ValueError(f"HutchinsonContractive: got probes of {self.probes.shape[1]} entries, expected {width}")

    def __call__(self, encoder, decoder=None, empty=fresh):
        """The value; leaves da and dW with every encoder layer."""
        layer, v = encoder.layers[-1], self.probes
        if _is_seed(v):
            v = np.random.default_rng(v).integers(0, 2, (self.n_probes, layer.n_out)) * 2.0 - 1
        v = v.astype(layer.h.real.dtype)
        return hutchinson(encoder.layers, self.lam / len(layer.h), v, empty)

    def __eq__(self, other):
        return _equal(self, other)

    def __hash__(self):
        return hash((type(self), self.lam, self.n_probes))


@dataclass(frozen=True, eq=False)
class HigherOrderContractive:
    """CAE+H: Omega = lam / N sum_n ||J(x_n)||_F^2 + gamma / (N M) sum_n sum_m ||J(x_n + sigma e_mn) - J(x_n)||_F^2.

    The second term, for e ~ N(0, I) and small sigma, is gamma sigma^2 times the squared norm of the Hessian of f: it
    asks for tangent planes that turn slowly. Rifai et al. (2011), Higher order contractive auto-encoder, ECML,
    equation 5.

    noise: an array e (M, D), the same for all samples, or (M, N, D); or a seed of which (n_noise, N, D) standard
    normal numbers are drawn. The objective is deterministic either way; `draw(rng)` gives the same penalty with
    other noise.
    Raises as Contractive does, and ValueError for noise that does not fit the batch.
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
        if not _is_seed(self.noise):
            object.__setattr__(self, "noise", _finite(self.noise, "noise", self, (2, 3), "(M, D) or (M, N, D)"))
            object.__setattr__(self, "n_noise", len(self.noise))

    def draw(self, rng):
        """The same penalty with `n_noise` fresh standard normal displacements a sample."""
        return replace(self, noise=_seed(rng))

    def check(self, encoder):
        """Raise ValueError unless every layer is elementwise and the noise is as wide as the input."""
        check_elementwise(type(self).__name__, encoder)
        width = encoder.layers[0].n_in
        if not _is_seed(self.noise) and self.noise.shape[-1] != width:
            raise ValueError(f"HigherOrderContractive: got noise of {self.noise.shape[-1]} features, expected {width}")

    def __call__(self, encoder, decoder=None, empty=fresh):
        """The value; leaves da, dh and dW, or W_scale, with every encoder layer."""
        x, e = encoder.layers[0].x, self.noise
        if _is_seed(e):
            e = np.random.default_rng(e).standard_normal((self.n_noise, *x.shape))
        elif e.ndim == 3 and e.shape[1] != len(x):
            raise ValueError(f"HigherOrderContractive: got noise for {e.shape[1]} samples, expected {len(x)}")
        value = contraction(encoder.layers, self.lam / len(x), empty)
        scale = self.gamma / (len(x) * len(e))
        for m, e_m in enumerate((self.sigma * e).astype(x.real.dtype)):
            change = jacobian_change(encoder.layers, scale, e_m, lambda name, *like, m=m: empty(f"{m} {name}", *like))
            value = value + change
        return value

    def __eq__(self, other):
        return _equal(self, other)

    def __hash__(self):
        return hash((type(self), self.lam, self.gamma, self.sigma, self.n_noise))


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

    def check(self, encoder):
        """Raise ValueError unless every layer of the encoder is elementwise."""
        check_elementwise(type(self).__name__, encoder)

    def __call__(self, encoder, decoder=None, empty=fresh):
        """The value; leaves da and dW with every layer of both stacks."""
        if decoder is None:
            raise ValueError("ReconstructionContractive: got no decoder, expected penalty(encoder, decoder)")
        check_elementwise(type(self).__name__, decoder, "decoder")
        return contraction([*encoder.layers, *decoder.layers], self.lam / len(encoder.layers[0].x), empty)


@dataclass(frozen=True, eq=False)
class TangentPropagation:
    """Omega = lam / N sum_n sum_t ||do(x_n)/dx u_nt||^2: a classifier o that does not change along given tangents u.

    tangents (N, T, D) are of the samples of the batch, in its order; the manifold tangent classifier takes them from
    `npae.manifold.tangent_space` of a contractive autoencoder. Called with the classifier's stack in the place of an
    encoder. Simard et al. (1992), Tangent prop, NIPS 4; Rifai et al. (2011), The manifold tangent classifier, NIPS.

    Raises as Contractive does, and ValueError for tangents that do not fit the batch.
    """

    lam: float
    tangents: Any

    def __post_init__(self):
        check_number(self.lam, "lam", "TangentPropagation")
        object.__setattr__(self, "tangents", _finite(self.tangents, "tangents", self, (3,), "(N, T, D)"))

    def check(self, encoder):
        """Raise ValueError unless every layer is elementwise and the tangents are as wide as the input."""
        check_elementwise(type(self).__name__, encoder, "classifier")
        width = encoder.layers[0].n_in
        if self.tangents.shape[2] != width:
            raise ValueError(f"TangentPropagation: got tangents of {self.tangents.shape[2]} features, expected {width}")

    def __call__(self, encoder, decoder=None, empty=fresh):
        """The value; leaves da and dW with every layer."""
        x = encoder.layers[0].x
        if len(self.tangents) != len(x):
            raise ValueError(f"TangentPropagation: got tangents of {len(self.tangents)} samples, expected {len(x)}")
        return tangent_propagation(encoder.layers, self.lam / len(x), self.tangents, empty)

    def __eq__(self, other):
        return _equal(self, other)

    def __hash__(self):
        return hash((type(self), self.lam, self.tangents.shape))


def check_elementwise(owner, stack, what="encoder"):
    """Raise ValueError, in the name of `owner`, for a stack without layers or with a layer that is not elementwise."""
    check_layers(owner, stack, what)
    for layer in stack.layers:
        if not layer.activation.elementwise:
            raise ValueError(
                f"{owner}: got {layer.activation!r} in the {what}, expected elementwise activations "
                "(Identity, Sigmoid, Tanh, ReLU, Softplus): its Jacobian is not diagonal"
            )


def check_layers(owner, stack, what="encoder"):
    """Raise ValueError, in the name of `owner`, for a stack without layers."""
    if not len(stack):
        raise ValueError(
            f"{owner}: got {'an' if what[0] in 'aeiou' else 'a'} {what} without layers, expected at least one"
        )


def _finite(array, name, penalty, ndims, shape):
    array = np.array(array, dtype=np.float64)
    if array.ndim not in ndims or not array.size or not np.isfinite(array).all():
        raise ValueError(
            f"{type(penalty).__name__}: got {name} of shape {array.shape}, "
            f"expected finite numbers {shape}{'' if name == 'tangents' else ', or a seed >= 0'}"
        )
    array.flags.writeable = False
    return array


def _is_seed(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0


def _seed(rng):
    return int(np.random.default_rng(rng).integers(2**63))


def _equal(a, b):
    return type(a) is type(b) and all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
