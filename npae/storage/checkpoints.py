"""Checkpoints: a training saved in a file, so that a killed run resumes and ends with the same bits."""

import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.storage.model_file import load_training, model_bytes, training_bytes
from npae.storage.signature import fingerprint
from npae.system.files import check_writable, remove_leftovers, write_atomically
from npae.training.optimizers import Step
from npae.training.rows import digest
from npae.validation import check_flag, check_number

NOT_COMPARED = {"max_iter", "n_iter_no_change", "verbose", "callbacks"}


@dataclass(frozen=True)
class Checkpoint:
    """Save the state of a training in the file `path`, every `epochs` epochs or `seconds` seconds, and resume from it.

    The file is written atomically, also in the middle of an epoch and at the end. Run the same fit again after it was
    killed: it resumes from the file and ends with the same weights, optimizer state, random states and history (except
    the seconds) as an uninterrupted fit. A finished fit is read from the file. max_iter, n_iter_no_change, verbose and
    other callbacks may differ. The file of a run with other arguments or data (256 rows are compared) is refused.
    resume=False starts again. `partial_fit` and warm starts write the file and never resume. `npae.load` reads the
    model that the file holds.

    A user-defined part (a loss, a penalty, a corruption) is compared by the name of its class and its fields; a
    function by its name, its code, its defaults and the values it closes over. Not compared: the methods of a class,
    global variables, code in C, random generators, and of a bare network the layers (except the number of weights) and
    the corruption. Another version of Python may compile a function to other code. If a field changes while the part is
    used, leave it out in `__getstate__`.

    Raises ValueError unless epochs >= 1 or seconds >= 0 is given, and for the file of another run; TypeError for a
    user-defined optimizer, whose state is unknown; OSError, before the training starts, if the file cannot be written;
    ModelFileError if it is damaged.
    """

    path: Any
    epochs: int | None = None
    seconds: float | None = None
    resume: bool = True

    def __post_init__(self):
        if self.epochs is None and self.seconds is None:
            expected = "expected one of them, as in Checkpoint(path, epochs=10)"
            raise ValueError(f"Checkpoint: got neither epochs nor seconds, {expected}")
        if self.epochs is not None:
            check_number(self.epochs, "epochs", "Checkpoint", low=1, integer=True)
        if self.seconds is not None:
            check_number(self.seconds, "seconds", "Checkpoint")
        check_flag(self.resume, "resume", "Checkpoint")

    def start(self, run):
        """Return the callback; restore the run from the file if there is one."""
        return _CheckpointWriter(self, run)

    def seed(self):
        """Return the SeedSequence of the run in the file, None without a file to resume from."""
        if not self.resume or not os.path.isfile(self.path):
            return None
        return _seed_sequence(load_training(self.path))


def _seed_sequence(training):
    return training["seed"] and np.random.SeedSequence(training["seed"][0], spawn_key=tuple(training["seed"][1:]))


class _CheckpointWriter:
    """The callback that writes the file of a Checkpoint during one run."""

    def __init__(self, checkpoint, run):
        self.checkpoint, self.run = checkpoint, run
        self.last_epoch, self.last_time = run.epoch, time.monotonic()
        if not isinstance(run.step, Step):
            raise TypeError(f"Checkpoint: got the step {run.step!r}, expected one of npae's optimizers")
        check_writable(checkpoint.path)
        remove_leftovers(checkpoint.path)
        self.signature = signature(run)
        if checkpoint.resume and run.resumable and os.path.isfile(checkpoint.path):
            training = load_training(checkpoint.path)
            self._check_signature(training["signature"])
            restore_run(run, training)
            self.last_epoch = run.epoch

    def _check_signature(self, other):
        names = sorted({*self.signature, *other})
        differ = [name for name in names if self.signature.get(name) != other.get(name)]
        if differ:
            what = "; ".join(f"{name} is {self.signature.get(name)!r:.200}" for name in differ)
            was = "; ".join(f"{other.get(name)!r:.200}" for name in differ)
            got = f"got the file {os.fspath(self.checkpoint.path)!r} of another run ({what}, was {was})"
            expected = "expected the file of this run: choose another path, or resume=False to start again"
            raise ValueError(f"Checkpoint: {got}, {expected}")

    def __call__(self, network, history):
        """Write the file if `epochs` epochs have passed."""
        epochs = self.checkpoint.epochs
        if epochs is not None and self.run.epoch - self.last_epoch >= epochs:
            self.write()

    def after_step(self):
        """Write the file if `seconds` seconds have passed."""
        seconds = self.checkpoint.seconds
        if seconds is not None and time.monotonic() - self.last_time >= seconds:
            self.run.measure_gradient()
            self.write()

    def end(self):
        """Write the finished run."""
        self.write(final=True)

    def write(self, final=False):
        """Replace the file; it holds no model if the network is bare or has user-defined parts."""
        run = self.run
        best_or_current_theta = run.best_theta if final and run.rows_validation is not None else run.network.theta
        training = {"signature": self.signature} | run_state(run)
        if best_or_current_theta is run.best_theta:  # the model's weights are not those from which training resumes
            training["moving_theta"] = run.network.theta
        try:
            data = model_bytes(run.estimator, best_or_current_theta, training)
        except TypeError:
            data = training_bytes(best_or_current_theta, run.history, training)
        write_atomically(self.checkpoint.path, data)
        self.last_epoch, self.last_time = run.epoch, time.monotonic()


