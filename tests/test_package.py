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

# A module imports only from floors below, or from its own room (folder); modules of the ground floor know nothing of
# each other. A room stands for all its modules but those that are named on a floor of their own.
FLOORS = [
    {"kernels", "validation", "files", "pending", "nested", "threads", "interrupts", "progress", "archive", "encoding"}
    | {"signature", "processes", "mistakes", "printing", "plots.style"},
    {"own_parts", "rows", "callbacks", "summary", "plots.gradients"},
    {"activations", "losses", "corruption", "schedules", "gradcheck", "datasets"},
    {
        "layers",
        "optimizers",
        "run",
        "classroom",
        "lbfgs_scipy",
        "sklearn_face",
        "pca.moments",
        "pca.angles",
    },
    {"training", "contraction", "pca.pca", "pca.theory", "sparsity.unit_rows", "continuous_bernoulli"}
    | {"joint_corruption", "model_file"},
    {"penalties", "distributions", "learnt_variance", "checkpoints"},
    {"contraction.family", "network", "fitting"},
    {"autoencoder", "manifold", "pca.alternation", "pca.training", "plots.autoencoders"}
    | {"probe", "sparsity", "denoising"},
    {"pca", "lbfgs_training", "fuzz", "sweeping"},
    {"generative"},
    {"plots", "experiments"},
    {"report"},
    {"cli"},
]
GROUND = FLOORS[2]
MATHEMATICS = set().union(*FLOORS[:7]) - {"datasets", "gradcheck", "sklearn_face", "model_file", "files", "nested"}
MATHEMATICS -= {"progress", "encoding", "signature", "callbacks", "checkpoints", "threads"}
MATHEMATICS -= {"plots.style", "plots.gradients"}


def files():
    """Every Python file of the package by its name within npae; the package's own entrances stand above all."""
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name not in ("__init__", "__main__"):
            yield name, path


MODULES = dict(files())


def imported(path):
    """The modules of npae that a file imports ('' is the front door), and the packages outside."""
    inside, outside = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name} imports by a relative name"
            names = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        for module, name in names:
            first, _, rest = module.partition(".")
            if first != "npae":
                outside.add(first)
            elif f"{rest}.{name}".strip(".") in MODULES:
                inside.add(f"{rest}.{name}".strip("."))
            else:
                inside.add(rest if rest in MODULES else "")
    return inside, outside


def graph():
    """module -> the other modules of npae it imports."""
    return {module: imported(path)[0] - {module} for module, path in MODULES.items()}


def place(module):
    """(floor, room) of a module; an error for one that is named on none or on two."""
    for name in (module, module.partition(".")[0]):
        floors = [i for i, floor in enumerate(FLOORS) if name in floor]
        if floors:
            assert len(floors) == 1, f"{name} is on floors {floors}"
            return floors[0], module.partition(".")[0]
    raise AssertionError(f"{module} is on no floor")


def test_every_module_has_a_floor_and_every_name_on_a_floor_is_a_module():
    assert all(place(module) for module in MODULES)
    assert set().union(*FLOORS) <= {*MODULES, *(module.partition(".")[0] for module in MODULES)}


def test_a_module_imports_only_from_floors_below_or_its_own_room():
    wrong = []
    for module, others in graph().items():
        floor, room = place(module)
        for other in others & set(MODULES):
            below, other_room = place(other)
            if below > floor or (below == floor and room != other_room):
                wrong.append(f"{module} imports {other}")
            if room in GROUND and other_room in GROUND and room != other_room:
                wrong.append(f"{module} imports {other}: both are on the ground floor")
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
    wrong = {module for module, others in graph().items() if "" in others} - {"model_file", "encoding"}
    assert {module.partition(".")[0] for module in wrong} <= {"report", "cli"}


def test_the_mathematics_needs_numpy_alone():
    """What L-BFGS needs is imported where it is called, and missing it is said; nothing else comes from outside."""
    standard = set(sys.stdlib_module_names)
    extra = {module: outside for module, path in MODULES.items() if {module, place(module)[1]} & MATHEMATICS
             if (outside := imported(path)[1] - standard - {"numpy"})}  # fmt: skip
    assert extra in ({}, {"lbfgs_scipy": {"scipy", "threadpoolctl"}})


def test_importing_npae_imports_no_plotting_and_no_extra():
    extras = ["matplotlib", "scipy", "sklearn", "autograd", "pandas", "IPython", "tqdm", "torch", "distributed"]
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


@pytest.mark.parametrize("name", [f"npae.{module}" for module in MODULES])
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
