"""The progress of a long run: tqdm's bar on a terminal or in a notebook if tqdm is installed, plain lines otherwise."""

import contextlib
import importlib
import sys


def progress_of(label, total, stream=None):
    """Return a ProgressBar, or a ProgressLine if `stream` (standard output) is a file or tqdm is not installed."""
    stream = sys.stdout if stream is None else stream
    ipython = sys.modules.get("IPython")
    in_notebook = ipython is not None and type(ipython.get_ipython()).__name__ == "ZMQInteractiveShell"
    if in_notebook or _is_terminal(stream):
        with contextlib.suppress(ImportError):
            return ProgressBar(label, total, stream, widget=in_notebook and "ipywidgets" in sys.modules)
    return ProgressLine(label, total, stream)


@contextlib.contextmanager
def shown_progress(label, total, verbose):
    """Give the block a progress as `progress_of` and close it after the block; give None if verbose is false."""
    progress = progress_of(label, total) if verbose else None
    try:
        yield progress
    finally:
        if progress:
            progress.close()


def _is_terminal(stream):
    with contextlib.suppress(AttributeError, ValueError):  # None, a user-defined stream, a closed stream
        return stream.isatty()
    return False


class ProgressLine:
    """One line that rewrites itself on a terminal; about ten plain lines elsewhere; nothing if writing fails."""

    def __init__(self, label, total, stream=None):
        self.label, self.total = label, total
        self.stream = sys.stdout if stream is None else stream
        self.live = _is_terminal(self.stream)

    def __call__(self, done, text):
        """Show that `done` of the total is reached."""
        line = f"{self.label}  {done:>{len(str(self.total))}}/{self.total}  {text}"
        if self.live:
            self._write(f"\r\x1b[K{line}")
        elif done == self.total or done % max(1, self.total // 10) == 0:
            self._write(line + "\n")

    def close(self, erase=False):
        """End the live line, or erase it."""
        if self.live:
            self._write("\r\x1b[K" if erase else "\n")

    def _write(self, text):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self.stream.write(text)
            self.stream.flush()


class ProgressBar:
    """A bar of tqdm, with the same methods. Raises ImportError if tqdm is not installed."""

    def __init__(self, label, total, stream, widget=False):
        tqdm = importlib.import_module("tqdm.notebook" if widget else "tqdm").tqdm
        self.bar = tqdm(total=total, desc=label, file=stream, mininterval=0.1)

    def __call__(self, done, text):
        """Show that `done` of the total is reached."""
        self.bar.set_postfix_str(text, refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self, erase=False):
        """End the bar, or erase it."""
        self.bar.leave = not erase
        self.bar.close()
