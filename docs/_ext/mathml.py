"""Mathematics without a network: LaTeX becomes MathML Core when the site is built; browsers draw it without scripts.

A command that is not known is a warning of the build, and so an error under -W. The font, STIX Two Math, is copied from
the package ziamath, so that a formula looks alike where no mathematical font is installed.
"""

import re
import shutil
from pathlib import Path

import ziamath
from math_core import LatexError, LatexToMathML
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
CONVERTER = LatexToMathML(fancy_error=False)
# A delimiter of a size of its own is not grown where it carries an index, unless it stands in a row by itself.
SIZED = re.compile(r"(<msu[bp](?:sup)?>)(<mo [^>]*minsize[^>]*>[^<]*</mo>)")
FONT = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"


def mathml(node, latex, display):
    """The MathML of one formula; a warning, and the source itself, where it cannot be converted."""
    try:
        return SIZED.sub(r"\1<mrow>\2</mrow>", CONVERTER.convert_with_local_state(latex, displaystyle=display))
    except LatexError as error:
        LOGGER.warning("formula not converted: %s in %s", error, latex, location=node)
        return f"<code>{latex}</code>"


def visit_inline(translator, node):
    """A formula in a line of text."""
    from docutils.nodes import SkipNode

    translator.body.append(mathml(node, node.astext(), display=False))
    raise SkipNode


def visit_block(translator, node):
    """A formula by itself; what stands beside each other goes below each other, or scrolls, where a page is narrow."""
    from docutils.nodes import SkipNode

    pieces = "".join(f"<div>{mathml(node, piece, display=True)}</div>" for piece in apart(node.astext()))
    translator.body.append(f'<div class="math" tabindex="0">{pieces}</div>\n')
    raise SkipNode


def apart(latex):
    """The formulas of a line, divided at the wide spaces that stand in no braces and no environment."""
    pieces = [""]
    for each in re.split(r"(\\qquad)", latex):
        open_ = pieces[-1].count("{") > pieces[-1].count("}") or pieces[-1].count(r"\begin") > pieces[-1].count(r"\end")
        if each == r"\qquad" and not open_:
            pieces.append("")
        else:
            pieces[-1] += each
    return pieces


def copy_font(app, exception):
    """Put the font beside the style sheet."""
    if exception is None and app.builder.format == "html":
        shutil.copy(FONT, Path(app.outdir) / "_static" / FONT.name)


def setup(app):
    """Register the renderer: html_math_renderer = "mathml"."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.connect("build-finished", copy_font)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
