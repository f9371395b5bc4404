"""The container of models and checkpoints: an .npz file that `numpy.load` can read, signed with its SHA-256.

The comment at the end of the zip archive holds the SHA-256 of all bytes before it. `unpack` checks this digest before
it parses anything, so it refuses every accidental change. A digest does not stop an attacker, who can compute a new
one: load a stranger's file only for its numbers. It cannot run code, and no array exceeds its bytes in the file.
"""

import hashlib
import io
import math
import os
import zipfile

import numpy as np

MARK = b"npae 2 sha256 "  # begins the comment; 64 hexadecimal digits follow


class ModelFileError(ValueError):
    """The file is not a model, is damaged, or has a newer format."""


def pack(arrays):
    """Return the bytes of an archive of {name: array}; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # dated 1 January 1980
            member.create_system, member.file_size = 0, array.nbytes
            with archive.open(member, "w") as file:
                little_endian = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
                np.lib.format.write_array(file, little_endian, version=(1, 0), allow_pickle=False)
            member.external_attr = 0
        archive.comment = MARK + bytes(64)
    data = buffer.getbuffer()
    data[-64:] = hashlib.sha256(data[:-64]).hexdigest().encode()
    return data


def unpack(path):
    """Return {name: array} from a file that `pack` made.

    Raises ModelFileError, with the path and the reason, for any other file; OSError if the file cannot be opened.
    """
    with open(path, "rb") as file:
        try:
            size = _check_digest(file)
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                if any(member.compress_type for member in members) or sum(m.file_size for m in members) > size:
                    raise ValueError("its arrays are compressed or larger than the file")
                return {member.filename.removesuffix(".npy"): _read(archive, member) for member in members}
        except Exception as error:  # a crafted file with a right digest makes zipfile raise various exceptions
            raise ModelFileError(f"{path}: no npae model, or not whole: {error!s:.500}") from error


def _check_digest(file):
    """Return the size of the file; raise ValueError unless it ends with the digest of the bytes before."""
    if not os.path.isfile(file.name):
        raise ValueError("got a pipe or a device, expected a file")
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - len(MARK) - 64))
    if file.read(len(MARK)) != MARK:
        raise ValueError("it does not end as npae's files do")
    expected, digest = file.read(), hashlib.sha256()
    file.seek(0)
    for start in range(0, size - 64, 2**20):
        digest.update(file.read(min(2**20, size - 64 - start)))
    if digest.hexdigest().encode() != expected:
        raise ValueError("its bytes are not the bytes that were written (SHA-256)")
    return size


def _read(archive, member):
    """Return the array of one member, allocated only after its header matches its size."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=512)
        size = file.tell() + math.prod(shape) * dtype.itemsize
        if version != (1, 0) or dtype.kind not in "biufU" or size != member.file_size:
            raise ValueError(f"its member {member.filename!r:.50} is not a whole array of numbers or text")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
