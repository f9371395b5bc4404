# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---


# %% [markdown]
# # Answers to lesson 10
#
# Each is given in words and formulas, then in code that asserts it.

# %%
import numpy as np

import npae
from npae.experiments.claims import below, same
from npae.experiments.family import error
from npae.experiments.generative import dequantized
from npae.objective.distributions import Categorical, ContinuousBernoulli, Gaussian, Laplace

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. No greatest likelihood
#
# **Answer.** If $a = x$ on the training data, $L = \frac12 \sum_d (s_d + \log 2\pi)$ has no residual to hold $s$, and
# falls without limit as $s \to -\infty$: each factor of ten in the variance gains $\frac D2 \log 10$ nats. There is no
# greatest likelihood. Noise in the code (a variational autoencoder), a floor under the variance or one shared variance
# prevent it; held-out data show it, where a small variance makes any residual costly.

# %%
x = rng.standard_normal((20, 4))
nats = [
    Gaussian("samples").log_likelihood(np.hstack([x, np.full_like(x, np.log(v))]), x).mean()
    for v in 10.0 ** -np.arange(6)
]
print("nats for v = 1, 0.1, ... on data learnt by heart:", np.round(nats, 2))
same(np.diff(nats), np.full(5, 4 / 2 * np.log(10)))
held_out = [Gaussian(v).log_likelihood(x, x + 0.1 * rng.standard_normal(x.shape)).mean() for v in (1e-2, 1e-5)]
print(f"held out, v = 1e-5 against 1e-2: {below(held_out[1], held_out[0])}")

# %% [markdown]
# ## 2. Wild values
#
# **Answer.** Laplace. The best constant under a Gaussian is the mean, for $\sum_n (a - x_n) = 0$; under Laplace the
# median, where as many are above as below, $\sum_n \mathrm{sign}(a - x_n) = 0$. One wild value moves a mean by its size
# over $N$, a median hardly. Without wild values the mean is better, by a quarter in the deviation.

# %%
sample = rng.standard_normal((101, 1))
_, at_mean = npae.SquaredError()(np.full_like(sample, sample.mean()), sample)
_, at_median = Laplace(1.0)(np.full_like(sample, np.median(sample)), sample)
print(f"derivatives at mean and median: {at_mean.sum():.0e}, {at_median.sum():.0e}")
assert abs(at_mean.sum()) < 1e-14 and abs(at_median.sum()) < 1e-14
clean = rng.standard_normal((2000, 100))
wild = clean + 50 * rng.standard_normal(clean.shape) * (rng.random(clean.shape) < 0.01)
off = {
    (name, kind): np.sqrt((estimate(values, axis=1) ** 2).mean())
    for name, values in {"clean": clean, "wild": wild}.items()
    for kind, estimate in {"mean": np.mean, "median": np.median}.items()
}
print(f"wild: median against mean {below(off['wild', 'median'], off['wild', 'mean'])}")
print(f"clean: mean against median {below(off['clean', 'mean'], off['clean', 'median'])}")

# %% [markdown]
# ## 3. Far on the wrong side
#
# **Answer.** Cross entropy: $\sigma(a) - x = -0.99995$. Squared error: $(p - x)\, p\, (1 - p) = -4.5 \cdot 10^{-5}$.
# The second hardly moves a unit that is as wrong as can be.

# %%
a, ink = np.array([[-10.0]]), np.ones((1, 1))
_, da = npae.BernoulliCrossEntropy()(a, ink)
p = 1 / (1 + np.exp(-a))
squared = (p - ink) * p * (1 - p)
by_steps = npae.gradcheck.numerical_gradient(
    lambda a: (0.5 * (1 / (1 + np.exp(-a)) - ink) ** 2).sum(), a, method="complex"
)
print(
    f"cross entropy {da.item():.5f}, squared error {squared.item():.2e}, by steps {same(squared, by_steps):.0e} apart"
)
assert abs(da.item()) > 1e4 * abs(squared.item())

# %% [markdown]
# ## 4. Categorical
#
# **Answer.** $L = -\sum_c x_c \log p_c$ with $\log p_c = a_c - \log \sum_b e^{a_b}$. Since $\sum_c x_c = 1$,
# $L = \log \sum_b e^{a_b} - \sum_c x_c a_c$ and $\partial L/\partial a_c = p_c - x_c$. For two classes
# $p_1 = \sigma(a_1 - a_2)$: a Bernoulli whose logit is the difference.

