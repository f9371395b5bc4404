# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sheet 2. Linear autoencoders, PCA and whitening
#
# **You will** compute principal directions and whiten with them; write linear layers and a linear autoencoder with tied
# weights by hand; measure the angle between two subspaces to the last digit; predict the smallest error that any linear
# autoencoder can have, and watch one reach it.
#
# **You need** the singular value decomposition and orthonormal bases; lesson 2. **Time:** about two hours.
#
# | question | points |
# |---|---|
# | 1. Principal directions | 3 |
# | 2. Whitening | 3 |
# | 3. A linear layer | 3 |
# | 4. Tied weights | 4 |
# | 5. The angle between two subspaces | 3 |
# | 6. The smallest error | 4 |
#
# How a sheet works, and the conventions, are told at the beginning of sheet 1.

# %% nbgrader={"grade_id": "setup", "locked": true}
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.classroom import assert_value
from npae.gradcheck import check_gradient, check_layer
from npae.plots.linear import components

# %% [markdown]
# ## 1. Principal directions (3 points)
#
# Let $\bar x$ be the mean of the rows of $X$ $(N, D)$ and $X - \bar x = U\,\mathrm{diag}(s)\,V^\top$ the singular value
# decomposition of the centred data. The columns of $V$ are the principal directions, and the data have the variance
# $s_i^2 / N$ along the $i$-th. (We divide by $N$, as $J$ does, not by $N - 1$.) `np.linalg.svd` returns $V^\top$: its
# rows are the directions, the one of largest variance first.


# %% nbgrader={"grade_id": "directions", "solution": true}
def principal_directions(X, k):
    """The mean (D,), the k leading directions as orthonormal rows (k, D), and the variances along them (k,)."""
    ### BEGIN SOLUTION
    mean = X.mean(axis=0)
    _, s, V = np.linalg.svd(X - mean, full_matrices=False)
    return mean, V[:k], s[:k] ** 2 / len(X)
    ### END SOLUTION


# %% nbgrader={"grade_id": "directions-check", "grade": true, "points": 3}
rng = np.random.default_rng(1)
X = 2 + rng.standard_normal((50, 6)) @ rng.standard_normal((6, 6))
pca = npae.PCA(3, maximum_likelihood=True).fit(X)
mean, V, variance = principal_directions(X, 3)
s_raw, s = np.linalg.svd(X, compute_uv=False)[:3], np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[:3]
assert_value(mean, X.mean(axis=0), "mean", mistakes={"the mean was taken over axis 1": X.mean(axis=1)[:6]})
known = {
    "the data were not centred": s_raw**2 / 50,
    "the squares are divided by N - 1, expected N": s**2 / 49,
    "these are the singular values, not the variances": s,
}
assert_value(variance, pca.explained_variance_, "variances", sizes={"N": 50}, mistakes=known)
assert_value(np.shape(V), (3, 6), "shape of V", mistakes={"it is transposed: the directions are to be rows": (6, 3)})
assert_value(V @ V.T, np.eye(3), "V V^T")
assert_value(V.T @ V, pca.components_.T @ pca.components_, "V^T V", mistakes={"the data were not centred": np.eye(6)})
### BEGIN HIDDEN TESTS
X = rng.standard_normal((4, 7)) - 5
mean, V, variance = principal_directions(X, 2)
pca = npae.PCA(2, maximum_likelihood=True).fit(X)
assert_value(variance, pca.explained_variance_, "variances")
assert_value(V.T @ V, pca.components_.T @ pca.components_, "V^T V")
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Whitening (3 points)
#
# With the mean, the directions (rows of `V`) and the variances given, the code $(x - \bar x)V^\top$ has uncorrelated
# components, and
#
# $$h_i = \frac{(x - \bar x) \cdot v_i}{\sqrt{\mathrm{var}_i + \varepsilon}}$$
#
# has unit variance in each (for $\varepsilon = 0$): $\frac1N \sum_n h_n h_n^\top = I$. Any rotation of white data is
# white as well; the one that turns back, $hV$, changes $x$ the least. It is called ZCA.


