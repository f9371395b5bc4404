"""Measure denoising autoencoders, without timing: python -m benchmarks.claims.denoising [--short] [--data digits mnist]

Learnt scores beside the exact smoothed ones on a mixture, a ring and a spiral, Langevin samples beside fresh ones;
linear denoising beside its closed form over draws; the small-noise limit; held-out images against PCA, Wiener and
median filters in dB; missing pixels filled in. Takes some minutes; --short about one.
"""

import argparse
from dataclasses import dataclass

import numpy as np

from npae import datasets
from npae.denoising import linear_denoiser
from npae.experiments.denoising import DENSITIES, langevin_quality, learn_score, small_noise_rows
from npae.experiments.image_denoising import ALL, ONE, compare_denoisers, denoiser
from npae.objective.corruption import GaussianNoise, MaskingNoise
from npae.objective.layers import Dense
from npae.objective.network import Network
from npae.training.lbfgs import lbfgs


def scores(short):
    """Cosine, relative error and energy distances."""
    print("Learnt score beside the exact smoothed one, held-out points above 5 % of the peak density")
    for name in DENSITIES:
        options = {"n_layers": 2} if name == "spiral" else {}
        result = learn_score(name, n_steps=2500 if short else 8000, **options)
        ours, fresh = langevin_quality(result)
        print(f"  {result}; energy distance to the data: Langevin {ours:.5f}, fresh smoothed {fresh:.5f}, "
              f"ratio {ours / fresh:.2f}")  # fmt: skip


@dataclass(frozen=True, eq=False)
class LinearConvergence:
    """Distances of trained linear denoisers to the closed form, ||A - A*||_F / ||A*||_F, per number of noise draws."""

    draws: tuple[int, ...]
    errors: np.ndarray

    @property
    def slope(self):
        """Slope of log error over log draws; -1/2 if the error falls as 1 / sqrt(draws)."""
        return float(np.polyfit(np.log(self.draws), np.log(self.errors), 1)[0])

    def __repr__(self):
        return f"errors {np.array2string(self.errors, precision=4)} at {self.draws} draws, slope {self.slope:.2f}"


def linear_convergence(corruption, *, draws=(2, 8, 32, 128, 512), repeats=5, n_samples=50, random_state=0):
    """Train D-D-D linear networks by L-BFGS on fixed noise and compare encoder times decoder with `linear_denoiser`."""
    rng = np.random.default_rng(random_state)
    X = rng.standard_normal((n_samples, 5)) @ rng.standard_normal((5, 5)) + 0.5
    A, errors = linear_denoiser(X, corruption).A, []
    for n in draws:
        squares = []
        for _ in range(repeats):
            clean = np.tile(X, (n, 1))
            network = Network([Dense(5, 5, rng=rng)], [Dense(5, 5, rng=rng)])
            lbfgs(network, corruption.corrupt(clean, rng), clean, gtol=1e-7)
            got = network.encoder.layers[0].W @ network.decoder.layers[0].W
            squares.append(((got - A) ** 2).sum() / (A**2).sum())
        errors.append(np.mean(squares) ** 0.5)
    return LinearConvergence(tuple(draws), np.array(errors))


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


def compare_imputation(X, X_test, *, ps=(0.2, 0.4, 0.6, 0.8), width=256, epochs=150, random_state=0):
    """Fill in missing pixels; return {method: [root mean squared error over the missing pixels, by fraction missing]}.

    'mean' fills in the training mean. 'Gaussian' fills in the conditional mean of the missing pixels given the others,
    under a Gaussian fitted to the training data. 'denoising' is one autoencoder per fraction, trained with missing
    pixels set to 0 on images from -1 to 1, so that a missing pixel does not look like a dark one.
    """
    mean, S = X.mean(axis=0, dtype=np.float64), np.cov(X.T.astype(np.float64)) + 1e-3 * np.eye(X.shape[1])
    errors: dict[str, list[float]] = {"mean": [], "Gaussian": [], "denoising": []}
    for p in ps:
        missing = np.random.default_rng(random_state).random(X_test.shape) < p
        model = denoiser(
            2 * X - 1, MaskingNoise(p), width=width, epochs=epochs, output="tanh", random_state=random_state
        )
        outputs = {
            "mean": np.broadcast_to(mean, X_test.shape),
            "Gaussian": conditional_mean(X_test, missing, mean, S),
            "denoising": (model.reconstruct(np.where(missing, 0, 2 * X_test - 1)) + 1) / 2,
        }
        for name, output in outputs.items():
            gap = np.clip(output, 0, 1)[missing] - X_test[missing]
            errors[name].append(float(np.sqrt((gap**2).mean(dtype=np.float64))))
    return errors


def conditional_mean(X, missing, mean, S):
    """Return X (N, D) with the missing entries replaced by E[x_m | x_o] = mean_m + (x_o - mean_o) S_oo^-1 S_om."""
    filled = np.array(X, dtype=np.float64)
    for x, m in zip(filled, missing):
        x[m] = mean[m] + (x[~m] - mean[~m]) @ np.linalg.solve(S[np.ix_(~m, ~m)], S[np.ix_(~m, m)])
    return filled


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims.denoising", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer steps")
    parser.add_argument("--data", nargs="*", choices=("digits", "mnist"), default=["digits", "mnist"], help="images")
    chosen = parser.parse_args()
    scores(chosen.short)
    linear(chosen.short)
    for name in chosen.data:
        images(name, chosen.short)


if __name__ == "__main__":
    main()
