"""Turn a function of an array, or of dicts and lists of arrays, into a function of one flat vector."""

import copy

import numpy as np

from npae.gradcheck.mistakes import shape_hint
from npae.gradcheck.parameters import match_names
from npae.objective.user_defined import NUMERIC
from npae.validation import described


def real_array(array, what, hint="x.astype(np.float64)"):
    """Return a float64 copy of floats or whole numbers; raise TypeError with advice for other dtypes."""
    array = np.array(array)
    if array.dtype in (np.float32, np.float16):
        size = f"its precision of {np.finfo(array.dtype).eps:.0e} is too coarse for a difference quotient"
        raise TypeError(f"{what}: got {array.dtype}, expected float64: {size}; check {hint}")
    if array.dtype.kind not in "fiub":
        own = "; the checker takes the complex steps itself" if array.dtype.kind == "c" else ""
        raise TypeError(f"{what}: got dtype {array.dtype}, expected real numbers{own}")
    return array.astype(np.float64)


def real_scalar(value):
    """Return f's value as a float; raise TypeError or ValueError if it is not one finite number, or an array of one."""
    if not isinstance(value, NUMERIC):
        raise TypeError(f"f: got {described(value)}, expected a number; for (value, gradient) there is check_gradient")
    array = real_array(value, "the value of f", "f in float64")
    if array.size != 1:
        raise ValueError(f"f: got a value of shape {array.shape}, expected a scalar: sum or average it")
    if not np.isfinite(array).all():
        raise ValueError(f"f: got the value {value}, expected a finite number at the point of the check")
    return float(array.reshape(()))


def _is_tree(x):
    nested = isinstance(x, (list, tuple)) and any(isinstance(part, np.ndarray) or _is_tree(part) for part in x)
    return nested or isinstance(x, dict)


def _match_keys(x, gradient, what):
    new, given = [key for key in gradient if key not in x], dict[str, str]()
    free = [name for name in x if name not in gradient]
    scores = {(key, name): match_names(key, name) for key in new for name in free}
    for key, name in sorted(scores, key=lambda pair: -scores[pair]):
        if scores[key, name] and key not in given and name not in given.values():
            given[key] = name
    for key in new:
        if key not in given:
            raise ValueError(f"{what}: got a dict with the key {key!r}, expected the keys of x: {list(x)}")
    return {key: gradient.get(key) for key in x} | {name: gradient[key] for key, name in given.items()}


def map_leaves(function, x):
    """Return function(array) for every array of x, in the structure of x: dicts, lists and tuples."""
    if isinstance(x, dict):
        try:
            new = {} if type(x) is dict else copy.copy(x)
        except KeyError:  # its attributes are its items, which Python 3.10 asks for a __getstate__
            new = type(x).__new__(type(x))
        new.update({key: map_leaves(function, part) for key, part in x.items()})
        return new
    if isinstance(x, np.ndarray) or not _is_tree(x):
        return function(x)
    parts = [map_leaves(function, part) for part in x]
    return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)


def _flat_array(gradient, what, shape):
    if isinstance(gradient, (dict, list, tuple)) or gradient is None:
        raise ValueError(f"{what}: got {type(gradient).__name__}, expected an array")
    gradient = real_array(gradient, what, "the backward pass for an array or a constant that is not float64")
    if gradient.shape != shape and not gradient.size == 1 == np.prod(shape):
        each = "; one gradient per sample: sum or average them as the value does" if gradient.shape[1:] == shape else ""
        hint = each or shape_hint(gradient.shape, shape)
        raise ValueError(f"{what}: got shape {gradient.shape}, expected {shape}{hint}")
    return gradient.ravel()


