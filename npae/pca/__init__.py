"""Linear theory: PCA, the angles between subspaces, what linear autoencoders learn, and a model beside PCA."""

from npae.pca.angles import principal_angles, projector_distance
from npae.pca.comparison import PCAComparison, compare_with_pca
from npae.pca.pca import PCA
from npae.pca.theory import linear_autoencoder_optimum

__all__ = [
    "PCA", "PCAComparison", "compare_with_pca", "linear_autoencoder_optimum", "principal_angles",
    "projector_distance",
]  # fmt: skip
