# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---


# %% [markdown]
# # Answers to lesson 3
#
# Each is given in words and formulas, then in code that asserts it. The networks are those of the lesson.

# %%
import numpy as np

import npae
from npae.experiments.claims import below, same
from npae.experiments.family import error

size, rng = 10, np.random.default_rng(0)
digits = npae.datasets.load_mnist_5k()
images = digits.images.astype(np.float32)


def patches(images, n):
    """n patches (n, 100), cut as in the lesson."""
    i, (row, column) = rng.integers(len(images), size=3 * n), rng.integers(2, 27 - size, size=(2, 3 * n))
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    cut = windows[i, row, column].reshape(3 * n, -1)
    return cut[cut.mean(axis=1) > 0.1][:n]


X, X_test = patches(images[:4000], 10_000), patches(images[4000:], 2000)
K, decay, epochs = 196, npae.WeightDecay(3e-3), 25


def train(x, penalties, activation="sigmoid"):
    """The lesson's autoencoder."""
    adam = npae.Adam(npae.Cosine(1e-2, epochs * -(-len(x) // 128)))
    return npae.Autoencoder(
        K,
        activation=activation,
        penalties=[decay, *penalties],
        optimizer=adam,
        max_iter=epochs,
        tol=0.0,
        random_state=0,
    ).fit(x)


kinds = {"free": [], "L1": [npae.L1Sparsity(0.03)], "KL": [npae.KLSparsity(0.3, rho=0.05)]}
models = {name: train(X, penalties) for name, penalties in kinds.items()}

# %% [markdown]
# ## 1. Smaller codes, larger decoders
#
# **Answer.** Weight decay: the decoder's doubled weights cost four times as much. (And a sigmoid cannot be halved
# exactly, only moved towards 0.) A ReLU can: $W_1, b_1 \to W_1/c, b_1/c$ and $W_2 \to c\, W_2$ leave $\hat x$ as it is,
# and what is left of $J$ as a function of $c$ is
#
# $$\frac\lambda c\, \overline{\|h\|_1} + \frac\gamma2 \Big(\frac{\|W_1\|^2}{c^2} + c^2 \|W_2\|^2\Big).$$
#
# With $\gamma = 0$ it falls for ever; with $\gamma > 0$ there is a best $c$. Rows of $W_2$ that are held at unit norm
# (`npae.sparsity.UnitRows`) leave no $c$ to choose.

# %%
x, lam, gamma = X[:50].astype(float), 0.1, 3e-3
first, last = npae.Dense(100, 30, npae.ReLU(), rng=1), npae.Dense(30, 100, rng=2)
scaled = {}
for c in (1.0, 2.0, 4.0, 8.0, 16.0):
    layer, out = npae.Dense(100, 30, npae.ReLU()), npae.Dense(30, 100)
    layer.W, layer.b, out.W = first.W / c, first.b / c, first.W.T * 0 + c * last.W
    free = npae.Network([layer], [out], penalties=[npae.L1Sparsity(lam)])
    held = npae.Network([layer], [out], penalties=[npae.L1Sparsity(lam), npae.WeightDecay(gamma)])
    scaled[c] = free.value(x), held.value(x), npae.Network([layer], [out]).value(x)
    h = np.maximum(x @ first.W + first.b, 0)
    formula = lam / c * h.sum() / 50 + gamma / 2 * ((first.W**2).sum() / c**2 + c**2 * (last.W**2).sum())
    same(scaled[c][1] - scaled[c][2], formula, rtol=1e-11)
without, with_decay, loss = np.transpose(list(scaled.values()))
print("J by c, without decay:", without.round(3), " with:", with_decay.round(3))
assert (np.diff(without) < 0).all() and np.ptp(loss) < 1e-10 and 0 < np.argmin(with_decay) < 4

# %% [markdown]
# ## 2. A penalty on a batch
#
# **Answer.** Because it asks for a *mean* activation of $\rho$: a unit may be fully on for some samples if it is off
# for others. KL is convex in $\hat\rho$, so by Jensen's inequality the KL of the mean is at most the mean of the KLs of
# single samples. With one image in the batch $\hat\rho_j = h_j$, and every unit would have to be at $\rho$ for every
# image: a code that says nothing.

# %%
rho = 0.05
h = np.full((100, 1), 1e-6)
h[:5] = 1 - 1e-6  # on for five of a hundred


def kl(q):
    return rho * np.log(rho / q) + (1 - rho) * np.log((1 - rho) / (1 - q))


print(f"KL of the batch {kl(h.mean(axis=0)).sum():.1e}, mean over batches of one image {kl(h).mean():.2f}")
assert kl(h.mean(axis=0)).sum() < 1e-9 and kl(h).mean() > 0.5
anything = rng.uniform(0.01, 0.99, (100, 7))
assert (kl(anything.mean(axis=0)) <= kl(anything).mean(axis=0)).all()

# %% [markdown]
# ## 3. A stronger L1
#
# **Answer.** L1 pushes every activation down by the same force, so a unit that does not pay is switched off, and the
# more so the larger $\lambda$. The count is below: fewer than the 100 pixels. In what it uses the network is
# undercomplete; overcomplete it is in name.

# %%
strong = train(X, [npae.L1Sparsity(0.1)])
alive = {
    name: int((model.transform(X_test).max(axis=0) > 0.1).sum()) for name, model in (models | {"0.1": strong}).items()
}
print(f"units that are ever above 0.1, of {K}: {alive}")
assert alive["0.1"] < 100 < alive["L1"]

# %% [markdown]
# ## 4. Units set to zero
#
# **Answer.** A unit that is set to zero takes its mean away from the image, and the error of that is systematic: it
# adds up over the units. Units that are half on, as those of the free network, have large means to lose; its error
# doubles. Those that KL holds at $\rho = 0.05$ lose least.


# %%
def few(model, fill):
    """Held-out patches of the 20 units farthest from their mean, the others set to `fill`."""
    h, mean = model.transform(X_test), model.transform(X).mean(axis=0)
    distance = np.abs(h - mean)
    kept = distance >= np.sort(distance, axis=1)[:, [-20]]
    return error(model.inverse_transform(np.where(kept, h, mean if fill == "mean" else 0).astype(np.float32)), X_test)


ratio = {name: few(model, "zero") / few(model, "mean") for name, model in models.items()}
print("error with zeros over error with means:", {name: round(value, 2) for name, value in ratio.items()})
print(f"KL against L1: {below(ratio['KL'], ratio['L1'])}; KL against free: {below(ratio['KL'], ratio['free'])}")

# %% [markdown]
# ## 5. Whole digits
#
# **Answer.** With whole images the sparse filters are no longer all strokes: a unit that is on for few images may as
# well stand for *one kind of image*. A number for it: the cosine of a decoder row with the nearest training image, both
# without their mean. A stroke is like no whole image.

# %%
whole = images[:2000].reshape(2000, -1)
model = train(whole, kinds["KL"])
rows = model.network_.decoder.layers[0].W


def nearest(rows, x):
    """The largest cosine of each row with any of x, both centred."""
    rows, x = rows - rows.mean(axis=1, keepdims=True), x - x.mean(axis=0)
    x = x - x.mean(axis=1, keepdims=True)
    cosines = rows @ x.T / np.linalg.norm(rows, axis=1)[:, None] / np.linalg.norm(x, axis=1)
    return cosines.max(axis=1)


like = nearest(rows, whole)
print(f"cosine with the nearest image: median {np.median(like):.2f}, largest {like.max():.2f}; "
      f"above a half: {(like > 0.5).sum()} of {K} units")  # fmt: skip
random = nearest(rng.standard_normal(rows.shape), whole)
print(f"random rows against the largest, twice over: {below(2 * random.max(), like.max())}")
assert (like > 0.5).any() and (like < 0.5).any()

# %% [markdown]
# ## 6. Exactly twenty
#
# **Answer.** $L_0$ is 20 by construction and no strength is to be found. The units that win are trained, and win again:
# some never do. The error is that of the best twenty, not of twenty kept afterwards, and so below the sparse networks'
# with as many.

# %%
top = train(X, [], activation=npae.TopK(20))
h = top.transform(X_test)
top_error = error(top.reconstruct(X_test), X_test)
print(
    f"active units {np.count_nonzero(h, axis=1).mean():.1f}, never active {(h == 0).all(axis=0).sum()}, "
    f"error {top_error:.3f}"
)
print(f"against KL with 20 units kept: {below(top_error, few(models['KL'], 'mean'))}")
assert np.count_nonzero(h, axis=1).max() <= 20

# %% [markdown]
# ## 7. The derivative of KL, checked
#
# **Answer.** $\partial\Omega/\partial h_{nj} = \frac\beta N \big(\frac{1 - \rho}{1 - \hat\rho_j} -
# \frac\rho{\hat\rho_j}\big)$, the same for all $n$. If the $1/N$ is forgotten, the checker sees a constant ratio and
# says so.


# %%
def omega(h, forget=False):
    q = h.mean(axis=0)
    u = (1 - rho) / (1 - q) - rho / q
    return 0.5 * kl(q).sum(), np.tile(0.5 * u / (1 if forget else len(h)), (len(h), 1))


h = rng.uniform(0.1, 0.9, (7, 4))
report = npae.gradcheck.check_gradient(omega, h)
wrong = npae.gradcheck.check_gradient(lambda h: omega(h, forget=True), h)
print(report, wrong, sep="\n")
assert report.ok and report.max_error < 1e-12 and not wrong.ok
