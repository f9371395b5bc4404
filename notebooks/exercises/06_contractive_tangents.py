# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sheet 6. The contractive penalty and tangent planes
#
# **You will** write Jacobians of encoders of one and of two layers; the contractive penalty with its gradient; tangent
# planes, learnt ones and those of neighbouring points; and see what an encoder learns about a circle in twenty
# dimensions when it is punished for moving.
#
# **You need** the chain rule for vectors and the singular value decomposition; lesson 5 and sheet 1. **Time:** about
# two and a half hours.
#
# | question | points |
# |---|---|
# | 1. The Jacobian of a layer | 3 |
# | 2. The contractive penalty | 6 |
# | 3. The Jacobian of two layers | 3 |
# | 4. Tangent planes | 3 |
# | 5. Tangent planes of neighbours | 3 |
# | 6. Near and far | 2 |
#
# How a sheet works, and the conventions, are told at the beginning of sheet 1. $\sigma(a) = 1/(1 + e^{-a})$, and
# $\sigma' = \sigma (1 - \sigma)$.

# %% nbgrader={"grade_id": "setup", "locked": true}
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import manifold
from npae.classroom import assert_no_loop, assert_value
from npae.gradcheck import check_gradient, check_network
from npae.plots.manifolds import contraction_curves, spectra, tangents_on_curve

# %% [markdown]
# ## 1. The Jacobian of a layer (3 points)
#
# $h = \sigma(xW + b)$ for one sample: what is $J_{kd} = \partial h_k / \partial x_d$? Give it for all samples at once,
# as an array $(N, K, D)$, from the activations $h$ and the weights $W$ alone. An axis of length one, as in `h[:, :,
# None]`, lets NumPy repeat an array along it.


# %% nbgrader={"grade_id": "jacobian", "solution": true}
def jacobian(h, W):
    """J (N, K, D) with J[n, k, d] = dh_nk / dx_nd, for h (N, K) and W (D, K)."""
    ### BEGIN SOLUTION
    return (h * (1 - h))[:, :, None] * W.T
    ### END SOLUTION


# %% nbgrader={"grade_id": "jacobian-check", "grade": true, "points": 3}
rng = np.random.default_rng(1)
layer, x = npae.Dense(5, 4, npae.Sigmoid(), rng=rng), rng.standard_normal((7, 5))
layer.b = rng.standard_normal(4)
network = npae.Network([layer], [npae.Dense(4, 5, rng=rng)])
h, W = layer(x), layer.W.copy()
exact = manifold.jacobian(network, x)
known = {
    "the slope of the sigmoid is missing": np.repeat(W.T[None], 7, axis=0),
    "the slope is h (1 - h), not h": exact / (1 - h)[:, :, None],
}
assert_value(jacobian(h, W), exact, "J", mistakes=known)
assert_no_loop(lambda n: jacobian(np.ones((n, 4)), W), "jacobian")
### BEGIN HIDDEN TESTS
network = npae.Network([npae.Dense(3, 3, npae.Sigmoid(), rng=rng)], [npae.Dense(3, 3, rng=rng)])
x = 3 * rng.standard_normal((2, 3))
assert_value(jacobian(network.encode(x), network.encoder.layers[0].W), manifold.jacobian(network, x), "J")
### END HIDDEN TESTS

# %% [markdown]
# ## 2. The contractive penalty (6 points)
#
# $$\Omega = \frac\lambda N \sum_n \|J(x_n)\|_F^2 = \frac\lambda N \sum_n \sum_j s_{nj}^2\, \|W_{:j}\|^2, \qquad
# s_{nj} = h_{nj} (1 - h_{nj}).$$
#
# Show the second form, which needs no array $(N, K, D)$. Then derive the gradient. $W$ enters twice: through
# $\|W_{:j}\|^2$, with $s$ held fast, and through $s$, by way of $a = xW + b$; $b$ enters through $s$ alone.
# ($ds/da = s (1 - 2h)$.)


# %% nbgrader={"grade_id": "contraction", "solution": true}
def contraction(W, b, x, lam):
    """Omega, dW (D, K) and db (K,) of h = sigmoid(x W + b), for x (N, D)."""
    h = 1 / (1 + np.exp(-(x @ W + b)))
    ### BEGIN SOLUTION
    N, s, norms = len(x), h * (1 - h), (W**2).sum(axis=0)
    value = lam / N * (s**2 * norms).sum()
    da = 2 * lam / N * s**2 * (1 - 2 * h) * norms
    dW = 2 * lam / N * W * (s**2).sum(axis=0) + x.T @ da
    return value, dW, da.sum(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "contraction-check", "grade": true, "points": 6}
