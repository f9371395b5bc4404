"""Show the theory of linear autoencoders, and the gain of nonlinear ones."""

import numpy as np

from npae.datasets import load_digits
from npae.experiments.claims import needs_seeds
from npae.experiments.linear import angle_histories, component_images, errors_by_width, loss_surfaces
from npae.pca.moments import Moments
from npae.pca.theory import critical_points
from npae.plots import linear as linear_plots
from npae.report.page import claim, equation, figure, sources, text
from npae.report.words import choose, compare

ORDER = 25


def build(run):
    data = load_digits()
    X, seed = data.data, run.seed
    histories = angle_histories(X, n_steps=400 if run.quick else 10_000, random_state=seed)
    rows = component_images(X, max_iter=10 if run.quick else 100, random_state=seed)
    widths, errors = errors_by_width(X, [2, 8] if run.quick else [1, 2, 4, 8, 16], 10 if run.quick else 100, seed)
    s = Moments.from_samples(X).spectrum()[0]
    points = critical_points(Moments(np.zeros(6), np.diag(s[:6]), len(X)), 2)
    blocks = [
        text(f"""A linear autoencoder reaches PCA by gradient descent alone, here on {len(X)} digits of 8 &times; 8
            pixels. The objective depends on the data only through their mean and covariance, so that an epoch costs the
            same for any number of images. {sentence_on_steps(histories)}"""),
        figure(linear_plots.angle_curves(histories),
            "Largest principal angle between the decoder of 8 units and PCA, by training step.",
            "Three curves on a logarithmic axis that begin near a right angle: a constant step, and a shrinking step "
            "in single and double precision."),
        claim(f"""Largest angle after training:
            {"; ".join(f"{name} {angles[-1]:.0e} rad" for name, (_, angles) in histories.items())}."""),
        text("""The descent cannot get stuck. The points of zero gradient are known in closed form. Each keeps some of
            the principal directions <i>v<sub>i</sub></i> with variances <i>s<sub>i</sub></i>. Unless these are the
            first directions, exchanging one for a direction of larger variance lowers <i>J</i>. With weight decay
            &lambda;,"""),
        equation(r"W_e=W_d^T=V_I^T\,\mathrm{diag}(w_I),\qquad w_i^2=1-\lambda/s_i,\qquad"
            r"J=\sum_{i\in I}\left(\lambda-\dfrac{\lambda^2}{2s_i}\right)+\dfrac{1}{2}\sum_{i\notin I}s_i"),
        text("""up to a rotation of the code. At &lambda; = 0 the code may be mixed by any invertible matrix. So each
            is a family of points with one value of <i>J</i>."""),
        figure(linear_plots.surfaces(**loss_surfaces()),
            "Objectives of the two linear autoencoders that have two weights, in closed form; darker is higher. Only "
            "tied weights, in the lower map, have a maximum.",
            "Two contour maps. Above: a saddle at the origin between two minima in opposite corners. Below: a maximum "
            "at the origin, two minima on the first principal axis, two saddles on the second."),
        claim(sentence_on_critical_points(points)),
        text("""Without weight decay a single decoder row has no meaning, because any invertible mixing of the code
            costs the same. With weight decay only rotations cost the same. Then the decoder&rsquo;s singular vectors
            are the principal directions, in order."""),
        figure(linear_plots.components(rows, data.image_shape),
            "Components as images: dark adds ink, light removes ink, mid-grey is zero.",
            "Four rows of eight signed images. The first and the third row are alike. The row of the plain linear "
            "network shows mixtures of them, the row of the nonlinear network rougher strokes."),
        text("""Nonlinear hidden layers make &lsquo;a more powerful nonlinear generalization of PCA&rsquo;. All errors
            are measured on held-out digits."""),
        figure(linear_plots.error_curves(widths, errors),
            "Held-out error by width of the code: PCA, the linear autoencoder, and D-128-k-128-D with tanh.",
            "Falling lines on logarithmic axes. The line of the linear network lies on PCA&rsquo;s; the line of the "
            "nonlinear network does not."),
        claim(sentence_on_widths(widths, errors)),
        sources("baldi1989", "kunin2019"),
    ]  # fmt: skip
    return "Linear autoencoders: PCA in every way", blocks


def sentence_on_steps(histories):
    """Return whether a shrinking step ends closer to PCA than a constant one."""
    constant, *shrinking = (angles[-1] for _, angles in histories.values())
    return choose(
        max(shrinking) < constant,
        "Adam&rsquo;s step has to shrink at the end: with a constant step it circles the subspace.",
        "A shrinking step is better in the end; these trainings are too short to show it.",
    )


def sentence_on_critical_points(points):
    """Return the numbers of minima and saddles at lambda = 0, and the lowest saddle."""
    minima = [point for point in points if point.is_minimum]
    first = next(point for point in points if not point.is_minimum)
    kept = " and ".join(str(i + 1) for i in first.directions)
    return f"""With two units, &lambda; = 0 and only the first six directions of the digits there are {len(points)}
        families of critical points: {len(minima)} of minima, with J = {minima[0].loss:.3f}, and
        {len(points) - len(minima)} of saddles; untied weights have no maxima. The lowest saddles, J = {first.loss:.3f},
        keep directions {kept} and have {first.n_descent} direction{"s" * (first.n_descent != 1)} of descent."""


def sentence_on_widths(widths, errors):
    """Return how the linear network compares with PCA, and the nonlinear one at widths where they differ by 10 %."""
    pca, linear, nonlinear = (np.array(values) for values in errors.values())
    near = [needs_seeds(n, p) for n, p in zip(nonlinear, pca)]
    gains = [f"{compare(n, p)} at k = {k}" for k, n, p, close in zip(widths, nonlinear, pca, near) if not close]
    rest = ", ".join(str(k) for k, close in zip(widths, near) if close)
    return f"""The linear autoencoder&rsquo;s error is PCA&rsquo;s to {np.abs(linear / pca - 1).max():.0e}. The
        nonlinear one&rsquo;s compared with PCA&rsquo;s: {"; ".join(gains) or "nowhere far apart"}.{
        choose(rest, f" One seed does not decide differences within 10 %, at k = {rest}.")
    }"""
