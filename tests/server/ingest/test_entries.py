"""Who may announce what: unknown and revoked devices, forged, damaged, doubled and equivocating entries."""

import pytest

from openbwv.recording import SoftwareSigner, cbor
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import Assignment, Camera, DeviceState, Dock
from openbwv.server.ingest.aside import aside_store
from openbwv.server.ingest.models import Aside, Token
from openbwv.server.people.todo import todo_for
from openbwv.server.trail.models import Event

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def record(door, **options):
    return door.camera.record(utc_ms=door.clock.utc_ms(), **options)


def put(door, footage, data=None, *, seq=0, rec=None):
    path = f"/recordings/{rec or footage.hex}/manifest?from={seq}"
    return door.ask("PUT", path, footage.manifest if data is None else data)[:2]


def code(answer):
    return answer["error"]["code"]


def malleate(entry: bytes) -> bytes:
    """Return the entry with s replaced by n - s: another signature of the same key over the same bytes."""
    raw, head = entry[-64:], entry[:-64]
    s = P256_ORDER - int.from_bytes(raw[32:], "big")
    return head + raw[:32] + s.to_bytes(32, "big")


def test_the_cameras_assignment_says_whose_it_is(door, avery):
    from openbwv.server.clock import from_ms

    now = door.clock.utc_ms()
    Assignment.objects.create(
        pseudonym=b"p" * 16,
        camera=door.camera_row,
        person=avery,
        unit=avery.unit,
        from_utc=from_ms(now - 1000),
        until_utc=from_ms(now + 1000),
        signed=b"-",
    )
    put(door, record(door, assignment=b"p" * 16))
    put(door, record(door, assignment=b"q" * 16))
    assert [each.officer for each in Recording.objects.order_by("rc")] == [avery, None]


def test_another_cameras_assignment_is_nobodys(door, avery):
    from openbwv.server.clock import from_ms

    other, _ = door.new_camera("0555")
    Assignment.objects.create(
        pseudonym=b"p" * 16, camera=other, person=avery, from_utc=from_ms(0), until_utc=from_ms(1), signed=b"-"
    )
    put(door, record(door, assignment=b"p" * 16))
    assert Recording.objects.get().officer is None


def test_an_unknown_camera_is_kept_aside_without_a_receipt(door):
    stranger = door.stranger()
    footage = stranger.record(utc_ms=door.clock.utc_ms())
    for _ in range(2):
        status, answer = put(door, footage)
        assert (status, answer["code"], answer["aside"]) == (202, "unknown-device", True)
        assert answer["next_seq"] == len(footage.entries)
    aside = Aside.objects.get()
    assert (aside.kind, aside.times, aside.device_kid) == ("manifest", 2, stranger.kid.hex())
    assert aside_store().read(aside.path, length=aside.length) == footage.manifest
    assert door.ask("PUT", f"/recordings/{footage.hex}/key", footage.key_cbor)[0] == 202
    seq, data = footage.part(0, 2)
    for _ in range(2):
        assert door.ask("PUT", f"/recordings/{footage.hex}/parts/{seq}", data)[0] == 202
    part = Aside.objects.get(kind="part")
    assert part.times == 2
    assert aside_store().read(part.path, length=part.length) == data
    assert len(list(aside_store().keys())) == 3
    status, answer, headers = door.complete(footage)
    assert status == 202
    assert int(headers["retry-after"]) >= 600
    assert Recording.objects.count() == 0
    assert Event.objects.filter(type=12).count() == 3


def test_a_revoked_camera_is_refused_and_what_it_sent_is_kept(door):
    footage = record(door)
    Camera.objects.update(state=DeviceState.REVOKED)
    status, answer = put(door, footage)
    assert (status, code(answer)) == (403, "revoked")
    assert Aside.objects.get().device_kid == door.camera.kid.hex()
    assert Recording.objects.count() == 0


def test_a_camera_revoked_in_the_middle_of_a_recording_adds_nothing_to_it(door):
    """A dock brings the rest, signed by whoever has the camera's key by now."""
    footage = record(door)
    held, rest = b"".join(footage.entries[:3]), b"".join(footage.entries[3:])
    assert put(door, footage, held)[0] == 200
    Camera.objects.update(state=DeviceState.REVOKED)
    assert put(door, footage, held)[0] == 200, "what is here already is not judged anew"
    status, answer = put(door, footage, rest, seq=3)
    assert (status, code(answer)) == (403, "revoked")
    aside = Aside.objects.get()
    assert (aside.device_kid, aside_store().read(aside.path, length=aside.length)) == (door.camera.kid.hex(), rest)
    assert Recording.objects.get().next_seq == 3


def test_a_lost_camera_that_comes_back_brings_evidence(door, running_log):
    Camera.objects.update(state=DeviceState.LOST)
    door.upload(record(door))
    assert Recording.objects.get().state == "stored"


