"""`npae train`: train an autoencoder on your data and write a model file."""

import contextlib
import os
import sys

import npae
from npae.cli import data
from npae.cli.arguments import check_out
from npae.cli.streams import print_result
from npae.system.interrupts import raise_interrupts


@raise_interrupts()
def run(args):
    """Read the data, train, write the model, print what it reached."""
    check_out(args.out, data=args.data, checkpoint=args.checkpoint)
    out = os.path.abspath(args.out)
    X, about = data.read(args)
    model = _estimator(args)
    with contextlib.redirect_stdout(sys.stderr):  # the progress; standard output has the result alone
        model.fit(X)
    model.save(out)
    name, score, loss = type(model).__name__, float(model.score(X)), float(model.loss_curve_[-1])
    values = {
        "model": out, "class": name, "n_samples": int(X.shape[0]), "n_features": int(X.shape[1]),
        "n_components": args.components, "epochs": model.n_iter_, "loss": loss, "score": score,
        "seconds": float(model.history_["seconds"][-1]), "data": about,
    }  # fmt: skip
    text = (
        f"{name} with {args.components} components on {X.shape[0]:,} samples of {X.shape[1]:,} ({about}): "
        f"{model.n_iter_} epochs, loss {loss:.6g}, score {score:.6g} nats per sample\nmodel: {out}"
    )
    print_result(args, values, text)
    return 0


def _estimator(args):
    if args.variational and args.tied:
        raise ValueError("got --variational with --tied, expected one of them")
    kind, tied = (npae.VariationalAutoencoder, {}) if args.variational else (npae.Autoencoder, {"tied": args.tied})
    return kind(
        args.components, hidden_layer_sizes=args.hidden, activation=args.activation,
        loss=args.loss or ("bernoulli" if args.variational else "squared_error"), penalties=args.penalty,
        corruption=args.corruption, optimizer=args.optimizer, batch_size=args.batch_size, max_iter=args.epochs,
        early_stopping=args.early_stopping,
        callbacks=[npae.Checkpoint(args.checkpoint, seconds=60.0, epochs=100)] if args.checkpoint else None,
        random_state=args.seed, verbose=0 if args.quiet or args.json else 1, **tied,
    )  # fmt: skip
