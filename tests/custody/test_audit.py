"""The auditor rebuilds everything and names what does not agree."""

import pytest

from openbwv.custody import MemoryStorage, audit
from openbwv.custody.tiles import tiles_of
from tests.custody.conftest import Force, entries

SIZE = 700


@pytest.fixture(scope="module")
def grown() -> Force:
    force = Force()
    force.grown(SIZE)
    return force


def audited(force: Force, files: dict[str, bytes], known=()):
    return audit(MemoryStorage(files), vkey=force.vkey, known=list(known))


def test_a_true_log_has_no_findings_and_every_entry_is_visited(grown):
    seen = []
    result = audit(
        grown.storage,
        vkey=grown.vkey,
        known=[grown.place.note],
        visit=lambda index, entry: seen.append((index, entry)),
    )
    assert result.ok
    assert result.checkpoint.size == SIZE
    assert seen == list(enumerate(entries(SIZE)))


@pytest.mark.parametrize("path", [tile.path for tile in tiles_of(SIZE)])
def test_one_changed_byte_in_any_file_is_found_and_named(grown, path):
    data = grown.storage.files[path]
    for place in {0, 2, len(data) // 2, len(data) - 1}:
        files = dict(grown.storage.files)
        files[path] = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        result = audited(grown, files)
        assert not result.ok
        codes = {finding.code for finding in result.findings}
        if "entries" in path:
            assert codes & {"bundle-mismatch", "tile-mismatch"}
            assert codes & {"bundle-mismatch", "root-mismatch"}
        else:
            assert [(finding.code, finding.where) for finding in result.findings] == [("tile-mismatch", path)]


@pytest.mark.parametrize("path", [tile.path for tile in tiles_of(SIZE)])
def test_a_missing_file_is_named(grown, path):
    files = dict(grown.storage.files)
    del files[path]
    (finding,) = audited(grown, files).findings
    assert finding.where == path
    assert finding.code == ("bundle-missing" if "entries" in path else "tile-missing")


def test_a_changed_checkpoint_is_found(grown):
    files = dict(grown.storage.files)
    files["checkpoint"] = files["checkpoint"].replace(b"\n700\n", b"\n699\n")
    result = audited(grown, files)
    assert result.checkpoint is None
    assert [finding.code for finding in result.findings] == ["checkpoint-bad"]
    del files["checkpoint"]
    assert [finding.code for finding in audited(grown, files).findings] == ["log-missing"]


def test_entry_and_tile_changed_together_still_miss_the_root(grown):
    """Who can write every file but cannot sign: all tiles agree with the entries, the signed root does not."""
    forged = Force()
    log = forged.create()
    every = entries(SIZE)
    every[123] = b"a nicer story"
    log.append(every)
    files = {**forged.storage.files, "checkpoint": grown.storage.files["checkpoint"]}
    assert [finding.code for finding in audited(grown, files).findings] == ["root-mismatch"]


def test_a_rewritten_log_that_is_signed_again_is_found_by_a_checkpoint_kept_elsewhere(grown):
    forged = Force()
    log = forged.create()
    every = entries(SIZE + 1)
    every[123] = b"a nicer story"
    log.append(every)
    assert audited(grown, forged.storage.files).ok, "alone it is consistent with itself"
    result = audited(grown, forged.storage.files, [grown.place.note])
    assert [(finding.code, finding.where) for finding in result.findings] == [("log-forked", f"size {SIZE}")]


def test_a_log_that_was_rolled_back_is_found_by_a_checkpoint_kept_elsewhere(grown):
    shorter = Force()
    shorter.grown(SIZE - 1)
    result = audited(grown, shorter.storage.files, [grown.place.note])
    assert [finding.code for finding in result.findings] == ["log-rolled-back"]


def test_every_known_checkpoint_on_the_way_is_compared(grown):
    notes = []
    force = Force()
    log = force.create()
    notes.append(force.place.note)
    every = entries(SIZE)
    for size in (1, 255, 256, 257, 300, 512, 699, 700):
        log.append(every[log.size : size])
        notes.append(force.place.note)
    assert audited(force, force.storage.files, notes).ok
    result = audited(force, force.storage.files, [*notes, "no note"])
    assert [finding.code for finding in result.findings] == ["checkpoint-bad"]


def test_an_empty_log_is_fine(force):
    force.create()
    assert audit(force.storage, vkey=force.vkey).ok


def test_a_bundle_with_one_entry_too_few_or_too_many_is_found(grown):
    for data in (
        grown.storage.files["tile/entries/001"] + b"\0\1x",
        grown.storage.files["tile/entries/001"][: -2 - len(b"entry 511")],
    ):
        result = audited(grown, {**grown.storage.files, "tile/entries/001": data})
        assert result.findings[0].code == "bundle-mismatch"
