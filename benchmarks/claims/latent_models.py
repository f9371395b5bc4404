"""Generative models as autoencoders, no timing: python -m benchmarks.claims.latent_models [--short] [--mnist 5k|full]

The linear variational autoencoder beside probabilistic PCA; L, Omega and their sum for every model on held-out digits;
the bound of a variational autoencoder of MNIST images, 784-400-20, binarized at 1/2 and with grey values. `full`
fetches the 60,000 images. There PyTorch's basic example, the same network on grey values with the cross entropy, prints
a held-out bound of -106.66 nats after seven epochs (pytorch/examples, pull request 1416); the 5,000 images in the
package have no published figure.
"""

import argparse
import warnings

import numpy as np

from npae import datasets
from npae.experiments.generative import binarized, digit_models, watch_vae
from npae.generative import LinearVAE, ProbabilisticPCA, form_table
from npae.pca import principal_angles


def linear():
    """Gaps of the bound and angles of the subspace at convergence."""
    print("Linear variational autoencoder beside probabilistic PCA, digits: bound minus log-likelihood, largest angle")
    X = datasets.load_digits().data
    for k in (1, 2, 4, 8, 16):
        vae, ppca = LinearVAE(k, random_state=0).fit(X), ProbabilisticPCA(k).fit(X)
        angle = principal_angles(vae.decoder_.T, ppca.model_.W.T)[-1]
        print(f"  {k:2d} components: {vae.elbo(X) - ppca.score(X):+.2e} nats of {ppca.score(X):.3f}, {angle:.1e} rad, "
              f"{vae.n_iter_} iterations")  # fmt: skip


def models(short):
    """The table with numbers."""
    for what, fitted in zip(("dequantized grey values", "bits"), digit_models(quick=short)):
        print(f"Held-out digits, {what}: L + Omega in nats a sample (for sparse coding its objective)")
        for name, (model, X) in fitted.items():
            row = form_table({name: model}, X)[1]
            print(f"  {name:<30}" + " ".join(f"{cell:>10}" for cell in row[-3:]))


def mnist(which, short):
    """Bounds of 784-400-20 on held-out images."""
    if which == "full":
        both = datasets.fetch_mnist()
        train, test, epochs = both.train.data.astype(np.float32), both.test.data.astype(np.float32), 30
    else:
        X = datasets.load_mnist_5k().data.astype(np.float32)
        order, epochs = np.random.default_rng(0).permutation(len(X)), 60
        train, test = X[order[1000:]], X[order[:1000]]
    epochs = max(1, epochs // 10) if short else epochs
    for what, loss, a, b in (
        ("binarized at 1/2", "bernoulli", binarized(train), binarized(test)),
        ("grey values, cross entropy", "bernoulli", train, test),
        ("grey values, continuous Bernoulli", "continuous_bernoulli", train, test),
    ):
        watched = watch_vae(a, b, n_components=20, hidden=(400,), epochs=epochs, lr=1e-3, loss=loss)
        bound = watched.model.importance_weighted_bound(b, n_samples=100)
        print(f"MNIST, {len(a)} images, {what}, 784-400-20, {epochs} epochs: held-out bound {watched.elbo[-1]:.2f} "
              f"nats ({watched.reconstruction[-1]:.2f} - {watched.kl[-1]:.2f}), best epoch {max(watched.elbo):.2f}, "
              f"importance weighted (100) {bound:.2f}")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims.latent_models", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer steps")
    parser.add_argument("--mnist", choices=("5k", "full"), default="5k", help="images")
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", message="BernoulliCrossEntropy")  # said in the line itself
    linear()
    models(chosen.short)
    mnist(chosen.mnist, chosen.short)


if __name__ == "__main__":
    main()
