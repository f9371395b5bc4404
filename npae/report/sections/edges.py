"""The classical exercise: edges from patches of photographs."""

import numpy as np

from npae.experiments.edges import edges
from npae.plots import sparse_codes as draw
from npae.report.page import claim, figure, sources, text
from npae.report.references import NG, OLSHAUSEN
from npae.report.words import percent

ORDER = 43


def build(run):
    result = edges(1000 if run.quick else 3500, max_iter=100 if run.quick else 400, seed=run.seed)
    counts = {name: count for name, (_, _, count) in result.criteria().items()}
    q, rho = result.mean_activation, result.exercise.rho
    blocks = [
        text(f"""The exercise that made sparse autoencoders known: 64-25-64 sigmoid units on {len(result.X):,} patches
            of 8 &times; 8 pixels, cut from two photographs whose spectra were made flat, without their means, squeezed
            into [0.1, 0.9]; &rho; = {rho:g}, &lambda; = {result.exercise.lam:g}, &beta; = {result.exercise.beta:g};
            {result.how}. What do the units look for? Two numbers say it without looking: how far a filter&rsquo;s
            energy is spread over the patch, and how much its slopes agree on one direction."""),
        figure(
            draw.exercise_filters(result),
            "The 25 learnt filters, the first 25 principal components and 25 of noise (dark is positive, light "
            "negative, mid-grey zero). Below, each filter as a point; localized (spread at most "
            f"{result.exercise.most_spread:g}) and oriented (coherence at least 0.5) is the shaded corner.",
            "Three blocks of 25 small images. Below a scatter plot of two measures, in which a corner is shaded.",
        ),
        claim(f"""Localized and oriented: {counts["learnt"]} of 25 learnt filters, {counts["PCA"]} principal components,
            {counts["random"]} of noise. Mean activations lie between {q.min():.4f} and {q.max():.4f}, at most
            {percent(np.abs(q / rho - 1).max())} off &rho;."""),
        sources(("note 14, sparse autoencoders", ""), NG, OLSHAUSEN),
    ]
    return "Sparse codes of photographs are edges", blocks
