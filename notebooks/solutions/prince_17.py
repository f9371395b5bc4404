# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Prince, chapter 17: the variational autoencoder
#
# Questions on chapter 17 of Prince, *Understanding Deep Learning* (2023), each in words of our own with the section
# it belongs to, answered on paper and then in code that asserts the answer. The running example is a model with one
# latent variable that can be integrated by brute force: $z \sim N(0, 1)$, $x \mid z \sim N(f(z), \sigma^2 I)$ with a
# nonlinear $f$ into the plane.

# %%
from functools import partial

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

import npae

close = partial(np.allclose, rtol=1e-10, atol=1e-12)
rng = np.random.default_rng(0)
sigma = 0.3
decoder = npae.Stack([npae.Dense(1, 5, npae.Tanh(), rng=1), npae.Dense(5, 2, rng=2)])
for layer in decoder.layers:
    layer.W *= 2
    layer.b[:] = rng.uniform(-1, 1, layer.b.shape)
X = decoder(rng.standard_normal((6, 1))) + sigma * rng.standard_normal((6, 2))


def log_normal(x, mean, s):
    """log N(x | mean, s^2 I), the last axis summed."""
    return (-0.5 * ((x - mean) / s) ** 2 - np.log(s) - 0.5 * np.log(2 * np.pi)).sum(axis=-1)


def log_joint(x, z):
    """log p(x, z) for x (2,) and z (n,)."""
    return log_normal(x, decoder(z[:, None]), sigma) + log_normal(z[:, None], 0.0, 1.0)


grid = np.linspace(-8, 8, 16001)
spacing = grid[1] - grid[0]
log_p = np.array([logsumexp(log_joint(x, grid)) + np.log(spacing) for x in X])  # log p(x_n), by integration

# %% [markdown]
# ## 1. The logarithm is concave, and what follows
#
# *Section 17.3, Jensen's inequality.*
#
# **Question.** Show that $\log$ is concave, that therefore $\log E[y] \ge E[\log y]$ for positive $y$, and that the
# difference is about $\frac12 \mathrm{Var}[y]/E[y]^2$ when $y$ varies little.
#
# **On paper.** $\frac{d^2}{dy^2} \log y = -\frac{1}{y^2} < 0$. A concave function lies below each of its tangents;
# take the tangent at $\bar y = E[y]$: $\log y \le \log \bar y + (y - \bar y)/\bar y$, and average:
# $E[\log y] \le \log \bar y$. One order further, $\log y = \log\bar y + \frac{y - \bar y}{\bar y} - \frac{(y - \bar
# y)^2}{2 \bar y^2} + \dots$, gives the difference.

# %%
y = rng.uniform(0.1, 5, 10_000)
second = npae.gradcheck.numerical_gradient(lambda y: (1 / y).sum(), y[:50], method="complex")  # log' = 1 / y
assert close(second, -1 / y[:50] ** 2) and (second < 0).all()
assert (np.log(y) <= np.log(y.mean()) + (y - y.mean()) / y.mean()).all()
assert np.log(y).mean() < np.log(y.mean())
ratios = []
for spread in (0.1, 0.01):
    near = 2 * (1 + spread * np.array([-1.0, 1.0]))  # two values, equally likely
    ratios.append((np.log(near.mean()) - np.log(near).mean()) / (near.var() / (2 * near.mean() ** 2)))
print("difference / (Var / 2 mean^2) for a spread of 10 % and of 1 %:", np.round(ratios, 6))
assert np.isclose(ratios[1], 1, atol=1e-4) and abs(ratios[1] - 1) < abs(ratios[0] - 1) / 50

