# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10. The reconstruction distribution
#
# A loss says how bad a copy is. Where does it come from? Let the decoder put out not a copy but a distribution,
# $p(x \mid h)$, with parameters $a = g(h)$, and ask that the input be probable under it:
#
# $$L(x, a) = -\log p(x \mid a).$$
#
# Every choice of a distribution is a loss, and most losses are such a choice, made in silence. A denoising autoencoder
# is then an estimate of $p_{reconstruct}(x \mid \tilde x)$, a variational one has $L$ for one half of its objective,
# and the outputs of either can be drawn from. This lesson derives four distributions, and asks which of them fits grey
# pixels.
#
# **You need:** lesson 1; densities, logarithms, the Gaussian and the Bernoulli distribution.
#
# **You will learn:** that the squared error is a Gaussian log-likelihood and the cross entropy a Bernoulli one, with
# which constants and which gradients; what a learnt variance does; why the cross entropy of grey values is no
# likelihood, and what is; how draws from $p(x \mid h)$ differ from its mean.
#
# **Time:** an hour; the computer needs about 8 seconds.

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
from math import erf

import numpy as np

import npae
from npae import plots
from npae.denoising import energy_distance
from npae.experiments.claims import below, same
from npae.experiments.family import error
from npae.experiments.generative import dequantized
from npae.objective.distributions import ContinuousBernoulli, Gaussian, Laplace
from npae.plots.lessons import grouped_bars, histograms, lines

rng = np.random.default_rng(0)

# %% [markdown]
# ## The squared error is a Gaussian
#
# With $p(x \mid a) = N(x; a, I)$, for $D$ features, $-\log p(x \mid a) = \frac12 \|x - a\|^2 + \frac D2 \log 2\pi$. The
# constant moves no gradient, so whoever minimizes the squared error maximizes the likelihood of a Gaussian of variance
# **one**. That is a strong statement about grey levels between 0 and 1. With a variance $v = e^s$ that is given or
# learnt,
#
# | forward | backward | in NumPy |
# |---|---|---|
# | $L = \frac1{2N} \sum [(x - a)^2 e^{-s} + s + \log 2\pi]$ | $da = (a - x)\, e^{-s}/N$ | `(a - x) * np.exp(-s) / N` |
# | | $ds = \frac1{2N} \big(1 - (x - a)^2 e^{-s}\big)$ | `(1 - (a - x)**2 * np.exp(-s)) / (2 * N)` |
#
# A log variance $s$ is learnt, not $v$: it may be any number, and $v$ stays positive.

# %%
N, D = 6, 5
a, s = rng.standard_normal((2, N, D))
x = rng.standard_normal((N, D))

# %%
# derived: a Gaussian of unit variance, and one whose variance is an output
L, da = npae.SquaredError()(a, x)
same(0.5 * ((a - x) ** 2).sum() / N, L)
same(-0.5 * ((a - x) ** 2 + np.log(2 * np.pi)).sum(axis=1), npae.SquaredError().log_likelihood(a, x))
same((a - x) / N, da)
L, d = Gaussian("samples")(np.hstack([a, s]), x)  # a beside s, (N, 2 D)
v = np.exp(s)
same(0.5 * ((a - x) ** 2 / v + s + np.log(2 * np.pi)).sum() / N, L)
apart = same(np.hstack([(a - x) / v, (1 - (a - x) ** 2 / v) / 2]) / N, d)
print(f"da and ds by hand and by the package: {apart:.0e} apart")

# %% [markdown]
# **What a learnt variance does.** Let $v$ be one number for all. $ds = 0$ says that $v$ is the mean squared residual,
# $v = \frac1{ND} \sum_{nd} (x - a)^2$. Put in, the first term of $L$ is $\frac D2$, whatever the residuals are, and
#
# $$\min_v L = \tfrac D2 \big(\log v + 1 + \log 2\pi\big):$$
#
# the *logarithm* of the squared error is what is minimized. To halve a small error is then worth as much as to halve a
# large one.

# %%
# derived: the best shared variance, and the likelihood it leaves
v = ((x - a) ** 2).mean()
value, d = Gaussian("shared")(np.hstack([a, np.full((N, D), np.log(v))]), x)
same(D / 2 * (np.log(v) + 1 + np.log(2 * np.pi)), value)
print(f"the derivative by s at the mean squared residual: {d[:, D:].sum():.0e}")
assert abs(d[:, D:].sum()) < 1e-14 and same(Gaussian(v)(a, x)[0], value) < 1e-12

