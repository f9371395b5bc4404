# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Bishop (PRML), chapter 12: probabilistic PCA
#
# Exercises on section 12.2 of Bishop, *Pattern Recognition and Machine Learning* (2006), each in words of our own,
# answered on paper and then in code that asserts the answer. The model is
#
# $$p(z) = N(0, I_M), \qquad p(x \mid z) = N(W z + \mu,\; \sigma^2 I_D),$$
#
# with $W$ of shape $(D, M)$; in factor analysis the noise is $N(0, \Psi)$ with a diagonal $\Psi$. Throughout
# $M_\sigma = W^\top W + \sigma^2 I_M$ and $C = W W^\top + \sigma^2 I_D$. On paper a sample is a column, in the code a
# row.

# %%
from functools import partial

import numpy as np
from scipy.integrate import quad
from scipy.stats import multivariate_normal

import npae

close = partial(np.allclose, rtol=1e-10, atol=1e-12)
rng = np.random.default_rng(0)
D, M, sigma2 = 5, 2, 0.4
W, mu = rng.standard_normal((D, M)), rng.standard_normal(D)
C, M_sigma = W @ W.T + sigma2 * np.eye(D), W.T @ W + sigma2 * np.eye(M)
X = rng.standard_normal((200, M)) @ W.T + mu + np.sqrt(sigma2) * rng.standard_normal((200, D))
digits = npae.datasets.load_digits().data

# %% [markdown]
# ## 1. A richer prior on the latent variable is no richer model
#
# *PRML, exercise 12.4.*
#
# **Question.** Let the prior be $p(z) = N(m, \Sigma)$ instead of $N(0, I)$. Which densities $p(x)$ can be reached
# that could not be reached before?
#
# **On paper.** None. $x = W z + \mu + \varepsilon$ has mean $W m + \mu$ and covariance
# $W \Sigma W^\top + \sigma^2 I$. Take any root $\Sigma = A A^\top$ and set $W' = W A$, $\mu' = \mu + W m$: the old
# model with these parameters has the same two moments, and it is Gaussian too. The prior only fixes which of many
# equal descriptions is used.

# %%
m, A = rng.standard_normal(M), rng.standard_normal((M, M))
Sigma = A @ A.T
general = multivariate_normal(W @ m + mu, W @ Sigma @ W.T + sigma2 * np.eye(D))
W2, mu2 = W @ A, mu + W @ m
plain = multivariate_normal(mu2, W2 @ W2.T + sigma2 * np.eye(D))
print("log-likelihoods:", general.logpdf(X).sum(), plain.logpdf(X).sum())
assert close(general.logpdf(X), plain.logpdf(X))
z = m + rng.standard_normal((200_000, M)) @ A.T  # and the moments stated are those of draws
draws = z @ W.T + mu + np.sqrt(sigma2) * rng.standard_normal((len(z), D))
assert np.allclose(draws.mean(axis=0), mu2, atol=0.05)
assert np.allclose(np.cov(draws.T), plain.cov, atol=0.02 * np.abs(plain.cov).max())

# %% [markdown]
# ## 2. The marginal density
#
# *PRML, exercise 12.7.*
#
# **Question.** Derive $p(x) = N(\mu, C)$ from the mean of conditional means and the law of total variance, without an
# integral.
#
# **On paper.** $E[x] = E_z[E[x \mid z]] = E_z[W z + \mu] = \mu$, and
#
# $$\mathrm{Cov}[x] = E_z\big[\mathrm{Cov}[x \mid z]\big] + \mathrm{Cov}_z\big[E[x \mid z]\big] =
# \sigma^2 I + W\,\mathrm{Cov}[z]\,W^\top = C .$$
#
# Only the two moments follow from this; that $x$ is Gaussian follows since $x$ is an affine function of $z$ and
# noise. The price of a likelihood falls too: $C^{-1} = \sigma^{-2}(I - W M_\sigma^{-1} W^\top)$ and
# $|C| = \sigma^{2(D - M)} |M_\sigma|$ need an $M \times M$ matrix only.

