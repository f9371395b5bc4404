"""The Jacobian of a stack of elementwise layers as a product of matrices, multiplied and differentiated in blocks.

Per sample J = df/dx = S_L W_L^T ... S_1 W_1^T, shape (K_L, D), with S_l = diag(phi'(a_l)). Such a product is built
from one end to the other,

    C_0 = diag(left) U_0 S_0,    Z_i = C_{i-1} U_i,    C_i = Z_i S_i,

so that every step is one matrix product over the rows of all samples, and is taken back by

    ds_i = diag(Z_i^T dC_i),    dZ_i = dC_i S_i,    dU_i = sum_n C_{i-1}^T dZ_i,    dC_{i-1} = dZ_i U_i^T.

From the outputs, the last factor W_1^T is D wide and need not be multiplied where only ||J|| is asked for: in the gram
order C stands for J = C W_1^T. Samples are taken in blocks that fit a cache, so that memory does not
grow with N. Each ds_l becomes da_l = ds_l phi''(a_l).
"""

import itertools

import numpy as np

from npae.objective.activations import Identity
from npae.objective.kernels import product

BLOCK = 2**20  # entries of C at a time, 4 MB in float32: smaller ones stay in a cache, larger ones share threads better


def cheapest_order(widths, N):
    """Return 'gram', 'outputs' or 'inputs', the cheapest way to multiply J with `widths` D = K_0, ..., K_L at N points.

    In multiplications for value and gradient together:

        gram      from the outputs, by G    3/2 (N K_L + D) K_1^2 + 3 N K_L sum_{l=2}^{L-1} K_{l-1} K_l
        outputs   from the outputs                                  3 N K_L sum_{l=1}^{L-1} K_{l-1} K_l
        inputs    from the inputs                                   3 N D sum_{l=2}^L K_{l-1} K_l

    A product forward costs a third, the two backward the rest; C^T C is symmetric, so half.
    """
    D, K_1 = widths[:2]
    n_rows = N * widths[-1]
    links = [before * after for before, after in itertools.pairwise(widths)]
    costs = {
        "gram": 1.5 * (n_rows + D) * K_1**2 + 3 * n_rows * sum(links[1:-1]),
        "outputs": 3 * n_rows * sum(links[:-1]),
        "inputs": 3 * N * D * sum(links[1:]),
    }
    return min(costs, key=costs.__getitem__)


class _Start:
    """C = diag(left) U diag(s): dU = sum_n left dC s, ds = diag((left U)^T dC), dleft = diag((U s) dC^T).

    U (R, K) with its gradient dU; left (N, R), or None for ones; s (N, K).
    """

    def __init__(self, weights, left, slope, array):
        (self.U, self.dU), (self.left, self.dleft), (self.s, self.ds), self.array = weights, left, slope, array

    def forward(self, n):
        s = self.s[n]
        shape = (len(s), *self.U.shape)
        self.outer = s[:, None, :]  # left s^T, the derivative of C by U
        if self.left is not None:
            self.outer = np.einsum("nr,nk->nrk", self.left[n], s, out=self.array("outer", shape, s.dtype))
        return np.multiply(self.outer, self.U, out=self.array("C 0", shape, s.dtype))

    def backward(self, dC, n):
        outer = np.broadcast_to(self.outer, dC.shape)
        self.dU += np.einsum("nrk,nrk->rk", outer, dC, out=self.array("dU 0", self.U.shape, dC.dtype))
        dC *= self.U
        if self.left is None:
            np.sum(dC, axis=1, out=self.ds[n])
        else:
            np.einsum("nr,nrk->nk", self.left[n], dC, out=self.ds[n])
            np.einsum("nrk,nk->nr", dC, self.s[n], out=self.dleft[n])