# %% [markdown]
# ## The cross entropy is a Bernoulli
#
# A pixel that is empty or ink, $x \in \{0, 1\}$, is ink with some probability $p = \sigma(a)$; $a$ is called its
# logit. $\log p(x \mid a) = x \log p + (1 - x) \log(1 - p)$, and with $\log p = a - \log(1 + e^a)$ and
# $\log (1 - p) = -\log(1 + e^a)$ this is linear in $x$:
#
# | forward | backward | in NumPy |
# |---|---|---|
# | $L = \frac1N \sum_{nd} \log(1 + e^a) - x a$ | $da = (\sigma(a) - x)/N$ | `(1 / (1 + np.exp(-a)) - x) / N` |
#
# The slope of the sigmoid has cancelled: the derivative is the difference of output and target, as for the squared
# error with a linear output. (Squared error behind a sigmoid keeps the slope $p (1 - p)$, and where $p$ is wrong and
# near 0 or 1, next to no gradient is left.)

# %%
bits = (rng.random((N, D)) < 0.5).astype(float)

# %%
# derived: Bernoulli from logits
p = 1 / (1 + np.exp(-a))
L, da = npae.BernoulliCrossEntropy()(a, bits)
same(-(bits * np.log(p) + (1 - bits) * np.log(1 - p)).sum() / N, L)
same((np.log(1 + np.exp(a)) - bits * a).sum() / N, L)
print(f"da by hand and by the package: {same((p - bits) / N, da):.0e} apart")
one_pixel = npae.BernoulliCrossEntropy().log_likelihood(a[:, :1], np.zeros((N, 1)))
other = npae.BernoulliCrossEntropy().log_likelihood(a[:, :1], np.ones((N, 1)))
print(f"empty and ink together have the probability 1, up to {same(np.exp(one_pixel) + np.exp(other), np.ones(N)):.0e}")

# %% [markdown]
# ## Grey values: what the cross entropy is a likelihood of
#
# The same $L$ is often taken for grey values $x \in [0, 1]$. It is a fine measure of distance, with its minimum at
# $\sigma(a) = x$. But it is no likelihood, for $e^{-L}$ over $[0, 1]$ has not the integral 1 but
#
# $$\int_0^1 \frac{e^{xa}}{1 + e^a}\, dx = \frac{e^a - 1}{a (1 + e^a)} = \frac{\tanh(a/2)}{a},$$
#
# one half at $a = 0$, less elsewhere. Divided by it, $p(x \mid a) = a\, e^{ax} / (e^a - 1)$, the *continuous Bernoulli*
# distribution, and
#
# | forward | backward |
# |---|---|
# | $L = \frac1N \sum_{nd} \log\frac{e^a - 1}{a} - x a$ | $da = (m(a) - x)/N$, $m(a) = \frac{e^a}{e^a - 1} - \frac1a$ |
#
# where $m(a)$, the derivative of the first term, is the mean $E[x \mid a]$. It is not $\sigma(a)$.

# %%
grey = rng.random((N, D))
nodes, weights = np.polynomial.legendre.leggauss(40)
nodes, weights = (nodes + 1) / 2, weights / 2  # Gauss's quadrature on [0, 1]

# %%
# derived: the continuous Bernoulli, its integral and its mean
L, da = ContinuousBernoulli()(a, grey)
same((np.log((np.exp(a) - 1) / a) - grey * a).sum() / N, L)
m = np.exp(a) / (np.exp(a) - 1) - 1 / a
same((m - grey) / N, da)
density = np.exp(a[..., None] * nodes) / (1 + np.exp(a[..., None]))  # what exp(-cross entropy) is
same(density @ weights, np.tanh(a / 2) / a)
proper = a[..., None] * np.exp(a[..., None] * nodes) / (np.exp(a[..., None]) - 1)
same(proper @ weights, np.ones((N, D)))
apart = same(proper * nodes @ weights, ContinuousBernoulli().mean(a))
print(f"the mean by integral and by the package: {apart:.0e} apart")

# %%
at = np.linspace(-12, 12, 200)
logits = {
    "sigmoid": (at, npae.BernoulliCrossEntropy().mean(at[:, None])[:, 0]),
    "mean of the continuous Bernoulli": (at, ContinuousBernoulli().mean(at[:, None])[:, 0]),
    "integral of exp(-cross entropy)": (at, np.tanh(at / 2) / at),
}
lines(logits, xlabel="logit $a$", ylabel="")

# %% [markdown]
# ## Which fits grey pixels?
#
# Digits, whose 17 grey levels are spread over their intervals, so that a density has no spikes to put on them. The same
# autoencoder, 64-64-16-64-64, with the same start for each distribution; what is measured is $\log p(x \mid h)$, in
# nats an image, of held-out images. (Not $\log p(x)$: the code is given. Lesson 8 says what it costs.) Means are
# compared by the squared error, whatever the training minimized.

