# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---


# %% [markdown]
# # Answers to lesson 5
#
# Each is given in words and formulas, then in code that asserts it.

# %%
import numpy as np

import npae
from npae import manifold
from npae.experiments.claims import below, same
from npae.experiments.family import error
from npae.experiments.manifolds import manifold_network, motion_angles, nearest_distance, train_steps, turning_walks

circle = npae.datasets.make_circle(1600, noise=0.02, n_features=20, rng=0)
train_set, held_out = circle.data[400:].astype(np.float32), circle.subset(slice(400))


def of_circle(lam, max_iter=100):
    """The lesson's autoencoder of the circle."""
    return npae.Autoencoder(
        20, hidden_layer_sizes=(64,), activation="tanh", tied=True, penalties=[npae.Contractive(lam)] if lam else [],
        optimizer=npae.Adam(1e-2), max_iter=max_iter, n_iter_no_change=max_iter, random_state=0,
    ).fit(train_set)  # fmt: skip


def angle(model, data, d=1):
    """Median angle in degrees between learnt and true tangent spaces."""
    T = manifold.tangent_space(model, data.data, d)
    return float(np.degrees(np.median(manifold.tangent_angles(T, data.tangents))))


# %% [markdown]
# ## 1. The penalty alone, the error alone
#
# **Answer.** Alone, the penalty is least where $f$ is constant: the weights shrink, or the units saturate, and the code
# says nothing. Alone, the error lets the code answer to all directions, noise as well: its singular values are all
# alike.


# %%
class Nothing:
    """A loss that is always zero."""

    def __call__(self, a, x):
        return 0.0, 0 * a


dense = npae.Dense(20, 8, npae.Sigmoid(), rng=1)
alone = npae.Network([dense], [npae.Tied(dense)], loss=Nothing(), penalties=[npae.Contractive(1.0)])
x = train_set[:500].astype(float)
before = alone.encode(x).std(axis=0).mean()
step = npae.Adam(1e-2).start(alone.theta)
for _ in range(500):
    alone.value_and_grad(x)
    step(alone.grad)
print(
    f"spread of the code, ten times, with the penalty alone: {below(10 * alone.encode(x).std(axis=0).mean(), before)}"
)
plain = of_circle(0)
sigma = manifold.singular_values(plain, held_out.data).mean(axis=0)
print(f"with the error alone, first over fifth singular value: {sigma[0] / sigma[4]:.2f}")
assert sigma[0] < 2 * sigma[4]

# %% [markdown]
# ## 2. Why tied
#
# **Answer.** For a linear code of any encoder take $\epsilon f$ and $g(\cdot/\epsilon)$: the reconstruction is the
# same, the penalty $\epsilon^2$ times as large. Without a hold on the decoder the penalty has no effect but this. Tied
# weights cannot do both; weight decay or rows of norm one would hold the decoder as well.

# %%
values = {}
for epsilon in (1.0, 0.1, 0.01):
    first, last = npae.Dense(20, 5, rng=1), npae.Dense(5, 20, rng=2)
    first.W, last.W = epsilon * first.W, last.W / epsilon
    with_penalty = npae.Network([first], [last], penalties=[npae.Contractive(1.0)])
    loss = npae.Network([first], [last]).value(x)
    values[epsilon] = loss, with_penalty.value(x) - loss
print({epsilon: f"loss {loss:.6f}, penalty {omega:.1e}" for epsilon, (loss, omega) in values.items()})
same(values[0.01][0], values[1.0][0], rtol=1e-11)
assert same(values[0.1][1], 0.01 * values[1.0][1], rtol=1e-9) < 1e-9

# %% [markdown]
# ## 3. Which shows at a distance of 3
#
# **Answer.** The noise of the denoising autoencoder has the length $\sigma \sqrt D = 0.3 \cdot 8 = 2.4$: that is the
# distance at which it was asked to be insensitive. The contractive penalty is a derivative and knows nothing of finite
# moves. So the code of the contractive one answers least close by; with growing distance the two come near each other,
# and what is left of its lead is smaller.

# %%
digits = npae.datasets.load_digits()
order = np.random.default_rng(0).permutation(len(digits))
X, X_test = digits.data[order[450:]].astype(np.float32), digits.data[order[:450]].astype(np.float32)


def of_digits(seed=0, **kind):
    """64 tied sigmoid units on the digits, 60 epochs, as in the lesson."""
    adam = npae.Adam(npae.Cosine(2e-2, 60 * 11))
    common = {
        "output_activation": "sigmoid",
        "tied": True,
        "max_iter": 60,
        "n_iter_no_change": 60,
        "random_state": seed,
    }
    return npae.Autoencoder(64, optimizer=adam, **common, **kind).fit(X)


radii, of_c, of_d = [0.1, 1.0, 3.0], [], []
for seed in range(4, -1, -1):
    contractive, denoising = (
        of_digits(seed, **kind)
        for kind in ({"penalties": [npae.Contractive(0.02)]}, {"corruption": npae.GaussianNoise(0.3)})
    )
    of_c.append(manifold.contraction_ratio(contractive, X_test[:200], radii, rng=0))
    of_d.append(manifold.contraction_ratio(denoising, X_test[:200], radii, rng=0))
