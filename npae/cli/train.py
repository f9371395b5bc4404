"""`npae train`: an autoencoder on data of yours, written to a model file."""

import os

from npae.cli import data
from npae.cli.arguments import add_json, check_out, part, sizes, whole_number
from npae.cli.streams import output_to_error, show
from npae.system.interrupts import raise_interrupts

PENALTIES = {"decay": "WeightDecay", "l1": "L1Sparsity", "kl": "KLSparsity", "contractive": "Contractive"}
CORRUPTIONS = {"gaussian": "GaussianNoise", "masking": "MaskingNoise", "salt": "SaltAndPepper"}
OPTIMIZERS = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSProp"}


def add_command(commands):
    """Add `train` to the subcommands."""
    parser = commands.add_parser(
        "train",
        help="train an autoencoder on your data",
        description="Train an autoencoder and write it to a model file, for `npae transform`, `npae reconstruct`, "
        "`npae info` and npae.load.",
    )
    data.add_arguments(parser)
    add = parser.add_argument
    add("--out", required=True, metavar="MODEL.npz", help="the model file, written when the training is done")
    add("--components", type=whole_number(1), default=32, metavar="K", help="units of the code (%(default)s)")
    add("--hidden", type=sizes(","), default=(), metavar="256,64", help="units of the encoder's hidden layers")
    add("--activation", default="sigmoid", metavar="NAME", help="sigmoid, tanh, relu, softplus or identity")
    add("--loss", metavar="NAME", help="squared_error, bernoulli, continuous_bernoulli, laplace or gaussian")
    add("--penalty", type=part(PENALTIES), action="append", default=[], metavar="NAME=LAM",
        help="decay, l1, contractive or kl (kl=BETA,RHO); may be given several times")  # fmt: skip
    add("--corruption", type=part(CORRUPTIONS), metavar="NAME=X", help="gaussian=SIGMA, masking=P or salt=P")
    add("--tied", action="store_true", help="the decoder has the encoder's weights, transposed")
    add("--variational", action="store_true", help="a variational autoencoder instead")
    add("--optimizer", type=part(OPTIMIZERS), metavar="NAME=LR", help="adam, sgd or rmsprop with its learning rate")
    add("--batch-size", type=whole_number(1), default=128, metavar="B", help="samples in a minibatch (%(default)s)")
    add("--epochs", type=whole_number(1), default=100, metavar="E", help="at most (%(default)s)")
    add("--early-stopping", action="store_true", help="hold a tenth of the samples out and keep the best weights")
    add("--seed", type=whole_number(0), default=0, metavar="S", help="the same gives the same model (%(default)s)")
    add("--checkpoint", metavar="FILE", help="keep the training there; the same command goes on from it if killed")
    add("--quiet", action="store_true", help="no progress on standard error")
    add_json(parser)
    parser.set_defaults(run=run)


@raise_interrupts()
def run(args):
    """Read the data, train, write the model, say what it reached."""
    check_out(args.out, data=args.data, checkpoint=args.checkpoint)
    out = os.path.abspath(args.out)
    rows = data.read(args)
    model = _estimator(args)
    with output_to_error():
        model.fit(rows.X)
    model.save(out)
    score, loss = float(model.score(rows.X)), float(model.loss_curve_[-1])
    name = type(model).__name__
    values = {
        "model": out, "class": name, "n_samples": int(rows.X.shape[0]), "n_features": int(rows.X.shape[1]),
        "n_components": args.components, "epochs": model.n_iter_, "loss": loss, "score": score,
        "seconds": float(model.history_["seconds"][-1]), "data": rows.about,
    }  # fmt: skip
    text = (
        f"{name} with {args.components} components on {values['n_samples']:,} samples of {values['n_features']:,} "
        f"({rows.about}): {model.n_iter_} epochs, loss {loss:.6g}, score {score:.6g} nats a sample\nmodel: {out}"
    )
    show(args, values, text)
    return 0


def _estimator(args):
    import npae

    if args.variational and args.tied:
        raise ValueError("got --variational with --tied, expected one of them")
    tied = {} if args.variational else {"tied": args.tied}
    kind = npae.VariationalAutoencoder if args.variational else npae.Autoencoder
    callbacks = [npae.Checkpoint(args.checkpoint, seconds=60.0, epochs=100)] if args.checkpoint else None
    return kind(
        args.components,
        hidden_layer_sizes=args.hidden,
        activation=args.activation,
        loss=args.loss or ("bernoulli" if args.variational else "squared_error"),
        penalties=args.penalty,
        corruption=args.corruption,
        optimizer=args.optimizer,
        batch_size=args.batch_size,
        max_iter=args.epochs,
        early_stopping=args.early_stopping,
        callbacks=callbacks,
        random_state=args.seed,
        verbose=0 if args.quiet or args.json else 1,
        **tied,
    )
