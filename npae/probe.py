"""Classification from a code: a softmax classifier on a fixed code (a linear probe) or trained with the encoder.

    LinearProbe(lam=0.01).fit(model.transform(X), y).score(model.transform(X_test), y_test)

    network = Classifier(model.network_.encoder, 10, rng=0)    # fine-tuning: starts from the trained f
    train(network, X, Adam(1e-3).start(network.theta), target=y, batch_size=50, max_iter=50, rng=0)
    network.score(X_test, y_test)

Labels y (N,) are whole numbers; C classes.
"""

import copy
from dataclasses import dataclass

import numpy as np

from npae.objective.layers import Dense, Stack
from npae.objective.network import Network
from npae.validation import check_array, check_number


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """L = log sum_c exp(a_c) - a_y, da_nc = (p_nc - [c = y_n]) / N with p = softmax(a): a categorical p(y | a).

    a (N, C) are logits, y (N,) class numbers 0 to C - 1. The largest logit of a row is subtracted before exp.
    Goodfellow, Bengio and Courville (2016), Deep Learning, section 6.2.2.3.
    """

    def __call__(self, a, y):
        """Return the value (mean over samples) and da (N, C)."""
        p, log_sum = _softmax(a)
        rows = np.arange(len(a))
        value = (log_sum - a[rows, y]).sum() / len(a)
        p[rows, y] -= 1
        p *= 1 / len(a)
        return value, p

    def check_target(self, y):
        """Raise ValueError unless the labels (N,) are whole numbers >= 0."""
        check_labels(y, "SoftmaxCrossEntropy")

    def mean(self, a):
        """p = softmax(a), (N, C)."""
        return _softmax(np.asarray(a))[0]

    def log_likelihood(self, a, y):
        """log p(y_n | a_n) in nats, (N,)."""
        return a[np.arange(len(a)), y] - _softmax(np.asarray(a))[1]

    def sample(self, a, rng):
        """Draw a class (N,) from p(y | a); rng is a Generator or a seed."""
        u = np.random.default_rng(rng).random((len(a), 1))
        return (self.mean(a).cumsum(axis=1)[:, :-1] < u).sum(axis=1)


def _softmax(a):
    top = a.real.max(axis=1, keepdims=True)
    p = np.exp(a - top)
    total = p.sum(axis=1, keepdims=True)
    p /= total
    return p, (np.log(total) + top)[:, 0]


class Classifier(Network):
    """p(y | x) = softmax(f(x) W + b): an encoder with a softmax output, trained on labels as one network.

        J = 1/N sum_n -log p(y_n | x_n) + Omega

    encoder: a Stack or a list of layers, such as `model.network_.encoder`. The classifier copies it, and fine-tuning
    does not change the autoencoder. n_classes: C. penalties, dtype: as for Network, whose theta, grad,
    value_and_grad(x, y) and checks it inherits; `rng` draws W. Bengio et al. (2007), Greedy layer-wise training of
    deep networks, section 2.3. Raises ValueError for n_classes < 2, and as Network does.
    """

    _reconstructs = False

    def __init__(self, encoder, n_classes, *, penalties=(), dtype=None, rng=None):
        check_number(n_classes, "n_classes", "Classifier", low=2, integer=True)
        encoder = copy.deepcopy(encoder if isinstance(encoder, Stack) else Stack(encoder))
        output = Dense(encoder.layers[-1].n_out, n_classes, rng=rng)
        super().__init__(encoder, [output], loss=SoftmaxCrossEntropy(), penalties=penalties, dtype=dtype)

    @property
    def n_classes(self):
        """The number of classes, C."""
        return self.decoder.layers[-1].n_out

    def probabilities(self, x):
        """Return p(y | x) of every class: (N, D) -> (N, C)."""
        return self.decode(self.encode(x))

    def predict(self, x):
        """Return the most probable class: (N, D) -> (N,)."""
        return self.probabilities(x).argmax(axis=1)

    def score(self, x, y):
        """Return the fraction of samples whose predicted class is y (N,)."""
        return float((self.predict(x) == check_labels(y, "Classifier", self.n_classes, len(x))).mean())

    def _check_batch(self, x, target):
        x = self._check(x, "x")
        return x, check_labels(target, "Classifier", self.n_classes, len(x))


