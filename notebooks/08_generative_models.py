# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 8. Generative models as autoencoders
#
# *Nearly any generative model with latent variables and an inference procedure may be viewed as a particular form of
# autoencoder.* A generative model draws a code $h$ from $p(h)$ and data from $p(x \mid h)$. Inference, going back from
# $x$ to $h$, is the encoder; $p(x \mid h)$ is the decoder. For any distribution $q(h \mid x)$,
#
# $$-\log p(x) = \underbrace{-E_q[\log p(x \mid h)]}_{L} + \underbrace{KL(q(h \mid x)\,\|\,p(h))}_{\Omega}
# - KL(q(h \mid x)\,\|\,p(h \mid x)),$$
#
# a reconstruction error, a penalty on the code, and a term that is zero where the encoder is exact.
#
# **You need:** lessons 1 and 2; Gaussian densities, conditional probabilities, and what a Kullback-Leibler divergence
# is. Lesson 10 is about $p(x \mid h)$ alone; it helps, but nothing here rests on it.
#
# **You will learn:** why $L + \Omega$ bounds $-\log p(x)$, and by how much; how the gradient of the bound goes through
# a code that is drawn; which models are exact, and how the variational autoencoder does beside them.
#
# **Time:** 75 minutes; the computer needs about 10 seconds.

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
import numpy as np
from IPython.display import Markdown, display

import npae
from npae import denoising, plots
from npae.experiments.claims import below, same
from npae.experiments.generative import binarized, dequantized, watch_vae
from npae.generative import (
    RBM,
    LinearGaussian,
    LinearVAE,
    MixtureOfGaussians,
    ProbabilisticPCA,
    SparseCoding,
    form_table,
)
from npae.generative.variational_network import kl_to_standard_normal
from npae.plots import generative

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
train, test = order[450:], order[:450]


def show(rows):
    """A table in the notebook; bars would end a cell."""
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    display(Markdown("\n".join("| " + " | ".join(line) + " |" for line in lines)))


show(form_table())

# %% [markdown]
# ## Why it is a bound
#
# Bayes' rule, $p(x) = p(x \mid h)\, p(h) / p(h \mid x)$, holds for every $h$. Take logarithms, multiply and divide by
# any $q(h)$, and average over it; the left side does not depend on $h$:
#
# $$\log p(x) = E_q\Big[\log p(x \mid h) - \log\frac{q(h)}{p(h)} + \log\frac{q(h)}{p(h \mid x)}\Big]
# = \underbrace{E_q[\log p(x \mid h)] - KL(q \,\|\, p(h))}_{-(L + \Omega)} + KL(q \,\|\, p(h \mid x)).$$
#
# A divergence is not negative, so $L + \Omega \ge -\log p(x)$, and what is lost is the last divergence. Lowering
# $L + \Omega$ by $q$ brings it near the posterior; lowering it by the model raises $p(x)$.
#
# **The divergence of two Gaussians.** For $q = N(\mu, e^s)$ and the prior $N(0, 1)$, one unit of the code, the
# logarithms of the densities differ by a square, and $E_q h^2 = \mu^2 + e^s$, $E_q (h - \mu)^2 = e^s$:
#
# $$KL = E_q\Big[-\tfrac s2 - \tfrac{(h - \mu)^2}{2 e^s} + \tfrac{h^2}2\Big] = \tfrac12\big(\mu^2 + e^s - 1 - s\big).$$
#
# Units that are independent under both add up. The expectation is that of a polynomial of degree two, which Gauss's
# quadrature takes exactly.

# %%
K, N, D = 2, 7, 6
parameters = rng.uniform(-1, 1, (N, 2 * K))  # (mu, s) for each sample
nodes, weights = np.polynomial.hermite_e.hermegauss(3)
weights = weights / weights.sum()

