"""Where things are kept: what an object reaches, which of it is a parameter or its gradient, what to put back."""

import contextlib
import functools
import re
import types
from dataclasses import dataclass
from typing import Any

import numpy as np

AFFIXES = ("gradient", "gradients", "grads", "grad", "deriv", "delta", "nabla", "diff", "dld", "djd", "d", "g", "bar")
CLEAR = AFFIXES[:4]  # what alone names a gradient; `diff` or `d` beside `weights` may be anything
HOLDERS = ("param", "parameter", "p", "weight", "theta", "variable", "data", "value", "val", "array", "tensor")
CALLED = (types.FunctionType, types.MethodType, types.CellType, functools.partial)
HELD = ("__self__", "__func__", "__closure__", "__defaults__", "cell_contents", "func", "args", "keywords")
LARGEST = 10**6  # numbers: a larger array is taken for data that no function changes


def resolve(root, path):
    """What a path leads to: attributes of objects, items of dicts, lists and tuples."""
    for key in path:
        root = root[key] if isinstance(root, (dict, list, tuple)) else getattr(root, key)
    return root


def _children(thing):
    if isinstance(thing, (list, tuple)):
        return enumerate(thing[:1000])
    if isinstance(thing, (dict, type, types.ModuleType, np.ndarray)):
        return thing.items() if isinstance(thing, dict) else ()
    names = [*getattr(thing, "__dict__", ()), *getattr(thing, "__slots__", ())]
    found = []
    for name in [*names, *HELD] if isinstance(thing, CALLED) else names:
        with contextlib.suppress(AttributeError, ValueError):  # not bound yet
            found.append((name, getattr(thing, name)))
    used = thing.__code__.co_names if isinstance(thing, types.FunctionType) else ()
    return found + [(name, thing.__globals__[name]) for name in used if name in thing.__globals__]


def reach(root, children=_children):
    """(path, thing) for all that is reached from root, nearest first; what is held twice comes once for each path."""
    queue: list[tuple[tuple, Any]] = [((), root)]
    seen = set()
    for path, thing in queue:  # which grows
        yield path, thing
        if id(thing) not in seen and len(path) < 8:
            seen.add(id(thing))
            queue.extend(((*path, key), child) for key, child in children(thing))


def _declared(thing):
    """The children of an object with a tuple `parameters` of names are those, and nothing that it refers to besides."""
    names = getattr(thing, "parameters", None)
    if isinstance(names, (tuple, list)) and names and all(isinstance(name, str) for name in names):
        return [(name, getattr(thing, name, None)) for name in names]
    return _children(thing)


def is_numeric(thing):
    """Whether it is a float or an array of floats (or complex numbers): what a parameter or a gradient can be."""
    kinds = thing.dtype.kind if isinstance(thing, np.ndarray) else "f"
    return kinds in "fc" and isinstance(thing, (np.ndarray, np.inexact, float, complex))


def is_array(thing):
    """Whether it is an array, or a list of numbers, which stands for one where a gradient of it is found."""
    numbers = isinstance(thing, list) and thing and all(isinstance(each, (int, float)) for each in thing)
    return numbers or (isinstance(thing, np.ndarray) and thing.dtype.kind in "fciu")


@contextlib.contextmanager
def unchanged(root):
    """The floats and arrays that a function or an object reaches are afterwards as they were before; counts go on."""
    holders, arrays = [], []
    for _, thing in reach(root):
        holder = thing if isinstance(thing, (dict, list)) else getattr(thing, "__dict__", None)
        if isinstance(thing, np.ndarray) and is_numeric(thing) and thing.size <= LARGEST and thing.flags.writeable:
            arrays.append((thing, thing.copy()))
        elif isinstance(holder, (dict, list)) and not isinstance(thing, types.ModuleType):
            holders.append((holder, dict(holder if isinstance(holder, dict) else enumerate(holder))))
    try:
        yield
    finally:
        for now, before in holders:
            for key in list(now) if isinstance(now, dict) else reversed(range(len(now))):
                if key not in before and is_numeric(now[key]):
                    del now[key]
                elif is_numeric(now[key]) or is_numeric(before.get(key)):
                    now[key] = before[key]
        for array, content in arrays:
            array[...] = content


