"""All parameters of a network as one vector theta, and their gradients as another; the layers hold views of both."""

import numpy as np

from npae.objective.kernels import Buffers, aligned
from npae.objective.layer_base import Layer

DTYPES = (np.float32, np.float64, np.complex64, np.complex128)


class FlatParameters:
    """theta and grad (P,) of named layers, [('encoder.0', layer), ...]: every W, b, dW, db becomes a view of them.

    parameters, gradients: the views by name, such as 'encoder.0.W'. dtype: by default that of the first parameter.
    """

    def __init__(self, named_layers, dtype=None):
        pieces = [(f"{at}.{name}", layer, name) for at, layer in named_layers for name in layer.parameters]
        arrays = [np.asarray(getattr(layer, name)) for _, layer, name in pieces]
        dtype = np.dtype(dtype if dtype is not None else arrays[0].dtype if arrays else np.float64)
        if dtype not in DTYPES:
            raise TypeError(f"Network: got dtype {dtype}, expected float32 or float64 (complex128 for a complex step)")
        n = sum(array.size for array in arrays)
        self.theta, self.grad = aligned((n,), dtype), aligned((n,), dtype)
        self.grad.fill(0)
        self.parameters, self.gradients = {}, {}
        self._layers, self._user_views = [], []  # (layer, views); (layer, attribute, view) of user-defined layers
        views: dict[str, dict[str, np.ndarray]] = {at: {} for at, _ in named_layers}
        start = 0
        for (key, layer, name), array in zip(pieces, arrays):
            piece = slice(start, start := start + array.size)
            self.parameters[key] = parameter = self.theta[piece].reshape(array.shape)
            self.gradients[key] = gradient = self.grad[piece].reshape(array.shape)
            parameter[...] = array
            gradient[...] = getattr(layer, "d" + name, 0)  # a user-defined layer may have none before a backward
            views[key.rpartition(".")[0]] |= {name: parameter, "d" + name: gradient}
        for at, layer in named_layers:
            if isinstance(layer, Layer):
                layer.bind(views[at], Buffers())
                self._layers.append((layer, views[at]))
            for attribute, view in {} if isinstance(layer, Layer) else views[at].items():
                setattr(layer, attribute, view)
                self._user_views.append((layer, attribute, view))

    def take_layers(self):
        """Copy the arrays of layers that another network has taken since, and make them views of this vector again."""
        for layer, views in self._layers:
            if layer.views is not views:
                for name, view in views.items():
                    view[...] = getattr(layer, name)
                layer.bind(views, Buffers())
        self.copy_reassigned()

    def copy_reassigned(self):
        """Copy arrays that a user-defined layer has assigned, `self.dW = ...`, into the views, and put these back."""
        for layer, attribute, view in self._user_views:
            array = getattr(layer, attribute)
            if array is not view:
                if np.shape(array) != view.shape:
                    raise ValueError(f"{layer!r}: got {attribute} of shape {np.shape(array)}, expected {view.shape}")
                np.copyto(view, array, casting="same_kind")
                setattr(layer, attribute, view)
