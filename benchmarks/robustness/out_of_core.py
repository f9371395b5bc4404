"""python -m benchmarks.robustness.out_of_core [--megabytes 2000] [--folder F]: memory and time of fits to large files.

One process trains on memmaps of four sizes, each twice the previous one, for two epochs, and removes the files.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

import npae
from benchmarks.report import table
from benchmarks.robustness.model_files import peak_memory

D = 256  # float32: 1 kB a row
MOST = 100  # MB by which the process may grow


def write(path, megabytes):
    """Write a .npy file (N, 256) of float32 in [0, 1), 16 MB of random rows repeated."""
    block = np.random.default_rng(0).random((2**14, D), dtype=np.float32)
    n_blocks = max(1, round(megabytes * 1e6 / block.nbytes))
    header = {"descr": "<f4", "fortran_order": False, "shape": (n_blocks * len(block), D)}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(n_blocks):
            file.write(block.data)
    return n_blocks * block.nbytes / 1e6


def fit(X, block_size=None):
    """Return (seconds of the second epoch, peak growth of the process in MB)."""
    before = peak_memory()
    model = npae.Autoencoder(16, batch_size=1024, max_iter=2, tol=0, block_size=block_size, random_state=0).fit(X)
    first, second = model.history_["seconds"]
    return second - first, (peak_memory() - before) / 1e6


def measure(folder, megabytes):
    """Return rows (MB, N, seconds per epoch, MB grown) for an eighth, a quarter, a half and the whole of a size."""
    fit(np.random.default_rng(0).random((2**14, D), dtype=np.float32))  # what is loaded and allocated once
    rows, start = [], peak_memory()
    for part in (8, 4, 2, 1):
        path = Path(folder) / "x.npy"
        size = write(path, megabytes / part)
        X = np.load(path, mmap_mode="r")
        seconds, _ = fit(X)
        rows.append((size, len(X), seconds, (peak_memory() - start) / 1e6))
        del X
        path.unlink()
    return rows


def slope(rows):
    """Return the slope of log time over log N."""
    N, seconds = (np.log([row[i] for row in rows]) for i in (1, 2))
    return float(np.polyfit(N, seconds, 1)[0])


def main(arguments=None):
    """Print the table; exit status 1 if the process grew by more than 100 MB."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness.out_of_core", description=__doc__)
    parser.add_argument("--megabytes", type=float, default=2000)
    parser.add_argument("--folder", help="where the files are written (a new one)")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        rows = measure(folder, chosen.megabytes)
    cells = [[f"{size:,.0f}", f"{n:,}", f"{seconds:.1f}", f"{grown:.0f}"] for size, n, seconds, grown in rows]
    print(table(["MB on the disk", "N", "seconds per epoch", "MB grown so far"], cells))
    print(f"slope of log time over log N: {slope(rows):.2f}")
    return int(rows[-1][-1] > MOST)


if __name__ == "__main__":
    sys.exit(main())