# %%
# derived: KL(q || N(0, I)), by expectation and in closed form
mu, s = parameters[:, :K], parameters[:, K:]
h = mu[..., None] + np.exp(s / 2)[..., None] * nodes  # (N, K, nodes)
log_ratio = -s[..., None] / 2 - (h - mu[..., None]) ** 2 / (2 * np.exp(s)[..., None]) + h**2 / 2
closed = 0.5 * (mu**2 + np.exp(s) - 1 - s).sum(axis=1)
same((log_ratio @ weights).sum(axis=1), closed)
print(f"the divergence by hand and by the package: {same(closed, kl_to_standard_normal(parameters)):.0e} apart")

# %% [markdown]
# **What the bound loses.** With a linear decoder, $x \mid h \sim N(m + hW, \mathrm{diag}\,\psi)$, everything is
# Gaussian and can be written down: the posterior $N(\mu^*, P)$ with $P = (I + W \psi^{-1} W^\top)^{-1}$ and $\mu^* = (x
# - m)\, \psi^{-1} W^\top P$. Take any $q = N(\mu, \mathrm{diag}\, e^s)$, right or wrong. Then
#
# $$L = \tfrac12 \sum_d \frac{(x - m - \mu W)_d^2 + \sum_k e^{s_k} W_{kd}^2}{\psi_d} + \log 2\pi\psi_d, \qquad
# KL(q \,\|\, p(h \mid x)) = \tfrac12 \Big[\mathrm{tr}\, P^{-1} e^s + (\mu - \mu^*) P^{-1} (\mu - \mu^*)^\top - K
# - \log\det P^{-1} - \sum_k s_k\Big],$$
#
# and $L + \Omega - KL$ must be $-\log p(x)$, whatever $\mu$ and $s$ are.

# %%
model = LinearGaussian(rng.standard_normal((K, D)), rng.standard_normal(D), rng.uniform(0.5, 2, D))
x = rng.standard_normal((N, D))

# %%
# derived: L + Omega - KL(q || p(h | x)) = -log p(x) for any Gaussian q
W, z, psi = model.W, x - model.mean, model.psi
L = 0.5 * (((z - mu @ W) ** 2 + np.exp(s) @ W**2) / psi + np.log(2 * np.pi * psi)).sum(axis=1)
precision = np.eye(K) + (W / psi) @ W.T  # P^-1
off = mu - z / psi @ W.T @ np.linalg.inv(precision)
lost = np.exp(s) @ np.diag(precision) + ((off @ precision) * off).sum(axis=1) - K - s.sum(axis=1)
lost = 0.5 * (lost - np.linalg.slogdet(precision)[1])
apart = same(L + closed - lost, -model.log_likelihood(x))
print(f"L + Omega - lost and -log p(x): {apart:.0e} apart; lost {lost.min():.2f} to {lost.max():.2f} nats")
assert lost.min() > 0

# %% [markdown]
# ## Probabilistic PCA: everything exact
#
# $h \sim N(0, I)$, $x \mid h \sim N(m + hW, s^2 I)$. The posterior is Gaussian, the same width for every $x$, so that
# $L + \Omega$ is exactly $-\log p(x)$. Grey levels are spread over their intervals first: a density on whole-number
# levels has no upper limit.

# %%
grey = dequantized(digits.data)
ppca = ProbabilisticPCA(8).fit(grey[train])
L, omega = ppca.parts(grey[test])
print(f"L {L:.3f} + Omega {omega:.3f} = {L + omega:.3f} nats;  -log p(x) = {-ppca.score(grey[test]):.3f}")
assert np.isclose(L + omega, -ppca.score(grey[test]), rtol=1e-12)

# %% [markdown]
# ## The linear variational autoencoder finds it
#
# Let the encoder be any linear map with any diagonal variance, and maximize the bound $-(L + \Omega)$ by gradient. Its
# optimum is probabilistic PCA: the bound becomes the likelihood, and the decoder spans the principal directions.

# %%
linear = LinearVAE(4, random_state=0).fit(grey[train])
exact = ProbabilisticPCA(4).fit(grey[train])
gap = exact.score(grey[train]) - linear.elbo(grey[train])
angle = npae.pca.principal_angles(linear.decoder_.T, exact.model_.W.T)[-1]
print(f"likelihood minus bound: {gap:.1e} nats; largest angle between the subspaces: {angle:.1e} rad")
assert abs(gap) < 1e-6 and angle < 1e-4

