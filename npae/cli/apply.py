"""`npae transform` and `npae reconstruct`: apply a trained model to your data."""

import io
import os
from typing import Any

import numpy as np

import npae
from npae.cli import data
from npae.cli.arguments import check_out
from npae.cli.streams import print_result
from npae.system.files import write_atomically

SUFFIXES = (".npy", ".npz", ".csv")


def run(args):
    """Write the codes, or the reconstructions, whose error is 1/2 ||x^ - x||^2, mean over samples."""
    check_out(args.out, data=args.data, model=args.model)
    out, suffix = os.path.abspath(args.out), os.path.splitext(args.out)[1].lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"got --out {args.out!r}, expected a name that ends in {', '.join(SUFFIXES)}")
    array: Any
    model, (X, about) = npae.load(args.model), data.read(args)
    if args.command == "transform":
        name, array, measures = "codes", np.asarray(model.transform(X)), {}
        text = f"codes of {about}: {array.shape[0]:,} x {array.shape[1]:,}"
    else:
        name, array = "reconstructions", model.reconstruct(X)
        error = 0.5 * float(np.square(array - X, dtype=np.float64).sum(axis=1).mean())
        measures = {"error": error, "score": float(model.score(X))}
        text = f"reconstructions of {about}: error {error:.6g}, score {measures['score']:.6g} nats per sample"

    buffer = io.BytesIO()
    if suffix == ".csv":
        np.savetxt(buffer, array, delimiter=",", fmt="%.17g" if array.dtype == np.float64 else "%.9g")
    elif suffix == ".npz":
        np.savez(buffer, **{name: array})
    else:
        np.save(buffer, array)
    write_atomically(out, buffer.getbuffer())
    values = {"out": out, "shape": list(array.shape), "dtype": str(array.dtype)} | measures
    print_result(args, values, f"{text}\nwritten: {out}")
    return 0
