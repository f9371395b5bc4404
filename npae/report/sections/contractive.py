"""Contractive autoencoders: the derivative of the code."""

import numpy as np

from npae import manifold, plots
from npae.report.page import claim, equation, figure, quote, text

ORDER = 70
NAMES = ("undercomplete", "denoising", "contractive")


def build(run):
    n = min(len(run.test), 200)
    spectra = {name: manifold.singular_values(run.models[name].model, run.test[:n]).mean(axis=0) for name in NAMES}
    norms = {name: run.held_out(name, "mean ||J||_F") for name in NAMES}
    blocks = [
        quote(
            "CAE is trained to map a neighborhood of input points to a smaller neighborhood of output points, by "
            "adding a derivative penalty into the cost function."
        ),
        equation(
            r"\Omega(h)=\dfrac{\lambda}{N}\sum_n\left\Vert\dfrac{\partial f(x_n)}{\partial x}\right\Vert_F^2"
            r"=\dfrac{\lambda}{N}\sum_n\sum_j \varphi'(a_{nj})^2\,\Vert W_{:j}\Vert^2"
        ),
        text(
            "The second form holds for one layer; deeper encoders are penalized exactly as well. Weights are tied "
            "here, so that the decoder cannot grow to undo what the encoder shrinks. The reconstruction error wants "
            "the directions in which images differ, the penalty wants none: what survives are the directions along "
            "the data."
        ),
        figure(
            _spectra(spectra),
            "Singular values of the encoder's Jacobian at held-out images, mean: how much each local direction moves "
            "the code.",
        ),
        claim(
            "Mean &#8214;J&#8214;<sub>F</sub> at held-out images: "
            + ", ".join(f"{name} {value:.3f}" for name, value in norms.items())
            + f". The contractive code moves {norms['undercomplete'] / norms['contractive']:.1f} times less than the "
            f"plain one; its held-out error is {run.held_out('contractive'):.3f} against "
            f"{run.held_out('undercomplete'):.3f}."
        ),
    ]
    return "Contractive autoencoders", blocks


def _spectra(spectra):
    figure = plots.new_figure(7.0, 3.2)
    axis = figure.subplots()
    for style, (name, values) in zip(plots.STYLES, spectra.items()):
        axis.plot(np.arange(1, len(values) + 1), values, label=name, marker="o", markersize=3, linewidth=1.6, **style)
    axis.set_yscale("log")
    axis.set_xlabel("singular value, by rank")
    axis.set_ylabel("mean over images")
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    return figure
