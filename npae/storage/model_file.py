"""Models as files: one .npz with the weights and a JSON header; nothing in the file is executed on loading.

The header names the estimator and the arguments it was fitted with. Objects such as Contractive(0.1) are written as
their class name and fields, and only classes of this package are rebuilt. The file does not hold callbacks, Generators
and the optimizer's running state (a `npae.Checkpoint` holds the last two). Before a network is built, its sizes are
compared with the number of weights in the file. The container is `npae.storage.archive`.
"""

import itertools
import json
import math

import numpy as np

import npae
from npae.storage.archive import ModelFileError, pack, unpack
from npae.storage.encoding import decode, encode
from npae.system.files import write_atomically

FORMAT = 2
HEADER_BYTES = 2**20
MAX_DEPTH = 1000  # hidden layers
FIELDS = ("class", "n_features_in", "params", "history", "feature_names", "output", "training")


def save(model, path):
    """Write a fitted estimator to `path`, atomically: its weights and the arguments it was fitted with.

    Raises TypeError if its class or an argument cannot be rebuilt from a file; OSError as `write_atomically`.
    """
    write_atomically(path, model_bytes(model, model.network_.theta))


def model_bytes(model, theta, training=None):
    """Return the bytes of a model file; training: the further state that a checkpoint saves, as `encode` takes it."""
    if _estimator_class(type(model).__name__) is not type(model):
        instead = "pickle a user-defined one, or assign its network_.theta to a network that you build"
        raise TypeError(f"save: got a {type(model).__name__}, expected an estimator of this package; {instead}")
    _check_depth(model._fitted_with["hidden_layer_sizes"])
    names, arrays = getattr(model, "feature_names_in_", None), _arrays(theta)
    return _pack(arrays, {
        "class": type(model).__name__,
        "n_features_in": int(model.n_features_in_),
        "params": {name: encode(value, name, arrays) for name, value in saved_params(model._fitted_with).items()},
        "history": _encode_history(model.history_, arrays),
        "feature_names": None if names is None else encode(np.array(list(names), str), "feature_names", arrays),
        "output": getattr(model, "_sklearn_output_config", {}).get("transform"),
        "training": encode(training, "training", arrays),
    })  # fmt: skip


def training_bytes(theta, history, training):
    """Return the bytes of a checkpoint without a model: only the training of an existing network can resume."""
    arrays = _arrays(theta)
    header = {"history": _encode_history(history, arrays), "training": encode(training, "training", arrays)}
    return _pack(arrays, dict.fromkeys(FIELDS) | header)


def _arrays(theta):
    return {"header": np.zeros(0, np.uint8), "theta": theta}  # the header is the first member


def _encode_history(history, arrays):
    return {name: encode(np.array(values, float), name, arrays) for name, values in history.items()}


def _pack(arrays, header):
    text = json.dumps({"format": FORMAT, **header}, allow_nan=False).encode()
    if len(text) > HEADER_BYTES:
        raise ValueError(f"save: got arguments of {len(text):,} characters, expected at most {HEADER_BYTES:,}")
    arrays["header"] = np.frombuffer(text, np.uint8)
    return pack(arrays)


def saved_params(params):
    """Return the arguments that a file holds: all except callbacks, and a random_state only if it is an integer."""
    dropped = ["callbacks"]
    if not isinstance(params.get("random_state"), (int, np.integer)):
        dropped.append("random_state")
    return {name: value for name, value in params.items() if name not in dropped}


def load(path):
    """Return the fitted estimator from a file that `save` or a `Checkpoint` wrote.

    Raises ModelFileError, with the path and the reason, if the file is damaged or not a model; OSError if it cannot be
    opened.
    """
    return _read_with(_rebuild, path)


def load_training(path):
    """Return the state of a training from the file of a `Checkpoint`, a dict; errors as `load`."""
    return _read_with(_training, path)


def _read_with(read, path):
    arrays = unpack(path)
    try:
        header = _header(arrays)
        theta, history = arrays.pop("theta"), _history(header["history"], arrays)
        return read(header, theta, history, arrays)
    except _NewerError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except Exception as error:  # a crafted header can raise anything
        raise ModelFileError(f"{path}: the header and the weights do not match: {error!r:.2000}") from error


class _NewerError(Exception):
    """The format of the file is not the one that this version reads."""


def _header(arrays):
    """Return the JSON header, a dict that has the FIELDS."""
    text = arrays.pop("header")
    if text.dtype != np.uint8 or text.ndim != 1 or text.size > HEADER_BYTES:
        raise ValueError(f"got a header of {text.size:,} {text.dtype}, expected at most {HEADER_BYTES:,} bytes")
    header = json.loads(text.tobytes(), parse_constant=_refuse)
    if header["format"] != FORMAT:
        raise _NewerError(f"got format {header['format']!r:.99}, expected {FORMAT}; a newer npae may read it")
    if header.keys() - {"format"} != set(FIELDS):
        raise ValueError(f"got the fields {sorted(header)}, expected {sorted(FIELDS)} and format")
    return header


def _refuse(name):
    raise ValueError(f"got {name}, expected numbers")


def _training(header, theta, history, arrays):
    training = decode(header["training"], arrays)
    if training is None:
        raise ValueError("got a model, expected a checkpoint")
    return training | {"theta": theta, "history": history}


def _rebuild(header, theta, history, arrays):
    kind, n_features = _estimator_class(header["class"]), header["n_features_in"]
    if kind is None:
        raise ValueError(f"got class {header['class']!r}, expected an estimator such as 'Autoencoder'")
    params = {name: decode(value, arrays) for name, value in header["params"].items()}
    if params.keys() != saved_params(params).keys():  # a Checkpoint would write where the file's author wants
        expected = "expected no callbacks, and a random_state that is an int"
        raise ValueError(f"got the arguments {sorted(params)}, {expected}")
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
        raise ValueError(f"got arrays without a use: {sorted(arrays)}")
    return model


def _check_depth(sizes):
    if np.size(sizes) > MAX_DEPTH:
        raise ValueError(f"got {np.size(sizes)} hidden layers, expected at most {MAX_DEPTH}")


def _check_sizes(model, n_features, theta):
    """Raise ValueError if an encoder of these widths needs more weights than theta has, before it is built."""
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
        raise ValueError("got a history with missing lists or lists of different lengths")
    if any(values.dtype != np.float64 for values in history.values()):
        raise ValueError("got a history that does not hold numbers")
    return {name: values.tolist() for name, values in history.items()}


def _estimator_class(name):
    """Return the class of this package's estimator with that name, or None."""
    found = getattr(npae, name) if isinstance(name, str) and name in npae.__all__ else None
    return found if isinstance(found, type) and hasattr(found, "_build") else None
