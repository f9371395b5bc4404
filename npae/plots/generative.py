"""Figures of densities and of generative models: vector fields, chains, a code plane decoded, a bound in its parts."""

import numpy as np

from npae.plots.style import curves, new_axes, new_figure, show_images


def score_fields(fields, grid, density, *, data=None, width=9.0):
    """Arrows of vector fields over a density in the plane, one panel each, all to one scale.

    fields: dict title -> (M, 2) at the points `grid` (M, 2). density: (axis (A,), values (A, A)) drawn in grey, the
    square root of it, so that thin tails show. data: (N, 2) drawn as dots.
    """
    figure, axes = new_axes(width, width / len(fields) + 0.4, 1, len(fields))
    longest = max(np.linalg.norm(field, axis=1).max() for field in fields.values())
    spacing = np.ptp(grid[:, 0]) / (np.sqrt(len(grid)) - 1)
    edge, values = density
    for axis, (title, field) in zip(np.atleast_1d(axes), fields.items()):
        axis.contourf(edge, edge, np.sqrt(values), levels=12, cmap="Greys", alpha=0.6)
        if data is not None:
            axis.plot(*data.T, ".", color="#D55E00", markersize=1.5, alpha=0.5)
        axis.quiver(
            *grid.T, *(field * 1.6 * spacing / longest).T, angles="xy", scale_units="xy", scale=1, width=0.005,
            color="#0072B2",
        )  # fmt: skip
        axis.set(title=title, aspect="equal", xlabel="$x_1$", xlim=(edge[0], edge[-1]), ylim=(edge[0], edge[-1]))
        axis.title.set_fontsize(10)
    np.atleast_1d(axes)[0].set_ylabel("$x_2$")
    return figure


def clouds(samples, *, limit, width=9.0):
    """Samples in the plane side by side, dict title -> (N, 2), on equal axes from -limit to limit."""
    figure, axes = new_axes(width, width / len(samples) + 0.4, 1, len(samples))
    for axis, (title, X) in zip(np.atleast_1d(axes), samples.items()):
        axis.plot(*X.T, ".", color="black", markersize=1.8, alpha=0.5)
        axis.set(title=title, aspect="equal", xlim=(-limit, limit), ylim=(-limit, limit), xlabel="$x_1$")
        axis.title.set_fontsize(10)
    np.atleast_1d(axes)[0].set_ylabel("$x_2$")
    return figure


def code_plane(images, image_shape, *, extent, width=6.0):
    """Images (M^2, D) decoded on a square grid of a code of two units, row by row from the top, with the code's axes.

    extent: the largest |h| of the grid.
    """
    m = round(len(images) ** 0.5)
    figure = new_figure(width, width * image_shape[0] / image_shape[1] + 0.3)
    axis = figure.subplots()
    show_images(axis, images, image_shape, m)
    rows, columns = (m * (n + 1) + 1 for n in image_shape)
    axis.set_xticks(np.linspace(0, columns - 1, 5), [f"{h:g}" for h in np.linspace(-extent, extent, 5)])
    axis.set_yticks(np.linspace(0, rows - 1, 5), [f"{h:g}" for h in np.linspace(extent, -extent, 5)])
    axis.tick_params(length=0, labelsize=8)
    axis.set(xlabel="first code unit", ylabel="second code unit")
    return figure


def bound_parts(watched, *, width=7.0, height=3.6):
    """The evidence lower bound by epoch and its two parts; `watched` has lists reconstruction, kl and elbo."""
    epochs = np.arange(1, len(watched.kl) + 1)
    lines = {
        "log p(x | h), expected": (epochs, watched.reconstruction),
        "bound: that minus KL": (epochs, watched.elbo),
        "-KL(q(h | x) || N(0, I))": (epochs, -np.array(watched.kl)),
    }
    return curves(lines, xlabel="epoch", ylabel="nats a held-out sample", width=width, height=height)[0]


def levels(table, sigmas, *, width=7.0, height=3.8, ylabel="PSNR, dB"):
    """One curve a method over noise levels; table: dict method -> values."""
    lines = {name: (sigmas, values) for name, values in table.items()}
    figure, axis = curves(lines, xlabel="standard deviation of the noise", ylabel=ylabel, width=width, height=height,
                          marker="o", markersize=4, legend={"fontsize": 9, "ncols": 2})  # fmt: skip
    axis.set_xticks(sigmas)
    return figure
