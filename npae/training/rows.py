"""The samples that training visits: an array, or out-of-core data read by blocks; their order and frequency.

A block is a range of rows that is read at once: a whole array, or 16 MB of out-of-core data. An epoch visits the blocks
in a random order, and the rows of each block in a random order. Rows of different blocks never share a minibatch. So
sorted data (by class, for example) should be shuffled once in their file, or get a larger block_size.
"""

import hashlib
import mmap

import numpy as np

from npae.validation import check_array, check_finite

BLOCK_BYTES = 2**24
IN_MEMORY = 2**26  # bytes; out-of-core data up to this size are one block, and are visited like an array


def is_out_of_core(X):
    """Return True if X must be read by slices: a memmap, or any non-array (N, D) with shape, dtype and slicing."""
    if isinstance(X, np.ndarray):
        return isinstance(X, np.memmap) and X.ndim == 2
    if not isinstance(getattr(X, "dtype", None), np.dtype) or hasattr(X, "tocsr") or hasattr(X, "iloc"):
        return False
    return len(getattr(X, "shape", ())) == 2 and hasattr(X, "__getitem__")


def check_weight(sample_weight, n, owner, *, visits=True):
    """Return the weights as floats (n,); ValueError unless they are finite, at least 0, and have a finite sum above 0.

    visits: True if weight w means w visits; then the sum must be at least 1, up to rounding.
    """
    weight = np.asarray(sample_weight)
    if weight.dtype.kind not in "fiub" or weight.ndim != 1:
        got = f"sample_weight of shape {weight.shape} and dtype {weight.dtype}"
        raise ValueError(f"{owner}: got {got}, expected numbers ({n},)")
    weight = weight.astype(np.float64)
    if len(weight) != n or not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError(f"{owner}: got {len(weight)} sample weights, expected {n}, all finite and at least 0")
    with np.errstate(over="ignore"):  # reported in words
        total = weight.sum()
    if not (total > 1 - n * np.finfo(np.float64).eps if visits else total > 0) or total == np.inf:
        got = f"the sum {total:g}" if weight.any() else "every weight zero"
        least = "a sum of at least 1: weight w is w samples" if visits else "a finite sum above 0"
        raise ValueError(f"{owner}: got sample_weight with {got}, expected {least}")
    return weight


