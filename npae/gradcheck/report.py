"""What a gradient check found: one row a parameter array, as text, as a table in a notebook, as a picture."""

import html
import itertools
from dataclasses import dataclass, field

import numpy as np

FORMULA = "relative error = max|analytic - numeric| / max(max|analytic|, max|numeric|), each max over one array"

OK, WRONG, INCONCLUSIVE, KINK = "ok", "WRONG", "inconclusive", "not differentiable"


@dataclass
class Row:
    """One array: its relative error, its worst coordinate, and what the pattern of the errors looks like.

    `index` is the worst coordinate (in a random-direction check the number of the direction), `kinks` counts the
    coordinates where the one-sided derivatives disagree; they take no part in the error. `rounding`: both sides are
    zero but for the rounding of terms that cancel, so that the error is 0/0 and says nothing. `analytic_values` and
    `numeric_values` hold what was compared, `worst` is the worst one's place in them.
    """

    name: str
    shape: tuple
    status: str
    error: float
    tolerance: float
    index: tuple
    analytic: float
    numeric: float
    method: str
    checked: int
    wrong: int = 0
    kinks: int = 0
    diagnosis: str = ""
    rounding: bool = False
    worst: int = field(default=0, repr=False)
    analytic_values: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)
    numeric_values: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)

    @property
    def ratio(self):
        """analytic / numeric at the worst coordinate."""
        return self.analytic / self.numeric if self.numeric else (1.0 if not self.analytic else np.inf)

    def to_dict(self):
        """The row in plain Python types."""
        keys = "name shape status error tolerance index analytic numeric ratio method checked wrong kinks diagnosis"
        return {key: _plain(getattr(self, key)) for key in keys.split()}


