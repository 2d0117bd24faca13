"""One writer, append only; a crash between any two steps changes nothing, and an older copy is refused."""

import pytest

from openbwv.custody import (
    CheckpointMoved,
    EntryTooLong,
    LogConflict,
    LogDamaged,
    LogMissing,
    LogMustReopen,
    LogRolledBack,
    MemoryPlace,
    MemoryStorage,
    NoteRejected,
    audit,
    open_note,
)
from openbwv.custody.log import discard_uncovered
from openbwv.custody.tiles import tiles_of
from tests.custody.conftest import Force, entries


class Crash(Exception):
    """The power went."""


class Cutter:
    """Lets `steps` changes through, then cuts the power: before the next change, or just after it."""

    def __init__(self, steps: int, *, after: bool) -> None:
        self.left = steps
        self.after = after
        self.done: list[str] = []

    def step(self, name, change):
        if self.left == 0 and not self.after:
            raise Crash(name)
        result = change()
        self.done.append(name)
        if self.left == 0:
            raise Crash(name)
        self.left -= 1
        return result


class CutStorage(MemoryStorage):
    def __init__(self, files, cutter):
        super().__init__(files)
        self.cutter = cutter

    def write_once(self, path, data):
        self.cutter.step(f"write {path}", lambda: MemoryStorage.write_once(self, path, data))

    def publish_checkpoint(self, note):
        self.cutter.step("publish", lambda: MemoryStorage.publish_checkpoint(self, note))

    def discard(self, path):
        self.cutter.step(f"discard {path}", lambda: MemoryStorage.discard(self, path))


class CutPlace(MemoryPlace):
    def __init__(self, place, cutter):
        self.real = place
        self.cutter = cutter

    def read(self):
        return self.real.read()

    def swap(self, old, new):
        self.cutter.step("swap", lambda: self.real.swap(old, new))


def test_an_append_is_in_the_order_that_a_crash_cannot_spoil(force):
    force.grown(250)
    cutter = Cutter(99, after=False)
    log = force.open(CutStorage(force.storage.files, cutter), CutPlace(force.place, cutter))
    assert log.append(entries(260)[250:]) == range(250, 260)
    names = [step.split()[0] for step in cutter.done]
    assert names == ["write"] * 5 + ["swap", "publish"] + ["discard"] * 2
    assert [step.split("/")[1] for step in cutter.done[:5]] == ["entries", "entries", "0", "0", "1"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("start", "batch"), [(0, 1), (250, 10), (255, 1), (256, 256), (300, 700)])
def test_killed_at_any_step_it_goes_on_to_the_same_root(start, batch, after):
    whole = Force()
    whole.grown(start + batch + 5)
    before = Force()
    before.grown(start)
    for steps in range(40):
        force = Force()
        force.storage.files.update(before.storage.files)
        force.place.note = before.place.note
        cutter = Cutter(steps, after=after)
        log = force.open(CutStorage(force.storage.files, cutter), CutPlace(force.place, cutter))
        crashed = False
        try:
            log.append(entries(start + batch)[start:])
        except Crash:
            crashed = True
        again = force.open()
        swapped = "swap" in cutter.done
        assert again.size == (start + batch if swapped else start)
        assert open_note(force.storage.files["checkpoint"], force.vkey).size == again.size
        again.append(entries(start + batch + 5)[again.size :])
        assert again.root == open_note(whole.place.note, force.vkey).root
        result = audit(force.storage, vkey=force.vkey, known=[before.place.note])
        assert result.ok, result.findings
        if not crashed:
            assert steps >= 4
            return
    raise AssertionError("the append never ended")


def test_after_an_interrupted_append_the_log_must_be_opened_again(force):
    force.grown(3)
    cutter = Cutter(1, after=False)
    log = force.open(CutStorage(force.storage.files, cutter), CutPlace(force.place, cutter))
    with pytest.raises(Crash):
        log.append([b"x"])
    with pytest.raises(LogMustReopen):
        log.append([b"x"])
    assert log.size == 3


def test_a_key_service_that_does_not_answer_leaves_the_log_as_it_was(force):
    log = force.grown(3)
    files = dict(force.storage.files)

    def silent(_message):
        raise ConnectionError("keyd is down")

    log._sign = silent
    with pytest.raises(ConnectionError):
        log.append([b"entry 3"])
    assert force.storage.files == files
    log._sign = force.key.sign
    assert log.append([b"entry 3"]) == range(3, 4)


def test_an_entry_that_is_too_long_changes_nothing(force):
    log = force.grown(3)
    files = dict(force.storage.files)
    with pytest.raises(EntryTooLong):
        log.append([b"fine", bytes(70_000)])
    assert force.storage.files == files
    assert log.append([b"entry 3"]) == range(3, 4)
    assert log.append([]) == range(4, 4)


