"""Parts that anyone writes with the mathematics alone, where the package's own offer more.

A part is one's own if its class is not of this package. What it need not have (buffers, a check, a mean) is looked
for once, when it is put into a layer, a stack or a network; what it returns is held against its contract, and an error
names the part. How to write one: docs/your_own_part.md.
"""

import contextlib
import copy
import inspect
from functools import partial
from typing import Any

import numpy as np

from npae.objective.kernels import Buffers
from npae.objective.pending import Pending
from npae.validation import described

NUMERIC = (np.ndarray, np.number, int, float, complex)  # what a value or a term can be
MARK = 0.7310585786300049  # no gradient is this in every entry by accident


def is_own(part):
    """Whether the part's class (or the function) is not of this package."""
    return type(part).__module__.partition(".")[0] != "npae"


def arguments(function):
    """The arguments of a callable by name; none of a builtin that does not tell."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def takes(function, name):
    """Whether a callable takes an argument of that name."""
    return name in arguments(function)


def stands_for(part, attribute, n_required):
    """Whether a part can be a loss or a penalty: the package's has the attribute, anyone's takes two arguments."""
    if isinstance(part, type) or not callable(part):
        return False
    if not is_own(part):
        return hasattr(part, attribute)
    places = [p for p in arguments(part).values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(places) >= 2 and n_required <= sum(p.default is p.empty for p in places) <= 2


def infer(layer, x):
    """h (N, K) of any layer, which keeps what it had: a copy of it does the forward pass and is forgotten."""
    return copy.copy(layer).forward(x)


def check_result(array, shape, dtype, what):
    """Raise ValueError unless a part returned a finite-dimensional array of that shape, TypeError for another dtype."""
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise ValueError(f"{what}: got {described(array)}, expected one of shape {shape}")
    if array.dtype != dtype:
        raise TypeError(f"{what}: got an array of dtype {array.dtype}, expected {dtype}")


@contextlib.contextmanager
def read_only(what, arrays):
    """Nothing can change the arrays meanwhile; ValueError '`what` changed in place' where something tries."""
    locked = [array for array in arrays if isinstance(array, np.ndarray) and array.flags.writeable]
    for array in locked:
        array.flags.writeable = False
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ValueError(f"{what} changed in place ({error}), expected it left alone") from error
    finally:
        for array in sorted(locked, key=lambda array: array.base is not None):  # a view can be no more than its owner
            array.flags.writeable = True


class OwnLayer:
    """Anyone's layer in a Stack: adds what is pending, and holds what the layer returns against its contract."""

    def __init__(self, layer):
        self.layer, self.seen = layer, False
        self.x: Any = None

    def forward(self, x):
        """h (N, K) of the layer, with nothing pending."""
        layer = self.layer
        self.x, layer.pending = x, Pending()
        before = None if self.seen else x.copy()
        h = layer.forward(x)
        dtype = np.result_type(x, *(getattr(layer, name) for name in layer.parameters))
        check_result(h, (len(x), layer.n_out), dtype, f"{layer!r}: forward(x)")
        if before is not None and not np.array_equal(before, x):
            raise ValueError(f"{layer!r}: forward(x) got x and changed it in place, expected x to stay as it was")
        return h

    def backward(self, dh):
        """dx (N, D) of the layer; its gradients with what was pending."""
        layer, pending = self.layer, self.layer.pending
        layer.pending = Pending()
        dh = dh if pending.dh is None else dh + pending.dh
        if not self.seen:
            self._refuse_missing_gradients(dh)
        for name in layer.parameters:  # a layer may add to its gradient as well as set it
            if isinstance(getattr(layer, "d" + name, None), np.ndarray):
                getattr(layer, "d" + name).fill(0)
        dx = layer.backward(dh)
        check_result(dx, self.x.shape, dh.dtype, f"{layer!r}: backward(dh)")
        for name in layer.parameters:
            value = getattr(layer, name)
            check_result(getattr(layer, "d" + name), value.shape, value.dtype, f"{layer!r}: d{name} after backward(dh)")
        self.seen = True
        return self._add(pending, dx)

    def _refuse_missing_gradients(self, dh):
        trial, names = copy.deepcopy(self.layer), self.layer.parameters
        trial.forward(self.x)
        for name in names:
            value = getattr(trial, name)
            setattr(trial, "d" + name, np.full_like(value, MARK))
        trial.backward(dh.copy())
        left = ["d" + name for name in names if np.all(np.abs(getattr(trial, "d" + name) - MARK) < 1e-6)]
        if left:
            raise ValueError(
                f"{self.layer!r}: backward(dh) left out {', '.join(left)}, expected a gradient for every parameter"
            )

    def _add(self, pending, dx):
        layer = self.layer
        if pending.da is not None:  # the layer is one that `contraction.norms.check_dense` let pass: h = phi(x W + b)
            da = np.broadcast_to(pending.da, (len(dx), layer.n_out))
            pending.add("dW", self.x.T @ da)
            if "b" in layer.parameters:
                pending.add("db", da.sum(axis=0))
            dx = dx + da @ layer.W.T
        if pending.W_scale is not None:
            pending.add("dW", layer.W * pending.W_scale)
        for name, terms in pending.gradients.items():
            setattr(layer, name, getattr(layer, name) + sum(terms))
        return dx

    def __getstate__(self):
        return self.__dict__ | {"x": None}


