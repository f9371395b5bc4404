# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Murphy, chapter 20: dimensionality reduction
#
# Questions on chapter 20 of Murphy, *Probabilistic Machine Learning: An Introduction* (2022), each in words of our
# own with the section it belongs to, answered on paper and then in code that asserts the answer. $S$ is the
# covariance of the data with $\frac1N$, $v_i$ its unit eigenvectors, $\lambda_1 \ge \lambda_2 \ge \dots$ its
# eigenvalues. On paper a sample is a column, in the code a row.

# %%
from functools import partial

import numpy as np
from scipy.stats import multivariate_normal

import npae

close = partial(np.allclose, rtol=1e-10, atol=1e-12)
rng = np.random.default_rng(0)
digits = npae.datasets.load_digits().data
X = digits - digits.mean(axis=0)
N, D = X.shape
S = X.T @ X / N
eigenvalues, V = np.linalg.eigh(S)
eigenvalues, V = eigenvalues[::-1], V[:, ::-1].T  # rows are directions, descending

# %% [markdown]
# ## 1. The second component, by minimum error
#
# *Section 20.1.*
#
# **Question.** Minimize $J(v_2, z_2) = \frac1N \sum_n \|x_n - z_{n1} v_1 - z_{n2} v_2\|^2$ over the scores $z_{n2}$
# and a unit vector $v_2$ at right angles to $v_1$, with $z_{n1} = v_1^\top x_n$ already found.
#
# **On paper.** In $z_{n2}$ this is a parabola, least at $z_{n2} = v_2^\top (x_n - z_{n1} v_1) = v_2^\top x_n$. Put
# in, $J = \text{const} - v_2^\top S v_2$. With multipliers for $v_2^\top v_2 = 1$ and $v_2^\top v_1 = 0$,
# $S v_2 = \lambda v_2 + \frac{\eta}{2} v_1$; multiplied by $v_1^\top$ the left side is $\lambda_1 v_1^\top v_2 = 0$,
# so $\eta = 0$, and $v_2$ is an eigenvector, the one with the largest eigenvalue that is left.

# %%
z1 = X @ V[0]
rest = X - np.outer(z1, V[0])
v2 = rng.standard_normal(D)
for _ in range(2000):  # alternating minimization: first the scores, then the direction
    v2 -= V[0] * (V[0] @ v2)
    v2 /= np.linalg.norm(v2)
    v2 = S @ v2 - V[0] * (V[0] @ S @ v2)  # rest^T z2, up to a factor
v2 /= np.linalg.norm(v2)
J = ((rest - np.outer(rest @ v2, v2)) ** 2).sum() / N
print(f"J = {J:.10f}, total variance - the first two eigenvalues {np.trace(S) - eigenvalues[:2].sum():.10f}")
assert close(J, np.trace(S) - eigenvalues[:2].sum()) and np.isclose(abs(v2 @ V[1]), 1, atol=1e-10)
assert np.isclose(abs(v2 @ npae.PCA(2).fit(digits).components_[1]), 1, atol=1e-10)

# %% [markdown]
# ## 2. What K components leave over
#
# *Section 20.1.*
#
# **Question.** Show $\|x_n - \sum_{j \le K} z_{nj} v_j\|^2 = x_n^\top x_n - \sum_{j \le K} v_j^\top x_n x_n^\top v_j$
# for every sample, and $J_K = \sum_{j > K} \lambda_j$ on average.
#
# **On paper.** The $v_j$ are orthonormal, so the square of the difference is
# $\|x_n\|^2 - 2 \sum_j z_{nj}^2 + \sum_j z_{nj}^2$ with $z_{nj} = v_j^\top x_n$. The mean of
# $v_j^\top x_n x_n^\top v_j$ is $v_j^\top S v_j = \lambda_j$, and with all $D$ components nothing is left,
# $\frac1N \sum_n \|x_n\|^2 = \sum_j \lambda_j$. The difference is the sum of those beyond $K$.

# %%
for K in (1, 10, 40, 64):
    model = npae.PCA(K).fit(digits)
    left = ((digits - model.reconstruct(digits)) ** 2).sum(axis=1)
    assert close(left, (X**2).sum(axis=1) - ((X @ model.components_.T) ** 2).sum(axis=1))
    assert np.isclose(left.mean(), eigenvalues[K:].sum(), rtol=1e-9, atol=1e-12)
    print(f"K = {K:2d}: mean squared error {left.mean():.10f}, eigenvalues left {eigenvalues[K:].sum() + 0.0:.10f}")

