"""Results as they are printed: columns of text, tables for a notebook, numbers as JSON can have them."""

import html
import math


def aligned(rows, sides):
    """Lines of text, the cells of a column to its left ('<') or its right side ('>'), two blanks between columns."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(f"{cell:{side}{w}}" for cell, side, w in zip(row, sides, widths)).rstrip() for row in rows]


def html_table(head, rows, bold=lambda row: False):
    """A table for a notebook: cells of text to the left, the rows in bold of which `bold` is true."""

    def line(cells, tag, opening="", closing=""):
        texts = (f"<{tag} style='text-align:left'>{opening}{html.escape(cell)}{closing}</{tag}>" for cell in cells)
        return f"<tr>{''.join(texts)}</tr>"

    body = "".join(line(row, "td", *(("<b>", "</b>") if bold(row) else ())) for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"


def json_ready(value):
    """Dicts, lists and tuples of what JSON has; NaN and infinities, which it has not, become 'nan', 'inf', '-inf'."""
    if isinstance(value, dict):
        return {key: json_ready(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return (tuple if isinstance(value, tuple) else list)(map(json_ready, value))
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
