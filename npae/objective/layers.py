"""The layers f and g are made of: forward beside backward, with one set of names.

Samples are rows. `dz` is dJ/dz and has z's shape, for every z: dW, db, dh, da, dx. A layer keeps the x and h of
its last `forward` for its `backward`; calling the layer (`layer(x)`) is inference and keeps nothing.
"""

import itertools
from typing import Any

import numpy as np

from npae.objective.activations import Identity, as_activation
from npae.objective.kernels import add_scaled, broadcast, column_sums, fresh, product
from npae.objective.pending import Pending
from npae.objective.user_defined import OwnLayer, infer, is_own
from npae.validation import check_number, described


class Dense:
    """h = phi(x W + b).

    With da = dh phi'(a):  dW = x^T da,  db = sum_n da_n,  dx = da W^T.

    Shapes: x (N, D), W (D, K), b (K,), h (N, K). W starts uniform in +-gain sqrt(6 / (D + K)) (Glorot and Bengio
    2010, equation 16; He et al. 2015 for ReLU), b at zero; `rng` is a numpy Generator or a seed. Goodfellow, Bengio
    and Courville (2016), Deep Learning, algorithms 6.3 and 6.4.

    Raises ValueError for sizes below 1 and an activation that does not fit, TypeError for what is not an activation.
    """

    parameters: tuple[str, ...] = ("W", "b")
    x: Any
    h: Any
    _array: Any = staticmethod(fresh)  # (name, shape, dtype) -> array; a network sets a store, for the next step

    def __init__(self, n_in, n_out, activation=Identity(), *, rng=None):
        check_number(n_in, "n_in", type(self).__name__, low=1, integer=True)
        check_number(n_out, "n_out", type(self).__name__, low=1, integer=True)
        self._begin(activation, n_out)
        limit = self.activation.gain * (6 / (n_in + n_out)) ** 0.5
        self.W = np.random.default_rng(rng).uniform(-limit, limit, (n_in, n_out))
        self.b = np.zeros(n_out)
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def forward(self, x):
        """h (N, K), keeping x and h for backward."""
        W, x = self.W, np.asarray(x)
        dtype = x.dtype if x.dtype == W.dtype else np.result_type(x, W)
        a = product(x, W, self._array("h", (len(x), W.shape[1]), dtype))
        self.x, self.h, self.pending = x, self.activation.biased(a, self.b), Pending()
        return self.h

    def backward(self, dh):
        """dx (N, D) from dh (N, K), leaving dW and db; what is pending is added."""
        return product(self._gradients(dh), self.W.T, self._array("dx", self.x.shape, self.h.dtype))

    def _gradients(self, dh):
        """da (N, K) from dh (N, K), leaving dW and db: backward but for dx, which a first layer need not have."""
        if self.h is None:
            raise RuntimeError(f"{self!r}: got backward() first, expected a forward(x) before it")
        pending, like = self.pending, (self.h.shape, self.h.dtype)
        if pending.dh is not None:
            dh = broadcast(np.add, pending.dh, dh, out=self._array("dh", *like))
        da = self.activation.backward(self.h, dh, out=self._array("da", *like))
        if pending.da is not None:
            da = broadcast(np.add, pending.da, da, out=self._array("da", *like))
        product(self.x.T, da, self.dW)
        column_sums(da, out=self.db)
        if pending.W_scale is not None:
            add_scaled(self.dW, self.W, pending.W_scale, self._array)
        for name, terms in pending.gradients.items():
            gradient = getattr(self, name)
            for term in terms:
                gradient += term
        return da

    def __call__(self, x):
        """h (N, K), keeping nothing."""
        return infer(self, x)

    def _begin(self, activation, n_out):
        self.activation = as_activation(activation, type(self).__name__)
        self.activation.check(n_out)
        self.x = self.h = None
        self.pending = Pending()

    @property
    def n_in(self):
        """D, the number of inputs."""
        return self.W.shape[0]

    @property
    def n_out(self):
        """K, the number of units."""
        return self.W.shape[1]

    def __getstate__(self):
        state = self.__dict__ | {"x": None, "h": None, "pending": Pending()}
        state.pop("_array", None)
        return state

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
        self._begin(activation, dense.n_in)
        self.b = np.zeros(dense.n_in, dense.W.dtype)
        self.db = np.zeros_like(self.b)
        self.dW = np.zeros_like(dense.W).T

    @property
    def W(self):  # type: ignore[override]
        """The shared weights, a transposed view."""
        return self.dense.W.T

    def _gradients(self, dh):
        self.dW = self._array("dW", self.dense.W.shape, self.W.dtype).T
        da = super()._gradients(dh)
        self.dense.pending.add("dW", self.dW.T)
        return da


