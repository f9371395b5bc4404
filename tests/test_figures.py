"""Every figure of the package, drawn and looked at: labels there, nothing cut, read in grey, the data those given.

`FIGURES` is the catalogue: name -> (draw(ax), check(figure)). What fills one axis takes `ax`; others ignore it.
"""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text
from mpl_toolkits.mplot3d import proj3d

from npae import plots
from npae.experiments.edges import Exercise, Result
from npae.experiments.linear import loss_surfaces
from npae.gradcheck import check_gradient
from npae.pca.moments import Moments
from npae.pca.theory import loss_surface
from npae.plots import autoencoders, generative, gradients, lessons, linear, manifolds, sparse_codes, style

RNG = np.random.default_rng(0)
SHAPE = (4, 3)
IMAGES = RNG.random((6, 12))
SIGNED = RNG.standard_normal((5, 12))
PLANE = np.linalg.qr(RNG.standard_normal((7, 2)))[0].T  # (2, 7)
SPACE = np.linalg.qr(RNG.standard_normal((7, 3)))[0].T
POINTS = RNG.standard_normal((9, 7))
TANGENTS = np.linalg.qr(RNG.standard_normal((9, 7, 2)))[0].swapaxes(1, 2)  # (9, 2, 7)
EPOCHS = np.arange(1, 31)
LINES = {name: (EPOCHS, np.exp(-EPOCHS / 10 / (i + 1)) + 0.1) for i, name in enumerate(("one", "two", "three"))}
CODES = {"first map": RNG.standard_normal((30, 2)), "second map": RNG.standard_normal((30, 2))}
TARGET = np.arange(30) % 10
ANGLES = np.radians(np.linspace(1, 29, 9))
GRID = np.stack(np.meshgrid(*[np.linspace(-2, 2, 5)] * 2), axis=-1).reshape(-1, 2)
EDGE = np.linspace(-2, 2, 21)
DENSITY = (EDGE, np.exp(-(EDGE**2) - EDGE[:, None] ** 2))
SIGMA = {
    "plain": np.sort(RNG.random((11, 6)))[:, ::-1] + 0.1,
    "contractive": np.geomspace(1, 1e-3, 6) * np.ones((11, 6)),
}
WATCHED = SimpleNamespace(reconstruction=[-90.0, -80, -75], kl=[2.0, 4, 5], elbo=[-92.0, -84, -80])
RADII = np.geomspace(0.01, 10, 7)
RATIOS = {"plain": np.linspace(2, 1, 7), "contractive": np.linspace(0.3, 0.5, 7)}
FIELDS = {"exact": -GRID, "learnt": -0.8 * GRID}
CHECKED = check_gradient(  # 2W, half of it, and nothing of 2b
    lambda p: ((p["W"] ** 2).sum() + (p["b"] ** 2).sum(), {"W": p["W"], "b": 0 * p["b"]}),
    {"W": SIGNED, "b": 1 + np.arange(3.0)},
)
NUMBERS = {"identity": 2.9, "PCA": 0.9, "denoising": 0.6}


def lines_are(data):
    """A check that the first lines of the only axis have these x and y."""

    def check(figure):
        (axis,) = figure.axes
        for line, (x, y) in zip(axis.lines, data, strict=False):
            np.testing.assert_allclose(line.get_xydata(), np.column_stack([x, y]))
        assert len(axis.lines) >= len(data)

    return check


def images_are(rows, n_columns=None):
    """A check that the figure shows these images, each row a list of images, in this order."""

    def check(figure):
        drawn = [image for axis in figure.axes for image in axis.images]
        for image, X in zip(drawn, rows, strict=True):
            wanted = plots.mosaic(X, SHAPE, n_columns or len(X))
            shown = np.asarray(image.get_array())
            np.testing.assert_allclose(shown[: len(wanted), : wanted.shape[1]], wanted)

    return check


def scaled(X):
    """Signed images, each divided by its largest entry."""
    return X / np.abs(X).max(axis=1, keepdims=True)


