"""Arguments as JSON and arrays, and back; only numbers, containers and dataclasses of this package are rebuilt."""

import dataclasses

import numpy as np

import npae


def encode(value, name, arrays):
    """Return a value in JSON's types and put its arrays into `arrays`; raise TypeError if it cannot be rebuilt."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return {"tuple" if isinstance(value, tuple) else "list": [encode(each, name, arrays) for each in value]}
    if isinstance(value, dict):
        return {"dict": {key: encode(each, name, arrays) for key, each in value.items()}}
    if isinstance(value, np.ndarray):
        key = f"array{len(arrays)}"
        arrays[key] = value
        return {"array": key}
    if dataclasses.is_dataclass(value) and getattr(npae, type(value).__name__, None) is type(value):
        fields = {f.name: encode(getattr(value, f.name), name, arrays) for f in dataclasses.fields(value)}
        return {"object": type(value).__name__, "fields": fields}
    expected = "expected numbers, names, or objects of this package: a user-defined part cannot be rebuilt from a file"
    instead = "Pickle the estimator, or keep network_.theta and assign it to a network that you build"
    raise TypeError(f"save: got {name}={value!r}, {expected}. {instead}")


def decode(value, arrays):
    """Return the value that `encode` got; take its arrays out of `arrays`. Other input can raise any exception."""
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(decode(each, arrays) for each in value["tuple"])
    if "list" in value:
        return [decode(each, arrays) for each in value["list"]]
    if "dict" in value:
        return {key: decode(each, arrays) for key, each in value["dict"].items()}
    if "array" in value:
        return arrays.pop(value["array"])
    kind = getattr(npae, value["object"]) if value["object"] in npae.__all__ else None
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise ValueError(f"got an object of class {value['object']!r}")
    return kind(**{name: decode(each, arrays) for name, each in value["fields"].items()})
