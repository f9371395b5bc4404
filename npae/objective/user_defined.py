"""User-defined parts: layers, losses, penalties and activations that are written with the mathematics alone.

A part is user-defined if its class is not of this package. It is checked once, when a network is built, on random
samples: it must return arrays of the right shape and dtype and leave its arguments unchanged. docs/your_own_part.md
shows how to write one.
"""

import contextlib
import copy
import inspect
from typing import Any

import numpy as np

from npae.validation import described

NUMERIC = (np.ndarray, np.number, int, float, complex)  # a value or a term can be any of these
SENTINEL = 0.7310585786300049  # a gradient that still holds this in every entry was never written


class ContractError(ValueError, TypeError):
    """A user-defined part does not return what a part of its kind must return."""


def is_user_defined(part):
    """Return True if the part's class, or the function, is not of this package."""
    return type(part).__module__.partition(".")[0] != "npae"


def arguments(function):
    """Return the arguments of a callable by name; none for a builtin without a signature."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def takes(function, name):
    """Return True if a callable has an argument of that name."""
    return name in arguments(function)


def looks_like_part(part, attribute, n_required):
    """Return True for a part of this package with the attribute, or a user-defined callable of two arguments."""
    if isinstance(part, type) or not callable(part):
        return False
    if not is_user_defined(part):
        return hasattr(part, attribute)
    places = [p for p in arguments(part).values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(places) >= 2 and n_required <= sum(p.default is p.empty for p in places) <= 2


def infer(layer, x):
    """Return h (N, K) of any layer by a forward pass of a copy, so that the layer keeps its own x and h."""
    return copy.copy(layer).forward(x)


def backward_user_defined(layer, dh, need_dx=True):
    """Return dx of a user-defined layer's backward(dh), with its pending terms added.

    The layer may set its gradients or add to them. Only a layer h = phi(x W + b) is ever given terms of da.
    """
    pending, layer.pending = layer.pending, type(layer.pending)()  # a subclass of Dense would add them, too
    for name in layer.parameters:
        if isinstance(getattr(layer, "d" + name, None), np.ndarray):
            getattr(layer, "d" + name).fill(0)
    dx = layer.backward(dh if pending.dh is None else dh + pending.dh)
    if pending.da is not None:
        da = np.broadcast_to(pending.da, (len(dx), layer.n_out))
        pending.add("dW", pending.x.T @ da)
        if "b" in layer.parameters:
            pending.add("db", da.sum(axis=0))
        dx = dx + da @ layer.W.T
    if pending.W_scale is not None:
        pending.add("dW", layer.W * pending.W_scale)
    for name, terms in dict(pending.gradients).items():
        setattr(layer, name, getattr(layer, name) + sum(terms))
    return dx


# -- checks ------------------------------------------------------------------------------------------------------------


def check_parts(encoder, decoder, loss, penalties, dtype):
    """Raise ContractError if a user-defined part of a network fails its check on five random samples.

    A part that raises an error of its own, as it may for random samples, is left for training to judge.
    """
    parts = [*encoder.layers, *decoder.layers, loss, *penalties]
    if not any(map(is_user_defined, parts)):
        return
    rng = np.random.default_rng(0)
    shape = 5, encoder.layers[0].n_in
    x, target = rng.standard_normal(shape).astype(dtype), rng.random(shape).astype(dtype)
    with np.errstate(all="ignore"):
        try:
            encoder, decoder, loss, penalties = copy.deepcopy((encoder, decoder, loss, tuple(penalties)))
            h = x
            for layer in (*encoder.layers, *decoder.layers):
                if is_user_defined(layer):
                    check_layer(layer, h)
                h = infer(layer, h)
            if is_user_defined(loss):
                check_loss(loss, h, target)
            for penalty in filter(is_user_defined, penalties):
                decoder.forward(encoder.forward(x))
                check_penalty(penalty, encoder, decoder)
        except ContractError:
            raise
        except Exception:
            return


def check_layer(layer, x):
    """Raise ContractError unless forward(x) and backward(dh) return h and dx and leave a gradient per parameter."""
    layer = copy.deepcopy(layer)
    with locked(f"{layer!r}: forward(x) got x and", [x]):
        h = layer.forward(x)
    dtype = np.result_type(x, *(getattr(layer, name) for name in layer.parameters))
    check_result(h, (len(x), layer.n_out), dtype, f"{layer!r}: forward(x)")
    parameters = {"d" + name: getattr(layer, name) for name in layer.parameters}
    for name, value in parameters.items():
        setattr(layer, name, np.full_like(value, SENTINEL))
    dx = layer.backward(np.random.default_rng(1).standard_normal(h.shape).astype(h.dtype))
    check_result(dx, x.shape, h.dtype, f"{layer!r}: backward(dh)")
    for name, value in parameters.items():
        check_result(getattr(layer, name), value.shape, value.dtype, f"{layer!r}: {name} after backward(dh)")
    left = [name for name in parameters if np.all(np.abs(getattr(layer, name) - SENTINEL) < 1e-6)]
    if left:
        got = f"{layer!r}: backward(dh) left out {', '.join(left)}"
        raise ContractError(f"{got}, expected a gradient for every parameter")


def check_loss(loss, a, x):
    """Raise ContractError unless loss(a, x) returns (value, da) and leaves a and x unchanged."""
    name = name_of(loss)
    with locked(f"{name}: got a or x", [a, x]):
        result = loss(a, x)
    if not isinstance(result, tuple) or len(result) != 2:
        raise ContractError(f"{name}: got {described(result)}, expected (value, da)")
    check_scalar(result[0], loss)
    check_result(result[1], a.shape, a.dtype, f"{name}: da")


def check_penalty(penalty, encoder, decoder):
    """Raise ContractError unless penalty(encoder, decoder) returns a value and leaves terms that fit the layers.

    The stacks, or one whose layers have terms of their own making, have done their forward pass.
    """
    layers = [layer for stack in (encoder, decoder) for layer in getattr(stack, "layers", ())]  # or no decoder
    arrays = [encoder.x, encoder.h]
    for layer in layers:
        names = getattr(layer, "parameters", ())
        arrays += [getattr(layer, name, None) for name in ("x", "h", *names, *("d" + name for name in names))]
    with locked(f"{name_of(penalty)}: got an array of a layer (h, W, dW ...)", arrays):
        value = penalty(encoder, decoder)
    check_scalar(value, penalty)
    for layer in filter(lambda each: hasattr(each, "pending"), layers):
        for name, term in layer.pending.terms():
            _check_term(f"{name_of(penalty)}: added to {layer!r}: got", layer, len(encoder.x), name, term)


def _check_term(got, layer, n_samples, name, term):
    shape = (n_samples, layer.n_out)
    if name not in ("dh", "da"):
        parameter = getattr(layer, "W" if name == "W_scale" else name[1:], None)
        if parameter is None:
            raise ContractError(f"{got} {name}, expected 'd' and one of its parameters {layer.parameters}")
        shape = parameter.shape
    if not isinstance(term, NUMERIC):
        raise ContractError(f"{got} {name} as {described(term)}, expected an array or a number")
    try:
        fits = np.broadcast_shapes(np.shape(term), shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ContractError(f"{got} {name} of shape {np.shape(term)}, expected one that fits {shape}")
    dtype = next((getattr(layer, each).dtype for each in layer.parameters), np.result_type(term))
    if isinstance(term, np.ndarray) and not np.can_cast(term.dtype, dtype):
        raise ContractError(f"{got} {name} of dtype {term.dtype}, expected {dtype}")


def check_result(array, shape, dtype, what):
    """Raise ContractError unless a part returned an array of that shape and dtype."""
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise ContractError(f"{what}: got {described(array)}, expected one of shape {shape}")
    if array.dtype != dtype:
        raise ContractError(f"{what}: got an array of dtype {array.dtype}, expected {dtype}")


def check_scalar(value, part):
    """Raise ContractError unless a part returned one number."""
    if isinstance(value, np.ndarray) and value.shape:
        raise ContractError(f"{name_of(part)}: got a value of shape {value.shape}, expected one number")
    if not isinstance(value, NUMERIC):
        raise ContractError(f"{name_of(part)}: got {described(value)}, expected one number")


@contextlib.contextmanager
def locked(owner, arrays):
    """Make the arrays read-only for the duration; raise ContractError '`owner` changed in place' on a write."""
    free = [array for array in arrays if isinstance(array, np.ndarray) and array.flags.writeable]
    for array in free:
        array.flags.writeable = False
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ContractError(f"{owner} changed in place ({error}), expected it left alone") from error
    finally:
        for array in sorted(free, key=lambda array: array.base is not None):  # an owner before its views
            array.flags.writeable = True


def name_of(part: Any):
    """Return how an error calls a part: a function's name, else its repr, or its class if the repr is long."""
    if inspect.isfunction(part):
        return part.__name__
    text = repr(part)
    return type(part).__name__ if text.startswith("<") else text
