"""Patches of two photographs, and their preprocessing: whitened in frequency, scaled, whitened by PCA or ZCA.

    X = normalize_patches(load_patches(10_000, whitened=True, rng=0).data)    # the data of the classical exercise

Neighbouring pixels of a photograph are similar, so that slow changes of brightness hold most of its variance. A network
learns edges and textures only if the preprocessing reduces these changes first.
"""

import numpy as np

from npae.datasets.dataset import Dataset, RandomSource
from npae.validation import check_array, check_number, check_varies

CREDIT = (
    "china.jpg (danielbuechele) and flower.jpg (vultilion), CC BY 2.0, in grey, from scikit-learn's sample photographs."
)


def load_photographs() -> Dataset:
    """Load two natural photographs of 427 x 640 pixels, in grey: 0 china, a temple under trees; 1 flower, a dahlia.

    `data` (2, 273280) in [0, 1]: the luma 0.299 R + 0.587 G + 0.114 B (Rec. ITU-R BT.601), rounded to 256 levels.
    Source: danielbuechele (china.jpg) and vultilion (flower.jpg), CC BY 2.0, as shipped by scikit-learn.
    """
    from importlib.resources import files

    path = files("npae.datasets") / "photographs.npz"
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        images = archive["images"]  # (2, rows, columns) uint8
    return Dataset(images.reshape(2, -1) / 255.0, np.arange(2), images.shape[1:], f"Two photographs: {CREDIT}")


def load_patches(
    n: int, size: int = 8, *, whitened: bool = False, cutoff: float = 0.3, rng: RandomSource = None
) -> Dataset:
    """Cut `n` square patches at random positions from the two photographs.

    `data` (n, size^2) is grey in [0, 1]. With `whitened` the patches are cut from the photographs after
    `whiten_image(..., cutoff)`, each photograph divided by its standard deviation. `target` (n,) is the photograph, 0
    china and 1 flower. Positions are uniform; patches may overlap.
    Raises ValueError unless n >= 1 and 1 <= size <= 427 pixels.
    """
    photographs = load_photographs()
    images = photographs.images
    check_number(n, "n", "load_patches", low=1, integer=True)
    check_number(size, "size", "load_patches", low=1, high=min(images.shape[1:]), integer=True)
    if whitened:
        images = np.stack([whiten_image(image, cutoff) for image in images])
        images /= images.std(axis=(1, 2), keepdims=True)
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))  # a view
    which, top, left = np.random.default_rng(rng).integers(0, windows.shape[:3], size=(n, 3)).T
    filtered = f", whitened in frequency up to {cutoff:g} cycles per pixel" if whitened else ""
    description = f"{size} x {size} patches{filtered} of two photographs: {CREDIT}"
    return Dataset(windows[which, top, left].reshape(n, size * size), which, (size, size), description)


def whiten_image(image: np.ndarray, cutoff: float = 0.3) -> np.ndarray:
    """Flatten the spectrum of an image (rows, columns) up to a cutoff frequency, by the filter

        R(f) = f exp(-(f / cutoff)^4),    f in cycles per pixel, 0 to 1/2 along an axis,

    because the amplitudes of natural images fall as 1/f. The mean becomes 0; the image counts as periodic.
    Olshausen and Field (1997), Sparse coding with an overcomplete basis set, section 3 (there the cutoff is 0.39).
    Raises ValueError unless the image has two axes and the cutoff is > 0.
    """
    image = np.asarray(image, dtype=np.float64)
    if image.ndim != 2:
        raise ValueError(f"whiten_image: got shape {image.shape}, expected an image (rows, columns)")
    if not 0 < cutoff < np.inf:
        raise ValueError(f"whiten_image: got cutoff={cutoff!r}, expected cycles per pixel, above 0")
    rows, columns = image.shape
    f = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns))
    return np.fft.irfft2(np.fft.rfft2(image) * f * np.exp(-((f / cutoff) ** 4)), s=image.shape)


def normalize_patches(X: np.ndarray) -> np.ndarray:
    """Scale patches (N, D) to [0.1, 0.9], which a sigmoid output can reach.

    Subtract the mean of each patch; with s the standard deviation of all results, x -> 0.5 + 0.4 clip(x / 3 s, -1, 1).
    Ng (2011), CS294A lecture notes, exercise on sparse autoencoders. Raises ValueError for patches without contrast.
    """
    X = check_array(X, owner="normalize_patches", dtype=np.float64)
    check_varies(X, "normalize_patches", "patches without contrast, expected some that are not one grey", axis=1)
    X = X - X.mean(axis=1, keepdims=True)
    s = X.std()
    return 0.5 + 0.4 * np.clip(X / (3 * s), -1, 1)
