"""The results file: a JSON line about the sweep, then a line per task, appended and flushed before the next task."""

import errno
import json
import os

from npae.storage.signature import fingerprint
from npae.system.files import check_writable, write_atomically


class Record:
    """The results in a file, new or from an earlier run; `done` maps a task's key to its line, `seed` is the sweep's.

    Raises ValueError if the file is not a results file or has a damaged line; an incomplete last line is cut off.
    """

    def __init__(self, path):
        self.path = os.fspath(path)
        check_writable(self.path)
        if os.path.exists(self.path) and not os.path.isfile(self.path):
            raise ValueError(f"sweep: got path={self.path!r}, which is a pipe or a device; expected a file")
        text = b""
        if os.path.exists(self.path):
            with open(self.path, "rb") as file:
                text = file.read()
        if text and not text.startswith(b'{"npae sweep"'):
            raise ValueError(f"sweep: got path={self.path!r}, which is not a results file; expected one, or a new name")
        whole = text[: text.rfind(b"\n") + 1]
        lines = [self._parse(i, line) for i, line in enumerate(whole.splitlines(), start=1)]
        self.about, self.done = lines[0] if lines else None, {line["task"]: line for line in lines[1:]}
        self.seed = self.about and self.about.get("seed")
        if whole != text:
            write_atomically(self.path, whole)

    def _parse(self, number, line):
        try:
            found = json.loads(line)
            if not isinstance(found, dict) or (number > 1 and not {"task", "score", "error"} <= set(found)):
                raise ValueError("not the line of a task")
        except ValueError as error:
            raise ValueError(f"sweep: got {self.path!r} with a damaged line {number} ({error})") from error
        return found

    def begin(self, about):
        """Write the line about the sweep into a new file; ValueError if an old file is of another sweep."""
        about = json.loads(json.dumps({"npae sweep": 1, **about}))
        if self.about is None:
            write_atomically(self.path, _line(about))
            self.about = about
        names = sorted({*self.about, *about} - {"versions"})
        differ = ", ".join(name for name in names if self.about.get(name) != about.get(name))
        if differ:
            raise ValueError(
                f"sweep: got path={self.path!r} with the results of another sweep (different: {differ}), expected the "
                "file of this sweep, or a new name"
            )

    def add(self, task, outcome):
        """Append the line of a task; if that fails, as on a full disk, the file stays as it was. Raises OSError."""
        params = {name: fingerprint(value) for name, value in task.params.items()}
        line = {"task": task.key, "params": params, "fold": task.fold, "seed": task.seed, **vars(outcome)}
        data = _line(line | {"seconds": round(outcome.seconds, 3)})
        with open(self.path, "ab", buffering=0) as file:
            before = file.tell()
            try:
                if file.write(data) != len(data):
                    raise OSError(errno.ENOSPC, "the disk is full: a result could not be written", self.path)
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(before)
                raise


def _line(values):
    return json.dumps(values, allow_nan=False).encode() + b"\n"