def test_two_entries_of_one_number_are_a_cloned_key_and_both_are_kept(door):
    footage = record(door)
    again = door.camera.record(utc_ms=door.clock.utc_ms(), rec_id=footage.rec_id, rc=0, seconds=3)
    assert put(door, footage)[0] == 200
    status, answer = put(door, again)
    assert (status, code(answer)) == (409, "equivocation")
    aside = Aside.objects.get()
    assert aside_store().read(aside.path, length=aside.length) == again.manifest
    assert Recording.objects.get().tail == footage.tail


def test_a_second_entry_that_only_a_dock_has_seen_is_told_by_sending_it_alone(door, harper):
    footage = record(door)
    again = door.camera.record(utc_ms=door.clock.utc_ms(), rec_id=footage.rec_id, rc=0, seconds=3)
    assert put(door, footage)[0] == 200
    for _ in range(2):
        status, answer, _ = door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=2", again.entries[2])
        assert (status, code(answer)) == (409, "equivocation")
    aside = Aside.objects.get()
    assert (aside.times, aside_store().read(aside.path, length=aside.length)) == (2, again.entries[2])
    assert any("kept aside" in line.words for line in todo_for(harper, door.clock))


def test_another_signature_over_the_same_entry_accuses_nobody(door):
    footage = record(door)
    assert put(door, footage)[0] == 200
    other = b"".join([footage.entries[0], *map(malleate, footage.entries[1:])])
    assert other != footage.manifest
    assert put(door, footage, other)[0] == 200
    assert Aside.objects.count() == 0


def test_a_forged_entry_in_the_place_of_a_true_one_accuses_nobody(door):
    footage = record(door)
    assert put(door, footage)[0] == 200
    forged = bytearray(footage.entries[2])
    forged[-1] ^= 1
    again = b"".join([*footage.entries[:2], bytes(forged), *footage.entries[3:]])
    assert put(door, footage, again)[0] == 200  # the same Sig_structure: the stored entry is the true one
    changed = bytes(footage.entries[2]).replace(b"application/vnd", b"application/vnE", 1)
    status, _ = put(door, footage, b"".join([*footage.entries[:2], changed]))
    assert status == 400
    assert Recording.objects.get().tail == footage.tail


def test_a_counter_used_twice_is_a_cloned_key(door):
    first, second = record(door, rc=7), record(door, rc=7)
    assert put(door, first)[0] == 200
    status, answer = put(door, second)
    assert (status, code(answer)) == (409, "equivocation")
    assert "7" in answer["error"]["what"]


def test_a_replayed_recording_changes_nothing(door, running_log):
    footage = record(door)
    door.upload(footage)
    events = Event.objects.count()
    assert put(door, footage) == (200, {"next_seq": len(footage.entries), "tail": footage.tail.hex()})
    assert Event.objects.count() == events


@pytest.mark.parametrize("removed", [1, 3, -2])
def test_a_missing_entry_stops_there_and_what_was_good_stays(door, removed):
    footage = record(door)
    place = removed % len(footage.entries)
    broken = b"".join(footage.entries[:place] + footage.entries[place + 1 :])
    status, _answer = put(door, footage, broken)
    assert status == 409
    assert Recording.objects.get().next_seq == place
    assert put(door, footage, b"".join(footage.entries[place:]), seq=place)[0] == 200


def test_entries_out_of_turn_are_asked_for(door):
    footage = record(door)
    status, answer = put(door, footage, footage.entries[3], seq=3)
    assert (status, code(answer), answer["error"]["next_seq"]) == (409, "entries-first", 0)


def test_another_recordings_entries_or_address_are_refused(door):
    one, other = record(door), record(door)
    assert code(put(door, one, other.manifest)[1]) == "entry-refused"
    assert put(door, one)[0] == 200
    assert code(put(door, one, other.entries[2], seq=2)[1]) == "entry-refused"
    assert put(door, one, one.manifest, rec="zz" * 16)[0] == 404


def test_an_entry_after_close_is_refused(door):
    footage = record(door)
    put(door, footage)
    longer = door.camera.record(utc_ms=door.clock.utc_ms(), rec_id=footage.rec_id, rc=0, seconds=30)
    status, _ = put(door, footage, longer.entries[len(footage.entries)], seq=len(footage.entries))
    assert status == 409


@pytest.mark.parametrize("cut", [1, 40, -1, -70])
def test_a_torn_entry_is_not_taken(door, cut):
    footage = record(door)
    status, _ = put(door, footage, footage.manifest[:cut])
    assert status == 400


def test_nonsense_is_refused_kept_and_never_an_internal_error(door):
    footage = record(door)
    overlong = b"\xd2\x84" + b"\x59\x00\x01\x00" + b"\xa0\x41\x00\x40"
    for data in (b"\x00", b"\xff" * 100, b"\xd2" * 50, overlong, cbor.encode({1: 2}), b"\x9f" * 9000):
        assert put(door, footage, data)[0] in (400, 409)
    assert Recording.objects.count() == 0
    assert Aside.objects.count() == 6


