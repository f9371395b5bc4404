"""Compare one training step with its own matrix products and with the same step in other libraries."""

import itertools

from benchmarks import report
from benchmarks.report import cell, table
from benchmarks.speed import peers
from benchmarks.speed.cases import KINDS, SIZES, Case, npae_step, products
from benchmarks.timing import interleave, quickest, warm_up

SHORT = [("64-25-64",), ("64-25-64", "plain", "Adam"), ("784-500-784",), ("784-500-784", "plain", "Adam")]
QUICK = [Case(*c) for c in (*SHORT, ("784-500-784", "denoising"), ("784-500-784", "contractive"))]
GRID = [Case(*c) for c in itertools.product(SIZES, KINDS, ("SGD", "Adam"), ("float32", "float64"))]
GRID += [Case("64-25-64", output="sigmoid"), Case("784-500-784", output="sigmoid")]


def best_of_torch(case, *, compiled=False):
    """Return (configuration, step) of the fastest PyTorch step; (None, None) if none works."""
    times = {}
    for name, step in peers.torch_steps(case, compiled=compiled).items():
        try:
            step()
        except Exception as error:  # a peer that cannot compile here is a missing cell, not a failed benchmark
            print(f"  left out: {type(error).__name__}: {str(error).splitlines()[0][:100]}")
            continue
        warm_up(step)
        times[name, step] = quickest(step, 7)
    return min(times, key=times.__getitem__, default=(None, None))


def main(quick=False):
    """Return the table of all cells (Markdown); write the figure into results/."""
    others = ["textbook"] if quick else ["textbook", "JAX", "autograd"]
    results, rows = {}, []
    for case in QUICK if quick else GRID:
        best, torch_step = best_of_torch(case)
        functions = {
            "npae": npae_step(case),
            "products": products(case),
            "PyTorch": torch_step,
            "PyTorch's products": peers.torch_products(case),
            "textbook": peers.textbook_step(case),
        }
        if not quick:
            functions |= {"JAX": peers.jax_step(case), "autograd": peers.autograd_step(case)}
        results[case] = timings = interleave(functions, seconds=1.0 if quick else 6.0)
        rows.append([*row(case, timings, others), best or "-"])
        print(f"  {case}: {rows[-1][4:8]}", flush=True)
    header = ["network", "kind", "optimizer", "dtype", "step / products", "PyTorch / npae", "its products / NumPy's"]
    text = table([*header, *(f"{o} / npae" for o in others), "npae", "products", "best of PyTorch"], rows)
    beside = [timings["npae"].ratio(timings["PyTorch"])[0] for timings in results.values() if "PyTorch" in timings]
    if beside:
        text += f"\nBehind PyTorch in {sum(ratio < 1 for ratio in beside)} of {len(beside)} cells.\n"
    report.RESULTS.mkdir(exist_ok=True)
    print("figure:", report.figure(results, report.RESULTS / "steps.png"))
    return text


def row(case, timings, others):
    """Return the cells of one line: ratios first, medians over rounds with their quartiles."""

    def over(peer, base, **mark):
        return cell(timings[base].ratio(timings[peer]), **mark) if peer in timings else "-"

    kind = case.kind if case.output == "identity" else f"{case.kind}, sigmoid output"
    ratios = [over("npae", "products"), over("PyTorch", "npae", mark=True), over("PyTorch's products", "products")]
    times = [report.ms(timings[name]) for name in ("npae", "products")]
    return [case.size, kind, case.optimizer, case.dtype, *ratios, *(over(peer, "npae") for peer in others), *times]
