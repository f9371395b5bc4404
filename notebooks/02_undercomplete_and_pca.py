# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. Undercomplete autoencoders and PCA
#
# An autoencoder is undercomplete if its code is smaller than its input. It cannot pass everything on, so it has to
# choose what matters most in the training data.
#
# When the decoder is linear and the loss is the squared error, the choice is known: the autoencoder learns to span the
# same subspace as PCA. This lesson trains one and measures the angle to PCA, shows what PCA fixes and the autoencoder
# leaves open, and then lets $f$ and $g$ bend.

# %%
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.pca import compare_with_pca

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
X, X_test = digits.data[order[450:]], digits.data[order[:450]]
K = 10


def error(reconstruction, x):
    """1/2 ||x^ - x||^2, mean over the samples."""
    return 0.5 * ((reconstruction - x) ** 2).sum(axis=1).mean()


# %% [markdown]
# ## A linear autoencoder finds the subspace of PCA
#
# Two linear layers, random weights, the whole training set at once, and a learning rate that falls to zero. Every so
# often the decoder is compared with PCA: the $K$ principal angles between the subspace its rows span and the one that
# the first $K$ principal directions span. If the largest is zero, the subspaces are the same.

# %%
network = npae.Network([npae.Dense(64, K, rng=rng)], [npae.Dense(K, 64, rng=rng)])
n_steps = 2500
step = npae.Adam(npae.Cosine(0.03, n_steps)).start(network.theta)
trace = []
for t in range(n_steps + 1):
    if t % 50 == 0:
        comparison = compare_with_pca(network, X)
        trace.append((t, comparison.angles[-1], comparison.excess))
    network.value_and_grad(X)
    step(network.grad)
trace = np.array(trace)
print(comparison)
assert comparison.angles[-1] < 1e-2 and 0 <= comparison.excess < 1e-5

# %%
figure = plots.new_figure(7.0, 3.6)
axis = figure.subplots()
axis.semilogy(trace[:, 0], trace[:, 1], label="largest angle to PCA, rad", **plots.STYLES[0])
axis.semilogy(trace[:, 0], np.abs(trace[:, 2]), label="loss above PCA's, relative", **plots.STYLES[1])
axis.set_xlabel("step")
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)
display(figure)

# %% [markdown]
# The loss is settled long before the angle is: where two principal directions explain nearly the same variance, it
# costs next to nothing to confuse them. (The bumps are Adam's, which overshoots while its rate is large.)

# %%
t, angle, excess = trace[np.argmax(trace[:, 2] < 0.01)]
print(f"step {t:.0f}: loss within {excess:.1%} of PCA's, largest angle still {np.degrees(angle):.0f} degrees")
assert angle > 0.1

# %% [markdown]
# ## The same subspace, not the same directions
#
# Mix the code by any invertible matrix $M$ and undo it in the decoder,
# $W_e M$ and $M^{-1} W_d$: the reconstruction is the same, hence so is the loss. Nothing in the objective prefers the
# principal directions, and gradient descent ends anywhere among the mixtures.

# %%
mixed = network.astype(np.float64)  # an independent copy
M = rng.standard_normal((K, K))
W_e, W_d = mixed.encoder.layers[0], mixed.decoder.layers[0]
W_e.W, W_e.b = W_e.W @ M, W_e.b @ M
W_d.W = np.linalg.solve(M, W_d.W)

pca = npae.PCA(K).fit(X)
J, J_mixed = network.value(X), mixed.value(X)
print(f"loss {J:.10f}, after mixing {J_mixed:.10f}, PCA {error(pca.reconstruct(X), X):.10f}")
print(f"largest angle to PCA after mixing: {compare_with_pca(mixed, X).angles[-1]:.1e} rad")
assert abs(J - J_mixed) < 1e-9 * J and compare_with_pca(mixed, X).angles[-1] < 1e-2

rows = network.decoder.layers[0].W
cosines = np.abs(rows @ pca.components_.T) / np.linalg.norm(rows, axis=1)[:, None]
print(f"|cos| of each decoder row with its nearest principal direction: {np.sort(cosines.max(axis=1)).round(2)}")
assert cosines.max(axis=1).min() < 0.9

# %%
groups = {"PCA": pca.components_.T, "linear autoencoder": rows.T, "the same, mixed": W_d.W.T}
plots.filters(groups, digits.image_shape, n=K, n_columns=5, width=10)

# %% [markdown]
# Ten pictures each, all different, and yet the same space. PCA adds an order (by variance) and right angles. They can
# be read off any solution: the reconstructions $\hat X$ vary most along the first principal direction, so an SVD of
# the centred $\hat X$ has the directions as its right singular vectors.