class Stack:
    """Layers one after another: f = phi_L(... phi_1(x W_1 + b_1) ...).

    A layer is `Dense`, `Tied`, or anyone's own with n_in, n_out, parameters, forward(x) and backward(dh). `layers` is
    a tuple; x and h are the first input and the last output of the last `forward`.
    Raises ValueError where a layer's width does not fit the one before it, TypeError for what is no list of layers.
    """

    def __init__(self, layers):
        if not isinstance(layers, (list, tuple)) or any(
            isinstance(layer, type) or not hasattr(layer, "forward") for layer in layers
        ):
            raise TypeError(f"Stack: got {layers!r}, expected a list of layers such as [Dense(64, 25, Sigmoid())]")
        for layer in layers:
            missing = [name for name in LAYER if not hasattr(layer, name)]
            if missing:
                raise TypeError(
                    f"Stack: got {layer!r} without {', '.join(missing)}, expected a list of layers, each with "
                    "n_in, n_out, parameters, forward(x) and backward(dh)"
                )
            for name in layer.parameters:
                if not isinstance(name, str):
                    got = f"Stack: got {layer!r} with {described(name)} among its parameters"
                    raise TypeError(f"{got}, expected their names, such as 'W'")
                if not isinstance(getattr(layer, name, None), np.ndarray):
                    raise TypeError(f"Stack: got {layer!r} with {name!r} among its parameters, expected it as an array")
        self.layers = tuple(layers)
        self._run = [OwnLayer(layer) if is_own(layer) else layer for layer in layers]
        self.x: Any = None
        self.h: Any = None
        for i, (before, after) in enumerate(itertools.pairwise(self.layers)):
            if before.n_out != after.n_in:
                raise ValueError(
                    f"Stack: got {before!r} before {after!r}, expected layer {i + 1} to take {before.n_out} inputs"
                )

    def __call__(self, x):
        """The last layer's h (N, K), keeping nothing."""
        for layer in self.layers:
            x = infer(layer, x)
        return x

    def forward(self, x):
        """The last layer's h (N, K); each layer keeps what its backward needs."""
        self.x = x
        for layer in self._run:
            x = layer.forward(x)
        self.h = x
        return x

    def backward(self, dh, need_dx=True):
        """dx (N, D) of the first layer (None if not needed) from dh (N, K) of the last."""
        for layer in self._run[:0:-1]:
            dh = layer.backward(dh)
        for layer in self._run[:1]:
            dh = layer.backward(dh) if need_dx or isinstance(layer, OwnLayer) else layer._gradients(dh)
        return dh if need_dx else None

    def __len__(self):
        return len(self.layers)

    def __getstate__(self):
        return self.__dict__ | {"x": None, "h": None}

    def __repr__(self):
        return f"Stack({list(self.layers)!r})"


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


LAYER = ("n_in", "n_out", "parameters", "forward", "backward")


def check_layers(owner, stack, what="encoder"):
    """Raise ValueError, in the name of `owner`, for a stack without layers."""
    if not len(stack):
        a = "an" if what[0] in "aeiou" else "a"
        raise ValueError(f"{owner}: got {a} {what} without layers, expected at least one")
