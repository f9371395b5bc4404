"""Data in the package, IDX files, the download of MNIST (against a server on this machine)."""

import contextlib
import gzip
import hashlib
import http.server
import importlib
import io
import os
import pickle
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from importlib.resources import files

import numpy as np
import pytest

from npae import datasets
from npae.datasets import FetchError, fetch_mnist, load_digits, load_mnist_5k, read_idx
from scripts import make_data


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


# the data in the package


@pytest.mark.parametrize(
    ("load", "n", "shape", "largest", "image_hash", "label_hash"),
    [
        (
            load_digits,
            1797,
            (8, 8),
            16,
            "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3",
            "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0",
        ),
        (
            load_mnist_5k,
            5000,
            (28, 28),
            255,
            "d7099ff73588a67d7a5e8930873d86fffe892ba48884191961bdb5103d5b51b5",
            "c9a54e6bf707245247bf724c88fc4a21e5cac18c8d2d759bc64d14a3b99c008a",
        ),
    ],
)
def test_packaged_images_are_the_pinned_ones_scaled_to_the_unit_interval(
    load, n, shape, largest, image_hash, label_hash
):
    dataset = load()
    assert dataset.data.shape == (n, shape[0] * shape[1]) and dataset.data.dtype == np.float64
    assert dataset.data.min() == 0 and dataset.data.max() == 1
    assert dataset.image_shape == shape and dataset.images.shape == (n, *shape) and len(dataset) == n
    assert dataset.target.shape == (n,) and dataset.target.dtype == np.int64
    levels = dataset.data * largest
    assert np.array_equal(levels, np.rint(levels))
    assert digest(levels.astype(np.uint8)) == image_hash
    assert digest(dataset.target.astype(np.uint8)) == label_hash
    assert "CC BY" in dataset.description


def test_digits_have_the_class_counts_of_their_source():
    assert np.bincount(load_digits().target).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_mnist_5k_classes_take_turns_so_that_any_split_at_ten_is_balanced():
    assert np.array_equal(load_mnist_5k().target, np.arange(5000) % 10)


def test_digits_agree_with_scikit_learn_in_values_and_order():
    theirs = importlib.import_module("sklearn.datasets").load_digits()
    assert np.array_equal(load_digits().data * 16, theirs.data)
    assert np.array_equal(load_digits().target, theirs.target)


def test_a_loaded_array_is_writable_and_fresh():
    first = load_digits()
    first.data[:] = 7
    assert load_digits().data.max() == 1


@pytest.mark.parametrize(
    "name", ["digits.npz", pytest.param("mnist_5k.npz", marks=pytest.mark.slow), "photographs.npz"]
)
def test_packing_again_gives_the_same_archive_without_dates(name):
    stored = (files("npae.datasets") / name).read_bytes()
    with np.load(io.BytesIO(stored), allow_pickle=False) as archive:
        arrays = dict(archive)
    assert {a.dtype for a in arrays.values()} == {np.dtype(np.uint8)}
    again = make_data.packed_npz(**arrays)
    assert name == "mnist_5k.npz" or again == make_data.packed_npz(**arrays)  # the larger takes a second
    with zipfile.ZipFile(io.BytesIO(stored)) as old, zipfile.ZipFile(io.BytesIO(again)) as new:
        assert [(i.filename, i.date_time, i.CRC) for i in old.infolist()] == [
            (i.filename, i.date_time, i.CRC) for i in new.infolist()
        ]
        assert {i.date_time for i in old.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_licences_name_every_data_set_author_and_licence():
    text = (files("npae.datasets") / "LICENSES.md").read_text(encoding="utf-8")
    for word in (
        "digits.npz", "mnist_5k.npz", "Alpaydin", "Kaynak", "LeCun", "Cortes", "Burges",
        "creativecommons.org/licenses/by/4.0/", "creativecommons.org/licenses/by-sa/3.0/",
        "photographs.npz", "danielbuechele", "vultilion", "creativecommons.org/licenses/by/2.0/",
    ):  # fmt: skip
        assert word in text


def test_importing_datasets_loads_nothing_of_the_network_or_of_extras():
    code = (
        "import sys, numpy; before = set(sys.modules); import npae.datasets\n"
        "new = {m.split('.')[0] for m in set(sys.modules) - before}\n"
        "print(sorted(new & {'urllib', 'http', 'ssl', 'gzip', 'zipfile', 'sklearn', 'scipy', 'matplotlib', 'PIL'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Dataset


def test_a_subset_carries_all_that_is_known_of_its_samples():
    whole = datasets.make_sphere(20, noise=0.1, n_features=5, rng=0)
    part = whole.subset(whole.target[:, 1] > 1)
    assert 0 < len(part) < 20
    for name in ("data", "target", "clean", "tangents", "curvature"):
        assert np.array_equal(getattr(part, name), getattr(whole, name)[whole.target[:, 1] > 1])
    assert part.embedding is whole.embedding and part.chart is whole.chart


def test_a_dataset_prints_shapes_not_numbers():
    assert repr(load_digits()) == "Dataset(data=(1797, 64), target=(1797,), image_shape=(8, 8))"
    shown = repr(datasets.make_gaussian_mixture(5, rng=0))
    assert "score()" in shown and "[" not in shown


@pytest.mark.parametrize("make", [datasets.make_sphere, datasets.make_gaussian_mixture])
def test_a_dataset_survives_pickling(make):
    dataset = make(5, noise=0.1, n_features=4, rng=0)
    again = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(again.data, dataset.data)
    known = again.chart(dataset.target) if again.chart else again.score(dataset.data)
    assert known.shape == (5, 4)


def test_images_of_a_dataset_without_images_are_refused():
    with pytest.raises(ValueError, match="image_shape"):
        _ = datasets.make_circle(3, rng=0).images


# IDX files


def idx_bytes(array):
    code = {"u1": 8, "i1": 9, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}[array.dtype.str[1:]]
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (0, 3)])
def test_read_idx_returns_what_was_written(tmp_path, pack, dtype, shape):
    array = np.random.default_rng(0).integers(-100, 100, shape).astype(dtype)
    (tmp_path / "file").write_bytes(pack(idx_bytes(array)))
    back = read_idx(tmp_path / "file")
    assert np.array_equal(back, array) and back.dtype == np.dtype(dtype) and back.flags.writeable


