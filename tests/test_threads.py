"""BLAS threads: one by default on the command line and in the lessons, a user's own setting is left alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speed import threads as benchmark
from npae.threads import VARIABLES

LIMIT = "from npae.threads import limit_threads; print(limit_threads()); "
POOLS = "import numpy, threadpoolctl; print({p['num_threads'] for p in threadpoolctl.threadpool_info()})"


def python(code, **variables):
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES} | variables
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_before_numpy_one_thread_is_set_and_inherited_by_child_processes():
    assert python(LIMIT + POOLS) == ["True", "{1}"]
    child = (
        f"import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', {POOLS!r}], text=True), end='')"
    )
    assert python(LIMIT + child) == ["True", "{1}"]


def test_after_numpy_threadpoolctl_sets_one_thread():
    assert python("import numpy; " + LIMIT + POOLS) == ["True", "{1}"]


def test_after_numpy_without_threadpoolctl_nothing_is_done_and_that_is_said():
    hidden = "import sys, numpy; sys.modules['threadpoolctl'] = None; "
    show = "import os; print('OMP_NUM_THREADS' in os.environ)"
    assert python(hidden + LIMIT + show) == ["False", "False"]


@pytest.mark.parametrize("name", VARIABLES)
def test_a_users_own_setting_is_left_alone(name):
    names = f"import os; print([n for n in {VARIABLES!r} if n in os.environ], os.environ[{name!r}])"
    assert python(LIMIT + names, **{name: "2"}) == ["False", f"['{name}'] 2"]


@pytest.mark.slow
def test_the_command_line_runs_on_one_thread_and_says_so():
    code = "import sys; from npae.cli import main; main(['doctor']); " + POOLS
    lines = python(code)
    assert lines[-1] == "{1}" and any("OPENBLAS_NUM_THREADS=1" in line for line in lines)
    assert any("OPENBLAS_NUM_THREADS=2" in line for line in python(code, OPENBLAS_NUM_THREADS="2"))


def test_every_lesson_limits_threads_before_it_imports_numpy():
    lessons = sorted((Path(__file__).parent.parent / "notebooks").glob("[0-9][0-9]_*.py"))
    assert len(lessons) >= 8
    for lesson in lessons:
        source = lesson.read_text(encoding="utf-8")
        before = source.partition("import numpy")[0].partition("%matplotlib")[0]  # the magic imports NumPy, too
        assert "\nlimit_threads()" in before, lesson.name


def test_the_benchmarks_table_is_relative_to_one_thread_alone():
    found = {((64, 2, 4), n, busy): 100 / n / (1 + busy) for n in (1, 2) for busy in (0, 1)}
    row = benchmark.table(found)[-1]
    assert row == "| 64-2-64, 4 | 10000 us | 1.00 | 2.00 | 2.00 | 4.00 |"


def test_the_benchmarks_steps_are_counted_in_a_process_of_its_own():
    assert benchmark.steps_a_second(1, (8, 3, 4), 0.05) > 10
