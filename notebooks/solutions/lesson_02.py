# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Answers to lesson 2
#
# Each is given in words and formulas, then in code that asserts it.

# %%
import numpy as np

import npae
from npae.experiments.claims import below, same
from npae.pca import compare_with_pca, linear_autoencoder_optimum

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
X, X_test = digits.data[order[450:]], digits.data[order[:450]]
K, N = 10, len(X)
m = X.mean(axis=0)
S = (X - m).T @ (X - m) / N
s, V = np.linalg.eigh(S)
s, V = s[::-1], V[:, ::-1].T


def fit(encoder, decoder, n_steps=2500):
    """A linear network, trained on all images at once."""
    network = npae.Network(encoder, decoder)
    step = npae.Adam(npae.Cosine(0.03, n_steps)).start(network.theta)
    for _ in range(n_steps):
        network.value_and_grad(X)
        step(network.grad)
    return network


network = fit([npae.Dense(64, K, rng=rng)], [npae.Dense(K, 64, rng=rng)])
pca = npae.PCA(K).fit(X)

# %% [markdown]
# ## 1. When unique directions matter
#
# **Answer.** When single numbers of the code are used: read, ordered, cut off, or compared. The first three of PCA's
# ten numbers are the best three there are; three of the autoencoder's units are any three mixtures, and the best
# decoder for them does worse. Nobody cares who uses the whole code by a linear map of it.


# %%
def with_three(h):
    """Error of the best affine decoder for three columns of a code."""
    A = np.column_stack([h[:, :3], np.ones(len(h))])
    return 0.5 * ((A @ np.linalg.lstsq(A, X, rcond=None)[0] - X) ** 2).sum() / len(X)


print(f"three of ten, PCA against autoencoder: {below(with_three(pca.transform(X)), with_three(network.encode(X)))}")

# %% [markdown]
# ## 2. Why the loss says little about the angle
#
# **Answer.** Turn the last direction that is kept, $v_K$, by $\theta$ towards $v_{K+1}$. By step 3 of the lesson
#
# $$J(\theta) = J^* + \tfrac12 (s_K - s_{K+1}) \sin^2\theta,$$
#
# so an angle costs in proportion to the *gap* of two eigenvalues, and even a right angle costs no more than half of it.
# If they are equal, nothing: every plane between is as good, there is no one PCA subspace, and the angle to any of them
# means nothing.

# %%
theta = 0.7
turned = np.vstack([V[: K - 1], np.cos(theta) * V[K - 1] + np.sin(theta) * V[K]])
P = turned.T @ turned
J, best = 0.5 * np.trace(S) - 0.5 * np.trace(P @ S), 0.5 * s[K:].sum()
by_formula = best + (s[K - 1] - s[K]) / 2 * np.sin(theta) ** 2
print(f"J above its least: {J - best:.6f}, by the formula within {same(J, by_formula):.0e}")
S_equal = S + (s[K - 1] - s[K]) * np.outer(V[K], V[K])  # the eleventh raised to the tenth
same(np.trace(P @ S_equal), np.trace(V[:K].T @ V[:K] @ S_equal))
assert best < J

# %% [markdown]
# ## 3. Where the two differ on held-out images
#
# **Answer.** On images with ink where (nearly) no training image has any. In a direction $v_i$ with $s_i = 0$ the
# gradient $dM = -S (I - M)$ has nothing to say, so the weights stay where they started at random, and what an image has
# there moves the code; PCA has exact zeros. The rows $v_i (M - P)$ are as large as 0.5 there, and nearly nothing
# elsewhere. Take these directions out of the worst image, and network and PCA agree again.

# %%
M = network.encoder.layers[0].W @ network.decoder.layers[0].W
never = s < 1e-6 * s[0]
off = np.linalg.norm(V @ (M - V[:K].T @ V[:K]), axis=1)
print(f"{never.sum()} directions without variance; |v (M - P)| elsewhere against there, ten times over: "
      f"{below(10 * off[~never].max(), off[never].min())}")  # fmt: skip


def apart(x):
    """Largest difference of a pixel in the two reconstructions, for each image."""
    return np.abs(network.reconstruct(x) - pca.reconstruct(x)).max(axis=1)


worst = X_test[[np.argmax(apart(X_test))]]
without = worst - (worst - m) @ V[s < 1e-5].T @ V[s < 1e-5]
print(
    f"the worst image without such directions against with, ten times: {below(10 * apart(without)[0], apart(worst)[0])}"
)

# %% [markdown]
# ## 4. Tied weights allow rotations only
#
# **Answer.** Tied, mixing by $M$ turns $W W^\top$ into $W M M^\top W^\top$. The columns of $W$ are independent, so the
# two are equal only if $M M^\top = I$. With any other $M$ the code would be stretched on the way in and once more on
# the way out. At the optimum $W$ has orthonormal columns, and a stretch by $c_i$ along the $i$-th adds $\frac12 \sum_i
# s_i (c_i^2 - 1)^2$.

