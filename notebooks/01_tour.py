# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. A tour of the family
#
# An autoencoder is a neural network that is trained to copy its input to its output. An encoder makes a code
# $h = f(x)$, a decoder makes a reconstruction $\hat x = g(h)$ of the input from the code alone. The copy is not what
# we want. We want what the network has to learn about the data when copying is made hard, and every member of the
# family makes it hard in another way. All of them minimize one objective:
#
# $$J(\theta) = \frac1N \sum_n L\big(x_n,\; g(f(\tilde x_n))\big) + \Omega, \qquad
# \tilde x_n \sim C(\tilde x \mid x_n).$$
#
# $L$ compares, $\Omega$ penalizes, $C$ corrupts. A plain autoencoder has $\Omega = 0$ and $\tilde x = x$.
#
# **You need:** the chain rule, products of matrices, and NumPy; no experience with neural networks.
#
# **You will learn:** how a network computes its objective and, by back-propagation, its gradient; how to know that the
# gradient is right; how to train; what the members of the family share and what sets them apart.
#
# **Time:** 45 minutes to read and try; the computer needs about 5 seconds.

# %%
from npae.threads import limit_threads

limit_threads()  # before NumPy: BLAS threads that wait for a busy core are slow

# %matplotlib inline
import numpy as np

import npae
from npae import plots
from npae.experiments.claims import below, same

digits = npae.datasets.load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
X, X_test = digits.data[order[450:]], digits.data[order[:450]]  # (N, D), grey levels in [0, 1]
print(f"training: {X.shape}, held out: {X_test.shape}, values from {X.min():g} to {X.max():g}")

# %%
plots.image_rows({"eighteen of\nthe digits": X[:18]}, digits.image_shape)

# %% [markdown]
# ## A network by hand
#
# Samples are rows. A `Dense` layer computes $h = \varphi(x W + b)$ with $W$ of shape (inputs, units). Here $D = 64$
# pixels go through a code of $K = 16$ units and back.

# %%
encoder = [npae.Dense(64, 16, npae.Sigmoid(), rng=rng)]
decoder = [npae.Dense(16, 64, npae.Sigmoid(), rng=rng)]
network = npae.Network(encoder, decoder, loss=npae.SquaredError())

for name, array in network.parameters.items():
    print(f"{name:<12} {array.shape}")
print(f"together     {network.theta.shape}: one flat vector, of which the arrays above are views")

# %% [markdown]
# One call gives the value $J$ and leaves the gradient in the layers. The loss is half the squared distance, summed
# over the pixels and averaged over the samples. The last line computes it without the package.

# %%
batch = X[:8]
J = network.value_and_grad(batch)
by_hand = np.mean([0.5 * np.sum((network.reconstruct(x[None]) - x) ** 2) for x in batch])
print(f"J from the network {J:.12f}")
print(f"J by hand          {by_hand:.12f}")
assert abs(J - by_hand) < 1e-12 * J

# %% [markdown]
# After the call every layer can be looked into: its input `x`, its output `h`, and what the backward pass left, `dW`
# and `db`. The rule for names is that `dz` is $\partial J/\partial z$ and has the shape of `z`.

# %%
layer = network.encoder.layers[0]
np.set_printoptions(precision=3, suppress=True, linewidth=110)
print("the code of the first sample, layer.h[0]:\n", layer.h[0])
print("layer.W", layer.W.shape, "  layer.dW", layer.dW.shape, "  layer.db", layer.db.shape)
print("one row of layer.dW:\n", layer.dW[20])
assert np.shares_memory(layer.dW, network.grad)