@dataclass(repr=False)
class GradientReport:
    """The result of a gradient check; `str()` prints it, a notebook shows it, `plot()` draws it.

    `ok` is True if every array agrees: an inconclusive array is not a proof, so it is not ok either; coordinates
    where f is not differentiable are counted apart. `max_error` is the largest relative error of an array, `worst`
    the row that has it, `reason` says why the method was chosen.
    """

    rows: list
    method: str
    reason: str
    value: float
    diagnosis: str = ""

    @property
    def ok(self):
        """Whether the gradient was proved: no row wrong or inconclusive, and at least one coordinate compared."""
        return all(row.status in (OK, KINK) for row in self.rows) and any(row.status == OK for row in self.rows)

    @property
    def max_error(self):
        """The largest relative error of an array that is more than rounding (the formula is report.FORMULA)."""
        return max((row.error for row in self.rows if not row.rounding), default=0.0)

    @property
    def worst(self):
        """The row to look at first: a wrong one before an inconclusive one, then by relative error."""
        order = (KINK, OK, INCONCLUSIVE, WRONG)
        return max(self.rows, key=lambda row: (order.index(row.status), not row.rounding, row.error))

    @property
    def kinks(self):
        """How many coordinates are not differentiable here."""
        return sum(row.kinks for row in self.rows)

    def __bool__(self):
        return self.ok

    def __repr__(self):
        return f"<{self.headline}>"

    @property
    def verdict(self):
        """'ok', 'WRONG' or 'inconclusive'."""
        return OK if self.ok else WRONG if any(row.status == WRONG for row in self.rows) else INCONCLUSIVE

    def __str__(self):
        cells = [HEADER, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[i]) for line in cells) for i in range(len(HEADER))]
        left = (0, 1, len(HEADER) - 1)
        table = [
            "  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))).rstrip()
            for line in cells
        ]
        return "\n".join([self.headline, *("  " + line for line in table), *self.notes])

    @property
    def headline(self):
        """One line: the verdict, the largest error and the method."""
        checked = sum(row.checked for row in self.rows)
        what = "directions" if "direction" in self.method else "coordinates"
        return (
            f"Gradient check: {self.verdict}, largest relative error {self.max_error:.1e} "
            f"({self.method}, {checked:,} {what})"
        )

    @property
    def notes(self):
        """The diagnoses, the formula of the error and the reason for the method, a line each."""
        lines = [f"-> {self.diagnosis}"] if self.diagnosis else []
        lines += [
            f"{'->' if row.status != OK else '  '} {row.name}: {row.diagnosis}" for row in self.rows if row.diagnosis
        ]
        return [*lines, f"   {FORMULA}", f"   method: {self.method}, {self.reason}"]

    def _repr_html_(self):
        colours = {OK: "#1a7f37", WRONG: "#b3261e"}
        header = "".join(f"<th>{cell}</th>" for cell in HEADER)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(row)[:-1])
            + f'<td style="color:{colours.get(row.status, "#9a6700")}"><b>{row.status}</b></td></tr>'
            for row in self.rows
        )
        notes = "<br>".join(html.escape(line.strip()) for line in self.notes)
        return (
            f"<p><b>{html.escape(self.headline)}</b></p><table><thead><tr>{header}</tr></thead>"
            f"<tbody>{body}</tbody></table><p>{notes}</p>"
        )

    def plot(self, ax=None):
        """Numeric against analytic, one marker an array, on symmetric logarithmic axes; returns the matplotlib axes.

        Right entries lie on the diagonal; a constant factor is a shift, a wrong sign the other diagonal, a
        missing term a horizontal line. Marked: the worst coordinate of each array that is wrong.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(5, 5), layout="constrained")
        values = np.concatenate([np.concatenate([row.analytic_values, row.numeric_values]) for row in self.rows])
        values = np.abs(values[np.isfinite(values)])
        top = values.max(initial=0.0)
        top = top if top > 1e-250 else 1.0
        positive = values[values > top * 1e-12]
        threshold = max(np.quantile(positive, 0.05) if len(positive) else top, top * 1e-6)
        for row, marker in zip(self.rows, itertools.cycle("osD^vPX*")):
            points = ax.plot(row.analytic_values, row.numeric_values, marker, mfc="none", ms=5, label=row.name)
            if row.status == WRONG:
                ax.plot(row.analytic, row.numeric, "o", mfc="none", mew=2, ms=14, color=points[0].get_color())
        ax.axline((0, 0), slope=1, color="0.6", lw=0.8, zorder=0)
        for setting in ("x", "y"):
            getattr(ax, f"set_{setting}scale")("symlog", linthresh=threshold)
            getattr(ax, f"set_{setting}lim")(-1.6 * top, 1.6 * top)
            getattr(ax, f"set_{setting}ticks")(_decades(threshold, top))
        ax.set(xlabel="analytic", ylabel="numeric", title=f"gradient check: {self.verdict}", aspect="equal")
        ax.tick_params(axis="x", rotation=60)
        ax.legend(fontsize="small")
        return ax

    def to_dict(self):
        """The report in plain Python types, for JSON."""
        return {
            "ok": self.ok,
            "verdict": self.verdict,
            "max_error": _plain(self.max_error),
            "worst": self.worst.name,
            "method": self.method,
            "reason": self.reason,
            "value": self.value,
            "kinks": self.kinks,
            "diagnosis": self.diagnosis,
            "formula": FORMULA,
            "rows": [row.to_dict() for row in self.rows],
        }


HEADER = ("array", "shape", "rel. error", "tolerance", "worst at", "analytic", "numeric", "ratio", "verdict")


class GradientError(AssertionError):
    """A gradient that failed its check; the GradientReport is in `.report`, its text is the message."""

    def __init__(self, report):
        self.report = report
        super().__init__("\n" + str(report))

    def __reduce__(self):
        return type(self), (self.report,)


def _cells(row):
    verdict = row.status if row.status != WRONG else f"{WRONG} ({row.wrong:,} of {row.checked:,})"
    if row.kinks and row.status != KINK:
        verdict += f", {row.kinks:,} not differentiable"
    where = "" if row.status == KINK else "[" + ", ".join(map(str, row.index)) + "]"
    numbers = [f"{number:.6g}" for number in (row.analytic, row.numeric, row.ratio)]
    shape = "x".join(map(str, row.shape)) or "scalar"
    return (row.name, shape, f"{row.error:.1e}", f"{row.tolerance:.0e}", where, *numbers, verdict)


def _decades(threshold, top):
    """Ticks of a symmetric logarithmic axis: 0 and at most three powers of ten on either side."""
    last = np.floor(np.log10(top))
    powers = 10.0 ** np.arange(last, np.log10(threshold), -max(1, np.ceil((last - np.log10(threshold)) / 3)))
    return [*-powers, 0, *powers[::-1]]


def _plain(value):
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value
