# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Goodfellow et al., chapter 14: autoencoders
#
# Questions on chapter 14 of Goodfellow, Bengio and Courville, *Deep Learning* (2016), each in words of our own,
# answered on paper and then in code that asserts the answer. The book sets no exercises, so the reference is the
# section that a question grew out of. Samples are rows: $a = x W + b$, $h = \varphi(a)$.

# %%
from functools import partial

import numpy as np

import npae
from npae.pca.moments import Moments

close = partial(np.allclose, rtol=1e-10, atol=1e-12)
digits = npae.datasets.load_digits().data[:600]

# %% [markdown]
# ## 1. A linear decoder cannot do better than PCA
#
# *Section 14.1.*
#
# **Question.** The decoder is linear, $\hat x = h V + c$ with $V$ of shape $(K, D)$, the loss is the squared error,
# and $K < D$. The encoder is whatever you like. Which subspace does the best decoder span, and what does the encoder
# have to be?
#
# **On paper.** Whatever the encoder puts out, $\hat x$ lies on the plane $c + \mathrm{rowspan}\,V$ of $K$ dimensions.
# The point of a plane that is nearest to $x$ is its orthogonal projection, and over all planes the mean squared
# distance is least on the one through the mean that is spanned by the $K$ leading principal directions (if the
# eigenvalues $\lambda_K > \lambda_{K+1}$ differ, on no other). So
#
# $$E\,\tfrac12\|x - \hat x\|^2 \;\ge\; \tfrac12 \sum_{i>K} \lambda_i$$
#
# for every encoder, and equality asks for $h = (x - \mu) V^+$: an affine encoder. Only the plane is determined:
# $V \to M V$, $h \to h M^{-1}$ with an invertible $M$ changes nothing.

# %%
K, D = 5, 64
rng = np.random.default_rng(0)
linear = npae.Network([npae.Dense(D, K, rng=0)], [npae.Dense(K, D, rng=1)])
npae.pca.fit_linear_autoencoder(linear, digits)
pca = npae.PCA(K).fit(digits)
V = linear.decoder.layers[0].W
angles = npae.pca.principal_angles(V.T, pca.components_.T)
bound = np.linalg.eigvalsh(np.cov(digits.T, bias=True))[:-K].sum() / 2
print(f"largest angle to PCA {angles[-1]:.1e} rad; J {linear.value(digits):.12f}, bound {bound:.12f}")
assert angles[-1] < 1e-6 and np.isclose(linear.value(digits), bound, rtol=1e-10)

# the encoder found is the one that was derived
W, b = linear.encoder.layers[0].W, linear.encoder.layers[0].b
c = linear.decoder.layers[0].b
assert np.allclose(digits @ W + b, (digits - c) @ np.linalg.pinv(V), atol=1e-6)

# a nonlinear encoder comes near to the bound and not below
bent = npae.Network([npae.Dense(D, K, npae.Tanh(), rng=0)], [npae.Dense(K, D, rng=1)])
npae.lbfgs(bent, digits, max_iter=100)
print(f"tanh units with the same linear decoder: J {bent.value(digits):.6f}")
assert bound <= bent.value(digits) < 1.05 * bound

# %% [markdown]
# ## 2. A sparsity penalty is a Laplace prior on the code
#
# *Section 14.2.1.*
#
# **Question.** A decoder that is read as a probabilistic model has $p(x, h) = p(h)\,p(x \mid h)$. Take
# $p(h_j) = \frac\lambda2 e^{-\lambda |h_j|}$ and a Gaussian $p(x \mid h)$ of unit variance, and let the encoder name
# one $h$ for each $x$. Show that maximizing the mean of $\log p(x, h)$ is training a sparse autoencoder. What is lost
# when the penalty is called a prior, although the reader thinks of a prior on parameters?
#
# **On paper.**
#
# $$-\log p(x, h) = \underbrace{\tfrac12 \|x - g(h)\|^2}_{L} + \underbrace{\lambda \sum_j |h_j|}_{\Omega}
# + \tfrac D2 \log 2\pi - K \log\tfrac\lambda2 ,$$
#
# and averaged over the samples that is $J$ with $\Omega_{L1}$, up to a constant in $\theta$ (not in $\lambda$: to
# learn $\lambda$ as well one has to keep $-K \log\frac\lambda2$). A weight decay is the logarithm of $p(\theta)$,
# does not depend on the data and is felt less the more of them there are; $\Omega(h)$ is part of the likelihood and
# grows with them.