# %% [markdown]
# ## A mixture of Gaussians: the code says which
#
# The code is one of $K$, the encoder gives its responsibilities $r_k = p(k \mid x)$, the decoder for $k$ is a mean
# image. Again $L + \Omega = -\log p(x)$ exactly.

# %%
mixture = MixtureOfGaussians(30, random_state=0).fit(grey[train])
L, omega = mixture.parts(grey[test])
assert np.isclose(L + omega, -mixture.score(grey[test]), rtol=1e-10)
print(f"L {L:.2f} + Omega {omega:.2f} = {L + omega:.2f} nats; one of 30 costs log 30 = {np.log(30):.2f} at most")
display(plots.image_rows({"means": mixture.means_[:15], "more": mixture.means_[15:]}, digits.image_shape))

# %% [markdown]
# ## Sparse coding: inference by iteration
#
# The decoder is a dictionary, the encoder the code of least cost $\frac12\|x - hW\|^2 + \lambda\|h\|_1$, found by steps
# that never raise it. A Gaussian $p(x \mid h)$, a Laplace prior, and the most probable code for $q$.

# %%
coder = SparseCoding(64, lam=0.1, max_iter=15, n_iter_code=60, random_state=0).fit(digits.data[train])
codes = coder.transform(digits.data[test])
first, last = coder.loss_curve_[0], coder.loss_curve_[-1]
print(f"objective {first:.3f} -> {last:.3f}; {np.mean(codes != 0):.0%} of a code in use")
assert (np.diff(coder.loss_curve_) <= 1e-12).all()
display(plots.filters({"dictionary": coder.components_.T}, digits.image_shape, n=32, n_columns=16))

# %% [markdown]
# ## A restricted Boltzmann machine: a tied autoencoder
#
# Binary $x$ and $h$ with $p(x, h) \propto \exp(xWh + cx + bh)$. Mean field up and down, $\hat x =
# \sigma(\sigma(xW + b) W^T + c)$, is a tied sigmoid autoencoder. What differs is the gradient: contrastive divergence
# pushes the energy of the data down and that of the model's own samples up. With 16 hidden units the likelihood can be
# summed exactly.

# %%
bits = binarized(digits.data).astype(np.float32)
machine = RBM(16, max_iter=60, optimizer=npae.SGD(0.05, momentum=0.5), random_state=0).fit(bits[train])
independent = bits[train].mean(axis=0).clip(1e-3, 1 - 1e-3)
alone = (bits[test] * np.log(independent) + (1 - bits[test]) * np.log(1 - independent)).sum(axis=1).mean()
print(f"held-out log p(x), independent pixels against the machine, in nats: {below(alone, machine.score(bits[test]))}")

# %% [markdown]
# ## The variational autoencoder: inference learnt
#
# Encoder and decoder are networks. The encoder puts out means and log variances of the code. $E_q[\log p(x \mid h)]$
# has no closed form any more, and its gradient by $\mu$ and $s$ would have to go through the distribution that is
# averaged over. The way out is to draw from a distribution that does not move: $\varepsilon \sim N(0, I)$ and $h = \mu
# + e^{s/2} \varepsilon$. For fixed $\varepsilon$ this is a layer like any other,
#
# $$\frac{\partial h}{\partial \mu} = 1, \qquad \frac{\partial h}{\partial s} = \tfrac12 e^{s/2} \varepsilon,$$
#
# and the mean over draws of its gradient is the gradient of the mean. The whole of it is a `Network` whose encoder ends
# in a `GaussianCode`, with the penalty $\Omega$. Forward from top to bottom, backward from bottom to top, for a tanh
# layer before the code and a linear decoder to logits $a$ of a Bernoulli distribution:
#
# | forward | backward | in NumPy |
# |---|---|---|
# | $t = \tanh(x W_0 + b_0)$ | $dW_0 = x^\top (dt\, (1 - t^2))$ | `x.T @ (dt * (1 - t**2))` |
# | $(\mu, s) = t W_1 + b_1$ | $dt = (d\mu, ds)\, W_1^\top$ | `np.hstack([dmu, ds]) @ W1.T` |
# | $\Omega = \frac1{2N} \sum_{nk} (\mu^2 + e^s - 1 - s)$ | $d\mu$ gains $\mu/N$ | `mu / N` |
# | | $ds$ gains $\frac{e^s - 1}{2N}$ | `(np.exp(s) - 1) / (2 * N)` |
# | $h = \mu + e^{s/2} \varepsilon$ | $d\mu = dh$, $ds = \frac12 dh\, e^{s/2}\varepsilon$ | `dh * np.exp(s/2) * e / 2` |
# | $a = h W_2 + b_2$ | $dW_2 = h^\top da$, $\;dh = da\, W_2^\top$ | `da @ W2.T` |
# | $L = \frac1N \sum_{nd} \log(1 + e^a) - x a$ | $da = (\sigma(a) - x)/N$ | `(1 / (1 + np.exp(-a)) - x) / N` |
#
# In the package: `GaussianCode` and `KLToStandardNormal` in `npae/generative/variational_network.py`.

