"""The base of all layers, apart from their mathematics: pending terms of the gradients, and assigned arrays."""

from typing import Any

import numpy as np

from npae.objective.activations import as_activation
from npae.objective.kernels import add_scaled, broadcast, fresh


class Pending:
    """Terms that penalties and tied layers add to the gradients of a layer, for the next backward pass.

    x (N, D): the layer's input. dh (at the activations), da (before them): arrays that broadcast to (N, K), or None.
    W_scale: dW += W * W_scale, a scalar or one number per column. gradients: lists of whole arrays by name, such as
    {"dW": [(D, K)], "db": [(K,)]}.
    """

    x: Any = None
    dh: Any = None
    da: Any = None
    W_scale: Any = None
    gradients: Any = ()

    def __init__(self, x=None):
        self.x = x

    def add(self, name, value):
        """Add `value` to 'dh', 'da', 'W_scale', or the gradient of a parameter, such as 'dW'; ValueError otherwise."""
        if name in ("dh", "da", "W_scale"):
            before = getattr(self, name)
            setattr(self, name, value if before is None else before + value)
        elif name[:1] == "d":
            self.gradients = self.gradients or {}
            self.gradients.setdefault(name, []).append(value)
        else:
            raise ValueError(f"pending: got {name!r}, expected 'dh', 'da', 'W_scale', or 'd' and a parameter's name")

    def terms(self):
        """Return all (name, term) pairs that were added."""
        named = [(name, getattr(self, name)) for name in ("dh", "da", "W_scale")]
        named += [(name, term) for name, terms in dict(self.gradients).items() for term in terms]
        return [(name, term) for name, term in named if term is not None]


class Assigned:
    """A parameter or gradient of a layer: `layer.W = A` copies A into the network's vector once there is a network.

    There is no __get__: reading is an ordinary attribute of the instance, and costs nothing.
    """

    def __set_name__(self, owner, name):
        self.name = name

    def __set__(self, layer, value):
        view = layer.views.get(self.name)
        if view is None:
            layer.__dict__[self.name] = value
        elif value is not view:
            if np.shape(value) != view.shape:
                raise ValueError(f"{layer!r}: got {self.name} of shape {np.shape(value)}, expected {view.shape}")
            np.copyto(view, value, casting="same_kind")


class Layer:
    """A layer of this package: a subclass has forward(x) -> h and backward_da(da, need_dx) -> dx.

    x, h: input and output of the last forward. A network gives its layers views of theta and grad, by `bind`, and
    `_array`, a store of arrays for the next step.
    """

    parameters: tuple[str, ...] = ()
    views: dict[str, np.ndarray] = {}  # noqa: RUF012  until a network binds the layer
    W: Any
    dW: Any
    backward_da: Any
    _array: Any = staticmethod(fresh)  # (name, shape, dtype) -> array

    def __init__(self, activation, n_out):
        self.activation = as_activation(activation, type(self).__name__, n_out)
        self.x: Any = None
        self.h: Any = None
        self.pending = Pending()

    def bind(self, views, array):
        """Make the parameters and gradients these views, {name: array}, and write into arrays of a store."""
        self.views, self._array = views, array
        self.__dict__.update(views)

    def backward(self, dh, need_dx=True):
        """Return dx (N, D), if it is needed, from dh (N, K); leave the gradients. All pending terms are added here."""
        if self.h is None:
            raise RuntimeError(f"{self!r}: got backward() first, expected a forward(x) before it")
        pending, like = self.pending, (self.h.shape, self.h.dtype)
        if pending.dh is not None:
            dh = broadcast(np.add, pending.dh, dh, out=self._array("dh", *like))
        da = self.activation.backward(self.h, dh, out=self._array("da", *like))
        if pending.da is not None:
            da = broadcast(np.add, pending.da, da, out=self._array("da", *like))
        dx = self.backward_da(da, need_dx)
        if pending.W_scale is not None or pending.gradients:
            self.add_gradients(pending.W_scale, pending.gradients)
            pending.W_scale, pending.gradients = None, ()  # each term is added once
        return dx

    def add_gradients(self, W_scale, gradients):
        """Add pending terms to dW and the other gradients."""
        if W_scale is not None:
            add_scaled(self.dW, self.W, W_scale, self._array)
        for name, terms in dict(gradients).items():
            gradient = getattr(self, name)
            for term in terms:
                gradient += term

    def __getstate__(self):
        state = self.__dict__ | {"x": None, "h": None, "pending": Pending()}
        return {name: value for name, value in state.items() if name not in ("views", "_array")}
