"""Squared Frobenius norms of the Jacobian of a stack of elementwise layers, exact, with their gradients.

||J||_F^2 of J = S_L W_L^T ... S_1 W_1^T, which `jacobian` multiplies. In the gram order J = C W_1^T, and
with G = W_1^T W_1 the norm is <C, C G>, hence dC = 2 C G and dW_1 = 2 W_1 sum_n C^T C.

Every function takes layers that have done their forward pass on x (N, D), adds its gradient to their `pending`, and
returns the value; `array` makes the arrays that are written. One layer alone has a formula of its own: see
`npae.objective.contraction.Contractive`.
"""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from npae.objective.activations import Activation
from npae.objective.jacobian import JacobianProduct, rows, zeros
from npae.objective.kernels import broadcast, column_squares, dot, fresh, product
from npae.objective.layers import activations_of, check_not_empty
from npae.objective.penalties import Weighted
from npae.objective.user_defined import is_user_defined
from npae.validation import check_number


def deep_contraction(layers, scale, array=fresh):
    """Return scale sum_n ||J(x_n)||_F^2 of two or more layers. Rifai et al. (2011), Contractive auto-encoders, ICML."""
    J = JacobianProduct(layers, [layer.h for layer in layers], array)
    norm = _Norm(J, scale, array)
    for n in J.blocks():
        J.backward(norm(J.forward(n)), n)
    J.add_gradients()
    return norm.add_gradient()


def jacobian_change(layers, scale, e, array=fresh):
    """Return scale sum_n ||J(x_n + e_n) - J(x_n)||_F^2 for displacements e that broadcast to x (N, D).

    Twice the cost of `deep_contraction`, less one Gram form; of one layer scale sum_nj (change of s_nj)^2 ||W_j||^2.
    Rifai et al. (2011), Higher order contractive auto-encoder.
    """
    x = layers[0].x + e
    H = activations_of(layers, x)
    if len(layers) == 1:
        return _one_layer_change(layers[0], x, H[0], scale)
    J = JacobianProduct(layers, [layer.h for layer in layers], array)
    J_e = JacobianProduct(layers, H, lambda name, *like: array(f"moved {name}", *like))
    norm = _Norm(J, scale, array)
    for n in J.blocks():
        C = J.forward(n)
        change = J_e.forward(n)
        change -= C
        dC = norm(change)
        J.backward(np.negative(dC, out=C), n)
        J_e.backward(dC, n)
    J.add_gradients()
    J_e.add_dW()
    _backpropagate(layers, x, H, J_e.da())
    return norm.add_gradient()


class _Norm:
    """scale ||J||_F^2 summed over blocks, and dC of each: 2 scale C, or in the gram order 2 scale C G."""

    def __init__(self, J, scale, array):
        self.first, self.scale, self.array, self.value = J.layers[0], scale, array, 0.0
        self.G = self.dG = None
        if J.order == "gram":
            W, shape, dtype = self.first.W, (self.first.n_out,) * 2, J.H[0].dtype
            self.G = product(W.T, W, array("G", shape, dtype))
            self.G *= 2 * scale
            self.dG = zeros("dG", shape, dtype, array)

    def __call__(self, C):
        if self.G is None:
            self.value = self.value + self.scale * dot(C, C)
            C *= 2 * self.scale
            return C
        dC = self.array("dC", C.shape, C.dtype)
        product(rows(C), self.G, rows(dC))
        self.dG += product(rows(C).T, rows(C), self.array("C^T C", self.G.shape, C.dtype))
        return dC

    def add_gradient(self):
        """Return the value; in the gram order it is sum <C, C G> = <sum C^T C, G>, and dW_1 is added."""
        if self.G is None:
            return self.value
        value = dot(self.dG, self.G) / 2
        self.dG *= 2 * self.scale
        dW = product(self.first.W, self.dG, self.array("dW 0", self.first.W.shape, self.dG.dtype))
        self.first.pending.add("dW", dW)
        return value


def _one_layer_change(layer, x, h, scale):
    phi, W2 = layer.activation, column_squares(layer.W)
    change = phi.dphi(h) - phi.dphi(layer.h)
    c2, ds = column_squares(change), 2 * scale * W2 * change
    layer.pending.add("W_scale", 2 * scale * c2)
    layer.pending.add("da", -ds * phi.ddphi(layer.h))
    _backpropagate([layer], x, [h], [ds * phi.ddphi(h)])
    return scale * np.dot(c2, W2)


def _backpropagate(layers, x, H, own):
    """Add dW and db of another forward pass, x -> H, whose layers have gradients of their own, da = own (or None)."""
    dh = None
    for i in reversed(range(len(layers))):
        layer = layers[i]
        da = own[i] if dh is None else layer.activation.backward(H[i], dh)
        if dh is not None and own[i] is not None:
            da = da + own[i]
        if da is None:
            continue
        layer.pending.add("dW", (H[i - 1] if i else x).T @ da)
        layer.pending.add("db", da.sum(axis=0))
        dh = da @ layer.W.T


