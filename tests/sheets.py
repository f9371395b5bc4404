"""The exercise sheets as a grader sees them, without nbgrader and without a kernel: cells are run one after another.

A solution cell and its check share a name: `loss` and `loss-check`. What is graded here is what nbgrader grades, which
tests/test_exercises_nbgrader.py proves: a check earns its points if it raises nothing and writes nothing to stderr.
"""

import contextlib
import importlib.util
import io
import re
import sys
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

from optional_packages import import_or_skip

FOLDER = Path(__file__).parents[1] / "notebooks"
import_or_skip("nbgrader")
import_or_skip("jupytext")
with warnings.catch_warnings():
    # Jupyter's libraries may announce changes of their own
    warnings.simplefilter("ignore", DeprecationWarning)
    spec = importlib.util.spec_from_file_location("build_notebooks", FOLDER / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)

SHEETS = {sheet.stem[:2]: sheet for sheet in build.sheets()}


@dataclass(frozen=True)
class Mistake:
    """A wrong pass: in the solution of `question` on `sheet`, `old` becomes `new`.

    What the visible check answers: `says` is the part of its message that tells what is wrong; where it can only tell
    that something is and where, that part is `where`.
    """

    sheet: str
    question: str
    name: str
    old: str
    new: str
    says: str = ""
    where: str = ""


def mark(cell, name):
    """What nbgrader knows of a cell, or None."""
    return cell.metadata.get("nbgrader", {}).get(name)


def points(notebook):
    """check -> points."""
    return {mark(cell, "grade_id"): mark(cell, "points") for cell in notebook.cells if mark(cell, "grade")}


def handed_in(sheet, *mistakes):
    """A sheet's notebook with its solutions, in which mistakes were made."""
    notebook = build.notebook(SHEETS[sheet])
    for mistake in mistakes:
        (cell,) = (cell for cell in notebook.cells if mark(cell, "grade_id") == mistake.question)
        assert cell.source.count(mistake.old) == 1, f"{mistake.name}: {mistake.old!r} is not there once"
        cell.source = cell.source.replace(mistake.old, mistake.new)
    return notebook


@dataclass
class Failure:
    """How a check failed: its message, and whether that came from what a student sees or from a hidden test."""

    message: str
    hidden: bool


def run(notebook, *, all_cells=False):
    """check -> Failure or None, of every graded cell; with all_cells those after the last check run as well.

    Errors elsewhere are passed over, as nbgrader does.
    """
    import matplotlib.pyplot as plt

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    last = max(i for i, cell in enumerate(code) if mark(cell, "grade"))
    names, found = {"__name__": "__main__"}, {}
    for i, cell in enumerate(code if all_cells else code[: last + 1]):
        name = mark(cell, "grade_id") or f"cell {i}"
        failure = _run(cell.source, name, names)
        if mark(cell, "grade") or (failure and all_cells):
            found[name] = failure
    plt.close("all")
    return found


def _run(source, name, names):
    source = re.sub(r"^%.*$", "", source, flags=re.MULTILINE)
    hidden_from = source.partition("### BEGIN HIDDEN TESTS")[0].count("\n")
    stderr = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(stderr), warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda message, category, *_: print(f"{category.__name__}: {message}", file=sys.stderr)
        try:
            exec(compile(source, f"<{name}>", "exec"), names)
        except Exception as error:
            lines = [
                frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == f"<{name}>"
            ]
            return Failure(f"{type(error).__name__}: {error}", bool(lines) and lines[0] > hidden_from + 1)
    return Failure(stderr.getvalue(), False) if stderr.getvalue() else None


def lost(failures):
    """The questions whose points are lost."""
    return {name.removesuffix("-check") for name, failure in failures.items() if failure}
