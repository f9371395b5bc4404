"""The restricted Boltzmann machine: mean field up and down is a tied autoencoder with sigmoid units."""

import numpy as np

from npae.base import Estimator
from npae.objective.activations import Sigmoid
from npae.objective.kernels import sigmoid, softplus
from npae.objective.layers import Dense, Tied
from npae.objective.losses import BernoulliCrossEntropy
from npae.objective.network import Network
from npae.system.progress import shown_progress
from npae.training.loop import train
from npae.training.optimizers import SGD
from npae.training.streams import streams
from npae.validation import check_array, check_number

MOST = 20  # units of the smaller layer that are enumerated: 2^20 states


class BoltzmannNetwork(Network):
    """p(x, h) = exp(x W h + c x + b h) / Z for binary x (D,) and h (K,), as a Network that is trained by sampling.

    p(h_k = 1 | x) = sigmoid(x W + b), the encoder; p(x_d = 1 | h) = sigmoid(h W^T + c), the decoder, tied: theta is
    (W, b, c). `value_and_grad` leaves the contrastive-divergence estimate of the likelihood's gradient in `grad`,

        dW = -1/N sum_n [x_n p(h | x_n)^T - x'_n p(h | x'_n)^T],    db and dc likewise,

    x'_n being x_n after `n_gibbs` turns of Gibbs sampling, drawn from `rng`; its value is the mean of F(x_n) - F(x'_n).
    Smolensky (1986); Hinton (2002), Neural Computation 14.
    """

    def __init__(self, n_features, n_components, *, n_gibbs=1, rng=None, dtype=None):
        weights, self.rng = (np.random.default_rng(rng),) * 2
        dense = Dense(n_features, n_components, Sigmoid(), rng=weights)
        dense.W[:] = 0.01 * weights.standard_normal(dense.W.shape)
        self.n_gibbs = n_gibbs
        super().__init__([dense], [Tied(dense)], loss=BernoulliCrossEntropy(), dtype=dtype)

    def free_energy(self, x):
        """F(x) = -c x - sum_k softplus((x W + b)_k), (N,): p(x) = exp(-F(x)) / Z."""
        dense, visible = self.encoder.layers[0], self.decoder.layers[0]
        return -(x @ visible.b) - softplus(x @ dense.W + dense.b).sum(axis=1)

    def _value_and_grad(self, x, target):
        return self._contrast(x, self.gibbs(x, self.n_gibbs, self.rng))

    def _forward(self, x, target):
        sampled = self.gibbs(x, self.n_gibbs, np.random.default_rng(0))
        return float((self.free_energy(x) - self.free_energy(sampled)).mean()), None

    def _contrast(self, x, other, weights=None):
        """mean F(x) - sum of weights F(other), and its gradient; the weights are 1 / N unless given."""
        dense, visible = self.encoder.layers[0], self.decoder.layers[0]
        w = np.full(len(other), 1 / len(other), x.dtype) if weights is None else weights
        h, other_h = (sigmoid(y @ dense.W + dense.b) for y in (x, other))
        other_h *= w[:, None]
        dense.dW[...] = other.T @ other_h - x.T @ h / len(x)
        dense.db[...] = other_h.sum(axis=0) - h.mean(axis=0)
        visible.db[...] = w @ other - x.mean(axis=0)
        return float(self.free_energy(x).mean() - w @ self.free_energy(other))

    def gibbs(self, x, n_turns, rng):
        """x after n_turns of h ~ p(h | x), x ~ p(x | h), (N, D) of zeros and ones."""
        dense, visible = self.encoder.layers[0], self.decoder.layers[0]
        rng = np.random.default_rng(rng)
        for _ in range(n_turns):
            h = (rng.random((len(x), dense.n_out), dtype=np.float32) < sigmoid(x @ dense.W + dense.b)).astype(x.dtype)
            x = (rng.random(x.shape, dtype=np.float32) < sigmoid(h @ dense.W.T + visible.b)).astype(x.dtype)
        return x

    def __getstate__(self):
        return super().__getstate__() | {"rng": self.rng, "n_gibbs": self.n_gibbs}

    # -- exact, for a layer of few units -------------------------------------------------------------------------------

    def log_partition(self):
        """log Z, by the sum over all states of the smaller layer. ValueError above 20 units."""
        return float(np.logaddexp.reduce(self._log_weights(*self._sides())))

    def log_likelihood(self, x):
        """log p(x_n) in nats, (N,), exact."""
        return -self.free_energy(x) - self.log_partition()

    def exact_value_and_grad(self, x):
        """-1/N sum_n log p(x_n), leaving its exact gradient in `grad`: contrastive divergence with all x for x'."""
        dense, visible = self.encoder.layers[0], self.decoder.layers[0]
        states, W, own, others = self._sides()
        log_weights = self._log_weights(states, W, own, others)
        log_Z = np.logaddexp.reduce(log_weights)
        p = np.exp(log_weights - log_Z)
        across = sigmoid(states @ W + others)  # E of the larger layer given each state of the smaller
        joint, own_mean, other_mean = (states * p[:, None]).T @ across, p @ states, p @ across
        if own is visible.b:
            dW, db, dc = joint, other_mean, own_mean
        else:
            dW, db, dc = joint.T, own_mean, other_mean
        h = sigmoid(x @ dense.W + dense.b)
        dense.dW[...], dense.db[...] = dW - x.T @ h / len(x), db - h.mean(axis=0)
        visible.db[...] = dc - x.mean(axis=0)
        return float(self.free_energy(x).mean() + log_Z)

    def _sides(self):
        """All states of the smaller layer, the weights from it to the other, its own biases, and the other's."""
        dense, visible = self.encoder.layers[0], self.decoder.layers[0]
        n = min(dense.W.shape)
        if n > MOST:
            raise ValueError(f"RBM: got {n} units in the smaller layer, expected at most {MOST} for the exact sum")
        states = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(dense.W.dtype)
        if dense.n_in <= dense.n_out:
            return states, dense.W, visible.b, dense.b
        return states, dense.W.T, dense.b, visible.b

    @staticmethod
    def _log_weights(states, W, own, others):
        return states @ own + softplus(states @ W + others).sum(axis=1)


