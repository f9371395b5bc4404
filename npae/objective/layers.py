"""The layers f and g are made of: forward beside backward, with one set of names.

Samples are rows. `dz` is dJ/dz and has z's shape, for every z: dW, db, dh, da, dx. A layer keeps the x and h of
its last `forward` for its `backward`; calling the layer (`layer(x)`) is inference and keeps nothing.
"""

import itertools
from typing import Any

import numpy as np

from npae.objective.activations import Identity
from npae.objective.kernels import column_sums, product
from npae.objective.layer_base import Assigned, Layer, Pending
from npae.objective.user_defined import backward_user_defined, infer, is_user_defined
from npae.validation import check_number, described


class Dense(Layer):
    """h = phi(x W + b).

    With da = dh phi'(a):  dW = x^T da,  db = sum_n da_n,  dx = da W^T.

    Shapes: x (N, D), W (D, K), b (K,), h (N, K). W starts uniform in +-gain sqrt(6 / (D + K)) (Glorot and Bengio
    2010, equation 16; He et al. 2015 for ReLU), b at zero; `rng` is a numpy Generator or a seed. Goodfellow, Bengio
    and Courville (2016), Deep Learning, algorithms 6.3 and 6.4.

    Raises ValueError for sizes below 1 and an activation that does not fit, TypeError for an argument that is not an
    activation.
    """

    parameters: tuple[str, ...] = ("W", "b")
    W: Any = Assigned()
    b: Any = Assigned()
    dW: Any = Assigned()
    db: Any = Assigned()

    def __init__(self, n_in, n_out, activation=Identity(), *, rng=None):
        check_number(n_in, "n_in", type(self).__name__, low=1, integer=True)
        check_number(n_out, "n_out", type(self).__name__, low=1, integer=True)
        super().__init__(activation, n_out)
        limit = self.activation.gain * (6 / (n_in + n_out)) ** 0.5
        self.W = np.random.default_rng(rng).uniform(-limit, limit, (n_in, n_out))
        self.b = np.zeros(n_out)
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def forward(self, x):
        """Return h (N, K); keep x and h for backward."""
        x, W = np.asarray(x), self.W
        dtype = x.dtype if x.dtype == W.dtype else np.result_type(x, W)
        a = product(x, W, self._array("h", (len(x), W.shape[1]), dtype))
        self.x, self.h = x, self.activation.biased(a, self.b)
        return self.h

    def backward_da(self, da, need_dx=True):
        """Return dx (N, D), if it is needed, from da = dh phi'(a) (N, K); leave dW and db."""
        product(self.x.T, da, self.dW)
        column_sums(da, out=self.db)
        return product(da, self.W.T, self._array("dx", self.x.shape, da.dtype)) if need_dx else None

    def __call__(self, x):
        """Return h (N, K); keep nothing."""
        return infer(self, x)

    n_in = property(lambda self: self.W.shape[0], doc="D, the number of inputs.")
    n_out = property(lambda self: self.W.shape[1], doc="K, the number of units.")

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
        Layer.__init__(self, activation, dense.n_in)
        self.b = np.zeros(dense.n_in, dense.W.dtype)
        self.db = np.zeros_like(self.b)
        self.dW = np.zeros_like(dense.W).T

    @property
    def W(self):
        """The shared weights, a transposed view."""
        return self.dense.W.T

    def backward_da(self, da, need_dx=True):
        """Return dx (N, K) from da (N, D); leave db, and dW^T for the layer that owns the weights."""
        self.dW = self._array("dW", self.dense.W.shape, self.W.dtype).T
        dx = super().backward_da(da, need_dx)
        self.dense.pending.add("dW", self.dW.T)
        return dx


class Stack:
    """Layers one after another: f = phi_L(... phi_1(x W_1 + b_1) ...).

    A layer is `Dense`, `Tied`, or user-defined with n_in, n_out, parameters, forward(x) and backward(dh). `layers` is
    a tuple; x and h are the first input and the last output of the last `forward`. Forward begins with no pending
    terms; backward adds those that penalties have left in `layer.pending`.
    Raises ValueError if a layer's width does not fit the layer before it, TypeError if `layers` is not a list of them.
    """

    def __init__(self, layers):
        check_layers(layers)
        self.layers = tuple(layers)
        self._backward = [(layer, is_user_defined(layer)) for layer in layers[::-1]]
        self.x: Any = None
        self.h: Any = None

    def __call__(self, x):
        """Return the last layer's h (N, K); keep nothing."""
        for layer in self.layers:
            x = infer(layer, x)
        return x

    def forward(self, x):
        """Return the last layer's h (N, K); each layer keeps what its backward needs."""
        self.x = x
        for layer in self.layers:
            layer.pending = Pending(x)
            x = layer.forward(x)
        self.h = x
        return x

    def backward(self, dh, need_dx=True):
        """Return dx (N, D) of the first layer, if it is needed, from dh (N, K) of the last."""
        first = self.layers[0]
        for layer, user_defined in self._backward:
            need = need_dx or layer is not first
            dh = backward_user_defined(layer, dh, need) if user_defined else layer.backward(dh, need)
        return dh if need_dx else None

    def __len__(self):
        return len(self.layers)

    def __getstate__(self):
        return self.__dict__ | {"x": None, "h": None}

    def __repr__(self):
        return f"Stack({list(self.layers)!r})"