# %% [markdown]
# ## 2. Three ways to write the bound
#
# *Sections 17.4 and 17.5.*
#
# **Question.** For any density $q(z)$ show that the evidence lower bound is all of: $E_q[\log p(x, z)]$ plus the
# entropy of $q$; the log-likelihood minus $\mathrm{KL}(q \,\|\, p(z \mid x))$; the expected reconstruction minus
# $\mathrm{KL}(q \,\|\, p(z))$. Which of them can be computed, which says how good it is?
#
# **On paper.** All are $E_q\big[\log \frac{p(x, z)}{q(z)}\big]$, with the joint split in different ways:
# $p(x, z) = p(z \mid x)\,p(x)$ for the second, where $\log p(x)$ does not depend on $z$, and $p(x \mid z)\,p(z)$ for
# the third. The third needs the decoder and the prior only and is what is trained; the second needs the posterior,
# which nobody has, and says that the bound is tight if and only if $q(z) = p(z \mid x)$.

# %%
for x, log_px in zip(X, log_p):
    m, s = rng.normal(), rng.uniform(0.2, 1.0)
    log_q = log_normal(grid[:, None], m, s)
    q = np.exp(log_q) * spacing
    posterior = log_joint(x, grid) - log_px
    entropy_form = q @ log_joint(x, grid) + 0.5 * np.log(2 * np.pi * np.e * s**2)
    evidence_form = log_px - q @ (log_q - posterior)
    prior_form = q @ log_normal(x, decoder(grid[:, None]), sigma) - 0.5 * (m**2 + s**2 - 1 - 2 * np.log(s))
    assert np.allclose([entropy_form, evidence_form], prior_form, rtol=1e-8) and prior_form < log_px
    at_posterior = np.exp(posterior) * spacing @ (log_joint(x, grid) - posterior)
    assert np.isclose(at_posterior, log_px, rtol=1e-8)
print(f"the last point: {entropy_form:.8f}, {evidence_form:.8f}, {prior_form:.8f}; log p(x) {log_px:.8f}")

# %% [markdown]
# ## 3. A gradient through the sampling
#
# *Section 17.7, the reparameterization trick.*
#
# **Question.** Write the bound for $q = N(m, s^2)$ as a mean over $\varepsilon \sim N(0, 1)$ and derive its gradient
# with respect to $m$ and $\log s$, including what goes back through the decoder. With the noise given, a gradient
# check applies. Why would it not, to sampling inside?
#
# **On paper.** With $z = m + s\varepsilon$ the bound is $E_\varepsilon[\log p(x \mid z)] - \mathrm{KL}$. For a fixed
# draw
#
# $$\frac{\partial}{\partial m} = \frac{\partial \log p(x \mid z)}{\partial z} - m, \qquad
# \frac{\partial}{\partial \log s} = \frac{\partial \log p(x \mid z)}{\partial z}\, s\,\varepsilon - (s^2 - 1) ,$$
#
# and $\frac{\partial}{\partial z} \log p(x \mid z) = \frac{1}{\sigma^2} (x - f(z)) \cdot f'(z)$ is the decoder's
# ordinary backward pass. If every evaluation drew its own noise, two neighbouring values would differ by the noise
# and not by the step, and no difference quotient would mean anything. With the noise as an argument the function is
# deterministic, and its mean over $\varepsilon$ is the gradient of the exact bound.


# %%
def negative_bound(parameters, x, e):
    """-ELBO for x (2,), the mean over the noise e (n, 1) that is given, and its gradient."""
    m, log_s = parameters["m"], parameters["log_s"]
    s = np.exp(log_s)
    z = m + s * e
    mean = decoder.forward(z)
    value = -(-0.5 * ((x - mean) ** 2).sum() / sigma**2) / len(e) + 0.5 * (m**2 + s**2 - 1 - 2 * log_s).sum()
    dz = decoder.backward((mean - x) / sigma**2 / len(e))
    return value, {"m": dz.sum(axis=0) + m, "log_s": (dz * s * e).sum(axis=0) + s**2 - 1}


point, e = {"m": np.array([0.3]), "log_s": np.array([-0.7])}, rng.standard_normal((20, 1))
report = npae.gradcheck.check_gradient(lambda p: negative_bound(p, X[0], e), point)
print(report.headline)
assert report.ok and report.max_error < 1e-10


