"""The command line: `npae demo | train | transform | reconstruct | info | gradcheck | doctor`, also `python -m npae`.

Exit status: 0, done; 1, done and the answer is no (a gradient is wrong, a training diverged, a self-test failed); 2, it
could not be done (arguments, a file); 130, Ctrl-C. What went wrong is one line on standard error; with --json it is the
"error" of the one JSON object on standard output.
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
    parser = argparse.ArgumentParser(
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
        return _run(parser.parse_args(argv))


def _run(args):
    try:
        status = args.run(args)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe left, as `head` does
        silence_output()
        return 141
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        say_error(args, error)
        return 2
    except RuntimeError as error:
        if type(error).__name__ != "DivergenceError":
            raise
        say_error(args, error)
        return 1
