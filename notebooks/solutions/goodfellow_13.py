# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Goodfellow et al., chapter 13: linear factor models
#
# Questions on chapter 13 of Goodfellow, Bengio and Courville, *Deep Learning* (2016), each in words of our own,
# answered on paper and then in code that asserts the answer. The book sets no exercises, so the reference is the
# section that a question grew out of.
#
# As in the book a sample is a column here, $x = W h + b + \text{noise}$ with $W$ of shape $(D, K)$. In the code
# samples are rows, so that the same reads `X = H @ W.T + b`.

# %%
from functools import partial

import numpy as np
from scipy.linalg import eigh
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

import npae

close = partial(np.allclose, rtol=1e-10, atol=1e-12)

# %% [markdown]
# ## 1. What factor analysis says about x
#
# *Section 13.1.*
#
# **Question.** The factors are $h \sim N(0, I)$, and $x \mid h \sim N(W h + b, \Psi)$ with a diagonal $\Psi$. Which
# distribution does $x$ have when $h$ is not observed? Which part of it makes the entries of $x$ depend on each other?
#
# **On paper.** Write $x = W h + b + \varepsilon$ with $\varepsilon \sim N(0, \Psi)$ independent of $h$. The pair
# $(h, \varepsilon)$ is Gaussian and $x$ is an affine function of it, so $x$ is Gaussian, and two moments say
# everything:
#
# $$E[x] = W\,E[h] + b = b, \qquad
# \mathrm{Cov}[x] = W\,E[h h^\top] W^\top + E[\varepsilon\varepsilon^\top] = W W^\top + \Psi,$$
#
# the mixed terms being zero by independence. $\Psi$ is diagonal, so whatever correlation there is stands in
# $W W^\top$: given $h$ the entries of $x$ are independent, and they depend on each other only because they share $h$.
#
# **In code.** The integral $\int p(x \mid h)\,p(h)\,dh$ by brute force, with Gauss-Hermite nodes in both factors,
# against the Gaussian that was derived.

# %%
rng = np.random.default_rng(0)
D, K = 4, 2
W, b, psi = rng.standard_normal((D, K)), rng.standard_normal(D), rng.uniform(0.5, 1.5, D)
X = rng.standard_normal((5, D))

node, weight = np.polynomial.hermite_e.hermegauss(60)  # integrates against exp(-h^2 / 2)
H = np.stack(np.meshgrid(node, node), axis=-1).reshape(-1, K)
log_weight = np.log(np.outer(weight, weight).ravel() / (2 * np.pi))
residual = X[:, None] - (H @ W.T + b)  # (N, nodes, D)
log_conditional = -0.5 * (residual**2 / psi + np.log(2 * np.pi * psi)).sum(axis=2)
by_integration = logsumexp(log_conditional + log_weight, axis=1)

C = W @ W.T + np.diag(psi)
derived = multivariate_normal(b, C).logpdf(X)
print("log p(x) by integration", by_integration.round(6))
print("log p(x) as derived    ", derived.round(6))
assert np.allclose(by_integration, derived, rtol=1e-8)
assert close(C - np.diag(np.diag(C)), W @ W.T - np.diag(np.diag(W @ W.T)))

# %% [markdown]
# ## 2. The noise that probabilistic PCA needs
#
# *Section 13.1.*
#
# **Question.** Let $\Psi = \sigma^2 I$ and let the columns of $W$ be fixed. What happens to the log-likelihood of a
# point as $\sigma \to 0$, if the point lies on the plane $b + \mathrm{span}\,W$, and if it does not? With $W$ at the
# principal directions, which $\sigma^2$ is the most likely one?
#
# **On paper.** $C = W W^\top + \sigma^2 I$ has the eigenvalue $\sigma^2$ on the $D - K$ directions orthogonal to $W$,
# and eigenvalues that stay positive on the others. Let $x_\perp$ be the part of $x - b$ orthogonal to the plane. Then
#
# $$\log p(x) = -\frac{D-K}{2} \log \sigma^2 - \frac{\|x_\perp\|^2}{2 \sigma^2} + O(1).$$
#
# On the plane the density grows without bound, like $\sigma^{-(D-K)}$; off the plane it falls to zero faster than any
# power. Averaged over data and differentiated by $\sigma^2$, with the variance $\lambda_i$ inside the plane fitted
# separately, the two terms balance at
#
# $$\sigma^2 = \frac{1}{D-K} \, \frac1N \sum_n \|x_{n\perp}\|^2 = \frac{1}{D-K} \sum_{i>K} \lambda_i ,$$
#
# the mean of the variances that are left out.

