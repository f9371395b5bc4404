# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Answers to lesson 1
#
# Each is given in words and formulas, then in code that asserts it.

# %%
import numpy as np

import npae
from npae.experiments.claims import below, same
from npae.experiments.family import error

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
X, X_test = digits.data[order[450:]], digits.data[order[:450]]
common = {"output_activation": "sigmoid", "optimizer": npae.Adam(2e-2), "max_iter": 100, "tol": 0.0, "random_state": 0}
plain = npae.Autoencoder(16, **common).fit(X)

# %% [markdown]
# ## 1. What is lost
#
# **Answer.** What varies little. With 16 numbers the network keeps the directions in which digits differ most and drops
# the others: the residual $\hat x - x$ has nearly nothing of the variance along the first principal directions, and
# nearly all of it along the last ones. Reconstructions look smoothed: thin gaps close, the ends of strokes fade.

# %%
V = npae.PCA(60).fit(X).components_
left = (((plain.reconstruct(X_test) - X_test) @ V.T) ** 2).sum(axis=0) / (((X_test - X.mean(axis=0)) @ V.T) ** 2).sum(
    axis=0
)
print(f"part of the variance that is lost, first 8 directions against the last 30: "
      f"{below(left[:8].mean(), left[-30:].mean())}")  # fmt: skip
assert left[:8].max() < 0.15 and left[-30:].mean() > 0.8

# %% [markdown]
# ## 2. Why shuffled digits fail
#
# **Answer.** In a digit a pixel follows from its neighbours, and the network has learnt how. Shuffling keeps each
# image's grey levels and destroys that, so what the code can express is not there. The failure shows that it has learnt
# what digits are like and does not copy. It is of use, too: by the error alone one can tell digits from what is none.

# %%
shuffled = rng.permuted(X_test, axis=1)
of_digits, of_others = (((plain.reconstruct(x) - x) ** 2).sum(axis=1) / 2 for x in (X_test, shuffled))
told = (of_digits[:, None] < of_others).mean()  # a digit and a shuffled one, drawn at random
print(f"the digit has the smaller error in {told:.2%} of all pairs; neighbours' correlation in digits", end=" ")
images = X_test.reshape(-1, 8, 8)
near = [np.corrcoef(x[:, 2:6, 2:5].ravel(), x[:, 2:6, 3:6].ravel())[0, 1] for x in (images, shuffled.reshape(-1, 8, 8))]
print(f"{near[0]:.2f}, shuffled {near[1]:.2f}")
assert told > 0.99 and near[0] > 0.2 > abs(near[1])

# %% [markdown]
# ## 3. A sum instead of a mean
#
# **Answer.** $d\hat x = \hat x - x$ without the $1/N$. Everything below is linear in $d\hat x$, so all gradients become
# $N$ times as large, exactly. A learning rate that was right is then $N$ times too large, and the right one depends on
# the batch: $\eta/N$ takes the same step. Penalties on the weights would weigh $N$ times less.


# %%
class Summed:
    """1/2 ||a - x||^2, summed over samples as well."""

    def __call__(self, a, x):
        return 0.5 * ((a - x) ** 2).sum(), a - x


layers = [npae.Dense(64, 16, npae.Sigmoid(), rng=1)], [npae.Dense(16, 64, npae.Sigmoid(), rng=2)]
mean, total = npae.Network(*layers), npae.Network(*layers, loss=Summed())
total.theta = mean.theta
batch = X[:50]
same(total.value_and_grad(batch), 50 * mean.value_and_grad(batch))
mean.value_and_grad(batch)
wanted = mean.grad.copy()
total.value_and_grad(batch)
print(f"gradients, 50 times: {same(total.grad, 50 * wanted):.0e} apart")
assert same(total.theta - 0.5 / 50 * total.grad, mean.theta - 0.5 * wanted) < 1e-12

# %% [markdown]
# ## 4. Error against PCA by K
#
# **Answer.** No. PCA is the best *linear* map with $K$ numbers and is found exactly; the network is nonlinear, which
# helps where few numbers must say much, but its outputs are bent by sigmoids and its weights come from a descent that
# has to end. Here it is ahead for medium codes, and behind where the code is wide and PCA has nearly no error left.

# %%
table = {}
for K in (2, 4, 8, 16, 32):
    network = npae.Autoencoder(K, **common).fit(X.astype(np.float32))
    pca = npae.PCA(K).fit(X)
    table[K] = error(network.reconstruct(X_test), X_test) / error(pca.reconstruct(X_test), X_test)
print("error of the network over PCA's:", {K: round(float(ratio), 3) for K, ratio in table.items()})
assert min(table.values()) < 1 < max(table.values())

# %% [markdown]
# ## 5. The loop by hand
#
# **Answer.** An epoch is a permutation, cut into batches. With Adam's formulas beside it, $m \leftarrow \beta_1 m + (1
# - \beta_1) g$, $v \leftarrow \beta_2 v + (1 - \beta_2) g^2$ and $\theta \leftarrow \theta - \eta\, \hat m/(\sqrt{\hat
# v} + \varepsilon)$, it comes as close as another start would: within a few per cent. `Autoencoder` does no more than
# this.

# %%
network = npae.Network([npae.Dense(64, 16, npae.Sigmoid(), rng=3)], [npae.Dense(16, 64, npae.Sigmoid(), rng=4)])
m, v, t = np.zeros_like(network.theta), np.zeros_like(network.theta), 0
for _ in range(100):
    turn = rng.permutation(len(X))
    for start in range(0, len(X), 128):
        network.value_and_grad(X[turn[start : start + 128]])
        g, t = network.grad, t + 1
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        network.theta -= 2e-2 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
by_hand, theirs = error(network.reconstruct(X_test), X_test), error(plain.reconstruct(X_test), X_test)
print(f"held-out error by hand {by_hand:.3f}, of Autoencoder {theirs:.3f}")
assert abs(by_hand / theirs - 1) < 0.15

# %% [markdown]
# ## 6. A layer of one's own, right and spoilt
#
# **Answer.** $dh$ comes in; $da = dh\, h (1 - h)$, $dW = x^\top da$, $db = \sum_n da_n$, $dx = da\, W^\top$. If the
# slope $h (1 - h)$ is forgotten, both rows of the layer are wrong, and only these: the decoder's gradients do not pass
# through it. The report names `encoder.0`'s arrays.


# %%
class Mine:
    parameters = ("W", "b")

    def __init__(self, n_in, n_out, rng):
        self.n_in, self.n_out = n_in, n_out
        self.W, self.b = rng.standard_normal((n_in, n_out)) / n_in**0.5, np.zeros(n_out)

    def forward(self, x):
        self.x, self.h = x, 1 / (1 + np.exp(-(x @ self.W + self.b)))
        return self.h

    def slope(self):
        return self.h * (1 - self.h)

    def backward(self, dh):
        da = dh * self.slope()
        self.dW, self.db = self.x.T @ da, da.sum(axis=0)
        return da @ self.W.T


class Spoilt(Mine):
    def slope(self):
        return 1.0


found = {}
for kind in (Mine, Spoilt):
    network = npae.Network([kind(64, 16, rng)], [npae.Dense(16, 64, npae.Sigmoid(), rng=1)])
    report = npae.gradcheck.check_network(network, X[:8])
    found[kind.__name__] = [row.name for row in report.rows if row.status == "WRONG"]
print(report)
assert found == {"Mine": [], "Spoilt": ["encoder.0.W", "encoder.0.b"]}