# %%
assert close(np.linalg.inv(C), (np.eye(D) - W @ np.linalg.solve(M_sigma, W.T)) / sigma2)
assert np.isclose(np.linalg.det(C), sigma2 ** (D - M) * np.linalg.det(M_sigma), rtol=1e-12)
# one latent dimension, where the integral over z can be done by a routine that knows none of this
w = W[:, :1]
density = multivariate_normal(mu, w @ w.T + sigma2 * np.eye(D)).pdf(X[:5])
for x, p in zip(X[:5], density):

    def joint(z, x=x):
        conditional = np.exp(-0.5 * ((x - mu - w[:, 0] * z) ** 2).sum() / sigma2) / (2 * np.pi * sigma2) ** (D / 2)
        return conditional * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)

    assert np.isclose(quad(joint, -10, 10, epsabs=0, epsrel=1e-10, limit=200)[0], p, rtol=1e-8)
print("p(x) of five points by quadrature and by the formula agree; the largest is", density.max())

# %% [markdown]
# ## 3. What the code is, given x
#
# *PRML, exercise 12.8.*
#
# **Question.** Find the distribution of the code given a point, $p(z \mid x)$, by completing the square. Which part
# of it depends on $x$, and which is the same for all points?
#
# **On paper.** As a function of $z$,
#
# $$-2 \log p(z \mid x) = z^\top z + \tfrac1{\sigma^2} \|x - \mu - W z\|^2 + \dots
# = \tfrac{1}{\sigma^2} \big[z^\top M_\sigma z - 2 z^\top W^\top (x - \mu)\big] + \dots,$$
#
# a square around $M_\sigma^{-1} W^\top (x - \mu)$ with the precision $M_\sigma / \sigma^2$:
#
# $$p(z \mid x) = N\big(M_\sigma^{-1} W^\top (x - \mu),\; \sigma^2 M_\sigma^{-1}\big).$$
#
# The mean is affine in $x$ (a linear encoder), the covariance does not depend on $x$ at all: every point is equally
# uncertain.

# %%
posterior_mean = (X - mu) @ W @ np.linalg.inv(M_sigma)
posterior_covariance = sigma2 * np.linalg.inv(M_sigma)
# against Bayes' rule itself: p(z | x) = p(x | z) p(z) / p(x), at random z
z = rng.standard_normal((50, M))
for x, mean in zip(X[:10], posterior_mean):
    log_bayes = multivariate_normal(np.zeros(M), np.eye(M)).logpdf(z)
    log_bayes = log_bayes - 0.5 * (((x - mu - z @ W.T) ** 2).sum(axis=1) / sigma2 + D * np.log(2 * np.pi * sigma2))
    log_bayes = log_bayes - multivariate_normal(mu, C).logpdf(x)
    assert close(multivariate_normal(mean, posterior_covariance).logpdf(z), log_bayes)
# and against conditioning in the joint Gaussian of (z, x), which needs no square
assert close(posterior_mean, (X - mu) @ np.linalg.solve(C, W))
assert close(posterior_covariance, np.eye(M) - W.T @ np.linalg.solve(C, W))
print("posterior standard deviations of the code:", np.sqrt(np.diag(posterior_covariance)))

# %% [markdown]
# ## 4. The likeliest mean
#
# *PRML, exercise 12.9.*
#
# **Question.** Show that $\mu_{ML}$ is the sample mean, whatever $W$ and $\sigma^2$ are, and that there is no other
# stationary point.
#
# **On paper.** $\mu$ enters by $-\frac12 \sum_n (x_n - \mu)^\top C^{-1} (x_n - \mu)$, with gradient
# $C^{-1} \sum_n (x_n - \mu)$. $C$ is positive definite, so this vanishes only at $\mu = \bar x$; the second
# derivative $-N C^{-1}$ is negative definite (exercise 12.10), so it is the maximum.


# %%
def log_likelihood(mean):
    """sum_n log p(x_n) and its gradient with respect to mu."""
    centred = X - mean
    value = -0.5 * (np.sum(centred * (centred @ np.linalg.inv(C))) + len(X) * np.linalg.slogdet(2 * np.pi * C)[1])
    return value, np.linalg.solve(C, centred.sum(axis=0))