# %%
a, N = rng.standard_normal((8, 6)), 8  # two groups of three
classes = np.eye(3)[rng.integers(3, size=(8, 2))].reshape(8, 6)
groups = a.reshape(8, 2, 3)
p = np.exp(groups) / np.exp(groups).sum(axis=2, keepdims=True)
value, da = Categorical(3)(a, classes)
same(-(classes * np.log(p.reshape(8, 6))).sum() / N, value)
print(f"da by hand and by the package: {same((p.reshape(8, 6) - classes) / N, da):.0e} apart")
two, first = rng.standard_normal((8, 2)), rng.integers(2, size=(8, 1)).astype(float)
bernoulli = npae.BernoulliCrossEntropy()(two[:, :1] - two[:, 1:], first)[0]
print(
    f"two classes and a Bernoulli: {same(Categorical(2)(two, np.hstack([first, 1 - first]))[0], bernoulli):.0e} apart"
)
assert bernoulli > 0

# %% [markdown]
# ## 5. Cross entropy on grey values, read as a continuous Bernoulli
#
# **Answer.** It was trained to have $\sigma(a)$ near $x$, and the same $a$ means another distribution here, whose mean
# $m(a)$ is nearer to $\frac12$. The likelihood is lower by a quarter or more; as a mean, $\sigma(a)$ is the right
# reading of the network and far better than $m(a)$.

# %%
digits = npae.datasets.load_digits()
order = rng.permutation(len(digits))
images = dequantized(digits.data, rng=1).astype(np.float32)
X, X_test = images[order[450:]], images[order[:450]]


def train(loss):
    """The lesson's autoencoder, 50 epochs."""
    return npae.Autoencoder(
        16, loss=loss, hidden_layer_sizes=(64,), activation=("relu", "identity"), max_iter=50, n_iter_no_change=50,
        optimizer=npae.Adam(npae.Cosine(5e-3, 50 * 11)), random_state=0,
    ).fit(X)  # fmt: skip


outputs = {}
for name in ("bernoulli", "continuous_bernoulli"):
    network = train(name).network_
    outputs[name] = network.decoder(network.encoder(X_test))
nats = {name: float(ContinuousBernoulli().log_likelihood(a, X_test).mean()) for name, a in outputs.items()}
print(f"nats an image: {below(1.25 * nats['bernoulli'], nats['continuous_bernoulli'])}, the first by a quarter more")
a = outputs["bernoulli"]
means = {"sigmoid": npae.BernoulliCrossEntropy().mean(a), "m(a)": ContinuousBernoulli().mean(a)}
print(f"squared error of its means: {below(error(means['sigmoid'], X_test), error(means['m(a)'], X_test))}")

# %% [markdown]
# ## 6. The variance of $p_{reconstruct}$
#
# **Answer.** The squared error's distribution is $N(r(\tilde x), I)$ whatever the data are; $r$ can become the
# conditional mean, the variance stays 1. For $x \sim N(0, S)$ the right one is
#
# $$\mathrm{Cov}(x \mid \tilde x) = S - S (S + \sigma^2 I)^{-1} S = \sigma^2 (S + \sigma^2 I)^{-1} S,$$
#
# along an eigenvector $\frac{\sigma^2 s}{s + \sigma^2}$, below $\sigma^2$ and below $s$. It is also the mean squared
# residual of the best denoiser, which is what a learnt variance would find.

# %%
B = rng.standard_normal((5, 5))
S, sigma = B.T @ B, 0.6
A = np.linalg.solve(S + sigma**2 * np.eye(5), S)
posterior = S - S @ np.linalg.solve(S + sigma**2 * np.eye(5), S)
residual = (np.eye(5) - A).T @ S @ (np.eye(5) - A) + sigma**2 * A.T @ A
print(f"posterior and residual covariance: {same(posterior, residual, 1e-11):.0e} apart, "
      f"from sigma^2 A {same(posterior, sigma**2 * A, 1e-11):.0e}")  # fmt: skip
s = np.linalg.eigvalsh(S)
same(np.linalg.eigvalsh(posterior), np.sort(sigma**2 * s / (s + sigma**2)), 1e-10)
print(f"its variances: {np.linalg.eigvalsh(posterior).round(3)}, all below sigma^2 = {sigma**2:.2f}, none 1")
assert np.linalg.eigvalsh(posterior).max() < sigma**2
