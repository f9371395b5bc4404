"""What an autoencoder is, and the whole family in one table."""

import html

from npae import plots
from npae.report.page import claim, equation, figure, quote, table, text

ORDER = 10


def build(run):
    names = {
        "identity": "copying",
        **{name: name for name in ("PCA", "undercomplete", "denoising", "contractive", "overcomplete", "sparse (KL)")},
    }
    shown = run.test[:12]
    rows = {"original": shown} | {
        label: run.models[name].model.reconstruct(shown) for name, label in names.items() if name in run.models
    }
    columns = ["training", "held-out", "corrupted", "mean act.", "active", "&#8214;J&#8214;<sub>F</sub>"]
    body = [
        [
            html.escape(name),
            trained.n_components,
            *(f"{value:.1%}" if what == "active units" else f"{value:.3f}" for what, value in trained.measures.items()),
            f"{trained.seconds:.1f}",
        ]
        for name, trained in run.models.items()
    ]
    best = min((name for name in run.models), key=lambda name: run.held_out(name, "corrupted-input error"))
    blocks = [
        quote("""Autoencoder is a neural network trained to copy its input to its output: an encoder <i>h = f(x)</i>, a
            decoder <i>r = g(h)</i>."""),
        text("""One objective serves the whole family. A loss <i>L</i> compares the input with its reconstruction, a
            penalty &Omega; or a corruption <i>C</i> keeps the network from merely copying:"""),
        equation(
            r"J(\theta)=\dfrac{1}{N}\sum_{n=1}^{N} L\left(x_n,\;g(f(\tilde{x}_n))\right)+\Omega,\qquad"
            r"\tilde{x}_n\sim C(\tilde{x}\,|\,x_n)"
        ),
        text(f"""Each member below has one hidden layer of sigmoid units (the code, <i>K</i> wide), a sigmoid output and
            the squared error &frac12;&#8214;x&#770;&nbsp;&minus;&nbsp;x&#8214;&sup2;, trained by Adam for {run.epochs}
            epochs from the same seed. What differs is <i>K</i>, &Omega; and <i>C</i>."""),
        figure(
            plots.image_rows(rows, run.image_shape),
            "Held-out images (top) and what each member makes of them.",
        ),
        table(["", "K", *columns, "seconds"], body),
        text(f"""Errors are &frac12;&#8214;x&#770;&nbsp;&minus;&nbsp;x&#8214;&sup2;, mean over images: in training,
            held-out, and held-out with Gaussian noise of &sigma; = {run.settings.sigma:g} on the input; then the
            mean activation of the code, the part of its units that are active, and how far the code moves with the
            input."""),
        claim(f"""Copying the corrupted input would cost {run.identity_error:.3f}. The least error on corrupted input,
            {run.held_out(best, "corrupted-input error"):.3f}, is reached by: {html.escape(best)}."""),
    ]
    return "One network, one objective", blocks
