"""What the subcommands share: kinds of arguments, for argparse."""

import argparse
import os

from npae.system.files import check_writable


def whole_number(low):
    """A function from text to a whole number >= low; argparse says what came instead."""

    def convert(text):
        if not text.isdecimal() or int(text) < low:
            raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number >= {low}")
        return int(text)

    return convert


def sizes(separator):
    """A function from text such as '256,64' or '28x28' to a tuple of whole numbers >= 1."""

    def convert(text):
        parts = text.split(separator)
        if (separator == "x" and len(parts) != 2) or not all(part.isdecimal() and int(part) >= 1 for part in parts):
            raise argparse.ArgumentTypeError(f"got {text!r}, expected whole numbers such as 28{separator}28")
        return tuple(int(part) for part in parts)

    return convert


def part(kinds):
    """A function from text such as 'kl=0.5,0.1' to a part of the package; `kinds` maps names to its classes' names."""

    def convert(text):
        name, _, values = text.partition("=")
        try:
            if name not in kinds:
                raise ValueError(f"got {name!r}, expected one of {', '.join(kinds)}")
            numbers = [float(value) for value in values.split(",")] if values else []
            import npae

            return getattr(npae, kinds[name])(*numbers)
        except (ValueError, TypeError) as error:
            raise argparse.ArgumentTypeError(f"got {text!r}: {error}") from error

    return convert


def add_json(parser):
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def check_out(path, **inputs):
    """Raise ValueError where a result could not be written to `path`, or would replace one of the files that are read.

    inputs: their paths by name, None for none; all this before anything is computed.
    """
    try:
        check_writable(path)
    except OSError as error:
        raise ValueError(f"got --out {os.fsdecode(path)!r}: {error.strerror}") from error
    for name, other in inputs.items():
        if other is not None and _same_file(path, other):
            raise ValueError(f"got the file {path!r} both as {name} and as --out, which would replace it")


def _same_file(path, other):
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other) and os.path.isfile(path)
    return os.path.realpath(path) == os.path.realpath(other)