def test_packaged_digits_survive_a_round_trip_through_idx(tmp_path):
    levels = (load_digits().images * 16).astype(np.uint8)
    (tmp_path / "file").write_bytes(gzip.compress(idx_bytes(levels)))
    assert np.array_equal(read_idx(str(tmp_path / "file")), levels)


GOOD = idx_bytes(np.arange(12, dtype=np.uint8).reshape(3, 4))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "truncated, got 0 bytes"),
        (b"\0\0\x08", "truncated, got 3 bytes"),
        (b"\1" + GOOD[1:], "bad magic number, got 0x01000802"),
        (b"\0\0\x0a" + GOOD[3:], "bad magic number, got 0x00000a02"),
        (b"\0\0\x08\0", "bad magic number"),
        (b"<html>not here</html>", "bad magic number"),
        (GOOD[:10], "truncated, got 10 bytes, expected a header of 12"),
        (GOOD[:-1], "truncated, got 23 bytes, expected 24"),
        (GOOD + b"\0", "trailing bytes, got more than the 24 that were expected"),
        (gzip.compress(GOOD + b"\0" * 10**6), "trailing bytes, got more than the 24 that were expected"),
        (b"\0\0\x08\3" + b"\xff" * 12, "truncated"),  # a size no memory could hold
        (gzip.compress(GOOD)[:-9], "damaged gzip"),
        (gzip.compress(GOOD)[:12] + b"\xff\xff" + gzip.compress(GOOD)[14:], "damaged gzip"),
        (gzip.compress(GOOD[:-1]), "truncated, got 23"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",  # gzip writes the time of day
)
def test_read_idx_says_what_is_wrong_with_a_damaged_file(tmp_path, raw, message):
    path = tmp_path / "broken-file"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert "broken-file" in str(caught.value)


def test_read_idx_of_a_missing_file_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")


def test_read_idx_unpacks_no_more_than_the_header_announces(tmp_path):
    """4 GB of zeros, packed into 4 MB: refused by its first bytes, by its size, or after what the header says."""
    zeros = gzip.compress(b"\0" * 2**24)
    for header, message in (
        (b"", "bad magic number"),
        (idx_bytes(np.zeros(7, np.uint8)), "trailing bytes"),
        (b"\0\0\x08\1" + struct.pack(">I", 2**32 - 1), r"got 4,294,967,295 bytes .*, expected at most max_bytes="),
    ):
        (tmp_path / "bomb").write_bytes(gzip.compress(header) + zeros * 256)  # members of gzip follow one another
        tracemalloc.start()
        with pytest.raises(ValueError, match=message):
            read_idx(tmp_path / "bomb")
        assert tracemalloc.get_traced_memory()[1] < 2**20
        tracemalloc.stop()


