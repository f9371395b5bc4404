"""python -m benchmarks.robustness.model_files [--damaged 20000]: damaged and hostile model files against `npae.load`.

Each file is a saved model with bits flipped, or bytes overwritten, zeroed, cut off, removed or inserted; or one of the
attacks below, which an attacker gave a right digest. `npae.load` has to raise ModelFileError or to return the saved
model. It must raise nothing else, and take at most 50 MB more memory than the model itself. Damaged files with a new
digest are counted separately: they may load as another model.
"""

import argparse
import hashlib
import io
import json
import struct
import sys
import tempfile
import time
import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

import npae
from npae import Autoencoder, ModelFileError
from npae.storage.archive import MARK, pack, unpack

MEMORY = 50e6  # bytes above the model's own


def make(folder):
    """Return (path, bytes, model) of an undamaged file."""
    path = Path(folder) / "m.npz"
    X = npae.datasets.load_digits().data[:100]
    settings = {"penalties": [npae.Contractive(0.1)], "optimizer": npae.SGD(0.1), "max_iter": 2, "random_state": 4}
    Autoencoder(4, **settings).fit(X).save(path)
    return path, path.read_bytes(), npae.load(path)


def outcome(path, model):
    """Return 'refused' or 'the very model'; raise AssertionError for another model."""
    try:
        other = npae.load(path)
    except ModelFileError:
        return "refused"
    assert np.array_equal(other.network_.theta, model.network_.theta) and other.history_ == model.history_
    assert other.get_params() == model.get_params()
    return "the very model"


def sign(data):
    """Return the bytes with a new digest, as an attacker would compute it."""
    return data[:-64] + hashlib.sha256(data[:-64]).hexdigest().encode()


