# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6. Gradient checking
#
# Everything in these lessons was trained by gradients that were written by hand. A wrong gradient seldom announces
# itself: training still goes down, only worse, and no error is raised. So a gradient is proved, once, against
# derivatives that are computed from the forward pass alone.
#
# **You need:** lesson 1; Taylor's formula; complex numbers.
#
# **You will learn:** what the checker says about a layer with a planted bug; how to put a layer, a loss and a penalty
# of your own into a network, proved; how differences, the complex step and the Taylor remainder tell right from wrong.
#
# **Time:** an hour; the computer needs about 4 seconds.

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.experiments.claims import below, same
from npae.gradcheck import (
    check_gradient,
    check_layer,
    check_loss,
    check_network,
    check_penalty,
    numerical_gradient,
    taylor_slope,
)
from npae.plots.lessons import lines

rng = np.random.default_rng(0)

# %% [markdown]
# ## A layer by hand, with a bug
#
# A layer $h = \tanh(x W + b)$. For $dh = \partial J/\partial h$ the chain rule gives $da = dh\,(1 - h^2)$,
# $dW = x^\top da$, $db = \sum_n da_n$ and $dx = da\,W^\top$. One line below is wrong. Find it before you read on.


# %%
class TanhLayer:
    """h = tanh(x W + b), for x (N, D), W (D, K), b (K,)."""

    parameters = ("W", "b")

    def __init__(self, n_in, n_out, rng):
        self.n_in, self.n_out = n_in, n_out
        self.W = rng.standard_normal((n_in, n_out)) / n_in**0.5
        self.b = rng.standard_normal(n_out)

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W + self.b)
        return self.h

    def backward(self, dh):
        da = dh * (1 - self.h**2)
        self.dW = self.x.T @ da
        self.db = da.mean(axis=0)
        return da @ self.W.T


# %% [markdown]
# Nothing is inherited and nothing registered: a class with these names is a layer, and a `Network` takes it as it
# takes its own (`docs/your_own_part.md` has the table of what a layer, a loss, a penalty must have).
#
# Would training show the bug? Here an autoencoder learns the digits with this layer as its encoder, once with the bug
# and once without.

# %%
X = npae.datasets.load_digits().data


class RightTanhLayer(TanhLayer):
    def backward(self, dh):
        dx = super().backward(dh)
        self.db = self.db * len(dh)
        return dx


def train(layer, steps=300, learning_rate=0.05):
    """J by step of x -> layer -> linear decoder -> x^, by gradient descent on one fixed batch."""
    network, x = npae.Network([layer], [npae.Dense(16, 64, rng=1)]), X[:200]
    values = []
    for _ in range(steps):
        values.append(network.value_and_grad(x))
        network.theta -= learning_rate * network.grad
    return values


wrong = train(TanhLayer(64, 16, np.random.default_rng(2)))
right = train(RightTanhLayer(64, 16, np.random.default_rng(2)))
gap = np.abs(np.divide(wrong, right) - 1).max()
print(f"J after {len(right)} steps: right gradient {right[-1]:.3f}, wrong gradient {wrong[-1]:.3f}")
print(f"the two curves are never farther apart than {gap:.1%}")
print(f"J at the end, against the beginning, with the wrong gradient: {below(wrong[-1], wrong[0])}")
assert right[-1] < wrong[-1] and gap < 0.05  # it trains, and nobody notices

# %%
figure = plots.learning_curves({"right gradient": {"loss": right}, "wrong gradient": {"loss": wrong}})
figure.axes[0].set_xlabel("step of gradient descent")
display(figure)

# %% [markdown]
# The two curves are less than 5 % apart: the picture that everybody looks at shows nothing. So ask the checker. It
# needs no more than `forward` and `backward`: it draws random weights $R$ for the outputs, takes $J = \sum R\,h$, and
# compares what `backward(R)` leaves with the derivatives of $J$.

# %%
layer, x = TanhLayer(5, 4, rng), rng.standard_normal((7, 5))
report = check_layer(layer, x)
display(report)
assert not report.ok and [row.name for row in report.rows if row.status == "WRONG"] == ["b"]

# %% [markdown]
# Only `b` is wrong, the ratio is the same everywhere, and it is 1/7, with a batch of 7: a mean stands where a sum
# belongs. In the picture right entries lie on the diagonal; those of `b` lie on a line of their own.

# %%
report.plot()


# %%
class FixedTanhLayer(TanhLayer):
    def backward(self, dh):
        da = dh * (1 - self.h**2)
        self.dW = self.x.T @ da
        self.db = da.sum(axis=0)
        return da @ self.W.T


