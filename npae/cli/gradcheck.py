"""`npae gradcheck`: the whole catalogue under the fuzzer, or functions, methods and layers of the user's own."""

import argparse
import ast
import contextlib
import importlib.util
import inspect
import json
import os
import re
import sys
import traceback
from typing import Any

from npae.cli.arguments import whole_number

SPEC = "path/to/file.py:name"
TARGET = "npae_gradcheck_target"  # the name of the user's module


def add_command(commands):
    """Add `gradcheck` to the subcommands."""
    parser = commands.add_parser(
        "gradcheck",
        help="check gradients: the package's own by fuzzing, or those of functions and layers of yours",
        description="Check the gradients of random networks over the whole catalogue, or those of your own code.",
        epilog="name: a function f(x) -> (value, gradient), checked at the file's <name>_x or x; a function of several "
        "arguments, f(W, b), checked at the file's W and b; a function without arguments that returns (f, x); a "
        "method, model.loss or Model.loss; a layer with forward and backward, or its class, 'MyLayer(4, 3)'.",
    )
    parser.add_argument("specs", nargs="*", metavar=SPEC, help="your own code; without any, the catalogue is fuzzed")
    parser.add_argument("--x", type=_shape, metavar="5x4", help="check a layer (or f) at normal random numbers")
    parser.add_argument("--method", choices=("auto", "complex", "richardson", "central"), default="auto")
    parser.add_argument("--models", type=whole_number(1), default=1000, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="S", help="which networks (%(default)s)")
    parser.add_argument("--jobs", type=whole_number(1), default=2, metavar="J", help="processes (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object a check on standard output")
    parser.set_defaults(run=run)


def run(args):
    """Exit status 0 if all agrees, 1 if not, 2 if there was something that could not be checked."""
    if args.specs:
        return max(_check(spec, args) for spec in args.specs)
    from npae.cli.fuzz import fuzz

    report = fuzz(args.models, args.seed, jobs=args.jobs)
    print(json.dumps(report.to_dict(), allow_nan=False) if args.json else report)
    return 0 if report.ok else 1


def _check(spec, args):
    from npae.gradcheck import check_gradient, check_layer

    try:
        with contextlib.redirect_stdout(sys.stderr) if args.json else contextlib.nullcontext():  # a print of the user's
            thing, x = load(spec, args.x)
            report = (check_layer if hasattr(thing, "forward") else check_gradient)(thing, x, method=args.method)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's file may raise anything
        text = f"{spec} called sys.exit({error.code!r})" if isinstance(error, SystemExit) else _words(error)
        theirs = _in_their_code(error)
        if args.json:
            print(json.dumps({"ok": False, "spec": spec, "error": text} | ({"traceback": theirs} if theirs else {})))
        else:
            print(f"{theirs}npae gradcheck: {text}", file=sys.stderr)
        return 2
    if len(args.specs) > 1 and not args.json:
        print(spec)
    print(json.dumps({"spec": spec, **report.to_dict()}, allow_nan=False) if args.json else report)
    return 0 if report.ok else 1


def _words(error):
    """What an error says, on one line; its class where it says nothing, or cannot."""
    try:
        return " ".join(str(error).split()) or type(error).__name__
    except Exception:
        return type(error).__name__


