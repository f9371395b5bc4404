"""What tells one training from another: its data, its arguments and its parts, in plain types."""

import contextlib
import hashlib
import json
import math
import pickle
import random
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

SHORT = 1000  # characters; of a longer description of a part there is a digest
FREE = {"max_iter", "n_iter_no_change", "verbose", "callbacks"}  # may differ between a run and its continuation


def signature(run):
    """What has to be the same for a run to be resumed, by name; the data by 256 of their rows."""
    rows, validation = run.rows, run.rows_validation
    found = {
        "data": [*rows.shape, str(rows.dtype), rows.block_size, digest(rows.some(256), rows.weight, rows.target)],
        "validation data": validation and [*validation.shape, digest(validation.some(256))],
        "batch_size": run.batch_size,
        "optimizer": plain(run.step.optimizer),
        "weights": [int(run.network.theta.size), str(run.network.theta.dtype)],
        "terms": list(run.names),
        "loss": plain(run.network.loss),
        "penalties": plain(run.network.penalties),
    }
    params = {} if run.estimator is None else run.estimator.get_params(deep=False)
    return found | {name: plain(value) for name, value in params.items() if name not in FREE}


def digest(*arrays):
    """The first 32 digits of the SHA-256 of arrays (or Nones)."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(b"none" if array is None else str((array.shape, array.dtype.str)).encode())
        sha.update(b"" if array is None else np.ascontiguousarray(array).data)
    return sha.hexdigest()[:32]


def plain(value):
    """A description in JSON's types that is equal for equal values, also in another process of the same Python.

    Of arrays a digest; of a part its class and what pickle would keep of it; of a function its defaults, the values it
    closes over and a digest of its code, as of the methods of a class. Of the package, of NumPy and of Python itself
    the code is left out. Generators of random numbers, which move on, are equal to each other.
    """
    return _Description().of(value)


class _Description:
    """`plain` of one value; what it has met once is not gone into again, so that circles end."""

    def __init__(self):
        self.met: dict = {}  # by id: the value, which is kept so that no other gets its id, and its description

    def of(self, value):
        """The description of a value, or of a part of one."""
        value = value.item() if isinstance(value, np.generic) else value
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, (float, complex, bytes, np.generic)):
            return value if isinstance(value, float) and math.isfinite(value) else repr(value)
        if id(value) not in self.met:
            self.met[id(value)] = value, "itself"
            self.met[id(value)] = value, self._described(value)
        return self.met[id(value)][1]

    def _described(self, value):
        if isinstance(value, (list, tuple)):
            return [self.of(each) for each in value]
        if isinstance(value, dict):
            return sorted(([self.of(key), self.of(each)] for key, each in value.items()), key=json.dumps)
        if isinstance(value, (set, frozenset)):
            return sorted(map(self.of, value), key=json.dumps)
        if isinstance(value, np.ndarray):
            return digest(value) if value.dtype.kind in "biufcSU" else [str(value.dtype), self.of(value.tolist())]
        if isinstance(value, types.ModuleType):
            return value.__name__
        if isinstance(value, types.CodeType):
            return _sha([value.co_code.hex(), self.of(value.co_consts), value.co_names])
        if isinstance(value, types.CellType):
            with contextlib.suppress(ValueError):  # it is empty
                return self.of(value.cell_contents)
            return None
        if isinstance(value, (types.MethodType, staticmethod, classmethod)):
            return [self.of(value.__func__), self.of(getattr(value, "__self__", None))]
        if isinstance(value, property):
            return [self.of(value.fget), self.of(value.fset)]
        named = value if isinstance(value, (type, types.FunctionType)) else type(value)
        name = f"{named.__module__}.{named.__qualname__}"
        if _is_known(type(value)) and hasattr(type(value), "__dataclass_fields__"):
            return [name, *([field, self.of(getattr(value, field))] for field in type(value).__dataclass_fields__)]
        if isinstance(value, (np.random.Generator, np.random.BitGenerator, np.random.RandomState, random.Random)):
            return [name]
        if isinstance(value, np.random.SeedSequence):
            return [name, self.of(value.entropy), self.of(value.spawn_key)]
        described = [name, *self._inside(value)]
        return described if len(json.dumps(described)) <= SHORT else [name, _sha(described)]

    def _inside(self, value):
        if isinstance(value, types.FunctionType):
            given = value.__defaults__, value.__kwdefaults__, value.__closure__, vars(value)
            code = [] if _is_known(value) else [self.of(value.__code__)]
            return [*(self.of(each) for each in given if each), *code]
        if isinstance(value, type):
            return self._code_of(value)
        try:
            kept: Any = value.__reduce_ex__(pickle.DEFAULT_PROTOCOL)
        except Exception:  # it cannot be pickled: a lock, a file, a class of C code
            kept = ""
        if isinstance(kept, str):  # a name, as of a ufunc
            kept = [*([kept] if kept else []), getattr(value, "__dict__", {})]
        else:  # what makes it, its arguments, its state, what is in it
            made_by_class = getattr(kept[0], "__name__", "") == "__newobj__"
            kept = [kept[1][1:] if made_by_class else kept[:2], *map(_as_list, kept[2:])]
        return [*(self.of(each) for each in kept if each is not None and each != ()), *self._code_of(type(value))]

    def _code_of(self, kind):
        """The functions and other attributes of a class and of those it inherits from, of what is anyone's own."""
        found = [
            [each.__qualname__, name, self.of(attribute)]
            for each in kind.__mro__
            if not _is_known(each)
            for name, attribute in sorted(vars(each).items())
            if not name.startswith("__") or isinstance(attribute, types.FunctionType)
        ]
        return [_sha(found)] if found else []


def _is_known(part):
    """Whether a class or a function is of this package, of NumPy or of Python itself."""
    package = (part.__module__ or "").partition(".")[0]
    return package in ("npae", "numpy") or package in sys.stdlib_module_names


def _as_list(value):
    return list(value) if isinstance(value, Iterator) else value


def _sha(described):
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()[:32]