def check_labels(y, owner, n_classes=None, n_samples=None):
    """Return y as an array of class numbers (N,) from 0 to n_classes - 1; raise ValueError or TypeError otherwise."""
    y = np.asarray(y)
    if y.ndim != 1 or (n_samples is not None and len(y) != n_samples):
        expected = "(N,)" if n_samples is None else f"({n_samples},), one per sample"
        raise ValueError(f"{owner}: got labels of shape {y.shape}, expected {expected}")
    if y.dtype.kind not in "iu":
        raise TypeError(f"{owner}: got labels of dtype {y.dtype}, expected whole numbers")
    if y.size and (y.min() < 0 or (n_classes is not None and y.max() >= n_classes)):
        below = "" if n_classes is None else f" below {n_classes}"
        raise ValueError(f"{owner}: got labels from {y.min()} to {y.max()}, expected numbers from 0{below}")
    return y


class LinearProbe:
    """A softmax classifier on fixed features h (N, K), centred and scaled by one number to mean variance 1:

        J = 1/N sum_n -log softmax(h_n W + b)_{y_n} + lam / 2 ||W||_F^2

    J is strictly convex in W, so that the result does not depend on a start. `fit` takes accelerated gradient steps of
    length 1 / L, L = s^2 / (2 N) + lam with s the largest singular value of (h, 1), until no |dJ/dW| or |dJ/db| exceeds
    `tol`; it raises RuntimeError after `max_iter` steps. If N < K it works in the N dimensions of the samples. One
    number scales all features, so that a rotation changes nothing: raw pixels and all their principal components give
    the same result, and small noisy features are not amplified.
    Alain and Bengio (2017), Understanding intermediate layers using linear classifier probes; the bound L, Boehning
    (1992), Multinomial logistic regression algorithm; the steps, O'Donoghue and Candes (2015), Adaptive restart for
    accelerated gradient schemes, section 3.2.

    `classes_` (C,), `W_` (K, C) and `b_` (C,) for the features as given. Raises ValueError unless lam > 0.
    """

    def __init__(self, lam=0.01, *, tol=1e-6, max_iter=100_000):
        check_number(lam, "lam", "LinearProbe", include_low=False)  # separable classes have no optimum with lam = 0
        check_number(tol, "tol", "LinearProbe")
        check_number(max_iter, "max_iter", "LinearProbe", low=1, integer=True)
        self.lam, self.tol, self.max_iter = lam, tol, max_iter

    def fit(self, H, y):
        """Find W and b for the features H (N, K) and the labels y (N,); return self."""
        H = check_array(H, name="H", owner="LinearProbe", dtype=np.float64)
        self.classes_, y = np.unique(check_labels(y, "LinearProbe", n_samples=len(H)), return_inverse=True)
        mean = H.mean(axis=0)
        scale = np.sqrt(np.square(H - mean).mean()) or 1.0
        h = (H - mean) / scale
        Q = None
        if len(h) < h.shape[1]:
            Q, R = np.linalg.qr(h.T)  # h = R^T Q^T, and W = Q W' has the norm of W'
            h = R.T
        W, b = self._minimize(h, y)
        self.W_ = (W if Q is None else Q @ W) / scale
        self.b_ = b - mean @ self.W_
        return self

    def _minimize(self, h, y):
        h = np.hstack([h, np.ones((len(h), 1))])
        decay = np.full((h.shape[1], 1), self.lam)
        decay[-1] = 0  # the bias is free
        step = 1 / (np.linalg.norm(h, 2) ** 2 / (2 * len(h)) + self.lam)
        W = V = np.zeros((h.shape[1], len(self.classes_)))  # V: the point of the gradient
        loss, t = SoftmaxCrossEntropy(), 1.0
        for _ in range(self.max_iter):
            dV = h.T @ loss(h @ V, y)[1] + decay * V
            if np.abs(dV).max() <= self.tol:
                return V[:-1], V[-1]
            W_before, W = W, V - step * dV
            if np.vdot(dV, W - W_before) > 0:  # uphill: reset the momentum
                t = 1.0
            t, t_before = (1 + np.sqrt(1 + 4 * t**2)) / 2, t
            V = W + (t_before - 1) / t * (W - W_before)
        raise RuntimeError(f"LinearProbe: got |gradient| {np.abs(dV).max():.1e} after {self.max_iter} steps, expected "
                           f"{self.tol:g}; try a larger lam or tol")  # fmt: skip

    def predict(self, H):
        """Return the most probable class of every sample, (N,) of `classes_`."""
        H = check_array(H, name="H", owner="LinearProbe", dtype=np.float64, n_features=len(self.W_))
        return self.classes_[(H @ self.W_ + self.b_).argmax(axis=1)]

    def score(self, H, y):
        """Return the fraction of samples whose predicted class is y (N,)."""
        return float((self.predict(H) == check_labels(y, "LinearProbe", n_samples=len(H))).mean())
