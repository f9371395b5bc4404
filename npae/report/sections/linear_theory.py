"""What is known of linear autoencoders, and what bending gains."""

import numpy as np

from npae.datasets import load_digits
from npae.experiments.linear import angle_histories, component_images, errors_by_width
from npae.pca.moments import Moments
from npae.pca.theory import critical_points
from npae.plots import linear as linear_plots
from npae.report.page import claim, equation, figure, text

ORDER = 25


def build(run):
    data = load_digits()
    X, seed = data.data, run.seed
    histories = angle_histories(X, n_steps=2000 if run.quick else 10_000, random_state=seed)
    s = Moments.of(X).spectrum()[0]
    points = critical_points(Moments(np.zeros(6), np.diag(s[:6]), len(X)), 2)
    blocks = [
        text(f"""How a linear autoencoder gets to PCA, on {len(X)} digits of 8 &times; 8 pixels. The objective depends
            on the data through their mean and covariance alone, so that an epoch costs the same for any number of
            images. Adam's step has to shrink at the end: with a constant one it circles the subspace."""),
        figure(
            linear_plots.angle_curves(histories),
            "Largest principal angle between the decoder of 8 units and PCA, against the training step.",
        ),
        claim(f"""Largest angle after training:
            {"; ".join(f"{name} {angles[-1]:.1e} rad" for name, (_, angles) in histories.items())}."""),
        text("""It cannot get stuck on the way. The points of zero gradient are known in closed form: each keeps some of
            the principal directions <i>v<sub>i</sub></i> with variances <i>s<sub>i</sub></i>, and wherever these are
            not the first ones, exchanging one for a larger one leads down."""),
        equation(
            r"W_e=W_d^T=V_I^T\,\mathrm{diag}(w_I),\qquad w_i^2=1-\lambda/s_i,\qquad"
            r"J=\sum_{i\in I}\left(\lambda-\dfrac{\lambda^2}{2s_i}\right)+\dfrac{1}{2}\sum_{i\notin I}s_i"
        ),
        figure(
            linear_plots.surfaces(),
            "Objectives of the two linear autoencoders that have two weights, computed in closed form.",
        ),
        claim(f"""With two units and the digits' first six directions alone there are {len(points)} critical points:
            {sum(point.is_minimum for point in points)} minimum, with J = {points[0].loss:.3f}, and
            {sum(not point.is_minimum for point in points)} saddles or maxima; the lowest of these, J =
            {points[1].loss:.3f}, keeps directions {points[1].directions[0] + 1} and {points[1].directions[1] + 1} and
            has {points[1].n_descent} way down."""),
        *_components(data, run),
        *_errors(X, run),
    ]
    return "Linear autoencoders: PCA in every way", blocks


def _components(data, run):
    try:
        rows = component_images(data.data, max_iter=60 if run.quick else 200, random_state=run.seed)
    except ImportError as error:
        return [text(f"The pictures of the components are missing here: {error}.")]
    return [
        text("""Without weight decay any mixing of the code costs the same, so that single decoder rows mean nothing.
            Weight decay makes the mixing a rotation, and the decoder's singular vectors are then the principal
            directions, in order."""),
        figure(linear_plots.components(rows, data.image_shape), "Components as images: white adds, black takes away."),
    ]


def _errors(X, run):
    widths, max_iter = ([2, 8], 80) if run.quick else ([1, 2, 4, 8, 16], 300)
    try:
        widths, errors = errors_by_width(X, widths, max_iter, run.seed)
    except ImportError as error:
        return [text(f"The comparison of errors is missing here: {error}.")]
    at = widths.index(8)
    pca, linear, nonlinear = (values[at] for values in errors.values())
    return [
        text("""Hidden layers that bend give the code more to say: &lsquo;a more powerful nonlinear generalization of
            PCA&rsquo;. All errors are of digits that were not trained on."""),
        figure(
            linear_plots.error_curves(widths, errors),
            "Held-out error against the width of the code: PCA, the linear autoencoder, and D-128-k-128-D with tanh.",
        ),
        claim(f"""At k = 8: PCA {pca:.4f}, linear autoencoder {linear:.4f}, nonlinear {nonlinear:.4f},
            {1 - nonlinear / pca:.0%} below PCA."""),
    ]
