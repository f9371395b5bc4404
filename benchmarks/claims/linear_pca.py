"""The linear autoencoder against PCA, in numbers: python -m benchmarks.claims.linear_pca [--short]

Largest principal angle to PCA and relative excess of the reconstruction error, from random starts; the closed forms of
L2 regularization; and what a nonlinear autoencoder gains over PCA on data it has not seen. --short: k = 2 and 8 only.
"""

import argparse
import time

import numpy as np

import npae
from npae.pca import PCA, compare_with_pca
from npae.pca.fit_linear import bottleneck_network, decoder_matrix, descend, fit_linear_autoencoder
from npae.pca.moments import Moments
from npae.pca.theory import directions_from_regularized

NETWORKS = {"untied": {}, "tied": {"tied": True}, "two hidden layers": {"hidden": 48}}


def unregularized(title, X, widths, adam=True):
    """Rows: by L-BFGS in float64, its code mixed by a random matrix, and by Adam in float32."""
    print(f"{title:<58}{'largest angle':>14}{'excess':>12}{'CPU':>9}")
    D, x = X.shape[1], Moments.from_samples(X).sample()
    for k in widths:
        for name, parameters in NETWORKS.items():
            start = time.process_time()
            network = bottleneck_network(D, k, rng=k, **parameters)
            fit_linear_autoencoder(network, X)
            _row(f"k = {k:>2}, {name}, L-BFGS, float64", network, X, start)
            if name != "tied":
                _mix(network, np.random.default_rng(k))
                _row(f"k = {k:>2}, {name}, code mixed by a random matrix", network, X, start)
            if adam:
                start = time.process_time()
                network = bottleneck_network(D, k, rng=k, dtype=np.float32, **parameters)
                descend(network, x)
                _row(f"k = {k:>2}, {name}, Adam, decaying step, float32", network, X, start)


def _row(title, network, X, start):
    seconds, result = time.process_time() - start, compare_with_pca(network, X)
    print(f"{title:<58}{result.angles[-1]:>10.1e} rad{result.excess:>12.1e}{seconds:>9.1f} s", flush=True)


def _mix(network, rng):
    """Mix the code of an untied network by a random invertible matrix."""
    encoder, decoder = network.encoder.layers[-1], network.decoder.layers[0]
    M = rng.normal(size=(encoder.n_out, encoder.n_out))
    encoder.W[:], encoder.b[:] = encoder.W @ M, encoder.b @ M
    decoder.W[:] = np.linalg.solve(M, decoder.W)


def regularized(X):
    """Rows: what weight decay leaves of the singular values, directions and eigenvalues."""
    s, V = Moments.from_samples(X).spectrum()
    print("\ndigits, weight decay: against w_i^2 = max(0, 1 - N lam / sigma_i^2)")
    for k, lam in ((8, 0.05), (8, 0.2), (32, 0.01)):
        network = bottleneck_network(64, k, lam=lam, rng=0)
        fit_linear_autoencoder(network, X)
        W = decoder_matrix(network)
        w = np.linalg.svd(W, compute_uv=False)
        r = int((s[:k] > lam).sum())
        directions, eigenvalues = directions_from_regularized(W, lam)
        print(
            f"k = {k:>2}, lam = {lam:<5g} w^2 off by {np.abs(w**2 - np.maximum(0, 1 - lam / s[:k])).max():.1e},  "
            f"1 - |cos| at most {1 - np.abs((directions[:r] * V[:r]).sum(1)).min():.1e},  "
            f"eigenvalues off by {np.abs(eigenvalues[:r] / s[:r] - 1).max():.1e},  "
            f"{k - r} dropped, w at most {w[r:].max(initial=0):.1e}"
        )


def nonlinear():
    """Rows: held-out errors of PCA and of two hidden layers of tanh."""
    print("\nheld-out mean 1/2 ||x^ - x||^2      k        PCA  nonlinear   excess")
    for name, k in (("make_circle", 1), ("make_swiss_roll", 2), ("load_digits", 2), ("load_digits", 8)):
        make = getattr(npae.datasets, name)
        X = make().data if name.startswith("load") else make(2000, rng=0).data
        order = np.random.default_rng(0).permutation(len(X))
        train, test = X[order[len(X) // 4 :]], X[order[: len(X) // 4]]
        scale = 1.0 if name.startswith("load") else train.std()
        network = bottleneck_network(X.shape[1], k, hidden=128, activation=npae.Tanh(), lam=1e-5, rng=0)
        npae.lbfgs(network, train / scale, max_iter=500)
        result = compare_with_pca(network, test / scale, pca=PCA(k).fit(train / scale))
        print(f"{name:<34}{k:>3}{result.pca_error:>11.4f}{result.reconstruction_error:>11.4f}{result.excess:>9.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="k = 2 and 8, without MNIST")
    short, digits = parser.parse_args().short, npae.datasets.load_digits().data
    unregularized("digits, from a random start", digits, (2, 8) if short else (2, 8, 16, 32))
    regularized(digits)
    if not short:
        unregularized("MNIST, 5,000 images", npae.datasets.load_mnist_5k().data, (32,), adam=False)
    nonlinear()