class Function:
    """f(x) -> (value, gradient) as a function of a flat float64 vector; f gets fresh arrays in every call.

    x: an array, or dicts, lists and tuples of arrays. `point` (P,) is x in one vector; `index[name]` holds, in the
    shape of each array, the positions of its entries; `view(theta)` is theta in the caller's structure. parts: names
    and shapes of the pieces of an x that is one flat vector. value: a function of x that returns the value alone.
    restore: the object that a check restores afterwards, f by default. `unchecked`: name -> why it has no gradient.

    Raise TypeError for float32, complex or non-numeric arrays; ValueError for NaN, infinity or an empty x.
    """

    def __init__(self, f, x, name="x", parts=None, value=None, restore=...):
        if not callable(f):
            raise TypeError(f"got {described(f)}, expected a function f(x) -> (value, gradient)")
        self.f, self.x, self.name, self._value = f, x, name, value or (lambda x: f(x)[0])
        given = {key: part for key, part, _ in self._pair(x, x, name)}
        arrays = {key: real_array(part, key) for key, part in given.items()}
        for key, array in arrays.items():
            if not np.isfinite(array).all():
                raise ValueError(f"{key}: got NaN or infinity, expected finite numbers")
        self.point = np.concatenate([np.empty(0), *(array.ravel() for array in arrays.values())])
        self.whole = any(np.asarray(part).dtype.kind in "iu" for part in given.values())  # made float64
        if parts is not None and (_is_tree(x) or not isinstance(parts, dict)):
            raise ValueError(f"{name}: got parts={parts!r}, expected a dict of names and shapes, for x one flat array")
        shapes = parts or {key: array.shape for key, array in arrays.items()}
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes.values())])
        if not self.point.size or ends[-1] != self.point.size or min(np.diff(ends)) < 0:
            expected = f"the {self.point.size} of x" if self.point.size else "at least one number to differentiate by"
            raise ValueError(f"{name}: got parts of {ends[-1]} numbers, expected {expected}")
        pieces = np.split(np.arange(self.point.size), ends[1:-1])
        self.index = {key: piece.reshape(shape) for piece, (key, shape) in zip(pieces, shapes.items())}
        self.unchecked, self.restore = dict[str, str](), f if restore is ... else restore
        leaves = iter([np.arange(self.point.size).reshape(np.shape(x))] if parts else self.index.values())
        self.tree = map_leaves(lambda _: next(leaves), x)
        names = [[*shapes]] if parts else [[name] for name in shapes]  # per array of the tree
        self.marks = [frozenset((name, "") for name in each) for each in names]

    def view(self, theta, watch=None):
        """Return theta (P,) in the caller's structure, in fresh arrays, or what watch(array, marks) makes of them."""
        x, marks = map_leaves(lambda index: np.asarray(theta[index]), self.tree), iter(self.marks)
        return map_leaves(lambda array: watch(array, next(marks)), x) if watch else x

    def flatten(self, gradient, what="gradient"):
        """Return a gradient in the caller's structure as a new vector (P,), 0 for arrays that it leaves out."""
        flat = []
        for name, array, part in self._pair(self.x, gradient, self.name, what):
            absent = part is None and _is_tree(self.x)
            flat.append(np.zeros(np.size(array)) if absent else _flat_array(part, f"{what} of {name}", np.shape(array)))
        return np.concatenate(flat)

    def _pair(self, x, gradient, name, what=""):
        """Return (name, array, gradient or None) of each array of x, matched by key (W with dW) or by place."""
        if not _is_tree(x):
            return [(name, x, gradient)]
        keys = list(x) if isinstance(x, dict) else range(len(x))
        if gradient is None:
            gradient = dict.fromkeys(keys)
        elif isinstance(x, dict) and isinstance(gradient, dict):
            gradient = _match_keys(x, gradient, what)
        elif isinstance(x, dict) or not isinstance(gradient, (list, tuple)) or len(gradient) != len(x):
            got = f"{len(gradient)} of them" if isinstance(gradient, (list, tuple)) else type(gradient).__name__
            expected = f"a dict with the keys of x: {keys}" if isinstance(x, dict) else f"a list of {len(x)} arrays"
            raise ValueError(f"{what}: got {got}, expected {expected}")
        top = isinstance(x, dict) and x is self.x
        named = [(str(key) if top else f"{name}[{key!r}]", key) for key in keys]
        return [leaf for label, key in named for leaf in self._pair(x[key], gradient[key], label, what)]

    def value(self, theta, watch=None):
        """Return f's value, a complex number for complex theta."""
        value = self._value(self.view(theta, watch))
        return value.reshape(()) if getattr(value, "size", 0) == 1 and value.shape else value

    def value_and_gradient(self, theta):
        """Return f's value and its flat gradient (P,), both validated; raise ValueError if f changes its input."""
        x = self.view(theta)
        try:
            result = self.f(x)
        except (IndexError, TypeError) as error:
            if not self.whole:
                raise
            raise TypeError(
                "x: got whole numbers, which were made float64 to differentiate by, and f cannot use them so "
                f"({error}); expected indices and labels outside of x: check_gradient(lambda x: f(x, labels), x)"
            ) from error
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise TypeError(f"f: got {self._describe(result)}")
        if np.size(result[0]) > 1 == np.size(result[1]):
            raise TypeError("f: got (gradient, value), expected (value, gradient): the other way round")
        value, gradient = real_scalar(result[0]), self.flatten(result[1])
        changed = self.flatten(x) != theta
        if changed.any():
            names = ", ".join(name for name, index in self.index.items() if changed[index].any())
            how = "write x = x + ... instead of x += ..., or copy first; update weights outside of backward"
            raise ValueError(f"f: got its input {names} changed in place, expected it left alone: {how}")
        pairs = self._pair(self.x, result[1], self.name)
        for name in [name for name, _, part in pairs if part is None and name in self.index]:
            moved = theta.copy()
            moved[self.index.pop(name)] += 0.0123
            if real_scalar(self.value(moved)) != value:
                self.unchecked[name] = "f returns no gradient for it, but its value depends on it"
        return value, gradient

    def _describe(self, result):
        names = self.x if isinstance(self.x, dict) else ("W", "b")
        pairs = ", ".join(f'"{name}": d{name}' for name in names)
        hint = f"write: return value, {{{pairs}}}" + ("" if names is self.x else ", for x a dict with the same keys")
        several = isinstance(result, (tuple, list)) and len(result) > 2
        hint = hint if several else "for a value alone there is numerical_gradient"
        return f"{described(tuple(result) if several else result)}, expected a pair (value, gradient); {hint}"