# %% nbgrader={"grade_id": "whiten", "solution": true}
def whiten(X, mean, V, variance, eps=0.0, zca=False):
    """h (N, k), or with zca h V (N, D)."""
    ### BEGIN SOLUTION
    h = (X - mean) @ V.T / np.sqrt(variance + eps)
    return h @ V if zca else h
    ### END SOLUTION


# %% nbgrader={"grade_id": "whiten-check", "grade": true, "points": 3}
rng = np.random.default_rng(2)
X = 1 + rng.standard_normal((50, 5)) @ rng.standard_normal((5, 5))
pca = npae.PCA(5, maximum_likelihood=True).fit(X)
mean, V, variance = pca.mean_, pca.components_, pca.explained_variance_
h = whiten(X, mean, V, variance)
assert_value(np.shape(h), (50, 5), "shape of h")
known = {
    "h was divided by the variance, expected the standard deviation": np.diag(1 / variance),
    "h was not divided by the standard deviation": np.diag(variance),
    "h was multiplied by the standard deviation": np.diag(variance**2),
}
assert_value(h.T @ h / 50, np.eye(5), "h^T h / N", mistakes=known)
z = whiten(X, mean, V, variance, zca=True)
assert_value(z.T @ z / 50, np.eye(5), "z^T z / N of ZCA")
assert_value(z, h @ V, "ZCA", mistakes={"this is the code itself, not turned back": h, "turned the other way": h @ V.T})
### BEGIN HIDDEN TESTS
h = whiten(X, mean, V[:2], variance[:2], eps=0.3)
assert_value(h.T @ h / 50, np.diag(variance[:2] / (variance[:2] + 0.3)), "h^T h / N with eps")
assert_value(np.shape(whiten(X[:7], mean, V[:2], variance[:2], zca=True)), (7, 5), "shape of ZCA")
### END HIDDEN TESTS

# %% [markdown]
# ## 3. A linear layer (3 points)
#
# $h = xW$: no bias, no activation. Two of them are a linear autoencoder $\hat x = x W_e W_d$, for centred data.
# Write `forward` and `backward`, as in sheet 1.


# %% nbgrader={"grade_id": "linear", "solution": true}
class Linear:
    """h = x W; x (N, D), W (D, K)."""

    parameters = ("W",)

    def __init__(self, n_in, n_out, rng):
        self.n_in, self.n_out = n_in, n_out
        self.W = rng.standard_normal((n_in, n_out)) / n_in**0.5

    def forward(self, x):
        """h (N, K)."""
        ### BEGIN SOLUTION
        self.x = x
        return x @ self.W
        ### END SOLUTION

    def backward(self, dh):
        """dx (N, D), leaving self.dW (D, K)."""
        ### BEGIN SOLUTION
        self.dW = self.x.T @ dh
        return dh @ self.W.T
        ### END SOLUTION


# %% nbgrader={"grade_id": "linear-check", "grade": true, "points": 3}
rng = np.random.default_rng(3)
layer, x = Linear(5, 4, rng), rng.standard_normal((7, 5))
assert_value(layer.forward(x), np.einsum("nd,dk->nk", x, layer.W), "h")
report = check_layer(layer, x)
assert report, report
### BEGIN HIDDEN TESTS
for shape in ((3, 4, 4), (1, 2, 6)):
    report = check_layer(Linear(*shape[1:], rng), rng.standard_normal(shape[:2]))
    assert report, report
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Tied weights (4 points)
#
# With one matrix for both ways, $\hat x = x W W^\top$, and for centred data
#
# $$J(W) = \frac{1}{2N} \|X - X W W^\top\|_F^2.$$
#
# $W$ is used twice, so its gradient is a sum of two terms: one as if only the encoder's $W$ could move, one as if only
# the decoder's could. Let $E = XWW^\top - X$ and derive both.


# %% nbgrader={"grade_id": "tied", "solution": true}
def tied(W, X):
    """J and dW (D, K)."""
    ### BEGIN SOLUTION
    N, h = len(X), X @ W
    E = h @ W.T - X
    value = (E**2).sum() / (2 * N)
    by_encoder = X.T @ (E @ W) / N
    by_decoder = E.T @ h / N
    return value, by_encoder + by_decoder
    ### END SOLUTION


