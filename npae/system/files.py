"""Files that are either whole or not there, written to what a path stands for."""

import contextlib
import errno
import os
import stat
import zlib


def write_atomically(path, data):
    """Write bytes, or pieces of bytes one after another, to `path`; an interrupted write leaves what was there.

    A regular file is replaced in one step by a temporary file made beside it, on the disk before it takes its place,
    with the mode of the old one (its owner, too, where the system allows it). A link is followed. Into what is no
    regular file, such as a pipe or a device, the bytes are written. Raises OSError, naming the path, where the folder
    does not exist or cannot be written, the file is read-only, or the disk is full.
    """
    path = os.fsdecode(path)
    pieces = [data] if isinstance(data, (bytes, bytearray, memoryview)) else data
    before = _stat(path)
    regular = before is not None and stat.S_ISREG(before.st_mode)
    try:
        if before is not None and not regular:
            with open(path, "wb") as file:
                file.writelines(pieces)
        else:
            _replace(_target(path), pieces, before)
    except OSError as error:
        if error.errno is None:
            raise
        kept = "; the file that was there is unchanged" if regular else ""
        raise OSError(error.errno, f"{os.strerror(error.errno)}: it could not be written{kept}", path) from error


def check_writable(path):
    """Raise OSError, naming the path and what is wrong, where `write_atomically` could not write to it."""
    path = os.fsdecode(path)
    now = _stat(path)
    folder = os.path.dirname(_target(path))
    if now is not None and stat.S_ISDIR(now.st_mode):
        raise OSError(errno.EISDIR, "got a folder, expected the name of a file", path)
    if now is not None and not os.access(path, os.W_OK):
        raise OSError(errno.EACCES, "the file is there and cannot be written", path)
    if now is None or stat.S_ISREG(now.st_mode):
        if not os.path.isdir(folder):
            raise OSError(errno.ENOENT, "there is no such folder, expected a file in a folder that exists", path)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, "its folder cannot be written", path)


def remove_leftovers(path):
    """Remove what killed writes to `path` left beside it; not while another process may be writing to it."""
    folder, prefix = _temporary(_target(os.fsdecode(path)))
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith(prefix) and name.endswith(".part"):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))


def _stat(path):
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _target(path):
    """The place that a path leads to. Raises OSError, naming it, where it is no name of a file, or leads nowhere."""
    if not os.path.basename(path):  # '' would be the folder one is in, 'new/' a file without the slash
        raise OSError(errno.EISDIR, "got a folder, expected the name of a file", path)
    try:
        return os.path.realpath(path)
    except FileNotFoundError as error:
        raise OSError(errno.ENOENT, "the folder that one is in was deleted", path) from error


def _temporary(target):
    """The folder of a file, and what the names of its temporary files begin with: short, however long its own is."""
    folder, name = os.path.split(target)
    return folder, f".{zlib.crc32(os.fsencode(name)):08x}-"


def _replace(target, pieces, before):
    if before is not None and not os.access(target, os.W_OK):
        raise OSError(errno.EACCES, "read-only")
    folder, prefix = _temporary(target)
    temporary = os.path.join(folder, f"{prefix}{os.urandom(8).hex()}.part")
    try:
        with open(temporary, "xb") as file:  # made anew, so that the system applies the umask
            if before is not None:
                _dress(temporary, before)  # before there is anything to be read in it
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _dress(temporary, before):
    """Give a file the owner and the mode of another."""
    made = os.stat(temporary)
    if hasattr(os, "chown") and (made.st_uid, made.st_gid) != (before.st_uid, before.st_gid):
        with contextlib.suppress(PermissionError):
            os.chown(temporary, before.st_uid, before.st_gid)
    os.chmod(temporary, stat.S_IMODE(before.st_mode))


def _sync_folder(folder):
    """Let the new name outlive a loss of power, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
