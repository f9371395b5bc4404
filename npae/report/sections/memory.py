"""Show two effects of too much capacity: a copy, and memorized samples."""

import numpy as np

from npae.experiments.capacity import identity_map, memorize
from npae.experiments.claims import needs_seeds
from npae.plots import sparse_codes as draw
from npae.report.page import claim, figure, sources, text
from npae.report.words import compare

ORDER = 32


def build(run):
    M, unexplained = identity_map(128, n_steps=200 if run.quick else 500, rng=run.seed)
    found = memorize(n_steps=400 if run.quick else 2500, rng=run.seed)
    blocks = [
        text("""Two networks have more capacity than they need. The first is linear, 64-128-64, on patches of
            photographs that have the same variance in all 64 directions. Its code is wider than the input, so that it
            can be the identity, and it becomes the identity. Its two matrices need not look like it."""),
        figure(draw.whole_map(M),
            "The map from input to output, W<sub>e</sub> W<sub>d</sub>: a copy.",
            "A black diagonal on white: every output is its own input."),
        text(f"""The second has a code of one unit, fewer than the two dimensions of its data, and does not learn
            anything useful either: 2-50-50-1-50-50-2 with tanh units, {len(found.train)} samples of a round Gaussian. A
            curve has one dimension, but a deep decoder can draw it through every sample."""),
        figure(draw.curve_of_memory(found),
            "The outputs of the decoder for all values of its one unit: a curve from training sample to training "
            "sample. Held-out samples lie beside the curve.",
            "A winding line through black points; grey points are scattered around it."),
        claim(f"""W<sub>e</sub> W<sub>d</sub> differs from the identity by at most
            {np.abs(M - np.eye(len(M))).max():.0e}; {unexplained:.0e} of the variance is unexplained.
            {sentence_on_memory(found)}"""),
        sources("note 14, undercomplete autoencoders", "book 14.1"),
    ]  # fmt: skip
    return "Capacity: a copy, and memorized samples", blocks


def sentence_on_memory(found):
    """Return the errors of the memorizing network in training and held out, compared with one principal component."""
    e = found.errors
    held_out, pca = e["held-out"], e["PCA, held-out"]
    relation = "within 10 % of" if needs_seeds(held_out, pca) else compare(held_out, pca)
    return f"""The second network&rsquo;s error is {e["training"]:.4f} in training and {held_out:.4f} held out. One
        principal component has {e["PCA, training"]:.4f} and {pca:.4f}. The held-out error is
        {held_out / e["training"]:,.0f} times the training error, and {relation} the component&rsquo;s."""