# %% nbgrader={"grade_id": "tied-check", "grade": true, "points": 4}
rng = np.random.default_rng(4)
X, W = rng.standard_normal((7, 5)), rng.standard_normal((5, 4))
value, gradient = tied(W, X)
encoder, decoder = npae.Dense(5, 4), npae.Dense(4, 5)  # the same weights in two layers that know nothing of each other
encoder.W, decoder.W = W, W.T
network = npae.Network([encoder], [decoder])
assert_value(value, network.value_and_grad(X), "J", sizes={"N": 7, "D": 5})
one, other = network.gradients["encoder.0.W"], network.gradients["decoder.0.W"].T
known = {
    "W is used twice; what it does in the decoder is missing": one,
    "W is used twice; what it does in the encoder is missing": other,
}
assert_value(gradient, one + other, "dW", sizes={"N": 7}, mistakes=known)
report = check_gradient(lambda W: tied(W, X), W, n_samples=7)
assert report, report
### BEGIN HIDDEN TESTS
X, W = rng.standard_normal((3, 6)), rng.standard_normal((6, 6))
report = check_gradient(lambda W: tied(W, X), W, n_samples=3)
assert report, report
assert_value(tied(np.eye(6), X)[0], 0.0, "J for W = I")
### END HIDDEN TESTS

# %% [markdown]
# ## 5. The angle between two subspaces (3 points)
#
# The columns of $A$ and $B$ $(D, k)$ span two subspaces. Let $Q_A$ and $Q_B$ be orthonormal bases of them
# (`np.linalg.qr`). The singular values of $Q_A^\top Q_B$ are the cosines of the angles between the subspaces, those of
# $Q_B - Q_A Q_A^\top Q_B$ their sines. A cosine is useless near zero: $\cos 10^{-9}$ is 1 to all digits. Return the
# largest angle in radians, right for small and for large ones: `np.arctan2(sine, cosine)` is.


# %% nbgrader={"grade_id": "angle", "solution": true}
def largest_angle(A, B):
    """The largest angle between the spaces of the columns of A and B (D, k), in [0, pi / 2]."""
    ### BEGIN SOLUTION
    A, B = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    cosines = np.linalg.svd(A.T @ B, compute_uv=False)
    sines = np.linalg.svd(B - A @ (A.T @ B), compute_uv=False)
    return np.arctan2(sines.max(), cosines.min())
    ### END SOLUTION


# %% nbgrader={"grade_id": "angle-check", "grade": true, "points": 3}
def turned(angle):
    """Two planes in five dimensions that share one direction and have that angle in the other."""
    A, B = np.eye(5)[:, :2], np.eye(5)[:, :2]
    B[:, 1] = [0, np.cos(angle), np.sin(angle), 0, 0]
    return A, B


A, B = turned(0.3)
assert_value(largest_angle(A, B), 0.3, "the angle", mistakes={"this is the smallest angle": 0.0})
mixed = largest_angle(A @ [[2.0, 1.0], [0.0, 0.5]], B @ [[1.0, 3.0], [-1.0, 1.0]])
assert abs(mixed - 0.3) < 1e-9, (
    f"the angle is {mixed:.3g} after the columns were mixed, expected 0.3 as before: "
    "the columns need not be orthonormal, begin with a QR decomposition"
)
with np.errstate(all="ignore"):
    small = largest_angle(*turned(1e-9))
assert abs(small - 1e-9) < 1e-12, (
    f"the angle is {small:.3g}, expected 1e-09: a cosine has lost it, as that of a small angle is 1; use the sine"
)
### BEGIN HIDDEN TESTS
assert_value(largest_angle(*turned(np.pi / 2)), np.pi / 2, "a right angle")
A, B = np.random.default_rng(5).standard_normal((2, 9, 3))
assert_value(largest_angle(A, B), npae.pca.principal_angles(A, B)[-1], "the angle")
### END HIDDEN TESTS

