"""The command line: `npae demo | train | transform | reconstruct | info | gradcheck | doctor`, also `python -m npae`.

Exit status: 0, done; 1, done and the answer is no (a gradient is wrong, a training diverged, a self-test failed); 2, it
could not be done (arguments, a file); 130, Ctrl-C. An error is one line on standard error; with --json it is the
"error" of the one JSON object on standard output (of the last object, if `gradcheck` writes one per check).
"""

import importlib
import sys

import npae
from npae.cli.arguments import UsageError, build_parser
from npae.cli.streams import print_error, safe_stdio, silence
from npae.threads import limit_threads

MODULES = {"transform": "apply", "reconstruct": "apply"}  # the other commands have a module of their own name


def main(argv=None):
    """Run one subcommand and return its exit status."""
    limit_threads()  # before anything imports NumPy
    argv = sys.argv[1:] if argv is None else argv
    with safe_stdio():
        try:
            args = build_parser().parse_args(argv)
        except UsageError as error:
            command, message = error.args
            print_error(command, message, "--json" in argv)
            sys.exit(2)
        return _run(args)


def _run(args):
    command = f"npae {args.command}"
    try:
        module = importlib.import_module(f"npae.cli.{MODULES.get(args.command, args.command)}")
        status = module.run(args)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:  # a new line, because the terminal shows ^C or a line of progress in the present one
        print_error(f"\n{command}", "interrupted", args.json)
        return 130
    except BrokenPipeError:  # the reader of a pipe left, as `head` does
        silence(sys.stdout)
        return 141
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        print_error(command, error, args.json)
        return 2
    except npae.DivergenceError as error:
        print_error(command, error.args[0], args.json)  # str(error) also speaks of the weights, which no file keeps
        return 1
