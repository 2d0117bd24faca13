"""From a camera through the dock to the server, and the receipt back."""

import signal

from openbwv import recording as r
from openbwv.shared.receipts import check_evidence_receipt
from openbwv.shared.revocation import Revocations
from tests.dock.devices import DockProcess, make_dock_store, page, wait_for
from tests.dock.force import make_recording


def spool_folders(dock):
    return [path for path in (dock.store / "spool").glob("*/*") if len(path.name) == 32]


def receipts_of(camera, dock):
    with camera.client(dock.camera_url) as client:
        client.greet()
        return client.receipts(camera.party.kid)


def test_what_the_camera_holds_reaches_the_server_byte_for_byte_and_the_receipt_comes_back(force, server, dock, camera):
    server.not_ready = 1
    camera.recordings = [make_recording(force, camera.party, orphan=b"torn bytes"), make_recording(force, camera.party)]
    for data, recording in zip(camera.offload(dock.camera_url), camera.recordings, strict=True):
        custody = r.CustodyReceipt.decode(data, trust=force.trust).body
        assert (custody.tail, custody.dock) == (recording.tail, "Lewisham-1")
    receipts = wait_for(lambda: len(got := receipts_of(camera, dock)) == 2 and got, "both evidence receipts")
    for recording in camera.recordings:
        stored = server.stored[recording.rec_id]
        assert (stored.media, stored.key, stored.orphan) == (recording.media, recording.key_cbor, recording.orphan)
        assert b"".join(stored.entries) == recording.manifest
        assert stored.receipt in receipts
        check_evidence_receipt(
            stored.receipt, own=recording.facts(), trust=force.trust, log_vkey=force.vkey, revocations=Revocations()
        )
    assert spool_folders(dock) == []


def test_the_spool_holds_no_plaintext(force, lone_dock, camera):
    recording = make_recording(force, camera.party)
    camera.recordings = [recording]
    camera.offload(lone_dock.camera_url)
    files = [path.read_bytes() for path in (lone_dock.store / "spool").rglob("*") if path.is_file()]
    assert any(recording.media[:64] in data for data in files)
    for plain in recording.plaintexts:
        for start in range(0, len(plain) - 64, 64):
            assert not any(plain[start : start + 64] in data for data in files)


def test_without_a_server_the_camera_is_copied_and_gets_no_evidence_receipt(force, lone_dock, camera):
    camera.recordings = [make_recording(force, camera.party)]
    assert len(camera.offload(lone_dock.camera_url)) == 1
    assert receipts_of(camera, lone_dock) == []
    text = page(lone_dock).text
    assert "Copied, not wiped" in text
    assert "The server is not reached" in text


def test_the_dock_goes_on_after_a_kill_with_what_its_spool_says(force, server, camera, tmp_path, dock):
    server.stop()
    camera.recordings = [make_recording(force, camera.party, fragments=20, size=50_000) for _ in range(3)]
    camera.offload(dock.camera_url)
    dock.kill(signal.SIGKILL)
    server.start()
    dock.start()
    wait_for(lambda: all(server.stored.get(x.rec_id) and server.stored[x.rec_id].receipt for x in camera.recordings),
             "the server to hold all three")  # fmt: skip
    assert [server.stored[x.rec_id].media for x in camera.recordings] == [x.media for x in camera.recordings]
    wait_for(lambda: len(receipts_of(camera, dock)) == 3, "the receipts at the dock")


def test_the_server_goes_away_and_comes_back(force, server, dock, camera):
    camera.recordings = [make_recording(force, camera.party)]
    camera.offload(dock.camera_url)
    wait_for(lambda: receipts_of(camera, dock), "the first receipt")
    server.stop()
    camera.recordings = [make_recording(force, camera.party)]
    camera.offload(dock.camera_url)
    wait_for(lambda: "The server is not reached" in page(dock).text, "the page to say so")
    server.start()
    wait_for(lambda: receipts_of(camera, dock), "the second receipt")


