"""What is checked: a function of an array, a dict or a list of arrays, seen as a function of one flat vector."""

from dataclasses import dataclass

import numpy as np

from npae.gradcheck.numeric import RTOL


@dataclass
class Options:
    """The keywords that every check shares; ValueError for what they cannot be."""

    method: str = "auto"
    rtol: float | None = None
    directions: int | None = None
    coordinates: int | None = None
    n_samples: int | None = None

    def __post_init__(self):
        if self.method not in ("auto", *RTOL):
            raise ValueError(f"got method={self.method!r}, expected one of {('auto', *RTOL)}")
        if self.rtol is not None and not 0 < self.rtol < 1:
            raise ValueError(f"got rtol={self.rtol!r}, expected a number between 0 and 1")
        for name in ("directions", "coordinates", "n_samples"):
            number = getattr(self, name)
            if number is not None and (not isinstance(number, (int, np.integer)) or number < 1):
                raise ValueError(f"got {name}={number!r}, expected a whole number >= 1")
        if self.directions and self.coordinates:
            raise ValueError("got directions= and coordinates=, expected one of them")


class Variables:
    """The caller's x (an array, a dict or a list of arrays) as one flat float64 vector `point` (P,).

    `index[name]` holds, in the shape of each array, where its entries are in the vector; `view(theta)` is the
    caller's structure with arrays that are views of theta.

    Raises TypeError for float32, complex or non-numeric arrays, ValueError for NaN, infinity and nothing at all.
    """

    def __init__(self, x, name="x"):
        self.kind: type | None
        if isinstance(x, dict):
            self.kind, named = dict, dict(x)
        elif isinstance(x, (list, tuple)) and any(isinstance(part, np.ndarray) for part in x):
            self.kind, named = type(x), {f"{name}[{i}]": part for i, part in enumerate(x)}
        else:
            self.kind, named = None, {name: x}
        self.keys = tuple(named)
        arrays = {str(key): as_float64(part, key) for key, part in named.items()}
        self.names, self.shapes = tuple(arrays), {key: array.shape for key, array in arrays.items()}
        if not sum(array.size for array in arrays.values()):
            raise ValueError(f"got {x!r}, expected at least one number to differentiate by")
        self.point = np.concatenate([array.ravel() for array in arrays.values()])
        self.slices, start = {}, 0
        for key, array in arrays.items():
            self.slices[key] = slice(start, start + array.size)
            start += array.size
        everything = np.arange(start)
        self.index = {key: everything[part].reshape(self.shapes[key]) for key, part in self.slices.items()}

    def view(self, theta):
        """theta (P,) in the caller's structure, without a copy."""
        views = [theta[part].reshape(self.shapes[name]) for name, part in self.slices.items()]
        if self.kind is None:
            return views[0]
        return dict(zip(self.keys, views)) if self.kind is dict else self.kind(views)

    def flatten(self, gradient, what="gradient"):
        """A gradient in the caller's structure as a fresh flat vector (P,); an error says what does not match."""
        if self.kind is dict:
            if not isinstance(gradient, dict) or set(gradient) != set(self.keys):
                got = sorted(map(str, gradient)) if isinstance(gradient, dict) else type(gradient).__name__
                raise ValueError(f"got a {what} {got}, expected a dict with the keys of x: {sorted(self.names)}")
            parts = [gradient[key] for key in self.keys]
        elif self.kind is None:
            parts = [gradient]
        else:
            if not isinstance(gradient, (list, tuple)) or len(gradient) != len(self.keys):
                got = f"{len(gradient)} of them" if isinstance(gradient, (list, tuple)) else type(gradient).__name__
                raise ValueError(f"got a {what} {got}, expected a list of {len(self.keys)} arrays like x")
            parts = list(gradient)
        return np.concatenate([self._flat(name, part, what) for name, part in zip(self.names, parts)])

    def _flat(self, name, gradient, what):
        if isinstance(gradient, (dict, list, tuple)) or gradient is None:
            raise ValueError(f"{what} of {name}: got {type(gradient).__name__}, expected an array")
        gradient, shape = np.asarray(gradient), self.shapes[name]
        if gradient.dtype == np.float32 or gradient.dtype == np.float16:
            raise TypeError(
                f"{what} of {name}: got {gradient.dtype} for a float64 x, expected float64; "
                "look for an array or a constant in the backward pass that is not float64"
            )
        if gradient.dtype.kind not in "fiub":
            raise TypeError(f"{what} of {name}: got dtype {gradient.dtype}, expected real numbers")
        if gradient.shape != shape:
            hint = ""
            if gradient.shape == shape[::-1]:
                hint = "; it looks transposed"
            elif gradient.size == int(np.prod(shape)):
                hint = "; the same size in another shape: look for a keepdims or a reshape"
            elif len(gradient.shape) > len(shape) and gradient.shape[1:] == shape:
                hint = "; one gradient a sample: sum or average them as the value does"
            raise ValueError(f"{what} of {name}: got shape {gradient.shape}, expected {shape}{hint}")
        return gradient.astype(float).ravel()


