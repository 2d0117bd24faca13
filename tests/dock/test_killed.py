"""The dock's real process killed with SIGKILL at each step: the camera goes on where it was, nothing is there twice."""

import pytest

from openbwv.shared.door import DoorError
from openbwv.shared.receipts import check_evidence_receipt
from openbwv.shared.revocation import Revocations
from tests.dock.devices import DockProcess, make_dock_store, wait_for
from tests.dock.force import make_recording
from tests.dock.test_way_home import receipts_of, spool_folders
from tests.scenarios.killing import Kill, Orders

HELD, DURABLE, SPOOL = "dock.held:HeldRecording.", "shared.durable:", "dock.spool:"
KILLS = [
    Kill("dock", HELD + "add_entries", "after"),  # appended, not answered
    Kill("dock", HELD + "add_key", "after"),
    Kill("dock", "dock.intake:PartIntake.feed", "after"),  # in the middle of a part
    Kill("dock", HELD + "note_part", "before"),  # the part named, not counted
    Kill("dock", "dock.intake:PartIntake.commit", "after"),
    Kill("dock", SPOOL + "custody_file", "before"),  # everything here, no custody receipt
    Kill("dock", SPOOL + "Spool.release", "before"),  # at the server, its receipt not kept
    Kill("dock", SPOOL + "Spool.add_receipt", "after"),  # its receipt kept, the copy still here
    Kill("dock", SPOOL + "Spool.release", "after"),
]
MORE = [
    Kill("dock", HELD + "add_entries", "before"),
    Kill("dock", DURABLE + "append_durably", "before"),
    Kill("dock", DURABLE + "append_durably", "after"),
    Kill("dock", HELD + "add_key", "before"),
    Kill("dock", DURABLE + "NewFile.commit", "before", 2),
    Kill("dock", DURABLE + "NewFile.commit", "after", 2),
    Kill("dock", "dock.intake:PartIntake.commit", "before"),
    Kill("dock", "shared.upload:announce", "after"),
    Kill("dock", "shared.upload:send_run", "after"),
    Kill("dock", "shared.door_client:DoorClient.complete", "after"),
    Kill("dock", SPOOL + "Spool.add_receipt", "before"),
    Kill("dock", DURABLE + "remove_durably", "before"),
]


@pytest.fixture(scope="module", params=[KILLS, pytest.param(MORE, marks=pytest.mark.long)], ids=["quick", "more"])
def kills(request):
    return request.param


@pytest.mark.timeout(900)
def test_a_dock_killed_at_any_step_goes_on_to_the_same_end(force, server, camera, tmp_path, kills):
    orders = Orders(tmp_path, kills)
    make_dock_store(force, tmp_path / "dock", door_url=server.url)
    dock = DockProcess(tmp_path / "dock", environment=orders.environment("dock")).start()
    try:
        for kill in kills:
            recording = make_recording(force, camera.party, orphan=b"torn bytes")
            camera.recordings.append(recording)
            orders.give(kill)
            wait_for(lambda: died(camera, dock, orders), f"{kill}", timeout_s=90)
            dock.kill()
            dock.start()
            wait_for(lambda: offloaded(camera, dock), "a whole offload", timeout_s=90)
        whole = len(camera.recordings)
        found = wait_for(lambda: len(got := receipts_of(camera, dock)) == whole and got, "the receipts", timeout_s=90)
        wait_for(lambda: spool_folders(dock) == [], "the copies to leave", timeout_s=90)
    finally:
        dock.stop()
    for recording in camera.recordings:
        stored = server.stored[recording.rec_id]
        assert (stored.media, stored.key, stored.orphan) == (recording.media, recording.key_cbor, recording.orphan)
        assert b"".join(stored.entries) == recording.manifest
        assert stored.receipt in found
        own = recording.facts()
        check_evidence_receipt(
            stored.receipt, own=own, trust=force.trust, log_vkey=force.vkey, revocations=Revocations()
        )
    spool = dock.store / "spool"
    assert not [path for path in spool.rglob("*") if path.name.endswith(".tmp") or path.name.startswith(".leaving")]
    assert not list(spool.glob("*/aside/*"))


def offloaded(camera, dock):
    """Offload as a camera does; say whether all of it went through, otherwise its next pass tries again."""
    try:
        return bool(camera.offload(dock.camera_url))
    except DoorError:
        return False


def died(camera, dock, orders):
    """Offload, and say whether the dock has died of it, or of what it does by itself meanwhile."""
    if not orders.obeyed():
        offloaded(camera, dock)
    return orders.obeyed()
