"""Write one HTML page that follows the note with the trained family. Each file in `sections/` is a section.

A section is a module with `ORDER`, a number that sets its place, and `build(run) -> (title, blocks)`. `run` is the
trained `npae.experiments.family.FamilyRun`; `npae.report.page` makes the blocks. A new file is a new section, without
an entry in any list.
"""

import importlib
import pkgutil
import time
from typing import Any

import matplotlib

import npae
from npae.report import page, sections
from npae.system.files import write_atomically
from npae.system.processes import in_processes
from npae.system.progress import ProgressLine


def section_modules():
    """Return the modules in `sections/` in the order of the page."""
    found = [
        importlib.import_module(f"{sections.__name__}.{module.name}")
        for module in pkgutil.iter_modules(sections.__path__)
    ]
    return sorted(found, key=lambda module: module.ORDER)


def write_report(run, path, log=print, jobs=1):
    """Build every section from a trained run, write the page and return its path.

    jobs: number of processes that build sections. The page is the same, up to rounding. Multiprocessing imports the
    calling script in each process, so a script must call this below `if __name__ == "__main__":`.
    """
    names = [module.__name__.rpartition(".")[2] for module in section_modules()]
    built: list[Any] = [None] * len(names)
    progress = ProgressLine("sections", len(names))
    for i, (section, seconds) in _built(run, len(names), jobs):
        progress.close(erase=True)
        log(f"[{i + 1}/{len(names)}] {names[i]:<28} {seconds:6.1f} s")
        built[i] = section
        if progress.live:
            progress(len(names) - built.count(None), "")
    progress.close(erase=True)
    introduction = page.text(
        f"This page shows the autoencoders of the note, trained on {len(run.train)} images of "
        f"{' &times; '.join(map(str, run.image_shape))} pixels and measured on {len(run.test)} others (seed {run.seed}"
        f"{', quick run: fewer epochs' if run.quick else ''}). Every number below was computed for this page."
    )
    footer = f"npae {npae.__version__}. Data: {run.dataset.description}"
    write_atomically(path, page.page("Autoencoders, section by section", introduction, built, footer).encode())
    return path


def _built(run, n, jobs):
    """Yield (i, (section, seconds)) of the n sections as they are built."""
    if jobs == 1:
        return ((i, _build(run, i)) for i in range(n))
    last_first = range(n - 1, -1, -1)  # the long ones are near the end
    return ((n - 1 - k, built) for k, built in in_processes(_build, last_first, jobs, run))


def _build(run, i):
    start = time.perf_counter()
    with matplotlib.rc_context({"text.usetex": False}):  # a user's setting may ask for LaTeX
        section = section_modules()[i].build(run)
    return section, time.perf_counter() - start
