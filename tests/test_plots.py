"""Figures: what they show is what they were given, and no axis has a box."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from npae import plots
from npae.plots import generative, linear, manifolds, sparse_codes
from npae.plots.style import CLASSES


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


def lab(color):
    """CIE L*, a*, b* of a colour, for daylight."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    M = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    f = np.cbrt(np.maximum(M @ linear / [0.9505, 1, 1.089], 1e-4))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_ten_classes_have_ten_colours_that_are_told_apart_from_each_other_and_from_paper():
    colors = np.array([lab(color) for color in [*CLASSES, "white"]])
    apart = np.linalg.norm(colors[:, None] - colors, axis=2)[~np.eye(11, dtype=bool)]
    assert len(CLASSES) == 10 and apart.min() > 25  # about 2 is the least that is seen side by side


def test_everywhere_more_ink_is_darker_and_zero_is_mid_grey_where_signs_matter(rng):
    X, signed = rng.random((4, 9)), rng.normal(size=(4, 9))
    unsigned = [plots.image_rows({"a": X}, (3, 3)), generative.code_plane(X, (3, 3), extent=1)]
    with_signs = [
        plots.filters({"a": signed.T}, (3, 3)),
        linear.components({"a": signed}, (3, 3)),
        manifolds.tangent_images(X, {"a": signed[:, None]}, (3, 3)),
        sparse_codes.answers(signed, signed[:, None], (3, 3)),
    ]
    for figure in unsigned + with_signs:
        shown = [image for axis in figure.axes for image in axis.images]
        assert shown and all(image.get_cmap().name == "gray_r" for image in shown)
        limits = shown[-1].get_clim()
        assert limits == ((0, 1) if figure in unsigned else (-1, 1))
        zero, one = (np.mean(shown[-1].to_rgba(np.array([[value]]))[..., :3]) for value in (0.0, 1.0))
        assert one < 0.01 and zero == pytest.approx(1 if figure in unsigned else 0.5, abs=0.01)


def test_components_are_scaled_each_by_itself(rng):
    (axis,) = linear.components({"rows": np.array([[1.0, -2, 0, 0.5], [0.1, 0, 0, 0.05]])}, (2, 2)).axes
    shown = axis.images[0].get_array()
    assert np.nanmin(shown) == -1 and np.nanmax(shown) == 1 and axis.images[0].get_clim() == (-1, 1)
