"""The atomic write: whole or not at all, with the permissions that the process's umask leaves."""

import os
import stat
import threading

import pytest

from npae.files import write_atomically


def test_what_is_written_is_there_and_nothing_else(tmp_path):
    for data in (b"first", b"", b"second"):
        write_atomically(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert os.listdir(tmp_path) == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    write_atomically(tmp_path / "file", b"old")
    with pytest.raises(TypeError):
        write_atomically(tmp_path / "file", "no bytes")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "file", b"new")


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_what_the_umask_leaves_and_the_umask_is_never_set(tmp_path, monkeypatch, mask):
    before = os.umask(mask)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "umask", lambda *_: pytest.fail("the umask belongs to every thread"))
            write_atomically(tmp_path / "file", b"data")
        (tmp_path / "plain").write_bytes(b"")
    finally:
        os.umask(before)
    mode = stat.S_IMODE((tmp_path / "file").stat().st_mode)
    assert mode == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert os.name == "nt" or mode == 0o666 & ~mask


def test_threads_that_write_one_file_leave_one_whole_version(tmp_path):
    versions = [bytes([i]) * 100_000 for i in range(8)]
    threads = [threading.Thread(target=write_atomically, args=(tmp_path / "file", data)) for data in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_bytes() in versions and os.listdir(tmp_path) == ["file"]
