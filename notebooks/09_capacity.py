# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 9. Capacity and overcomplete codes
#
# An autoencoder whose code is smaller than the input has to choose. What if it is as large, or larger? And what if the
# code is small, but encoder and decoder can do anything? *If it is allowed too much capacity, the autoencoder may not
# extract useful information about the distribution of the data. A similar problem also occurs if the hidden code has
# dimension equal to the input and in the overcomplete case.*
#
# Sparse codes are one way out, and have a lesson of their own. This one is about what goes wrong, and about the ways
# out together.
#
# **You need:** lessons 1 and 2; least squares.
#
# **You will learn:** how a linear network becomes the identity; what a network that copies does with images that are
# none; how a code of one unit learns samples by heart; that a regularized code may be overcomplete and useful, and how
# one finds that out.
#
# **Time:** an hour; the computer needs about 12 seconds.

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.experiments import copying
from npae.experiments.capacity import KINDS, RECIPES, coder, identity_map, memorize
from npae.experiments.claims import below, same
from npae.experiments.family import error
from npae.pca.fit_linear import bottleneck_network
from npae.plots.lessons import grouped_bars, lines
from npae.plots.sparse_codes import curve_of_memory, whole_map
from npae.probe import LinearProbe

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
X, X_test = digits.data[order[450:]], digits.data[order[:450]]

# %% [markdown]
# ## K = D: the perfect copy
#
# Two linear layers with a code as large as the input. Any invertible $W_e$ with $W_d = W_e^{-1}$ has no error at all,
# so there is nothing to choose, and nothing to learn. Least squares gets there at once: keep a random encoder, and the
# best decoder for it solves a linear system.
#
# For $\hat x - m = (x - m)\, W_e W_d$ and a covariance $S$ (lesson 2),
#
# $$J = \tfrac12 \mathrm{tr}\big[(I - W_e W_d)^\top S\, (I - W_e W_d)\big], \qquad
# \frac{\partial J}{\partial W_d} = -W_e^\top S\, (I - W_e W_d) = 0
# \;\Rightarrow\; W_d = (W_e^\top S W_e)^{-1} W_e^\top S.$$
#
# If $S$ and $W_e$ are square and can be inverted, this is $W_e^{-1} S^{-1} W_e^{-\top} W_e^\top S = W_e^{-1}$: one
# step, whatever the data are. The data have cancelled. That is what is wrong.
#
# With $K > D$ an encoder of full rank will do: $W_e^\top S W_e$ cannot be inverted any more, but its pseudo-inverse
# gives $W_e W_d = I$ again, and now there are infinitely many ways to write the same map.

# %%
D = 5
S = (lambda A: A.T @ A)(rng.standard_normal((40, D)))
W_square, W_wide = rng.standard_normal((D, D)), rng.standard_normal((D, 8))

# %%
# derived: the best decoder for a random encoder makes the identity, whatever S is
by_hand = np.linalg.solve(W_square.T @ S @ W_square, W_square.T @ S)
same(by_hand, np.linalg.inv(W_square), rtol=1e-10)
wide = np.linalg.pinv(W_wide.T @ S @ W_wide, rcond=1e-10) @ W_wide.T @ S
apart = same(W_wide @ wide, np.eye(D), rtol=1e-10)
print(f"K = 8 for D = 5: W_e W_d and the identity {apart:.0e} apart")
copier = npae.Network([npae.Dense(D, 8)], [npae.Dense(8, D)])
copier.encoder.layers[0].W, copier.decoder.layers[0].W = W_wide, wide
on_noise = copier.value(rng.standard_normal((9, D)))
print(f"the package's network of these weights, its error on noise: {on_noise:.0e}")
assert on_noise < 1e-20

# %% [markdown]
# The package's own network, from random weights, on the digits; and by gradient descent on patches of photographs that
# have been whitened, so that no direction is faster than another. The picture is the whole map $W_e W_d$ from 64 inputs
# to 64 outputs.

# %%
linear = bottleneck_network(64, 64, rng=0)
n_iter = npae.pca.fit_linear_autoencoder(linear, X).n_iter
M, unexplained = identity_map(128, n_steps=300, rng=0)
print(f"linear, K = D: {n_iter} iterations of L-BFGS, held-out error {error(linear.reconstruct(X_test), X_test):.0e}")
print(f"linear, K = 2 D, by descent: W_e W_d within {np.abs(M - np.eye(64)).max():.0e} of the identity, "
      f"{unexplained:.0e} of the variance left")  # fmt: skip
assert error(linear.reconstruct(X_test), X_test) < 1e-8 and np.abs(M - np.eye(64)).max() < 0.02

# %%
display(whole_map(M))

