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

# %%
# %matplotlib inline
import numpy as np
from IPython.display import display
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

import npae
from npae import manifold, plots


def error(reconstruction, x):
    """1/2 ||x^ - x||^2, mean over the samples."""
    return 0.5 * ((reconstruction - x) ** 2).sum(axis=1).mean()


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
penalties = {"plain": [], "contractive": [npae.Contractive(0.01)]}
models = {
    (shape, name): npae.Autoencoder(
        20,
        hidden_layer_sizes=(64,),
        activation="tanh",
        tied=True,
        penalties=penalty,
        optimizer=npae.Adam(1e-2),
        max_iter=150,
        tol=0.0,
        random_state=0,
    ).fit(each.data[400:])
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
    assert norms[shape, "contractive"] < norms[shape, "plain"] / 3
    assert ratios[shape, "contractive"] < ratios[shape, "plain"] / 3

# %% [markdown]
# ## As many large singular values as dimensions
#
# The singular values of $J$ say how much the code answers to each of $D$ perpendicular directions of the input. The
# plain autoencoder answers to all of them alike, for copying noise pays too. The contractive one answers to one
# direction on the circle and two on the sphere.

# %%
figure = plots.new_figure(9.0, 3.4)
for axis, (shape, each) in zip(figure.subplots(1, 2, sharey=True), held_out.items()):
    for style, marker, name in zip(plots.STYLES, "os", penalties):
        sigma = manifold.singular_values(models[shape, name], each.data).mean(axis=0)
        axis.semilogy(np.arange(1, 21), sigma, marker=marker, markersize=4, label=name, **style)
    axis.set(title=shape, xlabel="singular value, by rank", xticks=[1, 2, 5, 10, 15, 20])
    axis.spines[["top", "right"]].set_visible(False)
figure.axes[0].set_ylabel("mean over held-out points")
figure.axes[0].legend(frameon=False)
display(figure)

gaps = {}
for (shape, name), model in models.items():
    d = held_out[shape].tangents.shape[1]
    sigma = manifold.singular_values(model, held_out[shape].data).mean(axis=0)
    gaps[shape, name] = sigma[d - 1] / sigma[d]
    print(f"{shape}, {name:<12} singular value {d} is {gaps[shape, name]:4.1f} times singular value {d + 1}")
assert min(gaps[shape, "contractive"] for shape in data) > 4 > 1.5 > max(gaps[shape, "plain"] for shape in data)

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
    assert angles[shape, "contractive"] < 12 and angles[shape, "plain"] > 60

# %% [markdown]
# Local PCA is better here, with hundreds of samples a dimension; but it is no map, and it has to keep all of them.
#
# Two pictures, in the plane of the circle and in the space of the sphere. On the circle the grey strokes are the true
# tangents and the black ones those that were learnt. What leaves the plane looks shorter: little is left of the plain
# autoencoder's, and that points anywhere. On the sphere a square is a piece of a learnt tangent plane.

# %%
figure = plots.new_figure(9.0, 4.6)
each = held_out["circle"]
to_plane = each.embedding.T  # (20, 2)
order = np.argsort(each.target[:, 0])[::18]  # every 18th point along the circle
points, true = each.clean[order] @ to_plane, each.tangents[order, 0] @ to_plane
for axis, name in zip(figure.subplots(1, 2), penalties):
    T = manifold.tangent_space(models["circle", name], each.data[order], 1)[:, 0] @ to_plane
    axis.plot(*(each.data @ to_plane).T, ".", color="0.7", markersize=3)
    for tangents, style in ((true, {"color": "0.8", "linewidth": 6}), (T, {"color": "black", "linewidth": 1.6})):
        ends = np.stack([points - tangents / 7, points + tangents / 7])
        axis.plot(ends[..., 0], ends[..., 1], zorder=1 if tangents is true else 3, **style)
    axis.set(title=f"{name}: {angles['circle', name]:.1f} degrees", xlabel="first axis of the plane", aspect="equal")
figure.axes[0].set_ylabel("second axis of the plane")
display(figure)

# %%
figure = plots.new_figure(9.0, 4.6)
each = held_out["sphere"]
to_space = each.embedding.T  # (20, 3)
points = each.clean @ to_space
front = []  # points that face the reader, not too close to one another
for i in np.flatnonzero(points @ [0.68, -0.59, 0.42] > 0.3):
    if all(np.linalg.norm(points[i] - points[j]) > 0.24 for j in front):
        front.append(i)
for i, name in enumerate(penalties, start=1):
    axis = figure.add_subplot(1, 2, i, projection="3d", computed_zorder=False)
    T = manifold.tangent_space(models["sphere", name], each.data[front], 2) @ to_space  # (n, 2, 3)
    corners = points[front][:, None] + 0.13 * np.stack([T[:, 0], T[:, 1], -T[:, 0], -T[:, 1]], axis=1)
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 25), np.linspace(0, np.pi, 13))
    sphere = [np.sin(v) * np.cos(u), np.sin(v) * np.sin(u), np.cos(v)]
    axis.plot_wireframe(*sphere, color="0.85", linewidth=0.5, zorder=0)
    axis.add_collection3d(Poly3DCollection(corners, facecolor="#9bb7d4", edgecolor="black", linewidth=0.8, zorder=2))
    axis.set_title(f"{name}: {angles['sphere', name]:.1f} degrees")
    axis.set_box_aspect((1, 1, 1), zoom=1.45)
    axis.view_init(elev=25, azim=-41)
    axis.set_axis_off()
