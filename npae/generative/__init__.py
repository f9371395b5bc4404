"""Generative models with latent variables, seen as autoencoders: inference is the encoder, the model the decoder.

'Nearly any generative model with latent variables and an inference procedure may be viewed as a particular form of
autoencoder.' For each of them, in nats per sample and as a mean over samples,

    -log p(x) <= L + Omega,    L = -E_q[log p(x | h)],    Omega = KL(q(h | x) || p(h)),

with q(h | x) the encoder's distribution of the code h. Both sides are equal if q is the exact posterior. `forms` lists
all models in one table.
"""

from npae.generative.forms import Form, form_table
from npae.generative.linear_gaussian import FactorAnalysis, LinearGaussian, ProbabilisticPCA
from npae.generative.linear_vae import LinearVAE
from npae.generative.mixture import MixtureOfGaussians
from npae.generative.rbm import RBM
from npae.generative.sparse_coding import SparseCoding, fista, ista
from npae.generative.variational_autoencoder import VariationalAutoencoder
from npae.generative.variational_network import GaussianCode, KLToStandardNormal, VariationalNetwork

__all__ = [
    "RBM", "FactorAnalysis", "Form", "GaussianCode", "KLToStandardNormal", "LinearGaussian", "LinearVAE",
    "MixtureOfGaussians", "ProbabilisticPCA", "SparseCoding", "VariationalAutoencoder", "VariationalNetwork", "fista",
    "form_table", "ista",
]  # fmt: skip
