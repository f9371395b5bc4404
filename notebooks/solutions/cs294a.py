# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # CS294A: the sparse autoencoder
#
# Questions on Andrew Ng's lecture notes *Sparse autoencoder* (CS294A, Stanford, 2011), each in words of our own,
# answered on paper and then in code that asserts the answer. The notes count layers from 1 (the input) and keep
# samples as columns; here samples are rows and $W_1 (D, K)$, $W_2 (K, D)$ are the matrices of encoder and decoder.

# %%
from functools import partial

import numpy as np

import npae

close = partial(np.allclose, rtol=1e-10, atol=1e-12)
rng = np.random.default_rng(0)
N, D, K = 9, 6, 4
x = rng.uniform(0.1, 0.9, (N, D))
theta = {
    "W1": rng.standard_normal((D, K)), "b1": rng.standard_normal(K),
    "W2": rng.standard_normal((K, D)), "b2": rng.standard_normal(D),
}  # fmt: skip


def sigmoid(a):
    """The logistic function."""
    return 1 / (1 + np.exp(-a))


def in_npae(theta, penalties=()):
    """J and its gradient by the package, for the same parameters."""
    network = npae.Network(
        [npae.Dense(D, K, npae.Sigmoid())], [npae.Dense(K, D, npae.Sigmoid())], penalties=list(penalties)
    )
    names = {"encoder.0.W": "W1", "encoder.0.b": "b1", "decoder.0.W": "W2", "decoder.0.b": "b2"}
    for key, array in network.parameters.items():
        array[...] = theta[names[key]]
    value = network.value_and_grad(x)
    return value, {names[key]: array for key, array in network.gradients.items()}


def agree(mine, theirs):
    """Whether value and all gradients are equal."""
    return close(mine[0], theirs[0]) and all(close(mine[1][name], theirs[1][name]) for name in theta)


# %% [markdown]
# ## 1. Back-propagation through two sigmoid layers
#
# *Section 2.2.*
#
# **Question.** $J = \frac1N \sum_n \frac12 \|\hat x_n - x_n\|^2$ with $h = \sigma(x W_1 + b_1)$ and
# $\hat x = \sigma(h W_2 + b_2)$. Derive all four gradients. Why does the derivative of the sigmoid need no new
# exponential?
#
# **On paper.** Let $\delta^{(l)}$ be $\partial J/\partial a_l$. From the output backwards,
#
# $$\delta^{(2)} = \tfrac1N (\hat x - x) \odot \hat x \odot (1 - \hat x), \qquad
# \delta^{(1)} = (\delta^{(2)} W_2^\top) \odot h \odot (1 - h),$$
#
# since $\sigma' = \sigma (1 - \sigma)$ can be read off the output that was kept. A weight $W_{kd}$ enters by
# $a_{nd} = \sum_k h_{nk} W_{kd} + b_d$, and the chain rule sums over the samples it serves:
#
# $$dW_2 = h^\top \delta^{(2)}, \quad db_2 = \sum_n \delta^{(2)}_n, \qquad
# dW_1 = x^\top \delta^{(1)}, \quad db_1 = \sum_n \delta^{(1)}_n .$$


# %%
def plain(theta):
    """J without regularization and its gradient, as derived."""
    h = sigmoid(x @ theta["W1"] + theta["b1"])
    x_hat = sigmoid(h @ theta["W2"] + theta["b2"])
    delta2 = (x_hat - x) / N * x_hat * (1 - x_hat)
    delta1 = delta2 @ theta["W2"].T * h * (1 - h)
    gradient = {"W1": x.T @ delta1, "b1": delta1.sum(axis=0), "W2": h.T @ delta2, "b2": delta2.sum(axis=0)}
    return 0.5 * ((x_hat - x) ** 2).sum() / N, gradient


report = npae.gradcheck.check_gradient(plain, theta)
print(report)
assert report.ok and report.max_error < 1e-12 and agree(plain(theta), in_npae(theta))

# %% [markdown]
# ## 2. How far to step in a numerical derivative
#
# *Section 2.3.*
#
# **Question.** The notes compare the gradient with $\frac{J(\theta + \epsilon) - J(\theta - \epsilon)}{2\epsilon}$ at
# $\epsilon = 10^{-4}$. How large is the error of this quotient, which $\epsilon$ makes it least, and what does the
# one-sided quotient lose?
#
# **On paper.** By Taylor's formula the central quotient is $J' + \frac{\epsilon^2}{6} J''' + O(\epsilon^4)$: even
# orders cancel. $J$ itself is rounded to about $u |J|$ with $u = 1.1 \cdot 10^{-16}$, which the division turns into
# $u |J|/\epsilon$. The sum $\frac{\epsilon^2}6 |J'''| + \frac{u |J|}\epsilon$ is least at
# $\epsilon^3 = 3 u |J|/|J'''|$, near $10^{-5}$ if $J$ and its derivatives are of order one, where it is about
# $10^{-11}$. At $10^{-4}$ one pays a hundred times more truncation than there, which is still enough to find a bug.
# The one-sided quotient keeps the term $\frac\epsilon2 J''$; its best step is near $10^{-8}$ and eight digits are the
# most it has.

