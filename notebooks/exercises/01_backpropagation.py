# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sheet 1. Back-propagation and gradient checking
#
# **You will** write a layer, a loss and the whole pass of an autoencoder by hand, forward and backward; write the
# derivative by differences that proves them; put your layer into a network and train it on handwritten digits.
#
# **You need** products of matrices in NumPy and the chain rule; lessons 1 and 6. **Time:** about two hours.
#
# | question | points |
# |---|---|
# | 1. A sigmoid for every number | 2 |
# | 2. A layer, forward and backward | 5 |
# | 3. A loss and its gradient | 3 |
# | 4. A derivative from values alone | 3 |
# | 5. The whole pass | 5 |
# | 6. Descend | 2 |
#
# ## How a sheet works
#
# Where a cell says `raise NotImplementedError()`, put your own lines in its place. The cell below it checks them and
# says in words what is wrong; run it as often as you like. When sheets are graded, more tests are added to that cell,
# so write what is asked for, not what passes. No question needs the answer to another one.
#
# Conventions, in all sheets: samples are rows, $x$ is $(N, D)$, $W$ is $(D, K)$, $a = xW + b$; `dz` is
# $\partial J/\partial z$ and has the shape of `z`. Objectives are **means over samples and sums over features**.

# %% nbgrader={"grade_id": "setup", "locked": true}
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.classroom import assert_no_loop, assert_value
from npae.gradcheck import check_gradient, check_layer, check_loss, check_network

# %% [markdown]
# ## 1. A sigmoid for every number (2 points)
#
# $$\sigma(a) = \frac{1}{1 + e^{-a}} = \frac{e^a}{1 + e^a}.$$
#
# On paper the two forms are the same. In floating point $e^a$ is infinite above $a \approx 710$ and zero below
# $a \approx -745$, and $\infty / \infty$ is no number. Write $\sigma$ so that it is right to 11 digits everywhere: at
# 800, and also at $-40$, where $\sigma = 4.2 \cdot 10^{-18}$ is small but not zero.


# %% nbgrader={"grade_id": "sigmoid", "solution": true}
def sigmoid(a):
    """1 / (1 + exp(-a)) for an array a of any shape."""
    ### BEGIN SOLUTION
    with np.errstate(over="ignore"):  # exp(800) is infinite, and 1 / (1 + infinity) is 0, as it should be
        return 1 / (1 + np.exp(-a))
    ### END SOLUTION


# %% nbgrader={"grade_id": "sigmoid-check", "grade": true, "points": 2}
with np.errstate(all="ignore"):  # a warning costs nothing, a wrong number does
    middle, ends, small = (
        sigmoid(np.array([-1.0, 0.0, 2.0])),
        sigmoid(np.array([-800.0, 800.0])),
        sigmoid(np.array([-40.0])),
    )
exact = np.array([1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-2.0))])
assert_value(middle, exact, "sigmoid([-1, 0, 2])", mistakes={"this is sigmoid(-a)": 1 - exact})
assert_value(ends, [0, 1], "sigmoid([-800, 800])")
assert_value(small / np.exp(-40.0), [1], "sigmoid(-40) / exp(-40)")
### BEGIN HIDDEN TESTS
with np.errstate(all="ignore"):
    a = np.linspace(-700, 700, 1401).reshape(3, 467)
    h = sigmoid(a)
assert_value(h / np.exp(-np.logaddexp(0, -a)), np.ones((3, 467)), "sigmoid(a) over the exact value", rtol=1e-11)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. A layer, forward and backward (5 points)
#
# $$h = \varphi(a), \qquad a = xW + b, \qquad \varphi(a) = \frac{a}{\sqrt{1 + a^2}}.$$
#
# This $\varphi$ runs from $-1$ to $1$ as $\tanh$ does, and needs no exponential. First, on paper: show that
# $\varphi'(a) = (1 - h^2)^{3/2}$, so that the backward pass need not remember $a$. Then, from
# $dh = \partial J/\partial h$ $(N, K)$, find $da$, and with it $dW$, $db$ and $dx$.
#
# `forward` keeps what `backward` needs; `backward` returns $dx$ and leaves $dW$ and $db$ on the layer.


