# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4. Denoising autoencoders
#
# A denoising autoencoder adds no penalty. It changes what is compared: a corrupted $\tilde x$ goes in, and the clean
# $x$ is what should come out,
#
# $$J = \frac1N \sum_n L\big(x_n,\; g(f(\tilde x_n))\big), \qquad \tilde x_n \sim C(\tilde x \mid x_n).$$
#
# Copying is now a mistake. To undo the corruption the network must know what the data look like.

# %%
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
X, X_test = digits.data[order[450:]].astype(np.float32), digits.data[order[:450]].astype(np.float32)


def error(reconstruction, x):
    """1/2 ||x^ - x||^2, mean over the samples."""
    return 0.5 * ((reconstruction - x) ** 2).sum(axis=1).mean()


# %% [markdown]
# ## Corruption processes
#
# $C(\tilde x \mid x)$ is a conditional distribution, and all of it is an argument: the same generator gives the same
# noise. Three of them: Gaussian noise, pixels that are missing, and pixels that are black or white by accident.

# %%
corruptions = {
    "Gaussian": npae.GaussianNoise(0.3),
    "masking": npae.MaskingNoise(0.4),
    "salt and pepper": npae.SaltAndPepper(0.25),
}
noisy = {name: C.corrupt(X_test, rng=1) for name, C in corruptions.items()}
assert np.array_equal(noisy["masking"], corruptions["masking"].corrupt(X_test, rng=1))
plots.image_rows({"clean": X_test[:14]} | {name: x[:14] for name, x in noisy.items()}, digits.image_shape)

# %% [markdown]
# ## The training procedure
#
# 1. Sample a training example $x$.
# 2. Sample a corrupted version $\tilde x$ from $C(\tilde x \mid x)$.
# 3. Use $(x, \tilde x)$ as a training example for $p_{reconstruct}(x \mid \tilde x) = p_{decoder}(x \mid h)$ with
#    $h = f(\tilde x)$.
#
# In code, with a batch of samples at a time:

# %%
K = 64
network = npae.Network(
    [npae.Dense(64, K, npae.Sigmoid(), rng=rng)],
    [npae.Dense(K, 64, npae.Sigmoid(), rng=rng)],
    dtype=np.float32,
)
step = npae.Adam(1e-2).start(network.theta)
for _ in range(1000):
    x = X[rng.integers(len(X), size=128)]  # 1
    x_tilde = corruptions["Gaussian"].corrupt(x, rng)  # 2
    network.value_and_grad(x_tilde, target=x)  # 3
    step(network.grad)

before, after = error(noisy["Gaussian"], X_test), error(network.reconstruct(noisy["Gaussian"]), X_test)
print(f"error of the held-out noisy digits {before:.3f}, of their reconstructions {after:.3f}")
assert after < before / 2

# %% [markdown]
# ## Against copying, PCA, the best linear map, and an autoencoder that never saw noise
#
# `Autoencoder(corruption=...)` does the same. Each of the three corruptions gets an autoencoder trained on it, with
# one more hidden layer on either side. The opponents, on held-out digits:
#
# * copying: $\hat x = \tilde x$, the identity;
# * PCA, with the number of components that is best on these very images (more than fair);
# * the best affine map from $\tilde x$ to $x$, by least squares on corrupted training data;
# * the plain autoencoder, the same network trained on clean images.

# %%
common = {
    "hidden_layer_sizes": (128,),
    "activation": "relu",
    "output_activation": "sigmoid",
    "optimizer": npae.Adam(3e-3),
    "max_iter": 200,
    "tol": 0.0,
    "random_state": 0,
}
plain = npae.Autoencoder(K, **common).fit(X)
denoisers = {name: npae.Autoencoder(K, corruption=C, **common).fit(X) for name, C in corruptions.items()}
pcas = [npae.PCA(k).fit(X) for k in range(2, 33, 2)]


def best_linear(C):
    """The affine map that takes x~ nearest to x, fitted on 20 corrupted copies of the training set."""
    x_tilde = np.concatenate([C.corrupt(X, rng) for _ in range(20)])
    A = np.column_stack([x_tilde, np.ones(len(x_tilde))])
    W = np.linalg.lstsq(A, np.tile(X, (20, 1)), rcond=None)[0]
    return lambda x: x @ W[:-1] + W[-1]


