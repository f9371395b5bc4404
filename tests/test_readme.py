"""The README: its example prints what it says it prints, and its map names files that exist."""

import contextlib
import io
import re
from pathlib import Path

import npae

ROOT = Path(npae.__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_what_its_comments_say():
    example = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "print" in block)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(example, {})
    assert printed.getvalue().splitlines() == re.findall(r"^print.*# (.*)$", example, re.MULTILINE)


def test_the_map_names_what_is_there():
    cells = re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)
    for cell in cells:
        first, *rest = re.findall(r"`([^`]+)`", cell)
        for name in (first, *(f"npae/{each}" if first.startswith("npae/") else each for each in rest)):
            assert (ROOT / name).exists(), name
    assert len(cells) > 10


def test_the_map_leaves_no_module_out():
    for path in (ROOT / "npae").glob("*.py"):
        assert path.stem.startswith("__") or f"{path.stem}.py`" in README or path.stem in UNLISTED, path.name


UNLISTED = {"files", "dataset", "nested", "validation"}  # small helpers, told by the modules that use them
