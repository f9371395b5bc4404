"""Draw the figure of a gradient check."""

import itertools

import numpy as np

from npae.plots.style import STYLES, WIDTH, new_axes


def agreement(report, *, width=WIDTH, ax=None):
    """Draw numeric over analytic derivatives of a GradientReport, a marker per array, on symmetric logarithmic axes.

    Right entries lie on the diagonal. A constant factor is a shift, a wrong sign the other diagonal, a missing term a
    horizontal line. A circle marks the worst coordinate of each wrong array.
    """
    figure, axis = new_axes(width, width, ax=ax)
    values = np.abs(np.concatenate([v for row in report.rows for v in (row.analytic_values, row.numeric_values)]))
    top = values[np.isfinite(values)].max(initial=0.0)
    top = top if top > 1e-250 else 1.0
    threshold = max(np.quantile(values[values > top * 1e-12], 0.05) if values.any() else top, top * 1e-6)
    axis.axline((0, 0), slope=1, color="0.6", linewidth=0.8)
    for row, marker, style in zip(report.rows, itertools.cycle("osD^vPX*"), itertools.cycle(STYLES)):
        points = {"color": style["color"], "markerfacecolor": "none", "linestyle": "none"}
        axis.plot(row.analytic_values, row.numeric_values, marker=marker, markersize=5, label=row.name, **points)
        if row.status == "WRONG":
            axis.plot(row.analytic, row.numeric, marker="o", markersize=14, markeredgewidth=2, **points)
    first, last = np.log10(threshold), np.floor(np.log10(top))  # three powers of ten on either side of 0
    powers = 10.0 ** np.arange(last, first, -max(1, np.ceil((last - first) / 3)))
    limits, ticks = (-1.6 * top, 1.6 * top), [*-powers, 0, *powers[::-1]]
    axis.set_xscale("symlog", linthresh=threshold)
    axis.set_yscale("symlog", linthresh=threshold)
    axis.set(xlim=limits, ylim=limits, xticks=ticks, yticks=ticks, aspect="equal")
    axis.set(xlabel="analytic", ylabel="numeric", title=f"gradient check: {report.verdict}")
    axis.tick_params(axis="x", rotation=60)
    axis.legend(frameon=False)
    return figure
