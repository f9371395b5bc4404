# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Bishop and Bishop, chapter 19: autoencoders
#
# Questions on chapter 19 of Bishop and Bishop, *Deep Learning: Foundations and Concepts* (2024), each in words of our
# own with the section it belongs to, answered on paper and then in code that asserts the answer. Samples are rows.

# %%
from functools import partial
from itertools import product

import numpy as np
from scipy.integrate import quad
from scipy.optimize import minimize

import npae
from npae.pca.moments import Moments

close = partial(np.allclose, rtol=1e-10, atol=1e-12)
rng = np.random.default_rng(0)
D, K = 6, 2
spectrum = np.array([3.0, 1.5, 0.8, 0.4, 0.2, 0.1])
turn = np.linalg.qr(rng.standard_normal((D, D)))[0]
S = (turn * spectrum) @ turn.T
X = Moments(np.zeros(D), S, 0).sample()  # seven points whose mean is 0 and whose covariance is S, exactly

# %% [markdown]
# ## 1. Sigmoid units under a linear output gain nothing
#
# *Section 19.1, linear autoencoders.*
#
# **Question.** A network has one hidden layer of $K$ sigmoid units and a linear output. Show that its least squared
# error is that of PCA with $K$ components, that it comes as near to it as one likes, and how fast.
#
# **On paper.** The outputs $h V + c$ lie on a plane of $K$ dimensions, so no error is below that of PCA. Near zero a
# sigmoid is almost linear, $\sigma(a) = \frac12 + \frac a4 - \frac{a^3}{48} + \dots$. Take
# $h = \sigma(\epsilon\, x U)$ with $U$ the principal directions and decode by $\frac4\epsilon (h - \frac12) U^\top$:
# what comes out is
#
# $$x U U^\top - \tfrac{\epsilon^2}{12} (x U)^{3} U^\top + O(\epsilon^4).$$
#
# The deviation lies *in* the plane, at right angles to what PCA leaves over, so the squares add: the loss is PCA's
# plus $\frac12 \big(\frac{\epsilon^2}{12}\big)^2 E\|(x U)^3\|^2$, an excess of order $\epsilon^4$. The infimum is not
# attained, and depth is what it takes to do better.

# %%
pca = npae.PCA(K).fit(X)
U = pca.components_.T
pca_loss = 0.5 * ((X - pca.reconstruct(X)) ** 2).sum(axis=1).mean()
excess = []
for epsilon in (0.2, 0.1, 0.05):
    network = npae.Network([npae.Dense(D, K, npae.Sigmoid())], [npae.Dense(K, D)])
    encoder, decoder = network.encoder.layers[0], network.decoder.layers[0]
    encoder.W[:], decoder.W[:] = epsilon * U, 4 / epsilon * U.T
    decoder.b[:] = -2 / epsilon * U.sum(axis=1)
    excess.append(network.value(X) - pca_loss)
    predicted = 0.5 * (epsilon**2 / 12) ** 2 * (((X @ U) ** 3) ** 2).sum(axis=1).mean()
    print(f"epsilon = {epsilon:<5} loss - PCA's {excess[-1]:.3e}, predicted {predicted:.3e}")
    assert np.isclose(excess[-1], predicted, rtol=10 * epsilon**2) and excess[-1] > 0
for seed in range(5):
    network = npae.Network([npae.Dense(D, K, npae.Sigmoid(), rng=seed)], [npae.Dense(K, D, rng=seed + 9)])
    npae.lbfgs(network, X, max_iter=300)
    assert network.value(X) > pca_loss - 1e-12  # it may come as near as rounding lets it

