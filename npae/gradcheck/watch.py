"""What a function does to its complex input: an array that goes through it and notices what is not analytic.

abs, conjugate, .real, var and norm lose the imaginary part, and with it the derivative that a complex step is after;
comparisons, and signs of the real part, pick branches, which is harmless away from a kink.
"""

import functools

import numpy as np

NOT_ANALYTIC = {
    "absolute", "fabs", "conjugate", "sign", "real", "imag", "angle", "arctan2", "hypot", "var", "std", "nanvar",
    "nanstd", "cov", "corrcoef",
    "norm", "vdot", "vecdot", "svd", "eigh", "eigvalsh", "qr", "cholesky", "pinv", "lstsq", "cond",
}  # fmt: skip
STEPPED = {"sign", "floor", "ceil", "rint", "trunc", "heaviside", "signbit", "around", "round", "fix"}  # but for jumps
NOTHING: frozenset = frozenset()


class Watched(np.ndarray):
    """An array that knows the names of the variables it comes from, and pairs (operation, name) that lost one."""

    sources: frozenset = NOTHING
    lost: frozenset = NOTHING

    def __array_finalize__(self, parent):
        self.sources, self.lost = getattr(parent, "sources", NOTHING), getattr(parent, "lost", NOTHING)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return _apply(getattr(ufunc, method), ufunc.__name__, inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return _apply(function, function.__name__, args, kwargs)

    def __getitem__(self, key):
        return _apply(lambda array, key: array[key], "", (self, key), {})

    def __setitem__(self, key, value):
        super().__setitem__(_plain(key, []), _plain(value, found := [self]))
        self.sources, self.lost = _union(found)

    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))
    var, std, dot = (functools.partialmethod(function) for function in (np.var, np.std, np.dot))


def watch(array, name):
    """The array, watched as the variable `name`."""
    watched = array.view(Watched)
    watched.sources = frozenset([name])
    return watched


def _apply(function, name, args, kwargs):
    found: list[Watched] = []
    result = function(*_plain(args, found), **_plain(kwargs, found))
    sources, lost = _union(found)
    if any(array.dtype.kind == "c" for array in found):
        lost |= {(name.replace("absolute", "abs"), source) for source in sources if name in NOT_ANALYTIC}
    elif name in STEPPED:
        return result
    out = kwargs.get("out", ())
    for array in out if isinstance(out, tuple) else (out,):
        if isinstance(array, Watched):
            array.sources, array.lost = sources, lost
    return _marked(result, sources, lost)


def _union(found):
    return NOTHING.union(*(each.sources for each in found)), NOTHING.union(*(each.lost for each in found))


def _plain(thing, found):
    if isinstance(thing, Watched):
        found.append(thing)
        return thing.view(np.ndarray)
    if type(thing) in (list, tuple):
        return type(thing)(_plain(item, found) for item in thing)
    return {key: _plain(item, found) for key, item in thing.items()} if isinstance(thing, dict) else thing


def _marked(result, sources, lost):
    if isinstance(result, (list, tuple)):
        parts = [_marked(part, sources, lost) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    if getattr(getattr(result, "dtype", None), "kind", "") not in ("f", "c"):
        return result
    marked = np.asarray(result).view(Watched)
    marked.sources, marked.lost = sources, lost
    return marked
