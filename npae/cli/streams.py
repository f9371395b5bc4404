"""Results and errors on standard output and standard error, which may be closed, full, or of few letters."""

import contextlib
import json
import os
import sys

from npae.system.printing import json_ready


@contextlib.contextmanager
def safe_stdio():
    """Reopen closed streams and escape characters that a stream cannot encode, such as \\xe9."""
    with contextlib.ExitStack() as stack:
        for name, redirect in (("stdout", contextlib.redirect_stdout), ("stderr", contextlib.redirect_stderr)):
            stream = getattr(sys, name)
            if stream is None:  # closed when Python started
                stack.enter_context(redirect(stack.enter_context(open(os.devnull, "w", encoding="utf-8"))))
            elif hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            yield
        finally:
            try:
                sys.stderr.flush()
            except (OSError, ValueError, AttributeError):  # the exit status would become 120
                silence(sys.stderr)


def silence(stream):
    """Discard the buffer of a standard stream that cannot be written, so that Python does not fail on it at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError), open(os.devnull, "wb") as null:
        os.dup2(null.fileno(), stream.fileno())


def one_line(error):
    """Return an error's message on one line, or its class if it has no message or cannot be printed."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    try:
        return " ".join(str(error).split()) or type(error).__name__
    except Exception:  # a user-defined __str__ may raise anything
        return type(error).__name__


def print_error(command, error, as_json=False):
    """Print one line on standard error, or with --json one object on standard output."""
    text = f"not enough memory ({one_line(error)})" if isinstance(error, MemoryError) else one_line(error)
    try:
        if as_json:
            print(json.dumps({"ok": False, "error": text}))
        sys.stdout.flush()
    except (OSError, ValueError):  # perhaps the error that is reported here; or the user's code has closed the stream
        silence(sys.stdout)
    if not as_json:
        with contextlib.suppress(OSError, ValueError):  # the exit status reports it, too
            print(f"{command}: {text}", file=sys.stderr)


def print_result(args, values, text):
    """Print a command's result: with --json the dict `values` with "ok": true as one object, otherwise the text."""
    print(json.dumps(json_ready({"ok": True, **values}), allow_nan=False) if args.json else text)
