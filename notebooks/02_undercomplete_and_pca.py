# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. Undercomplete autoencoders and PCA
#
# An autoencoder is undercomplete if its code is smaller than its input. It cannot pass everything on, so it has to
# choose what matters most in the training data.
#
# When the decoder is linear and the loss is the squared error, the choice is known: the autoencoder learns to span the
# same subspace as PCA. This lesson trains one and measures the angle to PCA, shows what PCA fixes and the autoencoder
# leaves open, and then lets $f$ and $g$ bend.
#
# **You need:** lesson 1; eigenvectors of a symmetric matrix, and what PCA does.
#
# **You will learn:** why a linear autoencoder ends in PCA's subspace, what it does not determine, that it has no false
# minima, and what bending gains.
#
# **Time:** an hour, most of it for the derivation; the computer needs about 5 seconds.

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
import numpy as np

import npae
from npae import plots
from npae.experiments.claims import below, same
from npae.pca import compare_with_pca, linear_autoencoder_optimum
from npae.pca.theory import critical_points, linear_autoencoder_loss
from npae.plots.lessons import lines, reconstructed_points

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
X, X_test = digits.data[order[450:]], digits.data[order[:450]]
K = 10


def error(reconstruction, x):
    """1/2 ||x^ - x||^2, mean over the samples."""
    return 0.5 * ((reconstruction - x) ** 2).sum(axis=1).mean()


# %% [markdown]
# ## A linear autoencoder finds the subspace of PCA
#
# Two linear layers, random weights, the whole training set at once, and a learning rate that falls to zero. Every so
# often the decoder is compared with PCA: the $K$ principal angles between the subspace its rows span and the one that
# the first $K$ principal directions span. If the largest is zero, the subspaces are the same.

# %%
network = npae.Network([npae.Dense(64, K, rng=rng)], [npae.Dense(K, 64, rng=rng)])
n_steps = 2500
step = npae.Adam(npae.Cosine(0.03, n_steps)).start(network.theta)
trace = []
for t in range(n_steps + 1):
    if t % 50 == 0:
        comparison = compare_with_pca(network, X)
        trace.append((t, comparison.angles[-1], comparison.excess))
    network.value_and_grad(X)
    step(network.grad)
trace = np.array(trace)
print(comparison)
assert comparison.angles[-1] < 1e-2 and 0 <= comparison.excess < 1e-5

# %%
curves = {
    "largest angle to PCA, rad": (trace[:, 0], trace[:, 1]),
    "loss above PCA's, relative": (trace[:, 0], np.abs(trace[:, 2])),
}
lines(curves, xlabel="step", ylabel="", log="y")

# %% [markdown]
# The loss is settled long before the angle is: where two principal directions explain nearly the same variance, it
# costs next to nothing to confuse them. The tenth and the eleventh, one in and one out, are such a pair here.

# %%
variances = npae.PCA(64).fit(X).explained_variance_
t, angle, excess = trace[np.argmax(trace[:, 2] < 0.01)]
print(f"step {t:.0f}: loss within {excess:.1%} of PCA's, largest angle still {np.degrees(angle):.0f} degrees")
print(f"variances: 10th {variances[9]:.3f}, 11th {variances[10]:.3f}, of {variances.sum():.2f} altogether")
swap = (variances[9] - variances[10]) / 2 / comparison.pca_error  # what it costs to take the 11th for the 10th
print(f"a right angle between the two subspaces need not cost more than {swap:.1%} of the loss")
assert angle > 0.1 and swap < 0.05

# %% [markdown]
# ## The same subspace, not the same directions
#
# Mix the code by any invertible matrix $M$ and undo it in the decoder, $W_e M$ and $M^{-1} W_d$: the reconstruction is
# the same, hence so is the loss. Nothing in the objective prefers the principal directions. (With tied weights,
# $W_d = W_e^\top$, only rotations $M$ are left: $M^{-1} = M^\top$.)

# %%
mixed = network.astype(np.float64)  # an independent copy
M = rng.standard_normal((K, K))
W_e, W_d = mixed.encoder.layers[0], mixed.decoder.layers[0]
W_e.W, W_e.b = W_e.W @ M, W_e.b @ M
W_d.W = np.linalg.solve(M, W_d.W)

pca = npae.PCA(K).fit(X)
J, J_mixed = network.value(X), mixed.value(X)
print(f"loss {J:.10f}, after mixing {J_mixed:.10f}, PCA {error(pca.reconstruct(X), X):.10f}")
print(f"largest angle to PCA after mixing: {compare_with_pca(mixed, X).angles[-1]:.1e} rad")
assert abs(J - J_mixed) < 1e-9 * J and compare_with_pca(mixed, X).angles[-1] < 1e-2

