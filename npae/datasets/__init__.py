"""Data to train on: two sets of digits in the package, the full MNIST, photographs, and known manifolds.

    X = npae.datasets.load_digits().data        # (1797, 64), float64, in [0, 1]

`fetch_mnist` alone uses the network, and only when it is called.
"""

from npae.datasets.bundled import load_digits, load_mnist_5k, load_patches
from npae.datasets.curves import CurveDensity, GaussianDensity, make_ring, make_spiral
from npae.datasets.dataset import Dataset
from npae.datasets.densities import GaussianMixture, make_gaussian_mixture
from npae.datasets.manifolds import make_circle, make_helix, make_sphere, make_swiss_roll, make_torus
from npae.datasets.mnist import FetchError, TrainTest, fetch_mnist, read_idx
from npae.datasets.motions import transform_images, transform_tangents

__all__ = [
    "CurveDensity", "Dataset", "FetchError", "GaussianDensity", "GaussianMixture", "TrainTest", "fetch_mnist",
    "load_digits", "load_mnist_5k", "load_patches", "make_circle", "make_gaussian_mixture", "make_helix", "make_ring",
    "make_sphere", "make_spiral", "make_swiss_roll", "make_torus", "read_idx", "transform_images",
    "transform_tangents",
]  # fmt: skip
