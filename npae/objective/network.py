"""The objective J and its gradient: an encoder, a decoder, a loss and penalties over one flat vector theta.

J(theta) = 1/N sum_n L(x_n, g(f(x~_n))) + Omega
"""

import copy
import inspect
from typing import Any

import numpy as np

from npae.objective.kernels import Buffers, aligned
from npae.objective.layers import Stack, Tied
from npae.objective.losses import SquaredError
from npae.objective.user_defined import is_own, prepared_loss, prepared_penalty, stands_for, takes
from npae.validation import NotFittedError, check_array


class Network:
    """x^ = g(f(x)) with its objective and gradient; every W, b, dW, db is a view of `theta` or `grad`.

    encoder, decoder: Stack or list of layers. loss: such as SquaredError(). penalties: such as [WeightDecay(1e-3)].
    Each may be of your own: docs/your_own_part.md. dtype: of theta, by default the layers' own (float64); float32
    trains faster, complex128 serves a complex step.
    `theta` (P,), `grad` (P,); `parameters` and `gradients` name their pieces, e.g. 'encoder.0.W'. A layer belongs to
    the network it was last given to.

    Raises ValueError where widths do not fit, where a penalty does not fit the encoder, where a layer appears
    twice or a tied layer does not come after the layer whose weights it shares; TypeError for a wrong dtype.
    """

    _reconstructs = True  # as many outputs as inputs
    part_values: Any = ()  # the terms of J last computed: the loss, then each penalty

    def __init__(self, encoder, decoder, *, loss=SquaredError(), penalties=(), dtype=None):
        self.encoder = encoder if isinstance(encoder, Stack) else Stack(encoder)
        self.decoder = decoder if isinstance(decoder, Stack) else Stack(decoder)
        self.loss = loss
        self._check_layers()
        self.penalties = penalties
        self._bind(self._dtype() if dtype is None else dtype)

    # -- construction ------------------------------------------------------------------------------------------

    def _layers(self):
        sides = (("encoder", self.encoder), ("decoder", self.decoder))
        return [(f"{side}.{i}", layer) for side, stack in sides for i, layer in enumerate(stack.layers)]

    @property
    def loss(self):
        """L, a loss such as SquaredError()."""
        return self._given_loss

    @loss.setter
    def loss(self, loss):
        if not stands_for(loss, "check_target", 2):
            raise TypeError(f"Network: got loss={loss!r}, expected a loss such as SquaredError()")
        self._given_loss, self._loss = loss, prepared_loss(loss)

    @property
    def penalties(self):
        """Omega, a tuple of penalties such as WeightDecay(1e-3)."""
        return self._given_penalties

    @penalties.setter
    def penalties(self, penalties):
        if not isinstance(penalties, (list, tuple)):
            raise TypeError(f"Network: got penalties={penalties!r}, expected a list such as [WeightDecay(1e-3)]")
        for penalty in penalties:
            if not stands_for(penalty, "check", 1):
                raise TypeError(f"Network: got penalty {penalty!r}, expected one such as WeightDecay(1e-3)")
            if hasattr(penalty, "check"):
                stacks = (self.encoder, self.decoder)
                penalty.check(*stacks[: 1 + takes(penalty.check, "decoder")])
        self._given_penalties = tuple(penalties)
        self._penalties = [prepared_penalty(penalty) for penalty in penalties]

    def _check_layers(self):
        for name, stack in (("encoder", self.encoder), ("decoder", self.decoder)):
            if not len(stack):
                raise ValueError(f"Network: got no layers for the {name}, expected at least one")
        Stack([self.encoder.layers[-1], self.decoder.layers[0]])
        D, D_out = self.encoder.layers[0].n_in, self.decoder.layers[-1].n_out
        needed = self.loss.n_outputs(D) if hasattr(self.loss, "n_outputs") else D
        if self._reconstructs and D_out != needed:
            expected = "as many outputs as inputs" if needed == D else f"{needed} outputs for {self.loss!r}"
            raise ValueError(f"Network: got {D} inputs and {D_out} outputs, expected {expected}")
        seen: list[object] = []
        for name, layer in self._layers():
            if any(layer is other for other in seen):
                raise ValueError(f"Network: got one layer twice (again at {name}), expected distinct layers or Tied")
            if isinstance(layer, Tied) and not any(layer.dense is other for other in seen):
                raise ValueError(f"Network: got a Tied layer at {name}, expected its Dense layer before it")
            seen.append(layer)

    def _dtype(self):
        """That of the first parameter."""
        parameters = (getattr(layer, name) for _, layer in self._layers() for name in layer.parameters)
        return next((np.asarray(parameter).dtype for parameter in parameters), np.dtype(np.float64))

    def _bind(self, dtype):
        """Lay all parameters into one vector and its gradient, and make the layers' arrays views of them."""
        dtype = np.dtype(dtype)
        if dtype not in (np.float32, np.float64, np.complex64, np.complex128):
            raise TypeError(f"Network: got dtype {dtype}, expected float32 or float64 (complex128 for a complex step)")
        pieces = [(f"{at}.{name}", layer, name) for at, layer in self._layers() for name in layer.parameters]
        sizes = [getattr(layer, name).size for _, layer, name in pieces]
        self._theta, self._grad = aligned((sum(sizes),), dtype), aligned((sum(sizes),), dtype)
        self._grad.fill(0)
        self.parameters: dict[str, np.ndarray] = {}
        self.gradients: dict[str, np.ndarray] = {}
        self._views = []
        for (key, layer, name), end, size in zip(pieces, np.cumsum(sizes), sizes):
            shape = getattr(layer, name).shape
            for vector, views, attribute in (
                (self._theta, self.parameters, name),
                (self._grad, self.gradients, "d" + name),
            ):
                view = vector[end - size : end].reshape(shape)
                array = getattr(layer, attribute, None)  # one's own layer need not have a gradient before a backward
                view[...] = 0 if array is None else array
                setattr(layer, attribute, view)
                views[key] = view
                self._views.append((layer, attribute, view))
        self._own_gradients = [each for each in self._views if each[1][0] == "d" and is_own(each[0])]
        for _, layer in self._layers():
            if hasattr(layer, "_array"):
                layer._array = Buffers()  # the same arrays at every step

    def _adopt(self, views=None):
        """Take over arrays that were assigned (`layer.W = A` instead of `layer.W[:] = A`)."""
        for layer, attribute, view in self._views if views is None else views:
            array = getattr(layer, attribute)
            if array is not view:
                if np.shape(array) != view.shape:
                    raise ValueError(f"{layer!r}: got {attribute} of shape {np.shape(array)}, expected {view.shape}")
                np.copyto(view, array, casting="same_kind")
                setattr(layer, attribute, view)

    def __getstate__(self):
        return {name: getattr(self, name) for name in ("encoder", "decoder", "loss", "penalties")}

    def __setstate__(self, state, dtype=None):
        for name, value in state.items():
            setattr(self, name, value)
        self._bind(self._dtype() if dtype is None else dtype)

    def __copy__(self):
        return copy.deepcopy(self)

    def astype(self, dtype):
        """An independent copy whose theta has the given dtype."""
        other = object.__new__(type(self))
        other.__setstate__(copy.deepcopy(self.__getstate__()), dtype)
        return other

    # -- the two vectors -----------------------------------------------------------------------------------------

    @property
    def theta(self):
        """All parameters, (P,); assigning copies into it."""
        self._adopt()
        return self._theta

    @theta.setter
    def theta(self, value):
        self._adopt()
        if np.shape(value) != self._theta.shape:
            raise ValueError(f"Network: got theta of shape {np.shape(value)}, expected {self._theta.shape}")
        np.copyto(self._theta, value, casting="same_kind")

    @property
    def grad(self):
        """dJ/dtheta of the last `value_and_grad`, (P,)."""
        return self._grad

    # -- objective -----------------------------------------------------------------------------------------------

    def value_and_grad(self, x, target=None):
        """J for the batch x (N, D), possibly corrupted, against the clean target (default x); leaves dJ/dtheta in grad.

        Raises ValueError or TypeError for input that is no finite (N, D) array, and for targets that the loss refuses.
        """
        return self._value_and_grad(*self._check_batch(x, target))

    def value(self, x, target=None):
        """J alone, for the same arguments."""
        return self._forward(*self._check_batch(x, target))[0]

    def _value_and_grad(self, x, target):
        value, da = self._forward(x, target)
        self.encoder.backward(self.decoder.backward(da), need_dx=False)
        if self._own_gradients:
            self._adopt(self._own_gradients)
        return value

    def _forward(self, x, target):
        a = self.decoder.forward(self.encoder.forward(x))
        value, da = self._loss(a, target)
        self.part_values = [value, *(penalty(self.encoder, self.decoder) for penalty in self._penalties)]
        return np.asarray(sum(self.part_values)).item(), da

    def _check_batch(self, x, target):
        self._adopt()
        x = self._check(x, "x")
        target = x if target is None else self._check(target, "target")
        if len(target) != len(x):
            raise ValueError(f"Network: got {len(x)} samples in x and {len(target)} in target, expected as many")
        self.check_target(target.real)
        return x, target

    def check_target(self, target):
        """Raise ValueError for targets (N, D) that the loss refuses, if it has a say."""
        if hasattr(self.loss, "check_target"):
            self.loss.check_target(target)

    def _check(self, x, name, n_features=None):
        dtype = self._theta.dtype
        return check_array(
            x,
            name=name,
            owner="Network",
            dtype=dtype,
            n_features=n_features or self.encoder.layers[0].n_in,
            allow_complex=dtype.kind == "c",
        )

    # -- inference -----------------------------------------------------------------------------------------------

    def encode(self, x):
        """The code h = f(x): (N, D) -> (N, K)."""
        self._adopt()
        return self.encoder(self._check(x, "x"))

    def decode(self, h):
        """The reconstruction x^ = E[x | g(h)]: (N, K) -> (N, D)."""
        self._adopt()
        a = self.decoder(self._check(h, "h", self.decoder.layers[0].n_in))
        return self.loss.mean(a) if hasattr(self.loss, "mean") else a

    def reconstruct(self, x):
        """x^ = decode(encode(x)): (N, D) -> (N, D)."""
        return self.decode(self.encode(x))

    def __repr__(self):
        parts = f"{list(self.encoder.layers)!r}, {list(self.decoder.layers)!r}, loss={self.loss!r}"
        return f"Network({parts}, penalties={list(self.penalties)!r}, dtype={str(self._theta.dtype)!r})"


def network_of(model, owner):
    """The Network itself or the `network_` of a fitted estimator; `owner` is named in the error for anything else.

    Raises NotFittedError for an estimator before its fit, one whose class says `network_: ...`; TypeError for what
    holds no network, before or after.
    """
    network = getattr(model, "network_", model)
    if isinstance(network, Network):
        return network
    if any("network_" in inspect.get_annotations(each) for each in type(model).__mro__):
        raise NotFittedError(f"{owner}: got a {type(model).__name__} that is not fitted, expected fit(X) first")
    raise TypeError(f"{owner}: got {model!r}, expected a Network or an estimator that holds one as network_")