rng = np.random.default_rng(2)
x, W, b = rng.standard_normal((7, 5)), rng.standard_normal((5, 4)), rng.standard_normal(4)
value, gradient, _ = contraction(W, b, x, 0.3)
layer = npae.Dense(5, 4, npae.Sigmoid())
layer.W, layer.b = W.copy(), b.copy()
J = manifold.jacobian(npae.Network([layer], [npae.Dense(4, 5)]), x)
known = {
    "this is the sum of the norms, expected of their squares": 0.3 * np.sqrt((J**2).sum(axis=(1, 2))).mean(),
    "s was averaged over the samples and then squared": 0.3 * (J.mean(axis=0) ** 2).sum(),
}
assert_value(value, 0.3 * (J**2).sum() / 7, "Omega", sizes={"N": 7, "K": 4, "D": 5}, mistakes=known)


def as_one(p):
    value, by_W, by_b = contraction(p["W"], p["b"], x, 0.3)
    return value, {"W": by_W, "b": by_b}


encoder = npae.Stack([layer])
encoder.forward(x)
npae.Contractive(0.3)(encoder, None)
encoder.backward(np.zeros((7, 4)))
by_norms = 0.6 / 7 * (J**2).sum(axis=0).T / W
known = {
    "W enters Omega through s as well; that term is missing": by_norms,
    "W enters Omega through its norms as well; that term is missing": layer.dW - by_norms,
}
assert_value(gradient, layer.dW, "dW", sizes={"N": 7}, mistakes=known)
report = check_gradient(as_one, {"W": W, "b": b}, n_samples=7)
assert report, report
assert_no_loop(lambda n: contraction(W, b, np.ones((n, 5)), 0.3), "contraction")
### BEGIN HIDDEN TESTS
x, W, b = rng.standard_normal((3, 6)), rng.standard_normal((6, 6)), rng.standard_normal(6)
report = check_gradient(as_one, {"W": W, "b": b}, n_samples=3)
assert report, report
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The Jacobian of two layers (3 points)
#
# $h = \sigma(\sigma(xW_1 + b_1)\,W_2 + b_2)$. Give $J$ $(N, K, D)$, from $x$ and the parameters.


# %% nbgrader={"grade_id": "deep", "solution": true}
def deep_jacobian(x, W1, b1, W2, b2):
    """J (N, K_2, D) for x (N, D), W1 (D, K_1), W2 (K_1, K_2)."""
    ### BEGIN SOLUTION
    h1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
    h2 = 1 / (1 + np.exp(-(h1 @ W2 + b2)))
    first = (h1 * (1 - h1))[:, :, None] * W1.T
    second = (h2 * (1 - h2))[:, :, None] * W2.T
    return second @ first
    ### END SOLUTION


# %% nbgrader={"grade_id": "deep-check", "grade": true, "points": 3}
rng = np.random.default_rng(3)
layers, x = [npae.Dense(5, 6, npae.Sigmoid(), rng=rng), npae.Dense(6, 4, npae.Sigmoid(), rng=rng)], rng.random((7, 5))
for layer in layers:
    layer.b = rng.standard_normal(layer.n_out)
exact = manifold.jacobian(npae.Network(layers, [npae.Dense(4, 5)]), x)
(W1, b1), (W2, b2) = ((layer.W.copy(), layer.b.copy()) for layer in layers)
h1 = layers[0](x)
h2 = layers[1](h1)
known = {
    "the slopes of the second layer are missing": exact / (h2 * (1 - h2))[:, :, None],
    "the slopes of the first layer are missing": (h2 * (1 - h2))[:, :, None] * (W1 @ W2).T,
}
assert_value(deep_jacobian(x, W1, b1, W2, b2), exact, "J", mistakes=known)
### BEGIN HIDDEN TESTS
layers, x = [npae.Dense(4, 4, npae.Sigmoid(), rng=rng), npae.Dense(4, 4, npae.Sigmoid(), rng=rng)], rng.random((3, 4))
exact = manifold.jacobian(npae.Network(layers, [npae.Dense(4, 4)]), x)
assert_value(deep_jacobian(x, layers[0].W, layers[0].b, layers[1].W, layers[1].b), exact, "J")
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Tangent planes (3 points)
#
# $J = U\,\mathrm{diag}(\sigma)\,V^\top$. The code answers most to steps of $x$ along the right-singular vectors with
# the largest $\sigma$; where an encoder has contracted what it could, they span the tangent plane of the data. Return
# $d$ of them for every sample, as orthonormal rows. (`np.linalg.svd` takes all samples at once.)


