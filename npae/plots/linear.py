"""Draw figures of linear theory: angles by step, surfaces with saddles, components as images, error by width."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator

from npae.plots.style import STYLES, WIDTH, curves, log_scale, new_axes, new_figure, show_images


def angle_curves(histories: Mapping[str, Any], *, ax: Any = None) -> Any:
    """Draw the principal angle by training step on a log axis; histories: name -> (steps, angles)."""
    legend = {"loc": "lower left"}
    ylabel = "largest principal angle to PCA, rad"
    figure, axis = curves(histories, xlabel="step", ylabel=ylabel, legend=legend, linewidth=1.3, ax=ax)
    axis.axhline(np.pi / 2, color="#666666", linewidth=0.8)
    axis.annotate("right angle", (1, np.pi / 2), (0, 3), xycoords=("axes fraction", "data"),
                  textcoords="offset points", ha="right")  # fmt: skip
    log_scale(axis)
    return figure


def surfaces(grid: np.ndarray, one_unit: np.ndarray, tied: np.ndarray, V: np.ndarray, *, lam: float) -> Any:
    """Draw J of the two linear autoencoders with two parameters, with their minima, saddles and the maximum.

    grid (G,): values of each parameter; one_unit, tied (G, G): J; V (2, 2): principal directions as rows; lam: weight
    decay of the first. `npae.experiments.linear.loss_surfaces` computes them.
    """
    figure = new_figure(WIDTH, 2.15 * WIDTH)
    one, two = figure.subplots(2, 1)
    w = np.sqrt(1 - lam)
    _contours(one, grid, one_unit)
    _mark(one, [(w, w), (-w, -w)], "minimum", "o")
    _mark(one, [(0, 0)], "saddle", "X")
    one.plot(grid[grid > 0.5], 1 / grid[grid > 0.5], "k:", linewidth=1, label="u v = 1: minima without decay")
    one.plot(grid[grid < -0.5], 1 / grid[grid < -0.5], "k:", linewidth=1)
    one.set(title=f"one input, one unit: x̂ = x u v, weight decay {lam:g}", xlabel="encoder weight u",
            ylabel="decoder weight v")  # fmt: skip
    _contours(two, grid, tied)
    for point, name, offset in ((V[0], "v₁", (-4, 8)), (V[1], "v₂", (-10, -6))):
        two.plot(*np.outer([-1.65, 1.65], point).T, color="black", linewidth=0.8, linestyle="--")
        two.annotate(name, 1.4 * point, offset, textcoords="offset points", fontsize=11, ha="right")
    _mark(two, [V[0], -V[0]], "minimum ±v₁", "o")
    _mark(two, [V[1], -V[1]], "saddle ±v₂", "X")
    _mark(two, [(0, 0)], "maximum", "^")
    two.set(title="two inputs, one tied unit: x̂ = x w wᵀ", xlabel="w₁", ylabel="w₂")
    for axis in (one, two):
        axis.set(xlim=(grid[0], grid[-1]), ylim=(grid[0], grid[-1]), aspect="equal")
        axis.title.set_fontsize(11)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, frameon=False)
    return figure


def _contours(axis: Any, grid: np.ndarray, J: np.ndarray) -> None:
    levels = J.min() + (J.max() - J.min()) * np.linspace(0, 0.75, 13) ** 3
    axis.contourf(grid, grid, J, levels=levels, cmap="Greys", alpha=0.55, extend="max")
    axis.contour(grid, grid, J, levels=levels, colors="#444444", linewidths=0.5)


def _mark(axis: Any, points: Sequence[Any], label: str, marker: str) -> None:
    axis.scatter(*np.transpose(points), marker=marker, s=90, c="white", edgecolors="black", linewidths=1.6, label=label,
                 zorder=3)  # fmt: skip


def components(rows: Mapping[str, Any], image_shape: Any) -> Any:
    """Draw signed images (k, D) in labelled rows: dark positive, light negative, each scaled by itself."""
    k = max(len(row) for row in rows.values())
    figure = new_figure(WIDTH, len(rows) * (0.95 * WIDTH / k * image_shape[0] / image_shape[1] + 0.28))
    for axis, (name, row) in zip(np.atleast_1d(figure.subplots(len(rows), 1)), rows.items()):
        images = np.asarray(row) / np.abs(row).max(axis=1, keepdims=True)
        show_images(axis, images, image_shape, k, low=-1)
        axis.set_title(name, fontsize=10, loc="left")
    return figure


def error_curves(widths: Sequence[int], errors: Mapping[str, Sequence[float]], *, ax: Any = None) -> Any:
    """Draw the held-out error by number k of code units; errors: name -> values, one per width."""
    figure, axis = new_axes(WIDTH, 3.6, ax=ax)
    for i, (style, marker, (name, values)) in enumerate(zip(STYLES, "os^Dv", errors.items())):
        axis.plot(widths, values, label=name, linewidth=1.4, marker=marker, markersize=9 - 3 * i,
                  markerfacecolor=style["color"] if i % 2 else "white", **style)  # fmt: skip
    axis.set(xlabel="code units k", ylabel="held-out mean ½‖x̂ − x‖²")
    log_scale(axis, "xy")
    axis.xaxis.set_major_locator(FixedLocator(widths))
    axis.legend(frameon=False)
    return figure
