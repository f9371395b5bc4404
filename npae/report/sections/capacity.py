"""Too much capacity: the overcomplete case."""

from npae import plots
from npae.experiments import copying
from npae.report.page import claim, figure, quote, sources, table, text
from npae.report.references import BOOK
from npae.report.words import joined, percent, said

ORDER = 30
LINEAR, RELU, GREY = "linear, K = D", "ReLU, K > D", "mean grey"


def build(run):
    strangers = copying.shuffled(run)
    linear, n_sweeps = copying.linear_copier(run)
    relu = copying.relu_copier(run)
    models = {name: trained.model for name, trained in run.models.items()} | {RELU: relu, LINEAR: linear}
    cost = copying.copying_errors(run, models, strangers)
    held_out = copying.copying_errors(run, models, run.test)
    noise, n_directions = copying.white_noise_error(run, linear)
    D = run.test.shape[1]
    shown = ("undercomplete", "denoising", "overcomplete", RELU, LINEAR)
    rows = {"shuffled pixels": strangers[:10], GREY: copying.grey(strangers[:10])}
    rows |= {name: models[name].reconstruct(strangers[:10]) for name in shown}
    width = {name: trained.n_components for name, trained in run.models.items()}
    width |= {RELU: run.settings.n_overcomplete, LINEAR: D, GREY: "&ndash;"}
    blocks = [
        quote("""If it is allowed too much capacity, the autoencoder may not extract useful information about the
            distribution of the data. A similar problem also occurs if the hidden code has dimension equal to the input
            and in the overcomplete case."""),
        text(f"""Images whose pixels were put in a random order are no digits; a network that knows digits should fail
            on them, a network that copies should not. The measure of failing is an answer that copies nothing: every
            pixel gets the image&rsquo;s mean grey. Beside the family stand two networks that nothing keeps from
            copying: {width[RELU]} rectified units with a linear output, and the note&rsquo;s case <i>K</i> =
            <i>D</i> = {D}, linear, trained from random weights by alternating least squares
            ({n_sweeps} sweep{"s" * (n_sweeps > 1)}). The linear one saw {n_directions} directions in which the images
            vary, and copies those: pixels that are the same in all images it has never seen change."""),
        figure(
            plots.image_rows(rows, run.image_shape),
            "Shuffled pixels, the answer that copies nothing, and what five networks make of them.",
            "Rows of ten small images of scattered dots. The rows of the rectified and the linear network look like "
            "the first; the others are blurred.",
        ),
        table(
            ["", "K", "shuffled pixels", "of mean grey", "held-out digits"],
            [
                [name, width[name], f"{cost[name]:.3f}", percent(cost[name] / cost[GREY]), small(held_out[name])]
                for name in cost
            ],
        ),
        claim(f"""{verdict(cost)} White noise in the directions in which the images vary comes out of the linear
            network with no pixel further off than {noise:.0e}. Its error on held-out digits is {held_out[LINEAR]:.0e}{
            said(
                held_out[LINEAR] == min(held_out.values()), ", the smallest of all: a small error alone says little", ""
            )
        }."""),
        sources(("note 14, undercomplete autoencoders", ""), BOOK["14.1"]),
    ]
    return "Capacity: the overcomplete case", blocks


def small(value):
    """Four decimals, or the power of ten of what they would hide."""
    return f"{value:.4f}" if value >= 1e-3 else f"{value:.0e}"


def verdict(cost):
    """Who copies shuffled pixels, from the errors by name: below half of what mean grey costs, or above all of it."""
    grey = cost[GREY]
    others = {name: value / grey for name, value in cost.items() if name != GREY}
    copies = [f"{name} ({percent(ratio)})" for name, ratio in others.items() if ratio < 0.6]
    fails = [name for name, ratio in others.items() if ratio >= 1]
    between = [f"{name} ({percent(ratio)})" for name, ratio in others.items() if 0.6 <= ratio < 1]
    words = f"Answering grey costs {grey:.2f} on shuffled pixels. At under 60 % of that, copying: {joined(copies)}."
    if between:
        words += f" Somewhat better than grey: {joined(between)}."
    if fails:
        words += f" No better than grey: {joined(fails)}."
    return words
