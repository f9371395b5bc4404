"""Figures of the lessons: what they show is what they were given, named, on the axes they were given."""

import numpy as np
import pytest

from npae import plots
from npae.plots import lessons, manifolds


def labels(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def nothing_is_cut(figure):
    """No text of an axis, its title and legend included, reaches over the edge of the figure."""
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    for axis in figure.axes:
        box = axis.get_tightbbox()
        assert box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1
    return True


@pytest.fixture
def ax():
    return plots.new_axes(4, 3)[1]


def draw_each(rng, ax=None):
    """Every function of the file once: name -> figure."""
    X = rng.standard_normal((30, 2))
    return {
        "lines": lessons.lines({"a": ([1, 2], [3, 4])}, xlabel="x", ylabel="y", ax=ax),
        "histograms": lessons.histograms({"a": X}, 5, xlabel="x", ax=ax),
        "grouped_bars": lessons.grouped_bars({"g": {"a": 1.0}}, ylabel="y", ax=ax),
        "reconstructed_points": lessons.reconstructed_points(X, X + 1, title="t", n_far=2, ax=ax),
        "arrows": lessons.arrows(X, {"a": X}, data=X, ax=ax),
    }


def test_each_draws_on_the_axis_it_is_given_or_on_a_figure_of_its_own(rng, ax):
    assert all(figure is ax.figure for figure in draw_each(rng, ax).values())
    own = draw_each(rng)
    assert len({id(figure) for figure in own.values()}) == len(own)
    assert all(len(figure.axes) == 1 for figure in own.values())


def test_nothing_is_cut_and_every_axis_is_named(rng):
    for name, figure in draw_each(rng).items():
        assert nothing_is_cut(figure), name
        (axis,) = figure.axes
        assert axis.get_ylabel() and (axis.get_xlabel() or len(axis.get_xticklabels())), name


def test_lines_draw_the_mean_over_seeds_in_a_band_from_least_to_most(rng, ax):
    x, y = np.arange(4), rng.random((5, 4))
    lessons.lines({"seeds": (x, y), "one": (x, y[0])}, xlabel="x", ylabel="y", reference=("level", 0.3), ax=ax)
    seeds, one, level = ax.lines
    np.testing.assert_allclose(seeds.get_ydata(), y.mean(axis=0))
    np.testing.assert_array_equal(one.get_ydata(), y[0])
    (band,) = ax.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == y.min() and heights.max() == y.max()
    assert set(level.get_ydata()) == {0.3} and [text.get_text() for text in ax.texts] == ["level"]
    assert labels(ax) == ["seeds", "one"] and seeds.get_linestyle() != one.get_linestyle()


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
def test_lines_are_logarithmic_where_asked(ax, log):
    lessons.lines({"a": ([1, 10, 100], [1e-9, 1e-5, 1])}, xlabel="x", ylabel="y", log=log, ax=ax)
    assert (ax.get_xscale() == "log", ax.get_yscale() == "log") == ("x" in log, "y" in log)


def test_a_log_axis_has_plain_numbers_and_no_small_exponents(ax):
    lessons.lines({"a": ([1, 2, 5, 30], [1e-9, 1e-5, 1, 1])}, xlabel="x", ylabel="y", log="xy", ax=ax)
    ax.figure.draw_without_rendering()
    assert {"1", "2", "5", "10"} <= {text.get_text() for text in ax.get_xticklabels()}
    assert "1e-6" in {text.get_text() for text in ax.get_yticklabels()}
    assert not any("$" in text.get_text() for text in ax.get_yticklabels())


def test_histograms_hold_the_share_of_the_samples_whatever_their_shape(ax):
    lessons.histograms({"a": np.array([[0.1, 0.2], [0.7, 0.8]]), "b": [0.9]}, [0, 0.5, 1], xlabel="x", ax=ax)
    first, second = (patch.get_xy()[:, 1] for patch in ax.patches)
    assert {*first} == {0, 0.5} and {*second} == {0, 1} and labels(ax) == ["a", "b"]


def test_bars_stand_in_groups_and_carry_the_reach_of_their_seeds(ax):
    table = {"one": {"a": 1.0, "b": [2.0, 4.0]}, "two": {"a": 3.0, "b": [5.0, 5.0]}}
    lessons.grouped_bars(table, ylabel="y", ax=ax)
    heights = [[bar.get_height() for bar in bars] for bars in ax.containers if hasattr(bars, "patches")]
    assert heights == [[1, 3], [3, 5]] and labels(ax) == ["a", "b"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["one", "two"]
    (reach,) = ax.collections
    assert [list(segment[:, 1]) for segment in reach.get_segments()] == [[2, 4], [5, 5]]
    a, b = ax.containers[0].patches[0], ax.patches[2]
    assert a.get_hatch() != b.get_hatch() and a.get_x() + a.get_width() == pytest.approx(b.get_x())


def test_the_points_that_are_sent_farthest_are_ringed(rng, ax):
    X = rng.standard_normal((20, 2))
    R = X.copy()
    R[[3, 7]] += 5
    lessons.reconstructed_points(X, R, title="title", n_far=2, ax=ax)
    (rings,) = [line for line in ax.lines if line.get_label() == "sent farthest"]
    assert {tuple(point) for point in rings.get_xydata()} == {tuple(X[3]), tuple(X[7])}
    assert labels(ax) == ["x", "x̂", "sent farthest"] and ax.get_title() == "title"


def test_arrows_begin_at_their_points_and_are_as_long_as_they_are_given(rng, ax):
    points, move = rng.standard_normal((2, 6, 2))
    lessons.arrows(points, {"learnt": move, "true": -move}, data=points, scale=0.5, ax=ax)
    learnt, true = ax.collections
    np.testing.assert_allclose(learnt.get_offsets(), points)
    np.testing.assert_allclose(np.stack([learnt.U, learnt.V], axis=1), 0.5 * move)
    np.testing.assert_allclose(np.stack([true.U, true.V], axis=1), -0.5 * move)
    assert learnt.get_zorder() > true.get_zorder() and labels(ax) == ["data", "learnt", "true"]


def test_tangents_are_drawn_side_by_side_on_given_axes(rng):
    figure = plots.new_figure(8, 4)
    flat, deep = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="3d")
    X, T = np.eye(3)[[0, 2]], np.eye(3)[None, :1].repeat(2, axis=0)
    assert manifolds.tangents_on_curve(X, T, T, np.eye(3)[:2], title="curve", ax=flat) is figure
    planes = np.eye(3)[None, :2].repeat(2, axis=0)
    assert manifolds.tangents_on_surface(X, planes, np.eye(3), np.zeros(2), title="surface", ax=deep) is figure
    assert (flat.get_title(), deep.get_title()) == ("curve", "surface") and len(deep.collections) == 1
    np.testing.assert_allclose(flat.lines[0].get_xydata(), [[0.85, 0], [1.15, 0]])
