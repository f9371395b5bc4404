"""The scikit-learn face: arguments in, fitted attributes with a trailing underscore out."""

import contextlib

import numpy as np

from npae import activations, distributions, losses
from npae.layers import Dense, mirrored
from npae.learnt_variance import begin_with_variance_of, with_outputs
from npae.network import Network
from npae.optimizers import Adam, Step
from npae.sklearn_face import Estimator
from npae.sparsity.unit_rows import UnitRows
from npae.training import ProgressLine, streams, train
from npae.validation import check_number

LOGITS = (losses.BernoulliCrossEntropy, distributions.ContinuousBernoulli, distributions.Categorical)


class Autoencoder(Estimator):
    """An autoencoder x^ = g(f(x)) that minimizes J = 1/N sum_n L(x_n, g(f(x~_n))) + Omega by minibatches.

    Parameters
    ----------
    n_components : K, units of the code.
    hidden_layer_sizes : units of the encoder's hidden layers, from the input on; the decoder mirrors them.
    activation : 'identity', 'sigmoid', 'tanh', 'relu', 'softplus' or an activation object, for hidden layers and code;
        or a sequence, one for each encoder layer, which the decoder's hidden layers mirror.
    output_activation : the same, for the decoder's last layer; 'identity' with loss='bernoulli', which takes logits.
    loss : 'squared_error', 'bernoulli', 'continuous_bernoulli', 'laplace', 'gaussian' (variance learnt) or an object.
    penalties : Omega, a list such as [WeightDecay(1e-4), Contractive(0.1)].
    corruption : C(x~ | x), such as MaskingNoise(0.3), drawn anew at each visit of a sample; None for none.
    tied : share the encoder's weights with the decoder, W_decoder = W_encoder^T.
    unit_rows : hold what each unit of the code adds at norm 1, by `UnitRows`, so that L1 is not cheated by rescaling.
    optimizer : such as SGD(0.1, momentum=0.9); None for Adam().
    batch_size, max_iter : samples in a minibatch (at most N) and epochs at most.
    tol, n_iter_no_change : stop when for that many epochs the loss has not fallen by the fraction tol below its best.
    early_stopping, validation_fraction : hold out that fraction of X, watch its loss instead, keep the best weights.
    callbacks : a callable or a list, each called as callback(network, history) after an epoch; True stops.
    random_state : None, int, SeedSequence or Generator; weights, order, noise and split draw from separate streams.
    verbose : 1 for a progress line.

    Attributes
    ----------
    network_ : the trained Network.  history_ : dict of lists by epoch ('loss', 'seconds', 'validation_loss').
    loss_curve_ : history_['loss'].  n_iter_ : epochs done.  n_features_in_ : D.

    A float32 X is trained in float32, anything else in float64. Goodfellow, Bengio and Courville (2016), Deep
    Learning, chapter 14.
    """

    def __init__(
        self,
        n_components=32,
        *,
        hidden_layer_sizes=(),
        activation="sigmoid",
        output_activation="identity",
        loss="squared_error",
        penalties=(),
        corruption=None,
        tied=False,
        unit_rows=False,
        optimizer=None,
        batch_size=128,
        max_iter=100,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.output_activation = output_activation
        self.loss = loss
        self.penalties = penalties
        self.corruption = corruption
        self.tied = tied
        self.unit_rows = unit_rows
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    # -- training ------------------------------------------------------------------------------------------------

    def fit(self, X, y=None):
        """Train on X (N, D) from new weights; y is ignored. Returns self.

        Raises ValueError or TypeError for arguments or input that do not fit, before anything is trained;
        DivergenceError when the objective leaves the finite numbers, with the best finite weights in `network_`.
        """
        self._check_arguments()
        with self._all_or_nothing():
            X = self._check_fit(X)
            self._start(X.shape[1], X.dtype, X)
            X, X_validation = self._split(X)
        progress = ProgressLine(type(self).__name__, self.max_iter) if self.verbose else None
        try:
            self._train(
                X,
                max_iter=self.max_iter,
                tol=self.tol,
                n_iter_no_change=self.n_iter_no_change,
                X_validation=X_validation,
                progress=progress,
            )
        finally:
            if progress:
                progress.close()
        return self

    def partial_fit(self, X, y=None):
        """One epoch over X (N, D), going on from the weights and the optimizer's state of the call before."""
        self._check_arguments()
        first = not hasattr(self, "network_")
        with self._all_or_nothing():
            X = self._check_fit(X, reset=first)
            if first:
                self._start(X.shape[1], X.dtype, X)
        self.network_.check_target(X)
        self._train(X.astype(self.network_.theta.dtype, copy=False), max_iter=1)
        return self

    def _train(self, X, **limits):
        callbacks = [self.callbacks] if callable(self.callbacks) else self.callbacks or ()
        train(
            self.network_,
            X,
            self._step,
            self.history_,
            batch_size=min(self.batch_size, len(X)),
            shuffle_rng=self._shuffle_rng,
            noise_rng=self._noise_rng,
            corruption=self.corruption,
            callbacks=callbacks,
            **limits,
        )

    @contextlib.contextmanager
    def _all_or_nothing(self):
        """What was fitted before stays as it was where the block fails."""
        before = self.__dict__.copy()
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _start(self, n_features, dtype, target=None):
        """New weights, a new step, and the streams that training draws from; nothing if the loss refuses the target."""
        weights_rng, self._shuffle_rng, self._noise_rng, self._split_rng = streams(self.random_state, 4)
        network = self._build(n_features, weights_rng, dtype)
        if target is not None:
            network.check_target(target)
            begin_with_variance_of(network, target)
        self.network_ = network
        self._step = self._optimizer().start(network.theta)
        self.history_: dict[str, list] = {"loss": [], "seconds": [], "validation_loss": []}

    @property
    def loss_curve_(self):
        """history_['loss']: the mean training objective of each epoch."""
        self._check_fitted("network_")
        return self.history_["loss"]

    @property
    def n_iter_(self):
        """Epochs done."""
        return len(self.loss_curve_)

    def _split(self, X):
        if not self.early_stopping:
            return X, None
        n_validation = round(self.validation_fraction * len(X))
        if not 1 <= n_validation < len(X):
            raise ValueError(
                f"{type(self).__name__}: got validation_fraction={self.validation_fraction!r} of {len(X)} samples, "
                "expected at least one sample on each side"
            )
        order = self._split_rng.permutation(len(X))
        return X[order[n_validation:]], X[order[:n_validation]]

    def _build(self, n_features, rng, dtype):
        """The encoder, its mirror image, and the objective as one Network."""
        hidden = (self.hidden_layer_sizes,) if np.isscalar(self.hidden_layer_sizes) else tuple(self.hidden_layer_sizes)
        widths = [n_features, *hidden, self.n_components]
        owner = type(self).__name__
        many = isinstance(self.activation, (list, tuple))
        phis = [
            _named(a, activations.BY_NAME, "activation", owner)
            for a in (self.activation if many else [self.activation] * (len(widths) - 1))
        ]
        if len(phis) != len(widths) - 1:
            raise ValueError(f"{owner}: got {len(phis)} activations, expected {len(widths) - 1}, one an encoder layer")
        output = _named(self.output_activation, activations.BY_NAME, "output_activation", owner)
        loss = _named(self.loss, distributions.BY_NAME, "loss", owner)
        self._check_logits(loss, output)
        encoder = [Dense(D, K, phi, rng=rng) for D, K, phi in zip(widths, widths[1:], phis)]
        decoder = mirrored(encoder, [*reversed(phis[:-1]), output], tied=self.tied, rng=rng)
        if self.unit_rows:
            decoder[0] = UnitRows.of(decoder[0])
        decoder = with_outputs(decoder, loss, n_features, rng)
        return Network(encoder, decoder, loss=loss, penalties=self.penalties, dtype=dtype)

    def _check_logits(self, loss, output):
        if isinstance(loss, LOGITS) and output != activations.Identity():
            name = next((name for name, each in distributions.BY_NAME.items() if each == loss), repr(loss))
            raise ValueError(
                f"{type(self).__name__}: got output_activation={self.output_activation!r} with loss={name!r}, expected "
                "'identity': the loss takes logits, and reconstruct() returns the mean that they stand for"
            )

    def _optimizer(self):
        return Adam() if self.optimizer is None else self.optimizer

    def _part(self, name):
        return self._optimizer() if name == "optimizer" else getattr(self, name)

    @property
    def _n_features_out(self):
        return self.network_.encoder.layers[-1].n_out if hasattr(self, "network_") else self.n_components

    def _check_arguments(self):
        """Raise ValueError or TypeError, naming what came and what was expected."""
        owner = type(self).__name__
        for name, low in (("n_components", 1), ("batch_size", 1), ("max_iter", 1), ("n_iter_no_change", 1)):
            check_number(getattr(self, name), name, owner, low=low, integer=True)
        hidden = [self.hidden_layer_sizes] if np.isscalar(self.hidden_layer_sizes) else self.hidden_layer_sizes
        if not isinstance(hidden, (list, tuple)):
            raise TypeError(f"{owner}: got hidden_layer_sizes={hidden!r}, expected a list of whole numbers")
        for size in hidden:
            check_number(size, "hidden_layer_sizes", owner, low=1, integer=True)
        check_number(self.tol, "tol", owner)
        check_number(self.validation_fraction, "validation_fraction", owner, high=1, include_high=False)
        corruption, optimizer = self.corruption, self._optimizer()
        if corruption is not None and (isinstance(corruption, type) or not hasattr(corruption, "corrupt")):
            raise TypeError(f"{owner}: got corruption={self.corruption!r}, expected one such as MaskingNoise(0.3)")
        if isinstance(optimizer, type) or not hasattr(optimizer, "start"):
            raise TypeError(f"{owner}: got optimizer={self.optimizer!r}, expected one such as Adam(1e-3)")
        for name in ("tied", "unit_rows"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise TypeError(f"{owner}: got {name}={getattr(self, name)!r}, expected True or False")
        if self.tied and self.unit_rows:
            raise ValueError(f"{owner}: got tied=True and unit_rows=True, expected one of them: tied rows are no own")
        callbacks = [self.callbacks] if callable(self.callbacks) else self.callbacks or ()
        if not np.iterable(callbacks) or not all(callable(each) for each in callbacks):
            raise TypeError(f"{owner}: got callbacks={self.callbacks!r}, expected a callable or a list of them")
        if callable(self.penalties) or not np.iterable(self.penalties):
            raise TypeError(f"{owner}: got penalties={self.penalties!r}, expected a list such as [WeightDecay(1e-4)]")

    # -- inference -----------------------------------------------------------------------------------------------

    def transform(self, X):
        """The code h = f(x): (N, D) -> (N, K)."""
        x = self._check_transform(X)
        return self._frame(self.network_.encode(x), X)

    def fit_transform(self, X, y=None):
        """fit(X), then transform(X)."""
        return self.fit(X).transform(X)

    def inverse_transform(self, X):
        """The reconstruction of given codes X: (N, K) -> (N, D)."""
        self._check_fitted("network_")
        return self.network_.decode(X)

    def reconstruct(self, X):
        """x^ = g(f(x)): (N, D) -> (N, D); means of the reconstruction distribution."""
        x = self._check_transform(X)
        return self.network_.reconstruct(x)

    def score(self, X, y=None):
        """The mean log-likelihood of X (N, D) under its own reconstruction distribution p(x | f(x)), in nats a sample.

        For the squared error a unit-variance Gaussian: -L - D/2 log(2 pi). A loss of your own without
        `log_likelihood` scores -L.
        """
        X = self._check_transform(X)
        network = self.network_
        network.check_target(X)
        a, loss = network.decoder(network.encoder(X)), network.loss
        return float(loss.log_likelihood(a, X).mean() if hasattr(loss, "log_likelihood") else -loss(a, X)[0])

    def save(self, path):
        """Write the arguments, the weights and the history to one .npz file, whole or not at all; see `npae.load`."""
        from npae.model_file import save

        self._check_fitted("network_")
        save(self, path)

    def _check_transform(self, X):
        self._check_fitted("network_")
        return self._check_fit(X, reset=False).astype(self.network_.theta.dtype, copy=False)

    def __getstate__(self):
        """All but a step that is not the package's own: what it keeps is not known, so it begins anew in a copy."""
        return {name: value for name, value in vars(self).items() if name != "_step" or isinstance(value, Step)}

    def __setstate__(self, state):
        self.__dict__.update(state)
        if hasattr(self, "_step"):  # a copy of theta came with it; it must move this network's
            self._step.theta = self.network_.theta
        elif hasattr(self, "network_"):
            self._step = self._optimizer().start(self.network_.theta)


def _named(value, by_name, what, owner):
    if isinstance(value, str):
        if value not in by_name:
            raise ValueError(f"{owner}: got {what}={value!r}, expected one of {sorted(by_name)}")
        return by_name[value]
    if isinstance(value, type) or not callable(value):
        raise TypeError(f"{owner}: got {what}={value!r}, expected one of {sorted(by_name)} or such an object")
    return value
