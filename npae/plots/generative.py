"""Draw figures of densities and generative models: vector fields, chains, a decoded code plane, parts of a bound."""

import numpy as np

from npae.plots.style import WIDTH, curves, log_scale, new_axes, show_images


def score_fields(fields, grid, density, *, data=None, width=WIDTH):
    """Draw arrows of vector fields over a density in the plane, one panel each, on one scale.

    fields: dict title -> (M, 2) at the points `grid` (M, 2). density: (axis (A,), values (A, A)); its square root
    is drawn in grey, so that thin tails are visible. data: (N, 2), drawn as dots.
    """
    figure, axes = new_axes(width, width / len(fields) + 0.5, 1, len(fields))
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
        axis.set(title=title, aspect="equal", xlabel="x₁", xlim=(edge[0], edge[-1]), ylim=(edge[0], edge[-1]))
        axis.title.set_fontsize(10)
    np.atleast_1d(axes)[0].set_ylabel("x₂")
    return figure


def clouds(samples, *, limit, width=WIDTH):
    """Draw samples in the plane, dict title -> (N, 2), two panels per row, on equal axes from -limit to limit."""
    n_rows = -(-len(samples) // 2)
    figure, axes = new_axes(width, n_rows * (width / 2 + 0.1) + 0.2, n_rows, 2)
    for axis, (title, X) in zip(axes.flat, samples.items()):
        axis.plot(*X.T, ".", color="black", markersize=2.5, alpha=0.5, markeredgewidth=0)
        axis.set(aspect="equal", xlim=(-limit, limit), ylim=(-limit, limit))
        axis.set_title(title, fontsize=10)
        axis.label_outer()
    for axis in axes.flat[len(samples) :]:
        axis.set_axis_off()
    figure.supxlabel("x₁", fontsize=10)
    figure.supylabel("x₂", fontsize=10)
    return figure


def code_plane(images, image_shape, *, extent, width=WIDTH, ax=None):
    """Draw images (M^2, D), decoded on a square grid of a code of two units, row by row from the top, with its axes.

    extent: the largest |h| of the grid.
    """
    m = round(len(images) ** 0.5)
    figure, axis = new_axes(width, width * image_shape[0] / image_shape[1] + 0.3, ax=ax)
    show_images(axis, images, image_shape, m)
    rows, columns = (m * (n + 1) + 1 for n in image_shape)
    axis.set_xticks(np.linspace(0, columns - 1, 5), [f"{h:g}" for h in np.linspace(-extent, extent, 5)])
    axis.set_yticks(np.linspace(0, rows - 1, 5), [f"{h:g}" for h in np.linspace(extent, -extent, 5)])
    axis.tick_params(length=0)
    axis.set(xlabel="first code unit", ylabel="second code unit")
    return figure


def bound_parts(watched, *, width=WIDTH, height=3.6, ax=None):
    """Draw the negative evidence lower bound by epoch and its two parts, costs in nats, on a log axis.

    `watched` has the lists reconstruction, kl and elbo.
    """
    epochs = np.arange(1, len(watched.kl) + 1)
    lines = {
        "L = -E[log p(x | h)]": (epochs, -np.array(watched.reconstruction)),
        "L + Ω, the negative bound": (epochs, -np.array(watched.elbo)),
        "Ω = KL(q(h | x) || N(0, I))": (epochs, watched.kl),
    }
    figure, axis = curves(lines, xlabel="epoch", ylabel="nats per held-out sample", width=width, height=height, ax=ax)
    if all(np.min(y) > 0 for _, y in lines.values()):
        log_scale(axis)
    return figure


def levels(table, sigmas, *, width=WIDTH, height=3.8, ylabel="PSNR, dB", ax=None):
    """Draw a curve per method over noise levels; table: dict method -> values."""
    lines = {name: (sigmas, values) for name, values in table.items()}
    legend = {"ncols": 2, "loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
    figure, axis = curves(lines, xlabel="standard deviation of the noise", ylabel=ylabel, width=width, height=height,
                          marker="o", markersize=4, legend=legend, ax=ax)  # fmt: skip
    axis.set_xticks(sigmas)
    return figure
