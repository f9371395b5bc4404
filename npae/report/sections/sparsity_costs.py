"""What sparsity costs, how L1 is cheated, how dead units come back, what a unit answers to."""

from typing import Any

import numpy as np

from npae import sparsity
from npae.experiments.sparse_codes import cheat, frontiers, patches, revival, unexplained_at
from npae.plots import sparse_codes as draw
from npae.report.page import claim, figure, sources, table, text
from npae.report.references import BOOK, GAO, MAKHZANI, OLSHAUSEN
from npae.report.words import close, percent, said

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
        text("""How much of the data does a code keep that uses few units at a time? 128 units for whitened 8 &times; 8
            patches of photographs, twice as many as pixels: ReLU units under an L1 penalty of several strengths, and
            units of which all but the <i>k</i> largest are set to 0 (top <i>k</i>), with and without help for units
            that are never among them. L0 is the number of units active on a patch; both numbers are of held-out
            patches."""),
        figure(
            draw.frontier(methods),
            "Fraction of variance unexplained against units active: lower left is better.",
            "Three curves of points on logarithmic axes.",
        ),
        table(["method", "&lambda; or k", "mean L0", "unexplained", "dead of 128"], rows),
        claim(f"At the same L0: {side_by_side(methods)}."),
        text("""L1 takes its price from every activation and so makes all of them too small; top <i>k</i> gives every
            patch as many units, whether it needs them or not."""),
        text("""L1 can be cheated: half the code and twice the decoder reconstruct alike and cost half as much. With
            the decoder&rsquo;s rows held at norm 1 there is nothing to be gained."""),
        *([text("The full run shows how far that goes.")] if run.quick else cheating(X[:500], run.seed)),
        text("""A unit that is never among the <i>k</i> largest has no gradient and is dead. An auxiliary term lets the
            silent units reconstruct what the others leave over."""),
        figure(
            draw.revival_curves({name: counts for name, (counts, _) in revived.items()}, histograms),
            "Dead units of 128 along the training, top 4, and after it how many of the others are active how often.",
            "Two panels: two curves by epoch, and two step-shaped histograms over a logarithmic axis.",
        ),
        claim("Dead units after training: "
              + ", ".join(f"{int(counts[-1])} {name}" for name, (counts, _) in revived.items()) + "."),
        figure(
            draw.answers(network.decoder.layers[0].W[units], best, (8, 8)),
            "The units that are active most often: their filters, and the five training patches that each answers to "
            "most. Dark is positive, light negative, mid-grey zero.",
            "Twelve filters, each above five patches.",
        ),
        sources(("note 14, sparse autoencoders", ""), BOOK["14.2.1"], MAKHZANI, GAO, OLSHAUSEN),
    ]  # fmt: skip
    return "What sparsity costs", blocks


def cheating(X, seed):
    """L1 with a free decoder and with unit rows: the blocks of a full run."""
    histories = cheat(X, epochs=120, seed=seed, batch_size=50, lr=1e-2)
    return [
        figure(
            draw.cheat_curves(histories),
            "The same penalty with a free decoder and with unit rows, along the training.",
            "Two panels of two curves by epoch: penalty, and norm of the decoder's rows.",
        ),
        claim(cheated(histories["free decoder"][-1], histories["unit rows"][-1])),
    ]


def side_by_side(methods):
    """Top k beside L1 wherever the frontier of L1 reaches, in words."""
    reach, found = [point[1] for point in methods["L1"]], []
    for k, l0, ours, _ in methods["top k, revived"]:
        if min(reach) <= l0 <= max(reach):
            l1 = unexplained_at(methods["L1"], l0)
            ahead = "too close to call by one seed" if close(ours, l1) else f"{said(ours < l1, 'top k', 'L1')} ahead"
            found.append(f"with {k:g} units top k leaves {percent(ours)} unexplained and L1 {percent(l1)}, {ahead}")
    return "; ".join(found) or "the two do not meet here"


def cheated(free, unit):
    """How much less the free decoder pays, and what it would pay were its rows made as short as the other's."""
    if free[1] > 0.9 * unit[1]:
        return "So far the two pay nearly the same: the cheat takes longer than this run."
    return f"""The free decoder&rsquo;s rows grow to norm {free[2]:.2f}, and its penalty falls to
        {percent(free[1] / unit[1])} of the other&rsquo;s; with rows made short again it would be about
        {percent(free[1] * free[2] / unit[1])} of it. Of its units {free[4]:.1f} are active on a patch, {unit[4]:.1f}
        with unit rows."""