# %%
lam = 0.3
sparse = npae.Network(
    [npae.Dense(D, 20, npae.Sigmoid(), rng=0)], [npae.Dense(20, D, rng=1)], penalties=[npae.L1Sparsity(lam)]
)
h = sparse.encode(digits)
log_joint = sparse.loss.log_likelihood(sparse.decoder(h), digits) + (np.log(lam / 2) - lam * np.abs(h)).sum(axis=1)
constant = D / 2 * np.log(2 * np.pi) - 20 * np.log(lam / 2)
print(f"-E log p(x, h) = {-log_joint.mean():.10f}, J + constant = {sparse.value(digits) + constant:.10f}")
assert np.isclose(-log_joint.mean(), sparse.value(digits) + constant, rtol=1e-12)
half, double = sparse.value(digits[:100]), sparse.value(np.concatenate([digits[:100]] * 2))
assert np.isclose(half, double, rtol=1e-12)  # a mean over samples: twice the data, the same balance of L and Omega

# %% [markdown]
# ## 3. The gradient of the contractive penalty of one layer
#
# *Section 14.7.*
#
# **Question.** For $h = \varphi(x W + b)$, write $\|\partial h / \partial x\|_F^2$ without a Jacobian and derive the
# gradient of $\Omega = \frac\lambda N \sum_n \|\partial h_n / \partial x\|_F^2$ with respect to $W$ and $b$. How many
# terms does the gradient of $W$ have, and which of them do sigmoid units lose when it is forgotten that $\varphi'$
# depends on $W$ too?
#
# **On paper.** $\partial h_j / \partial x_d = \varphi'(a_j) W_{dj}$, hence
#
# $$\Omega = \frac\lambda N \sum_{nj} s_{nj}^2\, \|W_{:j}\|^2, \qquad s_{nj} = \varphi'(a_{nj}).$$
#
# $W$ stands in it twice, in the norm and in $a = x W + b$. The first gives
# $\frac{2\lambda}N (\sum_n s_{nj}^2) W_{:j}$, the second goes by way of $a$:
#
# $$da_{nj} = \frac{2\lambda}N \|W_{:j}\|^2\, s_{nj}\, \varphi''(a_{nj}), \qquad
# dW_{:j} = \frac{2\lambda}N \Big(\sum_n s_{nj}^2\Big) W_{:j} + \sum_n da_{nj}\, x_n, \qquad db_j = \sum_n da_{nj} .$$
#
# Without the second term there is no gradient of $b$ at all, and units are never driven into saturation, which for a
# sigmoid with $\varphi'' = h(1-h)(1-2h)$ is the cheapest way to contract.

# %%
N, D0, K0, lam = 7, 5, 4, 0.3
x, W, b = rng.standard_normal((N, D0)), rng.standard_normal((D0, K0)), rng.standard_normal(K0)


def contraction(parameters):
    """Omega and its gradient, as derived."""
    W, b = parameters["W"], parameters["b"]
    h = 1 / (1 + np.exp(-(x @ W + b)))
    s = h * (1 - h)
    W2 = (W**2).sum(axis=0)
    da = 2 * lam / N * W2 * s * (s * (1 - 2 * h))
    return lam / N * (s**2 * W2).sum(), {"W": 2 * lam / N * (s**2).sum(axis=0) * W + x.T @ da, "b": da.sum(axis=0)}


report = npae.gradcheck.check_gradient(contraction, {"W": W, "b": b})
print(report)
assert report.ok and report.max_error < 1e-12

# the package's value and gradient, and the value by the Jacobian itself
layer = npae.Dense(D0, K0, npae.Sigmoid())
layer.W[:], layer.b[:] = W, b
encoder = npae.Stack([layer])
encoder.forward(x)
value = npae.Contractive(lam)(encoder)
encoder.backward(np.zeros((N, K0)))
mine, gradient = contraction({"W": W, "b": b})
network = npae.Network([layer], [npae.Dense(K0, D0)])
by_jacobian = lam * (npae.manifold.jacobian(network, x) ** 2).sum() / N
assert close(mine, value) and close(mine, by_jacobian)
assert close(gradient["W"], layer.dW) and close(gradient["b"], layer.db)

