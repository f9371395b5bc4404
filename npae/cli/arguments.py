"""What the subcommands share: kinds of arguments, for argparse."""

import argparse


def whole_number(low):
    """A function from text to a whole number >= low; argparse says what came instead."""

    def convert(text):
        if not text.isdecimal() or int(text) < low:
            raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number >= {low}")
        return int(text)

    return convert
