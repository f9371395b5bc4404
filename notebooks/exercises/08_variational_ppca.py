# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sheet 8. Variational autoencoders and probabilistic PCA
#
# **You will** write the layer that draws a code and lets a gradient through; the divergence that holds it near the
# prior; the bound of a variational autoencoder with its gradient; the likelihood, the maximum and the posterior of
# probabilistic PCA; and see the one meet the other.
#
# **You need** Gaussian conditional distributions and the divergence of two Gaussians; lesson 8, sheets 1 and 2.
# **Time:** about three hours.
#
# | question | points |
# |---|---|
# | 1. A code that is drawn | 4 |
# | 2. The divergence from the prior | 3 |
# | 3. The bound and its gradient | 6 |
# | 4. The likelihood of probabilistic PCA | 4 |
# | 5. Its maximum | 3 |
# | 6. Its posterior | 3 |
#
# How a sheet works, and the conventions, are told at the beginning of sheet 1. Gaussians have **log variances** $s$:
# the variance is $e^s$, the standard deviation $e^{s/2}$. All logarithms are natural.

# %% nbgrader={"grade_id": "setup", "locked": true}
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.classroom import assert_no_loop, assert_value
from npae.generative import GaussianCode, KLToStandardNormal
from npae.generative.linear_gaussian import LinearGaussian
from npae.gradcheck import check_gradient, check_layer, check_network

# %% [markdown]
# ## 1. A code that is drawn (4 points)
#
# The layer below puts out $(m, s)$ $(N, 2K)$, the means first and the log variances behind them. The code is drawn from
# $\mathcal N(m, \mathrm{diag}\, e^s)$ as
#
# $$h = m + e^{s/2}\, \varepsilon, \qquad \varepsilon \sim \mathcal N(0, I),$$
#
# so that for given $\varepsilon$ it is an ordinary function of $m$ and $s$, with an ordinary gradient. $\varepsilon$ is
# not drawn here: it is put on the layer as `noise` $(N, K)$.


# %% nbgrader={"grade_id": "draw", "solution": true}
class DrawnCode:
    """h = m + exp(s / 2) noise, for x = (m, s) (N, 2 K)."""

    parameters = ()

    def __init__(self, n_out):
        self.n_in, self.n_out, self.noise = 2 * n_out, n_out, None

    def forward(self, x):
        """h (N, K)."""
        m, s = x[:, : self.n_out], x[:, self.n_out :]
        ### BEGIN SOLUTION
        self.shift = np.exp(s / 2) * self.noise
        return m + self.shift
        ### END SOLUTION

    def backward(self, dh):
        """dx = (dm, ds) (N, 2 K)."""
        ### BEGIN SOLUTION
        ds = dh * self.shift / 2
        return np.hstack([dh, ds])
        ### END SOLUTION


# %% nbgrader={"grade_id": "draw-check", "grade": true, "points": 4}
rng = np.random.default_rng(1)
x = rng.standard_normal((7, 6))
layer, exact = DrawnCode(3), GaussianCode(3)
layer.noise = exact.noise = rng.standard_normal((7, 3))
known = {
    "the noise is scaled by exp(s), the variance; expected exp(s / 2), the standard deviation": x[:, :3]
    + np.exp(x[:, 3:]) * layer.noise,
    "the noise is scaled by s itself, the log variance": x[:, :3] + x[:, 3:] * layer.noise,
    "the noise is not scaled": x[:, :3] + layer.noise,
}
assert_value(layer.forward(x), exact.forward(x), "h", mistakes=known)
dh = rng.standard_normal((7, 3))
dx, exact_dx = layer.backward(dh), exact.backward(dh)
assert_value(np.shape(dx), (7, 6), "shape of dx")
assert_value(dx[:, :3], exact_dx[:, :3], "dm")
assert_value(
    dx[:, 3:], exact_dx[:, 3:], "ds", mistakes={"the inner derivative of s / 2 is missing": 2 * exact_dx[:, 3:]}
)
report = check_layer(layer, x, parameters=())  # the noise is given, not learnt: no gradient by it
assert report, report
### BEGIN HIDDEN TESTS
layer, x = DrawnCode(1), rng.standard_normal((4, 2))
layer.noise = np.zeros((4, 1))
assert_value(layer.forward(x), x[:, :1], "h without noise")
layer.noise = rng.standard_normal((4, 1))
report = check_layer(layer, x, parameters=())
assert report, report
### END HIDDEN TESTS