def check_scatter(figure):
    for axis, h in zip(figure.axes, CODES.values(), strict=True):
        drawn = np.concatenate([dots.get_offsets() for dots in axis.collections])
        np.testing.assert_allclose(drawn, np.concatenate([h[label == TARGET] for label in range(10)]))


def check_bars(figure):
    (axis,) = figure.axes
    assert [patch.get_height() for patch in axis.patches] == list(NUMBERS.values())
    assert [label.get_text() for label in axis.get_xticklabels()] == list(NUMBERS)
    assert len({patch.get_hatch() for patch in axis.patches}) == len(NUMBERS)
    assert {f"{value:.4g}" for value in NUMBERS.values()} <= {text.get_text() for text in axis.texts}


def check_surfaces(figure):
    one, two = figure.axes[:2]
    (minima,) = [dots for dots in one.collections if dots.get_label() == "minimum"]
    w = np.sqrt(1 - 0.15)
    np.testing.assert_allclose(minima.get_offsets(), [(w, w), (-w, -w)])
    angle, t = np.pi / 6, 1e-5
    V = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    flat, round_ = Moments(np.zeros(1), np.eye(1), 2), Moments(np.zeros(2), V.T * [1.0, 0.4] @ V, 3)
    for axis, data, lam, n_kinds in ((one, flat, 0.15, 2), (two, round_, 0.0, 3)):
        kinds = [dots for dots in axis.collections if not dots.get_label().startswith("_")]
        assert len(kinds) == n_kinds
        for dots in kinds:
            for u, v in dots.get_offsets():
                slopes = [loss_surface(data, u + t, v, lam) - loss_surface(data, u - t, v, lam),
                          loss_surface(data, u, v + t, lam) - loss_surface(data, u, v - t, lam)]  # fmt: skip
                assert np.abs(slopes).max() / (2 * t) < 1e-8, dots.get_label()  # what is marked is a critical point


def check_curve(figure):
    (axis,) = figure.axes
    drawn = [line.get_xydata() for line in axis.lines]
    for tangents, segments in ((TANGENTS[:, :1], drawn[:9]), (TANGENTS[:, 1:], drawn[9:])):
        np.testing.assert_allclose([segment.mean(axis=0) for segment in segments], POINTS @ PLANE.T, atol=1e-12)
        np.testing.assert_allclose([end - start for start, end in segments], 0.3 * tangents[:, 0] @ PLANE.T, atol=1e-12)


def check_surface(figure):
    axis, colorbar = figure.axes
    squares, project = axis.collections[0], axis.get_proj()
    drawn = [np.sort(path.vertices[:4] @ [1, 1j]) for path in squares.get_paths()]  # sorted by distance
    lightness = []
    for x, (one, two) in zip(POINTS, TANGENTS):
        corners = np.array([x + 0.125 * (s * one + t * two) for s in (-1, 1) for t in (-1, 1)]) @ SPACE.T
        seen = np.sort(
            proj3d.proj_transform(*corners.T, project)[0] + 1j * proj3d.proj_transform(*corners.T, project)[1]
        )
        (place,) = [i for i, each in enumerate(drawn) if np.allclose(each, seen)]
        lightness.append(squares.get_facecolor()[place, :3] @ [0.299, 0.587, 0.114])
    assert len(drawn) == len(POINTS) and (np.diff(lightness) < 0).all()  # the angles rise: darker is further off
    assert "degrees" in colorbar.get_ylabel()


def check_fields(figure):
    arrows = [axis.collections[-1] for axis in figure.axes]
    for quiver, field in zip(arrows, FIELDS.values(), strict=True):
        np.testing.assert_allclose(quiver.get_offsets(), GRID)
        drawn = np.column_stack([quiver.U, quiver.V])
        np.testing.assert_allclose(drawn * np.abs(FIELDS["exact"]).max(), field * np.abs(arrows[0].U).max(), atol=1e-12)