def activations_of(layers, x):
    """Return [h_1, ..., h_L], the outputs of all layers one after another; the layers keep nothing."""
    return list(itertools.accumulate(layers, lambda h, layer: infer(layer, h), initial=x))[1:]


def mirrored(encoder, activations=None, *, tied=False, rng=None):
    """Return the layers of a decoder D <- ... <- K, the mirror image of an encoder, a list of Dense D -> ... -> K.

    One activation per layer, from the code on; by default those of the encoder's hidden layers and a linear output.
    Tied: it shares the encoder's weights; otherwise W starts at random, from `rng`. ValueError for another number of
    activations.
    """
    encoder = list(encoder)[::-1]
    if activations is None:
        activations = [*(layer.activation for layer in encoder[1:]), Identity()]
    if len(activations) != len(encoder):
        expected = f"expected {len(encoder)}, one per decoder layer"
        raise ValueError(f"mirrored: got {len(activations)} activations, {expected}")
    rng = np.random.default_rng(rng)
    pairs = zip(encoder, activations)
    return [Tied(layer, phi) if tied else Dense(layer.n_out, layer.n_in, phi, rng=rng) for layer, phi in pairs]


def check_layers(layers):
    """Raise TypeError unless `layers` is a list of layers, ValueError unless their widths fit."""
    expected = "expected a list of layers"
    if not isinstance(layers, (list, tuple)) or any(isinstance(e, type) or not hasattr(e, "forward") for e in layers):
        raise TypeError(f"Stack: got {layers!r}, {expected} such as [Dense(64, 25, Sigmoid())]")
    for layer in layers:
        needed = ("n_in", "n_out", "parameters", "forward", "backward")
        missing = [name for name in needed if not hasattr(layer, name)]
        if missing:
            with_all = "each with n_in, n_out, parameters, forward(x) and backward(dh)"
            raise TypeError(f"Stack: got {layer!r} without {', '.join(missing)}, {expected}, {with_all}")
        for name in layer.parameters:
            if not isinstance(name, str) or not isinstance(getattr(layer, name, None), np.ndarray):
                got = f"Stack: got {layer!r} with {described(name)} among its parameters"
                raise TypeError(f"{got}, expected the names of arrays, such as 'W'")
    for i, (before, after) in enumerate(itertools.pairwise(layers), start=1):
        if before.n_out != after.n_in:
            expected = f"expected layer {i} to take {before.n_out} inputs"
            raise ValueError(f"Stack: got {before!r} before {after!r}, {expected}")


def named_layers(encoder, decoder):
    """Return [('encoder.0', layer), ...] of two stacks."""
    sides = (("encoder", encoder), ("decoder", decoder))
    return [(f"{side}.{i}", layer) for side, stack in sides for i, layer in enumerate(stack.layers)]


def check_bottleneck(encoder, decoder, loss=None):
    """Raise ValueError unless all layers of a network are distinct and fit each other, the input and the loss."""
    check_not_empty("Network", encoder)
    check_not_empty("Network", decoder, "decoder")
    check_layers([encoder.layers[-1], decoder.layers[0]])
    D, D_out = encoder.layers[0].n_in, decoder.layers[-1].n_out
    needed = loss.n_outputs(D) if hasattr(loss, "n_outputs") else D
    if loss is not None and D_out != needed:
        expected = "as many outputs as inputs" if needed == D else f"{needed} outputs for {loss!r}"
        raise ValueError(f"Network: got {D} inputs and {D_out} outputs, expected {expected}")
    seen: list[int] = []
    for name, layer in named_layers(encoder, decoder):
        if id(layer) in seen:
            raise ValueError(f"Network: got one layer twice (again at {name}), expected distinct layers or Tied")
        if isinstance(layer, Tied) and id(layer.dense) not in seen:
            raise ValueError(f"Network: got a Tied layer at {name}, expected its Dense layer before it")
        seen.append(id(layer))


def check_not_empty(owner, stack, what="encoder"):
    """Raise ValueError, in the name of `owner`, for a stack without layers."""
    if not len(stack):
        raise ValueError(f"{owner}: got no layers for the {what}, expected at least one")
