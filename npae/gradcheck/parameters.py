"""Find the parameters of a user-defined layer and their gradients; restore what a check changes."""

import contextlib
import functools
import re
import types
from dataclasses import dataclass
from typing import Any

import numpy as np

AFFIXES = ("gradient", "gradients", "grads", "grad", "dld", "djd", "nabla", "deriv", "d", "g", "bar", "delta", "diff")
UNAMBIGUOUS = AFFIXES[:4]  # these alone name a gradient; `diff` or `d` next to `weights` may be anything
CONTAINER_NAMES = ("param", "parameter", "p", "weight", "theta", "variable", "data", "value", "val", "array", "tensor")
STATE = (
    "velocity", "vel", "momentum", "moment", "m", "v", "s", "cache", "init", "0", "best", "old", "prev", "last", "mean",
    "avg", "ema", "mask", "hat", "copy", "start",
)  # fmt: skip
CALLABLES = (types.FunctionType, types.MethodType, types.CellType, functools.partial)
CLASS_ATTRIBUTES = (types.MemberDescriptorType, np.ndarray)
CALLABLE_PARTS = ("__self__", "__func__", "__closure__", "__defaults__", "cell_contents", "func", "args", "keywords")
NO_GRADIENT = "the output changes with it, but no gradient of it was found: name it, or leave it out, by parameters="
SHARED = "it shares its memory with another array of the layer, which their copies would not: keep one of them"
MAX_OBJECTS = 10**4  # to walk
MAX_RESTORED = 10**6  # numbers of an array to restore; larger arrays are data, which nothing changes


def get_at(root, path, *default):
    """Return the object at a path of attributes, and of items of dicts, lists and tuples; or the default."""
    try:
        for key in path:
            root = root[key] if isinstance(root, (dict, list, tuple)) else getattr(root, key)
        return root
    except (AttributeError, KeyError, IndexError, TypeError):  # only there after a forward
        if default:
            return default[0]
        raise


def set_at(root, path, value):
    """Set the value at a path, in frozen objects, too."""
    *path, key = path
    owner = get_at(root, path)
    if isinstance(owner, (dict, list)):
        owner[key] = value
    else:
        object.__setattr__(owner, key, value)


def _children(thing):
    if isinstance(thing, (list, tuple)):
        return enumerate(thing[:1000])
    if isinstance(thing, (dict, type, types.ModuleType, np.ndarray)):
        return thing.items() if isinstance(thing, dict) else ()
    names = dict.fromkeys(getattr(thing, "__dict__", ()))
    called = isinstance(thing, CALLABLES)
    for kind in () if called else type(thing).__mro__:  # slots, and arrays of the class
        names |= {name: None for name, value in vars(kind).items() if isinstance(value, CLASS_ATTRIBUTES)}
    found = []
    for name in [*names, *CALLABLE_PARTS] if called else names:
        with contextlib.suppress(AttributeError, ValueError):  # not bound yet
            found.append((name, getattr(thing, name)))
    used = thing.__code__.co_names if isinstance(thing, types.FunctionType) else ()
    return found + [(name, thing.__globals__[name]) for name in used if name in thing.__globals__]


def walk_objects(root, children=_children):
    """Yield (path, object) for all objects that root leads to, nearest first; twice if there are two paths."""
    queue: list[tuple[tuple, Any]] = [((), root)]
    seen = set()
    for path, thing in queue:  # which grows
        yield path, thing
        if id(thing) not in seen and len(queue) < MAX_OBJECTS:
            seen.add(id(thing))
            queue.extend(((*path, key), child) for key, child in children(thing))


def _declared(thing):
    """Return the children; if a tuple `parameters` names some, those and all with a gradient (W with dW)."""
    children, names = list(_children(thing)), getattr(thing, "parameters", None)
    declared = list(names) if isinstance(names, (tuple, list)) else []
    if not declared or not all(isinstance(name, str) and hasattr(thing, name) for name in declared):
        return children
    kept = [name for name, _ in children if hasattr(thing, f"d{name}")]
    return [(name, getattr(thing, name)) for name in dict.fromkeys([*declared, *kept])]


