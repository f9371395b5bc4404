# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sheet 7. Stacked autoencoders and fine-tuning
#
# **You will** write a softmax and its loss; train a deep encoder layer by layer without labels; carry a gradient
# through the whole stack; stop in time; count what is confused with what; and find out when all this pays, with 100
# labels for 1,300 digits.
#
# **You need** sheet 1. **Time:** about two hours.
#
# | question | points |
# |---|---|
# | 1. Softmax | 3 |
# | 2. The loss of a classifier | 3 |
# | 3. Layer by layer | 4 |
# | 4. Through the whole stack | 5 |
# | 5. Stop in time | 2 |
# | 6. What is confused with what | 3 |
#
# How a sheet works, and the conventions, are told at the beginning of sheet 1. $C$ is the number of classes, and a
# label $y_n$ is a whole number from 0 to $C - 1$.

# %% nbgrader={"grade_id": "setup", "locked": true}
# %matplotlib inline
import numpy as np
from IPython.display import display

import npae
from npae import plots
from npae.classroom import assert_no_loop, assert_value
from npae.gradcheck import check_gradient, check_loss, check_network
from npae.probe import Classifier, SoftmaxCrossEntropy

# %% [markdown]
# ## 1. Softmax (3 points)
#
# $$p_{nc} = \frac{e^{a_{nc}}}{\sum_{c'} e^{a_{nc'}}}.$$
#
# The same number may be taken off all $a_{nc}$ of a sample without changing $p$. Use this, and the result is right for
# $a = 1000$ as well.


# %% nbgrader={"grade_id": "softmax", "solution": true}
def softmax(a):
    """p (N, C) from a (N, C): the probabilities of the classes, a row for every sample."""
    ### BEGIN SOLUTION
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %% nbgrader={"grade_id": "softmax-check", "grade": true, "points": 3}
a = np.random.default_rng(1).standard_normal((4, 3))
p = softmax(a)
assert_value(np.shape(p), (4, 3), "shape of p")
assert not np.allclose(p.sum(axis=0), 1), "each column sums to 1, expected each row"
assert_value(p.sum(axis=1), np.ones(4), "the sums of the rows")
assert_value(p, SoftmaxCrossEntropy().mean(a), "p")
with np.errstate(all="ignore"):
    big = softmax(np.array([[1000.0, 1000.0], [1000.0, 1001.0]]))
    mixed = softmax(np.array([[1000.0, 1000.0], [-1000.0, -1000.0]]))
assert_value(big, [[0.5, 0.5], [1 / (1 + np.e), 1 / (1 + np.exp(-1))]], "p for a = 1000")
assert np.allclose(mixed, 0.5), (
    f"p of two samples, one with a = 1000 and one with a = -1000, is {mixed.tolist()}, expected 0.5 everywhere: "
    "what is taken off is a number for each sample"
)
### BEGIN HIDDEN TESTS
a = 5 * np.random.default_rng(2).standard_normal((6, 6))
assert_value(softmax(a), SoftmaxCrossEntropy().mean(a), "p")
### END HIDDEN TESTS

# %% [markdown]
# ## 2. The loss of a classifier (3 points)
#
# $$L = -\frac1N \sum_n \log p_{n, y_n} = \frac1N \sum_n \Big[ \log \sum_c e^{a_{nc}} - a_{n, y_n} \Big].$$
#
# Derive $da$; it is as short as that of the cross-entropy of sheet 1. `a[np.arange(N), y]` picks one entry of each row;
# $\log \sum_c e^{a_{nc}}$ is `np.logaddexp.reduce(a, axis=1)`.


# %% nbgrader={"grade_id": "loss", "solution": true}
def softmax_loss(a, y):
    """The value and da (N, C), for logits a (N, C) and labels y (N,)."""
    ### BEGIN SOLUTION
    N, log_sum = len(a), np.logaddexp.reduce(a, axis=1)
    da = np.exp(a - log_sum[:, None])
    da[np.arange(N), y] -= 1
    return (log_sum - a[np.arange(N), y]).sum() / N, da / N
    ### END SOLUTION


