"""The README is short, its examples print the numbers in their comments, its map is complete, its links work."""

import contextlib
import io
import re
from pathlib import Path

import npae

ROOT = Path(npae.__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "benchmarks").rglob("*.md"),
]
MAP = [re.findall(r"`([^`]+)`", cell) for cell in re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)]


def mapped():
    """Return every path that the map names; later names of a cell are in the folder of its first name."""
    rest = [[f"npae/{name}" if names[0].startswith("npae/") else name for name in names[1:]] for names in MAP]
    return [*(names[0] for names in MAP), *(name for names in rest for name in names)]


def test_the_readme_has_at_most_a_thousand_words():
    assert len(README.split()) <= 1000


def test_the_first_two_shell_blocks_are_the_two_commands():
    demo, tests = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)[:2]
    assert demo.endswith("npae demo\n") and tests.endswith("python -m pytest\n")


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
    """Links to pages that the site generates are left to the build of the site."""
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?:|_generated/)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_command_of_the_readmes_is_a_module_that_is_there():
    commands = set()
    for page in PAGES:
        commands |= set(re.findall(r"python -m\s+(benchmarks[.\w]*)", page.read_text(encoding="utf-8")))
    assert {"benchmarks", "benchmarks.claims.linear_pca", "benchmarks.claims.manifolds"} <= commands
    for command in commands:
        path = ROOT / command.rstrip(".").replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), command
