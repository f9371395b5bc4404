"""Files that are either whole or not there."""

import contextlib
import os


def write_atomically(path, data):
    """Write bytes to `path` by way of a temporary file beside it; an interrupted write leaves what was there.

    Raises OSError where the folder does not exist or cannot be written.
    """
    path = os.path.abspath(os.fspath(path))
    temporary = f"{path}.{os.urandom(8).hex()}.part"
    try:
        with open(temporary, "xb") as file:  # made anew, so that the system applies the umask
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