# %%
basis = np.linalg.qr(W)[0]
on = b + W @ rng.standard_normal(K)
off = on + 0.3 * (lambda v: v - basis @ basis.T @ v)(rng.standard_normal(D))
perpendicular = np.linalg.norm(off - on - basis @ basis.T @ (off - on))
gains = []
for sigma in (1e-3, 1e-4):
    model = multivariate_normal(b, W @ W.T + sigma**2 * np.eye(D))
    gains.append((model.logpdf(on), model.logpdf(off) + perpendicular**2 / (2 * sigma**2)))
    print(f"sigma = {sigma:g}: log p on the plane {gains[-1][0]:8.2f}, off the plane {model.logpdf(off):.3g}")
on_gain, off_gain = np.subtract(gains[1], gains[0])
assert np.isclose(on_gain, (D - K) * np.log(10), rtol=1e-5)  # sigma^-(D-K)
assert np.isclose(off_gain, (D - K) * np.log(10), rtol=1e-2)  # what is left when ||x_perp||^2 / 2 sigma^2 is taken off

digits = npae.datasets.load_digits().data
pca = npae.PCA(20, maximum_likelihood=True).fit(digits)
outside = ((digits - pca.reconstruct(digits)) ** 2).sum(axis=1).mean() / (64 - 20)
print(
    f"mean squared distance to the plane / (D - K) = {outside:.10f}; npae's noise variance {pca.noise_variance_:.10f}"
)
assert np.isclose(outside, pca.noise_variance_, rtol=1e-10)
for factor in (0.99, 1.01):
    C = (pca.components_.T * (pca.explained_variance_ - factor * pca.noise_variance_)) @ pca.components_
    C += factor * pca.noise_variance_ * np.eye(64)
    assert multivariate_normal(pca.mean_, C).logpdf(digits).mean() < pca.score(digits)

# %% [markdown]
# ## 3. Gaussian factors cannot be told from their rotations
#
# *Section 13.2.*
#
# **Question.** Independent component analysis wants to find $W$ in $x = W h$ from $x$ alone. Show that this is
# hopeless for Gaussian factors. Then show, for two independent factors of unit variance that are not Gaussian, that
# among all directions of the whitened data the excess kurtosis $\kappa = E[y^4] - 3$ has its extremes at the factors
# themselves.
#
# **On paper.** For $h \sim N(0, I)$ and any rotation $R$, $x \sim N(0, W W^\top) = N(0, W R (W R)^\top)$: $W$ and
# $W R$ make the same density, and no amount of data separates them.
#
# Whitened data are $z = R h$. Along a direction at angle $\theta$ to the first factor
# $y = h_1 \cos\theta + h_2 \sin\theta$ and $E[y^2] = 1$. Cumulants of independent variables add, and the fourth is
# homogeneous of degree four, so
#
# $$\kappa(\theta) = \kappa_1 \cos^4\theta + \kappa_2 \sin^4\theta, \qquad
# \kappa'(\theta) = 4 \sin\theta\cos\theta\,(\kappa_2 \sin^2\theta - \kappa_1 \cos^2\theta).$$
#
# It vanishes at $\theta = 0$ and $\pi/2$, the factors. If $\kappa_1$ and $\kappa_2$ have the same sign there is one
# more zero in between, where $|\kappa|$ is smallest; if one of them is zero (one Gaussian factor) the factors are
# still the extremes; if both are, $\kappa$ is zero everywhere and shows nothing.

# %%
R = np.linalg.qr(rng.standard_normal((K, K)))[0]
assert close(W @ R @ (W @ R).T, W @ W.T)

theta = np.linspace(0, np.pi / 2, 181)
# moments of a factor with the values +-1 (kurtosis -2), a uniform one (-6/5) and a Gaussian one (0), in exact form
second, fourth = 1.0, {"two values": 1.0, "uniform": 9 / 5, "Gaussian": 3.0}
for pair in (("two values", "uniform"), ("uniform", "Gaussian"), ("Gaussian", "Gaussian")):
    m1, m2 = (fourth[name] for name in pair)
    c, s = np.cos(theta), np.sin(theta)
    E4 = m1 * c**4 + 6 * second**2 * c**2 * s**2 + m2 * s**4  # the binomial formula; odd moments are zero
    kappa = E4 - 3
    assert close(kappa, (m1 - 3) * c**4 + (m2 - 3) * s**4)
    extremes = theta[[np.argmin(kappa), np.argmax(np.abs(kappa))]]
    print(f"{pair[0]} and {pair[1]}: kappa from {kappa.min():.3f} to {kappa.max() + 0.0:.3f}")
    if pair != ("Gaussian", "Gaussian"):
        assert np.isclose(extremes[1], 0) and np.isclose(kappa[0], m1 - 3)
    else:
        assert np.abs(kappa).max() < 1e-14

