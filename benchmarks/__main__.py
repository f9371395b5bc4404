"""python -m benchmarks [--quick] [--only WORD ...]: tables and a figure into benchmarks/results/."""

import argparse
import datetime
import importlib

from benchmarks import report, timing

NOTES = """\
Ratios are medians over interleaved rounds in one process, quartiles in brackets. *step / products*: npae's step over
its own matrix products alone (`np.dot` into existing arrays, same dtype); 1 is the limit. *X / npae*: above 1 npae is
faster; below 1 in bold. *its products / NumPy's*: the same products by PyTorch's BLAS; below 1 that BLAS is the faster
one here, which no code around the products makes up for.
"""
BRIEF = ("steps", "fits", "growth", "others")
PARTS = (
    *BRIEF,
    "classical",
    "compiled",
    "contraction",
    "generative",
    "gradcheck",
)  # modules with a main(quick) that returns a table


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few cells, in a minute or two")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts")
    parser.add_argument("--patience", type=float, help="seconds to wait for a quiet machine, each time (10; quick: 0)")
    chosen = parser.parse_args(arguments)
    timing.PATIENCE = chosen.patience if chosen.patience is not None else 0.0 if chosen.quick else timing.PATIENCE
    head = f"{datetime.date.today()}, {report.machine()}\n\n{NOTES}\n"
    print(head)
    for part in chosen.only or (BRIEF if chosen.quick else PARTS):
        text = importlib.import_module(f"benchmarks.speed.{part}").main(quick=chosen.quick)
        report.write(f"{part}.md", head + text if part == "steps" else text)
    print(f"Share of a core that other processes took in the rounds kept: at most {max(timing.DISTURBANCE):.2f}")


if __name__ == "__main__":
    main()
