"""Show the classical exercise: edges from patches of photographs."""

import numpy as np

from npae.experiments.edges import edges, strokes
from npae.plots import sparse_codes as draw
from npae.report.page import claim, figure, sources, text
from npae.report.words import percent

ORDER = 43
ALT = "Three blocks of 25 small images. Below them a scatter plot of two measures, with a shaded corner."


def build(run):
    result = edges(1000 if run.quick else 3500, max_iter=60 if run.quick else 400, seed=run.seed)
    rho, lam, beta = (getattr(result.exercise, name) for name in ("rho", "lam", "beta"))
    blocks = [
        text(f"""This exercise made sparse autoencoders known: 64-25-64 sigmoid units on {len(result.X):,} patches of
            8 &times; 8 pixels. The patches come from two photographs with flattened spectra; they have mean zero and
            are scaled into [0.1, 0.9]; &rho; = {rho:g}, &lambda; = {lam:g}, &beta; = {beta:g}; {result.how}. Which
            patterns do the units respond to? Two numbers describe a filter: the spread of its energy over the patch,
            and the agreement of its slopes on one direction."""),
        figure(draw.exercise_filters(result),
            "The 25 learnt filters, the first 25 principal components and 25 filters of noise (dark is positive, light "
            "negative, mid-grey zero). Below, each filter is a point. The shaded corner holds localized (spread "
            f"at most {result.exercise.most_spread:g}) and oriented (coherence at least 0.5) filters.",
            ALT),
        claim(sentence_on_filters(result)),
        *(pen_strokes(run) if run.image_shape == (28, 28) and not run.quick else []),
        sources("note 14, sparse autoencoders", "ng2011", "olshausen1997"),
    ]  # fmt: skip
    return "Sparse codes of photographs are edges", blocks


def pen_strokes(run):
    """Return the blocks of the second half of the exercise, for a page on MNIST images."""
    result = strokes(1500, max_iter=200, seed=run.seed)
    (D, K), rho = result.exercise.widths, result.exercise.rho
    return [
        text(f"""The same exercise on {len(result.X):,} MNIST images, {D}-{K}-{D} with &rho; = {rho:g},
            &lambda; = {result.exercise.lam:g}, &beta; = {result.exercise.beta:g}; {result.how}."""),
        figure(draw.exercise_filters(result),
            "The first 25 learnt filters, principal components, and filters of noise with the spread of the pixels. "
            f"Localized filters have a spread of at most {result.exercise.most_spread:g}.",
            ALT),
        claim(sentence_on_filters(result)),
    ]  # fmt: skip


def sentence_on_filters(result):
    """Return how many filters are localized and oriented, and the distance of the mean activations from rho."""
    (learnt, n), (pca, n_pca), (noise, _) = ((count, len(of)) for of, _, count in result.criteria().values())
    q, rho = result.mean_activation, result.exercise.rho
    off = percent(np.abs(q / rho - 1).max())
    return f"""Localized and oriented: {learnt} of {n} learnt filters, {pca} of {n_pca} principal components, {noise} of
        filters of noise. Mean activations lie between {q.min():.4f} and {q.max():.4f}; they differ from
        &rho; = {rho:g} by at most {off}."""
