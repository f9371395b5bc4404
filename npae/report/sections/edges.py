"""The classical exercise: edges from patches of photographs."""

import numpy as np

from npae.experiments.edges import edges, strokes
from npae.plots import sparse_codes as draw
from npae.report.page import claim, figure, sources, text
from npae.report.references import NG, OLSHAUSEN
from npae.report.words import percent

ORDER = 43


def build(run):
    result = edges(1000 if run.quick else 3500, max_iter=60 if run.quick else 400, seed=run.seed)
    rho, lam, beta = (getattr(result.exercise, name) for name in ("rho", "lam", "beta"))
    blocks = [
        text(f"""The exercise that made sparse autoencoders known: 64-25-64 sigmoid units on {len(result.X):,} patches
            of 8 &times; 8 pixels, cut from two photographs whose spectra were made flat, without their means, squeezed
            into [0.1, 0.9]; &rho; = {rho:g}, &lambda; = {lam:g}, &beta; = {beta:g};
            {result.how}. What do the units look for? Two numbers say it without looking: how far a filter&rsquo;s
            energy is spread over the patch, and how much its slopes agree on one direction."""),
        figure(
            draw.exercise_filters(result),
            "The 25 learnt filters, the first 25 principal components and 25 of noise (dark is positive, light "
            "negative, mid-grey zero). Below, each filter as a point; localized (spread at most "
            f"{result.exercise.most_spread:g}) and oriented (coherence at least 0.5) is the shaded corner.",
            "Three blocks of 25 small images. Below a scatter plot of two measures, in which a corner is shaded.",
        ),
        claim(counted(result)),
        *(pen_strokes(run) if run.image_shape == (28, 28) and not run.quick else []),
        sources(("note 14, sparse autoencoders", ""), NG, OLSHAUSEN),
    ]
    return "Sparse codes of photographs are edges", blocks


def pen_strokes(run):
    """The exercise's second half, for a page on MNIST images."""
    result = strokes(1500, max_iter=200, seed=run.seed)
    (D, K), rho = result.exercise.widths, result.exercise.rho
    return [
        text(f"""The same on {len(result.X):,} MNIST images, {D}-{K}-{D} with &rho; = {rho:g},
            &lambda; = {result.exercise.lam:g}, &beta; = {result.exercise.beta:g}; {result.how}."""),
        figure(
            draw.exercise_filters(result),
            "The first 25 filters, principal components, and filters of noise with the spread of the pixels. Localized "
            f"is here a spread of at most {result.exercise.most_spread:g}.",
            "Three blocks of 25 small images. Below a scatter plot of two measures, in which a corner is shaded.",
        ),
        claim(counted(result)),
    ]


def counted(result):
    """How many filters pass the criterion, and how near the mean activations are to rho."""
    (learnt, n), (pca, n_pca), (noise, _) = ((count, len(of)) for of, _, count in result.criteria().values())
    q, rho = result.mean_activation, result.exercise.rho
    off = percent(np.abs(q / rho - 1).max())
    return f"""Localized and oriented: {learnt} of {n} learnt filters, {pca} of {n_pca} principal components, {noise} of
        noise. Mean activations lie between {q.min():.4f} and {q.max():.4f}, at most {off} off
        &rho; = {rho:g}."""
