"""Minibatch training: what happens between the first weights and the last.

`train` knows a network, an optimizer's step and an array; the estimators dress it.
"""

import sys
import time
import warnings

import numpy as np

from npae.kernels import Buffers
from npae.own_parts import takes
from npae.validation import check_number


class DivergenceError(RuntimeError):
    """The objective left the finite numbers; the network holds the best finite weights."""


class TrainingInterrupted(UserWarning):
    """Ctrl-C ended the training; what was learned is kept."""


def streams(random_state, n):
    """n independent Generators from None, an int, a SeedSequence, a Generator or a RandomState.

    They are the same for the same int or SeedSequence; a Generator or RandomState moves on by one draw. Raises
    TypeError or ValueError for anything else.
    """
    if isinstance(random_state, np.random.Generator):
        random_state = int(random_state.integers(2**63))
    elif isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(2**31))
    elif isinstance(random_state, bool) or not isinstance(
        random_state, (type(None), int, np.integer, np.random.SeedSequence)
    ):
        raise TypeError(f"random_state: got {random_state!r}, expected None, an int, a SeedSequence or a Generator")
    root = random_state if isinstance(random_state, np.random.SeedSequence) else np.random.SeedSequence(random_state)
    # spawned by key, not by root.spawn(), which would count up in the caller's object
    return [
        np.random.default_rng(np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, i))) for i in range(n)
    ]


