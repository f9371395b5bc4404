# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---


# %% [markdown]
# # Answers to lesson 4
#
# Each is given in words and formulas, then in code that asserts it.

# %%
import numpy as np

import npae
from npae.denoising import energy_distance, linear_denoiser
from npae.experiments.claims import below, same
from npae.experiments.family import error

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
X, X_test = digits.data[order[450:]].astype(np.float32), digits.data[order[:450]].astype(np.float32)
corruptions = {
    "Gaussian": npae.GaussianNoise(0.3),
    "masking": npae.MaskingNoise(0.4),
    "salt and pepper": npae.SaltAndPepper(0.25),
}


def train(corruption, epochs=60, x=X, **others):
    """The lesson's denoiser of digits."""
    adam = npae.Adam(npae.Cosine(3e-3, epochs * -(-len(x) // 128)))
    common = {"hidden_layer_sizes": (128,), "activation": "relu", "output_activation": "sigmoid", "random_state": 0}
    limits = {"max_iter": epochs, "n_iter_no_change": epochs}
    return npae.Autoencoder(64, corruption=corruption, optimizer=adam, **common, **limits, **others).fit(x)


plain = train(None)
denoisers = {name: train(C) for name, C in corruptions.items()}
noisy = {name: C.corrupt(X_test, rng=1) for name, C in corruptions.items()}

# %% [markdown]
# ## 1. Why not the identity?
#
# **Answer.** The identity is no solution of this problem. It returns $\tilde x$ and pays the noise in full, $\frac12
# E\|\tilde x - x\|^2 = \frac12 D \sigma^2$ for Gaussian noise, $64 \cdot 0.09/2 = 2.88$ here. The width of the code
# does not matter: the objective itself forbids copying.

# %%
identity, ours = error(noisy["Gaussian"], X_test), error(denoisers["Gaussian"].reconstruct(noisy["Gaussian"]), X_test)
print(f"identity {identity:.3f}, expected {64 * 0.09 / 2}; the denoiser, three times over: {below(3 * ours, identity)}")
assert abs(identity / 2.88 - 1) < 0.03

# %% [markdown]
# ## 2. One noisy copy, made once
#
# **Answer.** Then there are 1,347 fixed pairs, and the network can learn by heart which noise goes with which image.
# The training error falls below what any true denoiser has, the held-out error rises. Drawn anew, noise is a supply of
# training data without end.

# %%
fixed_noise = corruptions["Gaussian"].corrupt(X, rng=5)
errors = {}
for name in ("once", "anew"):
    network = npae.Network(
        [npae.Dense(64, 128, npae.ReLU(), rng=1), npae.Dense(128, 64, npae.ReLU(), rng=2)],
        [npae.Dense(64, 128, npae.ReLU(), rng=3), npae.Dense(128, 64, npae.Sigmoid(), rng=4)],
        dtype=np.float32,
    )
    step = npae.Adam(npae.Cosine(3e-3, 1200)).start(network.theta)
    for _ in range(1200):
        i = rng.integers(len(X), size=128)
        network.value_and_grad(fixed_noise[i] if name == "once" else corruptions["Gaussian"].corrupt(X[i], rng), X[i])
        step(network.grad)
    errors[name] = error(network.reconstruct(fixed_noise), X), error(network.reconstruct(noisy["Gaussian"]), X_test)
print({name: f"training pairs {a:.3f}, held out {b:.3f}" for name, (a, b) in errors.items()})
print(f"held out, anew against once: {below(errors['anew'][1], errors['once'][1])}")
print(f"on the fixed pairs, once against anew: {below(errors['once'][0], errors['anew'][0])}")

# %% [markdown]
# ## 3. Images without noise
#
# **Answer.** It moves them too, towards the images that are more probable; it cannot know that there is no noise and
# was trained for its mean. It should leave them as they are if it were told. A plain autoencoder does better on clean
# images.

# %%
clean = {name: error(model.reconstruct(X_test), X_test) for name, model in (denoisers | {"plain": plain}).items()}
print({name: round(value, 3) for name, value in clean.items()}, "error on clean images")
print(f"plain against Gaussian: {below(clean['plain'], clean['Gaussian'])}")
print(f"Gaussian, clean against noisy input: {below(clean['Gaussian'], ours)}")

# %% [markdown]
# ## 4. Gaussian data
#
# **Answer.** $x$ and $\tilde x$ are jointly Gaussian with $\mathrm{Cov}(x, \tilde x) = S$ and
# $\mathrm{Cov}(\tilde x) = S + \sigma^2 I$, so the conditional mean is linear, $r(\tilde x) = \tilde x\,
# (S + \sigma^2 I)^{-1} S$. In an eigenvector of $S$ it multiplies by $\frac{s_i}{s_i + \sigma^2}$: directions in which
# data vary more than noise are kept, the others shrunk, none is cut off as PCA would.

# %%
B = rng.standard_normal((400, 5)) @ rng.standard_normal((5, 5))
B -= B.mean(axis=0)
S, sigma = B.T @ B / len(B), 0.8
A = np.linalg.solve(S + sigma**2 * np.eye(5), S)
print(f"A and the package's: {same(A, linear_denoiser(B, npae.GaussianNoise(sigma)).A, 1e-11):.0e} apart")
s, V = np.linalg.eigh(S)
print(f"factors {(s / (s + sigma**2)).round(3)}: {same(V.T @ A @ V, np.diag(s / (s + sigma**2)), 1e-11):.0e} apart")
assert (s > 0).all()

# %% [markdown]
# ## 5. Nine numbers
#
# **Answer.** Gaussian noise and masking are best undone by the denoiser that was trained on them, by more than a tenth.
# What is an error depends on how it arises. Salt and pepper is undone as well, to a few per cent, by the denoiser of
# Gaussian noise, which has seen errors of either sign and of any size; one start does not decide which is first.
# Masking errs to one side only, and a denoiser that knows nothing else is no use elsewhere.

# %%
table = np.array([[error(model.reconstruct(x), X_test) for model in denoisers.values()] for x in noisy.values()])
print("rows: corruption; columns: trained on\n", table.round(3))
for i, name in enumerate(("Gaussian", "masking")):
    print(f"{name}: {below(table[i, i], np.delete(table[i], i).min())}")
print(
    f"masking's denoiser on the others, against theirs: {below(table[0, 0], table[0, 1])}, "
    f"{below(table[2, 2], table[2, 1])}"
)
assert abs(table[2, 0] / table[2, 2] - 1) < 0.1

# %% [markdown]
# ## 6. Noise levels
#
# **Answer.** Each curve is lowest, against the others, near the $\sigma$ it was trained for. Trained with little noise
# a network trusts what it sees, and fails with much; trained with much it smooths clean images.

# %%
trained = {s: train(npae.GaussianNoise(s), epochs=40) for s in (0.1, 0.3, 0.5)}
tests = (0.0, 0.1, 0.3, 0.5, 0.8)
curves = {
    s: [error(model.reconstruct(npae.GaussianNoise(t).corrupt(X_test, 3) if t else X_test), X_test) for t in tests]
    for s, model in trained.items()
}
for s, row in curves.items():
    print(f"trained with {s}: " + ", ".join(f"{t:g}: {value:.2f}" for t, value in zip(tests, row)))
best = [min(curves, key=lambda s: curves[s][i]) for i in range(len(tests))]
print("best by test noise:", dict(zip(tests, best)))
assert best[0] == best[1] == 0.1 and best[2] == 0.3 and best[3] == best[4] == 0.5

# %% [markdown]
# ## 7. Twenty times in a row
#
# **Answer.** One pass goes a part of the way uphill, twenty end on the modes of the density, or near fixed points
# there. Their density is not that of the data: the spread $s$ of each of the eight Gaussians is gone. To draw from a
# density one must add noise at every step (lesson 7).

# %%
s, sigma = 0.15, 0.2
angles = 2 * np.pi * np.arange(8) / 8
mu = np.stack([np.cos(angles), np.sin(angles)], axis=1)
mixture = npae.datasets.make_gaussian_mixture(4000, means=mu, std=s, rng=0)
model = npae.Autoencoder(
    64, hidden_layer_sizes=(64,), activation="tanh", corruption=npae.GaussianNoise(sigma), random_state=0,
    optimizer=npae.Adam(npae.Cosine(1e-2, 60 * 32)), max_iter=60, n_iter_no_change=60,
).fit(mixture.data.astype(np.float32))  # fmt: skip
fresh = npae.datasets.make_gaussian_mixture(1000, means=mu, std=s, rng=1).data
points = npae.GaussianNoise(sigma).corrupt(fresh, rng=2)
for _ in range(20):
    points = model.reconstruct(points)


def spread(points):
    """Root mean square distance to the nearest of the eight means."""
    return float(np.sqrt(((points[:, None] - mu) ** 2).sum(axis=2).min(axis=1).mean()))


print(f"distance to the nearest mean, after twenty passes against the data: {below(spread(points), spread(fresh))}")
apart = energy_distance(points, mixture.data[:1000]), energy_distance(fresh, mixture.data[:1000])
print(f"energy distance to the data, fresh data against these: {below(apart[1], apart[0])}")
