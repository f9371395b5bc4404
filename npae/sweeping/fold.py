"""The rows of a fold: of an array a copy, of data on a disk a view that reads them when they are asked for."""

import hashlib

import numpy as np

from npae.training.rows import BLOCK_BYTES, IN_MEMORY, on_disk, release


class Fold:
    """The rows `index` of data on a disk, themselves data on a disk: a shape, a dtype, slicing; nothing is kept."""

    def __init__(self, X, index):
        self.X, self.index = X, index % X.shape[0]  # a number below 0 counts from the end
        self.dtype, self.shape = X.dtype, (len(index), X.shape[1])

    def __len__(self):
        return len(self.index)

    def __getitem__(self, rows):
        """An array of the rows of a slice, read by runs of neighbours."""
        index = self.index[rows]
        order = np.argsort(index, kind="stable")
        runs = np.split(index[order], np.flatnonzero(np.diff(index[order]) != 1) + 1)
        read = np.empty((len(index), self.shape[1]), self.dtype)
        done = 0
        for run in runs if len(index) else ():
            read[order[done : done + len(run)]] = self.X[int(run[0]) : int(run[-1]) + 1]
            done += len(run)
        release(self.X)
        return read

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)


def take(X, index):
    """The rows of an array, a frame, a list or data on a disk, in memory."""
    if hasattr(X, "iloc"):
        return X.iloc[index]
    if on_disk(X) and not isinstance(X, np.ndarray):  # h5py takes numbers in their order alone
        return Fold(X, index)[:]
    return [X[i] for i in index] if isinstance(X, (list, tuple)) else X[index]


def view(X, index):
    """The same, but of data on a disk nothing is read yet; where they are visited by blocks they come as they lie."""
    if not on_disk(X):
        return take(X, index)
    large = len(index) * X.shape[1] * X.dtype.itemsize > IN_MEMORY
    return Fold(X, np.sort(index % X.shape[0]) if large else index)


def digest_of_rows(X):
    """`signature.digest` of data on a disk, read by blocks."""
    sha = hashlib.sha256(str((tuple(X.shape), X.dtype.str)).encode())
    step = max(1, BLOCK_BYTES // max(1, X.shape[1] * X.dtype.itemsize))
    for start in range(0, X.shape[0], step):
        sha.update(np.ascontiguousarray(X[start : start + step]).data)
        release(X)
    return sha.hexdigest()[:32]
