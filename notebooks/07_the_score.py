# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. What a denoising autoencoder estimates
#
# Lesson 4 trained denoisers and watched arrows point back to the data. Here the arrows get a meaning and a number. Add
# Gaussian noise to data, $\tilde x = x + \sigma\varepsilon$, and ask for the best guess of $x$ given $\tilde x$. In
# squared error that is the conditional mean, and it is known:
#
# $$E[x \mid \tilde x] = \tilde x + \sigma^2\,\nabla \log p_\sigma(\tilde x),$$
#
# with $p_\sigma$ the density of the noisy data. The gradient of a log-density is called its *score*. A denoising
# autoencoder $r$ is trained towards $E[x \mid \tilde x]$; so $(r(x) - x)/\sigma^2$ estimates the score.
#
# **You need:** lesson 4, of which this is the continuation; densities in the plane; for the last section, Taylor's
# formula in many variables.
#
# **You will learn:** how near learnt scores come to the true ones; how samples are drawn with a score alone; what
# denoising with little noise has to do with contraction, and what is left out where the two are called the same.
#
# **Time:** an hour; the computer needs about 8 seconds.
#
# **Derivation.** $p_\sigma(\tilde x) = \int p(x)\, N(\tilde x; x, \sigma^2 I)\, dx$, and
# $\nabla_{\tilde x} N(\tilde x; x, \sigma^2 I) = \frac{x - \tilde x}{\sigma^2} N(\tilde x; x, \sigma^2 I)$. Hence
#
# $$\nabla p_\sigma(\tilde x) = \int \frac{x - \tilde x}{\sigma^2}\, p(x)\, N(\tilde x; x, \sigma^2 I)\, dx
# = \frac{E[x \mid \tilde x] - \tilde x}{\sigma^2}\; p_\sigma(\tilde x);$$
#
# divide by $p_\sigma(\tilde x)$. No assumption on $p$, and no small $\sigma$.

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import denoising
from npae.experiments.claims import below, same
from npae.plots import generative

rng = np.random.default_rng(0)

# %% [markdown]
# ## Where everything can be computed: Gaussian data and a linear denoiser
#
# For $x \sim N(m, S)$ the noisy density is $N(m, S + \sigma^2 I)$ with score $-(S + \sigma^2 I)^{-1}(x - m)$. The best
# linear denoiser follows from the moments of the noise alone, without a draw: $A = (S + \sigma^2 I)^{-1} S$.

# %%
X = rng.standard_normal((500, 4)) @ rng.standard_normal((4, 4)) + 1
sigma = 0.7
density = npae.datasets.GaussianDensity(X.mean(axis=0), np.cov(X.T, bias=True))
linear = denoising.linear_denoiser(X, npae.GaussianNoise(sigma))
gap = same(denoising.score_field(linear, X, sigma), density.score(X, sigma), rtol=1e-11)
print(f"(r(x) - x) / sigma^2 by the package and its exact score: {gap:.0e} of the largest entry apart")

# %% [markdown]
# By hand, both sides. With $A$ as above, $r(x) - x = (x - m)(A - I)$, and $A - I = (S + \sigma^2 I)^{-1} (S - S -
# \sigma^2 I)$: dividing by $\sigma^2$ leaves $-(S + \sigma^2 I)^{-1}$. That $A$ is best follows from the mean error $J
# = \frac12 \mathrm{tr}[(I - A)^\top S (I - A) + \sigma^2 A^\top A]$, which loses nothing, for it is the noise's
# expectation; its derivative is zero there:
#
# | forward | backward |
# |---|---|
# | $R = I - A$ | $dA = -dR$ |
# | $J = \frac12 \mathrm{tr}(R^\top S R + \sigma^2 A^\top A)$ | $dR = S R$, $\;dA$ gains $\sigma^2 A$ |