# %% nbgrader={"grade_id": "layer", "solution": true}
class Algebraic:
    """h = a / sqrt(1 + a^2) with a = x W + b; x (N, D), W (D, K), b (K,)."""

    parameters = ("W", "b")

    def __init__(self, n_in, n_out, rng):
        self.n_in, self.n_out = n_in, n_out
        self.W = rng.standard_normal((n_in, n_out)) / n_in**0.5
        self.b = rng.standard_normal(n_out) / 10

    def forward(self, x):
        """h (N, K)."""
        ### BEGIN SOLUTION
        a = x @ self.W + self.b
        self.x, self.h = x, a / np.sqrt(1 + a**2)
        return self.h
        ### END SOLUTION

    def backward(self, dh):
        """dx (N, D), leaving self.dW (D, K) and self.db (K,)."""
        ### BEGIN SOLUTION
        da = dh * (1 - self.h**2) ** 1.5
        self.dW = self.x.T @ da
        self.db = da.sum(axis=0)
        return da @ self.W.T
        ### END SOLUTION


# %% nbgrader={"grade_id": "layer-check", "grade": true, "points": 5}
rng = np.random.default_rng(1)
layer, x = Algebraic(5, 4, rng), rng.standard_normal((7, 5))
assert_value(layer.forward(x), np.sin(np.arctan(x @ layer.W + layer.b)), "h")
report = check_layer(layer, x)
assert report, report
### BEGIN HIDDEN TESTS
for shape in ((1, 3, 6), (4, 5, 5), (9, 2, 1)):
    layer, x = Algebraic(*shape[1:], rng), 3 * rng.standard_normal((shape[0], shape[1]))
    report = check_layer(layer, x)
    assert report, report
### END HIDDEN TESTS

# %% [markdown]
# ## 3. A loss and its gradient (3 points)
#
# Images have grey levels $x$ in $[0, 1]$, and a decoder that ends without an activation puts out any real number $a$.
# The cross-entropy
#
# $$L = \frac1N \sum_n \sum_d \big[ \log(1 + e^{a_{nd}}) - x_{nd}\, a_{nd} \big]$$
#
# is the negative logarithm of a Bernoulli likelihood with $p = \sigma(a)$ where $x$ is 0 or 1. Derive $da$: it is
# shorter than it looks. Use `np.logaddexp(0, a)` for $\log(1 + e^a)$.


# %% nbgrader={"grade_id": "loss", "solution": true}
def cross_entropy(a, x):
    """The value and da (N, D), for outputs a (N, D) and targets x (N, D) in [0, 1]."""
    ### BEGIN SOLUTION
    value = (np.logaddexp(0, a) - x * a).sum() / len(a)
    da = (1 / (1 + np.exp(-a)) - x) / len(a)
    return value, da
    ### END SOLUTION


# %% nbgrader={"grade_id": "loss-check", "grade": true, "points": 3}
rng = np.random.default_rng(2)
a, x = rng.standard_normal((7, 5)), rng.random((7, 5))
value, da = cross_entropy(a, x)
assert_value(value, npae.BernoulliCrossEntropy()(a, x)[0], "value", sizes={"N": 7, "D": 5})
report = check_loss(cross_entropy, a, x)
assert report, report
### BEGIN HIDDEN TESTS
a, x = 2 * rng.standard_normal((3, 8)), rng.integers(0, 2, (3, 8)).astype(float)
value, da = cross_entropy(a, x)
assert_value(value, npae.BernoulliCrossEntropy()(a, x)[0], "value")
assert_value(da, npae.BernoulliCrossEntropy()(a, x)[1], "da")
### END HIDDEN TESTS

# %% [markdown]
# ## 4. A derivative from values alone (3 points)
#
# The checker you have been using compares your gradient with derivatives that it computes from values only. The
# simplest way to do so is the central difference, one coordinate at a time,
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + \varepsilon e_i) - f(x - \varepsilon e_i)}{2\varepsilon}.$$
#
# Its error falls as $\varepsilon^2$; that of the one-sided $(f(x + \varepsilon e_i) - f(x))/\varepsilon$ only as
# $\varepsilon$. Write it for an array `x` of any shape, and leave `x` as it was. (A loop over coordinates is in order
# here, and the reason why nobody trains with such derivatives.)


