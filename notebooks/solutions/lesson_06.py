# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---


# %% [markdown]
# # Answers to lesson 6
#
# Each is given in words and formulas, then in code that asserts it.

# %%
import numpy as np

import npae
from npae.experiments.claims import same
from npae.gradcheck import check_gradient, check_layer, check_loss

rng = np.random.default_rng(0)
X = npae.datasets.load_digits().data[:200]


class TanhLayer:
    """h = tanh(x W + b), with a backward pass that can be spoilt."""

    parameters = ("W", "b")

    def __init__(self, n_in, n_out, rng, spoil=None):
        self.n_in, self.n_out, self.spoil = n_in, n_out, spoil
        self.W, self.b = rng.standard_normal((n_in, n_out)) / n_in**0.5, rng.standard_normal(n_out)

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W + self.b)
        return self.h

    def backward(self, dh):
        da = dh * (1 - self.h**2)
        self.dW = -self.x.T @ da if self.spoil == "sign" else self.x.T @ da
        self.db = da.mean(axis=0) if self.spoil == "mean" else da.sum(axis=0)
        return da @ self.W.T


def run(spoil, steps=100):
    """J by step, and the cosine of the gradient with the true one at the start."""
    gradients = []
    for each in (None, spoil):
        layer = TanhLayer(64, 16, np.random.default_rng(2), each)
        network = npae.Network([layer], [npae.Dense(16, 64, rng=1)])
        network.value_and_grad(X)
        gradients.append(network.grad.copy())
    values = []
    for _ in range(steps):
        values.append(network.value_and_grad(X))
        network.theta -= 0.05 * network.grad
    right, wrong = gradients
    return values, right @ wrong / np.linalg.norm(right) / np.linalg.norm(wrong)


# %% [markdown]
# ## 1. Wrong, and still going down
#
# **Answer.** The wrong $db$ is the right one divided by $N$. So the wrong gradient still has a positive product with
# the right one, $\langle g, \tilde g\rangle = \|g_W\|^2 + \frac1N \|g_b\|^2 > 0$, and a small step along $-\tilde g$
# goes down. A wrong *sign* makes the product of these entries negative; where they outweigh the others, $J$ rises. Turn
# the sign of the encoder's $dW$ and of all the rest.

# %%
values, cosine = run("mean")
print(f"a mean for a sum: cosine with the right gradient {cosine:.3f}, J {values[0]:.2f} -> {values[-1]:.2f}")
assert cosine > 0 and values[-1] < values[0]
values, cosine = run("sign")
print(f"sign of dW in the encoder: cosine {cosine:.3f}")
network = npae.Network([npae.Dense(64, 16, npae.Tanh(), rng=1)], [npae.Dense(16, 64, rng=2)])
start = network.value_and_grad(X)
network.theta += 0.05 * network.grad  # every sign
print(f"every sign: J {start:.2f} -> {network.value(X):.2f}")
assert network.value(X) > start and cosine < 1

# %% [markdown]
# ## 2. What a gradient check cannot see
#
# **Answer.** Anything that is wrong in the value as well. A loss that sums over the samples, lacks its $\frac12$, or
# takes KL sample by sample passes with every digit, because its gradient is the gradient of *that* value. Values need
# an oracle of their own: a formula, a brute-force sum, another library.


# %%
class NoHalf:
    def __call__(self, a, x):
        return ((a - x) ** 2).sum() / len(a), 2 * (a - x) / len(a)


a, x = rng.standard_normal((2, 7, 5))
report = check_loss(NoHalf(), a, x)
oracle = np.mean([0.5 * np.linalg.norm(u - v) ** 2 for u, v in zip(a, x)])
print(f"gradient check: {report.verdict}; value {NoHalf()(a, x)[0]:.3f}, by a loop {oracle:.3f}")
assert report.ok and abs(NoHalf()(a, x)[0] / oracle - 2) < 1e-12

# %% [markdown]
# ## 3. At the kink
#
# **Answer.** That there is no derivative to compare with. From the right the slope is 1, from the left 0, and the
# central difference gives their mean $\frac12$, which belongs to neither; a layer may answer any of these. This checker
# counts such entries apart, as not differentiable, and neither passes nor fails them as long as the gradient lies
# between the slopes from the left and from the right.

