"""Denoising autoencoders: the reconstruction distribution that they learn, and the score of the smoothed density.

`steps` is the training procedure of the text. `score` and `sampling` use its result. `linear` is the best linear
denoiser in closed form, `small_noise` the limit of the denoising loss as the noise goes to zero.
"""

from npae.denoising.linear import LinearDenoiser, linear_denoiser
from npae.denoising.sampling import energy_distance, langevin, sample
from npae.denoising.score import score_field
from npae.denoising.small_noise import SmallNoise, reconstruction_derivatives, small_noise
from npae.denoising.steps import ReconstructionDistribution, learn_reconstruction_distribution

__all__ = [
    "LinearDenoiser", "ReconstructionDistribution", "SmallNoise", "energy_distance", "langevin",
    "learn_reconstruction_distribution", "linear_denoiser", "reconstruction_derivatives", "sample", "score_field",
    "small_noise",
]  # fmt: skip
