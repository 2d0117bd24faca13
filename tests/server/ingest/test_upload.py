"""One recording through the door: whole, in any order, twice, overlapping, changed, broken off, disk full."""

import base64
import json
import secrets

import pytest

from openbwv.recording import EvidenceReceipt, Trust
from openbwv.server.evidence.models import Recording, State
from openbwv.server.ingest import side_objects
from openbwv.server.ingest.aside import aside_store
from openbwv.server.ingest.models import Aside, Receipt
from openbwv.server.trail.models import Event
from openbwv.server.vault.force import force
from openbwv.server.vault.models import KeyWrap, ManifestPart, Part, PendingKey, StoredObject
from openbwv.server.vault.store import vault_store
from openbwv.shared import durable
from tests.server.footage import sha256
from tests.server.ingest.conftest import NoAnswer


def record(door, **options):
    return door.camera.record(utc_ms=door.clock.utc_ms(), **options)


def put(door, footage, seq, data, **options):
    return door.ask("PUT", f"/recordings/{footage.hex}/parts/{seq}", data, **options)[:2]


def held(door, footage):
    return door.ask("GET", f"/recordings/{footage.hex}/parts")[1]["parts"]


def digest(data):
    return {"content-digest": f"sha-256=:{base64.b64encode(sha256(data)).decode()}:"}


def code(answer):
    return answer["error"]["code"]


def files():
    return set(vault_store().keys())


def test_a_recording_goes_in_and_a_receipt_comes_out(door, running_log):
    footage = record(door)
    receipt = EvidenceReceipt.decode(door.upload(footage), trust=Trust.load(force().trust_pem)).body
    assert (receipt.rec_id, receipt.kid, receipt.tail) == (footage.rec_id, door.camera.kid, footage.tail)
    assert (receipt.last_seq, receipt.media_length) == (footage.last_seq, len(footage.media))
    assert receipt.media_sha256_of_cts == sha256(b"".join(sha256(data) for _, data in footage.sealed))
    recording = Recording.objects.get()
    assert recording.state == State.STORED
    assert recording.closed
    assert recording.camera == door.camera_row
    assert KeyWrap.objects.count() == 1
    assert PendingKey.objects.count() == 0
    assert [event.slug for event in recording.events.all()][-1] == "ingest"


def test_it_is_in_the_library_as_soon_as_its_entries_are(door):
    footage = record(door)
    door.announce(footage)
    assert Recording.objects.get().state == State.ANNOUNCED
    door.send(footage)
    assert Recording.objects.get().state == State.ARRIVING


def test_everything_twice_changes_nothing(door, running_log):
    footage = record(door)
    first = door.upload(footage)
    rows = StoredObject.objects.count(), Event.objects.count(), files()
    assert door.upload(footage) == first
    assert (StoredObject.objects.count(), Event.objects.count(), files()) == rows


def test_entries_may_come_one_by_one(door, running_log):
    footage = record(door)
    for seq, entry in enumerate(footage.entries):
        status, answer, _ = door.ask("PUT", f"/recordings/{footage.hex}/manifest?from={seq}", entry)
        assert (status, answer["next_seq"]) == (200, seq + 1)
    assert door.ask("GET", f"/recordings/{footage.hex}/manifest")[1] == {
        "next_seq": len(footage.entries),
        "tail": footage.tail.hex(),
    }
    door.upload(footage)
    assert ManifestPart.objects.count() == len(footage.entries)


def test_parts_in_any_order_each_cut_anew(door, running_log):
    footage = record(door, seconds=9)
    door.announce(footage)
    for first, count in ((7, 3), (0, 1), (4, 3), (1, 3)):
        seq, data = footage.part(first, count)
        assert put(door, footage, seq, data)[0] == 201
    assert held(door, footage) == [
        {"first": footage.sealed[0][0], "last": footage.sealed[-1][0], "length": len(footage.media)}
    ]
    assert door.complete(footage)[0] == 200


