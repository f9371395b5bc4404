"""Models as files: one .npz with the weights and a JSON header; nothing in it is executed on loading.

The header names the estimator and the arguments it was fitted with; objects such as Contractive(0.1) are written as
their class name and fields and are rebuilt from this package's own classes only. Callbacks, Generators and the
optimizer's running state are not kept (a `npae.Checkpoint` keeps the last two). Before a network is made, its sizes are
held against the number of weights in the file. The container is `npae.archive`.
"""

import dataclasses
import itertools
import json
import math

import numpy as np

import npae
from npae.archive import ModelFileError, pack, unpack
from npae.files import write_atomically
from npae.sklearn_face import Estimator

FORMAT = 2
HEADER_BYTES = 2**20
DEEPEST = 1000  # hidden layers
FIELDS = {"format", "class", "n_features_in", "params", "history", "feature_names", "output", "training"}


def save(model, path):
    """Write a fitted estimator to `path`, atomically: the function it computes, with the arguments it was fitted with.

    Raises TypeError for an argument, or a class, that cannot be rebuilt from a file; OSError as `write_atomically`.
    """
    write_atomically(path, contents(model))


def contents(model, training=None, theta=None):
    """The bytes of a model file, piece by piece; training: what a checkpoint keeps besides, as `encode` takes it."""
    if _class(type(model).__name__) is not type(model):
        raise TypeError(
            f"save: got a {type(model).__name__}, expected an estimator of this package: one of your own cannot be "
            "rebuilt from a file. Pickle it, or keep network_.theta and put it into a network that you build"
        )
    _check_depth(model._fitted_with["hidden_layer_sizes"])
    arrays: dict[str, np.ndarray] = {"header": np.zeros(0, np.uint8)}  # comes first
    names = getattr(model, "feature_names_in_", None)
    arrays["theta"] = model.network_.theta if theta is None else theta
    header = {
        "format": FORMAT,
        "class": type(model).__name__,
        "n_features_in": int(model.n_features_in_),
        "params": {name: encode(value, name, arrays) for name, value in kept(model._fitted_with).items()},
        "history": {name: encode(np.array(values, float), name, arrays) for name, values in model.history_.items()},
        "feature_names": None if names is None else encode(np.array(list(names), str), "feature_names", arrays),
        "output": getattr(model, "_sklearn_output_config", {}).get("transform"),
        "training": None if training is None else encode(training, "training", arrays),
    }
    text = json.dumps(header, allow_nan=False).encode()
    if len(text) > HEADER_BYTES:
        raise ValueError(f"save: got arguments of {len(text):,} characters, expected at most {HEADER_BYTES:,}")
    arrays["header"] = np.frombuffer(text, np.uint8)
    return pack(arrays)


def kept(params):
    """The arguments that are written to a file: all but callbacks, and a random_state only if it is a whole number."""
    return {
        name: value
        for name, value in params.items()
        if name not in ("callbacks", "random_state") or isinstance(value, (int, np.integer))
    }


def load(path):
    """The estimator that `save` wrote to `path`, or a `Checkpoint`, fitted.

    Raises ModelFileError, naming the file and what is wrong with it, and OSError where it cannot be read.
    """
    return load_with_training(path)[0]


def load_with_training(path):
    """(estimator, what a checkpoint keeps besides or None) of a file; errors as `load`."""
    arrays = unpack(path)
    try:
        return _rebuild(_header(arrays), arrays)
    except _NewerError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except Exception as error:  # whatever a header of someone's own making leads to
        raise ModelFileError(f"{path}: the header and the weights do not fit: {error!r:.2000}") from error


class _NewerError(Exception):
    """The format is not the one that is known here."""


