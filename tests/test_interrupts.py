"""Ctrl-C: what runs several fits, or several processes, ends at once and writes nothing half-made."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from npae.cli import main
from npae.system import interrupts
from npae.system.processes import map_in_processes
from npae.training.run import Run


def test_processes_do_what_they_are_given_in_its_order():
    assert map_in_processes(abs, range(-5, 0), 2) == [5, 4, 3, 2, 1]
    with pytest.raises(TypeError):
        map_in_processes(abs, ["a", 1], 2)
    with pytest.raises(ChildProcessError, match="ended while it had work"):
        map_in_processes(os._exit, [1], 2)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_processes_that_would_sleep_for_ever(times):
    """Were they not ended, this test would not come to its end."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # where it is ignored, as in the background
    timers = [threading.Timer(0.5 * i, os.kill, (os.getpid(), signal.SIGINT)) for i in range(1, times + 1)]
    try:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            for timer in timers:
                timer.start()
            map_in_processes(time.sleep, [1e6] * 4, 2)
        for timer in timers:
            with contextlib.suppress(KeyboardInterrupt):
                timer.join()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_demo_that_is_interrupted_ends_with_130_and_writes_no_page(tmp_path, monkeypatch, capsys):
    epochs, close_epoch = iter(range(100)), Run.close_epoch

    def interrupted(run, row):
        if next(epochs) == 2:
            raise KeyboardInterrupt
        close_epoch(run, row)

    monkeypatch.setattr(Run, "close_epoch", interrupted)
    assert main(["demo", "--quick", "--out", str(tmp_path / "page.html")]) == 130
    assert next(epochs) == 3 and not list(tmp_path.iterdir())
    assert "interrupted" in capsys.readouterr().err
    assert not interrupts.interrupts_raise()


def test_a_script_that_starts_processes_outside_of_its_main_part_is_told_so_at_once(tmp_path):
    """The processes die before they have read what they share, which is more than a pipe takes."""
    code = "from npae.system.processes import in_processes\nprint(list(in_processes(len, 'ab', 2, [0] * 10**6)))\n"
    (tmp_path / "mine.py").write_text(code)
    done = subprocess.run([sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "ChildProcessError: a process ended while it had work" in done.stderr


SLEEPER = """
import time
from npae.system.processes import map_in_processes

def sleep(_):
    print("asleep", flush=True)
    time.sleep(1e6)

if __name__ == "__main__":
    map_in_processes(sleep, [1], 1)
"""


def test_processes_leave_with_the_one_that_started_them(tmp_path):
    (tmp_path / "mine.py").write_text(SLEEPER)
    program = subprocess.Popen([sys.executable, "mine.py"], cwd=tmp_path, stdout=subprocess.PIPE)
    assert program.stdout and program.stdout.readline()
    program.kill()
    program.communicate(timeout=60)  # which ends when nobody holds its standard output any more


@pytest.mark.slow
def test_so_does_one_whose_page_is_built_by_processes(tmp_path):
    command = [sys.executable, "-u", "-m", "npae", "demo", "--quick", "--jobs", "2", "--out", "page.html"]
    allow = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    program = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True, preexec_fn=allow)  # fmt: skip
    assert program.stdout
    for line in program.stdout:
        if re.match(r"\[\d+/\d{2}\]", line):  # a section
            break
    os.killpg(program.pid, signal.SIGINT)
    assert "interrupted" in program.communicate(timeout=60)[1]
    assert program.returncode == 130 and not list(tmp_path.iterdir())
