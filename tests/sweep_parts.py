"""Estimators for the tests of the sweep that worker processes can import: what happens in them is seen from outside."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class Recorder:
    """An estimator whose fit leaves a file, and does what its `deed` says; its score is its seed."""

    def __init__(self, folder="", a=0, deed="", random_state=None):
        self.folder, self.a, self.deed, self.random_state = folder, a, deed, random_state

    def get_params(self, deep=True):
        return {name: getattr(self, name) for name in ("folder", "a", "deed", "random_state")}

    def set_params(self, **params):
        for name, value in params.items():
            if name not in self.get_params():
                raise ValueError(f"no argument {name}")
            setattr(self, name, value)
        return self

    def fit(self, X):
        fits = Path(self.folder) / f"{self.a}-{len(list(Path(self.folder).glob(f'{self.a}-*')))}"
        fits.write_text(str(os.getpid()))
        first = fits.name.endswith("-0")
        if self.deed == "die" or (self.deed == "die once" and first):
            time.sleep(0.3)  # as a fit takes some time: Dask hears of its start in batches
            os.kill(os.getpid(), signal.SIGKILL)
        if self.deed == "fail":
            raise ZeroDivisionError("oh")
        if self.deed == "sleep":
            time.sleep(60)
        if self.deed == "nap":
            time.sleep(0.3)
        return self

    def score(self, X):
        return float("nan") if self.deed == "nan" else float(self.random_state or 0) + self.a


@dataclass
class Counted:
    """Data that count in a folder how often they are packed and unpacked."""

    folder: str
    values: np.ndarray

    @property
    def shape(self):
        return self.values.shape

    def __getitem__(self, rows):
        return self.values[rows]

    def __reduce__(self):
        return unpack, (self.folder, self.values)


def unpack(folder, values):
    (Path(folder) / f"unpacked-{os.getpid()}-{time.monotonic_ns()}").touch()
    return Counted(folder, values)


def square_scorer(estimator, X):
    return -float((np.asarray(X) ** 2).sum())
