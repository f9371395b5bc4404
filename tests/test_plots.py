"""Figures: what they show is what they were given, and no axis has a box."""

import numpy as np
import pytest

from npae import plots
from npae.plots import linear, manifolds


def test_curves_are_drawn_in_their_order_each_in_its_own_style_and_named():
    x = np.arange(5)
    lines = {f"line {i}": (x, x**2 + i) for i in range(len(plots.STYLES))}
    figure, axis = plots.curves(lines, xlabel="x", ylabel="y")
    for line, style, (label, (_, y)) in zip(axis.lines, plots.STYLES, lines.items()):
        assert line.get_color() == style["color"] and line.get_label() == label
        np.testing.assert_array_equal(line.get_ydata(), y)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == list(lines)
    assert (axis.get_xlabel(), axis.get_ylabel(), figure.axes) == ("x", "y", [axis])
    assert len({(line.get_linestyle(), str(line._dash_pattern)) for line in axis.lines}) == len(lines)  # seen in grey


def test_no_axis_has_an_upper_or_a_right_line_and_a_bare_one_has_nothing():
    figure, axes = plots.new_axes(4, 3, 2, 2)
    for axis in axes.flat:
        assert [axis.spines[side].get_visible() for side in ("left", "bottom", "top", "right")] == [1, 1, 0, 0]
    plots.bare(axes[0, 0])
    assert not any(spine.get_visible() for spine in axes[0, 0].spines.values())
    assert not len(axes[0, 0].get_xticks()) and not len(axes[0, 0].get_yticks())
    assert figure.axes == list(axes.flat)


@pytest.mark.parametrize("shape", [(2, 3), (3, 2)])
def test_a_mosaic_holds_every_image_with_gaps_between(shape):
    X = np.arange(5 * 6.0).reshape(5, 6)
    canvas = plots.mosaic(X, shape, n_columns=2)
    rows, columns = shape
    assert canvas.shape == (3 * (rows + 1) + 1, 2 * (columns + 1) + 1)
    for i, image in enumerate(X):
        top, left = 1 + (i // 2) * (rows + 1), 1 + (i % 2) * (columns + 1)
        np.testing.assert_array_equal(canvas[top : top + rows, left : left + columns], image.reshape(shape))
    assert np.isnan(canvas).sum() == canvas.size - X.size


def test_spectra_show_median_and_quartiles_of_every_rank(rng):
    sigma = np.sort(rng.random((41, 4)))[:, ::-1]
    (axis,) = manifolds.spectra({"one": sigma, "other": 2 * sigma}).axes
    np.testing.assert_allclose(axis.lines[0].get_ydata(), np.median(sigma, axis=0))
    for band, scale in zip(axis.collections, (1, 2)):
        heights = band.get_paths()[0].vertices[:, 1]
        low, high = np.quantile(scale * sigma, (0.25, 0.75), axis=0)
        assert heights.min() == pytest.approx(low.min()) and heights.max() == pytest.approx(high.max())
    (axis,) = manifolds.spectra({"one": sigma}, normalize=True).axes
    assert axis.lines[0].get_ydata()[0] == 1


def test_learning_curves_count_epochs_from_one_and_add_the_validation_loss():
    history = {"loss": [3.0, 2.0, 1.0], "validation_loss": [4.0, 3.0, 2.5]}
    (axis,) = plots.learning_curves({"model": history}).axes
    for line, key in zip(axis.lines, history):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([[1, 2, 3], history[key]]))
    assert len(axis.get_legend().get_texts()) == 1


def test_components_are_scaled_each_by_itself(rng):
    (axis,) = linear.components({"rows": np.array([[1.0, -2, 0, 0.5], [0.1, 0, 0, 0.05]])}, (2, 2)).axes
    shown = axis.images[0].get_array()
    assert np.nanmin(shown) == -1 and np.nanmax(shown) == 1 and axis.images[0].get_clim() == (-1, 1)
