"""Squared Frobenius norms of the Jacobian of a stack of elementwise layers, exact, with their gradients.

Per sample J = df/dx = S_L W_L^T ... S_1 W_1^T, shape (K_L, D), with S_l = diag(phi'(a_l)). Such a product is built
from one end to the other,

    C_0 = diag(left) U_0 S_0,    Z_i = C_{i-1} U_i,    C_i = Z_i S_i,

so that every step is one matrix product over the rows of all samples, and is taken back by

    ds_i = diag(Z_i^T dC_i),    dZ_i = dC_i S_i,    dU_i = sum_n C_{i-1}^T dZ_i,    dC_{i-1} = dZ_i U_i^T.

From the outputs, the last factor W_1^T is D wide and need not be multiplied: with G = W_1^T W_1, J = C W_1^T has
||J||_F^2 = <C, C G>, hence dC = 2 C G and dW_1 = 2 W_1 sum_n C^T C. Samples are taken in blocks that fit a cache, so
that memory does not grow with N. Each ds_l becomes da_l += ds_l phi''(a_l) and flows through the layers' backward.

Every function takes layers that have done their forward pass on x (N, D), adds to their `pending` (da, and
W_scale or dW), and returns the value. `empty` supplies the arrays that are written.
"""

import itertools

import numpy as np

from npae.activations import Identity
from npae.kernels import broadcast, dot, fresh, product

BLOCK = 2**21  # entries of C at a time, 8 MB in float32: fewer, larger products, which two threads share better


def contraction(layers, scale, empty=fresh):
    """scale sum_n ||J(x_n)||_F^2.

    One layer costs a pass over W; for more see `cheapest_order`. Rifai et al. (2011), Contractive auto-encoders, ICML.
    """
    if len(layers) == 1:
        return _one_layer(layers[0], scale, empty)
    J = _Jacobian(layers, [layer.h for layer in layers], empty)
    return _squared_norm(J, scale, empty)


def hutchinson(layers, scale, probes, empty=fresh):
    """scale / P sum_n sum_p ||v_p^T J(x_n)||^2 for probes v (P, K_L).

    Unbiased for scale sum_n ||J(x_n)||_F^2 where E[v v^T] = I, since E ||v^T J||^2 = tr(J^T E[v v^T] J). P takes the
    place of K_L in the cost. Hutchinson (1990), Communications in Statistics: Simulation and Computation 19(2).
    """
    J = _Jacobian(layers, [layer.h for layer in layers], empty, probes=probes)
    return _squared_norm(J, scale / len(probes), empty)


def tangent_propagation(layers, scale, tangents, empty=fresh):
    """scale sum_n sum_t ||J(x_n) u_nt||^2 for tangents u (N, T, D). Simard et al. (1992), Tangent prop, NIPS 4."""
    J = _Jacobian(layers, [layer.h for layer in layers], empty, tangents=tangents)
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
    J = _Jacobian(layers, [layer.h for layer in layers], empty)
    J_e = _Jacobian(layers, H, lambda name, *like: empty(f"moved {name}", *like))
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


def cheapest_order(widths, N, n_probes=None):
    """'gram', 'outputs' or 'inputs': how to multiply J with `widths` D = K_0, ..., K_L at N points.

    In multiplications for value and gradient together, where R is K_L, or the number of probes:

        gram      from the outputs, by G    3/2 (N R + D) K_1^2 + 3 N R sum_{l=2}^{L-1} K_{l-1} K_l
        outputs   from the outputs                                3 N R sum_{l=1}^{L-1} K_{l-1} K_l
        inputs    from the inputs                                 3 N D sum_{l=2}^L K_{l-1} K_l

    A product forward costs a third, the two backward the rest; C^T C is symmetric, so half. With probes the sums from
    the outputs end at L, and the inputs are no choice.
    """
    D, K_1 = widths[:2]
    rows = N * (n_probes or widths[-1])
    links = [before * after for before, after in itertools.pairwise(widths)]
    inner = sum(links[1:] if n_probes else links[1:-1])
    costs = {
        "gram": 1.5 * (rows + D) * K_1**2 + 3 * rows * inner,
        "outputs": 3 * rows * (inner + links[0]),
        "inputs": np.inf if n_probes else 3 * N * D * sum(links[1:]),
    }
    return min(costs, key=costs.__getitem__)


