"""The command line: `npae demo | gradcheck | info`, also as `python -m npae`."""

import argparse
import os
import sys

import npae
from npae.cli import gradcheck
from npae.cli.arguments import whole_number
from npae.interrupts import raise_interrupts
from npae.threads import limit_threads, threads


def main(argv=None):
    """Run one subcommand; returns the exit status."""
    limit_threads()  # before anything imports NumPy
    parser = argparse.ArgumentParser(
        prog="npae",
        description="Autoencoders in plain NumPy: train the family, check gradients.",
        epilog="Matrix products use one thread, which is about as fast for networks of this size and many times faster "
        "where another process is busy. Set OPENBLAS_NUM_THREADS (or OMP_, MKL_NUM_THREADS) for another number.",
    )
    parser.add_argument("--version", action="version", version=f"npae {npae.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands)
    gradcheck.add_command(commands)
    _add_info(commands)
    args = parser.parse_args(argv)
    try:
        return args.run(args)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _add_demo(commands):
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
    demo.set_defaults(run=_demo)


@raise_interrupts()
def _demo(args):
    folder = os.path.dirname(os.path.abspath(args.out))
    if not os.path.isdir(folder) or os.path.isdir(os.path.abspath(args.out)):
        print(f"npae demo: got --out {args.out!r}, expected a file in a folder that exists", file=sys.stderr)
        return 2
    from npae.experiments.family import SETTINGS, Run
    from npae.report import section_modules, write_report

    expected = SETTINGS[args.data].seconds[args.quick]
    print(f"{args.data}: a family of 7 and {len(section_modules())} sections; about {expected} s on an idle core")
    run = Run(args.data, quick=args.quick, seed=args.seed).train_family()
    print(f"\n{run.table()}\n")
    path = write_report(run, args.out)
    print(f"\nreport: {os.path.abspath(path)}")
    return 0


def _add_info(commands):
    info = commands.add_parser("info", help="versions, BLAS, extras: what a bug report should contain")
    info.set_defaults(run=_info)


def _info(args):
    import importlib.metadata
    import platform

    import numpy as np

    print(f"npae {npae.__version__}\nPython {platform.python_version()} on {platform.system()} {platform.machine()}")
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    print(f"NumPy {np.__version__} with BLAS {blas.get('name', '?')} {blas.get('version', '')}, {os.cpu_count()} cores")
    print(f"threads of BLAS: {threads()}")
    for package in ("matplotlib", "scipy", "scikit-learn", "autograd", "torch"):
        try:
            print(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            print(f"{package}: not installed")
    return 0
