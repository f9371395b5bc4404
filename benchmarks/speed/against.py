"""python -m benchmarks.speed.against PATH [--quick | --all]: compare a training step with that of another checkout.

One process holds three packages: this checkout and two copies of the other one, under different names. The ratio of the
two copies is the spread. All take turns, round after round, with the same weights and the same batch.
"""

import argparse
import importlib
import itertools
import re
import shutil
import sys
import tempfile
from pathlib import Path

import npae
from benchmarks import timing
from benchmarks.report import cell, machine, table
from benchmarks.speed.cases import KINDS, SIZES, Case, npae_step

TOLERANCE = 0.03  # slower by more than this beyond the spread is said
QUICK = [Case(size, kind) for size in ("64-25-64", "784-500-784") for kind in ("plain", "contractive")]


def load(path, name, directory):
    """Return the npae package of the checkout at `path`, copied into `directory` and imported under another name."""
    copy = Path(directory) / name
    shutil.copytree(Path(path) / "npae", copy, ignore=shutil.ignore_patterns("*.npz", "__pycache__"))
    for file in copy.rglob("*.py"):
        file.write_text(re.sub(r"\bnpae\b", name, file.read_text(encoding="utf-8")), encoding="utf-8")
    return importlib.import_module(name)


def cases(quick=False, everything=False):
    """Return the cases: all sizes, plain and contractive, SGD and Adam; --all: all kinds without noise, and float64."""
    kinds = [kind for kind in KINDS if kind != "denoising"] if everything else ["plain", "contractive"]
    dtypes = ("float32", "float64") if everything else ("float32",)
    return QUICK if quick else [Case(*c) for c in itertools.product(SIZES, kinds, ("SGD", "Adam"), dtypes)]


def measure(case, others, seconds):
    """Return (this / other, copy / other: median and quartiles over rounds; slowdown beyond the spread; ms)."""
    names = ("this", "other", "copy")
    steps = {name: npae_step(case, package) for name, package in zip(names, (npae, *others))}
    times = timing.interleave(steps, seconds=seconds, burst=0.02, warm=0.005, rest=0)  # all on one BLAS
    ratio, same = times["other"].ratio(times["this"]), times["other"].ratio(times["copy"])
    spread = max(abs(quartile - 1) for quartile in same[1:])
    return ratio, same, ratio[0] - 1 - spread, [f"{1e3 * times[name].median:.4g}" for name in names[:2]]


def main(arguments=None):
    """Print the table and the slower cells."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.against", description=__doc__.partition("\n")[0])
    parser.add_argument("path", type=Path, help="another checkout: the directory that holds npae/")
    parser.add_argument("--quick", action="store_true", help="four cells, a few seconds each")
    parser.add_argument("--all", action="store_true", help="KL sparsity and float64 too")
    parser.add_argument("--seconds", type=float, help="of rounds a cell (8; quick: 2)")
    parser.add_argument("--patience", type=float, default=0.0, help="seconds to wait for a quiet machine (0)")
    chosen = parser.parse_args(arguments)
    timing.PATIENCE = chosen.patience
    print(f"{machine()}\n\nthis / other: above 1 this checkout is slower; medians over rounds, quartiles in brackets\n")
    rows, slower = [], []
    with tempfile.TemporaryDirectory() as directory:
        sys.path.insert(0, directory)
        others = [load(chosen.path, name, directory) for name in ("npae_other", "npae_copy")]
        for case in cases(chosen.quick, chosen.all):
            ratio, same, beyond, ms = measure(case, others, chosen.seconds or (2.0 if chosen.quick else 8.0))
            name = [case.size, case.kind, case.optimizer, case.dtype]
            rows.append([*name, cell(ratio), cell(same), *ms])
            print("  " + ", ".join(rows[-1][:6]), file=sys.stderr, flush=True)
            slower += [f"{', '.join(name)}: {beyond:.1%} beyond the spread"] if beyond > TOLERANCE else []
    header = ["network", "kind", "optimizer", "dtype", "this / other", "copy / other", "this, ms", "other, ms"]
    print(table(header, rows))
    print(f"Slower by more than {TOLERANCE:.0%} beyond the spread: {len(slower)} of {len(rows)} cells")
    print(*slower, sep="\n")
    print(f"Share of a core that other processes took in the rounds kept: at most {max(timing.DISTURBANCE):.2f}")


if __name__ == "__main__":
    main()
