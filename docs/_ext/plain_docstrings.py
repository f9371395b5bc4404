"""Docstrings as they are written here, one sentence, equations in columns, shapes, made ready for Sphinx.

A paragraph stays a paragraph; what is indented or set in columns stays as it is; `names` become code. The equations of
`equations.py`, both directions, follow the text of the object they belong to.
"""

import re

from equations import EQUATIONS


def escape(text):
    """Prose with its stars, bars and underscores, which mean something else in reStructuredText."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # a backtick by itself
        return re.sub(r"([\\*|_`])", r"\\\1", text)
    prose = [re.sub(r"([\\*|_])", r"\\\1", piece) for piece in pieces]
    return "".join(f"``{pieces[i]}``" if i % 2 else prose[i] for i in range(len(pieces)))


def is_set(block):
    """Whether a block of lines is set in columns or indented, and has to keep its spaces."""
    return any(line.startswith("  ") or re.search(r"\S {3,}\S", line) for line in block)


def convert(lines):
    """The lines of a docstring as reStructuredText."""
    blocks, block = [], []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
        elif block:
            blocks.append(block)
            block = []
    out = []
    for block in blocks:
        if is_set(block):
            margin = min(len(line) - len(line.lstrip()) for line in block)
            out += ["::", "", *(f"   {line[margin:]}" for line in block), ""]
        else:
            out += [*map(escape, block), ""]
    return out


def process(app, what, name, obj, options, lines):
    """Replace the lines of one docstring, and add the equations."""
    lines[:] = convert(lines)
    for label, latex in EQUATIONS.get(name, ()):
        lines += [f"*{label}*", "", ".. math::", "", *(f"   {line}" for line in latex.strip().splitlines()), ""]


def setup(app):
    """Listen to autodoc."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", process)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