def test_read_idx_takes_no_memory_for_what_a_short_file_cannot_hold(tmp_path):
    (tmp_path / "short").write_bytes(gzip.compress(b"\0\0\x08\1" + struct.pack(">I", 2**31 - 1) + b"\0" * 99))
    with pytest.raises(ValueError, match=r"truncated, got .* at most, expected 2147483655"):
        read_idx(tmp_path / "short")


# fetch_mnist, on four small files


def small_mnist():
    rng = np.random.default_rng(0)
    made = {}
    for part, n in (("train", 7), ("t10k", 3)):
        images = rng.integers(0, 256, (n, 4, 5)).astype(np.uint8)
        made[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx_bytes(images), mtime=0)
        made[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx_bytes(np.arange(n, dtype=np.uint8)), mtime=0)
    return made


FILES = small_mnist()
HASHES = {name: hashlib.sha256(payload).hexdigest() for name, payload in FILES.items()}


ADDRESSES = {
    "no-port": "http://127.0.0.1:port/",
    "no-host": "http://[bad/",
    "no-scheme": "nowhere:",
    "a-file": "file:///",
}


class Handler(http.server.BaseHTTPRequestHandler):
    """/good/NAME serves the file; the other folders misbehave, each in its own way.  Every path is recorded."""

    def do_GET(self):
        self.server.seen.append(self.path)
        _, folder, name = self.path.split("/")
        payload = FILES[name]
        if folder == "missing":
            self.send_error(404)
            return
        if folder == "garbage":
            self.wfile.write(b"not http at all\r\n\r\n")
            return
        if folder in ADDRESSES:
            self.send_response(302)
            self.send_header("Location", ADDRESSES[folder])
            self.end_headers()
            return
        if folder in ("endless", "dripping"):
            with contextlib.suppress(OSError):
                self.send_without_end(folder)
            return
        sent = {"truncated": payload[:-5], "wrong": payload[:-1] + b"?"}.get(folder, payload)
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(sent)

    def send_without_end(self, folder):
        self.send_response(200)
        self.end_headers()
        piece, pause = (b"\0" * 2**20, 0) if folder == "endless" else (b"\0", 0.02)
        while not self.server.ended.wait(pause):
            self.wfile.write(piece)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.seen, running.ended = [], threading.Event()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.ended.set()
        running.shutdown()
        thread.join()


def fetch(server, folder, *mirrors, timeout=5):
    urls = [f"http://127.0.0.1:{server.server_address[1]}/{mirror}/" for mirror in mirrors]
    return fetch_mnist(folder, mirrors=urls, timeout=timeout, _sha256=HASHES)


def test_fetch_mnist_downloads_train_and_test(server, tmp_path):
    train, test = both = fetch(server, tmp_path / "new" / "folder", "good")
    assert both.train is train and both.test is test
    assert train.data.shape == (7, 20) and test.data.shape == (3, 20) and train.image_shape == (4, 5)
    assert train.data.dtype == np.float64 and train.data.min() >= 0 and train.data.max() <= 1
    assert train.target.tolist() == list(range(7)) and test.target.tolist() == [0, 1, 2]
    assert {p.name: p.read_bytes() for p in (tmp_path / "new" / "folder").iterdir()} == FILES
    assert np.array_equal(train.data * 255, read_idx(tmp_path / "new/folder/train-images-idx3-ubyte.gz").reshape(7, -1))


def test_fetch_mnist_takes_cached_files_without_the_network(server, tmp_path):
    fetch(server, tmp_path, "good")
    server.seen.clear()
    assert len(fetch(server, tmp_path, "good").train) == 7
    assert len(fetch_mnist(tmp_path, mirrors=(), _sha256=HASHES).test) == 3
    assert server.seen == []


def test_fetch_mnist_takes_files_put_there_by_hand(tmp_path):
    for name, payload in FILES.items():
        (tmp_path / name).write_bytes(payload)
    assert len(fetch_mnist(tmp_path, mirrors=(), _sha256=HASHES).train) == 7


def test_fetch_mnist_gets_a_corrupt_cached_file_again_and_only_that_one(server, tmp_path):
    fetch(server, tmp_path, "good")
    server.seen.clear()
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"rot")
    assert fetch(server, tmp_path, "good").test.target.tolist() == [0, 1, 2]
    assert server.seen == ["/good/t10k-labels-idx1-ubyte.gz"]
    assert (tmp_path / "t10k-labels-idx1-ubyte.gz").read_bytes() == FILES["t10k-labels-idx1-ubyte.gz"]


