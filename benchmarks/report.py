"""Tables as text, the figure, and where they are written."""

import platform
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def cell(ratio, *, mark=False):
    """'1.12 (1.10-1.15)': median and quartiles; `mark` makes a ratio below 1 stand out."""
    text = f"{ratio[0]:.2f} ({ratio[1]:.2f}-{ratio[2]:.2f})"
    return f"**{text}**" if mark and ratio[0] < 1 else text


def table(header, rows):
    """A Markdown table."""
    rule = ["---"] * len(header)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (header, rule, *rows)) + "\n"


def machine():
    """Processor, system and versions, in a line."""
    from importlib.metadata import PackageNotFoundError, version

    versions = []
    for name in ("numpy", "torch", "jax", "scikit-learn", "autograd"):
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name} not installed (pip install 'npae[bench]')")
    return f"{_processor()}, Python {platform.python_version()}, " + ", ".join(versions)


def _processor():
    import os

    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    return f"{os.cpu_count()} cores of {name}"


def write(name, text):
    """Print `text` and leave it in results/."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text(text)
    print(text, flush=True)


def figure(results, path):
    """Step times over the matrix products alone: npae beside PyTorch, a dot a cell with its quartiles."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        return None
    sizes = list(dict.fromkeys(case.size for case in results))
    panels = [(o, d) for o in ("SGD", "Adam") for d in ("float32", "float64")]
    panels = [p for p in panels if any((case.optimizer, case.dtype) == p for case in results)]
    fig, axes = plt.subplots(
        1, len(panels), sharey=True, figsize=(2.2 + 2.4 * len(panels), 1.2 + 0.62 * len(sizes)), squeeze=False
    )
    looks = {
        "npae": {"color": "black", "marker": "o", "ms": 5},
        "PyTorch": {"color": "0.35", "marker": "s", "ms": 5, "mfc": "white"},
        "textbook": {"color": "0.6", "marker": "x", "ms": 5},
    }
    for ax, panel in zip(axes[0], panels):
        for case, (timings, _) in results.items():
            if (case.optimizer, case.dtype) != panel or case.kind != "plain" or case.output != "identity":
                continue
            y = sizes.index(case.size)
            for i, (name, look) in enumerate(looks.items()):
                if name in timings:
                    middle, low, high = timings["products"].ratio(timings[name])
                    ax.errorbar(
                        middle, y + 0.22 * (i - 1), xerr=[[middle - low], [high - middle]], lw=1, ls="none",
                        label=name if y == 0 else None, **look,
                    )  # fmt: skip
        ax.axvline(1, color="0.7", lw=1, zorder=0)
        ax.set_xscale("log")
        ticks = [1, 1.5, 2, 3, 5, 10]
        ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
        ax.minorticks_off()
        ax.set_title(f"{panel[0]}, {panel[1]}", fontsize=9)
        ax.set_yticks(range(len(sizes)), sizes, fontsize=8)
        ax.tick_params(axis="x", labelsize=8)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    axes[0][0].invert_yaxis()
    handles, labels = axes[0][0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="upper right", fontsize=8, frameon=False, ncols=3)
    fig.supxlabel("time of a plain step / time of its matrix products alone (1 = the limit)", fontsize=9)
    fig.tight_layout(rect=(0, 0, 1, 0.95))
    fig.savefig(path, dpi=150)
    plt.close(fig)
    return path
