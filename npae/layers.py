"""The layers f and g are made of: forward beside backward, with one set of names.

Samples are rows. `dz` is dJ/dz and has z's shape, for every z: dW, db, dh, da, dx. A layer keeps the x and h of
its last `forward` for its `backward`; calling the layer (`layer(x)`) is inference and keeps nothing.
"""

import itertools
from typing import Any

import numpy as np

from npae.activations import Activation, Identity
from npae.kernels import add_scaled, broadcast, column_sums, fresh, product


class Pending:
    """What others ask a layer's next backward to add: penalties, and the tied layers that share its W.

    dh and da: arrays that broadcast to (N, K), or None. W_scale: dW += W * W_scale, a scalar or one number a
    column. dW: whole arrays (D, K) by who asked.
    """

    def __init__(self):
        self.dh: Any = None
        self.da: Any = None
        self.W_scale: Any = None
        self.dW: dict[Any, np.ndarray] = {}

    def add(self, name, value):
        """Add `value` to dh, da or W_scale."""
        before = getattr(self, name)
        setattr(self, name, value if before is None else before + value)


class Dense:
    """h = phi(x W + b).

    With da = dh phi'(a):  dW = x^T da,  db = sum_n da_n,  dx = da W^T.

    Shapes: x (N, D), W (D, K), b (K,), h (N, K). W starts uniform in +-gain sqrt(6 / (D + K)) (Glorot and Bengio
    2010, equation 16; He et al. 2015 for ReLU), b at zero; `rng` is a numpy Generator or a seed. Goodfellow, Bengio
    and Courville (2016), Deep Learning, algorithms 6.3 and 6.4.

    Raises ValueError for sizes below 1 and an activation that does not fit, TypeError for what is not an activation.
    """

    parameters: tuple[str, ...] = ("W", "b")

    def __init__(self, n_in, n_out, activation=Identity(), *, rng=None):
        for name, size in (("n_in", n_in), ("n_out", n_out)):
            if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 1:
                raise ValueError(f"{type(self).__name__}: got {name}={size!r}, expected a whole number >= 1")
        self.activation = _check_activation(activation, type(self).__name__)
        activation.check(n_out)
        limit = activation.gain * (6 / (n_in + n_out)) ** 0.5
        self.W = np.random.default_rng(rng).uniform(-limit, limit, (n_in, n_out))
        self.b = np.zeros(n_out)
        self.dW = np.zeros_like(self.W)
        self.db = np.zeros_like(self.b)
        self._forget()

    def _forget(self):
        self.x: Any = None
        self.h: Any = None
        self.pending = Pending()

    @property
    def n_in(self):
        """D, the number of inputs."""
        return self.W.shape[0]

    @property
    def n_out(self):
        """K, the number of units."""
        return self.W.shape[1]

    def __call__(self, x, out=None):
        """h (N, K), keeping nothing."""
        a = np.matmul(x, self.W) if out is None else product(x, self.W, out)
        return self.activation.biased(a, self.b)

    def forward(self, x, empty=fresh):
        """h (N, K), keeping x and h for backward; `empty` supplies the array that is written."""
        W, x = self.W, np.asarray(x)
        self.x, self.pending = x, Pending()
        self.h = self(x, out=empty("h", (len(x), W.shape[1]), x.dtype if x.dtype == W.dtype else np.result_type(x, W)))
        return self.h

    def backward(self, dh, empty=fresh, need_dx=True):
        """dx (N, D) from dh (N, K), or None if it is not needed; leaves dW and db, pending terms included."""
        if self.h is None:
            raise RuntimeError(f"{self!r}: got backward() first, expected a forward(x) before it")
        pending = self.pending
        if pending.dh is not None:
            dh = broadcast(np.add, pending.dh, dh, out=empty("dh", self.h.shape, self.h.dtype))
        da = self.activation.backward(self.h, dh, out=empty("da", self.h.shape, self.h.dtype))
        if pending.da is not None:
            da = broadcast(np.add, pending.da, da, out=empty("da", self.h.shape, self.h.dtype))
        product(self.x.T, da, self.dW)
        column_sums(da, out=self.db)
        if pending.W_scale is not None:
            add_scaled(self.dW, self.W, pending.W_scale, empty)
        for dW in pending.dW.values():
            self.dW += dW
        return product(da, self.W.T, empty("dx", self.x.shape, self.h.dtype)) if need_dx else None

    def __getstate__(self):
        return self.__dict__ | {"x": None, "h": None, "pending": Pending()}

    def __repr__(self):
        return f"{type(self).__name__}({self.n_in}, {self.n_out}, {self.activation!r})"