# %% [markdown]
# ## 4. Slow features are an eigenvalue problem
#
# *Section 13.3.*
#
# **Question.** Find the linear feature $y_t = w^\top x_t$ of a centred series that changes least from one step to the
# next, $E[(y_{t+1} - y_t)^2] \to \min$, among those with $E[y^2] = 1$. Why is the constraint needed, and what is the
# second slowest feature?
#
# **On paper.** Without the constraint $w = 0$ is slowest. With $C = E[x x^\top]$ and
# $\dot C = E[\dot x \dot x^\top]$, $\dot x_t = x_{t+1} - x_t$, the Lagrangian
# $w^\top \dot C w - \lambda (w^\top C w - 1)$ has a stationary point where
#
# $$\dot C w = \lambda C w .$$
#
# Multiplied by $w^\top$ from the left, $\lambda$ is the slowness itself, so the solution belongs to the smallest
# generalized eigenvalue. Eigenvectors of different eigenvalues satisfy $w_i^\top C w_j = 0$, so the second one is the
# slowest among the features that are uncorrelated with the first. In whitened coordinates, $C = I$, it is an ordinary
# eigenvalue problem: PCA of the differences, read from its small end.

# %%
t = np.arange(4000)
sources = np.stack([np.sin(2 * np.pi * f * t / 4000) for f in (3, 40, 170)], axis=1) * np.sqrt(2)
series = sources @ rng.standard_normal((3, 3))
series = series - series.mean(axis=0)
C = series.T @ series / len(series)
difference = np.diff(series, axis=0)
C_dot = difference.T @ difference / len(difference)
slowness, w = eigh(C_dot, C)
features = series @ w
of_sinusoids = 2 - 2 * np.cos(2 * np.pi * np.array([3, 40, 170]) / 4000)
print("slowness", slowness, "  of the sinusoids, 2 - 2 cos(2 pi f / T):", of_sinusoids)
assert np.allclose(slowness, of_sinusoids, rtol=1e-3)  # but for the one step that a finite series lacks
assert close(features.T @ features / len(series), np.eye(3))
assert np.allclose((np.diff(features, axis=0) ** 2).mean(axis=0), slowness, rtol=1e-10)
assert (np.abs(np.corrcoef(features.T, sources.T)[:3, 3:]) > 0.999)[np.eye(3, dtype=bool)].all()

others = rng.standard_normal((3, 10_000))
others /= np.sqrt(np.einsum("ij,ik,kj->j", others, C, others))
assert np.einsum("ij,ik,kj->j", others, C_dot, others).min() >= slowness[0]

whitened = npae.PCA(3, whiten=True, maximum_likelihood=True).fit(series).transform(series)
step = np.diff(whitened, axis=0)
assert np.allclose(np.linalg.eigvalsh(step.T @ step / len(step)), slowness, rtol=1e-8)

# %% [markdown]
# ## 5. The encoder of sparse coding
#
# *Section 13.4.*
#
# **Question.** In sparse coding $h$ is not computed by a network but found: the most probable $h$ given $x$, with a
# Laplace prior $p(h_j) = \frac\lambda2 e^{-\lambda |h_j|}$ and $x \mid h \sim N(W h, \frac1\beta I)$. Write down what
# is minimized, and solve it for a $W$ with orthonormal columns. Why are entries of the answer exactly zero, while no
# draw from the prior ever is?
#
# **On paper.** $-\log p(h, x) = \lambda \|h\|_1 + \frac\beta2 \|x - W h\|^2 + \text{const}$. With $W^\top W = I$ and
# $u = W^\top x$, $\|x - W h\|^2 = \|x\|^2 - \|u\|^2 + \|h - u\|^2$, so each $h_j$ minimizes
# $\lambda |h_j| + \frac\beta2 (h_j - u_j)^2$ by itself. For $h_j > 0$ the derivative $\lambda + \beta (h_j - u_j)$
# vanishes at $u_j - \lambda/\beta$, for $h_j < 0$ at $u_j + \lambda/\beta$; if neither has the sign that was assumed,
# the minimum is at the kink:
#
# $$h_j = \mathrm{sign}(u_j)\,\max(|u_j| - \lambda/\beta,\; 0).$$
#
# The kink holds a whole interval $|u_j| \le \lambda/\beta$ at zero. It is the maximum of the posterior that is
# sparse; the probability of $h_j = 0$ under the prior is zero, for it has a density.

