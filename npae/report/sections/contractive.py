"""Contractive autoencoders: the derivative of the code."""

import numpy as np

from npae import datasets, manifold
from npae.experiments.manifolds import image_codes, motion_angles, turning_walks
from npae.plots import manifolds as manifold_plots
from npae.report.page import claim, equation, figure, listed, quote, table, text

ORDER = 70
N_DIMS = 8  # of the tangent spaces that motions are held against


def build(run):
    small = run.test.shape[1] < 100  # a decomposition of 128 x D for each image, and training at D
    X = run.test[: 200 if small else 8 if run.quick else 40].astype(np.float64)
    n_steps = (500 if small else 150) if run.quick else (4000 if small else 1500)
    codes = image_codes(run.train, X, n_steps=n_steps, random_state=run.seed)
    norms = {name: run.held_out(name, "mean ||J||_F") for name in ("undercomplete", "denoising", "contractive")}
    effective = {
        name: np.median((sigma**2).sum(axis=1) ** 2 / (sigma**4).sum(axis=1)) for name, sigma in codes.sigma.items()
    }
    near = {name: ratio[0] for name, ratio in codes.ratios.items()}
    model, shown = codes.models["contractive"], X[:8]
    true = datasets.transform_tangents(shown, run.image_shape, ("shift_x", "rotation"))
    tangents = {"learnt": manifold.tangent_space(model, shown, 3), "shift": true[:, :1], "rotation": true[:, 1:]}
    paths, lines = turning_walks(run.train[:1000], X[:3], run.image_shape, n_steps=n_steps, random_state=run.seed)
    blocks = [
        quote("""CAE is trained to map a neighborhood of input points to a smaller neighborhood of output points, by
            adding a derivative penalty into the cost function."""),
        equation(
            r"\Omega(h)=\dfrac{\lambda}{N}\sum_n\left\Vert\dfrac{\partial f(x_n)}{\partial x}\right\Vert_F^2"
            r"=\dfrac{\lambda}{N}\sum_n\sum_j \varphi'(a_{nj})^2\,\Vert W_{:j}\Vert^2"
        ),
        text("""The second form holds for one layer; deeper encoders are penalized exactly as well. Weights are
            tied here, so that the decoder cannot grow to undo what the encoder shrinks. The reconstruction error
            wants the directions in which images differ, the penalty wants none: what survives are the directions
            along the data."""),
        claim(f"""Mean &#8214;J&#8214;<sub>F</sub> at held-out images: {listed(norms, ".3f")}. The contractive code
            moves {norms["undercomplete"] / norms["contractive"]:.1f} times less than the plain one; its held-out error
            is {run.held_out("contractive"):.3f} against {run.held_out("undercomplete"):.3f}."""),
        text("Three autoencoders with 128 tied sigmoids, alike but for what regularizes them, at held-out images:"),
        figure(
            manifold_plots.spectra(codes.sigma, normalize=True),
            "Singular values of the encoder's Jacobian, each image's divided by its largest; median and quartiles.",
        ),
        figure(
            manifold_plots.contraction_curves(codes.radii, codes.ratios, spacing=codes.spacing),
            "Distance between codes over distance between inputs, for random displacements of every size.",
        ),
        claim(f"""Effective number of directions that move the code, (&Sigma;&sigma;&sup2;)&sup2; /
            &Sigma;&sigma;<sup>4</sup>: {listed(effective, ".0f")}. Contraction ratio close to the data:
            {listed(near, ".2f")}."""),
        text("""Which directions are they? Those that move strokes: the learnt tangents look like differences between an
            image and the same image shifted or turned, whose true tangents are known by differentiation."""),
        figure(
            manifold_plots.tangent_images(shown, tangents, run.image_shape),
            "Images, the three strongest tangents of the contractive code, and the true tangents of two motions; grey "
            "is no change.",
        ),
        table(
            [
                f"median angle to {N_DIMS} learnt tangents, degrees",
                "shift x",
                "shift y",
                "rotation",
                "random direction",
            ],
            [
                [name, *(f"{angle:.0f}" for angle in motion_angles(each, X, run.image_shape, N_DIMS).values())]
                for name, each in codes.models.items()
            ],
        ),
        text("""A step along a tangent leaves the manifold a little; the reconstruction brings it back, and the next
            step takes the tangent there. An autoencoder that was shown turned images walks by turning the strokes; a
            straight line in pixel space that starts alike only adds ghosts."""),
        figure(manifold_plots.walks(paths, lines, run.image_shape), "Walks along a tangent, and straight lines."),
    ]
    return "Contractive autoencoders", blocks