outputs = {}
for name, x_tilde in noisy.items():
    by_pca = min((pca.reconstruct(x_tilde) for pca in pcas), key=lambda r: error(r, X_test))
    outputs[name] = {
        "copying": x_tilde,
        "plain": plain.reconstruct(x_tilde),
        "best PCA": by_pca,
        "best linear": best_linear(corruptions[name])(x_tilde),
        "denoising": denoisers[name].reconstruct(x_tilde),
    }
errors = {name: {who: error(r, X_test) for who, r in each.items()} for name, each in outputs.items()}

print(f"{'':<17}" + "".join(f"{who:>13}" for who in errors["masking"]))
for name, row in errors.items():
    print(f"{name:<17}" + "".join(f"{value:13.3f}" for value in row.values()))
for row in errors.values():
    others = [row[who] for who in row if who != "denoising"]
    assert row["denoising"] < 0.95 * min(others)

# %%
figure = plots.new_figure(8.0, 3.4)
axis = figure.subplots()
hatches = ["", "//", "..", "xx", ""]
for i, who in enumerate(errors["masking"]):
    values = [row[who] for row in errors.values()]
    color = "#222222" if who == "denoising" else ["#f2f2f2", "#dbe5f1", "#c8d6e5", "#e9e1d4"][i]
    axis.bar(np.arange(3) + 0.16 * (i - 2), values, 0.16, label=who, color=color, edgecolor="black", hatch=hatches[i])
axis.set_xticks(range(3), errors)
axis.set_ylabel("error against the clean image")
axis.legend(frameon=False, ncols=5, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0))
axis.spines[["top", "right"]].set_visible(False)
display(figure)

# %%
name = "salt and pepper"
rows = {"clean": X_test[:14], "corrupted": noisy[name][:14]}
rows |= {who: outputs[name][who][:14] for who in ("plain", "best PCA", "best linear", "denoising")}
plots.image_rows(rows, digits.image_shape)

# %% [markdown]
# The plain autoencoder can copy, so it copies noise too. A linear map can damp the directions in which digits do not
# vary; the denoising autoencoder can go further, for what it takes away depends on the image.
#
# ## What is learned: the way back to the data
#
# In two dimensions one can watch. The data lie near a circle; the arrows show $r(x) - x$, with $r = g \circ f$, for a
# denoising autoencoder. They point back to where the data are. For small Gaussian noise $(r(x) - x)/\sigma^2$
# estimates the gradient of the log-density, the score.

# %%
circle = npae.datasets.make_circle(2000, noise=0.01, rng=0).data
sigma = 0.15
model = npae.Autoencoder(
    64,
    hidden_layer_sizes=(64,),
    activation="tanh",
    corruption=npae.GaussianNoise(sigma),
    optimizer=npae.Adam(1e-2),
    max_iter=100,
    tol=0.0,
    random_state=0,
).fit(circle)

angle, radius = rng.uniform(0, 2 * np.pi, 500), rng.uniform(0.7, 1.3, 500)
points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
image = model.reconstruct(points)
distance_before, distance_after = (np.abs(np.linalg.norm(p, axis=1) - 1).mean() for p in (points, image))
print(f"mean distance to the circle: {distance_before:.3f} before, {distance_after:.3f} after one pass")
assert distance_after < distance_before / 3

# %%
figure = plots.new_figure(5.4, 5.4)
axis = figure.subplots()
grid = np.stack(np.meshgrid(*[np.linspace(-1.5, 1.5, 15)] * 2), axis=-1).reshape(-1, 2)
grid = grid[np.linalg.norm(grid, axis=1) > 0.45]
move = model.reconstruct(grid) - grid
axis.plot(*circle[:600].T, ".", color="0.6", markersize=3, label="data")
axis.quiver(*grid.T, *move.T, angles="xy", scale_units="xy", scale=1.5, width=0.004)
axis.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
axis.legend(frameon=True, loc="center")
display(figure)

# %% [markdown]
# ## Questions for the class
#
# 1. The codes here have as many units as an image has pixels. Why do the networks not learn the identity?
# 2. Noise is drawn anew each time an image is visited. What would happen with one noisy copy of each image, made once?
# 3. What does a denoising autoencoder do to an image without noise? What should it do? Measure it.
#
# ## Exercises
#
# 1. Apply each denoiser to each corruption, nine numbers. Which one generalizes best to noise it was not trained on?
# 2. Draw the error against the $\sigma$ of the test noise from 0 to 0.8, for denoisers trained with 0.1, 0.3 and 0.5.
# 3. Apply the denoiser of the circle ten times in a row, starting from a grid. Where do the points end? Is the density
#    of the end points that of the data?
