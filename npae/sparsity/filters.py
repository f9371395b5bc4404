"""Two measures of a filter: is it localized, and is it oriented, as the edges and strokes of sparse codes are?

A filter is a row of weights (D,) seen as an image. The spread of its energy over the image and the coherence of its
gradients depend only on that image. White noise is neither localized nor oriented. Principal components are waves over
the whole image: many are oriented, none is localized.
"""

import numpy as np


def spread(filters, image_shape):
    """Return the spread of the energy of each filter (n, D), (n,): 0 for one pixel or one line, 1 for a uniform image.

        spread = sqrt(det C) / sqrt(det C_uniform),    C the covariance of the position under e_p = w_p^2 / sum w^2

    The square root of the determinant is proportional to the area of the ellipse that holds most of the energy. Two
    edges at opposite ends have a spread above 1. Raises ValueError for filters that are 0 or do not match image_shape.
    """
    images = _as_images(filters, image_shape, "spread")
    energy = np.square(images)
    energy /= energy.sum(axis=(1, 2), keepdims=True)
    y, x = (np.arange(size) - (size - 1) / 2 for size in image_shape)
    rows, columns = energy.sum(axis=2), energy.sum(axis=1)  # marginals
    mean_y, mean_x = rows @ y, columns @ x
    var_y, var_x = rows @ y**2 - mean_y**2, columns @ x**2 - mean_x**2
    cov = np.einsum("nyx,y,x->n", energy, y, x) - mean_y * mean_x
    uniform = np.sqrt((y**2).mean() * (x**2).mean())
    return np.sqrt(np.maximum(var_y * var_x - cov**2, 0)) / uniform


def coherence(filters, image_shape):
    """Return how much the gradients of each filter (n, D) share one direction, (n,): 0 for none, 1 for a plane wave.

        coherence = (l1 - l2) / (l1 + l2),    l1 >= l2 the eigenvalues of sum_p grad w_p grad w_p^T

    Gradients are taken between pixels, each as the mean of two neighbouring differences: their direction is then exact
    for every wave of one frequency. Bigun and Granlund (1987), Optimal orientation detection of linear symmetry. Raises
    ValueError for filters that are uniform or do not match image_shape.
    """
    images = _as_images(filters, image_shape, "coherence")
    dy, dx = np.diff(images, axis=1), np.diff(images, axis=2)
    dy, dx = dy[:, :, 1:] + dy[:, :, :-1], dx[:, 1:] + dx[:, :-1]  # (n, rows - 1, columns - 1)
    yy, xx, xy = (np.einsum("nyx,nyx->n", a, b) for a, b in ((dy, dy), (dx, dx), (dx, dy)))
    if not (yy + xx > 0).all():
        raise ValueError("coherence: got a filter without slope, expected some contrast in each")
    return np.sqrt((yy - xx) ** 2 + 4 * xy**2) / (yy + xx)


def localized_and_oriented(filters, image_shape, *, most_spread=0.85, least_coherence=0.5):
    """Return spread <= most_spread and coherence >= least_coherence, (n,) booleans."""
    return (spread(filters, image_shape) <= most_spread) & (coherence(filters, image_shape) >= least_coherence)


def _as_images(filters, image_shape, owner):
    filters = np.asarray(filters, dtype=np.float64)
    rows, columns = image_shape
    if filters.ndim != 2 or filters.shape[1] != rows * columns or rows < 2 or columns < 2:
        got = f"got filters of shape {filters.shape} and images of {rows} x {columns}"
        raise ValueError(f"{owner}: {got}, expected (n, D) with D = rows x columns, at least 2 x 2")
    if not np.isfinite(filters).all() or not filters.any(axis=1).all():
        raise ValueError(f"{owner}: got a filter that is zero or not finite, expected some weights in each")
    return filters.reshape(-1, rows, columns)
