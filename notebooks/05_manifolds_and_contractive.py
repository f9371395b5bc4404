# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5. Manifolds and contractive autoencoders
#
# Data with $D$ numbers a sample seldom fill all $D$ dimensions. They lie near a manifold of few dimensions $d$, and an
# important characterization of a manifold is the set of its tangent planes: at each point, $d$ directions along which
# one may move and stay on the manifold.
#
# A contractive autoencoder adds the squared derivative of the code to the objective,
#
# $$\Omega(h) = \frac\lambda N \sum_n \Big\|\frac{\partial f(x_n)}{\partial x}\Big\|_F^2.$$
#
# The penalty wants the code not to move at all when $x$ moves. The reconstruction needs it to move along the data.
# What is left are the directions that the data need: the tangent plane. Here the manifolds are known exactly, so this
# can be measured.
#
# **You need:** lessons 1 and 4; Jacobians and singular values.
#
# **You will learn:** the penalty and its gradient, for one layer and for a deep encoder; how tangent planes are read
# off a trained encoder, and how good they are; what contraction does to digits, beside noise and beside PCA.
#
# **Time:** 75 minutes; the computer needs about 13 seconds.

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import manifold, plots
from npae.experiments.claims import below, same
from npae.experiments.family import error
from npae.experiments.manifolds import motion_angles
from npae.plots.lessons import histograms, lines
from npae.plots.manifolds import tangent_images, tangents_on_curve, tangents_on_surface

# %% [markdown]
# ## The penalty and its gradient
#
# **One layer.** $h_k = \varphi(a_k)$ with $a = x W + b$, so $\partial h_k/\partial x_d = \varphi'(a_k) W_{dk}$: each
# unit contributes its weights, scaled by its slope. The sum of squares falls apart into two factors,
#
# $$\Omega = \frac\lambda N \sum_n \sum_k s_{nk}^2\, w_k, \qquad s_{nk} = \varphi'(a_{nk}), \quad
# w_k = \sum_d W_{dk}^2,$$
#
# and no Jacobian is ever formed. It depends on the weights twice, through $w$ and, because $a = xW + b$, through $s$;
# with $c = 2\lambda/N$,
#
# | forward | backward | in NumPy |
# |---|---|---|
# | $w_k = \sum_d W_{dk}^2$ | $dW_{dk}$ gains $c\, (\sum_n s_{nk}^2)\, W_{dk}$ | `c * (s**2).sum(axis=0) * W` |
# | $s = \varphi'(a)$ | $da_{nk}$ gains $c\, w_k\, s_{nk}\, \varphi''(a_{nk})$ | `c * w * s * ddphi` |
#
# and $da$ flows on into $dW = x^\top da$ and $db$ as always. For the sigmoid $\varphi' = h (1 - h)$ and
# $\varphi'' = \varphi' (1 - 2h)$. In the package this is `Contractive` in `npae/objective/penalties.py`. Leaving out
# the second row, as if the slopes did not depend on the weights, is a mistake that trains without complaint; so is
# losing the 2.

# %%
rng, lam = np.random.default_rng(0), 0.3
x, N = rng.standard_normal((6, 5)), 6


def by_the_package(layers):
    """Omega and the gradients of all weights, with no loss beside it."""
    stack, penalty = npae.Stack(layers), npae.Contractive(lam)
    h = stack.forward(x)
    value = penalty(stack)
    stack.backward(np.zeros_like(h))
    return value, [layer.dW for layer in layers], [layer.db for layer in layers]


first = npae.Dense(5, 4, npae.Sigmoid(), rng=1)
first.b[:] = rng.standard_normal(4)
value, (their_dW,), (their_db,) = by_the_package([first])

