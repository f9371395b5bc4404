"""A decoder layer whose filters have norm 1, so that a code cannot be made small by making its filters large."""

from typing import Any

import numpy as np

from npae.objective.activations import Identity
from npae.objective.kernels import product
from npae.objective.layers import Dense
from npae.objective.pending import Pending


class UnitRows(Dense):
    """h = phi(x W + b) with W_k = V_k / ||V_k||, row by row: what unit k adds has norm |x_k|.

    With dW as in Dense:  dV_k = (dW_k - <dW_k, W_k> W_k) / ||V_k||, orthogonal to V_k: only its direction is learnt.

    Shapes: x (N, K), V and W (K, D), b (D,), h (N, D). `W` cannot be assigned; V can, at any length. V starts as W does
    in Dense. Without it, L1 on the code h is cheated: h / c with c W reconstructs alike and costs 1 / c.
    `WeightDecay` leaves V alone. Salimans and Kingma (2016), Weight normalization, equations 2 and 3, with g = 1; for
    dictionaries, Olshausen and Field (1997), section 4. Raises as Dense does.
    """

    parameters = ("V", "b")

    def __init__(self, n_in, n_out, activation=Identity(), *, rng=None):
        self._take(Dense(n_in, n_out, activation, rng=rng))

    @classmethod
    def of(cls, dense):
        """A layer with the directions of a Dense layer's rows, its b and its activation."""
        layer = cls.__new__(cls)
        layer._take(dense)
        return layer

    def _take(self, dense):
        self._begin(dense.activation, dense.n_out)
        self.V, self.b = dense.W, dense.b
        self.dV, self.db = dense.dW, dense.db
        self.dW: Any = np.zeros_like(self.V)
        self._W: Any = None

    @property
    def W(self):  # type: ignore[override]
        """V with every row divided by its norm: a new array."""
        return self.V / self._norms()

    def _norms(self):
        return np.sqrt(np.einsum("kd,kd->k", self.V, self.V))[:, None]

    def forward(self, x):
        """h (N, D), keeping x and h for backward."""
        x = np.asarray(x)
        self._W = np.divide(self.V, self._norms(), out=self._array("W", self.V.shape, self.V.dtype))
        a = product(x, self._W, self._array("h", (len(x), self.n_out), np.result_type(x, self.V)))
        self.x, self.h, self.pending = x, self.activation.biased(a, self.b), Pending()
        return self.h

    def backward(self, dh):
        """dx (N, K) from dh (N, D), leaving dV and db; what is pending is added, dW included."""
        return product(self._gradients(dh), self._W.T, self._array("dx", self.x.shape, self.h.dtype))

    def _gradients(self, dh):
        self.dW = self._array("dW", self.V.shape, self.V.dtype)
        da = super()._gradients(dh)
        along = np.einsum("kd,kd->k", self.dW, self._W)[:, None]
        np.multiply(self._W, -along, out=self.dV)
        self.dV += self.dW
        self.dV /= self._norms()
        return da

    @property
    def n_in(self):
        """K, the number of inputs."""
        return self.V.shape[0]

    @property
    def n_out(self):
        """D, the number of outputs."""
        return self.V.shape[1]
