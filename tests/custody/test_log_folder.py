"""The log's files in a folder: never half a file, never other bytes, whichever system call was the last."""

import os
import subprocess
import sys
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openbwv.custody import CheckpointMoved, LogConflict, LogDamaged, LogReader, audit, create_log, make_vkey, open_log
from openbwv.shared import log_folder as module
from openbwv.shared.durable import DiskFull
from openbwv.shared.log_folder import CheckpointFile, LogFolder, checkpoint_file

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = make_vkey("force.example/log", KEY.public_key().public_bytes_raw())


def begin(state):
    return create_log(LogFolder(state / "log"), vkey=VKEY, sign=KEY.sign, outside=CheckpointFile(state / "outside"))


def again(state):
    return open_log(LogFolder(state / "log"), vkey=VKEY, sign=KEY.sign, outside=CheckpointFile(state / "outside"))


def entries(first, end):
    return [b"entry %d" % number for number in range(first, end)]


class Killed(BaseException):
    """SIGKILL: no handler of ours may catch it."""


def test_a_log_in_a_folder_is_opened_again_and_holds(tmp_path):
    log = begin(tmp_path)
    log.append(entries(0, 300))
    log = again(tmp_path)
    log.append(entries(300, 520))
    assert audit(LogFolder(tmp_path / "log"), vkey=VKEY, known=[(tmp_path / "outside").read_text()]).ok
    assert LogReader(LogFolder(tmp_path / "log"), vkey=VKEY).checkpoint().size == 520
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("call", ["open", "write", "fdatasync", "link", "unlink", "rename", "fsync", "mkdir"])
def test_killed_at_any_system_call_it_goes_on_to_the_same_root(tmp_path, monkeypatch, call):
    """Each call that `durable` makes is cut at its 1st, 2nd, … use, before and after it took effect."""
    reference = tmp_path / "reference"
    reference.mkdir()
    whole = begin(reference)
    whole.append(entries(0, 250))
    whole.append(entries(250, 262))
    for number in range(60):
        state = tmp_path / f"{call}-{number}"
        state.mkdir()
        begin(state).append(entries(0, 250))
        log = again(state)
        real, count, after = getattr(os, call), iter(range(1000)), number % 2

        def cut(*arguments, _real=real, _count=count, _after=after, _number=number, **more):
            now = next(_count) == _number // 2
            if now and not _after:
                raise Killed
            result = _real(*arguments, **more)
            if now:
                raise Killed
            return result

        try:
            with monkeypatch.context() as patch:
                patch.setattr(f"openbwv.shared.durable.os.{call}", cut)
                log.append(entries(250, 262))
            done = True
        except Killed:
            done = False
        log = again(state)
        assert log.size in (250, 262)
        log.append(entries(log.size, 262))
        assert log.root == whole.root
        assert audit(LogFolder(state / "log"), vkey=VKEY, known=[(state / "outside").read_text()]).ok
        if done:
            return
    raise AssertionError("the append never ended")


def test_sigkill_while_it_appends_leaves_a_log_that_goes_on(tmp_path):
    begin(tmp_path)
    program = (
        "import sys; from tests.custody.test_log_folder import *\n"
        "log = again(Path(sys.argv[1])); print('ready', flush=True)\n"
        "while True: log.append(entries(log.size, log.size + 7))\n"
    )
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", "from pathlib import Path\n" + program, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert child.stdout.readline() == b"ready\n"
        threading.Event().wait(0.15)
        child.kill()
        child.wait()
        child.stdout.close()
        log = again(tmp_path)
        assert list(log.entries(0, log.size)) == entries(0, log.size)
        assert audit(LogFolder(tmp_path / "log"), vkey=VKEY, known=[(tmp_path / "outside").read_text()]).ok
    assert log.size > 0


def test_a_full_disk_stops_the_append_and_the_log_goes_on_when_there_is_room(tmp_path, monkeypatch):
    log = begin(tmp_path)
    log.append(entries(0, 5))

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("openbwv.shared.durable.os.write", full)
        with pytest.raises(DiskFull):
            log.append(entries(5, 6))
    log = again(tmp_path)
    assert log.append(entries(5, 6)) == range(5, 6)


def test_a_file_never_gets_other_bytes(tmp_path):
    folder = LogFolder(tmp_path)
    folder.write_once("tile/0/000", b"a" * 32)
    folder.write_once("tile/0/000", b"a" * 32)
    with pytest.raises(LogConflict):
        folder.write_once("tile/0/000", b"b" * 32)
    assert folder.read("tile/0/000") == b"a" * 32


@pytest.mark.parametrize(
    "path", ["../outside", "tile/0/../../../etc/passwd", "/etc/passwd", "tile/0/000.tmp", "", "log"]
)
def test_only_names_of_the_format_reach_the_disk(tmp_path, path):
    folder = LogFolder(tmp_path)
    for use in (folder.read, folder.discard, lambda name: folder.write_once(name, b"x")):
        with pytest.raises(ValueError, match="not a file of a log"):
            use(path)


def test_a_file_that_the_disk_does_not_give_is_damage_and_not_absence(tmp_path, monkeypatch):
    folder = LogFolder(tmp_path)
    folder.write_once("tile/0/000", b"a" * 32)

    def broken(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module.Path, "read_bytes", broken)
    with pytest.raises(LogDamaged):
        folder.read("tile/0/000")


def test_the_outside_checkpoint_is_compared_before_it_is_replaced(tmp_path):
    place = CheckpointFile(tmp_path / "apart" / "checkpoint")
    assert place.read() is None
    place.swap(None, "one")
    with pytest.raises(CheckpointMoved):
        place.swap(None, "two")
    with pytest.raises(CheckpointMoved):
        place.swap("other", "two")
    place.swap("one", "two")
    assert place.read() == "two"


def test_of_many_writers_at_once_exactly_one_swaps(tmp_path):
    place = CheckpointFile(tmp_path / "checkpoint")
    place.swap(None, "start")
    won = []

    def swap(number):
        try:
            place.swap("start", f"writer {number}")
            won.append(number)
        except CheckpointMoved:
            pass

    writers = [threading.Thread(target=swap, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(won) == 1
    assert place.read() == f"writer {won[0]}"


def test_the_outside_place_is_beside_the_state_folder_unless_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.delenv("BWV_CHECKPOINT_PLACE", raising=False)
    assert checkpoint_file(tmp_path / "force").path == tmp_path / "force.checkpoint"
    monkeypatch.setenv("BWV_CHECKPOINT_PLACE", str(tmp_path / "usb" / "checkpoint"))
    assert checkpoint_file(tmp_path / "force").path == tmp_path / "usb" / "checkpoint"


def test_what_a_crash_left_half_written_at_the_edge_is_swept_and_nothing_else(tmp_path):
    log = begin(tmp_path)
    log.append(entries(0, 300))
    before = sorted(path for path in (tmp_path / "log").rglob("*") if path.is_file())
    folder = tmp_path / "log" / "tile"
    for left in (tmp_path / "log", folder / "0", folder / "0" / "001.p", folder / "entries", folder / "1" / "000.p"):
        (left / ".045.0123456789ab.tmp").write_bytes(b"half")
    assert LogFolder(tmp_path / "log").sweep(300) == 5
    assert sorted(path for path in (tmp_path / "log").rglob("*") if path.is_file()) == before
