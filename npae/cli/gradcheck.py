"""`npae gradcheck`: check random networks of this package, or the functions, methods and layers of a user's file."""

import contextlib
import importlib.util
import inspect
import json
import os
import re
import sys
import traceback
from typing import Any

import numpy as np

from npae.cli.arguments import SPEC
from npae.cli.fuzz import fuzz
from npae.cli.streams import one_line
from npae.gradcheck import check_gradient, check_layer

TARGET = "npae_gradcheck_target"  # the name of the user's module


def run(args):
    """Return exit status 0 if all gradients are right, 1 if one is wrong, 2 if something could not be checked."""
    if args.specs:
        return max(_check(spec, args) for spec in args.specs)
    return _print_report(fuzz(args.models, args.seed, jobs=args.jobs), args)


def _print_report(report, args, **more):
    print(json.dumps(more | report.to_dict(), allow_nan=False) if args.json else report)
    return 0 if report.ok else 1


def _check(spec, args):
    try:
        with contextlib.redirect_stdout(sys.stderr if args.json else sys.stdout):  # prints of the user's code
            thing, x = load(spec, args.x)
            report = (check_layer if hasattr(thing, "forward") else check_gradient)(thing, x, method=args.method)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's file may raise anything
        text = f"{spec} called sys.exit({error.code!r})" if isinstance(error, SystemExit) else one_line(error)
        trace = _user_traceback(error)
        if args.json:
            print(json.dumps({"ok": False, "spec": spec, "error": text} | ({"traceback": trace} if trace else {})))
        else:
            print(f"{trace}npae gradcheck: {text}", file=sys.stderr)
        return 2
    if len(args.specs) > 1 and not args.json:
        print(spec)
    return _print_report(report, args, spec=spec)


def _user_traceback(error):
    """Return the traceback from the first line of the user's file on; '' for an error message of this package."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_globals.get("__name__") != TARGET:
        trace = trace.tb_next
    if trace is None and isinstance(error, (ValueError, TypeError, MemoryError)):
        return ""
    return "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))


def load(spec, shape=None):
    """Return (f or layer, x) for 'path/to/file.py:name', as the command's help says; shape: of a random x.

    Raise ValueError with what to write if something is missing.
    """
    match = re.fullmatch(r"(.+):([\w.]+)(\(.*\))?", spec)
    if match is None:
        raise ValueError(f"got {spec!r}, expected {SPEC}")
    path, name, arguments = match.groups(default="()")
    if not os.path.isfile(path):
        raise ValueError(f"got {path!r}, expected a file that exists")
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.insert(0, folder)  # as for a script, so that the file can import its neighbours
    try:
        thing = module = _run_file(path)
        for key in name.split("."):
            thing = thing() if isinstance(thing, type) else thing
            if not hasattr(thing, key):
                raise ValueError(f"got {name!r}, expected a function of {path}; it has {_function_names(module)}")
            thing = getattr(thing, key)
        if isinstance(thing, type):
            try:
                thing = eval(f"{name}{arguments}", vars(module))
            except (TypeError, SyntaxError) as error:
                kind = thing.__name__
                raise ValueError(f"got {kind}, expected '{kind}(4, 3)' with its arguments: {error}") from error
        return _with_point(thing, module, key, shape)
    finally:
        sys.path.remove(folder)


def _run_file(path):
    spec = importlib.util.spec_from_file_location(TARGET, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"got {path!r}, expected a Python file")
    module = sys.modules[TARGET] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _function_names(module):
    things = vars(module).items()
    names = [name for name, thing in things if callable(thing) and getattr(thing, "__module__", "") == TARGET]
    return ", ".join(name for name in names if not name.startswith("_")) or "none"


def _with_point(thing, module, name, shape):
    """Return (f or layer, x): x is random, <name>_x or x of the file, its W and b for f(W, b), or returned by f()."""
    if shape is not None:
        return thing, np.random.default_rng(0).standard_normal(shape)
    required = ["x"]
    if not hasattr(thing, "forward"):
        if not callable(thing):
            raise ValueError(f"got {name} = {thing!r}, expected a function or a layer")
        parameters = inspect.signature(thing).parameters.values()
        required = [p.name for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL]
    if not required:
        pair = thing()
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[0]):
            raise ValueError(f"got {pair!r} from {name}(), expected a pair (f, x) with f(x) -> (value, gradient)")
        return pair
    point: Any = getattr(module, f"{name}_x", None)
    if len(required) > 1 and point is None:
        missing = [argument for argument in required if not hasattr(module, argument)]
        if missing:
            raise ValueError(f"got {name}({', '.join(required)}), expected {', '.join(missing)} in the file, arrays")
        point = [getattr(module, argument) for argument in required]
    if len(required) > 1:
        return _of_one_dict(thing, required), point if isinstance(point, dict) else dict(zip(required, point))
    if point is None and not hasattr(module, "x"):
        got = f"got {name} without a place to check it at, expected {name}_x = ... (or x = ...) in the file"
        raise ValueError(f"{got}: an array, a dict or a list of arrays, unit-scale random numbers are good; or --x 5x4")
    return thing, module.x if point is None else point


def _of_one_dict(f, names):
    """Return f(W, b) -> (value, gradients) as a function of {"W": W, "b": b}."""

    def of_one_dict(point):
        value, *gradients = f(*(point[name] for name in names))
        if len(gradients) == 1 and isinstance(gradients[0], (dict, tuple, list)):
            gradients = gradients[0]
        return value, gradients if isinstance(gradients, dict) else dict(zip(names, gradients))

    return of_one_dict