assert npae.gradcheck.check_gradient(log_likelihood, mu).max_error < 1e-12
at_mean, gradient = log_likelihood(X.mean(axis=0))
assert np.isclose(at_mean, multivariate_normal(X.mean(axis=0), C).logpdf(X).sum(), rtol=1e-12)
assert np.abs(gradient).max() < 1e-10
for _ in range(100):
    assert log_likelihood(X.mean(axis=0) + 0.1 * rng.standard_normal(D))[0] < at_mean
fitted = npae.PCA(M, maximum_likelihood=True).fit(X)
assert close(fitted.mean_, X.mean(axis=0)) and fitted.score(X) * len(X) > at_mean  # the best W and sigma^2 as well
print(f"log-likelihood at the sample mean {at_mean:.4f}; with W and sigma^2 fitted too {fitted.score(X) * len(X):.4f}")

# %% [markdown]
# ## 5. Without noise the code is a projection
#
# *PRML, exercises 12.11 and 12.12.*
#
# **Question.** Show that for $\sigma^2 \to 0$ the posterior mean, seen as a point $W E[z \mid x] + \mu$, is the
# orthogonal projection of $x$ on the principal plane. Where does it lie for $\sigma^2 > 0$?
#
# **On paper.** $W M_\sigma^{-1} W^\top (x - \mu) \to W (W^\top W)^{-1} W^\top (x - \mu)$, the projector on the span
# of $W$. For $\sigma^2 > 0$ let $W = U L^{1/2} R$ be the singular value decomposition. Then
#
# $$W M_\sigma^{-1} W^\top = U\, \mathrm{diag}\Big(\frac{l_i}{l_i + \sigma^2}\Big) U^\top ,$$
#
# every coordinate in the plane is multiplied by a number below one: the point lies between the projection and the
# mean. At the maximum of the likelihood $l_i = \lambda_i - \sigma^2$, and the factor is $1 - \sigma^2/\lambda_i$.

# %%
projection = (X - mu) @ W @ np.linalg.pinv(W)
errors = []
for s2 in (1e-2, 1e-3, 1e-4):
    point = (X - mu) @ W @ np.linalg.inv(W.T @ W + s2 * np.eye(M)) @ W.T
    errors.append(np.abs(point - projection).max())
print("distance to the projection for sigma^2 = 0.01, 0.001, 0.0001:", np.round(errors, 8))
assert np.allclose(np.divide(errors[:-1], errors[1:]), 10, rtol=0.02)  # it falls like sigma^2

shrunk = posterior_mean @ W.T
U, root_l, _ = np.linalg.svd(W, full_matrices=False)
factors = root_l**2 / (root_l**2 + sigma2)
assert close(shrunk @ U, (projection @ U) * factors) and (factors < 1).all()
assert (np.linalg.norm(shrunk, axis=1) < np.linalg.norm(projection, axis=1)).all()

fitted = npae.PCA(M, maximum_likelihood=True).fit(X)
s2, variance, V = fitted.noise_variance_, fitted.explained_variance_, fitted.components_
W_ml = V.T * np.sqrt(variance - s2)
shrink = np.linalg.svd(W_ml @ np.linalg.inv(W_ml.T @ W_ml + s2 * np.eye(M)) @ W_ml.T, compute_uv=False)[:M]
assert close(shrink, 1 - s2 / variance)

# %% [markdown]
# ## 6. From the code back to the best reconstruction
#
# *PRML, exercise 12.13.*
#
# **Question.** The posterior mean is too close to the origin. How do you get from $E[z \mid x]$ alone to the
# reconstruction that is best in squared error?
#
# **On paper.** The best point of the plane is the projection $\mu + W (W^\top W)^{-1} W^\top (x - \mu)$, and
# $W^\top (x - \mu) = M_\sigma E[z \mid x]$. So
#
# $$\hat x = \mu + W (W^\top W)^{-1} M_\sigma\, E[z \mid x] :$$
#
# undo the shrinking before decoding. No information is lost by it as long as $M_\sigma$ is invertible, which it is.

