"""Convert the plain docstrings of npae (sentences, equations in columns, shapes) to reStructuredText for Sphinx.

A paragraph stays a paragraph. Indented blocks and blocks in columns keep their spaces. `names` become code. The
equations in `equations.py` follow the docstring of their object.
"""

import re

from equations import EQUATIONS


def escape(text):
    """Escape stars, bars and underscores, which have a meaning in reStructuredText; turn `names` into code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # a backtick by itself
        return re.sub(r"([\\*|_`])", r"\\\1", text)
    prose = [re.sub(r"([\\*|_])", r"\\\1", piece) for piece in pieces]
    return "".join(f"``{pieces[i]}``" if i % 2 else prose[i] for i in range(len(pieces)))


def is_set(block):
    """Return True if a block of lines is indented or in columns and must keep its spaces."""
    return any(line.startswith("  ") or re.search(r"\S {3,}\S", line) for line in block)


def convert(lines):
    """Return the lines of a docstring as reStructuredText."""
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
    """Convert one docstring in place and append the equations of its object."""
    lines[:] = convert(lines)
    for label, latex in EQUATIONS.get(name, ()):
        lines += [f"*{label}*", "", ".. math::", "", *(f"   {line}" for line in latex.strip().splitlines()), ""]


def setup(app):
    """Register `process` with autodoc."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", process)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