fixed = FixedTanhLayer(5, 4, rng)
report = check_layer(fixed, x)
display(report)
assert report.ok and report.max_error < 1e-12

# %% [markdown]
# How does a check of a layer work, which has many outputs and no loss? Take any weights $R$ and let
# $J = \sum_{nk} R_{nk} h_{nk}$. Then $\partial J/\partial h = R$ is what `backward` is given, and $J$ is one number,
# which can be differentiated by what it depends on. A random $R$ leaves no mistake a place to hide. Here for $b$,
# entry by entry, by the complex step that is explained below:

# %%
# derived: what check_layer does, for b
R, db = rng.standard_normal((7, 4)), np.empty(4)
fixed.forward(x)
fixed.backward(R)
for k in range(4):
    step = np.zeros(4, complex)
    step[k] = 1e-30j
    db[k] = (R * np.tanh(x @ fixed.W + fixed.b + step)).sum().imag / 1e-30
print(f"db from values and from backward: {same(db, fixed.db):.0e} apart")

# %% [markdown]
# ## A loss and a penalty of your own
#
# The same holds for the other parts. A loss is called with the outputs and the targets and returns its value and $da$.
# For $L = \sum_d \log\cosh(a_d - x_d)$, which is quadratic near zero and linear far away, $L' = \tanh$. A penalty is
# called with encoder and decoder, returns its value, and adds its gradient to `layer.pending`. Here
# $\Omega = \frac\lambda4 \sum_{i \ne j} C_{ij}^2$, with $C$ the covariance of the code over the batch: units should
# not say the same. With $\bar h$ the code minus its mean, $C = \bar h^\top \bar h/N$, so
# $dC_{ij} = \frac\lambda2 C_{ij}$ off the diagonal, and each $\bar h_{ni}$ stands in row $i$ and in column $i$ of $C$:
# twice $\bar h\, dC/N$.
#
# | forward | backward | in NumPy |
# |---|---|---|
# | $\frac1N \sum_{nd} \log\cosh(a - x)$ | $da = \frac1N \tanh(a - x)$ | `np.tanh(a - x) / N` |
# | $\frac\lambda4 \sum_{i \ne j} C_{ij}^2$ | $dh = \frac\lambda N \bar h C$, no diagonal | `lam / N * centred @ C` |


# %%
class LogCosh:
    def __call__(self, a, x):
        return np.log(np.cosh(a - x)).sum() / len(a), np.tanh(a - x) / len(a)


class Decorrelated:
    def __init__(self, lam):
        self.lam = lam

    def __call__(self, encoder, decoder):
        centred = encoder.h - encoder.h.mean(axis=0)
        C = centred.T @ centred / len(centred)
        C -= np.diag(np.diag(C))
        encoder.layers[-1].pending.add("dh", self.lam / len(centred) * centred @ C)
        return self.lam / 4 * (C**2).sum()


class HalfDecorrelated(Decorrelated):
    """With the mistake of a hasty hand: column i of C was forgotten."""

    def __call__(self, encoder, decoder):
        value = super().__call__(encoder, decoder)
        encoder.layers[-1].pending.dh = encoder.layers[-1].pending.dh / 2
        return value


a, target = rng.standard_normal((2, 7, 5))
code = npae.Stack([npae.Dense(5, 4, npae.Tanh(), rng=1)])
print(check_loss(LogCosh(), a, target))
print(check_penalty(Decorrelated(0.7), code, x))
report = check_penalty(HalfDecorrelated(0.7), code, x)
print(report)
assert check_loss(LogCosh(), a, target).ok and check_penalty(Decorrelated(0.7), code, x).ok and not report.ok

# %% [markdown]
# All three parts in one network, the network proved as a whole, and trained. Does the penalty do what it is for? The
# correlation of two units, mean over the pairs, with and without it:

# %%
correlation = {}
for name, penalties in {"without": [], "with": [Decorrelated(5.0)]}.items():
    layer = FixedTanhLayer(64, 16, np.random.default_rng(2))
    network = npae.Network([layer], [npae.Dense(16, 64, rng=1)], loss=LogCosh(), penalties=penalties)
    proof = check_network(network, X[:20])
    assert proof.ok and proof.max_error < 1e-11
    step = npae.Adam(npae.Cosine(1e-2, 400)).start(network.theta)
    for t in range(400):
        network.value_and_grad(X[t % 5 * 300 :][:300])
        step(network.grad)
    off_diagonal = np.corrcoef(network.encode(X).T)[~np.eye(16, dtype=bool)]
    correlation[name] = np.abs(off_diagonal).mean()