# %%
z = (X - fitted.mean_) @ W_ml @ np.linalg.inv(W_ml.T @ W_ml + s2 * np.eye(M))
x_hat = fitted.mean_ + z @ (W_ml.T @ W_ml + s2 * np.eye(M)) @ np.linalg.inv(W_ml.T @ W_ml) @ W_ml.T
naive = fitted.mean_ + z @ W_ml.T
loss = [((X - r) ** 2).sum(axis=1).mean() for r in (x_hat, naive, fitted.reconstruct(X))]
print(f"squared error: undone {loss[0]:.6f}, decoded as it is {loss[1]:.6f}, PCA {loss[2]:.6f}")
assert close(x_hat, fitted.reconstruct(X)) and loss[0] < loss[1]

# %% [markdown]
# ## 7. How many numbers a probabilistic PCA has
#
# *PRML, exercise 12.14.*
#
# **Question.** How many independent parameters has the covariance $C = W W^\top + \sigma^2 I$? Check the answer for
# $M = D - 1$ and for $M = 0$.
#
# **On paper.** $D M$ numbers in $W$ and one for $\sigma^2$; but $W$ and $W R$ give the same $C$ for every rotation
# $R$ of the code, and rotations in $M$ dimensions have $M(M-1)/2$ parameters. Hence
#
# $$D M + 1 - \frac{M (M - 1)}{2} .$$
#
# For $M = D - 1$ this is $D(D+1)/2$, a covariance without restriction; for $M = 0$ it is 1, a multiple of $I$.
#
# **In code.** The number of independent parameters is the rank of the derivative of $C$ with respect to
# $(W, \sigma^2)$ at a generic point.


# %%
def rank(D, M, noise):
    """The rank of d vec(W W^T + Psi) / d (W, psi): Psi = psi I or diag(psi)."""
    W = rng.standard_normal((D, M))
    columns = []
    for d in range(D):
        for m in range(M):
            E = np.zeros((D, M))
            E[d, m] = 1
            columns.append((E @ W.T + W @ E.T).ravel())
    columns += [np.eye(D).ravel()] if noise == "isotropic" else [np.diag(row).ravel() for row in np.eye(D)]
    return np.linalg.matrix_rank(np.array(columns), tol=1e-9)


for D0 in (3, 5, 7):
    for M0 in range(D0):
        assert rank(D0, M0, "isotropic") == D0 * M0 + 1 - M0 * (M0 - 1) // 2
    assert rank(D0, D0 - 1, "isotropic") == D0 * (D0 + 1) // 2 and rank(D0, 0, "isotropic") == 1
print("parameters for D = 7, M = 0 to 6:", [int(rank(7, M0, "isotropic")) for M0 in range(7)])

# %% [markdown]
# ## 8. EM for probabilistic PCA
#
# *PRML, exercise 12.15.*
#
# **Question.** Derive the M step. Given $E[z_n]$ and $E[z_n z_n^\top]$ under the posterior of the old parameters,
# find the $W$ and $\sigma^2$ that maximize the expected complete-data log-likelihood, with $\mu = \bar x$.
#
# **On paper.** Up to constants
#
# $$-E[\log p(X, Z)] = \sum_n \tfrac D2 \log \sigma^2 + \tfrac{1}{2\sigma^2}\Big[\|x_n - \bar x\|^2
# - 2 E[z_n]^\top W^\top (x_n - \bar x) + \mathrm{tr}\,E[z_n z_n^\top] W^\top W\Big].$$
#
# The derivative with respect to $W$ vanishes at
#
# $$W = \Big[\sum_n (x_n - \bar x) E[z_n]^\top\Big]\Big[\sum_n E[z_n z_n^\top]\Big]^{-1},$$
#
# and that with respect to $\sigma^2$ makes $\sigma^2$ the mean of the bracket over samples and dimensions. The
# expectations are those of exercise 12.8, $E[z_n z_n^\top] = \sigma^2 M_\sigma^{-1} + E[z_n] E[z_n]^\top$. Every turn
# raises the likelihood.