# %%
reconstruction = mixed.reconstruct(X)
_, _, directions = np.linalg.svd(reconstruction - reconstruction.mean(axis=0), full_matrices=False)
cosines = np.abs((directions[:K] * pca.components_).sum(axis=1))
print("|cos| of recovered and principal direction, in order:", cosines.round(8))
assert cosines.min() > 0.9999

# %% [markdown]
# ## A more powerful, nonlinear generalization
#
# A line is the best that PCA can do with one number per point. An autoencoder with nonlinear $f$ and $g$ can lay its
# one coordinate along a curve. The points lie on a circle.

# %%
circle = npae.datasets.make_circle(1000, noise=0.02, rng=0).data
curved = npae.Autoencoder(
    1,
    hidden_layer_sizes=(64, 64),
    activation=("relu", "relu", "identity"),
    optimizer=npae.Adam(5e-3),
    batch_size=64,
    max_iter=200,
    tol=0.0,
    random_state=2,
).fit(circle)
test = npae.datasets.make_circle(600, noise=0.02, rng=1).data
line = npae.PCA(1).fit(circle)
line_error, curve_error = (error(model.reconstruct(test), test) for model in (line, curved))
print(f"one number a point, held-out error: PCA {line_error:.4f}, nonlinear autoencoder {curve_error:.4f}")
assert curve_error < line_error / 8

# %%
figure = plots.new_figure(8.0, 4.2)
for axis, (title, model) in zip(figure.subplots(1, 2), {"PCA": line, "nonlinear autoencoder": curved}.items()):
    image = model.reconstruct(test)
    axis.plot(*np.stack([test[:150], image[:150]]).transpose(2, 0, 1), color="0.75", linewidth=0.6)
    axis.plot(*test.T, ".", color="0.5", markersize=3, label="$x$")
    axis.plot(*image.T, ".", color="#0072B2", markersize=4, label="$\\hat x$")
    axis.set(title=f"{title}, K = 1", xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axis.legend(frameon=False, loc="center")
display(figure)

# %% [markdown]
# Every $x$ is joined to its $\hat x$. The curve has two ends, for a code on a line cannot close: near the gap points
# are sent far away.
#
# On the digits with a code of two numbers:

# %%
deep = npae.Autoencoder(
    2,
    hidden_layer_sizes=(128, 32),
    activation=("tanh", "tanh", "identity"),
    optimizer=npae.Adam(3e-3),
    max_iter=80,
    random_state=0,
).fit(X.astype(np.float32))
flat = npae.PCA(2).fit(X)
deep_error, flat_error = error(deep.reconstruct(X_test), X_test), error(flat.reconstruct(X_test), X_test)
print(f"two numbers an image, held-out error: PCA {flat_error:.3f}, deep autoencoder {deep_error:.3f}")
assert deep_error < 0.8 * flat_error

# %%
plots.code_scatter(
    {"PCA": flat.transform(X_test), "deep autoencoder": deep.transform(X_test)}, digits.target[order[:450]]
)

# %% [markdown]
# ## Too much capacity
#
# With as many units as inputs nothing has to be chosen any more. The linear autoencoder with $K = D$ becomes the
# identity: it copies digits without error, and white noise as well. It has learned nothing about digits.

# %%
noise = rng.random((450, 64))
costs = {}
for k in (2, 8, 16, 32, 48, 64):
    W_e, W_d = npae.pca.linear_autoencoder_optimum(X, k)
    costs[k] = [error(X.mean(axis=0) + (x - X.mean(axis=0)) @ W_e @ W_d, x) for x in (X_test, noise)]
    print(f"K = {k:2d}: error on held-out digits {costs[k][0]:.4f}, on white noise {costs[k][1]:.4f}")
assert costs[8][1] > 2 * costs[8][0] and costs[64][1] < 0.3

# %% [markdown]
# ## Questions for the class
#
# 1. PCA's directions are unique (up to sign), the autoencoder's are not. When would you care?
# 2. Why does the loss say so little about the angle? What happens if two eigenvalues are equal?
# 3. On the circle, could a code of one number ever do without a gap? And with two numbers?
#
# ## Exercises
#
# 1. Add `penalties=[npae.WeightDecay(0.01)]` to the linear network. Compare the squared singular values of the decoder
#    after training with $1 - N\lambda/\sigma_i^2$, where $\sigma_i$ are the singular values of the centred data.
# 2. Give the linear network a second hidden layer in encoder and decoder. Does it still find the subspace? Does it
#    take longer?
# 3. Tie the weights (`npae.Tied`). What is left of the freedom to mix?