# %%
D, K, lam, beta = 6, 4, 0.8, 2.0
W = np.linalg.qr(rng.standard_normal((D, K)))[0]
X = rng.standard_normal((50, D))
U = X @ W
H = np.sign(U) * np.maximum(np.abs(U) - lam / beta, 0)


def energy(h, x):
    """lam ||h||_1 + beta / 2 ||x - W h||^2, for each row."""
    return lam * np.abs(h).sum(axis=-1) + beta / 2 * ((x - h @ W.T) ** 2).sum(axis=-1)


for _ in range(2000):
    step = rng.standard_normal(H.shape) * 10 ** rng.uniform(-4, 0)
    assert (energy(H + step, X) >= energy(H, X)).all()

# the condition for a minimum: 0 is a subgradient
slope = beta * (X - H @ W.T) @ W
assert close(slope[H != 0], lam * np.sign(H[H != 0])) and (np.abs(slope[H == 0]) <= lam + 1e-12).all()
print(f"{(H == 0).mean():.0%} of the codes' entries are exactly zero")
assert 0.2 < (H == 0).mean() < 0.8

# the penalty is npae's, up to the constant of the prior
encoder = npae.Stack([npae.Dense(K, K)])
encoder.layers[0].W[:], encoder.layers[0].b[:] = np.eye(K), 0
encoder.forward(H)
log_prior = K * np.log(lam / 2) - lam * np.abs(H).sum(axis=1)
assert np.isclose(npae.L1Sparsity(lam)(encoder), K * np.log(lam / 2) - log_prior.mean(), rtol=1e-12)

# %% [markdown]
# ## 6. The plane that PCA learns
#
# *Section 13.5.*
#
# **Question.** The encoder is $h = W^\top (x - \mu)$, the decoder $\hat x = b + V h$. Show that the least mean
# squared error is reached with $V = W$, orthonormal columns that span the $K$ leading eigenvectors of the covariance,
# $b = \mu = E[x]$, and that it is the sum of the eigenvalues left out.
#
# **On paper.** For any encoder, $\hat x$ lies on the plane $b + \mathrm{span}\,V$, and the best point of the plane is
# the orthogonal projection. With an orthonormal basis $V$ it is $b + V V^\top (x - b)$, so $W = V$ and $\mu = b$
# serve. The error is $E\|(I - V V^\top)(x - b)\|^2$; in $b$ it is least at $b = E[x]$ (adding anything inside the
# plane changes nothing). Then
#
# $$E\,\|(I - V V^\top)(x - b)\|^2 = \mathrm{tr}\,C - \mathrm{tr}\,V^\top C V,$$
#
# and $\mathrm{tr}\,V^\top C V = \sum_i \lambda_i \|V^\top u_i\|^2$, a sum of eigenvalues with weights in $[0, 1]$
# that add up to $K$: largest with weight one on the $K$ largest. What is left is $\sum_{i>K} \lambda_i$.

# %%
N, K = len(digits), 12
C = np.cov(digits.T, bias=True)
eigenvalues = np.linalg.eigvalsh(C)[::-1]
pca = npae.PCA(K).fit(digits)
error = ((digits - pca.reconstruct(digits)) ** 2).sum(axis=1).mean()
print(f"E ||x - x^||^2 = {error:.10f}, eigenvalues left out {eigenvalues[K:].sum():.10f}")
assert np.isclose(error, eigenvalues[K:].sum(), rtol=1e-10)

weights = []
for _ in range(20):
    V = np.linalg.qr(rng.standard_normal((64, K)))[0]
    weights.append(np.diag(pca.components_ @ V @ V.T @ pca.components_.T))
    centred = digits - digits.mean(axis=0)
    assert ((centred - centred @ V @ V.T) ** 2).sum(axis=1).mean() > error
assert np.min(weights) >= 0 and np.max(weights) <= 1

W_e, W_d = npae.pca.linear_autoencoder_optimum(digits, K)
assert (
    close(W_e, W_d.T) and close(W_d @ W_e, np.eye(K)) and npae.pca.principal_angles(W_e, pca.components_.T)[-1] < 1e-7
)
