"""Denoising autoencoders."""

from npae import plots
from npae.experiments.family import error
from npae.report.page import claim, equation, figure, quote, sources, text
from npae.report.references import ALAIN_BENGIO, BOOK, VINCENT
from npae.report.words import compared, crossing, joined, stands

ORDER = 50
FACTORS = (0.0, 0.125, 0.25, 0.375, 0.5, 0.75, 1.0, 1.25, 1.5)
NAMES = ("PCA", "undercomplete", "contractive", "denoising")


def build(run):
    rows = {"original": run.test[:10], "corrupted": run.noisy[:10]} | {
        name: run.models[name].model.reconstruct(run.noisy[:10]) for name in NAMES
    }
    sigmas, errors = by_noise(run)
    column = "corrupted-input error"
    mean = run.held_out("denoising", column)
    blocks = [
        quote("Receive a corrupted data as input and trained to predict the original, uncorrupted data as output."),
        equation(
            r"J=\dfrac{1}{N}\sum_n L(x_n,\,g(f(\tilde{x}_n))),\qquad"
            r"\tilde{x}=x+\sigma\varepsilon,\;\varepsilon\sim N(0,I)"
        ),
        text(f"""The noise (&sigma; = {run.settings.sigma:g}) is drawn anew each time an image is visited, and the
            target is the clean image. So the network cannot copy: it must know digits to take the noise away. All four
            below have a code of <i>K</i> = {run.settings.n_components} numbers."""),
        figure(
            plots.image_rows(rows, run.image_shape),
            "Held-out images, corrupted once, and their reconstructions: only the denoising autoencoder was trained "
            "for this.",
            "Six rows of ten digits: clean, corrupted, and four reconstructions of the corrupted ones.",
        ),
        figure(
            _curves(run, sigmas, errors),
            "Error against the clean image as the noise grows.",
            "Curves of the error over the noise, one for copying and one for each way to take the noise away.",
        ),
        claim(f"""On held-out images with &sigma; = {run.settings.sigma:g} the denoising autoencoder&rsquo;s error is
            {mean:.3f}: {compared(mean, run.identity_error)} that of the corrupted images themselves
            ({run.identity_error:.3f}), {stands(run, "denoising", "PCA", column)} PCA&rsquo;s with as many components
            ({run.held_out("PCA", "corrupted-input error"):.3f}). {wins(sigmas, errors)}"""),
        sources(("note 14, denoising autoencoders", ""), BOOK["14.5"], VINCENT, ALAIN_BENGIO),
    ]
    return "Denoising autoencoders", blocks


def by_noise(run):
    """Standard deviations of the noise, and name -> errors at each, of copying and the members with a narrow code."""
    sigmas = [factor * run.settings.sigma for factor in FACTORS]
    noisy = [type(run.noise)(sigma).corrupt(run.test, run.seed) for sigma in sigmas]
    errors = {"copying": [error(x, run.test) for x in noisy]}
    return sigmas, errors | {
        name: [error(run.models[name].model.reconstruct(x), run.test) for x in noisy] for name in NAMES
    }


def wins(sigmas, errors):
    """From which noise on the denoising autoencoder is better than each of the others, by lines between the points."""
    always, never, later = [], [], []
    for name, theirs in errors.items():
        if name != "denoising":
            start = crossing(sigmas, errors["denoising"], theirs)
            if start is None:
                never.append(name)
            elif start == sigmas[0]:
                always.append(name)
            else:
                later.append(f"{name} from &sigma; = {start:.2f}")
    words = [f"it is better than {joined(always)} without noise, too"] * bool(always)
    words += [f"it is better than {joined(later)} on"] * bool(later)
    words += [f"up to &sigma; = {sigmas[-1]:.2g} it is nowhere better than {joined(never)}"] * bool(never)
    return f"By lines between the points of the figure, {'; '.join(words)}."


def _curves(run, sigmas, errors):
    figure, axis = plots.curves(
        {name: (sigmas, values) for name, values in errors.items()},
        xlabel="standard deviation of the noise in the input",
        ylabel="error against the clean image",
        marker="o",
        markersize=4,
    )
    axis.axvline(run.settings.sigma, color="0.6", linewidth=0.8)
    axis.annotate("in training", (run.settings.sigma, 1), (0, 2), xycoords=("data", "axes fraction"),
                  textcoords="offset points", color="0.4", ha="center")  # fmt: skip
    axis.set_yscale("log")
    plots.plain_log(axis.yaxis)
    return figure
