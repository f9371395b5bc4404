# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sheet 4. Overcomplete codes and regularization
#
# **You will** show that a code as wide as its input can copy anything; cheat a penalty; see in closed form what weight
# decay leaves of a linear autoencoder; find sparse codes by a few lines of optimization; write an activation that keeps
# the $k$ largest; and measure whether a model has learnt the data or just to copy.
#
# **You need** sheets 1 and 2. **Time:** about two and a half hours.
#
# | question | points |
# |---|---|
# | 1. A perfect copy | 2 |
# | 2. Cheating a penalty | 3 |
# | 3. What weight decay leaves | 4 |
# | 4. Sparse codes by thresholding | 5 |
# | 5. The k largest | 4 |
# | 6. Learnt or copied? | 3 |
#
# How a sheet works, and the conventions, are told at the beginning of sheet 1.

# %% nbgrader={"grade_id": "setup", "locked": true}
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.classroom import assert_no_loop, assert_value
from npae.gradcheck import check_layer, check_network

# %% [markdown]
# ## 1. A perfect copy (2 points)
#
# Let the code be at least as wide as the input, $K \ge D$. Give weights of a linear autoencoder $\hat x = x W V$ that
# copies every $x$, whatever it is, although $W$ is a random matrix and knows nothing.


# %% nbgrader={"grade_id": "copy", "solution": true}
def perfect_copy(D, K, rng):
    """W (D, K) with random entries and V (K, D) such that x W V = x for all x."""
    ### BEGIN SOLUTION
    W = rng.standard_normal((D, K))
    return W, np.linalg.pinv(W)
    ### END SOLUTION


# %% nbgrader={"grade_id": "copy-check", "grade": true, "points": 2}
W, V = perfect_copy(5, 8, np.random.default_rng(1))
assert_value(np.shape(W), (5, 8), "shape of W")
assert_value(np.shape(V), (8, 5), "shape of V")
assert np.ptp(W) > 0.1, "W is nearly constant, expected random entries"
known = {"V = W^T copies only if the rows of W are orthonormal; a random matrix's are not": W @ W.T}
assert_value(W @ V, np.eye(5), "W V", mistakes=known)
### BEGIN HIDDEN TESTS
W, V = perfect_copy(4, 4, np.random.default_rng(2))
x = np.random.default_rng(3).standard_normal((9, 4))
assert_value(x @ W @ V, x, "x W V for K = D")
assert not np.allclose(W, perfect_copy(4, 4, np.random.default_rng(4))[0])
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Cheating a penalty (3 points)
#
# $h = \max(xW + b, 0)$, $\hat x = hV + c$, and a penalty $\frac\lambda N \sum_n \sum_j |h_{nj}|$ on the code. Show that
# without anything that holds the weights, the penalty means nothing: give other parameters that reconstruct every $x$
# exactly as before, with a penalty that is `factor` times smaller.


# %% nbgrader={"grade_id": "cheat", "solution": true}
def cheat(W, b, V, c, factor):
    """W, b, V, c with the same reconstructions and the penalty divided by `factor` > 0."""
    ### BEGIN SOLUTION
    return W / factor, b / factor, V * factor, c
    ### END SOLUTION


# %% nbgrader={"grade_id": "cheat-check", "grade": true, "points": 3}
def code_and_reconstruction(x, W, b, V, c):
    h = np.maximum(x @ W + b, 0)
    return h, h @ V + c


rng = np.random.default_rng(2)
p = [rng.standard_normal(shape) for shape in ((5, 8), 8, (8, 5), 5)]
x = rng.standard_normal((7, 5))
h, xhat = code_and_reconstruction(x, *p)
h_cheap, xhat_cheap = code_and_reconstruction(x, *cheat(*p, 10.0))
W, b = p[0], p[1]
known = {
    "the bias must be scaled as the weights are": np.maximum(x @ W / 10 + b, 0).sum(),
    "nothing has changed": h.sum(),
    "the penalty has grown": 10 * h.sum(),
}
assert_value(h_cheap.sum(), h.sum() / 10, "the penalty", mistakes=known)
without = {"the decoder does not make up for the smaller code": h @ p[2] / 10 + p[3]}
assert_value(xhat_cheap, xhat, "the reconstructions", mistakes=without)
### BEGIN HIDDEN TESTS
h_cheap, xhat_cheap = code_and_reconstruction(x, *cheat(*p, 0.25))
assert_value(h_cheap, 4 * h, "the code for factor = 0.25")
assert_value(xhat_cheap, xhat, "the reconstructions for factor = 0.25")
### END HIDDEN TESTS

