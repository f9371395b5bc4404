"""Squared Frobenius norms of the Jacobian of a stack of elementwise layers, exact, with their gradients.

||J||_F^2 of J = S_L W_L^T ... S_1 W_1^T, which `jacobian_product` multiplies. In the gram order J = C W_1^T, and
with G = W_1^T W_1 the norm is <C, C G>, hence dC = 2 C G and dW_1 = 2 W_1 sum_n C^T C.

Every function takes layers that have done their forward pass on x (N, D), adds to their `pending` (da, and
W_scale or dW), and returns the value. `empty` supplies the arrays that are written.
"""

import numpy as np

from npae.contraction.jacobian_product import JacobianProduct, rows, zeros
from npae.kernels import broadcast, column_squares, dot, fresh, product


def contraction(layers, scale, empty=fresh):
    """scale sum_n ||J(x_n)||_F^2.

    One layer costs a pass over W; for more see `jacobian_product.cheapest_order`. Rifai et al. (2011), Contractive
    auto-encoders, ICML.
    """
    if len(layers) == 1:
        return _one_layer(layers[0], scale, empty)
    J = JacobianProduct(layers, [layer.h for layer in layers], empty)
    return _squared_norm(J, scale, empty)


def hutchinson(layers, scale, probes, empty=fresh):
    """scale / P sum_n sum_p ||v_p^T J(x_n)||^2 for probes v (P, K_L).

    Unbiased for scale sum_n ||J(x_n)||_F^2 where E[v v^T] = I, since E ||v^T J||^2 = tr(J^T E[v v^T] J). P takes the
    place of K_L in the cost. Hutchinson (1990), Communications in Statistics: Simulation and Computation 19(2).
    """
    J = JacobianProduct(layers, [layer.h for layer in layers], empty, probes=probes)
    return _squared_norm(J, scale / len(probes), empty)


def tangent_propagation(layers, scale, tangents, empty=fresh):
    """scale sum_n sum_t ||J(x_n) u_nt||^2 for tangents u (N, T, D). Simard et al. (1992), Tangent prop, NIPS 4."""
    J = JacobianProduct(layers, [layer.h for layer in layers], empty, tangents=tangents)
    return _squared_norm(J, scale, empty)


def jacobian_change(layers, scale, e, empty=fresh):
    """scale sum_n ||J(x_n + e_n) - J(x_n)||_F^2 for displacements e that broadcast to x (N, D).

    Twice the cost of `contraction`, less one Gram form. Rifai et al. (2011), Higher order contractive auto-encoder.
    """
    x = layers[0].x + e
    H: list[np.ndarray] = []
    for layer in layers:
        H.append(layer(H[-1] if H else x))
    if len(layers) == 1:
        return _one_layer_change(layers[0], x, H[0], scale, empty)
    J = JacobianProduct(layers, [layer.h for layer in layers], empty)
    J_e = JacobianProduct(layers, H, lambda name, *like: empty(f"moved {name}", *like))
    norm = _Norm(J, scale, empty)
    for n in J.blocks():
        C = J.forward(n)
        change = J_e.forward(n)
        change -= C
        dC = norm(change)
        J.backward(np.negative(dC, out=C), n)
        J_e.backward(dC, n)
    J.leave_dW()
    J_e.leave_dW()
    J.leave_da()
    _backpropagate(layers, x, H, J_e.da())
    return norm.leave_dW()


class _Norm:
    """scale ||J||_F^2 summed over blocks, and dC of each: 2 scale C, or in the gram order 2 scale C G."""

    def __init__(self, J, scale, empty):
        self.first, self.scale, self.empty, self.value = J.layers[0], scale, empty, 0.0
        self.G = self.dG = None
        if J.order == "gram":
            W, shape, dtype = self.first.W, (self.first.n_out,) * 2, J.H[0].dtype
            self.G = product(W.T, W, empty("G", shape, dtype))
            self.G *= 2 * scale
            self.dG = zeros("dG", shape, dtype, empty)

    def __call__(self, C):
        if self.G is None:
            self.value = self.value + self.scale * dot(C, C)
            C *= 2 * self.scale
            return C
        dC = self.empty("dC", C.shape, C.dtype)
        product(rows(C), self.G, rows(dC))
        self.dG += product(rows(C).T, rows(C), self.empty("C^T C", self.G.shape, C.dtype))
        return dC

    def leave_dW(self):
        """The value; in the gram order, sum <C, C G> = <sum C^T C, G>."""
        if self.G is None:
            return self.value
        value = dot(self.dG, self.G) / 2
        self.dG *= 2 * self.scale
        dW = product(self.first.W, self.dG, self.empty("dW 0", self.first.W.shape, self.dG.dtype))
        self.first.pending.dW[object()] = dW
        return value


def _one_layer(layer, scale, empty):
    """scale sum_n sum_j s_nj^2 ||W_:j||^2 with s = phi'(a)."""
    s = layer.activation.dphi(layer.h, out=empty("s", layer.h.shape, layer.h.dtype))
    value, ds = _one_layer_norm(layer, s, scale)
    da = layer.activation.ddphi(layer.h, out=empty("da", s.shape, s.dtype))
    da *= ds
    layer.pending.add("da", da)
    return value


def _one_layer_change(layer, x, h, scale, empty):
    """The same with s(x + e) - s(x) in the place of s."""
    phi = layer.activation
    s = phi.dphi(layer.h, out=empty("s", h.shape, h.dtype))
    change = phi.dphi(h, out=empty("change", h.shape, h.dtype))
    change -= s
    value, ds = _one_layer_norm(layer, change, scale)
    layer.pending.add("da", -ds * phi.ddphi(layer.h))
    _backpropagate([layer], x, [h], [ds * phi.ddphi(h)])
    return value


def _one_layer_norm(layer, s, scale):
    """scale sum_nj s_nj^2 ||W_:j||^2 and ds, which replaces s; leaves W_scale."""
    w2 = column_squares(layer.W)
    s2 = np.einsum("nk,nk->k", s, s)
    layer.pending.add("W_scale", 2 * scale * s2)
    broadcast(np.multiply, 2 * scale * w2, s)
    return scale * np.dot(s2, w2), s


def _backpropagate(layers, x, H, own):
    """Leave dW and db of another forward pass, x -> H, whose layers have gradients of their own, da = own (or None)."""
    dh = None
    for i in reversed(range(len(layers))):
        layer = layers[i]
        da = own[i] if dh is None else layer.activation.backward(H[i], dh)
        if dh is not None and own[i] is not None:
            da = da + own[i]
        if da is None:
            continue
        layer.pending.dW[object()] = (H[i - 1] if i else x).T @ da
        _leave_db(layers, i, da.sum(axis=0))
        dh = da @ layer.W.T


def _leave_db(layers, i, db):
    """Make layer i's db grow by `db` and nothing else: c = db / N on every row of da, less what that does elsewhere."""
    layer, c = layers[i], db[None, :] / len(layers[i].h)  # (1, K)
    layer.pending.add("da", c)
    layer.pending.dW[object()] = -layer.x.sum(axis=0)[:, None] * c
    if i:
        layers[i - 1].pending.add("dh", -c @ layer.W.T)


def _squared_norm(J, scale, empty):
    norm = _Norm(J, scale, empty)
    for n in J.blocks():
        J.backward(norm(J.forward(n)), n)
    J.leave_dW()
    J.leave_da()
    return norm.leave_dW()