# %% [markdown]
# ## 2. The divergence from the prior (3 points)
#
# $$\mathrm{KL}\big(\mathcal N(m, \mathrm{diag}\, e^s) \,\big\|\, \mathcal N(0, I)\big)
# = \frac12 \sum_k \big( m_k^2 + e^{s_k} - 1 - s_k \big).$$
#
# Give its mean over the samples, and the gradient by $m$ and $s$ $(N, K)$.


# %% nbgrader={"grade_id": "kl", "solution": true}
def kl(m, s):
    """The value, dm and ds (N, K)."""
    ### BEGIN SOLUTION
    N = len(m)
    value = (m**2 + np.exp(s) - 1 - s).sum() / (2 * N)
    return value, m / N, (np.exp(s) - 1) / (2 * N)
    ### END SOLUTION


# %% nbgrader={"grade_id": "kl-check", "grade": true, "points": 3}
def kl_of_package(m, s):
    identity = npae.Dense(2 * m.shape[1], 2 * m.shape[1])
    identity.W = np.eye(2 * m.shape[1])
    encoder = npae.Stack([identity, GaussianCode(m.shape[1])])
    encoder.forward(np.hstack([m, s]))
    return KLToStandardNormal()(encoder)


rng = np.random.default_rng(2)
m, s = rng.standard_normal((2, 7, 3))
value, dm, ds = kl(m, s)
known = {
    "exp(s) is the variance; here it was squared": kl_of_package(m, 2 * s) + s.sum() / 14,
    "s is the logarithm of the variance, not of the standard deviation": kl_of_package(m, 2 * s),
    "s stands where the variance exp(s) belongs": (m**2 - 1).sum() / 14,
}
assert_value(value, kl_of_package(m, s), "KL", sizes={"N": 7, "K": 3}, mistakes=known)


def as_one(p):
    value, by_m, by_s = kl(p["m"], p["s"])
    return value, {"m": by_m, "s": by_s}


report = check_gradient(as_one, {"m": m, "s": s}, n_samples=7)
assert report, report
assert_no_loop(lambda n: kl(np.ones((n, 3)), np.ones((n, 3))), "kl")
### BEGIN HIDDEN TESTS
assert_value(kl(np.zeros((4, 2)), np.zeros((4, 2)))[0], 0.0, "KL of the prior itself")
report = check_gradient(as_one, dict(zip("ms", rng.standard_normal((2, 3, 5)), strict=True)), n_samples=3)
assert report, report
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The bound and its gradient (6 points)
#
# A linear variational autoencoder: $m = xA + a$; the log variances $s$ $(K,)$ are the same for every $x$;
# $h = m + e^{s/2} \varepsilon$; and $p(x \mid h) = \mathcal N(hV + c,\, I)$. The negative of the bound on $\log p(x)$
# is
#
# $$J = \frac1N \sum_n \Big[ \tfrac12 \|x_n - h_n V - c\|^2 + \tfrac D2 \ln 2\pi + \mathrm{KL}_n \Big]$$
#
# for one draw $\varepsilon_n$ a sample, given as `noise`. The gradient by $m$ and $s$ has two parts: what comes back
# from the reconstruction, and what comes from the divergence.