def exact(theta):
    """The bound's mean over all noise, by integration, without the constant of log p(x | z)."""
    m, s = theta[0], np.exp(theta[1])
    w = np.exp(log_normal(grid[:, None], m, s)) * spacing
    reconstruction = w @ (0.5 * ((X[0] - decoder(grid[:, None])) ** 2).sum(axis=1) / sigma**2)
    return reconstruction + 0.5 * (m**2 + s**2 - 1 - 2 * theta[1])


node, weight = np.polynomial.hermite_e.hermegauss(80)
weight = weight / np.sqrt(2 * np.pi)
mean_gradient = sum(
    w * np.concatenate(list(negative_bound(point, X[0], np.array([[n]]))[1].values())) for n, w in zip(node, weight)
)
numerical = npae.gradcheck.numerical_gradient(exact, np.array([0.3, -0.7]))
assert np.allclose(mean_gradient, numerical, rtol=1e-6)

# %% [markdown]
# ## 4. What amortization and the Gaussian q cost
#
# *Sections 17.6 and 17.7.*
#
# **Question.** Find the best Gaussian $q$ for each sample of the running example. How far is the bound from the
# likelihood, and can any encoder network, however large, do better?
#
# **On paper.** An encoder computes $(m, s)$ from $x$, so for each $x$ it reaches at most
# $\max_{m, s} \mathcal L(m, s; x)$: the best $q$ of the family, one for each sample. That leaves the gap
# $\mathrm{KL}(q^* \,\|\, p(z \mid x)) > 0$ unless the posterior is itself Gaussian, which for a nonlinear $f$ it is
# not. A finite network adds a second gap, of amortization, on top. The first is the family's, and more parameters in
# the encoder do not reduce it.

# %%
gaps, starts = [], [(m, -1.0) for m in (-1.5, -0.5, 0.0, 0.5, 1.5)]
quadrature = node[:, None]


def negative(theta, x):
    """-ELBO by 80-point quadrature over the noise, constants included."""
    m, s = theta[0], np.exp(theta[1])
    fit = weight @ log_normal(x, decoder(m + s * quadrature), sigma)
    return -fit + 0.5 * (m**2 + s**2 - 1 - 2 * theta[1])


for x, log_px in zip(X, log_p):
    best = min((minimize(negative, start, args=(x,), method="BFGS") for start in starts), key=lambda r: r.fun)
    m, s = best.x[0], np.exp(best.x[1])
    q = np.exp(log_normal(grid[:, None], m, s)) * spacing
    divergence = q @ (log_normal(grid[:, None], m, s) - (log_joint(x, grid) - log_px))
    assert np.isclose(log_px + best.fun, divergence, rtol=1e-4, atol=1e-6) and divergence > 0
    gaps.append(divergence)
print("log p(x) - the best bound, in nats, six samples:", np.round(gaps, 4))
assert max(gaps) > 1e-3

# %% [markdown]
# ## 5. The likelihood of a sample, by importance sampling
#
# *Section 17.8, approximating the sample probability.*
#
# **Question.** $p(x)$ cannot be computed, but $q$ makes it easy to estimate:
# $\hat p = \frac1n \sum_i \frac{p(x, z_i)}{q(z_i)}$ with $z_i \sim q$. Show that $\hat p$ is unbiased, that
# $E[\log \hat p]$ is a bound that lies above the evidence lower bound and rises with $n$, and what happens if the
# prior is taken for $q$.
#
# **On paper.** $E_q[p(x, z)/q(z)] = \int p(x, z)\,dz = p(x)$, for any $q$ that is positive where the joint is. By
# Jensen $E[\log\hat p] \le \log p(x)$; for $n = 1$ it *is* the evidence lower bound. A mean over $n+1$ draws is the
# mean over all its subsets of $n$, so by Jensen once more $E[\log \hat p_{n+1}] \ge E[\log \hat p_n]$. The gap is
# about half the relative variance of $\hat p$ (question 1), hence $\frac{1}{2n} \mathrm{Var}_q[w]/p(x)^2$: the better
# $q$, the fewer samples. The prior is a $q$ too, only far from the posterior. A fitted Gaussian has lighter tails
# than the joint, and then the variance of the weights is infinite; with a tenth of the prior mixed in, no weight
# exceeds $10\,p(x \mid z)$.