# %% [markdown]
# What is equal is the subspace, and with it every reconstruction. What differs are the rows of the decoder that span
# it: none of them is a principal direction.

# %%
rows = network.decoder.layers[0].W
cosines = np.abs(rows @ pca.components_.T) / np.linalg.norm(rows, axis=1)[:, None]
print(f"|cos| of each decoder row with its nearest principal direction: {np.sort(cosines.max(axis=1)).round(2)}")
by_pca, by_network, by_mixed = (model.reconstruct(X) for model in (pca, network, mixed))
largest = max(np.abs(by_pca - by_network).max(), np.abs(by_pca - by_mixed).max())
print(f"reconstructions of the training images: no pixel of the three differs by more than {largest:.1e}")
assert cosines.max() < 0.9 and largest < 1e-2

# %%
plots.image_rows(
    {"input": X[:12], "PCA": by_pca[:12], "autoencoder": by_network[:12], "mixed": by_mixed[:12]},
    digits.image_shape,
)

# %%
plots.filters({"PCA": pca.components_.T, "linear autoencoder": rows.T}, digits.image_shape, n=K, n_columns=5)

# %% [markdown]
# PCA adds an order (by variance) and right angles. They can be read off any solution: the reconstructions $\hat X$
# vary most along the first principal direction, so an SVD of the centred $\hat X$ has the directions as its right
# singular vectors.

# %%
_, _, directions = np.linalg.svd(mixed.reconstruct(X) - X.mean(axis=0), full_matrices=False)
cosines = np.abs((directions[:K] * pca.components_).sum(axis=1))
print("|cos| of recovered and principal direction, in order:", cosines.round(8))
assert cosines.min() > 0.9999

# %% [markdown]
# ## Why PCA
#
# Five steps, each held against the package as it is made. $x_n$ is a row, $\hat x_n = (x_n W_e + b_e) W_d + b_d$, and
# $J = \frac{1}{2N} \sum_n \|\hat x_n - x_n\|^2$.
#
# **1. The biases do the centring.** $\partial J/\partial b_d = 0$ says that the mean of $\hat x$ is the mean $m$ of
# $x$, so $b_d = m - (m W_e + b_e) W_d$, whatever the rest is. With $M = W_e W_d$ this leaves
# $\hat x_n - x_n = -(x_n - m)(I - M)$, and with the covariance $S = \frac1N \sum_n (x_n - m)^\top (x_n - m)$
#
# $$J = \tfrac12 \mathrm{tr}\big[(I - M)^\top S\, (I - M)\big].$$
#
# The data have become one matrix. Its derivatives, by $dM = -S (I - M)$ and the chain rule:
#
# | forward | backward | in NumPy |
# |---|---|---|
# | $M = W_e W_d$ | $dW_e = dM\, W_d^\top$, $\;dW_d = W_e^\top dM$ | `dM @ W_d.T, W_e.T @ dM` |
# | $R = I - M$ | $dM = -dR$ | `-dR` |
# | $J = \frac12 \mathrm{tr}(R^\top S R)$ | $dR = S R$ | `S @ R` |

# %%
m, N = X.mean(axis=0), len(X)
S = (X - m).T @ (X - m) / N
other = npae.Network([npae.Dense(64, K, rng=1)], [npae.Dense(K, 64, rng=2)])

# %%
# derived: J and its gradient from the covariance alone
W_e, W_d = other.encoder.layers[0].W, other.decoder.layers[0].W
other.decoder.layers[0].b[:] = m - m @ W_e @ W_d
R = np.eye(64) - W_e @ W_d
dM = -S @ R
same(0.5 * np.trace(R.T @ S @ R), other.value_and_grad(X))
same(dM @ W_d.T, other.encoder.layers[0].dW)
print(f"dW_d by hand and by the network: {same(W_e.T @ dM, other.decoder.layers[0].dW):.0e} apart")

