"""Draw figures of learnt manifolds: spectra, tangent planes, tangent images, contraction curves and walks.

Every function takes arrays that `npae.manifold` computes and returns a matplotlib Figure, like those of `npae.plots`.
"""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from npae.plots.style import STYLES, WIDTH, bare, curves, labelled_rows, log_scale, new_axes, new_figure, plain_log


def spectra(sigma, *, n_dims=None, normalize=False, width=WIDTH, height=3.4, ax=None):
    """Draw singular values by rank: sigma is a dict label -> (N, k) of `singular_values`; median and quartiles.

    `n_dims` marks a known dimension; `normalize` divides the values of every sample by the largest.
    """
    if normalize:
        sigma = {label: values / values[:, :1] for label, values in sigma.items()}
    quartiles = {
        label: np.quantile(np.maximum(values, 1e-8), (0.25, 0.5, 0.75), axis=0) for label, values in sigma.items()
    }
    lines = {label: (np.arange(1, len(middle) + 1), middle) for label, (_, middle, _) in quartiles.items()}
    ylabel = "singular value" + (" / largest" if normalize else "")
    figure, axis = curves(lines, xlabel="rank", ylabel=ylabel, width=width, height=height, ax=ax, marker=".")
    for style, (rank, _), (low, _, high) in zip(STYLES, lines.values(), quartiles.values()):
        axis.fill_between(rank, low, high, color=style["color"], alpha=0.15, linewidth=0)
    if n_dims is not None:
        axis.axvline(n_dims + 0.5, color="0.6", linewidth=0.8)
        axis.annotate(f"dimension {n_dims}", (n_dims + 0.55, 0.02), xycoords=("data", "axes fraction"), color="0.4")
    axis.set_yscale("log")
    axis.set_ylim(bottom=max(axis.get_ylim()[0], 1e-5))
    plain_log(axis.yaxis)
    return figure


def tangents_on_curve(X, T, T_true, plane, *, curve=None, length=0.3, width=WIDTH, title=None, ax=None):
    """Draw learnt (black) and true (orange) tangents of a curve at X (N, D) in a plane.

    T and T_true are (N, 1, D). `plane` (2, D) has orthonormal rows, such as the embedding of a dataset. `curve` (M, D),
    in order, is drawn underneath.
    """
    figure, axis = new_axes(width, width, ax=ax)
    if curve is not None:
        axis.plot(*(curve @ plane.T).T, color="0.7", linewidth=1)
    ends = (("true", T_true, "#D55E00", 3.0), ("learnt", T, "#000000", 1.2))
    for label, tangents, color, linewidth in ends:
        step = length / 2 * tangents[:, 0]
        lines = np.stack([(X - step) @ plane.T, (X + step) @ plane.T])  # (2, N, 2)
        for i in range(len(X)):
            axis.plot(*lines[:, i].T, color=color, linewidth=linewidth, label=label if i == 0 else None)
    axis.scatter(*(X @ plane.T).T, s=8, color="#0072B2", zorder=3)
    axis.set(aspect="equal", title=title)
    axis.legend(frameon=False, loc="center")
    bare(axis)
    return figure


def tangents_on_surface(
    X, T, space, angles, *, cloud=None, length=0.25, view=(25, -60), width=WIDTH, title=None, ax=None
):
    """Draw learnt tangent planes of a surface at X (N, D) as squares in a three-dimensional space.

    T is (N, 2, D); `space` (3, D) has orthonormal rows. A darker square has a larger angle to the true plane, `angles`
    (N,) in radians. `cloud` (M, D) is drawn underneath.
    """
    axis = new_figure(width, width * 0.8).add_subplot(projection="3d") if ax is None else ax
    if cloud is not None:
        axis.scatter(*(cloud @ space.T).T, s=1.5, color="0.6", linewidth=0)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * length / 2
    squares = (X[:, None, :] + corners @ T) @ space.T  # (N, 4, 3)
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection  # type: ignore[import-untyped]

    shade = ScalarMappable(Normalize(0, 30), "viridis_r")
    axis.add_collection3d(
        Poly3DCollection(squares, facecolors=shade.to_rgba(np.degrees(angles)), edgecolors="0.2", linewidths=0.4)
    )
    axis.figure.colorbar(shade, ax=axis, label="angle to the true plane, degrees", shrink=0.6, extend="max")
    axis.view_init(*view)
    low, high = squares.min(axis=(0, 1)), squares.max(axis=(0, 1))
    axis.set(**{f"{name}lim": limits for name, limits in zip("xyz", zip(low, high))})
    axis.set_box_aspect(high - low, zoom=1.3)
    axis.set_axis_off()
    axis.set_title(title)
    return axis.figure


def tangent_images(X, tangents, image_shape, *, width=WIDTH):
    """Draw images X (N, D) in the first row and tangent images, rows for each label, below.

    `tangents` is a dict label -> (N, T, D): one row for each of the T tangents. Mid-grey is no change, darker is more
    ink, lighter less; each tangent is divided by its largest entry.
    """
    rows = [("x", X, 0)]
    for label, T in tangents.items():
        for t in range(T.shape[1]):
            each = T[:, t] / np.abs(T[:, t]).max(axis=1, keepdims=True)
            rows.append((f"{label} {t + 1}" if T.shape[1] > 1 else label, each, -1))
    return labelled_rows(rows, image_shape, width)


def contraction_curves(radii, ratios, *, spacing=None, width=WIDTH, ax=None):
    """Draw distance between codes / distance between inputs by radius: ratios is a dict label -> (len(radii),).

    `spacing` marks a distance, such as the distance between neighbouring samples.
    """
    lines = {label: (radii, ratio) for label, ratio in ratios.items()}
    figure, axis = curves(lines, xlabel="radius in input space", ylabel="contraction ratio", width=width, ax=ax)
    axis.axhline(1, color="0.7", linewidth=0.8)
    if spacing is not None:
        axis.axvline(spacing, color="0.6", linewidth=0.8)
        axis.annotate("nearest neighbour", (spacing, 0.85), (-4, 0), xycoords=("data", "axes fraction"),
                      textcoords="offset points", color="0.4", ha="right")  # fmt: skip
    log_scale(axis, "x")
    axis.set_ylim(bottom=0)
    return figure


def walks(paths, lines, image_shape, *, width=WIDTH):
    """Draw walks on the manifold, each above the straight line with the same first direction: (n_steps + 1, N, D)."""
    rows = []
    for n in range(paths.shape[1]):
        rows += [("walk", paths[:, n], 0), ("straight line", lines[:, n], 0)]
    return labelled_rows(rows, image_shape, width)
