"""Standard output and error as they may be: closed, full, or of few letters."""

import contextlib
import json
import os
import sys

from npae.system.printing import json_ready


@contextlib.contextmanager
def mended():
    """While this lasts there are both streams, and what one cannot write it writes as its number, such as \\xe9."""
    before = sys.stdout, sys.stderr
    opened = []
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed when Python started
            opened.append(open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
            setattr(sys, name, opened[-1])
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        if opened:
            sys.stdout, sys.stderr = before
        for stream in opened:
            stream.close()


def silence_output():
    """Let what is left in the buffer of standard output go nowhere, so that the end of Python says nothing of it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def say_error(command, error, as_json=False):
    """One line on standard error, or with --json one object on standard output."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        text = f"{os.fsdecode(error.filename)}: {error.strerror}"
    elif isinstance(error, MemoryError):
        text = f"not enough memory ({text})"
    try:
        if as_json:
            print(json.dumps({"ok": False, "error": text}))
        sys.stdout.flush()
    except (OSError, ValueError):  # the error is perhaps just that; or the user's code has closed the stream
        silence_output()
    if not as_json:
        with contextlib.suppress(OSError, ValueError):  # the status says it, too
            print(f"{command}: {text}", file=sys.stderr)


def show(args, values, text):
    """A command's result: with --json the dict `values` with "ok": true as one object, otherwise the text."""
    print(json.dumps(json_ready({"ok": True, **values}), allow_nan=False) if args.json else text)


@contextlib.contextmanager
def output_to_error():
    """While this lasts what is printed goes to standard error, so that standard output has the result alone."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