def signature(run):
    """Return {name: fingerprint} of all that has to be the same when a run resumes; 256 rows stand for the data."""
    rows, validation, network = run.rows, run.rows_validation, run.network
    data = [*rows.shape, str(rows.dtype), rows.block_size, digest(rows.sample_rows(256), rows.weight, rows.target)]
    found = {"data": data, "validation data": validation and [*validation.shape, digest(validation.sample_rows(256))]}
    found |= {"weights": [network.theta.size, str(network.theta.dtype)], "terms": list(run.names)}
    parts = {"optimizer": run.step.optimizer, "loss": network.loss, "penalties": network.penalties}
    params = {} if run.estimator is None else run.estimator.get_params(deep=False)
    compared = {"batch_size": run.batch_size, **parts, **params}
    return found | {name: fingerprint(value) for name, value in compared.items() if name not in NOT_COMPARED}


def run_state(run):
    """Return the state of a Run that later steps depend on, except the weights and the history."""
    network, step = run.network, run.step
    seed, network_rng = getattr(run.estimator, "_seed", None), getattr(network, "rng", None)
    return {
        "seed": seed and [seed.entropy, *seed.spawn_key],
        "counts": [run.epoch, run.batch, run.last_gain, run.n_parts, run.validation_seed],
        "finished": bool(run.finished),
        "numbers": np.array([run.best, run.first, run.scale, run.gradient_norm, *run.sums]),
        "best_theta": run.best_theta, "order": run.order, "shuffle": run.shuffle_rng.bit_generator.state,
        "noise": run.noise_rng.bit_generator.state,
        "own": None if network_rng is None else network_rng.bit_generator.state, "t": step.t,
        "lr": None if step._lr is step.optimizer.lr else step._lr,
        "step": {name: getattr(step, name) for name in step._state},
        "penalties": [dict(penalty.state) for penalty in run.counting],
    }  # fmt: skip


def restore_run(run, training):
    """Set a Run to a saved state."""
    network, step = run.network, run.step
    network.theta = training.get("moving_theta", training["theta"])
    run.best_theta[:] = training["best_theta"]
    run.epoch, run.batch, run.last_gain, run.n_parts, run.validation_seed = training["counts"]
    run.best, run.first, run.scale, run.gradient_norm, *run.sums = training["numbers"].tolist()
    run.finished, run.order = training["finished"], training["order"]
    run.shuffle_rng.bit_generator.state = run.order if run.batch else training["shuffle"]
    run.noise_rng.bit_generator.state = training["noise"]
    if training["own"] is not None:
        network.rng.bit_generator.state = training["own"]
    step.t = training["t"]
    step._lr = step.optimizer.lr if training["lr"] is None else training["lr"]
    for name in step._state:
        getattr(step, name)[:] = training["step"][name]
    for penalty, saved_state in zip(run.counting, training["penalties"]):
        penalty.state.clear()
        penalty.state.update(saved_state)
    run.history.clear()
    run.history.update(training["history"])
    if run.estimator is not None and training["seed"]:
        run.estimator._seed = _seed_sequence(training)
