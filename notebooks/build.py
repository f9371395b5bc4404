"""Build the .ipynb files from their .py sources: `python notebooks/build.py`, or `--check` to compare only.

A lesson's notebook holds its cells and no outputs. A sheet's, in exercises/, is what a student gets: nbgrader's own
release version, the solutions replaced by stubs and the hidden tests taken out. `--course FOLDER` writes an nbgrader
course with the whole sheets under source/; how to go on from there is told in exercises/README.md.

A cell's id is a hash of its text, so that building again gives the same bytes, and changing one cell changes that cell
alone. Needs jupytext and nbformat, and nbgrader for the sheets: `pip install -e '.[test-all]'`.
"""

import argparse
import hashlib
import sys
import warnings
from collections import Counter
from pathlib import Path

import jupytext
import nbformat

HERE = Path(__file__).parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# What nbgrader asks of a cell; a source names what differs: {"grade_id": "loss-check", "grade": true, "points": 3}.
CELL = {"schema_version": 3, "solution": False, "grade": False, "locked": False, "task": False}
COURSE = """\
import os

c = get_config()
c.CourseDirectory.course_id = "autoencoders"
c.ExecutePreprocessor.timeout = 120  # seconds a cell
# Where `release_assignment` puts the sheets and `collect` finds what was handed in; all must be able to write there.
c.Exchange.root = os.environ.get("NBGRADER_EXCHANGE", "/usr/local/share/nbgrader/exchange")
# One student's sheet is graded on one thread, so that BLAS threads do not wait for each other.
for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")
"""


def lessons():
    """The lessons' sources, in the order they are read."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def sheets():
    """The exercise sheets' sources, in the order they are handed out."""
    return sorted(HERE.glob("exercises/[0-9][0-9]_*.py"))


def solutions():
    """The worked solutions' sources, in alphabetical order."""
    return sorted(HERE.glob("solutions/*.py"))


def notebook(source):
    """The notebook of one source, without outputs; of a sheet with solutions and hidden tests."""
    cells = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent").cells
    seen = Counter()
    for cell in cells:
        digest = hashlib.sha256(f"{seen[cell.source]} {cell.source}".encode()).hexdigest()
        seen[cell.source] += 1
        marks = cell.metadata.get("nbgrader")
        cell.id, cell.metadata = digest[:8], {}
        if marks:
            cell.metadata["nbgrader"] = CELL | {"locked": marks.get("grade", False)} | marks
    built = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    built.nbformat_minor = 5
    nbformat.validate(built)
    return built


def student(sheet):
    """A sheet's notebook as a student gets it: stubs for solutions, no hidden tests, nbgrader's locks and checksums."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what nbgrader's libraries announce of themselves
        try:
            from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, ComputeChecksums, LockCells
        except ImportError as error:
            raise ImportError("the exercise sheets are built by nbgrader: pip install -e '.[test-all]'") from error
    for step in (LockCells, ClearSolutions, ClearHiddenTests, ComputeChecksums):
        sheet, _ = step().preprocess(sheet, {})
    return sheet


def text(source):
    """The .ipynb file of one source."""
    built = notebook(source)
    return nbformat.writes(student(built) if source.parent.name == "exercises" else built, version=4) + "\n"


def write_course(folder):
    """An nbgrader course: its configuration and, under source/, every sheet with its solutions and hidden tests."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(COURSE, encoding="utf-8")
    for sheet in sheets():
        target = folder / "source" / sheet.stem / f"{sheet.stem}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(nbformat.writes(notebook(sheet), version=4) + "\n", encoding="utf-8")
    print(f"wrote {len(sheets())} sheets to {folder / 'source'}")


def main(arguments=None):
    """Build what is out of date, or with --check only name it; returns the number of files named by --check."""
    parser = argparse.ArgumentParser(description="Build notebooks/**/*.ipynb from their .py sources.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    parser.add_argument("--course", type=Path, metavar="FOLDER", help="write an nbgrader course there, and no more")
    options = parser.parse_args(arguments)
    if options.course:
        write_course(options.course)
        return 0
    stale = []
    for source in (*lessons(), *sheets(), *solutions()):
        target = source.with_suffix(".ipynb")
        wanted = text(source).encode()
        if not target.exists() or target.read_bytes() != wanted:
            stale.append(target)
            if not options.check:
                target.write_bytes(wanted)
            print(f"{'out of date' if options.check else 'built'}: {target.relative_to(HERE)}")
    if not stale:
        print("the notebooks are up to date")
    return len(stale) if options.check else 0


if __name__ == "__main__":
    sys.exit(min(main(), 1))
