"""PCA, the angles between subspaces, what linear autoencoders learn, and the comparison of a model with PCA."""

from npae.pca.angles import principal_angles, projector_distance
from npae.pca.comparison import PCAComparison, compare_with_pca
from npae.pca.fit_linear import fit_linear_autoencoder
from npae.pca.pca import PCA
from npae.pca.theory import linear_autoencoder_optimum

__all__ = [
    "PCA", "PCAComparison", "compare_with_pca", "fit_linear_autoencoder", "linear_autoencoder_optimum",
    "principal_angles", "projector_distance",
]  # fmt: skip