class _Start:
    """C = diag(left) U diag(s): dU = sum_n left dC s, ds = diag((left U)^T dC), dleft = diag((U s) dC^T).

    U (R, K) with its gradient dU, or a constant with dU = None; left (N, R), or None for ones; s (N, K).
    """

    def __init__(self, weights, left, slope, empty):
        (self.U, self.dU), (self.left, self.dleft), (self.s, self.ds), self.empty = weights, left, slope, empty
        self.n_rows = len(self.U)

    def forward(self, n):
        s = self.s[n]
        shape = (len(s), *self.U.shape)
        self.outer = s[:, None, :]  # left s^T, the derivative of C by U
        if self.left is not None:
            self.outer = np.einsum("nr,nk->nrk", self.left[n], s, out=self.empty("outer", shape, s.dtype))
        return np.multiply(self.outer, self.U, out=self.empty("C 0", shape, s.dtype))

    def backward(self, dC, n):
        if self.dU is not None:
            outer = np.broadcast_to(self.outer, dC.shape)
            self.dU += np.einsum("nrk,nrk->rk", outer, dC, out=self.empty("dU 0", self.U.shape, dC.dtype))
        dC *= self.U
        if self.left is None:
            np.sum(dC, axis=1, out=self.ds[n])
        else:
            np.einsum("nr,nrk->nk", self.left[n], dC, out=self.ds[n])
            np.einsum("nrk,nk->nr", dC, self.s[n], out=self.dleft[n])


class _Given:
    """C = rows given for every sample, (N, R, K); nothing to differentiate."""

    def __init__(self, rows, dtype, empty):
        self.rows, self.dtype, self.empty = rows, dtype, empty
        self.n_rows = rows.shape[1]

    def forward(self, n):
        C = self.empty("C 0", self.rows[n].shape, self.dtype)  # a copy: backward writes over it
        C[...] = self.rows[n]
        return C

    def backward(self, dC, n):
        pass


class _Link:
    """C' = Z diag(s) with Z = C U: ds = diag(Z^T dC'), dZ = dC' s, dU = sum_n C^T dZ, dC = dZ U^T.

    s (N, K), or None for ones. dC is written over C, which is not needed any more.
    """

    def __init__(self, weights, slope, name, empty):
        (self.U, self.dU), (self.s, self.ds), self.name, self.empty = weights, slope, name, empty

    def forward(self, C, n):
        shape = (*C.shape[:2], self.U.shape[1])
        self.C, self.Z = C, self.empty(f"Z {self.name}", shape, C.dtype)
        product(_rows(C), self.U, _rows(self.Z))
        if self.s is None:
            return self.Z
        return np.multiply(self.Z, self.s[n, None, :], out=self.empty(f"C {self.name}", shape, C.dtype))

    def backward(self, dC, n):
        if self.s is not None:
            np.einsum("nrk,nrk->nk", self.Z, dC, out=self.ds[n])
            dC *= self.s[n, None, :]
        C, dZ = _rows(self.C), _rows(dC)
        self.dU += product(C.T, dZ, self.empty(f"dU {self.name}", self.U.shape, C.dtype))
        product(dZ, self.U.T, C)
        return self.C