def damaged(whole, rng):
    """Return the file with one kind of damage."""
    kind, at, n = rng.integers(6), int(rng.integers(len(whole))), int(rng.integers(1, 200))
    data = bytearray(whole)
    if kind == 0:
        data[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        data[at : at + n] = rng.bytes(min(n, len(data) - at))
    elif kind == 2:
        data[at : at + n] = bytes(min(n, len(data) - at))
    elif kind == 3:
        del data[at:]
    elif kind == 4:
        del data[at : at + n]
    else:
        data[at:at] = rng.bytes(n)
    return bytes(data)


def rewritten(saved, change=lambda header, arrays: None, text=None):
    """Return the file with another header or arrays, signed."""
    arrays = unpack_bytes(saved)
    header = json.loads(arrays["header"].tobytes())
    change(header, arrays)
    body = json.dumps(header) if text is None else text
    arrays["header"] = np.frombuffer(body.encode() if isinstance(body, str) else body, np.uint8)
    return bytes(pack(arrays))


def unpack_bytes(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.npz"
        path.write_bytes(data)
        return unpack(path)


def entries(data, count=None, size=None, offset=None):
    """Return the archive with other numbers in its end record."""
    at = len(data) - 64 - len(MARK) - 22
    fields = list(struct.unpack_from("<4s4H2LH", data, at))
    for i, value in ((3, count), (4, count), (5, size), (6, offset)):
        fields[i] = fields[i] if value is None else value
    return sign(data[:at] + struct.pack("<4s4H2LH", *fields) + data[at + 22 :])


def params(**changes):
    return lambda header, arrays: header["params"].update(changes)


def nested(depth):
    return '{"a":' * depth + "1" + "}" * depth


def claimed(saved, shape, descr="<f8"):
    """Return the file with another shape of theta in its NumPy header."""
    at = saved.index(b"\x93NUMPY", saved.index(b"theta.npy"))
    length = struct.unpack_from("<H", saved, at + 8)[0]
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return sign(saved[: at + 10] + text.ljust(length - 1)[: length - 1] + b"\n" + saved[at + 10 + length :])


ATTACKS = {
    "a billion components": lambda s: rewritten(s, params(n_components=10**9)),
    "a hundred million features": lambda s: rewritten(s, lambda h, a: h.update(n_features_in=10**8)),
    "10**400 features": lambda s: rewritten(s, lambda h, a: h.update(n_features_in=10**400)),
    "200,000 hidden layers": lambda s: rewritten(s, params(hidden_layer_sizes={"list": [1] * 200_000})),
    "wide hidden layers": lambda s: rewritten(s, params(hidden_layer_sizes={"list": [10**6, 10**6]})),
    "a hidden layer of True": lambda s: rewritten(s, params(hidden_layer_sizes=True)),
    "negative sizes": lambda s: rewritten(s, params(n_components=-5)),
    "a float for a size": lambda s: rewritten(s, params(n_components=1e308)),
    "a deep header": lambda s: rewritten(s, text=nested(100_000)),
    "a deep argument": lambda s: rewritten(s, text=json.dumps({"params": 0}).replace("0", nested(900))),
    "a header of 30 MB": lambda s: rewritten(s, text=b"[" + b"[]," * 10**7 + b"1]"),
    "a number of a million digits": lambda s: rewritten(s, text='{"format":' + "9" * 10**6 + "}"),
    "a header without JSON": lambda s: rewritten(s, text=b"\xff\x00{"),
    "a header that is a list": lambda s: rewritten(s, text="[1, 2]"),
    "a duplicate key": lambda s: rewritten(s, text='{"format": 2, "format": 2}'),
    "code for a class": lambda s: rewritten(s, lambda h, a: h.update({"class": "__import__('os').system('ls')"})),
    "another package's object": lambda s: rewritten(s, params(corruption={"object": "os.path", "fields": {}})),
    "a module for an object": lambda s: rewritten(s, params(corruption={"object": "datasets", "fields": {}})),
    "a function for an object": lambda s: rewritten(s, params(optimizer={"object": "load", "fields": {"path": "x"}})),
    "an object with strange fields": lambda s: rewritten(s, params(optimizer={"object": "Adam", "fields": {"x": 1}})),
    "a penalty that is a string": lambda s: rewritten(s, params(penalties={"list": ["a"]})),
    "an unknown member": lambda s: rewritten(s, lambda h, a: a.update(bomb=np.zeros(10**6))),
    "4,096 members": lambda s: bytes(pack({f"a{i}": np.zeros(1, np.uint8) for i in range(4096)})),
    "no weights": lambda s: rewritten(s, lambda h, a: a.pop("theta")),
    "weights of text": lambda s: rewritten(s, lambda h, a: a.update(theta=np.array(["a", "b"]))),
    "weights of whole numbers": lambda s: rewritten(s, lambda h, a: a.update(theta=a["theta"].astype(np.int64))),
    "weights in two dimensions": lambda s: rewritten(s, lambda h, a: a.update(theta=a["theta"][None])),
    "no history": lambda s: rewritten(s, lambda h, a: h.update(history=None)),
    "a shape beyond the file": lambda s: claimed(s, "(999999999999,)"),
    "a product of zeros and giants": lambda s: claimed(s, "(0, 999999999999)"),
    "dimensions without end": lambda s: claimed(s, "(1, 1, 1, 1, 1, 1, 1, 1, 1)"),
    "pickled objects": lambda s: claimed(s, "(100,)", "|O"),
    "a structured dtype": lambda s: claimed(s, "(100,)", "V8"),
    "text of a terabyte": lambda s: claimed(s, "(100,)", "<U999999"),
    "65,535 entries": lambda s: entries(s, count=65535),
    "a directory of 4 GB": lambda s: entries(s, size=2**32 - 1),
    "a directory before the file": lambda s: entries(s, offset=2**32 - 1),
    "no entries": lambda s: entries(s, count=0, size=0),
    "a compressed bomb": lambda s: sign(bomb() + MARK + b"0" * 64),
    "one member 30,000 times": lambda s: sign(repeated(s, 30_000) + MARK + b"0" * 64),
    "a deep NumPy header": lambda s: sign(header_of(b"-" * 9000 + b"1") + MARK + b"0" * 64),
    "a NumPy header that calls": lambda s: sign(header_of(b"{'descr': __import__('os').getcwd()}") + MARK + b"0" * 64),
    "a Unicode name and a password": lambda s: sign(locked(s)),
    "nothing but a digest": lambda s: sign(MARK + b"0" * 64),
    "zeros": lambda s: bytes(10_000),
}
HARMLESS = {"65,535 entries"}  # zipfile does not read this number: the file is the very model


def bomb():
    return zipped("theta.npy", bytes(10**8), method=zipfile.ZIP_BZIP2)


def header_of(text):
    """Return an archive with one NumPy file that has this header."""
    return zipped("header.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)


def repeated(saved, n):
    """Return an archive with n entries for one member of the file."""
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        return zipped("theta.npy", archive.read("theta.npy"), n)


def zipped(name, data, n=1, method=zipfile.ZIP_STORED):
    """Return an archive with n entries for one member, with a comment of the length of npae's but without it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, data)
        archive.filelist *= n
        archive.comment = b"0" * (len(MARK) + 64)
    return buffer.getvalue()[: -len(MARK) - 64]


def locked(saved):
    """Return the file with the flags of an encrypted member with a Unicode name."""
    data = bytearray(saved)
    for signature, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = data.index(signature) + offset
        data[at : at + 2] = struct.pack("<H", 0x801)
    return bytes(data)


def traced(f):
    """Return (f(), the peak of the allocated bytes)."""
    tracemalloc.start()
    try:
        return f(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def damage(n, path, whole, model, seed=0):
    """Return the counts of outcomes of n damaged files; raise AssertionError for another model."""
    rng, counts = np.random.default_rng(seed), Counter()
    for _ in range(n):
        data = damaged(whole, rng)
        path.write_bytes(data)
        result = outcome(path, model)
        assert result == ("the very model" if data == whole else "refused")
        counts[result] += 1
    return counts


def damage_with_digest(n, path, whole, seed=1):
    """Return the counts of outcomes of n damaged files with a right digest."""
    rng, counts = np.random.default_rng(seed), Counter()
    for _ in range(n):
        data = damaged(whole, rng)
        path.write_bytes(sign(data) if len(data) > 64 else data)
        try:
            npae.load(path)
            counts["loaded"] += 1
        except ModelFileError:
            counts["refused"] += 1
    return counts


def main(arguments=None):
    """Print the counts; raise AssertionError for a file that was not refused and is not the saved model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness.model_files", description=__doc__)
    parser.add_argument("--damaged", type=int, default=20_000, help="files")
    n, started = parser.parse_args(arguments).damaged, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path, whole, model = make(folder)
        own = traced(lambda: npae.load(path))[1]
        before = peak_memory()
        counts = damage(n, path, whole, model)
        signed = damage_with_digest(n // 4, path, whole)
        grown, worst = peak_memory() - before, (0, "none")
        for name, attack in ATTACKS.items():
            path.write_bytes(attack(whole))
            result, peak = traced(lambda: outcome(path, model))
            assert result == ("the very model" if name in HARMLESS else "refused"), name
            worst = max(worst, (peak - own, name))
            assert peak - own < MEMORY, f"{name}: {peak / 1e6:.0f} MB"
    print(f"{n:,} damaged files: {dict(counts)}; {n // 4:,} with a digest made anew: {dict(signed)}")
    print(f"the process grew by {grown / 1e6:.1f} MB at its peak")
    print(
        f"{len(ATTACKS)} attacks: {len(ATTACKS) - len(HARMLESS)} refused, {len(HARMLESS)} the very model; "
        f"{worst[1]!r} took the most memory, {worst[0] / 1e6:.1f} MB above the model"
    )
    print(f"{time.perf_counter() - started:.0f} s")


def peak_memory():
    """Return the peak of the memory of this process, in bytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
