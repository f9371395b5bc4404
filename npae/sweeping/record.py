"""The file of a sweep: a line of JSON about the sweep, then a line for each task that is done.

A line is written in one piece and is on the disk before the next task begins, so that a run which is killed leaves all
that was done; what it left of a last line is cut off when the file is opened again.
"""

import errno
import json
import os

from npae.system.files import check_writable, write_atomically

FORMAT = 1


class Record:
    """The results in a file, new or of a run that was ended before; `done` maps a task's key to its line (a dict)."""

    def __init__(self, path):
        """Read what is there. Raises ValueError for what is no file of results, and for a damaged line."""
        self.path = os.fspath(path)
        check_writable(self.path)
        if os.path.exists(self.path) and not os.path.isfile(self.path):
            raise ValueError(f"sweep: got path={self.path!r}, which is a pipe or a device; expected a file")
        self.about, self.done = None, {}
        text = self._read()
        whole = text[: text.rfind(b"\n") + 1]
        if whole:
            self.about, *lines = [self._parsed(i, line) for i, line in enumerate(whole.splitlines(), start=1)]
            self.done = {line["task"]: line for line in lines}
        if whole != text:
            write_atomically(self.path, whole)

    @property
    def seed(self):
        """[entropy, spawn_key] of the sweep in the file; None where there is none yet."""
        return self.about and self.about.get("seed")

    def begin(self, about):
        """Say in a new file what sweep it is; ValueError, naming what differs, where the file is of another."""
        about = json.loads(json.dumps({"npae sweep": FORMAT, **about}))
        if self.about is None:
            write_atomically(self.path, _line(about))
            self.about = about
        names = sorted({*self.about, *about} - {"versions"})
        differ = [name for name in names if self.about.get(name) != about.get(name)]
        if differ:
            raise ValueError(
                f"sweep: got path={self.path!r} with the results of another sweep (the {', '.join(differ)} "
                f"{'differs' if len(differ) == 1 else 'differ'}), expected those of this one, or a new name"
            )

    def add(self, line):
        """Write the line of a task; a disk that is full leaves the file as it was. Raises OSError, naming the path."""
        data = _line(line)
        with open(self.path, "ab", buffering=0) as file:
            before = file.tell()
            try:
                written = file.write(data)
                if written != len(data):
                    raise OSError(
                        errno.ENOSPC, "the disk is full: a result could not be written; those before it are", self.path
                    )
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(before)
                raise
        self.done[line["task"]] = line

    def _read(self):
        try:
            with open(self.path, "rb") as file:
                text = file.read()
        except FileNotFoundError:
            return b""
        if text and not text.startswith(b'{"npae sweep"'):
            raise ValueError(f"sweep: got path={self.path!r}, which is no file of results; expected one, or a new name")
        return text

    def _parsed(self, number, line):
        try:
            found = json.loads(line)
            if not isinstance(found, dict) or (number > 1 and not {"task", "score", "error"} <= set(found)):
                raise ValueError("not the line of a task")
        except ValueError as error:
            raise ValueError(f"sweep: got {self.path!r} with a damaged line {number} ({error})") from error
        return found


def _line(values):
    return json.dumps(values, allow_nan=False).encode() + b"\n"
