"""What is known of linear autoencoders, and what bending gains."""

import numpy as np

from npae.datasets import load_digits
from npae.experiments.linear import angle_histories, component_images, errors_by_width, loss_surfaces
from npae.pca.moments import Moments
from npae.pca.theory import critical_points
from npae.plots import linear as linear_plots
from npae.report.page import claim, equation, figure, sources, text
from npae.report.references import BALDI_HORNIK, KUNIN
from npae.report.words import compared, said

ORDER = 25


def build(run):
    data = load_digits()
    X, seed = data.data, run.seed
    histories = angle_histories(X, n_steps=400 if run.quick else 10_000, random_state=seed)
    rows = component_images(X, max_iter=10 if run.quick else 100, random_state=seed)
    widths, errors = errors_by_width(X, [2, 8] if run.quick else [1, 2, 4, 8, 16], 10 if run.quick else 100, seed)
    s = Moments.of(X).spectrum()[0]
    points = critical_points(Moments(np.zeros(6), np.diag(s[:6]), len(X)), 2)
    blocks = [
        text(f"""How a linear autoencoder gets to PCA by gradients alone, on {len(X)} digits of 8 &times; 8 pixels. The
            objective depends on the data through their mean and covariance alone, so that an epoch costs the same for
            any number of images. {steps(histories)}"""),
        figure(
            linear_plots.angle_curves(histories),
            "Largest principal angle between the decoder of 8 units and PCA, against the training step.",
            "Three curves on a logarithmic axis, near a right angle at first: a constant step, and a shrinking one in "
            "single and double precision.",
        ),
        claim(f"""Largest angle after training:
            {"; ".join(f"{name} {angles[-1]:.0e} rad" for name, (_, angles) in histories.items())}."""),
        text("""It cannot get stuck on the way. The points of zero gradient are known in closed form: each keeps some of
            the principal directions <i>v<sub>i</sub></i> with variances <i>s<sub>i</sub></i>, and wherever these are
            not the first ones, exchanging one for a larger one leads down. With weight decay &lambda;,"""),
        equation(
            r"W_e=W_d^T=V_I^T\,\mathrm{diag}(w_I),\qquad w_i^2=1-\lambda/s_i,\qquad"
            r"J=\sum_{i\in I}\left(\lambda-\dfrac{\lambda^2}{2s_i}\right)+\dfrac{1}{2}\sum_{i\notin I}s_i"
        ),
        text("""up to a rotation of the code, and at &lambda; = 0 up to any invertible mixing: each is a family of
            points with one value of <i>J</i>."""),
        figure(
            linear_plots.surfaces(**loss_surfaces()),
            "Objectives of the two linear autoencoders that have two weights, in closed form; darker is higher. A "
            "maximum, as in the lower one, exists only where weights are tied.",
            "Two contour maps. Above: a saddle at the origin between two minima in opposite corners. Below: a maximum "
            "at the origin, two minima on the first principal axis, two saddles on the second.",
        ),
        claim(critical(points)),
        text("""Without weight decay single decoder rows mean nothing, since any invertible mixing of the code costs the
            same. Weight decay leaves only rotations, and the decoder&rsquo;s singular vectors are then the principal
            directions, in order."""),
        figure(
            linear_plots.components(rows, data.image_shape),
            "Components as images: dark adds ink, light takes it away, mid-grey is zero.",
            "Four rows of eight signed images. The first and the third row are alike, those of the plain linear "
            "network are mixtures of them, those of the nonlinear one have rougher strokes.",
        ),
        text("""Hidden layers that bend give the code more to say: &lsquo;a more powerful nonlinear generalization of
            PCA&rsquo;. All errors are of digits that were not trained on."""),
        figure(
            linear_plots.error_curves(widths, errors),
            "Held-out error against the width of the code: PCA, the linear autoencoder, and D-128-k-128-D with tanh.",
            "Falling lines on logarithmic axes. That of the linear network lies on PCA&rsquo;s; that of the nonlinear "
            "one is another.",
        ),
        claim(by_width(widths, errors)),
        sources(BALDI_HORNIK, KUNIN),
    ]
    return "Linear autoencoders: PCA in every way", blocks


def steps(histories):
    """What a step that shrinks gains over a constant one, by the angles at the end."""
    constant, *shrinking = (angles[-1] for _, angles in histories.values())
    return said(
        max(shrinking) < constant,
        "Adam&rsquo;s step has to shrink at the end: with a constant one it circles the subspace.",
        "A step that shrinks pays in the end; these paths are too short for it.",
    )


def critical(points):
    """The families of critical points at lambda = 0, counted, and the lowest that is no minimum."""
    minima = [point for point in points if point.is_minimum]
    first = next(point for point in points if not point.is_minimum)
    kept = " and ".join(str(i + 1) for i in first.directions)
    return f"""With two units, &lambda; = 0 and the digits&rsquo; first six directions alone there are {len(points)}
        families of critical points: {len(minima)} of minima, with J = {minima[0].loss:.3f}, and
        {len(points) - len(minima)} of saddles; untied weights have no maxima. The lowest saddles, J = {first.loss:.3f},
        keep directions {kept} and have {first.n_descent} way{"s" * (first.n_descent != 1)} down."""


def by_width(widths, errors):
    """What a nonlinear network gains at every width where 10 % or more lie between, and that the linear one is PCA."""
    pca, linear, nonlinear = (np.array(values) for values in errors.values())
    apart = np.abs(nonlinear - pca) >= 0.1 * pca
    gains = [f"{compared(n, p)} at k = {k}" for k, n, p, far in zip(widths, nonlinear, pca, apart) if far]
    rest = [str(k) for k, far in zip(widths, apart) if not far]
    near = f" Within 10 %, which one seed does not decide, at k = {', '.join(rest)}." if rest else ""
    return f"""The linear autoencoder&rsquo;s error is PCA&rsquo;s to {np.abs(linear / pca - 1).max():.0e}. The
        nonlinear one&rsquo;s against PCA&rsquo;s: {"; ".join(gains) or "nowhere far apart"}.{near}"""
