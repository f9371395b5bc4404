"""Squared Frobenius norms of the Jacobian of a stack of elementwise layers, exact, with their gradients.

||J||_F^2 of J = S_L W_L^T ... S_1 W_1^T, which `jacobian_product` multiplies. In the gram order J = C W_1^T, and
with G = W_1^T W_1 the norm is <C, C G>, hence dC = 2 C G and dW_1 = 2 W_1 sum_n C^T C.

Every function takes layers that have done their forward pass on x (N, D), adds its gradient to their `pending`, and
returns the value; `array` makes the arrays that are written. One layer alone has a formula of its own: see
`npae.penalties.Contractive`.
"""

import copy

import numpy as np

from npae.activations import Activation
from npae.contraction.jacobian_product import JacobianProduct, rows, zeros
from npae.kernels import column_squares, dot, fresh, product
from npae.layers import check_layers
from npae.own_parts import infer, is_own


def deep_contraction(layers, scale, array=fresh):
    """scale sum_n ||J(x_n)||_F^2 of two or more layers. Rifai et al. (2011), Contractive auto-encoders, ICML."""
    J = JacobianProduct(layers, [layer.h for layer in layers], array)
    norm = _Norm(J, scale, array)
    for n in J.blocks():
        J.backward(norm(J.forward(n)), n)
    J.add_gradients()
    return norm.add_gradient()


def jacobian_change(layers, scale, e, array=fresh):
    """scale sum_n ||J(x_n + e_n) - J(x_n)||_F^2 for displacements e that broadcast to x (N, D).

    Twice the cost of `deep_contraction`, less one Gram form; of one layer scale sum_nj (change of s_nj)^2 ||W_j||^2.
    Rifai et al. (2011), Higher order contractive auto-encoder.
    """
    x = layers[0].x + e
    H: list[np.ndarray] = []
    for layer in layers:
        H.append(infer(layer, H[-1] if H else x))
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
        """The value; in the gram order, sum <C, C G> = <sum C^T C, G>, and dW_1 is added."""
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

    So the Jacobian of each is W diag(phi'). One's own layer is tried at a random x.
    """
    check_layers(owner, stack, what)
    for layer in stack.layers:
        activation = getattr(layer, "activation", None)
        if not getattr(activation, "elementwise", False):
            got = layer if activation is None else activation
            raise ValueError(
                f"{owner}: got {got!r} in the {what}, expected Dense layers with elementwise activations "
                "(Identity, Sigmoid, Tanh, ReLU, Softplus): its Jacobian is not diagonal"
            )
        if not callable(getattr(getattr(activation, "own", activation), "ddphi", None)):
            raise ValueError(f"{owner}: got {activation!r} without ddphi(h), expected phi'' as a function of h")
        if is_own(layer) and not _is_dense(layer):
            raise ValueError(f"{owner}: got {layer!r} in the {what}, expected h = phi(x W + b), kept as its h")


def _is_dense(layer):
    if not isinstance(layer.activation, Activation) or not hasattr(layer, "W"):
        return False
    trial = copy.copy(layer)
    x = np.random.default_rng(0).standard_normal((3, layer.n_in)).astype(layer.W.dtype)
    h = trial.forward(x)
    expected = layer.activation(x @ layer.W + getattr(layer, "b", 0))
    return getattr(trial, "h", None) is not None and np.allclose(h, expected, rtol=1e-4) and np.allclose(trial.h, h)