# %% [markdown]
# ## 6. The smallest error (4 points)
#
# Whatever its weights, an autoencoder with $k$ linear units leaves at least the variance outside of the first $k$
# directions. Let `variance` hold all $D$ variances, the largest first.
#
# * `minimal_error`: the smallest value of $J = \frac{1}{2N} \sum_n \|\hat x_n - x_n\|^2$ with $k$ units.
# * `units_for`: the smallest $k$ whose directions hold at least the fraction `part` of the variance.


# %% nbgrader={"grade_id": "error", "solution": true}
def minimal_error(variance, k):
    """The smallest J of a linear autoencoder with k units."""
    ### BEGIN SOLUTION
    return variance[k:].sum() / 2
    ### END SOLUTION


def units_for(variance, part):
    """The smallest k with at least that part of the variance."""
    ### BEGIN SOLUTION
    explained = np.cumsum(variance) / variance.sum()
    return int(np.argmax(explained >= part)) + 1
    ### END SOLUTION


# %% nbgrader={"grade_id": "error-check", "grade": true, "points": 4}
variance = np.array([4.0, 2.0, 1.0, 0.5, 0.5])
assert_value(minimal_error(variance, 2), 1.0, "minimal_error(variance, 2)", mistakes={"the first k were summed": 3.0})
X = np.random.default_rng(6).standard_normal((40, 5)) * np.sqrt(variance)
pca = npae.PCA(maximum_likelihood=True).fit(X)
reached = ((npae.PCA(2).fit(X).reconstruct(X) - X) ** 2).sum() / 80
assert_value(minimal_error(pca.explained_variance_, 2), reached, "what PCA with 2 units leaves", sizes={"N": 40})
early = {"one too few: index 0 is the first direction, and that is one unit": 1}
assert_value(units_for(variance, 0.7), 2, "units_for(variance, 0.7)", mistakes=early)
### BEGIN HIDDEN TESTS
assert_value([minimal_error(variance, k) for k in range(6)], [4, 2, 1, 0.5, 0.25, 0], "minimal_error, k = 0 ... 5")
assert_value([units_for(variance, part) for part in (0.1, 0.5, 0.51, 0.9, 1.0)], [1, 1, 2, 4, 5], "units_for")
### END HIDDEN TESTS

# %% [markdown]
# ## Look at the result
#
# Two of your layers learn the digits with 10 units, by 400 steps of Adam on all of them. What they reach is held
# against your prediction, and what their decoder spans against your directions. Pictures: the principal directions; the
# rows of the decoder, which mix them; and the directions projected onto the span of those rows.

# %%
digits = npae.datasets.load_digits()
mean, V, variance = principal_directions(digits.data, 64)
X = digits.data - mean
network = npae.Network([Linear(64, 10, np.random.default_rng(7))], [Linear(10, 64, np.random.default_rng(8))])
step, angles = npae.Adam(npae.Cosine(0.1, 400)).start(network.theta), []
for t in range(400):
    J = network.value_and_grad(X)
    step(network.grad)
    if t % 20 == 0:
        angles.append(largest_angle(network.decoder.layers[0].W.T, V[:10].T))
W = network.decoder.layers[0].W
print(f"J = {J:.5f}, the smallest there is {minimal_error(variance, 10):.5f}")
print(f"largest angle to the principal directions: {np.degrees(largest_angle(W.T, V[:10].T)):.1e} degrees")
print(f"90 % of the variance of the digits are in {units_for(variance, 0.9)} directions of 64")

# %%
figure, axis = plots.curves(
    {"decoder and principal directions": (np.arange(0, 400, 20), np.degrees(angles))},
    xlabel="step",
    ylabel="largest angle, degrees",
)
axis.set_yscale("log")
display(figure)
closest = V[:10] @ np.linalg.pinv(W) @ W
rows = {
    "principal directions": V[:10],
    "rows of the decoder": W,
    "directions, projected onto the span of these rows": closest,
}
display(components(rows, (8, 8)))
white = whiten(digits.data[:10], mean, V, variance, eps=0.02, zca=True)
display(components({"digits": X[:10], "whitened, ZCA": white}, (8, 8)))

# %% [markdown]
# **To think about.** Why do the decoder's rows not look like principal directions although $J$ is as small as can be?
# What in the objective would have to change for them to be? And what does whitening do to the strokes of a digit?