def test_a_camera_may_send_its_own_alone(door):
    _row, other = door.new_camera("0555")
    footage, foreign = record(door), other.record(utc_ms=door.clock.utc_ms())
    assert put(door, footage)[0] == 200
    door.hello(other.key, other.chain)
    assert put(door, foreign)[0] == 200
    assert code(put(door, record(door))[1]) == "not-your-recording"
    for method, path in (("GET", "manifest"), ("GET", "parts")):
        status, answer, _ = door.ask(method, f"/recordings/{footage.hex}/{path}")
        assert (status, code(answer)) == (403, "not-your-recording")
    assert door.ask("GET", f"/receipts?camera={door.camera.kid.hex()}")[0] == 403
    assert door.ask("GET", "/receipts")[0] == 200
    assert door.ask("POST", "/assignments", b"{}")[0] == 403


def test_a_clock_that_no_calendar_has_is_kept_aside(door):
    footage = door.camera.record(utc_ms=2**62 // 1000)
    status, answer = put(door, footage)
    assert (status, code(answer)) == (409, "entry-refused")
    assert Aside.objects.count() == 1


@pytest.mark.parametrize("utc_ms", [0, 2**31 * 1000])
def test_clocks_years_off_are_taken(door, running_log, utc_ms):
    door.upload(door.camera.record(utc_ms=utc_ms))
    assert Recording.objects.get().state == "stored"


def test_without_a_token_nothing_but_hello_is_answered(door):
    footage = record(door)
    for token in ("", "x", door.token + "x", "é"):
        status, answer, _ = door.ask("GET", f"/recordings/{footage.hex}/manifest", token=token)
        assert (status, code(answer)) == (401, "token-expired")
    assert door.ask("GET", "/hello", token="")[0] == 200


def test_tokens_are_kept_hashed_and_end(door):
    from datetime import UTC, datetime, timedelta

    assert not Token.objects.filter(token_hash__contains=door.token).exists()
    Token.objects.update(expires=datetime.now(UTC) - timedelta(seconds=1))
    assert door.ask("GET", "/receipts")[0] == 401


def test_a_revoked_dock_is_refused_at_its_next_request(door):
    assert door.ask("GET", f"/receipts?camera={'00' * 32}")[0] == 200
    Dock.objects.update(state=DeviceState.REVOKED)
    status, answer, _ = door.ask("GET", f"/receipts?camera={'00' * 32}")
    assert (status, code(answer)) == (403, "revoked")
    status, answer = door.hello_dock()
    assert (status, code(answer)) == (403, "revoked")


def test_a_nonce_works_once_for_this_door_and_is_ours(door):
    _, first, _ = door.ask("GET", "/hello")
    nonce = bytes.fromhex(first["nonce"])
    assert door.hello(door.dock_key, door.dock_chain, nonce=nonce)[0] == 200
    for tried, name in ((nonce, None), (b"\0" * 32, None), (bytes(32), None)):
        status, answer = door.hello(door.dock_key, door.dock_chain, nonce=tried, door=name)
        assert (status, code(answer)) == (403, "hello-refused")
    status, answer = door.hello(door.dock_key, door.dock_chain, door="another door")
    assert (status, code(answer)) == (403, "hello-refused")


def test_an_inventory_signed_by_another_key_or_damaged_is_refused(door):
    from openbwv.recording import Inventory

    _, first, _ = door.ask("GET", "/hello")
    inventory = Inventory(bytes.fromhex(first["nonce"]), first["door"], 1, 1)
    signed = inventory.encode(SoftwareSigner(door.camera.key), door.dock_chain)
    assert door.ask("POST", "/hello", signed)[0] == 400
    good = inventory.encode(SoftwareSigner(door.dock_key), door.dock_chain)
    assert door.ask("POST", "/hello", good[:-1] + bytes([good[-1] ^ 1]))[0] == 400
    assert door.ask("POST", "/hello", b"")[0] == 400


def test_a_strangers_hello_is_kept_aside_and_gives_no_token(door):
    stranger = door.stranger()
    status, answer = door.hello(stranger.key, stranger.chain)
    assert (status, answer["code"]) == (202, "unknown-device")
    assert "token" not in answer
    assert Aside.objects.get().kind == "hello"


def test_the_welcome_brings_what_a_device_takes_home(door, running_log):
    from openbwv.recording import EpochKey, Trust
    from openbwv.server.vault.force import force

    put(door, record(door))
    running_log.drain()
    status, answer = door.hello(door.camera.key, door.camera.chain)
    assert status == 200
    import base64

    key = EpochKey.decode(base64.b64decode(answer["epoch_key"]), trust=Trust.load(force().trust_pem)).body
    assert key.epoch_id == door.keyd.ring.epoch.id
    assert answer["queue"] == [Recording.objects.get().pk.hex]
    assert answer["checkpoint"].startswith(force().origin)
    assert answer["log_vkey"] == force().vkey
    camera = Camera.objects.get()
    assert camera.epoch_id == key.epoch_id
    assert camera.next_rc == 9