# %% [markdown]
# ## 3. One component at a time
#
# *Section 20.1.*
#
# **Question.** Take the first direction out of the data, $\tilde x_n = (I - v_1 v_1^\top) x_n$, and run PCA again.
# What are the eigenvectors and eigenvalues of the new covariance? Build an algorithm for $K$ components from a
# routine that finds one.
#
# **On paper.** $\tilde S = (I - v_1 v_1^\top) S (I - v_1 v_1^\top) = S - \lambda_1 v_1 v_1^\top$, since
# $S v_1 = \lambda_1 v_1$. It sends $v_1$ to 0 and every other $v_j$ to $\lambda_j v_j$: the same eigenvectors, with
# $\lambda_1$ replaced by 0. Its leading one is $v_2$. Find one, subtract, repeat; errors add up, so a wrong first
# direction spoils the others.


# %%
def leading(S, n_steps=4000):
    """The largest eigenvalue and its eigenvector, by power iteration."""
    v = np.ones(len(S))
    for _ in range(n_steps):
        v = S @ v
        v /= np.linalg.norm(v)
    return v @ S @ v, v


deflated, found = S.copy(), []
for _ in range(5):
    value, v = leading(deflated)
    deflated -= value * np.outer(v, v)
    found.append((value, v))
    untouched = np.linalg.eigvalsh(deflated)[::-1][: D - len(found)]
    assert np.allclose(untouched, eigenvalues[len(found) :], atol=1e-9)
print("eigenvalues by deflation", np.array([value for value, _ in found]), " at once", eigenvalues[:5])
assert np.allclose([value for value, _ in found], eigenvalues[:5], rtol=1e-9)
assert np.allclose([abs(v @ V[i]) for i, (_, v) in enumerate(found)], 1, atol=1e-8)

# %% [markdown]
# ## 4. The variances of the model are those of the data, where it can
#
# *Section 20.2, probabilistic PCA.*
#
# **Question.** Let $C$ be the covariance of probabilistic PCA at the maximum of the likelihood. What is the variance
# $u^\top C u$ along a principal direction that is kept, and along one that is not? How do the sums compare?
#
# **On paper.** $W = V_K^\top (\Lambda_K - \sigma^2 I)^{1/2}$, so
# $C = \sum_{i \le K} (\lambda_i - \sigma^2) v_i v_i^\top + \sigma^2 I$ and
#
# $$v_i^\top C v_i = \lambda_i \;(i \le K), \qquad
# v_i^\top C v_i = \sigma^2 = \frac{1}{D - K} \sum_{j > K} \lambda_j \;(i > K) .$$
#
# The model has the right variance along the directions it keeps, gives all others their mean, and has the right
# total, $\mathrm{tr}\,C = \mathrm{tr}\,S$.

# %%
K = 8
model = npae.PCA(K, maximum_likelihood=True).fit(digits)
C = model.get_covariance()
along = np.einsum("ij,jk,ik->i", V, C, V)
print(
    f"kept: {along[:3]}, data {eigenvalues[:3]}; left out: {along[-1]:.6f}, "
    f"mean of the rest {eigenvalues[K:].mean():.6f}"
)
assert close(along[:K], eigenvalues[:K]) and close(along[K:], eigenvalues[K:].mean())
assert close(np.trace(C), np.trace(S))
other = multivariate_normal(model.mean_, C + 1e-3 * np.eye(D))
assert other.logpdf(digits).mean() < model.score(digits)

# %% [markdown]
# ## 5. Filling in what is missing
#
# *Section 20.2, factor analysis.*
#
# **Question.** A factor analysis $x \sim N(\mu, W W^\top + \Psi)$ is given, and of a new $x$ only the entries in $v$
# are seen. What is $E[x_h \mid x_v]$ for the hidden ones? Show that it may be read as: encode what is seen, decode
# what is not.
#
# **On paper.** Conditioning in a Gaussian gives $E[x_h \mid x_v] = \mu_h + C_{hv} C_{vv}^{-1} (x_v - \mu_v)$ with
# $C_{hv} = W_h W_v^\top$, for $\Psi$ is diagonal and has no part off the diagonal. The code given the seen part has
# the mean $E[z \mid x_v] = W_v^\top C_{vv}^{-1} (x_v - \mu_v)$, hence
#
# $$E[x_h \mid x_v] = \mu_h + W_h\, E[z \mid x_v], \qquad
# E[z \mid x_v] = (I + W_v^\top \Psi_v^{-1} W_v)^{-1} W_v^\top \Psi_v^{-1} (x_v - \mu_v),$$
#
# an encoder that leaves out the rows of the hidden entries. It costs a $K \times K$ system, not one as large as what
# is seen.

