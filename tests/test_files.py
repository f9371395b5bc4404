"""The atomic write: whole or not at all, with the permissions that the process's umask leaves."""

import errno
import os
import stat
import subprocess
import sys
import threading

import pytest

from npae.system.files import check_writable, remove_leftovers, write_atomically


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


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "file")
    for data in (b"made through a link that led nowhere", b"and replaced through it"):
        write_atomically(tmp_path / "link", data)
        assert (tmp_path / "link").is_symlink() and (tmp_path / "far" / "file").read_bytes() == data
    assert os.listdir(tmp_path / "far") == ["file"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640, 0o755])
def test_a_file_keeps_its_mode_even_while_it_is_being_written(tmp_path, monkeypatch, mode):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(mode)
    seen = []

    def fsync(descriptor):
        seen.extend(stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob(".*.part"))

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(tmp_path / "file", b"new")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode and seen == [mode]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_file_keeps_its_owner_where_the_system_allows_it(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"old")
    asked, real = [], os.stat

    def others(path, *args, **kwargs):
        found = list(real(path, *args, **kwargs))
        if str(path).endswith("file"):
            found[4:6] = 4321, 1234
        return os.stat_result(found)

    def chown(path, *owner):
        asked.append(owner)
        raise PermissionError(1, "only root may")

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", others)
        patch.setattr(os, "chown", chown)
        write_atomically(tmp_path / "file", b"new")
    assert asked == [(4321, 1234)] and (tmp_path / "file").read_bytes() == b"new"


def test_what_is_no_regular_file_is_written_into(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"through a pipe")
    reader.join()
    assert got == [b"through a pipe"] and stat.S_ISFIFO(pipe.stat().st_mode)


def test_the_null_device_by_any_name_is_left_what_it_is(tmp_path):
    (tmp_path / "null").symlink_to(os.devnull)
    write_atomically(tmp_path / "null", b"data")
    assert (tmp_path / "null").is_symlink() and stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_full_disk_a_missing_and_a_read_only_folder_are_told_in_words_and_the_old_file_stays(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a temporary name")

    write_atomically(tmp_path / "file", b"old")
    message = r"No space left on device: it could not be written; the file that was there is unchanged"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=message):
            write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_atomically(tmp_path / "nowhere" / "file", b"new")
    with monkeypatch.context() as patch:  # root may write everywhere
        patch.setattr(os, "access", lambda *_: False)
        with pytest.raises(PermissionError, match="the file is there and cannot be written"):
            write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_what_cannot_be_written_is_known_beforehand(tmp_path, monkeypatch):
    check_writable(tmp_path / "new")
    check_writable(os.devnull)
    with pytest.raises(IsADirectoryError, match="expected the name of a file"):
        check_writable(tmp_path)
    with pytest.raises(FileNotFoundError, match="expected a file in a folder that exists"):
        check_writable(tmp_path / "nowhere" / "file")
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)
        with pytest.raises(PermissionError, match="its folder cannot be written"):
            check_writable(tmp_path / "new")
        (tmp_path / "new").write_bytes(b"")
        with pytest.raises(PermissionError, match="the file is there and cannot be written"):
            check_writable(tmp_path / "new")


@pytest.mark.parametrize("name", ["", "new/", "file/"])
def test_the_name_of_a_folder_is_none_of_a_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"old")
    for f in (check_writable, lambda path: write_atomically(path, b"new")):
        with pytest.raises((IsADirectoryError, NotADirectoryError)) as caught:
            f(name)
        assert caught.value.filename == name
    assert os.listdir() == ["file"] and (tmp_path / "file").read_bytes() == b"old"


def test_a_path_may_be_bytes(tmp_path):
    for f in (check_writable, lambda path: write_atomically(path, b"data"), remove_leftovers):
        f(os.fsencode(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == b"data"


def test_of_a_device_nobody_says_that_it_is_unchanged():
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_atomically("/dev/full", b"data")
    assert "unchanged" not in str(caught.value)


def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path):
    name = "n" * 255
    write_atomically(tmp_path / name, b"data")
    assert os.listdir(tmp_path) == [name]


def test_what_killed_writes_left_is_removed_and_nothing_else(tmp_path):
    code = (
        "import os, signal, sys\nfrom npae.system.files import write_atomically\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomically(sys.argv[1], b'new')"
    )
    write_atomically(tmp_path / "other", b"theirs")
    write_atomically(tmp_path / "file", b"old")
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")], timeout=60)
    assert (tmp_path / "file").read_bytes() == b"old" and len(os.listdir(tmp_path)) == 3
    remove_leftovers(tmp_path / "other")
    assert len(os.listdir(tmp_path)) == 3
    remove_leftovers(tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == ["file", "other"]


def test_a_disk_that_is_really_full_leaves_the_old_file(tmp_path):
    """A limit on the size of files stops the write in its midst, as a full disk does."""
    code = (
        "import os, resource, sys\nfrom npae.system.files import write_atomically\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try: write_atomically(sys.argv[1], bytes(1_000_000))\n"
        "except OSError as error: print(error)"
    )
    write_atomically(tmp_path / "file", b"old")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")], capture_output=True, text=True)
    assert "it could not be written; the file that was there is unchanged" in done.stdout and not done.stderr
    assert (tmp_path / "file").read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]
