"""python -m benchmarks.robustness.checker [--quick]: planted bugs, right gradients, kinks, small errors."""

import argparse
import collections
import importlib
import itertools
import sys
import time
import types
import warnings

import numpy as np

from benchmarks.robustness.checker import functions, layers, mutants, speed
from benchmarks.robustness.checker.special import KINKS, SCALINGS, SMALL
from npae.gradcheck import check_gradient, check_layer

PER_CASE = 5  # bugs of one function or layer
OURS = "npae"


def main(arguments=None):
    """Print the table; the exit status says whether what must hold for npae does."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness.checker", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one bug a case, no other checkers")
    parser.add_argument("--speed", action="store_true", help="how long checks take, and nothing else")
    chosen = parser.parse_args(arguments)
    if chosen.speed:
        return speed.main()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # mutants divide by zero
        names = (*functions.CASES, *layers.CASES)
        problems = run(names, 1) if chosen.quick else run(names, PER_CASE, rivals())
    print("\n".join(problems) or "What must hold for npae, holds.")
    return int(bool(problems))


def rivals():
    """name -> checker; where the others take seconds to import, only who asks for them waits."""
    return importlib.import_module("benchmarks.robustness.checker.rivals").CHECKERS


def run(names, per_case, others=types.MappingProxyType({})):
    """Check each case and `per_case` bugs of it at every scaling, print the table; a line for each thing amiss."""
    started, found, problems = time.perf_counter(), collections.Counter(), list[str]()
    cases = [Case(name) for name in names]
    for case in cases:
        _right(case, others, found, problems)
        for bug in itertools.islice(case.bugs(), per_case):
            _bug(bug, others, found, problems)
    _small_ones(others, found, problems)
    _print(cases, others, found, time.perf_counter() - started)
    if found["told"] < 0.95 * found["bugs"]:
        problems.append(f"told why in {found['told']} of {found['bugs']}")
    return problems


class Case:
    """One function or layer, or a mutant of it: as npae checks it, and as the others do, at any scale."""

    def __init__(self, name, thing=None, what=""):
        self.name, self.what = name, what
        self.is_layer = name in layers.CASES
        self.thing, self.x, extra = (layers.CASES if self.is_layer else functions.CASES)[name]
        self.thing = thing or self.thing
        if self.is_layer:
            self.flat, self.theta, self.sizes = mutants.flat_layer(self.thing, self.x, extra)
        else:
            self.f = self.thing().loss if isinstance(self.thing, type) else self.thing
            self.flat, self.theta, self.sizes = mutants.flat_function(self.f, self.x)

    def report(self, factor, constant):
        """npae's report of factor x value + constant."""
        if self.is_layer:
            return check_layer(Scaled(self.thing(), factor, constant), self.x)

        def f(x):
            value, gradient = self.f(x)
            return factor * value + constant, _times(gradient, factor)

        return check_gradient(f, self.x)

    def scaled(self, factor, constant):
        """theta -> (value, gradient) for the others."""

        def flat(theta):
            value, gradient = self.flat(theta)
            return factor * value + constant, factor * gradient

        return flat

    def bugs(self):
        """Mutants whose gradient is wrong by more than 0.1 %, the same ones in the same order every time."""
        for kind, line, thing in mutants.mutants(self.thing):
            try:
                bug = Case(self.name, thing, f"{kind}: {line}")
                error = mutants.error(bug.flat, bug.theta, bug.sizes)
            except (ValueError, TypeError, IndexError, AttributeError, NameError, ArithmeticError):
                continue  # does not run, or returns a gradient of another shape
            if 1e-3 < error < np.inf:
                yield bug


class Scaled:
    """A layer inside a layer, with scaled outputs: anyone's parameters are found there too."""

    def __init__(self, inner, factor, constant):
        self.inner, self.factor, self.constant = inner, factor, constant

    def forward(self, x):
        """factor x the inner output + a constant spread over the outputs."""
        h = self.inner.forward(x)
        return self.factor * h + self.constant / h.size

    def backward(self, dh):
        """What the inner layer returns."""
        return self.inner.backward(self.factor * dh)


def _times(gradient, factor):
    if isinstance(gradient, dict):
        return {key: factor * part for key, part in gradient.items()}
    return [factor * part for part in gradient] if isinstance(gradient, list) else factor * gradient


def _right(case, others, found, problems):
    for scaling, numbers in SCALINGS.items():
        found["right", scaling] += 1
        report = case.report(*numbers)
        verdict = report.verdict
        if len(report.rows) != len(case.sizes):
            problems.append(f"{case.name}, {scaling}: {len(report.rows)} of {len(case.sizes)} arrays are in the report")
        found["false", OURS, scaling] += verdict == "WRONG"
        found["inconclusive", scaling] += verdict == "inconclusive"
        if verdict not in ("ok", "inconclusive"):
            problems.append(f"{case.name}, {scaling}: a right gradient is called {verdict}")
        for name, right in others.items():
            found["false", name, scaling] += not right(case.scaled(*numbers), case.theta.copy())


def _bug(bug, others, found, problems):
    found["bugs"] += 1
    for scaling, numbers in SCALINGS.items():
        report = bug.report(*numbers)
        found["found", OURS, scaling] += report.verdict == "WRONG"
        if report.verdict != "WRONG":
            problems.append(f"{bug.name}, {scaling}, {bug.what}: a bug is called {report.verdict}")
        if scaling == "value":
            pattern = any(row.diagnosis for row in report.rows if row.status == "WRONG")
            pattern = pattern or report.diagnosis.startswith(("only", "the gradient of", "all arrays"))
            found["pattern"] += pattern
            found["told"] += bool(pattern or report.diagnosis)
        for name, right in others.items():
            found["found", name, scaling] += not right(bug.scaled(*numbers), bug.theta.copy())


def _small_ones(others, found, problems):
    for kind, cases in (("kinks", KINKS), ("small", SMALL)):
        for name, (f, x) in cases.items():
            report = check_gradient(f, x)
            told = bool(report.kinks and report.verdict != "WRONG") if kind == "kinks" else report.verdict == "WRONG"
            found[kind, OURS] += told
            if not told:
                problems.append(f"{kind}, {name}: {report.headline}")
            for other, right in others.items():
                flat = mutants.flat_function(f, x)[0]
                found[kind, other] += right(flat, x.copy()) == (kind == "kinks")


def _print(cases, others, found, seconds):
    names = [OURS, *others]
    print(f"{len(cases)} functions and layers, {found['bugs']} planted bugs, {seconds:.0f} s\n")
    print("| | of | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 2) + "|")
    for scaling in SCALINGS:
        cells = [found["found", name, scaling] for name in names]
        print(f"| planted bugs found, {scaling} | {found['bugs']} | " + " | ".join(map(str, cells)) + " |")
    for scaling in SCALINGS:
        cells = [found["false", name, scaling] for name in names]
        print(f"| false alarms, {scaling} | {found['right', scaling]} | " + " | ".join(map(str, cells)) + " |")
    cells = [found["kinks", name] for name in names]
    print(f"| kinks that are no alarm | {len(KINKS)} | " + " | ".join(map(str, cells)) + " |")
    cells = [found["small", name] for name in names]
    print(f"| wrong by 1e-7 to 1e-5, found | {len(SMALL)} | " + " | ".join(map(str, cells)) + " |")
    print(
        f"\nnpae: inconclusive for {sum(found['inconclusive', s] for s in SCALINGS)} right gradients; a pattern is "
        f"named for {found['pattern']} bugs, the place or the kind of mistake for {found['told'] - found['pattern']} "
        "more.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