@pytest.mark.parametrize("bad", ["missing", "truncated", "wrong", "garbage", "endless", *ADDRESSES])
def test_fetch_mnist_goes_on_to_the_next_mirror_in_order(server, tmp_path, bad):
    assert len(fetch(server, tmp_path, bad, "good").train) == 7
    assert server.seen == [f"/{folder}/{name}" for name in FILES for folder in (bad, "good")]
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == FILES


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("missing", "404"),
        ("truncated", "bytes with SHA-256 .*, expected"),
        ("wrong", "with SHA-256 .*, expected"),
        ("garbage", "BadStatusLine.*not http at all"),
        ("endless", "too long, got more than the 9,912,422 bytes"),
        ("no-port", "nonnumeric port"),
        ("no-host", "IPv6"),
    ],
)
def test_fetch_mnist_keeps_nothing_of_a_bad_answer_and_gives_the_reason(server, tmp_path, bad, reason):
    with pytest.raises(FetchError, match=reason):
        fetch(server, tmp_path, bad)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_fetch_mnist_leaves_a_mirror_that_drips(server, tmp_path):
    assert len(fetch(server, tmp_path, "dripping", "good", timeout=0.3).train) == 7
    with pytest.raises(FetchError, match=r"too slow, got .* bytes in .* s, expected 4,096 per second"):
        fetch(server, tmp_path / "empty", "dripping", timeout=0.3)


@pytest.mark.parametrize("there", ["the folder", "its parent"])
def test_fetch_mnist_says_that_its_folder_is_a_file_before_it_sends_for_anything(server, tmp_path, there):
    (tmp_path / "file").write_bytes(b"mine")
    folder = tmp_path / "file" if there == "the folder" else tmp_path / "file" / "npae"
    with pytest.raises(FetchError, match=r"got the cache folder .*file.* is a file; expected a folder"):
        fetch(server, folder, "good")
    assert server.seen == [] and (tmp_path / "file").read_bytes() == b"mine"


def test_fetch_mnist_without_a_network_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as unused:  # bound but not listening: connections are refused
        unused.bind(("127.0.0.1", 0))
        mirror = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with pytest.raises(OSError, match="could not get train-images") as caught:
            fetch_mnist(tmp_path, mirrors=[mirror], timeout=5, _sha256=HASHES)
    message = str(caught.value)
    assert isinstance(caught.value, FetchError)
    assert str(tmp_path) in message and mirror in message and "NPAE_DATA" in message and "load_mnist_5k" in message
    assert all(name in message for name in HASHES)


def test_fetch_mnist_says_that_a_cached_file_is_damaged_when_it_cannot_be_replaced(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"rot")
    with pytest.raises(FetchError, match="is there, but damaged"):
        fetch_mnist(tmp_path, mirrors=(), _sha256=HASHES)


def test_a_write_that_fails_leaves_no_partial_file_and_the_old_one_in_place(server, tmp_path, monkeypatch):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        fetch(server, tmp_path, "good")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"train-images-idx3-ubyte.gz": b"old"}


def test_the_cache_folder_is_the_argument_then_npae_data_then_the_users_cache(monkeypatch, tmp_path):
    variable = "LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME"
    monkeypatch.setenv(variable, str(tmp_path / "user"))
    monkeypatch.delenv("NPAE_DATA", raising=False)
    for set_variable, argument, expected in (
        (False, None, tmp_path / "user" / "npae"),
        (True, None, tmp_path / "named"),
        (True, tmp_path / "given", tmp_path / "given"),
    ):
        if set_variable:
            monkeypatch.setenv("NPAE_DATA", str(tmp_path / "named"))
        with pytest.raises(FetchError) as caught:
            fetch_mnist(argument, mirrors=(), _sha256=HASHES)
        assert f"into {expected} " in str(caught.value)


def test_the_real_table_names_the_four_files_and_secure_mirrors():
    from npae.datasets import mnist

    assert list(mnist.MNIST_SHA256) == list(mnist.MNIST_SIZES) == list(FILES)
    assert all(len(bytes.fromhex(value)) == 32 for value in mnist.MNIST_SHA256.values())
    assert all(url.startswith("https://") for url in mnist.MNIST_MIRRORS)