# %% [markdown]
# ## 2. A penalty on the code needs a hold on the decoder
#
# *Section 19.1, sparse autoencoders.*
#
# **Question.** The encoder has ReLU units, the decoder $h V + c$ is linear, and $\lambda\,E \sum_k |h_k|$ is added to
# the loss. Scale the encoder's weights and biases by $\alpha$ and $V$ by $1/\alpha$. What happens to the objective?
# Add $\frac\mu2 \|V\|_F^2$: where is the best $\alpha$, and how do the penalty's two parts compare there?
#
# **On paper.** ReLU units are homogeneous, so $h$ becomes $\alpha h$ and the reconstruction stays. The penalty is
# multiplied by $\alpha$, and $\alpha \to 0$ removes it without making anything sparse. With decay the part of the
# objective that depends on $\alpha$ is
#
# $$\alpha \lambda A + \frac{\mu B}{2 \alpha^2}, \qquad A = E\sum_k |h_k|,\; B = \|V\|_F^2, \qquad
# \text{least at } \alpha^3 = \frac{\mu B}{\lambda A} .$$
#
# There $\lambda A \alpha = \mu B / \alpha^2$: the sparsity penalty equals twice the weight decay at every optimum,
# whatever the data.

# %%
lam, mu = 0.2, 0.05


class DecoderDecay:
    """mu / 2 ||V||_F^2 of the decoder's first layer alone: a penalty of one's own."""

    def __call__(self, encoder, decoder):
        layer = decoder.layers[0]
        layer.pending.add("W_scale", mu)
        return mu / 2 * (layer.W * layer.W).sum()


network = npae.Network(
    [npae.Dense(D, 8, npae.ReLU(), rng=3)], [npae.Dense(8, D, rng=4)], penalties=[npae.L1Sparsity(lam), DecoderDecay()]
)
encoder, decoder = network.encoder.layers[0], network.decoder.layers[0]
A, B, before = np.abs(network.encode(X)).sum(axis=1).mean(), (decoder.W**2).sum(), network.reconstruct(X)
best = (mu * B / (lam * A)) ** (1 / 3)
start, values = network.theta.copy(), {}
for alpha in (best, *np.linspace(0.3, 3, 28)):
    network.theta = start
    encoder.W *= alpha
    encoder.b *= alpha
    decoder.W /= alpha
    assert close(network.reconstruct(X), before)
    values[alpha] = network.value(X)
print(f"best alpha derived {best:.4f}, best of a grid {min(list(values)[1:], key=values.get):.4f}")
assert min(values, key=values.get) == best
npae.lbfgs(network, X)  # after training, from any start, the two parts are in the ratio two to one
sparsity, decay = lam * np.abs(network.encode(X)).sum(axis=1).mean(), mu / 2 * (decoder.W**2).sum()
print(f"at the optimum: sparsity penalty {sparsity:.6f}, twice the decay {2 * decay:.6f}")
assert np.isclose(sparsity, 2 * decay, rtol=1e-3) and decay > 0.01

# %% [markdown]
# ## 3. Missing inputs, averaged exactly
#
# *Section 19.1, denoising and masked autoencoders.*
#
# **Question.** Every input is set to zero with probability $p$, independently. Which matrix $B$ makes
# $E\|\tilde x B - x\|^2$ least, the mean being over all masks and over data with second moments $S = E[x^\top x]$?
# Why is it not the identity although nothing is added to the data?
#
# **On paper.** With $\tilde x_d = m_d x_d$, $q = 1 - p$: $E[\tilde x^\top x] = q S$, and since $E[m_d m_e] = q^2$ for
# $d \ne e$ but $E[m_d^2] = q$,
#
# $$E[\tilde x^\top \tilde x] = q^2 S + q p\,\mathrm{diag}\,S, \qquad
# B = \big(q^2 S + q p\,\mathrm{diag}\,S\big)^{-1} q S .$$
#
# At $p = 0$ this is the identity. For $p > 0$ a missing entry is predicted from the others, so off-diagonal entries
# of $S$ enter; on the diagonal the noise acts like a ridge proportional to each variable's own variance. (Chen et al.
# (2012), marginalized denoising.)