# %% [markdown]
# ## 3. What weight decay leaves (4 points)
#
# For centred data with principal directions $v_i$ (the rows of `directions`) and variances $s_i$, the linear
# autoencoder that minimizes
#
# $$J = \frac{1}{2N} \|X - X W V\|_F^2 + \frac\lambda2 \big(\|W\|_F^2 + \|V\|_F^2\big)$$
#
# is tied, $V = W^\top$. With $W = (\omega_1 v_1 \dots \omega_K v_K)$ in its columns, $J$ becomes a sum over the
# directions, $\frac12 s_i (1 - \omega_i^2)^2 + \lambda \omega_i^2$. Minimize it by $\omega_i^2$, mind that
# $\omega_i^2 \ge 0$, and return $W$. Directions with little variance get no unit at all, however many units there are.


# %% nbgrader={"grade_id": "decayed", "solution": true}
def decayed_optimum(directions, variance, lam):
    """W (D, K) of the optimum V = W^T, for directions (K, D) and variances (K,)."""
    ### BEGIN SOLUTION
    omega_squared = np.maximum(1 - lam / variance, 0)
    return (directions * np.sqrt(omega_squared)[:, None]).T
    ### END SOLUTION


# %% nbgrader={"grade_id": "decayed-check", "grade": true, "points": 4}
rng = np.random.default_rng(3)
X = rng.standard_normal((40, 6)) * [3.0, 2.0, 1.0, 0.5, 0.3, 0.1]
pca = npae.PCA(maximum_likelihood=True).fit(X)
directions, variance = pca.components_, pca.explained_variance_
W = decayed_optimum(directions, variance, 0.05)
assert_value(np.shape(W), (6, 6), "shape of W")
encoder, decoder = npae.pca.linear_autoencoder_optimum(X - pca.mean_, 6, lam=0.05)
omega_squared = np.diag(directions @ encoder @ decoder @ directions.T)
known = {
    "these are the squares of omega_i: W needs the root": omega_squared**2,
    "1 - lam / (2 s_i): the derivative of lam omega^2 by omega^2 is lam": np.maximum(1 - 0.025 / variance, 0),
    "the weights are those without a decay": np.ones(6),
}
assert_value(np.diag(directions @ W @ W.T @ directions.T), omega_squared, "omega^2", rtol=1e-6, mistakes=known)
assert_value(W @ W.T, encoder @ decoder, "W W^T", rtol=1e-6)
### BEGIN HIDDEN TESTS
W = decayed_optimum(directions[:3], variance[:3], 2 * variance[1])
assert_value(np.shape(W), (6, 3), "shape of W")
assert_value(np.linalg.norm(W, axis=0)[1:], [0.0, 0.0], "units of directions that the decay takes away")
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Sparse codes by thresholding (5 points)
#
# In an overcomplete code many $h$ give the same $hV$. For every $x$ we look for the one that minimizes
#
# $$\tfrac12 \|x - hV\|^2 + \lambda \sum_j |h_j|.$$
#
# *Iterative soft thresholding* begins at $h = 0$ and repeats: a gradient step on the first term, of length $1/L$, then
# every $h_j$ is moved toward zero by $\lambda/L$, and set to zero if it would cross:
#
# $$h \leftarrow S\big(h + \tfrac1L (x - hV) V^\top,\ \tfrac\lambda L\big), \qquad
# S(a, t) = \mathrm{sign}(a) \max(|a| - t, 0).$$
#
# $L$ is the largest eigenvalue of $V V^\top$, the square of the largest singular value of $V$. Do all samples at once.


# %% nbgrader={"grade_id": "ista", "solution": true}
def soft_threshold(a, t):
    """S(a, t), in a's shape."""
    ### BEGIN SOLUTION
    return np.sign(a) * np.maximum(np.abs(a) - t, 0)
    ### END SOLUTION


def sparse_code(x, V, lam, n_steps):
    """h (N, K) after n_steps, for x (N, D) and V (K, D)."""
    ### BEGIN SOLUTION
    L = np.linalg.norm(V, 2) ** 2
    h = np.zeros((len(x), len(V)))
    for _ in range(n_steps):
        h = soft_threshold(h + (x - h @ V) @ V.T / L, lam / L)
    return h
    ### END SOLUTION


