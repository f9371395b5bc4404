"""The checker on code as people write it, in short: each case, one planted bug of each, five scalings of the value."""

import re

import pytest

from benchmarks.robustness.checker.__main__ import main, run


@pytest.mark.slow
def test_right_gradients_pass_and_planted_bugs_are_found_at_every_scaling_and_told_why(capsys):
    failed = main(["--quick"])
    printed = capsys.readouterr().out
    assert not failed, printed
    cases, bugs = map(int, re.findall(r"^(\d+) functions and layers, (\d+) planted bugs", printed)[0])
    assert cases >= 60 and bugs >= 60, printed
    assert printed.count(f"| {bugs} | {bugs} |") == 5 and printed.count(f"| {cases} | 0 |") == 5, printed


def test_a_checker_that_lets_a_bug_pass_fails_the_table(monkeypatch, capsys):
    monkeypatch.setattr("npae.gradcheck.verdicts.RTOL", dict.fromkeys(("complex", "richardson", "central"), 0.9))
    problems = run(["ridge", "SigmoidLayer"], 1)
    assert sum("a bug is called ok" in line for line in problems) == 2 * 5, capsys.readouterr().out
