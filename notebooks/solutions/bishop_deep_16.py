# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Bishop and Bishop, chapter 16: latent variables
#
# Questions on chapter 16 of Bishop and Bishop, *Deep Learning: Foundations and Concepts* (2024), each in words of our
# own, answered on paper and then in code that asserts the answer. Many exercises of the chapter are those of chapter
# 12 of *Pattern Recognition and Machine Learning*, solved in `prml_12_pca` and `prml_12_probabilistic`; here are
# questions on what is beside or beyond them, with the section they belong to.

# %%
from functools import partial

import numpy as np
from scipy.linalg import sqrtm
from scipy.stats import multivariate_normal

import npae

close = partial(np.allclose, rtol=1e-10, atol=1e-12)
rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. There is more than one way to make data white
#
# *Section 16.1, whitening.*
#
# **Question.** A matrix $T$ whitens centred data with covariance $S$ if $y = T x$ has covariance $I$. Find all of
# them. Which of them changes the data least, $E\|T x - x\|^2 \to \min$?
#
# **On paper.** $T S T^\top = I$ says that $T S^{1/2}$ is orthogonal: $T = Q S^{-1/2}$ with any orthogonal $Q$ and the
# symmetric root. PCA whitening is $Q = U^\top$. For the distance,
#
# $$E\,\|T x - x\|^2 = \mathrm{tr}\,T S T^\top - 2\,\mathrm{tr}\,T S + \mathrm{tr}\,S =
# D - 2\,\mathrm{tr}\,Q S^{1/2} + \mathrm{tr}\,S ,$$
#
# and $\mathrm{tr}\,Q S^{1/2} = \sum_i \sqrt{\lambda_i}\, u_i^\top Q u_i \le \sum_i \sqrt{\lambda_i}$, with equality
# for $Q = I$. So the symmetric one, $T = S^{-1/2} = U \Lambda^{-1/2} U^\top$ (ZCA), is nearest to doing nothing:
# whitened images still look like images.

# %%
A = rng.standard_normal((6, 6))
X = rng.standard_normal((500, 6)) @ A.T
X = X - X.mean(axis=0)
S = X.T @ X / len(X)


def whitener(whiten):
    """T, read off npae's PCA: what it makes of the unit vectors."""
    pca = npae.PCA(6, whiten=whiten, maximum_likelihood=True).fit(X)
    return (pca.transform(np.eye(6)) - pca.transform(np.zeros((1, 6)))).T


T_pca, T_zca = whitener("pca"), whitener("zca")
root = sqrtm(S).real
least = ((X @ T_zca.T - X) ** 2).sum(axis=1).mean()
for T in (T_pca, T_zca):
    assert np.allclose(T @ S @ T.T, np.eye(6), atol=1e-10) and np.allclose(
        T @ root @ (T @ root).T, np.eye(6), atol=1e-10
    )
assert np.allclose(T_zca, np.linalg.inv(root), atol=1e-10)
distance = ((X @ T_pca.T - X) ** 2).sum(axis=1).mean()
print(
    f"E ||T x - x||^2: ZCA {least:.4f}, PCA whitening {distance:.4f}; "
    f"derived {6 - 2 * np.trace(root) + np.trace(S):.4f}"
)
assert np.isclose(least, 6 - 2 * np.trace(root) + np.trace(S), rtol=1e-9)
for _ in range(500):
    Q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    assert ((X @ (Q @ T_zca).T - X) ** 2).sum(axis=1).mean() >= least

# %% [markdown]
# ## 2. A bound on the likelihood, and what it lacks
#
# *Section 16.3, the evidence lower bound.*
#
# **Question.** For any density $q(z)$ show $\log p(x) = \mathcal L(q) + \mathrm{KL}(q \,\|\, p(z \mid x))$ with
# $\mathcal L(q) = E_q[\log p(x, z) - \log q(z)]$. Evaluate all three for probabilistic PCA and a Gaussian
# $q = N(m, V)$.
#
# **On paper.** $\log p(x) = \log p(x, z) - \log p(z \mid x)$ for every $z$; add and subtract $\log q(z)$ and take the
# mean under $q$. Since $\mathrm{KL} \ge 0$, with equality for $q = p(z \mid x)$ only, $\mathcal L$ is a lower bound
# that the posterior makes tight. For $p(z) = N(0, I)$ and $p(x \mid z) = N(W z + \mu, \sigma^2 I)$ the means of
# squares are
#
# $$\mathcal L = -\tfrac D2 \log 2\pi\sigma^2
# - \tfrac{1}{2\sigma^2}\big[\|x - \mu - W m\|^2 + \mathrm{tr}\,W V W^\top\big]
# - \tfrac12\big[\mathrm{tr}\,V + m^\top m - M - \log|V|\big] .$$

