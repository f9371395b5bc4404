"""Undercomplete autoencoders and PCA."""

import numpy as np

from npae import plots
from npae.lbfgs_training import lbfgs
from npae.pca import PCA, compare_with_pca
from npae.pca.moments import Moments
from npae.pca.training import bottleneck_network, decoder_matrix, descend
from npae.report.page import claim, equation, figure, quote, text

ORDER = 20


def build(run):
    K = run.settings.n_components
    X = run.train.astype(np.float64)
    k = min(K, 16)  # a few are enough to show it
    linear = bottleneck_network(X.shape[1], k, tied=True, rng=run.seed)
    how = _train(linear, X, run.quick)
    comparison = compare_with_pca(linear, X, pca=PCA(k, solver="covariance").fit(X))
    angle = np.max(np.asarray(comparison.angles))
    pca, code = run.models["PCA"].model, run.models["undercomplete"].model
    decoder = code.network_.decoder.layers[0]
    groups = {
        "PCA directions": pca.components_.T,
        "linear decoder rows": decoder_matrix(linear).T,
        "sigmoid decoder rows": decoder.W.T,
    }
    gain = 1 - run.held_out("undercomplete") / run.held_out("PCA")
    blocks = [
        quote("""When the decoder is linear and the loss function is mean squared error, an undercomplete autoencoder
            learns to span the same subspace as PCA."""),
        equation(
            r"\min_{W_e,\,W_d}\;\dfrac{1}{2N}\sum_n \Vert x_n-\mu-(x_n-\mu)\,W_e W_d\Vert^2,\qquad W_d\in R^{K\times D}"
        ),
        text(f"""A linear autoencoder with <i>K</i> = {k} and tied weights was trained from random weights {how}, and
            its decoder held against the first principal directions by the principal angles between the two subspaces.
            The single filters differ, because any invertible mixing of the code costs the same; the space they span
            does not."""),
        figure(
            plots.filters(groups, run.image_shape, n=k, n_columns=4),
            "Decoder filters: principal directions, a linear autoencoder that spans the same space, and the sigmoid "
            "autoencoder.",
        ),
        claim(f"""Largest principal angle between the linear decoder and PCA: {angle:.1e} rad; training loss within
            {abs(comparison.excess):.0e} of PCA's."""),
        text(f"""With nonlinear <i>f</i> and <i>g</i> an autoencoder is a nonlinear generalization of PCA: at the
            same <i>K</i> = {K} the sigmoid autoencoder's held-out error is {run.held_out("undercomplete"):.4f}
            against PCA's {run.held_out("PCA"):.4f} ({abs(gain):.0%}
            {"below" if gain > 0 else "above: nonlinear is no guarantee"})."""),
        figure(
            plots.learning_curves({n: t.model.history_ for n, t in run.models.items() if hasattr(t.model, "history_")}),
            "The training objective J of each member, penalties included.",
        ),
    ]
    return "Undercomplete autoencoders and PCA", blocks


def _train(network, X, quick):
    """L-BFGS where SciPy is there, Adam with a falling step otherwise; says which."""
    try:
        return f"by {lbfgs(network, X, gtol=1e-5 if quick else 1e-10).n_iter} iterations of L-BFGS"
    except ImportError:
        n_steps = 1000 if quick else 10_000
        descend(network, Moments.of(X).sample(), n_epochs=n_steps)
        return f"by {n_steps} full-batch steps of Adam with a falling step size"
