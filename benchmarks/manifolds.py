"""What contractive autoencoders learn of manifolds: `python -m benchmarks.manifolds [directory for figures]`.

Tables: angles of tangent spaces on the circle, the sphere and the swiss roll (noise 2 % of the extent, 20 dimensions,
held-out points) beside the plain autoencoder's and local PCA's with the best neighbourhood; gaps of singular values;
spectra, contraction ratios and motions of digits; the scale cheat. Takes a few minutes.
"""

import sys
from pathlib import Path

import numpy as np

from npae import datasets, manifold
from npae.experiments.manifolds import MAKERS, digits, known_manifold, motion_angles, scale_cheat, turning_walks
from npae.plots import manifolds as manifold_plots


def main(directory=None, n_steps=12000, n_digit_steps=6000):
    """Print the tables; draw the figures into `directory` if there is one."""
    figures = {}
    print("known manifolds, N = 20,000, noise 2 %, 20 dimensions; 1,000 held-out points")
    for name in MAKERS:
        result = known_manifold(name, n_steps=n_steps)
        print_known(result)
        figures |= known_figures(result)
    result = digits(n_steps=n_digit_steps)
    print_digits(result)
    figures |= digit_figures(result)
    print("the scale cheat: one layer of 128 tanh on digits, Contractive(0.3)")
    for variant, (contraction, encoder, decoder, error) in scale_cheat(n_steps=n_digit_steps).items():
        print(
            f"  {variant:13s} mean ||J||_F^2 {contraction:.4f}, ||W_encoder|| {encoder:.2f}, "
            f"||W_decoder|| {decoder:.2f}, squared error {error:.3f}"
        )
    if directory is not None:
        for name, figure in figures.items():
            figure.savefig(Path(directory) / f"{name.replace(' ', '_')}.png")


def print_known(result):
    """Angles and gaps of one known manifold."""
    neighbours, best = min(result.local_pca.items(), key=lambda item: item[1])
    medians = {label: np.median(angles) for label, angles in result.angles.items()}
    print(
        f"  {result.name}: median angle contractive {medians['contractive']:.2f}, local PCA {best:.2f} "
        f"(best, {neighbours} neighbours), plain {medians['plain']:.2f} degrees; upper quartile contractive "
        f"{np.quantile(result.angles['contractive'], 0.75):.1f}; "
        f"{'contractive' if medians['contractive'] < best else 'local PCA'} wins"
    )
    for label, sigma in result.sigma.items():
        d, middle = result.n_dims, np.median(sigma, axis=0)
        found = manifold.local_dimension(result.models[label], result.test.data)
        print(
            f"    {label}: singular values {' '.join(f'{s:.3f}' for s in middle)}; gap after {d}: "
            f"{np.median(sigma[:, d - 1] / sigma[:, d]):.1f} times; dimension {d} found at {np.mean(found == d):.0%}"
            f" of the points, median {np.median(found):.0f}"
        )


def print_digits(result):
    """Spectra, contraction and motions of the digits."""
    print(f"digits, {len(result.test)} held out, {result.spacing:.2f} from their nearest training digit")
    for label, sigma in result.sigma.items():
        relative = (sigma / sigma[:, :1]).mean(axis=0)
        effective = np.median((sigma**2).sum(axis=1) ** 2 / (sigma**4).sum(axis=1))
        X = result.test
        error = np.square(result.models[label].reconstruct(X) - X).sum(axis=1).mean()
        ranks = (2, 5, 10, 15, 20, 30)
        print(
            f"  {label}: sigma_k / sigma_1 at {', '.join(f'{k}: {relative[k - 1]:.3f}' for k in ranks)}; "
            f"effective number {effective:.1f}; squared error {error:.3f}"
        )
    print("  contraction ratio by radius: " + ", ".join(f"{r:.3f}" for r in result.radii))
    for label, ratios in result.ratios.items():
        print(f"    {label}: " + ", ".join(f"{ratio:.3f}" for ratio in ratios))
    print("  median angle to the 8-dimensional tangent space, degrees")
    for label, model in result.models.items():
        print(
            f"    {label}: "
            + ", ".join(f"{k} {v:.1f}" for k, v in motion_angles(model, result.test, (8, 8), 8).items())
        )


def known_figures(result):
    """Spectra of a known manifold and its tangents on the curve or surface."""
    figures = {f"spectra {result.name}": manifold_plots.spectra(result.sigma, n_dims=result.n_dims)}
    model, test = result.models["contractive"], result.test
    some = test.subset(slice(0, 40 if result.n_dims == 1 else 150))
    T = manifold.tangent_space(model, some.data, result.n_dims)
    if result.n_dims == 1:
        curve = test.chart(np.linspace(0, 2 * np.pi, 200)[:, None])
        figure = manifold_plots.tangents_on_curve(some.data, T, some.tangents, some.embedding, curve=curve)
    else:
        angles = manifold.tangent_angles(T, some.tangents)
        figure = manifold_plots.tangents_on_surface(some.data, T, some.embedding, angles, cloud=test.data)
    return figures | {f"tangents {result.name}": figure}


def digit_figures(result):
    """Spectra, contraction, tangent images and a walk."""
    model, X = result.models["contractive"], result.test[:8]
    true = datasets.transform_tangents(X, (8, 8), ("shift_x", "rotation"))
    tangents = {"learnt": manifold.tangent_space(model, X, 4), "shift": true[:, :1], "rotation": true[:, 1:]}
    mnist = datasets.load_mnist_5k()
    paths, lines = turning_walks(mnist.data[:900], mnist.data[900:904], mnist.image_shape)
    return {
        "spectra digits": manifold_plots.spectra(result.sigma, normalize=True),
        "contraction digits": manifold_plots.contraction_curves(result.radii, result.ratios, spacing=result.spacing),
        "tangents digits": manifold_plots.tangent_images(X, tangents, (8, 8)),
        "walks": manifold_plots.walks(paths, lines, mnist.image_shape),
    }


if __name__ == "__main__":
    main(*sys.argv[1:2])
