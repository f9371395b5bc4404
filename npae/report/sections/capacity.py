"""Too much capacity: the overcomplete case."""

import numpy as np

from npae import plots
from npae.experiments.family import error
from npae.report.page import claim, figure, listed, quote, text

ORDER = 30


def build(run):
    plain = run.models["overcomplete"]
    rng = np.random.default_rng(run.seed)
    strangers = rng.permuted(run.test[:12], axis=1)  # the same grey levels, no longer an image of a digit
    names = ("undercomplete", "overcomplete", "denoising")
    rows = {"shuffled pixels": strangers} | {n: run.models[n].model.reconstruct(strangers) for n in names}
    cost = {name: error(rows[name], strangers) for name in names}
    blocks = [
        quote("""If it is allowed too much capacity, the autoencoder may not extract useful information about the
            distribution of the data. A similar problem also occurs if the hidden code has dimension equal to the input
            and in the overcomplete case."""),
        text(f"""With <i>K</i> = {plain.n_components} units for <i>D</i> = {run.test.shape[1]} pixels nothing forces a
            choice: the network learns to copy whatever comes. Images whose pixels were shuffled are no digits; a
            network that knows digits should fail on them."""),
        figure(
            plots.image_rows(rows, run.image_shape),
            "Shuffled pixels, and what three members make of them: who copies them has learnt nothing about digits.",
        ),
        claim(f"""Error on shuffled pixels: {listed(cost, ".2f")}; on held-out digits the overcomplete one has
            {run.held_out("overcomplete"):.3f}, the undercomplete one {run.held_out("undercomplete"):.3f}. A small error
            alone says little."""),
    ]
    return "Capacity: the overcomplete case", blocks