def check_clouds(figure):
    for axis, X in zip(figure.axes, CODES.values(), strict=True):
        np.testing.assert_allclose(axis.lines[0].get_xydata(), X)


def check_schematic(figure):
    said = {text.get_text() for text in figure.axes[0].texts}
    assert {"x", "C", "x̃", "f", "h", "Ω", "g", "x̂", "L", "input", "corruption", "encoder", "decoder"} <= said


def bound_lines():
    costs = (-np.array(WATCHED.reconstruction), -np.array(WATCHED.elbo), WATCHED.kl)
    return [(np.arange(1, 4), values) for values in costs]


METHODS = {"KL": [(0.1, 20.0, 0.05, 0), (1.0, 5.0, 0.3, 2)], "top-k": [(4, 4.0, 0.2, 0), (16, 16.0, 0.06, 0)]}
CHEATS = {
    "free rows": np.array([[1, 3.0, 1.0], [10, 1, 5], [100, 0.1, 40]]),
    "unit rows": np.array([[1, 3.0, 1], [100, 2, 1]]),
}
DEAD = {"plain": [10, 20, 30], "revived": [10, 5, 1]}
COUNTS = {name: (np.array([1, 4, 2]), np.array([0.001, 0.01, 0.1, 1.0]), 3) for name in DEAD}
LABELS = [
    {(s, n): 0.5 + n / 1000 + i / 10 + seed / 50 for i, s in enumerate(("random", "pretrained")) for n in (10, 100)}
    for seed in range(3)
]
EXERCISE = Result(
    Exercise((12, 5), rho=0.1, lam=0.0, beta=1.0, most_spread=0.8, image_shape=SHAPE), None, None,
    {name: RNG.standard_normal((6, 12)) for name in ("learnt", "principal", "random")}, "", 0.0,
)  # fmt: skip
BEST = SIGNED[:4, None] * np.linspace(1, 0.1, 3)[:, None]  # (4, 3, 12)
MEMORY = SimpleNamespace(
    train=CODES["first map"][:5],
    test=CODES["second map"],
    network=SimpleNamespace(encode=lambda x: x[:, :1], decode=lambda h: np.concatenate([h, h**2], axis=1)),
)


def check_map(figure):
    axis = figure.axes[0]
    np.testing.assert_array_equal(axis.images[0].get_array(), np.eye(5))


def check_memory(figure):
    (axis,) = figure.axes
    test, curve, train = (line.get_xydata() for line in axis.lines)
    np.testing.assert_array_equal(test, MEMORY.test)
    np.testing.assert_array_equal(train, MEMORY.train)
    np.testing.assert_allclose(curve[:, 1], curve[:, 0] ** 2)
    assert np.ptp(curve[:, 0]) == pytest.approx(np.ptp(train[:, 0]))


def check_cheat(figure):
    for axis, column in zip(figure.axes, (1, 2), strict=True):
        for line, rows in zip(axis.lines, CHEATS.values(), strict=True):
            np.testing.assert_array_equal(line.get_xydata(), rows[:, [0, column]])