# %%
small = npae.generative.VariationalNetwork(
    [npae.Dense(D, 5, npae.Tanh(), rng=0), npae.Dense(5, 2 * K, rng=1), npae.GaussianCode(K)],
    [npae.Dense(K, D, rng=2)],
    loss=npae.BernoulliCrossEntropy(),
)
small.theta = rng.uniform(-1, 1, small.theta.size)
x, e = rng.random((N, D)), rng.standard_normal((N, K))
J = small.value_and_grad(x, noise=e)
W0, b0, W1, b1, W2, b2 = small.parameters.values()

# %%
# derived: the negative bound and its gradient, through the draw
t = np.tanh(x @ W0 + b0)
mu, s = np.hsplit(t @ W1 + b1, 2)
h = mu + np.exp(s / 2) * e
a = h @ W2 + b2
same((np.log(1 + np.exp(a)) - x * a).sum() / N + 0.5 * (mu**2 + np.exp(s) - 1 - s).sum() / N, J)
da = (1 / (1 + np.exp(-a)) - x) / N
dh = da @ W2.T
d = np.hstack([dh + mu / N, dh * np.exp(s / 2) * e / 2 + (np.exp(s) - 1) / (2 * N)])
same(h.T @ da, small.gradients["decoder.0.W"])
same(t.T @ d, small.gradients["encoder.1.W"])
apart = same(x.T @ (d @ W1.T * (1 - t**2)), small.gradients["encoder.0.W"])
print(f"dW of the first layer, below the draw, by hand and by the network: {apart:.0e} apart")

# %% [markdown]
# And with hidden layers on either side, proved by the checker:

# %%
net = npae.generative.VariationalNetwork(
    [npae.Dense(6, 5, npae.Tanh(), rng=0), npae.Dense(5, 4, rng=1), npae.GaussianCode(2)],
    [npae.Dense(2, 5, npae.Tanh(), rng=2), npae.Dense(5, 6, rng=3)],
    loss=npae.BernoulliCrossEntropy(),
)
net.theta = rng.uniform(-1, 1, net.theta.size)
net.noise = rng.standard_normal((7, 2))  # fixed: the objective is a function of theta
report = npae.gradcheck.check_network(net, rng.random((7, 6)))
print(f"largest relative error of the gradient: {report.max_error:.0e}")
assert report.ok and report.max_error < 1e-12

# %%
watched = watch_vae(bits[train], bits[test], epochs=80, random_state=0)
vae = watched.model
tighter = vae.importance_weighted_bound(bits[test])
print(f"held-out bound {watched.elbo[-1]:.2f} nats = {watched.reconstruction[-1]:.2f} - {watched.kl[-1]:.2f}; ", end="")
print(f"importance weighted {tighter:.2f}; the machine's exact likelihood {machine.score(bits[test]):.2f}")
assert vae.elbo(bits[test]) < tighter and watched.elbo[-1] > alone + 3
display(generative.bound_parts(watched))

# %% [markdown]
# With two code units the whole code can be decoded on a grid, and seen beside the codes of held-out images.

