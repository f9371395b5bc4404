"""What denoising learns, no timing: python -m benchmarks.denoising [--short] [--data digits mnist]

Learnt scores beside the exact smoothed ones on a mixture, a ring and a spiral, Langevin samples beside fresh ones;
linear denoising beside its closed form over draws; the small-noise limit; held-out images against PCA, Wiener and
median filters in dB; missing pixels filled in. Takes some minutes; --short about one.
"""

import argparse

import numpy as np

from npae import datasets
from npae.experiments.denoising import DENSITIES, langevin_quality, learn_score, linear_convergence, small_noise_rows
from npae.experiments.image_denoising import ALL, ONE, compare_denoisers, compare_imputation
from npae.objective.corruption import GaussianNoise, MaskingNoise


def scores(short):
    """Cosine, relative error and energy distances."""
    print("Learnt score beside the exact smoothed one, held-out points above 5 % of the peak density")
    for name in DENSITIES:
        options = {"n_layers": 2} if name == "spiral" else {}
        result = learn_score(name, n_steps=2500 if short else 8000, **options)
        ours, fresh = langevin_quality(result)
        print(f"  {result}; energy distance to the data: Langevin {ours:.5f}, fresh smoothed {fresh:.5f}, "
              f"ratio {ours / fresh:.2f}")  # fmt: skip


def linear(short):
    """Errors by draws, and the small-noise limit."""
    print("Linear denoising by L-BFGS on fixed noise, relative distance to the closed form")
    for corruption in (GaussianNoise(0.5), MaskingNoise(0.3)):
        draws = (2, 8, 32, 128) if short else (2, 8, 32, 128, 512, 2048)
        print(f"  {corruption}: {linear_convergence(corruption, draws=draws)}")
    result = learn_score("ring", n_steps=1000)
    rows, limit = small_noise_rows(result.model, result.data.data[:300])
    print("(E L - L_0) / sigma^2 of the ring's denoiser: " + ", ".join(f"{s:g}: {value:.4f}" for s, value in rows))
    print(f"  limit {limit.total:.4f} = contraction {limit.contraction:.4f} + Laplacian term {limit.laplacian:.4f}")


def images(name, short):
    """PSNR in dB and imputation errors of held-out images."""
    data = datasets.load_digits() if name == "digits" else datasets.load_mnist_5k()
    order, X = np.random.default_rng(0).permutation(len(data)), data.data.astype(np.float32)
    n_test = len(X) // 4 if name == "digits" else len(X) // 5
    test, train = X[order[:n_test]], X[order[n_test:]]
    options = {"epochs": 150} if name == "digits" else {"epochs": 40}
    options["width"] = 512
    if short:
        options = {"epochs": options["epochs"] // 4, "width": 256}
    result = compare_denoisers(train, test, data.image_shape, **options)
    print(f"{name}, {n_test} held out: PSNR in dB at sigma " + ", ".join(f"{s:g}" for s in result.sigmas))
    for method, values in result.psnr.items():
        print(f"  {method:<24}" + " ".join(f"{value:7.2f}" for value in values))
    for ours in (ONE, ALL):
        margins = ", ".join(f"{gain:+.2f} ({other})" for gain, other in result.margins(ours))
        print(f"  {ours} over the best other: {margins}")
    options["epochs"] = max(1, options["epochs"] // 2)
    errors = compare_imputation(train, test, **options)
    print("  missing pixels, root mean squared error at 20, 40, 60, 80 % missing")
    for method, values in errors.items():
        print(f"    {method:<22}" + " ".join(f"{value:7.4f}" for value in values))


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.denoising", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer steps")
    parser.add_argument("--data", nargs="*", choices=("digits", "mnist"), default=["digits", "mnist"], help="images")
    chosen = parser.parse_args()
    scores(chosen.short)
    linear(chosen.short)
    for name in chosen.data:
        images(name, chosen.short)


if __name__ == "__main__":
    main()
