"""Undercomplete autoencoders and PCA."""

import numpy as np

from npae import plots
from npae.activations import Identity
from npae.optimizers import lbfgs
from npae.pca import compare_with_pca
from npae.report.page import claim, equation, figure, quote, text

ORDER = 20


def build(run):
    K = run.settings.n_components
    linear = run.autoencoder(K, activation=Identity(), output_activation=Identity(), max_iter=1)
    linear.fit(run.train.astype(np.float64))
    lbfgs_error = _descend(linear, run)
    comparison = compare_with_pca(linear, run.train.astype(np.float64))
    pca, code = run.models["PCA"].model, run.models["undercomplete"].model
    decoder = code.network_.decoder.layers[0]
    groups = {
        "PCA directions": pca.components_.T,
        "linear decoder rows": linear.network_.decoder.layers[0].W.T,
        "sigmoid decoder rows": decoder.W.T,
    }
    gain = 1 - run.held_out("undercomplete") / run.held_out("PCA")
    blocks = [
        quote(
            "When the decoder is linear and the loss function is mean squared error, an undercomplete autoencoder "
            "learns to span the same subspace as PCA."
        ),
        equation(
            r"\min_{W_e,\,W_d}\;\dfrac{1}{2N}\sum_n \Vert x_n-\mu-(x_n-\mu)\,W_e W_d\Vert^2,\qquad W_d\in R^{K\times D}"
        ),
        text(
            f"A linear autoencoder with <i>K</i> = {K} was trained from random weights {lbfgs_error}, and its decoder "
            "held against the first principal directions by the principal angles between the two subspaces. "
            "The single filters differ, because any invertible mixing of the code costs the same; the space they span "
            "does not."
        ),
        figure(
            plots.filters(groups, run.image_shape, n=min(K, 16), n_columns=4),
            "Decoder filters: principal directions, a linear autoencoder that spans the same space, and the sigmoid "
            "autoencoder.",
        ),
        claim(
            f"Largest principal angle between the linear decoder and PCA: {np.max(comparison.angles):.2e} rad; "
            f"training loss above PCA's by {comparison.excess:.2e} of it."
        ),
        text(
            "With nonlinear <i>f</i> and <i>g</i> an autoencoder is a nonlinear generalization of PCA: at the same "
            f"<i>K</i> = {K} the sigmoid autoencoder's held-out error is {run.held_out('undercomplete'):.4f} against "
            f"PCA's {run.held_out('PCA'):.4f} "
            f"({abs(gain):.0%} {'below' if gain > 0 else 'above: nonlinear is no guarantee'})."
        ),
        figure(
            plots.learning_curves(
                {n: t.model.history_ for n, t in run.models.items() if hasattr(t.model, "history_")},
            ),
            "The training objective J of each member, penalties included.",
        ),
    ]
    return "Undercomplete autoencoders and PCA", blocks


def _descend(linear, run):
    """L-BFGS where SciPy is there, full-batch Adam with a falling step otherwise; says which."""
    X = run.train.astype(np.float64)
    network = linear.network_
    try:
        result = lbfgs(network, X, max_iter=200 if run.quick else 3000)
        return f"by {result.n_iter} iterations of L-BFGS"
    except ImportError:
        from npae.optimizers import Adam

        steps = 300 if run.quick else 4000
        step = Adam(1e-2).start(network.theta)
        for t in range(steps):
            step.lr = 1e-2 * 0.5 * (1 + np.cos(np.pi * t / steps))
            network.value_and_grad(X)
            step(network.grad)
        return f"by {steps} full-batch steps of Adam with a falling step size"
