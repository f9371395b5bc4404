"""Show codes of two dimensions as maps of the digits."""

import numpy as np

from npae import plots
from npae.experiments.small_codes import small_code
from npae.report.page import claim, figure, list_numbers, quote, sources, text

ORDER = 60


def build(run):
    deep = small_code(run, 2)
    n = min(len(run.test), 500)
    pca = run.models["PCA"].model
    codes = {"PCA": pca.transform(run.test[:n])[:, :2], "autoencoder": deep.transform(run.test[:n])}
    right = {name: neighbour_agreement(h, run.test_target[:n]) for name, h in codes.items()}
    D = run.test.shape[1]
    blocks = [
        quote("""An important characterization of a manifold is the set of its tangent planes. At a point x on a
            d-dimensional manifold, the tangent plane is given by d basis vectors that span the local directions of
            variation allowed on the manifold."""),
        text(f"""Images of digits fill a tiny, curved part of the space of all images. A code of two numbers is a
            map of that part. PCA&rsquo;s map is a flat projection; the map of a deep autoencoder
            ({D}-128-32-2-32-128-{D}) may be curved."""),
        figure(plots.code_scatter(codes, run.test_target[:n]),
            f"The codes of {n} held-out images, each drawn as its digit. No label was used in training.",
            "Two scatter plots of digits in ten colours. On PCA&rsquo;s map the classes overlap in the middle. On the "
            "autoencoder&rsquo;s map they lie in separate patches."),
        claim(f"""Held-out images with the same digit as their nearest neighbour on the map:
            {list_numbers(right, ".0%")}."""),
        sources("note 14, learning manifolds with autoencoders", "book 14.6", "hinton2006"),
    ]  # fmt: skip
    return "Learning manifolds", blocks


def neighbour_agreement(h, target):
    """Return the fraction of points whose nearest other point in h (N, K) has the same label."""
    squares = (h**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * h @ h.T
    np.fill_diagonal(distances, np.inf)
    return float((target[distances.argmin(axis=1)] == target).mean())
