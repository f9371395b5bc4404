"""One training step: against its own matrix products, and against the same step in other libraries."""

from benchmarks import peers
from benchmarks.cases import KINDS, SIZES, Case, npae_step, products
from benchmarks.report import cell, table
from benchmarks.timing import interleave, once, warm_up

QUICK = [
    Case("64-25-64"),
    Case("64-25-64", optimizer="Adam"),
    Case("784-500-784"),
    Case("784-500-784", optimizer="Adam"),
    Case("784-500-784", "denoising"),
    Case("784-500-784", "contractive"),
]
SIGMOID_OUTPUT = [Case("64-25-64", output="sigmoid"), Case("784-500-784", output="sigmoid")]


def cases(quick=False):
    """Every cell, or the few of the short form."""
    if quick:
        return QUICK
    grid = [Case(*c) for c in ((s, k, o, d) for s in SIZES for k in KINDS for o in OPTIMIZERS for d in DTYPES)]
    return grid + SIGMOID_OUTPUT


OPTIMIZERS, DTYPES = ("SGD", "Adam"), ("float32", "float64")


def measure(case, *, seconds=6.0, all_peers=True):
    """(Timings by 'npae', 'products', 'PyTorch', ..., and the PyTorch configuration that was best)."""
    eager = {name: step for name, step in peers.torch_steps(case).items() if _works(step)}
    best = min(eager, key=lambda name: _quickest(eager[name]), default=None)
    functions = {
        "npae": npae_step(case),
        "products": products(case),
        "PyTorch": eager.get(best),
        "PyTorch's products": peers.torch_products(case),
        "textbook": peers.textbook_step(case),
    }
    if all_peers:
        functions["JAX"] = peers.jax_step(case)
        functions["autograd"] = peers.autograd_step(case)
    return interleave(functions, seconds=seconds), best


def compiled(case, *, seconds=3.0):
    """Timings of 'npae' and of torch.compile's best, or None where it does not work."""
    steps = {name: step for name, step in peers.torch_steps(case, compiled=True).items() if _works(step)}
    if not steps:
        return None
    best = min(steps, key=lambda name: _quickest(steps[name]))
    return interleave({"npae": npae_step(case), "torch.compile": steps[best]}, seconds=seconds)


def main(*, quick=False, only=None):
    """The table of all cells (Markdown) and {case: (timings, best)}."""
    results = {}
    for case in cases(quick):
        if only and only not in f"{case}":
            continue
        results[case] = measure(case, seconds=1.0 if quick else 6.0, all_peers=not quick)
        print(f"  {case}: {row(case, *results[case])[4:8]}", flush=True)
    others = ["textbook"] + ([] if quick else ["JAX", "autograd"])
    header = ["network", "kind", "optimizer", "dtype", "step / products", "PyTorch / npae", "its products / NumPy's"]
    lines = table([*header, *(f"{o} / npae" for o in others), "npae, ms", "products, ms", "best of PyTorch"],
                  [row(case, timings, best, others) for case, (timings, best) in results.items()])  # fmt: skip
    return lines, results


def row(case, timings, best, others=()):
    """The cells of one line: ratios first, medians over rounds with their quartiles."""
    npae, limit = timings["npae"], timings["products"]
    kind = case.kind if case.output == "identity" else f"{case.kind}, sigmoid output"
    return [
        case.size, kind, case.optimizer, case.dtype,
        cell(limit.ratio(npae)), cell(npae.ratio(timings["PyTorch"]), mark=True) if best else "not installed",
        cell(limit.ratio(timings["PyTorch's products"])) if best else "-",
        *(cell(npae.ratio(timings[o])) if o in timings else "-" for o in others),
        f"{1e3 * npae.median:.3g}", f"{1e3 * limit.median:.3g}", best or "-",
    ]  # fmt: skip


def _works(step):
    try:
        step()
    except Exception as error:  # a peer that cannot compile here is a missing cell, not a failed benchmark
        print(f"  left out: {type(error).__name__}: {str(error).splitlines()[0][:100]}")
        return False
    return True


def _quickest(step, n=7):
    warm_up(step)
    return min(once(step) for _ in range(n))
