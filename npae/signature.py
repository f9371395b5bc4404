"""What tells one training from another: its data, its arguments and its parts, in plain types."""

import hashlib

import numpy as np

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
    """A description in JSON's types that is equal for equal values: of arrays a digest, of anyone's own its class."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return digest(value)
    fields = getattr(type(value), "__dataclass_fields__", None)
    name = f"{type(value).__module__}.{getattr(value, '__qualname__', type(value).__qualname__)}"
    return [name, *([key, plain(getattr(value, key))] for key in fields or ())]