class ProgressLine:
    """One line that rewrites itself on a terminal; plain lines, at most about ten, elsewhere."""

    def __init__(self, label, total, stream=None):
        self.label, self.total = label, total
        self.stream = sys.stdout if stream is None else stream
        self.live = self.stream.isatty()

    def __call__(self, done, text):
        """Show that `done` of the total is reached."""
        line = f"{self.label}  {done:>{len(str(self.total))}}/{self.total}  {text}"
        if self.live:
            self.stream.write(f"\r\x1b[K{line}")
            self.stream.flush()
        elif done == self.total or done % max(1, self.total // 10) == 0:
            self.stream.write(line + "\n")
            self.stream.flush()

    def close(self, erase=False):
        """End the live line, or take it away."""
        if self.live:
            self.stream.write("\r\x1b[K" if erase else "\n")
            self.stream.flush()


def train(
    network,
    X,
    step,
    history=None,
    *,
    target=None,
    batch_size=128,
    max_iter=100,
    rng=None,
    shuffle_rng=None,
    noise_rng=None,
    corruption=None,
    tol=0.0,
    n_iter_no_change=None,
    X_validation=None,
    callbacks=(),
    progress=None,
):
    """Minimize the network's objective over X (N, D) by minibatches; returns `history`, lists that grow by the epoch.

        history = train(network, X, Adam(Cosine(1e-2, 100 * 12)).start(network.theta), batch_size=100, rng=0)

    An epoch visits every sample once in a new order, in ceil(N / batch_size) steps, against its row of `target` (or
    itself); a corruption draws new noise for each visit. Order and noise draw from streams of their own, seeded by
    `rng` where they are not given as `shuffle_rng` and `noise_rng`. history["loss"] is the mean objective over the
    epoch's minibatches, "seconds" the time since the beginning, "validation_loss" the objective on X_validation with
    noise drawn once. A penalty that has `after_step()` is told after each step, so that what it counts moves on.

    Training ends after `max_iter` epochs; when the monitored loss (validation if there is one) has not fallen below
    (1 - tol) x its best for `n_iter_no_change` epochs; when a callback, called as callback(network, history) after each
    epoch, returns True; or by Ctrl-C, with a TrainingInterrupted warning. With X_validation the best weights are put
    back at the end. `step` is any step(grad) that moves network.theta, `corruption` whatever has corrupt(x, rng) -> x~.

    Raises DivergenceError when the objective is not finite, with the best epoch's weights put back; ValueError or
    TypeError for an X or target that does not fit the network, and for an x~ that does not have x's shape.
    """
    for name, value in (("batch_size", batch_size), ("max_iter", max_iter)):
        check_number(value, name, "train", low=1, integer=True)
    X, target = network._check_batch(X, target)
    order_rng, other_rng = streams(rng, 2)
    shuffle_rng, noise_rng = shuffle_rng or order_rng, noise_rng or other_rng
    history = {"loss": [], "seconds": [], "validation_loss": []} if history is None else history
    buffers = Buffers()
    corrupt = _corrupter(corruption, buffers)
    if X_validation is not None:
        X_validation, _ = network._check_batch(X_validation, None)
        noisy_validation = _corrupter(corruption, Buffers())(X_validation, noise_rng)
    monitored = history["loss" if X_validation is None else "validation_loss"]
    best_theta, best, last_gain = network.theta.copy(), np.inf, 0
    start = time.perf_counter() - (history["seconds"][-1] if history["seconds"] else 0.0)
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # reported below, in words
            for epoch in range(1, max_iter + 1):
                loss = _epoch(network, X, target, step, batch_size, corrupt, shuffle_rng, noise_rng, buffers)
                losses = {"loss": loss}
                if X_validation is not None:
                    losses["validation_loss"] = _value(network, noisy_validation, X_validation, batch_size)
                if not np.isfinite([network.theta.sum(), *losses.values()]).all():
                    raise DivergenceError(_diverged(epoch, history["loss"], step))
                for name, value in losses.items():
                    history[name].append(value)
                history["seconds"].append(time.perf_counter() - start)
                gained = monitored[-1] < best - tol * abs(best) if np.isfinite(best) else True
                if gained:
                    last_gain = epoch
                if monitored[-1] < best:
                    best = monitored[-1]
                    best_theta[:] = network.theta
                if progress:
                    progress(epoch, f"loss {loss:.6g}")
                answers = [callback(network, history) for callback in callbacks]
                if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
                    break
                if n_iter_no_change is not None and epoch - last_gain >= n_iter_no_change:
                    break
    except DivergenceError:
        network.theta = best_theta
        raise
    except KeyboardInterrupt:
        warnings.warn(
            f"training interrupted in epoch {len(history['loss']) + 1}: the weights learned so far are kept",
            TrainingInterrupted,
            stacklevel=3,
        )
    if X_validation is not None or not np.isfinite(network.theta.sum()):
        network.theta = best_theta
    return history


def _corrupter(corruption, buffers):
    """corrupt(x, rng) -> x~ as the loop calls it: into one array, taken again, where the corruption has an `out`."""
    if corruption is None:
        return lambda x, rng: x
    if takes(corruption.corrupt, "out"):
        return lambda x, rng: corruption.corrupt(x, rng, out=buffers("noisy", x.shape, x.dtype))

    def corrupt(x, rng):
        x = x.view()
        x.flags.writeable = False  # it is the target, too
        noisy = np.asarray(corruption.corrupt(x, rng), x.dtype)
        if noisy.shape != x.shape:
            raise ValueError(f"{type(corruption).__name__}: got x~ of shape {noisy.shape}, expected x's, {x.shape}")
        return noisy

    return corrupt


def _epoch(network, X, target, step, batch_size, corrupt, shuffle_rng, noise_rng, buffers):
    """One visit of every sample; the mean objective, or the first that is not finite."""
    order = shuffle_rng.permutation(len(X))
    counting = [penalty for penalty in network.penalties if hasattr(penalty, "after_step")]
    total = 0.0
    for start in range(0, len(X), batch_size):
        batch = order[start : start + batch_size]
        shape = (len(batch), X.shape[1])
        x = np.take(X, batch, axis=0, out=buffers("x", shape, X.dtype), mode="clip")
        value = network._value_and_grad(corrupt(x, noise_rng), x if target is X else target[batch])
        if not np.isfinite(value):
            return value
        step(network.grad)
        for penalty in counting:
            penalty.after_step()
        total += value * len(batch)
    return total / len(X)


def _value(network, noisy, x, batch_size):
    """The mean objective over batches: as large as training's, so that no buffer grows."""
    values = [
        network.value(noisy[i : i + batch_size], x[i : i + batch_size]) * len(x[i : i + batch_size])
        for i in range(0, len(x), batch_size)
    ]
    return sum(values) / len(x)


def _diverged(epoch, losses, step):
    last = f"{losses[-1]:.6g} after epoch {len(losses)}" if losses else "none, it was the first epoch"
    lr = getattr(step, "lr", None)  # a step of one's own may be a bare function
    lower = f"learning rate below {lr:g} (a tenth, say)" if isinstance(lr, (int, float)) else "smaller learning rate"
    return (
        f"training diverged in epoch {epoch}: the objective is not finite. Last finite loss: {last}. Try a {lower}, "
        "inputs scaled to about [0, 1], or weaker penalties. The best finite weights are kept."
    )
