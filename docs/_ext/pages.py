"""The pages that are made and not written: copies of the notebooks, and the API, one page a room of the package."""

import ast
import re

import gallery

# file name: title, what the page is about, rooms or modules of npae in the order they are read
API = {
    "objective": (
        "The objective",
        "$J(\\theta) = \\frac1N \\sum_n L(x_n, g(f(\\tilde x_n))) + \\Omega$, one letter per module, each with the "
        "equations of both directions.",
        ("objective",),
    ),
    "training": ("Training", "What moves $\\theta$.", ("training", "threads", "system")),
    "gradcheck": ("Gradient checking", "Is this gradient the derivative of this value?", ("gradcheck", "classroom")),
    "estimator": (
        "The estimator",
        "Estimators with scikit-learn's conventions, models as files.",
        ("estimators", "base", "storage", "validation"),
    ),
    "linear_theory": ("Linear theory", "PCA, and what linear autoencoders learn.", ("pca",)),
    "sparsity": ("Sparse codes", "Measures of codes and filters.", ("sparsity", "probe")),
    "denoising": ("Denoising", "The reconstruction distribution, the score, samples.", ("denoising",)),
    "manifold": ("Manifolds", "Jacobians and tangent spaces of trained models.", ("manifold",)),
    "generative": ("Generative models", "Models with latent variables, seen as autoencoders.", ("generative",)),
    "datasets": ("Data", "Digits, manifolds with exact tangents, densities with exact scores.", ("datasets",)),
    "looking": ("Figures, experiments, report", "What people look at.", ("plots", "experiments", "report", "cli")),
}


def generate(root, folder):
    """Write everything into `folder`; files that would not change are left alone, so that Sphinx sees no change."""
    folder.mkdir(exist_ok=True)
    wanted = {
        folder / "README.md": "---\norphan: true\n---\n\n# Made by docs/conf.py\n\nNothing here is edited by hand.\n"
    }
    for target, part in (("lessons", "[0-9][0-9]_*.ipynb"), ("solutions", "solutions/*.ipynb")):
        for notebook in sorted((root / "notebooks").glob(part)):
            wanted[folder / target / notebook.name] = notebook.read_text(encoding="utf-8")
    wanted[folder / "classroom" / "sheets.md"] = sheets(root / "notebooks" / "exercises")
    modules = module_names(root / "npae")
    rooms = dict.fromkeys(name.partition(".")[0] for name in modules)
    placed = {room for _, _, names in API.values() for room in names}
    others = {room: (room.replace("_", " ").capitalize(), "", (room,)) for room in rooms if room not in placed}
    for name, (title, about, names) in (API | others).items():
        page = [f"# {title}\n", about]
        for module in (each for room in names for each in modules if each == room or each.startswith(f"{room}.")):
            page.append(
                f"## npae.{module}\n\n```{{eval-rst}}\n.. automodule:: npae.{module}\n   :members:\n"
                "   :ignore-module-all:\n```"
            )
        wanted[folder / "api" / f"{name}.md"] = "\n\n".join(page) + "\n"
    names = "\n".join(f"{name}" for name in API | others)
    wanted[folder / "api" / "index.md"] = (
        "# API\n\nBy rooms: under every part stand the equations of both directions.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    )
    wanted[folder / "gallery.md"] = gallery.page()
    gallery.generate(root, folder / "gallery")
    for old in folder.rglob("*.*"):
        if old not in wanted and old.is_file() and old.parent.name != "gallery":
            old.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def sheets(folder):
    """The page of the exercise sheets: what stands beside them, or their titles."""
    readme = folder / "README.md"
    if readme.exists():
        return readme.read_text(encoding="utf-8")
    sources = sorted(folder.glob("[0-9]*.py"))
    titles = [re.search(r"^# # (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE) for path in sources]
    lines = [f"* `{path.stem}`: {title[1]}" for path, title in zip(sources, titles) if title]
    return "# Exercise sheets\n\n" + "\n".join(lines) + "\n"


def module_names(package):
    """The modules of the package that define something, rooms before what is in them: ['activations', ...]."""
    names = []
    for path in sorted(package.rglob("*.py")):
        name = ".".join(path.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
        if (
            name not in ("__init__", "__main__")
            and "sections." not in name
            and ast.get_docstring(ast.parse(path.read_text()))
        ):
            names.append(name)
    return sorted(names)
