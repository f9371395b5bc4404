"""Show the cost of sparsity, the cheat of L1, the revival of dead units, and the patches that excite a unit."""

from typing import Any

import numpy as np

from npae import sparsity
from npae.experiments.claims import needs_seeds
from npae.experiments.sparse_codes import cheat, frontiers, patches, revival, unexplained_at
from npae.plots import sparse_codes as draw
from npae.report.page import claim, figure, sources, table, text
from npae.report.words import choose, percent

ORDER = 42


def build(run):
    n_train, epochs = (1000, 4) if run.quick else (3000, 12)
    how: dict[str, Any] = {"epochs": epochs, "seed": run.seed, "batch_size": 50, "lr": 5e-3}
    X, T = patches(n_train, 1000, seed=run.seed)
    lams, ks = ((0.3, 1.0, 3.0), (4, 16)) if run.quick else ((0.03, 0.1, 0.3, 1.0, 3.0), (4, 8, 16, 32))
    methods = frontiers(X, T, lams=lams, ks=ks, **how)
    revived = revival(X, k=4, **how)
    histograms = {name: sparsity.density_histogram(network, X, n_bins=12) for name, (_, network) in revived.items()}
    network = revived["with the auxiliary term"][1]
    units = np.argsort(-sparsity.density(network, X), kind="stable")[:12]
    best = X[sparsity.top_samples(network, X, 5)[units]]
    rows = [[method, f"{s:g}", f"{l0:.1f}", f"{fvu:.3f}", n_dead]
            for method, points in methods.items() for s, l0, fvu, n_dead in points]  # fmt: skip
    blocks = [
        text("""How much of the data does a code keep if few units are active at a time? The code has 128 units for
            whitened 8 &times; 8 patches of photographs, two units per pixel. Its units are ReLU units under an L1
            penalty of several strengths, or only the <i>k</i> largest units stay and the others are set to 0
            (top <i>k</i>), with and without help for units that are never among the largest. L0 is the number of
            active units per patch. L0 and error are measured on held-out patches."""),
        figure(draw.frontier(methods),
            "Fraction of variance unexplained by number of active units: lower left is better.",
            "Three falling curves of points on logarithmic axes."),
        table(["method", "&lambda; or k", "mean L0", "unexplained", "dead of 128"], rows),
        claim(f"At the same L0: {sentence_on_frontiers(methods)}."),
        text("""The L1 penalty makes every activation too small. Top <i>k</i> gives every patch the same number of
            units, even if a patch needs fewer."""),
        text("""A network can cheat L1: half the code with twice the decoder has the same reconstruction and half the
            penalty. If the decoder&rsquo;s rows have norm 1, the network cannot gain from this."""),
        *([text("The full run shows the effect of this cheat.")] if run.quick else cheating(X[:500], run.seed)),
        text("""A unit that is never among the <i>k</i> largest has no gradient and is dead. An auxiliary term trains
            the silent units to reconstruct the error of the others."""),
        figure(draw.revival_curves({name: counts for name, (counts, _) in revived.items()}, histograms),
            "Dead units of 128 during the training with top 4, and how often the living units are active.",
            "Two panels: two curves by epoch, and two step-shaped histograms over a logarithmic axis."),
        claim("Dead units after training: "
              + ", ".join(f"{int(counts[-1])} {name}" for name, (counts, _) in revived.items()) + "."),
        figure(draw.answers(network.decoder.layers[0].W[units], best, (8, 8)),
            "The most frequently active units: their filters, and the five training patches with the largest "
            "activation. Dark is positive, light negative, mid-grey zero.",
            "Twelve filters, each above five patches."),
        sources("note 14, sparse autoencoders", "book 14.2.1", "makhzani2014", "gao2024", "olshausen1997"),
    ]  # fmt: skip
    return "The cost of sparsity", blocks


def cheating(X, seed):
    """Return the blocks of a full run: L1 with a free decoder and with unit rows."""
    histories = cheat(X, epochs=120, seed=seed, batch_size=50, lr=1e-2)
    return [
        figure(draw.cheat_curves(histories),
            "The same penalty with a free decoder and with unit rows, by epoch.",
            "Two panels with two curves each: the penalty, and the norm of the decoder's rows."),
        claim(sentence_on_cheating(histories["free decoder"][-1], histories["unit rows"][-1])),
    ]  # fmt: skip


def sentence_on_frontiers(methods):
    """Return how top k compares with L1 at every L0 that L1 reaches."""
    reach, found = [point[1] for point in methods["L1"]], []
    for k, l0, ours, _ in methods["top k, revived"]:
        if min(reach) <= l0 <= max(reach):
            l1 = unexplained_at(methods["L1"], l0)
            ahead = choose(ours < l1, "top k ahead", "L1 ahead")
            ahead = choose(needs_seeds(ours, l1), "too close to call by one seed", ahead)
            found.append(f"with {k:g} units top k leaves {percent(ours)} unexplained and L1 {percent(l1)}, {ahead}")
    return "; ".join(found) or "the two ranges of L0 do not overlap"


def sentence_on_cheating(free, unit):
    """Return how much less penalty the free decoder pays, and its penalty after a rescaling of its rows to norm 1."""
    if free[1] > 0.9 * unit[1]:
        return "So far the two pay nearly the same: the cheat takes longer than this run."
    return f"""The free decoder&rsquo;s rows grow to norm {free[2]:.2f}, and its penalty falls to
        {percent(free[1] / unit[1])} of the penalty with unit rows. With its rows rescaled to norm 1 it would pay about
        {percent(free[1] * free[2] / unit[1])}. Per patch {free[4]:.1f} of its units are active, and {unit[4]:.1f} with
        unit rows."""