# %% nbgrader={"grade_id": "bound", "solution": true}
def negative_bound(p, x, noise):
    """J and its gradient under the keys of p: A (D, K), a (K,), s (K,), V (K, D), c (D,)."""
    A, a, s, V, c = p["A"], p["a"], p["s"], p["V"], p["c"]
    ### BEGIN SOLUTION
    N, D = x.shape
    m, deviation = x @ A + a, np.exp(s / 2)
    h = m + deviation * noise
    error = h @ V + c - x
    divergence = ((m**2).sum() / N + (np.exp(s) - 1 - s).sum()) / 2
    value = (error**2).sum() / (2 * N) + D / 2 * np.log(2 * np.pi) + divergence

    dxhat = error / N
    dh = dxhat @ V.T
    dm = dh + m / N
    ds = (dh * noise).sum(axis=0) * deviation / 2 + (np.exp(s) - 1) / 2
    gradient = {"A": x.T @ dm, "a": dm.sum(axis=0), "s": ds, "V": h.T @ dxhat, "c": dxhat.sum(axis=0)}
    return value, gradient
    ### END SOLUTION


# %% nbgrader={"grade_id": "bound-check", "grade": true, "points": 6}
rng = np.random.default_rng(3)
x, noise = rng.standard_normal((7, 5)), rng.standard_normal((7, 3))
p = {name: rng.standard_normal(shape) for name, shape in (("A", (5, 3)), ("a", 3), ("s", 3), ("V", (3, 5)), ("c", 5))}
value, gradient = negative_bound(p, x, noise)
mean_and_log, decoder, code = npae.Dense(5, 6), npae.Dense(3, 5), GaussianCode(3)
mean_and_log.W, mean_and_log.b = np.hstack([p["A"], np.zeros((5, 3))]), np.concatenate([p["a"], p["s"]])
decoder.W, decoder.b, code.noise = p["V"].copy(), p["c"].copy(), noise
network = npae.Network([mean_and_log, code], [decoder], penalties=[KLToStandardNormal()])
exact = network.value_and_grad(x)
divergence = KLToStandardNormal()(network.encoder)
constant = 2.5 * np.log(2 * np.pi)
known = {
    "the constant D/2 log(2 pi) is missing": exact,
    "the divergence is missing": exact - divergence + constant,
    "the divergence has the wrong sign": exact - 2 * divergence + constant,
    "the divergence was averaged over the units of the code": exact - divergence * 2 / 3 + constant,
}
assert_value(value, exact + constant, "J", sizes={"N": 7, "D": 5}, mistakes=known)
by = network.gradients
network.penalties = []
whole = {"A": by["encoder.0.W"][:, :3].copy(), "s": by["encoder.0.b"][3:].copy()}
network.value_and_grad(x)
for name, back in {"A": by["encoder.0.W"][:, :3], "s": by["encoder.0.b"][3:]}.items():
    half = {f"what the divergence adds to the gradient of {name} is missing": back}
    assert_value(gradient[name], whole[name], f"the gradient of {name}", sizes={"N": 7}, mistakes=half)
report = check_gradient(lambda p: negative_bound(p, x, noise), p, n_samples=7)
assert report, report
assert_no_loop(lambda n: negative_bound(p, np.ones((n, 5)), np.ones((n, 3))), "negative_bound")
### BEGIN HIDDEN TESTS
x, noise = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
p = {name: rng.standard_normal(shape) for name, shape in (("A", (4, 4)), ("a", 4), ("s", 4), ("V", (4, 4)), ("c", 4))}
report = check_gradient(lambda p: negative_bound(p, x, noise), p, n_samples=3)
assert report, report
### END HIDDEN TESTS

# %% [markdown]
# ## 4. The likelihood of probabilistic PCA (4 points)
#
# $h \sim \mathcal N(0, I)$ and $x \mid h \sim \mathcal N(\mu + hW,\, \sigma^2 I)$, with $W$ $(K, D)$. So
# $x \sim \mathcal N(\mu, C)$ with $C = W^\top W + \sigma^2 I$, and
#
# $$\log p(x) = -\tfrac12 \big[ D \ln 2\pi + \ln\det C + (x - \mu)\, C^{-1} (x - \mu)^\top \big].$$
#
# Give the mean over the samples. For images $\det C$ is a product of hundreds of small numbers and underflows to zero;
# `np.linalg.slogdet` does not.


