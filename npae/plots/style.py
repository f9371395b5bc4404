"""What all figures share: line styles, empty figures, curves, images side by side, axes without boxes.

One polarity: more ink is darker. A picture of grey levels goes from 0 (white) to 1 (black); where signs matter, zero is
mid-grey, positive is darker and negative is lighter.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

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


WIDTH = 5.0  # inches of every figure: 10-point letters are legible where it is shrunk to a telephone, 355 pixels
CLASSES = (
    "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C510A", "#56B4E9", "#E69F00", "#7B3294", "#7F7F7F",
)  # fmt: skip


def new_figure(width, height):
    """An empty Figure of that many inches that keeps its labels from overlapping."""
    return Figure(figsize=(width, height), layout="constrained", dpi=110)


def new_axes(width, height, *shape, ax=None):
    """A new Figure and its axis, or an array of axes in that many rows and columns, without upper and right lines.

    With `ax`, an axis of the caller's, that axis and its figure, whatever the size.
    """
    figure = new_figure(width, height) if ax is None else ax.figure
    axes = figure.subplots(*shape) if ax is None else ax
    for axis in np.ravel(axes):
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def curves(lines, *, xlabel, ylabel, width=WIDTH, height=3.4, legend=None, ax=None, **style):
    """A Figure and its axis with a curve for each item of `lines`, a dict label -> (x, y), named in a legend.

    `legend` holds what `axis.legend` takes, `style` what `axis.plot` takes; `ax` is drawn on instead of a new figure.
    """
    figure, axis = new_axes(width, height, ax=ax)
    for own, (label, (x, y)) in zip(STYLES, lines.items()):
        axis.plot(x, y, label=label, **{"linewidth": 1.6, **style, **own})
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.legend(frameon=False, **(legend or {}))
    return figure, axis


def plain_log(axis):
    """Numbers such as 0.2, 5 and 1e-8 on a logarithmic x or y axis, whose small exponents a telephone would hide.

    To be called when all is drawn: 1, 2 and 5 of each decade where the axis has few, else 1 alone.
    """
    low, high = sorted(axis.get_view_interval())
    ratio = high / max(low, 1e-300)
    axis.set_major_locator(MaxNLocator(4) if ratio < 3 else LogLocator(subs=(1, 2, 5) if ratio < 300 else (1,)))
    axis.set_major_formatter(lambda value, _: f"{value:g}".replace("e-0", "e-").replace("e+0", "e"))
    axis.set_minor_locator(NullLocator())


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


def show_images(axis, X, image_shape, n_columns, *, low=0, top=0.0):
    """Draw images X (N, D) side by side on a bare axis, grey from `low` (white) to 1 (black); y runs from `top` down.

    Returns where it ends.
    """
    canvas = mosaic(X, image_shape, n_columns)
    bottom, right = top + canvas.shape[0], canvas.shape[1]
    axis.imshow(canvas, cmap="gray_r", vmin=low, vmax=1, interpolation="nearest", extent=(0, right, bottom, top))
    bare(axis)
    return bottom


def labelled_rows(rows, image_shape, width):
    """A Figure of rows of images, a list of (label, X (N, D), low), each grey from low (white) to 1 (black).

    All are on one axis, and the labels its ticks: an axis for each would take several times as long to draw.
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