display(figure)

# %% [markdown]
# ## Digits
#
# Nobody knows the manifold of the digits, but some of its tangents are known: an image moved a little to the right is
# an image of the same digit.

# %%
digits = npae.datasets.load_digits()
order = np.random.default_rng(0).permutation(len(digits))
X, X_test = digits.data[order[450:]].astype(np.float32), digits.data[order[:450]].astype(np.float32)
common = {
    "output_activation": "sigmoid",
    "tied": True,
    "optimizer": npae.Adam(1e-2),
    "max_iter": 100,
    "random_state": 0,
}
family = {
    "plain": npae.Autoencoder(64, **common).fit(X),
    "denoising": npae.Autoencoder(64, corruption=npae.GaussianNoise(0.3), **common).fit(X),
    "contractive": npae.Autoencoder(64, penalties=[npae.Contractive(0.1)], **common).fit(X),
}
radii = np.array([0.1, 0.3, 1.0, 2.0, 3.0])
spectra = {name: manifold.singular_values(model, X_test).mean(axis=0) for name, model in family.items()}
curves = {name: manifold.contraction_ratio(model, X_test[:200], radii, rng=0) for name, model in family.items()}
for name, model in family.items():
    decay = spectra[name][10] / spectra[name][0]
    print(
        f"{name:<12} held-out error {error(model.reconstruct(X_test), X_test):.3f}, contraction ratio at r = 1: "
        f"{curves[name][2]:.2f}, 11th singular value / 1st: {decay:.2f}"
    )
assert (curves["contractive"] < curves["plain"]).all() and (curves["contractive"] < 1).all()

# %%
figure = plots.new_figure(9.0, 3.4)
left, right = figure.subplots(1, 2)
for style, name in zip(plots.STYLES, family):
    left.semilogy(np.arange(1, 65), spectra[name], label=name, linewidth=1.6, **style)
    right.semilogx(radii, curves[name], label=name, marker="o", markersize=4, **style)
left.set(xlabel="singular value, by rank", ylabel="mean over held-out images", ylim=(1e-3, 3))
right.set(xlabel="distance $r$ of the inputs", ylabel="distance of the codes / $r$", ylim=(0, None))
right.xaxis.set_major_formatter("{x:g}")
left.legend(frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
display(figure)

# %% [markdown]
# The six leading tangents at three images: which strokes may move? White is more ink, black is less.

# %%
labels = digits.target[order[:450]]
chosen = [int(np.flatnonzero(labels == k)[0]) for k in (0, 1, 3)]
T = manifold.tangent_space(family["contractive"], X_test, 6)  # (N, 6, 64), orthonormal rows
display(plots.image_rows({"images": X_test[chosen]}, digits.image_shape, width=3.6))
display(plots.filters({f"tangents at the {labels[i]}": T[i].T for i in chosen}, digits.image_shape, n_columns=3))

# %% [markdown]
# How much of a small shift of the image lies in the learnt tangent plane? The angle between the two, beside the angle
# of a random direction, in which no digit moves.

# %%
shifts = npae.datasets.transform_tangents(X_test, digits.image_shape, ["shift_x", "shift_y"])  # (N, 2, 64)
random = np.random.default_rng(0).standard_normal((len(X_test), 1, 64))
known = {"shift to the right": shifts[:, :1], "shift down": shifts[:, 1:], "random direction": random}
to_plane = {name: np.degrees(manifold.tangent_angles(direction, T)) for name, direction in known.items()}
for name, angle in to_plane.items():
    print(f"{name:<18} median angle to the learnt tangent plane {np.median(angle):.0f} degrees")
assert np.median(to_plane["shift to the right"]) < np.median(to_plane["random direction"]) - 10
assert np.median(to_plane["shift down"]) < np.median(to_plane["random direction"]) - 5

# %%
figure = plots.new_figure(7.0, 3.2)
axis = figure.subplots()
for style, (name, angle) in zip(plots.STYLES, to_plane.items()):
    axis.hist(angle, np.arange(20, 92, 3), histtype="step", label=name, linewidth=1.6, **style)
axis.set(xlabel="angle to the learnt tangent plane, degrees", ylabel="held-out images")
axis.legend(frameon=False, loc="upper left")
axis.spines[["top", "right"]].set_visible(False)
display(figure)

# %% [markdown]
# ## Questions for the class
#
# 1. What would the penalty do alone, without a reconstruction error? And the error without the penalty?
# 2. Why are the weights tied here? Write down an encoder and a decoder that have the penalty as small as you like and
#    the same reconstruction.
# 3. A denoising autoencoder is told to ignore noise, a contractive one to ignore small moves. Where do the two curves
#    of the digits differ, and why?
#
# ## Exercises
#
# 1. Draw the median angle on the sphere against $\lambda$ from $10^{-4}$ to $10^{-1}$. Why is there a best value?
# 2. Take `npae.datasets.make_torus` and a swiss roll. Find a network whose tangent planes are within ten degrees.
# 3. Walk: start at a digit, take a small step along its first tangent, reconstruct, and repeat (`manifold.walk` does
#    it). Compare with a straight line in the space of pixels.
