"""One HTML page that walks through the note with the trained family: a section a file in `sections/`.

A section is a module with `ORDER`, a number that places it, and `build(run) -> (title, blocks)`, where `run` is the
trained `npae.experiments.family.Run` and the blocks are made by `npae.report.page`. A new file is a new section;
nothing lists them.
"""

import importlib
import pkgutil
import time

import matplotlib

import npae
from npae.files import write_atomically
from npae.progress import ProgressLine
from npae.report import page, sections


def section_modules():
    """The modules in `sections/`, in the order they are read."""
    found = [
        importlib.import_module(f"{sections.__name__}.{module.name}")
        for module in pkgutil.iter_modules(sections.__path__)
    ]
    return sorted(found, key=lambda module: module.ORDER)


def write_report(run, path, log=print):
    """Build every section from a trained run and write the page; returns the path."""
    with matplotlib.rc_context({"text.usetex": False}):  # a user's setting, for which LaTeX may not be there
        return _write_report(run, path, log)


def _write_report(run, path, log):
    built, modules = [], section_modules()
    for i, module in enumerate(modules, start=1):
        label = f"[{i}/{len(modules)}] {module.__name__.rpartition('.')[2]:<28}"
        start, progress = time.perf_counter(), ProgressLine(label, len(modules))
        if progress.live:
            progress(i, "...")
        built.append(module.build(run))
        progress.close(erase=True)
        log(f"{label} {time.perf_counter() - start:6.1f} s")
    introduction = page.text(
        f"The autoencoders of the note, trained on {len(run.train)} images of {run.dataset.image_shape[0]} &times; "
        f"{run.dataset.image_shape[1]} pixels and measured on {len(run.test)} others (seed {run.seed}"
        f"{', quick run: fewer epochs' if run.quick else ''}). Every number below was computed for this page."
    )
    footer = f"npae {npae.__version__}. Data: {run.dataset.description}"
    write_atomically(path, page.page("Autoencoders, section by section", introduction, built, footer).encode())
    return path