# %%
p, q = 0.3, 0.7
normal = q**2 * S + q * p * np.diag(np.diag(S))
B = np.linalg.solve(normal, q * S)
masks = np.array(list(product([0.0, 1.0], repeat=D)))  # all 64 of them
chance = np.prod(np.where(masks == 1, q, p), axis=1)
x_tilde = (masks[:, None] * X).reshape(-1, D)  # every mask on every point
weight = np.sqrt(np.repeat(chance, len(X)) / len(X))[:, None]
exact = np.linalg.lstsq(weight * x_tilde, weight * np.tile(X, (len(masks), 1)), rcond=None)[0]
assert close(exact, B)
drawn = npae.MaskingNoise(p).corrupt(np.tile(X, (50_000, 1)), rng=0)
sampled = np.linalg.lstsq(drawn, np.tile(X, (50_000, 1)), rcond=None)[0]
print(
    f"largest entry of B - I {np.abs(B - np.eye(D)).max():.3f}; all masks {np.abs(exact - B).max():.1e}, "
    f"350,000 drawn {np.abs(sampled - B).max():.1e}"
)
assert np.abs(sampled - B).max() < 0.02 < np.abs(B - np.eye(D)).max()

# %% [markdown]
# ## 4. The regularizer of a variational autoencoder
#
# *Section 19.2.*
#
# **Question.** Compute $\mathrm{KL}(q\,\|\,p)$ for $q = N(m, \mathrm{diag}\,v)$ and $p = N(0, I)$, and its gradient
# with respect to $m$ and $\log v$. When is it zero?
#
# **On paper.** $E_q[\log q] = -\frac12 \sum_j (\log 2\pi v_j + 1)$,
# $E_q[\log p] = -\frac12 \sum_j (\log 2\pi + m_j^2 + v_j)$, so
#
# $$\mathrm{KL} = \tfrac12 \sum_j \big(m_j^2 + v_j - 1 - \log v_j\big), \qquad
# \frac{\partial}{\partial m_j} = m_j, \qquad \frac{\partial}{\partial \log v_j} = \tfrac12 (v_j - 1) .$$
#
# Both vanish at $m = 0$, $v = 1$ only: the code says nothing about $x$. The usual slip, $\log v$ for $v$ or for the
# standard deviation, is seen at once in the second derivative, which is $v_j/2$.


# %%
def kl(parameters):
    """KL(N(m, diag exp l) || N(0, I)) and its gradient."""
    m, log_v = parameters["m"], parameters["log_v"]
    v = np.exp(log_v)
    return 0.5 * (m**2 + v - 1 - log_v).sum(), {"m": m, "log_v": 0.5 * (v - 1)}


point = {"m": rng.standard_normal(3), "log_v": rng.standard_normal(3)}
assert npae.gradcheck.check_gradient(kl, point).max_error < 1e-12
total = 0.0
for m, log_v in zip(point["m"], point["log_v"]):
    v = np.exp(log_v)

    def integrand(z, m=m, v=v):
        log_q = -0.5 * ((z - m) ** 2 / v + np.log(2 * np.pi * v))
        return np.exp(log_q) * (log_q + 0.5 * (z**2 + np.log(2 * np.pi)))

    total += quad(integrand, m - 12 * np.sqrt(v), m + 12 * np.sqrt(v), epsabs=1e-12)[0]
print(f"KL by the formula {kl(point)[0]:.10f}, by quadrature {total:.10f}")
assert np.isclose(kl(point)[0], total, rtol=1e-9) and kl({"m": np.zeros(2), "log_v": np.zeros(2)})[0] == 0

