"""Fingerprints: JSON values that are equal for equal objects, made of their class and of what pickle saves of them."""

import json
import math
import pickle
import random
import types

import numpy as np

from npae.training.rows import digest

GENERATORS = (np.random.Generator, np.random.BitGenerator, np.random.RandomState, random.Random)


def fingerprint(value, seen=None):
    """Return the fingerprint of a value; seen: {id: (value, fingerprint)} of the values around it."""
    seen, value = {} if seen is None else seen, value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if id(value) not in seen:
        seen[id(value)] = value, "itself"  # ends circles; the value is kept alive, so that its id stays unique
        seen[id(value)] = value, _describe(value, lambda part: fingerprint(part, seen))
    return seen[id(value)][1]


def _describe(value, visit):
    if isinstance(value, (float, bytes)):
        return repr(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcSU":
        return digest(value)
    if isinstance(value, (list, tuple)):
        return [visit(each) for each in value]
    if isinstance(value, (dict, set, frozenset)):
        return sorted(map(visit, value.items() if isinstance(value, dict) else value), key=json.dumps)
    named = value if isinstance(value, (type, types.FunctionType)) else type(value)
    name = f"{'npae' if named.__module__.startswith('npae.') else named.__module__}.{named.__qualname__}"
    described = [name, *map(visit, _state(value))]
    text = json.dumps(described)
    return described if len(text) <= 1000 else [name, digest(np.frombuffer(text.encode(), np.uint8))]


def _state(value):
    if isinstance(value, (type, *GENERATORS)):  # the state of a generator changes during a run
        return []
    if hasattr(value, "get_params"):
        return [value.get_params(deep=False)]
    if "__dataclass_fields__" in vars(type(value)):
        return [[field, getattr(value, field)] for field in value.__dataclass_fields__]
    if isinstance(value, types.CodeType):
        return [value.co_code, value.co_consts, value.co_names]
    try:
        if isinstance(value, types.FunctionType):
            closure = [cell.cell_contents for cell in value.__closure__ or ()]
            return [value.__defaults__, value.__kwdefaults__, closure, value.__code__]
        state = value.__reduce_ex__(pickle.DEFAULT_PROTOCOL)  # (function, its arguments, attributes, items), or a name
    except Exception:  # a lock cannot be pickled, a closure may be empty
        state = getattr(value, "__name__", "")
    return [state, getattr(value, "__wrapped__", None)] if isinstance(state, str) else state[1:]
