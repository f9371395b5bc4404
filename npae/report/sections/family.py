"""Define an autoencoder, and show the whole family in one table."""

import html

from npae import plots
from npae.plots.schematic import schematic
from npae.report.page import claim, equation, figure, quote, sources, table, text
from npae.report.words import choose, compare_members, enumerate_words

ORDER = 10


def build(run):
    shown = run.test[:10]
    rows = {"original": shown} | {name: each.model.reconstruct(shown) for name, each in run.models.items()}
    columns = ["training", "held-out", "corrupted", "mean act.", "active", "&#8214;J&#8214;<sub>F</sub>"]
    body = [
        [html.escape(name), trained.n_components,
         *(f"{value:.0%}" if what == "active units" else f"{value:.3f}" for what, value in trained.measures.items()),
         trained.epochs or "&ndash;", f"{trained.seconds:.1f}"]
        for name, trained in run.models.items()
    ]  # fmt: skip
    body.append(["copying", run.test.shape[1], "0", "0", f"{run.identity_error:.3f}", *["&ndash;"] * 5])
    K, wide = run.settings.n_components, run.settings.n_overcomplete
    blocks = [
        quote("""Autoencoder is a neural network trained to copy its input to its output: an encoder <i>h = f(x)</i>, a
            decoder <i>r = g(h)</i>."""),
        text("""One objective serves the whole family. A loss <i>L</i> compares the input with its reconstruction. A
            penalty &Omega; or a corruption <i>C</i> prevents the network from copying:"""),
        figure(schematic(),
            "The family in one drawing. The members differ in the dashed parts and in the width of the code.",
            "A chain of boxes: input x, corruption C, corrupted input, encoder f, code h with the penalty Omega above "
            "it, decoder g, reconstruction. Arrows from the clean input and the reconstruction meet in the loss L."),
        equation(r"J(\theta)=\dfrac{1}{N}\sum_{n=1}^{N} L\left(x_n,\;g(f(\tilde{x}_n))\right)+\Omega,\qquad"
            r"\tilde{x}_n\sim C(\tilde{x}\,|\,x_n)"),
        text(f"""Each member below has one hidden layer, the code, with <i>K</i> units: {K} in a narrow code, {wide} in
            a wide code. {sentence_on_training(run.models)} The members also differ in &Omega; and <i>C</i>. The
            learning rate of Adam falls to zero. So the objective is level at the end, even if more epochs would have
            found a lower value."""),
        figure(plots.image_rows(rows, run.image_shape),
            "Held-out images (top) and their reconstructions by each member.",
            "Eight rows of ten handwritten digits: the images, then seven reconstructions of each image."),
        table(["", "K", *columns, "epochs", "seconds"], body),
        text(f"""Errors are &frac12;&#8214;x&#770;&nbsp;&minus;&nbsp;x&#8214;&sup2;, mean over images: in training,
            held-out, and held-out with Gaussian noise of &sigma; = {run.settings.sigma:g} on the input. Then follow the
            mean activation of the code, the fraction of active units, and the norm of the encoder&rsquo;s Jacobian.
            Compare these last three only between codes of the same width. {sentence_on_convergence(run.models)}"""),
        claim(sentence_on_noise(run)),
        sources("note 14, autoencoders", "book 14.1"),
    ]  # fmt: skip
    return "One network, one objective", blocks


def sentence_on_training(models):
    """Return which members have sigmoids and tied weights, and how many epochs each was trained."""
    nets = {name: each for name, each in models.items() if each.epochs}
    tied = [name for name, each in nets.items() if each.model.tied]
    linear = [name for name in models if name not in nets]
    by_epochs: dict[int, list[str]] = {}
    for name, each in nets.items():
        by_epochs.setdefault(each.epochs, []).append(name)
    epochs = "; ".join(f"{html.escape(enumerate_words(names))} {n} epochs" for n, names in by_epochs.items())
    return f"""Code and output are sigmoids, except for {enumerate_words(linear)}, which is linear and solved directly.
        Encoder and decoder have separate weights, except for {enumerate_words(tied)}, whose weights are tied. All
        minimize the squared error: {epochs}."""


def sentence_on_convergence(models):
    """Return whether every objective was level at the end, and whether the free wide code was undertrained."""
    falling = [name for name, each in models.items() if each.last_fall > 0.01]
    level = choose(
        falling,
        f"In the last tenth of its epochs J fell by more than 1 % for {enumerate_words(falling)}.",
        "In the last tenth of the epochs no J fell by more than 1 %.",
    )
    free = models["overcomplete"].measures["training error"]
    twins = [n for n in ("sparse (KL)", "sparse (L1)") if models[n].measures["training error"] < free]
    sign = f"""The wide code without a penalty has a larger training error than {enumerate_words(twins)}, which it
        could imitate: a sign that it was not trained to the end."""
    return f"{level} {choose(twins, sign)}"


def sentence_on_noise(run):
    """Return which member has the least error on corrupted input, compared with copying and with the next member."""
    column = "corrupted-input error"
    first, second = sorted(run.models, key=lambda name: run.held_out(name, column))[:2]
    return f"""Copying the corrupted input would have an error of {run.identity_error:.3f}. The least error on corrupted
        input, {run.held_out(first, column):.3f}, is that of the member {html.escape(first)}:
        {compare_members(run, first, second, column)} the next, {html.escape(second)}, with
        {run.held_out(second, column):.3f}."""
