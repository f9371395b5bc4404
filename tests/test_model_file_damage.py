"""Damaged and hostile model files: each is refused by ModelFileError or is the very model, and takes no memory."""

import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import npae
from benchmarks.robustness.model_files import (
    ATTACKS,
    HARMLESS,
    MEMORY,
    damage,
    damage_with_digest,
    make,
    outcome,
    traced,
)
from npae import ModelFileError


@pytest.fixture
def saved(tmp_path):
    """(path, bytes, model)."""
    return make(tmp_path)


def test_damaged_files_are_refused_or_the_very_model(saved):
    """`python -m benchmarks.robustness.model_files` takes 20,000."""
    assert damage(1000, *saved)["refused"] > 990


def test_every_bit_of_the_headers_counts(saved):
    path, whole, model = saved
    end = whole.index(b"theta.npy") + 200
    for at in [*range(0, end, 3), *range(len(whole) - 1500, len(whole), 3)]:
        data = bytearray(whole)
        data[at] ^= 1 << at % 8
        path.write_bytes(data)
        assert outcome(path, model) == "refused"


def test_members_rebuilt_by_other_tools_are_refused(saved):
    """Another zip writer's archive of the same arrays, with every kind of compression, has no digest."""
    path, whole, model = saved
    arrays = dict(np.load(io.BytesIO(whole)))
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        for name, array in arrays.items():
            with zipfile.ZipFile(path, "w", method) as archive:
                for key, value in {**arrays, name: array[::-1] if array.ndim else array}.items():
                    buffer = io.BytesIO()
                    np.save(buffer, value)
                    archive.writestr(f"{key}.npy", buffer.getvalue())
            assert outcome(path, model) == "refused"


def test_damage_with_a_right_digest_is_refused_or_loads_and_raises_nothing_else(saved):
    counts, peak = traced(lambda: damage_with_digest(400, *saved[:2]))
    assert counts["refused"] > 100 and peak < MEMORY


@pytest.mark.parametrize("name", ATTACKS)
def test_a_crafted_file_is_refused_without_memory_or_delay(name, saved):
    path, whole, model = saved
    path.write_bytes(ATTACKS[name](whole))
    result, peak = traced(lambda: outcome(path, model))
    assert peak < MEMORY, f"{peak / 1e6:.0f} MB"
    if name in HARMLESS:
        assert result == "the very model"
    else:
        with pytest.raises(ModelFileError, match=r"m\.npz"):
            npae.load(path)


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


def test_an_array_above_the_limit_of_a_plain_zip_archive_is_written_with_its_extension(monkeypatch, saved):
    path, _, model = saved
    monkeypatch.setattr("zipfile.ZIP64_LIMIT", 0)  # is 2 GB
    model.save(path)
    assert outcome(path, model) == "the very model"