# %% nbgrader={"grade_id": "difference", "solution": true}
def central_difference(f, x, eps):
    """The gradient of the scalar f at the array x, in x's shape."""
    ### BEGIN SOLUTION
    gradient = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = eps
        gradient[i] = (f(x + step) - f(x - step)) / (2 * eps)
    return gradient
    ### END SOLUTION


# %% nbgrader={"grade_id": "difference-check", "grade": true, "points": 3}
def f(x):
    return np.sin(x).sum() + x[0, 0] * x[1, 2]


x = np.random.default_rng(3).standard_normal((2, 3))
exact = np.cos(x)
exact[0, 0] += x[1, 2]
exact[1, 2] += x[0, 0]
assert_value(central_difference(f, x, 1e-5), exact, "gradient", rtol=1e-4, sizes={"the size of x": 6})
far, near = (np.abs(central_difference(f, x, eps) - exact).max() for eps in (1e-2, 5e-3))
assert 3.9 < far / near < 4.1, (
    f"the error falls {far / near:.1f} times when eps is halved, expected 4 times: "
    "2 belongs to a one-sided difference, 4 to a central one"
)
### BEGIN HIDDEN TESTS
before = np.arange(4.0)
x = before.copy()
assert_value(central_difference(lambda x: (x**2).sum() / 2, x, 0.5), before, "gradient of ||x||^2 / 2")
assert np.array_equal(x, before), f"x is {x} afterwards, expected it as it was, {before}"
### END HIDDEN TESTS

# %% [markdown]
# ## 5. The whole pass (5 points)
#
# An autoencoder with a hidden layer of $\tanh$, a linear output and a weight decay that leaves the biases alone:
#
# $$h = \tanh(xW + b), \quad \hat x = hV + c, \quad
# J = \frac{1}{2N} \sum_n \|\hat x_n - x_n\|^2 + \frac\lambda2 \big( \|W\|_F^2 + \|V\|_F^2 \big).$$
#
# Write the value and the gradient by all four arrays, for the whole batch at once. Work backwards: $d\hat x$ first,
# then $dV$ and $dc$, then $dh$, and on to $dW$ and $db$.


# %% nbgrader={"grade_id": "pass", "solution": true}
def value_and_gradient(p, x, lam):
    """J and a dict of dW (D, K), db (K,), dV (K, D), dc (D,) under the keys of p: "W", "b", "V", "c"."""
    W, b, V, c = p["W"], p["b"], p["V"], p["c"]
    ### BEGIN SOLUTION
    N = len(x)
    h = np.tanh(x @ W + b)
    e = h @ V + c - x
    value = (e**2).sum() / (2 * N) + lam / 2 * ((W**2).sum() + (V**2).sum())

    dxhat = e / N
    dh = dxhat @ V.T
    da = dh * (1 - h**2)
    dW = x.T @ da + lam * W
    db = da.sum(axis=0)
    dV = h.T @ dxhat + lam * V
    dc = dxhat.sum(axis=0)
    return value, {"W": dW, "b": db, "V": dV, "c": dc}
    ### END SOLUTION


# %% nbgrader={"grade_id": "pass-check", "grade": true, "points": 5}
rng = np.random.default_rng(4)
x = rng.standard_normal((7, 5))
p = {name: rng.standard_normal(shape) for name, shape in (("W", (5, 4)), ("b", 4), ("V", (4, 5)), ("c", 5))}
value, gradient = value_and_gradient(p, x, 0.3)
encoder, decoder = npae.Dense(5, 4, npae.Tanh()), npae.Dense(4, 5)
encoder.W, encoder.b, decoder.W, decoder.b = p.values()
expected = npae.Network([encoder], [decoder], penalties=[npae.WeightDecay(0.3)]).value(x)
with_biases = expected + 0.15 * ((p["b"] ** 2).sum() + (p["c"] ** 2).sum())
assert_value(value, expected, "J", sizes={"N": 7, "D": 5}, mistakes={"the biases are in the decay": with_biases})
report = check_gradient(lambda p: value_and_gradient(p, x, 0.3), p, n_samples=7)
assert report, report
assert_no_loop(lambda n: value_and_gradient(p, np.ones((n, 5)), 0.3), "value_and_gradient")
### BEGIN HIDDEN TESTS
x = rng.standard_normal((3, 6))
p = {name: rng.standard_normal(shape) for name, shape in (("W", (6, 6)), ("b", 6), ("V", (6, 6)), ("c", 6))}
for lam in (0.0, 2.0):
    report = check_gradient(lambda p, lam=lam: value_and_gradient(p, x, lam), p, n_samples=3)
    assert report, report
