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

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
import numpy as np
from IPython.display import Markdown, display

import npae
from npae import plots
from npae.experiments.generative import binarized, dequantized, watch
from npae.generative import (
    RBM,
    LinearVAE,
    MixtureOfGaussians,
    ProbabilisticPCA,
    SparseCoding,
    form_table,
)
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
print(f"held-out log p(x): machine {machine.score(bits[test]):.2f} nats, independent pixels {alone:.2f}")
assert machine.score(bits[test]) > alone + 5

# %% [markdown]
# ## The variational autoencoder: inference learnt
#
# Encoder and decoder are networks. The encoder puts out means and log variances of the code; the code is drawn,
# $h = \mu(x) + e^{s(x)/2}\varepsilon$, and the gradient goes through the draw, for the noise is an argument. The whole
# of it is a `Network` whose encoder ends in a `GaussianCode`, with the penalty
# $\Omega = \frac1N\sum_n \frac12\sum_k(\mu^2 + e^s - 1 - s)$.

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
watched = watch(bits[train], bits[test], epochs=80, random_state=0)
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
rows = {"drawn from the prior": vae.sample(14, rng=1, mean=True), "the machine's": machine.sample(14, rng=1)}
rows |= {"the mixture's": mixture.sample(14, rng=1).clip(0, 1), "linear": linear.model_.sample(14, 1).clip(0, 1)}
display(plots.image_rows(rows, digits.image_shape))

# %% [markdown]
# ## Questions for the class
#
# 1. A plain autoencoder has no $\Omega$. What does it lack to be a generative model?
# 2. The mixture's $\Omega$ cannot exceed $\log K$. Why? What bounds the other ones?
# 3. Why does the bound of a linear variational autoencoder touch the likelihood, and that of a deep one not?
#
# ## Exercises
#
# 1. Train with `beta=4` and `beta=0.25`. What do $L$ and $\Omega$ do, and what the code plane?
# 2. Replace $e^{s/2}$ in `GaussianCode` by $e^{s}$. Does the gradient check notice? Which test would?
# 3. Grey values: compare `loss="bernoulli"` and `loss="continuous_bernoulli"`. Which number is a likelihood?
