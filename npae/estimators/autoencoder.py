"""The autoencoder with scikit-learn's conventions."""

import numpy as np

from npae.estimators.trained import TrainedEstimator
from npae.objective import activations, distributions, losses
from npae.objective.layers import Dense, mirrored
from npae.objective.learnt_variance import widen_decoder
from npae.objective.network import Network
from npae.objective.unit_rows import UnitRows
from npae.training.rows import check_weight
from npae.validation import check_array, check_finite, check_flag, check_number

LOGITS = (losses.BernoulliCrossEntropy, distributions.ContinuousBernoulli, distributions.Categorical)


class Autoencoder(TrainedEstimator):
    """An autoencoder x^ = g(f(x)) that minimizes J = 1/N sum_n L(x_n, g(f(x~_n))) + Omega by minibatches.

    Parameters
    ----------
    n_components : K, units of the code.
    hidden_layer_sizes : units of the encoder's hidden layers, from the input on; the decoder mirrors them.
    activation : 'identity', 'sigmoid', 'tanh', 'relu', 'softplus' or an activation object, for hidden layers and code;
        or a sequence, one per encoder layer, which the decoder's hidden layers mirror.
    output_activation : the same, for the decoder's last layer; 'identity' with loss='bernoulli', which takes logits.
    loss : 'squared_error', 'bernoulli', 'continuous_bernoulli', 'laplace', 'gaussian' (variance learnt) or an object.
    penalties : Omega, a list such as [WeightDecay(1e-4), Contractive(0.1)].
    corruption : C(x~ | x), such as MaskingNoise(0.3), drawn anew at each visit of a sample; None for clean inputs.
    tied : share the encoder's weights with the decoder, W_decoder = W_encoder^T.
    unit_rows : keep the decoder row of each code unit at norm 1, by `UnitRows`, so that rescaling cannot lower L1.
    optimizer : such as SGD(0.1, momentum=0.9); None for Adam().
    batch_size, max_iter : samples in a minibatch (at most N) and epochs at most.
    tol, n_iter_no_change : stop when for that many epochs the loss has not fallen by the fraction tol below its best.
    early_stopping, validation_fraction : hold out that fraction of X, watch its loss instead, keep the best weights.
    callbacks : a callable or a list, each called as callback(network, history) after an epoch; True stops. See also
        `npae.Checkpoint`, `npae.EarlyStopping`.
    warm_start : let fit continue from the weights, the optimizer's state and the history of the previous fit.
    block_size : rows that are read and shuffled together: None for a whole array, or 16 MB of out-of-core data.
    random_state : None, int, SeedSequence or Generator; weights, order, noise and split draw from separate streams.
    verbose : 1 for a progress bar (tqdm's where that is installed) or line.

    Attributes
    ----------
    network_ : the trained Network.  history_ : dict of lists by epoch: 'loss', its terms ('reconstruction', and each
        penalty's class), 'validation_loss', 'gradient_norm', 'learning_rate', 'seconds'; see
        `npae.training.loop.train`.
    loss_curve_ : history_['loss'].  n_iter_ : epochs done.  n_features_in_ : D.

    A float32 X is trained in float32, anything else in float64. Goodfellow, Bengio and Courville (2016), Deep
    Learning, chapter 14.
    """

    def __init__(
        self, n_components=32, *, hidden_layer_sizes=(), activation="sigmoid", output_activation="identity",
        loss="squared_error", penalties=(), corruption=None, tied=False, unit_rows=False, optimizer=None,
        batch_size=128, max_iter=100, tol=1e-4, n_iter_no_change=10, early_stopping=False, validation_fraction=0.1,
        callbacks=None, warm_start=False, block_size=None, random_state=None, verbose=0,
    ):  # fmt: skip
        arguments = dict(locals())
        del arguments["self"]
        vars(self).update(arguments)

    def _build(self, n_features, rng, dtype):
        """Return the encoder, its mirror image and the objective as one Network."""
        hidden = (self.hidden_layer_sizes,) if np.isscalar(self.hidden_layer_sizes) else tuple(self.hidden_layer_sizes)
        widths = [n_features, *hidden, self.n_components]
        owner = type(self).__name__
        many = isinstance(self.activation, (list, tuple))
        given = self.activation if many else [self.activation] * (len(widths) - 1)
        phis = [_named(phi, activations.BY_NAME, "activation", owner) for phi in given]
        if len(phis) != len(widths) - 1:
            raise ValueError(f"{owner}: got {len(phis)} activations, expected {len(widths) - 1}, one an encoder layer")
        output = _named(self.output_activation, activations.BY_NAME, "output_activation", owner)
        loss = _named(self.loss, distributions.BY_NAME, "loss", owner)
        self._check_logits(loss, output)
        encoder = [Dense(D, K, phi, rng=rng) for D, K, phi in zip(widths, widths[1:], phis)]
        decoder = mirrored(encoder, [*reversed(phis[:-1]), output], tied=self.tied, rng=rng)
        if self.unit_rows:
            decoder[0] = UnitRows.of(decoder[0])
        decoder = widen_decoder(decoder, loss, n_features, rng)
        return Network(encoder, decoder, loss=loss, penalties=self.penalties, dtype=dtype)

    def _check_logits(self, loss, output):
        if isinstance(loss, LOGITS) and output != activations.Identity():
            name = next((name for name, each in distributions.BY_NAME.items() if each == loss), repr(loss))
            got = f"{type(self).__name__}: got output_activation={self.output_activation!r} with loss={name!r}"
            raise ValueError(f"{got}, expected 'identity': the loss takes logits, whose mean reconstruct() returns")

    def _check_arguments(self):
        """Raise ValueError or TypeError for an argument that does not fit."""
        super()._check_arguments()
        owner = type(self).__name__
        hidden = [self.hidden_layer_sizes] if np.isscalar(self.hidden_layer_sizes) else self.hidden_layer_sizes
        if not isinstance(hidden, (list, tuple)):
            raise TypeError(f"{owner}: got hidden_layer_sizes={hidden!r}, expected a list of whole numbers")
        for size in hidden:
            check_number(size, "hidden_layer_sizes", owner, low=1, integer=True)
        check_flag(self.tied, "tied", owner)
        check_flag(self.unit_rows, "unit_rows", owner)
        if self.tied and self.unit_rows:
            raise ValueError(f"{owner}: got tied=True and unit_rows=True, expected at most one of them")
        if callable(self.penalties) or not isinstance(self.penalties, (list, tuple)):
            raise TypeError(f"{owner}: got penalties={self.penalties!r}, expected a list such as [WeightDecay(1e-4)]")

    # -- inference -----------------------------------------------------------------------------------------------

    def transform(self, X):
        """Return the code h = f(x): (N, D) -> (N, K)."""
        return self._wrap_output(self._apply(lambda x: self.network_.encode(x), X, "the code"), X)

    def fit_transform(self, X, y=None, sample_weight=None):
        """Call fit(X), then return transform(X)."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def inverse_transform(self, X):
        """Return the reconstruction of given codes X: (N, K) -> (N, D)."""
        self._check_fitted("network_")
        owner, network = type(self).__name__, self.network_
        h = check_array(X, owner=owner, dtype=network.theta.dtype, n_features=network.decoder.layers[0].n_in)
        with np.errstate(over="ignore", invalid="ignore"):  # check_finite reports it
            return check_finite(network.decode(h), "the reconstruction", owner)

    def reconstruct(self, X):
        """Return x^ = g(f(x)): (N, D) -> (N, D); means of the reconstruction distribution."""
        return self._apply(lambda x: self.network_.reconstruct(x), X, "the reconstruction")

    def score(self, X, y=None, sample_weight=None):
        """Return the mean log-likelihood of X (N, D) under its reconstruction distribution p(x | f(x)), nats per
        sample.

        For the squared error a unit-variance Gaussian: -L - D/2 log(2 pi). A user-defined loss
        without `log_likelihood` scores -L, and takes no sample weights.
        """
        scores = self._apply(self._log_likelihood, X, "the score")
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, len(scores), type(self).__name__, visits=False)
        return float(np.average(scores, weights=sample_weight))

    def _log_likelihood(self, x):
        network = self.network_
        network.check_target(x)
        a, loss = network.decoder(network.encoder(x)), network.loss
        if hasattr(loss, "log_likelihood"):
            return loss.log_likelihood(a, x)
        return np.full(len(x), -loss(a, x)[0])

    def _check_transform(self, X):
        self._check_fitted("network_")
        return self._check_fit(X, reset=False).astype(self.network_.theta.dtype, copy=False)


def _named(value, by_name, what, owner):
    if isinstance(value, str):
        if value not in by_name:
            raise ValueError(f"{owner}: got {what}={value!r}, expected one of {sorted(by_name)}")
        return by_name[value]
    if isinstance(value, type) or not callable(value):
        raise TypeError(f"{owner}: got {what}={value!r}, expected one of {sorted(by_name)} or such an object")
    return value
