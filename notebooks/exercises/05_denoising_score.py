# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sheet 5. Denoising and the score
#
# **You will** write a corruption and the pass of a denoising autoencoder; derive the best denoiser of a Gaussian and of
# a mixture of Gaussians; read the score, the gradient of the log density, off a denoiser; and walk by it to where the
# data are.
#
# **You need** Gaussian conditional distributions; lesson 4 and sheet 1. **Time:** about two and a half hours.
#
# | question | points |
# |---|---|
# | 1. A corruption | 3 |
# | 2. The pass of a denoising autoencoder | 5 |
# | 3. The best linear denoiser | 3 |
# | 4. A score from a denoiser | 2 |
# | 5. The best denoiser of a mixture | 4 |
# | 6. A walk to the data | 3 |
#
# How a sheet works, and the conventions, are told at the beginning of sheet 1.

# %% nbgrader={"grade_id": "setup", "locked": true}
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.classroom import assert_no_loop, assert_value
from npae.gradcheck import check_gradient

# %% [markdown]
# ## 1. A corruption (3 points)
#
# Masking noise sets every entry of $x$ to zero with probability $p$, each on its own, and leaves the others as they
# are. A corruption of your own is an object with a method `corrupt(x, rng)` that returns a fresh array; all randomness
# comes out of the generator `rng`.


# %% nbgrader={"grade_id": "masking", "solution": true}
class Masking:
    """x~_nd = 0 with probability p, else x_nd."""

    def __init__(self, p):
        self.p = p

    def corrupt(self, x, rng):
        """A fresh x~ (N, D)."""
        ### BEGIN SOLUTION
        return np.where(rng.random(x.shape) < self.p, 0, x)
        ### END SOLUTION


# %% nbgrader={"grade_id": "masking-check", "grade": true, "points": 3}
x = np.random.default_rng(1).uniform(1, 2, (400, 50))
before = x.copy()
noisy = Masking(0.3).corrupt(x, np.random.default_rng(2))
assert np.array_equal(x, before), "x itself was changed, expected a fresh array"
assert_value(np.shape(noisy), (400, 50), "shape of x~")
kept = noisy != 0
assert_value(noisy[kept], x[kept], "the entries that are not zero")
one_mask = "the same entries are zero in every sample, expected each entry of x to be drawn on its own"
assert not np.isin(kept.mean(axis=0), (0, 1)).any(), one_mask
assert not np.isin(kept.mean(axis=1), (0, 1)).any(), "whole samples are zero, expected single entries"
assert abs(kept.mean() - 0.3) > 0.02, "the fraction p is kept, expected p to be the probability of a zero"
assert_value(kept.mean(), 0.7, "the fraction that is kept", atol=0.02)
again = Masking(0.3).corrupt(x, np.random.default_rng(2))
assert np.array_equal(again, noisy), "the same rng gave another x~: all randomness has to come out of rng"
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3)
assert not np.array_equal(Masking(0.3).corrupt(x, rng), Masking(0.3).corrupt(x, rng))
assert_value(Masking(0.0).corrupt(x, rng), x, "x~ for p = 0")
assert_value(Masking(1.0).corrupt(x, rng), 0 * x, "x~ for p = 1")
### END HIDDEN TESTS

# %% [markdown]
# ## 2. The pass of a denoising autoencoder (5 points)
#
# The network sees $\tilde x$ and is asked for $x$:
#
# $$h = \tanh(\tilde x W + b), \qquad \hat x = hV + c, \qquad J = \frac{1}{2N} \sum_n \|\hat x_n - x_n\|^2.$$


# %% nbgrader={"grade_id": "pass", "solution": true}
def value_and_gradient(p, x, noisy):
    """J and a dict of dW (D, K), db (K,), dV (K, D), dc (D,) under the keys of p, for clean x and noisy x~ (N, D)."""
    W, b, V, c = p["W"], p["b"], p["V"], p["c"]
    ### BEGIN SOLUTION
    h = np.tanh(noisy @ W + b)
    error = h @ V + c - x
    dxhat = error / len(x)
    da = dxhat @ V.T * (1 - h**2)
    gradient = {"W": noisy.T @ da, "b": da.sum(axis=0), "V": h.T @ dxhat, "c": dxhat.sum(axis=0)}
    return (error**2).sum() / (2 * len(x)), gradient
    ### END SOLUTION


