"""Draw the gallery: every plotting function of the package with a picture of data that come with the package.

`PICTURES` has an entry per function: room and name. The pictures are drawn when the site is built, and kept until the
package or this file change. Results that several pictures share are computed once. Trainings are short; the lessons and
the report of `npae demo` show results of full trainings.
"""

import hashlib
import importlib
import inspect
from functools import cache

import numpy as np

import npae
from npae import datasets, manifold, plots, sparsity
from npae.experiments import capacity, edges, generative, linear, manifolds, pretraining, sparse_codes
from npae.experiments.denoising import learn_score
from npae.gradcheck import check_gradient
from npae.plots import generative as draw_generative
from npae.plots import lessons
from npae.plots import linear as draw_linear
from npae.plots import manifolds as draw_manifolds
from npae.plots import sparse_codes as draw_sparse
from npae.report.sections import score as score_section
from npae.report.sections import tangents as tangents_section

SHAPE = (8, 8)
TITLES = {
    "autoencoders": "Autoencoders",
    "schematic": "The family in one drawing",
    "style": "Curves",
    "linear": "Linear theory",
    "sparse_codes": "Capacity and sparse codes",
    "manifolds": "Manifolds",
    "generative": "Densities and generative models",
    "gradients": "Gradient checks",
    "lessons": "Lessons",
}
PICTURES = {}


def picture(name):
    """Register the function that draws `name`: a module of npae.plots and a function in it."""

    def register(function):
        PICTURES[name] = function
        return function

    return register


# -- results that several pictures share ------------------------------------------------------------------------------


@cache
def digits():
    """Return training digits, held-out digits, and the labels of the held-out digits."""
    data = datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(data))
    return (
        data.data[order[400:]].astype(np.float32),
        data.data[order[:400]].astype(np.float32),
        data.target[order[:400]],
    )


NOISE = npae.GaussianNoise(0.3)
PARTS = {
    "free": {},
    "sparse": {"penalties": [npae.KLSparsity(0.1, rho=0.05)]},
    "denoising": {"corruption": NOISE},
}


@cache
def member(name):
    """Return an autoencoder of digits with 64 sigmoid units."""
    how = {"output_activation": "sigmoid", "optimizer": npae.Adam(1e-2), "early_stopping": True, "random_state": 0}
    return npae.Autoencoder(64, max_iter=30, **how, **PARTS[name]).fit(digits()[0])


@cache
def tangents(name):
    """Return learnt and true tangents of a circle or a sphere in 20 dimensions."""
    few = {"n_samples": 4000, "n_test": 150, "n_steps": 1200, "neighbours": (50,), "width": 64}
    return manifolds.known_manifold(name, **few)


@cache
def image_codes():
    """Return three codes of digits, with singular values and contraction ratios at held-out images."""
    train, test, _ = digits()
    return manifolds.image_codes(train, test[:60].astype(np.float64), n_steps=800, lr=1e-2)


@cache
def learnt_score():
    """Return a denoiser of a mixture in the plane, and its score."""
    return learn_score("mixture", n_steps=2000, n_samples=8000)


@cache
def watched():
    """Return a variational autoencoder of digits with two code units, and its bound by epoch."""
    train, test, _ = digits()
    return generative.watch_vae(generative.binarized(train), generative.binarized(test), epochs=25)


@cache
def patches():
    """Return whitened patches of photographs."""
    return sparse_codes.patches(1000, 500)


@cache
def revived():
    """Return trainings with and without the term that revives dead units."""
    return sparse_codes.revival(patches()[0], k=4, epochs=8, batch_size=50, lr=5e-3)


# -- one picture a function -------------------------------------------------------------------------------------------


@picture("autoencoders.image_rows")
def image_rows():
    test = digits()[1][:10]
    noisy = NOISE.corrupt(test, rng=1)
    rows = {"digits": test, "noisy": noisy, "denoised": member("denoising").reconstruct(noisy)}
    return plots.image_rows(rows, SHAPE)


@picture("autoencoders.filters")
def filters():
    groups = {name: member(name).network_.encoder.layers[0].W for name in ("free", "denoising")}
    return plots.filters(groups, SHAPE, n=24, n_columns=4)


@picture("autoencoders.learning_curves")
def learning_curves():
    return plots.learning_curves({name: member(name).history_ for name in PARTS})


@picture("autoencoders.code_scatter")
def code_scatter():
    _, test, labels = digits()
    return plots.code_scatter(
        {"variational autoencoder": watched().model.transform(generative.binarized(test))}, labels
    )


@picture("autoencoders.bars")
def bars():
    test = digits()[1]
    noisy = NOISE.corrupt(test, rng=1)
    shown = {
        "noisy": noisy,
        "free": member("free").reconstruct(noisy),
        "denoising": member("denoising").reconstruct(noisy),
    }
    return plots.bars({name: 0.5 * ((x - test) ** 2).sum(axis=1).mean() for name, x in shown.items()}, ylabel="error")


@picture("schematic.schematic")
def schematic():
    return plots.schematic()


