"""Draw figures of autoencoders: images in rows, filters, learning curves, codes."""

import numpy as np

from npae.plots.style import CLASSES, STYLES, WIDTH, curves, labelled_rows, log_scale, new_axes, show_images


def image_rows(rows, image_shape, *, width=WIDTH):
    """Draw a labelled row of images for each item of a dict label -> X (N, D), from white, 0, to black, 1."""
    return labelled_rows([(label, X, 0) for label, X in rows.items()], image_shape, width)


def filters(groups, image_shape, *, n=32, n_columns=8, width=WIDTH):
    """Draw weights as images: groups is a dict title -> W (D, K); the first n columns of each, side by side.

    Each filter is divided by its largest |weight|: dark is positive, light negative, mid-grey zero.
    """
    n_rows = -(-min(n, max(W.shape[1] for W in groups.values())) // n_columns)
    each = width / len(groups)
    height = each * n_rows / n_columns * image_shape[0] / image_shape[1] + 0.45
    figure, axes = new_axes(width, height, 1, len(groups))
    for axis, (title, W) in zip(np.atleast_1d(axes), groups.items()):
        W = W[:, :n] / np.abs(W[:, :n]).max(axis=0)
        show_images(axis, W.T, image_shape, n_columns, low=-1)
        axis.set_title(title, fontsize=10)
    return figure


def learning_curves(histories, *, width=WIDTH, ylabel="objective J", ax=None):
    """Draw the objective by epoch on a log axis; histories is a dict label -> history_ of a fitted autoencoder."""
    lines = {label: (np.arange(1, len(history["loss"]) + 1), history["loss"]) for label, history in histories.items()}
    legend = {"ncols": 2}
    figure, axis = curves(lines, xlabel="epoch", ylabel=ylabel, width=width, height=3.8, legend=legend, ax=ax)
    for style, history, (epochs, _) in zip(STYLES, histories.values(), lines.values()):
        if history.get("validation_loss"):
            axis.plot(epochs, history["validation_loss"], linewidth=0.8, **style)
    log_scale(axis)
    return figure


def code_scatter(codes, target, *, width=WIDTH):
    """Draw each sample as its class digit at its 2-d code, one map above the other; codes: title -> h (N, 2)."""
    figure, axes = new_axes(width, 0.8 * width * len(codes), len(codes), 1)
    for axis, (title, h) in zip(np.atleast_1d(axes), codes.items()):
        for label in np.unique(target):
            points = h[target == label]
            axis.scatter(*points.T, marker=f"${label}$", s=36, color=CLASSES[int(label) % len(CLASSES)], linewidth=0.2)
        axis.margins(0.02)
        axis.set_title(title, fontsize=10)
        axis.set(xlabel="first code coordinate", ylabel="second code coordinate")
    return figure


def bars(values, *, ylabel, width=WIDTH, log=False, ax=None):
    """Draw a labelled bar for each item of a dict label -> number, with the number on it."""
    figure, axis = new_axes(width, 3.2, ax=ax)
    drawn = axis.bar(list(values), list(values.values()), color="#c8d6e5", edgecolor="black")
    for bar, hatch in zip(drawn, ["", "///", "...", "xx", "\\\\", "++", "oo", "--"]):
        bar.set_hatch(hatch)
    axis.bar_label(drawn, fmt="%.4g", padding=2)
    axis.set_ylabel(ylabel)
    axis.margins(y=0.12)
    if log:
        log_scale(axis)
    return figure
