"""Measure the tangents of contractive autoencoders:

    python -m benchmarks.claims.manifolds [directory for figures] [--short]

Tables: angles of tangent spaces on the circle, the sphere and the swiss roll (noise 2 % of the extent, 20 dimensions,
held-out points), compared with the plain autoencoder and local PCA with the best neighbourhood; singular values;
spectra, contraction ratios and motions of digits; the scale cheat. Takes a few minutes. --short: 300 steps a network.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from npae import datasets, manifold
from npae.experiments.cosine import adam
from npae.experiments.manifolds import MAKERS, image_codes, known_manifold, motion_angles, turning_walks
from npae.objective.activations import Tanh
from npae.objective.contraction import Contractive
from npae.objective.layers import Dense, mirrored
from npae.objective.network import Network
from npae.plots import manifolds as manifold_plots
from npae.training.loop import train

RANKS = (2, 5, 10, 15, 20, 30)


def known(result):
    """Print angles and gaps of one known manifold; its spectra and its tangents as figures."""
    neighbours, best = min(result.local_pca.items(), key=lambda item: item[1])
    medians = {label: np.median(angles) for label, angles in result.angles.items()}
    print(
        f"  {result.name}: median angle contractive {medians['contractive']:.2f}, local PCA {best:.2f} "
        f"(best, {neighbours} neighbours), plain {medians['plain']:.2f} degrees; upper quartile contractive "
        f"{np.quantile(result.angles['contractive'], 0.75):.1f}; "
        f"{'contractive' if medians['contractive'] < best else 'local PCA'} wins"
    )
    d, test = result.n_dims, result.test
    for label, sigma in result.sigma.items():
        found = manifold.local_dimension(result.models[label], test.data)
        print(
            f"    {label}: singular values {' '.join(f'{s:.3f}' for s in np.median(sigma, axis=0))}; gap after {d}: "
            f"{np.median(sigma[:, d - 1] / sigma[:, d]):.1f} times; dimension {d} found at {np.mean(found == d):.0%}"
            f" of the points, median {np.median(found):.0f}"
        )
    some = test.subset(slice(0, 40 if d == 1 else 150))
    T = manifold.tangent_space(result.models["contractive"], some.data, d)
    if d == 1:
        curve = test.chart(np.linspace(0, 2 * np.pi, 200)[:, None])
        tangents = manifold_plots.tangents_on_curve(some.data, T, some.tangents, some.embedding, curve=curve)
    else:
        angles = manifold.tangent_angles(T, some.tangents)
        tangents = manifold_plots.tangents_on_surface(some.data, T, some.embedding, angles, cloud=test.data)
    return {
        f"spectra {result.name}": manifold_plots.spectra(result.sigma, n_dims=d),
        f"tangents {result.name}": tangents,
    }


def of_digits(result):
    """Print spectra, contraction and motions of the digits; the same, tangent images and walks as figures."""
    X = result.test
    print(f"digits, {len(X)} held out, {result.spacing:.2f} from their nearest training digit")
    for label, sigma in result.sigma.items():
        relative = (sigma / sigma[:, :1]).mean(axis=0)
        effective = np.median((sigma**2).sum(axis=1) ** 2 / (sigma**4).sum(axis=1))
        error = np.square(result.models[label].reconstruct(X) - X).sum(axis=1).mean()
        print(
            f"  {label}: sigma_k / sigma_1 at {', '.join(f'{k}: {relative[k - 1]:.3f}' for k in RANKS)}; "
            f"effective number {effective:.1f}; squared error {error:.3f}"
        )
    for label, ratios in {"contraction ratio by radius": result.radii, **result.ratios}.items():
        print(f"  {label}: {' '.join(f'{ratio:.3f}' for ratio in ratios)}")
    print("  median angle to the 8-dimensional tangent space, degrees")
    for label, model in result.models.items():
        print(f"    {label}: " + ", ".join(f"{k} {v:.1f}" for k, v in motion_angles(model, X, (8, 8), 8).items()))
    true, mnist = datasets.transform_tangents(X[:8], (8, 8), ("shift_x", "rotation")), datasets.load_mnist_5k()
    learnt = manifold.tangent_space(result.models["contractive"], X[:8], 4)
    tangents = {"learnt": learnt, "shift": true[:, :1], "rotation": true[:, 1:]}
    paths, lines = turning_walks(mnist.data[:900], mnist.data[900:904], mnist.image_shape)
    return {
        "spectra digits": manifold_plots.spectra(result.sigma, normalize=True),
        "contraction digits": manifold_plots.contraction_curves(result.radii, result.ratios, spacing=result.spacing),
        "tangents digits": manifold_plots.tangent_images(X[:8], tangents, (8, 8)),
        "walks": manifold_plots.walks(paths, lines, mnist.image_shape),
    }


@dataclass(frozen=True, eq=False)
class UnitDecoder:
    """An optimizer that scales the rows of the decoder's W to norm 1 after each step of another optimizer."""

    optimizer: Any
    network: Network

    def start(self, theta):
        """Return a step of the other optimizer with the scaling."""
        step, decoder = self.optimizer.start(theta), self.network.decoder.layers[0]

        def unit_step(grad):
            step(grad)
            decoder.W /= np.linalg.norm(decoder.W, axis=1, keepdims=True)

        return unit_step


