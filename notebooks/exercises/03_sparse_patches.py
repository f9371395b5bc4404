# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sheet 3. Sparse autoencoders on image patches
#
# **You will** prepare patches of photographs; write three sparsity penalties with their gradients, one of them as a
# part that stands in a network; find out what a unit looks for; measure how sparse a code is; and see edges come out
# of photographs.
#
# **You need** lesson 3 and sheet 1; to read a page on parts of one's own, `docs/your_own_part.md`. **Time:** about two
# hours.
#
# | question | points |
# |---|---|
# | 1. Light and contrast | 3 |
# | 2. The divergence of mean activations | 4 |
# | 3. The sum of absolute values | 2 |
# | 4. A penalty in a network | 4 |
# | 5. What a unit looks for | 3 |
# | 6. How sparse is it? | 3 |
#
# How a sheet works, and the conventions, are told at the beginning of sheet 1.

# %% nbgrader={"grade_id": "setup", "locked": true}
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.classroom import assert_no_loop, assert_value
from npae.gradcheck import check_gradient, check_network, check_penalty

# %% [markdown]
# ## 1. Light and contrast (3 points)
#
# Patches differ first of all in how bright they are and in how strong their contrast is, and neither tells what is in
# them. Take both out of every patch $p$ (a row, $D$ pixels):
#
# $$y = \frac{p - m}{s + c}, \qquad m = \frac1D \sum_d p_d, \qquad s = \sqrt{\frac1D \sum_d (p_d - m)^2}.$$
#
# The constant $c$ keeps the noise of a patch of clear sky ($s \approx 0$) from being blown up to a picture.


# %% nbgrader={"grade_id": "normalize", "solution": true}
def normalize(P, c):
    """y (N, D) for patches P (N, D)."""
    ### BEGIN SOLUTION
    y = P - P.mean(axis=1, keepdims=True)
    return y / (P.std(axis=1, keepdims=True) + c)
    ### END SOLUTION


# %% nbgrader={"grade_id": "normalize-check", "grade": true, "points": 3}
P = np.random.default_rng(1).random((7, 5)) * np.arange(1, 8)[:, None] / 7
y = normalize(P, 0.0)
assert np.shape(y) == (7, 5), f"y: got shape {np.shape(y)}, expected (7, 5)"
by_pixel = (P - P.mean(axis=0)).mean(axis=1) / P.std(axis=1)
known = {"the mean of each pixel over the patches was taken out, expected that of each patch over its pixels": by_pixel}
assert_value(y.mean(axis=1), np.zeros(7), "the mean of each patch", mistakes=known)
assert_value(
    y.std(axis=1), np.ones(7), "the deviation of each patch", mistakes={"divided by s squared": 1 / P.std(axis=1)}
)
assert_value(normalize(P, 0.5).std(axis=1), P.std(axis=1) / (P.std(axis=1) + 0.5), "the deviation for c = 0.5")
### BEGIN HIDDEN TESTS
P = np.random.default_rng(2).random((4, 9))
assert_value(normalize(P, 0.2), (P - P.mean(1)[:, None]) / (P.std(1)[:, None] + 0.2), "y")
assert_value(normalize(np.full((2, 4), 0.7), 0.1), np.zeros((2, 4)), "y of clear sky")
### END HIDDEN TESTS

# %% [markdown]
# ## 2. The divergence of mean activations (4 points)
#
# For sigmoid units, $h$ in $(0, 1)$. A sparse unit is active at a few samples only, so its **mean over the batch**,
# $\hat\rho_j = \frac1N \sum_n h_{nj}$, is held near a small $\rho$:
#
# $$\Omega = \beta \sum_j \mathrm{KL}(\rho \,\|\, \hat\rho_j), \qquad
# \mathrm{KL}(\rho \,\|\, q) = \rho \ln \frac{\rho}{q} + (1 - \rho) \ln \frac{1 - \rho}{1 - q}.$$
#
# Derive $\partial\Omega/\partial h_{nj}$: by $\hat\rho_j$ first, then from $\hat\rho_j$ to $h_{nj}$.


# %% nbgrader={"grade_id": "kl", "solution": true}
def kl(h, beta, rho):
    """Omega and dh (N, K), for activations h (N, K) in (0, 1)."""
    ### BEGIN SOLUTION
    q = h.mean(axis=0)
    value = beta * (rho * np.log(rho / q) + (1 - rho) * np.log((1 - rho) / (1 - q))).sum()
    dq = beta * ((1 - rho) / (1 - q) - rho / q)
    return value, np.tile(dq / len(h), (len(h), 1))
    ### END SOLUTION


# %% nbgrader={"grade_id": "kl-check", "grade": true, "points": 4}
rng = np.random.default_rng(2)
unit, x = npae.Stack([npae.Dense(5, 4, npae.Sigmoid(), rng=rng)]), 2 * rng.standard_normal((7, 5))
h = unit.forward(x).copy()
value, dh = kl(h, 0.7, 0.2)
by_sample = 0.0
for n in range(7):
    unit.forward(x[n : n + 1])
    by_sample += npae.KLSparsity(0.7, 0.2)(unit) / 7