# %%
centred = X - X.mean(axis=0)
S = centred.T @ centred / len(X)
W_em, s2_em, history = rng.standard_normal((D, M)), 1.0, []
for _ in range(400):
    inverse = np.linalg.inv(W_em.T @ W_em + s2_em * np.eye(M))
    z = centred @ W_em @ inverse
    zz = len(X) * s2_em * inverse + z.T @ z
    W_em = centred.T @ z @ np.linalg.inv(zz)
    s2_em = ((centred**2).sum() - 2 * np.sum((centred @ W_em) * z) + np.trace(zz @ W_em.T @ W_em)) / (len(X) * D)
    history.append(multivariate_normal(np.zeros(D), W_em @ W_em.T + s2_em * np.eye(D)).logpdf(centred).sum())
print(f"log-likelihood {history[0]:.3f} -> {history[-1]:.9f}; the closed form {len(X) * fitted.score(X):.9f}")
assert (np.diff(history) > -1e-9).all() and np.isclose(history[-1], len(X) * fitted.score(X), rtol=1e-10)
assert np.allclose(W_em @ W_em.T + s2_em * np.eye(D), fitted.get_covariance(), atol=1e-6)


def expected(parameters):
    """-E[log p(X, Z)] for fixed expectations, and its gradient: zero at the M step."""
    W, s2 = parameters["W"], parameters["s2"]
    bracket = (centred**2).sum() - 2 * (centred.T @ z * W).sum() + np.trace(zz @ W.T @ W)
    dW = (-centred.T @ z + W @ zz) / s2
    return len(X) * D / 2 * np.log(s2) + bracket / (2 * s2), {
        "W": dW,
        "s2": len(X) * D / (2 * s2) - bracket / (2 * s2**2),
    }


_, gradient = expected({"W": W_em, "s2": s2_em})
assert np.abs(gradient["W"]).max() < 1e-8 and abs(gradient["s2"]) < 1e-8
assert npae.gradcheck.check_gradient(expected, {"W": W, "s2": np.float64(0.7)}).max_error < 1e-12

# %% [markdown]
# ## 9. How many numbers a factor analysis has
#
# *PRML, exercise 12.18.*
#
# **Question.** How many independent parameters has $C = W W^\top + \Psi$ with a diagonal $\Psi$, and for which $M$
# are these fewer than a covariance without restriction has?
#
# **On paper.** $D M + D - M (M-1)/2$: the noise has $D$ numbers instead of one, and the rotations are as many. This
# must not exceed the $D (D+1)/2$ numbers of a covariance without restriction, so a factor analysis says something
# only if $(D - M)^2 > D + M$; beyond, the rank is what a covariance has.