def is_numeric(thing):
    """Return True for a float or an array of floats (or complex numbers), as parameters and gradients are."""
    kinds = thing.dtype.kind if isinstance(thing, np.ndarray) else "f"
    return kinds in "fc" and isinstance(thing, (np.ndarray, np.inexact, float, complex))


def is_array(thing):
    """Return True for an array of numbers, or a list of numbers, which is a parameter if it has a gradient."""
    numbers = isinstance(thing, list) and thing and all(isinstance(each, (int, float)) for each in thing)
    return numbers or (isinstance(thing, np.ndarray) and thing.dtype.kind in "fciu")


@contextlib.contextmanager
def restored(root):
    """Restore all attributes, items and arrays of root when the block ends, except whole numbers and strings."""
    holders, arrays = [], []
    for _, thing in walk_objects(root):
        holder = thing if isinstance(thing, (dict, list)) else getattr(thing, "__dict__", None)
        if isinstance(thing, np.ndarray) and is_numeric(thing) and thing.size <= MAX_RESTORED and thing.flags.writeable:
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
                elif key in before and now[key] is not before[key] and not isinstance(now[key], (int, str)):
                    now[key] = before[key]
        for array, content in arrays:
            array[...] = content


@functools.lru_cache(1000)
def match_names(gradient, name):
    """Return a score of how well one key names the gradient of another: 0 not at all, 3 for the same stem, or more.

    dW, grad_W, W_grad, dLdW for W; d_weights, weight_grad, dW for weights; db for bias; grads for params.
    """
    if not isinstance(gradient, str) or not isinstance(name, str):
        return 0
    gradient, name = (re.sub(r"^_[A-Za-z]\w*?__", "", key).replace("_", "") for key in (gradient, name))
    exact = any(name in (gradient.removeprefix(affix), gradient.removesuffix(affix)) for affix in AFFIXES)
    gradient, name = gradient.lower(), name.lower()
    rank: dict[str, int] = {}
    for k, affix in enumerate(AFFIXES):
        rank |= {stem: rank.get(stem, k) for stem in (gradient.removeprefix(affix), gradient.removesuffix(affix))}
    same, like = ({name, name.rstrip("s"), name + "s"}, {name[:k] for k in range(1, len(name))})
    same, like = same - {gradient}, like - {gradient}  # an affix is missing
    if same & rank.keys():
        return 3 + exact / 2 - min(rank[stem] for stem in same & rank.keys()) / 100
    return max(2 * bool(like & rank.keys()), int(gradient in UNAMBIGUOUS and name.rstrip("s") in CONTAINER_NAMES))


@dataclass(eq=False)
class Parameter:
    """An array (or list, or float), all paths to it from (part,), and a function (part, returned) -> its gradient."""

    array: Any
    paths: list
    gradient: Any = None
    shared: bool = False  # the class holds it, so that a copy of the object needs its own

    @property
    def name(self):
        """The shortest path, without the list that holds layers."""
        return ".".join(str(key) for key in self.paths[0][1:] if key != "layers")

    key = property(lambda self: self.paths[0][-1])

    def is_state_of(self, other):
        """Return True if the name says that this is a mask, a copy, or the optimizer's state of another array."""
        mine, name = (str(p.key).replace("_", "").lower() for p in (self, other))
        return any(stem != mine and stem in STATE for stem in (mine.removeprefix(name), mine.removesuffix(name)))

    def score(self, path):
        """Return a score of how well a path fits the gradient of this array: by name, or by key if it was returned."""
        if path[0]:
            found = isinstance(path[-1], str) and any(path[-1] == end[-1] for end in self.paths)
            return 3 if found else max(match_names(path[-1], end[-1]) for end in self.paths)
        ends = [end for end in self.paths if len(end) == len(path) and end != path]
        return max((min(match_names(g, p) for g, p in zip(path, end) if g != p) for end in ends), default=0)