class Rows:
    """The rows of X (N, D), a float array or out-of-core data, as minibatches of `dtype`.

    block_size: rows in a block; None for all rows of an array, and for 16 MB of out-of-core data above 64 MB.
    weight (N,): the visits of a row per epoch; a fraction is the probability of one more visit (systematic sampling: a
    walk along the cumulative weights, with a visit at every step of 1 from a random start). target (N, M): an array
    that is visited with X.
    """

    def __init__(self, X, dtype, *, target=None, block_size=None, batch_size=1, weight=None, part=None):
        self.target = target
        self.X, self.dtype, self.weight, self.part = X, np.dtype(dtype), weight, part
        self.n_rows, self.n_features = X.shape
        self.out_of_core = is_out_of_core(X)
        bytes_a_row = self.n_features * self.dtype.itemsize
        if block_size is None and self.out_of_core and self.n_rows * bytes_a_row > IN_MEMORY:
            block_size = max(1, BLOCK_BYTES // bytes_a_row // batch_size) * batch_size
        self.block_size = min(block_size or self.n_rows, self.n_rows)
        self.n_blocks = -(-self.n_rows // self.block_size)
        if weight is not None:
            self.cumulative_weight = np.concatenate([[0.0], np.cumsum(weight)])
        self.fractions = weight is not None and bool((weight % 1).any())
        self._cached_block: np.ndarray | None = None

    def __len__(self):
        return sum(self._length(b) for b in range(self.n_blocks)) if self.part else self.n_rows

    @property
    def shape(self):
        """(rows of this part, D)."""
        return len(self), self.n_features

    def check(self, owner, check_target=None):
        """Raise TypeError or ValueError, naming the rows, unless all are finite numbers that the loss takes."""
        for b in range(self.n_blocks if self.out_of_core else 0):
            name = f"X[{b * self.block_size}:{min((b + 1) * self.block_size, self.n_rows)}]"
            block = check_array(self._raw(b), name=name, owner=owner, dtype=self.dtype)
            if block.shape != (self._size(b), self.n_features):
                raise ValueError(f"{owner}: got {block.shape} for {name} of {self.X.shape}: the shape of X is wrong")
            if check_target:
                check_target(block)
            drop_mapped_pages(self.X)
        if not self.out_of_core and check_target:
            check_target(self.X)

    def var(self):
        """Return the weighted variance of each feature, (D,), in float64; ValueError if it is not finite."""
        shift, n, total, squares = self._read(0)[:1].astype(np.float64), 0, 0.0, 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # reported in words
            for x in self.in_order(4096):
                x = x.astype(np.float64) - shift
                n, total, squares = n + len(x), total + x.sum(axis=0), squares + (x * x).sum(axis=0)
            return check_finite(squares / n - (total / n) ** 2, "the variance", "Gaussian")

    def split(self, fraction, rng):
        """Return (training, validation) Rows; the second has a random `fraction` of the rows of each block.

        ValueError unless each part has a row that an epoch visits.
        """
        seed = int(rng.integers(2**63))
        options = {"block_size": self.block_size, "weight": self.weight}
        parts = [Rows(self.X, self.dtype, part=(seed, fraction, side), **options) for side in (False, True)]
        if not all(any(len(part._visits(b, 0.5)) for b in range(self.n_blocks)) for part in parts):
            what = "sample" if self.weight is None else "sample that its weight lets an epoch visit"
            side = f"each side of a block, of block_size={self.block_size} rows" if self.n_blocks > 1 else "each side"
            raise ValueError(f"expected at least one {what} on {side}")
        return parts

    def batches(self, rng, batch_size, buffers, skip=0):
        """Yield the minibatches (x, target) of one epoch, in an order drawn from rng, except the first `skip`.

        target is x itself by default.
        """
        offset = rng.random() if self.fractions else 0.0
        for b in rng.permutation(self.n_blocks) if self.n_blocks > 1 else range(self.n_blocks):
            index = self._visits(b, offset, rng)
            n_batches = -(-len(index) // batch_size)
            if skip >= n_batches:
                skip -= n_batches
                continue
            block = self._read(b)
            for start in range(skip * batch_size, len(index), batch_size):
                batch = index[start : start + batch_size]
                out = buffers("x", (len(batch), self.n_features), self.dtype)
                x = np.take(block, batch, axis=0, out=out, mode="clip")
                yield x, x if self.target is None else self.target[b * self.block_size + batch]
            skip = 0

    def in_order(self, batch_size):
        """Yield the rows in their order, by minibatches: each row once, or as often as its weight says."""
        for b in range(self.n_blocks):
            index, block = self._visits(b, 0.5), self._read(b)
            for start in range(0, len(index), batch_size):
                yield block[index[start : start + batch_size]]

    def sample_rows(self, n):
        """Return at most n of X's rows, evenly spread, to compare two data sets."""
        indices = np.linspace(0, self.n_rows - 1, min(n, self.n_rows)).astype(int)
        return np.concatenate([np.asarray(self.X[i : i + 1]) for i in indices.tolist()])

    # -- one block -------------------------------------------------------------------------------------------------

    def _size(self, b):
        return min(self.block_size, self.n_rows - b * self.block_size)

    def _length(self, b):
        n = self._size(b)
        if not self.part:
            return n
        n_validation = round(self.part[1] * n)
        return n_validation if self.part[2] else n - n_validation

    def _part_rows(self, b):
        """Return the rows of a block that belong to this part, in their order; None for all."""
        if not self.part:
            return None
        seed, _, validation = self.part
        n = self._size(b)
        order, n_kept = np.random.default_rng([seed, b]).permutation(n), self._length(b)
        return np.sort(order[:n_kept] if validation else order[n - n_kept :])

    def _visits(self, b, offset, rng=None):
        """Return the rows of a block, each as often as it is visited, shuffled by rng if given."""
        index, n = self._part_rows(b), self._length(b)
        if self.weight is not None:
            start = b * self.block_size
            cumulative = self.cumulative_weight[start : start + self.block_size + 1]
            counts = np.diff(np.floor(cumulative + offset)).astype(np.int64)  # a visit at each whole number
            index = np.arange(n) if index is None else index
            index, n = np.repeat(index, counts[index]), counts[index].sum()
        order = np.arange(n) if rng is None else rng.permutation(n)
        return order if index is None else index[order]

    def _raw(self, b):
        return self.X[b * self.block_size : (b + 1) * self.block_size]

    def _read(self, b):
        if not self.out_of_core:
            return self._raw(b)
        if self._cached_block is not None:
            return self._cached_block
        block = np.array(self._raw(b), self.dtype)
        drop_mapped_pages(self.X)
        if self.n_blocks == 1:
            self._cached_block = block
        return block


def drop_mapped_pages(X):
    """Drop the pages of a mapped file, which would count as memory of this process.

    A private copy (mode 'c') keeps its pages: they may hold changes that are stored nowhere else.
    """
    mapped = getattr(X, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and getattr(X, "mode", "c") != "c" and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


class LazyRows:
    """The rows `index` of out-of-core data X, as out-of-core data: shape, dtype and slices, which read their rows."""

    def __init__(self, X, index):
        self.X, self.index = X, index % X.shape[0]
        self.dtype, self.shape = X.dtype, (len(index), X.shape[1])

    def __len__(self):
        return len(self.index)

    def __getitem__(self, rows):
        index = self.index[rows]
        order = np.argsort(index, kind="stable")
        runs = np.split(order, np.flatnonzero(np.diff(index[order]) != 1) + 1)  # of neighbours in X
        read = np.empty((len(index), self.shape[1]), self.dtype)
        for run in runs if len(index) else ():
            read[run] = self.X[int(index[run[0]]) : int(index[run[-1]]) + 1]
        drop_mapped_pages(self.X)
        return read


def rows_in_memory(X, index):
    """Return rows of an array, a frame, a list or out-of-core data, in memory."""
    if hasattr(X, "iloc"):
        return X.iloc[index]
    if is_out_of_core(X):
        return LazyRows(X, index)[:]
    return [X[i] for i in index] if isinstance(X, (list, tuple)) else X[index]


def lazy_rows(X, index):
    """Return rows of X; of out-of-core data LazyRows, in the order of the file if they exceed the memory limit."""
    if not is_out_of_core(X):
        return rows_in_memory(X, index)
    large = len(index) * X.shape[1] * X.dtype.itemsize > IN_MEMORY
    return LazyRows(X, np.sort(index % X.shape[0]) if large else index)


def memmap_arguments(X):
    """Return X, or the arguments of np.memmap if X is the memmap of a whole file."""
    if not isinstance(X, np.memmap) or not isinstance(getattr(X, "base", None), mmap.mmap) or X.filename is None:
        return X
    order = "C" if X.flags.c_contiguous else "F"
    names = ("filename", "dtype", "mode", "offset", "shape", "order")
    return dict(zip(names, (str(X.filename), X.dtype, "r", X.offset, X.shape, order)))


def digest(*arrays):
    """Return the first 32 digits of the SHA-256 of arrays (or Nones)."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(b"none" if array is None else str((array.shape, array.dtype.str)).encode())
        sha.update(b"" if array is None else np.ascontiguousarray(array).data)
    return sha.hexdigest()[:32]


def digest_of_data(X):
    """Return the digests of X by blocks of 4,096 rows, equal for an array and for out-of-core data."""
    values = X if hasattr(X, "dtype") else np.asarray(X)
    if values.dtype.kind == "O":
        values = np.asarray(values).astype(str)
    return [digest(np.asarray(values[start : start + 4096])) for start in range(0, values.shape[0], 4096)]