# %%
# derived: the contraction of one layer and its gradient
W, h = first.W, 1 / (1 + np.exp(-(x @ first.W + first.b)))
s, w = h * (1 - h), (W**2).sum(axis=0)
same(lam / N * (s**2 * w).sum(), value)
da = 2 * lam / N * w * s * (s * (1 - 2 * h))
same(da.sum(axis=0), their_db)
apart = same(x.T @ da + 2 * lam / N * (s**2).sum(axis=0) * W, their_dW)
print(f"dW by hand and by the package: {apart:.0e} apart")

# %% [markdown]
# **Two layers, and more.** By the chain rule the Jacobian of sample $n$ is a product, one factor a layer,
# $M_n = A_n B_n$ with $A_n = W_1 S_n^{(1)}$, $B_n = W_2 S_n^{(2)}$ and $S_n = \mathrm{diag}(s_n)$: columns of $W$
# scaled by slopes (here $M_n$ is $\partial h/\partial x$ with inputs as rows, the transpose of $J$).
# $\Omega = \frac\lambda N \sum_n \|M_n\|^2$, and backward goes through the same product:
#
# | forward | backward |
# |---|---|
# | $\Omega = \frac\lambda N \sum_n \lVert M_n\rVert^2$ | $dM_n = 2 \frac\lambda N M_n$ |
# | $M_n = A_n B_n$ | $dA_n = dM_n B_n^\top$, $\;dB_n = A_n^\top dM_n$ |
# | $A_n = W_1 S_n$ | $dW_1$ gains $\sum_n dA_n S_n$, $\;ds_{nk} = \sum_d dA_{ndk} W_{dk}$ |
# | $s_n = \varphi'(a_n)$ | $da_n$ gains $ds_n\, \varphi''(a_n)$ |
#
# The last two rows hold for every layer; then each $da$ goes down through the layers below, as in lesson 1. With the
# arrays $A_n$ for all samples this takes a few lines. (The package never forms $M$, an array of $N D K$ numbers: with
# $G = W_1^\top W_1$, $\|M_n\|^2 = \langle C_n, G C_n\rangle$ for $C_n = S_n^{(1)} W_2 S_n^{(2)}$, which is not $D$
# wide.)

# %%
second = npae.Dense(4, 3, npae.Tanh(), rng=2)
second.b[:] = rng.standard_normal(3)
value, (their_dW1, their_dW2), (their_db1, _) = by_the_package([first, second])
W1, W2, h1 = first.W, second.W, h
h2 = np.tanh(h1 @ W2 + second.b)
s1, s2 = h1 * (1 - h1), 1 - h2**2

# %%
# derived: the contraction of two layers and its gradient, by the product of their Jacobians
A, B = W1 * s1[:, None], W2 * s2[:, None]  # (N, D, K1), (N, K1, K2)
M = A @ B
same(lam / N * (M**2).sum(), value)
dA, dB = 2 * lam / N * M @ B.transpose(0, 2, 1), A.transpose(0, 2, 1) @ (2 * lam / N * M)
da2 = (dB * W2).sum(axis=1) * -2 * h2 * s2  # tanh'' = -2 h (1 - h^2)
da1 = (dA * W1).sum(axis=1) * s1 * (1 - 2 * h1) + da2 @ W2.T * s1
same(h1.T @ da2 + (dB * s2[:, None]).sum(axis=0), their_dW2)
same(da1.sum(axis=0), their_db1)
apart = same(x.T @ da1 + (dA * s1[:, None]).sum(axis=0), their_dW1)
print(f"dW of the first layer by hand and by the package: {apart:.0e} apart")

# %% [markdown]
# ## A circle and a sphere in twenty dimensions
#
# Each is turned at random into $\mathbb R^{20}$, with noise in all of them, of 2 % of its extent. The same network is
# trained without and with the penalty. Its weights are tied: otherwise the encoder could shrink, the decoder grow, and
# the penalty vanish while nothing is contracted.

