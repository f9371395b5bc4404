"""Build the lessons' .ipynb files from their .py sources: `python notebooks/build.py`, or `--check` to compare only.

A notebook holds the cells and no outputs. A cell's id is a hash of its text, so that building again gives the same
bytes, and changing one cell changes that cell alone. Needs jupytext and nbformat.
"""

import argparse
import hashlib
import sys
from collections import Counter
from pathlib import Path

import jupytext
import nbformat

HERE = Path(__file__).parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def lessons():
    """The lessons' sources, in the order they are read."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def solutions():
    """The worked solutions' sources, in alphabetical order."""
    return sorted(HERE.glob("solutions/*.py"))


def notebook(source):
    """The notebook of one source, without outputs."""
    cells = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent").cells
    seen = Counter()
    for cell in cells:
        digest = hashlib.sha256(f"{seen[cell.source]} {cell.source}".encode()).hexdigest()
        seen[cell.source] += 1
        cell.id, cell.metadata = digest[:8], {}
    built = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    built.nbformat_minor = 5
    nbformat.validate(built)
    return built


def text(source):
    """The .ipynb file of one source."""
    return nbformat.writes(notebook(source), version=4) + "\n"


def main(arguments=None):
    """Build what is out of date, or with --check only name it; returns the number of files named by --check."""
    parser = argparse.ArgumentParser(description="Build notebooks/*.ipynb from notebooks/*.py.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    check = parser.parse_args(arguments).check
    stale = []
    for source in (*lessons(), *solutions()):
        target = source.with_suffix(".ipynb")
        wanted = text(source).encode()
        if not target.exists() or target.read_bytes() != wanted:
            stale.append(target)
            if not check:
                target.write_bytes(wanted)
            print(f"{'out of date' if check else 'built'}: {target.name}")
    if not stale:
        print("the notebooks are up to date")
    return len(stale) if check else 0


if __name__ == "__main__":
    sys.exit(min(main(), 1))