# %% nbgrader={"grade_id": "loss-check", "grade": true, "points": 3}
rng = np.random.default_rng(3)
a, y = rng.standard_normal((7, 4)), rng.integers(0, 4, 7)
value, da = softmax_loss(a, y)
exact, exact_da = SoftmaxCrossEntropy()(a, y)
assert_value(value, exact, "value", sizes={"N": 7, "C": 4})
assert_value(np.shape(da), (7, 4), "shape of da")
known = {"p itself; at the label, 1 has to be taken off": SoftmaxCrossEntropy().mean(a) / 7}
assert_value(da, exact_da, "da", sizes={"N": 7, "C": 4}, mistakes=known)
report = check_loss(softmax_loss, a, y)
assert report, report
assert_no_loop(lambda n: softmax_loss(np.ones((n, 4)), np.zeros(n, int)), "softmax_loss")
### BEGIN HIDDEN TESTS
a, y = 20 * rng.standard_normal((3, 6)), rng.integers(0, 6, 3)
assert_value(softmax_loss(a, y)[0], SoftmaxCrossEntropy()(a, y)[0], "value")
assert_value(softmax_loss(a, y)[1], SoftmaxCrossEntropy()(a, y)[1], "da")
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Layer by layer (4 points)
#
# A deep encoder can be trained without a label, one layer at a time: an autoencoder with `sizes[0]` units learns the
# data; one with `sizes[1]` units learns the **codes** that the first has of the data; one with `sizes[2]` the codes of
# those; and so on. The decoders are thrown away, the encoder layers kept, one above the other.
#
# You get `fit(data, k)`, which trains one autoencoder with `k` units and returns its encoder layer; calling the layer,
# `layer(data)`, gives codes.


# %% nbgrader={"grade_id": "pretrain", "solution": true}
def pretrain(X, sizes, fit):
    """The list of layers, from the data up."""
    ### BEGIN SOLUTION
    layers, data = [], X
    for k in sizes:
        layer = fit(data, k)
        layers.append(layer)
        data = layer(data)
    return layers
    ### END SOLUTION


# %% nbgrader={"grade_id": "pretrain-check", "grade": true, "points": 4}
X, calls = np.random.default_rng(4).standard_normal((6, 5)), []


def fit(data, k):
    """In place of an autoencoder: a random layer, and a note of what it was trained on."""
    calls.append((np.array(data), k))
    return npae.Dense(data.shape[1], k, npae.Tanh(), rng=len(calls))


layers = pretrain(X, [4, 3, 2], fit)
assert_value([k for _, k in calls], [4, 3, 2], "the numbers of units that were asked for")
assert np.array_equal(calls[0][0], X), "the first autoencoder is to be trained on the data"
for i in (1, 2):
    codes = X
    for layer in layers[:i]:
        codes = layer(codes) if layer.n_in == codes.shape[1] else codes
    assert not np.array_equal(calls[i][0], X), (
        f"autoencoder {i + 1} was trained on the data, expected the codes below it"
    )
    assert_value(calls[i][0], codes, f"what autoencoder {i + 1} was trained on")
assert isinstance(layers, list) and [layer.n_out for layer in layers] == [4, 3, 2], f"got {layers}, expected 3 layers"
### BEGIN HIDDEN TESTS
calls.clear()
layers = pretrain(X, [7], fit)
assert len(layers) == len(calls) == 1 and layers[0].W.shape == (5, 7)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Through the whole stack (5 points)
#
# Fine-tuning trains all layers together on labels. On top of a list of layers (`npae.Dense`, with `forward(x)` and
# `backward(dh)` as in sheet 1) stands $a = hW + b$, where $h$ is what the last layer puts out. You get `loss(a, y)`,
# which returns the value and $da$. Return the value, $dW$ and $db$; and go backward through every layer, so that each
# has its own `dW` and `db`.


# %% nbgrader={"grade_id": "stack", "solution": true}
def fine_tuning_pass(layers, W, b, x, y, loss):
    """The value, dW (K, C) and db (C,); each layer is left with its gradients."""
    ### BEGIN SOLUTION
    h = x
    for layer in layers:
        h = layer.forward(h)
    value, da = loss(h @ W + b, y)
    dh = da @ W.T
    for layer in reversed(layers):
        dh = layer.backward(dh)
    return value, h.T @ da, da.sum(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "stack-check", "grade": true, "points": 5}
