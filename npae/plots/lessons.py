"""Draw figures of the lessons: lines with their spread over seeds, histograms, groups of bars, maps of the plane.

Each function draws on `ax`, or on a new figure without `ax`, and returns the Figure.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from npae.plots.style import SMALL, STYLES, log_scale, new_axes

FILLS = [
    {"color": "#ffffff", "hatch": ""}, {"color": "#dddddd", "hatch": "//"}, {"color": "#b9c9de", "hatch": ".."},
    {"color": "#8c8c8c", "hatch": "xx"}, {"color": "#222222", "hatch": ""}, {"color": "#56748f", "hatch": "\\\\"},
]  # bars differ in lightness and in hatch  # fmt: skip


def lines(
    series: Mapping[str, Any], *, xlabel: str, ylabel: str, log: str = "", markers: bool = False,
    reference: tuple[str, float] | None = None, title: str | None = None, ax: Any = None,
) -> Any:  # fmt: skip
    """Draw a line for each item of a dict label -> (x, y): y (n,), or (seeds, n) as the mean in a band of all seeds.

    log: the axes that are logarithmic, '', 'x', 'y' or 'xy'. reference: (label, y) of a thin level line.
    """
    figure, axis = new_axes(7.0, 3.6, ax=ax)
    for style, marker, (label, (x, y)) in zip(STYLES, "os^DvPXd", series.items()):
        y = np.atleast_2d(y)
        shape = {"marker": marker, "markersize": 4} if markers else {}
        axis.plot(x, y.mean(axis=0), label=label, linewidth=1.6, **style, **shape)
        if len(y) > 1:
            axis.fill_between(x, y.min(axis=0), y.max(axis=0), color=style["color"], alpha=0.18, linewidth=0)
    if reference:
        axis.axhline(reference[1], color="0.55", linewidth=0.8)
        axis.annotate(reference[0], (0, reference[1]), (4, 3), xycoords=("axes fraction", "data"),
                      textcoords="offset points", fontsize=9.5, color="0.3")  # fmt: skip
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    log_scale(axis, log)
    axis.legend(**SMALL)
    return figure


def histograms(
    samples: Mapping[str, Any], bins: Any, *, xlabel: str, ylabel: str = "share", log: bool = False,
    title: str | None = None, ax: Any = None,
) -> Any:  # fmt: skip
    """Draw outlines of histograms, a dict label -> numbers of any shape; the bars of each add up to 1."""
    figure, axis = new_axes(7.0, 3.4, ax=ax)
    for style, (label, values) in zip(STYLES, samples.items()):
        values = np.ravel(values)
        weights = np.full(len(values), 1 / len(values))
        axis.hist(values, bins, weights=weights, histtype="step", label=label, linewidth=1.6, **style)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if log:
        log_scale(axis)
    axis.legend(**SMALL, loc="best")
    return figure


def grouped_bars(table: Mapping[str, Mapping[str, Any]], *, ylabel: str, log: bool = False, ax: Any = None) -> Any:
    """Draw bars in groups: a dict group -> {name: number}.

    Several numbers, one per seed, make a bar at their mean with a line from the least to the largest.
    """
    figure, axis = new_axes(8.0, 3.6, ax=ax)
    names = list(next(iter(table.values())))
    width = 0.84 / len(names)
    for i, (fill, name) in enumerate(zip(FILLS, names)):
        values = [np.atleast_1d(row[name]) for row in table.values()]
        middle = np.array([value.mean() for value in values])
        reach = np.abs([[value.min(), value.max()] for value in values] - middle[:, None]).T
        place = np.arange(len(table)) + width * (i - (len(names) - 1) / 2)
        axis.bar(place, middle, width, label=name, edgecolor="black", linewidth=0.7, **fill,
                 yerr=reach if max(map(len, values)) > 1 else None,
                 error_kw={"linewidth": 1.2, "ecolor": "#D55E00"})  # fmt: skip
    axis.set_xticks(range(len(table)), table)
    axis.set_ylabel(ylabel)
    if log:
        log_scale(axis)
    axis.legend(frameon=False, ncols=min(len(names), 5), fontsize=9.5, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def reconstructed_points(X: Any, R: Any, *, title: str, n_joined: int = 150, n_far: int = 0, ax: Any = None) -> Any:
    """Draw points of the plane X (N, 2) in grey and their reconstructions R (N, 2) in black, with lines between them.

    Only the first `n_joined` points have lines. The `n_far` points that move farthest have rings and heavier lines.
    """
    X, R = np.asarray(X), np.asarray(R)
    figure, axis = new_axes(4.4, 4.4, ax=ax)
    axis.plot(*np.stack([X[:n_joined], R[:n_joined]]).transpose(2, 0, 1), color="0.8", linewidth=0.6)
    axis.plot(*X.T, ".", color="0.6", markersize=3, label="x")
    axis.plot(*R.T, ".", color="#000000", markersize=3, label="x̂")
    if n_far:
        far = np.argsort(np.linalg.norm(R - X, axis=1))[-n_far:]
        axis.plot(*np.stack([X[far], R[far]]).transpose(2, 0, 1), color="#D55E00", linewidth=1.3)
        axis.plot(*X[far].T, "o", color="#D55E00", markersize=6, fillstyle="none", label="sent farthest")
    axis.set(title=title, xlabel="x₁", ylabel="x₂", aspect="equal")
    axis.legend(**SMALL, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    return figure


def arrows(points: Any, moves: Mapping[str, Any], *, data: Any = None, scale: float = 1.0, ax: Any = None) -> Any:
    """Draw arrows from points (N, 2) of the plane over data (M, 2); moves is a dict label -> (N, 2)."""
    figure, axis = new_axes(5.6, 5.6, ax=ax)
    if data is not None:
        axis.plot(*np.transpose(data), ".", color="0.75", markersize=3, label="data", zorder=1)
    looks = ({"color": "#000000", "width": 0.003, "zorder": 3}, {"color": "#E69F00", "width": 0.009, "zorder": 2})
    for look, (label, move) in zip(looks, moves.items()):
        axis.quiver(*np.transpose(points), *(scale * np.transpose(move)), angles="xy", scale_units="xy", scale=1,
                    label=label, **look)  # fmt: skip
    axis.set(xlabel="x₁", ylabel="x₂", aspect="equal")
    axis.legend(**SMALL, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure
