"""The arguments of every command, for argparse."""

import argparse
import os

import npae
from npae.system.files import check_writable

PENALTIES = {"decay": "WeightDecay", "l1": "L1Sparsity", "kl": "KLSparsity", "contractive": "Contractive"}
CORRUPTIONS = {"gaussian": "GaussianNoise", "masking": "MaskingNoise", "salt": "SaltAndPepper"}
OPTIMIZERS = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSProp"}
SPEC = "path/to/file.py:name"


class UsageError(Exception):
    """Bad command-line arguments; args: the command, the message."""


class _Parser(argparse.ArgumentParser):
    """Raise UsageError, so that `main` prints usage errors like all others."""

    def error(self, message):
        raise UsageError(self.prog, f"{message} (see {self.prog} --help)")


def build_parser():
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog="npae",
        description="Autoencoders in plain NumPy: train them and use them, train the whole family, check gradients.",
        epilog="Matrix products use one thread, which is about as fast for networks of this size and many times faster "
        "if another process is busy. Set OPENBLAS_NUM_THREADS (or OMP_, MKL_NUM_THREADS) for another number.",
    )
    parser.add_argument("--version", action="version", version=f"npae {npae.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, summary, description=None, **options):
        new = commands.add_parser(name, help=summary, description=description or f"{summary.capitalize()}.", **options)
        new.add_argument("--json", action="store_true", help="print one JSON object (gradcheck: one per check)")
        return new.add_argument

    add = command("demo", "train the whole family on handwritten digits and write the report page",
        "Train PCA, undercomplete, overcomplete, sparse, denoising and contractive autoencoders on bundled images, "
        "print one table, and write one self-contained HTML page that walks through the note. The command prints how "
        "long it will take before it starts.")  # fmt: skip
    add("--data", choices=("digits", "mnist"), default="digits", help="8x8 digits, or 5,000 MNIST images")
    add("--quick", action="store_true", help="fewer epochs: a look in seconds")
    add("--seed", type=whole_number(0), default=0, metavar="S", help="the same seed gives the same numbers")
    add("--out", default="npae-report.html", metavar="FILE", help="the page (default: %(default)s)")
    add("--jobs", type=whole_number(1), metavar="J", help="processes that train and draw (default: 3; quick, 2)")

    add = command("train", "train an autoencoder on your data",
        "Train an autoencoder and write it to a model file, for `npae transform`, `npae reconstruct`, `npae info` and "
        "npae.load.")  # fmt: skip
    _add_data(add)
    add("--out", required=True, metavar="MODEL.npz", help="the model file, written when the training is done")
    add("--components", type=whole_number(1), default=32, metavar="K", help="units of the code (%(default)s)")
    add("--hidden", type=sizes("256,64"), default=(), metavar="256,64", help="units of the encoder's hidden layers")
    add("--activation", default="sigmoid", metavar="NAME", help="sigmoid, tanh, relu, softplus or identity")
    add("--loss", metavar="NAME", help="squared_error, bernoulli, continuous_bernoulli, laplace or gaussian")
    add("--penalty", type=part(PENALTIES), action="append", default=[], metavar="NAME=LAM",
        help="decay, l1, contractive or kl (kl=BETA,RHO); may be given several times")  # fmt: skip
    add("--corruption", type=part(CORRUPTIONS), metavar="NAME=X", help="gaussian=SIGMA, masking=P or salt=P")
    add("--tied", action="store_true", help="the decoder has the encoder's weights, transposed")
    add("--variational", action="store_true", help="train a variational autoencoder")
    add("--optimizer", type=part(OPTIMIZERS), metavar="NAME=LR", help="adam, sgd or rmsprop with its learning rate")
    add("--batch-size", type=whole_number(1), default=128, metavar="B", help="samples in a minibatch (%(default)s)")
    add("--epochs", type=whole_number(1), default=100, metavar="E", help="at most (%(default)s)")
    add("--early-stopping", action="store_true", help="hold a tenth of the samples out and keep the best weights")
    add("--seed", type=whole_number(0), default=0, metavar="S", help="the same seed gives the same model (%(default)s)")
    add("--checkpoint", metavar="FILE", help="save the training there; if it is killed, the same command resumes it")
    add("--quiet", action="store_true", help="no progress on standard error")

    for name, summary in (
        ("transform", "write the codes of your data by a trained model"),
        ("reconstruct", "write the reconstructions of your data by a trained model, and print their error"),
    ):
        add = command(name, summary)
        add("model", metavar="MODEL.npz", help="a file that `npae train` or `save` wrote")
        _add_data(add)
        add("--out", required=True, metavar="FILE", help="FILE.npy, FILE.npz or FILE.csv")

    add = command("info", "describe a model file",
        "Print the estimator in a model file, its arguments, its sizes and how its training went. (Versions, BLAS and "
        "a self-test: npae doctor.)")  # fmt: skip
    add("model", metavar="MODEL.npz", help="a file that `npae train`, `save` or a Checkpoint wrote")

    add = command("gradcheck", "check gradients: of random networks of this package, or of your functions and layers",
        epilog="name: a function f(x) -> (value, gradient), checked at the file's <name>_x or x; a function of several "
        "arguments, f(W, b), checked at the file's W and b; a function without arguments that returns (f, x); a "
        "method, model.loss or Model.loss; a layer with forward and backward; or its class, Layer(4, 3).")  # fmt: skip
    add("specs", nargs="*", metavar=SPEC, help="your code; without this, random networks are checked")
    add("--x", type=sizes("5x4"), metavar="5x4", help="check a layer (or f) at normal random numbers")
    add("--method", choices=("auto", "complex", "richardson", "central"), default="auto")
    add("--models", type=whole_number(1), default=1000, metavar="N", help="how many networks (%(default)s)")
    add("--seed", type=whole_number(0), default=0, metavar="S", help="which networks (%(default)s)")
    add("--jobs", type=whole_number(1), default=2, metavar="J", help="processes (%(default)s)")

    command("doctor", "versions, BLAS, and a self-test: what a report of a bug should contain",
        "Print versions, BLAS and its threads, and run a short self-test: exit status 1 if it fails.")  # fmt: skip
    return parser


def _add_data(add):
    add("--data", required=True, metavar="DATA",
        help="digits, mnist (5,000 images), FILE.npy, FILE.npz, FILE.csv, or a FOLDER of images; samples are rows, "
        "images are flattened, bytes are divided by 255, and a table's first column is left out if it has no name",
    )  # fmt: skip
    add("--array", metavar="NAME", help="which array of an .npz file")
    add("--size", type=sizes("28x28", 2), metavar="28x28", help="resize all images to these rows x columns")


def whole_number(low):
    """Return a function from text to a whole number >= low."""

    def convert(text):
        if not text.isdecimal() or int(text) < low:
            raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number >= {low}")
        return int(text)

    return convert


def sizes(example, count=None):
    """Return a function from text such as `example`, '256,64' or '28x28', to a tuple of whole numbers >= 1."""
    separator = "," if "," in example else "x"

    def convert(text):
        parts = text.split(separator)
        if count not in (None, len(parts)) or not all(part.isdecimal() and int(part) for part in parts):
            raise argparse.ArgumentTypeError(f"got {text!r}, expected whole numbers such as {example}")
        return tuple(map(int, parts))

    return convert


def part(kinds):
    """Return a function from text such as 'kl=0.5,0.1' to a part; `kinds` maps names to the names of npae's classes."""

    def convert(text):
        name, _, values = text.partition("=")
        try:
            if name not in kinds:
                raise ValueError(f"got {name!r}, expected one of {', '.join(kinds)}")
            return getattr(npae, kinds[name])(*map(float, values.split(",") if values else ()))
        except (ValueError, TypeError) as error:
            raise argparse.ArgumentTypeError(f"got {text!r}: {error}") from error

    return convert


def check_out(path, **inputs):
    """Raise ValueError if a result cannot be written to `path`, or would replace one of the input files.

    inputs: name -> path or None. Nothing has been computed yet when this is called.
    """
    try:
        check_writable(path)
    except OSError as error:
        raise ValueError(f"got --out {os.fsdecode(path)!r}: {error.strerror}") from error
    for name, other in inputs.items():
        if other is not None and _same_file(path, other):
            raise ValueError(f"got the file {path!r} both as {name} and as --out, which would replace it")


def _same_file(path, other):
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other) and os.path.isfile(path)
    return os.path.realpath(path) == os.path.realpath(other)
