"""python -m benchmarks.robustness.kills [--kills 40]: processes killed by SIGKILL while they train and while they save.

A run that writes a `Checkpoint` after every step is killed at random moments and started again until it ends; then the
next run. A process that saves two models to one file in turn is killed in the same way. After each kill the file is
read: it has to be whole, and the checkpoint at least as new as the last step that the run printed. At its end each run
has to have the weights, optimizer state, random states and history of an uninterrupted run, byte for byte.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

import npae
from npae.storage.model_file import load_training

KINDS = ("autoencoder", "denoising, early stopping", "variational")


class Tell:
    """A callback that prints the epoch and the minibatch after each step."""

    def start(self, run):
        """Return the callback."""
        self.run = run
        return self

    def __call__(self, network, history):
        """Do nothing after an epoch."""

    def after_step(self):
        """Print one line after a step."""
        print(self.run.epoch, self.run.batch, flush=True)


def estimator(kind, seed, callbacks=()):
    """Return an estimator of one kind, whose fit takes about 100 steps."""
    settings = {"max_iter": 12, "batch_size": 30, "random_state": seed, "tol": 0, "callbacks": list(callbacks)}
    if kind == "variational":
        return npae.VariationalAutoencoder(2, hidden_layer_sizes=(16,), **settings)
    if kind == "autoencoder":
        return npae.Autoencoder(
            8, optimizer=npae.SGD(0.05, momentum=0.9), penalties=[npae.L1Sparsity(0.01)], **settings
        )
    return npae.Autoencoder(8, corruption=npae.MaskingNoise(0.3), early_stopping=True, block_size=100, **settings)


def data():
    """Return 240 digits."""
    return npae.datasets.load_digits().data[:240]


def fingerprint(model):
    """Return the SHA-256 of all results of a run, except the seconds."""
    sha, step = hashlib.sha256(model.network_.theta.tobytes()), model._step
    for name in step._state:
        sha.update(getattr(step, name).tobytes())
    rngs = [each.bit_generator.state for each in (model._shuffle_rng, model._noise_rng, model._split_rng)]
    history = {name: np.array(values).tobytes() for name, values in model.history_.items() if name != "seconds"}
    sha.update(repr((step.t, rngs, history)).encode())
    return sha.hexdigest()


def train(path, kind, seed):
    """Train; this child process is killed."""
    print("begun", flush=True)
    model = estimator(kind, seed, [npae.Checkpoint(path, seconds=0), Tell()]).fit(data())
    print("end", fingerprint(model), flush=True)


def save(path, kind, seed):
    """Save two models in turn, until this child process is killed."""
    models = [estimator(kind, seed + i).set_params(max_iter=1).fit(data()) for i in (0, 1)]
    print("begun", flush=True)
    while True:
        for model in models:
            model.save(path)
            print("saved", flush=True)


def killed(what, path, kind, seed, steps, rng):
    """Return the lines that a child process printed before it was killed, in the step after `steps`; None: no kill."""
    command = [sys.executable, "-m", "benchmarks.robustness.kills", "--child", what, str(path), kind, str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        lines = []
        while steps is None or len(lines) <= steps:
            line = process.stdout.readline()
            if not line:
                break
            lines.append(line.strip())
        if steps is not None:
            time.sleep(rng.uniform(0, 0.005))
            process.kill()
        lines += process.stdout.read().split("\n")
    return [line for line in lines if line]


def kill_training(n, folder, rng):
    """Return counts of n kills of trainings; raise AssertionError or ModelFileError if anything was lost."""
    counts, run = Counter({"kills while training": 0}), 0
    while counts["kills while training"] < n:
        kind, path, whole = KINDS[run % len(KINDS)], Path(folder, f"{run}.npz"), None
        while whole is None:
            before = load_training(path)["counts"][:2] if path.exists() else [0, 0]
            steps = rng.randrange(25) if counts["kills while training"] < n else None
            lines = killed("train", path, kind, run, steps, rng)
            told = [[int(number) for number in line.split()] for line in lines if line[0].isdigit() and " " in line]
            if path.exists():
                npae.load(path)
                assert load_training(path)["counts"][:2] >= max([before, *told]), "a checkpoint was lost"
            assert path.exists() or not told
            if lines[-1].startswith("end"):
                whole = lines[-1].split()[1]
            else:
                counts["kills while training"] += 1
        alone = fingerprint(estimator(kind, run).fit(data()))
        assert whole == alone, f"{kind}: the resumed run ended with other bytes"
        counts["runs that ended with the bytes of one left alone"] += 1
        run += 1
    return counts


def kill_saving(n, folder, rng):
    """Return counts of n kills of the process that saves."""
    counts, path = Counter(), Path(folder, "saved.npz")
    models = [estimator(KINDS[0], seed).set_params(max_iter=1).fit(data()) for seed in (0, 1)]
    for _ in range(n):
        lines = killed("save", path, KINDS[0], 0, rng.randrange(20), rng)
        counts["kills while saving"] += 1
        assert path.exists() or "saved" not in lines, "a saved file is gone"
        if path.exists():
            theta = npae.load(path).network_.theta
            assert any(np.array_equal(theta, each.network_.theta) for each in models), "neither of the two models"
            counts["whole models found"] += 1
        counts["parts of files left beside it in all"] = len(list(Path(folder).glob(".*.part")))
    return counts


def main(arguments=None):
    """Print the counts; raise AssertionError or ModelFileError if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=40, help="of trainings, and half as many of saves")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.child:
        what, path, kind, seed = chosen.child
        {"train": train, "save": save}[what](path, kind, int(seed))
        return
    rng, started = random.Random(chosen.seed), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        counts = kill_training(chosen.kills, folder, rng)
        counts |= kill_saving(max(1, chosen.kills // 2), folder, rng)
    for what, count in counts.items():
        print(f"{count:>5}  {what}")
    print(f"all files whole, no checkpoint lost, all bytes equal ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