# %% [markdown]
# ## Where the gradient comes from
#
# The network is a chain of four maps, $x \to a \to h \to c \to \hat x$, with the loss at its end. Back-propagation
# goes down the same chain from its end: each step takes $\partial J/\partial(\text{its output})$ and makes
# $\partial J/\partial(\text{its input})$ of it, and on the way the derivatives by its own parameters.
#
# *A layer's product.* $a_{nk} = \sum_d x_{nd} W_{dk} + b_k$: a weight $W_{dk}$ meets every sample $n$, but only unit
# $k$. So
#
# $$dW_{dk} = \sum_n \frac{\partial J}{\partial a_{nk}} \frac{\partial a_{nk}}{\partial W_{dk}}
# = \sum_n x_{nd}\, da_{nk} = (x^\top da)_{dk}, \qquad db_k = \sum_n da_{nk}, \qquad
# dx_{nd} = \sum_k da_{nk} W_{dk} = (da\, W^\top)_{nd}.$$
#
# *An activation.* $h_{nk} = \varphi(a_{nk})$ depends on one number alone: $da_{nk} = dh_{nk}\, \varphi'(a_{nk})$. For
# the sigmoid $\varphi' = \varphi (1 - \varphi)$, which is why a layer keeps its output $h$ and forgets $a$.
#
# *The loss.* $J = \frac{1}{2N} \sum_n \|\hat x_n - x_n\|^2$ gives $d\hat x = (\hat x - x)/N$: the one place where $N$
# enters. Forward from top to bottom, backward from bottom to top:
#
# | | forward | backward | in NumPy |
# |---|---|---|---|
# | encoder | $a = x W_1 + b_1$ | $dW_1 = x^\top da,\; db_1 = \sum_n da_n$ | `dW1, db1 = x.T @ da, da.sum(axis=0)` |
# | its activation | $h = \sigma(a)$ | $da = dh\, h (1 - h)$ | `da = dh * h * (1 - h)` |
# | decoder | $c = h W_2 + b_2$ | $dW_2 = h^\top dc,\; db_2 = \sum_n dc_n$ | `dW2, db2 = h.T @ dc, dc.sum(axis=0)` |
# | | | $dh = dc\, W_2^\top$ | `dh = dc @ W2.T` |
# | its activation | $\hat x = \sigma(c)$ | $dc = d\hat x\, \hat x (1 - \hat x)$ | `dc = dr * r * (1 - r)` |
# | loss | $J = \frac{1}{2N} \sum_n \lVert\hat x_n - x_n\rVert^2$ | $d\hat x = (\hat x - x)/N$ | `dr = (r - x) / N` |
#
# The package does the same: `Dense.forward` and `Dense.backward` in `npae/objective/layers.py` are the rows of encoder
# and decoder, `Sigmoid` in `npae/objective/activations.py` those of the activations, `SquaredError` in
# `npae/objective/losses.py` the last; `Stack.backward` goes through the layers in reverse. Here are all rows by hand,
# held against the network to twelve digits.


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


W1, b1, W2, b2 = network.parameters.values()
x, N = batch, len(batch)

# %%
# derived: the whole pass, forward and backward
h = sigmoid(x @ W1 + b1)
r = sigmoid(h @ W2 + b2)
dr = (r - x) / N
dc = dr * r * (1 - r)
dW2, db2, dh = h.T @ dc, dc.sum(axis=0), dc @ W2.T
da = dh * h * (1 - h)
dW1, db1 = x.T @ da, da.sum(axis=0)
same(0.5 * ((r - x) ** 2).sum() / N, J)
for ours, theirs in zip((dW1, db1, dW2, db2), network.gradients.values()):
    print(f"{ours.shape!s:<9} differs by {same(ours, theirs):.0e} of the largest entry")

# %% [markdown]
# ## Is the gradient right?
#
# That the two agree says that the package does what the table says. Whether the table is right is another question:
# hands err on paper too. `check_network` computes the same derivatives from the forward pass alone, by a complex step
# (lesson 6 shows how), and compares.

# %%
report = npae.gradcheck.check_network(network, batch)
print(report)
assert report.ok and report.max_error < 1e-12

# %% [markdown]
# ## Training
#
# A step of gradient descent is one line of NumPy:

# %%
values = []
for _ in range(200):
    values.append(network.value_and_grad(X))
    network.theta -= 0.5 * network.grad
print(f"J fell from {values[0]:.3f} to {values[-1]:.3f} in {len(values)} steps")
assert values[-1] < values[0] / 2

# %% [markdown]
# `Autoencoder` builds the same network and does better: minibatches, Adam, one face for the whole family. For
# comparison, the two simplest guesses: the mean image for everything, and PCA with as many components. A network
# starts at random weights, so it is trained from five starts, and the claim is asked of each.


# %%
def error(reconstruction, x):
    """1/2 ||x^ - x||^2, mean over the samples."""
    return 0.5 * ((reconstruction - x) ** 2).sum(axis=1).mean()


common = {"output_activation": "sigmoid", "optimizer": npae.Adam(2e-2), "max_iter": 100, "tol": 0.0}
starts = [npae.Autoencoder(16, **common, random_state=seed).fit(X) for seed in range(5)]
plain = starts[0]
pca = npae.PCA(16).fit(X)

mean_error, pca_error = error(X.mean(axis=0), X_test), error(pca.reconstruct(X_test), X_test)
plain_errors = [error(model.reconstruct(X_test), X_test) for model in starts]
print("error on held-out digits")
print(f"  PCA, 16 components, against the mean image for all: {below(pca_error, mean_error)}")
print(f"  autoencoder, 16 units, against PCA:                 {below(plain_errors, pca_error)}")

# %%
plots.learning_curves({"one batch, plain descent": {"loss": values}, "minibatches, Adam": plain.history_})

# %%
rows = {"input": X_test[:14], "PCA": pca.reconstruct(X_test[:14]), "autoencoder": plain.reconstruct(X_test[:14])}
plots.image_rows(rows, digits.image_shape)

# %% [markdown]
# ## It copies what resembles the training data
#
# That is the point of a small code. The same held-out digits with their pixels shuffled have the same grey levels, but
# they are no digits, and the network cannot copy them: it makes up something else, which comes no nearer than one grey
# for all, the mean of each image, would.