def _header(arrays):
    """The JSON header, a dict with the known fields."""
    text = arrays.pop("header")
    if text.dtype != np.uint8 or text.ndim != 1 or text.size > HEADER_BYTES:
        raise ValueError(f"got a header of {text.size:,} {text.dtype}, expected at most {HEADER_BYTES:,} bytes")
    header = json.loads(text.tobytes(), parse_constant=_refuse)
    if header["format"] != FORMAT:
        raise _NewerError(f"got format {header['format']!r:.99}, expected {FORMAT}; a newer npae may read it")
    if set(header) != FIELDS:
        raise ValueError(f"got the fields {sorted(header)}, expected {sorted(FIELDS)}")
    return header


def _refuse(name):
    raise ValueError(f"got {name}, expected numbers")


def _rebuild(header, arrays):
    kind, n_features, theta = _class(header["class"]), header["n_features_in"], arrays.pop("theta")
    if kind is None:
        raise ValueError(f"got class {header['class']!r}, expected an estimator such as 'Autoencoder'")
    model = kind(**{name: _decode(value, arrays) for name, value in header["params"].items()})
    _check_depth(model.hidden_layer_sizes)
    model._check_arguments()
    _check_sizes(model, n_features, theta)
    model.n_features_in_ = n_features
    model._start(n_features, theta.dtype)
    model.network_.theta = theta
    if header["output"] is not None:
        model.set_output(transform=header["output"])
    if header["feature_names"] is not None:
        names = _decode(header["feature_names"], arrays)
        if names.shape != (n_features,) or names.dtype.kind != "U":
            raise ValueError(f"got {names.shape} feature names of {n_features}")
        model.feature_names_in_ = names.astype(object)
    model.history_ = _history(header["history"], arrays)
    training = _decode(header["training"], arrays)
    if arrays:
        raise ValueError(f"got arrays that nothing refers to: {sorted(arrays)}")
    return model, training


def _check_depth(sizes):
    if np.size(sizes) > DEEPEST:
        raise ValueError(f"got {np.size(sizes)} hidden layers, expected at most {DEEPEST}")


def _check_sizes(model, n_features, theta):
    """Raise ValueError unless an encoder of these widths has no more weights than there are: before any is made."""
    sizes = model.hidden_layer_sizes
    widths = [n_features, *([sizes] if np.isscalar(sizes) else sizes), model.n_components]
    if theta.ndim != 1 or theta.dtype not in (np.float32, np.float64):
        raise ValueError(f"got weights of shape {theta.shape} and dtype {theta.dtype}")
    if type(n_features) is not int or n_features < 1:
        raise ValueError(f"got {n_features!r} features")
    if sum(D * K + K for D, K in itertools.pairwise(widths)) > theta.size:
        raise ValueError(f"got {theta.size:,} weights, expected more for layers of the sizes {widths}")
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(theta.sum(dtype=np.float64))
    if not math.isfinite(total) and not np.isfinite(theta).all():
        raise ValueError("got weights that are not finite")


def _history(header, arrays):
    history = {str(name)[:200]: _decode(values, arrays) for name, values in header.items()}
    shapes = {values.shape for values in history.values()}
    if not {"loss", "seconds"} <= set(history) or len(shapes) > 1 or len(shapes.pop()) != 1:
        raise ValueError("got a history whose lists are not all there or not of one length")
    if any(values.dtype != np.float64 for values in history.values()):
        raise ValueError("got a history that is not of numbers")
    return {name: values.tolist() for name, values in history.items()}


def _class(name):
    """The estimator of this package by its name, or None."""
    found = getattr(npae, name) if name in npae.__all__ else None
    fits = isinstance(found, type) and issubclass(found, Estimator) and hasattr(found, "_build")
    return found if fits else None


def encode(value, name, arrays):
    """A value in JSON's types, with its arrays put into `arrays`; TypeError for what cannot be rebuilt."""
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
    if "dict" in value:
        return {key: _decode(each, arrays) for key, each in value["dict"].items()}
    if "array" in value:
        return arrays.pop(value["array"])
    kind = getattr(npae, value["object"]) if value["object"] in npae.__all__ else None
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise ValueError(f"got an object of class {value['object']!r}")
    return kind(**{name: _decode(each, arrays) for name, each in value["fields"].items()})
