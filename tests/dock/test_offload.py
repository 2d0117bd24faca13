"""The real camera store emptied into a real dock: forged receipts, wipes, assignments, time, the log's checkpoint."""

import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from openbwv import recording as r
from openbwv.camera.docking import Docking
from openbwv.camera.identity import load_identity
from openbwv.camera.journal import Journal
from openbwv.camera.offload import assign_main, main, offload_once
from openbwv.camera.store import Store
from openbwv.camera.timing import CameraClock
from openbwv.custody import EventType
from openbwv.shared import upload
from openbwv.shared.agency import Profile
from openbwv.shared.clock import SystemClock
from openbwv.shared.door import DoorError, DoorUnreachable
from tests.dock.devices import Camera, DockProcess, make_dock_store, page, wait_for
from tests.dock.fake_door import running
from tests.dock.force import Force, make_recording
from tests.dock.proxy import CuttingProxy
from tests.dock.test_way_home import receipts_of

CLOCK = SystemClock()


@pytest.fixture
def party(force):
    return force.camera()


@pytest.fixture
def folder(force, party, tmp_path):
    """A camera's store with its identity, as enrolment leaves it."""
    identity = party.write(tmp_path / "camera" / "identity")
    (identity / "key.pem").chmod(0o600)
    (identity / "trust.pem").write_bytes(force.trust_pem)
    (identity / "epoch.cbor").write_bytes(force.epoch_message())
    (identity / "log.vkey").write_text(force.vkey)
    return tmp_path / "camera"


def put(folder, *recordings):
    for each in recordings:
        place = folder / "rec" / "2026-11-21" / each.rec_id.hex()
        place.mkdir(parents=True)
        (place / "key.cbor").write_bytes(each.key_cbor)
        (place / "manifest.cbor").write_bytes(each.manifest)
        (place / "media.bin").write_bytes(each.media)
        if each.orphan:
            (place / "orphan.bin").write_bytes(each.orphan)


def visit(folder, url, **more):
    """One offload as `camera run` calls it."""
    identity = load_identity(folder / "identity", utc_ms=CLOCK.utc_ms())
    with Store(folder).locked() as store:
        journal = Journal(store, identity.signer, identity.chain, mono_ns=CLOCK.mono_ns, utc_ms=CLOCK.utc_ms)
        journal.start(1)
        docking = Docking(
            store=store, identity=identity, journal=journal, dock_url=url, clock=CameraClock(CLOCK, identity.sync),
            told=lambda _text: None, stop=threading.Event(),
        )  # fmt: skip
        return offload_once(docking, **more)


def left(folder):
    return sorted(path.name for path in folder.glob("rec/*/*"))


def files(folder):
    return {path: path.read_bytes() for path in folder.glob("rec/*/*/*")}


