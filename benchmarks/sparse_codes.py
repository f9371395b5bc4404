"""What capacity costs and sparse codes buy, no timing: python -m benchmarks.sparse_codes [PART ...] [--short]

identity, memory: what too much capacity does. widths: codes from 1 to 2 D units on digits, with errors and probes;
codes: the widest on MNIST images. frontier, cheat, revival: L0 against error, L1 rescaled, dead units. edges, strokes:
the classical exercise. pretraining: accuracy with few labels. Without a part all of them, which takes an hour or two;
with --keep DIRECTORY a run that was stopped goes on, seed by seed. Figures go to --figures DIRECTORY.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.report import table
from npae import datasets, sparsity
from npae.experiments import capacity, edges, pretraining, sparse_codes
from npae.plots import sparse_codes as draw


def identity(options):
    """Linear, as wide as the input and twice as wide."""
    for K in (64, 128):
        M, error = capacity.identity_map(K)
        print(f"linear 64-{K}-64 on ZCA-whitened patches: unexplained {error:.1e}, W_e W_d off I by "
              f"{np.abs(M - np.eye(64)).max():.1e}")  # fmt: skip


def memory(options):
    """A code of one unit that learns by heart."""
    for seed in range(options.seeds):
        found = capacity.memorize(rng=seed)
        print(f"2-50-50-1-50-50-2, {len(found.train)} samples, seed {seed}: " + _listed(found.errors, ".4f"))
    return {"memory": draw.curve_of_memory(found)}


def widths(options):
    """Errors and accuracies by the width of the code, digits."""
    wide = (2, 16, 128) if options.short else (1, 2, 4, 8, 16, 32, 64, 128)
    tables = _seeds(options, "digits", widths=wide, epochs=20 if options.short else None)
    _print_codes(tables, (50, 100, 200))
    _print_margins(tables, 128, 64, (50, 100, 200))
    return {"widths": draw.width_curves(tables, 100)}


def codes(options):
    """Overcomplete codes of MNIST images."""
    labels = (50, 100, 200, 1000)
    tables = _seeds(options, "mnist", widths=(50, 1000), kinds=(), labels=labels)
    wide = _seeds(options, "mnist", widths=(1000,), labels=labels, epochs=3 if options.short else None)
    tables = [first | second for first, second in zip(tables, wide)]
    _print_codes(tables, labels)
    _print_margins(tables, 1000, 50, labels)


def _seeds(options, name, **how):
    data = datasets.load_digits() if name == "digits" else datasets.load_mnist_5k()
    return [
        kept(options, f"{name}_{'_'.join(map(str, how['widths']))}_{seed}",
             lambda seed=seed: capacity.probe_codes(data, capacity.RECIPES[name], seed=seed, log=options.log, **how))
        for seed in range(options.seeds)
    ]  # fmt: skip


def kept(options, name, work):
    """What work() returns, a dict by tuples; with --keep it is written there, and read where it is already."""
    path = Path(options.keep or ".") / f"{name}.json"
    if not options.keep or not path.exists():
        found = work()
        if options.keep:
            path.write_text(json.dumps([[*key, value] for key, value in found.items()]))
        return found
    rows = json.loads(path.read_text())
    return {(a, b): (*v[:2], {int(n): right for n, right in v[2].items()}) if isinstance(v, list) else v
            for a, b, v in rows}  # fmt: skip


def _print_codes(tables, labels):
    rows = []
    for kind, width in tables[0]:
        errors = [_spread([t[kind, width][i] for t in tables], ".3f") for i in (0, 1)]
        right = [_spread([100 * t[kind, width][2][n] for t in tables], ".1f") for n in labels]
        rows.append([kind, str(width), *errors, *right])
    print(table(["code", "width", "training error", "held-out", *(f"{n} labels, %" for n in labels)], rows))


def _print_margins(tables, width, n_components, labels):
    """Paired over seeds: each regularized code less the unregularized one, raw pixels and PCA."""
    rows = []
    for kind in capacity.KINDS[1:]:
        row = [kind]
        for n in labels:
            cells = []
            for other, other_width in (("unregularized", width), ("raw pixels", None), ("PCA", n_components)):
                where = other_width or next(w for k, w in tables[0] if k == other)
                mean, spread = capacity.against(tables, kind, width, other, where, n)
                cells.append(f"{100 * mean:+.1f} ± {100 * spread:.1f}")
            row.append(" / ".join(cells))
        rows.append(row)
    print("accuracy gained over unregularized / raw pixels / PCA, percentage points, mean ± spread of paired seeds")
    print(table(["code", *(f"{n} labels" for n in labels)], rows))


def frontier(options):
    """L0 against the fraction of variance unexplained."""
    X, T = sparse_codes.patches()
    methods = sparse_codes.frontiers(X, T, epochs=5 if options.short else 30, log=options.log)
    rows = [[method, f"{s:g}", f"{l0:.2f}", f"{fvu:.4f}", str(dead)]
            for method, points in methods.items() for s, l0, fvu, dead in points]  # fmt: skip
    print(table(["method", "lam or k", "mean L0", "unexplained", "dead of 128"], rows))
    least = min(l0 for _, l0, _, _ in methods["L1"])
    for name in ("top k", "top k, revived"):
        compared = [
            f"{k:g}: {ours:.4f} {'<' if ours < l1 else '>'} {l1:.4f}"
            for k, l0, ours, _ in methods[name]
            if l0 >= least
            for l1 in [sparse_codes.unexplained_at(methods["L1"], l0)]
        ]
        print(f"{name} beside L1 at the same L0: {'; '.join(compared)}")
    return {"frontier": draw.frontier(methods)}


def cheat(options):
    """L1 with a free decoder and with unit rows."""
    histories = sparse_codes.cheat(sparse_codes.patches(2000, 1)[0], epochs=30 if options.short else 300)
    for name, rows in histories.items():
        epoch, penalty, norm, error, l0 = rows[-1]
        print(f"{name}, after {epoch:.0f} epochs: penalty {penalty:.3f}, mean norm of a decoder's row {norm:.2f}, "
              f"error {error:.3f}, L0 {l0:.1f}")  # fmt: skip
    return {"cheat": draw.cheat_curves(histories)}


def revival(options):
    """Dead units with and without the auxiliary term."""
    X = sparse_codes.patches()[0]
    for k in (2, 4, 8):
        found = sparse_codes.revival(X, k=k, epochs=5 if options.short else 30)
        print(f"top {k} of 128: dead " + ", ".join(
            f"{name} {counts[-1]} (unexplained {sparsity.unexplained_variance(network, X):.4f})"
            for name, (counts, network) in found.items()))  # fmt: skip


def classical(options, name):
    """The exercise: criterion, mean activations."""
    figures = {}
    for seed in range(options.seeds if name == "edges" else 1):
        solve = edges.edges if name == "edges" else edges.strokes
        result = solve(seed=seed, max_iter=60 if options.short else 400)
        rho, q = result.exercise.rho, result.mean_activation
        counts = {who: count for who, (_, _, count) in result.criteria().items()}
        print(f"{name}, seed {seed}: {result.how}, J {result.value:.4f}, localized and oriented of {len(q)}: "
              f"{_listed(counts, 'd')}; mean activations {q.min():.5f} to {q.max():.5f}, at most "
              f"{100 * np.abs(q / rho - 1).max():.0f} % off rho = {rho:g}", flush=True)  # fmt: skip
        figures[f"{name}_{seed}"] = draw.exercise_filters(result)
    return figures


def few_labels(options):
    """Pretraining, layer by layer."""
    data = datasets.load_mnist_5k()
    how = {"epochs": 2, "n_steps": 50, "widths": (100,)} if options.short else {}
    found = [
        kept(options, f"pretraining_{seed}",
             lambda seed=seed: pretraining.few_labels(data, seed=seed, log=options.log, **how))
        for seed in range(options.seeds)
    ]  # fmt: skip
    labels = sorted({n for _, n in found[0]})
    rows = []
    for kind in pretraining.KINDS:
        cells = [_spread([100 * f[kind, n] for f in found], ".1f") for n in labels]
        gains = [_spread([100 * (f[kind, n] - f["random", n]) for f in found], "+.1f") for n in labels]
        rows.append([kind, *cells, *gains])
    print(table(["start", *(f"{n} labels, %" for n in labels), *(f"gain, {n}" for n in labels)], rows))
    return {"pretraining": draw.label_curves(found)}


PARTS = {
    "identity": identity,
    "memory": memory,
    "widths": widths,
    "codes": codes,
    "frontier": frontier,
    "cheat": cheat,
    "revival": revival,
    "edges": lambda options: classical(options, "edges"),
    "strokes": lambda options: classical(options, "strokes"),
    "pretraining": few_labels,
}


def _spread(values, form):
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{np.mean(values):{form}} ± {spread:{form.lstrip('+')}}"


def _listed(values, form):
    return ", ".join(f"{name} {value:{form}}" for name, value in values.items())


def main(arguments=None):
    """Print the tables of the parts asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sparse_codes", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--seeds", type=int, default=5, help="how many (5)")
    parser.add_argument("--keep", metavar="DIRECTORY", help="where to keep each seed's results, and to go on from")
    parser.add_argument("--short", action="store_true", help="a few epochs, to see that it runs")
    parser.add_argument("--figures", metavar="DIRECTORY", help="where to put figures")
    options = parser.parse_args(arguments)
    options.log = lambda line: print(f"  {line}", flush=True)
    for part in options.parts or PARTS:
        print(f"\n## {part}\n")
        for name, figure in (PARTS[part](options) or {}).items():
            if options.figures:
                figure.savefig(Path(options.figures) / f"{name}.png")


if __name__ == "__main__":
    main()
