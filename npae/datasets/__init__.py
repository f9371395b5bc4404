"""Data to train on: digits and photographs in the package, the full MNIST, and known manifolds.

    X = npae.datasets.load_digits().data        # (1797, 64), float64, in [0, 1]

Only `fetch_mnist` uses the network, and only when you call it.
"""

from npae.datasets.bundled import load_digits, load_mnist_5k
from npae.datasets.curves import CurveDensity, GaussianDensity, make_ring, make_spiral
from npae.datasets.dataset import Dataset
from npae.datasets.densities import GaussianMixture, make_gaussian_mixture
from npae.datasets.idx import read_idx
from npae.datasets.manifolds import make_circle, make_sphere, make_swiss_roll
from npae.datasets.mnist import FetchError, TrainTest, fetch_mnist
from npae.datasets.motions import transform_images, transform_tangents
from npae.datasets.patches import (
    load_patches,
    load_photographs,
    normalize_patches,
    whiten_image,
)

__all__ = [
    "CurveDensity", "Dataset", "FetchError", "GaussianDensity", "GaussianMixture", "TrainTest",
    "fetch_mnist", "load_digits", "load_mnist_5k", "load_patches", "load_photographs", "make_circle",
    "make_gaussian_mixture", "make_ring", "make_sphere", "make_spiral", "make_swiss_roll",
    "normalize_patches", "read_idx", "transform_images", "transform_tangents", "whiten_image",
]  # fmt: skip
