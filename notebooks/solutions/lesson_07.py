# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---


# %% [markdown]
# # Answers to lesson 7
#
# Each is given in words and formulas, then in code that asserts it.

# %%
import numpy as np

import npae
from npae import denoising
from npae.experiments.claims import below, same

rng = np.random.default_rng(0)
mixture = npae.datasets.make_gaussian_mixture(20_000, rng=0)
data = mixture.data.astype(np.float32)


def denoiser(sigma, n_steps=1200):
    """The lesson's network of the plane, trained by the three steps."""
    rng = np.random.default_rng(0)
    encoder = [npae.Dense(2, 64, npae.Tanh(), rng=rng)]
    encoder[0].W *= 3
    encoder[0].b[:] = rng.uniform(-1, 1, 64)
    decoder = [npae.Dense(64, 64, npae.Tanh(), rng=rng), npae.Dense(64, 2, rng=rng)]
    network = npae.Network(encoder, decoder, dtype=np.float32)
    step, noise = npae.Adam(npae.Cosine(1e-2, n_steps)).start(network.theta), npae.GaussianNoise(sigma)
    for _ in range(n_steps):
        x = denoising.steps.sample_training_example(data, 500, rng)
        denoising.steps.use_as_training_example(
            network, step, x, denoising.steps.sample_corrupted_version(x, noise, rng)
        )
    return network


networks = {sigma: denoiser(sigma) for sigma in (0.1, 0.2, 0.3, 0.5)}
held_out = npae.datasets.make_gaussian_mixture(3000, rng=99).data

# %% [markdown]
# ## 1. Not the score of the clean data
#
# **Answer.** The network only ever sees noisy points, and $m(\tilde x) - \tilde x = \sigma^2 \nabla \log
# p_\sigma(\tilde x)$ is about *their* density. For points on a thin curve the score of the clean density has no limit:
# with the width $s$ across it, at the distance $s$, it is $-s/s^2 = -1/s$. The smoothed one stays below $1/\sigma$ or
# so, however thin the curve is.

# %%
points = npae.GaussianNoise(0.3).corrupt(held_out, 1)
learnt = denoising.score_field(networks[0.3], points, 0.3)
to_noisy, to_clean = (np.linalg.norm(learnt - mixture.score(points, s)) / np.linalg.norm(learnt) for s in (0.3, 0.0))
print(f"distance of the learnt score to the noisy density's against the clean one's: {below(to_noisy, to_clean)}")
for s in (0.1, 0.01, 0.001):
    across = npae.datasets.GaussianDensity(np.zeros(2), np.diag([1.0, s**2]))
    clean, noisy = (np.abs(across.score(np.array([[0.0, s]]), sigma)).max() for sigma in (0.0, 0.3))
    print(f"width {s}: score at one width from the curve {clean:.0f}, smoothed {noisy:.2f}")
    same(clean, 1 / s)
    assert noisy < 1 / 0.3

# %% [markdown]
# ## 2. Where the learnt score is bad
#
# **Answer.** Where there were few training points: far outside of the Gaussians its error is many times that within.
# The number in the lesson is taken at points of the noisy data with the rarest left out, which lie where the data lie;
# it weighs errors by the density, as training does.

# %%
grid = np.stack(np.meshgrid(*[np.linspace(-3, 3, 41)] * 2), axis=-1).reshape(-1, 2)
log_p = mixture.log_density(grid, 0.3)
found = {}
for name, where in {"within": log_p > log_p.max() - 2, "far": log_p < log_p.max() - 8}.items():
    exact, ours = mixture.score(grid[where], 0.3), denoising.score_field(networks[0.3], grid[where], 0.3)
    found[name] = np.linalg.norm(ours - exact, axis=1).mean()
    print(f"{name}: {where.sum()} grid points, mean error of the score {found[name]:.2f}")
print(f"within against far, twice over: {below(2 * found['within'], found['far'])}")

# %% [markdown]
# ## 3. Where the density comes from
#
# **Answer.** From how often training points lie where. At a noisy point $\tilde x$ the network cannot know which $x$ it
# came from; the squared error makes it answer with their mean, and more points in one direction draw the mean that way.
# For the training set itself, $N$ equal point masses, this can be written down,
#
# $$m(\tilde x) = \frac{\sum_n x_n\, e^{-\|\tilde x - x_n\|^2/2\sigma^2}}{\sum_n e^{-\|\tilde x - x_n\|^2/2\sigma^2}},$$
#
# and $(m - \tilde x)/\sigma^2$ is the score of the kernel density estimate $\frac1N \sum_n N(x_n, \sigma^2 I)$,
# exactly.

# %%
some, sigma, at = mixture.data[:300], 0.3, points[:50]
weights = np.exp(-((at[:, None] - some) ** 2).sum(axis=2) / (2 * sigma**2))
mean = weights @ some / weights.sum(axis=1, keepdims=True)


def log_kernel_density(x):
    """log sum_n exp(-|x - x_n|^2 / 2 sigma^2) summed over the points, up to a constant."""
    return np.log(np.exp(-((x[:, None] - some) ** 2).sum(axis=2) / (2 * sigma**2)).sum(axis=1)).sum()