class RBM(Estimator):
    """A restricted Boltzmann machine of binary x and K binary hidden units, trained by contrastive divergence.

    `transform` gives the mean field p(h_k = 1 | x), `reconstruct` goes up and down by it: x^ = sigmoid(h W^T + c),
    which is `network_`, a tied sigmoid autoencoder with a cross entropy. Grey values in [0, 1] are taken for
    probabilities. `score` is exact, and so is for at most 20 hidden (or visible) units.

    n_components K, n_gibbs turns of sampling a step, optimizer (SGD(0.1) unless given), batch_size, max_iter epochs.
    Hinton (2002); Hinton (2012), A practical guide to training restricted Boltzmann machines.
    """

    network_: BoltzmannNetwork

    def __init__(
        self, n_components=64, *, n_gibbs=1, optimizer=None, batch_size=50, max_iter=30, random_state=None, verbose=0
    ):
        self.n_components = n_components
        self.n_gibbs = n_gibbs
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Train on X (N, D) in [0, 1]; y is ignored. `loss_curve_` holds F(x) - F(x'), which tends to 0."""
        x = self._check_fit(X)
        for name in ("n_components", "n_gibbs", "batch_size", "max_iter"):
            check_number(getattr(self, name), name, "RBM", low=1, integer=True)
        weights_rng, shuffle_rng, noise_rng = streams(self.random_state, 3)
        network = BoltzmannNetwork(x.shape[1], self.n_components, n_gibbs=self.n_gibbs, rng=weights_rng, dtype=x.dtype)
        network.rng = noise_rng
        network.check_target(x)
        p = np.clip(x.mean(axis=0), 0.01, 0.99)
        network.decoder.layers[0].b[:] = np.log(p / (1 - p))
        step = (SGD(0.1) if self.optimizer is None else self.optimizer).start(network.theta)
        self.network_ = network
        with shown_progress("RBM", self.max_iter, self.verbose) as progress:
            history = train(network, x, step, batch_size=min(self.batch_size, len(x)), max_iter=self.max_iter,
                            shuffle_rng=shuffle_rng, noise_rng=noise_rng, progress=progress)  # fmt: skip
        self.loss_curve_, self.n_iter_ = history["loss"], len(history["loss"])
        return self

    def transform(self, X):
        """p(h_k = 1 | x), (N, K)."""
        return self._frame(self.network_.encode(self._check(X)), X)

    def inverse_transform(self, H):
        """p(x_d = 1 | h), (N, D)."""
        self._check_fitted("network_")
        n_units = self.network_.decoder.layers[0].n_in
        return self.network_.decode(check_array(H, name="H", owner=type(self).__name__, n_features=n_units))

    def reconstruct(self, X):
        """Mean field up and down, (N, D)."""
        return self.network_.reconstruct(self._check(X))

    def score(self, X, y=None):
        """The mean of log p(x_n) over X, exact, in nats; ValueError where neither layer has at most 20 units."""
        return float(self.network_.log_likelihood(self._check(X)).mean())

    def parts(self, X):
        """(L, Omega), means over binary X in nats, whose sum is -score(X): q(h | x) = p(h | x), p(h) is the prior.

        Every state of the hidden layer is summed over; ValueError above 20 hidden units.
        """
        x, network = self._check(X), self.network_
        dense, visible = network.encoder.layers[0], network.decoder.layers[0]
        if dense.n_out > MOST:
            raise ValueError(f"RBM: got {dense.n_out} hidden units, expected at most {MOST} for the exact sum")
        states = ((np.arange(2**dense.n_out)[:, None] >> np.arange(dense.n_out)) & 1).astype(x.dtype)
        log_prior = states @ dense.b + softplus(states @ dense.W.T + visible.b).sum(axis=1)
        log_prior = log_prior - np.logaddexp.reduce(log_prior)
        a = x @ dense.W + dense.b
        log_q = a @ states.T - softplus(a).sum(axis=1)[:, None]  # (N, 2^K)
        q = np.exp(log_q)
        b = states @ dense.W.T + visible.b
        log_p = x @ b.T - softplus(b).sum(axis=1)  # log p(x_n | state)
        return float(-(q * log_p).sum(axis=1).mean()), float((q * (log_q - log_prior)).sum(axis=1).mean())

    def sample(self, n, rng=None, *, n_turns=500):
        """n states (n, D) after n_turns of Gibbs sampling from fair coins."""
        self._check_fitted("network_")
        rng = np.random.default_rng(rng)
        start = (rng.random((n, self.n_features_in_)) < 0.5).astype(self.network_.theta.dtype)
        return self.network_.gibbs(start, n_turns, rng)

    def _check(self, X):
        self._check_fitted("network_")
        return self._check_fit(X, reset=False).astype(self.network_.theta.dtype, copy=False)
