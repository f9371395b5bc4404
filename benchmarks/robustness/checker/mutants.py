"""One-line bugs planted into the source of a case, and a judge of its own for what is a bug."""

import ast
import inspect
import textwrap

import numpy as np

SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
TURNS = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.Lt, ast.LtE: ast.Gt}
WORDS = {"sum": "mean", "mean": "sum", "tanh": "arctan", "cosh": "cos", "maximum": "minimum", "log": "log2"}


def _changes(node):
    """(what it is, a function that changes the node or returns another in its place) for each bug of one node."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield "another operation", lambda n: setattr(n, "op", SWAPS[type(n.op)]())
        yield "a term or factor left out", lambda n: n.left
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        yield "another power", lambda n: setattr(n, "right", ast.BinOp(n.right, ast.Add(), ast.Constant(1)))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "another sign", lambda n: n.operand
    elif isinstance(node, ast.Attribute) and node.attr == "T" and isinstance(node.ctx, ast.Load):
        yield "a transpose left out", lambda n: n.value
    elif isinstance(node, ast.Attribute) and node.attr in WORDS and isinstance(node.ctx, ast.Load):
        yield "another function", lambda n: setattr(n, "attr", WORDS[n.attr])
    elif isinstance(node, ast.keyword) and node.arg == "axis" and getattr(node.value, "value", None) in (0, 1):
        yield "another axis", lambda n: setattr(n, "value", ast.Constant(1 - n.value.value))
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in TURNS:
        yield "a turned comparison", lambda n: setattr(n, "ops", [TURNS[type(n.ops[0])]()])
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield "another constant", lambda n: setattr(n, "value", 2 * n.value)
    elif isinstance(node, ast.AugAssign):
        yield "= for +=", lambda n: ast.Assign([n.target], n.value, lineno=n.lineno)


class _Change(ast.NodeTransformer):
    """Makes change number `which` of a tree, and remembers what it was and on which line."""

    def __init__(self, which):
        self.which, self.count, self.made = which, 0, None

    def visit(self, node):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return node
        for what, change in _changes(node):
            if self.count == self.which:
                self.made = what, getattr(node, "lineno", 0) or node.value.lineno
                self.count += 1
                return change(node) or node
            self.count += 1
        return self.generic_visit(node)


def mutants(thing):
    """(kind, line, a function or class with this one bug), in an order that is the same every time, made one by one."""
    source = textwrap.dedent(inspect.getsource(thing))
    every = _Change(-1)
    every.visit(ast.parse(source))
    for which in np.random.default_rng(len(source)).permutation(every.count):
        tree = ast.parse(source)
        tree.body[0].decorator_list = []
        change = _Change(which)
        tree = ast.fix_missing_locations(change.visit(tree))
        if change.made is not None:
            scope = dict(inspect.getmodule(thing).__dict__)
            exec(compile(tree, f"<{thing.__name__} {which}>", "exec"), scope)
            kind, line = change.made
            yield kind, source.splitlines()[line - 1].strip(), scope[thing.__name__]


# -- the same question for every checker: value and gradient of one flat vector --------------------------------------


def _leaves(x):
    if isinstance(x, dict):
        return [leaf for part in x.values() for leaf in _leaves(part)]
    return [leaf for part in x for leaf in _leaves(part)] if isinstance(x, list) else [x]


def _fill(x, leaves):
    if isinstance(x, dict):
        return {key: _fill(part, leaves) for key, part in x.items()}
    return [_fill(part, leaves) for part in x] if isinstance(x, list) else next(leaves)


def _split(theta, shapes):
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(theta, ends[:-1]), shapes)]


def flat_function(f, point):
    """(theta -> (value, flat gradient), theta, sizes of the arrays) of a function of a dict, list or array."""
    shapes = [np.shape(leaf) for leaf in _leaves(point)]

    def flat(theta):
        value, gradient = f(_fill(point, iter(_split(theta, shapes))))
        if isinstance(gradient, dict):
            gradient = [gradient.get(key, gradient.get(f"d{key}")) for key in point]
        parts = [np.asarray(part, dtype=float) for part in _leaves(gradient)]
        _check_shapes(shapes, parts)
        return value, np.concatenate([part.ravel() for part in parts])

    return flat, np.concatenate([np.ravel(leaf) for leaf in _leaves(point)]), [int(np.prod(shape)) for shape in shapes]


def _check_shapes(shapes, gradients):
    if [tuple(shape) for shape in shapes] != [np.shape(gradient) for gradient in gradients]:
        raise ValueError("a gradient of another shape")


def _resolve(thing, path):
    for key in path.split("."):
        thing = thing[int(key)] if key.isdigit() else thing[key] if isinstance(thing, dict) else getattr(thing, key)
    return thing


def flat_layer(make, x, places):
    """The same for a layer under a fixed projection of its outputs, with the parameters at `places`."""
    differentiable = x.dtype.kind == "f"
    arrays = ([x] if differentiable else []) + [_resolve(make(), path) for path in places]
    R = np.random.default_rng(0).standard_normal(np.shape(make().forward(x)))

    def flat(theta):
        layer, parts = make(), _split(theta.copy(), [array.shape for array in arrays])
        here = parts.pop(0) if differentiable else x
        for path, part in zip(places, parts):
            _resolve(layer, path)[...] = part
        value = (R * layer.forward(here)).sum()
        back = layer.backward(R.copy())
        dx, extra = back if isinstance(back, tuple) else (back, {})
        found = [extra[path] if path in extra else _resolve(layer, place) for path, place in places.items()]
        gradients = ([dx] if differentiable else []) + found
        _check_shapes([array.shape for array in arrays], gradients)
        return value, np.concatenate([np.ravel(part) for part in gradients])

    return flat, np.concatenate([array.ravel() for array in arrays]), [array.size for array in arrays]


def error(flat, theta, sizes):
    """The largest relative error of an array's gradient beside differences of two steps, extrapolated; or infinity.

    This judge shares nothing with the checkers that are judged.
    """
    value, gradient = flat(theta.copy())
    if not np.isfinite(value) or not np.isfinite(gradient).all():
        return np.inf
    true = np.empty_like(theta)
    for i in range(len(theta)):
        D = []
        for h in (2e-4, 1e-4):
            plus, minus = theta.copy(), theta.copy()
            plus[i] += h
            minus[i] -= h
            D.append((float(flat(plus)[0]) - float(flat(minus)[0])) / (2 * h))
        true[i] = (4 * D[1] - D[0]) / 3
    ends = np.cumsum(sizes)[:-1]
    pairs = zip(np.split(gradient, ends), np.split(true, ends))
    top = max(np.abs(true).max(), np.abs(gradient).max())
    errors = [np.abs(a - t).max() / max(np.abs(a).max(), np.abs(t).max(), 1e-6 * top, 1e-300) for a, t in pairs]
    return max(errors)
