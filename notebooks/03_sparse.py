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
#
# **You need:** lesson 1.
#
# **You will learn:** the gradients of weight decay, L1 and KL, and where they enter the backward pass; what sparsity
# does to activities, to filters and to images made of few units; what it costs.
#
# **Time:** an hour; the computer needs about 8 seconds.

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
import numpy as np

import npae
from npae import plots
from npae.experiments.claims import below, same
from npae.experiments.family import error
from npae.plots.lessons import histograms, lines

# %% [markdown]
# The data are patches of 10 x 10 pixels, cut at random from MNIST's digits where there is ink: 100 numbers each.

# %%
size, shape = 10, (10, 10)
images, rng = npae.datasets.load_mnist_5k().images.astype(np.float32), np.random.default_rng(0)


def patches(images, n):
    """n patches (n, 100), cut at random places away from the border, a tenth or more of it ink."""
    i, (row, column) = rng.integers(len(images), size=3 * n), rng.integers(2, 27 - size, size=(2, 3 * n))
    windows = np.lib.stride_tricks.sliding_window_view(images, shape, axis=(1, 2))
    cut = windows[i, row, column].reshape(3 * n, -1)
    return cut[cut.mean(axis=1) > 0.1][:n]


X, X_test = patches(images[:4000], 10_000), patches(images[4000:], 2000)
plots.image_rows({"patches": X_test[:18]}, shape)

# %% [markdown]
# ## The penalties and their gradients
#
# A penalty is one more term of $J$, so it is one more term of the gradient. The loss sends its derivative down the
# chain of lesson 1; a penalty joins in at the array it is a function of, and flows on from there with the rest.
#
# *Weight decay* is a function of the weights, $\frac{\partial}{\partial W} \frac\gamma2 \|W\|_F^2 = \gamma W$: it is
# added to $dW$ and goes no further.
#
# *L1* is a function of the code, one term for each activation, with slope $\mathrm{sign}(h)$, which is 1 for a
# sigmoid: a constant push downwards, however small $h$ has become.
#
# *KL* sees the batch only through the means. A unit's mean moves by $\partial \hat\rho_j/\partial h_{nj} = 1/N$ with
# each of its activations, and
#
# $$u_j = \frac{d}{d\hat\rho_j} \Big[\rho \log\frac{\rho}{\hat\rho_j} + (1-\rho) \log\frac{1-\rho}{1-\hat\rho_j}\Big]
# = \frac{1-\rho}{1-\hat\rho_j} - \frac{\rho}{\hat\rho_j},$$
#
# negative below $\rho$, zero there, positive above: the same push for all samples, up or down as the unit needs.
#
# | forward | backward | in NumPy |
# |---|---|---|
# | $\frac\gamma2 \lVert W\rVert_F^2$ | $dW$ gains $\gamma W$ | `dW += gamma * W` |
# | $\frac\lambda N \lVert h\rVert_1$ | $dh$ gains $\frac\lambda N \mathrm{sign}\,h$ | `dh += lam / N * np.sign(h)` |
# | $\beta \sum_j \mathrm{KL}(\rho, \hat\rho_j)$ | $dh_{nj}$ gains $\frac\beta N u_j$ | `dh += beta / N * u` |
#
# In the package these are `WeightDecay`, `L1Sparsity` and `KLSparsity` in `npae/objective/penalties.py`; each returns
# its value and leaves its gradient in `layer.pending`, which the layer's `backward` adds.

# %%
gamma, lam, beta, rho = 0.02, 0.3, 0.5, 0.05
trio = [npae.WeightDecay(gamma), npae.L1Sparsity(lam), npae.KLSparsity(beta, rho)]
small = npae.Network([npae.Dense(100, 12, npae.Sigmoid(), rng=1)], [npae.Dense(12, 100, rng=2)], penalties=trio)
x = X[:30].astype(np.float64)
J, N = small.value_and_grad(x), len(x)
W1, b1, W2, b2 = small.parameters.values()
h = 1 / (1 + np.exp(-(x @ W1 + b1)))
r, q = h @ W2 + b2, h.mean(axis=0)

