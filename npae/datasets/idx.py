"""The IDX format of MNIST and similar data sets: plain or compressed files, read without trust in their header."""

import math
import os

import numpy as np

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_DEFLATE = 1040  # bytes that one byte of gzip can hold, at most


def read_idx(path: str | os.PathLike[str], *, max_bytes: int = 2**31) -> np.ndarray:
    """Read one IDX file, plain or gzip (its first bytes tell), into an array of its own shape and type.

    File: bytes 0, 0, type, rank; rank big-endian 32-bit sizes; the values in C order, big-endian.
    Returns a new, writable array in native byte order.
    The header is read first; no more is unpacked than it announces, and at most `max_bytes` of values.
    Raises ValueError for damaged gzip, a bad magic number, a truncated file, trailing bytes, more than max_bytes;
    OSError as `open`.
    Source: the format section of the MNIST page, Y. LeCun, C. Cortes, C. J. C. Burges.
    """
    import gzip
    import zlib

    with open(path, "rb") as raw:
        size = os.fstat(raw.fileno()).st_size
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not packed:
            return _read(path, raw, size, size, max_bytes)
        try:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _read(path, unpacked, size, _DEFLATE * size, max_bytes)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: damaged gzip ({error}), expected a complete gzip file") from error


def _read(path, file, size, most, max_bytes):
    """Return the array in an open file of `size` bytes that unpacks to at most `most` bytes."""
    magic = file.read(4)
    if len(magic) < 4:
        raise ValueError(f"{path}: truncated, got {len(magic)} bytes, expected at least the 4 of an IDX magic number")
    zeros, code, rank = magic[:2], magic[2], magic[3]
    if zeros != b"\0\0" or code not in _DTYPES or rank == 0:
        raise ValueError(
            f"{path}: bad magic number, got 0x{magic.hex()}, expected 0x0000TTRR, "
            f"TT one of {', '.join(f'{c:02x}' for c in _DTYPES)}, RR at least 01"
        )
    start = 4 + 4 * rank
    sizes = file.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise ValueError(f"{path}: truncated, got {4 + len(sizes)} bytes, expected a header of {start}")
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, 4 * rank, 4))
    dtype = np.dtype(_DTYPES[code])
    length = math.prod(shape) * dtype.itemsize
    if start + length > most:
        got = f"{most} bytes{'' if most == size else ' at most'}"
        raise ValueError(f"{path}: truncated, got {got}, expected {start + length} for shape {shape}")
    if length > max_bytes:
        raise ValueError(f"{path}: got {length:,} bytes for shape {shape}, expected at most max_bytes={max_bytes:,}")
    array = np.empty(shape, dtype)
    got = start + (file.readinto(array.data.cast("B")) if length else 0)
    if got < start + length:
        raise ValueError(f"{path}: truncated, got {got} bytes, expected {start + length} for shape {shape}")
    if file.read(1):
        raise ValueError(f"{path}: trailing bytes, got more than the {got} that were expected for shape {shape}")
    return array.astype(dtype.newbyteorder("="), copy=False)
