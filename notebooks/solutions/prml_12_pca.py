# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Bishop (PRML), chapter 12: PCA
#
# Exercises on section 12.1 and 12.3 of Bishop, *Pattern Recognition and Machine Learning* (2006), each in words of
# our own, answered on paper and then in code that asserts the answer. $S$ is the covariance of the data with
# $\frac1N$, $u_i$ its eigenvectors, $\lambda_1 \ge \lambda_2 \ge \dots$ its eigenvalues. On paper a sample is a
# column, in the code a row.

# %%
from functools import partial

import numpy as np

import npae
from npae.pca.moments import Moments

close = partial(np.allclose, rtol=1e-10, atol=1e-12)
rng = np.random.default_rng(0)
digits = npae.datasets.load_digits().data
mean, S = digits.mean(axis=0), np.cov(digits.T, bias=True)
eigenvalues, U = np.linalg.eigh(S)
eigenvalues, U = eigenvalues[::-1], U[:, ::-1]  # descending; eigenvectors are columns

# %% [markdown]
# ## 1. Maximum variance, by induction
#
# *PRML, exercise 12.1.*
#
# **Question.** The first principal direction maximizes the variance $u^\top S u$ among unit vectors. Suppose that the
# best subspace of $M$ dimensions is spanned by $u_1, \dots, u_M$. Show that the unit vector orthogonal to these that
# adds most variance is $u_{M+1}$.
#
# **On paper.** Maximize $u^\top S u$ with multipliers for $u^\top u = 1$ and $u^\top u_i = 0$:
#
# $$\frac{\partial}{\partial u}\Big[u^\top S u + \lambda (1 - u^\top u) + \sum_{i \le M} \eta_i u^\top u_i\Big]
# = 2 S u - 2 \lambda u + \sum_i \eta_i u_i = 0 .$$
#
# Multiply by $u_j^\top$, $j \le M$: $2 u_j^\top S u = 2 \lambda_j u_j^\top u = 0$ and $u_j^\top u = 0$, so
# $\eta_j = 0$. What is left is $S u = \lambda u$: an eigenvector, orthogonal to the first $M$, whose variance is
# $u^\top S u = \lambda$. The largest available is $\lambda_{M+1}$. With $M = 0$ the same lines give the start of the
# induction.

# %%
M = 7
found = []
for _ in range(M):  # projected power iteration, one direction after another: it knows nothing of eigenvectors
    P = np.eye(64) - sum((np.outer(u, u) for u in found), np.zeros((64, 64)))
    u = P @ rng.standard_normal(64)
    for _ in range(3000):
        u = P @ (S @ u)
        u /= np.linalg.norm(u)
    found.append(u)
found = np.array(found)
variance = np.einsum("ij,jk,ik->i", found, S, found)
print("variance along each direction", variance.round(6))
assert np.allclose(variance, eigenvalues[:M], rtol=1e-8)
assert np.allclose(np.abs(np.sum(found * npae.PCA(M).fit(digits).components_, axis=1)), 1, atol=1e-8)
gradient = 2 * S @ found[-1] - 2 * variance[-1] * found[-1]
assert np.abs(found[:-1] @ gradient).max() < 1e-8  # the multipliers eta are zero

# %% [markdown]
# ## 2. Minimum error, with a whole matrix of multipliers
#
# *PRML, exercise 12.2.*
#
# **Question.** The error of leaving out $D - M$ orthonormal directions, the columns of $\hat U$, is
# $J = \mathrm{tr}\,\hat U^\top S \hat U$. Find all its stationary points under $\hat U^\top \hat U = I$, the value of
# $J$ there, and explain why a symmetric matrix of multipliers may be taken as diagonal.
#
# **On paper.** The constraint is symmetric, so its multipliers are a symmetric matrix $H$: $\tilde J =
# \mathrm{tr}\,\hat U^\top S \hat U + \mathrm{tr}\,H (I - \hat U^\top \hat U)$ is stationary where
#
# $$S \hat U = \hat U H .$$
#
# Eigenvectors with diagonal $H$ are one solution. For any other, write $H = \Psi L \Psi^\top$ with $L$ diagonal; then
# $S (\hat U \Psi) = (\hat U \Psi) L$, so $\hat U \Psi$ consists of eigenvectors: every solution is a rotation of
# eigenvectors inside one and the same subspace, and $J = \mathrm{tr}\,H = \mathrm{tr}\,L$ is the sum of their
# eigenvalues whatever the rotation. The least is reached by the $D - M$ smallest.