# %% [markdown]
# **2. The best encoder for a decoder.** For a fixed $W_d$ the best code of $x - m$ is found by least squares:
# $W_e = W_d^\top (W_d W_d^\top)^{-1}$. Then $M = W_d^\top (W_d W_d^\top)^{-1} W_d = P$, the orthogonal projector on
# the rows of $W_d$: $P^\top = P$, $P^2 = P$. Only the subspace has remained; the mixing is gone.
#
# **3. What is left to choose.** For a projector $(I - P)^\top S (I - P)$ has the trace
# $\mathrm{tr}\,S - \mathrm{tr}(P S)$, so
#
# $$J(P) = \tfrac12\, \mathrm{tr}\, S - \tfrac12\, \mathrm{tr}(P S),$$
#
# and least error is most variance kept.

# %%
# derived: the best encoder for the decoder of above, and J as a function of its subspace
W_best = W_d.T @ np.linalg.inv(W_d @ W_d.T)
P = W_best @ W_d
same(P @ P, P)
other.encoder.layers[0].W = W_best
other.decoder.layers[0].b[:] = m - m @ P
same(other.value_and_grad(X), 0.5 * np.trace(S) - 0.5 * np.trace(P @ S))
print(f"the encoder's gradient is zero: {np.abs(other.encoder.layers[0].dW).max():.0e}")
assert np.abs(other.encoder.layers[0].dW).max() < 1e-12

# %% [markdown]
# **4. The best subspace.** In the eigenvectors $v_i$ of $S$, with eigenvalues $s_1 \ge s_2 \ge \dots$, the trace is
# $\mathrm{tr}(PS) = \sum_i s_i c_i$ with $c_i = v_i P v_i^\top = \|v_i P\|^2$. A projector of rank $K$ has
# $0 \le c_i \le 1$ and $\sum_i c_i = K$: there are $K$ to give away, at most one to each. Most is kept by giving them
# to the largest eigenvalues. $P$ is then the projector on $v_1 \dots v_K$, PCA's, and
#
# $$J^* = \tfrac12 \sum_{i > K} s_i.$$

# %%
# derived: the shares c_i, and the least J, beside the package's optimum
s, V = np.linalg.eigh(S)
s, V = s[::-1], V[:, ::-1].T  # rows of V are directions, by falling variance
c = np.square(V @ P).sum(axis=1)
same(c.sum(), K)
same(s @ c, np.trace(P @ S))
assert c.min() > -1e-12 and c.max() < 1 + 1e-12
same(s[K:].sum() / 2, linear_autoencoder_loss(X, K))
W_e, W_d = linear_autoencoder_optimum(X, K)
print(f"PCA's projector beside the optimum's W_e W_d: {same(V[:K].T @ V[:K], W_e @ W_d):.0e} apart")

# %% [markdown]
# **5. No false minima.** Give the $K$ to any other set of eigenvectors, and the gradient is zero as well: in the
# eigenvectors $R$ and $S$ are diagonal, and $dM = -S R$ has no entry in the rows or columns that $W_e$ and $W_d$ use.
# But none of these points is a minimum. Turn a direction $v_i$ that is kept a little towards a $v_j$ that is left out
# with $s_j > s_i$: $\cos\theta\, v_i + \sin\theta\, v_j$ keeps $s_i \cos^2\theta + s_j \sin^2\theta$, more than $s_i$
# at once. Each such pair is a way down, and wherever the set is not the first $K$ there is one. So descent may be slow
# near a saddle, but it has nowhere false to end.

# %%
# derived: with one unit, the point that keeps direction i has J = (sum s - s_i) / 2, no gradient, and i ways down
points = sorted(critical_points(X, 1)[:5], key=lambda point: point.loss)
for i, point in enumerate(points):
    network_i = npae.Network([npae.Dense(64, 1)], [npae.Dense(1, 64)])
    network_i.encoder.layers[0].W, network_i.decoder.layers[0].W = V[i][:, None], V[i][None]
    network_i.decoder.layers[0].b = m - m @ np.outer(V[i], V[i])
    same(network_i.value_and_grad(X), (s.sum() - s[i]) / 2)
    same(point.loss, (s.sum() - s[i]) / 2)
    assert np.abs(network_i.grad).max() < 1e-12 and point.n_descent == i

# %% [markdown]
# ## A more powerful, nonlinear generalization
#
# A line is the best that PCA can do with one number per point. An autoencoder with nonlinear $f$ and $g$ can lay its
# one coordinate along a curve. The points lie on a circle.

