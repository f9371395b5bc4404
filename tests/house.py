"""Measure the structure of the package: rooms, floors, import arrows, lines of code.

A room is an entry at the root of `npae/`: a folder or a file. An arrow goes from a room to another room that it
imports. The floor of a room is one above the highest room that it imports. A line of code holds a token other than a
comment or a docstring.

    python tests/house.py
"""

import ast
import io
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "npae"
ENTRANCES = ("__init__", "__main__")


def modules():
    """Return {dotted name within npae: path} of every Python file except the package's two entrances."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if name not in ENTRANCES:
            names[name] = path
    return names


def imports(path, known):
    """Return (modules of npae that a file imports, '' for the package itself; packages outside npae)."""
    inside, outside = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name} imports by a relative name"
            names = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        for module, name in names:
            first, _, rest = module.partition(".")
            if first != "npae":
                outside.add(first)
            elif f"{rest}.{name}".strip(".") in known:
                inside.add(f"{rest}.{name}".strip("."))
            else:
                inside.add(rest if rest in known else "")
    return inside, outside


def room(module):
    """Return the room of a module: 'objective.layers' -> 'objective'."""
    return module.partition(".")[0]


def arrows():
    """Return {room: the set of other rooms that it imports}."""
    known = modules()
    found = {room(module): set() for module in known}
    for module, path in known.items():
        found[room(module)] |= {room(other) for other in imports(path, known)[0] if other} - {room(module)}
    return found


def floors(found):
    """Return {room: floor}, 1 for a room that imports no other; ValueError if rooms import each other in a circle."""
    level = {}

    def visit(name, path):
        if name in path:
            raise ValueError(" -> ".join([*path, name]))
        if name not in level:
            level[name] = 1 + max((visit(other, [*path, name]) for other in sorted(found[name])), default=0)
        return level[name]

    for name in sorted(found):
        visit(name, [])
    return level


def lines_of_code(path):
    """Return how many lines of a file hold a token other than a comment or a docstring."""
    source = path.read_text(encoding="utf-8")
    documented = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False):
            documented |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    skip = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in skip:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def entries():
    """Return the names at the root of the package."""
    return sorted(path.name for path in PACKAGE.iterdir() if path.name != "__pycache__")


def main():
    """Print the numbers, then every floor with its rooms and what they import."""
    found = arrows()
    level = floors(found)
    print(f"{len(entries())} entries at the root of npae/, {len(found)} rooms, {max(level.values())} floors")
    print(f"{sum(map(len, found.values()))} arrows between rooms")
    print(f"{sum(map(lines_of_code, PACKAGE.rglob('*.py'))):,} lines of code")
    for floor in range(max(level.values()), 0, -1):
        for name in sorted(name for name in level if level[name] == floor):
            print(f"{floor:3d}  {name:12s} {' '.join(sorted(found[name]))}")


if __name__ == "__main__":
    main()