print(f"mean |correlation| of two units, with the penalty against without: "
      f"{below(correlation['with'], correlation['without'])}")  # fmt: skip

# %% [markdown]
# ## How a derivative is computed from values
#
# The central difference
#
# $$\frac{f(x+h) - f(x-h)}{2h} = f'(x) + \frac{h^2}{6} f'''(x) + \dots$$
#
# has an error that falls as $h^2$. But $f(x+h)$ and $f(x-h)$ agree in ever more digits as $h$ falls, and subtracting
# them leaves a rounding error of about $\varepsilon |f| / h$. The best step is a compromise near $\varepsilon^{1/3}$,
# and more than half of the digits are gone.
#
# The complex step
#
# $$\frac{\mathrm{Im}\, f(x + ih)}{h} = f'(x) - \frac{h^2}{6} f'''(x) + \dots$$
#
# subtracts nothing, so $h$ can be $10^{-30}$. Here both are held against the gradient of a small contractive
# autoencoder, for one step size after another.

# %%
network = npae.Network(
    [npae.Dense(6, 4, npae.Sigmoid(), rng=rng)],
    [npae.Dense(4, 6, npae.Sigmoid(), rng=rng)],
    penalties=[npae.Contractive(0.3)],
)
network.theta = rng.uniform(-1, 1, network.theta.size)
twin = network.astype(np.complex128)  # the same code runs in complex numbers
batch = rng.random((5, 6))


def J(theta):
    net = twin if np.iscomplexobj(theta) else network
    net.theta = theta
    return net.value(batch)


theta = network.theta.copy()
network.value_and_grad(batch)
exact = network.grad.copy()
steps = np.logspace(-20, -0.5, 40)
errors = {
    method: [
        np.abs(numerical_gradient(J, theta, method=method, step=h) - exact).max() / np.abs(exact).max() for h in steps
    ]
    for method in ("central", "complex")
}
best = int(np.argmin(errors["central"]))
central, complex_step = np.array(errors["central"]), np.array(errors["complex"])
print(f"central difference: best relative error {central[best]:.1e} at h = {steps[best]:.0e}")
print(f"complex step:       largest relative error {complex_step[steps < 1e-9].max():.1e} for any h below 1e-9")


def slope(low, high):
    """Of log error against log h, for the central difference between two steps."""
    part = (steps > low) & (steps < high)
    return np.polyfit(np.log(steps[part]), np.log(central[part]), 1)[0]


print(f"slope on the right {slope(1e-4, 1e-1):.2f}: h^2; on the left {slope(1e-13, 1e-7):.2f}: 1/h")
assert 1e-7 < steps[best] < 1e-4 and central[best] > 1e-12 and complex_step[steps < 1e-9].max() < 1e-14
assert abs(slope(1e-4, 1e-1) - 2) < 0.1 and abs(slope(1e-13, 1e-7) + 1) < 0.2

# %% [markdown]
# The whole check is a loop: one evaluation an entry.

# %%
# derived: every entry of the gradient from values alone
by_steps = np.empty_like(theta)
for i in range(len(theta)):
    there = theta.astype(complex)
    there[i] += 1e-30j
    by_steps[i] = J(there).imag / 1e-30
print(f"{len(theta)} derivatives from values, and the backward pass: {same(by_steps, exact):.0e} apart")

# %%
lines(
    {name: (steps, np.maximum(values, 1e-17)) for name, values in errors.items()},
    xlabel="step $h$", ylabel="relative error of the gradient", log="xy", markers=True,
)  # fmt: skip

# %% [markdown]
# The complex step has a condition: $f$ must do nothing to a complex number that is not analytic, no `abs`, no
# conjugate. $\sum_i x_i |x_i|$ has the derivative $2|x_i|$; through `abs` the complex step returns half of it and no
# error. `numerical_gradient` refuses: it sends an array through $f$ that notices such operations. `check_gradient`
# holds the two methods against each other, too, and says which one it used and why.

# %%
point = np.array([1.0, -2.0, 3.0])
h = 1e-30
silent = np.array([(z * np.abs(z)).sum().imag / h for z in point + 1j * h * np.eye(3)])
print("complex step through abs:", silent, "  the truth:", 2 * np.abs(point))
try:
    numerical_gradient(lambda x: (x * np.abs(x)).sum(), point, method="complex")