# %%
left = U[:, M:]
R = np.linalg.qr(rng.standard_normal((64 - M, 64 - M)))[0]
rotated = left @ R
H = rotated.T @ S @ rotated
print(f"J = {np.trace(H):.10f} for a rotation, sum of the smallest eigenvalues {eigenvalues[M:].sum():.10f}")
assert close(S @ rotated, rotated @ H) and np.abs(H - np.diag(np.diag(H))).max() > 1e-3  # H is not diagonal here
assert close(np.trace(H), eigenvalues[M:].sum())
assert close(np.linalg.eigvalsh(H)[::-1], eigenvalues[M:])
pca = npae.PCA(M).fit(digits)
assert np.isclose(((digits - pca.reconstruct(digits)) ** 2).sum(axis=1).mean(), np.trace(H), rtol=1e-10)
other = U[:, rng.permutation(64)[: 64 - M]]  # another stationary point: not the smallest ones
assert close(S @ other, other @ np.diag(np.diag(other.T @ S @ other))) and np.trace(other.T @ S @ other) > np.trace(H)

# %% [markdown]
# ## 3. More dimensions than data
#
# *PRML, exercise 12.3.*
#
# **Question.** With $N < D$ one takes the eigenvectors $v_i$ of the small matrix $\frac1N X X^\top$, $X$ being the
# centred data in rows, and forms $u_i = (N \lambda_i)^{-1/2} X^\top v_i$. Show that $u_i$ is an eigenvector of $S$
# and of unit length if $v_i$ is.
#
# **On paper.** From $\frac1N X X^\top v_i = \lambda_i v_i$, multiplied by $X^\top$ from the left:
# $S (X^\top v_i) = \lambda_i (X^\top v_i)$. And
#
# $$\|u_i\|^2 = \frac{1}{N \lambda_i}\, v_i^\top X X^\top v_i = \frac{1}{N\lambda_i}\, N \lambda_i\,
# v_i^\top v_i = 1 .$$

# %%
few = digits[:20] - digits[:20].mean(axis=0)
N = len(few)
small, v = np.linalg.eigh(few @ few.T / N)
small, v = small[::-1][: N - 1], v[:, ::-1][:, : N - 1]  # centred: the last eigenvalue is zero
u = few.T @ v / np.sqrt(N * small)
S_few = few.T @ few / N
assert close(u.T @ u, np.eye(N - 1)) and close(S_few @ u, u * small)
pca = npae.PCA(N - 1, maximum_likelihood=True).fit(digits[:20])
print("eigenvalues by the 20 x 20 matrix", small[:4], " npae.PCA", pca.explained_variance_[:4])
assert close(pca.explained_variance_, small) and np.allclose(np.abs((u.T * pca.components_).sum(axis=1)), 1, atol=1e-8)

# %% [markdown]
# ## 4. Least squares in turn: EM without probabilities
#
# *PRML, exercise 12.17.*
#
# **Question.** The columns of a $(D, M)$ matrix $W$ span a plane, and $z_n$ are the coordinates of the approximation
# $x_n \approx W z_n + \mu$. Minimize $J = \sum_n \|x_n - \mu - W z_n\|^2$ in turn over $\mu$, over the $z_n$, and
# over $W$. Where does this lead, and what do the two steps look like?
#
# **On paper.** $\mu$: $\mu = \bar x - W \bar z$. Put in, everything is in terms of $x_n - \bar x$ and $z_n - \bar z$,
# so let the data be centred and $\bar z = 0$, $\mu = \bar x$. For fixed $W$ each $z_n$ is a least-squares problem,
# for fixed $Z$ all rows of $W$ are. With samples in rows of $X$ and $Z$,
#
# $$Z = X W (W^\top W)^{-1}, \qquad W = X^\top Z (Z^\top Z)^{-1} .$$
#
# These are the E and the M step of probabilistic PCA at $\sigma^2 = 0$. Neither raises $J$, and
# $J \ge \sum_{i>M} N \lambda_i$. Eliminating $Z$ shows what happens: $W \leftarrow S W (\dots)$, a power iteration on
# subspaces, which converges to the leading one unless it starts orthogonal to it.

# %%
X = Moments(np.zeros(64), S, 0).sample()  # 65 points with the covariance of the digits: J knows no more of them
W = rng.standard_normal((64, M))
values = []
for _ in range(300):
    Z = X @ W @ np.linalg.inv(W.T @ W)
    values.append(((X - Z @ W.T) ** 2).sum() / len(X))
    W = X.T @ Z @ np.linalg.inv(Z.T @ Z)
    values.append(((X - Z @ W.T) ** 2).sum() / len(X))
