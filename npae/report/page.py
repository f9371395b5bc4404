"""Make the blocks of a page, as HTML that needs no library, no fonts and no network."""

import base64
import html
import io
import json
import re
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import mathtext
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image  # a requirement of matplotlib

STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
REFERENCES = json.loads(Path(__file__).with_name("references.json").read_text(encoding="utf-8"))
DPI = 180  # 5 inches are shown at up to 40 rem
GREEK = {"mu": "&mu;", "psi": "&psi;", "rho": "&rho;", "lam": "&lambda;", "Omega": "&Omega;"}
COLORS = 128  # of a coloured picture: more would not be visible, and this saves three quarters of the bytes


def text(content):
    """Return a paragraph of HTML."""
    return f"<p>{content}</p>"


def quote(content):
    """Return a quotation of the note, as HTML."""
    return f"<blockquote><p>{content}</p></blockquote>"


def claim(content):
    """Return the sentence with the number that supports the section's claim, as HTML."""
    return f'<div class="claim">{content}</div>'


def sources(*names):
    """Return the sources of a section as HTML; a name is a key of references.json, or a part of the note."""
    entries = ((name, "") if name.startswith("note ") else REFERENCES[name] for name in names)
    links = (f'<a href="{html.escape(address)}">{source}</a>' if address else source for source, address in entries)
    return f'<p class="sources">Sources: {"; ".join(links)}.</p>'


def list_numbers(values, form=".3f"):
    """Return the items of a dict name -> number in a sentence: "plain 1.203, denoising 0.871"."""
    return ", ".join(f"{name} {value:{form}}" for name, value in values.items())


def formula(plain):
    """Return a short formula in plain text, such as "x^ = W^T h", as HTML with hat and exponent."""
    marked = re.sub(r"\b([a-z])\^(?=[\s|),=-]|$)", "\\1\N{COMBINING CIRCUMFLEX ACCENT}", html.escape(plain))
    marked = re.sub(r"\b([a-z])~(?=[\s|)]|$)", "\\1\N{COMBINING TILDE}", marked)
    marked = re.sub(
        r"_(\w)(?:\^(\d))?", lambda m: f"<sub>{m[1]}</sub>" + (f"<sup>{m[2]}</sup>" if m[2] else ""), marked
    )
    marked = re.sub(r"\^(-?\w)", r"<sup>\1</sup>", marked)
    marked = re.sub(r"\b(mu|psi|rho|lam|Omega)\b", lambda m: GREEK[m[1]], marked)
    return marked.replace("&lt;=", "&le;").replace("||", "&#8214;").replace("s2", "s&sup2;").replace("1/2", "&frac12;")


def preformatted(content):
    """Return plain text as a terminal would show it, as HTML."""
    return f'<pre tabindex="0">{html.escape(content)}</pre>'


def equation(tex):
    """Return a displayed formula in matplotlib's subset of TeX as a vector picture."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"mathtext.fontset": "stix", "svg.hashsalt": "npae"}):
        mathtext.math_to_image(f"${tex}$", buffer, dpi=72, format="svg")
    svg = buffer.getvalue().decode()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)  # the date would differ from run to run
    points = float(re.search(r'height="([\d.]+)pt"', svg)[1])  # type: ignore[index]
    return f"""<div class="equation scroll"><img style="--h: {points / 10 * 1.05:.3f}rem" alt="{html.escape(tex)}"
        src="data:image/svg+xml;base64,{base64_text(svg.encode())}"></div>"""


def figure(drawing, caption, alt=None):
    """Return a matplotlib Figure as a picture inside the page, with a caption (HTML), which the page numbers.

    `alt` describes the picture to readers who cannot see it; without `alt` the caption takes its place.
    """
    alt = html.escape(alt or re.sub(r"<[^>]*>", "", caption))
    address = f"data:image/png;base64,{base64_text(png(drawing))}"
    return f'<figure><img alt="{alt}" src="{address}"><figcaption>{caption}</figcaption></figure>'


def png(drawing):
    """Return a matplotlib Figure as the bytes of a PNG: exact greys, or colours of a palette."""
    screen_dpi = drawing.dpi
    drawing.set_dpi(DPI)
    canvas = FigureCanvasAgg(drawing)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    drawing.set_dpi(screen_dpi)
    red, green, blue = np.moveaxis(pixels, 2, 0)
    if np.array_equal(red, green) and np.array_equal(green, blue):
        image = Image.fromarray(np.ascontiguousarray(red))
    else:
        image = Image.fromarray(pixels).quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def table(head, rows):
    """Return a table as HTML that scrolls sideways on a narrow screen; the first cell of a row is its heading."""
    cells = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    )
    scroll = '<div class="scroll" tabindex="0" role="region" aria-label="table">'
    return f"{scroll}<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"


def page(title, introduction, sections, footer):
    """Return the whole document: sections are (title, list of blocks) pairs, numbered and listed at the top."""
    contents = "".join(f'<li><a href="#s{i}">{name}</a></li>' for i, (name, _) in enumerate(sections, start=1))
    body = "\n".join(
        f'<section id="s{i}"><h2>{i}. {name}</h2>\n' + "\n".join(blocks) + "</section>"
        for i, (name, blocks) in enumerate(sections, start=1)
    )
    before, *after = body.split("<figcaption>")
    body = before + "".join(f"<figcaption><b>Figure {i}.</b> {part}" for i, part in enumerate(after, start=1))
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title><style>{STYLE}</style></head>
<body><header><h1>{html.escape(title)}</h1>{introduction}<nav><ol>{contents}</ol></nav></header>
<main>{body}</main><footer>{footer}</footer></body></html>
"""


def base64_text(data):
    """Return bytes as text for an address or a script."""
    return base64.b64encode(data).decode("ascii")
