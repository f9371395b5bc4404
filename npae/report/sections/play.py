"""Put trained networks into the page, with controls."""

import numpy as np

from npae.experiments.small_codes import small_code
from npae.report import play
from npae.report.page import claim, sources, text

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
        text("""The networks below run in this page. The page holds their weights as 16-bit numbers, and a short script
            multiplies them. (If your browser runs no scripts, the figures of the sections before and after show the
            same.)"""),
        text(f"""A deep autoencoder has a code of {UNITS} units. Each slider covers the middle 98 % of its unit&rsquo;s
            values at held-out images. The effect of one unit depends on the values of the others."""),
        play.sliders(run.image_shape, ranges),
        text("""This is the map of the code with two units, from the section before. What does the decoder draw inside a
            patch of one class, and what in the gaps between the patches?"""),
        play.code_map(run.image_shape, content),
        text(f"""This is the denoising autoencoder of the table, trained with &sigma; = {run.settings.sigma:g}. Two
            numbers follow the slider: the error of the noisy image and the error of the denoised image. Without noise
            the image itself has the smaller error."""),
        play.noise_slider(run.image_shape, run.settings.sigma),
        claim(f"""With weights of 16 bits the images differ from those of the trained networks by at most
            {rounding_error(content, run, many, images):.0e}."""),
        sources("note 14, autoencoders", "book 14.6", "hinton2006"),
        play.script(content),
    ]
    return "Codes to play with", blocks


def one_of_each(run):
    """Return the first held-out image of every class, in the order of the classes."""
    return np.stack([run.test[run.test_target == label][0] for label in np.unique(run.test_target)])


def rounding_error(content, run, many, images):
    """Return the largest change of a pixel by the rounding of the weights, in the code's decoder and the denoiser."""
    code = play.from_int16(content["many"]["starts"]).reshape(len(images), -1)
    decoded = play.forward(content["many"]["decoder"], code) - many.reconstruct(images)
    noisy = images + run.settings.sigma * play.from_int16(content["noise"])
    denoised = play.forward(content["denoiser"], noisy) - run.models["denoising"].model.reconstruct(noisy)
    return max(np.abs(decoded).max(), np.abs(denoised).max())
