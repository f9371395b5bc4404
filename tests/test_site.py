"""The site: every part has its equations, every page of the package its place. CI builds it, warnings as errors."""

import ast
import importlib
import importlib.util
import re
from pathlib import Path

import npae

ROOT = Path(npae.__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("equations", ROOT / "docs" / "_ext" / "equations.py")
TABLE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TABLE)
EQUATIONS = TABLE.EQUATIONS
NO_FORMULA = {
    "npae.storage.checkpoints.Checkpoint",
}  # they say and keep, and compute nothing
BOTH = tuple(
    f"objective.{name}" for name in ("layers", "activations", "losses", "penalties", "contraction", "distributions")
)


def own_classes():
    """The full names of the public classes of npae that are no errors."""
    things = [getattr(npae, name) for name in npae.__all__]
    classes = [each for each in things if isinstance(each, type) and not issubclass(each, BaseException)]
    return {f"{each.__module__}.{each.__qualname__}" for each in classes}


def test_every_public_part_has_its_equations_and_every_entry_its_part():
    assert own_classes() - set(EQUATIONS) == NO_FORMULA
    for name in EQUATIONS:
        module, _, part = name.rpartition(".")
        assert getattr(importlib.import_module(module), part).__doc__, name


def test_parts_with_a_gradient_have_the_equations_of_both_directions():
    parts = [name for name in EQUATIONS if name.startswith(tuple(f"npae.{module}." for module in BOTH))]
    assert len(parts) > 20
    assert [name for name in parts if [label for label, _ in EQUATIONS[name]] != ["forward", "backward"]] == []


def test_braces_and_environments_of_every_equation_are_closed():
    for name, pairs in EQUATIONS.items():
        for _, latex in pairs:
            assert latex.count("{") == latex.count("}"), name
            assert re.findall(r"begin{(\w+)}", latex) == re.findall(r"end{(\w+)}", latex)[::-1], name


def test_the_site_is_offline():
    """No page, style sheet or setting of the site names another host's file to be loaded."""
    for path in (ROOT / "docs").glob("_static/*.css"):
        assert "//" not in re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    settings = ast.parse((ROOT / "docs" / "conf.py").read_text(encoding="utf-8"))
    texts = [
        node.value for node in ast.walk(settings) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert not [text for text in texts if "http" in text]
