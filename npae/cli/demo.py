"""`npae demo`: the whole family on handwritten digits, a table, and the page."""

import contextlib
import os

from npae.cli.arguments import add_json, check_out, whole_number
from npae.cli.streams import output_to_error, show
from npae.system.interrupts import raise_interrupts


def add_command(commands):
    """Add `demo` to the subcommands."""
    demo = commands.add_parser(
        "demo",
        help="train the whole family on handwritten digits and write the report page",
        description="Train PCA, undercomplete, overcomplete, sparse, denoising and contractive autoencoders on bundled "
        "images, print one table, and write one self-contained HTML page that walks through the note. How long it "
        "takes is said before the start.",
    )
    demo.add_argument("--data", choices=("digits", "mnist"), default="digits", help="8x8 digits, or 5,000 MNIST images")
    demo.add_argument("--quick", action="store_true", help="fewer epochs: a look in seconds")
    demo.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="S", help="whole number; the same gives the same numbers"
    )
    demo.add_argument("--out", default="npae-report.html", metavar="FILE", help="the page (default: %(default)s)")
    demo.add_argument(
        "--jobs", type=whole_number(1), metavar="J", help="processes that train and draw (default: 3; quick, 2)"
    )
    add_json(demo)
    demo.set_defaults(run=run)


@raise_interrupts()
def run(args):
    """Train, print the table, write the page."""
    check_out(args.out)
    path = os.path.abspath(args.out)
    from npae.experiments.family import SETTINGS, Run
    from npae.report import section_modules, write_report

    expected, sections = SETTINGS[args.data].seconds[args.quick], len(section_modules())
    with output_to_error() if args.json else contextlib.nullcontext():
        print(f"{args.data}: a family of 7 and {sections} sections; about {expected} s on two idle cores")
        jobs = args.jobs or (2 if args.quick else 3)  # beside another process three get more of two cores than two do
        family = Run(args.data, quick=args.quick, seed=args.seed).train_family(1 if args.quick else jobs)
        print(f"\n{family.table()}\n")
        write_report(family, path, jobs=jobs)
    models = {
        name: {"n_components": each.n_components, "epochs": each.epochs, "seconds": each.seconds, **each.measures}
        for name, each in family.models.items()
    }
    show(args, {"report": path, "models": models}, f"\nreport: {path}")
    return 0
