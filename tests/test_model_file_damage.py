"""Damaged and hostile model files: each is refused by ModelFileError or is the very model, and takes no memory."""

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import npae
from npae import Autoencoder, ModelFileError
from npae.archive import MARK, pack, unpack

MEMORY = 50e6  # bytes above the model's own


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "m.npz"
    X = npae.datasets.load_digits().data[:100]
    Autoencoder(4, penalties=[npae.Contractive(0.1)], optimizer=npae.SGD(0.1), max_iter=2, random_state=4).fit(X).save(
        path
    )
    return path.read_bytes()


@pytest.fixture(scope="module")
def model(saved, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.npz"
    path.write_bytes(saved)
    return npae.load(path)


def outcome(path, model):
    """'refused' or 'same'; anything else is an error."""
    try:
        other = npae.load(path)
    except ModelFileError:
        return "refused"
    assert np.array_equal(other.network_.theta, model.network_.theta) and other.history_ == model.history_
    assert other.get_params() == model.get_params()
    return "same"


def sign(data):
    """The bytes with a new digest, which only someone with intent would compute."""
    return data[:-64] + hashlib.sha256(data[:-64]).hexdigest().encode()


def damaged(whole, rng):
    """One of the ways in which a file goes bad."""
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


def test_20_000_damaged_files_are_refused_or_the_very_model(saved, model, tmp_path):
    rng, path, counts = np.random.default_rng(0), tmp_path / "m.npz", {"refused": 0, "same": 0}
    for _ in range(20_000):
        data = damaged(saved, rng)
        path.write_bytes(data)
        result = outcome(path, model)
        assert result == ("same" if data == saved else "refused")
        counts[result] += 1
    assert counts["refused"] > 19_900


def test_every_bit_of_the_headers_counts(saved, model, tmp_path):
    path = tmp_path / "m.npz"
    end = saved.index(b"theta.npy") + 200
    for at in [*range(end), *range(len(saved) - 1500, len(saved))]:
        data = bytearray(saved)
        data[at] ^= 1 << at % 8
        path.write_bytes(data)
        assert outcome(path, model) == "refused"


def test_members_rebuilt_by_other_tools_are_refused(saved, model, tmp_path):
    """Another zip writer's archive of the same arrays, with every kind of compression, has no digest."""
    arrays = dict(np.load(io.BytesIO(saved)))
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        for name, array in arrays.items():
            path = tmp_path / "m.npz"
            with zipfile.ZipFile(path, "w", method) as archive:
                for key, value in {**arrays, name: array[::-1] if array.ndim else array}.items():
                    buffer = io.BytesIO()
                    np.save(buffer, value)
                    archive.writestr(f"{key}.npy", buffer.getvalue())
            assert outcome(path, model) == "refused"


def test_signed_damage_is_refused_or_loads_and_raises_nothing_else(saved, tmp_path):
    """With a new digest the archive is as its writer wished; it may be another model, and nothing worse."""
    rng, path, refused = np.random.default_rng(1), tmp_path / "m.npz", 0
    tracemalloc.start()
    try:
        for _ in range(3000):
            data = damaged(saved, rng)
            path.write_bytes(sign(data) if len(data) > 64 else data)
            try:
                npae.load(path)
            except ModelFileError:
                refused += 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused > 1000 and peak < MEMORY


def rewritten(saved, change=lambda header, arrays: None, text=None):
    """The file with another header or arrays, signed."""
    arrays = unpack_bytes(saved)
    header = json.loads(arrays["header"].tobytes())
    change(header, arrays)
    body = json.dumps(header) if text is None else text
    arrays["header"] = np.frombuffer(body.encode() if isinstance(body, str) else body, np.uint8)
    return b"".join(pack(arrays))


def unpack_bytes(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.npz"
        path.write_bytes(data)
        return unpack(path)


def entries(data, count=None, size=None, offset=None):
    """The archive with other numbers in its end record."""
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
    """theta with another shape in its NumPy header."""
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
    "a header that is no JSON": lambda s: rewritten(s, text=b"\xff\x00{"),
    "a header that is a list": lambda s: rewritten(s, text="[1, 2]"),
    "a duplicate key": lambda s: rewritten(s, text='{"format": 2, "format": 2}'),
    "code for a class": lambda s: rewritten(s, lambda h, a: h.update({"class": "__import__('os').system('ls')"})),
    "another package's object": lambda s: rewritten(s, params(corruption={"object": "os.path", "fields": {}})),
    "a module for an object": lambda s: rewritten(s, params(corruption={"object": "datasets", "fields": {}})),
    "a function for an object": lambda s: rewritten(s, params(optimizer={"object": "load", "fields": {"path": "x"}})),
    "an object with strange fields": lambda s: rewritten(s, params(optimizer={"object": "Adam", "fields": {"x": 1}})),
    "a penalty that is a string": lambda s: rewritten(s, params(penalties={"list": ["a"]})),
    "an unknown member": lambda s: rewritten(s, lambda h, a: a.update(bomb=np.zeros(10**6))),
    "4,096 members": lambda s: b"".join(pack({f"a{i}": np.zeros(1, np.uint8) for i in range(4096)})),
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
    "nothing but a digest": lambda s: sign(MARK + b"0" * 64),
    "zeros": lambda s: bytes(10_000),
}


def bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("theta.npy", bytes(10**8))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ATTACKS)
def test_a_crafted_file_is_refused_without_memory_or_delay(name, saved, tmp_path):
    path = tmp_path / "m.npz"
    path.write_bytes(ATTACKS[name](saved))
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match=r"m\.npz"):
            npae.load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEMORY, f"{peak / 1e6:.0f} MB"


def test_pipes_devices_and_folders_are_no_models(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    code = "import npae, sys\ntry: npae.load(sys.argv[1])\nexcept npae.ModelFileError as e: print('refused', e)"
    with pytest.raises(ModelFileError, match="got a pipe or a device"):
        npae.load("/dev/zero")
    reader = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "pipe")], stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    with open(tmp_path / "pipe", "wb"):
        assert "refused" in reader.communicate(timeout=60)[0]
    with pytest.raises(IsADirectoryError):
        npae.load(tmp_path)


def test_a_model_too_large_for_the_format_is_refused_before_it_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr("npae.archive.LARGEST", 1000)
    with pytest.raises(ValueError, match="expected at most 4096 of 1,000"):
        Autoencoder(3, max_iter=1).fit(np.eye(20)).save(tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())
