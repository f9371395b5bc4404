"""Columns under each other; what JSON has no number for."""

import json

import pytest

from npae.system.printing import html_table, json_ready, text_columns


def test_cells_stand_under_each_other_on_the_side_that_is_asked_for():
    assert text_columns([("a", "10", ""), ("bcd", "9", "x")], "<><") == ["a    10", "bcd   9  x"]
    assert text_columns([("alone",)], ">") == ["alone"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_said_in_words_wherever_it_stands(value):
    given = {"a": value, "b": [1.5, (value, {"c": value})], "d": None, "e": True}
    expected = {"a": str(value), "b": [1.5, (str(value), {"c": str(value)})], "d": None, "e": True}
    assert json_ready(given) == expected
    assert json.loads(json.dumps(json_ready(given), allow_nan=False))["b"][1][1] == {"c": str(value)}


def test_a_table_for_a_notebook_escapes_its_cells_and_has_its_bold_rows():
    text = html_table(["a", "b"], [("1 < 2", "x"), ("3", "y")], bold=lambda row: row[0] == "3")
    assert text.count("<tr>") == 3 and "1 &lt; 2" in text and text.count("<b>") == 2 and "<b>3</b>" in text
