"""Results as they are printed: columns of text under each other, and numbers as JSON can have them."""

import math


def aligned(rows, sides):
    """Lines of text, the cells of a column to its left ('<') or its right side ('>'), two blanks between columns."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(f"{cell:{side}{w}}" for cell, side, w in zip(row, sides, widths)).rstrip() for row in rows]


def json_ready(value):
    """Dicts, lists and tuples of what JSON has; NaN and infinities, which it has not, become 'nan', 'inf', '-inf'."""
    if isinstance(value, dict):
        return {key: json_ready(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return (tuple if isinstance(value, tuple) else list)(map(json_ready, value))
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
