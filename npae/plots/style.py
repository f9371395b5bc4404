"""What all figures share: line styles, empty figures, curves, images side by side, axes without boxes."""

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


def new_axes(width, height, *shape):
    """A new Figure and its axis, or an array of axes in that many rows and columns, without upper and right lines."""
    figure = new_figure(width, height)
    axes = figure.subplots(*shape)
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def curves(lines, *, xlabel, ylabel, width=7.0, height=3.8, legend=None, **style):
    """A new Figure and its axis with a curve for each item of `lines`, a dict label -> (x, y), named in a legend.

    `legend` holds what `axis.legend` takes, `style` what `axis.plot` takes.
    """
    figure, axis = new_axes(width, height)
    for own, (label, (x, y)) in zip(STYLES, lines.items()):
        axis.plot(x, y, label=label, **{"linewidth": 1.6, **style, **own})
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.legend(frameon=False, **(legend or {}))
    return figure, axis


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
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def show_images(axis, X, image_shape, n_columns, *, low=0, cmap="gray_r"):
    """Draw images X (N, D) side by side on a bare axis, grey from `low` to 1."""
    axis.imshow(mosaic(X, image_shape, n_columns), cmap=cmap, vmin=low, vmax=1, interpolation="nearest")
    bare(axis)


def labelled_rows(rows, image_shape, width):
    """A Figure of rows of images, a list of (label, X (N, D), low), each grey from low (white) to 1 (black)."""
    n = max(len(X) for _, X, _ in rows)
    label_width = 0.09 * max(len(label) for label, _, _ in rows) + 0.15  # inches
    height = 1.04 * (width - label_width) / n * image_shape[0] / image_shape[1]
    figure = Figure(figsize=(width, len(rows) * height), dpi=110)
    grid = {"left": label_width / width, "right": 1, "bottom": 0, "top": 1, "hspace": 0}
    for axis, (label, X, low) in zip(np.atleast_1d(figure.subplots(len(rows), 1, gridspec_kw=grid)), rows):
        show_images(axis, X, image_shape, n, low=low)
        axis.set_ylabel(label, rotation=0, ha="right", va="center")
    return figure