class _Jacobian:
    """J at N points as C (n, R, D) for a block of samples, forward beside backward; in the gram order J = C W_1^T.

    H: every layer's activations. With probes v (P, K_L) it is v^T J, with tangents u (N, T, D) it is (J u)^T.
    """

    def __init__(self, layers, H, empty, *, probes=None, tangents=None):
        self.layers, self.H, self.empty = layers, H, empty
        self.dW: dict[int, np.ndarray] = {}
        widths, top = [layers[0].n_in, *(layer.n_out for layer in layers)], len(layers) - 1
        self.order = cheapest_order(widths, len(H[0]), None if probes is None else len(probes))
        if tangents is not None:
            self.order = "inputs"
        S = [layer.activation.dphi(h, out=empty(f"s {i}", h.shape, h.dtype)) for i, (layer, h) in self._numbered()]
        self.dS = [empty(f"ds {i}", h.shape, h.dtype) for i, h in enumerate(H)]

        def weights(i):
            """W_i as the product meets it, and its derivative."""
            U = layers[i].W if self.order == "inputs" else layers[i].W.T
            self.dW[i] = _zeros(f"dW {i}", U.shape, H[0].dtype, empty)
            return U, self.dW[i]

        def slope(i):
            """S_i and its derivative, or nothing where S_i = I."""
            return (S[i], self.dS[i]) if i >= 0 and not self._is_identity(i) else (None, None)

        if self.order == "inputs":
            if tangents is None:
                self.start: _Start | _Given = _Start(weights(0), (None, None), (S[0], self.dS[0]), empty)
            else:
                self.start = _Given(tangents, H[0].dtype, empty)
            self.links = [_Link(weights(i), slope(i), i, empty) for i in range(tangents is None, top + 1)]
        else:
            if probes is None:
                U, dU = weights(top)
                below = (S[top - 1], self.dS[top - 1])
                self.start = _Start((np.ascontiguousarray(U), dU), slope(top), below, empty)
            else:
                self.start = _Start((probes, None), (None, None), (S[top], self.dS[top]), empty)
            rest = range(top if probes is not None else top - 1, 0 if self.order == "gram" else -1, -1)
            self.links = [_Link(weights(i), slope(i - 1), i, empty) for i in rest]
        self._block = max(1, BLOCK // (self.start.n_rows * max(widths[self.order == "gram" :])))

    def _numbered(self):
        return enumerate(zip(self.layers, self.H))

    def _is_identity(self, i):
        return isinstance(self.layers[i].activation, Identity)

    def blocks(self):
        return (slice(n, n + self._block) for n in range(0, len(self.H[0]), self._block))

    def forward(self, n):
        C = self.start.forward(n)
        for link in self.links:
            C = link.forward(C, n)
        return C

    def backward(self, dC, n):
        for link in reversed(self.links):
            dC = link.backward(dC, n)
        self.start.backward(dC, n)

    def leave_dW(self):
        for i, dU in self.dW.items():
            self.layers[i].pending.dW[object()] = dU if self.order == "inputs" else dU.T

    def leave_da(self):
        for layer, da in zip(self.layers, self.da()):
            if da is not None:
                layer.pending.add("da", da)

    def da(self):
        """ds_l phi''(a_l) of every layer, or None where it is 0."""
        return [
            None if self._is_identity(i) else np.multiply(layer.activation.ddphi(h), ds, out=ds)
            for (i, (layer, h)), ds in zip(self._numbered(), self.dS)
        ]


class _Norm:
    """scale ||J||_F^2 summed over blocks, and dC of each: 2 scale C, or in the gram order 2 scale C G."""

    def __init__(self, J, scale, empty):
        self.first, self.scale, self.empty, self.value = J.layers[0], scale, empty, 0.0
        self.G = self.dG = None
        if J.order == "gram":
            W, shape, dtype = self.first.W, (self.first.n_out,) * 2, J.H[0].dtype
            self.G = product(W.T, W, empty("G", shape, dtype))
            self.G *= 2 * scale
            self.dG = _zeros("dG", shape, dtype, empty)

    def __call__(self, C):
        if self.G is None:
            self.value = self.value + self.scale * dot(C, C)
            C *= 2 * self.scale
            return C
        dC = self.empty("dC", C.shape, C.dtype)
        product(_rows(C), self.G, _rows(dC))
        self.dG += product(_rows(C).T, _rows(C), self.empty("C^T C", self.G.shape, C.dtype))
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
    w2 = np.einsum("dk,dk->k", layer.W, layer.W)  # a third faster than squaring by blocks
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


def _rows(C):
    """(n, R, K) as (n R, K), a view."""
    return C.reshape(-1, C.shape[-1])


def _zeros(name, shape, dtype, empty):
    array = empty(name, shape, dtype)
    array.fill(0)
    return array