# %% nbgrader={"grade_id": "pass-check", "grade": true, "points": 5}
rng = np.random.default_rng(2)
x = rng.standard_normal((7, 5))
noisy = x + 0.5 * rng.standard_normal((7, 5))
p = {name: rng.standard_normal(shape) for name, shape in (("W", (5, 4)), ("b", 4), ("V", (4, 5)), ("c", 5))}
encoder, decoder = npae.Dense(5, 4, npae.Tanh()), npae.Dense(4, 5)
encoder.W, encoder.b, decoder.W, decoder.b = p.values()
network = npae.Network([encoder], [decoder])
value, gradient = value_and_gradient(p, x, noisy)
known = {
    "the target is the noisy x~, expected the clean x": network.value(noisy),
    "the network sees the clean x, expected the noisy x~": network.value(x),
    "noisy and clean are exchanged": network.value(x, noisy),
}
assert_value(value, network.value(noisy, x), "J", sizes={"N": 7, "D": 5}, mistakes=known)
network.value_and_grad(noisy, x)
right = network.gradients["encoder.0.W"].copy()
encoder.forward(noisy)
encoder.x = x  # what a layer would do that remembers the wrong input
encoder.backward(decoder.backward(npae.SquaredError()(decoder.forward(encoder.h), x)[1]))
wrong = {"dW is built from the clean x, but what the layer saw is the noisy x~": encoder.dW}
assert_value(gradient["W"], right, "dW", sizes={"N": 7}, mistakes=wrong)
report = check_gradient(lambda p: value_and_gradient(p, x, noisy), p, n_samples=7)
assert report, report
assert_no_loop(lambda n: value_and_gradient(p, np.ones((n, 5)), np.zeros((n, 5))), "value_and_gradient")
### BEGIN HIDDEN TESTS
x, noisy = rng.standard_normal((2, 3, 6))
p = {name: rng.standard_normal(shape) for name, shape in (("W", (6, 6)), ("b", 6), ("V", (6, 6)), ("c", 6))}
report = check_gradient(lambda p: value_and_gradient(p, x, noisy), p, n_samples=3)
assert report, report
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The best linear denoiser (3 points)
#
# Data of mean zero with covariance $S = \mathbb E[x^\top x]$ (rows!) are corrupted by
# $\tilde x = x + \sigma\varepsilon$, $\varepsilon \sim \mathcal N(0, I)$. Find the matrix $A$ $(D, D)$ that minimizes
# $\mathbb E\,\|\tilde x A - x\|^2$. For Gaussian data nothing does better, linear or not.


# %% nbgrader={"grade_id": "linear", "solution": true}
def best_linear(S, sigma):
    """A (D, D) for a covariance S (D, D) and noise of standard deviation sigma."""
    ### BEGIN SOLUTION
    return np.linalg.solve(S + sigma**2 * np.eye(len(S)), S)
    ### END SOLUTION


# %% nbgrader={"grade_id": "linear-check", "grade": true, "points": 3}
# 40 samples whose data have the covariance S exactly, and whose noise has sigma^2 I and no correlation with them
rng = np.random.default_rng(3)
Q = np.linalg.qr(rng.standard_normal((40, 8)))[0] * 40**0.5
x, noise = Q[:, :4] @ rng.standard_normal((4, 4)), 0.6 * Q[:, 4:]
S = x.T @ x / 40
A = best_linear(S, 0.6)
assert_value(np.shape(A), (4, 4), "shape of A")
expected = np.linalg.lstsq(x + noise, x, rcond=None)[0]
known = {
    "sigma stands where its square belongs": np.linalg.lstsq(x + noise / 0.6**0.5, x, rcond=None)[0],
    "this is the map from clean to clean": np.eye(4),
    "this maps the noisy x~ to the noise, not to x": np.eye(4) - expected,
}
assert_value(A, expected, "A", mistakes=known)
### BEGIN HIDDEN TESTS
assert_value(best_linear(np.diag([4.0, 1.0, 0.0]), 1.0), np.diag([0.8, 0.5, 0.0]), "A of a diagonal S")
### END HIDDEN TESTS

# %% [markdown]
# ## 4. A score from a denoiser (2 points)
#
# Let $r(\tilde x) = \mathbb E[x \mid \tilde x]$ be the best denoiser for noise of deviation $\sigma$, and $p_\sigma$
# the density of the noisy data. Show on paper that
#
# $$\nabla \log p_\sigma(x) = \frac{r(x) - x}{\sigma^2}$$
#
# (differentiate $p_\sigma(\tilde x) = \int p(x)\, \mathcal N(\tilde x; x, \sigma^2 I)\, dx$), and write it for any
# denoiser.


# %% nbgrader={"grade_id": "score", "solution": true}
def score_from(denoise, x, sigma):
    """The score at x (N, D), by a function denoise(x) -> (N, D)."""
    ### BEGIN SOLUTION
    return (denoise(x) - x) / sigma**2
    ### END SOLUTION


# %% nbgrader={"grade_id": "score-check", "grade": true, "points": 2}
gaussian = npae.datasets.make_gaussian_mixture(10, means=[[1.0, -2.0]], std=0.8, rng=0)


def shrink(x):  # the best denoiser of this Gaussian for sigma = 0.5
    return np.array([1.0, -2.0]) + (x - np.array([1.0, -2.0])) * 0.8**2 / (0.8**2 + 0.5**2)


