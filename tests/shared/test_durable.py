import errno
import os

import pytest

from openbwv.shared import durable

CALLS = ["open", "write", "fdatasync", "link", "rename", "unlink", "fsync"]
DATA = bytes(range(256)) * 50


def run_until_call(count, deed):
    """Run `deed` in a child that dies, without any clean-up, right after its `count`th system call.

    Returns True when the child finished before that.
    """
    pid = os.fork()
    if pid == 0:
        made = 0

        def counted(real):
            def call(*arguments, **keywords):
                nonlocal made
                answer = real(*arguments, **keywords)
                made += 1
                if made == count:
                    os._exit(9)
                return answer

            return call

        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        deed()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def crash_everywhere(tmp_path, deed, check):
    for count in range(1, 40):
        folder = tmp_path / str(count)
        folder.mkdir()
        finished = run_until_call(count, lambda folder=folder: deed(folder))
        check(folder, finished)
        if finished:
            return count - 1
    raise AssertionError("never finished")


def test_a_crash_after_any_call_leaves_all_or_nothing_and_the_write_can_be_done_again(tmp_path):
    def check(folder, finished):
        path = folder / "evidence"
        if path.exists():
            assert path.read_bytes() == DATA
        durable.sweep(folder)
        assert sorted(os.listdir(folder)) == (["evidence"] if path.exists() else [])
        if not path.exists():
            assert not finished
            durable.write_durably(path, DATA)
        assert path.read_bytes() == DATA

    calls = crash_everywhere(tmp_path, lambda folder: durable.write_durably(folder / "evidence", DATA), check)
    assert calls == 7  # open, write, fdatasync, link, unlink, open the folder, fsync it


def test_a_crash_while_replacing_leaves_the_old_or_the_new_whole(tmp_path):
    def deed(folder):
        durable.write_durably(folder / "state", b"old")
        durable.write_durably(folder / "state", b"new" * 100, replace=True)

    def check(folder, finished):
        path = folder / "state"
        held = path.read_bytes() if path.exists() else None
        assert held in (None, b"old", b"new" * 100)
        assert not finished or held == b"new" * 100

    crash_everywhere(tmp_path, deed, check)


def test_the_name_appears_only_after_the_bytes_are_synced(tmp_path, monkeypatch):
    made = []
    for name in CALLS:
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, _real=real, _name=name, **k: (made.append(_name), _real(*a, **k))[1])
    durable.write_durably(tmp_path / "evidence", DATA)
    assert made == ["open", "write", "fdatasync", "link", "unlink", "open", "fsync"]


def test_an_existing_name_is_never_replaced(tmp_path):
    durable.write_durably(tmp_path / "evidence", b"first")
    with pytest.raises(durable.AlreadyThere):
        durable.write_durably(tmp_path / "evidence", b"second")
    assert (tmp_path / "evidence").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["evidence"]


@pytest.mark.parametrize("call", ["write", "fdatasync", "link"])
def test_a_full_disk_leaves_nothing_behind_and_says_so(tmp_path, monkeypatch, call):
    def full(*_arguments, **_keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(durable.DiskFull) as error:
        durable.write_durably(tmp_path / "evidence", DATA)
    assert error.value.http_status == 507
    assert os.listdir(tmp_path) == []


def test_short_writes_are_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    durable.write_durably(tmp_path / "evidence", DATA)
    assert (tmp_path / "evidence").read_bytes() == DATA


def test_appending_grows_the_file_and_a_failed_append_is_cut_off(tmp_path, monkeypatch):
    path = tmp_path / "journal"
    assert durable.append_durably(path, b"one") == 3
    assert durable.append_durably(path, b"two") == 6

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(durable.DiskFull):
        durable.append_durably(path, b"three")
    assert path.read_bytes() == b"onetwo"


def test_files_are_private_and_folders_are_made_with_their_parents(tmp_path):
    durable.make_folder(tmp_path / "a" / "b")
    durable.write_durably(tmp_path / "a" / "b" / "key", b"secret")
    assert (tmp_path / "a" / "b" / "key").stat().st_mode & 0o777 == 0o600
    assert durable.remove_durably(tmp_path / "a" / "b" / "key")
    assert not durable.remove_durably(tmp_path / "a" / "b" / "key")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(durable.WriteFailed, match="Check that the folder exists"):
        durable.write_durably(tmp_path / "nowhere" / "x", b"")


def test_a_move_is_whole_under_one_of_two_names_whatever_crash(tmp_path):
    def check(folder, finished):
        there = [path for path in (folder / "vault" / "a", folder / "aside" / "b") if path.exists()]
        assert there
        assert all(path.read_bytes() == DATA for path in there)
        assert not finished or there == [folder / "aside" / "b"]

    assert crash_everywhere(tmp_path, move, check) >= 4


def test_both_folders_are_synced_after_a_move(tmp_path, monkeypatch):
    synced, real = [], durable.sync_folder
    monkeypatch.setattr(durable, "sync_folder", lambda folder: (synced.append(folder), real(folder)))
    move(tmp_path)
    assert synced[-2:] == [tmp_path / "aside", tmp_path / "vault"]


def test_a_move_to_another_disk_copies_and_never_leaves_half_a_file(tmp_path, monkeypatch):
    def elsewhere(source, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "rename", elsewhere)
    move(tmp_path)
    assert (tmp_path / "aside" / "b").read_bytes() == DATA
    assert os.listdir(tmp_path / "vault") == []
    (tmp_path / "vault" / "c").write_bytes(DATA)
    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(durable.DiskFull):
        durable.move_durably(tmp_path / "vault" / "c", tmp_path / "aside" / "c")
    assert (tmp_path / "vault" / "c").read_bytes() == DATA
    assert os.listdir(tmp_path / "aside") == ["b"]


def full(*_arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


def move(folder):
    for name in ("vault", "aside"):
        (folder / name).mkdir()
    (folder / "vault" / "a").write_bytes(DATA)
    durable.move_durably(folder / "vault" / "a", folder / "aside" / "b")