def _in_their_code(error):
    """The traceback from the first line of the user's on; nothing for what this package has said in words."""
    frames = list(traceback.walk_tb(error.__traceback__))
    first = next((i for i, (frame, _) in enumerate(frames) if frame.f_globals.get("__name__") == TARGET), None)
    if first is None and isinstance(error, (ValueError, TypeError, MemoryError)):
        return ""
    trace = error.__traceback__
    for _ in range(first or 0):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def load(spec, shape=None):
    """(f or layer, x) from 'path/to/file.py:name', as the command's help says; shape: of a random x.

    Raises ValueError with what to write where something is missing.
    """
    match = re.fullmatch(r"(?P<path>.+):(?P<name>[\w.]+)(?P<arguments>\(.*\))?", spec)
    if match is None:
        raise ValueError(f"got {spec!r}, expected {SPEC}")
    path, name = match["path"], match["name"]
    if not os.path.isfile(path):
        raise ValueError(f"got {path!r}, expected a file that exists")
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.insert(0, folder)  # as for a script, so that the file finds its neighbours
    try:
        module = _run_file(path)
        thing = module
        for key in name.split("."):
            thing = thing() if isinstance(thing, type) else thing
            if not hasattr(thing, key):
                raise ValueError(f"got {name!r}, expected a function of {path}; it has {_names(module)}")
            thing = getattr(thing, key)
        if isinstance(thing, type):
            thing = _make(thing, match["arguments"])
        last = name.rpartition(".")[2]
        return _with_point(thing, module, last, shape)
    finally:
        sys.path.remove(folder)


def _run_file(path):
    spec = importlib.util.spec_from_file_location(TARGET, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"got {path!r}, expected a Python file")
    module = sys.modules[TARGET] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _make(cls, arguments):
    try:
        call: Any = ast.parse(f"make{arguments or '()'}", mode="eval").body
        named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        return cls(*map(ast.literal_eval, call.args), **named)
    except (TypeError, SyntaxError) as error:
        raise ValueError(f"got {cls.__name__}, expected '{cls.__name__}(4, 3)' with its arguments: {error}") from error


def _with_point(thing, module, name, shape):
    """(f or layer, x): x is random of a shape, <name>_x or x of the file, its W and b for f(W, b), or f's own."""
    import numpy as np

    if shape is not None:
        return thing, np.random.default_rng(0).standard_normal(shape)
    if not callable(thing) and not hasattr(thing, "forward"):
        raise ValueError(f"got {name} = {thing!r}, expected a function or a layer")
    required = [] if hasattr(thing, "forward") else _required(thing)
    if not required and not hasattr(thing, "forward"):
        pair = thing()
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[0]):
            raise ValueError(f"got {pair!r} from {name}(), expected a pair (f, x) with f(x) -> (value, gradient)")
        return pair
    if len(required) > 1 and not hasattr(module, f"{name}_x"):
        missing = [argument for argument in required if not hasattr(module, argument)]
        if missing:
            raise ValueError(f"got {name}({', '.join(required)}), expected {', '.join(missing)} in the file, arrays")
        return _of_a_dict(thing, required), {argument: getattr(module, argument) for argument in required}
    for point in (f"{name}_x", "x"):
        if hasattr(module, point):
            x = getattr(module, point)
            several = len(required) > 1 and isinstance(x, (tuple, list))
            return (_of_a_dict(thing, required), dict(zip(required, x))) if several else (thing, x)
    raise ValueError(
        f"got {name} without a place to check it at, expected {name}_x = ... (or x = ...) in the file: an array, a "
        "dict or a list of arrays, unit-scale random numbers are good; or --x 5x4"
    )


def _required(f):
    """The names of the arguments that must be given by place."""
    taken = inspect.signature(f).parameters.values()
    return [p.name for p in taken if p.default is p.empty and p.kind < p.VAR_POSITIONAL]


def _of_a_dict(f, names):
    """f(W, b) -> (value, gradients) as a function of {"W": W, "b": b}; gradients: a dict, a tuple, more results."""

    def of_a_dict(point):
        value, *gradients = f(*(point[name] for name in names))
        if len(gradients) == 1 and isinstance(gradients[0], (dict, tuple, list)):
            gradients = gradients[0]
        return value, gradients if isinstance(gradients, dict) else dict(zip(names, gradients))

    return of_a_dict


def _names(module):
    names = [
        name
        for name, thing in vars(module).items()
        if callable(thing) and not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
    ]
    return ", ".join(names) or "none"


def _shape(text):
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", text):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected sizes such as 5x4")
    return tuple(int(size) for size in text.split("x"))