x, exact = gaussian.data, gaussian.score(gaussian.data, 0.5)
known = {
    "divided by sigma, expected its square": exact * 0.5,
    "multiplied by sigma^2, expected divided": exact * 0.5**4,
}
assert_value(score_from(shrink, x, 0.5), exact, "score", mistakes=known)
### BEGIN HIDDEN TESTS
assert_value(score_from(lambda x: 0 * x, x, 3.0), -x / 9, "score by a denoiser that answers 0")
### END HIDDEN TESTS

# %% [markdown]
# ## 5. The best denoiser of a mixture (4 points)
#
# $x$ comes from one of $M$ Gaussians of equal weight, $\mathcal N(\mu_m, s^2 I)$, and
# $\tilde x = x + \sigma\varepsilon$. Two steps lead to $r(\tilde x) = \mathbb E[x \mid \tilde x]$: how probable is
# component $m$ given $\tilde x$, and what is the mean of $x$ given $\tilde x$ **and** $m$? Far from all means every
# density underflows to zero, and $0/0$ is no number: subtract the largest exponent before you exponentiate.


# %% nbgrader={"grade_id": "mixture", "solution": true}
def denoise_mixture(noisy, means, s, sigma):
    """E[x | x~] (N, D), for x~ (N, D) and means (M, D)."""
    ### BEGIN SOLUTION
    total = s**2 + sigma**2
    log_p = -((noisy[:, None, :] - means) ** 2).sum(axis=2) / (2 * total)
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    return s**2 / total * noisy + sigma**2 / total * (p @ means)
    ### END SOLUTION


# %% nbgrader={"grade_id": "mixture-check", "grade": true, "points": 4}
means = np.array([[1.0, 0.0], [-1.0, 0.5], [0.0, -1.5]])
mixture = npae.datasets.make_gaussian_mixture(20, means=means, std=0.3, rng=1)
x = mixture.data + 0.4 * np.random.default_rng(5).standard_normal((20, 2))
one = npae.datasets.make_gaussian_mixture(1, means=[[0.4, -0.2]], std=0.3, rng=1)
got = denoise_mixture(x, np.array([[0.4, -0.2]]), 0.3, 0.4)
swapped = {"s and sigma are exchanged": x + 0.3**2 * one.score(x, 0.4)}
assert_value(got, x + 0.4**2 * one.score(x, 0.4), "the mean for one component", mistakes=swapped)
clean = npae.datasets.make_gaussian_mixture(1, means=means, std=0.3, rng=1)
p_narrow = clean.score(x) * 0.3**2 + x  # sum_m p_m means_m, with the p_m of the density without noise
narrow = 0.3**2 / 0.25 * x + 0.4**2 / 0.25 * p_narrow
known = {"the probabilities of m are those of a clean x: x~ has the variance s^2 + sigma^2": narrow}
assert_value(denoise_mixture(x, means, 0.3, 0.4), x + 0.4**2 * mixture.score(x, 0.4), "the mean", mistakes=known)
far = np.array([[60.0, 0.0], [0.0, -80.0]])
with np.errstate(all="ignore"):
    got = denoise_mixture(far, means, 0.3, 0.4)
assert_value(got, far + 0.4**2 * mixture.score(far, 0.4), "the mean far away")
assert_no_loop(lambda n: denoise_mixture(np.ones((n, 2)), means, 0.3, 0.4), "denoise_mixture")
### BEGIN HIDDEN TESTS
means = np.random.default_rng(6).standard_normal((5, 3))
x = np.random.default_rng(7).standard_normal((9, 3))
exact = npae.datasets.make_gaussian_mixture(1, means=means, std=0.7).score
assert_value(denoise_mixture(x, means, 0.7, 0.2), x + 0.04 * exact(x, 0.2), "the mean in three dimensions")
### END HIDDEN TESTS

# %% [markdown]
# ## 6. A walk to the data (3 points)
#
# A score tells the way up to where the data are; with noise on top, the way goes on for ever and visits places as often
# as the density asks for. With steps of length $\eta$ (Langevin's dynamics):
#
# $$x_{t+1} = x_t + \eta\, \nabla \log p(x_t) + \sqrt{2\eta}\; \varepsilon_t, \qquad
# \varepsilon_t \sim \mathcal N(0, I).$$
#
# (Lesson 7 counts steps by $\delta = 2\eta$.) Draw $\varepsilon_t$ by `rng.standard_normal(x.shape)`, once a step, and
# return all points of the walk, the first included.