def as_float64(array, name):
    """An independent float64 copy of one variable; whole numbers are converted, the rest refused with advice."""
    array = np.asarray(array)
    if array.dtype in (np.float32, np.float16):
        raise TypeError(
            f"{name}: got {array.dtype}, expected float64. A {array.dtype} value carries an error of "
            f"{np.finfo(array.dtype).eps:.0e}, which a difference quotient magnifies; check the same code with "
            "x.astype(np.float64)"
        )
    if array.dtype.kind == "c":
        raise TypeError(f"{name}: got complex numbers, expected a real x; the checker takes the complex steps itself")
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name}: got dtype {array.dtype}, expected real numbers")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: got NaN or infinity, expected finite numbers")
    return array


class Function:
    """f(x) -> (value, gradient) as a subject: a buffer to move, a value to read, a gradient at any point.

    Every subject has `names`, `index` and `point` as Variables has, and the two methods below.
    """

    def __init__(self, f, x, name="x", variables=None):
        self.f = f
        self.variables = Variables(x, name) if variables is None else variables
        self.names, self.index, self.point = self.variables.names, self.variables.index, self.variables.point

    def evaluator(self, dtype):
        """A buffer theta (P,) of that dtype, which starts at the point, and value(), f's value at it."""
        theta, f, view = self.point.astype(dtype), self.f, self.variables.view
        return theta, lambda: f(view(theta))[0]

    def value_and_gradient(self, theta):
        """f's value and its flat gradient (P,), both validated; f must leave its input alone."""
        before = theta.copy()
        result = self.f(self.variables.view(theta))
        slices = self.variables.slices.items()
        changed = [name for name, part in slices if not np.array_equal(theta[part], before[part])]
        if changed:
            raise ValueError(
                f"f changed its input {', '.join(changed)} in place; every difference quotient would be taken at a "
                "moving point. Write x = x + ... instead of x += ..., or copy first"
            )
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise TypeError(
                f"f returned {type(result).__name__}, expected a pair (value, gradient); "
                "for a value alone there is numerical_gradient"
            )
        return check_scalar(result[0]), self.variables.flatten(result[1])


def check_scalar(value):
    """f's value as a float, or an error that says what came instead."""
    array = np.asarray(value)
    if array.shape != ():
        raise ValueError(f"f returned a value of shape {array.shape}, expected a scalar: sum or average it")
    if array.dtype in (np.float32, np.float16):
        raise TypeError(f"f returned a {array.dtype} value for a float64 x, expected float64: check in float64")
    if array.dtype.kind not in "fiu":
        raise TypeError(f"f returned a value of dtype {array.dtype}, expected a real number")
    if not np.isfinite(array):
        raise ValueError(f"f(x) is {value}, expected a finite number at the point of the check")
    return float(array)