angle = npae.pca.principal_angles(W, U[:, :M])[-1]
print(
    f"J/N falls from {values[0]:.3f} to {values[-1]:.10f}, bound {eigenvalues[M:].sum():.10f}; angle to PCA {angle:.1e}"
)
assert (np.diff(values) < 1e-12).all() and np.isclose(values[-1], eigenvalues[M:].sum(), rtol=1e-10) and angle < 1e-6

# %% [markdown]
# ## 5. Kernel PCA with a linear kernel
#
# *PRML, exercise 12.27.*
#
# **Question.** Kernel PCA finds vectors $a_i$ of length $N$ with $\tilde K a_i = N \lambda_i a_i$, normalized by
# $N \lambda_i\, a_i^\top a_i = 1$, and projects by $y_i(x) = \sum_n a_{in}\, k(x, x_n)$. Show that
# $k(x, x') = x^\top x'$ gives back PCA.
#
# **On paper.** With centred data in rows of $X$, $\tilde K = X X^\top$ (centring the Gram matrix with
# $1 - \frac1N \mathbb 1 \mathbb 1^\top$ on both sides is centring the data). So $a_i$ is the eigenvector of exercise
# 12.3, $u_i = X^\top a_i$ an eigenvector of $S$, and the normalization makes it a unit vector: $u_i^\top u_i =
# a_i^\top X X^\top a_i = N \lambda_i\, a_i^\top a_i = 1$. Then
#
# $$y_i(x) = \sum_n a_{in}\, x^\top x_n = x^\top X^\top a_i = x^\top u_i ,$$
#
# the projection on the principal direction.

# %%
some = digits[:200]
N = len(some)
K = some @ some.T
centring = np.eye(N) - 1 / N
K_tilde = centring @ K @ centring
centred = some - some.mean(axis=0)
assert close(K_tilde, centred @ centred.T)
n_lambda, a = np.linalg.eigh(K_tilde)
n_lambda, a = n_lambda[::-1][:M], a[:, ::-1][:, :M]
a /= np.sqrt(n_lambda)
y = K_tilde @ a
projections = npae.PCA(M).fit(some).transform(some)
print("largest difference to PCA, up to signs:", np.abs(np.abs(y) - np.abs(projections)).max())
assert np.allclose(np.abs(y), np.abs(projections), atol=1e-9)
assert np.allclose((y * projections).sum(axis=0) ** 2, (y**2).sum(axis=0) ** 2, rtol=1e-9)  # one sign a component

# %% [markdown]
# ## 6. Uncorrelated is not independent
#
# *PRML, exercise 12.29.*
#
# **Question.** $y_1$ has a density symmetric about zero, and $y_2 = y_1^2$. Are they independent? What does their
# covariance say, and what does that mean for PCA as a way to find independent parts?
#
# **On paper.** $p(y_2 \mid y_1)$ is a point mass at $y_1^2$ and depends on $y_1$ as strongly as anything can. Yet
#
# $$\mathrm{Cov}[y_1, y_2] = E[y_1^3] - E[y_1]\,E[y_1^2] = 0 ,$$
#
# both by symmetry. PCA sees the covariance alone, which is diagonal: it takes the axes for its directions and reports
# two unrelated coordinates. The data lie on a curve of one dimension.

# %%
half = rng.standard_normal(500)
y1 = np.concatenate([half, -half])  # exactly symmetric
data = np.stack([y1, y1**2], axis=1)
C = np.cov(data.T, bias=True)
pca = npae.PCA(2).fit(data)
print(f"covariance {C[0, 1]:.1e}, correlation of y_1^2 and y_2: {np.corrcoef(y1**2, data[:, 1])[0, 1]:.3f}")
assert abs(C[0, 1]) < 1e-12 and np.isclose(np.corrcoef(y1**2, data[:, 1])[0, 1], 1)
assert np.allclose(np.sort(np.abs(pca.components_), axis=None), [0, 0, 1, 1], atol=1e-9)
line = npae.PCA(1).fit(data)
lost = ((data - line.reconstruct(data)) ** 2).sum(axis=1).mean()
code = data[:, :1]  # an autoencoder that may bend: f(x) = x_1, g(h) = (h, h^2)
bent = np.concatenate([code, code**2], axis=1)
print(f"with one number a point: PCA loses {lost:.3f}, the curve {((data - bent) ** 2).sum():.1f}")
assert np.isclose(lost, np.diag(C).min()) and np.isclose(((data - bent) ** 2).sum(), 0)