@picture("style.curves")
def curves():
    a = np.linspace(-4, 4, 81)
    phis = {"sigmoid": npae.Sigmoid(), "tanh": npae.Tanh(), "ReLU": npae.ReLU(), "softplus": npae.Softplus()}
    return plots.curves({name: (a, phi(a)) for name, phi in phis.items()}, xlabel="a", ylabel="φ(a)")[0]


@picture("linear.angle_curves")
def angle_curves():
    return draw_linear.angle_curves(linear.angle_histories(digits()[0].astype(float), n_steps=3000))


@picture("linear.surfaces")
def surfaces():
    return draw_linear.surfaces(**linear.loss_surfaces())


@picture("linear.components")
def components():
    return draw_linear.components(linear.component_images(digits()[0].astype(float), max_iter=15), SHAPE)


@picture("linear.error_curves")
def error_curves():
    return draw_linear.error_curves(*linear.errors_by_width(digits()[0].astype(float), (1, 2, 4, 8, 16), max_iter=25))


@picture("sparse_codes.whole_map")
def whole_map():
    return draw_sparse.whole_map(capacity.identity_map()[0])


@picture("sparse_codes.curve_of_memory")
def curve_of_memory():
    return draw_sparse.curve_of_memory(capacity.memorize(n_steps=2500))


@picture("sparse_codes.frontier")
def frontier():
    X, T = patches()
    how = {"lams": (0.3, 1.0, 3.0), "ks": (4, 8, 16), "epochs": 6, "batch_size": 50, "lr": 5e-3}
    return draw_sparse.frontier(sparse_codes.frontiers(X, T, **how))


@picture("sparse_codes.cheat_curves")
def cheat_curves():
    return draw_sparse.cheat_curves(sparse_codes.cheat(patches()[0][:500], epochs=60, batch_size=50, lr=1e-2))


@picture("sparse_codes.revival_curves")
def revival_curves():
    X, found = patches()[0], revived()
    histograms = {name: sparsity.density_histogram(network, X, n_bins=12) for name, (_, network) in found.items()}
    return draw_sparse.revival_curves({name: counts for name, (counts, _) in found.items()}, histograms)


@picture("sparse_codes.exercise_filters")
def exercise_filters():
    return draw_sparse.exercise_filters(edges.edges(3000, max_iter=150))


@picture("sparse_codes.answers")
def answers():
    X, network = patches()[0], revived()["with the auxiliary term"][1]
    units = np.argsort(-sparsity.density(network, X), kind="stable")[:12]
    best = X[sparsity.top_samples(network, X, 4)[units]]
    return draw_sparse.answers(network.decoder.layers[0].W[units], best, SHAPE)


@picture("sparse_codes.label_curves")
def label_curves():
    how = {"n_test": 500, "widths": (64,), "labels": (50, 200), "kinds": ("random", "contractive")}
    found = [pretraining.few_labels(datasets.load_digits(), **how, epochs=5, n_steps=60, seed=seed) for seed in (0, 1)]
    return draw_sparse.label_curves(found)


@picture("manifolds.spectra")
def spectra():
    return draw_manifolds.spectra(tangents("sphere").sigma, n_dims=2)


@picture("manifolds.tangents_on_curve")
def tangents_on_curve():
    return tangents_section.tangents_of_circle(tangents("circle"))


@picture("manifolds.tangents_on_surface")
def tangents_on_surface():
    return tangents_section.planes_of_sphere(tangents("sphere"))


@picture("manifolds.tangent_images")
def tangent_images():
    codes = image_codes()
    true = datasets.transform_tangents(codes.test[:8], SHAPE, ("shift_x", "rotation"))
    learnt = manifold.tangent_space(codes.models["contractive"], codes.test[:8], 2)
    rows = {"learnt": learnt, "shift": true[:, :1], "rotation": true[:, 1:]}
    return draw_manifolds.tangent_images(codes.test[:8], rows, SHAPE)


@picture("manifolds.contraction_curves")
def contraction_curves():
    codes = image_codes()
    return draw_manifolds.contraction_curves(codes.radii, codes.ratios, spacing=codes.spacing)


@picture("manifolds.walks")
def walks():
    train, test, _ = digits()
    return draw_manifolds.walks(
        *manifolds.turning_walks(train[:600], test[:2].astype(float), SHAPE, n_steps=800), SHAPE
    )


@picture("generative.score_fields")
def score_fields():
    return score_section.score_fields(learnt_score())


@picture("generative.clouds")
def clouds():
    return score_section.langevin_clouds(learnt_score(), 200, 0)


@picture("generative.code_plane")
def code_plane():
    axis = np.linspace(-2, 2, 12, dtype=np.float32)
    plane = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2)
    return draw_generative.code_plane(watched().model.inverse_transform(plane), SHAPE, extent=2)


@picture("generative.bound_parts")
def bound_parts():
    return draw_generative.bound_parts(watched())