def test_an_overlapping_part_is_checked_whole_and_adds_only_what_is_missing(door, running_log):
    footage = record(door, seconds=9)
    door.announce(footage)
    seq, data = footage.part(2, 3)
    assert put(door, footage, seq, data)[0] == 201
    wide_seq, wide = footage.part(0, 8)
    status, answer = put(door, footage, wide_seq, wide)
    assert status == 201
    assert answer["stored"] == [footage.sealed[n][0] for n in (0, 1, 5, 6, 7)]
    newest = Part.objects.order_by("-id").first()
    assert newest.object.length == newest.length == sum(len(footage.sealed[n][1]) for n in (0, 1, 5, 6, 7))
    bad = bytearray(wide)
    bad[len(footage.sealed[0][1]) + len(footage.sealed[1][1]) + 5] ^= 1  # inside a fragment that is held already
    assert code(put(door, footage, wide_seq, bytes(bad))[1]) == "not-the-signed-bytes"
    assert put(door, footage, wide_seq, wide) == (200, {"stored": []})
    assert put(door, footage, *footage.part(8, 2))[0] == 201
    assert door.complete(footage)[0] == 200


def test_media_never_runs_ahead_of_its_entries(door):
    footage = record(door)
    seq, data = footage.part(0, 2)
    status, answer = put(door, footage, seq, data)
    assert (status, code(answer), answer["error"]["next_seq"]) == (409, "entries-first", 0)
    door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", b"".join(footage.entries[:2]))
    status, answer = put(door, footage, seq, data)
    assert (status, code(answer), answer["error"]["next_seq"]) == (409, "entries-first", 2)


@pytest.mark.parametrize("change", [-1, 1, -16, 500])
def test_a_part_ends_where_a_fragment_ends(door, change):
    footage = record(door)
    door.announce(footage)
    seq, data = footage.part(0, 2)
    data = data[:change] if change < 0 else data + b"x" * change
    status, answer = put(door, footage, seq, data)
    assert (status, code(answer)) == (409, "not-on-a-fragment-edge")
    assert held(door, footage) == []


def test_a_part_begins_at_a_fragment(door):
    footage = record(door)
    door.announce(footage)
    status, answer = put(door, footage, 0, footage.part(0, 1)[1])
    assert (status, code(answer)) == (409, "not-on-a-fragment-edge")


