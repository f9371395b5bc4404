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
# In this lesson: a layer with a planted bug, what the checker says about it, and how finite differences, the complex
# step and the Taylor remainder tell right from wrong.

# %%
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.gradcheck import check_gradient, check_layer, numerical_gradient, taylor_slope

rng = np.random.default_rng(0)

# %% [markdown]
# ## A layer by hand, with a bug
#
# A layer $h = \tanh(x W + b)$. For $dh = \partial J/\partial h$ the chain rule gives $da = dh\,(1 - h^2)$,
# $dW = x^\top da$, $db = \sum_n da_n$ and $dx = da\,W^\top$. One line below is wrong. Find it before you read on.


# %%
class TanhLayer:
    """h = tanh(x W + b), for x (N, D), W (D, K), b (K,)."""

    def __init__(self, n_in, n_out, rng):
        self.W = rng.standard_normal((n_in, n_out)) / n_in**0.5
        self.b = rng.standard_normal(n_out)
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W + self.b)
        return self.h

    def backward(self, dh):
        da = dh * (1 - self.h**2)
        self.dW[...] = self.x.T @ da
        self.db[...] = da.mean(axis=0)
        return da @ self.W.T


# %% [markdown]
# Would training show it? Here an autoencoder learns the digits with this layer as its encoder, once with the bug and
# once without.

# %%
X = npae.datasets.load_digits().data


class RightTanhLayer(TanhLayer):
    def backward(self, dh):
        dx = super().backward(dh)
        self.db *= len(dh)
        return dx


def train(layer, steps=300, learning_rate=0.05):
    """J by step of x -> layer -> linear decoder -> x^, by gradient descent on one fixed batch."""
    decoder, loss, x = npae.Dense(16, 64, rng=1), npae.SquaredError(), X[:200]
    values = []
    for _ in range(steps):
        value, da = loss(decoder.forward(layer.forward(x)), x)
        layer.backward(decoder.backward(da))
        for each in (layer, decoder):
            each.W -= learning_rate * each.dW
            each.b -= learning_rate * each.db
        values.append(value)
    return values


wrong = train(TanhLayer(64, 16, np.random.default_rng(2)))
right = train(RightTanhLayer(64, 16, np.random.default_rng(2)))
print(f"J after {len(right)} steps: right gradient {right[-1]:.3f}, wrong gradient {wrong[-1]:.3f}")
assert wrong[-1] < wrong[0] / 2  # it trains, and nobody notices

# %%
figure = plots.learning_curves({"right gradient": {"loss": right}, "wrong gradient": {"loss": wrong}})
figure.axes[0].set_xlabel("step of gradient descent")
display(figure)

# %% [markdown]
# The two curves nearly coincide: the picture that everybody looks at shows nothing. So ask the checker. It needs no
# more than `forward` and `backward`: it draws random weights $R$ for the outputs, takes $J = \sum R\,h$, and compares
# what `backward(R)` leaves with the derivatives of $J$.

# %%
layer, x = TanhLayer(5, 4, rng), rng.standard_normal((7, 5))
report = check_layer(layer, x)
display(report)
assert not report.ok and [row.name for row in report.rows if row.status == "WRONG"] == ["b"]

# %% [markdown]
# Only `b` is wrong, the ratio is the same everywhere, and it is 1/7, with a batch of 7: a mean stands where a sum
# belongs. In the picture right entries lie on the diagonal; those of `b` lie on a line of their own.

# %%
axes = report.plot()


# %%
class FixedTanhLayer(TanhLayer):
    def backward(self, dh):
        da = dh * (1 - self.h**2)
        self.dW[...] = self.x.T @ da
        self.db[...] = da.sum(axis=0)
        return da @ self.W.T


fixed = FixedTanhLayer(5, 4, rng)
report = check_layer(fixed, x)
display(report)
assert report.ok and report.max_error < 1e-12

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
print(f"central difference: best relative error {errors['central'][best]:.1e} at h = {steps[best]:.0e}")
print(f"complex step:       best relative error {min(errors['complex']):.1e}, and the same for every h below 1e-8")
small = steps < 1e-9
assert 1e-7 < steps[best] < 1e-4 and errors["central"][best] > 1e-12
assert max(np.array(errors["complex"])[small]) < 1e-14

# %%
figure = plots.new_figure(7.0, 3.8)
axis = figure.subplots()
for style, marker, (name, values) in zip(plots.STYLES, "os", errors.items()):
    axis.loglog(steps, np.maximum(values, 1e-17), marker=marker, markersize=4, label=name, **style)
axis.annotate("falls as $h^2$", (3e-3, 1e-9), fontsize=9, color="0.3")
axis.annotate("rounding, grows as $1/h$", (3e-12, 1e-2), fontsize=9, color="0.3")
axis.set_xlabel("step $h$")
axis.set_ylabel("relative error of the gradient")
axis.legend(frameon=False, loc="center left")
axis.spines[["top", "right"]].set_visible(False)
display(figure)

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


slopes = {}
figure = plots.new_figure(7.0, 3.8)
axis = figure.subplots()
for style, (name, f) in zip(
    plots.STYLES, {"right": right_gradient, "half the contraction": half_the_contraction}.items()
):
    t, R, slopes[name] = taylor_slope(f, theta)
    axis.loglog(t, np.maximum(R, 1e-18), label=f"{name}: slope {slopes[name]:.2f}", marker="o", markersize=3, **style)
axis.set_xlabel("length $t$ of the step")
axis.set_ylabel("Taylor remainder $R(t)$")
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)
print(slopes)
assert abs(slopes["right"] - 2) < 0.1 and abs(slopes["half the contraction"] - 1) < 0.1
display(figure)

# %% [markdown]
# ## Why relative error, and why weights of unit scale
#
# A check that compares $|g - g_{num}|$ with a fixed number passes whatever is small. At the tiny weights that many
# tests use, the contraction's gradient is nearly nothing, and half of it forgotten goes by:

# %%
for scale in (1.0, 0.1, 0.01, 0.001):
    value, gradient = right_gradient(scale * theta)
    _, bad = half_the_contraction(scale * theta)
    penalty_part = np.abs(bad - gradient).max()
    relative = check_gradient(half_the_contraction, scale * theta)
    print(
        f"weights x {scale:<6g} largest absolute error {penalty_part:.1e} "
        f"({'passes' if penalty_part < 1e-4 else 'fails'} at 1e-4),  relative, by npae: {relative.verdict}"
    )
assert penalty_part < 1e-4 and not relative.ok

# %% [markdown]
# ## Questions for the class
#
# 1. Why does training with the wrong gradient of `b` still work here? Invent a bug that makes $J$ rise.
# 2. A gradient check proves that value and gradient agree. What can still be wrong? (Think of the value.)
# 3. ReLU has no derivative at 0. What should a checker say when it meets an $a$ that is exactly 0?
#
# ## Exercises
#
# 1. Give `FixedTanhLayer` a weight decay $\frac\lambda2 \|W\|^2$ in the value and forget it in the gradient. Write the
#    function `f(parameters) -> (value, gradient)` for `check_gradient`, and read the diagnosis.
# 2. The forward difference $(f(x+h) - f(x))/h$ has an error of order $h$. Predict its best step and best error, then
#    add it to the picture of the step sizes.
# 3. Derive the gradient of $\frac1N \sum_n \sum_j h_{nj}^2 (1 - h_{nj})^2 \|W_{:j}\|^2$, the contraction of one
#    sigmoid layer, with respect to $W$ and $b$; write it in NumPy, and let `check_gradient` judge it.