# %% nbgrader={"grade_id": "ista-check", "grade": true, "points": 5}
a = np.array([-3.0, -0.5, 0.0, 0.5, 3.0])
assert_value(soft_threshold(a, 1.0), [-2, 0, 0, 0, 2], "S(a, 1)", mistakes={"negative a are lost": [0, 0, 0, 0, 2]})
rng = np.random.default_rng(4)
V, x = rng.standard_normal((8, 5)), rng.standard_normal((7, 5))
s, slope = np.linalg.norm(V, 2), x @ V.T
first = slope / s**2 - np.clip(slope / s**2, -0.5 / s**2, 0.5 / s**2)
known = {
    "the step goes uphill: h grows where x - h V says it should fall": -first,
    "the threshold is lam, expected lam / L": slope / s**2 - np.clip(slope / s**2, -0.5, 0.5),
    "L is the largest singular value, expected its square": slope / s - np.clip(slope / s, -0.5 / s, 0.5 / s),
    "nothing was thresholded": slope / s**2,
}
assert_value(sparse_code(x, V, 0.5, 1), first, "h after one step", mistakes=known)
h = sparse_code(x, V, 0.5, 3000)
residual = (x - h @ V) @ V.T
assert_value(residual[h != 0], 0.5 * np.sign(h[h != 0]), "(x - h V) V^T where h is not 0, after 3,000 steps", rtol=1e-5)
assert np.abs(residual).max() < 0.5 + 1e-5, (
    f"|(x - h V) V^T| is {np.abs(residual).max():.3f}, expected at most lam = 0.5"
)
assert_no_loop(lambda n: sparse_code(np.ones((n, 5)), V, 0.5, 3), "sparse_code")
### BEGIN HIDDEN TESTS
assert (sparse_code(x, V, 0.5, 3000) == 0).mean() > 0.2
assert_value(sparse_code(x, V, 1e3, 5), np.zeros((7, 8)), "h for a large lam")
assert_value(sparse_code(x, np.eye(5), 0.1, 2), x - np.clip(x, -0.1, 0.1), "h for V = I")
### END HIDDEN TESTS

# %% [markdown]
# ## 5. The k largest (4 points)
#
# Instead of paying for activations, forbid them: keep the $k$ largest of each sample's $K$, set the others to zero. An
# activation of your own is an object that is called as $\varphi(a)$, and that has a method `dphi(h)` for its derivative
# as a function of the output: 1 where a unit was kept, 0 where it was not. (`argsort` twice gives the
# rank of every entry.) An $a$ with ties need not concern you.


# %% nbgrader={"grade_id": "topk", "solution": true}
class KLargest:
    """Keep the k largest entries of every row."""

    def __init__(self, k):
        self.k = k

    def __call__(self, a):
        """h (N, K) from a (N, K)."""
        ### BEGIN SOLUTION
        rank = a.real.argsort(axis=1).argsort(axis=1)  # 0 for the smallest of a row
        return np.where(rank < a.shape[1] - self.k, 0, a)
        ### END SOLUTION

    def dphi(self, h):
        """1 where a unit was kept, 0 elsewhere, in h's shape and type."""
        ### BEGIN SOLUTION
        return (h != 0).astype(h.dtype)
        ### END SOLUTION


# %% nbgrader={"grade_id": "topk-check", "grade": true, "points": 4}
rng = np.random.default_rng(5)
a = rng.standard_normal((6, 6))
before = a.copy()
h = KLargest(2)(a)
assert_value(a, before, "a after the call; it must stay as it was")
known = {
    "the k largest of each column were kept, expected those of each row": npae.TopK(2)(a.T).T,
    "the k smallest were kept": -npae.TopK(2)(-a),
    "the k largest of the absolute values were kept": np.where(npae.TopK(2)(np.abs(a)) > 0, a, 0),
    "the k largest of each row were dropped, expected kept": a - npae.TopK(2)(a),
}
assert_value(h, npae.TopK(2)(a), "h", mistakes=known)
report = check_layer(npae.Dense(5, 6, KLargest(2), rng=rng), rng.standard_normal((7, 5)))
assert report, report
### BEGIN HIDDEN TESTS
a = rng.standard_normal((3, 9)) - 5
assert_value(KLargest(4)(a), npae.TopK(4)(a), "h of negative a")
assert_value(KLargest(9)(a), a, "h for k = K")
network = npae.Network([npae.Dense(5, 9, KLargest(3), rng=rng)], [npae.Dense(9, 5, rng=rng)])
report = check_network(network, rng.standard_normal((4, 5)))
assert report, report
### END HIDDEN TESTS

# %% [markdown]
# ## 6. Learnt or copied? (3 points)
#
# What part of the variance of data does a model reproduce?
#
# $$\text{explained} = 1 - \frac{\sum_n \|\hat x_n - x_n\|^2}{\sum_n \|x_n - \bar x\|^2}.$$
#
# A model that copies reproduces anything, one that has learnt the data nothing else. So compare with *scrambled* data:
# every feature keeps its values, but they are shuffled among the samples, each feature on its own, so that nothing
# holds the features together.