except TypeError as refusal:
    print("numerical_gradient:", refusal)
report = check_gradient(lambda x: ((x * np.abs(x)).sum(), 2 * np.abs(x)), point)
display(report)
assert np.allclose(silent, np.abs(point)) and report.ok and "complex" not in report.method

# %% [markdown]
# ## The Taylor remainder
#
# Along a direction $v$ with $|v| = 1$, a right gradient $g$ leaves a remainder
#
# $$R(t) = |f(x + tv) - f(x) - t\,\langle g, v\rangle| = \tfrac{t^2}{2}\,|v^\top H v| + \dots$$
#
# that falls as $t^2$, two decades for one; if $g$ is wrong, a part that falls only as $t$ stays. Two lines with slopes
# 2 and 1 are easy to tell apart, at any scale of $f$, with no tolerance to choose. The wrong gradient below has half
# of the contraction's part, a mistake found in published code.


# %%
def right_gradient(theta):
    network.theta = theta
    return network.value_and_grad(batch), network.grad.copy()


plain = npae.Network(network.encoder.layers, network.decoder.layers)  # no penalty


def half_the_contraction(theta):
    value, gradient = right_gradient(theta)
    plain.theta = theta
    plain.value_and_grad(batch)
    return value, plain.grad + (gradient - plain.grad) / 2


slopes, curves = {}, {}
for name, f in {"right": right_gradient, "half the contraction": half_the_contraction}.items():
    t, R, slopes[name] = taylor_slope(f, theta)
    curves[f"{name}: slope {slopes[name]:.2f}"] = t, np.maximum(R, 1e-18)
assert abs(slopes["right"] - 2) < 0.1 and abs(slopes["half the contraction"] - 1) < 0.1
lines(curves, xlabel="length $t$ of the step", ylabel="Taylor remainder $R(t)$", log="xy", markers=True)

# %% [markdown]
# ## Why relative error, and why weights of unit scale
#
# A check that compares $|g - g_{num}|$ with a fixed number passes whatever is small. At the tiny weights that many
# tests use, the contraction's gradient is nearly nothing, and half of it forgotten goes by:

# %%
passes = []
for scale in (1.0, 0.1, 0.01, 0.001):
    value, gradient = right_gradient(scale * theta)
    _, bad = half_the_contraction(scale * theta)
    absolute, report = np.abs(bad - gradient).max(), check_gradient(half_the_contraction, scale * theta)
    passes.append((absolute < 1e-4, report.ok))
    print(f"weights x {scale:<6g} largest absolute error {absolute:.1e}: {'passes' if absolute < 1e-4 else 'fails'} at "
          f"1e-4;  relative, by npae: {report.verdict}")  # fmt: skip
assert passes == [(False, False), (False, False), (False, False), (True, False)]

# %% [markdown]
# ## Questions
#
# Answers, with the code that checks them, are in `solutions/lesson_06.py`.
#
# 1. Why does training with the wrong gradient of `b` still work here? Invent a bug that makes $J$ rise.
# 2. A gradient check proves that value and gradient agree. What can still be wrong? Give an example that passes.
# 3. ReLU has no derivative at 0. What should a checker say when it meets an $a$ that is exactly 0? What does this one
#    say?
# 4. Give `FixedTanhLayer` a weight decay $\frac\lambda2 \|W\|^2$ in the value and forget it in the gradient. Write the
#    function `f(parameters) -> (value, gradient)` for `check_gradient`, and read the diagnosis.
# 5. The forward difference $(f(x+h) - f(x))/h$ has an error of order $h$. Predict its best step and best error, then
#    measure them.
# 6. Derive the gradient of $\frac1N \sum_n \sum_j h_{nj}^2 (1 - h_{nj})^2 \|W_{:j}\|^2$, the contraction of one
#    sigmoid layer, with respect to $W$ and $b$; write it in NumPy, and let `check_gradient` judge it.
#
# ## Sources
#
# * J. Martins, P. Sturdza, J. Alonso, [The complex-step derivative
#   approximation](https://doi.org/10.1145/838250.838251), ACM TOMS 29, 2003.
# * A. Griewank, A. Walther, [*Evaluating Derivatives*](https://doi.org/10.1137/1.9780898717761), SIAM 2008, section
#   3.2: weights on the outputs.
# * I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*](https://www.deeplearningbook.org), MIT Press 2016,
#   section 11.5.
# * M. Cogswell et al., [Reducing overfitting in deep networks by decorrelating
#   representations](https://arxiv.org/abs/1511.06068), ICLR 2016: the penalty.