# %%
W = V[:K].T  # an optimum
Q, _ = np.linalg.qr(rng.standard_normal((K, K)))
cost = {}
for name, M in {"none": np.eye(K), "rotation": Q, "stretch": np.diag(np.linspace(0.8, 1.3, K))}.items():
    dense = npae.Dense(64, K)
    tied = npae.Network([dense], [npae.Tied(dense)])
    dense.W = W @ M
    tied.decoder.layers[0].b = m - m @ W @ M @ M.T @ W.T
    cost[name] = tied.value(X)
same(cost["rotation"], cost["none"])
added = 0.5 * (s[:K] * (np.linspace(0.8, 1.3, K) ** 2 - 1) ** 2).sum()
more = cost["stretch"] - cost["none"]
print(f"a stretch adds {more:.4f}, by the formula within {same(more, added, 1e-11):.0e}")
assert cost["stretch"] > cost["none"]

# %% [markdown]
# ## 5. Weight decay
#
# **Answer.** Steps 2 to 4 change: the best encoder is no longer a projection's half, for it is cheaper to be short.
# Along one eigenvector, with $w$ in encoder and decoder alike, $\frac12 s (1 - w^2)^2 + \lambda w^2$ is least at $w^2 =
# 1 - \lambda/s$, or at $w = 0$ where $s \le \lambda$. The mixing is decided too, up to a rotation, and directions of
# small variance are dropped. $W_e = W_d^\top$.

# %%
lam = 0.01
W_e, W_d = linear_autoencoder_optimum(X, K, lam)
decayed = npae.Network([npae.Dense(64, K)], [npae.Dense(K, 64)], penalties=[npae.WeightDecay(lam)])
decayed.encoder.layers[0].W, decayed.decoder.layers[0].W = W_e, W_d
decayed.decoder.layers[0].b = m - m @ W_e @ W_d
decayed.value_and_grad(X)
squared = np.linalg.svd(W_d, compute_uv=False) ** 2
print(f"squared singular values {squared.round(3)}: {same(squared, 1 - lam / s[:K], 1e-10):.0e} from 1 - lambda / s")
print(f"largest entry of the gradient there: {np.abs(decayed.grad).max():.0e}")
assert np.abs(decayed.grad).max() < 1e-12 and same(W_e, W_d.T) < 1e-12

# %% [markdown]
# ## 6. A circle on a line
#
# **Answer.** No. $d(\theta) = f(\theta) - f(\theta + \pi)$ changes its sign on the way from $\theta$ to $\theta + \pi$,
# so a continuous $f$ gives some pair of opposite points the same code (Borsuk and Ulam), hence the same reconstruction
# $r$, and $\|x - r\| + \|{-x} - r\| \ge 2$: one of the two is off by a radius at least. With two numbers there is no
# gap: the identity is one such code.

# %%
encoder = [npae.Dense(2, 20, npae.Tanh(), rng=5), npae.Dense(20, 1, rng=6)]
curved = npae.Network(encoder, [npae.Dense(1, 20, npae.Tanh(), rng=7), npae.Dense(20, 2, rng=8)])


def point(angle):
    return np.array([[np.cos(angle), np.sin(angle)]])


def difference(angle):
    return (curved.encode(point(angle)) - curved.encode(point(angle + np.pi))).item()


low, high = 0.0, np.pi  # difference(pi) = -difference(0)
for _ in range(60):
    middle = (low + high) / 2
    low, high = (middle, high) if difference(middle) * difference(low) > 0 else (low, middle)
off = [np.linalg.norm(curved.reconstruct(x) - x) for x in (point(low), -point(low))]
print(f"opposite points with codes {abs(difference(low)):.0e} apart, sent {off[0]:.2f} and {off[1]:.2f} away")
assert abs(difference(low)) < 1e-12 and sum(off) >= 2 - 1e-9

# %% [markdown]
# ## 7. More linear layers
#
# **Answer.** Yes. A product of matrices is a matrix, and its rank is that of the narrowest. $W_1 W_2$ and $W_3 W_4$
# take the places of $W_e$ and $W_d$, every pair of which can be reached; so the optimum is the same subspace. Only
# descent sees another landscape, with more places where it is slow.

# %%
deep = fit([npae.Dense(64, 20, rng=1), npae.Dense(20, K, rng=2)], [npae.Dense(K, 20, rng=3), npae.Dense(20, 64, rng=4)])
comparison = compare_with_pca(deep, X)
print(f"64-20-10-20-64: largest angle to PCA {comparison.angles[-1]:.1e} rad, loss above PCA's {comparison.excess:.0e}")
assert comparison.angles[-1] < 0.02 and comparison.excess < 1e-4