by_steps = npae.gradcheck.numerical_gradient(log_kernel_density, at, method="complex")
print(f"(m - x~) / sigma^2 and the derivative of the log density: {same((mean - at) / sigma**2, by_steps):.0e} apart")
truth = mixture.score(at, sigma)
print(f"error of 300 points' own score: {np.linalg.norm((mean - at) / sigma**2 - truth) / np.linalg.norm(truth):.0%}")
assert np.corrcoef(((mean - at) / sigma**2).ravel(), truth.ravel())[0, 1] > 0.9

# %% [markdown]
# ## 4. Noise levels
#
# **Answer.** The score is $(r - x)/\sigma^2$: an error $\delta$ of the network is an error $\delta/\sigma^2$ of the
# score. The network's own error does not fall as $\sigma^2$ does, so small noise gives the worse score, though its
# target is nearer to the clean one. With much noise the score is easy, and says less about the data.

# %%
table = {}
for sigma, network in networks.items():
    points = npae.GaussianNoise(sigma).corrupt(held_out, 1)
    off = denoising.score_field(network, points, sigma) - mixture.score(points, sigma)
    table[sigma] = np.sqrt((off**2).sum(axis=1).mean())
    print(f"sigma {sigma}: error of the score {table[sigma]:.3f}, of the reconstruction {sigma**2 * table[sigma]:.4f}")
print(f"score: {below(table[0.5], table[0.2])}, {below(table[0.2], table[0.1])}")
quotient = 0.1**2 * table[0.1] / (0.5**2 * table[0.5])
print(
    f"a noise of 0.1 leaves {quotient:.2f} of the network's error with a noise of 0.5; the variances' quotient is 0.04"
)
assert quotient > 0.08

# %% [markdown]
# ## 5. Masking
#
# **Answer.** With $\tilde x = x \odot b$, $b_d$ zero with probability $p$, and $q = 1 - p$: $E[\tilde x] = q\,m$,
# $\mathrm{Cov}(\tilde x, x) = q\, S$, and $\mathrm{Cov}(\tilde x) = q^2 S + p q\, \mathrm{diag}(S_{dd} + m_d^2)$. The
# best affine map is $A = \mathrm{Cov}(\tilde x)^{-1} \mathrm{Cov}(\tilde x, x)$. Least squares on draws comes nearer as
# the draws become more.

# %%
X = rng.standard_normal((60, 4)) @ rng.standard_normal((4, 4)) + 1
p, m, S = 0.3, X.mean(axis=0), np.cov(X.T, bias=True)
A = np.linalg.solve((1 - p) ** 2 * S + p * (1 - p) * np.diag(np.diag(S) + m**2), (1 - p) * S)
theirs = denoising.linear_denoiser(X, npae.MaskingNoise(p)).A
print(f"by hand and by the package: {same(A, theirs, 1e-11):.0e} apart")
distance = {}
for draws in (10, 1000):
    clean = np.tile(X, (draws, 1))
    noisy = npae.MaskingNoise(p).corrupt(clean, 3)
    fitted = np.linalg.lstsq(np.column_stack([noisy, np.ones(len(noisy))]), clean, rcond=None)[0][:-1]
    distance[draws] = np.linalg.norm(fitted - theirs)
print(f"least squares, 1,000 draws a sample against 10, three times over: {below(3 * distance[1000], distance[10])}")

# %% [markdown]
# ## 6. How much to draw in walkback
#
# **Answer.** The posterior's variance. For $x \sim N(0, s^2)$ and noise $\sigma^2$, $x \mid \tilde x$ is Gaussian with
# mean $k \tilde x$, $k = \frac{s^2}{s^2 + \sigma^2}$, and variance $v = \frac{s^2 \sigma^2}{s^2 + \sigma^2}$. A turn of
# the chain takes the variance $\tau$ to $k^2 (\tau + \sigma^2) + v$, whose fixed point is $s^2$ for this $v$ and no
# other. With the mean instead of a draw, $v = 0$, it is $k^2 \sigma^2/(1 - k^2)$, too small.

# %%
s2, sigma2 = 1.7, 0.4
k, v = s2 / (s2 + sigma2), s2 * sigma2 / (s2 + sigma2)


def fixed_point(v):
    """The variance the chain ends with, by going round."""
    tau = 1.0
    for _ in range(2000):
        tau = k**2 * (tau + sigma2) + v
    return tau


same(fixed_point(v), s2, 1e-11)
same(fixed_point(0), k**2 * sigma2 / (1 - k**2), 1e-11)
chain = rng.standard_normal(20_000)
for _ in range(40):
    chain = k * (chain + sigma2**0.5 * rng.standard_normal(20_000)) + v**0.5 * rng.standard_normal(20_000)
print(f"variance of the data {s2}, of a simulated chain {chain.var():.3f}, with means only {fixed_point(0):.3f}")
assert abs(chain.var() / s2 - 1) < 0.05