# %%
layer = npae.Dense(5, 4, npae.ReLU(), rng=1)
layer.b[:] = 0.0, 1.0, -1.0, 0.5
points = rng.standard_normal((7, 5))
points[0] = 0  # a = b: the first unit is at its kink
report = check_layer(layer, points)
print(report)
right, left = (max(h, 0) / h for h in (1e-7, -1e-7))
central = (max(1e-7, 0) - max(-1e-7, 0)) / 2e-7
assert (right, left, central) == (1, 0, 0.5) and "not differentiable" in str(report) and report.verdict != "WRONG"

# %% [markdown]
# ## 4. A forgotten decay
#
# **Answer.** The value has $\frac\lambda2 \|W\|^2$, the gradient lacks $\lambda W$. The difference of the two gradients
# is a multiple of the parameter itself, and the checker looks for that.


# %%
def decayed(p, lam=0.3):
    layer = TanhLayer(5, 4, rng)
    layer.W, layer.b = p["W"], p["b"]
    h = layer.forward(points)
    layer.backward(2 * h)
    return (h**2).sum() + lam / 2 * (p["W"] ** 2).sum(), {"W": layer.dW, "b": layer.db}


report = check_gradient(decayed, {"W": rng.standard_normal((5, 4)), "b": rng.standard_normal(4)})
print(report)
assert [row.name for row in report.rows if row.status == "WRONG"] == ["W"] and "decay" in str(report)

# %% [markdown]
# ## 5. The forward difference
#
# **Answer.** Its error is $\frac h2 |f''| + 2 \varepsilon |f|/h$, least at $h \approx 2 \sqrt{\varepsilon |f|/|f''|}$,
# about $10^{-8}$, where it is about $10^{-8}$ as well: half of the digits, less than the central difference's two
# thirds. In parts of the derivative it is more, where the derivative is smaller than the value.

# %%
network = npae.Network([npae.Dense(6, 4, npae.Sigmoid(), rng=1)], [npae.Dense(4, 6, rng=2)])
batch, steps = rng.random((5, 6)), np.logspace(-14, -1, 53)
theta, value = network.theta.copy(), network.value_and_grad(batch)
exact, direction = network.grad.copy(), rng.standard_normal(theta.size)
direction /= np.linalg.norm(direction)
errors = []
for h in steps:
    network.theta = theta + h * direction
    errors.append(abs((network.value(batch) - value) / h - exact @ direction) / abs(exact @ direction))
errors = np.array(errors)
middle = errors[(steps > 1e-9) & (steps < 1e-7)]
print(
    f"near 1e-8: {np.median(middle):.0e}, best {errors.min():.0e}, 1e-2 {errors[np.argmin(np.abs(steps - 1e-2))]:.0e}"
)
assert (
    1e-10 < np.median(middle) < 1e-6
    and np.median(errors[steps > 1e-3]) > 1e-4
    and np.median(errors[steps < 1e-12]) > 1e-5
)

# %% [markdown]
# ## 6. The contraction of one layer
#
# **Answer.** With $s = h (1 - h)$ and $w_j = \|W_{:j}\|^2$, $\Omega = \frac1N \sum_{nj} s_{nj}^2 w_j$ depends on $W$ by
# $w$ and by $a = x W + b$:
#
# $$da = \tfrac2N\, w\, s \cdot s (1 - 2h), \qquad dW = x^\top da + \tfrac2N \big(\textstyle\sum_n s^2\big) W, \qquad
# db = \textstyle\sum_n da.$$


# %%
def contraction(p):
    h = 1 / (1 + np.exp(-(points @ p["W"] + p["b"])))
    s, w, N = h * (1 - h), (p["W"] ** 2).sum(axis=0), len(points)
    da = 2 / N * w * s**2 * (1 - 2 * h)
    gradient = {"W": points.T @ da + 2 / N * (s**2).sum(axis=0) * p["W"], "b": da.sum(axis=0)}
    return (s**2 * w).sum() / N, gradient


parameters = {"W": rng.standard_normal((5, 4)), "b": rng.standard_normal(4)}
report = check_gradient(contraction, parameters)
stack = npae.Stack([npae.Dense(5, 4, npae.Sigmoid())])
stack.layers[0].W, stack.layers[0].b = parameters["W"], parameters["b"]
stack.forward(points)
print(report)
assert report.ok and report.max_error < 1e-12 and same(contraction(parameters)[0], npae.Contractive(1.0)(stack)) < 1e-12
