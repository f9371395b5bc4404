"""Too much capacity: a copy, and samples learnt by heart."""

import numpy as np

from npae.experiments.capacity import identity_map, memorize
from npae.plots import sparse_codes as draw
from npae.report.page import claim, figure, sources, text
from npae.report.references import BOOK
from npae.report.words import close, compared

ORDER = 32


def build(run):
    M, unexplained = identity_map(128, n_steps=200 if run.quick else 500, rng=run.seed)
    found = memorize(n_steps=400 if run.quick else 2500, rng=run.seed)
    blocks = [
        text("""Two networks with all the capacity they could use. The first is linear, 64-128-64, on patches of
            photographs whose 64 directions all vary alike: with a code wider than the input it can be the identity,
            and that is what it becomes, whatever its two matrices look like by themselves."""),
        figure(
            draw.whole_map(M),
            "The map from input to output, W<sub>e</sub> W<sub>d</sub>: a copy.",
            "A black diagonal on white: every output is its own input.",
        ),
        text(f"""The second has a code of a single unit, less than the two dimensions of its data, and learns nothing
            useful either: 2-50-50-1-50-50-2 with tanh units, {len(found.train)} samples of a round Gaussian. A line has
            one dimension, but a deep decoder may lay it through every sample."""),
        figure(
            draw.curve_of_memory(found),
            "What the decoder can put out as its one unit runs through its range: a curve from training sample to "
            "training sample. Held-out samples lie beside it.",
            "A winding line along black points; grey points are scattered around it.",
        ),
        claim(f"""W<sub>e</sub> W<sub>d</sub> differs from the identity by at most
            {np.abs(M - np.eye(len(M))).max():.0e}; {unexplained:.0e} of the variance is unexplained. {verdict(found)}
            """),
        sources(("note 14, undercomplete autoencoders", ""), BOOK["14.1"]),
    ]
    return "Capacity: a copy, and samples learnt by heart", blocks


def verdict(found):
    """How far a memory is off in training and held out, beside one principal component."""
    e = found.errors
    times, pca = e["held-out"] / e["training"], e["PCA, held-out"]
    beside = "within 10 % of" if close(e["held-out"], pca) else compared(e["held-out"], pca)
    return f"""Memory: the error is {e["training"]:.4f} in training and {e["held-out"]:.4f} held out, where one
        principal component has {e["PCA, training"]:.4f} and {pca:.4f}. Held out it is
        {times:,.0f} times as large as in training, and {beside} the component&rsquo;s."""