of_c, of_d = np.array(of_c), np.array(of_d)
print(
    "contractive over denoising, distance of the codes:", dict(zip(radii, (of_c / of_d).mean(axis=0).round(2).tolist()))
)
print(f"close by: {below(of_c[:, 0], of_d[:, 0])}")
print(f"the quotient close by against that at 3: {below(of_c[:, 0] / of_d[:, 0], of_c[:, 2] / of_d[:, 2])}")

# %% [markdown]
# ## 4. The data or the network?
#
# **Answer.** The network. Given the lesson's 1,200 points, `manifold_network`, whose encoder is deep and whose decoder
# is one linear layer, has smaller angles on the sphere than the lesson's network: bending is the encoder's work there,
# so its Jacobian can become the projection onto the tangent plane.

# %%
sphere = npae.datasets.make_sphere(1600, noise=0.02, n_features=20, rng=0)
few, test = sphere.data[400:].astype(np.float32), sphere.subset(slice(400))
deep = manifold_network(20, (npae.Contractive(1.0), npae.WeightDecay(3e-4)), rng=0)
train_steps(deep, few, n_steps=1200, lr=1e-2, batch_size=200, rng=0)
shallow = npae.Autoencoder(
    20, hidden_layer_sizes=(64,), activation="tanh", tied=True, penalties=[npae.Contractive(0.015)],
    optimizer=npae.Adam(1e-2), max_iter=150, n_iter_no_change=150, random_state=0,
).fit(few)  # fmt: skip
print(f"sphere, 1,200 points, angle in degrees, the page's network against the lesson's: "
      f"{below(angle(deep, test, 2), angle(shallow, test, 2))}")  # fmt: skip

# %% [markdown]
# ## 5. Motions and a deep encoder
#
# **Answer.** Hardly nearer. The plane could turn with the image now, for the slopes of the hidden units choose among
# the columns of $W_1$ image by image; but at about the same error the angles are the same to a degree or two. Depth as
# such is not what is missing. (A stronger penalty brings two degrees more, for two and a half times the error.)

# %%
adam = npae.Adam(npae.Cosine(5e-3, 60 * 11))
two = npae.Autoencoder(
    32, hidden_layer_sizes=(128,), activation=("tanh", "identity"), tied=True, penalties=[npae.Contractive(0.03)],
    optimizer=adam, max_iter=60, n_iter_no_change=60, random_state=0,
).fit(X)  # fmt: skip
found = {}
for name, model in {"one layer": contractive, "two layers": two}.items():
    *moved, at_random = motion_angles(model, X_test[:200], digits.image_shape, 6).values()
    found[name] = np.mean(moved)
    print(f"{name}: motions {np.mean(moved):.1f} degrees, random direction {at_random:.1f}, "
          f"held-out error {error(model.reconstruct(X_test), X_test):.3f}")  # fmt: skip
assert abs(found["two layers"] - found["one layer"]) < 3 and min(found.values()) > 50

# %% [markdown]
# ## 6. The best strength
#
# **Answer.** Without contraction the code answers to noise as to the circle, and the leading direction is anyone's.
# With too much, copying the circle no longer pays, and the code shrinks until what is left is rounding, noise and
# accident. Between them one direction pays and nineteen do not.

# %%
by_lam = {lam: angle(of_circle(lam), held_out) for lam in (0, 0.0015, 0.015, 0.15, 1.5)}
print("median angle in degrees by lambda:", {lam: round(value, 1) for lam, value in by_lam.items()})
best = min(by_lam, key=by_lam.get)
print(f"the best, {best}, half as much again, against none: {below(1.5 * by_lam[best], by_lam[0])}")
print(f"and against the strongest: {below(1.5 * by_lam[best], by_lam[1.5])}")
assert 0 < best < 1.5

# %% [markdown]
# ## 7. A walk
#
# **Answer.** `npae.experiments.manifolds.turning_walks` does it, with an autoencoder that has seen turned digits. After
# ten steps the walk is nearer to real turned images than the straight line that began alike, because each
# reconstruction brings it back and the direction turns with the tangent plane.

# %%
walk, straight = turning_walks(X, X_test[:40], digits.image_shape, n_steps=1500)
turned = np.concatenate(
    [
        npae.datasets.transform_images(X_test[:40], digits.image_shape, rotation=a)
        for a in np.radians(np.arange(-60, 61, 3))
    ]
).reshape(-1, 40, 64)


def far(path):
    """Mean distance of the path's end to the nearest turned version of the image it began from."""
    return np.linalg.norm(turned - path[-1], axis=2).min(axis=0).mean()


print(f"distance to the nearest real turned image, walk against straight line: {below(far(walk), far(straight))}")
assert nearest_distance(X, X_test[:40]).min() > 0