# %%
x, log_px = X[0], log_p[0]
m, log_s = min((minimize(negative, start, args=(x,), method="BFGS") for start in starts), key=lambda r: r.fun).x
s = np.exp(log_s)


def log_q(z, share):
    """log of (1 - share) N(m, s^2) + share N(0, 1) at z (n,)."""
    with np.errstate(divide="ignore"):
        parts = np.log([1 - share, share])[:, None] + np.stack(
            [log_normal(z[:, None], m, s), log_normal(z[:, None], 0.0, 1.0)]
        )
    return logsumexp(parts, axis=0)


rows = {}
for name, share in (("fitted q", 0.1), ("prior", 1.0)):
    of_prior = rng.random(4000 * 64) < share
    z = np.where(of_prior, 0.0, m) + np.where(of_prior, 1.0, s) * rng.standard_normal(4000 * 64)
    log_w = log_joint(x, z) - log_q(z, share)
    rows[name] = [(logsumexp(log_w.reshape(-1, n), axis=1) - np.log(n)).mean() for n in (1, 4, 16, 64)]
    variance = np.exp(2 * (log_joint(x, grid) - log_px) - log_q(grid, share)).sum() * spacing - 1
    elbo = np.exp(log_q(grid, share)) * spacing @ (log_joint(x, grid) - log_q(grid, share))
    print(
        f"{name}: E log p^ for n = 1, 4, 16, 64: {np.round(rows[name], 4)}, log p {log_px:.4f}, "
        f"relative variance {variance:.3g}"
    )
    assert np.isclose(np.exp(log_w - log_px).mean(), 1, atol=5 * np.sqrt(variance / len(z)))  # unbiased
    assert np.isclose(rows[name][0], elbo, rtol=0.02)  # one draw is the evidence lower bound
    assert (np.diff(rows[name]) > 0).all() and rows[name][-1] < log_px + 0.01
    assert np.isclose(log_px - rows[name][-1], variance / 128, rtol=0.35, atol=4e-3)
assert all(a > b for a, b in zip(rows["fitted q"], rows["prior"]))

# %% [markdown]
# ## 6. EM for a mixture on the line
#
# *Section 17.1, mixtures of Gaussians.*
#
# **Question.** A mixture of $K$ Gaussians on the line is a latent-variable model with a discrete code. Derive the two
# steps that raise its likelihood from the bound, and the number of free parameters.
#
# **On paper.** With $q_n(k) = r_{nk}$ the bound is $\sum_{nk} r_{nk} \big[\log \pi_k + \log N(x_n; \mu_k, s_k^2) -
# \log r_{nk}\big]$. Maximized over $r$ it is tight at the posterior, $r_{nk} \propto \pi_k N(x_n; \mu_k, s_k^2)$;
# maximized over the parameters, with $N_k = \sum_n r_{nk}$,
#
# $$\pi_k = \frac{N_k}{N}, \qquad \mu_k = \frac{1}{N_k} \sum_n r_{nk} x_n, \qquad
# s_k^2 = \frac{1}{N_k} \sum_n r_{nk} (x_n - \mu_k)^2 .$$
#
# Each step raises the bound, the first makes it touch the likelihood, so the likelihood rises. Free are $K$ means,
# $K$ variances and $K - 1$ weights (they sum to one), $3K - 1$ in all: 14 for five components.

# %%
data = np.concatenate([rng.normal(-2, 0.6, 300), rng.normal(0.5, 0.3, 200), rng.normal(2, 1.0, 500)])


def log_terms(pi, mu, s):
    """log pi_k + log N(x_n; mu_k, s_k^2), (N, K)."""
    return np.log(pi) - 0.5 * ((data[:, None] - mu) / s) ** 2 - np.log(s) - 0.5 * np.log(2 * np.pi)


