"""The variational autoencoder, an estimator with the methods of `npae.Autoencoder`."""

import numpy as np

from npae.estimators.autoencoder import Autoencoder, _named
from npae.generative.variational_network import GaussianCode, VariationalNetwork
from npae.objective import activations, distributions
from npae.objective.layers import Dense
from npae.objective.learnt_variance import widen_decoder
from npae.training.rows import check_weight
from npae.validation import check_number


class VariationalAutoencoder(Autoencoder):
    """A generative model p(h) p(x | h), h ~ N(0, I), trained by the evidence lower bound with q(h | x) as encoder.

        log p(x) >= E_q[log p(x | h)] - KL(q(h | x) || N(0, I)),    q(h | x) = N(mu(x), diag exp(s(x)))

    Parameters
    ----------
    n_components : K, units of the code.
    hidden_layer_sizes : units of the encoder's hidden layers, from the input on; the decoder mirrors them.
    activation : of the hidden layers: a name, an object, or a list with one per layer; mu and s are linear in the last.
    output_activation : of the decoder's last layer; 'identity' if the loss takes logits.
    loss : 'bernoulli', 'continuous_bernoulli' (grey values), 'gaussian' (one learnt variance), 'squared_error',
        'laplace' or a loss object such as Gaussian(0.1): the reconstruction distribution p(x | h).
    beta : weight of the KL term in training; `elbo` always takes 1.
    penalties, corruption, optimizer, batch_size, max_iter, tol, n_iter_no_change, early_stopping, validation_fraction,
    callbacks, warm_start, block_size, random_state, verbose : as for `Autoencoder`; the random stream of the
        corruption also draws the noise of the code.

    The attributes are those of `Autoencoder`; `network_` is a `VariationalNetwork`. `transform` returns the mean of
    the code, mu(x) (N, K). Kingma and Welling (2014), Auto-encoding variational Bayes, ICLR.
    """

    beta: float
    tied = unit_rows = False

    def __init__(
        self, n_components=2, *, hidden_layer_sizes=(), activation="sigmoid", output_activation="identity",
        loss="bernoulli", beta=1.0, penalties=(), corruption=None, optimizer=None, batch_size=128, max_iter=100,
        tol=1e-4, n_iter_no_change=10, early_stopping=False, validation_fraction=0.1, callbacks=None, warm_start=False,
        block_size=None, random_state=None, verbose=0,
    ):  # fmt: skip
        arguments = dict(locals())
        del arguments["self"]
        vars(self).update(arguments)  # not super().__init__, whose `tied` and `unit_rows` need a mirrored encoder

    def _build(self, n_features, rng, dtype):
        owner = type(self).__name__
        hidden = [self.hidden_layer_sizes] if np.isscalar(self.hidden_layer_sizes) else list(self.hidden_layer_sizes)
        many = isinstance(self.activation, (list, tuple))
        given = self.activation if many else [self.activation] * len(hidden)
        phis = [_named(phi, activations.BY_NAME, "activation", owner) for phi in given]
        if len(phis) != len(hidden):
            raise ValueError(f"{owner}: got {len(phis)} activations, expected {len(hidden)}, one a hidden layer")
        output = _named(self.output_activation, activations.BY_NAME, "output_activation", owner)
        loss = _named(self.loss, distributions.BY_NAME, "loss", owner)
        self._check_logits(loss, output)
        up, down = [n_features, *hidden, 2 * self.n_components], [self.n_components, *hidden[::-1], n_features]
        encoder = [Dense(D, K, phi, rng=rng) for D, K, phi in zip(up, up[1:], [*phis, activations.Identity()])]
        decoder = [Dense(K, D, phi, rng=rng) for K, D, phi in zip(down, down[1:], [*phis[::-1], output])]
        return VariationalNetwork(
            [*encoder, GaussianCode(self.n_components)], widen_decoder(decoder, loss, n_features, rng), loss=loss,
            beta=self.beta, penalties=self.penalties, dtype=dtype, rng=self._noise_rng,
        )  # fmt: skip

    def _check_arguments(self):
        super()._check_arguments()
        check_number(self.beta, "beta", type(self).__name__)

    # -- the bound -----------------------------------------------------------------------------------------------------

    def elbo(self, X, *, n_samples=10, rng=0):
        """Return the evidence lower bound in nats per sample, mean over X (N, D): at most the mean of log p(x).

        The KL term is exact; n_samples draws of the code from `rng` estimate the expectation of log p(x | h). With a
        squared error p(x | h) has unit variance, and its constant is included.
        """
        reconstruction, kl = self.elbo_parts(X, n_samples=n_samples, rng=rng)
        return reconstruction - kl

    def elbo_parts(self, X, *, n_samples=10, rng=0):
        """Return (E_q[log p(x | h)], KL(q(h | x) || N(0, I))), means over X in nats; their difference is `elbo`."""
        x = self._check_bound(X, n_samples)
        reconstruction, kl = self.network_.elbo_parts(x, n_samples=n_samples, rng=rng)
        return np.float64(reconstruction.mean(dtype=np.float64)), np.float64(kl.mean(dtype=np.float64))

    def parts(self, X):
        """Return (L, Omega), means over X in nats per sample, whose sum is -elbo(X)."""
        reconstruction, kl = self.elbo_parts(X)
        return -reconstruction, kl

    def importance_weighted_bound(self, X, *, n_samples=50, rng=0):
        """Return the bound of Burda et al. (2016) in nats per sample, mean over X (N, D): between elbo and log p(x)."""
        x = self._check_bound(X, n_samples)
        return np.float64(self.network_.importance_weighted_bound(x, n_samples=n_samples, rng=rng).mean())

    def score(self, X, y=None, sample_weight=None):
        """Return `elbo(X)`, the evidence lower bound in nats per sample: the mean over X, weighted by sample_weight."""
        if sample_weight is None:
            return float(self.elbo(X))
        x = self._check_bound(X, 10)
        reconstruction, kl = self.network_.elbo_parts(x, n_samples=10, rng=0)
        weight = check_weight(sample_weight, len(x), type(self).__name__, visits=False)
        return float(np.average(reconstruction - kl, weights=weight))

    def sample(self, n, rng=None, *, mean=False):
        """Draw n samples (n, D): h ~ N(0, I), x ~ p(x | h), or its mean; rng is a Generator or a seed."""
        self._check_fitted("network_")
        check_number(n, "n", type(self).__name__, low=1, integer=True)
        rng, network = np.random.default_rng(rng), self.network_
        h = rng.standard_normal((n, self.n_components)).astype(network.theta.dtype)
        a = network.decoder(h)
        return network.loss.mean(a) if mean else network.loss.sample(a, rng)

    def _check_bound(self, X, n_samples):
        x = self._check_transform(X)
        check_number(n_samples, "n_samples", type(self).__name__, low=1, integer=True)
        self.network_.check_target(x)
        if not hasattr(self.network_.loss, "log_likelihood"):
            raise TypeError(f"{type(self).__name__}: got loss={self.loss!r}, expected one with log_likelihood(a, x)")
        return x