# %% nbgrader={"grade_id": "likelihood", "solution": true}
def log_likelihood(x, W, mean, variance):
    """The mean of log p(x_n) in nats; variance is sigma^2."""
    ### BEGIN SOLUTION
    D = x.shape[1]
    C = W.T @ W + variance * np.eye(D)
    squares = ((x - mean) * np.linalg.solve(C, (x - mean).T).T).sum(axis=1)
    return -0.5 * (D * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + squares.mean())
    ### END SOLUTION


# %% nbgrader={"grade_id": "likelihood-check", "grade": true, "points": 4}
rng = np.random.default_rng(4)
x, W, mean = rng.standard_normal((7, 5)), rng.standard_normal((2, 5)), rng.standard_normal(5)
model = LinearGaussian(W, mean, np.full(5, 0.6))
exact, half_log_det = model.log_likelihood(x).mean(), np.linalg.slogdet(W.T @ W + 0.6 * np.eye(5))[1] / 2
wide = LinearGaussian(W, mean, np.full(5, 0.36)).log_likelihood(x).mean()
known = {
    "D log(2 pi) / 2 is missing": exact + 2.5 * np.log(2 * np.pi),
    "the half of the log determinant is missing": exact - half_log_det,
    "the log determinant is missing": exact + half_log_det,
    "the argument is sigma^2 already and was squared": wide,
}
assert_value(log_likelihood(x, W, mean, 0.6), exact, "log p", sizes={"N": 7}, mistakes=known)
pca = npae.PCA(2, maximum_likelihood=True).fit(x)
W = pca.components_ * np.sqrt(pca.explained_variance_ - pca.noise_variance_)[:, None]
assert_value(log_likelihood(x, W, pca.mean_, pca.noise_variance_), pca.score(x), "log p of PCA's maximum")
with np.errstate(all="ignore"):
    many = log_likelihood(np.zeros((2, 300)), np.zeros((1, 300)), np.zeros(300), 0.01)
assert_value(many, -150 * np.log(2 * np.pi * 0.01), "log p in 300 dimensions")
### BEGIN HIDDEN TESTS
x, W, mean = 3 * rng.standard_normal((4, 6)), rng.standard_normal((6, 6)), rng.standard_normal(6)
exact = LinearGaussian(W, mean, np.full(6, 2.0)).log_likelihood(x).mean()
assert_value(log_likelihood(x, W, mean, 2.0), exact, "log p")
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Its maximum (3 points)
#
# Tipping and Bishop (1999): with the eigenvalues $\lambda_1 \ge \dots \ge \lambda_D$ of the covariance of the data
# (divided by $N$) and its eigenvectors $v_i$, the likelihood is largest for
#
# $$\sigma^2 = \frac{1}{D - K} \sum_{i > K} \lambda_i, \qquad w_i = \sqrt{\lambda_i - \sigma^2}\; v_i \quad (i \le K),$$
#
# the $w_i$ being the rows of $W$. The noise is what a direction that was left out has on average; it is everywhere, in
# the directions that were kept as well, and so it is taken off there.


# %% nbgrader={"grade_id": "maximum", "solution": true}
def maximum_likelihood(x, K):
    """W (K, D) and sigma^2."""
    ### BEGIN SOLUTION
    _, s, V = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    eigenvalues = s**2 / len(x)
    variance = eigenvalues[K:].sum() / (x.shape[1] - K)
    return np.sqrt(eigenvalues[:K] - variance)[:, None] * V[:K], variance
    ### END SOLUTION