pi, mu, s, likelihood = np.full(3, 1 / 3), np.array([-1.0, 0.0, 1.0]), np.ones(3), []
for _ in range(300):
    terms = log_terms(pi, mu, s)
    r = np.exp(terms - logsumexp(terms, axis=1, keepdims=True))
    likelihood.append(logsumexp(terms, axis=1).sum())
    with np.errstate(divide="ignore"):
        bound = (r * (terms - np.where(r > 0, np.log(r), 0))).sum()
    assert np.isclose(bound, likelihood[-1], rtol=1e-10)  # tight after the first step
    n_k = r.sum(axis=0)
    pi, mu = n_k / len(data), r.T @ data / n_k
    s = np.sqrt((r * (data[:, None] - mu) ** 2).sum(axis=0) / n_k)
print(
    f"log-likelihood {likelihood[0]:.2f} -> {likelihood[-1]:.6f}; weights {pi.round(3)}, "
    f"means {mu.round(3)}, deviations {s.round(3)}"
)
assert (np.diff(likelihood) > -1e-8).all()


def total(theta):
    """The log-likelihood in free coordinates: two weights, three means, three deviations; 3 K - 1 = 8 numbers."""
    weights = np.concatenate([theta[:2], [1 - theta[:2].sum()]])
    return logsumexp(log_terms(weights, theta[2:5], theta[5:]), axis=1).sum()


theta = np.concatenate([pi[:2], mu, s])
gradient = npae.gradcheck.numerical_gradient(total, theta)
beside = npae.gradcheck.numerical_gradient(total, 1.05 * theta)
assert len(theta) == 3 * 3 - 1 and np.abs(gradient).max() < 1e-2 * np.abs(beside).max()

# %% [markdown]
# ## 7. Walking between two codes
#
# *Section 17.8, resynthesis.*
#
# **Question.** Codes have the prior $N(0, I_D)$. Two codes are joined by a straight line and by an arc that turns one
# into the other. Where do the middles lie, as seen by the prior, for large $D$?
#
# **On paper.** $\|z\|^2$ has mean $D$ and variance $2D$, so $\|z\| \approx \sqrt D$, with a spread of about
# $\frac{1}{\sqrt 2}$ whatever $D$: nearly all codes lie in a thin shell. Two independent ones are almost
# perpendicular, and the middle of the line has $\|\frac{z + z'}2\|^2 \approx \frac D2$, a distance of
# $(1 - \frac{1}{\sqrt2})\sqrt D$ from the shell: the decoder has hardly ever been trained there. The arc
#
# $$z(t) = \frac{\sin (1 - t)\theta}{\sin\theta} z + \frac{\sin t\theta}{\sin\theta} z', \qquad
# \cos\theta = \frac{\langle z, z'\rangle}{\|z\|\|z'\|},$$
#
# keeps the norm exactly if both ends have the same, and nearly otherwise.

# %%
for D in (2, 20, 500):
    z, other = rng.standard_normal((2, 4000, D))
    norms = np.linalg.norm(z, axis=1)
    line = np.linalg.norm((z + other) / 2, axis=1)
    cosine = (z * other).sum(axis=1) / norms / np.linalg.norm(other, axis=1)
    angle = np.arccos(cosine)[:, None]
    arc = (np.sin(0.5 * angle) / np.sin(angle)) * (z + other)
    print(
        f"D = {D:3d}: norm {norms.mean():.2f} +- {norms.std():.2f}, middle of the line {line.mean():.2f}, "
        f"of the arc {np.linalg.norm(arc, axis=1).mean():.2f}"
    )
    same_norm = other * norms[:, None] / np.linalg.norm(other, axis=1)[:, None]
    assert np.allclose(
        np.linalg.norm((np.sin(0.3 * angle) * z + np.sin(0.7 * angle) * same_norm) / np.sin(angle), axis=1), norms
    )
assert abs(norms.mean() - np.sqrt(D)) < 0.05 and abs(norms.std() - np.sqrt(0.5)) < 0.05
assert abs(line.mean() - np.sqrt(D / 2)) < 0.1 and abs(np.linalg.norm(arc, axis=1).mean() - np.sqrt(D)) < 0.1
