"""Denoising autoencoders."""

from npae import plots
from npae.experiments.family import error
from npae.report.page import claim, equation, figure, quote, text

ORDER = 50
FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)


def build(run):
    names = ("PCA", "undercomplete", "denoising")
    rows = {"original": run.test[:12], "corrupted": run.noisy[:12]} | {
        name: run.models[name].model.reconstruct(run.noisy[:12]) for name in names
    }
    ours, pca = (run.held_out(name, "corrupted-input error") for name in ("denoising", "PCA"))
    blocks = [
        quote("Receive a corrupted data as input and trained to predict the original, uncorrupted data as output."),
        equation(
            r"J=\dfrac{1}{N}\sum_n L(x_n,\,g(f(\tilde{x}_n))),\qquad"
            r"\tilde{x}=x+\sigma\varepsilon,\;\varepsilon\sim N(0,I)"
        ),
        text(f"""The noise (&sigma; = {run.settings.sigma:g}) is drawn anew each time an image is visited, and the
            target is the clean image. So the network cannot copy: it must know digits to take the noise away."""),
        figure(
            plots.image_rows(rows, run.image_shape),
            "Held-out images, corrupted once, and their reconstructions: only the denoising autoencoder was trained "
            "for this.",
        ),
        figure(
            _by_noise(run, names),
            "Error against the clean image as the noise grows. Without noise the denoising autoencoder pays for its "
            "caution; with noise it wins.",
        ),
        claim(f"""On held-out images with &sigma; = {run.settings.sigma:g} the denoising autoencoder's error is
            {ours:.3f}: {run.identity_error / ours:.2f} times less than the corrupted images themselves
            ({run.identity_error:.3f}), {pca / ours:.2f} times less than PCA with as many components ({pca:.3f})."""),
    ]
    return "Denoising autoencoders", blocks


def _by_noise(run, names):
    sigmas = [factor * run.settings.sigma for factor in FACTORS]
    noisy = [type(run.noise)(sigma).corrupt(run.test, run.seed) for sigma in sigmas]
    lines = {"copying": (sigmas, [error(x, run.test) for x in noisy])} | {
        name: (sigmas, [error(run.models[name].model.reconstruct(x), run.test) for x in noisy]) for name in names
    }
    xlabel = "standard deviation of the noise in the input (vertical line: in training)"
    figure, axis = plots.curves(
        lines, xlabel=xlabel, ylabel="error against the clean image", height=3.4, marker="o", markersize=4
    )
    axis.axvline(run.settings.sigma, color="0.6", linewidth=0.8)
    return figure
