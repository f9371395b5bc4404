"""Fit generative models to the digits, and record the bound of a variational autoencoder during training."""

from dataclasses import dataclass, field

import numpy as np

from npae import datasets
from npae.experiments.cosine import fixed_length
from npae.generative import (
    RBM,
    FactorAnalysis,
    LinearVAE,
    MixtureOfGaussians,
    ProbabilisticPCA,
    SparseCoding,
    VariationalAutoencoder,
)
from npae.objective.distributions import Gaussian
from npae.training.optimizers import SGD


def dequantized(images, levels=16, rng=0):
    """(levels x + u) / (levels + 1), u uniform in [0, 1), for grey levels x of 0, 1 / levels, ..., 1.

    The likelihood of discrete grey levels has no upper limit, because a density may put spikes on the levels. Spread
    over their intervals the grey levels have a limit. Theis, van den Oord and Bethge (2016), A note on the evaluation
    of generative models.
    """
    u = np.random.default_rng(rng).random(np.shape(images))
    return (levels * np.asarray(images) + u) / (levels + 1)


def binarized(images, threshold=0.5):
    """Return images as zeros and ones, in the same dtype."""
    return (np.asarray(images) > threshold).astype(np.result_type(images))


@dataclass(eq=False)
class WatchedVAE:
    """A variational autoencoder and its bound by epoch, on held-out images: E_q[log p(x | h)] and KL term, nats."""

    model: VariationalAutoencoder
    reconstruction: list[float] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)

    @property
    def elbo(self):
        """Return the bound by epoch."""
        return [r - k for r, k in zip(self.reconstruction, self.kl)]


def watch_vae(
    X, X_test, *, n_components=2, hidden=(128,), epochs=60, lr=3e-3, batch_size=100, random_state=0, **options
):
    """Train on X (M, D) and record the parts of the bound on X_test (N, D) after every epoch: a WatchedVAE."""
    how = fixed_length(len(X), lr=lr, epochs=epochs, batch_size=batch_size)
    model = VariationalAutoencoder(n_components, hidden_layer_sizes=hidden, activation="relu",
                                   random_state=random_state, **how, **options)  # fmt: skip
    watched = WatchedVAE(model)

    def on_epoch_end(network, history):
        reconstruction, kl = network.elbo_parts(X_test)
        watched.reconstruction.append(float(reconstruction.mean()))
        watched.kl.append(float(kl.mean()))

    model.callbacks = on_epoch_end
    model.fit(X)
    model.callbacks = None
    return watched


def digit_models(*, n_components=8, quick=False, random_state=0):
    """Return (grey, bits): two dicts name -> (model, held-out images), all fitted to 1,347 digits of 8 x 8.

    Models of grey images are densities of the dequantized images. Models of bits give probabilities of the same images
    after a threshold. Codes have n_components units, with three exceptions: the mixture has 10 times as many
    components, sparse coding has 64 units and the Boltzmann machine 12.
    """
    X = datasets.load_digits().data
    order, K = np.random.default_rng(random_state).permutation(len(X)), n_components
    train, test = X[order[450:]], X[order[:450]]
    grey, grey_test = dequantized(train, rng=1), dequantized(test, rng=2)
    bits, bits_test = binarized(train).astype(np.float32), binarized(test).astype(np.float32)
    epochs = 8 if quick else 80
    vae = {"n_components": K, "hidden": (64,), "epochs": epochs, "random_state": random_state}
    rounds, n_iter_code = (1, 20) if quick else (6, 50)
    sparse = SparseCoding(64, lam=0.1, max_iter=rounds, n_iter_code=n_iter_code, random_state=random_state)
    models = {
        "probabilistic PCA": ProbabilisticPCA(K).fit(grey),
        "factor analysis": FactorAnalysis(K, max_iter=200, tol=1e-5).fit(grey),
        "linear VAE": LinearVAE(K, max_iter=2000, random_state=random_state).fit(grey),
        "variational autoencoder": watch_vae(grey, grey_test, loss=Gaussian("features"), **vae).model,
        "mixture of Gaussians": MixtureOfGaussians(10 * K, min_variance=2e-3, random_state=random_state).fit(grey),
        "sparse coding": sparse.fit(grey),
    }
    machine = RBM(12, optimizer=SGD(0.05, momentum=0.5), max_iter=6 if quick else 80, random_state=random_state)
    of_bits = {
        "restricted Boltzmann machine": machine.fit(bits),
        "variational autoencoder": watch_vae(bits, bits_test, **vae).model,
    }
    both = (models, grey_test), (of_bits, bits_test)
    return tuple({name: (model, test) for name, model in found.items()} for found, test in both)
