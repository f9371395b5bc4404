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
OWN = ("steps", "compiled", "fits", "growth", "others")
FURTHER = ("contraction", "gradcheck")  # whole programs too: python -m benchmarks.contraction
LENGTHY = ("compiled", *FURTHER)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few cells, under a minute")
    parser.add_argument("--only", nargs="+", choices=OWN + FURTHER, help="these parts")
    parser.add_argument("--patience", type=float, help="seconds to wait for a quiet machine, each time (10; quick: 0)")
    chosen = parser.parse_args(arguments)
    timing.PATIENCE = chosen.patience if chosen.patience is not None else 0.0 if chosen.quick else timing.PATIENCE
    parts = chosen.only or [p for p in OWN + FURTHER if not (chosen.quick and p in LENGTHY)]
    head = f"{datetime.date.today()}, {report.machine()}\n\n{NOTES}\n"
    print(head)
    for part in parts:
        if part == "steps":
            _steps(head, chosen.quick)
        elif part == "compiled":
            report.write("compiled.md", _compiled())
        else:
            module = importlib.import_module(f"benchmarks.{part}")
            text = module.main(quick=chosen.quick) if part in OWN else module.main()
            if text:
                report.write(f"{part}.md", text)
    print(f"Share of a core that other processes took in the rounds kept: at most {max(timing.DISTURBANCE or [0]):.2f}")


def _steps(head, quick):
    from benchmarks import steps

    text, results = steps.main(quick=quick)
    beside = [timings["npae"].ratio(timings["PyTorch"])[0] for timings, best in results.values() if best]
    if beside:
        text += f"\nBehind PyTorch in {sum(ratio < 1 for ratio in beside)} of {len(beside)} cells.\n"
    report.write("steps.md", head + text)
    print("figure:", report.figure(results, report.RESULTS / "steps.png") or "needs matplotlib")


def _compiled():
    from benchmarks import steps
    from benchmarks.cases import Case

    rows = []
    for case in (Case("64-25-64"), Case("784-500-784"), Case("784-500-784", optimizer="Adam")):
        t = steps.compiled(case)
        ratio = report.cell(t["npae"].ratio(t["torch.compile"]), mark=True) if t else "does not work here"
        rows.append([case.size, case.optimizer, case.dtype, ratio])
    return report.table(["network", "optimizer", "dtype", "torch.compile / npae"], rows)


if __name__ == "__main__":
    main()
