"""Show sparse autoencoders: KL and L1 penalties on the code."""

import numpy as np

from npae import plots
from npae.experiments.family import ACTIVE
from npae.report.page import claim, equation, figure, list_numbers, quote, sources, text

ORDER = 40
NAMES = ("overcomplete", "sparse (KL)", "sparse (L1)")


def build(run):
    groups = {name: run.models[name].model.network_.decoder.layers[0].W.T for name in NAMES}
    codes = {name: run.models[name].model.transform(run.test) for name in NAMES}
    blocks = [
        quote("""An autoencoder whose training criterion involves a sparsity penalty &Omega;(h) on the code layer h as a
            regularization term."""),
        equation(r"\Omega_{KL}=\beta\sum_{j=1}^{K}\left[\rho\,\log\dfrac{\rho}{\hat{\rho}_j}+(1-\rho)\,"
            r"\log\dfrac{1-\rho}{1-\hat{\rho}_j}\right],\qquad\hat{\rho}_j=\dfrac{1}{N}\sum_n h_{nj}"),
        equation(r"\Omega_{L1}=\dfrac{\lambda}{N}\sum_n\sum_j \left|h_{nj}\right|"),
        text(f"""Three networks have the same {run.models["overcomplete"].n_components} units. One is free, one is kept
            near a mean activation of 0.05 by the Kullback-Leibler divergence, and one is pushed down by the L1 norm.
            Nothing else differs."""),
        figure(_activity(codes),
            f"Mean activation of each unit over the held-out images, sorted. The line at {ACTIVE:g} is the threshold "
            "above which a unit counts as active.",
            "Three falling curves, of a free code and two sparse ones, and a level line at the threshold."),
        figure(plots.filters(groups, run.image_shape, n=24, n_columns=4),
            "The first 24 decoder filters: the contribution of one unit to the image. Dark adds ink, light removes "
            "ink, mid-grey is zero; each filter is scaled by itself.",
            "Three blocks of 24 signed images: speckles for the free code, strokes and blobs for the sparse codes."),
        claim(f"""Active units per held-out image:
            {list_numbers({name: run.held_out(name, "active units") for name in NAMES}, ".1%")}; held-out error
            {", ".join(f"{run.held_out(name):.3f}" for name in NAMES)}."""),
        sources("note 14, sparse autoencoders", "book 14.2.1", "ng2011"),
    ]  # fmt: skip
    return "Sparse autoencoders", blocks


def _activity(codes):
    lines = {name: (np.arange(h.shape[1]), np.sort(h.mean(axis=0))[::-1]) for name, h in codes.items()}
    figure, axis = plots.curves(lines, xlabel="unit, by rank", ylabel="mean activation")
    axis.axhline(ACTIVE, color="0.6", linewidth=0.8)
    axis.set_ylim(0, 1)
    return figure