unit.forward(x)
known = {
    "the divergence was taken for each sample and averaged; first comes the mean activation": by_sample,
    "the divergence was taken for each sample and summed; first comes the mean activation": 7 * by_sample,
}
assert_value(value, npae.KLSparsity(0.7, 0.2)(unit), "Omega", sizes={"N": 7, "K": 4}, mistakes=known)
report = check_gradient(lambda h: kl(h, 0.7, 0.2), h, n_samples=7)
assert report, report
### BEGIN HIDDEN TESTS
h = rng.uniform(0.05, 0.95, (3, 6))
report = check_gradient(lambda h: kl(h, 2.0, 0.05), h, n_samples=3)
assert report, report
assert_value(kl(np.full((5, 2), 0.3), 1.0, 0.3)[0], 0.0, "Omega where the mean activations are rho")
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The sum of absolute values (2 points)
#
# $$\Omega = \frac\lambda N \sum_n \sum_j |h_{nj}|$$
#
# for activations of either sign.


# %% nbgrader={"grade_id": "l1", "solution": true}
def l1(h, lam):
    """Omega and dh (N, K), for activations h (N, K)."""
    ### BEGIN SOLUTION
    return lam * np.abs(h).sum() / len(h), lam * np.sign(h) / len(h)
    ### END SOLUTION


# %% nbgrader={"grade_id": "l1-check", "grade": true, "points": 2}
h = np.random.default_rng(3).standard_normal((7, 4))
value, dh = l1(h, 0.3)
assert_value(value, 0.3 * np.mean([np.linalg.norm(row, 1) for row in h]), "Omega", sizes={"N": 7, "K": 4})
report = check_gradient(lambda h: l1(h, 0.3), h, n_samples=7)
assert report, report
### BEGIN HIDDEN TESTS
value, dh = l1(-np.ones((3, 2)), 2.0)
assert_value(value, 4.0, "Omega")
assert_value(dh, np.full((3, 2), -2 / 3), "dh")
### END HIDDEN TESTS

# %% [markdown]
# ## 4. A penalty in a network (4 points)
#
# The penalty of a distribution with heavier tails than Laplace's, for activations of either sign:
#
# $$\Omega = \frac\lambda N \sum_n \sum_j \ln(1 + h_{nj}^2).$$
#
# A penalty of your own is an object that is called with the encoder and the decoder after their forward pass. It finds
# the code as `encoder.h`, returns the value, and adds its gradient by
# `encoder.layers[-1].pending.add("dh", ...)`; the layer's backward pass picks it up there.


# %% nbgrader={"grade_id": "penalty", "solution": true}
class LogSparsity:
    """lam / N sum_n sum_j log(1 + h_nj^2)."""

    def __init__(self, lam):
        self.lam = lam

    def __call__(self, encoder, decoder):
        """The value; adds dh to the last layer of the encoder."""
        ### BEGIN SOLUTION
        h = encoder.h
        dh = 2 * self.lam * h / (1 + h**2) / len(h)
        encoder.layers[-1].pending.add("dh", dh)
        return self.lam * np.log(1 + h**2).sum() / len(h)
        ### END SOLUTION


# %% nbgrader={"grade_id": "penalty-check", "grade": true, "points": 4}
rng = np.random.default_rng(4)
encoder, x = npae.Stack([npae.Dense(5, 4, npae.Tanh(), rng=rng)]), rng.standard_normal((7, 5))
h = encoder.forward(x)
assert_value(LogSparsity(0.3)(encoder, None), 0.3 * np.log1p(h * h).sum() / 7, "Omega", sizes={"N": 7, "K": 4})
report = check_penalty(LogSparsity(0.3), encoder, x)
assert report, report
### BEGIN HIDDEN TESTS
network = npae.Network(
    [npae.Dense(5, 6, npae.Sigmoid(), rng=rng), npae.Dense(6, 3, rng=rng)],
    [npae.Dense(3, 5, rng=rng)],
    penalties=[LogSparsity(1.5), npae.WeightDecay(0.1)],
)
report = check_network(network, x)
assert report, report
### END HIDDEN TESTS

# %% [markdown]
# ## 5. What a unit looks for (3 points)
#
# A unit computes $a_j = x \cdot W_{:j} + b_j$. Among all inputs with $\|x\| = 1$, which one makes $a_j$ the largest?
# Give the answer for all $K$ units, one a row, to be looked at as images.


# %% nbgrader={"grade_id": "looks", "solution": true}
def looks_for(W):
    """(K, D): row j is the x with ||x|| = 1 that maximizes the activation of unit j; W (D, K)."""
    ### BEGIN SOLUTION
    return (W / np.linalg.norm(W, axis=0)).T
    ### END SOLUTION


