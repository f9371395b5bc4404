"""The teacher's page, run as it stands there: nbgrader makes, hands out, collects and grades the sheets of a class.

Three students: ada hands in the solution of every sheet, eve every sheet with a mistake in every second question, ben
the first one, blank. Their points are those that tests/sheets.py finds without nbgrader, on which test_exercises.py
builds: there every sheet is graded blank, too.
"""

import csv
import json
import os
import re
import subprocess
import sys
from getpass import getuser

import pytest

from optional_packages import import_or_skip
from planted_mistakes import MISTAKES
from sheets import FOLDER, SHEETS, handed_in, lost, mark, points, run

pytestmark = pytest.mark.course
nbformat = import_or_skip("nbformat")
PAGE = (FOLDER / "exercises" / "README.md").read_text(encoding="utf-8")
FIRST = "01_backpropagation"
SCORES = """
import json, sys
from nbgrader.api import Gradebook

with Gradebook("sqlite:///gradebook.db", "autoencoders") as book:
    found = {}
    for name in sys.argv[1:]:
        for student in ("ada", "ben", "eve") if name == sys.argv[1] else ("ada", "eve"):
            grades = book.find_submission_notebook(name, name, student).grades
            found[f"{student} {name}"] = {grade.name: [grade.score, grade.max_score] for grade in grades}
print(json.dumps(found))
"""


def blocks(kind):
    """The page's code blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def mistakes_of_eve(sheet):
    """The first mistake of every second question."""
    first = {}
    for mistake in MISTAKES:
        if mistake.sheet == sheet:
            first.setdefault(mistake.question, mistake)
    return list(first.values())[int(sheet) % 2 :: 2]


def filled_in(sheet, *mistakes):
    """The sheet that students are given, with the solutions written into it."""
    given = nbformat.read(SHEETS[sheet].with_suffix(".ipynb"), as_version=4)
    for cell, solved in zip(given.cells, handed_in(sheet, *mistakes).cells, strict=True):
        if mark(cell, "solution"):
            cell.source = solved.source
    return given


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The folder of the course after everything on the page was done."""
    home = tmp_path_factory.mktemp("class")
    make, release, collect, grade = blocks("sh")
    (as_student,) = blocks("sh student")
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    exchange = home / "exchange"
    exchange.mkdir(mode=0o777)
    exchange.chmod(0o777)
    environment = os.environ | one_thread | {
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
        "HOME": str(home), "IPYTHONDIR": str(home / "ipython"), "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
        "JUPYTER_DATA_DIR": str(home / "data"), "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "NBGRADER_EXCHANGE": str(exchange),
    }  # fmt: skip

    def shell(commands, folder):
        done = subprocess.run(
            ["bash", "-euc", commands], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    repository, folder = FOLDER.parent, home / "course"
    shell(make.replace("--course course", f"--course {folder}").replace("cd course", f"cd {folder}"), repository)
    shell(release, folder)
    student = home / "student"
    student.mkdir()
    (student / "nbgrader_config.py").write_text((folder / "nbgrader_config.py").read_text())
    fetch, submit = as_student.strip().split("\n")
    shell(fetch, student)
    shell(submit, student)
    shell(collect, folder)
    (folder / "submitted" / getuser()).rename(home / "collected")
    for sheet, source in SHEETS.items():
        for who, mistakes in {"ada": (), "eve": mistakes_of_eve(sheet)}.items():
            target = folder / "submitted" / who / source.stem
            target.mkdir(parents=True)
            nbformat.write(filled_in(sheet, *mistakes), target / f"{source.stem}.ipynb")
    target = folder / "submitted" / "ben" / FIRST
    target.mkdir(parents=True)
    (target / f"{FIRST}.ipynb").write_bytes(SHEETS["01"].with_suffix(".ipynb").read_bytes())
    shell(grade, folder)
    (folder / "scores.py").write_text(SCORES)
    (folder / "page.py").write_text(blocks("python")[0])
    names = " ".join(source.stem for source in SHEETS.values())
    (folder / "scores.json").write_text(shell(f"python scores.py {names}", folder))
    (folder / "page.txt").write_text(shell("python page.py", folder))
    return folder


@pytest.fixture(scope="module")
def scores(course):
    """(student, sheet) -> {check: (points, points at most)}, by nbgrader."""
    found = json.loads((course / "scores.json").read_text())
    return lambda who, sheet: {name: tuple(pair) for name, pair in found[f"{who} {SHEETS[sheet].stem}"].items()}


@pytest.mark.parametrize("sheet", SHEETS)
def test_nbgrader_releases_what_is_stored(course, sheet):
    name = SHEETS[sheet].stem
    released = nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)
    stored = nbformat.read(SHEETS[sheet].with_suffix(".ipynb"), as_version=4)
    assert released.cells == stored.cells


def test_what_a_student_submits_is_collected(course):
    assert (course.parent / "collected" / FIRST / f"{FIRST}.ipynb").exists()


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_solution_earns_full_marks(scores, sheet):
    most = points(handed_in(sheet))
    assert scores("ada", sheet) == {name: (number, number) for name, number in most.items()}


def test_the_blank_sheet_earns_nothing(scores):
    assert scores("ben", "01") == {name: (0, number) for name, number in points(handed_in("01")).items()}


@pytest.mark.parametrize("sheet", SHEETS)
def test_mistakes_lose_the_points_of_their_questions_and_no_others(scores, sheet):
    mistakes = mistakes_of_eve(sheet)
    wrong = {mistake.question for mistake in mistakes}
    assert len(wrong) >= 2
    assert scores("eve", sheet) == {
        name: (0 if name.removesuffix("-check") in wrong else number, number)
        for name, number in points(handed_in(sheet)).items()
    }
    assert lost(run(handed_in(sheet, *mistakes))) == wrong, "as it was found without nbgrader"


def test_grades_and_feedback_are_written(course):
    with open(course / "grades.csv", newline="", encoding="utf-8") as stream:
        rows = {(row["student_id"], row["assignment"]): row for row in csv.DictReader(stream)}
    assert len(rows) == 3 * len(SHEETS)
    assert float(rows["ada", FIRST]["score"]) == float(rows["ada", FIRST]["max_score"]) == 20
    assert float(rows["ben", FIRST]["score"]) == 0 < float(rows["eve", FIRST]["score"]) < 20
    feedback = (course / "feedback" / "eve" / FIRST / f"{FIRST}.html").read_text(encoding="utf-8")
    assert mistakes_of_eve("01")[0].says in feedback
    lines = (course / "page.txt").read_text().splitlines()
    assert "ada sigmoid-check 2 of 2" in lines and "ben sigmoid-check 0 of 2" in lines


def test_the_page_lists_every_sheet_with_its_points():
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\d+) \| [\d½]+ \|$", PAGE, re.MULTILINE)
    assert rows == [(source.stem, str(sum(points(handed_in(sheet)).values()))) for sheet, source in SHEETS.items()]


def test_the_page_counts_the_planted_mistakes():
    told = sum(bool(mistake.says) for mistake in MISTAKES)
    numbers = set(re.findall(r"\b\d+\b", PAGE.partition("### What the points are worth")[2]))
    assert {str(len(MISTAKES)), str(told), str(len(MISTAKES) - told)} <= numbers
