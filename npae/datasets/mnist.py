"""The full MNIST: the IDX format, and a careful download of its four files."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from npae.datasets.dataset import Dataset, image_dataset
from npae.files import write_atomically

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MNIST_SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
MNIST_DESCRIPTION = (
    "MNIST handwritten digits, 28 x 28 grey levels, divided by 255. "
    "Y. LeCun, C. Cortes and C. J. C. Burges; CC BY-SA 3.0."
)
_IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class FetchError(OSError):
    """A file could be had from no mirror; the message says what to do instead."""


class TrainTest(NamedTuple):
    """`train, test = fetch_mnist()`, or `fetch_mnist().train`."""

    train: Dataset
    test: Dataset


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read one IDX file, plain or gzip (told apart by content), into an array of its own shape and type.

    File: bytes 0, 0, type, rank; rank big-endian 32-bit sizes; the values in C order, big-endian.
    Returns a fresh, writable array in native byte order.
    Raises ValueError for damaged gzip, a bad magic number, a truncated file, trailing bytes; OSError as `open`.
    Source: the format section of the MNIST page, Y. LeCun, C. Cortes, C. J. C. Burges.
    """
    import gzip
    import zlib

    raw = Path(path).read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: damaged gzip ({error}), expected a complete gzip file") from error
    if len(raw) < 4:
        raise ValueError(f"{path}: truncated, got {len(raw)} bytes, expected at least the 4 of an IDX magic number")
    zeros, code, rank = raw[:2], raw[2], raw[3]
    if zeros != b"\0\0" or code not in _IDX_DTYPES or rank == 0:
        raise ValueError(
            f"{path}: bad magic number, got 0x{raw[:4].hex()}, expected 0x0000TTRR, "
            f"TT one of {', '.join(f'{c:02x}' for c in _IDX_DTYPES)}, RR at least 01"
        )
    start = 4 + 4 * rank
    if len(raw) < start:
        raise ValueError(f"{path}: truncated, got {len(raw)} bytes, expected a header of {start}")
    shape = tuple(int.from_bytes(raw[i : i + 4], "big") for i in range(4, start, 4))
    dtype = np.dtype(_IDX_DTYPES[code])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(raw) != expected:
        fault = "truncated" if len(raw) < expected else "trailing bytes"
        raise ValueError(f"{path}: {fault}, got {len(raw)} bytes, expected {expected} for shape {shape}")
    return np.frombuffer(raw, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def fetch_mnist(
    cache_dir: str | os.PathLike[str] | None = None, *, mirrors: Sequence[str] = MNIST_MIRRORS, timeout: float = 30.0,
    _sha256: Mapping[str, str] = MNIST_SHA256,
) -> TrainTest:  # fmt: skip
    """MNIST as `(train, test)`: 60,000 and 10,000 images, `data` (N, 784) in [0, 1], `target` (N,).

    Each file is taken from the cache folder if its SHA-256 is right there, else from the first mirror that
    delivers it whole, and is then put into the folder in one step (a reader sees no file or all of it).
    The folder is `cache_dir`, else the environment variable NPAE_DATA, else `npae` in the user's cache.
    `timeout` is in seconds, for each wait on the network.  After the first call no network is needed.
    Raises FetchError (an OSError) if no mirror delivers, saying where to put the files by hand.
    """
    folder = _cache_folder(cache_dir)
    paths = [_fetch(folder, name, digest, mirrors, timeout) for name, digest in _sha256.items()]
    pairs = ((read_idx(images), read_idx(labels)) for images, labels in (paths[:2], paths[2:]))
    return TrainTest(*(image_dataset(images, labels, 255.0, MNIST_DESCRIPTION) for images, labels in pairs))


def _cache_folder(cache_dir: str | os.PathLike[str] | None) -> Path:
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    if os.environ.get("NPAE_DATA"):
        return Path(os.environ["NPAE_DATA"]).expanduser()
    base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "npae"


def _fetch(folder: Path, name: str, digest: str, mirrors: Sequence[str], timeout: float) -> Path:
    """The path of a file whose SHA-256 is `digest`: the cached one, or a fresh copy from the first good mirror."""
    from hashlib import sha256

    path = folder / name
    failures = []
    if path.is_file():
        if sha256(path.read_bytes()).hexdigest() == digest:
            return path
        failures.append(f"{path}: is there, but damaged (wrong SHA-256)")
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{name}"
        try:
            payload = _download(url, timeout)
        except OSError as error:
            failures.append(f"{url}: {error}")
            continue
        got = sha256(payload).hexdigest()
        if got == digest:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, payload)
            return path
        failures.append(f"{url}: {len(payload)} bytes with SHA-256 {got}, expected {digest}")
    tried = "\n  ".join(failures) or "(no mirror given)"
    raise FetchError(
        f"could not get {name}:\n  {tried}\n"
        f"Put the files {', '.join(MNIST_SHA256)} by hand into {folder} (or name their folder by the environment "
        "variable NPAE_DATA), or use load_mnist_5k(), 5,000 images that need no network."
    )


def _download(url: str, timeout: float) -> bytes:
    """The whole body of an answer; every way to fail is an OSError."""
    from http.client import HTTPException, IncompleteRead
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=timeout) as response:
            return response.read()
    except HTTPError as error:
        error.close()  # it holds the connection
        raise
    except IncompleteRead as error:
        got = len(error.partial)
        raise OSError(f"truncated, got {got} bytes, expected {got + (error.expected or 0)}") from error
    except HTTPException as error:
        raise OSError(f"not an HTTP answer ({error!r})") from error
