"""Input checks with one error format: 'got ..., expected ...'."""

import sys

import numpy as np


class NotFittedError(ValueError, AttributeError):
    """An estimator was used before it was fitted."""


def described(thing):
    """Return a short description: arrays by their shape, tuples by their items, lists by their length."""
    if isinstance(thing, np.ndarray):
        return f"an array of shape {thing.shape}"
    if isinstance(thing, tuple):
        more = ", ..." if len(thing) > 4 else "," if len(thing) == 1 else ""
        return f"({', '.join(map(described, thing[:4]))}{more})"
    if isinstance(thing, list):
        return f"a list of {len(thing)} (no array)"
    if isinstance(thing, dict):
        return f"a dict with the keys {described(tuple(thing))}"
    try:
        text = repr(thing.item() if isinstance(thing, np.generic) else thing)
    except Exception:  # a user-defined __repr__ may raise anything
        return f"a {type(thing).__name__}"
    return text if len(text) < 200 else f"{text[:200]}..."


def float_dtype(X):
    """Return float32 for arrays of float32 in either byte order, float64 for all others."""
    dtype = getattr(X, "dtype", None)
    single = isinstance(dtype, np.dtype) and dtype.newbyteorder("=") == np.float32
    return np.dtype(np.float32 if single else np.float64)


def check_array(x, *, name="X", owner="npae", dtype=None, n_features=None, allow_complex=False):
    """Return x as a finite float array (N, D) with N, D >= 1, without a copy if nothing has to change.

    float32 stays float32, float64 stays float64, other reals become float64, unless `dtype` is given.
    Raise TypeError for strings, objects, sparse and masked arrays; ValueError for complex numbers (unless allowed),
    for a wrong rank or width, for rows of different lengths, an empty array, NaN and infinity.
    """
    if hasattr(x, "tocsr"):
        raise TypeError(f"{owner}: got a sparse matrix for {name}, expected a dense array; use {name}.toarray()")
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise TypeError(f"{owner}: got a masked array for {name}, expected one without gaps; use {name}.filled(0), say")
    try:
        x = np.asarray(x)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{owner}: got {name} with {_unlike(x) or error}, expected an array (N, D)") from None
    if x.dtype.kind == "O":
        x = _from_objects(x, name, owner)
    if x.dtype.kind == "c" and not allow_complex:
        raise ValueError(f"{owner}: Complex data not supported: got {name} of dtype {x.dtype}, expected real numbers")
    if x.dtype.kind not in "fiubc":
        raise TypeError(f"{owner}: got {name} of dtype {x.dtype}, expected numbers")
    if x.ndim != 2:
        hint = "Reshape your data, e.g. X.reshape(-1, 1) for one feature or X.reshape(1, -1) for one sample."
        raise ValueError(
            f"{owner}: Expected 2D array, got {max(x.ndim, 0)}D array instead: {name} has shape {x.shape}, "
            f"expected (N, D). {hint if x.ndim < 2 else 'Flatten each sample, e.g. X.reshape(len(X), -1).'}"
        )
    for axis, what in enumerate(("sample", "feature")):
        if not x.shape[axis]:
            raise ValueError(
                f"{owner}: Found array with 0 {what}(s) (shape={x.shape}) while a minimum of 1 is required for {name}."
            )
    if n_features is not None and x.shape[1] != n_features:
        raise ValueError(f"{name} has {x.shape[1]} features, but {owner} is expecting {n_features} features as input")
    if dtype is None:
        dtype = np.complex128 if x.dtype.kind == "c" else float_dtype(x)
    with np.errstate(over="ignore", invalid="ignore"):  # the check below reports it
        x = x.astype(dtype, copy=False)
        finite = np.isfinite(x.sum()) or np.isfinite(x).all()  # a finite sum is enough, and allocates nothing
    if not finite:
        what = "NaN" if np.isnan(x).any() else "infinity"
        n, d = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"{owner}: Input {name} contains {what}. The first is at [{n}, {d}]; expected finite numbers.")
    return x


def check_finite(result, what, owner, dtype=None):
    """Return the result (arrays or numbers); raise ValueError if it overflowed its dtype."""
    for each in result if isinstance(result, tuple) else (result,):
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(np.sum(each)) or np.isfinite(each).all()
        if not finite:
            dtype = np.asarray(each).dtype if dtype is None else dtype
            raise ValueError(f"{owner}: got input for which {what} leaves {dtype}, expected numbers of smaller size")
    return result


def check_squares(x, owner):
    """Return x; raise ValueError if the sum of its squares overflows its dtype."""
    with np.errstate(over="ignore"):  # check_finite reports it
        check_finite((x * x).sum(), "the sum of the squares", owner, x.dtype)
    return x


def check_varies(x, owner, what="samples that are all the same, expected some variance", axis=0):
    """Return sum (x - mean)^2 along an axis; raise ValueError, with `what`, if it is no larger than rounding."""
    total = float(np.square(x - x.mean(axis=axis, keepdims=True, dtype=np.float64)).sum())
    rounding = x.shape[axis] * np.finfo(np.float64).eps * np.sqrt(np.square(x).sum(dtype=np.float64))
    if total <= rounding**2 < np.inf:
        raise ValueError(f"{owner}: got {what}")
    return total


def _unlike(x):
    """Return a sentence on the first two rows of a list that differ in length; '' if there are none."""
    lengths = [len(row) if hasattr(row, "__len__") else 1 for row in x] if isinstance(x, (list, tuple)) else []
    for n, length in enumerate(lengths):
        if length != lengths[0]:
            return f"inhomogeneous rows, {lengths[0]} entries in row 0 and {length} in row {n}"
    return ""


def _from_objects(x, name, owner):
    strings = [each for each in x.ravel() if isinstance(each, (str, bytes))]
    if strings:
        raise TypeError(f"{owner}: got {name} with the string {strings[0]!r} among its entries, expected numbers")
    try:
        return x.astype(np.float64)
    except OverflowError as error:
        raise ValueError(f"{owner}: got {name} with a number above 1.8e308, expected finite numbers") from error
    except (TypeError, ValueError) as error:
        raise TypeError(f"{owner}: got {name} of dtype object that is no array of numbers: {error}") from error


def _is_finite(value):
    """Return True if float64 can represent the number; np.isfinite refuses larger Python integers."""
    return abs(int(value)) <= sys.float_info.max if isinstance(value, (int, np.integer)) else np.isfinite(value)


def check_number(
    value, name, owner, *, low=0.0, high=np.inf, include_low=True, include_high=True, integer=False, what=None
):
    """Raise ValueError unless value is a finite real (or whole) number in [low, high], without the ends on request."""
    kinds = (int, np.integer) if integer else (int, float, np.integer, np.floating)
    inside = isinstance(value, kinds) and not isinstance(value, bool) and _is_finite(value) and low <= value <= high
    if not inside or (value == low and not include_low) or (value == high and not include_high):
        what = what or ("a whole number" if integer else "a finite number")
        left, right = "[" if include_low else "(", "]" if include_high else ")"
        bounds = f"in {left}{low:g}, {high:g}{right}" if high < np.inf else f"{'>=' if include_low else '>'} {low:g}"
        raise ValueError(f"{owner}: got {name}={value!r}, expected {what} {bounds}")


def check_flag(value, name, owner):
    """Raise TypeError unless value is True or False: the string 'False', from a settings file, would count as True."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{owner}: got {name}={value!r}, expected True or False")
