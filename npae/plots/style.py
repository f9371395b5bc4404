"""What all figures share: line styles, an empty figure, images side by side, axes without boxes."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

STYLES: list[dict[str, Any]] = [
    {"color": "#000000", "linestyle": "-"},
    {"color": "#0072B2", "linestyle": "--"},
    {"color": "#D55E00", "linestyle": "-."},
    {"color": "#009E73", "linestyle": ":"},
    {"color": "#CC79A7", "linestyle": (0, (5, 1))},
    {"color": "#56B4E9", "linestyle": (0, (3, 1, 1, 1))},
    {"color": "#E69F00", "linestyle": (0, (1, 1))},
    {"color": "#666666", "linestyle": (0, (8, 2))},
]  # the colours are Okabe and Ito's (2008), told apart by colour-blind readers; their lightness differs too


def new_figure(width, height):
    """An empty Figure of that many inches that keeps its labels from overlapping."""
    return Figure(figsize=(width, height), layout="constrained", dpi=110)


def mosaic(X, image_shape, n_columns, pad=1):
    """The images X (N, D) side by side in one array, row by row, NaN between them."""
    X = np.asarray(X, dtype=float)
    rows, columns = image_shape
    n_rows = -(-len(X) // n_columns)
    canvas = np.full((n_rows * (rows + pad) + pad, n_columns * (columns + pad) + pad), np.nan)
    for i, image in enumerate(X.reshape(-1, rows, columns)):
        top, left = pad + (i // n_columns) * (rows + pad), pad + (i % n_columns) * (columns + pad)
        canvas[top : top + rows, left : left + columns] = image
    return canvas


def bare(axis):
    """No ticks and no frame: for images."""
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def without_box(figure):
    """The figure, its axes without the upper and the right line."""
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure
