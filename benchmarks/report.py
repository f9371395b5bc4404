"""Tables as text, the figure, and the folder for results."""

import os
import platform
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from benchmarks.timing import interleave

RESULTS = Path(__file__).parent / "results"
HEADER = ["what", "peer / npae", "npae", "peer"]  # of the rows by `beside`
LOOKS = {
    "npae": {"color": "black", "marker": "o", "ms": 5},
    "PyTorch": {"color": "0.35", "marker": "s", "ms": 5, "mfc": "white"},
    "textbook": {"color": "0.6", "marker": "x", "ms": 5},
}


def cell(ratio, *, mark=False):
    """Return '1.12 (1.10-1.15)', median and quartiles; `mark` prints a ratio below 1 in bold."""
    text = f"{ratio[0]:.2f} ({ratio[1]:.2f}-{ratio[2]:.2f})"
    return f"**{text}**" if mark and ratio[0] < 1 else text


def ms(timing):
    """Return milliseconds per call, as text."""
    return f"{1e3 * timing.median:.3g} ms"


def table(header, rows):
    """Return a Markdown table."""
    rule = ["---"] * len(header)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (header, rule, *rows)) + "\n"


def beside(what, ours, peer=None, **options):
    """Return a row: name, peer / npae with quartiles, the times of npae and of the peer (if there is one)."""
    t = interleave({"npae": ours, "peer": peer}, **options)
    if peer is None:
        return [what, "-", ms(t["npae"]), "-"]
    return [what, cell(t["npae"].ratio(t["peer"]), mark=True), ms(t["npae"]), ms(t["peer"])]


def installed(name):
    """Return True if a library can be imported."""
    return find_spec(name) is not None


def machine():
    """Return processor, system and versions in one line."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    found = {each.name: each.version for each in distributions()}
    libraries = ("numpy", "torch", "jax", "scikit-learn", "autograd")
    versions = [f"{each} {found.get(each, 'not installed: pip install npae[bench]')}" for each in libraries]
    return f"{os.cpu_count()} cores of {name}, Python {platform.python_version()}, " + ", ".join(versions)


def write(name, text):
    """Print `text` and write it into results/."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text(text)
    print(text, flush=True)


def figure(results, path):
    """Draw step time / time of the matrix products for npae and PyTorch: a dot with quartiles per cell."""
    from matplotlib.figure import Figure

    sizes = list(dict.fromkeys(case.size for case in results))
    panels = list(dict.fromkeys((case.optimizer, case.dtype) for case in results))
    size = (2.2 + 2.4 * len(panels), 1.2 + 0.62 * len(sizes))
    fig = Figure(figsize=size, layout="constrained", dpi=150)
    axes = fig.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for case, timings in results.items():
        if case.kind != "plain" or case.output != "identity":
            continue
        axis, y = axes[panels.index((case.optimizer, case.dtype))], sizes.index(case.size)
        for i, (name, look) in enumerate(LOOKS.items()):
            if name in timings:
                middle, low, high = timings["products"].ratio(timings[name])
                error = [[middle - low], [high - middle]]
                axis.errorbar(middle, y + 0.22 * (i - 1), xerr=error, lw=1, ls="none", label=name, **look)
    for axis, panel in zip(axes, panels):
        axis.axvline(1, color="0.7", lw=1, zorder=0)
        axis.set_xscale("log")
        axis.set_xticks([1, 1.5, 2, 3, 5, 10], ["1", "1.5", "2", "3", "5", "10"], fontsize=8)
        axis.minorticks_off()
        axis.set_title(", ".join(panel), fontsize=9)
        axis.set_yticks(range(len(sizes)), sizes, fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    labelled = dict(zip(*axes[0].get_legend_handles_labels()[::-1]))
    fig.legend(labelled.values(), labelled, loc="outside upper right", fontsize=8, frameon=False, ncols=3)
    fig.supxlabel("time of a plain step / time of its matrix products alone (1 = the limit)", fontsize=9)
    fig.savefig(path)
    return path