def check_dense(owner, stack, what="encoder"):
    """Raise ValueError, in the name of `owner`, unless every layer is h = phi(x W + b) with an elementwise phi.

    So the Jacobian of each is W diag(phi'). A user-defined layer is tried at a random x.
    """
    check_not_empty(owner, stack, what)
    for layer in stack.layers:
        activation = getattr(layer, "activation", None)
        if not getattr(activation, "elementwise", False):
            got = layer if activation is None else activation
            expected = "expected Dense layers with elementwise activations (Identity, Sigmoid, Tanh, ReLU, Softplus)"
            raise ValueError(f"{owner}: got {got!r} in the {what}, {expected}: its Jacobian is not diagonal")
        if not callable(getattr(getattr(activation, "phi", activation), "ddphi", None)):
            raise ValueError(f"{owner}: got {activation!r} without ddphi(h), expected phi'' as a function of h")
        if is_user_defined(layer) and not _is_dense(layer):
            raise ValueError(f"{owner}: got {layer!r} in the {what}, expected h = phi(x W + b), kept as its h")


def _is_dense(layer):
    if not isinstance(layer.activation, Activation) or not hasattr(layer, "W"):
        return False
    trial = copy.copy(layer)
    x = np.random.default_rng(0).standard_normal((3, layer.n_in)).astype(layer.W.dtype)
    h = trial.forward(x)
    expected = layer.activation(x @ layer.W + getattr(layer, "b", 0))
    return getattr(trial, "h", None) is not None and np.allclose(h, expected, rtol=1e-4) and np.allclose(trial.h, h)


@dataclass(frozen=True)
class Contractive(Weighted):
    """Omega = lam / N sum_n ||df(x_n)/dx||_F^2, exact for an encoder of any depth, with its exact gradient.

    For one layer df/dx = S W^T with S = diag(s), s = phi'(a), so that

        Omega = lam / N sum_nj s_nj^2 ||W_j||^2
        da_nj = 2 lam / N ||W_j||^2 s_nj phi''(a_nj),    dW_j = 2 lam / N (sum_n s_nj^2) W_j

    with W_j the weights (D,) of unit j. Deeper encoders by `npae.objective.contraction.deep_contraction`, at about
    3/2 N K_L K_1^2 multiplications for two layers. Rifai et al. (2011), Contractive auto-encoders, ICML.

    Raises ValueError unless lam >= 0, for an encoder without layers, and for an activation that is not elementwise.
    """

    def check(self, encoder):
        """Raise ValueError unless every layer of the encoder is dense and elementwise."""
        check_dense(type(self).__name__, encoder)

    def __call__(self, encoder, decoder=None, array=fresh):
        """Return the value; add da, and W_scale or dW, to every layer of the encoder."""
        lam = self.lam / len(encoder.x)
        if len(encoder) > 1:
            return deep_contraction(encoder.layers, lam, array)
        (layer,) = encoder.layers
        phi, h = layer.activation, layer.h
        s = phi.dphi(h, out=array("s", h.shape, h.dtype))
        W2, s2 = column_squares(layer.W), column_squares(s)
        da = phi.ddphi(h, out=array("da", h.shape, h.dtype))
        da *= s
        layer.pending.add("da", broadcast(np.multiply, 2 * lam * W2, da))
        layer.pending.add("W_scale", 2 * lam * s2)
        return lam * np.dot(s2, W2)


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
                expected = "expected finite numbers (M, D) or (M, N, D), or a seed >= 0"
                raise ValueError(f"HigherOrderContractive: got noise of shape {e.shape}, {expected}")
            e.flags.writeable = False
            object.__setattr__(self, "noise", e)
            object.__setattr__(self, "n_noise", len(e))
        else:
            check_number(self.noise, "noise", "HigherOrderContractive", integer=True)

    def draw(self, rng):
        """Return the same penalty with `n_noise` new standard normal displacements per sample."""
        return replace(self, noise=int(np.random.default_rng(rng).integers(2**63)))

    def check(self, encoder):
        """Raise ValueError unless every layer is dense and elementwise and the noise is as wide as the input."""
        check_dense(type(self).__name__, encoder)
        n_samples = self.noise.shape[1] if np.ndim(self.noise) == 3 else 1
        self._noise(n_samples, encoder.layers[0].n_in)

    def _noise(self, N, D):
        e = self.noise
        if not isinstance(e, np.ndarray):
            return np.random.default_rng(e).standard_normal((self.n_noise, N, D))
        if e.shape[1:] not in ((D,), (N, D)):
            name = type(self).__name__
            raise ValueError(f"{name}: got noise of shape {e.shape}, expected (M, {D}) or (M, {N}, {D})")
        return e

    def __call__(self, encoder, decoder=None, array=fresh):
        """Return the value; add da, dW and db, or W_scale, to every layer of the encoder."""
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
class ReconstructionContractive(Weighted):
    """Omega = lam / N sum_n ||dr(x_n)/dx||_F^2 for r = g o f, the decoder's output after the encoder, exact.

    To first order, denoising with Gaussian noise of variance 2 lam adds this to the squared error where r(x) = x. The
    output of a Bernoulli decoder is its logits. Alain and Bengio (2014), What regularized auto-encoders learn from the
    data-generating distribution, JMLR 15, equation 10.

    Raises as Contractive does, for the decoder's layers too, and ValueError without a decoder.
    """

    def check(self, encoder, decoder=None):
        """Raise ValueError unless every layer is dense and elementwise."""
        check_dense(type(self).__name__, encoder)
        if decoder is not None:
            check_dense(type(self).__name__, decoder, "decoder")

    def __call__(self, encoder, decoder=None, array=fresh):
        """Return the value; add da and dW to every layer of both stacks."""
        if decoder is None:
            raise ValueError("ReconstructionContractive: got no decoder, expected penalty(encoder, decoder)")
        return deep_contraction([*encoder.layers, *decoder.layers], self.lam / len(encoder.x), array)
