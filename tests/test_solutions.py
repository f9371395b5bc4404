"""The worked solutions: textbook questions and the lessons' own, each on paper and in code that asserts it."""

import ast
import importlib.util
import re
import runpy
from pathlib import Path

import pytest

from optional_packages import import_or_skip

pytestmark = pytest.mark.course
FOLDER = Path(__file__).parents[1] / "notebooks"
ANSWERS = sorted((FOLDER / "solutions").glob("lesson_*.py"))
BOOKS = sorted(path for path in (FOLDER / "solutions").glob("*.py") if path not in ANSWERS)
SOURCES = [*BOOKS, *ANSWERS]
LESSONS = sorted(FOLDER.glob("[0-9][0-9]_*.py"))


def build():
    """The module notebooks/build.py."""
    import_or_skip("jupytext")
    spec = importlib.util.spec_from_file_location("build_notebooks", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def questions(path):
    """(markdown, code) of each question: from its heading '## 1. ...' to the next."""
    found = []
    for cell in re.split(r"^# %%", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        if cell.startswith(" [markdown]"):
            text = re.sub(r"^# ?", "", cell.partition("\n")[2], flags=re.MULTILINE)
            if re.match(r"## \d+\. ", text):
                found.append([text, ""])
        elif found:
            found[-1][1] += cell.partition("\n")[2]
    return found


QUESTIONS = [
    pytest.param(text, code, id=f"{path.stem}-{text.splitlines()[0][3:]}")
    for path in BOOKS
    for text, code in questions(path)
]


def test_there_are_thirty_questions_from_every_book():
    stems = " ".join(path.stem for path in BOOKS)
    assert len(QUESTIONS) >= 30
    assert all(
        book in stems
        for book in ("goodfellow_13", "goodfellow_14", "prml_12", "bishop_deep_16", "bishop_deep_19", "murphy_20")
    )
    assert "prince_17" in stems and "cs294a" in stems


@pytest.mark.parametrize(("text", "code"), QUESTIONS)
def test_a_question_has_a_reference_is_solved_on_paper_and_asserted_in_code(text, code):
    heading, reference = [line for line in text.splitlines() if line][:2]
    assert re.fullmatch(r"## \d+\. \S.*", heading)
    assert re.fullmatch(r"\*(Sections?|PRML, exercises?) \d+.*\.\*", reference)
    question, paper = text.partition("**Question.**")[2].partition("**On paper.**")[::2]
    assert len(question.split()) > 15
    assert paper.count("$") >= 4  # formulas, not talk
    asserted = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Assert)]
    assert asserted and not any(isinstance(node.test, ast.Constant) for node in asserted)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_every_question_of_a_lesson_is_answered_in_words_and_in_code_that_asserts(lesson):
    asked = re.findall(r"^# (\d+)\. ", lesson.read_text(encoding="utf-8").partition("# ## Questions")[2], re.MULTILINE)
    answers = questions(FOLDER / "solutions" / f"lesson_{lesson.stem[:2]}.py")
    assert [re.match(r"## (\d+)\. ", text).group(1) for text, _ in answers] == asked and len(asked) >= 5
    for text, code in answers:
        assert len(text.partition("**Answer.**")[2].split()) > 15, text
        nodes = list(ast.walk(ast.parse(code)))
        claims = {"below", "same"} & {
            node.func.id for node in nodes if isinstance(node, ast.Call) and hasattr(node.func, "id")
        }
        asserted = [node for node in nodes if isinstance(node, ast.Assert)]
        assert claims or asserted, text
        assert not any(isinstance(node.test, ast.Constant) for node in asserted)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_assertion_of_the_solutions_holds(path, capsys):
    runpy.run_path(str(path))
    assert capsys.readouterr().out.count("\n") >= len(questions(path))  # every question prints what it found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_solution_needs_numpy_scipy_and_npae_alone(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.partition(".")[0])
    assert names <= {"numpy", "scipy", "npae", "functools", "itertools"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_solution_is_built_into_a_notebook(path):
    built = path.with_suffix(".ipynb")
    assert built.exists() and built.read_bytes() == build().text(path).encode(), "run: python notebooks/build.py"


def test_the_table_of_the_readme_counts_the_questions_of_each_book():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8").partition("## Worked solutions")[2]
    rows = re.findall(r"^\| (`.*?) \| .* \| (\d+) \|$", readme, flags=re.MULTILINE)
    named = {path.stem: len(questions(path)) for path in BOOKS}
    listed = [(re.findall(r"`(\w+)`", names), int(count)) for names, count in rows]
    assert sorted(name for names, _ in listed for name in names) == sorted(named)
    assert all(sum(named[name] for name in names) == count for names, count in listed)