# %%
shuffled = rng.permuted(X_test, axis=1)
shuffled_error = error(plain.reconstruct(shuffled), shuffled)
grey_error = error(shuffled.mean(axis=1, keepdims=True), shuffled)
print(f"ten times the error on held-out digits, against shuffled ones: {below(10 * plain_errors[0], shuffled_error)}")
print(f"shuffled ones, each answered by its mean grey or the network:  {below(grey_error, shuffled_error)}")

# %%
plots.image_rows({"no digits": shuffled[:14], "'copied'": plain.reconstruct(shuffled[:14])}, digits.image_shape)

# %% [markdown]
# ## The family
#
# The lessons to come take the members one by one. Here each is the same estimator, an overcomplete one with 128 tied
# units for 64 pixels, with one thing changed: fewer units, a penalty $\Omega$, or a corruption $C$. The code below
# holds the members against the overcomplete one and says what differs.

# %%
noise = npae.GaussianNoise(0.3)
changes = {
    "overcomplete": {},
    "undercomplete": {"n_components": 16},
    "sparse": {"penalties": [npae.KLSparsity(0.1, rho=0.05)]},
    "denoising": {"corruption": noise},
    "contractive": {"penalties": [npae.Contractive(0.05)]},
}
common |= {"n_components": 128, "tied": True, "optimizer": npae.Adam(1e-2), "max_iter": 60, "random_state": 0}
family = {name: npae.Autoencoder(**(common | change)).fit(X.astype(np.float32)) for name, change in changes.items()}
noisy = noise.corrupt(X_test, rng)
base, table = family["overcomplete"].get_params(deep=False), {}
for name, model in family.items():
    h = model.transform(X_test)
    table[name] = {
        "error": error(model.reconstruct(X_test), X_test),
        "error, noisy input": error(model.reconstruct(noisy), X_test),
        "active units": (h > 0.1).mean(),
        "||dh/dx||": np.linalg.norm(npae.manifold.jacobian(model, X_test[:100]), axis=(1, 2)).mean(),
    }
    changed = {key: value for key, value in model.get_params(deep=False).items() if value != base[key]}
    print(f"{name:<14} {changed or ''}")
    assert len(changed) == (name != "overcomplete")

print(f"{'':<14}" + "".join(f"{column:>20}" for column in table["sparse"]))
for name, row in table.items():
    print(f"{name:<14}" + "".join(f"{value:>20.3f}" for value in row.values()))

# %% [markdown]
# Each is first where its objective pays: the overcomplete one copies best, the denoising one is best on noisy input,
# the sparse one uses the fewest units, and the code of the contractive one moves least when the input moves. The first
# and the second of each column:

# %%
for column, first in zip(table["sparse"], ("overcomplete", "denoising", "sparse", "contractive")):
    values = {name: row[column] for name, row in table.items()}
    second = min(values.keys() - {first}, key=values.get)
    print(f"{column:<18} {first} against {second}: {below(values[first], values[second])}")

# %%
rows = {"noisy input": noisy[:14]} | {name: model.reconstruct(noisy[:14]) for name, model in family.items()}
plots.image_rows(rows, digits.image_shape)

# %% [markdown]
# ## Questions
#
# Answers, with the code that checks them, are in `solutions/lesson_01.py`.
#
# 1. The code of the plain autoencoder has 16 numbers for 64 pixels. What is lost? Look at the reconstructions.
# 2. Why does the network fail on shuffled digits, and why is that good news?
# 3. In the table of the backward pass $N$ enters once. What would change if $J$ were a sum over the samples?
# 4. Train plain autoencoders with $K = 2, 4, 8, 16, 32$ and hold their error against PCA's. Is the network better for
#    every $K$?
# 5. Write the training loop with minibatches yourself, with `network.value_and_grad` and `network.theta` alone. How
#    close to `Autoencoder` do you come in as many epochs?
# 6. Write a layer of your own, $h = \sigma(x W + b)$, with `n_in`, `n_out`, `parameters`, `forward` and `backward`;
#    put it into `npae.Network` in the place of the encoder and let `check_network` judge it. Then spoil one line of
#    `backward`. Which rows of the table turn wrong, and what does the report say?
#
# ## Sources
#
# * I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*](https://www.deeplearningbook.org), MIT Press 2016:
#   [chapter 14](https://www.deeplearningbook.org/contents/autoencoders.html), whose order this course follows, and
#   section 6.5 for back-propagation.
# * D. Rumelhart, G. Hinton, R. Williams, [Learning representations by back-propagating
#   errors](https://doi.org/10.1038/323533a0), *Nature* 323, 1986.
# * D. Kingma, J. Ba, [Adam](https://arxiv.org/abs/1412.6980), ICLR 2015.
# * The digits: E. Alpaydin, C. Kaynak, [Optical recognition of handwritten digits](https://doi.org/10.24432/C50P49),
#   UCI 1998.
