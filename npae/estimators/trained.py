"""The base of all estimators with a network: fit, partial_fit, history, files, copies, summary."""

import contextlib
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from npae.base import Estimator
from npae.estimators.summary import as_html, summary
from npae.objective.learnt_variance import LearntVariance
from npae.storage.checkpoints import Checkpoint
from npae.system.progress import shown_progress
from npae.training.loop import continue_training
from npae.training.optimizers import Adam, Step
from npae.training.rows import Rows, check_weight, is_out_of_core
from npae.training.run import DivergenceError, Run
from npae.training.streams import seed_sequence, streams
from npae.validation import check_array, check_finite, check_flag, check_number, float_dtype

# the arguments that build a network; a change of the others between two calls of partial_fit takes effect
STRUCTURE = {
    "n_components", "hidden_layer_sizes", "activation", "output_activation", "loss", "penalties", "tied", "unit_rows",
    "optimizer", "random_state",
}  # fmt: skip


class TrainedEstimator(Estimator):
    """An estimator around a `network_`, which a subclass makes in `_build(n_features, rng, dtype)`."""

    network_: Any
    history_: dict[str, list]
    callbacks: Any
    if TYPE_CHECKING:  # a subclass sets the constructor's arguments by vars(self).update

        def __getattr__(self, name: str) -> Any: ...

    # -- training ------------------------------------------------------------------------------------------------------

    def fit(self, X, y=None, sample_weight=None):
        """Train on X (N, D) from new weights (with warm_start: from the present ones); y is ignored. Return self.

        X may be an array or a frame, or out-of-core data with a shape, a dtype and slicing, such as a memmap or an
        array of zarr or h5py, which are read by blocks. A sample of weight w counts as w samples: it is visited w times
        an epoch, a fraction being a probability. Raises ValueError or TypeError for arguments or input that do not fit,
        before anything is trained; DivergenceError if the objective is not finite or far larger than at the start, with
        the best weights in `network_`.
        """
        self._check_arguments()
        with self._restore_on_failure():
            warm = self.warm_start and hasattr(self, "network_")
            rows = self._rows(X, sample_weight, new=not warm)
            if not warm:
                self._start(rows.n_features, rows.dtype, rows, resume=True)
            parts = self._split(rows) if self.early_stopping else (rows, None)
            with shown_progress(type(self).__name__, self.max_iter, self.verbose) as progress:
                stopping = {"tol": self.tol, "n_iter_no_change": self.n_iter_no_change, "rows_validation": parts[1]}
                self._train(parts[0], self.max_iter, progress, resumable=not warm, **stopping)
        return self

    def partial_fit(self, X, y=None, sample_weight=None):
        """Train for one epoch over X (N, D), from the weights and the optimizer's state of the previous call."""
        self._check_arguments()
        first = not hasattr(self, "network_")
        with self._restore_on_failure():
            rows = self._rows(X, sample_weight, new=first)
            if first:
                self._start(rows.n_features, rows.dtype, rows)
            self._train(rows, 1, resumable=False)
        return self

    def _rows(self, X, sample_weight, *, new):
        """Return X as checked Rows, for a new network or the present one."""
        owner = type(self).__name__
        dtype = float_dtype(X) if new else self.network_.theta.dtype
        if not is_out_of_core(X):
            X = self._check_fit(X, reset=new)
            X = X if new else X.astype(dtype, copy=False)
            dtype = X.dtype
        else:
            check_array(X[:1], owner=owner, n_features=None if new else self.n_features_in_)
            self.__dict__.pop("feature_names_in_", None)
            self.n_features_in_ = int(X.shape[1])
        weight = None if sample_weight is None else check_weight(sample_weight, X.shape[0], owner)
        rows = Rows(X, dtype, block_size=self.block_size, batch_size=self.batch_size, weight=weight)
        if not new:
            rows.check(owner, self.network_.check_target)
        return rows

    def _split(self, rows):
        try:
            return rows.split(self.validation_fraction, self._split_rng)
        except ValueError as error:
            got = f"got validation_fraction={self.validation_fraction!r} of {len(rows)} samples"
            raise ValueError(f"{type(self).__name__}: {got}, {error}") from None

    def _start(self, n_features, dtype, rows=None, *, resume=False):
        """Build the network, its step and the random streams; resume: with the streams of the run in a checkpoint."""
        seed = seed_sequence(self.random_state)
        for callback in self._callbacks() if resume else ():
            if isinstance(callback, Checkpoint):
                seed = callback.seed() or seed
        self._seed = seed
        weights_rng, self._shuffle_rng, self._noise_rng, self._split_rng = streams(seed, 4)
        network = self._build(n_features, weights_rng, dtype)
        for penalty in network.penalties:
            getattr(penalty, "state", {}).clear()  # the state of a previous fit
        if rows is not None:
            rows.check(type(self).__name__, network.check_target)
            if isinstance(last := network.decoder.layers[-1], LearntVariance):
                last.start_at(rows.var())
        self.network_ = network
        self._step = self._optimizer().start(network.theta)
        self.history_ = {"loss": [], "seconds": []}
        params = self.get_params(deep=False)  # the user may change a list later
        self._fitted_with = {name: list(each) if isinstance(each, list) else each for name, each in params.items()}

    def _train(self, rows, max_iter, progress=None, **options):
        now = self.get_params(deep=False)
        self._fitted_with = {name: self._fitted_with[name] if name in STRUCTURE else now[name] for name in now}
        before = None if isinstance(self._step, Step) else self.network_.theta.copy()
        run = Run(
            self.network_, rows, self._step, batch_size=self.batch_size, shuffle_rng=self._shuffle_rng,
            noise_rng=self._noise_rng, corruption=self.corruption, history=self.history_, estimator=self, **options,
        )  # fmt: skip
        continue_training(run, max_iter, self._callbacks(), progress)
        norms = self.history_.get("gradient_norm", [])[-1:]  # empty before the first epoch
        if before is not None and any(norms) and np.array_equal(before, self.network_.theta):
            what = f"{type(self).__name__}: got optimizer={self.optimizer!r} whose steps left every weight as it was"
            warnings.warn(f"{what}, expected step(grad) to change theta in place, as theta[:] = ... does", stacklevel=3)

    @contextlib.contextmanager
    def _restore_on_failure(self):
        """Restore the previous fit if the block fails before the end of the first epoch, except by DivergenceError."""
        before = self.__dict__.copy()
        try:
            yield
        except BaseException as error:
            history = self.__dict__.get("history_")
            trained = isinstance(error, DivergenceError) or (history and history["loss"])
            if not trained or history is before.get("history_"):  # a warm start changes all in place
                self.__dict__.clear()
                self.__dict__.update(before)
            raise

    def _optimizer(self):
        return Adam() if self.optimizer is None else self.optimizer

    def _callbacks(self):
        return [self.callbacks] if _is_callback(self.callbacks) else list(self.callbacks or ())

    def _part(self, name):
        return self._optimizer() if name == "optimizer" else getattr(self, name)

    @property
    def _n_features_out(self):
        return self.network_.encoder.layers[-1].n_out if hasattr(self, "network_") else self.n_components

    @property
    def loss_curve_(self):
        """history_['loss']: the mean training objective of each epoch."""
        self._check_fitted("network_")
        return self.history_["loss"]

    @property
    def n_iter_(self):
        """Epochs done."""
        return len(self.loss_curve_)

    def _check_arguments(self):
        """Raise ValueError or TypeError for an argument that does not fit."""
        owner = type(self).__name__
        counts = ["n_components", "batch_size", "max_iter", "n_iter_no_change"]
        for name in counts + ["block_size"] * (self.block_size is not None):
            check_number(getattr(self, name), name, owner, low=1, integer=True)
        check_number(self.tol, "tol", owner)
        check_number(self.validation_fraction, "validation_fraction", owner, high=1, include_high=False)
        for name in ("early_stopping", "warm_start"):
            check_flag(getattr(self, name), name, owner)
        corruption, optimizer = self.corruption, self._optimizer()
        if corruption is not None and (isinstance(corruption, type) or not hasattr(corruption, "corrupt")):
            raise TypeError(f"{owner}: got corruption={self.corruption!r}, expected one such as MaskingNoise(0.3)")
        if isinstance(optimizer, type) or not hasattr(optimizer, "start"):
            raise TypeError(f"{owner}: got optimizer={self.optimizer!r}, expected one such as Adam(1e-3)")
        many = isinstance(self.callbacks, (list, tuple)) or self.callbacks is None  # iterating would use up a generator
        if not (many or _is_callback(self.callbacks)) or not all(map(_is_callback, self._callbacks())):
            raise TypeError(f"{owner}: got callbacks={self.callbacks!r}, expected a callable or a list of them")

    # -- results -------------------------------------------------------------------------------------------------

    def _apply(self, f, X, name):
        """Return f of X (N, D), checked; out-of-core data block by block. name: of the result, in errors."""
        self._check_fitted("network_")
        owner, dtype = type(self).__name__, self.network_.theta.dtype
        with np.errstate(over="ignore", invalid="ignore"):  # check_finite reports it
            if not is_out_of_core(X):
                x = self._check_fit(X, reset=False).astype(dtype, copy=False)
                return check_finite(f(x), name, owner)
            rows = Rows(X, dtype, block_size=self.block_size)
            check_array(X[:1], owner=owner, n_features=self.n_features_in_)
            rows.check(owner)
            return check_finite(np.concatenate([f(x) for x in rows.in_order(rows.block_size)]), name, owner)

    def summary(self):
        """Return lines of text: layers, weights, objective, training and its last numbers."""
        return summary(self)

    def _repr_html_(self):
        """Return the summary as HTML."""
        return as_html(self)

    def save(self, path):
        """Write the arguments, the weights and the history to one .npz file, whole or not at all; see `npae.load`."""
        from npae.storage.model_file import save

        self._check_fitted("network_")
        save(self, path)

    def __getstate__(self):
        """Return the state without a user-defined step, whose state is unknown: a copy starts it anew."""
        return {name: value for name, value in vars(self).items() if name != "_step" or isinstance(value, Step)}

    def __setstate__(self, state):
        self.__dict__.update(state)
        if hasattr(self, "_step"):  # its copy of theta must become this network's theta
            self._step.theta = self.network_.theta
        elif hasattr(self, "network_"):
            self._step = self._optimizer().start(self.network_.theta)


def _is_callback(callback):
    return not isinstance(callback, type) and (callable(callback) or callable(getattr(callback, "start", None)))