rng = np.random.default_rng(5)
layers = [npae.Dense(5, 4, npae.Tanh(), rng=rng), npae.Dense(4, 3, npae.Sigmoid(), rng=rng)]
x, y = rng.standard_normal((7, 5)), rng.integers(0, 3, 7)


def as_one(p):
    for i, layer in enumerate(layers):
        layer.W, layer.b = p[f"W{i + 1}"], p[f"b{i + 1}"]
        layer.dW, layer.db = np.zeros(layer.W.shape), np.zeros(layer.b.shape)
    value, by_W, by_b = fine_tuning_pass(layers, p["W"], p["b"], x, y, SoftmaxCrossEntropy())
    lower = {f"{name[1]}{i + 1}": getattr(layer, name) for i, layer in enumerate(layers) for name in ("dW", "db")}
    return value, {**lower, "W": by_W, "b": by_b}


p = {"W": rng.standard_normal((3, 3)), "b": rng.standard_normal(3)}
for i, layer in enumerate(layers):
    p |= {f"W{i + 1}": rng.standard_normal(layer.W.shape), f"b{i + 1}": rng.standard_normal(layer.b.shape)}
classifier = Classifier(layers, 3)
classifier.theta = np.concatenate([p[name].ravel() for name in ("W1", "b1", "W2", "b2", "W", "b")])
assert_value(as_one(p)[0], classifier.value(x, y), "value")
report = check_gradient(as_one, p, n_samples=7, method="richardson")
assert report, report
### BEGIN HIDDEN TESTS
layers = [npae.Dense(5, 5, npae.Softplus(), rng=rng)]
p = {"W1": layers[0].W.copy(), "b1": rng.standard_normal(5), "W": rng.standard_normal((5, 5)), "b": np.ones(5)}
y = rng.integers(0, 5, 7)
report = check_gradient(as_one, p, n_samples=7, method="richardson")
assert report, report
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Stop in time (2 points)
#
# With few labels the loss on held-out samples falls, then rises. Training stops when it has not been below its best for
# `patience` epochs in a row, and the weights of the best epoch are kept. Given the held-out losses of the epochs 0, 1,
# 2, ..., which epoch is that? What comes after the stop was never seen.


# %% nbgrader={"grade_id": "stop", "solution": true}
def best_epoch(losses, patience):
    """The epoch whose weights are kept."""
    ### BEGIN SOLUTION
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return best
    ### END SOLUTION


# %% nbgrader={"grade_id": "stop-check", "grade": true, "points": 2}
losses = [5.0, 3.0, 4.0, 2.0, 2.5, 2.6, 2.7, 1.0]
late = {"the smallest loss of all came after the stop": 7, "it stopped at the first rise": 1}
assert_value(best_epoch(losses, 2), 3, "best_epoch(losses, 2)", mistakes=late)
assert_value(best_epoch(losses, 1), 1, "best_epoch(losses, 1)", mistakes={"this is where it stopped": 2})
assert_value(best_epoch(losses, 10), 7, "best_epoch(losses, 10)")
### BEGIN HIDDEN TESTS
assert_value(best_epoch(losses, 4), 7, "best_epoch(losses, 4)")
assert_value(best_epoch(losses, 3), 3, "best_epoch(losses, 3)")
assert_value(best_epoch([1.0], 2), 0, "best_epoch of one epoch")
assert_value(best_epoch([1.0, 1.0, 1.0, 0.5], 2), 0, "best_epoch where the loss stays the same")
### END HIDDEN TESTS

# %% [markdown]
# ## 6. What is confused with what (3 points)
#
# * `accuracy`: the fraction of the samples whose largest logit is that of their label.
# * `confusion`: a table $(C, C)$ of whole numbers; row $i$, column $j$ counts the samples of class $i$ that were taken
#   for $j$. (`np.add.at`, or `np.bincount` of one number for every pair, does it without a loop.)


# %% nbgrader={"grade_id": "confusion", "solution": true}
def accuracy(a, y):
    """A number in [0, 1], for logits a (N, C) and labels y (N,)."""
    ### BEGIN SOLUTION
    return float((a.argmax(axis=1) == y).mean())
    ### END SOLUTION


def confusion(a, y):
    """The table (C, C)."""
    ### BEGIN SOLUTION
    C = a.shape[1]
    return np.bincount(y * C + a.argmax(axis=1), minlength=C * C).reshape(C, C)
    ### END SOLUTION