# %% [markdown]
# ## 5. Two ways to differentiate a mean
#
# *Section 19.2, the reparameterization trick.*
#
# **Question.** Estimate $\frac{\partial}{\partial\mu} E[z^2]$ for $z \sim N(\mu, \sigma^2)$ from one draw: by
# differentiating $(\mu + \sigma\varepsilon)^2$, and by $z^2\, \frac{\partial}{\partial\mu} \log p(z)$. Show that both
# are unbiased and compare their variances.
#
# **On paper.** The first is $2(\mu + \sigma\varepsilon)$: mean $2\mu$, variance $4\sigma^2$. The second is, with
# $\frac{\partial}{\partial\mu} \log p = (z - \mu)/\sigma^2 = \varepsilon/\sigma$,
#
# $$\frac{(\mu + \sigma\varepsilon)^2\,\varepsilon}{\sigma} =
# \frac{\mu^2}{\sigma}\varepsilon + 2\mu\,\varepsilon^2 + \sigma\,\varepsilon^3 ,$$
#
# with mean $2\mu$ and, by the moments $1, 3, 15$ of $\varepsilon^2, \varepsilon^4, \varepsilon^6$, the variance
# $\frac{\mu^4}{\sigma^2} + 14\mu^2 + 15\sigma^2$. It is larger for every $\mu$ and $\sigma$, at $\mu = 0$ by $15/4$,
# and grows without bound where the first one vanishes, as $\sigma \to 0$. Knowing the derivative of the integrand,
# not its value alone, is what the trick buys.

# %%
node, weight = np.polynomial.hermite_e.hermegauss(20)  # exact for polynomials up to degree 39
weight = weight / np.sqrt(2 * np.pi)
for mu, sigma in ((1.0, 1.0), (2.0, 0.3), (0.0, 0.7)):
    path, score = 2 * (mu + sigma * node), (mu + sigma * node) ** 2 * node / sigma
    variances = [weight @ g**2 - (weight @ g) ** 2 for g in (path, score)]
    print(f"mu = {mu}, sigma = {sigma}: variance {variances[0]:.3f} by the path, {variances[1]:.3f} by the score")
    assert np.allclose([weight @ path, weight @ score], 2 * mu, atol=1e-12)
    assert close(variances, [4 * sigma**2, mu**4 / sigma**2 + 14 * mu**2 + 15 * sigma**2])

# %% [markdown]
# ## 6. A linear variational autoencoder is probabilistic PCA
#
# *Section 19.2.*
#
# **Question.** Encoder $q(z \mid x) = N(x A, \mathrm{diag}\,v)$, decoder $N(z W, \sigma^2 I)$, both linear, data
# centred. Write the mean of the bound without any sampling, maximize it over $A, v, W, \sigma^2$, and compare with
# the likelihood of probabilistic PCA. Which freedom of the code is lost?
#
# **On paper.** All means are of squares:
#
# $$\mathcal L = -\tfrac D2 \log 2\pi\sigma^2
# - \tfrac{1}{2\sigma^2}\big[E\|x - x A W\|^2 + \textstyle\sum_j v_j \|W_j\|^2\big]
# - \tfrac12 \textstyle\sum_j \big[(A^\top S A)_{jj} + v_j - 1 - \log v_j\big] ,$$
#
# $W_j$ the rows of $W$. The posterior of probabilistic PCA has a linear mean and a constant covariance, so the family
# of $q$ contains it if that covariance is diagonal, that is for orthogonal rows of $W$. Such a $W$ is among the
# maxima of the likelihood, so the maximum of the bound equals the maximum of the likelihood: nothing is lost. But
# rotations of the code are not free any more: the rows are the principal directions themselves.