# %%
f, third, point = np.exp, np.exp, 1.0  # every derivative is e^x
steps = np.logspace(-12, -1, 111)
central = np.array([abs((f(point + e) - f(point - e)) / (2 * e) - np.exp(point)) for e in steps])
forward = np.array([abs((f(point + e) - f(point)) / e - np.exp(point)) for e in steps])
large = steps > 1e-3
assert np.allclose(central[large], steps[large] ** 2 / 6 * third(point), rtol=1e-2)
assert np.allclose(forward[large], steps[large] / 2 * np.exp(point), rtol=5e-2)
u = np.finfo(float).eps / 2
best = (3 * u) ** (1 / 3)
print(f"best step: predicted {best:.1e}, error there {central[np.argmin(np.abs(steps - best))]:.1e}")
print(
    f"least error seen: central {central.min():.1e}, one-sided {forward.min():.1e}; "
    f"at 1e-4 {central[np.argmin(np.abs(steps - 1e-4))]:.1e}"
)
near = (steps > best / 3) & (steps < best * 3)
assert np.median(central[near]) < 1e-9 and np.median(central[steps < 1e-9]) > 1e-9
near = (steps > 3e-9) & (steps < 3e-8)
assert 1e-10 < np.median(forward[near]) < 1e-7

numerical = npae.gradcheck.numerical_gradient(lambda W1: plain(theta | {"W1": W1})[0], theta["W1"], step=1e-4)
assert np.abs(numerical - plain(theta)[1]["W1"]).max() < 1e-8

# %% [markdown]
# ## 3. Weight decay leaves the biases alone
#
# *Section 2.2.*
#
# **Question.** Add $\frac\lambda2 \sum_l \|W_l\|_F^2$. What changes in the gradient and in a step of gradient
# descent? Where would the optimum of $b_2$ go if it were decayed too, say for data that are all equal to a constant
# $c$?
#
# **On paper.** $dW_l$ gains $\lambda W_l$, $db_l$ nothing; a step is $W \leftarrow (1 - \eta\lambda) W - \eta\, dW$,
# a shrinkage before the step. With constant data and a linear output everything can be left to $b_2 = c$, at no cost.
# If the bias is decayed, $\frac12 (b - c)^2 + \frac\lambda2 b^2$ per output is least at $b = \frac{c}{1 + \lambda}$:
# the reconstruction is off by a constant factor, though there is nothing to overfit in a mean.

# %%
lam = 0.02


def decayed(theta):
    """The plain objective with weight decay."""
    value, gradient = plain(theta)
    value += lam / 2 * ((theta["W1"] ** 2).sum() + (theta["W2"] ** 2).sum())
    return value, gradient | {"W1": gradient["W1"] + lam * theta["W1"], "W2": gradient["W2"] + lam * theta["W2"]}


assert npae.gradcheck.check_gradient(decayed, theta).max_error < 1e-12
assert agree(decayed(theta), in_npae(theta, [npae.WeightDecay(lam)]))

c = 0.7
constant = np.full((N, D), c)
network = npae.Network([npae.Dense(D, K, rng=0)], [npae.Dense(K, D, rng=1)], penalties=[npae.WeightDecay(0.1)])
npae.lbfgs(network, constant)
b = np.linspace(0, 1, 100_001)
with_decay = b[np.argmin(0.5 * (b - c) ** 2 + 0.1 / 2 * b**2)]
print(f"free bias: x^ = {network.reconstruct(constant).mean():.6f} for x = {c}; decayed, alone: {with_decay:.5f}")
assert np.allclose(network.reconstruct(constant), c, atol=1e-6) and np.isclose(with_decay, c / 1.1, atol=1e-5)