@picture("generative.levels")
def levels():
    test, sigmas, table = digits()[1], (0.1, 0.2, 0.3, 0.4), {"noisy": [], "PCA, 16": [], "denoising": []}
    pca = npae.PCA(16).fit(digits()[0])
    for sigma in sigmas:
        noisy = npae.GaussianNoise(sigma).corrupt(test, rng=1)
        for name, x in zip(table, (noisy, pca.reconstruct(noisy), member("denoising").reconstruct(noisy))):
            table[name].append(-10 * np.log10(((x - test) ** 2).mean()))
    return draw_generative.levels(table, sigmas)


@picture("lessons.lines")
def lines():
    test, widths = digits()[1], (1, 2, 4, 8, 16, 32)
    splits = [digits()[0][np.random.default_rng(seed).permutation(1397)[:60]] for seed in range(5)]
    errors = [[0.5 * ((npae.PCA(k).fit(X).reconstruct(test) - test) ** 2).sum(axis=1).mean() for k in widths]
              for X in splits]  # fmt: skip
    return lessons.lines({"PCA of 60 digits": (widths, errors)}, xlabel="K", ylabel="held-out ½‖x̂ − x‖²", log="xy",
                         markers=True)  # fmt: skip


@picture("lessons.histograms")
def histograms():
    codes = {name: member(name).transform(digits()[1]) for name in ("free", "sparse")}
    return lessons.histograms(codes, np.linspace(0, 1, 21), xlabel="activation h", log=True)


@picture("lessons.grouped_bars")
def grouped_bars():
    test = digits()[1]
    inputs = {"clean": test, "noisy": NOISE.corrupt(test, rng=1), "gaps": npae.MaskingNoise(0.4).corrupt(test, rng=1)}
    return lessons.grouped_bars(
        {
            group: {n: 0.5 * ((member(n).reconstruct(x) - test) ** 2).sum(axis=1).mean() for n in PARTS}
            for group, x in inputs.items()
        },
        ylabel="½‖x̂ − x‖²",
    )


@picture("lessons.reconstructed_points")
def reconstructed_points():
    X, model = learnt_score().X[:300], learnt_score().model
    return lessons.reconstructed_points(X, model.reconstruct(X), title="a denoiser of a mixture", n_far=5)


@picture("gradients.agreement")
def agreement():
    rng = np.random.default_rng(0)
    x, start = rng.standard_normal((20, 6)), {"W": rng.standard_normal((6, 4)), "b": rng.standard_normal(4)}

    def f(p):  # a mean stands in db where the value sums
        h = np.tanh(x @ p["W"] + p["b"])
        da = h * (1 - h * h)
        return (h * h).sum() / 2, {"W": x.T @ da, "b": da.mean(axis=0)}

    return check_gradient(f, start).plot()


@picture("lessons.arrows")
def arrows():
    result = learnt_score()
    points = result.X[::40][:60]
    moves = {"r(x) − x": result.model.reconstruct(points) - points,
             "σ² ∇ log p": result.sigma**2 * result.data.score(points, result.sigma)}  # fmt: skip
    return lessons.arrows(points, moves, data=result.data.data[:400])


# -- the page ---------------------------------------------------------------------------------------------------------


def generate(root, folder):
    """Draw every picture into `folder` if the package or this file has changed."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [*sorted((root / "npae").rglob("*.py")), root / "docs" / "_ext" / "gallery.py"]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    stamp, wanted = folder / "key.txt", [f"{name.replace('.', '_')}.png" for name in PICTURES]
    if not stamp.exists() or stamp.read_text() != key or not all((folder / name).exists() for name in wanted):
        for old in folder.glob("*.png"):
            old.unlink()
        for name, draw in PICTURES.items():
            draw().savefig(folder / f"{name.replace('.', '_')}.png", dpi=110)
        stamp.write_text(key)


def page():
    """Return the text of the gallery: every function by rooms, with its sentence and its picture."""
    lines = [
        "# Gallery",
        "This page has a picture of every plotting function of the package. The pictures were drawn when this site was "
        "built, from data that come with the package, after short trainings. Each function returns a matplotlib "
        "`Figure` and does not call `show`; a figure of one axis takes `ax`. All share one style, "
        "{py:mod}`npae.plots.style`: lines differ in dashes and lightness, bars in hatches, and more ink is darker, so "
        "that the figures are clear in grey.",
    ]
    for room, title in TITLES.items():
        lines.append(f"## {title}")
        for name in (name for name in PICTURES if name.startswith(f"{room}.")):
            function = getattr(importlib.import_module(f"npae.plots.{room}"), name.partition(".")[2])
            sentence = inspect.getdoc(function).partition("\n\n")[0].replace("\n", " ")
            sentence = sentence.replace("|", "\\|").replace("*", "\\*").replace("<", "\\<").replace("[", "\\[")
            lines += [
                f"### {name.partition('.')[2]}",
                f"{{py:func}}`npae.plots.{name}`: {sentence}",
                f"![{name.partition('.')[2].replace('_', ' ')}](gallery/{name.replace('.', '_')}.png)",
            ]
    return "\n\n".join(lines) + "\n"