# %%
digits = npae.datasets.load_digits()
order = rng.permutation(len(digits))
images = dequantized(digits.data, rng=1).astype(np.float32)
X, X_test = images[order[450:]], images[order[:450]]
kinds = {
    "squared error": npae.SquaredError(),
    "Gaussian, one v": Gaussian("shared"),
    "Gaussian, v by pixel": Gaussian("features"),
    "Laplace": Laplace(0.1),
    "continuous Bernoulli": ContinuousBernoulli(),
}
epochs = 100
models = {
    name: npae.Autoencoder(
        16,
        loss=loss,
        hidden_layer_sizes=(64,),
        activation=("relu", "identity"),
        optimizer=npae.Adam(npae.Cosine(5e-3, epochs * 11)),
        max_iter=epochs,
        n_iter_no_change=epochs,  # no early end
        random_state=0,
    ).fit(X)
    for name, loss in kinds.items()
}
a = {name: model.network_.decoder(model.network_.encoder(X_test)) for name, model in models.items()}  # of p(x | h)
nats = {name: float(kinds[name].log_likelihood(a[name], X_test).mean()) for name in kinds}
errors = {name: float(error(model.reconstruct(X_test), X_test)) for name, model in models.items()}
for name in kinds:
    print(f"{name:<21} {nats[name]:7.2f} nats an image, squared error {errors[name]:.3f}")

# %%
grouped_bars({"held-out digits": nats}, ylabel="log p(x | h), nats an image")

# %% [markdown]
# The unit variance is what is wrong with the squared error, not the shape: to learn one number for the variance gains
# most of all. But no Gaussian stays between 0 and 1, and most of these pixels are at one end or the other. The
# continuous Bernoulli, which has no more numbers to put out than the squared error, fits best.
#
# A variance for each pixel is no free gain. Pixels in the corners are empty on all images, their variances become
# small, and their residuals, divided by these, weigh most: the means of all other pixels are worse than with one
# variance.

# %%
shared, by_pixel, best = (nats[name] for name in ("Gaussian, one v", "Gaussian, v by pixel", "continuous Bernoulli"))
print(f"nats: squared error against one learnt variance:                 {below(nats['squared error'], shared)}")
print(f"nats: the best of the others against the continuous Bernoulli:   "
      f"{below(max(value for name, value in nats.items() if name != 'continuous Bernoulli'), best)}")  # fmt: skip
print(f"squared error: with one variance against with one for each pixel: "
      f"{below(errors['Gaussian, one v'], errors['Gaussian, v by pixel'])}")  # fmt: skip
deviation = np.exp(models["Gaussian, v by pixel"].network_.decoder.layers[-1].b / 2)
v = float(np.exp(models["Gaussian, one v"].network_.decoder.layers[-1].b[0]))
print(f"standard deviation: {v**0.5:.3f} for all, or by pixel from {deviation.min():.3f} to {deviation.max():.3f}")
print(f"five times the least against the largest: {below(5 * deviation.min(), deviation.max())}")

# %% [markdown]
# The one variance is still on its way when the learning rate has fallen to zero. The derivation says where to: to the
# mean squared residual. Put in by hand, it is worth a little on the training images, where nothing can be better.

# %%
mean = models["Gaussian, one v"].reconstruct(X)
residual = float(((mean - X) ** 2).mean())
learnt, by_hand = (float(Gaussian(each).log_likelihood(mean, X).mean()) for each in (v, residual))
print(f"v {v:.4f}: {learnt:.2f} nats in training; the mean squared residual {residual:.4f}: {by_hand:.2f} nats")
assert by_hand > learnt and residual < v

# %%
lines(
    {"one for each pixel": (np.arange(64), np.sort(deviation))},
    xlabel="pixel, by rank", ylabel="learnt standard deviation", reference=("one for all", v**0.5),
)  # fmt: skip

# %% [markdown]
# ## Is the distribution right, not only best?
#
# If $x$ comes from $p(x \mid a)$, then $u = F(x \mid a)$, with $F$ the distribution function, is uniform between 0 and
# 1. So take $u$ for every pixel of every held-out image and look at its histogram. A hump in the middle means that the
# distribution is too wide; a horn at either end, too narrow.
#
# $$F_{Gauss} = \tfrac12 + \tfrac12\, \mathrm{erf}\frac{x - a}{\sqrt{2v}}, \qquad
# F_{CB} = \int_0^x \frac{a\, e^{at}}{e^a - 1}\, dt = \frac{e^{ax} - 1}{e^a - 1}.$$

# %%
normal = np.vectorize(lambda z: 0.5 + 0.5 * erf(z / 2**0.5))
logit = a["continuous Bernoulli"].astype(float)
ranks = {
    "squared error, v = 1": normal((X_test - a["squared error"]).astype(float)),
    f"Gaussian, v = {v:.3f}": normal((X_test - a["Gaussian, one v"][:, :64]).astype(float) / v**0.5),
    "continuous Bernoulli": np.expm1(logit * X_test) / np.expm1(logit),
}


