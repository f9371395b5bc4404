"""The checks of things that are not plain functions: a network, a layer, a loss, a penalty.

Nothing here imports the rest of npae: a network is whatever has theta, grad, value_and_grad and astype; a layer is
whatever has forward(x) and backward(dh).
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from npae.gradcheck.engine import SEED, Check
from npae.gradcheck.variables import Function, Options, Variables, check_scalar


def check_network(network, x, target=None, *, method="auto", rtol=None, directions=None, coordinates=None):
    """Check dJ/dtheta of a network, one row a parameter array; the network itself is not touched.

    x (N, D), target (N, D) or None as for network.value_and_grad; the keywords are those of check_gradient. Raises
    TypeError for a float32 network. Checked at the network's present parameters: have them at unit scale, the
    biases not zero, N > 1, or a wrong gradient may look right.
    """
    if not hasattr(network, "theta"):
        raise TypeError(f"got {network!r}, expected a network with theta, such as the network_ of a fitted estimator")
    if network.theta.dtype != np.float64:
        raise TypeError(
            f"got a network of dtype {network.theta.dtype}, expected float64: check network.astype(np.float64); "
            "the code is the same, and a float32 value is too coarse for a difference quotient"
        )
    options = Options(method, rtol, directions, coordinates, len(x))
    return Check(NetworkSubject(network, x, target), options).report()


class NetworkSubject:
    """A network as the engine sees it: theta is the buffer, the names and places come from network.parameters."""

    def __init__(self, network, x, target=None):
        self.network, self.batch = network.astype(np.float64), (x, target)
        self.point = self.network.theta.copy()
        # number the entries of theta: each named view then shows where it lies
        self.network.theta[:] = np.arange(self.point.size)
        self.index = {name: view.astype(int) for name, view in self.network.parameters.items()}
        self.names = tuple(self.index)
        self.network.theta[:] = self.point

    def evaluator(self, dtype):
        """The theta of a copy of the network, and its objective."""
        copied = self.network if dtype == self.point.dtype else self.network.astype(dtype)
        return copied.theta, lambda: copied.value(*self.batch)

    def value_and_gradient(self, theta):
        """J and dJ/dtheta at theta."""
        self.network.theta[:] = theta
        value = check_scalar(self.network.value_and_grad(*self.batch))
        self.network.theta[:] = self.point
        return value, self.network.grad.copy()


def check_layer(layer, x, *, parameters=None, method="auto", rtol=None, directions=None, coordinates=None):
    """Check the backward pass of anyone's layer, for its input and its parameters, through a fixed random projection.

    J = sum R * layer.forward(x),  dJ/dh = R,  dx = layer.backward(R), with R normal and of the output's shape.

    x (N, D) or whatever the layer takes. parameters: names such as ("W", "b"); by default the layer's own
    `parameters` if it has them, else every array attribute `name` beside an array `dname` of the same shape after
    a backward. A layer with `.layers` (a stack) is searched through. The layer is copied, not changed. Rows: 'x'
    (if backward returns dx) and the parameters.

    Raises TypeError where forward or backward is missing, ValueError for a parameter without a gradient. Griewank and
    Walther (2008), Evaluating Derivatives, section 3.2 (a weight on the outputs makes one scalar).
    """
    for method_name in ("forward", "backward"):
        if not callable(getattr(layer, method_name, None)):
            raise TypeError(f"got {layer!r} without {method_name}(), expected a layer with forward and backward")
    x = Variables(x).view(Variables(x).point)
    trial = copy.deepcopy(layer)
    h = np.asarray(trial.forward(x.copy()))
    if h.dtype == np.float32:
        raise TypeError(f"got a layer whose output is {h.dtype}, expected float64: check it with float64 parameters")
    R = np.random.default_rng(SEED).standard_normal(h.shape)
    has_dx = trial.backward(R.copy()) is not None

    def value(layer, point):
        return (R * layer.forward(point["x"])).sum()

    def backward(layer, point):
        dx = layer.backward(R.copy())
        return {"x": dx if has_dx else 0 * point["x"]}

    places = _parameters(layer, trial, x, parameters)
    options = Options(method, rtol, directions, coordinates, x.shape[0] if x.ndim else None)
    subject = PartSubject(layer, places, {"x": x}, value, backward)
    if not has_dx:
        del subject.index["x"]
    return Check(subject, options).report()


class PartSubject(Function):
    """A layer, or layers under a penalty, as the engine sees it: a copy whose parameters are views of the buffer.

    places: name -> (owner(copy), attribute); point: what else is differentiated by, as a dict of arrays;
    value(copy, point) is the value, backward(copy, point) leaves the gradients of the places and returns the others.
    """

    def __init__(self, part, places, point, value, backward):
        self.part, self.places, self.run = part, places, (value, backward)
        super().__init__(self._call, point | {name: getattr(own(part), key) for name, (own, key) in places.items()})

    def _copy(self, point):
        part = copy.deepcopy(self.part)
        for name, (owner, key) in self.places.items():
            setattr(owner(part), key, point[name])
            if isinstance(vars(owner(part)).get("d" + key), np.ndarray):  # so that a layer may add to it
                setattr(owner(part), "d" + key, np.zeros_like(point[name]))
        return part

    def _call(self, point):
        part, (value, backward) = self._copy(point), self.run
        J = value(part, point)
        gradient = backward(part, point)
        return J, gradient | {name: getattr(owner(part), "d" + key) for name, (owner, key) in self.places.items()}

    def evaluator(self, dtype):
        """A buffer for the parameters, and the value of a copy that reads it."""
        theta = self.point.astype(dtype)
        point = self.variables.view(theta)
        part, value = self._copy(point), self.run[0]
        return theta, lambda: value(part, point)


def check_loss(loss, a, x, *, method="auto", rtol=None, directions=None, coordinates=None):
    """Check da of a loss, loss(a, x) -> (value, da), at the outputs a (N, D) and targets x (N, D)."""
    options = Options(method, rtol, directions, coordinates, len(a))
    return Check(Function(lambda a: loss(a, x), a, name="a"), options).report()


class _Layers:
    """Layers one after another, as a penalty asks for them."""

    def __init__(self, layers):
        self.layers = layers

    def __len__(self):
        return len(self.layers)

    def forward(self, x):
        self.x = x
        for layer in self.layers:
            x = layer.forward(x)
        self.h = x
        return x

    def backward(self, dh):
        for layer in reversed(self.layers):
            dh = layer.backward(dh)
        return dh


def check_penalty(penalty, encoder, x, *, method="auto", rtol=None, directions=None, coordinates=None):
    """Check what a penalty adds to the gradient of an encoder's parameters, with no loss beside it.

    J = penalty(encoder, None) after encoder.forward(x); dJ is what encoder.backward(0) leaves in dW and db.

    encoder: a Stack, a list of layers or a layer; x (N, D). Deliberately alone: inside a network a wrong penalty term
    is diluted. Where the penalty has a `check(encoder)`, what that raises is raised here.
    """
    if not hasattr(encoder, "layers"):
        encoder = _Layers(list(encoder) if isinstance(encoder, (list, tuple)) else [encoder])
    if hasattr(penalty, "check"):
        penalty.check(encoder)
    x = Variables(x).view(Variables(x).point)
    trial = copy.deepcopy(encoder)
    h = trial.forward(x)
    trial.backward(np.zeros_like(h))

    def value(encoder, point):
        encoder.forward(x)
        return penalty(encoder, None)

    def backward(encoder, point):
        encoder.backward(np.zeros_like(h))
        return {}

    places = _parameters(encoder, trial, x, None)
    options = Options(method, rtol, directions, coordinates, len(x))
    return Check(PartSubject(encoder, places, {}, value, backward), options).report()


def _parameters(layer, trial, x, names):
    """name -> (owner(copy of layer), attribute), for the parameters of a layer and of the layers inside it."""
    parts: list[tuple[str, Callable[[Any], Any]]] = [("", _itself)]
    if isinstance(getattr(layer, "layers", None), (list, tuple)):
        parts = [(f"{i}.", partial(_part, i)) for i in range(len(layer.layers))]
    places = {}
    for prefix, owner in parts:
        own = names if names is not None else _declared(owner(layer))
        if own is None:
            own = _found(layer, trial, owner, x)
        for key in own:
            gradient = getattr(owner(trial), "d" + key, None)
            if not isinstance(getattr(owner(layer), key, None), np.ndarray) or gradient is None:
                raise ValueError(f"got parameter {key!r}, expected arrays {key} and d{key} on {owner(layer)!r}")
            places[prefix + key] = (owner, key)
    return places


def _itself(layer):
    return layer


def _part(i, stack):
    return stack.layers[i]


def _declared(layer):
    own = getattr(layer, "parameters", None)
    return own if isinstance(own, (tuple, list)) and all(isinstance(name, str) for name in own) else None


def _found(layer, trial, owner, x):
    """Pairs name, dname of arrays of one shape; a cache is told from a parameter by forward writing it anew."""
    pairs = [
        name
        for name, array in vars(owner(trial)).items()
        if isinstance(array, np.ndarray)
        and isinstance(vars(owner(layer)).get(name), np.ndarray)
        and isinstance(vars(owner(trial)).get("d" + name), np.ndarray)
        and array.shape == vars(owner(trial))["d" + name].shape
    ]
    moved = copy.deepcopy(layer)
    marks = {}
    for name in pairs:
        marks[name] = getattr(owner(moved), name) * 1.0625
        setattr(owner(moved), name, marks[name].copy())
    moved.forward(x.copy())
    return [name for name in pairs if np.array_equal(getattr(owner(moved), name), marks[name])]