# %% [markdown]
# ## 4. Why the loss should match the output unit
#
# *Section 14.4, with 6.2.2.2.*
#
# **Question.** Pixels are 0 or 1 and the decoder ends in a sigmoid. Compare what the squared error and the Bernoulli
# log-likelihood send back to $a$ when a pixel is wrong with great confidence, $x = 1$ and $a \ll 0$.
#
# **On paper.** With $\hat x = \sigma(a)$,
#
# $$\frac{\partial}{\partial a} \tfrac12 (\hat x - x)^2 = (\hat x - x)\,\hat x (1 - \hat x), \qquad
# \frac{\partial}{\partial a} \big[-x \log\hat x - (1 - x) \log(1 - \hat x)\big] = \hat x - x .$$
#
# At $x = 1$ and $a \to -\infty$ the first is $-e^{a} (1 + O(e^{a}))$ and vanishes exponentially, although the pixel
# could not be more wrong; the second tends to $-1$. The logarithm of the likelihood undoes the exponential of the
# sigmoid.

# %%
a, x1 = np.array([[-20.0]]), np.array([[1.0]])
sigmoid = npae.Sigmoid()
x_hat = sigmoid(a.copy())
_, dx_hat = npae.SquaredError()(x_hat, x1)
squared = sigmoid.backward(x_hat, dx_hat)
_, bernoulli = npae.BernoulliCrossEntropy()(a, x1)
print(f"a = -20: squared error sends {squared.item():.3e}, cross entropy {bernoulli.item():.9f}")
assert np.isclose(squared.item(), -np.exp(-20), rtol=1e-7) and np.isclose(bernoulli.item(), -1, rtol=1e-7)
for loss in (npae.SquaredError(), npae.BernoulliCrossEntropy()):
    assert npae.gradcheck.check_loss(loss, rng.standard_normal((4, 3)), rng.random((4, 3))).max_error < 1e-12

# %% [markdown]
# ## 5. The best denoiser points along the score
#
# *Section 14.5.1.*
#
# **Question.** $\tilde x = x + \sigma\varepsilon$. Which function $r$ minimizes $E\|r(\tilde x) - x\|^2$? Show that
# for it $(r(\tilde x) - \tilde x)/\sigma^2 = \nabla \log p_\sigma(\tilde x)$, exactly and for every $\sigma$, with
# $p_\sigma$ the density of $\tilde x$.
#
# **On paper.** For fixed $\tilde x$ a squared error is least at the mean: $r(\tilde x) = E[x \mid \tilde x]$. The
# density is $p_\sigma(\tilde x) = \int p(x)\, N(\tilde x; x, \sigma^2 I)\, dx$, and $\nabla_{\tilde x} N(\tilde x; x,
# \sigma^2 I) = \frac{x - \tilde x}{\sigma^2} N(\tilde x; x, \sigma^2 I)$, so that
#
# $$\nabla \log p_\sigma(\tilde x) = \frac{\int p(x) N(\tilde x; x,
# \sigma^2 I) \frac{x - \tilde x}{\sigma^2} dx}{p_\sigma(\tilde x)}
# = \frac{E[x \mid \tilde x] - \tilde x}{\sigma^2} .$$
#
# (The identity is Tweedie's, of 1956.) It is the score of the *smoothed* density; that of the data is the limit
# $\sigma \to 0$.
#
# **In code.** The data are a mixture of two Gaussians on a line. $E[x \mid \tilde x]$ by integration over $x$,
# against the derivative of $\log p_\sigma$, a mixture again, by a complex step.

# %%
means, spreads, shares, sigma = np.array([-1.0, 1.2]), np.array([0.3, 0.5]), np.array([0.4, 0.6]), 0.6


def normal(x, mean, s):
    """The density of N(mean, s^2)."""
    return np.exp(-((x - mean) ** 2) / (2 * s**2)) / (s * np.sqrt(2 * np.pi))


grid = np.linspace(-8, 8, 8001)[:, None]
prior = (shares * normal(grid, means, spreads)).sum(axis=1)
x_tilde = np.linspace(-3, 3, 13)
joint = prior[:, None] * normal(x_tilde, grid, sigma)  # (grid, x~)
posterior_mean = (grid * joint).sum(axis=0) / joint.sum(axis=0)


def log_smoothed(x):
    """log p_sigma: a Gaussian convolved with a Gaussian adds the variances."""
    return np.log((shares * normal(x[..., None], means, np.sqrt(spreads**2 + sigma**2))).sum(axis=-1)).sum()


score = npae.gradcheck.numerical_gradient(log_smoothed, x_tilde, method="complex")
print("(r - x~) / sigma^2 and the score differ by", np.abs((posterior_mean - x_tilde) / sigma**2 - score).max())
assert np.allclose((posterior_mean - x_tilde) / sigma**2, score, rtol=1e-8, atol=1e-10)