def off(u):
    """Largest distance between the distribution of u and the uniform one (Kolmogorov)."""
    u = np.sort(np.ravel(u))
    return float(np.abs(u - np.arange(1, len(u) + 1) / len(u)).max())


histograms(ranks, np.linspace(0, 1, 41), xlabel="$u = F(x \\mid a)$")

# %%
distances = {name: off(u) for name, u in ranks.items()}
print({name: round(distance, 3) for name, distance in distances.items()})
unit, one, cb = distances.values()
print(f"distance to uniform, one learnt variance against v = 1:          {below(one, unit)}")
print(f"distance to uniform, continuous Bernoulli against one variance:  {below(cb, one)}")
print(
    f"in the middle tenth with v = 1: {(np.abs(ranks['squared error, v = 1'] - 0.5) < 0.05).mean():.0%} of the pixels"
)

# %% [markdown]
# ## Draws
#
# The reconstruction that is usually shown is the mean of $p(x \mid h)$. A draw shows what the distribution takes to be
# possible: under the squared error, snow.

# %%
draws = {name: kinds[name].sample(a[name], rng=0) for name in kinds}
rows = {"held out": X_test[:14]} | {name: np.clip(x[:14], 0, 1) for name, x in draws.items()}
plots.image_rows(rows, digits.image_shape)

# %%
outside = {name: ((x < 0) | (x > 1)).mean() for name, x in draws.items()}
print({name: f"{share:.0%} of the drawn pixels outside [0, 1]" for name, share in outside.items()})
far = {name: energy_distance(x, X_test) for name, x in draws.items()}
print({name: round(float(distance), 3) for name, distance in far.items()}, "energy distance of draws to the images")
print(f"continuous Bernoulli against squared error: {below(far['continuous Bernoulli'], far['squared error'])}")
print(f"one learnt variance against continuous Bernoulli: "
      f"{below(far['Gaussian, one v'], far['continuous Bernoulli'])}")  # fmt: skip
assert outside["continuous Bernoulli"] == 0 and outside["squared error"] > 0.5

# %% [markdown]
# By this measure, which looks at whole images, the draws of the Gaussian with its one learnt variance come nearest:
# their noise is small everywhere, while a continuous Bernoulli in the middle of its range is nearly uniform. The
# better likelihood does not make the better picture.
#
# And every pixel is drawn by itself: given the code, pixels are independent in all of these distributions. What
# neighbours have in common must come from the code.
#
# ## Questions
#
# Answers, with the code that checks them, are in `solutions/lesson_10.py`.
#
# 1. What does a learnt variance for each feature *of each sample* do on training data that the network can learn by
#    heart? What is the greatest likelihood?
# 2. The noise of a measurement is Gaussian, but one value in a hundred is wild. Which distribution gives the better
#    mean, Gaussian or Laplace? Which constant is best under each?
# 3. Squared error behind a sigmoid or cross entropy from the logit: how large is either derivative for a pixel of
#    ink ($x = 1$) and has $a = -10$?
# 4. Derive the categorical distribution's gradient, $p = \mathrm{softmax}(a)$ in groups, and hold it against
#    `npae.objective.distributions.Categorical`. What has it to do with the Bernoulli's for two classes?
# 5. A network trained with the cross entropy on grey values has outputs $a$. Read as parameters of a continuous
#    Bernoulli they give a likelihood. How much worse is it than what was trained for it, and which mean is better?
# 6. Show that with the squared error a denoising autoencoder's $p_{reconstruct}(x \mid \tilde x)$ has the right mean at
#    best, and the right variance only if it is told. How large is it for Gaussian data, $x \sim N(0, S)$?
#
# ## Sources
#
# * I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*](https://www.deeplearningbook.org), MIT Press 2016,
#   [sections 5.5, 6.2.2 and 14.4](https://www.deeplearningbook.org/contents/mlp.html).
# * C. Bishop, *Pattern Recognition and Machine Learning*, Springer 2006, sections 1.2.5 and 5.2: errors as likelihoods.
# * G. Loaiza-Ganem, J. Cunningham, [The continuous Bernoulli](https://arxiv.org/abs/1907.06845), NeurIPS 2019.
# * O. Rybkin, K. Daniilidis, S. Levine, [Simple and effective VAE training with calibrated
#   decoders](https://arxiv.org/abs/2006.13202), ICML 2021: the shared variance.
# * L. Theis, A. van den Oord, M. Bethge, [A note on the evaluation of generative
#   models](https://arxiv.org/abs/1511.01844), ICLR 2016: spread grey levels.