class _Link:
    """C' = Z diag(s) with Z = C U: ds = diag(Z^T dC'), dZ = dC' s, dU = sum_n C^T dZ, dC = dZ U^T.

    s (N, K), or None for ones. dC is written over C, which is not needed any more.
    """

    def __init__(self, weights, slope, name, array):
        (self.U, self.dU), (self.s, self.ds), self.name, self.array = weights, slope, name, array

    def forward(self, C, n):
        shape = (*C.shape[:2], self.U.shape[1])
        self.C, self.Z = C, self.array(f"Z {self.name}", shape, C.dtype)
        product(rows(C), self.U, rows(self.Z))
        if self.s is None:
            return self.Z
        return np.multiply(self.Z, self.s[n, None, :], out=self.array(f"C {self.name}", shape, C.dtype))

    def backward(self, dC, n):
        if self.s is not None:
            np.einsum("nrk,nrk->nk", self.Z, dC, out=self.ds[n])
            dC *= self.s[n, None, :]
        C, dZ = rows(self.C), rows(dC)
        self.dU += product(C.T, dZ, self.array(f"dU {self.name}", self.U.shape, C.dtype))
        product(dZ, self.U.T, C)
        return self.C


class JacobianProduct:
    """J of two or more layers at N points as C (n, R, D) for a block of samples, forward beside backward.

    H: every layer's activations. In the gram order J = C W_1^T; from the inputs C is J transposed.
    """

    def __init__(self, layers, H, array):
        self.layers, self.H = layers, H
        self.dW: dict[int, np.ndarray] = {}
        widths, top = [layers[0].n_in, *(layer.n_out for layer in layers)], len(layers) - 1
        self.order = cheapest_order(widths, len(H[0]))
        S = [layer.activation.dphi(h, out=array(f"s {i}", h.shape, h.dtype)) for i, (layer, h) in self._numbered()]
        self.dS = [array(f"ds {i}", h.shape, h.dtype) for i, h in enumerate(H)]

        def weights(i):
            """Return W_i or W_i^T, as the product multiplies it, and its derivative."""
            U = layers[i].W if self.order == "inputs" else layers[i].W.T
            self.dW[i] = zeros(f"dW {i}", U.shape, H[0].dtype, array)
            return U, self.dW[i]

        def slope(i):
            """Return S_i and its derivative, or None for S_i = I."""
            return (S[i], self.dS[i]) if i >= 0 and not self._is_identity(i) else (None, None)

        if self.order == "inputs":
            self.start = _Start(weights(0), (None, None), (S[0], self.dS[0]), array)
            self.links = [_Link(weights(i), slope(i), i, array) for i in range(1, top + 1)]
        else:
            U, dU = weights(top)
            self.start = _Start((np.ascontiguousarray(U), dU), slope(top), (S[top - 1], self.dS[top - 1]), array)
            last = 0 if self.order == "gram" else -1
            self.links = [_Link(weights(i), slope(i - 1), i, array) for i in range(top - 1, last, -1)]
        n_rows = len(self.start.U)
        self._block = max(1, BLOCK // (n_rows * max(widths[self.order == "gram" :])))

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

    def add_gradients(self):
        """Add da and dW to the layers' pending."""
        self.add_dW()
        for layer, da in zip(self.layers, self.da()):
            if da is not None:
                layer.pending.add("da", da)

    def add_dW(self):
        """Add dW alone."""
        for i, dU in self.dW.items():
            self.layers[i].pending.add("dW", dU if self.order == "inputs" else dU.T)

    def da(self):
        """Return ds_l phi''(a_l) of every layer, or None if it is 0."""
        return [
            None if self._is_identity(i) else np.multiply(layer.activation.ddphi(h), ds, out=ds)
            for (i, (layer, h)), ds in zip(self._numbered(), self.dS)
        ]


def rows(C):
    """Return (n, R, K) as (n R, K), a view."""
    return C.reshape(-1, C.shape[-1])


def zeros(name, shape, dtype, array):
    """Return an array filled with 0."""
    new = array(name, shape, dtype)
    new.fill(0)
    return new