# %%
data = {
    "circle": npae.datasets.make_circle(1600, noise=0.02, n_features=20, rng=0),
    "sphere": npae.datasets.make_sphere(1600, noise=0.02, n_features=20, rng=0),
}
penalties = {"plain": [], "contractive": [npae.Contractive(0.015)]}
models = {
    (shape, name): npae.Autoencoder(
        20,
        hidden_layer_sizes=(64,),
        activation="tanh",
        tied=True,
        penalties=penalty,
        optimizer=npae.Adam(1e-2),
        max_iter=150,
        n_iter_no_change=150,
        random_state=0,
    ).fit(each.data[400:].astype(np.float32))
    for shape, each in data.items()
    for name, penalty in penalties.items()
}
held_out = {shape: each.subset(slice(400)) for shape, each in data.items()}

# %% [markdown]
# The code's derivative is the Jacobian $J(x)$, with $J_{kd} = \partial h_k / \partial x_d$. Does $\|J\|_F$ fall, and
# does the code contract: how far do two codes lie apart, for two inputs that lie a distance $r = 0.1$ apart?

# %%
norms, ratios = {}, {}
for (shape, name), model in models.items():
    x = held_out[shape].data
    norms[shape, name] = np.linalg.norm(manifold.jacobian(model, x), axis=(1, 2)).mean()
    ratios[shape, name] = manifold.contraction_ratio(model, x, [0.1], rng=0)[0]
    print(
        f"{shape}, {name:<12} mean ||J||_F {norms[shape, name]:.2f}, "
        f"distance of codes / distance of inputs {ratios[shape, name]:.2f}"
    )
for shape in data:
    for measure, numbers in (("||J||_F", norms), ("contraction ratio", ratios)):
        print(
            f"{shape}, three times the {measure}: {below(3 * numbers[shape, 'contractive'], numbers[shape, 'plain'])}"
        )

# %% [markdown]
# ## As many large singular values as dimensions
#
# The singular values of $J$ say how much the code answers to each of $D$ perpendicular directions of the input. The
# plain autoencoder answers to all of them alike, for copying noise pays too. The contractive one answers to one
# direction on the circle and two on the sphere.

# %%
spectra = {
    (shape, name): manifold.singular_values(model, held_out[shape].data).mean(axis=0)
    for (shape, name), model in models.items()
}
figure, axes = plots.new_axes(9.0, 3.4, 1, 2)
for axis, shape in zip(axes, data):
    curves = {name: (np.arange(1, 21), spectra[shape, name]) for name in penalties}
    lines(
        curves, xlabel="singular value, by rank", ylabel="mean over held-out points", log="y", markers=True,
        title=shape, ax=axis,
    )  # fmt: skip
display(figure)

for shape, each in held_out.items():
    d = each.tangents.shape[1]
    ratio = {name: spectra[shape, name][d - 1] / spectra[shape, name][d] for name in penalties}
    print(f"{shape}: singular value {d} over singular value {d + 1}, plain {ratio['plain']:.2f}, "
          f"contractive {ratio['contractive']:.1f}")  # fmt: skip
    assert ratio["contractive"] > 4 > 1.5 > ratio["plain"]

# %% [markdown]
# ## The tangent planes
#
# The right singular vectors of the $d$ largest singular values span the learnt tangent plane. Its largest angle to the
# true one, on held-out points, beside local PCA: the $d$ principal directions of the nearest training points, with the
# number of neighbours that turns out best.

# %%
angles = {}
for shape, each in held_out.items():
    d, train = each.tangents.shape[1], data[shape].data[400:]
    learnt = {name: manifold.tangent_space(models[shape, name], each.data, d) for name in penalties}
    for name, T in learnt.items():
        angles[shape, name] = np.degrees(np.median(manifold.tangent_angles(T, each.tangents)))
    local = [manifold.local_pca(train, each.data, k, d) for k in (10, 20, 40, 80, 160, 320)]
    angles[shape, "local PCA"] = min(np.degrees(np.median(manifold.tangent_angles(T, each.tangents))) for T in local)
    print(shape, {name: f"{angles[shape, name]:.1f} degrees" for name in (*learnt, "local PCA")})
    print(below(angles[shape, "local PCA"], angles[shape, "contractive"]), "and", end=" ")
    print(below(5 * angles[shape, "contractive"], angles[shape, "plain"]), "even five times over")