# %% [markdown]
# ## Who copies whatever comes?
#
# A small error on held-out digits does not tell a network that knows digits from one that copies. Images that are no
# digits do: the same images with their pixels shuffled. A network that knows only digits cannot do better on these than
# to answer with each image's mean grey, which copies nothing; a network that copies can.

# %%
shuffled = rng.permuted(X_test, axis=1)
grey = error(copying.grey(shuffled), shuffled)
adam = npae.Adam(npae.Cosine(3e-3, 60 * 11))
common = {"optimizer": adam, "max_iter": 60, "n_iter_no_change": 60, "random_state": 0}
copiers = {
    "linear, K = 64": linear,
    "ReLU, K = 256": npae.Autoencoder(256, activation="relu", **common).fit(X.astype(np.float32)),
    "sigmoid, K = 256": npae.Autoencoder(256, output_activation="sigmoid", **common).fit(X.astype(np.float32)),
    "ReLU, K = 16": npae.Autoencoder(16, activation="relu", **common).fit(X.astype(np.float32)),
}
table = {
    "held-out digits": {name: error(model.reconstruct(X_test), X_test) / grey for name, model in copiers.items()},
    "shuffled pixels": {name: error(model.reconstruct(shuffled), shuffled) / grey for name, model in copiers.items()},
}
for images, row in table.items():
    print(f"{images}: " + ", ".join(f"{name} {value:.2f}" for name, value in row.items()))
grouped_bars(table, ylabel="error, in parts of answering mean grey")

# %% [markdown]
# On held-out digits the wide networks are far better than the narrow one, and would be taken for the better models. The
# linear network copies what it was never shown, but for the pixels that are empty in all digits; the wide one with ReLU
# comes half of the way. The number of units alone does not decide: with saturating units, and outputs that are held in
# $[0, 1]$, as many of them do little better than grey. The narrow network does worse than grey: it makes digits of
# what is none.

# %%
strange = table["shuffled pixels"]
print(f"ReLU, wide, half as much again, against mean grey:         {below(1.5 * strange['ReLU, K = 256'], 1)}")
print(f"mean grey against ReLU, narrow:                            {below(1, strange['ReLU, K = 16'])}")
print(f"ReLU, wide, against sigmoid, wide:                         "
      f"{below(strange['ReLU, K = 256'], strange['sigmoid, K = 256'])}")  # fmt: skip

# %%
rows = {"shuffled": shuffled[:14]} | {name: model.reconstruct(shuffled[:14]) for name, model in copiers.items()}
plots.image_rows(rows, digits.image_shape)

# %% [markdown]
# ## A code of one unit can hold everything
#
# Capacity is not the width of the code alone. Sixteen points are drawn from a round Gaussian in the plane, in which
# there is nothing to be found: no direction, no curve. A deep decoder lays its one coordinate through them.

# %%
found = memorize(rng=0)
for name, value in found.errors.items():
    print(f"{name:<14} {value:.4f}")
times = found.errors["held-out"] / found.errors["training"]
print(f"ten times the training error, against the held-out error: "
      f"{below(10 * found.errors['training'], found.errors['held-out'])}, a factor of {times:.0f}")  # fmt: skip
print(f"in training, ten times over, against one principal component: "
      f"{below(10 * found.errors['training'], found.errors['PCA, training'])}")  # fmt: skip

# %%
display(curve_of_memory(found))

# %% [markdown]
# The book's example goes all the way: a code that is the *number* of the training sample. Such a decoder has learnt the
# training set by heart and nothing about the density it came from. With more samples and the same network there is a
# curve through all of them no more:

# %%
more = {n: memorize(n, n_steps=600, rng=0).errors for n in (8, 32, 128)}
lines(
    {part: (list(more), [errors[part] for errors in more.values()]) for part in ("training", "held-out")},
    xlabel="training samples", ylabel="error", log="xy", markers=True,
)  # fmt: skip

# %%
gap = {n: errors["held-out"] / errors["training"] for n, errors in more.items()}
print(f"held-out error over training error: { {n: round(value, 1) for n, value in gap.items()} }")
print(f"128 samples against 8, twice over: {below(2 * gap[128], gap[8])}")

# %% [markdown]
# ## Wide, but regularized
#
# *A regularized autoencoder can be nonlinear and overcomplete but can still learn useful hidden code about the data
# distribution.* Useful for what? A usual test: codes are learnt from all images, without labels; then a linear
# classifier, a softmax, gets the codes of a few images *with* labels, ten of each digit here, and is asked about
# held-out ones, as they are and under noise ($\sigma = 0.5$). All codes have 128 units for 64 pixels; each
# reconstructs the noisy images, too. Five splits and starts.

