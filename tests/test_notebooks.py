"""The lessons run, in a fresh kernel and without a network, and their .ipynb files are what build.py makes of them."""

import ast
import importlib.util
import os
import warnings
from pathlib import Path

import pytest

from optional_packages import import_or_skip

pytestmark = pytest.mark.course
jupytext, nbclient, nbformat = map(import_or_skip, ("jupytext", "nbclient", "nbformat"))
import_or_skip("ipykernel")
with warnings.catch_warnings():
    # Jupyter's libraries may announce changes of their own; what a lesson warns of is looked at below
    warnings.simplefilter("ignore", DeprecationWarning)
    FOLDER = Path(__file__).parents[1] / "notebooks"
    spec = importlib.util.spec_from_file_location("build_notebooks", FOLDER / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)

LESSONS = build.lessons()
TIMEOUT = 300  # seconds a cell: a lesson takes a few on an idle machine, but tests run on busy ones

# the kernel itself talks to nbclient without Python's sockets
NO_NETWORK = """
import socket

def _refuse(*args, **kwargs):
    raise OSError("a lesson tried to use the network")

socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = _refuse
"""


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    """The .py source of each lesson."""
    return request.param


def test_there_is_a_lesson_for_each_section_of_the_note():
    stems = " ".join(path.stem for path in LESSONS)
    assert all(word in stems for word in ("tour", "pca", "sparse", "denoising", "manifolds", "contractive", "gradient"))
    assert all(word in stems for word in ("score", "generative", "capacity", "distribution"))


def test_a_lesson_opens_with_what_it_needs_teaches_and_takes_and_ends_with_questions_and_sources(lesson):
    cells = [cell.source for cell in build.notebook(lesson).cells if cell.cell_type == "markdown"]
    assert cells[0].startswith(f"# {int(lesson.stem[:2])}. ")
    assert [word for word in ("You need", "You will learn", "Time") if f"**{word}:** " not in cells[0]] == []
    assert cells[-1].index("## Questions") < cells[-1].index("## Sources")


def test_a_lesson_derives_what_it_uses_in_ten_lines_at_most_held_against_the_package_to_twelve_digits(lesson):
    derived = [cell.source for cell in build.notebook(lesson).cells if cell.source.startswith("# derived: ")]
    assert derived
    for source in derived:
        lines = [line for line in source.splitlines() if line.strip() and not line.lstrip().startswith(("#", "print("))]
        assert sum("same(" not in line and not line.startswith("assert") for line in lines) <= 10, source
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
        held = [call for call in calls if getattr(call.func, "id", "") == "same"]
        assert held, source
        # `same` asks for 1e-12; what is looser goes through the inverse of a matrix, and says so
        loose = [call for call in held for keyword in call.keywords if float(ast.unparse(keyword.value)) > 1e-10]
        assert not loose, source


@pytest.mark.filterwarnings("ignore::DeprecationWarning:(jupyter|nbclient|nbformat|traitlets|zmq|tornado|IPython).*")
def test_every_lesson_runs_without_error_warning_or_network(lesson, tmp_path):
    notebook = nbformat.reads(build.text(lesson), as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(NO_NETWORK))
    client = nbclient.NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    # BLAS threads that wait for each other make small products a hundred times slower when other processes run
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    client.execute(env=os.environ | one_thread | {"IPYTHONDIR": str(tmp_path / "ipython")})

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    complaints = "".join(output.text for output in outputs if output.get("name") == "stderr")
    assert "Warning" not in complaints, complaints
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 3, f"got {len(pictures)} pictures, expected a lesson to show what it claims"


def test_the_built_notebook_is_what_its_source_makes(lesson):
    built = lesson.with_suffix(".ipynb")
    assert built.exists() and built.read_bytes() == build.text(lesson).encode(), "run: python notebooks/build.py"


def test_a_built_notebook_holds_no_outputs_and_unique_cell_ids(lesson):
    cells = nbformat.read(lesson.with_suffix(".ipynb"), as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert len({cell.id for cell in cells}) == len(cells)
    # threads are counted when NumPy is imported, which the magic does too
    assert 0 < code[0].source.index("\nlimit_threads()") < code[0].source.index("\n%matplotlib inline\n")


def test_a_lesson_asserts_its_claims(lesson):
    claims = [node for node in ast.walk(ast.parse(lesson.read_text())) if isinstance(node, ast.Assert)]
    assert claims and not any(isinstance(claim.test, ast.Constant) for claim in claims)


def test_check_names_what_is_out_of_date(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build, "HERE", tmp_path)
    source = tmp_path / "01_a.py"
    source.write_text("# %% [markdown]\n# Text.\n\n# %%\n1 + 1\n")
    assert build.main(["--check"]) == 1
    assert build.main([]) == 0
    first = source.with_suffix(".ipynb").read_bytes()
    assert build.main(["--check"]) == 0
    assert build.main([]) == 0 and source.with_suffix(".ipynb").read_bytes() == first
    source.write_text(source.read_text().replace("1 + 1", "1 + 2"))
    assert build.main(["--check"]) == 1 and source.with_suffix(".ipynb").read_bytes() == first
    assert "out of date: 01_a.ipynb" in capsys.readouterr().out
