"""`npae info`: describe a model file."""

import npae
from npae.cli.streams import print_result


def run(args):
    """Load the model, which checks all of the file, and describe it."""
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
    print_result(args, values, "\n".join(lines))
    return 0
