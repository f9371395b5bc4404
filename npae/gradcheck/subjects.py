"""Check a network, a layer, a loss or a penalty.

No class of npae is required: a network is any object with theta, grad, parameters, value, value_and_grad and astype; a
layer is any object with forward(x) and backward(dh) whose attributes lead to its parameters and their gradients. The
keywords `options` are those of check_gradient.
"""

import contextlib
import copy
import functools
import inspect

import numpy as np

from npae.gradcheck.engine import SEED, Check
from npae.gradcheck.parameters import find_parameters, get_at, is_array, set_at, walk_objects
from npae.gradcheck.variables import Function, real_array
from npae.objective import user_defined
from npae.objective.layer_base import Layer
from npae.objective.layers import Stack
from npae.validation import described

STEP = 2.0**-17  # of a difference quotient that only distinguishes gradients


def check_network(network, x, target=None, **options):
    """Check dJ/dtheta of a network, one row per parameter array, on copies: the network does not change.

    x (N, D), target (N, D) or None as for network.value_and_grad. The check uses the network's present parameters: they
    should have unit scale and the biases should not be zero, with N > 1, or a wrong gradient may look right. Raise
    TypeError for a float32 network.
    """
    if not hasattr(network, "theta"):
        raise TypeError(f"got {network!r}, expected a network with theta, such as the network_ of a fitted estimator")
    real_array(network.theta, "network.theta", "network.astype(np.float64), whose code is the same")

    copied = functools.cache(network.astype)

    def at(theta):
        copied(theta.dtype).theta[:] = theta
        return copied(theta.dtype)

    def f(theta):
        return at(theta).value_and_grad(x, target), copied(theta.dtype).grad.copy()

    parts = {name: view.shape for name, view in network.parameters.items()}
    subject = Function(f, network.theta, parts=parts, value=lambda theta: at(theta).value(x, target), restore=None)
    return Check(subject, n_samples=len(x), **options).report()


def check_layer(layer, x, *, parameters=None, **options):
    """Check the backward pass of any layer, for its input and its parameters, through a fixed random projection.

    J = sum R * layer.forward(x),  dJ/dh = R,  dx = layer.backward(R), with R normal and of the output's shape.

    x: (N, D) or any other input of the layer; whole numbers that the layer uses as indices get no row. The checker
    finds parameters and their gradients: W and dW, weights and grad_weights, lists or dicts `params` and `grads`,
    objects with `data` and `grad`, layers inside the layer, gradients that backward returns after dx. If arrays of
    floats (or x) change the output and have no gradient, the report is not ok and names them; it ignores arrays of
    modules and in closures. parameters: names ("W", "layers.0.W"), or a dict name -> gradient or (parameter, gradient),
    each a name or a function of the layer; then the checker looks for no others. Every evaluation uses a copy of the
    layer.

    Raise TypeError if forward or backward is missing or returns something else; ValueError for a name of `parameters`
    without a gradient. Griewank and Walther (2008), Evaluating Derivatives, section 3.2.
    """
    for name in ("forward", "backward"):
        if isinstance(layer, type) or not callable(getattr(layer, name, None)):
            raise TypeError(f"got {described(layer)} without {name}(), expected a layer with forward and backward")
    _takes_one_array(layer, "forward", "x")
    base = real_array(x, "x")
    try:
        h, layer = _forward_once(layer, base)
    except (IndexError, TypeError):
        if np.asarray(x).dtype.kind not in "iu":
            raise
        base = np.array(x)
        h, layer = _forward_once(layer, base)
    _takes_one_array(layer, "backward", "dh")
    R = np.random.default_rng(SEED).standard_normal(h.shape)

    def value(layer, point):
        return (R * layer.forward(point["x"] if "x" in point else base.copy())).sum()

    def backward(layer):
        returned = layer.backward(R.copy())
        first, *others = returned if isinstance(returned, tuple) else (returned,)
        return first, *(each for other in others for each in (other if isinstance(other, (tuple, list)) else [other]))

    point, options["n_samples"] = {"x": base} if base.dtype.kind == "f" else {}, len(R) if R.ndim else None
    return _check_part(layer, point, value, backward, parameters, whole=np.asarray(x).dtype.kind in "iu", **options)


def _takes_one_array(layer, name, argument):
    signature = None
    try:
        with contextlib.suppress(ValueError):  # it has no signature
            signature = inspect.signature(getattr(layer, name))
            signature.bind(None)
    except TypeError as error:
        expected = f"expected {name}({argument}) alone: check a subclass that fills in the others"
        raise TypeError(f"{name}: got {name}{signature} ({error}), {expected}") from None


def _forward_once(layer, x):
    """Return (output, layer), the layer after the forward if it draws its weights in its first forward."""
    try:
        trial = copy.deepcopy(layer)
    except TypeError as error:  # a module, a generator, an open file
        raise TypeError(f"got {described(layer)}, which cannot be copied ({error}), expected one that can") from error
    h = trial.forward(x.copy())
    if isinstance(h, (tuple, list)):
        raise TypeError(
            f"forward: got {described(tuple(h))}, expected the output alone: keep what backward needs as attributes, "
            "or check a function of x that returns value and gradient by check_gradient"
        )
    single = any(getattr(thing, "dtype", None) == np.float32 for _, thing in walk_objects(layer))
    cast = "it with float64 parameters" if single else "forward for a cast: its parameters are float64"
    h = real_array(h, "the output of forward", cast)

    def again(each):
        return copy.deepcopy(each).forward(x.copy())

    late = not np.array_equal(again(layer), h) and np.array_equal(again(trial), again(trial))
    return h, trial if late else layer