def check_revival(figure):
    left, right = figure.axes
    for line, dead in zip(left.lines, DEAD.values(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([[1, 2, 3], dead]))
    for stairs, (n, edges, _) in zip(right.patches, COUNTS.values(), strict=True):
        np.testing.assert_array_equal(stairs.get_data().values, n)
        np.testing.assert_array_equal(stairs.get_data().edges, edges)


def check_exercise(figure):
    *panels, plane = figure.axes
    for axis, rows in zip(panels, EXERCISE.filters.values(), strict=True):
        np.testing.assert_allclose(axis.images[0].get_array(), plots.mosaic(scaled(rows), SHAPE, 3))
    for line, (spread, coherence, _) in zip(plane.lines, EXERCISE.criteria().values(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([spread, coherence]))


def check_label_curves(figure):
    (axis,) = figure.axes
    for container, start in zip(axis.containers, ("random", "pretrained"), strict=True):
        values = [np.mean([100 * found[start, n] for found in LABELS]) for n in (10, 100)]
        np.testing.assert_allclose(container.lines[0].get_ydata(), values)


def check_answers(figure):
    above, below = figure.axes
    np.testing.assert_allclose(above.images[0].get_array(), plots.mosaic(scaled(SIGNED[:4]), SHAPE, 4))
    columns = BEST.transpose(1, 0, 2).reshape(12, 12) / np.abs(BEST).max()
    np.testing.assert_allclose(below.images[0].get_array(), plots.mosaic(columns, SHAPE, 4))


SEEDS = RNG.random((3, 30)) + EPOCHS / 10
GROUPS = {"digits": {"free": [0.5, 0.6, 0.4], "sparse": [0.1]}, "patches": {"free": [0.7, 0.8, 0.9], "sparse": [0.2]}}


def check_histograms(figure):
    (axis,) = figure.axes
    for outline, h in zip(axis.patches, CODES.values(), strict=True):
        counts = np.histogram(h, np.linspace(-4, 4, 9))[0]
        top = outline.get_xy()[:, 1]
        assert {round(share, 9) for share in counts / 60} == {round(y, 9) for y in top}


def check_groups(figure):
    (axis,) = figure.axes
    bars = [patch.get_height() for patch in axis.patches]  # one name after the other, in every group
    np.testing.assert_allclose(bars, [np.mean(row[name]) for name in ("free", "sparse") for row in GROUPS.values()])
    assert [label.get_text() for label in axis.get_xticklabels()] == list(GROUPS)
    ends = [line for each in axis.collections for line in each.get_segments()]
    np.testing.assert_allclose([[a[1], b[1]] for a, b in ends[:2]], [(0.4, 0.6), (0.7, 0.9)])


def check_points(figure):
    (axis,) = figure.axes
    drawn = {line.get_label(): line.get_xydata() for line in axis.lines}
    np.testing.assert_array_equal(drawn["x"], GRID)
    np.testing.assert_array_equal(drawn["x̂"], 0.5 * GRID)
    farthest = np.linalg.norm(drawn["sent farthest"], axis=1)
    assert len(farthest) == 4 and (farthest == np.linalg.norm(GRID, axis=1).max()).all()


def check_agreement(figure):
    (axis,) = figure.axes
    W, b = (next(line for line in axis.lines if line.get_label() == name) for name in "Wb")
    np.testing.assert_allclose(W.get_xydata(), np.column_stack([SIGNED.ravel(), 2 * SIGNED.ravel()]), rtol=1e-12)
    np.testing.assert_allclose(b.get_xydata(), [[0, 2], [0, 4], [0, 6]], rtol=1e-12)
    circles = [line for line in axis.lines if line.get_label().startswith("_") and len(line.get_xdata()) == 1]
    assert len(circles) == 2 and W.get_marker() != b.get_marker()


def check_arrows(figure):
    (axis,) = figure.axes
    for quiver, field in zip(axis.collections, FIELDS.values(), strict=True):
        np.testing.assert_array_equal(quiver.get_offsets(), GRID)
        np.testing.assert_allclose(np.column_stack([quiver.U, quiver.V]), 0.2 * field)


HISTORY = {"loss": [3.0, 2.0, 1.5], "validation_loss": [3.5, 2.5, 2.2]}
FILTER_GROUPS = {"encoder": SIGNED.T, "decoder": 2 * SIGNED.T}
WALK_ROWS = [row for n in range(2) for row in (IMAGES[[n, n + 1, n + 2]], IMAGES[[n, n + 2, n + 3]])]

FIGURES = {
    "style.curves": (lambda ax: style.curves(LINES, xlabel="x", ylabel="y", ax=ax)[0], lines_are(LINES.values())),
    "autoencoders.image_rows": (
        lambda ax: autoencoders.image_rows({"input": IMAGES, "output": 1 - IMAGES}, SHAPE),
        images_are([IMAGES, 1 - IMAGES]),
    ),
    "autoencoders.filters": (
        lambda ax: autoencoders.filters(FILTER_GROUPS, SHAPE, n=5, n_columns=3),
        images_are([scaled(SIGNED), scaled(SIGNED)], n_columns=3),
    ),
    "autoencoders.learning_curves": (
        lambda ax: autoencoders.learning_curves({"model": HISTORY}, ax=ax),
        lines_are([([1, 2, 3], HISTORY["loss"]), ([1, 2, 3], HISTORY["validation_loss"])]),
    ),
    "autoencoders.code_scatter": (lambda ax: autoencoders.code_scatter(CODES, TARGET), check_scatter),
    "autoencoders.bars": (lambda ax: autoencoders.bars(NUMBERS, ylabel="error", ax=ax), check_bars),
    "linear.angle_curves": (lambda ax: linear.angle_curves(LINES, ax=ax), lines_are(LINES.values())),
    "linear.surfaces": (lambda ax: linear.surfaces(**loss_surfaces()), check_surfaces),
    "linear.components": (
        lambda ax: linear.components({"PCA": SIGNED, "linear": -SIGNED}, SHAPE),
        images_are([scaled(SIGNED), scaled(-SIGNED)]),
    ),
    "linear.error_curves": (
        lambda ax: linear.error_curves([1, 2, 4, 8], {"PCA": [4, 2, 1, 0.5], "linear": [4.1, 2.1, 1.1, 0.6]}, ax=ax),
        lines_are([([1, 2, 4, 8], [4, 2, 1, 0.5]), ([1, 2, 4, 8], [4.1, 2.1, 1.1, 0.6])]),
    ),
    "manifolds.spectra": (
        lambda ax: manifolds.spectra(SIGMA, n_dims=2, ax=ax),
        lines_are([(np.arange(1, 7), np.median(values, axis=0)) for values in SIGMA.values()]),
    ),
    "manifolds.tangents_on_curve": (
        lambda ax: manifolds.tangents_on_curve(POINTS, TANGENTS[:, 1:], TANGENTS[:, :1], PLANE, ax=ax),
        check_curve,
    ),
    "manifolds.tangents_on_surface": (
        lambda ax: manifolds.tangents_on_surface(POINTS, TANGENTS, SPACE, ANGLES),
        check_surface,
    ),
    "manifolds.tangent_images": (
        lambda ax: manifolds.tangent_images(IMAGES[:5], {"along": SIGNED[:, None]}, SHAPE),
        images_are([IMAGES[:5], scaled(SIGNED)]),
    ),
    "manifolds.contraction_curves": (
        lambda ax: manifolds.contraction_curves(RADII, RATIOS, spacing=0.5, ax=ax),
        lines_are([(RADII, ratio) for ratio in RATIOS.values()]),
    ),
    "manifolds.walks": (
        lambda ax: manifolds.walks(
            np.stack([WALK_ROWS[0], WALK_ROWS[2]], axis=1), np.stack([WALK_ROWS[1], WALK_ROWS[3]], axis=1), SHAPE
        ),
        images_are(WALK_ROWS),
    ),
    "generative.score_fields": (
        lambda ax: generative.score_fields(FIELDS, GRID, DENSITY, data=CODES["first map"]),
        check_fields,
    ),
    "generative.clouds": (lambda ax: generative.clouds(CODES, limit=4), check_clouds),
    "generative.code_plane": (
        lambda ax: generative.code_plane(np.tile(IMAGES, (3, 1))[:16], SHAPE, extent=2, ax=ax),
        images_are([np.tile(IMAGES, (3, 1))[:16]], n_columns=4),
    ),
    "generative.bound_parts": (lambda ax: generative.bound_parts(WATCHED, ax=ax), lines_are(bound_lines())),
    "generative.levels": (
        lambda ax: generative.levels({"median": [20, 15], "denoising": [22, 19]}, [0.1, 0.3], ax=ax),
        lines_are([([0.1, 0.3], [20, 15]), ([0.1, 0.3], [22, 19])]),
    ),
    "lessons.lines": (
        lambda ax: lessons.lines(
            LINES | {"seeds": (EPOCHS, SEEDS)}, xlabel="x", ylabel="y", log="y", reference=("level", 0.3), ax=ax
        ),
        lines_are([*LINES.values(), (EPOCHS, SEEDS.mean(axis=0))]),
    ),
    "lessons.histograms": (
        lambda ax: lessons.histograms(CODES, np.linspace(-4, 4, 9), xlabel="h", ax=ax),
        check_histograms,
    ),
    "lessons.grouped_bars": (lambda ax: lessons.grouped_bars(GROUPS, ylabel="share", ax=ax), check_groups),
    "lessons.reconstructed_points": (
        lambda ax: lessons.reconstructed_points(GRID, 0.5 * GRID, title="halved", n_far=4, ax=ax),
        check_points,
    ),
    "gradients.agreement": (lambda ax: gradients.agreement(CHECKED, ax=ax), check_agreement),
    "lessons.arrows": (
        lambda ax: lessons.arrows(GRID, FIELDS, data=CODES["first map"], scale=0.2, ax=ax),
        check_arrows,
    ),
    "sparse_codes.whole_map": (lambda ax: sparse_codes.whole_map(np.eye(5), ax=ax), check_map),
    "sparse_codes.curve_of_memory": (lambda ax: sparse_codes.curve_of_memory(MEMORY, ax=ax), check_memory),
    "sparse_codes.frontier": (
        lambda ax: sparse_codes.frontier(METHODS, ax=ax),
        lines_are([np.transpose(sorted(p[1:3] for p in points)) for points in METHODS.values()]),
    ),
    "sparse_codes.cheat_curves": (lambda ax: sparse_codes.cheat_curves(CHEATS), check_cheat),
    "sparse_codes.revival_curves": (lambda ax: sparse_codes.revival_curves(DEAD, COUNTS), check_revival),
    "sparse_codes.exercise_filters": (
        lambda ax: sparse_codes.exercise_filters(EXERCISE, n=6, n_columns=3),
        check_exercise,
    ),
    "sparse_codes.answers": (lambda ax: sparse_codes.answers(SIGNED[:4], BEST, SHAPE), check_answers),
    "sparse_codes.label_curves": (lambda ax: sparse_codes.label_curves(LABELS, ax=ax), check_label_curves),
    "schematic.schematic": (lambda ax: plots.schematic(ax=ax), check_schematic),
}
HELPERS = {
    "new_figure",
    "new_axes",
    "log_scale",
    "plain_log",
    "mosaic",
    "bare",
    "show_images",
    "labelled_rows",
}  # no figures


@pytest.fixture(params=FIGURES, scope="module")
def name(request):
    return request.param


@pytest.fixture(scope="module")
def figure(name):
    """The figure, drawn on a canvas."""
    drawn = FIGURES[name][0](None)
    FigureCanvasAgg(drawn).draw()
    return drawn


def test_the_catalogue_holds_every_figure():
    missing = []
    for module in {each.name for each in pkgutil.iter_modules(plots.__path__)}:
        for key, thing in vars(importlib.import_module(f"npae.plots.{module}")).items():
            own = inspect.isfunction(thing) and thing.__module__ == f"npae.plots.{module}"
            if own and not key.startswith("_") and key not in HELPERS and f"{module}.{key}" not in FIGURES:
                missing.append(f"{module}.{key}")
    assert not missing


def test_the_gallery_has_a_picture_of_every_figure():
    gallery = (Path(__file__).parents[1] / "docs" / "_ext" / "gallery.py").read_text(encoding="utf-8")
    assert set(re.findall(r'^@picture\("(.+)"\)$', gallery, re.MULTILINE)) == set(FIGURES)


def test_a_figure_is_a_figure_and_shows_the_data_it_was_given(name, figure):
    assert isinstance(figure, Figure)
    FIGURES[name][1](figure)


def test_every_axis_says_what_it_shows(figure):
    assert figure.axes
    for axis in figure.axes:
        ticks = axis.axison and len(axis.get_xticks()) and len(axis.get_yticks())
        if ticks and axis.get_label() != "<colorbar>":
            alike = [each for each in figure.axes if list(each.get_xticks()) == list(axis.get_xticks())]
            beside = [each for each in figure.axes if list(each.get_yticks()) == list(axis.get_yticks())]
            assert axis.patches or figure.get_supxlabel() or any(each.get_xlabel() for each in alike), axis
            assert figure.get_supylabel() or any(each.get_ylabel() for each in beside), axis
        elif len(figure.axes) > 1 and axis.images:
            assert axis.get_title() or axis.get_title(loc="left") or axis.get_ylabel()
        named = [handle for handle in axis.get_legend_handles_labels()[1] if not handle.startswith("_")]
        legends = [*figure.legends, *(each.get_legend() for each in figure.axes if each.get_legend())]
        if len(named) > 1:
            assert any(set(named) <= {text.get_text() for text in legend.get_texts()} for legend in legends)


def test_nothing_is_cut(figure):
    canvas = figure.canvas
    width, height = canvas.get_width_height()
    cut = []
    for artist in figure.findobj(
        lambda artist: isinstance(artist, (Text, Annotation, Legend)) and artist.get_visible()
    ):
        if isinstance(artist, Text) and not artist.get_text().strip():
            continue
        parent = getattr(artist, "axes", None)
        if parent is not None and not parent.axison and artist not in parent.texts:
            continue  # an axis that is switched off shows no ticks
        box = artist.get_window_extent(canvas.get_renderer())
        if box.width and (box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1):
            cut.append((artist, box))
    in_sight = [(artist, box) for artist, box in cut if not _is_tick_out_of_range(artist, figure)]
    assert not in_sight


def _is_tick_out_of_range(artist, figure):
    """Whether this is the label of a tick beyond the limits, which is not drawn."""
    for axis in figure.axes:
        for of, limits in ((axis.xaxis, axis.get_xlim()), (axis.yaxis, axis.get_ylim())):
            for tick in (*of.get_major_ticks(), *of.get_minor_ticks()):
                if artist in (tick.label1, tick.label2):
                    low, high = sorted(limits)
                    return not low <= tick.get_loc() <= high
    return False


def test_curves_that_share_an_axis_can_be_told_apart_in_grey(figure):
    for axis in figure.axes:
        seen = set()
        lines = [line for line in axis.lines if not line.get_label().startswith("_")]
        for line in lines:
            lightness = round(float(np.dot(to_rgb(line.get_color()), (0.299, 0.587, 0.114))), 1)
            seen.add((str(line._dash_pattern), line.get_marker(), lightness))
        assert len(seen) == len(lines)


@pytest.mark.parametrize("name", [name for name, (draw, _) in FIGURES.items() if "ax=ax" in inspect.getsource(draw)])
def test_what_fills_one_axis_draws_on_the_axis_it_is_given(name):
    draw, check = FIGURES[name]
    assert (
        "ax"
        in inspect.signature(
            getattr(importlib.import_module(f"npae.plots.{name.split('.')[0]}"), name.split(".")[1])
        ).parameters
    )
    sheet = Figure(figsize=(9, 4))
    left, right = sheet.subplots(1, 2)
    assert draw(right) is sheet and sheet.axes[:2] == [left, right] and not left.has_data()
    sheet.delaxes(left)
    check(sheet)


@pytest.mark.slow
def test_no_figure_needs_a_display_or_calls_show():
    code = (
        "import sys, tests_figures as t; [draw(None) for draw, _ in t.FIGURES.values()]; "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    code = code.replace("tests_figures", "test_figures")
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=__file__.rpartition("/")[0]
    )
    assert run.stdout.strip() == "False"