# %%
# derived: the best linear denoiser of a Gaussian, and the score from it
m, S = X.mean(axis=0), np.cov(X.T, bias=True)
A = np.linalg.solve(S + sigma**2 * np.eye(4), S)
dA = -S @ (np.eye(4) - A) + sigma**2 * A
assert np.abs(dA).max() < 1e-12 * np.abs(S).max()
same(A, linear.A, rtol=1e-11)
apart = same((X - m) @ (A - np.eye(4)) / sigma**2, density.score(X, sigma))
print(f"the score by hand and by the density: {apart:.0e} apart")

# %% [markdown]
# A network need not be told the formula. Trained on fixed noise, it comes nearer to the closed form the more draws of
# noise it sees: with four times as many, half the distance.

# %%
distances = {}
for draws in (4, 16, 64):
    clean = np.tile(X[:60], (draws, 1))
    errors = []
    for seed in range(4):
        noisy = npae.GaussianNoise(sigma).corrupt(clean, seed)
        A, _, _, _ = np.linalg.lstsq(np.column_stack([noisy, np.ones(len(noisy))]), clean, rcond=None)
        errors.append(np.linalg.norm(A[:-1] - denoising.linear_denoiser(X[:60], npae.GaussianNoise(sigma)).A))
    distances[draws] = np.mean(errors)
    print(f"{draws:3d} draws a sample: distance to the closed form {distances[draws]:.4f}")
print(f"twice the distance with 64 draws against that with 4: {below(2 * distances[64], distances[4])}")

# %% [markdown]
# ## Eight Gaussians in the plane
#
# A mixture is no longer linear, but its smoothed score is known exactly, `dataset.score(x, sigma)`. The three steps of
# the text train the autoencoder:
#
# 1. sample a training example $x$;
# 2. sample a corrupted version $\tilde x$;
# 3. use $(x, \tilde x)$ as a training example.

# %%
sigma, noise = 0.3, npae.GaussianNoise(0.3)
mixture = npae.datasets.make_gaussian_mixture(20_000, rng=0)
encoder = [npae.Dense(2, 64, npae.Tanh(), rng=rng)]
encoder[0].W *= 3
encoder[0].b[:] = rng.uniform(-1, 1, 64)
network = npae.Network(
    encoder, [npae.Dense(64, 64, npae.Tanh(), rng=rng), npae.Dense(64, 2, rng=rng)], dtype=np.float32
)
data, n_steps = mixture.data.astype(np.float32), 2500
step = npae.Adam(npae.Cosine(1e-2, n_steps)).start(network.theta)
for _ in range(n_steps):
    x = denoising.steps.sample_training_example(data, 500, rng)  # 1
    corrupted = denoising.steps.sample_corrupted_version(x, noise, rng)  # 2
    denoising.steps.use_as_training_example(network, step, x, corrupted)  # 3

held_out = npae.datasets.make_gaussian_mixture(3000, rng=99)
points = noise.corrupt(held_out.data, 1)
log_p = mixture.log_density(points, sigma)
points = points[log_p > log_p.max() + np.log(0.05)]
exact, learnt = mixture.score(points, sigma), denoising.score_field(network, points, sigma)
cosine = ((exact * learnt).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(learnt, axis=1)).mean()
error = np.linalg.norm(learnt - exact) / np.linalg.norm(exact)
print(f"{len(points)} held-out points: mean cosine {cosine:.4f}, relative error {error:.1%}")
assert cosine > 0.98 and error < 0.15

# %%
edge = np.linspace(-1.9, 1.9, 61)
plane = np.stack(np.meshgrid(edge, edge), axis=-1).reshape(-1, 2)
shade = np.exp(mixture.log_density(plane, sigma)).reshape(61, 61)
grid = np.stack(np.meshgrid(*[np.linspace(-1.6, 1.6, 15)] * 2), axis=-1).reshape(-1, 2)
grid = grid[np.exp(mixture.log_density(grid, sigma)) > 0.02 * shade.max()]
fields = {"exact score": mixture.score(grid, sigma), "learnt": denoising.score_field(network, grid, sigma)}
display(generative.score_fields(fields, grid, (edge, shade), data=mixture.data[:400]))

