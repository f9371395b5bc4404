"""The restricted Boltzmann machine: mean field up and down is a tied autoencoder with sigmoid units."""

import numpy as np

from npae.generative.latent_model import LatentModel
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

MOST = 20  # units of a layer whose states are enumerated: 2^20 states


class BoltzmannNetwork(Network):
    """p(x, h) = exp(x W h + c x + b h) / Z for binary x (D,) and h (K,), as a Network trained by sampling.

    p(h_k = 1 | x) = sigmoid(x W + b), the encoder; p(x_d = 1 | h) = sigmoid(h W^T + c), the decoder, tied: theta is
    (W, b, c). `value_and_grad` leaves the contrastive-divergence estimate of the likelihood's gradient in `grad`,

        dW = -1/N sum_n [x_n p(h | x_n)^T - x'_n p(h | x'_n)^T],    and the same for db and dc,

    where `n_gibbs` turns of Gibbs sampling, drawn from `rng`, lead from x_n to x'_n. The value is the mean of
    F(x_n) - F(x'_n).
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
        return -_log_weights(x, dense.W, visible.b, dense.b)

    def _value_and_grad(self, x, target):
        return self._contrast(x, self.gibbs(x, self.n_gibbs, self.rng))

    def _forward(self, x, target):
        sampled = self.gibbs(x, self.n_gibbs, np.random.default_rng(0))
        return float((self.free_energy(x) - self.free_energy(sampled)).mean()), None

    def _contrast(self, x, sampled):
        """mean F(x) - mean F(x') for sampled x'; leaves its gradient in `grad`."""
        dense, visible = self.encoder.layers[0], self.decoder.layers[0]
        w = np.full(len(sampled), 1 / len(sampled), x.dtype)
        h, sampled_h = (sigmoid(y @ dense.W + dense.b) for y in (x, sampled))
        sampled_h *= w[:, None]
        dense.dW[...] = sampled.T @ sampled_h - x.T @ h / len(x)
        dense.db[...] = sampled_h.sum(axis=0) - h.mean(axis=0)
        visible.db[...] = w @ sampled - x.mean(axis=0)
        return float(self.free_energy(x).mean() - w @ self.free_energy(sampled))

    def gibbs(self, x, n_turns, rng):
        """Return x after n_turns of h ~ p(h | x), x ~ p(x | h): zeros and ones (N, D)."""
        dense, visible = self.encoder.layers[0], self.decoder.layers[0]
        rng = np.random.default_rng(rng)
        for _ in range(n_turns):
            h = (rng.random((len(x), dense.n_out), dtype=np.float32) < sigmoid(x @ dense.W + dense.b)).astype(x.dtype)
            x = (rng.random(x.shape, dtype=np.float32) < sigmoid(h @ dense.W.T + visible.b)).astype(x.dtype)
        return x

    def __getstate__(self):
        return super().__getstate__() | {"rng": self.rng, "n_gibbs": self.n_gibbs}

    def log_partition(self):
        """log Z, the sum over all states of the smaller layer; ValueError if that layer has more than 20 units."""
        dense, visible = self.encoder.layers[0], self.decoder.layers[0]
        if dense.n_in <= dense.n_out:
            W, b, other_b = dense.W, visible.b, dense.b
        else:
            W, b, other_b = dense.W.T, dense.b, visible.b
        return float(np.logaddexp.reduce(_log_weights(all_states(len(b), "smaller", W.dtype), W, b, other_b)))

    def log_likelihood(self, x):
        """log p(x_n) in nats, (N,), exact; ValueError if the smaller layer has more than 20 units."""
        return -self.free_energy(x) - self.log_partition()


def all_states(n_units, layer, dtype):
    """Return the 2^n states (2^n, n) of a layer of n binary units; raise ValueError above 20 units."""
    if n_units > MOST:
        raise ValueError(f"RBM: got {n_units} units in the {layer} layer, expected at most {MOST} for the exact sum")
    return ((np.arange(2**n_units)[:, None] >> np.arange(n_units)) & 1).astype(dtype)


def _log_weights(states, W, b, other_b):
    """log sum_h exp(-E(v, h)) of the states v of a layer with biases b, over all states h of the other layer."""
    return states @ b + softplus(states @ W + other_b).sum(axis=1)


class RBM(LatentModel):
    """A restricted Boltzmann machine of binary x and K binary hidden units, trained by contrastive divergence.

    `transform` returns the mean field h = p(h_k = 1 | x), `reconstruct` x^ = sigmoid(h W^T + c): the reconstruction of
    `network_`, a tied sigmoid autoencoder with a cross entropy. Grey values in [0, 1] count as probabilities. `score`
    is the exact log-likelihood, for at most 20 hidden or visible units; `parts` takes binary x and at most 20 hidden
    units. Above, they raise ValueError.

    n_components K; n_gibbs turns of sampling per step; optimizer, SGD(0.1) if None; batch_size; max_iter epochs.
    Hinton (2002); Hinton (2012), A practical guide to training restricted Boltzmann machines.
    """

    network_: BoltzmannNetwork
    fitted_attribute = "network_"

    def __init__(
        self, n_components=64, *, n_gibbs=1, optimizer=None, batch_size=50, max_iter=30, random_state=None, verbose=0
    ):
        self.n_components, self.n_gibbs, self.optimizer, self.batch_size = n_components, n_gibbs, optimizer, batch_size
        self.max_iter, self.random_state, self.verbose = max_iter, random_state, verbose

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

    def _encode(self, x):
        return self.network_.encode(x)

    def _decode(self, h):
        n_units = self.network_.decoder.layers[0].n_in
        return self.network_.decode(check_array(h, name="H", owner=type(self).__name__, n_features=n_units))

    def _log_likelihood(self, x):
        return self.network_.log_likelihood(x)

    def _parts(self, x):
        """L and Omega, (N,), by the sum over all states of the hidden layer: q(h | x) = p(h | x), p(h) is the prior."""
        dense, visible = self.network_.encoder.layers[0], self.network_.decoder.layers[0]
        states = all_states(dense.n_out, "hidden", x.dtype)
        log_prior = _log_weights(states, dense.W.T, dense.b, visible.b)
        log_prior = log_prior - np.logaddexp.reduce(log_prior)
        a, b = x @ dense.W + dense.b, states @ dense.W.T + visible.b
        log_q = a @ states.T - softplus(a).sum(axis=1)[:, None]  # log p(state | x_n), (N, 2^K)
        log_p = x @ b.T - softplus(b).sum(axis=1)  # log p(x_n | state)
        q = np.exp(log_q)
        return -(q * log_p).sum(axis=1), (q * (log_q - log_prior)).sum(axis=1)

    def sample(self, n, rng=None, *, n_turns=500):
        """Draw n states (n, D) by n_turns of Gibbs sampling from fair coins."""
        self._check_fitted("network_")
        rng = np.random.default_rng(rng)
        start = (rng.random((n, self.n_features_in_)) < 0.5).astype(self.network_.theta.dtype)
        return self.network_.gibbs(start, n_turns, rng)

    def _prepare(self, x):
        return x.astype(self.network_.theta.dtype, copy=False)