# %% [markdown]
# ## 6. Denoising Gaussian data is linear
#
# *Section 14.5.1.*
#
# **Question.** The data are $N(\mu, S)$, the noise $N(0, \sigma^2 I)$. Find the best denoiser and say what it does to
# each principal direction. Does a network without nonlinearities find it?
#
# **On paper.** $(x, \tilde x)$ is Gaussian with $\mathrm{Cov}[\tilde x] = S + \sigma^2 I$ and
# $\mathrm{Cov}[\tilde x, x] = S$, so that the conditional mean, with rows for samples, is
#
# $$r(\tilde x) = \mu + (\tilde x - \mu)\, (S + \sigma^2 I)^{-1} S .$$
#
# Along a principal direction of variance $s_i$ the deviation from the mean is multiplied by $s_i/(s_i + \sigma^2)$:
# where the data vary much more than the noise it is kept, where they hardly vary it is removed. $(r(\tilde x) -
# \tilde x)/\sigma^2 = -(\tilde x - \mu)(S + \sigma^2 I)^{-1}$, the score of $N(\mu, S + \sigma^2 I)$, as question 5
# asks. The objective of a linear network is quadratic in its product of matrices, and of full width it reaches every
# matrix, so it finds this one.
#
# **In code.** `Moments.sample` makes finitely many points whose mean and covariance are exactly given. With the block
# diagonal covariance of $(x, \text{noise})$ they stand for infinitely many.

# %%
D0, sigma = 6, 0.7
A, mu = rng.standard_normal((D0, D0)), rng.standard_normal(D0)
S = A @ A.T / D0
together = np.block([[S, np.zeros((D0, D0))], [np.zeros((D0, D0)), sigma**2 * np.eye(D0)]])
points = Moments(np.concatenate([mu, np.zeros(D0)]), together, 0).sample()
x, x_tilde = points[:, :D0], points[:, :D0] + points[:, D0:]

denoiser = npae.Network([npae.Dense(D0, D0, rng=0)], [npae.Dense(D0, D0, rng=1)])
npae.lbfgs(denoiser, x_tilde, x, gtol=1e-12)
B = np.linalg.solve(S + sigma**2 * np.eye(D0), S)
test = rng.standard_normal((20, D0))
learned, derived = denoiser.reconstruct(test), mu + (test - mu) @ B
print(f"trained and derived denoiser differ by {np.abs(learned - derived).max():.1e}")
assert np.allclose(learned, derived, atol=1e-6)
s, V = np.linalg.eigh(S)
assert close(V.T @ B @ V, np.diag(s / (s + sigma**2)))
assert close((derived - test) / sigma**2, -(test - mu) @ np.linalg.inv(S + sigma**2 * np.eye(D0)))

# %% [markdown]
# ## 7. Little noise is nearly a contractive penalty
#
# *Sections 14.5 and 14.7.*
#
# **Question.** Expand the denoising error $E_\varepsilon \|r(x + \sigma\varepsilon) - x\|^2$ for small $\sigma$.
# Which penalty on $r$ does it contain? Under which condition is it the contractive penalty on $r$ and nothing else?
#
# **On paper.** $r(x + \sigma\varepsilon) = r + \sigma J \varepsilon + \frac{\sigma^2}{2}\, \varepsilon^\top H
# \varepsilon + O(\sigma^3)$, with $J$ the Jacobian and $H$ the second derivatives of $r$ at $x$. The first order
# drops out of the mean, $E\|J\varepsilon\|^2 = \|J\|_F^2$, and $E[\varepsilon^\top H \varepsilon] = \Delta r$, the
# Laplacian of every output. So
#
# $$E\,\|r(x + \sigma\varepsilon) - x\|^2 =
# \|r - x\|^2 + \sigma^2 \big(\|J\|_F^2 + (r - x)^\top \Delta r\big) + O(\sigma^4) .$$
#
# Where $r(x) = x$ the last term is gone and what is left is the contraction of $r = g \circ f$ (not of the encoder
# alone). Elsewhere the curvature of $r$ counts too, in proportion to the error.
#
# **In code.** $r(x) = \tanh(x W + b) V + c$ in two dimensions, the mean over the noise by Gauss-Hermite integration.

# %%
W, b, V, c = (rng.standard_normal(shape) for shape in ((2, 3), 3, (3, 2), 2))
x = rng.standard_normal(2)