# %% nbgrader={"grade_id": "maximum-check", "grade": true, "points": 3}
rng = np.random.default_rng(5)
x = 3 + rng.standard_normal((40, 5)) @ rng.standard_normal((5, 5))
W, variance = maximum_likelihood(x, 2)
pca = npae.PCA(2, maximum_likelihood=True).fit(x)
exact, kept = pca.noise_variance_, pca.explained_variance_
known = {
    "divided by N - 1, expected N": exact * 40 / 39,
    "this is the sum of what was left out, expected the mean": exact * 3,
    "this is the mean over all D, expected over those left out": exact * 3 / 5,
    "this is the mean of what was kept": kept.mean(),
    "the data were not centred": (np.linalg.svd(x, compute_uv=False)[2:] ** 2).sum() / 120,
}
assert_value(variance, exact, "sigma^2", mistakes=known)
assert_value(np.shape(W), (2, 5), "shape of W")
V = pca.components_
known = {
    "the noise was not taken off the directions that were kept": kept,
    "the root is missing": (kept - exact) ** 2,
    "sigma was taken off, expected sigma^2": kept - exact**0.5,
}
assert_value(np.diag(V @ W.T @ W @ V.T), kept - exact, "the squared lengths of the rows of W", mistakes=known)
assert_value(W.T @ W, V.T * (kept - exact) @ V, "W^T W")
### BEGIN HIDDEN TESTS
W, variance = maximum_likelihood(x, 4)
pca = npae.PCA(4, maximum_likelihood=True).fit(x)
assert_value(W.T @ W + variance * np.eye(5), pca.get_covariance(), "C")
### END HIDDEN TESTS

# %% [markdown]
# ## 6. Its posterior (3 points)
#
# What a variational autoencoder's encoder can only approximate is known here. With $M = W W^\top + \sigma^2 I$
# $(K, K)$,
#
# $$h \mid x \sim \mathcal N\big( (x - \mu) W^\top M^{-1},\ \sigma^2 M^{-1} \big).$$


# %% nbgrader={"grade_id": "posterior", "solution": true}
def posterior(x, W, mean, variance):
    """The means (N, K) and the covariance (K, K) of h given x."""
    ### BEGIN SOLUTION
    M = W @ W.T + variance * np.eye(len(W))
    return np.linalg.solve(M, W @ (x - mean).T).T, variance * np.linalg.inv(M)
    ### END SOLUTION


# %% nbgrader={"grade_id": "posterior-check", "grade": true, "points": 3}
rng = np.random.default_rng(6)
x, W, mean = rng.standard_normal((7, 5)), rng.standard_normal((2, 5)), rng.standard_normal(5)
means, covariance = posterior(x, W, mean, 0.6)
# the same by conditioning the joint Gaussian of h and x, with matrices of D x D
C = W.T @ W + 0.6 * np.eye(5)
gain = np.linalg.solve(C, W.T)
known = {
    "mu was not taken out": x @ gain,
    "this is the projection onto the rows of W: the noise is forgotten in M": (x - mean) @ np.linalg.pinv(W),
}
assert_value(means, (x - mean) @ gain, "the means", mistakes=known)
exact = np.eye(2) - W @ gain
known = {"sigma^2 is missing": exact / 0.6, "sigma^2 squared": exact * 0.6, "this is M": 0.6 * np.linalg.inv(exact)}
assert_value(covariance, exact, "the covariance", mistakes=known)
### BEGIN HIDDEN TESTS
means, covariance = posterior(x, np.zeros((3, 5)), mean, 2.0)
assert_value(means, np.zeros((7, 3)), "the means where W is zero")
assert_value(covariance, np.eye(3), "the covariance where W is zero")
### END HIDDEN TESTS

# %% [markdown]
# ## Look at the result
#
# First the linear variational autoencoder. The digits are divided by the $\sigma$ that your `maximum_likelihood` finds,
# so that noise of variance 1 is right for them; your bound is trained by Adam, and must come up to the likelihood of
# probabilistic PCA and never above it, but for the noise of its draws.

# %%
digits = npae.datasets.load_digits()
K, rng = 4, np.random.default_rng(7)
variance = maximum_likelihood(digits.data, K)[1]
X = digits.data / np.sqrt(variance)
W, one = maximum_likelihood(X, K)
best = log_likelihood(X, W, X.mean(axis=0), one)

