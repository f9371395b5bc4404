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
#
# **You need:** lesson 1; conditional means and densities.
#
# **You will learn:** the training procedure in three steps; what the best denoiser is, and why it knows the score; how
# denoising does against copying, PCA and the best linear map, and what it takes away.
#
# **Time:** an hour; the computer needs about 6 seconds.

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
import numpy as np

import npae
from npae import plots
from npae.experiments.claims import below, same
from npae.experiments.family import error
from npae.plots.lessons import arrows, grouped_bars

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
X, X_test = digits.data[order[450:]].astype(np.float32), digits.data[order[:450]].astype(np.float32)

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
print(f"twice the error of the reconstructions, against that of the noisy digits: {below(2 * after, before)}")

# %% [markdown]
# One line differs from a plain autoencoder, and in the backward pass nothing but which of the two images stands where:
# $\tilde x$ goes in, so it multiplies $da$; $x$ is what is compared.
#
# | forward | backward | in NumPy |
# |---|---|---|
# | $h = \sigma(\tilde x W_1 + b_1)$ | $dW_1 = \tilde x^\top (dh\, h (1 - h))$ | `x_tilde.T @ (dh * h * (1 - h))` |
# | $\hat x = \sigma(h W_2 + b_2)$ | $dh = (d\hat x\, \hat x (1 - \hat x)) W_2^\top$ | `(dr * r * (1 - r)) @ W2.T` |
# | $J = \frac{1}{2N} \sum_n \lVert\hat x_n - x_n\rVert^2$ | $d\hat x = (\hat x - x)/N$ | `(r - x) / N` |

# %%
exact = network.astype(np.float64)
x, x_tilde = X[:20].astype(float), noisy["Gaussian"][:20].astype(float)
J = exact.value_and_grad(x_tilde, target=x)
W1, b1, W2, b2 = exact.parameters.values()

# %%
# derived: the pass from x~ to x
h = 1 / (1 + np.exp(-(x_tilde @ W1 + b1)))
r = 1 / (1 + np.exp(-(h @ W2 + b2)))
same(0.5 * ((r - x) ** 2).sum() / len(x), J)
dh = ((r - x) / len(x) * r * (1 - r)) @ W2.T
apart = same(x_tilde.T @ (dh * h * (1 - h)), exact.gradients["encoder.0.W"])
print(f"the encoder's dW by hand and by the network: {apart:.0e} apart")

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
    "max_iter": 100,
    "n_iter_no_change": 100,  # no early end
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
for name, row in errors.items():
    second = min(row.keys() - {"denoising"}, key=row.get)
    print(f"{name}, denoising against {second}: {below(row['denoising'], row[second])}")

# %%
grouped_bars(errors, ylabel="error against the clean image")

# %%
name = "salt and pepper"
rows = {"clean": X_test[:14], "corrupted": noisy[name][:14]}
rows |= {who: outputs[name][who][:14] for who in ("plain", "best PCA", "best linear", "denoising")}
plots.image_rows(rows, digits.image_shape)

# %% [markdown]
# The plain autoencoder copies a good part of the noise: that is what it was trained to do. A linear map can damp the
# directions in which digits do not vary; the denoising autoencoder can go further, for what it takes away depends on
# the image. How much of the noise $\tilde x - x$ is left in $r(\tilde x) - r(x)$, where $r = g \circ f$?

# %%
x_tilde = noisy["Gaussian"]
size = error(x_tilde, X_test)
left = {
    name: error(model.reconstruct(x_tilde), model.reconstruct(X_test)) / size
    for name, model in {"plain": plain, "denoising": denoisers["Gaussian"]}.items()
}
print(f"part of the squared noise that is left, denoising against plain: {below(left['denoising'], left['plain'])}")
assert left["plain"] > 0.4

# %% [markdown]
# ## What is learned: the way back to the data
#
# **The best denoiser is a conditional mean.** Of all functions $r$, which has the least $E\|r(\tilde x) - x\|^2$? Put
# $m(\tilde x) = E[x \mid \tilde x]$ between the two. The mixed term vanishes, for given $\tilde x$ the difference
# $x - m$ has mean zero, so
#
# $$E\|r(\tilde x) - x\|^2 = E\|r(\tilde x) - m(\tilde x)\|^2 + E\|x - m(\tilde x)\|^2.$$
#
# The second term is what no function can avoid; the first is zero for $r = m$.
#
# **The conditional mean knows the score.** Noisy data have the density
# $p_\sigma(\tilde x) = \int p(x)\, N(\tilde x; x, \sigma^2 I)\, dx$. A Gaussian's derivative is itself times a
# distance, $\nabla_{\tilde x} N(\tilde x; x, \sigma^2 I) = \frac{x - \tilde x}{\sigma^2} N(\tilde x; x, \sigma^2 I)$,
# so
#
# $$\nabla p_\sigma(\tilde x) = \int \frac{x - \tilde x}{\sigma^2}\, p(x)\, N(\tilde x; x, \sigma^2 I)\, dx
# = \frac{m(\tilde x) - \tilde x}{\sigma^2}\, p_\sigma(\tilde x), \qquad
# \frac{m(\tilde x) - \tilde x}{\sigma^2} = \nabla \log p_\sigma(\tilde x).$$
#
# That is the *score* of the noisy density. Nothing was assumed about $p$, and $\sigma$ need not be small. Lesson 7
# goes on from here.
#
# For a mixture of Gaussians of deviation $s$ at $\mu_1 \dots \mu_M$ all of this can be written down. A noisy point
# came from the $k$-th with the probability $\rho_k \propto N(\tilde x; \mu_k, (s^2 + \sigma^2) I)$; if so, its clean
# point is expected between $\mu_k$ and $\tilde x$, at $\mu_k + \frac{s^2}{s^2 + \sigma^2} (\tilde x - \mu_k)$. The
# mean over $k$ is $m(\tilde x)$, and the package's score, which is the derivative of the log-density, should come out
# of it.