# %% [markdown]
# Local PCA is better here, with hundreds of samples a dimension; but it is no map, and it has to keep all of them.
# (The page that `npae demo` writes shows smaller angles for the contractive autoencoder than this lesson. It trains a
# deeper encoder on more points, for longer. Question 4 asks which of these it is.)
#
# Two pictures, in the plane of the circle and in the space of the sphere. A stroke, a square, is a piece of a learnt
# tangent plane. What leaves the plane looks shorter: little is left of the plain autoencoder's, and that points
# anywhere.

# %%
figure, axes = plots.new_axes(9.0, 4.6, 1, 2)
each = held_out["circle"]
order = np.argsort(each.target[:, 0])[::18]  # every 18th point along the circle
for axis, name in zip(axes, penalties):
    T = manifold.tangent_space(models["circle", name], each.data[order], 1)
    title = f"{name}: {angles['circle', name]:.1f} degrees"
    tangents_on_curve(each.clean[order], T, each.tangents[order], each.embedding, title=title, ax=axis)
display(figure)

# %%
figure = plots.new_figure(9.0, 4.2)
each = held_out["sphere"]
towards_reader = np.array([0.68, -0.59, 0.42]) @ each.embedding
front = []  # points that face the reader, not too close to one another
for i in np.flatnonzero(each.clean @ towards_reader > 0.3):
    if all(np.linalg.norm(each.clean[i] - each.clean[j]) > 0.3 for j in front):
        front.append(i)
for i, name in enumerate(penalties, start=1):
    T = manifold.tangent_space(models["sphere", name], each.data[front], 2)
    off = manifold.tangent_angles(T, each.tangents[front])
    axis = figure.add_subplot(1, 2, i, projection="3d")
    title = f"{name}: {angles['sphere', name]:.1f} degrees"
    tangents_on_surface(each.clean[front], T, each.embedding, off, view=(25, -41), title=title, ax=axis)
display(figure)

# %% [markdown]
# ## Digits
#
# Nobody knows the manifold of the digits, but some of its tangents are known: an image moved a little to the right,
# moved down, or turned, is an image of the same digit. How much of such a motion lies in the learnt tangent plane? The
# measure is the angle between the motion and the plane of the six strongest tangents, median over held-out images,
# mean over the three motions. A direction at random, in which no digit moves, and PCA's first six directions, one
# plane for all images, are the yardsticks.
#
# Contraction and noise are trained at several strengths. A model that reconstructs badly is no opponent, so the angles
# are drawn against the error.

# %%
digits = npae.datasets.load_digits()
order = np.random.default_rng(0).permutation(len(digits))
X, X_test = digits.data[order[450:]].astype(np.float32), digits.data[order[:450]].astype(np.float32)
six = npae.PCA(6).fit(X).components_
motions = npae.datasets.transform_tangents(X_test, digits.image_shape)  # (N, 3, 64): right, down, turned
by_pca = np.broadcast_to(six, (200, *six.shape))
pca_angle = np.mean([np.median(np.degrees(manifold.tangent_angles(by_pca, motions[:200, [i]]))) for i in range(3)])


def train(seed=0, **kind):
    """64 tied sigmoid units on the digits, 60 epochs."""
    adam = npae.Adam(npae.Cosine(2e-2, 60 * 11))
    common = {"output_activation": "sigmoid", "tied": True, "max_iter": 60, "n_iter_no_change": 60}
    return npae.Autoencoder(64, optimizer=adam, random_state=seed, **common, **kind).fit(X)


def measure(model):
    """Held-out error, mean angle of the three motions, angle of a random direction, mean ||J||_F."""
    *moved, at_random = motion_angles(model, X_test[:200], digits.image_shape, 6).values()
    norm = np.linalg.norm(manifold.jacobian(model, X_test[:200]), axis=(1, 2)).mean()
    return error(model.reconstruct(X_test), X_test), np.mean(moved), at_random, norm