# %%
recipe, noise = RECIPES["digits"], npae.GaussianNoise(0.5)
right, noisy_error = {"clean": {}, "noisy": {}}, {}
for seed in range(5):
    where = np.random.default_rng(seed).permutation(len(digits))
    x, y = digits.data[where].astype(np.float32), digits.target[where]
    held, rest = slice(0, 597), slice(597, None)
    few = 597 + np.concatenate([np.flatnonzero(y[rest] == c)[:10] for c in range(10)])
    inputs = {"clean": x[held], "noisy": noise.corrupt(x[held], rng=seed)}
    for kind in (*KINDS, "raw pixels"):
        encode = np.asarray
        if kind != "raw pixels":
            model = coder(kind, 128, recipe, 1200, epochs=30, seed=seed).fit(x[rest])
            encode = model.transform
            noisy_error.setdefault(kind, []).append(error(model.reconstruct(inputs["noisy"]), x[held]))
        probe = LinearProbe(recipe.lam, tol=1e-4).fit(encode(x[few]), y[few])
        for name, images in inputs.items():
            right[name].setdefault(kind, []).append(probe.score(encode(images), y[held]))
for kind in right["clean"]:
    print(f"{kind:<15}" + ", ".join(
        f"{name} {np.mean(row[kind]):.1%} ± {np.std(row[kind], ddof=1):.1%}" for name, row in right.items()
    ))  # fmt: skip

# %%
grouped_bars(right, ylabel="held-out accuracy of a linear probe")

# %% [markdown]
# On clean images nothing can be told from this: all codes are as good as the pixels, to within what a split makes.
# Eight by eight pixels are a good code for a linear classifier already. (On larger images codes differ more; the page
# of `npae demo` and `benchmarks/claims/sparse_codes.md` have the numbers.) Under noise the codes of the denoising and
# of the contractive autoencoder keep what the unregularized one loses, though none gains on the pixels. Sparsity as
# such does not help here.
#
# What regularization has put into the model shows in the reconstruction of noisy images: a network that copies would
# copy the noise.

# %%
spread = np.std(right["clean"]["raw pixels"], ddof=1)
away = {kind: abs(np.mean(row) - np.mean(right["clean"]["raw pixels"])) for kind, row in right["clean"].items()}
print(f"clean: no code is farther from the pixels than {max(away.values()):.1%}; spread of the pixels {spread:.1%}")
assert max(away.values()) < spread
for kind in ("denoising", "contractive"):
    print(f"noisy, unregularized against {kind}: {below(right['noisy']['unregularized'], right['noisy'][kind])}")
for kind in KINDS[1:]:
    if kind != "sparse (top k)":
        print(f"error of noisy images, {kind} against unregularized: "
              f"{below(noisy_error[kind], noisy_error['unregularized'])}")  # fmt: skip
print(f"even the unregularized one, against copying the noise: {below(noisy_error['unregularized'], 64 * 0.25 / 2)}")

# %% [markdown]
# ## Questions
#
# Answers, with the code that checks them, are in `solutions/lesson_09.py`.
#
# 1. A linear network with $K \ge D$ under weight decay: is it still the identity? Which directions does it drop first?
# 2. Why does least squares reach the identity in one step, while gradient descent needs hundreds?
#    What did the whitening do for descent?
# 3. Write down a code of one unit that holds sixteen samples without any error, with an encoder and a decoder that are
#    no networks. What does it do to a new sample?
# 4. Train the wide ReLU network of this lesson with noise on its input, $\sigma = 0.3$. Does it still copy shuffled
#    pixels? What about clean digits?
# 5. How many numbers are needed to store the training digits, and how many has the wide network? Is learning by heart
#    possible, and is it what happens?
# 6. The unregularized code of 128 units was told nothing of noise, and its reconstruction takes away three quarters
#    of it. Why? Is a linear one with as many units as good?
#
# ## Sources
#
# * I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*](https://www.deeplearningbook.org), MIT Press 2016,
#   [sections 14.1 and 14.2](https://www.deeplearningbook.org/contents/autoencoders.html), with the code that is the
#   number of the sample.
# * P. Baldi, K. Hornik, [Neural networks and principal component
#   analysis](https://doi.org/10.1016/0893-6080(89)90014-2), *Neural Networks* 2, 1989.
# * A. Coates, H. Lee, A. Ng, [An analysis of single-layer networks in unsupervised feature
#   learning](https://proceedings.mlr.press/v15/coates11a.html), AISTATS 2011: wide codes under linear probes.
# * P. Vincent et al., [Stacked denoising autoencoders](https://www.jmlr.org/papers/v11/vincent10a.html), JMLR 11,
#   2010.
