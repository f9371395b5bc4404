"""The exercise sheets: complete, graded rightly, and each planted mistake told and paid for in its own question alone.

Cells are run in this process; that nbgrader gives the same points is proved in test_exercises_nbgrader.py.
"""

import re

import pytest

from planted_mistakes import MISTAKES
from sheets import SHEETS, build, handed_in, lost, mark, points, run

pytestmark = pytest.mark.course
EACH_MISTAKE = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.sheet}-{m.question}: {m.name}")


@pytest.fixture(params=SHEETS)
def sheet(request):
    """The number of each sheet."""
    return request.param


def test_the_stored_sheet_is_what_its_source_makes(sheet):
    built = SHEETS[sheet].with_suffix(".ipynb")
    assert built.exists() and built.read_bytes() == build.text(SHEETS[sheet]).encode(), "run: python notebooks/build.py"


def test_a_student_gets_no_solution_and_no_hidden_test(sheet):
    whole, given = build.notebook(SHEETS[sheet]), build.student(build.notebook(SHEETS[sheet]))
    text = "".join(cell.source for cell in given.cells)
    assert "SOLUTION" not in text and "HIDDEN" not in text
    for cell, left in zip(whole.cells, given.cells, strict=True):
        if mark(cell, "solution"):
            assert "raise NotImplementedError()" in left.source
        elif mark(cell, "grade"):
            assert cell.source.startswith(left.source) and "### BEGIN HIDDEN TESTS" in cell.source
        else:
            assert cell.source == left.source


def test_a_sheet_says_its_goals_needs_time_and_points(sheet):
    notebook = build.notebook(SHEETS[sheet])
    first, text = notebook.cells[0].source, "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert all(word in first for word in ("**You will**", "**You need**", "**Time:**"))
    table = [int(number) for number in re.findall(r"^\| \d+\. .* \| (\d+) \|$", first, re.MULTILINE)]
    headings = [int(number) for number in re.findall(r"^## \d+\. .* \((\d+) points\)$", text, re.MULTILINE)]
    assert table == headings == list(points(notebook).values())
    assert 4 <= len(table) <= 7


def test_each_question_is_a_solution_and_the_check_below_it(sheet):
    cells = [cell for cell in build.notebook(SHEETS[sheet]).cells if mark(cell, "grade_id")]
    solutions = [mark(cell, "grade_id") for cell in cells if mark(cell, "solution")]
    assert [mark(cell, "grade_id") for cell in cells if mark(cell, "grade")] == [f"{name}-check" for name in solutions]
    names = [mark(cell, "grade_id") for cell in cells]
    assert all(names[names.index(name) + 1] == f"{name}-check" for name in solutions)


def test_nothing_that_is_graded_comes_after_a_cell_that_is_not(sheet):
    """So that what is only looked at cannot change the points."""
    code = [cell for cell in build.notebook(SHEETS[sheet]).cells if cell.cell_type == "code"]
    plain = [i for i, cell in enumerate(code) if not mark(cell, "grade_id")]
    assert plain and plain == list(range(plain[0], len(code)))


def test_the_solution_earns_all_points_and_every_cell_runs_without_a_warning(sheet):
    assert lost(run(handed_in(sheet), all_cells=True)) == set()


def test_the_blank_sheet_earns_nothing(sheet):
    blank = build.student(handed_in(sheet))
    assert lost(run(blank)) == {name.removesuffix("-check") for name in points(blank)}


@EACH_MISTAKE
def test_a_mistake_loses_the_points_of_its_question_and_the_visible_check_says_so(mistake):
    failures = run(handed_in(mistake.sheet, mistake))
    assert lost(failures) == {mistake.question}, failures
    failure = failures[f"{mistake.question}-check"]
    assert not failure.hidden, "a student would not have seen it"
    assert mistake.says in failure.message and mistake.where in failure.message, failure.message
    assert bool(mistake.says) != bool(mistake.where)


def test_there_are_mistakes_enough_in_every_sheet_and_most_are_told_in_words():
    assert len(MISTAKES) >= 25 and len({(m.sheet, m.question, m.name) for m in MISTAKES}) == len(MISTAKES)
    assert all(sum(m.sheet == sheet for m in MISTAKES) >= 3 for sheet in SHEETS)
    assert sum(bool(m.says) for m in MISTAKES) >= 18 / 25 * len(MISTAKES)