# %% nbgrader={"grade_id": "explained", "solution": true}
def scrambled(X, rng):
    """X with every column shuffled on its own."""
    ### BEGIN SOLUTION
    return rng.permuted(X, axis=0)
    ### END SOLUTION


def explained(reconstruct, X):
    """The part of the variance of X (N, D) that is reproduced; reconstruct(X) gives the x^ (N, D)."""
    ### BEGIN SOLUTION
    return 1 - ((reconstruct(X) - X) ** 2).sum() / ((X - X.mean(axis=0)) ** 2).sum()
    ### END SOLUTION


# %% nbgrader={"grade_id": "explained-check", "grade": true, "points": 3}
X = np.arange(60.0).reshape(12, 5)
mixed = scrambled(X, np.random.default_rng(6))
assert_value(np.shape(mixed), (12, 5), "shape of the scrambled data")
assert np.array_equal(X[:, 0], 5 * np.arange(12.0)), "X itself was changed, expected a fresh array"
assert not np.allclose(np.diff(mixed, axis=1), 1), (
    "the samples were moved as wholes: every row is still a row of X, expected each column shuffled on its own"
)
assert_value(
    np.sort(mixed, axis=0), X, "the values of each feature", mistakes={"each row was shuffled": np.sort(mixed)}
)
error = 3.0 / np.var(X, axis=0).sum()


def off_by_some(x):
    return x + np.array([1.0, 1.0, 0.0, 0.0, 1.0])


about_one_mean = 1 - 3 / ((X - X.mean()) ** 2).sum(axis=1).mean()
known = {
    "this is the part that is left, expected 1 minus that": error,
    "the variance is about the mean of every feature, not about zero": 1 - 3 * 12 / (X**2).sum(),
    "the variance is about the mean of every feature, not about one mean of all": about_one_mean,
}
assert_value(explained(off_by_some, X), 1 - error, "explained", mistakes=known)
### BEGIN HIDDEN TESTS
assert not np.array_equal(scrambled(X, np.random.default_rng(7)), mixed)
assert_value(explained(lambda x: x, mixed), 1.0, "explained by a copy")
assert_value(explained(lambda x: 0 * x + x.mean(axis=0), mixed), 0.0, "explained by the mean")
### END HIDDEN TESTS

# %% [markdown]
# ## Look at the result
#
# Four autoencoders with 128 units for 64 pixels learn 1,500 digits; the last has your activation. Which of them has
# learnt what a digit is?

# %%
digits = npae.datasets.load_digits().data[np.random.default_rng(7).permutation(1797)]
X, X_test = digits[:1500], digits[1500:]
setups = {
    "free": {"activation": "relu"},
    "weight decay": {"activation": "relu", "penalties": [npae.WeightDecay(0.01)]},
    "L1": {"activation": "relu", "penalties": [npae.L1Sparsity(0.03), npae.WeightDecay(0.001)]},
    "your k largest": {"activation": KLargest(10)},
}
models = {
    name: npae.Autoencoder(128, optimizer=npae.Adam(0.005), max_iter=40, random_state=0, **setup).fit(X)
    for name, setup in setups.items()
}
mixed = scrambled(X_test, np.random.default_rng(8))
for name, model in models.items():
    learnt, copied = explained(model.reconstruct, X_test), explained(model.reconstruct, mixed)
    print(f"{name:15} explains {learnt:.1%} of held-out digits and {copied:.1%} of what is none")

# %%
rows = {"digits": X_test[:6], **{name: model.reconstruct(X_test[:6]) for name, model in models.items()}}
mixed_rows = {"scrambled": mixed[:6], **{name: model.reconstruct(mixed[:6]) for name, model in models.items()}}
both = {name: np.vstack([x, y]) for (name, x), y in zip(rows.items(), mixed_rows.values(), strict=True)}
display(plots.image_rows(both, (8, 8)))

# %%
features = models["L1"].network_.decoder.layers[0].W
codes = sparse_code(X_test - models["L1"].network_.decoder.layers[0].b, features, 0.1, 300)
print(f"sparse codes over the features of L1: {(codes != 0).sum(axis=1).mean():.1f} of 128 active")

# %% [markdown]
# **To think about.** The free model explains digits best. Why has it learnt least of the four all the same? In the
# picture, digits are on the left and scrambled data on the right: what do the models make of what they have never seen?
# And why does the L1 model above have a weight decay beside its penalty?
