"""Figures of autoencoders: images in rows, filters, learning curves, codes."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from npae.plots.style import STYLES, bare, mosaic, new_figure, without_box


def image_rows(rows, image_shape, *, width=9.0):
    """One labelled row of images for each item of `rows`, a dict label -> X (N, D); grey levels 0 to 1."""
    n = max(len(X) for X in rows.values())
    label_width = 0.09 * max(len(label) for label in rows) + 0.15  # inches
    height = 1.04 * (width - label_width) / n * image_shape[0] / image_shape[1]
    figure = Figure(figsize=(width, len(rows) * height), dpi=110)
    grid = {"left": label_width / width, "right": 1, "bottom": 0, "top": 1, "hspace": 0}
    for axis, (label, X) in zip(np.atleast_1d(figure.subplots(len(rows), 1, gridspec_kw=grid)), rows.items()):
        axis.imshow(mosaic(X, image_shape, n), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        axis.set_ylabel(label, rotation=0, ha="right", va="center")
        bare(axis)
    return figure


def filters(groups, image_shape, *, n=32, n_columns=8, width=9.0):
    """Weights seen as images: groups is a dict title -> W (D, K); the first n columns of each, side by side.

    Each filter is divided by its largest |weight|: white is positive, black negative, mid-grey zero.
    """
    n_rows = -(-min(n, max(W.shape[1] for W in groups.values())) // n_columns)
    each = width / len(groups)
    figure = new_figure(width, each * n_rows / n_columns * image_shape[0] / image_shape[1] + 0.45)
    for axis, (title, W) in zip(np.atleast_1d(figure.subplots(1, len(groups))), groups.items()):
        W = W[:, :n] / np.abs(W[:, :n]).max(axis=0)
        axis.imshow(mosaic(W.T, image_shape, n_columns), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        axis.set_title(title, fontsize=10)
        bare(axis)
    return figure


def learning_curves(histories, *, width=7.0, ylabel="objective J"):
    """Objective by epoch on a log axis; histories is a dict label -> history_ of a fitted autoencoder."""
    figure = new_figure(width, 3.6)
    axis = figure.subplots()
    for style, (label, history) in zip(STYLES, histories.items()):
        epochs = np.arange(1, len(history["loss"]) + 1)
        axis.plot(epochs, history["loss"], label=label, linewidth=1.6, **style)
        if history.get("validation_loss"):
            axis.plot(epochs, history["validation_loss"], linewidth=0.8, **style)
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("")
    axis.set_xlabel("epoch")
    axis.set_ylabel(ylabel)
    axis.legend(frameon=False, fontsize=9, ncols=2)
    return without_box(figure)


def code_scatter(codes, target, *, width=9.0):
    """Each sample drawn as its class digit at its 2-d code; codes is a dict title -> h (N, 2)."""
    figure = new_figure(width, width / len(codes) + 0.3)
    for axis, (title, h) in zip(np.atleast_1d(figure.subplots(1, len(codes))), codes.items()):
        for label in np.unique(target):
            points = h[target == label]
            color = STYLES[int(label) % len(STYLES)]["color"]
            axis.scatter(*points.T, marker=f"${label}$", s=36, color=color, linewidth=0.2)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("first code coordinate")
        axis.set_ylabel("second code coordinate")
    return without_box(figure)


def bars(values, *, ylabel, width=7.0, log=False):
    """One labelled bar for each item of a dict label -> number, with the number on it."""
    figure = new_figure(width, 3.2)
    axis = figure.subplots()
    hatches = ["", "///", "...", "xx", "\\\\", "++", "oo", "--"]
    drawn = axis.bar(list(values), list(values.values()), color="#c8d6e5", edgecolor="black", hatch=None)
    for bar, hatch in zip(drawn, hatches):
        bar.set_hatch(hatch)
    axis.bar_label(drawn, fmt="%.3g", padding=2)
    axis.set_ylabel(ylabel)
    axis.margins(y=0.12)
    if log:
        axis.set_yscale("log")
    return without_box(figure)