# %% [markdown]
# ## Samples from a denoiser
#
# With a score one can walk: Langevin's steps
# $x \leftarrow x + \frac{\delta}{2}\,\text{score}(x) + \sqrt\delta\, \varepsilon$ settle in the density whose score it
# is, here the smoothed one. The energy distance measures how far samples are from the data; fresh samples of the
# smoothed density show what is possible.

# %%
start = rng.standard_normal((1500, 2))
chain = denoising.sample(network, start, noise, 300, rng=1, method="langevin")
fresh = noise.corrupt(npae.datasets.make_gaussian_mixture(1500, rng=5).data, 6)
ours, possible = (denoising.energy_distance(samples, held_out.data[:1500]) for samples in (chain[-1], fresh))
print(f"energy distance to held-out data: Langevin {ours:.4f}, fresh samples {possible:.4f}")
print(f"ours against one and a half times what is possible: {below(ours, 1.5 * possible)}")
display(generative.clouds({"start": start, "20 steps": chain[19], "300 steps": chain[-1], "fresh": fresh}, limit=3))

# %% [markdown]
# Corrupting and reconstructing in turn is a Markov chain as well (*walkback*): where reconstructions are drawn from
# the right distribution, its stationary distribution is that of the data. With the mean in place of a draw the chain
# climbs to the ridges: it moves as far up the score as Langevin's step of $2\sigma^2$ would, with half the noise.

# %%
walk = denoising.sample(network, start, npae.GaussianNoise(0.1), 100, rng=2)
drawn = denoising.sample(network, start, noise, 100, rng=2)
display(generative.clouds({"start": start, "walkback, noise 0.1": walk[-1], "walkback, noise 0.3": drawn[-1]}, limit=3))
spread = [np.abs(np.linalg.norm(samples, axis=1) - 1).mean() for samples in (walk[-1], chain[-1])]
print(f"mean distance to the unit circle: walkback by means {spread[0]:.3f}, Langevin {spread[1]:.3f}")
print(f"walkback stays nearer: {below(spread[0], spread[1])}")

# %% [markdown]
# ## Is denoising a contraction?
#
# As $\sigma \to 0$ the extra cost of denoising is a penalty on the reconstruction $r$:
#
# $$\frac{E\,\tfrac12\|r(x+\sigma\varepsilon) - x\|^2 - \tfrac12\|r(x) - x\|^2}{\sigma^2} \to
# \tfrac12\Big\|\frac{\partial r}{\partial x}\Big\|_F^2 + \tfrac12\,(r(x) - x)\cdot\Delta r(x).$$
#
# The first term is a contraction. The second has the Laplacian of $r$ and vanishes only where $r(x) = x$, or where $r$
# is linear. It is often left out. Measure both.

# %%
some, exactly = mixture.data[:300], network.astype(np.float64)
nodes, weights = np.polynomial.hermite_e.hermegauss(7)  # the mean over a normal variable, exactly enough
weights = np.outer(weights, weights) / weights.sum() ** 2


def loss(shift):
    """1/2 ||r(x + shift) - x||^2, mean over the samples."""
    return 0.5 * ((exactly.reconstruct(some + shift) - some) ** 2).sum(axis=1).mean()


limit, quotients = denoising.small_noise(exactly, some), {}
for s in (0.2, 0.1, 0.05, 0.02):
    expected = sum(weights[i, j] * loss(s * nodes[[i, j]]) for i in range(7) for j in range(7))
    quotients[s] = (expected - loss(0)) / s**2
    print(f"sigma {s:4.2f}: {quotients[s]:.4f}")
print(f"contraction {limit.contraction:.4f}, Laplacian term {limit.laplacian:+.4f}, together {limit.total:.4f}")
with_it, without = (abs(quotients[0.02] - each) for each in (limit.total, limit.contraction))
print(f"how far the quotient is from the limit with the Laplacian and without, five times over: "
      f"{below(5 * with_it, without)}")  # fmt: skip

