"""How far a long run is: tqdm's bar where tqdm is installed and someone looks on, plain lines otherwise."""

import contextlib
import importlib
import sys


def progress_of(label, total, stream=None):
    """A call `(done, text)` that shows progress, with `close()`: a bar of tqdm's, or a ProgressLine.

    On a terminal and in a notebook it is tqdm's, where that can be imported; a file gets about ten plain lines.
    """
    stream = sys.stdout if stream is None else stream
    notebook = _in_notebook()
    if notebook or _on_terminal(stream):
        with contextlib.suppress(ImportError):
            return ProgressBar(label, total, stream, notebook)
    return ProgressLine(label, total, stream)


@contextlib.contextmanager
def shown_progress(label, total, verbose):
    """While this lasts, what `progress_of` gives; None, and nothing is shown, where verbose is false."""
    progress = progress_of(label, total) if verbose else None
    try:
        yield progress
    finally:
        if progress:
            progress.close()


def _on_terminal(stream):
    with contextlib.suppress(
        AttributeError, ValueError
    ):  # nothing at all, anyone's own object, a stream that is closed
        return stream.isatty()
    return False


def _in_notebook():
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return type(shell).__name__ == "ZMQInteractiveShell"


class ProgressLine:
    """One line that rewrites itself on a terminal; plain lines, at most about ten, elsewhere.

    Where nothing can be written any more (the terminal was closed, the disk is full), nothing is shown.
    """

    def __init__(self, label, total, stream=None):
        self.label, self.total = label, total
        self.stream = sys.stdout if stream is None else stream
        self.live = _on_terminal(self.stream)

    def __call__(self, done, text):
        """Show that `done` of the total is reached."""
        line = f"{self.label}  {done:>{len(str(self.total))}}/{self.total}  {text}"
        if self.live:
            self._put(f"\r\x1b[K{line}")
        elif done == self.total or done % max(1, self.total // 10) == 0:
            self._put(line + "\n")

    def close(self, erase=False):
        """End the live line, or take it away."""
        if self.live:
            self._put("\r\x1b[K" if erase else "\n")

    def _put(self, text):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self.stream.write(text)
            self.stream.flush()


class ProgressBar:
    """The same by tqdm; its widget in a notebook that can show one. Raises ImportError without tqdm."""

    def __init__(self, label, total, stream, notebook=False):
        widget = notebook and "ipywidgets" in sys.modules
        tqdm = importlib.import_module("tqdm.notebook" if widget else "tqdm").tqdm
        self.bar = tqdm(total=total, desc=label, file=stream, mininterval=0.1)

    def __call__(self, done, text):
        """Show that `done` of the total is reached."""
        self.bar.set_postfix_str(text, refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self, erase=False):
        """End the bar, or take it away."""
        self.bar.leave = not erase
        self.bar.close()