# %%
D, M, s2 = 5, 2, 0.3
W, mu, x = rng.standard_normal((D, M)), rng.standard_normal(D), rng.standard_normal(D)
M_sigma = W.T @ W + s2 * np.eye(M)
posterior_m, posterior_v = np.linalg.solve(M_sigma, W.T @ (x - mu)), s2 * np.linalg.inv(M_sigma)
log_p = multivariate_normal(mu, W @ W.T + s2 * np.eye(D)).logpdf(x)


def bound(m, V):
    """L(q) for q = N(m, V)."""
    reconstruction = -0.5 * (D * np.log(2 * np.pi * s2) + (((x - mu - W @ m) ** 2).sum() + np.trace(W @ V @ W.T)) / s2)
    return reconstruction - 0.5 * (np.trace(V) + m @ m - M - np.linalg.slogdet(V)[1])


def kl(m, V, m0, V0):
    """KL(N(m, V) || N(m0, V0))."""
    inverse = np.linalg.inv(V0)
    return 0.5 * (
        np.trace(inverse @ V) + (m0 - m) @ inverse @ (m0 - m) - M + np.linalg.slogdet(V0)[1] - np.linalg.slogdet(V)[1]
    )


for _ in range(20):
    m, B = rng.standard_normal(M), rng.standard_normal((M, M))
    V = B @ B.T + 0.1 * np.eye(M)
    assert close(bound(m, V) + kl(m, V, posterior_m, posterior_v), log_p) and bound(m, V) < log_p
print(
    f"log p(x) {log_p:.10f}, bound at the posterior {bound(posterior_m, posterior_v):.10f}, "
    f"at the prior {bound(np.zeros(M), np.eye(M)):.4f}"
)
assert close(bound(posterior_m, posterior_v), log_p)
node, weight = np.polynomial.hermite_e.hermegauss(30)  # and the closed form against integration
z = np.stack(np.meshgrid(node, node), axis=-1).reshape(-1, M)
weight = np.outer(weight, weight).ravel() / (2 * np.pi)
points = m + z @ np.linalg.cholesky(V).T
log_joint = -0.5 * (((x - mu - points @ W.T) ** 2).sum(axis=1) / s2 + D * np.log(2 * np.pi * s2))
log_joint = log_joint - 0.5 * ((points**2).sum(axis=1) + M * np.log(2 * np.pi))
assert close(weight @ (log_joint - multivariate_normal(m, V).logpdf(points)), bound(m, V))

# %% [markdown]
# ## 3. What a posterior with a diagonal covariance costs
#
# *Section 16.3, the evidence lower bound.*
#
# **Question.** In the same model let $q$ be restricted to $N(m, \mathrm{diag}\,v)$. Which $m$ and $v$ are best, how
# large is the gap that remains, and for which $W$ is it zero?
#
# **On paper.** With the posterior $N(m^*, \Lambda^{-1})$, $\Lambda = M_\sigma/\sigma^2$,
#
# $$\mathrm{KL} = \tfrac12 \Big[\sum_j \Lambda_{jj} v_j - \sum_j \log v_j - \log|\Lambda| - M
# + (m - m^*)^\top \Lambda (m - m^*)\Big],$$
#
# least at $m = m^*$ and $v_j = 1/\Lambda_{jj}$: the mean is right, and the variances are those of the *conditionals*,
# smaller than the marginal ones $(\Lambda^{-1})_{jj}$. What remains is
# $\frac12 \big(\sum_j \log \Lambda_{jj} - \log|\Lambda|\big) \ge 0$ (Hadamard), zero if and only if $\Lambda$ is
# diagonal, that is, if the columns of $W$ are orthogonal. Among the rotations $W R$, which all have the same
# likelihood, a variational autoencoder with a diagonal $q$ therefore prefers the principal directions.