def r(x):
    return np.tanh(x @ W + b) @ V + c


t = np.tanh(x @ W + b)
J = (V.T * (1 - t**2)) @ W.T
laplacian = (-2 * t * (1 - t**2) * (W**2).sum(axis=0)) @ V
node, weight = np.polynomial.hermite_e.hermegauss(40)
noise = np.stack(np.meshgrid(node, node), axis=-1).reshape(-1, 2)
weight = np.outer(weight, weight).ravel() / (2 * np.pi)
plain = ((r(x) - x) ** 2).sum()
coefficients = []
for sigma in (0.04, 0.02, 0.01):
    expected = weight @ ((r(x + sigma * noise) - x) ** 2).sum(axis=1)
    coefficients.append((expected - plain) / sigma**2)
derived = (J**2).sum() + (r(x) - x) @ laplacian
errors = np.abs(np.array(coefficients) - derived)
print(
    f"(E loss - loss) / sigma^2: {np.round(coefficients, 6)}, derived {derived:.6f}; "
    f"contraction alone {(J**2).sum():.6f}"
)
assert np.allclose(errors[:-1] / errors[1:], 4, atol=0.5)  # the rest is O(sigma^2)
assert errors[-1] < abs((r(x) - x) @ laplacian) / 10  # and the term with the Laplacian is no part of it

# %% [markdown]
# ## 8. Contraction without contracting
#
# *Section 14.7.*
#
# **Question.** A contractive autoencoder has a linear decoder with weights of its own. Show that the penalty on $f$
# can be made as small as one likes at the same reconstruction, so that it forbids nothing. What do tied weights
# change?
#
# **On paper.** Take $f_\epsilon = \epsilon f$ and $g_\epsilon(h) = g(h/\epsilon)$:
# $g_\epsilon \circ f_\epsilon = g \circ f$, while $\|\partial f_\epsilon/\partial x\|_F^2 = \epsilon^2 \|\partial
# f/\partial x\|_F^2 \to 0$. A linear encoder is scaled by its weights, a decoder $h V + c$ by $V/\epsilon$. With
# $V = W^\top$ the decoder shrinks with the encoder, and the reconstruction pays. (Or the penalty is put on
# $g \circ f$, which does not notice the trade.)

# %%
K0, D0 = 3, 6
x = rng.standard_normal((40, D0))
free = npae.Network([npae.Dense(D0, K0, rng=0)], [npae.Dense(K0, D0, rng=1)])
dense = npae.Dense(D0, K0, rng=0)
tied = npae.Network([dense], [npae.Tied(dense)])


def parts(network):
    """The penalty without its lam, and the reconstruction error."""
    return (npae.manifold.jacobian(network, x) ** 2).sum(axis=(1, 2)).mean(), network.value(x)


before, before_tied = parts(free), parts(tied)
for layer, factor in ((free.encoder.layers[0], 1e-3), (free.decoder.layers[0], 1e3), (dense, 1e-3)):
    layer.W *= factor
after, after_tied = parts(free), parts(tied)
print(f"free: ||J||^2 {before[0]:.3g} -> {after[0]:.3g}, error {before[1]:.6f} -> {after[1]:.6f}")
print(f"tied: ||J||^2 {before_tied[0]:.3g} -> {after_tied[0]:.3g}, error {before_tied[1]:.6f} -> {after_tied[1]:.6f}")
assert np.isclose(after[0], 1e-6 * before[0]) and np.isclose(after[1], before[1])
assert np.isclose(after_tied[1], 0.5 * (x**2).sum(axis=1).mean(), rtol=1e-4)  # nothing comes through any more
through = npae.ReconstructionContractive(1.0)
values = []
for factor in (1.0, 10.0):
    free.encoder.layers[0].W *= factor
    free.decoder.layers[0].W /= factor
    free.encoder.forward(x)
    free.decoder.forward(free.encoder.h)
    values.append(through(free.encoder, free.decoder))
assert np.isclose(values[0], values[1], rtol=1e-10)

