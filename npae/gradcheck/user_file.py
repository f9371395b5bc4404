"""A user's own function, named on the command line as path/to/file.py:function."""

import importlib.util
import inspect
import os
import sys


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
        raise ValueError(f"got {spec!r}, but there is no file {path!r}")
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
            raise ValueError(f"got {spec!r}, but {path} has no function {name!r}")
        required = [
            p for p in inspect.signature(f).parameters.values() if p.default is p.empty and p.kind < p.KEYWORD_ONLY
        ]
        if not [p for p in required if p.kind is not p.VAR_POSITIONAL]:
            pair = f()
            if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[0]):
                raise ValueError(
                    f"{name}() without arguments returned {pair!r}, expected (f, x) with f(x) -> (value, gradient)"
                )
            return pair
        for point in (f"{name}_x", "x"):
            if hasattr(module, point):
                return f, getattr(module, point)
    finally:
        sys.path.remove(folder)
    raise ValueError(
        f"{path} does not say where to check {name}: define there {name}_x = ... (or x = ...), an array, a dict or a "
        f"list of arrays; unit-scale random numbers are good"
    )