# %% nbgrader={"grade_id": "tangents", "solution": true}
def tangents(J, d):
    """(N, d, D): the d leading right-singular vectors of every J (N, K, D)."""
    ### BEGIN SOLUTION
    return np.linalg.svd(J, full_matrices=False)[2][:, :d]
    ### END SOLUTION


# %% nbgrader={"grade_id": "tangents-check", "grade": true, "points": 3}
rng = np.random.default_rng(4)
U, V = (np.linalg.qr(rng.standard_normal((7, 5, 5)))[0] for _ in range(2))
J = U * np.array([3.0, 2.0, 0.5, 0.2, 0.1]) @ np.swapaxes(V, 1, 2)  # right-singular vectors: the columns of V
T = tangents(J, 2)
assert_value(np.shape(T), (7, 2, 5), "shape", mistakes={"the vectors are to be rows": (7, 5, 2)})
assert_value(T @ np.swapaxes(T, 1, 2), np.repeat(np.eye(2)[None], 7, axis=0), "T T^T of orthonormal rows")


def plane(vectors):  # the projection onto the span of columns says which plane it is, whatever the basis
    return vectors @ np.swapaxes(vectors, 1, 2)


known = {
    "these are the left-singular vectors": plane(U[:, :, :2]),
    "these are the vectors with the smallest singular values": plane(V[:, :, 3:]),
    "svd returns V^T: the vectors are its rows, not its columns": plane(np.linalg.svd(J)[2][:, :, :2]),
}
assert_value(plane(np.swapaxes(T, 1, 2)), plane(V[:, :, :2]), "the plane", mistakes=known)
assert_no_loop(lambda n: tangents(np.repeat(J[:1], n, axis=0), 2), "tangents")
### BEGIN HIDDEN TESTS
J = rng.standard_normal((4, 3, 6))
T = tangents(J, 1)
top = np.linalg.norm(J, 2, axis=(1, 2))
assert_value(np.linalg.norm(J @ np.swapaxes(T, 1, 2), axis=1)[:, 0], top, "||J t|| along the first tangent")
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Tangent planes of neighbours (3 points)
#
# Without any network: the nearest neighbours of a point lie in its tangent plane, nearly. Take the $k$ points of `X`
# nearest to `x`, take out **their** mean, and return the $d$ principal directions of what is left.


# %% nbgrader={"grade_id": "neighbours", "solution": true}
def local_pca(X, x, k, d):
    """(d, D) orthonormal rows for one point x (D,) and data X (N, D)."""
    ### BEGIN SOLUTION
    near = X[np.argsort(((X - x) ** 2).sum(axis=1))[:k]]
    return np.linalg.svd(near - near.mean(axis=0), full_matrices=False)[2][:d]
    ### END SOLUTION


# %% nbgrader={"grade_id": "neighbours-check", "grade": true, "points": 3}
rng = np.random.default_rng(5)
X = rng.standard_normal((60, 4)) + np.array([3.0, 0.0, 0.0, 0.0])
x = X[0] + 0.01
T = local_pca(X, x, 8, 2)
assert_value(np.shape(T), (2, 4), "shape", mistakes={"the directions are to be rows": (4, 2)})
near = X[np.linalg.norm(X - x, axis=1).argsort()]


def span(points, d=2):
    V = np.linalg.svd(points)[2][:d]
    return V.T @ V


known = {
    "the mean of the neighbours was not taken out": span(near[:8]),
    "the mean of all data was taken out, expected that of the neighbours": span(near[:8] - X.mean(axis=0)),
    "x was taken out, expected the mean of the neighbours": span(near[:8] - x),
    "these are the directions of the points farthest away": span(near[-8:] - near[-8:].mean(axis=0)),
}
expected = manifold.local_pca(X, x[None], 8, 2)[0]
assert_value(T.T @ T, expected.T @ expected, "the plane", mistakes=known)
### BEGIN HIDDEN TESTS
circle = npae.datasets.make_circle(500, rng=6)
T = np.array([local_pca(circle.data, x, 9, 1) for x in circle.data[:20]])
assert np.degrees(manifold.tangent_angles(T, circle.tangents[:20])).max() < 2
### END HIDDEN TESTS