# %%
order = rng.permutation(N)
train, test = digits[order[300:]], digits[order[:300]]
model = npae.PCA(20, maximum_likelihood=True).fit(train)
W = model.components_.T * np.sqrt(model.explained_variance_ - model.noise_variance_)
mu, psi = model.mean_, np.full(D, model.noise_variance_)
hidden = np.zeros(D, dtype=bool)
hidden[rng.permutation(D)[:16]] = True
seen = ~hidden
C = W @ W.T + np.diag(psi)
by_conditioning = mu[hidden] + (test[:, seen] - mu[seen]) @ np.linalg.solve(
    C[np.ix_(seen, seen)], C[np.ix_(seen, hidden)]
)
G = np.eye(20) + W[seen].T / psi[seen] @ W[seen]
code = (test[:, seen] - mu[seen]) / psi[seen] @ W[seen] @ np.linalg.inv(G)
by_decoding = mu[hidden] + code @ W[hidden].T
assert np.allclose(by_conditioning, by_decoding, atol=1e-9)
error = ((by_decoding - test[:, hidden]) ** 2).sum(axis=1).mean()
mean_error = ((mu[hidden] - test[:, hidden]) ** 2).sum(axis=1).mean()
print(f"16 hidden pixels of held-out digits: squared error {error:.4f}, by the mean alone {mean_error:.4f}")
assert error < mean_error / 2

# %% [markdown]
# ## 6. The density of probabilistic PCA without a large matrix
#
# *Section 20.2, probabilistic PCA.*
#
# **Question.** Evaluate $\log N(x \mid \mu, W W^\top + \sigma^2 I)$ for $K \ll D$ without an inverse or a determinant
# of size $D$, and count the operations.
#
# **On paper.** By the formulas of Woodbury and Sylvester, with $M = W^\top W + \sigma^2 I$ of size $K$,
#
# $$C^{-1} = \tfrac{1}{\sigma^2}\big(I - W M^{-1} W^\top\big), \qquad |C| = (\sigma^2)^{D - K}\, |M| ,$$
#
# so that $y = W^\top (x - \mu)$ suffices: $\log p = -\frac12\big[D \log 2\pi + (D - K) \log \sigma^2 + \log|M| +
# \frac{1}{\sigma^2}(\|x - \mu\|^2 - y^\top M^{-1} y)\big]$. That is $O(D K^2 + K^3)$ once and $O(D K + K^2)$ a
# sample, against $O(D^3)$ and $O(D^2)$.

# %%
s2 = model.noise_variance_
M = W.T @ W + s2 * np.eye(20)
centred = test - mu
y = centred @ W
squares = (centred**2).sum(axis=1) - np.sum(y * np.linalg.solve(M, y.T).T, axis=1)
log_p = -0.5 * (D * np.log(2 * np.pi) + (D - 20) * np.log(s2) + np.linalg.slogdet(M)[1] + squares / s2)
print(f"mean log density of held-out digits {log_p.mean():.8f} nats, npae's {model.score(test):.8f}")
assert np.allclose(log_p, multivariate_normal(mu, C).logpdf(test), rtol=1e-9)
assert np.allclose(log_p, model.score_samples(test), rtol=1e-9)

# %% [markdown]
# ## 7. A penalty that makes a plain autoencoder robust
#
# *Section 20.3, contractive and denoising autoencoders.*
#
# **Question.** Compare what the contractive penalty $\|\partial f/\partial x\|_F^2$ and denoising ask of an
# autoencoder by counting what each of them differentiates, and name a network for which the first is cheap and exact.
# Verify that the cheap form equals the norm of the Jacobian estimated from random directions.
#
# **On paper.** The penalty acts on the code, denoising on the reconstruction; the first is a derivative
# (infinitesimal noise), the second a difference (noise of size $\sigma$). For one layer $f(x) = \varphi(x W + b)$ the
# $(K, D)$ Jacobian is $\mathrm{diag}(\varphi'(a))\, W^\top$, and its squared norm
# $\sum_j \varphi'(a_j)^2 \|W_{:j}\|^2$ takes $O(K)$ operations once the norms are known. For any $f$, $E_\varepsilon
# \|J \varepsilon\|^2 = \mathrm{tr}\,J J^\top\! = \|J\|_F^2$ with $\varepsilon \sim N(0, I)$, so directional
# differences estimate it without knowing $f$ (Hutchinson).

# %%
network = (
    npae.Autoencoder(30, activation="tanh", optimizer=npae.Adam(3e-3), max_iter=5, random_state=0).fit(train).network_
)
layer = network.encoder.layers[0]
h = network.encode(test)
exact = (((1 - h**2) ** 2) * (layer.W**2).sum(axis=0)).sum(axis=1)
by_jacobian = (npae.manifold.jacobian(network, test) ** 2).sum(axis=(1, 2))
t, estimates = 1e-5, []
for _ in range(100):
    e = rng.standard_normal(test.shape)
    estimates.append((((network.encode(test + t * e) - network.encode(test - t * e)) / (2 * t)) ** 2).sum(axis=1))
estimate, spread = np.mean(estimates), np.std(np.mean(estimates, axis=1)) / 10
network.encoder.forward(test)
print(
    f"mean ||J||^2: formula {exact.mean():.6f}, Jacobian {by_jacobian.mean():.6f}, "
    f"100 directions {estimate:.3f} +- {spread:.3f}"
)
assert close(exact, by_jacobian) and close(npae.Contractive(1.0)(network.encoder), exact.mean())
assert abs(estimate - exact.mean()) < 5 * spread