class OwnLoss:
    """Anyone's loss (a, x) -> (value, da), held against its contract."""

    def __init__(self, loss):
        self.loss = loss

    def __call__(self, a, x):
        with read_only(f"{name_of(self.loss)}: got a or x", [a, x]):
            result = self.loss(a, x)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"{name_of(self.loss)}: got {described(result)}, expected (value, da)")
        value, da = result
        check_scalar(value, self.loss)
        check_result(da, a.shape, a.dtype, f"{name_of(self.loss)}: da")
        return value, da


class OwnPenalty:
    """Anyone's penalty (encoder, decoder) -> value; what it adds to the layers is looked at when it is first called."""

    def __init__(self, penalty):
        self.penalty, self.seen = penalty, False

    def __call__(self, encoder, decoder):
        if not self.seen:
            self._try(encoder, decoder)
            self.seen = True
        value = self.penalty(encoder, decoder)
        check_scalar(value, self.penalty)
        return value

    def _try(self, encoder, decoder):
        layers = [layer for stack in (encoder, decoder) for layer in getattr(stack, "layers", ())]  # or no decoder
        before = [getattr(layer, "pending", None) for layer in layers]
        arrays = [encoder.x, encoder.h]
        for layer in layers:
            names = getattr(layer, "parameters", ())
            arrays += [getattr(layer, name, None) for name in ("x", "h", *names, *("d" + name for name in names))]
        try:
            for layer in layers:
                layer.pending = Pending()
            with read_only(f"{name_of(self.penalty)}: got an array of a layer (h, W, dW ...)", arrays):
                copy.deepcopy(self.penalty)(encoder, decoder)
            for layer in layers:
                self._look_at(layer, len(encoder.x))
        finally:
            for layer, pending in zip(layers, before):
                layer.pending = pending

    def _look_at(self, layer, n_samples):
        what = f"{name_of(self.penalty)}: added to {layer!r}: got"
        for name, term in layer.pending.terms():
            shape = (n_samples, layer.n_out)
            if name not in ("dh", "da"):
                parameter = getattr(layer, "W" if name == "W_scale" else name[1:], None)
                if parameter is None:
                    raise ValueError(f"{what} {name}, expected 'd' and one of its parameters {layer.parameters}")
                shape = parameter.shape
            if not isinstance(term, NUMERIC):
                raise TypeError(f"{what} {name} as {described(term)}, expected an array or a number")
            if not _fits(np.shape(term), shape):
                raise ValueError(f"{what} {name} of shape {np.shape(term)}, expected one that fits {shape}")
            dtype = next((getattr(layer, each).dtype for each in layer.parameters), np.result_type(term))
            if isinstance(term, np.ndarray) and not np.can_cast(term.dtype, dtype):
                raise TypeError(f"{what} {name} of dtype {term.dtype}, expected {dtype}")


def _fits(shape, into):
    try:
        return np.broadcast_shapes(shape, into) == into
    except ValueError:
        return False


def prepared_loss(loss):
    """A loss as a network calls it, loss(a, x): with an array for da if it takes one, guarded if it is one's own."""
    if is_own(loss) or not takes(loss, "out"):
        return OwnLoss(loss) if is_own(loss) else loss
    array = Buffers()
    return lambda a, x: loss(a, x, out=array("da", a.shape, a.dtype))


def prepared_penalty(penalty):
    """A penalty as a network calls it, penalty(encoder, decoder): with a store if it takes one, or guarded."""
    if is_own(penalty) or not takes(penalty, "array"):
        return OwnPenalty(penalty) if is_own(penalty) else penalty
    return partial(penalty, array=Buffers())


def check_scalar(value, part):
    """Raise TypeError unless a part returned one number."""
    if isinstance(value, np.ndarray) and value.shape:
        raise TypeError(f"{name_of(part)}: got a value of shape {value.shape}, expected one number")
    if not isinstance(value, NUMERIC):
        raise TypeError(f"{name_of(part)}: got {described(value)}, expected one number")


def name_of(part):
    """How an error calls a part: a function by its name, another by its repr, or its class where that is long."""
    if inspect.isfunction(part):
        return part.__name__
    text = repr(part)
    return type(part).__name__ if text.startswith("<") else text
