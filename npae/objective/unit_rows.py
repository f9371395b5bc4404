"""A decoder layer whose filters have norm 1, so that a code cannot be made small by making its filters large."""

from typing import Any

import numpy as np

from npae.objective.activations import Identity
from npae.objective.kernels import column_sums, product
from npae.objective.layer_base import Assigned, Layer
from npae.objective.layers import Dense


class UnitRows(Dense):
    """h = phi(x W + b) with W_k = V_k / ||V_k||, row by row: the contribution of unit k has norm |x_k|.

    With dW as in Dense:  dV_k = (dW_k - <dW_k, W_k> W_k) / ||V_k||, orthogonal to V_k: only its direction is learnt.

    Shapes: x (N, K), V and W (K, D), b (D,), h (N, D). `W` cannot be assigned; V can, at any length. V starts as W does
    in Dense. Without it, L1 on the code h is cheated: h / c with c W reconstructs alike and costs 1 / c.
    `WeightDecay` leaves V alone. Salimans and Kingma (2016), Weight normalization, equations 2 and 3, with g = 1; for
    dictionaries, Olshausen and Field (1997), section 4. Raises as Dense does.
    """

    parameters = ("V", "b")
    V: Any = Assigned()
    dV: Any = Assigned()

    def __init__(self, n_in, n_out, activation=Identity(), *, rng=None):
        self._copy(Dense(n_in, n_out, activation, rng=rng))

    @classmethod
    def of(cls, dense):
        """Return a layer with the directions of a Dense layer's rows, its b and its activation."""
        layer = cls.__new__(cls)
        layer._copy(dense)
        return layer

    def _copy(self, dense):
        Layer.__init__(self, dense.activation, dense.n_out)
        self.V, self.b, self.dV, self.db = dense.W, dense.b, dense.dW, dense.db
        self.dW = np.zeros_like(self.V)
        self._W: Any = None

    @property
    def W(self):
        """V with every row divided by its norm: a new array."""
        return self.V / self._norms()

    def _norms(self):
        return np.sqrt(np.einsum("kd,kd->k", self.V, self.V))[:, None]

    def forward(self, x):
        """Return h (N, D); keep x and h for backward."""
        x, V = np.asarray(x), self.V
        self._W = np.divide(V, self._norms(), out=self._array("W", V.shape, V.dtype))
        a = product(x, self._W, self._array("h", (len(x), V.shape[1]), np.result_type(x, V)))
        self.x, self.h = x, self.activation.biased(a, self.b)
        return self.h

    def backward_da(self, da, need_dx=True):
        """Return dx (N, K) from da (N, D); leave dV and db."""
        self.dW = self._array("dW", self.V.shape, self.V.dtype)
        product(self.x.T, da, self.dW)
        column_sums(da, out=self.db)
        self._project()
        return product(da, self._W.T, self._array("dx", self.x.shape, da.dtype)) if need_dx else None

    def add_gradients(self, W_scale, gradients):
        """Add pending terms to dW and db, and project again."""
        super().add_gradients(W_scale, gradients)
        self._project()

    def _project(self):
        """dV_k = (dW_k - <dW_k, W_k> W_k) / ||V_k||."""
        along = np.einsum("kd,kd->k", self.dW, self._W)[:, None]
        np.multiply(self._W, -along, out=self.dV)
        self.dV += self.dW
        self.dV /= self._norms()

    n_in = property(lambda self: self.V.shape[0], doc="K, the number of inputs.")
    n_out = property(lambda self: self.V.shape[1], doc="D, the number of outputs.")
