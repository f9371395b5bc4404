"""`npae demo`: train the whole family on handwritten digits, print a table, write the page."""

import contextlib
import os
import sys

from npae.cli.arguments import check_out
from npae.cli.streams import print_result
from npae.system.interrupts import raise_interrupts


@raise_interrupts()
def run(args):
    """Train, print the table, write the page."""
    check_out(args.out)
    path = os.path.abspath(args.out)
    from npae.experiments.family import SETTINGS, FamilyRun
    from npae.report import section_modules, write_report

    expected, sections = SETTINGS[args.data].seconds[args.quick], len(section_modules())
    with contextlib.redirect_stdout(sys.stderr if args.json else sys.stdout):
        print(f"{args.data}: a family of 7 and {sections} sections; about {expected} s on two idle cores")
        jobs = args.jobs or (2 if args.quick else 3)  # if another process runs, 3 get more of two cores than 2 do
        family = FamilyRun(args.data, quick=args.quick, seed=args.seed).train_family(1 if args.quick else jobs)
        print(f"\n{family.table()}\n")
        write_report(family, path, jobs=jobs)
    models = {
        name: {"n_components": each.n_components, "epochs": each.epochs, "seconds": each.seconds, **each.measures}
        for name, each in family.models.items()
    }
    print_result(args, {"report": path, "models": models}, f"\nreport: {path}")
    return 0