# %%
circle = npae.datasets.make_circle(1000, noise=0.02, rng=0).data
curved = npae.Autoencoder(
    1,
    hidden_layer_sizes=(64, 64),
    activation=("relu", "relu", "identity"),
    optimizer=npae.Adam(5e-3),
    batch_size=64,
    max_iter=200,
    tol=0.0,
    random_state=2,
).fit(circle)
test = npae.datasets.make_circle(600, noise=0.02, rng=1).data
line = npae.PCA(1).fit(circle)
line_error, curve_error = (error(model.reconstruct(test), test) for model in (line, curved))
print(f"one number a point, held-out error: PCA {line_error:.4f}, nonlinear autoencoder {curve_error:.4f}")
print(below(8 * curve_error, line_error), "even eight times over")

# %%
figure, axes = plots.new_axes(8.4, 4.4, 1, 2)
reconstructed_points(test, line.reconstruct(test), title="PCA, K = 1", ax=axes[0])
reconstructed_points(test, curved.reconstruct(test), title="nonlinear autoencoder, K = 1", n_far=8, ax=axes[1])

# %% [markdown]
# Every $x$ is joined to its $\hat x$. The curve has two ends, for a code on a line cannot close, and $f$ is
# continuous: between the points that are sent to one end and those that are sent to the other, it runs through all the
# codes in between. A thin sector of the circle is spread over the whole curve, and somewhere in it a point is sent
# right across. Eight points that are sent farthest are ringed. On the circle without noise, with 20,000 points around
# it:

# %%
angle = np.linspace(0, 2 * np.pi, 20_000)
around = np.stack([np.cos(angle), np.sin(angle)], axis=1)
distance = np.linalg.norm(curved.reconstruct(around) - around, axis=1)
print(f"distance of x to x^: median {np.median(distance):.3f}, largest {distance.max():.2f}, twice the radius is 2")
print(f"{(distance > 0.5).mean():.2%} of the circle is sent farther than half a radius")
assert 0 < (distance > 0.5).mean() < 0.02 and distance.max() > 1.9

# %% [markdown]
# On the digits with a code of two numbers:

# %%
deep = npae.Autoencoder(
    2,
    hidden_layer_sizes=(128, 32),
    activation=("tanh", "tanh", "identity"),
    optimizer=npae.Adam(3e-3),
    max_iter=80,
    random_state=0,
).fit(X.astype(np.float32))
flat = npae.PCA(2).fit(X)
deep_error, flat_error = error(deep.reconstruct(X_test), X_test), error(flat.reconstruct(X_test), X_test)
print(f"two numbers an image, held-out error: PCA {flat_error:.3f}, deep autoencoder {deep_error:.3f}")
print(below(deep_error, flat_error))

# %%
plots.code_scatter(
    {"PCA": flat.transform(X_test), "deep autoencoder": deep.transform(X_test)}, digits.target[order[:450]]
)

# %% [markdown]
# What happens when the code is made wide instead of narrow is the subject of lesson 9.
#
# ## Questions
#
# Answers, with the code that checks them, are in `solutions/lesson_02.py`.
#
# 1. PCA's directions are unique (up to sign), the autoencoder's are not. When would you care?
# 2. Why does the loss say so little about the angle? What happens if two eigenvalues are equal?
# 3. On the training images the reconstructions of the autoencoder and of PCA agree to $10^{-2}$ in every pixel. On
#    held-out images some pixels differ ten times as much. Which ones, and why?
# 4. Tie the weights, $W_d = W_e^\top$. Which mixings $M$ of the code are left? Show that any other costs.
# 5. Add `penalties=[npae.WeightDecay(0.01)]` to the linear network. Which of the steps above changes, and what become
#    the squared singular values of the decoder?
# 6. On the circle, could a code of one number ever do without a gap? And with two numbers?
# 7. Give the linear network a second hidden layer in encoder and decoder. Does it still find the subspace?
#
# ## Sources
#
# * I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*](https://www.deeplearningbook.org), MIT Press 2016,
#   [section 14.1](https://www.deeplearningbook.org/contents/autoencoders.html).
# * H. Bourlard, Y. Kamp, [Auto-association by multilayer perceptrons and singular value
#   decomposition](https://doi.org/10.1007/BF00332918), *Biological Cybernetics* 59, 1988.
# * P. Baldi, K. Hornik, [Neural networks and principal component
#   analysis](https://doi.org/10.1016/0893-6080(89)90014-2), *Neural Networks* 2, 1989: the saddles.
# * D. Kunin et al., [Loss landscapes of regularized linear autoencoders](https://arxiv.org/abs/1901.08168), ICML 2019.
# * G. Hinton, R. Salakhutdinov, [Reducing the dimensionality of data with neural
#   networks](https://doi.org/10.1126/science.1127647), *Science* 313, 2006: deep codes of two numbers.
