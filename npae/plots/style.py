"""Share the style of all figures: line styles, empty figures, curves, images side by side, axes without boxes.

More ink is darker. A picture of grey levels goes from 0 (white) to 1 (black). In a picture with signs zero is mid-grey,
positive is darker and negative is lighter.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

# the colours of Okabe and Ito (2008), which colour-blind readers can distinguish; they differ in lightness, too
STYLES: list[dict[str, Any]] = [
    {"color": "#000000", "linestyle": "-"}, {"color": "#0072B2", "linestyle": "--"},
    {"color": "#D55E00", "linestyle": "-."}, {"color": "#009E73", "linestyle": ":"},
    {"color": "#CC79A7", "linestyle": (0, (5, 1))}, {"color": "#56B4E9", "linestyle": (0, (3, 1, 1, 1))},
    {"color": "#E69F00", "linestyle": (0, (1, 1))}, {"color": "#666666", "linestyle": (0, (8, 2))},
]  # fmt: skip

WIDTH = 5.0  # inches of every figure: 10-point letters stay legible on a telephone of 355 pixels
CLASSES = (
    "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C510A", "#56B4E9", "#E69F00", "#7B3294", "#7F7F7F",
)  # fmt: skip
SMALL = {"frameon": False, "fontsize": 9.5}  # of a legend


def new_figure(width, height):
    """Return an empty Figure of that size in inches whose labels do not overlap."""
    return Figure(figsize=(width, height), layout="constrained", dpi=110)


def new_axes(width, height, *shape, ax=None):
    """Return a new Figure and its axis, or an array of axes of shape (rows, columns), without upper and right lines.

    If the caller gives an axis `ax`, return its figure and this axis, whatever the size.
    """
    figure = new_figure(width, height) if ax is None else ax.figure
    axes = figure.subplots(*shape) if ax is None else ax
    for axis in np.ravel(axes):
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def curves(lines, *, xlabel, ylabel, width=WIDTH, height=3.4, legend=None, ax=None, **style):
    """Draw a curve for each item of `lines`, a dict label -> (x, y), with a legend; return the Figure and its axis.

    `legend` holds arguments of `axis.legend`, `style` arguments of `axis.plot`.
    """
    figure, axis = new_axes(width, height, ax=ax)
    for each, (label, (x, y)) in zip(STYLES, lines.items()):
        axis.plot(x, y, label=label, **{"linewidth": 1.6, **style, **each})
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.legend(frameon=False, **(legend or {}))
    return figure, axis


def log_scale(axis, names="y"):
    """Make the axes named in `names`, 'x', 'y' or 'xy', logarithmic with plain numbers; call it after drawing."""
    axis.set(**{f"{name}scale": "log" for name in names})
    for name in names:
        plain_log(getattr(axis, f"{name}axis"))


def plain_log(axis):
    """Write numbers such as 0.2, 5 and 1e-8 on a logarithmic x or y axis; a telephone would hide small exponents.

    The ticks are 1, 2 and 5 of each decade if the axis has few decades, else 1. Call it after drawing.
    """
    low, high = sorted(axis.get_view_interval())
    ratio = high / max(low, 1e-300)
    axis.set_major_locator(MaxNLocator(4) if ratio < 3 else LogLocator(subs=(1, 2, 5) if ratio < 300 else (1,)))
    axis.set_major_formatter(lambda value, _: f"{value:g}".replace("e-0", "e-").replace("e+0", "e"))
    axis.set_minor_locator(NullLocator())


def mosaic(X, image_shape, n_columns, pad=1):
    """Return the images X (N, D) side by side in one array, row by row, with NaN between them."""
    X = np.asarray(X, dtype=float)
    rows, columns = image_shape
    n_rows = -(-len(X) // n_columns)
    canvas = np.full((n_rows * (rows + pad) + pad, n_columns * (columns + pad) + pad), np.nan)
    for i, image in enumerate(X.reshape(-1, rows, columns)):
        top, left = pad + (i // n_columns) * (rows + pad), pad + (i % n_columns) * (columns + pad)
        canvas[top : top + rows, left : left + columns] = image
    return canvas


def bare(axis):
    """Remove ticks and frame of an axis for images."""
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def show_images(axis, X, image_shape, n_columns, *, low=0, top=0.0):
    """Draw images X (N, D) side by side on a bare axis, grey from `low` (white) to 1 (black); y runs from `top` down.

    Return the y at which the last row ends.
    """
    canvas = mosaic(X, image_shape, n_columns)
    bottom, right = top + canvas.shape[0], canvas.shape[1]
    axis.imshow(canvas, cmap="gray_r", vmin=low, vmax=1, interpolation="nearest", extent=(0, right, bottom, top))
    bare(axis)
    return bottom


def labelled_rows(rows, image_shape, width):
    """Return a Figure of rows of images, a list of (label, X (N, D), low), each grey from low (white) to 1 (black).

    All rows share one axis, and its ticks are the labels, because an axis per row would take several times as long.
    """
    labels = [label for label, _, _ in rows]
    n = max(len(X) for _, X, _ in rows)
    label_width = 0.083 * max(len(line) for label in labels for line in label.splitlines()) + 0.12  # inches
    height = 1.04 * (width - label_width) / n * image_shape[0] / image_shape[1]
    figure = Figure(figsize=(width, len(rows) * height), dpi=110)
    axis = figure.add_axes((label_width / width, 0, 1 - label_width / width, 1))
    edges = [0.0]
    for _, X, low in rows:
        edges.append(show_images(axis, X, image_shape, n, low=low, top=edges[-1]))
    axis.set_ylim(edges[-1], 0)
    axis.set_yticks(np.add(edges[:-1], edges[1:]) / 2, labels)
    axis.tick_params(length=0)
    return figure
