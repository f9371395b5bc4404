"""Compare the step with the best of torch.compile."""

from benchmarks.report import HEADER, beside, table
from benchmarks.speed.cases import Case, npae_step
from benchmarks.speed.steps import SHORT, best_of_torch


def main(quick=False):
    """Return a Markdown table."""
    rows = []
    for case in (Case(*c) for c in SHORT if c != ("64-25-64", "plain", "Adam")):
        name, step = best_of_torch(case, compiled=True)
        what = f"{case.size}, {case.optimizer}, {case.dtype}, {name or 'torch.compile does not work here'}"
        rows.append(beside(what, npae_step(case), step, seconds=1.0 if quick else 3.0))
    return table(["step", "torch.compile / npae", *HEADER[2:]], rows)