# %%
def negative_bound(theta):
    """-L for theta = (A, W, log v, log s2), and its gradient."""
    A, W = theta[: D * K].reshape(D, K), theta[D * K : 2 * D * K].reshape(K, D)
    v, s2 = np.exp(theta[2 * D * K : -1]), np.exp(theta[-1])
    E = np.eye(D) - A @ W  # x - x^ = x E
    norms = (W**2).sum(axis=1)
    bracket = np.trace(E.T @ S @ E) + v @ norms
    value = D / 2 * np.log(2 * np.pi * s2) + bracket / (2 * s2)
    value = value + 0.5 * (np.sum(A * (S @ A)) + (v - 1 - np.log(v)).sum())
    dA = -S @ E @ W.T / s2 + S @ A
    dW = (-A.T @ S @ E + v[:, None] * W) / s2
    d_log_v = v * norms / (2 * s2) + 0.5 * (v - 1)
    return value, np.concatenate([dA.ravel(), dW.ravel(), d_log_v, [D / 2 - bracket / (2 * s2)]])


start = 0.3 * rng.standard_normal(2 * D * K + K + 1)
assert npae.gradcheck.check_gradient(negative_bound, start).max_error < 1e-12
result = minimize(
    negative_bound, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9}
)
W = result.x[D * K : 2 * D * K].reshape(K, D)
ppca = npae.PCA(K, maximum_likelihood=True).fit(X)
print(f"bound {-result.fun:.9f}, log-likelihood of probabilistic PCA {ppca.score(X):.9f}")
assert np.isclose(-result.fun, ppca.score(X), rtol=1e-8)
directions = W / np.linalg.norm(W, axis=1, keepdims=True)
order = np.argsort(-np.linalg.norm(W, axis=1))
assert np.allclose(np.abs((directions[order] * ppca.components_).sum(axis=1)), 1, atol=1e-4)
assert np.allclose(np.sort((W**2).sum(axis=1))[::-1], ppca.explained_variance_ - ppca.noise_variance_, rtol=1e-4)

# %% [markdown]
# ## 7. When the code collapses
#
# *Section 19.2.*
#
# **Question.** In the same model keep $\sigma^2$ fixed. For which $\sigma^2$ does the best decoder ignore a code
# unit, and then what does its encoder do? Is it a failure of the optimizer?
#
# **On paper.** With $W$ along the principal directions, $C$ has the eigenvalues $w_i^2 + \sigma^2$, and $-2\log p =
# \sum_i \log(w_i^2 + \sigma^2) + \frac{\lambda_i}{w_i^2 + \sigma^2}$ is least at $w_i^2 + \sigma^2 = \lambda_i$ if
# $\lambda_i > \sigma^2$. Otherwise its derivative is positive for all $w_i^2 \ge 0$ and $w_i = 0$:
#
# $$w_i^2 = \max(0,\; \lambda_i - \sigma^2) .$$
#
# Then the posterior of the unit is its prior, $m = 0$, $v = 1$, $\mathrm{KL} = 0$. No local optimum is to blame: a
# decoder that expects noise of variance $\sigma^2$ takes directions of less variance for noise. A $\beta$-VAE with
# squared error $\frac12\|x - \hat x\|^2$ has $\beta$ in the place of $\sigma^2$.

# %%
for s2 in (0.5, 1.0, 2.0):

    def fixed(theta, s2=s2):
        value, gradient = negative_bound(np.append(theta, np.log(s2)))
        return value, gradient[:-1]

    found = minimize(
        fixed, start[:-1], jac=True, method="L-BFGS-B", options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9}
    ).x
    squares = np.sort((found[D * K : 2 * D * K].reshape(K, D) ** 2).sum(axis=1))[::-1]
    derived = np.maximum(0, spectrum[:K] - s2)
    A, v = found[: D * K].reshape(D, K), np.exp(found[2 * D * K :])
    units = 0.5 * (np.einsum("dk,de,ek->k", A, S, A) + v - 1 - np.log(v))
    print(
        f"sigma^2 = {s2}: ||W_j||^2 {squares.round(6)}, derived {derived}; "
        f"KL of each unit {np.sort(units)[::-1].round(6)}"
    )
    assert np.allclose(squares, derived, atol=1e-3)
    assert ((units < 1e-5).sum() == (derived == 0).sum()) and (units > -1e-12).all()
