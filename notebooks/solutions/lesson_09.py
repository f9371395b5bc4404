# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---


# %% [markdown]
# # Answers to lesson 9
#
# Each is given in words and formulas, then in code that asserts it.

# %%
import numpy as np

import npae
from npae.experiments import copying
from npae.experiments.capacity import RECIPES, coder
from npae.experiments.claims import below, same
from npae.experiments.family import error
from npae.pca import linear_autoencoder_optimum

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
X, X_test = digits.data[order[450:]], digits.data[order[:450]]
m = X.mean(axis=0)
S = (X - m).T @ (X - m) / len(X)
s, V = np.linalg.eigh(S)
s, V = np.maximum(s[::-1], 0), V[:, ::-1].T


def wide(corruption=None):
    """The lesson's wide network with ReLU."""
    adam = npae.Adam(npae.Cosine(3e-3, 60 * 11))
    return npae.Autoencoder(
        256, activation="relu", corruption=corruption, optimizer=adam, max_iter=60, n_iter_no_change=60, random_state=0
    ).fit(X.astype(np.float32))


# %% [markdown]
# ## 1. The identity under weight decay
#
# **Answer.** No. In an eigenvector of $S$, with $w$ in encoder and decoder, $\frac12 s (1 - w^2)^2 + \lambda w^2$ is
# least at $w^2 = 1 - \lambda/s$, and at 0 where $s \le \lambda$: a copy of what varies much, no copy of what varies
# little. The directions of least variance are dropped first. So weight decay alone makes the widest linear network
# choose as PCA does.

# %%
lam = 0.02
W_e, W_d = linear_autoencoder_optimum(X, 64, lam)
network = npae.Network([npae.Dense(64, 64)], [npae.Dense(64, 64)], penalties=[npae.WeightDecay(lam)])
network.encoder.layers[0].W, network.decoder.layers[0].W = W_e, W_d
network.decoder.layers[0].b = m - m @ W_e @ W_d
network.value_and_grad(X)
factors = np.diag(V @ W_e @ W_d @ V.T)
expected = np.where(s > lam, 1 - lam / np.maximum(s, lam), 0)
print(f"{(s <= lam).sum()} of 64 dropped; factors and 1 - lambda / s {same(factors, expected, 1e-10):.0e} apart")
print(f"the gradient there: {np.abs(network.grad).max():.0e}")
assert np.abs(network.grad).max() < 1e-12 and 0 < (s <= lam).sum() < 64

# %% [markdown]
# ## 2. One step of least squares, hundreds of descent
#
# **Answer.** Least squares solves for all of $W_d$ at once, and the solution for a square encoder is its inverse.
# Descent goes down each direction at its own speed: with $W_e = I$ held, a step of size $\eta$ multiplies the residual
# along $v_i$ by $1 - \eta s_i$. $\eta$ may not exceed $2/s_1$, so the direction $i$ needs about $s_1/s_i$ steps, and
# these quotients are in the thousands. Whitening makes all $s_i$ equal: one speed for all.

# %%
held = npae.Network([npae.Dense(64, 64)], [npae.Dense(64, 64)])
held.encoder.layers[0].W, held.decoder.layers[0].W = np.eye(64), np.zeros((64, 64))
eta, n_steps = 1 / s[0], 50
for _ in range(n_steps):
    held.decoder.layers[0].b = m - m @ held.decoder.layers[0].W
    held.value_and_grad(X)
    held.decoder.layers[0].W -= eta * held.decoder.layers[0].dW
residual = np.diag(V @ (np.eye(64) - held.decoder.layers[0].W) @ V.T)
print(f"residuals by direction and (1 - eta s)^50: {same(residual, (1 - eta * s) ** n_steps, 1e-10):.0e} apart")
print(f"left of the first, tenth, fortieth direction: {residual[[0, 9, 39]].round(3)}")
assert residual[0] < 1e-10 and residual[39] > 0.4

