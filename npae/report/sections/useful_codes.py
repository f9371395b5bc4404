"""Is the hidden code useful? Probes with few labels, and pretraining."""

from typing import Any

import numpy as np

from npae import datasets
from npae.experiments.capacity import RECIPES, TIED, against, probe_codes, rival
from npae.experiments.pretraining import few_labels
from npae.plots import sparse_codes as draw
from npae.report.page import claim, figure, quote, sources, table, text
from npae.report.references import BENGIO, BOOK, RIFAI, VINCENT
from npae.report.words import SEEDS, joined

ORDER = 46
WIDE, PCA_WIDTH, LABELS = 128, 16, 50  # units, components, labels of the verdict
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
         *(points([100 * t[kind, width][2][n] for t in tables], "") for n in labels)]
        for kind, width in tables[0]
    ]  # fmt: skip
    blocks = [
        quote("""A regularized autoencoder can be nonlinear and overcomplete but can still learn useful hidden code
            about the data distribution."""),
        text(f"""Useful for what? Codes are learnt from {len(data) - recipe.n_test} digits without labels; a linear
            classifier (softmax) then sees a few labelled ones through the code and is scored on {recipe.n_test} others.
            {WIDE} units are twice as many as pixels; the contractive code is tied (W<sub>d</sub> is the transpose of
            W<sub>e</sub>), and so has a rival that is tied too. Means and spreads are over {len(tables)} splits; all
            codes see the same labels."""),
        table(["code", "width", "error in training", "held-out", *(f"{n} labels, %" for n in labels)], rows),
        claim(" ".join(verdict(tables, kind) for kind in regularized)),
        *(
            [text("A run of full length trains deep networks from such codes, too.")]
            if run.quick
            else start_from(seeds)
        ),
        text("""Codes of all widths from 1 to 2<i>D</i>, codes of MNIST images, deeper networks with up to 1,000 labels:
            <code>python -m benchmarks.sparse_codes widths codes pretraining</code>; what that printed is in
            <code>benchmarks/sparse_codes.md</code>."""),
        sources(("note 14, regularized autoencoders", ""), BOOK["14.2.1"], BENGIO, VINCENT, RIFAI),
    ]
    return "A useful hidden code", blocks


def start_from(seeds):
    """Pretraining beside a random start: the blocks of a full run."""
    images, width, n_test, starts = datasets.load_mnist_5k().subset(slice(0, 1600)), 100, 400, PRETRAINED
    how: dict[str, Any] = {"n_test": n_test, "widths": (width,), "labels": (50, 200), "kinds": starts}
    found = [few_labels(images, **how, epochs=10, n_steps=80, seed=seed) for seed in seeds]
    return [
        text("""A code is also a place to start from: layer by layer without labels, then a softmax on top and all of it
            on the labels. Beside it the same network from random weights, on the same labels for as many steps."""),
        figure(
            draw.label_curves(found),
            f"Accuracy of a network 784-{width}-10 on held-out MNIST images, by its start; {len(images) - n_test:,} "
            "images without labels serve pretraining.",
            "Three curves with error bars.",
        ),
        claim(" ".join(gain(found, kind) for kind in starts[1:])),
    ]


def points(values, sign="+"):
    """Percentage points, mean and spread over seeds."""
    return f"{np.mean(values):{sign}.1f} &plusmn; {np.std(values, ddof=1):.1f}"


def verdict(tables, kind):
    """Which of the three rivals the wide code of that kind beats by more than the spread of paired seeds."""
    rivals = {f"the {rival(kind)} code": (rival(kind), WIDE), "raw pixels": ("raw pixels", 64),
              "PCA": ("PCA", PCA_WIDTH)}  # fmt: skip
    cells, ahead, behind = [], [], []
    for name, (other, width) in rivals.items():
        mean, spread = against(tables, kind, WIDE, other, width, LABELS)
        cells.append(f"{100 * mean:+.1f} &plusmn; {100 * spread:.1f} over {name}")
        ahead += [name] if mean > spread else []
        behind += [name] if mean < -spread else []
    numbers = f"With {LABELS} labels the {kind} code gains {', '.join(cells)} (points)."
    if len(tables) < SEEDS:
        return numbers
    where = f"ahead of {joined(ahead)}" + (f", behind {joined(behind)}" if behind else "")
    return f"{numbers} By more than the spread it is {where}."


def gain(found, kind):
    """What pretraining by that kind changes, by number of labels."""
    cells = [
        f"{points([100 * (each[kind, n] - each['random', n]) for each in found])} with {n} labels"
        for n in sorted({n for _, n in found[0]})
    ]
    return f"Pretraining by {kind} layers changes the accuracy by {', '.join(cells)} (points)."