# %% [markdown]
# ## 6. Near and far (2 points)
#
# How much nearer are two points to each other as codes than as inputs? For a step of length $r$ into the unit direction
# $u_n$ from every sample:
#
# $$\frac1N \sum_n \frac{\|f(x_n + r u_n) - f(x_n)\|}{r}.$$


# %% nbgrader={"grade_id": "ratio", "solution": true}
def contraction_ratio(f, x, u, r):
    """The mean ratio of distances, for an encoder f (N, D) -> (N, K) and unit rows u (N, D)."""
    ### BEGIN SOLUTION
    return np.linalg.norm(f(x + r * u) - f(x), axis=1).mean() / r
    ### END SOLUTION


# %% nbgrader={"grade_id": "ratio-check", "grade": true, "points": 2}
rng = np.random.default_rng(7)
x, u = rng.standard_normal((7, 5)), rng.standard_normal((7, 5))
u /= np.linalg.norm(u, axis=1, keepdims=True)


def shrink(x):
    return np.hstack([0.5 * x, x**2])


exact = np.mean([np.linalg.norm(shrink(x[n] + 0.1 * u[n]) - shrink(x[n])) for n in range(7)]) / 0.1
known = {
    "not divided by r": exact * 0.1,
    "one norm of the whole matrix, expected one a sample": np.linalg.norm(shrink(x + 0.1 * u) - shrink(x)) / 0.1,
}
assert_value(contraction_ratio(shrink, x, u, 0.1), exact, "ratio", sizes={"N": 7}, mistakes=known)
### BEGIN HIDDEN TESTS
assert_value(contraction_ratio(lambda x: 0.25 * x, x, u, 3.0), 0.25, "ratio of a map that divides by 4")
### END HIDDEN TESTS

# %% [markdown]
# ## Look at the result
#
# A circle, turned at random into twenty dimensions, with some noise. The same encoder of 60 sigmoid units learns it
# with your penalty and without. Its decoder has the same weights: otherwise the encoder could shrink and the decoder
# grow, and nothing would be contracted but numbers.


# %%
class YourContraction:
    """Your penalty as a part of a network."""

    def __init__(self, lam):
        self.lam = lam

    def __call__(self, encoder, decoder):
        (layer,) = encoder.layers
        value, by_W, by_b = contraction(layer.W, layer.b, encoder.x, self.lam)
        layer.pending.add("dW", by_W)
        layer.pending.add("db", by_b)
        return value


circle = npae.datasets.make_circle(1000, radius=3, noise=0.02, n_features=20, rng=0)
X = circle.data
models = {
    name: npae.Autoencoder(
        60, tied=True, penalties=penalties, optimizer=npae.Adam(0.02), max_iter=100, tol=0, random_state=0
    ).fit(X)
    for name, penalties in {"no penalty": [], "your penalty": [YourContraction(0.5)]}.items()
}
print(check_network(models["your penalty"].network_, X[:6], directions=1).headline)
learnt = {
    name: tangents(jacobian(model.transform(X), model.network_.encoder.layers[0].W), 1)
    for name, model in models.items()
}
learnt["20 neighbours"] = np.array([local_pca(X, x, 20, 1) for x in X])
for name, T in learnt.items():
    print(
        f"{name:12} {np.degrees(np.median(manifold.tangent_angles(T, circle.tangents))):5.1f} degrees from the tangent"
    )

# %%
some = np.argsort(circle.target[:, 0])[::25]
display(tangents_on_curve(X[some], learnt["your penalty"][some], circle.tangents[some], circle.embedding, length=1.0))
display(spectra({n: manifold.singular_values(m, X) for n, m in models.items()}, n_dims=1, normalize=True))
u = np.random.default_rng(8).standard_normal(X.shape)
u /= np.linalg.norm(u, axis=1, keepdims=True)
radii = np.logspace(-1, 1, 13)
ratios = {name: [contraction_ratio(model.transform, X, u, r) for r in radii] for name, model in models.items()}
display(contraction_curves(radii, ratios))

# %% [markdown]
# **To think about.** The penalty asks for $J = 0$. Why is it not, and which of its directions survive? Neighbours tell
# the tangent without any training: what do they need that the encoder does not? And why does a plain encoder of sigmoid
# units contract far away, without being asked to?
