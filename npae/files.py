"""Files that are either whole or not there."""

import contextlib
import os
import tempfile


def write_atomically(path, data):
    """Write bytes to `path` by way of a temporary file beside it; an interrupted write leaves what was there.

    Raises OSError where the folder does not exist or cannot be written.
    """
    path = os.path.abspath(os.fspath(path))
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=os.path.basename(path) + ".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