plain = train()
contractive = {lam: train(penalties=[npae.Contractive(lam)]) for lam in (0.005, 0.02, 0.1, 0.5)}
denoising = {sigma: train(corruption=npae.GaussianNoise(sigma)) for sigma in (0.1, 0.3, 0.5)}
found = {"plain": {0: measure(plain)}}
found["contractive"] = {lam: measure(model) for lam, model in contractive.items()}
found["denoising"] = {sigma: measure(model) for sigma, model in denoising.items()}
for name, row in found.items():
    for strength, (held_out_error, moved, at_random, norm) in row.items():
        print(f"{name:<12} {strength:<6g} error {held_out_error:.3f}, motions {moved:.1f} degrees, "
              f"random direction {at_random:.1f}, ||J||_F {norm:.2f}")  # fmt: skip
print(f"PCA's first six directions: motions {pca_angle:.1f} degrees")

# %%
lines(
    {name: np.array(list(row.values()))[:, :2].T for name, row in found.items()},
    xlabel="held-out error", ylabel="angle of motions, degrees", log="x", markers=True,
    reference=("PCA, one plane for all images", pca_angle),
)  # fmt: skip

# %% [markdown]
# Contraction turns the tangents towards the motions, up to a strength; beyond it the code no longer holds the image,
# and the tangents go with it. Whether it does better than noise is a question of strength: the contractive autoencoder
# with $\lambda = 0.5$ is beaten by the denoising one with $\sigma = 0.3$. But with $\lambda = 0.02$ it has no larger
# an error, and then its angles are a little smaller. The difference is small, so it is asked of five starts.

# %%
(error_c, angle_c, _, norm_c), (error_d, angle_d, _, norm_d) = (
    np.transpose([first, *(measure(train(seed, **kind)) for seed in range(1, 5))])
    for first, kind in (
        (found["contractive"][0.02], {"penalties": [npae.Contractive(0.02)]}),
        (found["denoising"][0.3], {"corruption": npae.GaussianNoise(0.3)}),
    )
)
print(f"angle, lambda 0.02 against plain: {below(found['contractive'][0.02][1], found['plain'][0][1])}")
print(f"angle, lambda 0.02 against 0.5:   {below(found['contractive'][0.02][1], found['contractive'][0.5][1])}")
print(f"angle, sigma 0.3 against lambda 0.5:  {below(found['denoising'][0.3][1], found['contractive'][0.5][1])}")
print(f"error, lambda 0.02 against sigma 0.3: {below(error_c, error_d)}")
print(f"angle, lambda 0.02 against sigma 0.3: {below(angle_c, angle_d)}")
print(f"norm,  lambda 0.02 against sigma 0.3: {below(norm_c, norm_d)}")
assert all(at_random > 70 for row in found.values() for _, _, at_random, _ in row.values())
assert abs(angle_c.mean() - pca_angle) < 2

# %% [markdown]
# And PCA's plane, the same for every image, is as good. The learnt planes of one layer of sigmoids hardly turn with
# the image: they are spanned by the same columns of $W$, only in other proportions. A deeper encoder alone
# does not change that (question 5).
#
# How the code answers to a move of any size:

# %%
family = {"plain": plain, "denoising": denoising[0.3], "contractive": contractive[0.02]}
radii = np.array([0.1, 0.3, 1.0, 2.0, 3.0])
spectra = {name: (np.arange(1, 65), manifold.singular_values(m, X_test).mean(axis=0)) for name, m in family.items()}
ratios = {name: (radii, manifold.contraction_ratio(m, X_test[:200], radii, rng=0)) for name, m in family.items()}
figure, (left, right) = plots.new_axes(9.0, 3.4, 1, 2)
lines(spectra, xlabel="singular value, by rank", ylabel="mean over held-out images", log="y", ax=left)
lines(
    ratios, xlabel="distance $r$ of the inputs", ylabel="distance of the codes / $r$", log="x", markers=True, ax=right
)
right.set_ylim(0, 1)
display(figure)

