"""`npae gradcheck`: the whole catalogue under the fuzzer, or a function of the user's own."""

import importlib.util
import inspect
import json
import os
import sys
import traceback

from npae.cli.arguments import whole_number


def add_command(commands):
    """Add `gradcheck` to the subcommands."""
    parser = commands.add_parser(
        "gradcheck",
        help="check gradients: the package's own by fuzzing, or those of a function of yours",
        description="Check the gradients of randomly drawn networks over the whole catalogue by the complex step, or "
        "those of your own function, given as path/to/file.py:function.",
    )
    parser.add_argument(
        "function",
        nargs="?",
        metavar="path/to/file.py:function",
        help="check your own f(x) -> (value, gradient) at the file's <function>_x or x; without it, fuzz the catalogue",
    )
    parser.add_argument(
        "--models", type=whole_number(1), default=1000, metavar="N", help="random networks (%(default)s)"
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="S", help="which networks (%(default)s)")
    parser.add_argument("--jobs", type=whole_number(1), default=2, metavar="J", help="processes (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.set_defaults(run=run)


def run(args):
    """Exit status 0 if all agrees, 1 if not, 2 if there was nothing that could be checked."""
    if args.function is None:
        from npae.fuzz import fuzz

        report = fuzz(args.models, args.seed, jobs=args.jobs)
    else:
        from npae.gradcheck import check_gradient

        try:
            report = check_gradient(*load_function(args.function))
        except Exception as error:  # the user's file may raise anything
            if not isinstance(error, (ValueError, TypeError)) and not args.json:
                traceback.print_exc()
            if args.json:
                print(json.dumps({"ok": False, "error": str(error)}))
            else:
                print(f"npae gradcheck: {error}", file=sys.stderr)
            return 2
    print(json.dumps(report.to_dict(), allow_nan=False) if args.json else report)
    return 0 if report.ok else 1


def load_function(spec):
    """(f, x) from 'path/to/file.py:function'.

    The function is f(x) -> (value, gradient), and the file says where to check it: a variable `<function>_x`, or else
    `x`, an array, a dict or a list of arrays. A function without arguments returns the pair (f, x) instead.
    Raises ValueError with what to write where one of these is missing.
    """
    path, colon, name = spec.rpartition(":")
    if not colon or not path or not name.isidentifier():
        raise ValueError(f"got {spec!r}, expected path/to/file.py:function")
    if not os.path.isfile(path):
        raise ValueError(f"got {path!r}, expected a file that exists")
    module_spec = importlib.util.spec_from_file_location("npae_gradcheck_target", path)
    if module_spec is None or module_spec.loader is None:
        raise ValueError(f"got {path!r}, expected a Python file")
    module = importlib.util.module_from_spec(module_spec)
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.insert(0, folder)  # as for a script, so that the file finds its neighbours
    try:
        module_spec.loader.exec_module(module)
        f = getattr(module, name, None)
        if not callable(f):
            raise ValueError(f"got {name!r}, expected a function of {path}; it has {_functions(module)}")
        required = [
            p for p in inspect.signature(f).parameters.values() if p.default is p.empty and p.kind < p.KEYWORD_ONLY
        ]
        if not [p for p in required if p.kind is not p.VAR_POSITIONAL]:
            pair = f()
            if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[0]):
                raise ValueError(f"got {pair!r} from {name}(), expected a pair (f, x) with f(x) -> (value, gradient)")
            return pair
        for point in (f"{name}_x", "x"):
            if hasattr(module, point):
                return f, getattr(module, point)
    finally:
        sys.path.remove(folder)
    raise ValueError(
        f"got {name} without a place to check it at, expected {name}_x = ... (or x = ...) in {path}: an array, a dict "
        "or a list of arrays; unit-scale random numbers are good"
    )


def _functions(module):
    names = [name for name, thing in vars(module).items() if inspect.isroutine(thing) and not name.startswith("_")]
    return ", ".join(names) or "none"
