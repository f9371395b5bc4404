"""The command line: `npae demo | train | transform | reconstruct | info | gradcheck | doctor`, also `python -m npae`.

Exit status: 0, done; 1, done and the answer is no (a gradient is wrong, a training diverged, a self-test failed); 2, it
could not be done (arguments, a file); 130, Ctrl-C. What went wrong is one line on standard error; with --json it is the
"error" of the one JSON object on standard output (of the last, where `gradcheck` writes one a check).
"""

import argparse
import sys

import npae
from npae.cli import apply, demo, doctor, gradcheck, info, train
from npae.cli.streams import mended, say_error, silence_output
from npae.threads import limit_threads


def main(argv=None):
    """Run one subcommand; returns the exit status."""
    limit_threads()  # before anything imports NumPy
    parser = _Parser(
        prog="npae",
        description="Autoencoders in plain NumPy: train them and use them, train the whole family, check gradients.",
        epilog="Matrix products use one thread, which is about as fast for networks of this size and many times faster "
        "where another process is busy. Set OPENBLAS_NUM_THREADS (or OMP_, MKL_NUM_THREADS) for another number.",
    )
    parser.add_argument("--version", action="version", version=f"npae {npae.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (demo, train, apply, info, gradcheck, doctor):
        module.add_command(commands)
    with mended():
        try:
            args = parser.parse_args(argv)
        except _UsageError as error:
            given = sys.argv[1:] if argv is None else argv
            say_error(error.prog, error, as_json="--json" in given)
            sys.exit(2)
        return _run(args)


class _UsageError(Exception):
    """The arguments do not fit; prog: the command whose they are."""

    prog = "npae"


class _Parser(argparse.ArgumentParser):
    """Leaves it to `main` to say what is wrong, on one line as all else."""

    def error(self, message):
        error = _UsageError(f"{message} (see {self.prog} --help)")
        error.prog = self.prog
        raise error


def _run(args):
    try:
        status = args.run(args)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        # the terminal has shown ^C in the same line, or a line of progress stands there
        say_error(f"\nnpae {args.command}", "interrupted", as_json=getattr(args, "json", False))
        return 130
    except BrokenPipeError:  # the reader of a pipe left, as `head` does
        silence_output()
        return 141
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        say_error(f"npae {args.command}", error, as_json=getattr(args, "json", False))
        return 2
    except RuntimeError as error:
        if type(error).__name__ != "DivergenceError":
            raise
        say_error(f"npae {args.command}", error.args[0], as_json=getattr(args, "json", False))  # no network is left
        return 1