near = {name: ratio[0] for name, (_, ratio) in ratios.items()}
print(f"close by, contractive against denoising: {below(near['contractive'], near['denoising'])}")
print(f"close by, denoising against plain:       {below(near['denoising'], near['plain'])}")
assert all((ratio[1] < 1).all() for ratio in ratios.values())

# %% [markdown]
# Which strokes may move? The three leading tangents at ten images, above the three motions. Dark is more ink, light is
# less, mid-grey no change.

# %%
labels = digits.target[order[:450]]
chosen = [int(np.flatnonzero(labels == k)[0]) for k in range(10)]
T = manifold.tangent_space(family["contractive"], X_test, 6)  # (N, 6, 64), orthonormal rows
true = {name: motions[chosen, i : i + 1] for i, name in enumerate(("right", "down", "turned"))}
tangent_images(X_test[chosen], {"tangent": T[chosen, :3], **true}, digits.image_shape)

# %% [markdown]
# None of these motions lies in the learnt plane; how near it comes differs from image to image.

# %%
off = {
    name: np.degrees(manifold.tangent_angles(T, motions[:, [i]])) for i, name in enumerate(("right", "down", "turned"))
}
random = np.random.default_rng(0).standard_normal((len(X_test), 1, 64))
off["random direction"] = np.degrees(manifold.tangent_angles(T, random))
histograms(off, np.arange(15, 92, 3), xlabel="angle to the learnt tangent plane, degrees", ylabel="share of the images")

# %%
for name in true:
    print(f"{name}: {below(np.median(off[name]), np.median(off['random direction']))}, below 30 degrees: "
          f"{(off[name] < 30).mean():.1%} of the images")  # fmt: skip
    assert (off[name] < 30).mean() < 0.02

# %% [markdown]
# ## Questions
#
# Answers, with the code that checks them, are in `solutions/lesson_05.py`.
#
# 1. What would the penalty do alone, without a reconstruction error? And the error without the penalty?
# 2. Why are the weights tied here? Write down an encoder and a decoder that have the penalty as small as you like and
#    the same reconstruction.
# 3. A denoising autoencoder is told to ignore noise, a contractive one to ignore small moves. Which of the two shows
#    in the curve of the digits at a distance of 3?
# 4. The page of `npae demo` reports smaller angles for the circle and the sphere than this lesson. It trains
#    `npae.experiments.manifolds.manifold_network` on 20,000 points. Give that network the lesson's 1,200. Is it the
#    data or the network?
# 5. Give the contractive autoencoder of the digits a hidden layer of 128 tanh units and a linear code of 32. How near
#    do the motions come to its tangent planes?
# 6. Draw the angle on the circle against $\lambda$. Why is there a best value?
# 7. Walk: begin at a digit, step along a tangent, reconstruct, and repeat (`npae.manifold.walk`). How far are the
#    points from real turned images, and how far is a straight line that begins alike?
#
# ## Sources
#
# * I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*](https://www.deeplearningbook.org), MIT Press 2016,
#   [sections 14.6 and 14.7](https://www.deeplearningbook.org/contents/autoencoders.html).
# * S. Rifai et al., [Contractive auto-encoders: explicit invariance during feature
#   extraction](https://icml.cc/2011/papers/455_icmlpaper.pdf), ICML 2011.
# * S. Rifai et al., [The manifold tangent
#   classifier](https://papers.nips.cc/paper/4409-the-manifold-tangent-classifier), NIPS 2011: singular values and
#   tangents.
# * P. Simard et al., [Tangent
# Prop](https://papers.nips.cc/paper/536-tangent-prop-a-formalism-for-specifying-selected-invariances-in-an-adaptive-network),
# NIPS 1991: tangents of moved images.
