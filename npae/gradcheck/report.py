"""The result of a gradient check: one row per parameter array, as text, as a table in a notebook, as a picture."""

import html
from dataclasses import dataclass, field, fields

import numpy as np

from npae.system.printing import html_table, json_ready, text_columns

FORMULA = "relative error = max|analytic - numeric| / max(max|analytic|, max|numeric|), each max over one array"
OK, WRONG, INCONCLUSIVE, KINK, NOT_CHECKED = "ok", "WRONG", "inconclusive", "not differentiable", "not checked"
HEADER = ("array", "shape", "rel. error", "tolerance", "worst at", "analytic", "numeric", "ratio", "verdict")


@dataclass
class Row:
    """One array: its relative error, its worst coordinate, and a diagnosis of the pattern of its errors.

    `index` is the worst coordinate (in a random-direction check the number of the direction), `kinks` counts the
    coordinates where the one-sided derivatives disagree; the error leaves these out. `rounding`: both sides are zero
    except for the rounding of terms that cancel, so that the error is 0/0. `..._values` are the compared numbers.
    """

    name: str
    shape: tuple
    status: str
    error: float = 0.0
    tolerance: float = 0.0
    index: tuple = ()
    analytic: float = np.nan
    numeric: float = np.nan
    method: str = ""
    checked: int = 0
    wrong: int = 0
    kinks: int = 0
    diagnosis: str = ""
    rounding: bool = False
    analytic_values: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)
    numeric_values: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)

    @property
    def ratio(self):
        """analytic / numeric at the worst coordinate."""
        return self.analytic / self.numeric if self.numeric else (1.0 if not self.analytic else np.inf)

    def to_dict(self):
        """Return the row in plain Python types."""
        return json_ready({f.name: getattr(self, f.name) for f in fields(self) if f.repr} | {"ratio": self.ratio})

    def cells(self):
        """Return the row of the table, one text per column."""
        verdict = self.status if self.status != WRONG else f"{WRONG} ({self.wrong:,} of {self.checked:,})"
        verdict += f", {self.kinks:,} not differentiable" if self.kinks and self.status != KINK else ""
        shape, where = "x".join(map(str, self.shape)) or "scalar", "" if self.status == KINK else str(list(self.index))
        numbers = [f"{number:.6g}" for number in (self.analytic, self.numeric, self.ratio)]
        cells = (shape, f"{self.error:.1e}", f"{self.tolerance:.0e}", where, *numbers)
        return (self.name, *(cells if self.status != NOT_CHECKED else [""] * 7), verdict)


@dataclass(repr=False)
class GradientReport:
    """The result of a gradient check; `str()` prints it, a notebook shows it, `plot()` draws it.

    `ok` is True if every array agrees. It is False if an array is wrong, inconclusive (neither proved nor refuted) or
    not checked; coordinates where f is not differentiable do not count. `reason` says why the method was chosen,
    `diagnosis` what the rows have in common.
    """

    rows: list
    method: str
    reason: str
    value: float
    diagnosis: str = ""

    @property
    def ok(self):
        """True if every row is right and at least one coordinate was compared."""
        return all(row.status in (OK, KINK) for row in self.rows) and any(row.status == OK for row in self.rows)

    @property
    def verdict(self):
        """'ok', 'WRONG', 'inconclusive' or 'incomplete' (an array was not checked)."""
        found = {row.status for row in self.rows}
        return OK if self.ok else WRONG if WRONG in found else "incomplete" if NOT_CHECKED in found else INCONCLUSIVE

    @property
    def max_error(self):
        """The largest relative error of an array that is more than rounding (the formula is report.FORMULA)."""
        return max((row.error for row in self.rows if not row.rounding), default=0.0)

    @property
    def worst(self):
        """The most important row: a wrong one before an inconclusive one, then by relative error."""
        order = (KINK, OK, NOT_CHECKED, INCONCLUSIVE, WRONG)
        return max(self.rows, key=lambda row: (order.index(row.status), not row.rounding, row.error))

    @property
    def kinks(self):
        """The number of coordinates at which f is not differentiable."""
        return sum(row.kinks for row in self.rows)

    @property
    def headline(self):
        """One line: the verdict, the largest error and the method."""
        what = f"{sum(row.checked for row in self.rows):,} {'directions' if 'along' in self.method else 'coordinates'}"
        return f"Gradient check: {self.verdict}, largest relative error {self.max_error:.1e} ({self.method}, {what})"

    @property
    def lines_below(self):
        """The lines below the table: the diagnoses, the formula of the error and the reason for the method."""
        lines = ["-> " + self.diagnosis] if self.diagnosis else []
        for row in (row for row in self.rows if row.diagnosis):
            lines.append(f"{'   ' if row.status == OK else '-> '}{row.name}: {row.diagnosis}")
        return [*lines, "   " + FORMULA, f"   method: {self.method}, {self.reason}"]

    def __bool__(self):
        return self.ok

    def __repr__(self):
        return f"<{self.headline}>"

    def __str__(self):
        table = text_columns([HEADER, *(row.cells() for row in self.rows)], "<<>>>>>><")
        return "\n".join([self.headline, *("  " + line for line in table), *self.lines_below])

    def _repr_html_(self):
        below = "<br>".join(html.escape(text.strip()) for text in self.lines_below)
        sound = {row.name for row in self.rows if row.status in (OK, KINK)}
        table = html_table(HEADER, [row.cells() for row in self.rows], bold=lambda cells: cells[0] not in sound)
        return f"<p><b>{html.escape(self.headline)}</b></p>{table}<p>{below}</p>"

    def plot(self, ax=None):
        """Draw numeric over analytic derivatives: a matplotlib Figure, see npae.plots.gradients.agreement."""
        from npae.plots.gradients import agreement

        return agreement(self, ax=ax)

    def to_dict(self):
        """Return the report in plain Python types, for JSON."""
        keys = ("ok", "verdict", "max_error", "method", "reason", "value", "kinks", "diagnosis")
        report = {"worst": self.worst.name, "formula": FORMULA, "rows": [row.to_dict() for row in self.rows]}
        return json_ready({key: getattr(self, key) for key in keys} | report)


class GradientError(AssertionError):
    """A gradient failed its check; `.report` is the GradientReport, its text is the message."""

    def __init__(self, report):
        self.report, self._repr_html_ = report, report._repr_html_
        super().__init__("\n" + str(report))

    def __reduce__(self):
        return type(self), (self.report,)