# %% [markdown]
# **Where the two terms come from.** To second order
# $r(x + \sigma\varepsilon) - x = (r - x) + \sigma\, \varepsilon J_r^\top + \frac{\sigma^2}2 \varepsilon^\top H
# \varepsilon$, with the derivatives at $x$. Half its square, averaged over $\varepsilon$ with $E\varepsilon = 0$ and
# $E \varepsilon\varepsilon^\top = I$: the square of the middle term gives $\frac{\sigma^2}2 \|J_r\|_F^2$, and the
# first term times the last $\frac{\sigma^2}2 (r - x) \cdot \Delta r$, of the same order. For the network of above, one
# hidden tanh layer after the other, Jacobian and Laplacian by hand: in the coordinate $x_i$ every layer has a value, a
# first and a second derivative, $(a, a', a'') \to (\tanh a, s a', s a'' - 2 h s\, a'^2)$ with $s = 1 - h^2$.

# %%
layers = [*exactly.encoder.layers, *exactly.decoder.layers]

# %%
# derived: Jacobian and Laplacian of the reconstruction, coordinate by coordinate
contraction = laplacian = 0
for i in range(2):
    h, first, second = some, np.eye(2)[i] + 0 * some, 0 * some
    for layer in layers:
        h, first, second = h @ layer.W + layer.b, first @ layer.W, second @ layer.W
        if layer is not layers[-1]:
            h, s = np.tanh(h), 1 - np.tanh(h) ** 2
            first, second = s * first, s * second - 2 * h * s * first**2
    contraction, laplacian = contraction + 0.5 * (first**2).sum(), laplacian + 0.5 * ((h - some) * second).sum()
same(contraction / len(some), limit.contraction)
print(f"the Laplacian term by hand and by the package: {same(laplacian / len(some), limit.laplacian):.0e} apart")

# %% [markdown]
# ## Questions
#
# Answers, with the code that checks them, are in `solutions/lesson_07.py`.
#
# 1. Why is the learnt field of lesson 4 not the score of the *clean* data? What becomes of that score for points on a
#    thin curve?
# 2. Where is the learnt score bad, and why does the number above not say so?
# 3. The three steps never evaluate a density. Where did the information about it come from?
# 4. Let $\sigma$ be 0.1, 0.2, 0.5 for the mixture. How does the error of the score change, and what has the factor
#    $1/\sigma^2$ in front of the network's error to do with it?
# 5. Masking noise instead of Gaussian: which linear map is best? Find it by least squares on draws, and beside
#    `denoising.linear_denoiser(X, npae.MaskingNoise(0.3))`.
# 6. In walkback, draw the reconstruction from $N(r(\tilde x), v)$ with the conditional mean $r$ of Gaussian data. For
#    which $v$ has the chain the spread of the data?
#
# ## Sources
#
# * I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*](https://www.deeplearningbook.org), MIT Press 2016,
#   [sections 14.5 and 20.11](https://www.deeplearningbook.org/contents/autoencoders.html).
# * P. Vincent, [A connection between score matching and denoising autoencoders](https://doi.org/10.1162/NECO_a_00142),
#   *Neural Computation* 23, 2011.
# * G. Alain, Y. Bengio, [What regularized auto-encoders learn from the data-generating
#   distribution](https://www.jmlr.org/papers/v15/alain14a.html), JMLR 15, 2014: the limit of little noise.
# * Y. Bengio et al., [Generalized denoising auto-encoders as generative models](https://arxiv.org/abs/1305.6663), NIPS
#   2013: walkback.
# * C. Bishop, [Training with noise is equivalent to Tikhonov
#   regularization](https://doi.org/10.1162/neco.1995.7.1.108), *Neural Computation* 7, 1995: the Laplacian term.
# * Y. Song, S. Ermon, [Generative modeling by estimating gradients of the data
#   distribution](https://arxiv.org/abs/1907.05600), NeurIPS 2019: Langevin steps with learnt scores.
