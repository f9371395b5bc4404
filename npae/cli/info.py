"""`npae info`: what is in a model file."""

from npae.cli.arguments import add_json
from npae.cli.streams import show


def add_command(commands):
    """Add `info` to the subcommands."""
    parser = commands.add_parser(
        "info",
        help="what is in a model file",
        description="The estimator in a model file, its arguments, its sizes and how its training went. (Versions, "
        "BLAS and a self-test: npae doctor.)",
    )
    parser.add_argument("model", metavar="MODEL.npz", help="as `npae train`, `save` or a Checkpoint wrote it")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args):
    """Load the model, which checks all of it, and describe it."""
    import npae

    model = npae.load(args.model)
    theta, history = model.network_.theta, model.history_
    arrays = {name: list(array.shape) for name, array in model.network_.parameters.items()}
    last = {name: float(values[-1]) for name, values in history.items() if len(values)}
    values = {
        "model": args.model, "estimator": repr(model), "class": type(model).__name__,
        "n_features": int(model.n_features_in_), "n_weights": int(theta.size), "dtype": str(theta.dtype),
        "arrays": arrays, "epochs": model.n_iter_, "last": last,
    }  # fmt: skip
    lines = [
        repr(model),
        f"{model.n_features_in_:,} features, {theta.size:,} weights of {theta.dtype}: "
        + ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in arrays.items()),
        f"{model.n_iter_} epochs; at the end " + ", ".join(f"{name} {value:.6g}" for name, value in last.items()),
    ]
    show(args, values, "\n".join(lines))
    return 0
