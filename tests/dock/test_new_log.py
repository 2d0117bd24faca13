"""After a restore the custody log begins anew: dock and camera go over to it once the agency certified its key."""

import json

import pytest

from openbwv.camera.offload import main
from tests.dock.devices import wait_for
from tests.dock.force import Force, make_recording
from tests.dock.test_offload import folder, left, party, put, visit  # noqa: F401  fixtures

NEXT = "thornbury.example/log/generation-2"


@pytest.fixture
def force():
    return Force()


def offload(folder, dock):  # noqa: F811
    return main(["--store", str(folder), "--dock", dock.camera_url, "--wait-receipts", "40", "--json"])


def test_a_new_generation_is_taken_up_by_the_dock_and_by_the_camera_behind_it(force, server, dock, party, folder):  # noqa: F811
    put(folder, make_recording(force, party))
    offload(folder, dock)
    assert left(folder) == []
    force.begin_log(NEXT)
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


def test_a_camera_does_not_go_back_to_the_log_before(force, server, party, folder):  # noqa: F811
    before = force.vkey, force.log_chain, force.storage, force.log
    force.begin_log(NEXT)
    force.event(make_recording(force, party).facts())
    assert visit(folder, server.url)["alarms"] == []
    pinned = (folder / "identity" / "log.vkey").read_text()
    anchor = (folder / "identity" / "anchor.json").read_text()
    assert pinned == force.vkey
    force.vkey, force.log_chain, force.storage, force.log = before
    recording = make_recording(force, party)
    put(folder, recording)
    result = visit(folder, server.url)
    assert any("later generation" in each for each in result["alarms"])
    assert left(folder) == [recording.rec_id.hex()]  # its receipt proves a place in the old log alone
    assert (folder / "identity" / "log.vkey").read_text() == pinned
    assert (folder / "identity" / "anchor.json").read_text() == anchor


def test_a_new_log_that_the_agency_did_not_certify_is_not_taken_up(force, server, party, folder):  # noqa: F811
    pinned = force.vkey
    force.begin_log(NEXT)
    force.log_chain = Force().log_chain
    recording = make_recording(force, party)
    put(folder, recording)
    result = visit(folder, server.url)
    assert any("A new key of the custody log is refused" in each for each in result["alarms"])
    assert (folder / "identity" / "log.vkey").read_text() == pinned
    assert left(folder) == [recording.rec_id.hex()]