# %% nbgrader={"grade_id": "langevin", "solution": true}
def langevin(score, x, eta, n_steps, rng):
    """The path (n_steps + 1, N, D) from x (N, D), its first point; score is a function (N, D) -> (N, D)."""
    ### BEGIN SOLUTION
    path = [x]
    for _ in range(n_steps):
        x = x + eta * score(x) + np.sqrt(2 * eta) * rng.standard_normal(x.shape)
        path.append(x)
    return np.array(path)
    ### END SOLUTION


# %% nbgrader={"grade_id": "langevin-check", "grade": true, "points": 3}
def towards_zero(x):
    return -x


x = np.random.default_rng(8).standard_normal((6, 2))
before = x.copy()
path = langevin(towards_zero, x, 0.02, 3, np.random.default_rng(9))
assert np.array_equal(x, before), "x itself was changed, expected it as it was"
assert_value(np.shape(path), (4, 6, 2), "shape of the path", mistakes={"the first point is to be x itself": (3, 6, 2)})
assert not np.array_equal(path[1], path[2]), "all points of the path are one array that was changed in place"
noise = np.random.default_rng(9).standard_normal((6, 2))
known = {
    "the step goes downhill": 1.02 * x + 0.2 * noise,
    "the noise has the factor 2 eta, expected its root": 0.98 * x + 0.04 * noise,
    "the noise has the factor sqrt(eta), expected sqrt(2 eta)": 0.98 * x + 0.02**0.5 * noise,
    "there is no noise": 0.98 * x,
}
assert_value(path[0], x, "the first point")
assert_value(path[1], 0.98 * x + 0.2 * noise, "the second point", mistakes=known)
### BEGIN HIDDEN TESTS
path = langevin(towards_zero, np.full((500, 1), 5.0), 0.05, 200, np.random.default_rng(10))
assert_value(path[100:].var(), 1.0, "the variance of a long walk", atol=0.1)
### END HIDDEN TESTS

# %% [markdown]
# ## Look at the result
#
# A denoising autoencoder learns points around eight centres from noise of $\sigma = 0.2$; nobody tells it a density.
# What it has learnt is held against the exact score, and against your denoiser.

# %%
mixture = npae.datasets.make_gaussian_mixture(2000, means=8, std=0.1, rng=0)
sigma = 0.2
dae = npae.Autoencoder(
    64,
    hidden_layer_sizes=(64,),
    activation="tanh",
    corruption=npae.GaussianNoise(sigma),
    optimizer=npae.Adam(0.01),
    max_iter=60,
    tol=0,
    random_state=0,
).fit(mixture.data)
centres = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)
noisy = mixture.data + sigma * np.random.default_rng(11).standard_normal(mixture.data.shape)
for name, r in {
    "the autoencoder": dae.reconstruct,
    "your denoiser": lambda x: denoise_mixture(x, centres, 0.1, sigma),
    "no denoiser": lambda x: x,
}.items():
    print(f"{name}: mean of ||x^ - x||^2 is {((r(noisy) - mixture.data) ** 2).sum(axis=1).mean():.4f}")

# %%
grid = np.stack(np.meshgrid(np.linspace(-1.6, 1.6, 17), np.linspace(-1.6, 1.6, 17)), axis=-1).reshape(-1, 2)
fields = {"read off the autoencoder": score_from(dae.reconstruct, grid, sigma), "exact": mixture.score(grid, sigma)}
figure, axes = plots.new_axes(9, 4.6, 1, 2)
for axis, (name, field) in zip(axes, fields.items(), strict=True):
    axis.scatter(*mixture.data[::4].T, s=3, color="0.7")
    axis.quiver(*grid.T, *field.T, angles="xy", width=0.003)
    axis.set(title=f"score, {name}", aspect="equal", xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))
display(figure)
rng = np.random.default_rng(12)
path = langevin(lambda x: score_from(dae.reconstruct, x, sigma), np.zeros((400, 2)), 0.004, 200, rng)
figure, axes = plots.new_axes(9, 3.2, 1, 3)
for axis, t in zip(axes, (10, 50, 200), strict=True):
    axis.scatter(*path[t].T, s=4, color="black")
    axis.set(title=f"after {t} steps", aspect="equal", xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))
display(figure)

# %%
digits = npae.datasets.load_digits().data[np.random.default_rng(13).permutation(1797)]
dae = npae.Autoencoder(
    128, corruption=Masking(0.4), loss="bernoulli", optimizer=npae.Adam(0.01), max_iter=30, random_state=0
).fit(digits[:1500])
noisy = Masking(0.4).corrupt(digits[1500:1512], np.random.default_rng(14))
display(plots.image_rows({"digits": digits[1500:1512], "your masking": noisy, "x^": dae.reconstruct(noisy)}, (8, 8)))

# %% [markdown]
# **To think about.** The walk samples $p_\sigma$, not $p$: what do you see of that in the last picture of it, and what
# would a smaller $\sigma$ cost? How far from the data can the field that was read off the autoencoder be trusted, and
# why does what it says farther out hardly change $J$?