# %% [markdown]
# ## 9. What contraction does to a linear autoencoder
#
# *Section 14.7.*
#
# **Question.** Encoder and decoder are linear with tied weights $W$, the data are centred with covariance $S$.
# Minimize $E\,\frac12\|x - x W W^\top\|^2 + \lambda \|\partial f/\partial x\|_F^2$. Which directions survive?
#
# **On paper.** $\partial f / \partial x = W^\top$ everywhere: contraction is the weight decay $\lambda\|W\|_F^2$. Let
# $W$ have the singular values $w_i$ with left singular vectors $u_i$; both terms depend on $W$ through $W W^\top$
# alone, and for given $w_i$ the error is least with the $u_i$ at the leading principal directions, the largest $w_i$
# at the largest $s_i$. Then
#
# $$J = \sum_i \tfrac12 s_i (1 - w_i^2)^2 + \lambda w_i^2, \qquad
# \frac{\partial J}{\partial w_i^2} = -s_i (1 - w_i^2) + \lambda = 0
# \;\Rightarrow\; w_i^2 = 1 - \frac\lambda{s_i}.$$
#
# Where $s_i \le \lambda$ the derivative is positive for every $w_i^2 \ge 0$, so $w_i = 0$: directions of little
# variance are not contracted a little, they are contracted to nothing. The survivors are scaled by
# $1 - \lambda / s_i$, and a large variance is kept nearly as it is.

# %%
lam, K0 = 0.5, 6
s = np.array([4.0, 2.0, 1.0, 0.6, 0.4, 0.1])
Q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
x = Moments(np.zeros(6), (Q * s) @ Q.T, 0).sample()
dense = npae.Dense(6, K0, rng=0)
tied = npae.Network([dense], [npae.Tied(dense)], penalties=[npae.Contractive(lam)])
npae.lbfgs(tied, x, gtol=1e-12)
u, w, _ = np.linalg.svd(dense.W)
expected = np.maximum(0, 1 - lam / s)
print("squared singular values of W", (w**2).round(8), " derived", expected.round(8))
assert np.allclose(w**2, expected, atol=1e-7)
assert np.allclose(np.abs((u * Q).sum(axis=0))[:4], 1, atol=1e-6)
W_e, _ = npae.pca.linear_autoencoder_optimum(x, K0, lam)  # the theory of weight decay, in npae's own words
assert np.allclose(np.linalg.svd(W_e, compute_uv=False), np.sqrt(expected), atol=1e-10)

# %% [markdown]
# ## 10. The code in predictive sparse decomposition
#
# *Section 14.8.*
#
# **Question.** Predictive sparse decomposition minimizes $\|x - g(h)\|^2 + \lambda \|h\|_1 + \gamma \|h - f(x)\|^2$
# over $h$ and over the parameters of $f$ and $g$, in turn. Solve the step in $h$ for a linear $g$ with orthonormal
# columns. What are the limits $\gamma \to 0$ and $\gamma \to \infty$?
#
# **On paper.** With $u = W^\top x$ the step is separable, $(h_j - u_j)^2 + \gamma (h_j - f_j)^2 + \lambda |h_j|$. The
# two squares add up to $(1 + \gamma)(h_j - m_j)^2$ and a constant, $m = \frac{u + \gamma f(x)}{1 + \gamma}$, and the
# kink gives a threshold as in sparse coding:
#
# $$h_j = \mathrm{sign}(m_j)\, \max\Big(|m_j| - \frac{\lambda}{2 (1 + \gamma)},\, 0\Big).$$
#
# $\gamma \to 0$ is sparse coding, the encoder is not asked; $\gamma \to \infty$ is $h = f(x)$, an autoencoder whose
# penalty has no force.

# %%
lam = 0.6
W = np.linalg.qr(rng.standard_normal((6, 4)))[0]
x, f = rng.standard_normal((30, 6)), rng.standard_normal((30, 4))
u = x @ W


def code(gamma):
    m = (u + gamma * f) / (1 + gamma)
    return np.sign(m) * np.maximum(np.abs(m) - lam / (2 * (1 + gamma)), 0)


for gamma in (0.0, 0.7, 1e9):
    h = code(gamma)
    smooth = 2 * (h @ W.T - x) @ W + 2 * gamma * (h - f)  # the derivative of all but the kink
    scale = 1 + gamma
    assert np.allclose(smooth[h != 0] / scale, -lam * np.sign(h[h != 0]) / scale, atol=1e-10)
    assert (np.abs(smooth[h == 0]) <= lam + 1e-9).all()
assert close(code(0.0), np.sign(u) * np.maximum(np.abs(u) - lam / 2, 0)) and np.allclose(code(1e9), f, atol=1e-8)
print(f"zeros at gamma = 0: {(code(0.0) == 0).mean():.0%}, at 0.7: {(code(0.7) == 0).mean():.0%}, at 1e9: none")
assert (code(1e9) != 0).all()
