"""Draw the picture at the top of the README: python docs/make_readme_picture.py [picture.png]

Train a denoising autoencoder on 4,000 MNIST images. Show the first held-out image of every digit: clean, with noise,
and reconstructed from the noisy image by PCA and by the autoencoder, both with K numbers in the code. Print the errors
over all 1,000 held-out images, which the README states. The script takes about half a minute on one core.
"""

import sys
from pathlib import Path

import numpy as np

import npae

K, SIGMA = 64, 0.5


def main(path):
    """Train, print the errors and draw the picture into `path`."""
    digits = npae.datasets.load_mnist_5k()
    order = np.random.default_rng(0).permutation(len(digits))
    X = digits.data[order].astype(np.float32)
    train, test, target = X[:4000], X[4000:], digits.target[order[4000:]]
    noise = npae.GaussianNoise(SIGMA)
    dae = npae.Autoencoder(
        K, hidden_layer_sizes=(256,), activation=("relu", "identity"), corruption=noise, loss="bernoulli",
        optimizer=npae.Adam(2e-3), max_iter=60, random_state=0,
    ).fit(train)  # fmt: skip
    noisy = noise.corrupt(test, rng=1)
    rows = {
        "clean": test,
        "with noise": noisy,
        "PCA": npae.PCA(K).fit(train).reconstruct(noisy),
        "autoencoder": dae.reconstruct(noisy),
    }
    for name, images in rows.items():
        print(f"{name:<12} {0.5 * ((images - test) ** 2).sum(axis=1).mean():6.2f}   1/2 ||x^ - x||^2, held out")
    first = [np.flatnonzero(target == digit)[0] for digit in range(10)]
    figure = npae.plots.image_rows({name: images[first] for name, images in rows.items()}, digits.image_shape)
    figure.savefig(path, dpi=100, pil_kwargs={"optimize": True})


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("digits.png"))