def test_a_store_is_copied_receipted_wiped_and_leaves_tombstones(force, server, dock, party, folder, capsys):
    recordings = [make_recording(force, party, orphan=b"torn"), make_recording(force, party, evidential=True)]
    put(folder, *recordings)
    assert main(["--store", str(folder), "--dock", dock.camera_url, "--wait-receipts", "30", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["wiped"] == sorted(each.rec_id.hex() for each in recordings)
    assert (result["left"], result["receipts_refused"], result["alarms"]) == ([], [], [])
    assert left(folder) == []
    for each in recordings:
        assert server.stored[each.rec_id].media == each.media
        tombstone = r.Wiped.decode((folder / "receipts" / f"{each.rec_id.hex()}.wiped.cbor").read_bytes()).body
        assert tombstone.tail == each.tail
    kid = party.kid.hex()
    main(["--store", str(folder), "--dock", dock.camera_url])
    kinds = [r.parse_entry(raw).body.kind for raw in wait_for(lambda: server.journals.get(kid), "the journal")[1:]]
    wait_for(lambda: len(server.journals[kid]) > 4, "the wipes in the journal at the server")
    kinds = [r.parse_entry(raw).body.kind for raw in server.journals[kid][1:]]
    assert kinds.count(r.EventKind.WIPED) == 2


def test_without_the_servers_receipt_nothing_is_wiped(force, lone_dock, party, folder):
    put(folder, make_recording(force, party))
    before = files(folder)
    result = visit(folder, lone_dock.camera_url, wait_receipts_s=2)
    assert len(result["copied"]) == 1
    assert result["wiped"] == []
    assert files(folder) == before


def test_straight_to_the_server_without_a_dock(force, server, party, folder):
    put(folder, make_recording(force, party))
    server.not_ready = 2
    result = visit(folder, server.url, wait_receipts_s=10)
    assert left(folder) == []
    assert result["receipts_refused"] == []


RECEIPT_CHANGES = {
    "rec_id": bytes(16), "kid": bytes(32), "last_seq": 3, "tail": bytes(32), "media_length": 1,
    "media_sha256_of_cts": bytes(32), "replicas": 0, "leaf": b"\x00", "leaf_event": b"\xa0", "leaf_salt": bytes(32),
    "proof": b"c2sp.org/tlog-proof@v1\n", "orphan_length": 5, "orphan_sha256": b"\x01" * 32,
}  # fmt: skip


def forgeries(force, party, own):
    """Receipts that permit nothing, by name."""
    stranger, other_log = Force(), Force()
    another, foreign = make_recording(force, party).facts(), make_recording(force, force.camera("0999")).facts()
    for name, value in RECEIPT_CHANGES.items():
        if name.startswith("orphan"):
            yield name, force.receipt_for(replace(own, orphan_length=5, orphan_sha256=b"\x01" * 32))
        else:
            yield name, force.receipt_for(own, **{name: value})
    yield "another recording", force.receipt_for(another)
    yield "another camera", force.receipt_for(foreign)
    yield "older tail", force.receipt_for(replace(own, last_seq=own.last_seq - 1, tail=b"\x07" * 32))
    yield "dock's key", force.receipt_for(own, signer=force.party("dock-9", Profile.DOCK))
    yield "camera's key", force.receipt_for(own, signer=party)
    yield "another force", stranger.receipt_for(own)
    yield "another log", other_log.receipt_for(own, signer=force.receipt)
    yield "another kind of event", force.receipt_for(own, event_changes={"type": int(EventType.VIEW)})
    yield "junk", b"\xd2\x84"


def test_no_forged_receipt_wipes_anything_and_the_true_one_still_does(force, party, folder, monkeypatch):
    recording = make_recording(force, party)
    put(folder, recording)
    before = files(folder)
    identity = load_identity(folder / "identity", utc_ms=CLOCK.utc_ms())
    with Store(folder).locked() as store:
        docking = Docking(
            store=store, identity=identity, journal=None, dock_url="https://127.0.0.1:9",
            clock=CameraClock(CLOCK, None), told=lambda _text: None, stop=threading.Event(),
        )  # fmt: skip
        count = 0
        for name, receipt in forgeries(force, party, recording.facts()):
            docking.judge(receipt)
            assert files(folder) == before, name
            count += 1
        assert count > 20
        assert docking.wiped == []
        docking.home.revoked = frozenset([force.receipt.kid])
        docking.judge(force.receipt_for(recording.facts()))
        assert files(folder) == before, "revoked by the door's list"
        docking.home.revoked = frozenset()
        (folder / "identity" / "crl.pem").write_bytes(force.crl(force.receipt))
        docking.judge(force.receipt_for(recording.facts()))
        assert files(folder) == before, "revoked by the agency's list"
        (folder / "identity" / "crl.pem").unlink()
        (folder / "identity" / "log.vkey").unlink()
        docking.judge(force.receipt_for(recording.facts()))
        assert files(folder) == before, "no log key pinned"
        (folder / "identity" / "log.vkey").write_text(force.vkey)
        docking.judge(force.receipt_for(recording.facts()))
        assert docking.wiped == [recording.rec_id]


def test_a_lying_dock_that_hands_out_forged_receipts_wipes_nothing(force, server, party, folder):
    recording = make_recording(force, party)
    put(folder, recording)
    server.tamper = lambda _true: force.receipt_for(recording.facts(), signer=force.party("dock-9", Profile.DOCK))
    result = visit(folder, server.url, wait_receipts_s=1)
    assert result["wiped"] == []
    assert "certificate is for dock" in result["receipts_refused"][0]
    assert left(folder) == [recording.rec_id.hex()]


def test_an_open_recording_is_announced_but_neither_completed_nor_wiped(force, lone_dock, party, folder):
    recording = make_recording(force, party, closed=False)
    put(folder, recording)
    result = visit(folder, lone_dock.camera_url)
    assert result["copied"] == []
    assert left(folder) == [recording.rec_id.hex()]
    spool = lone_dock.store / "spool" / party.kid.hex() / recording.rec_id.hex()
    assert (spool / "manifest.cbor").read_bytes() == recording.manifest


def test_what_a_power_cut_left_open_is_recovered_before_it_is_offloaded(force, server, party, folder, capsys):
    cut = make_recording(force, party, closed=False)
    put(folder, cut)
    with (folder / "rec" / "2026-11-21" / cut.rec_id.hex() / "media.bin").open("ab") as media:
        media.write(b"bytes that nobody signed")
    assert main(["--store", str(folder), "--dock", server.url, "--wait-receipts", "20", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["wiped"], result["left"]) == ([cut.rec_id.hex()], [])
    close = server.stored[cut.rec_id].reader
    assert close.closed
    assert b"bytes that nobody signed" in server.stored[cut.rec_id].orphan
    journal = r.JournalReader().feed((folder / "journal.cbor").read_bytes())
    assert r.EventKind.RECOVERED in [getattr(e.body, "kind", None) for e in journal]


def test_a_damaged_recording_is_told_kept_and_does_not_hold_up_the_others(force, lone_dock, party, folder):
    good, bad = make_recording(force, party), make_recording(force, party)
    put(folder, good, bad)
    manifest = folder / "rec" / "2026-11-21" / bad.rec_id.hex() / "manifest.cbor"
    data = bytearray(manifest.read_bytes())
    data[len(data) // 2] ^= 1
    manifest.write_bytes(data)
    result = visit(folder, lone_dock.camera_url)
    assert result["copied"] == [good.rec_id.hex()]
    assert list(result["held_up"]) == [bad.rec_id.hex()]
    assert manifest.exists()


def test_media_damaged_on_the_camera_is_refused_by_the_dock_kept_aside_and_told(force, lone_dock, party, folder):
    recording = make_recording(force, party)
    put(folder, recording)
    media = folder / "rec" / "2026-11-21" / recording.rec_id.hex() / "media.bin"
    data = bytearray(media.read_bytes())
    data[2500] ^= 1
    media.write_bytes(data)
    result = visit(folder, lone_dock.camera_url)
    assert "differs from what its camera signed" in result["held_up"][recording.rec_id.hex()]
    aside = list((lone_dock.store / "spool" / party.kid.hex() / "aside").iterdir())
    assert [path.read_bytes() for path in aside] == [bytes(data)]


def test_the_connection_breaks_again_and_again_and_it_goes_on_by_itself(force, lone_dock, party, folder, monkeypatch):
    monkeypatch.setattr(upload, "missing_runs", _small(upload.missing_runs))
    recording = make_recording(force, party, fragments=16, size=200_000)
    put(folder, recording)
    proxy = CuttingProxy(lone_dock.ports[0])
    proxy.cut_after(900_000)
    cutter = threading.Timer(1.2, lambda: proxy.cut_after(900_000))
    cutter.start()
    try:
        result = visit(folder, proxy.url)
    finally:
        cutter.cancel()
        proxy.close()
    assert proxy.cuts >= 1
    assert result["copied"] == [recording.rec_id.hex()]


def _small(real):
    return lambda fragments, held: real(fragments, held, target_bytes=600_000)


def test_a_camera_killed_in_the_middle_of_its_offload_goes_on_where_it_was(force, lone_dock, party, folder):
    recording = make_recording(force, party, fragments=40, size=1_500_000)
    put(folder, recording)
    code = "import sys; from openbwv.camera.offload import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "--store", str(folder), "--dock", lone_dock.camera_url]
    spool = lone_dock.store / "spool" / party.kid.hex() / recording.rec_id.hex()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(lambda: list(spool.glob("*.part")), "the first part")
    process.kill()
    process.wait(10)
    assert not (spool / "custody.cbor").exists()
    assert list(visit(folder, lone_dock.camera_url)["copied"]) == [recording.rec_id.hex()]
    assert b"".join(path.read_bytes() for path in sorted(spool.glob("*.part"))) == recording.media


def test_a_dock_that_is_not_there_is_named(folder, monkeypatch):
    monkeypatch.setattr("openbwv.camera.offload.FIRST_WAIT_S", 0.01)
    with pytest.raises(DoorUnreachable, match="cannot be reached"):
        visit(folder, "https://127.0.0.1:9", tries=3)


def test_taking_a_camera_on_the_page_reaches_the_camera(force, server, dock, party, folder, capsys):
    visit(folder, dock.camera_url)
    form = {"username": "avery", "password": "officer-secret", "hours": "12"}
    assert page(dock, "/take", camera=party.kid.hex(), **form).status_code == 200
    assert assign_main(["--store", str(folder), "--dock", dock.camera_url, "--wait", "10", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["assigned"] is True
    given = load_identity(folder / "identity", utc_ms=CLOCK.utc_ms()).assignment
    assert given.camera_kid == party.kid
    journal = r.JournalReader().feed((folder / "journal.cbor").read_bytes())
    assert sum(1 for e in journal if getattr(e.body, "kind", None) == r.EventKind.ASSIGNED) == 1
    visit(folder, dock.camera_url)
    journal = r.JournalReader().feed((folder / "journal.cbor").read_bytes())
    assert sum(1 for e in journal if getattr(e.body, "kind", None) == r.EventKind.ASSIGNED) == 1


def test_hello_sets_the_clock_and_brings_home_epoch_key_profile_and_checkpoint(force, server, dock, party, folder):
    def anchored():
        return json.loads((identity / "anchor.json").read_text())["size"]

    identity = folder / "identity"
    force.event(make_recording(force, party).facts())
    wait_for(lambda: "The server is reached" in page(dock).text, "the dock to reach the server")
    visit(folder, dock.camera_url)
    clock = json.loads((identity / "clock.json").read_text())
    assert abs(clock["offset_ms"]) < 2000
    assert clock["uncertainty_ms"] >= 1
    assert json.loads((identity / "profile.json").read_text()) == {"name": "standard"}
    size = anchored()  # the dock may have asked just before the event
    assert 0 < size <= force.reader.checkpoint().size
    for _ in range(3):
        force.event(make_recording(force, party).facts())
    visit(folder, server.url)  # the consistency proof is fetched and holds
    assert anchored() == force.reader.checkpoint().size > size


def test_a_log_that_contradicts_what_the_camera_saw_is_an_alarm(force, server, party, folder):
    force.event(make_recording(force, party).facts())
    anchor = {"origin": "thornbury.example/log", "size": 1, "root": "11" * 32, "nonce": ""}
    path = folder / "identity" / "anchor.json"
    path.write_text(json.dumps(anchor))
    result = visit(folder, server.url)
    assert "contradicts what this camera saw" in result["alarms"][0]
    assert json.loads(path.read_text()) == anchor


def test_what_another_agency_signed_is_not_taken_home(force, server, party, folder):
    true = (folder / "identity" / "epoch.cbor").read_bytes()
    forger = Force()
    server.force = _Mixed(force, forger)
    result = visit(folder, server.url)
    assert any("epoch key" in each for each in result["alarms"])
    assert (folder / "identity" / "epoch.cbor").read_bytes() == true


class _Mixed:
    """The true force, but its epoch key comes from a forger."""

    def __init__(self, force, forger):
        self._force = force
        self.epoch_message = forger.epoch_message

    def __getattr__(self, name):
        return getattr(self._force, name)


@pytest.mark.parametrize("name", ["Lewisham-2", "door of thornbury.example/log", ""])
def test_a_dock_that_hands_on_another_doors_hello_gets_no_signature(force, folder, tmp_path, name):
    """It could answer the server's nonce with it and speak there as this camera, also when itself revoked."""
    party = force.party("Lewisham-1", Profile.DOCK, hosts=["127.0.0.1"])
    with (
        running(force, tmp_path / "relay", party=party, door_name=name) as relay,
        pytest.raises(DoorError, match="another door"),
    ):
        visit(folder, relay.url)
    with running(force, tmp_path / "honest", party=party, door_name="Lewisham-1") as honest:
        assert visit(folder, honest.url)["bytes_sent"] == 0


def test_a_dock_whose_name_no_certificate_can_hold_greets_under_its_certificates(force, server, folder, tmp_path):
    party = force.party("Lewisham-front-desk", Profile.DOCK, hosts=["127.0.0.1"])
    make_dock_store(force, tmp_path / "dock", door_url=server.url, name="Lewisham, front desk", party=party)
    dock = DockProcess(tmp_path / "dock").start()
    try:
        assert visit(folder, dock.camera_url)["bytes_sent"] == 0
    finally:
        dock.stop()


def test_a_log_that_grew_since_the_dock_last_heard_of_it_is_no_contradiction(force, server, dock, folder, tmp_path):
    """The server proves growth up to its newest checkpoint alone; the dock's may be a minute old."""
    force.event(make_recording(force, force.camera("0419")).facts())
    wait_for(lambda: "The server is reached" in page(dock).text, "the dock to reach the server")
    visit(folder, dock.camera_url)
    anchor = folder / "identity" / "anchor.json"
    before = json.loads(anchor.read_text())["size"]
    other = Camera(force, tmp_path / "cameras", "0418")
    other.recordings = [make_recording(force, other.party)]
    force.event(other.recordings[0].facts())
    known = force.reader.note()
    server.tokens.clear()
    other.offload(dock.camera_url)  # has the dock say hello again
    wait_for(lambda: (dock.store / "identity" / "checkpoint").read_text() == known, "the dock to hear of one entry")
    wait_for(lambda: receipts_of(other, dock), "another, of which it does not")
    assert visit(folder, dock.camera_url)["alarms"] == []
    assert json.loads(anchor.read_text())["size"] == force.reader.checkpoint().size > before