encoder, decoder = npae.Dense(6, 6, npae.Tanh()), npae.Dense(6, 6)
encoder.W, encoder.b, decoder.W, decoder.b = p.values()
network = npae.Network([encoder], [decoder], penalties=[npae.WeightDecay(2.0)])
assert_value(value_and_gradient(p, x, 2.0)[0], network.value(x), "J")
### END HIDDEN TESTS

# %% [markdown]
# ## 6. Descend (2 points)
#
# A `npae.Network` holds all its parameters in one vector `network.theta`; `network.value_and_grad(x)` returns $J$ and
# leaves the gradient in `network.grad`, as long as `theta`. Write gradient descent with it: `n_steps` times
# $\theta \leftarrow \theta - \eta\,\nabla J(\theta)$ on the whole of `X`. Change `theta` in place
# (`network.theta -= ...`), and return the list of the values $J$ from before each step.


# %% nbgrader={"grade_id": "descent", "solution": true}
def descend(network, X, n_steps, eta):
    """Gradient descent on all of X; the list of the n_steps values of J."""
    ### BEGIN SOLUTION
    values = []
    for _ in range(n_steps):
        values.append(network.value_and_grad(X))
        network.theta -= eta * network.grad
    return values
    ### END SOLUTION


# %% nbgrader={"grade_id": "descent-check", "grade": true, "points": 2}
X = np.random.default_rng(5).standard_normal((20, 4))
network = npae.Network([npae.Dense(4, 2, rng=0)], [npae.Dense(2, 4, rng=1)])
start, J = network.theta.copy(), network.value_and_grad(X)
first = network.grad.copy()
values = descend(network, X, 1, 0.1)
uphill = {"the step goes uphill": start + 0.1 * first}
assert_value(network.theta, start - 0.1 * first, "theta after one step", mistakes=uphill)
values += descend(network, X, 50, 0.1)
assert_value(len(values), 51, "the number of values after 1 and 50 steps")
assert_value(values[0], J, "the first J")
assert np.all(np.diff(values) < 0), f"J goes from {values[0]:.3f} to {values[-1]:.3f}, expected it to fall at each step"
### BEGIN HIDDEN TESTS
J = network.value(X)
assert_value(descend(network, X, 3, 0.0), [J, J, J], "J with steps of length zero")
### END HIDDEN TESTS

# %% [markdown]
# ## Look at the result
#
# Nothing to write here: your layer becomes the encoder of a network, the checker proves the whole, and your descent
# trains it on 500 digits of 8 x 8 pixels.

# %%
X = npae.datasets.load_digits().data[:500]
encoder, decoder = Algebraic(64, 32, np.random.default_rng(6)), npae.Dense(32, 64, rng=7)
network = npae.Network([encoder], [decoder], loss=npae.BernoulliCrossEntropy())
display(check_network(network, X[:5], directions=2))
curve = descend(network, X, 300, 0.2)
print(f"J from {curve[0]:.2f} to {curve[-1]:.2f} nats an image")

# %%
figure = plots.learning_curves({"your layer, your descent": {"loss": curve}})
figure.axes[0].set_xlabel("step of gradient descent")
display(figure)
display(plots.image_rows({"digits": X[:12], "reconstructions": network.reconstruct(X[:12])}, (8, 8)))

# %% [markdown]
# **To think about.** In question 2 replace `sum` by `mean` in $db$ and train again: would you have noticed from the
# curve? What does the checker say? And which mistake in a *value* can no gradient check find?