# %% [markdown]
# ## 3. Sixteen samples in one unit
#
# **Answer.** $f(x)$ is the number of the nearest training sample, $g(h) = x_h$: the book's example. The training error
# is zero, and a new sample becomes a training sample, the nearest. That is worse than one principal component, though
# the code has one number too.

# %%
few, fresh = rng.standard_normal((16, 2)), rng.standard_normal((2000, 2))


def f(x):
    return ((x[:, None] - few) ** 2).sum(axis=2).argmin(axis=1)


heart = {"training": error(few[f(few)], few), "held-out": error(few[f(fresh)], fresh)}
pca = npae.PCA(1).fit(few)
print(heart, "one principal component held-out:", round(error(pca.reconstruct(fresh), fresh), 3))
assert heart["training"] == 0 and heart["held-out"] > 0.05
assert all((few[f(x[None])][0] == few).all(axis=1).any() for x in fresh[:20])  # whatever comes, a training sample

# %% [markdown]
# ## 4. Noise against copying
#
# **Answer.** It copies shuffled pixels much less: noise in a direction in which digits do not vary is what it has
# learnt to take away. Clean digits it still reconstructs, though not as exactly.

# %%
shuffled = rng.permuted(X_test, axis=1)
grey = error(copying.grey(shuffled), shuffled)
free, noisy = wide(), wide(npae.GaussianNoise(0.3))
table = {
    name: (error(model.reconstruct(X_test), X_test) / grey, error(model.reconstruct(shuffled), shuffled) / grey)
    for name, model in {"free": free, "noisy": noisy}.items()
}
print(
    "held-out digits and shuffled pixels, in parts of mean grey:",
    {k: np.round(v, 3).tolist() for k, v in table.items()},
)
print(f"shuffled: {below(table['free'][1], table['noisy'][1])}; digits: {below(table['free'][0], table['noisy'][0])}")
assert table["noisy"][0] < 0.2

# %% [markdown]
# ## 5. Learning by heart, by counting
#
# **Answer.** The training digits are $1347 \cdot 64 = 86{,}208$ numbers of four bits each; the wide network has 33,088
# weights of 32 bits, three times as many bits. There would be room, but it is not what happens: held-out digits are
# copied nearly as well as training digits. A network that copies does not need to know the samples.

# %%
bits = X.size * np.log2(17), free.network_.theta.size * 32
in_training, held_out = error(free.reconstruct(X), X), error(free.reconstruct(X_test), X_test)
print(f"bits: digits {bits[0]:.0f}, weights {bits[1]}; error in training {in_training:.4f}, held out {held_out:.4f}")
assert X.size == 86_208 and free.network_.theta.size == 33_088 and bits[0] < bits[1] and held_out < 3 * in_training

# %% [markdown]
# ## 6. Who took the noise away
#
# **Answer.** Not the code: the sigmoids. Pixels are drawn beyond $[0, 1]$ by the noise, the outputs cannot follow, and
# most pixels of a digit are near an end of the range. Clipping the noisy image alone removes about half of the noise;
# hidden units that saturate do more. A linear network with as many units copies all of the noise.

# %%
noise = npae.GaussianNoise(0.5).corrupt(X_test, rng=0)
bounded = coder("unregularized", 128, RECIPES["digits"], len(X), epochs=30).fit(X.astype(np.float32))
W = rng.standard_normal((64, 128))
linear = npae.Network([npae.Dense(64, 128)], [npae.Dense(128, 64)])
linear.encoder.layers[0].W, linear.decoder.layers[0].W = W, np.linalg.pinv(W)
left = {
    "copied by a linear network": error(linear.reconstruct(noise), X_test),
    "clipped": error(np.clip(noise, 0, 1), X_test),
    "sigmoids": error(bounded.reconstruct(noise), X_test),
}
print({name: round(value, 3) for name, value in left.items()})
same(left["copied by a linear network"], error(noise, X_test), 1e-10)
print(f"{below(left['sigmoids'], left['clipped'])}, {below(left['clipped'], left['copied by a linear network'])}")