@functools.lru_cache(1000)
def match_names(gradient, name):
    """How surely one key names the gradient of another: 0 not at all, 3 for the same stem.

    dW, grad_W, W_grad, dLdW for W; d_weights, weight_grad, dW for weights; db for bias; grads for params.
    """
    if not isinstance(gradient, str) or not isinstance(name, str):
        return 0
    gradient, name = (key.lower().replace("_", "") for key in (gradient, name))
    stems = {gradient.removeprefix(affix) for affix in AFFIXES} | {gradient.removesuffix(affix) for affix in AFFIXES}
    same, like = {name, name.rstrip("s"), name + "s"}, {name[:k] for k in range(1, len(name))}
    bare = gradient in CLEAR and name.rstrip("s") in HOLDERS
    return max(3 * bool(same & (stems - {gradient})), 2 * bool(like & stems), int(bare))


@dataclass(eq=False)
class Parameter:
    """An array (or list, or float), all paths to it from (part,), and what reads its gradient from (part, returned)."""

    array: Any
    paths: list
    gradient: Any = None

    @property
    def name(self):
        """The shortest path, without the list that holds layers."""
        return ".".join(str(key) for key in self.paths[0][1:] if key != "layers")

    def score(self, path):
        """How surely a path leads to the gradient of this: by name where paths differ; by key if it was returned."""
        if path[0]:
            found = isinstance(path[-1], str) and any(path[-1] == end[-1] for end in self.paths)
            return 3 if found else max(match_names(path[-1], end[-1]) for end in self.paths)
        ends = [end for end in self.paths if len(end) == len(path) and end != path]
        return max((min(match_names(g, p) for g, p in zip(path, end) if g != p) for end in ends), default=0)


def find(part, trial, returned, moves, names=None):
    """(parameters by name, names without a gradient).

    part: as it is before its forward; trial: a copy after forward and backward, which returned the tuple `returned`;
    moves(parameter) -> (whether the output changes with it, whether forward leaves it in place); names: check_layer's.
    """
    after = (trial, returned)
    if names is not None:
        return {name: _named(part, after, name, names) for name in names}, []
    held: dict[Any, Parameter] = {}
    for path, thing in reach((part,), _declared):
        if is_numeric(thing) or is_array(thing):
            key = id(thing) if is_array(thing) else path
            held.setdefault(key, Parameter(thing, [])).paths.append(path)
    _pair(held.values(), after)
    tried = {p: moves(p) for p in held.values() if p.gradient or (is_array(p.array) and is_numeric(p.array))}
    moving = [p for p, (influences, _) in tried.items() if influences]
    for i, extra in enumerate(returned[1:], 1):
        fits = [p for p in moving if not p.gradient and np.shape(p.array) == np.shape(extra)]
        if isinstance(extra, np.ndarray) and fits:
            fits[0].gradient = functools.partial(resolve, path=(1, i))
    still = [p for p in tried if tried[p][1] and not any(np.may_share_memory(p.array, q.array) for q in moving)]
    found = {p.name: p for p in held.values() if p.gradient and (p in moving or p in still)}
    return found, [p.name for p in moving if not p.gradient]


def _pair(parameters, after):
    """Give each parameter the gradient whose path matches best and that has its shape, no gradient to two."""
    choices: list[tuple] = []
    reached = (((k, *path), thing) for k, root in enumerate(after) for path, thing in reach(root))
    for path, thing in reached:
        for p in parameters if is_numeric(thing) else ():
            score, fits = p.score(path), np.shape(thing) == np.shape(p.array)
            if score > (0 if fits else 2):
                choices.append((not fits, -score, len(choices), p, path))
    taken = set()
    for *_, p, path in sorted(choices):
        if not p.gradient and path not in taken:
            taken.add(path)
            p.gradient = functools.partial(resolve, path=path)


def _named(part, after, name, names):
    """The parameter that the caller named: a name, or name -> gradient, or name -> (parameter, gradient)."""

    def path(spec):
        return (0, *(int(key) if key.isdigit() else key for key in re.findall(r"[^].['\"]+", spec)))

    def getter(spec):
        return (lambda after: spec(after[0])) if callable(spec) else functools.partial(resolve, path=path(spec))

    given = names[name] if isinstance(names, dict) else None
    array, gradient = given if isinstance(given, tuple) else (name, given)
    try:
        p = Parameter(getter(array)((part,)), [(0, name) if callable(array) else path(array)])
        p.gradient = gradient and getter(gradient)
        _pair([p], after)
        if is_numeric(p.array) and is_numeric(p.gradient(after)):
            return p
        raise TypeError("no numbers")
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{part!r}: got parameter {name!r}, expected arrays {name} and d{name} on it") from error