# %%
s, sigma = 0.15, 0.2
angles = 2 * np.pi * np.arange(8) / 8
mu = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (M, 2), eight places on a circle
mixture = npae.datasets.make_gaussian_mixture(4000, means=mu, std=s, rng=0)
points = npae.GaussianNoise(sigma).corrupt(mixture.data[:500], rng=3)

# %%
# derived: the conditional mean of the mixture, and the score from it
difference = points[:, None] - mu  # (N, M, 2)
exponent = -0.5 * (difference**2).sum(axis=2) / (s**2 + sigma**2)
posterior = np.exp(exponent - exponent.max(axis=1, keepdims=True))
posterior /= posterior.sum(axis=1, keepdims=True)
each = mu + s**2 / (s**2 + sigma**2) * difference  # E[x | x~, k]
mean = (posterior[:, :, None] * each).sum(axis=1)
apart = same((mean - points) / sigma**2, mixture.score(points, sigma))
print(f"(E[x | x~] - x~) / sigma^2 and the score: {apart:.0e} apart")

# %% [markdown]
# **A network learns it.** In two dimensions one can watch. The data are drawn from eight Gaussians on a circle, so
# that their density $p$ is known, and so is the density $p_\sigma$ of noisy data, which is the same with wider
# Gaussians. For a denoising autoencoder the arrows show $r(x) - x$. They point to where $p_\sigma$ rises: for Gaussian
# noise and the squared error,
#
# $$\frac{r(x) - x}{\sigma^2} \approx \nabla \log p_\sigma(x),$$
#
# the score. Not that of the data's own density: that of the noisy one.

# %%
epochs = 100
model = npae.Autoencoder(
    64,
    hidden_layer_sizes=(64,),
    activation="tanh",
    corruption=npae.GaussianNoise(sigma),
    optimizer=npae.Adam(npae.Cosine(1e-2, epochs * 32)),
    max_iter=epochs,
    n_iter_no_change=epochs,
    random_state=0,
).fit(mixture.data.astype(np.float32))

clean = npae.datasets.make_gaussian_mixture(1000, means=mu, std=s, rng=1).data
points = npae.GaussianNoise(sigma).corrupt(clean, rng=2)
back = model.reconstruct(points)
learnt = (back - points) / sigma**2


def relative(score):
    """||learnt - score|| / ||score|| over all points."""
    return np.linalg.norm(learnt - score) / np.linalg.norm(score)


smoothed, own = mixture.score(points, sigma), mixture.score(points)
print(f"distance of the learnt score to that of the noisy density, against the data's own: "
      f"{below(relative(smoothed), relative(own))}")  # fmt: skip
uphill = (mixture.log_density(back, sigma) > mixture.log_density(points, sigma)).mean()
print(f"one pass leads uphill from {uphill:.1%} of the noisy points")
assert relative(smoothed) < 0.15 and uphill > 0.98

# %%
grid = np.stack(np.meshgrid(*[np.linspace(-1.5, 1.5, 17)] * 2), axis=-1).reshape(-1, 2)
grid = grid[mixture.log_density(grid, sigma) > -4]  # where there are data to learn from
moves = {
    "$r(x) - x$, learnt": model.reconstruct(grid) - grid,
    "$\\sigma^2 \\nabla \\log p_\\sigma(x)$": sigma**2 * mixture.score(grid, sigma),
}
arrows(grid, moves, data=mixture.data[:600], scale=0.7)

# %% [markdown]
# ## Questions
#
# Answers, with the code that checks them, are in `solutions/lesson_04.py`.
#
# 1. The codes of the digits have as many units as an image has pixels. Why do the networks not learn the identity?
# 2. Noise is drawn anew each time an image is visited. What happens with one noisy copy of each image, made once?
# 3. What does a denoising autoencoder do to an image without noise? What should it do? Measure it.
# 4. Gaussian data, $x \sim N(0, S)$: derive the best denoiser and show that it is linear. What does it do to a
#    direction with variance $s_i$?
# 5. Apply each denoiser to each corruption, nine numbers. Is each best at what it was trained on?
# 6. Draw the error against the $\sigma$ of the test noise from 0 to 0.8, for denoisers trained with 0.1, 0.3 and 0.5.
# 7. Apply the denoiser of the plane twenty times in a row, starting from noisy points. Where do they end? Is their
#    density that of the data?
#
# ## Sources
#
# * I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*](https://www.deeplearningbook.org), MIT Press 2016,
#   [section 14.5](https://www.deeplearningbook.org/contents/autoencoders.html).
# * P. Vincent et al., [Stacked denoising autoencoders](https://www.jmlr.org/papers/v11/vincent10a.html), JMLR 11,
#   2010.
# * G. Alain, Y. Bengio, [What regularized auto-encoders learn from the data-generating
#   distribution](https://www.jmlr.org/papers/v15/alain14a.html), JMLR 15, 2014.
# * P. Vincent, [A connection between score matching and denoising autoencoders](https://doi.org/10.1162/NECO_a_00142),
#   *Neural Computation* 23, 2011.
# * K. Miyasawa, An empirical Bayes estimator of the mean of a normal population, *Bulletin of the International
#   Statistical Institute* 38, 1961; B. Efron, [Tweedie's formula and selection
#   bias](https://doi.org/10.1198/jasa.2011.tm11181), JASA 106, 2011.