def test_what_is_published_never_changes_and_only_partial_tiles_go(force):
    log = force.create()
    seen: dict[str, bytes] = {}
    every = entries(1300)
    while log.size < 1300:
        log.append(every[log.size : log.size + 37])
        for path, data in force.storage.files.items():
            assert path == "checkpoint" or seen.setdefault(path, data) == data
        wanted = {tile.path for tile in tiles_of(log.size)}
        assert wanted <= set(force.storage.files)
    assert {path for path in force.storage.files if ".p/" not in path} >= {"tile/0/004", "tile/entries/004"}
    assert not [path for path in force.storage.files if path.startswith("tile/0/003.p")]


def test_two_writers_the_second_to_publish_is_refused_and_the_log_stays_whole(force):
    force.grown(10)
    first, second = force.open(), force.open()
    first.append([b"by the first"])
    with pytest.raises((CheckpointMoved, LogConflict)):
        second.append([b"by the second"])
    assert audit(force.storage, vkey=force.vkey, known=[force.place.note]).ok
    assert force.open().size == 11


def test_an_older_log_folder_put_back_is_refused(force):
    force.grown(300)
    old = MemoryStorage(dict(force.storage.files))
    force.open().append([b"later"])
    with pytest.raises(LogRolledBack):
        force.open(old)


def test_only_the_checkpoint_put_back_is_a_crash_and_is_caught_up(force):
    force.grown(300)
    older = force.storage.files["checkpoint"]
    force.open().append([b"later"])
    force.storage.files["checkpoint"] = older
    assert force.open().size == 301
    assert force.storage.files["checkpoint"].decode() == force.place.note


def test_an_older_outside_checkpoint_is_refused(force):
    log = force.grown(300)
    older = force.place.note
    log.append([b"later"])
    with pytest.raises(LogRolledBack, match="kept outside says 300"):
        force.open(place=MemoryPlace(older))
    assert "tile/0/001.p/45" in force.storage.files, "nothing may be removed on the word of an old checkpoint"


def test_a_fork_of_the_same_length_is_refused(force):
    force.grown(20)
    fork = Force()
    log = fork.create()
    log.append([b"another history %d" % number for number in range(20)])
    with pytest.raises(LogRolledBack):
        force.open(fork.storage)


def test_a_published_checkpoint_of_another_branch_is_refused(force):
    fork = Force()
    fork.create().append([b"another history"])
    force.grown(20)
    force.storage.files["checkpoint"] = fork.storage.files["checkpoint"]
    with pytest.raises(LogRolledBack, match="not an older state"):
        force.open()


def test_without_the_outside_checkpoint_the_log_is_not_opened(force):
    force.grown(5)
    with pytest.raises(LogRolledBack, match="is gone"):
        force.open(place=MemoryPlace())


def test_without_the_published_checkpoint_the_log_is_not_opened(force):
    force.grown(5)
    del force.storage.files["checkpoint"]
    with pytest.raises(LogRolledBack, match="published checkpoint is gone"):
        force.open()


def test_a_lost_folder_is_refused_and_not_begun_anew(force):
    force.grown(5)
    with pytest.raises(LogRolledBack):
        force.open(MemoryStorage())
    with pytest.raises(CheckpointMoved):
        Force(place=force.place).create()
    with pytest.raises(LogRolledBack, match="already"):
        Force(storage=force.storage).create()


def test_where_nothing_is_there_is_no_log(force):
    with pytest.raises(LogMissing):
        force.open()


def test_killed_while_it_was_begun_it_is_opened(force):
    force.create()
    del force.storage.files["checkpoint"]
    assert force.open().size == 0


def test_a_damaged_edge_is_noticed_before_anything_is_appended(force):
    force.grown(300)
    for path in ("tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1"):
        files = dict(force.storage.files)
        files[path] = files[path][:-1] + bytes([files[path][-1] ^ 1])
        with pytest.raises((LogRolledBack, LogDamaged)):
            force.open(MemoryStorage(files))


def test_a_checkpoint_signed_by_another_key_is_refused(force):
    force.grown(5)
    force.place.note = force.place.note.replace("\n5\n", "\n6\n")
    with pytest.raises(NoteRejected):
        force.open()


def test_a_damaged_tile_ends_in_an_error_and_never_in_a_wrong_proof(force):
    log = force.grown(600)
    for path in ("tile/0/000", "tile/1/000.p/2", "tile/entries/000"):
        files = dict(force.storage.files)
        files[path] = files[path][:40] + bytes([files[path][40] ^ 1]) + files[path][41:]
        log.storage = MemoryStorage(files)
        with pytest.raises(LogDamaged):
            log.tlog_proof(4 if "entries" in path else 0)


def test_files_that_no_checkpoint_covers_are_removed_and_all_others_kept(force):
    force.grown(300)
    files = dict(force.storage.files)
    stray = {"tile/0/001": b"x", "tile/0/001.p/45": b"x", "tile/entries/002.p/7": b"x", "tile/1/000.p/2": b"x"}
    stray["tile/entries/001"] = b"x"
    force.storage.files |= stray
    assert set(discard_uncovered(force.storage, 300)) == set(stray)
    assert force.storage.files == files
