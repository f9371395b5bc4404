"""The package: what an import costs, which module may know of which, what is documented."""

import importlib
import inspect
import subprocess
import sys

import house
import pytest

import npae

# A room (an entry at the root of npae/) imports only from floors below its own.
FLOORS = [
    {"validation", "system", "threads"},
    {"objective", "base", "datasets", "plots"},
    {"training", "gradcheck", "sparsity"},
    {"storage", "denoising", "pca", "probe", "classroom"},
    {"estimators", "manifold"},
    {"sweeping", "generative"},
    {"experiments"},
    {"report"},
    {"cli"},
]
MATHEMATICS = {"objective", "training", "pca", "manifold", "denoising", "sparsity", "generative", "probe", "gradcheck"}
MODULES = house.modules()


def test_every_room_stands_on_one_floor():
    assert sorted(house.arrows()) == sorted(room for floor in FLOORS for room in floor)


def test_a_room_imports_only_from_floors_below():
    floor = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
    upwards = [f"{a} imports {b}" for a, others in house.arrows().items() for b in others if floor[b] >= floor[a]]
    assert not upwards


def test_the_house_stays_small():
    found = house.arrows()
    assert len(house.entries()) <= 25
    assert max(house.floors(found).values()) <= 10
    assert sum(map(len, found.values())) <= 115


def test_the_objective_imports_only_input_checks():
    assert house.arrows()["objective"] == {"validation"}


def test_no_module_needs_itself():
    edges = {module: house.imports(path, MODULES)[0] - {module, ""} for module, path in MODULES.items()}
    assert house.floors(edges), "floors() raises ValueError for a circle"


def test_the_mathematics_imports_from_modules_and_not_from_the_package():
    """`from npae.objective.layers import Dense`, not `from npae import Dense`: only so do the arrows show."""
    whole = {house.room(module) for module, path in MODULES.items() if "" in house.imports(path, MODULES)[0]}
    assert whole <= {"report", "cli", "storage"}


def test_the_mathematics_needs_numpy_alone():
    standard = set(sys.stdlib_module_names)
    extra = {module: outside for module, path in MODULES.items() if house.room(module) in MATHEMATICS
             if (outside := house.imports(path, MODULES)[1] - standard - {"numpy"})}  # fmt: skip
    assert extra == {"pca.comparison": {"matplotlib"}}


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
