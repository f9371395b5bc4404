"""Compare denoising autoencoders with PCA, Wiener and median filters; show filters by level of noise."""

from typing import Any

import numpy as np

from npae import datasets, plots
from npae.estimators.autoencoder import Autoencoder
from npae.experiments.cosine import adam
from npae.experiments.image_denoising import ALL, ONE, compare_denoisers
from npae.objective.corruption import GaussianNoise
from npae.objective.penalties import WeightDecay
from npae.plots import generative
from npae.report.page import claim, figure, table, text

ORDER = 56


def build(run):
    data = datasets.load_digits()
    order, X = np.random.default_rng(run.seed).permutation(len(data)), data.data.astype(np.float32)
    test, train = X[order[:450]], X[order[450:]]
    width, epochs = (128, 5) if run.quick else (256, 40)
    sigmas = (0.2, 0.4) if run.quick else (0.1, 0.2, 0.4)
    how: dict[str, Any] = {"sigmas": sigmas, "width": width, "epochs": epochs}
    result = compare_denoisers(train, test, data.image_shape, **how, random_state=run.seed)
    rows = [[name, *(f"{value:.2f}" for value in values)] for name, values in result.psnr.items()]
    gains = zip(sigmas, result.margins(ONE))
    margins = ", ".join(f"{gain:+.2f} dB at {sigma:g} (best other: {name})" for sigma, (gain, name) in gains)
    filters = {f"noise {sigma:g}": _filters(train, sigma, 2 * epochs, run.seed) for sigma in (0.0, 0.2, 0.5)}
    blocks = [
        text(f"""{len(test)} held-out digits of 8 &times; 8 pixels have Gaussian noise. The measure is the peak
            signal-to-noise ratio in dB; higher is better. The other methods are a 3 &times; 3 median; the local Wiener
            filter with the true &sigma;; PCA with the best number of components; and the best affine map in closed
            form, which is the Wiener filter of the whole ensemble of digits. One autoencoder is trained for each level,
            and one for all levels."""),
        table(["&sigma;", *(f"{sigma:g}" for sigma in sigmas)], rows),
        figure(generative.levels(result.psnr, sigmas, height=3.4),
            "The table as curves.",
            "Seven falling lines over the noise: the noisy images, and six methods that remove noise."),
        figure(plots.image_rows(result.images, data.image_shape),
            f"Held-out digits at &sigma; = {sigmas[len(sigmas) // 2]:g}, by every method.",
            "Eight rows of twelve digits: clean, noisy, and the results of six methods, from blurred to nearly clean."),
        figure(plots.filters(filters, data.image_shape, n=24, n_columns=6),
            "The 24 largest filters of 36 tied sigmoid units with weight decay, for three levels of noise in training: "
            "dark responds to ink, light to its absence, mid-grey is zero.",
            "Three blocks of 24 signed images, side by side, each of 8 by 8 grey squares."),
        claim(f"""The autoencoder of one level compared with the best other method: {margins}. The one for all levels:
            {", ".join(f"{gain:+.2f}" for gain, _ in result.margins(ALL))} dB."""),
    ]  # fmt: skip
    return "Denoising as a tool", blocks


def _filters(X, sigma, epochs, seed):
    """Return W (D, 36) of tied sigmoid units, largest first; weight decay removes the initial weights."""
    optimizer = adam(len(X), lr=1e-2, epochs=epochs, batch_size=128)
    model = Autoencoder(36, tied=True, penalties=[WeightDecay(0.03)], corruption=GaussianNoise(sigma), max_iter=epochs,
                        optimizer=optimizer, tol=0.0, random_state=seed).fit(X)  # fmt: skip
    W = model.network_.encoder.layers[0].W
    return W[:, np.argsort(-np.linalg.norm(W, axis=0))]
