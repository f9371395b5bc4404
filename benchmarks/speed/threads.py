"""python -m benchmarks.speed.threads [--short]: a training step by number of BLAS threads, alone or next to others.

Every cell is a process of its own, started with that number of threads; a round goes through all of them, and a cell is
the median over rounds of the median step, over that of one thread alone. The neighbour is a loop in another process.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys

from npae.threads import VARIABLES

SIZES = ((64, 32, 64), (64, 128, 64), (784, 64, 64), (784, 256, 128), (784, 1000, 128))  # D, K, batch
STEP = """
import sys, time
import numpy as np
import npae
D, K, batch, seconds = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
rng = np.random.default_rng(0)
layers = [npae.Dense(D, K, npae.Sigmoid(), rng=rng)], [npae.Dense(K, D, npae.Sigmoid(), rng=rng)]
network, X = npae.Network(*layers, dtype=np.float32), rng.random((batch, D), dtype=np.float32)
step = npae.Adam(1e-3).start(network.theta)
times, end = [], time.perf_counter() + seconds
while time.perf_counter() < end or len(times) < 5:
    start = time.perf_counter()
    network.value_and_grad(X)
    step(network.grad)
    times.append(time.perf_counter() - start)
print(len(times) / sum(times))
"""


def steps_a_second(n_threads, size, seconds):
    """Adam steps of D-K-D in a process of its own."""
    environment = os.environ | dict.fromkeys(VARIABLES, str(n_threads))
    arguments = [sys.executable, "-c", STEP, *map(str, size), str(seconds)]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


@contextlib.contextmanager
def neighbours(n):
    """n processes that keep a core busy each, while the block runs."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def measure(sizes=SIZES, counts=None, *, rounds=3, seconds=1.0):
    """{(size, number of threads, neighbours): steps a second, the median over rounds}."""
    counts = counts or sorted({1, 2, os.cpu_count() or 1})
    found = {(size, n, busy): [] for size in sizes for n in counts for busy in (0, 1)}
    for _ in range(rounds):
        for busy in (0, 1):
            with neighbours(busy):
                for (size, n, other), values in found.items():
                    if other == busy:
                        values.append(steps_a_second(n, size, seconds))
    return {cell: statistics.median(values) for cell, values in found.items()}


def table(found):
    """Lines of a Markdown table: times a step over that of one thread alone, by size."""
    sizes = list(dict.fromkeys(size for size, *_ in found))
    columns = list(dict.fromkeys(cell[1:] for cell in found))
    heads = [f"{n} thread{'s' * (n > 1)}{', busy neighbour' * busy}" for n, busy in columns]
    lines = ["| network, batch | one thread alone | " + " | ".join(heads) + " |", "|---" * (len(heads) + 2) + "|"]
    for D, K, batch in sizes:
        alone = found[(D, K, batch), 1, 0]
        ratios = (f"{alone / found[(D, K, batch), column[0], column[1]]:.2f}" for column in columns)
        lines.append(f"| {D}-{K}-{D}, {batch} | {1e6 / alone:.0f} us | " + " | ".join(ratios) + " |")
    return lines


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.threads", description=__doc__)
    parser.add_argument("--short", action="store_true", help="two sizes, one round")
    options = parser.parse_args(arguments)
    print(f"{os.cpu_count()} cores; time of a step over that of one thread alone, more is slower\n")
    print("\n".join(table(measure(SIZES[1:4:2], rounds=1, seconds=0.5) if options.short else measure())))


if __name__ == "__main__":
    main()
