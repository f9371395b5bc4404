"""Models as files: one .npz with the weights and a JSON header; nothing in it is executed on loading.

The header names the estimator and its arguments; objects such as Contractive(0.1) are written as their class name and
fields and are rebuilt from this package's own classes only. Callbacks, Generators and the optimizer's running state
are not kept.
"""

import dataclasses
import io
import json
import zipfile
import zlib

import numpy as np

import npae
from npae.files import write_atomically

FORMAT = 1
CLASSES = ("Autoencoder", "VariationalAutoencoder")
UNREADABLE = (  # what NumPy and zipfile raise on bytes that are damaged
    ValueError, KeyError, TypeError, EOFError, AttributeError, OSError, NotImplementedError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class ModelFileError(ValueError):
    """A file is no model, or not whole, or from a newer format."""


def save(model, path):
    """Write a fitted Autoencoder to `path`, atomically. Raises TypeError for an argument that cannot be written."""
    arrays = {"theta": model.network_.theta}
    params = {
        name: _encode(value, name, arrays)
        for name, value in model.get_params(deep=False).items()
        if name not in ("callbacks", "random_state") or isinstance(value, (int, np.integer))
    }
    header = {
        "format": FORMAT,
        "class": type(model).__name__,
        "n_features_in": int(model.n_features_in_),
        "params": params,
        "history": model.history_,
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    write_atomically(path, buffer.getvalue())


def load(path):
    """The estimator that `save` wrote to `path`, fitted.

    Raises ModelFileError, naming the file and what is wrong with it, and OSError where it cannot be read.
    """
    with open(path, "rb") as file:
        content = io.BytesIO(file.read())
    try:
        with np.load(content, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays["header"].tobytes())
        kind = header["format"]
    except UNREADABLE as error:
        raise ModelFileError(f"{path}: no npae model, or not whole ({error})") from error
    if kind != FORMAT:
        raise ModelFileError(f"{path}: got format {kind!r}, expected {FORMAT}; a newer npae may read it")
    try:
        params = {name: _decode(value, arrays) for name, value in header["params"].items()}
        if header["class"] not in CLASSES:
            raise ValueError(f"got class {header['class']!r}, expected one of {CLASSES}")
        model = getattr(npae, header["class"])(**params)
        model._check_arguments()
        model.n_features_in_ = header["n_features_in"]
        model._start(model.n_features_in_, arrays["theta"].dtype)
        model.network_.theta = arrays["theta"]
        model.history_ = header["history"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{path}: the header and the weights do not fit: {error}") from error
    if not np.isfinite(model.network_.theta).all():
        raise ModelFileError(f"{path}: got weights that are not finite")
    return model


def _encode(value, name, arrays):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return {"tuple" if isinstance(value, tuple) else "list": [_encode(each, name, arrays) for each in value]}
    if isinstance(value, np.ndarray):
        key = f"array{len(arrays)}"
        arrays[key] = value
        return {"array": key}
    if dataclasses.is_dataclass(value) and getattr(npae, type(value).__name__, None) is type(value):
        fields = {f.name: _encode(getattr(value, f.name), name, arrays) for f in dataclasses.fields(value)}
        return {"object": type(value).__name__, "fields": fields}
    raise TypeError(
        f"save: got {name}={value!r}, expected numbers, names, or objects of this package: a part of your own cannot "
        "be rebuilt from a file. Pickle the estimator, or keep network_.theta and put it into a network that you build"
    )


def _decode(value, arrays):
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(_decode(each, arrays) for each in value["tuple"])
    if "list" in value:
        return [_decode(each, arrays) for each in value["list"]]
    if "array" in value:
        return arrays[value["array"]]
    kind = getattr(npae, value["object"])
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise ValueError(f"got an object of class {value['object']!r}")
    return kind(**{name: _decode(each, arrays) for name, each in value["fields"].items()})
