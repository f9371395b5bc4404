"""Show whether the hidden code is useful: probes with few labels, and pretraining."""

from typing import Any

import numpy as np

from npae import datasets
from npae.experiments.capacity import RECIPES, TIED, accuracy_gain, probe_codes, unregularized_twin
from npae.experiments.claims import N_SEEDS
from npae.experiments.pretraining import few_labels
from npae.plots import sparse_codes as draw
from npae.report.page import claim, figure, quote, sources, table, text
from npae.report.words import choose, enumerate_words, mean_and_spread

ORDER = 46
WIDE, PCA_WIDTH, LABELS = 128, 16, 50  # units, components, labels of the claim
PRETRAINED = ("random", "sparse (KL)", "contractive")


def build(run):
    seeds = range(run.seed, run.seed + (2 if run.quick else 5))
    data, recipe = datasets.load_digits(), RECIPES["digits"]
    labels = (LABELS,) if run.quick else (LABELS, 100)
    regularized = ("sparse (KL)", "denoising", "contractive")
    kinds = ("unregularized", TIED, *regularized)
    how: dict[str, Any] = {"labels": labels, "epochs": 3 if run.quick else 30}
    tables = [
        probe_codes(data, recipe, widths=(PCA_WIDTH,), kinds=(), seed=seed, **how)
        | probe_codes(data, recipe, widths=(WIDE,), kinds=kinds, seed=seed, **how)
        for seed in seeds
    ]
    rows = [
        [kind, width, *(f"{np.mean([t[kind, width][i] for t in tables]):.3f}" for i in (0, 1)),
         *(mean_and_spread([100 * t[kind, width][2][n] for t in tables], ".1f") for n in labels)]
        for kind, width in tables[0]
    ]  # fmt: skip
    blocks = [
        quote("""A regularized autoencoder can be nonlinear and overcomplete but can still learn useful hidden code
            about the data distribution."""),
        text(f"""Here a code is useful if it helps a classifier. Codes are learnt from {len(data) - recipe.n_test}
            digits without labels. Then a linear classifier (softmax) learns from the codes of a few labelled digits and
            is scored on {recipe.n_test} others. {WIDE} units are two per pixel. The contractive code is tied
            (W<sub>d</sub> is the transpose of W<sub>e</sub>) and is therefore compared with a tied code. Means and
            spreads are over {len(tables)} splits; all codes see the same labels."""),
        table(["code", "width", "error in training", "held-out", *(f"{n} labels, %" for n in labels)], rows),
        claim(" ".join(sentence_on_accuracy(tables, kind) for kind in regularized)),
        *([text("The full run also trains classifiers from such codes.")] if run.quick else start_from(seeds)),
        text("""The benchmark <code>python -m benchmarks.claims.sparse_codes widths codes pretraining</code> measures
            codes of all widths from 1 to 2<i>D</i>, codes of MNIST images, and deeper networks with up to 1,000 labels.
            Its results are in <code>benchmarks/claims/sparse_codes.md</code>."""),
        sources(
            "note 14, regularized autoencoders", "book 14.2.1", "bengio2007", "vincent2010", "rifai2011contractive"
        ),
    ]
    return "A useful hidden code", blocks


def start_from(seeds):
    """Return the blocks of a full run: pretraining compared with a random start."""
    images, width, n_test, starts = datasets.load_mnist_5k().subset(slice(0, 1600)), 100, 400, PRETRAINED
    how: dict[str, Any] = {"n_test": n_test, "widths": (width,), "labels": (50, 200), "kinds": starts}
    found = [few_labels(images, **how, epochs=10, n_steps=80, seed=seed) for seed in seeds]
    return [
        text("""A code is also a start for a classifier. Layers are pretrained one by one without labels, then a softmax
            is put on top and the labels train the whole network. The baseline is the same network from random weights,
            with the same labels and the same number of steps."""),
        figure(draw.label_curves(found),
            f"Accuracy of a network 784-{width}-10 on held-out MNIST images, by its start; pretraining sees "
            f"{len(images) - n_test:,} images without labels.",
            "Three curves with error bars."),
        claim(" ".join(sentence_on_pretraining(found, kind) for kind in starts[1:])),
    ]  # fmt: skip


def sentence_on_accuracy(tables, kind):
    """Return which of three other codes the wide code of that kind beats by more than the spread of paired seeds."""
    twin = unregularized_twin(kind)
    others = {f"the {twin} code": (twin, WIDE), "raw pixels": ("raw pixels", 64), "PCA": ("PCA", PCA_WIDTH)}
    cells, ahead, behind = [], [], []
    for name, (other, width) in others.items():
        mean, spread = accuracy_gain(tables, kind, WIDE, other, width, LABELS)
        cells.append(f"{100 * mean:+.1f} &plusmn; {100 * spread:.1f} over {name}")
        ahead += [name] if mean > spread else []
        behind += [name] if mean < -spread else []
    numbers = f"With {LABELS} labels the {kind} code gains {', '.join(cells)} (points)."
    if len(tables) < N_SEEDS:
        return numbers
    where = f"ahead of {enumerate_words(ahead)}{choose(behind, f', behind {enumerate_words(behind)}')}"
    return f"{numbers} By more than the spread it is {where}."


def sentence_on_pretraining(found, kind):
    """Return the change of accuracy by pretraining of that kind, by number of labels."""
    cells = [
        f"{mean_and_spread([100 * (each[kind, n] - each['random', n]) for each in found], '+.1f')} with {n} labels"
        for n in sorted({n for _, n in found[0]})
    ]
    return f"Pretraining by {kind} layers changes the accuracy by {', '.join(cells)} (points)."