def scale_cheat(*, n_steps=6000, lam=0.3, random_state=0):
    """Return {variant: (penalty / lam, |W_encoder|, |W_decoder|, squared error)} on the digits, for three decoders.

    If 'untied', the encoder shrinks and the decoder grows; 'tied' and 'unit decoder' (`UnitDecoder`) prevent this. The
    code is one layer of 128 tanh units, which are linear for small weights.
    """
    X = datasets.load_digits().data
    X = X - X.mean(axis=0)
    results: dict[str, Any] = {}
    epochs = max(1, round(n_steps / -(-len(X) // 100)))
    for variant in ("untied", "tied", "unit decoder"):
        rng = np.random.default_rng(random_state)
        encoder = [Dense(64, 128, Tanh(), rng=rng)]
        decoder = mirrored(encoder, tied=variant == "tied", rng=rng)
        network = Network(encoder, decoder, penalties=[Contractive(lam)], dtype=np.float32)
        optimizer = adam(len(X), lr=3e-3, epochs=epochs, batch_size=100)
        if variant == "unit decoder":
            optimizer = UnitDecoder(optimizer, network)
        train(network, X, optimizer.start(network.theta), batch_size=100, max_iter=epochs, rng=rng)
        contraction = float((manifold.jacobian(network, X) ** 2).sum(axis=(1, 2)).mean())
        error = float(((network.reconstruct(X) - X) ** 2).sum(axis=1).mean())
        results[variant] = (contraction, np.linalg.norm(encoder[0].W), np.linalg.norm(decoder[0].W), error)
    return results


def digits(*, n_steps=6000, random_state=0):
    """Return `image_codes` of 1,400 digits of 8 x 8, measured on the other 397."""
    X = datasets.load_digits().data
    order = np.random.default_rng(random_state).permutation(len(X))
    return image_codes(X[order[:1400]], X[order[1400:]], n_steps=n_steps, random_state=random_state)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path, nargs="?", help="for the figures")
    parser.add_argument("--short", action="store_true", help="300 steps a network: a look in half a minute")
    chosen = parser.parse_args()
    n_steps, n_digit_steps, figures = (300, 300, {}) if chosen.short else (12_000, 6_000, {})
    print("known manifolds, N = 20,000, noise 2 %, 20 dimensions; 1,000 held-out points")
    for name in MAKERS:
        figures |= known(known_manifold(name, n_steps=n_steps))
    figures |= of_digits(digits(n_steps=n_digit_steps))
    print("the scale cheat: one layer of 128 tanh on digits, Contractive(0.3)")
    for variant, (contraction, encoder, decoder, error) in scale_cheat(n_steps=n_digit_steps).items():
        print(
            f"  {variant:13s} mean ||J||_F^2 {contraction:.4f}, ||W_encoder|| {encoder:.2f}, "
            f"||W_decoder|| {decoder:.2f}, squared error {error:.3f}"
        )
    for name, figure in figures.items() if chosen.directory else ():
        figure.savefig(chosen.directory / f"{name.replace(' ', '_')}.png")
