"""The container of models and checkpoints: an .npz of plain arrays, exactly as it was written or refused.

It is a zip archive without compression that `numpy.load` reads. Its comment, the last bytes of the file, is the SHA-256
of all bytes before it. `unpack` compares that first, so that damage of any kind is found before anything is made of
the file; then it holds every header against the one that `pack` would have written, so that no other thing is read and
no array is larger than its bytes in the file. A digest finds accidents. Whoever means harm can write a new one over
numbers of their own choice: a stranger's file is a stranger's model, though it cannot run anything.
"""

import hashlib
import math
import os
import re
import stat
import struct
import zlib

import numpy as np

MARK = b"npae 2 sha256 "  # begins the comment; 64 hexadecimal digits follow
LARGEST = 2**32 - 2**20  # bytes of a file: what a zip archive can be without extensions
MEMBERS = 4096
NAME = re.compile(r"[a-z0-9_]{1,40}\.npy")
HEADER = re.compile(rb"\{'descr': '(<f4|<f8|<i8|\|u1|\|b1|<U[1-9]\d{0,5})', 'fortran_order': False, 'shape': "
                    rb"(\(\)|\(\d{1,12},\)|\(\d{1,12}(?:, \d{1,12})+\)), \} *\n")  # fmt: skip
LOCAL, CENTRAL, END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
DATE = 0x21  # 1 January 1980: the same arrays give the same bytes


class ModelFileError(ValueError):
    """A file is no model, or not whole, or from a newer format."""


def pack(arrays):
    """The bytes of an archive of arrays by name, piece by piece; ValueError where they are more than 4 GB."""
    plain = {f"{name}.npy": _plain(array) for name, array in arrays.items()}
    size = sum(len(_npy(array.dtype, array.shape)) + array.nbytes for array in plain.values())
    if size > LARGEST or len(plain) > MEMBERS:
        raise ValueError(f"save: got {len(plain)} arrays of {size:,} bytes, expected at most {MEMBERS} of {LARGEST:,}")
    digest, entries, offset = hashlib.sha256(), [], 0

    def piece(data):
        digest.update(data)
        return data

    for name, array in plain.items():
        head, data = _npy(array.dtype, array.shape), array.reshape(-1).view(np.uint8).data
        entry = name.encode(), zlib.crc32(data, zlib.crc32(head)), len(head) + len(data), offset
        entries.append(entry)
        offset += LOCAL.size + len(entry[0]) + entry[2]
        yield piece(_local(*entry))
        yield piece(head)
        yield piece(data)
    yield piece(_directory(entries, offset))
    yield digest.hexdigest().encode()


def unpack(path):
    """name -> array of a file that `pack` wrote.

    Raises ModelFileError, naming the file and what is wrong with it; OSError where it cannot be read.
    """
    with open(path, "rb") as file:
        try:
            return _unpack(file)
        except (_UnfitError, MemoryError) as error:
            raise ModelFileError(f"{path}: no npae model, or not whole: {error}") from error


class _UnfitError(Exception):
    """What is wrong with a file."""


def _unpack(file):
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise _UnfitError("got a pipe or a device, expected a file")
    size, end_size = status.st_size, END.size + len(MARK) + 64
    if not end_size < size <= LARGEST + 2**20:
        raise _UnfitError(f"got {size:,} bytes, expected {end_size} to {LARGEST + 2**20:,}")
    end = _read(file, size - end_size, end_size)
    if end[END.size : -64] != MARK:
        raise _UnfitError("it does not end as npae's files do")
    _, _, _, n, _, directory_size, offset, _ = END.unpack_from(end)
    if n > MEMBERS or directory_size > n * (CENTRAL.size + 44) or offset + directory_size + end_size != size:
        raise _UnfitError("its directory is not where it should be")
    if _digest(file, size - 64) != end[-64:]:
        raise _UnfitError("its bytes are not those that were written (SHA-256)")
    entries = _entries(_read(file, offset, directory_size), n)
    if _directory(entries, offset) != _read(file, offset, directory_size + end_size)[:-64]:
        raise _UnfitError("its directory is not as npae writes it")
    arrays, at = {}, 0
    for entry in entries:
        name, _, length, start = entry
        head = LOCAL.size + len(name)
        if (
            start != at
            or _read(file, at, head) != _local(*entry)
            or not NAME.fullmatch(name.decode("ascii", "replace"))
        ):
            raise _UnfitError(f"its member {name!r} is not as npae writes it")
        at += head + length
        if at > offset or name.decode()[:-4] in arrays:
            raise _UnfitError(f"its member {name!r} overlaps another")
        arrays[name.decode()[:-4]] = _array(file, entry, start + head)
    if at != offset:
        raise _UnfitError("it has bytes that belong to no member")
    return arrays


def _read(file, start, length):
    file.seek(start)
    data = file.read(length)
    if len(data) != length:
        raise _UnfitError(f"it ends at byte {start + len(data):,}, expected {length} bytes from {start:,}")
    return data


def _digest(file, length):
    digest, left = hashlib.sha256(), length
    file.seek(0)
    while left:
        data = file.read(min(left, 2**20))
        if not data:
            raise _UnfitError("it became shorter while it was read")
        digest.update(data)
        left -= len(data)
    return digest.hexdigest().encode()


def _entries(directory, n):
    entries, at = [], 0
    for _ in range(n):
        if at + CENTRAL.size > len(directory):
            raise _UnfitError("its directory is too short")
        fields = CENTRAL.unpack_from(directory, at)
        at += CENTRAL.size + fields[10]
        entries.append((directory[at - fields[10] : at], fields[7], fields[9], fields[16]))
    return entries


def _array(file, entry, start):
    """The array of one member, made when its header is known to fit its bytes."""
    name, checksum, length, _ = entry
    known = HEADER.match(_read(file, start, min(length, 512)), 10)
    if not known:
        raise _UnfitError(f"its member {name!r} is no array of numbers")
    dtype = np.dtype(known[1].decode())
    shape = tuple(int(n) for n in re.findall(rb"\d+", known[2]))
    head = _npy(dtype, shape)
    if head != _read(file, start, len(head)) or len(head) + math.prod(shape) * dtype.itemsize != length:
        raise _UnfitError(f"its member {name!r} has another size than its header says")
    array = np.empty(shape, dtype)
    data = array.reshape(-1).view(np.uint8).data
    if file.readinto(data) != len(data) or zlib.crc32(data, zlib.crc32(head)) != checksum:
        raise _UnfitError(f"its member {name!r} is not what its checksum says")
    return array


def _plain(array):
    array = np.asarray(array, order="C")
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _npy(dtype, shape):
    """NumPy's own header, format 1.0, padded to a multiple of 64 bytes."""
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {tuple(shape)}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def _local(name, checksum, size, offset):
    return LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, DATE, checksum, size, size, len(name), 0) + name


def _directory(entries, offset):
    """The central directory and the end of the archive, up to the digest."""
    records = [
        CENTRAL.pack(b"PK\1\2", 20, 20, 0, 0, 0, DATE, checksum, size, size, len(name), 0, 0, 0, 0, 0, start) + name
        for name, checksum, size, start in entries
    ]
    directory, n = b"".join(records), len(entries)
    return directory + END.pack(b"PK\5\6", 0, 0, n, n, len(directory), offset, len(MARK) + 64) + MARK
