# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3. Sparse autoencoders
#
# A regularized autoencoder may have more units than inputs and still learn something useful, because its objective
# asks for more than a copy. A sparse autoencoder asks that few units are active at a time, by a penalty on the code
# $h$:
#
# $$J = \frac1N \sum_n L(x_n, g(f(x_n))) + \Omega(h).$$
#
# Two penalties are in use. The first pays for every activation, the second holds the mean activation
# $\hat\rho_j = \frac1N\sum_n h_{nj}$ of each unit near a small $\rho$:
#
# $$\Omega_{L1} = \frac\lambda N \sum_n \sum_j |h_{nj}|, \qquad
# \Omega_{KL} = \beta \sum_j \Big[\rho \log\frac{\rho}{\hat\rho_j} + (1-\rho)\log\frac{1-\rho}{1-\hat\rho_j}\Big].$$

# %%
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots

mnist = npae.datasets.load_mnist_5k()
X, X_test = mnist.data[:4000].astype(np.float32), mnist.data[4000:].astype(np.float32)


def error(reconstruction, x):
    """1/2 ||x^ - x||^2, mean over the samples."""
    return 0.5 * ((reconstruction - x) ** 2).sum(axis=1).mean()


# %% [markdown]
# ## The same network three times
#
# 144 sigmoid units, once free, once with each penalty. Nothing else differs, not even the initial weights.

# %%
models = {
    "free": npae.Autoencoder(144),
    "L1": npae.Autoencoder(144, penalties=[npae.L1Sparsity(0.2)]),
    "KL": npae.Autoencoder(144, penalties=[npae.KLSparsity(1.0, rho=0.05)]),
}
for model in models.values():
    model.set_params(optimizer=npae.Adam(1e-2), output_activation="sigmoid", max_iter=20, random_state=0).fit(X)
codes = {name: model.transform(X_test) for name, model in models.items()}

# %% [markdown]
# ## Activity
#
# Left, single activations $h_{nj}$ over all units and held-out images; right, the mean activation of each unit. L1
# makes activations small wherever they do not pay, and switches many units off for good. KL leaves every unit a share
# near $\rho$. The free units are half on whatever the image.

# %%
figure = plots.new_figure(9.0, 3.4)
left, right = figure.subplots(1, 2)
bins = np.linspace(0, 1, 41)
for style, (name, h) in zip(plots.STYLES, codes.items()):
    left.hist(h.ravel(), bins, histtype="step", label=name, linewidth=1.6, density=True, **style)
    right.plot(np.sort(h.mean(axis=0))[::-1], label=name, linewidth=1.8, **style)
left.set(xlabel="activation $h_{nj}$", ylabel="density", yscale="log")
right.axhline(0.05, color="0.6", linewidth=0.8)
right.annotate("$\\rho$ = 0.05", (2, 0.012), color="0.3", fontsize=9)
right.set(xlabel="unit, by rank", ylabel="mean activation $\\hat\\rho_j$", ylim=(0, 1))
for axis in (left, right):
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
display(figure)

# %%
active = {name: (h > 0.1).mean() for name, h in codes.items()}
errors = {name: error(model.reconstruct(X_test), X_test) for name, model in models.items()}
for name, h in codes.items():
    units, off = (h > 0.1).sum(axis=1).mean(), (h.max(axis=0) < 0.1).sum()
    print(
        f"{name:<5} mean activation {h.mean():.3f}, units above 0.1 on an image: {units:5.1f} of 144 "
        f"({active[name]:.1%}), never: {off:2d}, held-out error {errors[name]:.2f}"
    )
spread = np.abs(codes["KL"].mean(axis=0) - 0.05)
print(f"KL: mean activations within {spread.max():.3f} of rho on held-out images")
assert active["L1"] < active["free"] / 2 and active["KL"] < active["free"] / 2
assert spread.max() < 0.1

# %% [markdown]
# ## What the units look for
#
# A row of the decoder's $W$ is what the unit adds to the reconstruction. Units of the free network make sense only all
# together. The active units of the sparse ones each stand for a stroke or a piece of a digit; those that L1 switched
# off show the noise they started from.

# %%
groups = {f"{name}: decoder": model.network_.decoder.layers[0].W.T for name, model in models.items()}
plots.filters(groups, mnist.image_shape, n=36, n_columns=6, width=10)

# %% [markdown]
# A number for it: how much does a filter look like an image at all? The cosine between the filter and the training
# image most like it (each minus its mean), median over the units that are ever active:

# %%
unit = X - X.mean(axis=1, keepdims=True)
unit /= np.linalg.norm(unit, axis=1, keepdims=True)
likeness = {}
for name, model in models.items():
    W = model.network_.decoder.layers[0].W[codes[name].max(axis=0) > 0.1]
    W = W - W.mean(axis=1, keepdims=True)
    likeness[name] = np.median((W @ unit.T).max(axis=1) / np.linalg.norm(W, axis=1))
print({name: f"{value:.2f}" for name, value in likeness.items()})
assert min(likeness["L1"], likeness["KL"]) > likeness["free"] + 0.05

# %% [markdown]
# ## An image as a sum of few parts
#
# Keep only the $m$ most active units of a code and set the rest to zero. A sparse code survives that; in the free one
# every unit matters.

# %%
ms = [2, 5, 10, 20, 40, 80, 144]


def keep(h, m):
    """The code h (N, K) with all but the m largest entries of each row set to zero."""
    threshold = np.sort(h, axis=1)[:, [-m]]
    return np.where(h >= threshold, h, 0)


kept = {
    name: [error(model.inverse_transform(keep(codes[name], m)), X_test) for m in ms] for name, model in models.items()
}
figure = plots.new_figure(7.0, 3.4)
axis = figure.subplots()
for style, (name, values) in zip(plots.STYLES, kept.items()):
    axis.loglog(ms, values, marker="o", markersize=4, label=name, **style)
axis.set(xlabel="units kept", ylabel="held-out error", xticks=ms)
axis.xaxis.set_major_formatter("{x:g}")
axis.xaxis.set_minor_formatter("")
axis.set_yticks([2, 5, 10, 20, 50], minor=False)
axis.yaxis.set_major_formatter("{x:g}")
axis.yaxis.set_minor_formatter("")
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)
display(figure)
print("error with the 20 most active units:", {name: f"{values[3]:.1f}" for name, values in kept.items()})
assert kept["KL"][3] < kept["free"][3] / 2 and kept["L1"][3] < kept["free"][3] / 2

# %%
rows = {"image": X_test[:12]}
rows |= {f"{name}: 20 units": model.inverse_transform(keep(codes[name], 20))[:12] for name, model in models.items()}
plots.image_rows(rows, mnist.image_shape)

# %% [markdown]
# ## Questions for the class
#
# 1. With L1 alone the encoder could halve $h$ and the decoder double its weights, at no cost in $L$. What stops it
#    here? What would stop it with ReLU units?
# 2. Why is $\Omega_{KL}$ a penalty on a batch, not on a sample? What happens to it when the batch is one image?
# 3. Sparse codes cost some reconstruction error. What do you buy with it?
#
# ## Exercises
#
# 1. Draw the held-out error against the number of active units for $\lambda$ from 0.001 to 1. Where would you stop?
# 2. Replace the penalty by `npae.TopK(20)` as activation of the code, which keeps the 20 largest activations by
#    construction. Compare filters and error.
# 3. Derive $\partial\Omega_{KL}/\partial h_{nj}$ and check it with `npae.gradcheck.check_gradient`.