# %% [markdown]
# ## 4. The sparsity term needs a pass over all samples first
#
# *Section 3.*
#
# **Question.** Add $\beta \sum_j \mathrm{KL}(\rho\,\|\,\hat\rho_j)$, $\hat\rho_j = \frac1N \sum_n h_{nj}$. Derive how
# $\delta^{(1)}$ changes, and show that the back-propagation of a sample cannot be finished before the last sample has
# been encoded. Show that $\mathrm{KL}$ is convex in $\hat\rho$ with its minimum 0 at $\rho$.
#
# **On paper.** $\mathrm{KL}(\rho\,\|\,q) = \rho \log\frac\rho q + (1 - \rho) \log\frac{1-\rho}{1-q}$ has
#
# $$\frac{d}{dq} = -\frac\rho q + \frac{1-\rho}{1-q}, \qquad
# \frac{d^2}{dq^2} = \frac\rho{q^2} + \frac{1-\rho}{(1-q)^2} > 0 ,$$
#
# so there is one minimum, where the first is zero, at $q = \rho$. Each $h_{nj}$ moves $\hat\rho_j$ by $\frac1N$,
# hence
#
# $$\delta^{(1)}_{nj} = \Big[(\delta^{(2)} W_2^\top)_{nj} + \frac\beta N
# \Big(-\frac\rho{\hat\rho_j} + \frac{1-\rho}{1-\hat\rho_j}\Big)\Big] h_{nj} (1 - h_{nj}).$$
#
# The new term has the same factor for every sample, and $\hat\rho_j$ in it is known only when all have gone forward.
# (A sum of penalties per sample, with $h_{nj}$ for $\hat\rho_j$, is another objective: it wants every unit at $\rho$
# for every image, which is not sparse at all.)

# %%
beta, rho = 3.0, 0.05


def sparse(theta):
    """J_sparse of the notes and its gradient, as derived."""
    value, gradient = decayed(theta)
    h = sigmoid(x @ theta["W1"] + theta["b1"])
    rho_hat = h.mean(axis=0)
    KL = rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))
    delta = beta / N * (-rho / rho_hat + (1 - rho) / (1 - rho_hat)) * h * (1 - h)
    more = {"W1": gradient["W1"] + x.T @ delta, "b1": gradient["b1"] + delta.sum(axis=0)}
    return value + beta * KL.sum(), gradient | more


report = npae.gradcheck.check_gradient(sparse, theta)
print(report.headline)
assert report.ok and report.max_error < 1e-12
assert agree(sparse(theta), in_npae(theta, [npae.WeightDecay(lam), npae.KLSparsity(beta, rho)]))

h = sigmoid(x @ theta["W1"] + theta["b1"])
q = np.linspace(0.001, 0.999, 999)
KL = rho * np.log(rho / q) + (1 - rho) * np.log((1 - rho) / (1 - q))
assert abs(q[np.argmin(KL)] - rho) < 1e-3 and KL.min() >= 0 and (np.diff(KL, 2) > 0).all()
per_sample = beta / N * (rho * np.log(rho / h) + (1 - rho) * np.log((1 - rho) / (1 - h))).sum()
per_batch = sparse(theta)[0] - decayed(theta)[0]
print(f"penalty of the batch's means {per_batch:.4f}, mean penalty of the samples {per_sample:.4f}")
assert per_sample > per_batch  # Jensen: KL is convex in its second argument

# %% [markdown]
# ## 5. The image that a unit likes best
#
# *Section 4.*
#
# **Question.** Which input of norm at most one maximizes the activation of unit $j$,
# $\sigma(\sum_d W_{dj} x_d + b_j)$?
#
# **On paper.** The sigmoid is increasing, so it is $\langle W_{:j}, x\rangle$ that is maximized. By the inequality of
# Cauchy and Schwarz $\langle W_{:j}, x\rangle \le \|W_{:j}\|\,\|x\| \le \|W_{:j}\|$ with equality only for
#
# $$x = \frac{W_{:j}}{\|W_{:j}\|},$$
#
# the unit's weights themselves, scaled; the bias does not matter. (With pixels in $[0, 1]$ instead of the ball the
# answer is another: $x_d = 1$ where $W_{dj} > 0$, else 0.)

# %%
digits = npae.datasets.load_digits()
model = npae.Autoencoder(
    25, penalties=[npae.KLSparsity(0.1, rho=0.1)], optimizer=npae.Adam(1e-2), max_iter=15, random_state=0
).fit(digits.data)
layer = model.network_.encoder.layers[0]
best = (layer.W / np.linalg.norm(layer.W, axis=0)).T  # (K, D): one image a unit
reached = model.transform(best).diagonal()
trial = rng.standard_normal((5000, 64))
trial /= np.linalg.norm(trial, axis=1, keepdims=True)
print(
    "activations reached by W_j / ||W_j||:",
    reached[:5].round(3),
    " by the best of 5,000 others:",
    model.transform(trial).max(axis=0)[:5].round(3),
)
assert (model.transform(trial).max(axis=0) < reached).all()

# projected gradient ascent from anywhere ends there
y = trial[:25]
for _ in range(200):
    y = y + 0.5 * layer.W.T
    y /= np.maximum(1, np.linalg.norm(y, axis=1, keepdims=True))
assert np.allclose(y, best, atol=1e-6)
box = (layer.W.T > 0).astype(float)
assert (model.transform(box).diagonal() >= model.transform(rng.random((5000, 64))).max(axis=0)).all()
