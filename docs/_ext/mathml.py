"""Convert LaTeX to MathML Core when the site is built; browsers draw it without scripts and without a network.

An unknown command is a warning of the build, and an error under -W. The font STIX Two Math is copied from the package
ziamath, so that formulas look the same on machines without a mathematical font.
"""

import re
import shutil
from pathlib import Path

import ziamath
from math_core import LatexError, LatexToMathML
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
CONVERTER = LatexToMathML(fancy_error=False)
# Browsers do not enlarge a sized delimiter that carries an index, unless it is alone in an <mrow>.
SIZED = re.compile(r"(<msu[bp](?:sup)?>)(<mo [^>]*minsize[^>]*>[^<]*</mo>)")
FONT = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"


def mathml(node, latex, display):
    """Return the MathML of one formula; if the conversion fails, warn and return the source as code."""
    try:
        return SIZED.sub(r"\1<mrow>\2</mrow>", CONVERTER.convert_with_local_state(latex, displaystyle=display))
    except LatexError as error:
        LOGGER.warning("formula not converted: %s in %s", error, latex, location=node)
        return f"<code>{latex}</code>"


def visit_inline(translator, node):
    """Write a formula within a line of text."""
    from docutils.nodes import SkipNode

    translator.body.append(mathml(node, node.astext(), display=False))
    raise SkipNode


def visit_block(translator, node):
    """Write a display formula; on a narrow page its pieces stand below each other, or scroll."""
    from docutils.nodes import SkipNode

    pieces = "".join(f"<div>{mathml(node, piece, display=True)}</div>" for piece in split_at_quads(node.astext()))
    translator.body.append(f'<div class="math" tabindex="0">{pieces}</div>\n')
    raise SkipNode


def split_at_quads(latex):
    """Return the formulas of a line, split at each \\qquad outside braces and environments."""
    pieces = [""]
    for each in re.split(r"(\\qquad)", latex):
        open_ = pieces[-1].count("{") > pieces[-1].count("}") or pieces[-1].count(r"\begin") > pieces[-1].count(r"\end")
        if each == r"\qquad" and not open_:
            pieces.append("")
        else:
            pieces[-1] += each
    return pieces


def copy_font(app, exception):
    """Copy the font into the folder of the style sheet."""
    if exception is None and app.builder.format == "html":
        shutil.copy(FONT, Path(app.outdir) / "_static" / FONT.name)


def setup(app):
    """Register the renderer: html_math_renderer = "mathml"."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.connect("build-finished", copy_font)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