theta = 0.1 * rng.standard_normal(64 * K + K + K + K * 64 + 64)
shapes = {"A": (64, K), "a": (K,), "s": (K,), "V": (K, 64), "c": (64,)}
ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes.values()])
p = {name: part.reshape(shapes[name]) for name, part in zip(shapes, np.split(theta, ends[:-1]), strict=True)}
step, bounds = npae.Adam(npae.Cosine(0.05, 1500)).start(theta), []
for _ in range(1500):
    batch = X[rng.integers(0, len(X), 300)]
    J, gradient = negative_bound(p, batch, rng.standard_normal((300, K)))
    step(np.concatenate([gradient[name].ravel() for name in shapes]))
    bounds.append(-J)
bound = -np.mean([negative_bound(p, X, rng.standard_normal((len(X), K)))[0] for _ in range(20)])
print(f"the bound is {bound:.3f} nats, log p of probabilistic PCA {best:.3f}")
means = posterior(X, p["V"], p["c"], 1.0)[0]
off = np.linalg.norm(X @ p["A"] + p["a"] - means) / np.linalg.norm(means)
print(f"the means of its encoder are {off:.1%} off those of your posterior for its decoder")
smooth = np.convolve(bounds, np.ones(20) / 20, mode="valid")[30:]
lines = {"your bound": (np.arange(len(smooth)) + 50, smooth), "log p": ([50, 1500], [best, best])}
display(plots.curves(lines, xlabel="step", ylabel="nats a sample")[0])

# %% [markdown]
# Then one that is not linear: your layer and your divergence in a network with hidden layers, a code of two numbers,
# and black and white pixels. What it makes of a grid of codes:


# %%
class YourDivergence:
    """Your divergence as a penalty: it adds its gradient to the layer that puts out (m, s)."""

    def __call__(self, encoder, decoder):
        before, code = encoder.layers[-2:]
        value, dm, ds = kl(code.x[:, : code.n_out], code.x[:, code.n_out :])
        before.pending.add("dh", np.hstack([dm, ds]))
        return value


class Kept(DrawnCode):
    """Your layer, which remembers what came in."""

    def forward(self, x):
        self.x = x
        return super().forward(x)


X, rng, code = (digits.data > 0.5).astype(float), np.random.default_rng(8), Kept(2)
tanh = npae.Tanh()
network = npae.Network(
    [npae.Dense(64, 64, tanh, rng=rng), npae.Dense(64, 4, rng=rng), code],
    [npae.Dense(2, 64, tanh, rng=rng), npae.Dense(64, 64, rng=rng)],
    loss=npae.BernoulliCrossEntropy(),
    penalties=[YourDivergence()],
)
code.noise = rng.standard_normal((5, 2))
print(check_network(network, X[:5], directions=1).headline)
step = npae.Adam(0.005).start(network.theta)
for _ in range(1500):
    code.noise = rng.standard_normal((100, 2))
    J = network.value_and_grad(X[rng.integers(0, len(X), 100)])
    step(network.grad)
print(f"negative bound {J:.2f} nats")
line = np.linspace(-2, 2, 14)
grid = np.stack(np.meshgrid(line, line[::-1]), axis=-1).reshape(-1, 2)
figure, (left, right) = plots.new_axes(9, 4.5, 1, 2)
left.imshow(plots.mosaic(network.decode(grid), (8, 8), 14), cmap="gray_r", vmin=0, vmax=1)
plots.bare(left)
left.set_title("what codes from -2 to 2 are decoded to")
code.noise = np.zeros((len(X), 2))
h = network.encode(X)
for label in range(10):
    right.scatter(
        *h[digits.target == label].T, marker=f"${label}$", s=30, lw=0.2, color=plots.STYLES[label % 8]["color"]
    )
right.set(title="means of the codes of the digits", xlabel="$m_1$", ylabel="$m_2$", aspect="equal")
display(figure)

# %% [markdown]
# **To think about.** Why can the bound of the linear autoencoder come up to $\log p$, and that of the other not? The
# covariance of the posterior is not diagonal for every $W$ that maximizes the likelihood: what has the linear one done
# about that? And what would the codes look like without the divergence?