# %% nbgrader={"grade_id": "confusion-check", "grade": true, "points": 3}
a = np.eye(3)[[0, 0, 1, 2, 2, 2, 1]] + 0.1
y = np.array([0, 1, 1, 2, 0, 2, 1])
known = {"this is their number, not the fraction": 5, "this is the fraction of the wrong ones": 2 / 7}
assert_value(accuracy(a, y), 5 / 7, "accuracy", mistakes=known)
turned = {"rows and columns are exchanged: row i is to hold the samples of class i": [[1, 1, 0], [0, 2, 0], [1, 0, 2]]}
assert_value(confusion(a, y), [[1, 0, 1], [1, 2, 0], [0, 0, 2]], "confusion", mistakes=turned)
assert_no_loop(lambda n: confusion(np.ones((n, 3)), np.zeros(n, int)), "confusion")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6)
a, y = rng.standard_normal((50, 4)), rng.integers(0, 4, 50)
table = confusion(a, y)
assert_value(table.sum(axis=1), np.bincount(y, minlength=4), "the rows of the table, summed")
assert_value(np.trace(table) / 50, accuracy(a, y), "the diagonal over N")
assert_value(accuracy(a, y), (a.argmax(1) == y).mean(), "accuracy")
### END HIDDEN TESTS

# %% [markdown]
# ## Look at the result
#
# An encoder of four sigmoid layers. Your `pretrain` trains it on 1,300 digits without looking at their labels; then all
# of it is fine-tuned on the 100 labels that there are, by your loss in a network of the package. Beside it the same
# encoder from random weights, drawn in two ways (Glorot and Bengio 2010): as had been common, uniform in
# $\pm 1/\sqrt{D}$, which shrinks what the layers pass on, and as they proposed (here four times as wide, for a
# sigmoid).

# %%
digits = npae.datasets.load_digits()
order = np.random.default_rng(0).permutation(1797)
X, y = digits.data[order], digits.target[order]
X_test, y_test, sizes = X[1300:], y[1300:], [100, 50, 25, 12]


def fit_layer(data, k):
    model = npae.Autoencoder(
        k, corruption=npae.MaskingNoise(0.1), optimizer=npae.Adam(0.01), max_iter=20, random_state=0
    )
    return model.fit(data).network_.encoder.layers[0]


def random_layers(limit=None):
    rng = np.random.default_rng(1)
    layers = [npae.Dense(n, k, npae.Sigmoid(), rng=rng) for n, k in zip([64, *sizes], sizes, strict=False)]
    for layer in layers:
        if limit:
            layer.W = rng.uniform(-limit(layer.n_in), limit(layer.n_in), layer.W.shape)
    return layers


starts = {
    "pretrained by you": pretrain(X[:1300], sizes, fit_layer),
    "random, proposed in 2010": random_layers(),
    "random, common before": random_layers(lambda D: D**-0.5),
}
curves, networks = {}, {}
for name, layers in starts.items():
    network = networks[name] = Classifier(layers, 10, rng=0)
    network.loss = softmax_loss
    step, curves[name] = npae.Adam(0.01).start(network.theta), []
    for _ in range(200):
        curves[name].append(accuracy(network.decoder(network.encoder(X_test)), y_test))
        network.value_and_grad(X[:100], y[:100])
        step(network.grad)
    print(f"{name:24} {curves[name][-1]:.1%} of the held-out digits are recognized")
print(check_network(networks["pretrained by you"], X[:6], y[:6], directions=1).headline)

# %%
lines = {name: (np.arange(200), values) for name, values in curves.items()}
figure, axis = plots.curves(lines, xlabel="step of fine-tuning", ylabel="accuracy on held-out digits")
display(figure)
best = networks["pretrained by you"]
table = confusion(best.decoder(best.encoder(X_test)), y_test)
figure, axis = plots.new_axes(4.2, 4.2)
axis.imshow(table - np.diag(np.diag(table)), cmap="gray_r")
axis.set(xlabel="taken for", ylabel="class", xticks=range(10), yticks=range(10), title="confusions")
display(figure)

# %% [markdown]
# **To think about.** What did pretraining do that a better scale of the random weights does as well, and what more?
# Move the labels from 100 to 1,000: what is left of the difference? And why can the accuracy on held-out digits stand
# still while the loss on them rises?