# %%
precision = M_sigma / s2
v = 1 / np.diag(precision)
gap = log_p - bound(posterior_m, np.diag(v))
derived = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
print(f"gap of the best diagonal q {gap:.10f}, derived {derived:.10f}")
assert close(gap, derived) and (v < np.diag(posterior_v)).all()
for _ in range(200):
    assert (
        bound(posterior_m + 0.1 * rng.standard_normal(M), np.diag(v * np.exp(0.3 * rng.standard_normal(M))))
        < log_p - gap
    )
_, _, R = np.linalg.svd(W, full_matrices=False)
W = W @ R.T  # orthogonal columns: the same model
M_sigma = W.T @ W + s2 * np.eye(M)
posterior_m, v = np.linalg.solve(M_sigma, W.T @ (x - mu)), s2 / np.diag(M_sigma)
print(f"gap after turning the code to the principal directions: {log_p - bound(posterior_m, np.diag(v)):.1e}")
assert close(bound(posterior_m, np.diag(v)), log_p)

# %% [markdown]
# ## 4. A decoder that bends makes a density that is no Gaussian
#
# *Section 16.4, nonlinear latent variable models.*
#
# **Question.** One latent variable $z \sim N(0, 1)$ goes through $g(z) = (\cos \pi\Phi(z), \sin \pi\Phi(z))$, with
# $\Phi$ the distribution function of the normal law, and noise of variance $\sigma^2$ is added. Where does the data's
# density lie? Find mean and covariance, and say by how much the best linear-Gaussian model misses.
#
# **On paper.** $u = \Phi(z)$ is uniform on $[0, 1]$, so $g$ spreads the mass evenly over the upper half circle:
#
# $$E[x] = \Big(0, \frac2\pi\Big), \qquad
# \mathrm{Cov}[x] = \mathrm{diag}\Big(\tfrac12,\; \tfrac12 - \frac{4}{\pi^2}\Big) + \sigma^2 I ,$$
#
# from the means of $\sin$, $\cos^2$ and $\sin^2$ over half a period. $p(x) = \int_0^1 N(x; g(u), \sigma^2 I)\,du$ is
# large on the arc and small at the mean, where the Gaussian of the same moments is largest. In expectation over the
# data the Gaussian's log-density is at most the negative entropy of the data; the difference is a KL divergence,
# positive and growing as the arc gets thinner.

# %%
u = (np.arange(4000) + 0.5) / 4000
arc = np.stack([np.cos(np.pi * u), np.sin(np.pi * u)], axis=1)
node, weight = np.polynomial.hermite_e.hermegauss(12)
weight = np.outer(weight, weight).ravel() / (2 * np.pi)
grid = np.stack(np.meshgrid(node, node), axis=-1).reshape(-1, 2)
misses = []
for sigma in (0.3, 0.1):
    mean, covariance = np.array([0, 2 / np.pi]), np.diag([0.5, 0.5 - 4 / np.pi**2]) + sigma**2 * np.eye(2)
    assert np.allclose(arc.mean(axis=0), mean, atol=1e-6) and np.allclose(
        np.cov(arc.T, bias=True) + sigma**2 * np.eye(2), covariance, atol=1e-6
    )

    def log_density(x, sigma=sigma):
        squares = ((x[:, None] - arc[::16]) ** 2).sum(axis=2)
        return np.log(np.exp(-squares / (2 * sigma**2)).mean(axis=1) / (2 * np.pi * sigma**2))

    gaussian = multivariate_normal(mean, covariance)
    centre, on_arc = mean[None], np.array([[0.0, 1.0]])
    data = (arc[::80, None] + sigma * grid).reshape(-1, 2)  # quadrature over u and over the noise
    w = np.tile(weight, 50) / 50
    misses.append(w @ log_density(data) - w @ gaussian.logpdf(data))
    print(
        f"sigma = {sigma}: E log p {w @ log_density(data):.4f}, "
        f"by the best Gaussian {w @ gaussian.logpdf(data):.4f} nats"
    )
    assert np.isclose(w @ gaussian.logpdf(data), gaussian.logpdf(mean) - 1, atol=2e-3)  # a Gaussian's own entropy
    assert gaussian.pdf(mean) > gaussian.pdf(on_arc)
assert 0 < misses[0] < misses[1] and log_density(on_arc) > log_density(centre) + 3
