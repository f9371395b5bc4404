"""The package: what an import costs, which module may know of which, what is documented."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import npae

ROOT = Path(npae.__file__).parent

# A module imports only from floors below; those of the ground floor know nothing of each other. A module that is
# named on no floor stands right above the highest one it imports.
FLOORS = [
    {"kernels", "validation"},
    {"activations", "losses", "corruption", "optimizers", "gradcheck", "datasets"},
    {"layers", "quasi_newton"},
    {"penalties"},
    {"network"},
    {"pca", "manifold", "denoising", "variational"},
    {"training"},
    {"estimators", "model_file", "sweep"},
    {"plots", "linear_plots", "manifold_plots", "report", "cli"},
]
GROUND = FLOORS[1]
ENTRANCES = {"__init__", "__main__"}  # of the package: they stand above everything


def files():
    """Every Python file of the package by the name of its top-level module or folder."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] not in ENTRANCES:
            yield parts[0], path


def imported(path):
    """The names right inside npae that a file imports ('' is npae itself), and the packages outside."""
    inside, outside = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module
            if node.level:  # relative: up from the file's folder
                above = ["npae", *path.relative_to(ROOT).parts][: -node.level]
                module = ".".join([*above, module] if module else above)
            names = [f"npae.{alias.name}" for alias in node.names] if module == "npae" else [module]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            if first == "npae":
                inside.add(rest[0] if rest else "")
            else:
                outside.add(first)
    return inside, outside


def graph():
    """module -> the other modules of npae it imports; '' or a name that is no module is the package's front door."""
    found = {}
    for module, path in files():
        found.setdefault(module, set()).update(imported(path)[0] - {module})
    return found


def height(module, edges, above=()):
    """The floor of a module; between two floors where it is named on none."""
    for i, floor in enumerate(FLOORS):
        if module in floor:
            return i
    assert module not in above, f"{module} imports itself through {above}"
    return max((height(each, edges, (*above, module)) for each in edges[module] & set(edges)), default=-1) + 0.01


def test_a_module_imports_only_from_floors_below():
    edges = graph()
    wrong = [
        f"{module} imports {other}"
        for module, others in edges.items()
        for other in others & set(edges)
        if height(other, edges) > height(module, edges) or (module in GROUND and other in GROUND)
    ]
    assert not wrong


def test_no_module_needs_itself():
    edges, done = graph(), set()

    def walk(module, path):
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for other in edges[module] & set(edges):
                walk(other, [*path, module])
            done.add(module)

    for module in edges:
        walk(module, [])


def test_the_mathematics_does_not_enter_by_the_front_door():
    """`from npae.layers import Dense`, not `from npae import Dense`: only so do the floors show."""
    edges, core = graph(), set().union(*FLOORS[:6])
    wrong = {module: sorted(doors) for module in core & set(edges) if (doors := edges[module] - set(edges))}
    assert not wrong


def test_the_mathematics_needs_numpy_alone():
    """What L-BFGS needs is imported where it is called, and missing it is said; nothing else comes from outside."""
    standard = set(sys.stdlib_module_names)
    core = set().union(*FLOORS[:5]) - {"datasets", "gradcheck"}
    extra = {module: outside for module, path in files() if module in core
             if (outside := imported(path)[1] - standard - {"numpy"})}  # fmt: skip
    assert extra in ({}, {"quasi_newton": {"scipy", "threadpoolctl"}})


def test_importing_npae_imports_no_plotting_and_no_extra():
    extras = ["matplotlib", "scipy", "sklearn", "autograd", "pandas", "IPython", "tqdm", "torch"]
    code = f"import sys, npae; print(sorted(set({extras}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", npae.__all__)
def test_every_public_name_is_there_and_documented(name):
    thing = getattr(npae, name)
    doc = inspect.getdoc(thing) or ""
    assert len(doc) > 20 and not doc.startswith(f"{name}("), "a docstring, not the signature a dataclass makes up"
    assert name in dir(npae)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'npae' has no attribute 'Autoencodr'"):
        npae.Autoencodr  # noqa: B018


def modules():
    for path in sorted(ROOT.rglob("*.py")):
        if "data" not in path.parts and path.stem != "__main__":
            yield ".".join(("npae", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


@pytest.mark.parametrize("name", list(modules()))
def test_every_module_and_its_public_functions_and_classes_have_docstrings(name):
    module = importlib.import_module(name)
    assert module.__doc__
    if name.startswith("npae.report.sections."):
        return  # its one function is what the module's docstring describes
    missing = []
    for key, thing in vars(module).items():
        if key.startswith("_") or getattr(thing, "__module__", None) != name:
            continue
        if inspect.isfunction(thing) and not inspect.getdoc(thing):
            missing.append(key)
        if inspect.isclass(thing) and (not thing.__doc__ or thing.__doc__.startswith(f"{key}(")):
            missing.append(key)
    assert not missing