def test_urgent_recordings_reach_the_server_first_after_all_manifests(force, server, camera, tmp_path):
    """One part at a time, so that the order in which they come is the order in which they were chosen."""
    make_dock_store(force, tmp_path / "dock", door_url=server.url)
    dock = DockProcess(tmp_path / "dock", "--parts-at-once", "1").start()
    try:
        judge_order(force, server, camera, dock)
    finally:
        dock.stop()


def judge_order(force, server, camera, dock):
    server.stop()
    plain = make_recording(force, camera.party, rc=1)
    marked = make_recording(force, camera.party, rc=2, marker=True)
    flagged = make_recording(force, camera.party, rc=3, evidential=True)
    signalled = make_recording(force, camera.party, rc=4, signal=True)
    camera.recordings = [plain, marked, flagged, signalled]
    camera.offload(dock.camera_url)
    server.requests.clear()
    server.start()
    wait_for(lambda: all(s.receipt for s in server.stored.values()) and len(server.stored) == 4, "all receipts")
    puts = [path for method, path in server.requests if method == "PUT"]
    first_media = next(index for index, path in enumerate(puts) if "/parts/" in path)
    assert sum("/manifest" in path for path in puts[:first_media]) == 4
    order = [path.split("/")[2] for path in puts if "/parts/" in path]
    assert order == [each.rec_id.hex() for each in (flagged, signalled, marked, plain)]


def test_a_forged_receipt_does_not_empty_the_spool(force, server, dock, camera):
    server.tamper = lambda receipt: force.receipt_for(make_recording(force, camera.party).facts())
    camera.recordings = [make_recording(force, camera.party)]
    camera.offload(dock.camera_url)
    wait_for(lambda: "Held up: The evidence receipt is refused" in page(dock).text, "the page to say it is held up")
    assert len(spool_folders(dock)) == 1
    assert receipts_of(camera, dock) == []


def test_receipts_that_another_dock_earned_are_fetched_for_a_camera(force, server, dock, camera):
    recording = make_recording(force, camera.party)
    camera.recordings = [recording]
    with camera.client(server.url) as client:  # straight to the server, as another dock would have done
        client.greet()
        from openbwv.shared import upload
        from tests.dock.devices import parcel

        upload.announce(client, parcel(recording))
        upload.send_media(client, parcel(recording), progress=upload.Progress())
        upload.finish(client, parcel(recording))
    wait_for(lambda: receipts_of(camera, dock), "the receipt to be fetched")


def test_a_journal_is_carried_to_the_server(force, server, dock, camera):
    import os

    journal = r.JournalBuilder(chain_id=os.urandom(16), signer=camera.party.signer, chain=list(camera.party.chain))
    entries = [journal.open(r.JournalBody(bt=1), mono_ns=1)]
    entries += [journal.event(r.EventKind.HEARTBEAT, mono_ns=n, public={1: 0}) for n in range(2, 6)]
    with camera.client(dock.camera_url) as client:
        client.greet()
        client.put_journal(camera.party.kid, from_seq=0, entries=b"".join(entries[:3]))
        assert client.journal_held(camera.party.kid) == 3
        client.put_journal(camera.party.kid, from_seq=3, entries=b"".join(entries[3:]))
    kid = camera.party.kid.hex()
    wait_for(lambda: server.journals.get(kid) == entries, "the journal at the server")


def test_a_recording_that_is_at_the_server_may_be_offered_again(force, server, dock, camera):
    """A camera that has not heard of the receipt yet goes through all of it once more, and is told that it is done."""
    camera.recordings = [make_recording(force, camera.party, orphan=b"torn bytes")]
    [custody] = camera.offload(dock.camera_url)
    wait_for(lambda: spool_folders(dock) == [], "the copy to leave")
    [again] = camera.offload(dock.camera_url)
    bodies = [r.CustodyReceipt.decode(each, trust=force.trust).body for each in (custody, again)]
    assert bodies[0].tail == bodies[1].tail
    assert spool_folders(dock) == []
