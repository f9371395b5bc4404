"""The trained networks in the page, to play with."""

import numpy as np

from npae.experiments.small_codes import small_code
from npae.report import play
from npae.report.page import claim, sources, text
from npae.report.references import BOOK, HINTON

ORDER = 62
UNITS, N_IMAGES, N_CODES = 8, 10, 300


def build(run):
    many, two = small_code(run, UNITS), small_code(run, 2)
    images, codes = one_of_each(run)[:N_IMAGES], two.transform(run.test[:N_CODES])
    denoiser = run.models["denoising"].model.network_
    noise = np.random.default_rng(run.seed).standard_normal(run.test.shape[1])
    content = play.data(run.image_shape, images, (many, many.transform(images)), (two, codes),
                        run.test_target[:N_CODES], denoiser, noise)  # fmt: skip
    ranges = np.quantile(many.transform(run.test), (0.01, 0.99), axis=0).T
    blocks = [
        text("""The networks below run in this page: their weights are in it, as 16-bit numbers, and a short script
            multiplies them. (Without script, the figures of the sections before and after show the
            same.)"""),
        text(f"""A deep autoencoder with a code of {UNITS} units. Each slider runs over the middle 98 % of what its unit
            says of held-out images; what a unit means depends on where the others stand."""),
        play.sliders(run.image_shape, ranges),
        text("""The map of the code with two units, from the section before. What does the decoder
            draw where digits of one class lie dense, and what in the gaps between the patches?"""),
        play.code_map(run.image_shape, content),
        text(f"""The denoising autoencoder of the table, trained with &sigma; = {run.settings.sigma:g}. Two numbers
            follow the slider: how far the noisy image is from the clean one, and how far the denoised one is. Without
            any noise it is better to leave the image alone."""),
        play.noise_slider(run.image_shape, run.settings.sigma),
        claim(f"""Kept as 16-bit numbers the weights decode images that differ from the trained networks&rsquo; by
            {rounding(content, run, many, images):.0e} at most."""),
        sources(("note 14, autoencoders", ""), BOOK["14.6"], HINTON),
        play.script(content),
    ]
    return "Codes to play with", blocks


def one_of_each(run):
    """The first held-out image of every class, in the classes' order."""
    return np.stack([run.test[run.test_target == label][0] for label in np.unique(run.test_target)])


def rounding(content, run, many, images):
    """Largest difference in any pixel that the rounded weights make, of the code's decoder and of the denoiser."""
    code = play.unpack(content["many"]["starts"]).reshape(len(images), -1)
    decoded = play.forward(content["many"]["decoder"], code) - many.reconstruct(images)
    noisy = images + run.settings.sigma * play.unpack(content["noise"])
    denoised = play.forward(content["denoiser"], noisy) - run.models["denoising"].model.reconstruct(noisy)
    return max(np.abs(decoded).max(), np.abs(denoised).max())
