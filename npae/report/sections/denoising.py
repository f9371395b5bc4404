"""Denoising autoencoders."""

from npae import plots
from npae.experiments.family import error
from npae.report.page import claim, equation, figure, quote, sources, text
from npae.report.words import choose, compare, compare_members, crossing, enumerate_words

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
        equation(r"J=\dfrac{1}{N}\sum_n L(x_n,\,g(f(\tilde{x}_n))),\qquad"
            r"\tilde{x}=x+\sigma\varepsilon,\;\varepsilon\sim N(0,I)"),
        text(f"""The noise (&sigma; = {run.settings.sigma:g}) is drawn anew at each visit of an image, and the
            target is the clean image. So the network cannot copy: it must know digits to remove the noise. All four
            models below have a code of <i>K</i> = {run.settings.n_components} numbers."""),
        figure(plots.image_rows(rows, run.image_shape),
            "Held-out images, corrupted once, and their reconstructions. Only the denoising autoencoder was trained on "
            "corrupted images.",
            "Six rows of ten digits: clean, corrupted, and four reconstructions from the corrupted digits."),
        figure(_curves(run, sigmas, errors),
            "Error to the clean image, by standard deviation of the noise.",
            "Rising curves: one for copying, and one for each of four methods that remove noise."),
        claim(f"""On held-out images with &sigma; = {run.settings.sigma:g} the denoising autoencoder&rsquo;s error is
            {mean:.3f}: {compare(mean, run.identity_error)} that of the corrupted images themselves
            ({run.identity_error:.3f}), {compare_members(run, "denoising", "PCA", column)} PCA&rsquo;s with the same
            number of components ({run.held_out("PCA", column):.3f}). {sentence_on_crossings(sigmas, errors)}"""),
        sources("note 14, denoising autoencoders", "book 14.5", "vincent2010", "alain2014"),
    ]  # fmt: skip
    return "Denoising autoencoders", blocks


def by_noise(run):
    """Return the standard deviations of the noise, and {name: errors} of copying and of the narrow codes."""
    sigmas = [factor * run.settings.sigma for factor in FACTORS]
    noisy = [type(run.noise)(sigma).corrupt(run.test, run.seed) for sigma in sigmas]
    errors = {"copying": [error(x, run.test) for x in noisy]}
    return sigmas, errors | {
        name: [error(run.models[name].model.reconstruct(x), run.test) for x in noisy] for name in NAMES
    }


def sentence_on_crossings(sigmas, errors):
    """Return the noise from which the denoising autoencoder is better than each other method, by interpolation."""
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
    parts = [
        choose(always, f"it is better than {enumerate_words(always)} even without noise"),
        choose(later, f"it is better than {enumerate_words(later)} on"),
        choose(never, f"up to &sigma; = {sigmas[-1]:.2g} it is nowhere better than {enumerate_words(never)}"),
    ]
    return f"By lines between the points of the figure, {'; '.join(filter(None, parts))}."


def _curves(run, sigmas, errors):
    lines = {name: (sigmas, values) for name, values in errors.items()}
    names = {"xlabel": "standard deviation of the noise in the input", "ylabel": "error to the clean image"}
    figure, axis = plots.curves(lines, marker="o", markersize=4, **names)
    axis.axvline(run.settings.sigma, color="0.6", linewidth=0.8)
    axis.annotate("in training", (run.settings.sigma, 1), (0, 2), xycoords=("data", "axes fraction"),
                  textcoords="offset points", color="0.4", ha="center")  # fmt: skip
    plots.log_scale(axis)
    return figure
