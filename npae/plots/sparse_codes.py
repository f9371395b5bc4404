"""Draw figures of capacity and of sparse codes: copies, memorized samples, the cost of sparsity, filters.

Each function takes results of `npae.experiments.capacity`, `sparse_codes`, `edges` or `pretraining`.
"""

import numpy as np

from npae.plots.style import SMALL, STYLES, WIDTH, log_scale, new_axes, new_figure, show_images

MARKERS = "os^Dv<>P"


def whole_map(M, *, width=WIDTH, ax=None):
    """Draw the matrix of a linear autoencoder, from white, 0, to black, 1."""
    figure, axis = new_axes(width, width * 0.62, ax=ax)
    if ax is None:
        figure.set_layout_engine("compressed")
    image = axis.imshow(M, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(image, ax=axis, shrink=0.85)
    axis.set(xlabel="output", ylabel="input")
    return figure


def curve_of_memory(memory, *, width=WIDTH, ax=None):
    """Draw the decoder's curve g(h) of a code of one unit through the training samples, with held-out samples."""
    figure, axis = new_axes(width, width, ax=ax)
    h = memory.network.encode(memory.train)
    code = np.linspace(h.min(), h.max(), 4000)[:, None]
    axis.plot(*memory.test[:200].T, ".", color="0.75", markersize=3, label="held-out samples")
    axis.plot(*memory.network.decode(code).T, color="#0072B2", linewidth=1.2, label="the decoder's curve g(h)")
    axis.plot(*memory.train.T, "o", color="black", markersize=5, label="training samples")
    axis.set(xlabel="x₁", ylabel="x₂", xlim=(-3.3, 3.3), ylim=(-3.3, 3.3), aspect="equal")
    axis.legend(frameon=True, fontsize=9.5, loc="upper left")
    return figure


def frontier(methods, *, width=WIDTH, ax=None):
    """Draw the fraction of variance unexplained by mean L0; methods: name -> list of (strength, L0, fraction, dead)."""
    figure, axis = new_axes(width, 3.8, ax=ax)
    for i, (style, (name, points)) in enumerate(zip(STYLES, methods.items())):
        points = sorted(points, key=lambda point: point[1])
        look = {"marker": MARKERS[i], "markersize": 7 - 1.5 * i, "markerfacecolor": "white"}
        axis.plot([p[1] for p in points], [p[2] for p in points], label=name, **look, **style)
    axis.set(xlabel="active units per sample, mean L0", ylabel="fraction unexplained")
    log_scale(axis, "xy")
    axis.legend(frameon=False)
    return figure


def cheat_curves(histories, *, width=WIDTH):
    """Draw penalty and norm of the decoder's rows by epoch, for a free decoder and one with unit rows."""
    figure, axes = new_axes(width, 2.5, 1, 2)
    for axis, column, name in zip(axes, (1, 2), ("penalty", "norm of a decoder's row")):
        for style, (label, rows) in zip(STYLES, histories.items()):
            axis.plot(rows[:, 0], rows[:, column], label=label, linewidth=1.6, **style)
        axis.set(xlabel="epoch", ylabel=name, ylim=(0, None))
        log_scale(axis, "x")
    axes[1].legend(**SMALL, loc="lower right")
    return figure


def revival_curves(counts, histograms, *, width=WIDTH):
    """Draw dead units by epoch, and a histogram of how often the living units are active.

    counts: name -> dead units by epoch; histograms: name -> (counts, edges, n_dead) of `density_histogram`.
    """
    figure, (left, right) = new_axes(width, 3.0, 1, 2)
    for style, (name, dead) in zip(STYLES, counts.items()):
        left.plot(np.arange(1, len(dead) + 1), dead, label=name, linewidth=1.8, **style)
        n, edges, _ = histograms[name]
        right.stairs(n, edges, linewidth=1.8, edgecolor=style["color"], linestyle=style["linestyle"])
    left.set(xlabel="epoch", ylabel="dead units", ylim=(0, None))
    right.set(xlabel="active on this fraction\nof the samples", ylabel="living units")
    log_scale(right, "x")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    return figure


def exercise_filters(result, *, n=25, n_columns=5, width=WIDTH):
    """Draw learnt, principal and random filters as images, and as points of spread and coherence.

    Dark is positive, light negative, mid-grey zero; each filter is scaled by itself. The shaded corner of the last
    panel holds localized and oriented filters.
    """
    figure = new_figure(width, width * (0.36 * -(-n // n_columns) / 5 + 0.62))
    above, below = figure.subfigures(2, 1, height_ratios=(0.36 * -(-n // n_columns) / 5, 0.62))
    shape, most, criteria = result.exercise.image_shape, result.exercise.most_spread, result.criteria()
    for axis, (name, rows) in zip(above.subplots(1, len(criteria)), result.filters.items()):
        show_images(axis, _scaled(rows[:n]), shape, n_columns, low=-1)
        axis.set_title(f"{name}: {criteria[name][2]} of {len(rows)}", fontsize=10)
    axis = below.subplots()
    for i, (name, (spread, coherence, _)) in enumerate(criteria.items()):
        axis.plot(spread, coherence, MARKERS[i], color=STYLES[i]["color"], markersize=5, alpha=0.8,
                  markerfacecolor="white" if i else None, label=name)  # fmt: skip
    axis.axvspan(0, most, 0.5 / 1.05, 1, color="0.9", zorder=0)
    axis.set(xlabel="spread of the energy, 1 = all over the image", ylabel="coherence of the slopes", ylim=(0, 1.05),
             xlim=(0, None))  # fmt: skip
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(**SMALL)
    return figure


def _scaled(filters):
    return filters / np.abs(filters).max(axis=1, keepdims=True)


def answers(filters, images, image_shape, *, width=WIDTH):
    """Draw a column per unit: its filter (n, D) on top, below the images (n, m, D) that excite the unit, best first.

    Dark is positive, light negative. The images share one scale; each filter is scaled by itself.
    """
    n, m, D = images.shape
    figure = new_figure(width, 0.9 * width * (m + 1.3) / n * image_shape[0] / image_shape[1] + 0.2)
    above, below = figure.subplots(2, 1, gridspec_kw={"height_ratios": (1, m)})
    show_images(above, _scaled(filters), image_shape, n, low=-1)
    stacked, limit = images.transpose(1, 0, 2).reshape(n * m, D), np.abs(images).max()
    show_images(below, stacked / limit, image_shape, n, low=-1 if images.min() < 0 else 0)
    for axis, label in ((above, "filter"), (below, "best\nimages")):
        axis.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9.5)
    return figure


def label_curves(found, *, width=WIDTH, ax=None):
    """Draw accuracy by number of labels, mean and spread over seeds; found: a list of (start, labels) -> accuracy."""
    figure, axis = new_axes(width, 3.6, ax=ax)
    labels = sorted({n for _, n in found[0]})
    starts = list(dict.fromkeys(start for start, _ in found[0]))
    for i, (style, start) in enumerate(zip(STYLES, starts)):
        right = np.array([[100 * each[start, n] for n in labels] for each in found])
        spread = right.std(axis=0, ddof=1) if len(found) > 1 else np.zeros(len(labels))
        moved = np.array(labels) * 1.03 ** (i - (len(starts) - 1) / 2)
        axis.errorbar(moved, right.mean(axis=0), spread, capsize=3, label=start, marker=MARKERS[i], **style)
    axis.set(xscale="log", xlabel="labels", ylabel="held-out accuracy, %")
    axis.set_xticks(labels, [str(n) for n in labels])
    axis.minorticks_off()
    axis.legend(frameon=False, loc="lower right")
    return figure
