"""The full MNIST: its four files, downloaded once and checked by their SHA-256."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from npae.datasets.dataset import Dataset, image_dataset
from npae.datasets.idx import read_idx
from npae.system.files import write_atomically

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
MNIST_SIZES = {
    "train-images-idx3-ubyte.gz": 9_912_422, "train-labels-idx1-ubyte.gz": 28_881,
    "t10k-images-idx3-ubyte.gz": 1_648_877, "t10k-labels-idx1-ubyte.gz": 4_542,
}  # fmt: skip
MNIST_DESCRIPTION = (
    "MNIST handwritten digits, 28 x 28 grey levels, divided by 255. "
    "Y. LeCun, C. Cortes and C. J. C. Burges; CC BY-SA 3.0."
)


SLOWEST = 4096  # bytes per second, on average after the first `timeout` seconds


class FetchError(OSError):
    """No mirror delivered a file; the message says what to do instead."""


class TrainTest(NamedTuple):
    """`train, test = fetch_mnist()`, or `fetch_mnist().train`."""

    train: Dataset
    test: Dataset


def fetch_mnist(
    cache_dir: str | os.PathLike[str] | None = None, *, mirrors: Sequence[str] = MNIST_MIRRORS, timeout: float = 30.0,
    _sha256: Mapping[str, str] = MNIST_SHA256,
) -> TrainTest:  # fmt: skip
    """Return MNIST as `(train, test)`: 60,000 and 10,000 images, `data` (N, 784) in [0, 1], `target` (N,).

    Each file comes from the cache folder if its SHA-256 is right there, else from the first mirror that delivers it
    whole; the download is written to the folder atomically. The folder is `cache_dir`, else the environment variable
    NPAE_DATA, else `npae` in the user's cache. After the first call no network is needed.
    `timeout`, in seconds, limits each wait on the network. If a mirror sends more bytes than the file has, or fewer
    than 4 kB per second after that time, the next mirror is tried.
    Raises FetchError (an OSError) if the folder cannot be written, or if no mirror delivers; the message says where to
    put the files by hand.
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
    """Return the path of a file whose SHA-256 is `digest`: the cached one, or a download from the first good mirror."""
    from hashlib import sha256
    from http.client import HTTPException
    from urllib.error import HTTPError

    path, failures = folder / name, []
    if path.is_file():
        if path.stat().st_size <= MNIST_SIZES[name] and sha256(path.read_bytes()).hexdigest() == digest:
            return path
        failures.append(f"{path}: is there, but damaged (wrong SHA-256)")
    if mirrors:
        _check_folder(folder)
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{name}"
        try:
            payload = _download(url, timeout, MNIST_SIZES[name])
        except (OSError, HTTPException, ValueError) as error:  # ValueError: the mirror redirects to no address
            failures.append(f"{url}: {error!r}")
            if isinstance(error, HTTPError):
                error.close()  # it holds the connection
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


def _download(url: str, timeout: float, max_bytes: int) -> bytes:
    """Return the body at an address; raise OSError, HTTPException or ValueError if it fails, drips or is too long."""
    from urllib.request import urlopen

    body, started = bytearray(), time.monotonic()
    with urlopen(url, timeout=timeout) as response:
        while piece := response.read1(2**16):
            body += piece
            seconds = time.monotonic() - started
            if len(body) > max_bytes:
                raise OSError(f"too long, got more than the {max_bytes:,} bytes that were expected")
            if len(body) < SLOWEST * (seconds - timeout):
                raise OSError(f"too slow, got {len(body):,} bytes in {seconds:.3g} s, expected {SLOWEST:,} per second")
    return bytes(body)


def _check_folder(folder: Path) -> None:
    """Raise FetchError, before anything is downloaded, if the folder cannot be made or written."""
    there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    if not there.is_dir():
        raise FetchError(f"fetch_mnist: got the cache folder {folder}, but {there} is a file; expected a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise FetchError(f"fetch_mnist: got the cache folder {folder}, but {there} cannot be written")