def find_parameters(part, trial, returned, affects_output, slope, names=None):
    """Return {name: Parameter}, and {name: why it cannot be checked} of the others.

    part: before its forward; trial: a copy after forward and backward, which returned the tuple `returned`;
    affects_output(parameter) -> (True if the output changes with it, True if forward leaves it in place);
    slope(parameter, v) of the value; names: the argument `parameters` of check_layer.
    """
    after = (trial, returned)
    if names is not None:
        names = [names] if isinstance(names, str) else names
        return {name: _named(part, after, name, names) for name in names}, {}
    found: dict[Any, Parameter] = {}
    for path, _ in walk_objects((trial,), _declared):
        thing = get_at((part,), path, None)
        if is_numeric(thing) or is_array(thing):
            key = id(thing) if is_array(thing) else path
            found.setdefault(key, Parameter(thing, [])).paths.append(path)
    _pair(found.values(), after, part)
    for p in found.values():
        owner, key = get_at((part,), p.paths[0][:-1]), p.paths[0][-1]
        p.shared = isinstance(getattr(type(owner), str(key), None), np.ndarray) and key not in vars(owner)
    floats = (p for p in found.values() if p.gradient or (is_array(p.array) and np.asarray(p.array).dtype.kind in "fc"))
    tried = {p: affects_output(p) for p in floats}
    moving = [p for p, (influences, _) in tried.items() if influences]
    for i, extra in enumerate(returned[1:], 1):
        fits = [p for p in moving if not p.gradient and np.shape(p.array) == np.shape(extra)]
        if is_numeric(extra) and fits:
            off = {p: abs(slope(p, extra) - np.sum(extra * extra)) if len(fits) > 1 else 0 for p in fits}
            min(fits, key=off.__getitem__).gradient = functools.partial(get_at, path=(1, i))
    still = [p for p in tried if tried[p][1] and not any(np.may_share_memory(p.array, q.array) for q in moving)]
    still = [p for p in still if not any(match_names(p.key, q.key) >= 3 for q in moving)]  # a gradient
    why = {p.name: NO_GRADIENT for p in moving if not p.gradient and not any(map(p.is_state_of, moving))}
    why |= {p.name: SHARED for p in moving if any(q is not p and np.may_share_memory(p.array, q.array) for q in moving)}
    return {p.name: p for p in found.values() if p.gradient and p.name not in why and p in (*moving, *still)}, why


def _pair(parameters, after, part):
    """Give each parameter the gradient of its shape whose path matches best; no gradient goes to two parameters.

    Of two names that fit equally, W_grad and dW, the gradient is the one that backward has changed.
    """
    choices: list[tuple] = []
    reached = (((k, *path), thing) for k, root in enumerate(after) for path, thing in walk_objects(root))
    for path, thing in reached:
        for p in parameters if is_numeric(thing) else ():
            score, fits = p.score(path), np.shape(thing) == np.shape(p.array)
            if score > (0 if fits else 2) and (fits or np.ndim(p.array)):
                idle = path[0] == 0 and np.array_equal(get_at((part,), path, None), thing)
                choices.append((not fits, -int(score), idle, -score, len(choices), p, path))
    taken = set()
    for *_, p, path in sorted(choices):
        if not p.gradient and path not in taken:
            taken.add(path)
            p.gradient = functools.partial(get_at, path=path)


def _named(part, after, name, names):
    """Return the Parameter that the caller named: a name, or name -> gradient, or name -> (parameter, gradient)."""

    def path(spec):
        return (0, *(int(key) if key.isdigit() else key for key in re.findall(r"[^].['\"]+", spec)))

    def getter(spec):
        return (lambda after: spec(after[0])) if callable(spec) else functools.partial(get_at, path=path(spec))

    given = names[name] if isinstance(names, dict) else None
    array, gradient = given if isinstance(given, tuple) else (name, given)
    try:
        p = Parameter(getter(array)((part,)), [(0, name) if callable(array) else path(array)])
        p.gradient = gradient and getter(gradient)
        _pair([p], after, part)
        if is_numeric(p.array) and is_numeric(p.gradient(after)):
            return p
        raise TypeError("no numbers")
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{part!r}: got parameter {name!r}, expected arrays {name} and d{name} on it") from error
