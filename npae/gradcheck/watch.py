"""What a function does to its complex input: an array that goes through it and notices what is not analytic.

abs, conjugate, .real, var and norm lose the imaginary part, and with it the derivative that a complex step is after;
comparisons, and signs of the real part, pick branches, which is harmless away from a kink.
"""

import functools

import numpy as np

from npae.gradcheck.variables import each_leaf

NOT_ANALYTIC = {
    "absolute", "fabs", "conjugate", "sign", "real", "imag", "angle", "arctan2", "hypot", "var", "std", "nanvar",
    "nanstd", "cov", "corrcoef",
    "norm", "vdot", "vecdot", "svd", "eigh", "eigvalsh", "qr", "cholesky", "pinv", "lstsq", "cond",
}  # fmt: skip
STEPPED = {"sign", "floor", "ceil", "rint", "trunc", "heaviside", "signbit", "around", "round", "fix"}  # but for jumps


class Watched(np.ndarray):
    """An array with marks: (name, "") of each variable that it comes from, (name, operation) where one was lost."""

    marks: frozenset = frozenset()

    def __array_finalize__(self, parent):
        self.marks = getattr(parent, "marks", frozenset())

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return _apply(getattr(ufunc, method), ufunc.__name__, inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return _apply(function, function.__name__, args, kwargs)

    def __getitem__(self, key):
        return _apply(lambda array, key: array[key], "", (self, key), {})

    def __setitem__(self, key, value):
        super().__setitem__(_plain(key, []), _plain(value, found := [self]))
        self.marks = _union(found)

    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))
    var, std, dot = (functools.partialmethod(function) for function in (np.var, np.std, np.dot))


def watch(thing, marks):
    """The array, or each array in a structure, watched and with these marks."""

    def watched(leaf):
        if getattr(getattr(leaf, "dtype", None), "kind", "") not in ("f", "c"):
            return leaf
        leaf = leaf if isinstance(leaf, Watched) else np.asarray(leaf).view(Watched)
        leaf.marks = marks
        return leaf

    return each_leaf(watched, thing)


def _apply(function, name, args, kwargs):
    found: list[Watched] = []
    result, marks = function(*_plain(args, found), **_plain(kwargs, found)), _union(found)
    if any(array.dtype.kind == "c" for array in found):
        marks |= {(source, name.replace("absolute", "abs")) for source, _ in marks if name in NOT_ANALYTIC}
    elif name in STEPPED:
        return result
    watch(kwargs.get("out"), marks)
    return watch(result, marks)


def _union(found):
    return frozenset().union(*(each.marks for each in found))


def _plain(thing, found):
    def plain(leaf):
        found.extend([leaf] if isinstance(leaf, Watched) else ())
        return leaf.view(np.ndarray) if isinstance(leaf, Watched) else leaf

    return each_leaf(plain, thing)
