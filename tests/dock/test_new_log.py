"""After a restore the custody log begins anew: dock and camera go over to it once the agency certified its key."""

# ruff: noqa: F811  fixtures of another file

import json

import pytest

from openbwv.camera.offload import main
from openbwv.custody import EventType
from openbwv.recording import cbor
from openbwv.shared.door import LogBeginning
from tests.dock.devices import page, wait_for
from tests.dock.force import Force, make_recording
from tests.dock.test_offload import folder, left, party, put, visit  # noqa: F401  fixtures

NEXT = "thornbury.example/log/generation-2"


@pytest.fixture
def force():
    return Force()


def offload(folder, dock):
    return main(["--store", str(folder), "--dock", dock.camera_url, "--wait-receipts", "40", "--json"])


def test_a_new_generation_is_taken_up_by_the_dock_and_by_the_camera_behind_it(force, server, dock, party, folder):
    put(folder, make_recording(force, party))
    offload(folder, dock)
    assert left(folder) == []
    force.begin_next_log(NEXT)
    force.event(make_recording(force, party).facts())
    server.tokens.clear()  # the dock says hello again
    second = make_recording(force, party)
    put(folder, second)
    visit(folder, dock.camera_url)
    facts = dock.store / "identity" / "dock.json"
    wait_for(lambda: json.loads(facts.read_text())["log_vkey"] == force.vkey, "the dock to pin the new key", 30)
    offload(folder, dock)
    assert left(folder) == [], (dock.store / "log.txt").read_text()
    assert (folder / "identity" / "log.vkey").read_text() == force.vkey
    assert json.loads((folder / "identity" / "anchor.json").read_text())["origin"] == NEXT


def test_a_camera_does_not_go_back_to_the_log_before(force, server, party, folder):
    before = force.vkey, force.log_chain, force.storage, force.log, force.first
    force.begin_next_log(NEXT)
    force.event(make_recording(force, party).facts())
    assert visit(folder, server.url)["alarms"] == []
    pinned = (folder / "identity" / "log.vkey").read_text()
    anchor = (folder / "identity" / "anchor.json").read_text()
    assert pinned == force.vkey
    force.vkey, force.log_chain, force.storage, force.log, force.first = before
    recording = make_recording(force, party)
    put(folder, recording)
    result = visit(folder, server.url)
    assert any("later generation" in each for each in result["alarms"])
    assert left(folder) == [recording.rec_id.hex()]  # its receipt proves a place in the old log alone
    assert (folder / "identity" / "log.vkey").read_text() == pinned
    assert (folder / "identity" / "anchor.json").read_text() == anchor


def test_a_new_log_that_the_agency_did_not_certify_is_not_taken_up(force, server, party, folder):
    pinned = force.vkey
    force.begin_log(NEXT)
    force.log_chain = Force().log_chain
    recording = make_recording(force, party)
    put(folder, recording)
    result = visit(folder, server.url)
    assert any("A new key of the custody log is refused" in each for each in result["alarms"])
    assert (folder / "identity" / "log.vkey").read_text() == pinned
    assert left(folder) == [recording.rec_id.hex()]


def another_root(force):
    force.begin_next_log(NEXT, old_root="00" * 32)


def fewer_entries(force):
    force.begin_next_log(NEXT, old_size=force.reader.checkpoint().size - 1)


def another_log(force):
    force.begin_next_log(NEXT, old_origin="thornbury.example/log/generation-7")


def something_else(force):
    """A first entry that names the true end, but is no beginning of a generation."""
    end = force.reader.checkpoint()
    force.begin_log(NEXT)
    details = {"old_origin": end.origin, "old_size": end.size, "old_root": end.root.hex()}
    force.log_first(details=details, type_=EventType.RESTORE)


def a_later_entry(force):
    """The true words, but not as the first entry."""
    end = force.reader.checkpoint()
    force.begin_log(NEXT)
    force.log_first(details={})
    force.log_first(details={"old_origin": end.origin, "old_size": end.size, "old_root": end.root.hex()})
    force.beginning = lambda: LogBeginning(*force.first, force.reader.tlog_proof(1))


def other_words(force):
    """An event that the entry does not commit to."""
    end = force.reader.checkpoint()
    force.begin_next_log(NEXT, old_root="00" * 32)
    entry, event, salt = force.first
    told = cbor.decode(event)
    told["details"]["old_root"] = end.root.hex()
    force.first = entry, cbor.encode(told), salt


ATTACKS = [another_root, fewer_entries, another_log, something_else, a_later_entry, other_words]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_new_generation_that_names_another_end_of_the_old_one_is_refused_and_wipes_nothing(
    force,
    server,
    party,
    folder,
    attack,
):
    """By a camera that saw the old log at its last entry. The new key is certified, and its receipts are true."""
    force.event(make_recording(force, party).facts())
    assert visit(folder, server.url)["alarms"] == []
    pinned = (folder / "identity" / "log.vkey").read_text()
    anchor = (folder / "identity" / "anchor.json").read_text()
    attack(force)
    recording = make_recording(force, party)
    put(folder, recording)
    result = visit(folder, server.url)
    assert any("A new key of the custody log is refused: its first entry" in each for each in result["alarms"])
    assert left(folder) == [recording.rec_id.hex()]
    assert (folder / "identity" / "log.vkey").read_text() == pinned
    assert (folder / "identity" / "anchor.json").read_text() == anchor


@pytest.mark.parametrize("attack", [another_root, fewer_entries])
def test_a_dock_refuses_it_too_also_after_a_restart_and_keeps_its_copy(force, server, dock, party, folder, attack):
    force.event(make_recording(force, party).facts())
    known = dock.store / "identity" / "checkpoint"
    server.tokens.clear()
    put(folder, make_recording(force, party))
    offload(folder, dock)
    server.tokens.clear()
    dock.kill()
    dock.start()
    wait_for(lambda: known.exists() and known.read_text() == force.reader.note(), "the newest checkpoint")
    pinned = json.loads((dock.store / "identity" / "dock.json").read_text())["log_vkey"]
    dock.kill()
    attack(force)
    server.tokens.clear()
    dock.start()
    recording = make_recording(force, party)
    put(folder, recording)
    visit(folder, dock.camera_url)
    wait_for(lambda: server.stored.get(recording.rec_id) and server.stored[recording.rec_id].receipt, "the receipt")
    wait_for(lambda: "Held up: The evidence receipt is refused" in page(dock).text, "the dock to refuse it")
    assert left(folder) == [recording.rec_id.hex()]
    assert [path.name for path in (dock.store / "spool").glob("*/*") if len(path.name) == 32] == [
        recording.rec_id.hex()
    ]
    assert json.loads((dock.store / "identity" / "dock.json").read_text())["log_vkey"] == pinned
    assert "its first entry" in (dock.store / "log.txt").read_text()
