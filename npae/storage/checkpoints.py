"""A training kept in a file, so that one that is killed goes on where it was, to the bit."""

import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from npae.storage.model_file import bare_contents, contents, load_training
from npae.storage.signature import signature
from npae.system.files import check_writable, remove_leftovers, write_atomically
from npae.training.optimizers import Step
from npae.validation import check_flag, check_number


@dataclass(frozen=True)
class Checkpoint:
    """Keep all that training needs to go on in the file `path`, every `epochs` epochs or `seconds` seconds.

    The file is written atomically, also in the midst of an epoch and at the end. The same fit, run again after it was
    killed, goes on from the file and ends with the same weights, optimizer's state, random states and history (but for
    the seconds) as if it had not been; a finished one is taken from the file. max_iter, n_iter_no_change, verbose and
    other callbacks may differ; a file of another run, with other arguments or data (of which 256 rows are compared), is
    refused. resume=False begins anew. `partial_fit` and warm starts write, and never resume. `npae.load` takes the file
    for the model as it was then.

    A part of your own (a loss, a penalty, a corruption) counts by its fields and the code of its class, a function by
    its code, its defaults and the values it closes over. What cannot be told apart: the global variables and functions
    that the code reads, code in C, generators of random numbers; and of a bare network the layers, but for the number
    of weights, and the corruption. Another version of Python may count the same code as another. A field that
    changes as the part is used is one to leave out in `__getstate__`.

    Raises ValueError unless epochs >= 1 or seconds >= 0 is given, and for a file of another run; TypeError for an
    optimizer of your own, whose state is not known; OSError where the file cannot be written, before anything is
    trained, and ModelFileError where it is damaged.
    """

    path: Any
    epochs: int | None = None
    seconds: float | None = None
    resume: bool = True

    def __post_init__(self):
        if self.epochs is None and self.seconds is None:
            raise ValueError("Checkpoint: got neither epochs nor seconds, expected Checkpoint(path, epochs=10), say")
        if self.epochs is not None:
            check_number(self.epochs, "epochs", "Checkpoint", low=1, integer=True)
        if self.seconds is not None:
            check_number(self.seconds, "seconds", "Checkpoint")
        check_flag(self.resume, "resume", "Checkpoint")

    def start(self, run):
        """What writes, with the run as it was in the file if there is one."""
        return _Keeper(self, run)

    def seed(self):
        """The SeedSequence of the run in the file, None where there is none to resume."""
        if not self.resume or not os.path.isfile(self.path):
            return None
        return _seed(load_training(self.path))


def _seed(training):
    return training["seed"] and np.random.SeedSequence(training["seed"][0], spawn_key=tuple(training["seed"][1:]))


class _Keeper:
    """A Checkpoint at work."""

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
            self._compare(training["signature"])
            restore(run, training)
            self.last_epoch = run.epoch

    def _compare(self, other):
        names = sorted({*self.signature, *other})
        differ = [name for name in names if self.signature.get(name) != other.get(name)]
        if differ:
            what = "; ".join(f"{name} is {self.signature.get(name)!r:.200}" for name in differ)
            was = "; ".join(f"{other.get(name)!r:.200}" for name in differ)
            raise ValueError(
                f"Checkpoint: got the file {os.fspath(self.checkpoint.path)!r} of another run ({what}, was {was}), "
                "expected that of this one: take another path, or resume=False to begin anew"
            )

    def __call__(self, network, history):
        """After an epoch."""
        epochs = self.checkpoint.epochs
        if epochs is not None and self.run.epoch - self.last_epoch >= epochs:
            self.write()

    def after_step(self):
        """After a step."""
        seconds = self.checkpoint.seconds
        if seconds is not None and time.monotonic() - self.last_time >= seconds:
            self.run.measure_gradient()
            self.write()

    def end(self):
        """When all is done."""
        self.write(final=True)

    def write(self, final=False):
        """Replace the file: by a model file or, for a bare network or parts of one's own, by one without a model."""
        run = self.run
        served = run.best_theta if final and run.rows_validation is not None else run.network.theta
        training = {"signature": self.signature} | state(run)
        if served is run.best_theta:  # what the model is served with is not where the training would go on
            training["moving_theta"] = run.network.theta
        try:
            pieces = contents(run.estimator, served, training)
        except TypeError:
            pieces = bare_contents(served, run.history, training)
        write_atomically(self.checkpoint.path, pieces)
        self.last_epoch, self.last_time = run.epoch, time.monotonic()


def state(run):
    """All of a Run, but for the weights and the history, that the steps to come depend on."""
    network, step = run.network, run.step
    seed, own = getattr(run.estimator, "_seed", None), getattr(network, "rng", None)
    return {
        "seed": seed and [seed.entropy, *seed.spawn_key],
        "counts": [run.epoch, run.batch, run.last_gain, run.n_parts, run.validation_seed],
        "finished": bool(run.finished),
        "numbers": np.array([run.best, run.first, run.scale, run.gradient_norm, *run.sums]),
        "best_theta": run.best_theta,
        "order": run.order,
        "shuffle": run.shuffle_rng.bit_generator.state,
        "noise": run.noise_rng.bit_generator.state,
        "own": None if own is None else own.bit_generator.state,
        "t": step.t,
        "lr": None if step._lr is step.optimizer.lr else step._lr,
        "step": {name: getattr(step, name) for name in step._state},
        "penalties": [dict(penalty.state) for penalty in run.counting],
    }


def restore(run, training):
    """Put a Run back to where it was."""
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
    for penalty, kept in zip(run.counting, training["penalties"]):
        penalty.state.clear()
        penalty.state.update(kept)
    run.history.clear()
    run.history.update(training["history"])
    if run.estimator is not None and training["seed"]:
        run.estimator._seed = _seed(training)