def test_one_changed_byte_is_not_taken_and_without_a_digest_not_kept(door):
    footage = record(door)
    door.announce(footage)
    seq, data = footage.part(0, 3)
    before = files()
    for position in (0, len(data) // 2, len(data) - 1):
        bad = bytearray(data)
        bad[position] ^= 1
        status, answer = put(door, footage, seq, bytes(bad))
        assert (status, code(answer)) == (409, "not-the-signed-bytes")
        assert "Content-Digest" in answer["error"]["remedy"]
    assert files() == before
    assert Aside.objects.count() == 0
    assert put(door, footage, seq, data)[0] == 201


def test_changed_bytes_with_their_own_digest_are_kept_as_evidence_of_that(door):
    footage = record(door)
    door.announce(footage)
    seq, data = footage.part(0, 3)
    bad = data[:-1] + bytes([data[-1] ^ 1])
    for _ in range(2):
        status, answer = put(door, footage, seq, bad, headers=digest(bad))
        assert (status, code(answer)) == (409, "not-the-signed-bytes")
    aside = Aside.objects.get()
    assert (aside.code, aside.times, aside.length) == ("not-the-signed-bytes", 2, len(bad))
    assert aside_store().read(aside.path, length=aside.length) == bad
    assert held(door, footage) == []
    assert Recording.objects.get().events.filter(type=12).count() == 1


def test_damage_on_the_way_is_told_from_damage_at_the_sender(door):
    footage = record(door)
    door.announce(footage)
    seq, data = footage.part(0, 3)
    status, answer = put(door, footage, seq, data[:-1] + b"\0", headers=digest(data))
    assert (status, code(answer)) == (409, "digest-wrong")
    assert Aside.objects.count() == 0
    assert put(door, footage, seq, data, headers=digest(data))[0] == 201
    assert put(door, footage, seq, data, headers={"content-digest": "sha-256=:AAAA:"})[0] == 400


def test_a_part_of_another_recording_is_not_taken(door):
    one, other = record(door), record(door)
    door.announce(one)
    door.announce(other)
    _seq, data = other.part(1, 1)
    assert put(door, one, one.sealed[1][0], data)[0] == 409


def test_lengths_are_compulsory_and_bounded(door):
    footage = record(door)
    door.announce(footage)
    path = f"/recordings/{footage.hex}/parts/1"
    assert door.ask("PUT", path, b"x", length=False)[0] == 411
    assert door.ask("PUT", path, b"x", headers={"content-length": "+5"})[0] == 400
    status, answer, _ = door.ask("PUT", path, b"x", headers={"content-length": str((64 << 20) + 1)})
    assert (status, code(answer)) == (413, "too-long")


@pytest.mark.parametrize("where", ["hello", "manifest?from=0", "parts/1", "key", "orphan", "complete"])
def test_a_body_is_never_longer_than_was_announced(door, where):
    """What follows it is no part of it, whoever sent it."""
    footage = record(door)
    door.announce(footage)
    before = files()
    path = "/hello" if where == "hello" else f"/recordings/{footage.hex}/{where}"
    method = "POST" if where in ("hello", "complete") else "PUT"
    seq, first = footage.part(0, 1)
    body = first + bytes(1 << 20)
    claimed = digest(body) | {"content-length": str(len(first))}
    status, answer, _ = door.ask(method, path.replace("parts/1", f"parts/{seq}"), body, headers=claimed)
    assert status in (400, 409), answer
    assert files() == before


def test_a_body_that_breaks_off_leaves_nothing(door):
    footage = record(door)
    door.announce(footage)
    seq, data = footage.part(0, 3)
    before = files()
    with pytest.raises(NoAnswer):
        put(door, footage, seq, data[:-10], headers={"content-length": str(len(data))})
    assert files() == before
    assert list(vault_store().folder.rglob(".*.tmp")) == []


def test_complete_says_what_is_missing(door, running_log):
    footage = record(door)
    assert code(door.complete(footage)[1]) == "entries-first"
    door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", b"".join(footage.entries[:-1]))
    assert door.complete(footage)[1]["error"]["next_seq"] == footage.last_seq
    door.ask("PUT", f"/recordings/{footage.hex}/manifest?from={footage.last_seq}", footage.entries[-1])
    answer = door.complete(footage)[1]["error"]
    assert (answer["code"], answer["missing"]) == ("incomplete", "parts")
    assert answer["seqs"] == [seq for seq, _ in footage.sealed]
    door.send(footage)
    assert door.complete(footage)[1]["error"]["missing"] == "key"
    door.ask("PUT", f"/recordings/{footage.hex}/key", footage.key_cbor)
    orphan = secrets.token_bytes(500)
    wanted = {"orphan_length": 500, "orphan_sha256": sha256(orphan).hex()}
    assert door.complete(footage, **wanted)[1]["error"]["missing"] == "orphan"
    path = f"/recordings/{footage.hex}/orphan"
    assert door.ask("PUT", path, orphan)[0] == 400
    assert code(door.ask("PUT", path, orphan, headers=digest(b"other"))[1]) == "digest-wrong"
    assert door.ask("PUT", path, orphan, headers=digest(orphan))[0] == 201
    assert door.ask("PUT", path, orphan, headers=digest(orphan))[0] == 200
    status, signed, _ = door.complete(footage, **wanted)
    assert status == 200
    receipt = EvidenceReceipt.decode(signed).body
    assert (receipt.orphan_length, receipt.orphan_sha256) == (500, sha256(orphan))


def test_an_unclosed_recording_is_ingested_as_such_and_again_when_it_is_closed(door, running_log):
    footage = record(door)
    closing = footage.entries.pop()
    from openbwv.recording import parse_entry

    closed_tail = footage.tail
    footage.tail = parse_entry(footage.entries[-1]).sig_structure_sha256
    first = door.upload(footage)
    assert Event.objects.filter(type=11).count() == 1
    footage.entries.append(closing)
    footage.tail = closed_tail
    second = door.upload(footage)
    assert EvidenceReceipt.decode(first).body.tail != EvidenceReceipt.decode(second).body.tail
    assert Receipt.objects.count() == 2
    assert Recording.objects.get().closed


def test_no_receipt_before_the_leaf_is_in_the_log(door):
    footage = record(door)
    door.announce(footage)
    door.send(footage)
    status, answer, headers = door.complete(footage)
    assert (status, answer["code"]) == (202, "not-ready")
    assert int(headers["retry-after"]) >= 1
    assert Receipt.objects.get().signed is None
    assert KeyWrap.objects.count() == 0


def test_no_receipt_without_the_key_service_and_the_job_finishes_it_later(door, keyd, running_log, monkeypatch):
    from openbwv.server.ingest import complete
    from openbwv.server.ingest.receipts import finish_waiting
    from openbwv.server.vault.keyd.errors import KeydUnavailable

    footage = record(door)
    door.announce(footage)
    door.send(footage)

    def away():
        raise KeydUnavailable(what="away", remedy="start it")

    with monkeypatch.context() as patch:
        patch.setattr(complete, "key_client", away)
        assert door.complete(footage)[0] == 202
    assert finish_waiting(door.clock) == 1
    answer = door.ask("GET", f"/receipts?camera={door.camera.kid.hex()}")[1]
    assert base64.b64decode(answer["receipts"][0]) == door.complete(footage)[1]


def test_a_key_that_does_not_open_gives_no_receipt_and_another_may_follow(door, running_log):
    footage, other = record(door), record(door)
    good, footage.key_cbor = footage.key_cbor, other.key_cbor
    door.announce(footage)
    door.send(footage)
    status, answer, _ = door.complete(footage)
    assert (status, code(answer)) == (409, "key-does-not-open")
    assert Aside.objects.get().kind == "key"
    assert door.complete(footage)[1]["error"]["missing"] == "key"
    assert door.ask("PUT", f"/recordings/{footage.hex}/key", good)[0] == 201
    assert door.complete(footage)[0] == 200


def test_another_key_than_the_one_held_is_kept_aside(door):
    footage, other = record(door), record(door)
    door.announce(footage)
    path = f"/recordings/{footage.hex}/key"
    assert door.ask("PUT", path, footage.key_cbor)[0] == 200
    assert code(door.ask("PUT", path, other.key_cbor)[1]) == "key-refused"
    assert door.ask("PUT", path, b"nonsense")[0] == 400
    assert Aside.objects.count() == 2


@pytest.mark.parametrize("place", ["manifest", "part", "orphan"])
def test_a_full_disk_is_507_and_nothing_is_half_there(door, monkeypatch, place):
    footage = record(door)
    if place != "manifest":
        door.announce(footage)
    before = files(), StoredObject.objects.count(), Recording.objects.count()

    def full(_descriptor, _data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "_write_all", full)
    if place == "manifest":
        status, answer, _ = door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", footage.manifest)
    elif place == "part":
        status, answer = put(door, footage, *footage.part(0, 2))
    else:
        path = f"/recordings/{footage.hex}/orphan"
        status, answer, _ = door.ask("PUT", path, b"orphan", headers=digest(b"orphan"))
    assert (status, code(answer)) == (507, "disk-full")
    assert (files(), StoredObject.objects.count(), Recording.objects.count()) == before
    monkeypatch.undo()


def test_a_part_whose_file_was_lost_is_asked_for_again_at_the_next_start(door, running_log):
    from openbwv.server.ingest.sweep import sweep_at_start

    footage = record(door)
    door.announce(footage)
    door.send(footage)
    vault_store().path(Part.objects.first().object.key).unlink()
    assert sweep_at_start() == 1
    assert len(held(door, footage)) == 1
    door.upload(footage)


def test_an_erased_recording_is_not_taken_in_again(door, running_log):
    footage = record(door)
    receipt = door.upload(footage)
    Recording.objects.update(state=State.ERASED)
    rows = StoredObject.objects.count()
    door.announce(footage)
    assert held(door, footage)[0]["length"] == len(footage.media)
    assert put(door, footage, *footage.part(0, 2)) == (200, {"stored": []})
    assert door.complete(footage)[1] == receipt
    assert StoredObject.objects.count() == rows


@pytest.mark.parametrize("place", ["key", "orphan"])
def test_what_comes_in_while_its_recording_is_deleted_is_not_kept(door, monkeypatch, place):
    """The deletion passes between the first look at the recording and the row: the certificate says nothing is left."""
    footage = record(door)
    door.announce(footage)
    PendingKey.objects.all().delete()
    before = files()
    real = side_objects.find_recording

    def looked_at_before(rec_id, peer):
        recording = real(rec_id, peer)
        Recording.objects.update(state=State.ERASED)
        return recording

    monkeypatch.setattr(side_objects, "find_recording", looked_at_before)
    data = footage.key_cbor if place == "key" else b"orphan"
    status, _, _ = door.ask("PUT", f"/recordings/{footage.hex}/{place}", data, headers=digest(data))
    assert (status, PendingKey.objects.count(), files()) == (200, 0, before)
    assert not StoredObject.objects.filter(kind="orphan").exists()


def test_answers_are_json_with_a_remedy_and_never_cached(door):
    status, answer, headers = door.ask("GET", "/nothing")
    assert (status, code(answer)) == (404, "no-such-address")
    assert answer["error"]["remedy"]
    assert headers["cache-control"] == "no-store"
    for body in (b"", b"[]", b"{", json.dumps({"last_seq": "x", "tail": "00"}).encode()):
        assert door.ask("POST", f"/recordings/{'00' * 16}/complete", body)[0] == 400