# %% nbgrader={"grade_id": "looks-check", "grade": true, "points": 3}
rng = np.random.default_rng(5)
W = rng.standard_normal((5, 4))
best = looks_for(W)
assert_value(np.shape(best), (4, 5), "shape", mistakes={"one input a unit, as a row: transpose it": (5, 4)})
length = np.linalg.norm(W, axis=0)
by_rows = np.linalg.norm(W / np.linalg.norm(W, axis=1, keepdims=True), axis=0)
known = {
    "the weights were divided by the norms of the rows of W, expected those of its columns": by_rows,
    "the weights are not divided by their norm": length,
    "the weights were divided by the square of their norm": 1 / length,
}
assert_value(np.linalg.norm(best, axis=1), np.ones(4), "the norms of the inputs", mistakes=known)
assert_value((best @ W).diagonal(), length, "the largest activations", mistakes={"these are the smallest": -length})
### BEGIN HIDDEN TESTS
W = rng.standard_normal((6, 6))
assert_value(looks_for(W), W.T / np.sqrt((W.T**2).sum(axis=1))[:, None], "inputs")
### END HIDDEN TESTS

# %% [markdown]
# ## 6. How sparse is it? (3 points)
#
# A unit counts as active at a sample if $|h_{nj}|$ is above a threshold. Two things are of interest, and a code can be
# good in one and bad in the other: the fraction of the units that are active at a sample, averaged over the samples;
# and the number of dead units, which are active at no sample at all.


# %% nbgrader={"grade_id": "measures", "solution": true}
def active_fraction(h, threshold):
    """The fraction of units that are active, averaged over the samples; h (N, K)."""
    ### BEGIN SOLUTION
    return float((np.abs(h) > threshold).mean())
    ### END SOLUTION


def dead_units(h, threshold):
    """How many of the K units are active at no sample."""
    ### BEGIN SOLUTION
    return int((~(np.abs(h) > threshold).any(axis=0)).sum())
    ### END SOLUTION


# %% nbgrader={"grade_id": "measures-check", "grade": true, "points": 3}
h = np.zeros((7, 4))
h[0, 0], h[1, 0], h[1, 1], h[3, 1] = 0.5, -0.9, 0.8, -0.05
count = {"this is their number, not the fraction": 3 / 7}
assert_value(active_fraction(h, 0.1), 3 / 28, "active_fraction", sizes={"N": 7, "K": 4}, mistakes=count)
silent = {"these are the samples at which no unit is active": 5, "these are the units that live": 2}
assert_value(dead_units(h, 0.1), 2, "dead_units", mistakes=silent)
assert_no_loop(lambda n: (active_fraction(np.ones((n, 3)), 0.1), dead_units(np.ones((n, 3)), 0.1)), "the measures")
### BEGIN HIDDEN TESTS
assert_value(dead_units(h, 0.85), 3, "dead_units")
assert_value(active_fraction(-np.ones((3, 2)), 0.5), 1.0, "active_fraction of units that are all at -1")
### END HIDDEN TESTS

# %% [markdown]
# ## Look at the result
#
# Patches of 8 x 8 pixels of two photographs, those with some contrast, normalized by you and whitened. An encoder and a
# decoder without an activation, with the same weights, learn them under your penalty and without it. Only the penalty
# makes the one code better than the other, and only with it do the units look for something.

# %%
patches = npae.datasets.load_patches(8000, 8, rng=0).data
patches = patches[patches.std(axis=1) > 0.04]
X = npae.PCA(40, whiten="zca", eps=0.1).fit_transform(normalize(patches, 0.02))
models = {
    name: npae.Autoencoder(
        40,
        activation="identity",
        tied=True,
        penalties=penalties,
        optimizer=npae.Adam(0.02),
        max_iter=20,
        random_state=0,
    ).fit(X)
    for name, penalties in {"no penalty": [], "your penalty": [LogSparsity(0.7)]}.items()
}
print(check_network(models["your penalty"].network_, X[:6], directions=1).headline)
for name, model in models.items():
    h = model.transform(X)
    h /= h.std()
    print(f"{name}: {active_fraction(h, 0.5):.0%} of the units above half a deviation, {dead_units(h, 0.5)} dead")

# %%
weights = {name: looks_for(model.network_.encoder.layers[0].W).T for name, model in models.items()}
display(plots.image_rows({"photographs": patches[:16]}, (8, 8)))
display(plots.filters(weights, (8, 8), n=40))
figure, axis = plots.new_axes(7, 3.4)
for style, (name, model) in zip(plots.STYLES, models.items(), strict=False):
    h = model.transform(X).ravel()
    axis.hist(h / h.std(), np.linspace(-6, 6, 121), density=True, histtype="step", label=name, **style)
axis.set(yscale="log", xlabel="activation, in standard deviations", ylabel="density")
axis.legend(frameon=False)
display(figure)

# %% [markdown]
# **To think about.** Why can the code without a penalty be turned by any rotation without a change of $J$, and what
# does that do to the pictures of its units? Put a penalty made of your `kl` into a network of sigmoid units: what does
# $\rho$ have to do with the active fraction, and why may a unit with mean activation $\rho$ still be useless?