class Tied(Dense):
    """A decoder layer that shares the weights of an encoder layer: W = dense.W^T, with its own b.

    Its dW (K, D) is what this use of W contributes; transposed, it is added to dense.dW when `dense` goes
    backward. Vincent et al. (2010), JMLR 11, section 2.2.
    """

    parameters = ("b",)

    def __init__(self, dense, activation=Identity()):
        if not isinstance(dense, Dense) or isinstance(dense, Tied):
            raise TypeError(f"Tied: got {dense!r}, expected the Dense layer whose weights it shares")
        self.dense = dense
        self.activation = _check_activation(activation, "Tied")
        activation.check(dense.n_in)
        self.b = np.zeros(dense.n_in, dense.W.dtype)
        self.db = np.zeros_like(self.b)
        self.dW = np.zeros_like(dense.W).T
        self._forget()

    @property
    def W(self):  # type: ignore[override]
        """The shared weights, a transposed view."""
        return self.dense.W.T

    def backward(self, dh, empty=fresh, need_dx=True):
        """dx from dh as in Dense; dW is also left with `dense`, to be added to its own."""
        self.dW = empty("dW", self.dense.W.shape, self.W.dtype).T
        dx = super().backward(dh, empty, need_dx)
        self.dense.pending.dW[id(self)] = self.dW.T
        return dx


class Stack:
    """Layers one after another: f = phi_L(... phi_1(x W_1 + b_1) ...).

    Raises ValueError where a layer's width does not fit the one before it, TypeError for what is no list of layers.
    """

    def __init__(self, layers):
        if not isinstance(layers, (list, tuple)) or not all(
            hasattr(layer, "n_in") and not isinstance(layer, type) for layer in layers
        ):
            raise TypeError(f"Stack: got {layers!r}, expected a list of layers such as [Dense(64, 25, Sigmoid())]")
        self.layers = list(layers)
        for i, (before, after) in enumerate(itertools.pairwise(self.layers)):
            if before.n_out != after.n_in:
                raise ValueError(
                    f"Stack: got {before!r} before {after!r}, expected layer {i + 1} to take {before.n_out} inputs"
                )

    def __call__(self, x):
        """The last layer's h (N, K), keeping nothing."""
        for layer in self.layers:
            x = layer(x)
        return x

    def forward(self, x, empties=itertools.repeat(fresh)):
        """The last layer's h (N, K); each layer keeps its x and h. `empties`: one array supplier a layer."""
        for layer, empty in zip(self.layers, empties):
            x = layer.forward(x, empty)
        return x

    def backward(self, dh, empties=itertools.repeat(fresh), need_dx=True):
        """dx (N, D) of the first layer (None if not needed) from dh (N, K) of the last."""
        empties = [empty for _, empty in zip(self.layers, empties)]
        for i in reversed(range(len(self.layers))):
            dh = self.layers[i].backward(dh, empties[i], need_dx or i > 0)
        return dh

    def __len__(self):
        return len(self.layers)

    def __repr__(self):
        return f"Stack({self.layers!r})"


def _check_activation(activation, owner):
    if isinstance(activation, Activation):
        return activation
    raise TypeError(f"{owner}: got activation={activation!r}, expected an activation such as Sigmoid()")


def mirrored(encoder, activations=None, *, tied=False, rng=None):
    """The layers of a decoder D <- ... <- K that is the mirror image of an encoder, a list of Dense D -> ... -> K.

    One activation a layer, from the code on; by default those of the encoder's hidden layers and a linear output.
    Tied: it shares the encoder's weights; otherwise W starts at random, from `rng`. ValueError for another number of
    activations.
    """
    encoder = list(encoder)[::-1]
    if activations is None:
        activations = [*(layer.activation for layer in encoder[1:]), Identity()]
    if len(activations) != len(encoder):
        raise ValueError(f"mirrored: got {len(activations)} activations, expected {len(encoder)}, one a decoder layer")
    rng = np.random.default_rng(rng)
    return [
        Tied(layer, phi) if tied else Dense(layer.n_out, layer.n_in, phi, rng=rng)
        for layer, phi in zip(encoder, activations)
    ]