# %%
axis = np.linspace(-2, 2, 15, dtype=np.float32)
grid = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2)
display(generative.code_plane(vae.inverse_transform(grid), digits.image_shape, extent=2.0))
display(plots.code_scatter({"means of the code": vae.transform(bits[test])}, digits.target[test], width=6.0))

# %%
rows = {"variational": vae.sample(14, rng=1, mean=True), "the machine's": machine.sample(14, rng=1)}
rows |= {"the mixture's": mixture.sample(14, rng=1).clip(0, 1), "linear": linear.model_.sample(14, 1).clip(0, 1)}
display(plots.image_rows(rows, digits.image_shape))

# %% [markdown]
# How like digits are they? The energy distance between 450 samples and the held-out images is zero for samples of their
# distribution, up to what 450 training images have, which come from there. The two linear and mixed models of grey
# levels, and the two models of bits with pixels that are drawn one by one beside them, five draws each:


# %%
def distances(sample, held_out):
    """Energy distance of 450 samples to the held-out images, for five seeds."""
    return [denoising.energy_distance(sample(seed), held_out) for seed in range(5)]


bit_pixels = distances(lambda seed: np.random.default_rng(seed).random((450, 64)) < independent, bits[test])
bit_vae = distances(lambda seed: vae.sample(450, rng=seed), bits[test])
grey_linear = distances(lambda seed: linear.model_.sample(450, seed), grey[test])
grey_mixture = distances(lambda seed: mixture.sample(450, rng=seed), grey[test])
print(f"bits: the variational autoencoder's against independent pixels: {below(bit_vae, bit_pixels)}")
print(f"grey levels: the mixture's against the linear model's:          {below(grey_mixture, grey_linear)}")
print(f"training images: {denoising.energy_distance(grey[train[:450]], grey[test]):.3f}")

# %% [markdown]
# ## Questions
#
# Answers, with the code that checks them, are in `solutions/lesson_08.py`.
#
# 1. A plain autoencoder has no $\Omega$. What does it lack to be a generative model? Draw codes from $N(0, I)$ for one
#    and look how far its images are from digits, beside those of a variational one.
# 2. The mixture's $\Omega$ cannot exceed $\log K$ if all components weigh the same. Why? What bounds the others'?
# 3. Why does the bound of a linear variational autoencoder touch the likelihood, though its $q$ is diagonal, and that
#    of a deep one not? What does the linear one lose if its decoder is turned?
# 4. Train with `beta=4` and `beta=0.25`. What do $L$ and $\Omega$ do, and the bound?
# 5. Replace $e^{s/2}$ in `GaussianCode` by $e^{s}$, forward and backward. Does the gradient check notice? Which test
#    would?
# 6. Grey values: train with `loss="bernoulli"` and with `loss="continuous_bernoulli"`. Which number is a likelihood?
#
# ## Sources
#
# * I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*](https://www.deeplearningbook.org), MIT Press 2016,
#   [section 14.3](https://www.deeplearningbook.org/contents/autoencoders.html) and chapter 20.
# * D. Kingma, M. Welling, [Auto-encoding variational Bayes](https://arxiv.org/abs/1312.6114), ICLR 2014; D. Rezende, S.
#   Mohamed, D. Wierstra, [Stochastic backpropagation](https://arxiv.org/abs/1401.4082), ICML 2014.
# * M. Tipping, C. Bishop, [Probabilistic principal component analysis](https://doi.org/10.1111/1467-9868.00196), JRSS
#   B 61, 1999; J. Lucas et al., [Don't blame the ELBO!](https://arxiv.org/abs/1911.02469), NeurIPS 2019.
# * Y. Burda, R. Grosse, R. Salakhutdinov, [Importance weighted autoencoders](https://arxiv.org/abs/1509.00519), ICLR
#   2016.
# * B. Olshausen, D. Field, [Emergence of simple-cell receptive field
#   properties](https://doi.org/10.1038/381607a0), *Nature* 381, 1996; G. Hinton, [Training products of experts by
#   minimizing contrastive divergence](https://doi.org/10.1162/089976602760128018), *Neural Computation* 14, 2002.
