"""The blocks a page is made of, as HTML that needs nothing else: no scripts, no fonts, no network."""

import base64
import html
import io
import re

import matplotlib
from matplotlib import mathtext

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: white; color: #1c1c1c; font: 17px/1.55 Georgia, 'Times New Roman', serif; }
main, header { max-width: 50rem; margin: 0 auto; padding: 0 1.1rem; }
header { padding-top: 2.2rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.45rem; margin: 2.8rem 0 .6rem; padding-top: .8rem; border-top: 1px solid #ccc; }
p { margin: .7rem 0; }
nav ol { padding-left: 1.3rem; margin: .6rem 0 0; }
nav a, a { color: #0b4f8a; }
blockquote { margin: .9rem 0; padding: .1rem 0 .1rem 1rem; border-left: 4px solid #b8c4cf; color: #444; }
.equation { margin: 1rem 0; overflow-x: auto; text-align: center; }
.equation img { height: var(--h); max-width: none; }
figure { margin: 1.4rem 0; }
figure img { display: block; width: 100%; height: auto; background: white; }
figcaption { font-size: .88rem; color: #444; margin-top: .4rem; }
.claim { margin: 1.1rem 0; padding: .6rem .9rem; background: #eef3ee; border-left: 4px solid #4b7a4b; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font: .86rem/1.4 system-ui, sans-serif; white-space: nowrap; margin: 1rem 0; }
th, td { text-align: right; padding: .25rem .4rem; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
code, pre { font: .86rem/1.45 ui-monospace, Menlo, Consolas, monospace; }
pre { overflow-x: auto; background: #f3f3ef; padding: .7rem .9rem; }
footer { max-width: 50rem; margin: 3rem auto 2rem; padding: 0 1.1rem; font-size: .85rem; color: #555; }
"""


def text(content):
    """A paragraph of HTML."""
    return f"<p>{content}</p>"


def quote(content):
    """Words of the note."""
    return f"<blockquote><p>{content}</p></blockquote>"


def claim(content):
    """The sentence with the number that supports the section's claim, as HTML."""
    return f'<div class="claim">{content}</div>'


def listed(values, form=".3f"):
    """The items of a dict name -> number in a sentence: "plain 1.203, denoising 0.871"."""
    return ", ".join(f"{name} {value:{form}}" for name, value in values.items())


def preformatted(content):
    """Plain text as it would stand in a terminal."""
    return f"<pre>{html.escape(content)}</pre>"


def equation(tex):
    """A displayed formula in matplotlib's subset of TeX, drawn as a vector picture."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"mathtext.fontset": "stix", "svg.hashsalt": "npae"}):
        mathtext.math_to_image(f"${tex}$", buffer, dpi=72, format="svg")
    svg = buffer.getvalue().decode()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)  # the date would differ from run to run
    points = float(re.search(r'height="([\d.]+)pt"', svg)[1])  # type: ignore[index]
    return (
        f'<div class="equation"><img style="--h: {points / 10 * 1.05:.3f}rem" alt="{html.escape(tex)}" '
        f'src="data:image/svg+xml;base64,{_base64(svg.encode())}"></div>'
    )


def figure(drawing, caption, alt=None):
    """A matplotlib Figure as a picture inside the page, with its caption (HTML)."""
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    alt = html.escape(alt or re.sub(r"<[^>]*>", "", caption))
    width = round(drawing.get_figwidth() * 100)
    return (
        f'<figure><img alt="{alt}" style="max-width: {width}px" '
        f'src="data:image/png;base64,{_base64(buffer.getvalue())}"><figcaption>{caption}</figcaption></figure>'
    )


def table(head, rows):
    """A table that scrolls sideways on a narrow screen; cells are HTML."""
    cells = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def page(title, introduction, sections, footer):
    """The whole document: sections are (title, list of blocks) pairs, numbered and listed at the top."""
    contents = "".join(f'<li><a href="#s{i}">{name}</a></li>' for i, (name, _) in enumerate(sections, start=1))
    body = "\n".join(
        f'<section id="s{i}"><h2>{i}. {name}</h2>\n' + "\n".join(blocks) + "</section>"
        for i, (name, blocks) in enumerate(sections, start=1)
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title><style>{STYLE}</style></head>
<body><header><h1>{html.escape(title)}</h1>{introduction}<nav><ol>{contents}</ol></nav></header>
<main>{body}</main><footer>{footer}</footer></body></html>
"""


def _base64(data):
    return base64.b64encode(data).decode("ascii")
