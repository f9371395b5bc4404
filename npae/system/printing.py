"""Results in print: columns of text, tables for a notebook, numbers for JSON."""

import html
import math


def text_columns(rows, sides):
    """Return lines of text, each column aligned left ('<') or right ('>'), with two blanks between columns."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(f"{cell:{side}{w}}" for cell, side, w in zip(row, sides, widths)).rstrip() for row in rows]


def html_table(head, rows, bold=lambda row: False):
    """Return an HTML table of texts, aligned left; the rows for which `bold` is true are bold."""

    def line(cells, tag, opening="", closing=""):
        texts = (f"<{tag} style='text-align:left'>{opening}{html.escape(cell)}{closing}</{tag}>" for cell in cells)
        return f"<tr>{''.join(texts)}</tr>"

    body = "".join(line(row, "td", *(("<b>", "</b>") if bold(row) else ())) for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"


def json_ready(value):
    """Return the value with NaN and infinities, which JSON lacks, as 'nan', 'inf', '-inf'."""
    if isinstance(value, dict):
        return {key: json_ready(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return (tuple if isinstance(value, tuple) else list)(map(json_ready, value))
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