def _check_part(part, point, value, backward, names=None, whole=False, **options):
    """Check a layer, or layers under a penalty: each evaluation has a copy with its parameters replaced.

    point: name -> array, the variables that are not parameters; value(copy, point) is the value, backward(copy) returns
    the gradients of the point (and perhaps of parameters) as a tuple and leaves the others in the copy. whole: the
    point may be whole numbers, which need no gradient.
    """
    trial = copy.deepcopy(part)
    base, returned = value(trial, copy.deepcopy(point)), backward(trial)
    given = [name for name in point if returned[0] is not None]

    stale, floats = list[np.ndarray](), list[tuple]()  # gradients of an earlier use, to which a layer may add

    def copied(values):
        # deepcopy replaces each array by the entry of its memo, at all places
        memo = {id(old): np.zeros(old.shape, old.dtype) for old in stale}
        memo |= {id(p.array): value for p, value in values.items() if is_array(p.array)}
        new = copy.deepcopy(part, memo)
        for p, number in values.items():
            for path in p.paths if p.shared or not is_array(p.array) else ():
                set_at((new,), path, number if p.shared else number[()])
        for path in floats:
            set_at((new,), path, 0.0)
        return new

    def affects_output(parameter):
        trial = copied({parameter: (moved := np.asarray(np.multiply(parameter.array, 1.0625) + 0.015625))})
        try:
            return value(trial, copy.deepcopy(point)) != base, np.array_equal(
                get_at((trial,), parameter.paths[0]), moved
            )
        except (ArithmeticError, ValueError):
            return True, True
        except (IndexError, TypeError):  # whole numbers that are indices
            return False, False

    def slope(parameter, v):
        ends = (copied({parameter: np.asarray(parameter.array) + h * v}) for h in (STEP, -STEP))
        return np.subtract(*(value(each, copy.deepcopy(point)) for each in ends)) / (2 * STEP)

    parameters, unchecked = find_parameters(part, trial, returned, affects_output, slope, names)
    for parameter in parameters.values():
        with contextlib.suppress(AttributeError, KeyError, IndexError, TypeError):
            old = parameter.gradient((part, ()))
            if isinstance(old, float):
                floats.append(parameter.gradient.keywords["path"])
            stale.append(np.asarray(old))

    def at(point):
        return copied({p: point[name] for name, p in parameters.items()})

    def f(point):
        new = at(point)
        J, returned = value(new, point), backward(new)
        return J, dict(zip(given, returned)) | {name: p.gradient((new, returned)) for name, p in parameters.items()}

    start = {name: point[name] for name in given} | {name: real_array(p.array, name) for name, p in parameters.items()}
    subject = Function(f, start, value=lambda point: value(at(point), point), restore=None)
    absent = [name for name in point if name not in given and names is None and not whole]
    subject.unchecked = unchecked | dict.fromkeys(absent, "backward returned None, expected its gradient")
    return Check(subject, **options).report()


def _check_callable(part, expected):
    if isinstance(part, type) or not callable(part):
        raise TypeError(f"got {described(part)}, expected {expected}")


def check_loss(loss, a, x, **options):
    """Check da of a loss, loss(a, x) -> (value, da), at the outputs a (N, D) and targets x (N, D)."""
    _check_callable(loss, "a loss, loss(a, x) -> (value, da)")
    if user_defined.is_user_defined(loss):
        user_defined.check_loss(copy.deepcopy(loss), np.array(a), np.array(x))
    subject = Function(lambda a: loss(a, x), a, name="a")
    return Check(subject, n_samples=len(a), **options).report()


class _Layers(list):
    """Layers one after another, for those that a Stack does not take."""

    layers = property(lambda self: self)

    def forward(self, x):
        self.x = self.h = x
        for layer in self:
            self.h = layer.forward(self.h)
        return self.h

    def backward(self, dh):
        for layer in reversed(self):
            dh = layer.backward(dh)


def check_penalty(penalty, encoder, x, **options):
    """Check the gradient of a penalty by an encoder's parameters, without a loss.

    J = penalty(encoder, None) after encoder.forward(x); encoder.backward(0) writes dJ into dW and db.

    encoder: a Stack, a list of layers or a layer; x (N, D). There is no loss because it would hide a wrong penalty
    term. If the penalty has a method `check(encoder)`, it is called first.
    """
    if not hasattr(encoder, "layers"):
        layers = encoder if isinstance(encoder, (list, tuple)) else [encoder]
        encoder = Stack(layers) if all(isinstance(layer, Layer) for layer in layers) else _Layers(layers)
    _check_callable(penalty, "a penalty, penalty(encoder, decoder) -> value")
    if hasattr(penalty, "check"):
        penalty.check(encoder)
    x, trial = real_array(x, "x"), copy.deepcopy(encoder)
    zero = np.zeros_like(trial.forward(x.copy()))
    if user_defined.is_user_defined(penalty):
        user_defined.check_penalty(copy.deepcopy(penalty), trial, None)

    def value(encoder, point):
        encoder.forward(x.copy())
        return penalty(encoder, None)

    return _check_part(encoder, {}, value, lambda each: (each.backward(zero.copy()),), n_samples=len(x), **options)
