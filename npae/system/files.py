"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import stat
import zlib


def write_atomically(path, data):
    """Write bytes to `path`; an interrupted write leaves the old file.

    A temporary file beside the target, with the mode of the old file (and its owner, if possible), takes its place in
    one step. A link is followed; a pipe or device is written to. Raises OSError as `check_writable` or on a full disk.
    """
    path = os.fsdecode(path)
    check_writable(path)
    target = os.path.realpath(path)
    before = os.stat(target) if os.path.exists(target) else None
    if before and not stat.S_ISREG(before.st_mode):
        with open(path, "wb") as file:
            file.write(data)
        return
    temporary = f"{_prefix(target)}{os.urandom(8).hex()}.part"
    try:
        with open(temporary, "xb") as file:  # a new file, so that the system applies the umask
            if before:
                with contextlib.suppress(PermissionError, AttributeError):  # Windows has no owners
                    os.chown(temporary, before.st_uid, before.st_gid)
                os.chmod(temporary, stat.S_IMODE(before.st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if not isinstance(error, OSError) or error.errno is None:
            raise
        unchanged = "; the file that was there is unchanged" if before else ""
        raise OSError(error.errno, f"{os.strerror(error.errno)}: it could not be written{unchanged}", path) from error


def check_writable(path):
    """Raise OSError, with the path and the reason, if `write_atomically` cannot write to it."""
    path = os.fsdecode(path)
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path) or not os.path.basename(path):
        raise OSError(errno.EISDIR, "got a folder, expected the name of a file", path)
    if not os.path.isdir(folder):
        raise OSError(errno.ENOENT, "there is no such folder, expected a file in a folder that exists", path)
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise OSError(errno.EACCES, "the file is there and cannot be written", path)
    if (os.path.isfile(path) or not os.path.exists(path)) and not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, "its folder cannot be written", path)


def remove_leftovers(path):
    """Remove the temporary files of killed writes to `path`; call it only if no other process writes there."""
    folder, prefix = os.path.split(_prefix(os.path.realpath(os.fsdecode(path))))
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith(prefix) and name.endswith(".part"):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))


def _prefix(target):
    """Return the beginning of the paths of a file's temporary files, short even if the name is long."""
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{zlib.crc32(os.fsencode(name)):08x}-")
