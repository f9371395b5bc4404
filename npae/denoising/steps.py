"""The training procedure of the text, with a function for each step, and the distribution that it learns.

1. Sample a training example x from the training data.
2. Sample a corrupted version x~ from C(x~ | x).
3. Use (x, x~) as a training example for estimating the reconstruction distribution
   p_reconstruct(x | x~) = p_decoder(x | h) with h the output of the encoder f(x~).
"""

import numpy as np

from npae.training.optimizers import Adam
from npae.training.schedules import Cosine


def sample_training_example(X, n_samples, rng):
    """Step 1: draw n_samples rows of X with replacement, (n_samples, D)."""
    return X[rng.integers(len(X), size=n_samples)]


def sample_corrupted_version(x, corruption, rng):
    """Step 2: x~ ~ C(x~ | x), (N, D)."""
    return corruption.corrupt(x, rng)


def use_as_training_example(network, step, x, corrupted):
    """Step 3: take one optimizer step on -log p_decoder(x | f(x~)) and return that objective."""
    value = network.value_and_grad(corrupted, target=x)
    step(network.grad)
    return value


def learn_reconstruction_distribution(network, X, corruption, *, n_steps, batch_size=128, optimizer=None, rng=None):
    """Repeat the three steps n_steps times; return the objective at each step, (n_steps,).

    optimizer: Adam(Cosine(1e-2, n_steps)) if None; its learning rate falls to 0, so that the noise of the last steps
    does not remain in the weights. `npae.training.loop.train` does the same by epochs, with all that `fit` needs.
    """
    rng, X = np.random.default_rng(rng), np.asarray(X, dtype=network.theta.dtype)
    optimizer = Adam(Cosine(1e-2, n_steps)) if optimizer is None else optimizer
    step, values = optimizer.start(network.theta), np.empty(n_steps)
    for t in range(n_steps):
        x = sample_training_example(X, batch_size, rng)
        corrupted = sample_corrupted_version(x, corruption, rng)
        values[t] = use_as_training_example(network, step, x, corrupted)
    return values


class ReconstructionDistribution:
    """p_reconstruct(x | x~) = p_decoder(x | f(x~)) of a trained model: its mean, samples and log-likelihood.

    model: a Network or a fitted estimator. Its loss is the negative log-likelihood of such a distribution.
    """

    def __init__(self, model):
        self.network = getattr(model, "network_", model)
        if not hasattr(self.network, "decoder") or not hasattr(getattr(self.network, "loss", None), "log_likelihood"):
            expected = "expected a Network or a fitted estimator whose loss has mean, sample and log_likelihood"
            raise TypeError(f"ReconstructionDistribution: got {model!r}, {expected}")

    def parameters(self, corrupted):
        """Return the decoder's output for x~: the parameters a of p_decoder(x | h), h = f(x~)."""
        return self.network.decoder(self.network.encoder(np.asarray(corrupted, dtype=self.network.theta.dtype)))

    def mean(self, corrupted):
        """E[x | x~], (N, D)."""
        return self.network.loss.mean(self.parameters(corrupted))

    def sample(self, corrupted, rng):
        """Draw x ~ p_reconstruct(x | x~) for each row, (N, D)."""
        return self.network.loss.sample(self.parameters(corrupted), rng)

    def log_likelihood(self, x, corrupted):
        """log p_reconstruct(x_n | x~_n) in nats, (N,)."""
        return self.network.loss.log_likelihood(self.parameters(corrupted), np.asarray(x))
