"""Undercomplete autoencoders and PCA."""

import numpy as np

from npae import plots
from npae.pca import PCA, compare_with_pca, fit_linear_autoencoder
from npae.pca.fit_linear import bottleneck_network, decoder_matrix
from npae.report.page import claim, equation, figure, quote, sources, text
from npae.report.words import compare, percent

ORDER = 20
K = 8


def build(run):
    X = run.train.astype(np.float64)
    pca = PCA(K, solver="covariance").fit(X)
    networks = {
        name: bottleneck_network(X.shape[1], K, tied=name == "tied", rng=run.seed) for name in ("untied", "tied")
    }
    n_iter = {name: fit_linear_autoencoder(network, X, gtol=1e-10).n_iter for name, network in networks.items()}
    results = {name: compare_with_pca(network, X, pca=pca) for name, network in networks.items()}
    angles = {name: np.max(np.asarray(result.angles)) for name, result in results.items()}
    decoders = {name: decoder_matrix(network) for name, network in networks.items()}
    condition = np.linalg.cond(decoders["untied"])
    turned = np.abs(decoders["tied"] @ decoders["tied"].T - np.eye(K)).max()
    ours, theirs = run.pair("undercomplete", "PCA")
    longer = run.error_after_longer_training("undercomplete")
    pixels = middle_pixels(run.image_shape)
    spans = {"PCA": pca.components_.T @ pca.components_[:, pixels]}
    spans |= {name: network.encoder.layers[0].W @ decoders[name][:, pixels] for name, network in networks.items()}
    blocks = [
        quote("""When the decoder is linear and the loss function is mean squared error, an undercomplete autoencoder
            learns to span the same subspace as PCA."""),
        equation(r"\min_{W_e,\,W_d}\;\dfrac{1}{2N}\sum_n \Vert x_n-\mu-(x_n-\mu)\,W_e W_d\Vert^2,\qquad "
            r"W_d\in R^{K\times D}"),
        text(f"""Two linear autoencoders with <i>K</i> = {K} were trained from random weights by L-BFGS
            ({n_iter["untied"]} iterations; with tied weights, {n_iter["tied"]}). The cost depends only on the product
            <i>W<sub>e</sub>W<sub>d</sub></i>. So the untied network may mix its code by any invertible matrix, and its
            filters are oblique: their condition number is {condition:.1f}, compared with 1 for PCA&rsquo;s directions.
            The tied network may only rotate its code: its filters are orthonormal to {turned:.0e}, but they are not
            principal directions. The product, the projection on the span, is the same for all three."""),
        figure(plots.filters({"PCA": pca.components_.T, "untied": decoders["untied"].T, "tied": decoders["tied"].T},
                          run.image_shape, n=K, n_columns=4),
            "The decoder filters differ. Dark adds ink, light removes ink, mid-grey is zero.",
            "Three blocks of eight signed images each. PCA&rsquo;s look like waves of growing frequency; the two "
            "networks&rsquo; are mixtures of the same waves."),
        figure(plots.filters(spans, run.image_shape, n=len(pixels), n_columns=4),
            "The projections agree. Each image shows the response to a little more ink in one pixel (same greys).",
            "Three blocks of eight signed images each. The three blocks look alike."),
        claim(f"""Largest principal angle to PCA&rsquo;s subspace: untied {angles["untied"]:.0e} rad, tied
            {angles["tied"]:.0e} rad. The errors exceed PCA&rsquo;s by a fraction of at most
            {max(abs(result.excess) for result in results.values()):.0e}."""),
        text(sentence_on_pca(ours, theirs, longer, run.settings.n_components)),
        figure(plots.learning_curves({n: t.model.history_ for n, t in run.models.items() if t.epochs}),
            "The training objective J of each member. J includes the penalty, so do not compare the levels of "
            "different members.",
            "Six falling curves, steep in the first tenth of the epochs and level at the end."),
        sources("note 14, undercomplete autoencoders", "book 14.1", "bourlard1988", "baldi1989"),
    ]  # fmt: skip
    return "Undercomplete autoencoders and PCA", blocks


def middle_pixels(image_shape):
    """Return the indices of eight pixels around the middle of the image."""
    rows, columns = image_shape
    places = [(rows * i // 5, columns * j // 6) for i in (2, 3) for j in (1, 2, 3, 4)]
    return [i * columns + j for i, j in places]


def sentence_on_pca(ours, pca, longer, n_components):
    """Return how the sigmoid autoencoder compares with PCA of the same width, and the effect of twice the epochs.

    ours and pca: held-out errors, numbers or one per seed; longer: the error after twice the epochs.
    """
    mean, pca_mean = float(np.mean(ours)), float(np.mean(pca))
    gain = 1 - longer / mean
    more = (
        f"{percent(gain)} less: it was not trained to the end."
        if gain > 0.01
        else "less than 1 % below that: it was trained to the end."
    )
    if mean < pca_mean:
        meaning = "A nonlinear network can follow the data further than a linear one."
    elif gain > 0.01:
        meaning = "It is undertrained, so this does not show that nonlinear units are useless."
    else:
        meaning = "A nonlinear network alone is no guarantee."
    return f"""With nonlinear <i>f</i> and <i>g</i> an autoencoder is a nonlinear generalization of PCA. At the same
        <i>K</i> = {n_components} the sigmoid autoencoder&rsquo;s held-out error is {mean:.4f} and PCA&rsquo;s
        {pca_mean:.4f}: {compare(ours, pca)}. {meaning} Twice the epochs lead to {longer:.4f}, {more}"""
