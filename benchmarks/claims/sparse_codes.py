"""python -m benchmarks.claims.sparse_codes [PART ...] [--short]: measure the cost of capacity and sparse codes.

identity, memory: too much capacity. widths: codes from 1 to 2 D units on digits, with errors and probes. codes: wide
codes of MNIST images. frontier, cheat, revival: L0 and error, rescaled L1, dead units. edges, strokes: the classical
exercise. pretraining: accuracy with few labels. Without PART all parts run, which takes an hour or two. With
--keep DIRECTORY a stopped run resumes at its last seed. Figures go to --figures DIRECTORY.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.report import table
from npae import datasets, sparsity
from npae.experiments import capacity, edges, pretraining, sparse_codes
from npae.plots import sparse_codes as draw
from npae.plots.style import SMALL, STYLES, WIDTH, new_axes, plain_log


def identity(options):
    """Compare linear codes as wide as the input and twice as wide."""
    for K in (64, 128):
        M, error = capacity.identity_map(K)
        print(f"linear 64-{K}-64 on ZCA-whitened patches: unexplained {error:.1e}, W_e W_d off I by "
              f"{np.abs(M - np.eye(64)).max():.1e}")  # fmt: skip


def memory(options):
    """Memorize samples with a code of one unit."""
    for seed in range(options.seeds):
        found = capacity.memorize(rng=seed)
        print(f"2-50-50-1-50-50-2, {len(found.train)} samples, seed {seed}: " + _listed(found.errors, ".4f"))
    return {"memory": draw.curve_of_memory(found)}


def widths(options):
    """Measure errors and accuracies by the width of the code, on digits."""
    wide = (2, 16, 128) if options.short else (1, 2, 4, 8, 16, 32, 64, 128)
    kinds = (*capacity.KINDS, capacity.TIED)
    tables = _seeds(options, "digits", widths=wide, kinds=kinds, epochs=20 if options.short else None)
    _print_codes(tables, (50, 100, 200))
    _print_margins(tables, 128, (50, 100, 200))
    return {"widths": width_curves(tables, 50)}


def width_curves(tables, n_labels, *, width=WIDTH):
    """Draw held-out error, and accuracy with n_labels labels, by width of the code; means and spread over seeds."""
    figure, (left, right) = new_axes(width, 6.6, 2, 1)
    kinds = list(dict.fromkeys(kind for kind, _ in tables[0]))
    for i, (style, kind) in enumerate(zip(STYLES, kinds)):
        widths = [w for k, w in tables[0] if k == kind]
        accuracy = np.array([[100 * t[kind, w][2][n_labels] for w in widths] for t in tables])
        if kind == "raw pixels":
            right.axhline(accuracy.mean(), color="0.5", linewidth=1.2, label=kind)
            continue
        held, train = (np.array([[t[kind, w][j] for w in widths] for t in tables]).mean(axis=0) for j in (1, 0))
        look = {**style, "marker": draw.MARKERS[i], "markersize": 4.5, "markerfacecolor": "white", "linewidth": 1.4}
        left.plot(widths, held, label=kind, **look)
        left.plot(widths, train, **{**style, "linewidth": 0.7})
        spread = accuracy.std(axis=0, ddof=1) if len(tables) > 1 else np.zeros(len(widths))
        right.errorbar(widths, accuracy.mean(axis=0), spread, capsize=2, elinewidth=0.8, label=kind, **look)
    errors = [v[0] for t in tables for (kind, _), v in t.items() if kind not in ("raw pixels", "PCA")]
    left.set(
        xscale="log",
        yscale="log",
        ylabel="held-out error\n(thin: in training)",
        ylim=(0.6 * min(errors), 1.6 * max(errors)),
    )
    right.set(xscale="log", xlabel="units K of the code", ylabel=f"held-out accuracy,\n{n_labels} labels, %")
    plain_log(left.yaxis)
    for axis in (left, right):
        axis.set_xticks(widths, [str(w) for w in widths])
        axis.minorticks_off()
    right.legend(**SMALL, loc="lower right")
    return figure


def codes(options):
    """Measure overcomplete codes of MNIST images, without top k, whose sorting takes longest."""
    labels = (50, 100, 200, 1000)
    kinds = *(kind for kind in capacity.KINDS if kind != "sparse (top k)"), capacity.TIED
    tables = _seeds(options, "mnist", widths=(10, 20, 50, 100, 200), kinds=(), labels=labels)
    wide = _seeds(options, "mnist", widths=(1000,), kinds=kinds, labels=labels, epochs=3 if options.short else None)
    tables = [first | second for first, second in zip(tables, wide)]
    _print_codes(tables, labels)
    _print_margins(tables, 1000, labels)


def _seeds(options, name, **how):
    data = datasets.load_digits() if name == "digits" else datasets.load_mnist_5k()
    return [
        kept(options, f"{name}_{'_'.join(map(str, how['widths']))}_{seed}",
             lambda seed=seed: capacity.probe_codes(data, capacity.RECIPES[name], seed=seed, log=options.log, **how))
        for seed in range(options.seeds)
    ]  # fmt: skip


def kept(options, name, work):
    """Return the dict of work(); with --keep, read it from the file if it exists, else write it."""
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


def best_pca(tables, n):
    """Return the number of components with the best held-out accuracy of PCA, mean over seeds; this favours PCA."""
    widths = [width for kind, width in tables[0] if kind == "PCA"]
    return max(widths, key=lambda width: np.mean([t["PCA", width][2][n] for t in tables]))


def _print_margins(tables, width, labels):
    """Return differences paired over seeds: each code minus the same without regularizer, raw pixels, and best PCA."""
    rows, n_pixels = [], next(w for kind, w in tables[0] if kind == "raw pixels")
    for kind in (kind for kind in (capacity.TIED, *capacity.KINDS[1:]) if (kind, width) in tables[0]):
        row = [kind]
        for n in labels:
            cells = []
            rivals = {capacity.unregularized_twin(kind): width, "raw pixels": n_pixels, "PCA": best_pca(tables, n)}
            for other, other_width in rivals.items():
                mean, spread = capacity.accuracy_gain(tables, kind, width, other, other_width, n)
                cells.append(f"{100 * mean:+.1f} ± {100 * spread:.1f}")
            row.append(" / ".join(cells))
        rows.append(row)
    print(f"\n{width} units: points of accuracy gained over the unregularized code of that width (the tied one for the "
          "contractive, which is tied) / raw pixels / PCA of its best width, mean ± spread over seeds\n")  # fmt: skip
    print(table(["code", *(f"{n} labels" for n in labels)], rows))


def frontier(options):
    """Measure L0 and the unexplained variance; L1 at close steps, because L0 is matched by interpolation."""
    found, lams = [], (0.03, 0.055, 0.1, 0.17, 0.3, 0.55, 1.0, 1.7, 3.0)
    how = {"lams": lams, "epochs": 5 if options.short else 30, "log": options.log}
    for seed in range(options.seeds):
        found.append(sparse_codes.frontiers(*sparse_codes.patches(seed=seed), seed=seed, **how))
    rows = [
        [method, f"{s:g}", *(_spread([f[method][i][j] for f in found], form) for j, form in ((1, ".2f"), (2, ".4f"))),
         _range([f[method][i][3] for f in found])]
        for method, points in found[0].items() for i, (s, *_) in enumerate(points)
    ]  # fmt: skip
    print(table(["method", "lam or k", "mean L0", "unexplained", "dead of 128"], rows))
    falls = sum(all(np.diff([point[1] for point in f["L1"]]) < 0) for f in found)
    print(f"mean L0 falls with every step of lam: {falls} of {len(found)} seeds")
    for name in ("top k", "top k, revived"):
        for i, (k, l0, *_) in enumerate(found[0][name]):
            if all(f["L1"][-1][1] <= l0 <= f["L1"][0][1] for f in found):
                ours = np.array([f[name][i][2] for f in found])
                l1 = np.array([sparse_codes.unexplained_at(f["L1"], l0) for f in found])
                print(f"{name} beside L1 at L0 = {k:g}: {_spread(ours, '.4f')} beside {_spread(l1, '.4f')}, "
                      f"by {_spread(100 * (ours / l1 - 1), '+.1f')} %")  # fmt: skip
    return {"frontier": draw.frontier(found[0])}


def cheat(options):
    """Compare L1 with a free decoder and with unit rows."""
    found = [
        sparse_codes.cheat(sparse_codes.patches(2000, 1, seed=seed)[0], epochs=30 if options.short else 300, seed=seed)
        for seed in range(options.seeds)
    ]
    for name in found[0]:
        epoch, penalty, norm, error, l0 = np.array([f[name][-1] for f in found]).T
        print(f"{name}, after {epoch[0]:.0f} epochs: penalty {_spread(penalty, '.3f')}, mean norm of a decoder's row "
              f"{_spread(norm, '.2f')}, error {_spread(error, '.3f')}, L0 {_spread(l0, '.1f')}")  # fmt: skip
    return {"cheat": draw.cheat_curves(found[0])}


def revival(options):
    """Count dead units with and without the auxiliary term."""
    for k in (2, 4, 8):
        found: dict[str, list] = {}
        for seed in range(options.seeds):
            X = sparse_codes.patches(seed=seed)[0]
            for name, (counts, network) in sparse_codes.revival(
                X, k=k, epochs=5 if options.short else 30, seed=seed
            ).items():
                found.setdefault(name, []).append((int(counts[-1]), sparsity.unexplained_variance(network, X)))
        print(f"top {k} of 128: dead " + ", ".join(
            f"{name} {_range([dead for dead, _ in rows])} (unexplained {_spread([fvu for _, fvu in rows], '.4f')})"
            for name, rows in found.items()))  # fmt: skip


def classical(options, name):
    """Run the classical exercise: criterion, mean activations."""
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
    """Compare layer-wise pretraining with a random start, with equal and with four times the steps on labels."""
    data = datasets.load_mnist_5k()
    how = {"epochs": 2, "n_steps": 50, "widths": (100,)} if options.short else {}
    found = [
        kept(options, f"pretraining_{seed}",
             lambda seed=seed: pretraining.few_labels(data, seed=seed, log=options.log, **how))
        for seed in range(options.seeds)
    ]  # fmt: skip
    longer = how | {"kinds": ("random",), "n_steps": 4 * how.get("n_steps", 500)}
    for seed, each in enumerate(found):
        random = kept(
            options, f"random_longer_{seed}", lambda seed=seed: pretraining.few_labels(data, seed=seed, **longer)
        )
        each |= {("random, four times the steps", n): right for (_, n), right in random.items()}
    labels = sorted({n for _, n in found[0]})
    rows = []
    for kind in dict.fromkeys(kind for kind, _ in found[0]):
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


def _range(counts):
    return f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else f"{counts[0]}"


def _listed(values, form):
    return ", ".join(f"{name} {value:{form}}" for name, value in values.items())


def main(arguments=None):
    """Print the tables of the requested parts."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.claims.sparse_codes", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--seeds", type=int, default=5, help="how many (5)")
    parser.add_argument(
        "--keep", metavar="DIRECTORY", help="folder for the results of each seed; a later run resumes from it"
    )
    parser.add_argument("--short", action="store_true", help="a few epochs, to see that it runs")
    parser.add_argument("--figures", metavar="DIRECTORY", help="where to put figures")
    options = parser.parse_args(arguments)
    options.log = lambda line: print(line, file=sys.stderr, flush=True)
    for directory in filter(None, (options.keep, options.figures)):
        Path(directory).mkdir(parents=True, exist_ok=True)
    for part in options.parts or PARTS:
        print(f"\n## {part}\n")
        for name, figure in (PARTS[part](options) or {}).items():
            if options.figures:
                figure.savefig(Path(options.figures) / f"{name}.png")


if __name__ == "__main__":
    main()
