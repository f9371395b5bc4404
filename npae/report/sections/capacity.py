"""Show the effect of too much capacity in overcomplete networks."""

from npae import plots
from npae.experiments import copying
from npae.report.page import claim, figure, quote, sources, table, text
from npae.report.words import choose, enumerate_words, percent

ORDER = 30
LINEAR, RELU, GREY = "linear, K = D", "ReLU, K > D", "mean grey"


def build(run):
    strangers = copying.shuffled(run)
    linear = copying.linear_copier(run)
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
    body = [[name, width[name], f"{value:.3f}", percent(value / cost[GREY]), small(held_out[name])]
            for name, value in cost.items()]  # fmt: skip
    least = choose(held_out[LINEAR] == min(held_out.values()), ", the smallest of all: a small error alone says little")
    blocks = [
        quote("""If it is allowed too much capacity, the autoencoder may not extract useful information about the
            distribution of the data. A similar problem also occurs if the hidden code has dimension equal to the input
            and in the overcomplete case."""),
        text(f"""Images with shuffled pixels are not digits. A network that knows digits should fail on them; a network
            that copies should not. The baseline is an answer that copies nothing: every pixel gets the image&rsquo;s
            mean grey. The table adds two networks that are free to copy: {width[RELU]} ReLU units with a linear output,
            and the note&rsquo;s case <i>K</i> = <i>D</i> = {D}, linear, with a random encoder and the decoder that
            least squares finds for it. The images vary in {n_directions} directions, and the linear network copies
            these. Some pixels are the same in all images, and the network has never seen them change."""),
        figure(plots.image_rows(rows, run.image_shape),
            "Shuffled pixels, the answer that copies nothing, and reconstructions by five networks.",
            "Rows of ten small images of scattered dots. The rows of the ReLU and the linear network look like "
            "the first row; the others are blurred."),
        table(["", "K", "shuffled pixels", "of mean grey", "held-out digits"], body),
        claim(f"""{sentence_on_copying(cost)} The linear network reconstructs white noise, in the directions in which
            the images vary, with an error of at most {noise:.0e} per pixel. Its error on held-out digits is
            {held_out[LINEAR]:.0e}{least}."""),
        sources("note 14, undercomplete autoencoders", "book 14.1"),
    ]  # fmt: skip
    return "Capacity: the overcomplete case", blocks


def small(value):
    """Return a number with four decimals, or its power of ten if it is below 0.001."""
    return f"{value:.4f}" if value >= 1e-3 else f"{value:.0e}"


def sentence_on_copying(cost):
    """Return which networks copy shuffled pixels: errors by name, compared with the error of mean grey."""
    ratios = {name: value / cost[GREY] for name, value in cost.items() if name != GREY}
    copies = [f"{name} ({percent(ratio)})" for name, ratio in ratios.items() if ratio < 0.6]
    between = [f"{name} ({percent(ratio)})" for name, ratio in ratios.items() if 0.6 <= ratio < 1]
    fails = [name for name, ratio in ratios.items() if ratio >= 1]
    words = f"""The error of mean grey on shuffled pixels is {cost[GREY]:.2f}. Below 60 % of it, so copying:
        {enumerate_words(copies)}."""
    words += choose(between, f" Somewhat better than grey: {enumerate_words(between)}.")
    return words + choose(fails, f" No better than grey: {enumerate_words(fails)}.")
