"""Models as files: one .npz with the weights and a JSON header; nothing in it is executed on loading.

The header names the estimator and the arguments it was fitted with; objects such as Contractive(0.1) are written as
their class name and fields and are rebuilt from this package's own classes only. Callbacks, Generators and the
optimizer's running state are not kept (a `npae.Checkpoint` keeps the last two). Before a network is made, its sizes are
held against the number of weights in the file. The container is `npae.storage.archive`.
"""

import itertools
import json
import math

import numpy as np

import npae
from npae.base import Estimator
from npae.storage.archive import ModelFileError, pack, unpack
from npae.storage.encoding import decode, encode
from npae.system.files import write_atomically

FORMAT = 2
HEADER_BYTES = 2**20
DEEPEST = 1000  # hidden layers
FIELDS = {"format", "class", "n_features_in", "params", "history", "feature_names", "output", "training"}


def save(model, path):
    """Write a fitted estimator to `path`, atomically: the function it computes, with the arguments it was fitted with.

    Raises TypeError for an argument, or a class, that cannot be rebuilt from a file; OSError as `write_atomically`.
    """
    write_atomically(path, contents(model))


def contents(model, theta=None, training=None):
    """The bytes of a model file, piece by piece; training: what a checkpoint keeps besides, as `encode` takes it."""
    if _class(type(model).__name__) is not type(model):
        raise TypeError(
            f"save: got a {type(model).__name__}, expected an estimator of this package: one of your own cannot be "
            "rebuilt from a file. Pickle it, or keep network_.theta and put it into a network that you build"
        )
    _check_depth(model._fitted_with["hidden_layer_sizes"])
    names, arrays = getattr(model, "feature_names_in_", None), _arrays(model.network_.theta if theta is None else theta)
    return _packed(arrays, {
        "class": type(model).__name__,
        "n_features_in": int(model.n_features_in_),
        "params": {name: encode(value, name, arrays) for name, value in kept(model._fitted_with).items()},
        "history": _encoded_history(model.history_, arrays),
        "feature_names": None if names is None else encode(np.array(list(names), str), "feature_names", arrays),
        "output": getattr(model, "_sklearn_output_config", {}).get("transform"),
        "training": None if training is None else encode(training, "training", arrays),
    })  # fmt: skip


def bare_contents(theta, history, training):
    """The same for weights alone: no model can be rebuilt, but the training of a network that is there can go on."""
    arrays = _arrays(theta)
    header = dict.fromkeys(FIELDS - {"format"})
    header |= {"history": _encoded_history(history, arrays), "training": encode(training, "training", arrays)}
    return _packed(arrays, header)


def _arrays(theta):
    return {"header": np.zeros(0, np.uint8), "theta": theta}  # the header comes first


def _encoded_history(history, arrays):
    return {name: encode(np.array(values, float), name, arrays) for name, values in history.items()}


def _packed(arrays, header):
    text = json.dumps({"format": FORMAT, **header}, allow_nan=False).encode()
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
    return _opened(path, _rebuild)


def load_training(path):
    """What a `Checkpoint` has kept besides the model, with its 'theta' and 'history'; errors as `load`."""
    return _opened(path, _training)


def _opened(path, read):
    arrays = unpack(path)
    try:
        header = _header(arrays)
        theta, history = arrays.pop("theta"), _history(header["history"], arrays)
        return read(header, theta, history, arrays)
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


def _training(header, theta, history, arrays):
    training = decode(header["training"], arrays)
    if training is None:
        raise ValueError("got a model, expected a checkpoint")
    return training | {"theta": theta, "history": history}


def _rebuild(header, theta, history, arrays):
    kind, n_features = _class(header["class"]), header["n_features_in"]
    if kind is None:
        raise ValueError(f"got class {header['class']!r}, expected an estimator such as 'Autoencoder'")
    params = {name: decode(value, arrays) for name, value in header["params"].items()}
    if params.keys() != kept(params).keys():  # a Checkpoint, say, would write where the file's maker wants
        raise ValueError(
            f"got the arguments {sorted(params)}, expected no callbacks, and a random_state that is an int"
        )
    model = kind(**params)
    _check_depth(model.hidden_layer_sizes)
    model._check_arguments()
    _check_sizes(model, n_features, theta)
    model.n_features_in_ = n_features
    model._start(n_features, theta.dtype)
    model.network_.theta = theta
    if header["output"] is not None:
        model.set_output(transform=header["output"])
    if header["feature_names"] is not None:
        names = decode(header["feature_names"], arrays)
        if names.shape != (n_features,) or names.dtype.kind != "U":
            raise ValueError(f"got {names.shape} feature names of {n_features}")
        model.feature_names_in_ = names.astype(object)
    model.history_ = history
    decode(header["training"], arrays)
    if arrays:
        raise ValueError(f"got arrays that nothing refers to: {sorted(arrays)}")
    return model


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
    history = {str(name)[:200]: decode(values, arrays) for name, values in header.items()}
    shapes = {values.shape for values in history.values()}
    if not {"loss", "seconds"} <= set(history) or len(shapes) > 1 or len(shapes.pop()) != 1:
        raise ValueError("got a history whose lists are not all there or not of one length")
    if any(values.dtype != np.float64 for values in history.values()):
        raise ValueError("got a history that is not of numbers")
    return {name: values.tolist() for name, values in history.items()}


def _class(name):
    """The estimator of this package by its name, or None."""
    found = getattr(npae, name) if isinstance(name, str) and name in npae.__all__ else None
    fits = isinstance(found, type) and issubclass(found, Estimator) and hasattr(found, "_build")
    return found if fits else None
