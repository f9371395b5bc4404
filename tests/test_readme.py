"""The README: its examples print what they say they print, its map holds every module and room, its links lead on."""

import contextlib
import io
import re
from pathlib import Path

import npae

ROOT = Path(npae.__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAP = [re.findall(r"`([^`]+)`", cell) for cell in re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)]


def mapped():
    """Every path that the map names; what follows in a cell is in the folder of the cell's first name."""
    rest = [[f"npae/{name}" if names[0].startswith("npae/") else name for name in names[1:]] for names in MAP]
    return [*(names[0] for names in MAP), *(name for names in rest for name in names)]


def test_the_examples_run_and_print_what_their_comments_say():
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {"__name__": "readme"})
    promised = re.findall(r"^print.*# (.*)$", code, re.MULTILINE)
    assert printed.getvalue().splitlines() == promised and len(promised) == 3


def test_the_map_names_what_is_there_and_names_it_once():
    names = mapped()
    assert [name for name in names if not (ROOT / name).exists()] == []
    assert len(names) == len(set(names))


def test_the_map_leaves_no_module_and_no_room_out():
    modules = {f"npae/{path.name}" for path in (ROOT / "npae").glob("*.py") if not path.stem.startswith("__")}
    rooms = {f"npae/{path.parent.name}/" for path in (ROOT / "npae").glob("*/__init__.py")}
    assert rooms and {name for name in mapped() if name.startswith("npae/")} == modules | rooms


def test_every_link_of_the_readmes_leads_to_a_file():
    for page in (ROOT / "README.md", ROOT / "benchmarks" / "README.md"):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_command_of_the_readmes_is_a_module_that_is_there():
    commands = set()
    for page in (ROOT / "README.md", ROOT / "benchmarks" / "README.md"):
        commands |= set(re.findall(r"python -m (benchmarks[.\w]*)", page.read_text(encoding="utf-8")))
    assert {"benchmarks", "benchmarks.linear_pca", "benchmarks.manifolds"} <= commands
    for command in commands:
        path = ROOT / command.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), command