# %%
# derived: all three penalties, value and gradient
decay = gamma / 2 * ((W1**2).sum() + (W2**2).sum())
kl, u = rho * np.log(rho / q) + (1 - rho) * np.log((1 - rho) / (1 - q)), (1 - rho) / (1 - q) - rho / q
same(0.5 * ((r - x) ** 2).sum() / N + decay + lam / N * np.abs(h).sum() + beta * kl.sum(), J)
dr = (r - x) / N
dh = dr @ W2.T + lam / N * np.sign(h) + beta / N * u
da = dh * h * (1 - h)
same(h.T @ dr + gamma * W2, small.gradients["decoder.0.W"])
same(da.sum(axis=0), small.gradients["encoder.0.b"])
apart = same(x.T @ da + gamma * W1, small.gradients["encoder.0.W"])
print(f"the encoder's dW by hand and by the network: {apart:.0e} apart")

# %% [markdown]
# ## The same network three times
#
# $K = 196$ sigmoid units for $D = 100$ pixels, once free, once with each penalty. Nothing else differs, not even the
# initial weights. All have a little weight decay, so that weights that nothing needs go away.

# %%
K, decay = 196, npae.WeightDecay(3e-3)
penalties = {"free": [decay], "L1": [decay, npae.L1Sparsity(0.03)], "KL": [decay, npae.KLSparsity(0.3, rho=0.05)]}
n_epochs = 25
adam = npae.Adam(npae.Cosine(1e-2, n_epochs * -(-len(X) // 128)))
models = {
    name: npae.Autoencoder(K, penalties=each, optimizer=adam, max_iter=n_epochs, tol=0.0, random_state=0).fit(X)
    for name, each in penalties.items()
}
codes = {name: model.transform(X_test) for name, model in models.items()}
assert X.shape[1] < K

# %% [markdown]
# ## Activity
#
# Left, single activations $h_{nj}$ over all units and held-out patches; right, the mean activation of each unit. L1
# makes activations small wherever they do not pay, and switches units off for good. KL leaves every unit a share near
# $\rho$. The free units are on, half on average, whatever the patch.

# %%
figure, (left, right) = plots.new_axes(9.0, 3.4, 1, 2)
histograms(codes, np.linspace(0, 1, 41), xlabel="activation $h_{nj}$", log=True, ax=left)
means = {name: (np.arange(K), np.sort(h.mean(axis=0))[::-1]) for name, h in codes.items()}
rank, mean = "unit, by rank", "mean activation $\\hat\\rho_j$"
lines(means, xlabel=rank, ylabel=mean, reference=("$\\rho$ = 0.05", 0.05), ax=right)

# %%
active = {name: (h > 0.1).mean() for name, h in codes.items()}
dead = {name: int((h.max(axis=0) < 0.1).sum()) for name, h in codes.items()}
errors = {name: error(model.reconstruct(X_test), X_test) for name, model in models.items()}
for name, h in codes.items():
    print(
        f"{name:<5} mean activation {h.mean():.3f}, units above 0.1 on a patch: {active[name] * K:5.1f} of {K} "
        f"({active[name]:.0%}), never: {dead[name]:2d}, held-out error {errors[name]:.3f}"
    )
off = np.abs(codes["KL"].mean(axis=0) - 0.05).max()
print(f"KL: mean activations within {off:.3f} of rho on held-out patches")
for name in ("L1", "KL"):
    print(f"twice the active units of {name}, against the free one's: {below(2 * active[name], active['free'])}")
    print(f"error of the free one, against {name}'s: {below(errors['free'], errors[name])}")
assert off < 0.1 and dead["KL"] == 0 < dead["L1"] and K - dead["L1"] > X.shape[1]  # overcomplete, even so
assert 0.4 < codes["free"].mean() < 0.6 and active["free"] > 0.9

# %% [markdown]
# ## What the units look for
#
# A row of the decoder's $W$ is what the unit adds to the reconstruction. Here are the first 36 units of each, dead
# ones left out.

# %%
filters = {name: model.network_.decoder.layers[0].W[codes[name].max(axis=0) > 0.1] for name, model in models.items()}
plots.filters({name: W.T for name, W in filters.items()}, shape, n=36, n_columns=6, width=10)

# %% [markdown]
# Among the filters of the sparse networks there are single strokes, at one place and in one direction; others still
# look like those of the free one, which make sense only all together. A number for it: how much of a filter's squared
# weights lie in its best square of 5 x 5 pixels, a quarter of the patch? And how many of the filters keep more than
# half of them there?


# %%
def locality(W, side=5):
    """The share of each row's squared weights inside the square of that side that holds most of them, (K,)."""
    squares = (W**2).reshape(-1, *shape)
    windows = np.lib.stride_tricks.sliding_window_view(squares, (side, side), axis=(1, 2)).sum(axis=(-1, -2))
    return windows.reshape(len(W), -1).max(axis=1) / (W**2).sum(axis=1)


local = {name: locality(W) for name, W in filters.items()}
for name, share in local.items():
    print(f"{name:<5} median share {np.median(share):.2f}; above a half {(share > 0.5).mean():.0%} of {len(share)}")
for name in ("L1", "KL"):
    print(f"median share: {below(np.median(local['free']), np.median(local[name]))} for {name}")
    print(f"above a half: {below((local['free'] > 0.5).mean(), (local[name] > 0.5).mean())} for {name}")

# %%
histograms(local, np.linspace(0.25, 1, 31), xlabel="share of a filter's squared weights in its best 5 x 5 pixels")

# %% [markdown]
# ## A patch as a sum of few parts
#
# Keep only the $m$ units of a code that are farthest from their mean, and set the rest to their means over the
# training set. (To zero would be unfair to the free units, which are half on: what a unit says is how it differs from
# its mean.) A sparse code survives that; in the free one every unit matters.

# %%
ms = [2, 5, 10, 20, 40, 80, K]
means = {name: model.transform(X).mean(axis=0) for name, model in models.items()}


def keep(h, m, mean):
    """The code h (N, K) with all but the m entries of each row that are farthest from the mean set to the mean."""
    distance = np.abs(h - mean)
    return np.where(distance >= np.sort(distance, axis=1)[:, [-m]], h, mean)


def few(name, m):
    """Held-out patches as the model makes them of m units."""
    return models[name].inverse_transform(keep(codes[name], m, means[name]))


kept = {name: [error(few(name, m), X_test) for m in ms] for name in models}
lines(
    {name: (ms, values) for name, values in kept.items()},
    xlabel="units kept", ylabel="held-out error", log="xy", markers=True,
)  # fmt: skip

# %%
m = ms.index(20)
for name in ("L1", "KL"):
    print(
        f"error with 20 units, {name} against free, half as much again: {below(1.5 * kept[name][m], kept['free'][m])}"
    )

# %%
rows = {"patch": X_test[:14]} | {f"{name}: 20 units": few(name, 20)[:14] for name in models}
plots.image_rows(rows, shape)

# %% [markdown]
# With all of its units the free network is nearest to the patch; with a few of them the sparse ones are.
#
# ## Questions
#
# Answers, with the code that checks them, are in `solutions/lesson_03.py`.
#
# 1. With L1 alone the encoder could halve $h$ and the decoder double its weights, at no cost in $L$. What stops it
#    here? What would stop it with ReLU units?
# 2. Why is $\Omega_{KL}$ a penalty on a batch, not on a sample? What happens to its value when the batch is one image?
# 3. L1 with $\lambda = 0.1$ leaves fewer units alive than there are pixels. How many? Is the autoencoder still
#    overcomplete?
# 4. The units that were dropped were set to their means. What comes out if they are set to zero, and who suffers most?
# 5. Whole MNIST digits in place of patches: are the sparse filters still strokes, or are some of them whole digits?
#    Find a number for it.
# 6. Replace the penalty by `npae.TopK(20)` as the activation of the code, which keeps the 20 largest activations by
#    construction. What are error and dead units?
# 7. Check the derivative of $\Omega_{KL}$ with `npae.gradcheck.check_gradient`, for an $h$ of your own.
#
# ## Sources
#
# * I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*](https://www.deeplearningbook.org), MIT Press 2016,
#   [section 14.2.1](https://www.deeplearningbook.org/contents/autoencoders.html).
# * A. Ng, [Sparse autoencoder](https://web.stanford.edu/class/cs294a/sparseAutoencoder.pdf), CS294A lecture notes,
#   2011: the KL penalty and filters of image patches.
# * H. Lee, C. Ekanadham, A. Ng, [Sparse deep belief net model for visual area
#   V2](https://papers.nips.cc/paper/3313-sparse-deep-belief-net-model-for-visual-area-v2), NIPS 2007.
# * B. Olshausen, D. Field, [Emergence of simple-cell receptive field properties by learning a sparse code for natural
#   images](https://doi.org/10.1038/381607a0), *Nature* 381, 1996.
# * A. Makhzani, B. Frey, [k-sparse autoencoders](https://arxiv.org/abs/1312.5663), 2013: question 6.
# * MNIST: Y. LeCun, C. Cortes, C. Burges.