# %%
for D0 in (4, 6, 8):
    for M0 in range(D0):
        count = D0 * M0 + D0 - M0 * (M0 - 1) // 2
        assert rank(D0, M0, "diagonal") == min(count, D0 * (D0 + 1) // 2)
        assert (count < D0 * (D0 + 1) // 2) == ((D0 - M0) ** 2 > D0 + M0)
print("parameters for D = 8, M = 0 to 7:", [int(rank(8, M0, "diagonal")) for M0 in range(8)], "of at most", 8 * 9 // 2)

# %% [markdown]
# ## 10. Factors may be rotated
#
# *PRML, exercise 12.19.*
#
# **Question.** Show that rotating the code of a factor analysis changes nothing that can be observed. What does that
# mean for someone who reads a meaning into each factor? Is it different for a code whose prior is not Gaussian?
#
# **On paper.** For an orthogonal $R$, $\tilde z = R^\top z$ is $N(0, I)$ too, and
# $x = W z + \mu + \varepsilon = (W R) \tilde z + \mu + \varepsilon$. So $(W R, \Psi)$ gives the same $p(x)$, since
# $W R R^\top W^\top = W W^\top$, and the posteriors correspond, $E[\tilde z \mid x] = R^\top E[z \mid x]$. The
# likelihood cannot prefer one set of factors; only the plane they span has a meaning. A prior that is not symmetric
# under rotation (the Laplace prior of sparse coding) prefers axes.

# %%
R = np.linalg.qr(rng.standard_normal((M, M)))[0]
psi = rng.uniform(0.2, 1.0, D)


def factor_posterior(W):
    """E[z | x] and its covariance for the noise diag(psi)."""
    G = np.linalg.inv(np.eye(M) + W.T / psi @ W)
    return (X - mu) / psi @ W @ G, G


z, G = factor_posterior(W)
z_rotated, G_rotated = factor_posterior(W @ R)
before = multivariate_normal(mu, W @ W.T + np.diag(psi)).logpdf(X)
after = multivariate_normal(mu, W @ R @ (W @ R).T + np.diag(psi)).logpdf(X)
laplace = [-np.abs(code).sum() for code in (z, z_rotated)]
print(
    f"log-likelihood {before.sum():.9f} and {after.sum():.9f} after a rotation; "
    f"Laplace log prior {laplace[0]:.1f} and {laplace[1]:.1f}"
)
assert close(before, after) and close(z_rotated, z @ R) and close(G_rotated, R.T @ G @ R)
assert (
    close((z**2).sum(), (z_rotated**2).sum()) and abs(laplace[0] - laplace[1]) > 1
)  # the Gaussian prior sees nothing, this one does

# %% [markdown]
# ## 11. Which changes of units a model does not notice
#
# *PRML, exercise 12.25.*
#
# **Question.** In a model with noise $N(0, \Phi)$ let the data be replaced by $A x$ with an invertible $A$. How do
# the maximum-likelihood parameters change? For which $A$ does probabilistic PCA stay what it is, for which factor
# analysis?
#
# **On paper.** $p(A x) = |A|^{-1} p(x)$: the likelihood of $(A\mu, A W, A \Phi A^\top)$ on the new data is that of
# $(\mu, W, \Phi)$ on the old, up to the constant $-N \log |A|$. So the maxima correspond, provided that
# $A \Phi A^\top$ is a noise the model allows. $\Phi = \sigma^2 I$ stays of its kind if $A A^\top \propto I$:
# rotations and one common scale. A diagonal $\Phi$ stays diagonal if $A$ is: every variable may have units of its
# own. (That is why PCA depends on whether lengths are in metres or feet, and factor analysis does not.)


# %%
def factor_analysis(X, M, n_steps=3000):
    """W and psi by EM, started at PCA."""
    centred = X - X.mean(axis=0)
    S = centred.T @ centred / len(X)
    pca = npae.PCA(M, maximum_likelihood=True).fit(X)
    W, psi = pca.components_.T * np.sqrt(pca.explained_variance_), np.diag(S) / 2
    for _ in range(n_steps):
        B = (W.T / psi) @ np.linalg.inv(W @ (W.T / psi) + np.eye(len(W)))  # E[z | x] = B (x - mean)
        zz = np.eye(M) - B @ W + B @ S @ B.T
        W = S @ B.T @ np.linalg.inv(zz)
        psi = np.diag(S - W @ B @ S)
    return W, psi


turn = np.linalg.qr(rng.standard_normal((D, D)))[0]
units = np.diag(rng.uniform(0.3, 3.0, D))
pca_c = {
    name: npae.PCA(M, maximum_likelihood=True).fit(X @ A.T).get_covariance()
    for name, A in (("turn", turn), ("units", units))
}
own = fitted.get_covariance()
W_fa, psi_fa = factor_analysis(X, M)
fa_c = {
    name: (lambda W, psi: W @ W.T + np.diag(psi))(*factor_analysis(X @ A.T, M))
    for name, A in (("turn", turn), ("units", units))
}
own_fa = W_fa @ W_fa.T + np.diag(psi_fa)
gap = {
    "probabilistic PCA": [np.abs(pca_c[name] - A @ own @ A.T).max() for name, A in (("turn", turn), ("units", units))],
    "factor analysis": [np.abs(fa_c[name] - A @ own_fa @ A.T).max() for name, A in (("turn", turn), ("units", units))],
}
for name, (rotation, scaling) in gap.items():
    print(f"{name}: |C' - A C A^T| after a rotation {rotation:.1e}, after a change of units {scaling:.1e}")
assert gap["probabilistic PCA"][0] < 1e-10 and gap["probabilistic PCA"][1] > 1e-2
assert gap["factor analysis"][1] < 1e-4 and gap["factor analysis"][0] > 1e-2
