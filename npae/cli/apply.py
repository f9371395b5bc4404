"""`npae transform` and `npae reconstruct`: a trained model on data of yours."""

import io
import os

from npae.cli import data
from npae.cli.arguments import add_json, check_out
from npae.cli.streams import show
from npae.system.files import write_atomically

SUFFIXES = (".npy", ".npz", ".csv")


def add_command(commands):
    """Add `transform` and `reconstruct` to the subcommands."""
    for name, what, run in (
        ("transform", "write the codes of your data by a trained model", transform),
        ("reconstruct", "write the reconstructions of your data by a trained model, and say their error", reconstruct),
    ):
        parser = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        parser.add_argument("model", metavar="MODEL.npz", help="as `npae train` or `save` wrote it")
        data.add_arguments(parser)
        parser.add_argument("--out", required=True, metavar="FILE", help="FILE.npy, FILE.npz or FILE.csv")
        add_json(parser)
        parser.set_defaults(run=run)


def transform(args):
    """Write the codes."""
    import numpy as np

    model, rows = _opened(args)
    h = np.asarray(model.transform(rows.X))
    values = _write(args, h, "codes")
    show(args, values, f"codes of {rows.about}: {h.shape[0]:,} x {h.shape[1]:,}\nwritten: {values['out']}")
    return 0


def reconstruct(args):
    """Write the reconstructions; their error is 1/2 ||x^ - x||^2, mean over samples."""
    import numpy as np

    model, rows = _opened(args)
    reconstruction = model.reconstruct(rows.X)
    error = 0.5 * float(np.square(reconstruction - rows.X, dtype=np.float64).sum(axis=1).mean())
    score = float(model.score(rows.X))
    values = _write(args, reconstruction, "reconstructions") | {"error": error, "score": score}
    show(
        args,
        values,
        f"reconstructions of {rows.about}: error {error:.6g}, score {score:.6g} nats a sample\n"
        f"written: {values['out']}",
    )
    return 0


def _opened(args):
    """(model, Data), when it is known that the result can be written."""
    check_out(args.out, data=args.data, model=args.model)
    if os.path.splitext(args.out)[1].lower() not in SUFFIXES:
        raise ValueError(f"got --out {args.out!r}, expected a name that ends in {', '.join(SUFFIXES)}")
    import npae

    return npae.load(args.model), data.read(args)


def _write(args, array, name):
    import numpy as np

    buffer, kind = io.BytesIO(), os.path.splitext(args.out)[1].lower()
    if kind == ".csv":
        np.savetxt(buffer, array, delimiter=",", fmt="%.17g" if array.dtype == np.float64 else "%.9g")
    elif kind == ".npz":
        np.savez(buffer, **{name: array})
    else:
        np.save(buffer, array)
    out = os.path.abspath(args.out)
    write_atomically(out, buffer.getbuffer())
    return {"out": out, "shape": list(array.shape), "dtype": str(array.dtype)}
