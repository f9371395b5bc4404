"""Compare denoising autoencoders with PCA, Wiener and median filters on held-out images, by PSNR."""

from dataclasses import dataclass, field

import numpy as np

from npae.denoising import linear_denoiser
from npae.estimators.autoencoder import Autoencoder
from npae.experiments.cosine import fixed_length
from npae.objective.corruption import GaussianNoise, GaussianNoiseRange
from npae.pca import PCA
from npae.validation import check_array

ONE, ALL = "denoising, one level", "denoising, all levels"


def psnr(reconstruction, X):
    """-10 log10(mean squared error): the peak signal-to-noise ratio in dB of images with values in [0, 1]."""
    with np.errstate(divide="ignore"):
        return float(-10 * np.log10(((np.clip(reconstruction, 0, 1) - X) ** 2).mean(dtype=np.float64)))


def median_filter(X, image_shape, size=3):
    """Return the median of each pixel's size x size neighbourhood, (N, D); borders are mirrored."""
    return np.median(_neighbourhoods(X, image_shape, size), axis=(3, 4)).reshape(np.shape(X)).astype(np.result_type(X))


def wiener_filter(X, image_shape, sigma, size=3):
    """m + max(v - sigma^2, 0) / max(v, sigma^2) (x - m), m and v of each pixel's neighbourhood, (N, D).

    m and v are mean and variance. In flat regions the local mean replaces the pixel; at edges the pixel stays. Lee
    (1980), IEEE PAMI 2.
    """
    windows = _neighbourhoods(X, image_shape, size)
    m, v = windows.mean(axis=(3, 4)).reshape(X.shape), windows.var(axis=(3, 4)).reshape(X.shape)
    return m + np.maximum(v - sigma**2, 0) / np.maximum(v, sigma**2) * (X - m)


def _neighbourhoods(X, image_shape, size):
    X, half = check_array(X, owner="image filter"), size // 2
    padded = np.pad(X.reshape(-1, *image_shape), ((0, 0), (half, half), (half, half)), mode="symmetric")
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))


@dataclass(frozen=True, eq=False)
class Denoised:
    """PSNR in dB by method and noise level on held-out images, and a few of the images."""

    sigmas: tuple[float, ...]
    psnr: dict[str, list[float]]
    images: dict[str, np.ndarray] = field(default_factory=dict)  # method -> (12, D), at the middle level

    def margins(self, ours):
        """Return [(gain of `ours` over the best filter or PCA in dB, name of that method)], one pair per level."""
        others = [name for name in self.psnr if name not in (ONE, ALL, "noisy")]
        best = [max(others, key=lambda name: self.psnr[name][i]) for i in range(len(self.sigmas))]
        return [(self.psnr[ours][i] - self.psnr[name][i], name) for i, name in enumerate(best)]


def denoiser(X, corruption, *, width, epochs, random_state, activation="tanh", output="sigmoid"):
    """Return an overcomplete autoencoder, D-width-D, trained to undo the corruption."""
    how = fixed_length(len(X), lr=5e-3, epochs=epochs, batch_size=64)
    return Autoencoder(width, activation=activation, output_activation=output, corruption=corruption,
                       random_state=random_state, **how).fit(X)  # fmt: skip


def compare_denoisers(
    X, X_test, image_shape, *, sigmas=(0.1, 0.2, 0.3, 0.4, 0.6), width=256, epochs=150, each=True, random_state=0
):
    """Train on X (M, D), measure on X_test (N, D), and return a Denoised.

    One autoencoder is trained for all levels, with sigma uniform between them, and if `each`, one more per level. PCA
    keeps the number of components that is best on noisy training images. 'linear' is the best affine map in closed form
    (the Wiener filter of the ensemble), 'Wiener' the local filter with the true sigma, 'median' 3 x 3.
    """
    how = {"width": width, "epochs": epochs, "random_state": random_state}
    everything = denoiser(X, GaussianNoiseRange(sigmas[0] / 2, sigmas[-1]), **how)
    names = ["noisy", "median", "Wiener", "PCA", "linear", *([ONE] if each else []), ALL]
    table: dict[str, list[float]] = {name: [] for name in names}
    kept = {"clean": X_test[:12]}
    widths = sorted({k for k in (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128) if k < min(X.shape)})
    pcas = [PCA(k).fit(X) for k in widths]
    for i, sigma in enumerate(sigmas):
        noise = GaussianNoise(sigma)
        noisy, noisy_train = noise.corrupt(X_test, random_state + 1), noise.corrupt(X[:1000], random_state + 2)
        best = max(pcas, key=lambda pca: psnr(pca.reconstruct(noisy_train), X[:1000]))
        outputs = {
            "noisy": noisy,
            "median": median_filter(noisy, image_shape),
            "Wiener": wiener_filter(noisy, image_shape, sigma),
            "PCA": best.reconstruct(noisy),
            "linear": linear_denoiser(X, noise).reconstruct(noisy),
            ALL: everything.reconstruct(noisy),
        }
        if each:
            outputs[ONE] = denoiser(X, noise, **how).reconstruct(noisy)
        for name in names:
            table[name].append(psnr(outputs[name], X_test))
        if i == len(sigmas) // 2:
            kept |= {name: np.clip(outputs[name][:12], 0, 1) for name in names}
    return Denoised(tuple(sigmas), table, kept)
