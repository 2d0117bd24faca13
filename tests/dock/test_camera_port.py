"""Every bad input at the camera port: a clear refusal, nothing lost, nothing stored that was not signed."""

import base64
import errno
import hashlib
import os

import pytest
from starlette.testclient import TestClient

from openbwv import recording as r
from openbwv.dock import intake
from openbwv.dock.camera_port import camera_app
from openbwv.dock.identity import load_identity
from openbwv.dock.run import open_hall
from openbwv.dock.spool import SpoolLimits
from openbwv.dock.strangers import Strangers
from openbwv.shared.agency import Profile
from openbwv.shared.clock import FixedClock
from tests.dock.devices import make_dock_store
from tests.dock.force import Force, make_recording

CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Port:
    """The camera port in this process, with one camera that can say hello."""

    def __init__(self, force, store, party, limits=None):
        self.force, self.store, self.party = force, store, party
        self.clock = FixedClock(1_800_000_000_000)
        self.limits = limits or SpoolLimits(reserve_bytes=0)
        self.restart()

    def restart(self):
        """A new process over the same spool."""
        identity = load_identity(self.store)
        self.hall = open_hall(identity, self.store, clock=self.clock, limits=self.limits)
        self.http = TestClient(camera_app(self.hall))
        self.token = ""
        return self

    def hello(self, party=None, *, rows=(), **changes):
        party = party or self.party
        offered = self.http.get("/hello").json()
        keys = {
            "nonce": bytes.fromhex(offered["nonce"]),
            "door": offered["door"],
            "boot": 1,
            "next_rc": 9,
            "last": rows,
        }
        message = r.Inventory(**(keys | changes)).encode(party.signer, party.chain)
        answer = self.http.post("/hello", content=message)
        if answer.status_code == 200:
            self.token = answer.json()["token"]
        return answer

    def __call__(self, method, path, **more):
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return self.http.request(method, path, headers=headers, **more)

    def path(self, recording, rest):
        return f"/recordings/{recording.rec_id.hex()}/{rest}"

    def put_manifest(self, recording, *, first=0, entries=None):
        data = b"".join(recording.entries[first:] if entries is None else entries)
        return self("PUT", self.path(recording, f"manifest?from={first}"), content=data)

    def put_part(self, recording, first, data, **more):
        return self("PUT", self.path(recording, f"parts/{first}"), content=data, **more)

    def complete(self, recording, **changes):
        claim = {"last_seq": len(recording.entries) - 1, "tail": recording.tail.hex()} | changes
        return self("POST", self.path(recording, "complete"), json=claim)

    def announce(self, recording):
        assert self.put_manifest(recording).status_code == 200
        assert self("PUT", self.path(recording, "key"), content=recording.key_cbor).status_code == 201

    def spooled(self, recording):
        folder = self.store / "spool" / recording.kid.hex() / recording.rec_id.hex()
        return b"".join(path.read_bytes() for path in sorted(folder.glob("*.part")))

    def aside(self):
        return list((self.store / "spool").glob("*/aside/*"))


@pytest.fixture
def port(force, tmp_path):
    make_dock_store(force, tmp_path / "dock")
    port = Port(force, tmp_path / "dock", force.camera())
    assert port.hello().status_code == 200
    return port


@pytest.fixture
def recording(force, port):
    recording = make_recording(force, port.party)
    port.announce(recording)
    return recording


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["what"]
    assert answer.json()["error"]["remedy"]
    return answer.json()["error"]


# -- hello and tokens ---------------------------------------------------------------------------------------------


def test_hello_is_refused_with_a_used_or_foreign_nonce_for_another_dock_or_by_another_kind_of_key(force, port):
    nonce = bytes.fromhex(port.http.get("/hello").json()["nonce"])
    assert port.hello(nonce=nonce).status_code == 200
    refused(port.hello(nonce=nonce), 403, "hello-refused")
    refused(port.hello(nonce=os.urandom(32)), 403, "hello-refused")
    refused(port.hello(door="Camden-1"), 403, "hello-refused")
    refused(port.hello(force.party("dock-2", Profile.DOCK)), 202, "unknown-device")
    refused(port.hello(force.party("receipt-2", Profile.RECEIPT)), 403, "unknown-device")
    refused(port.hello(Force().camera()), 202, "unknown-device")


def test_a_strangers_hello_is_kept_aside_named_and_counted_over_a_restart(force, port):
    stranger = Force().camera("0999")
    for _ in range(2):
        refused(port.hello(stranger), 202, "unknown-device")
    [known] = port.hall.strangers.all()
    assert (known.kid, known.name, known.times, known.told) == (stranger.kid, "urn:bwv:camera:0999", 2, False)
    again = Strangers(port.store / "spool")
    [(kid, message)] = again.untold()
    assert r.Inventory.decode(message).kid == kid == stranger.kid
    again.mark_told(kid)
    assert [each.told for each in Strangers(port.store / "spool").all()] == [True]


def test_more_uploads_than_the_dock_takes_are_asked_to_come_again(port, recording, monkeypatch):
    monkeypatch.setattr("openbwv.dock.camera_port.MOST_BODIES_AT_ONCE", 0)
    media = recording.slice(0, recording.fragments[-1].seq)
    answer = port.put_part(recording, recording.fragments[0].seq, media)
    refused(answer, 503, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    monkeypatch.undo()
    assert port.put_part(recording, recording.fragments[0].seq, media).status_code == 201


def test_strangers_are_bounded(force, port, monkeypatch):
    monkeypatch.setattr("openbwv.dock.strangers.MOST_KEPT", 1)
    refused(port.hello(Force().camera("0998")), 202, "unknown-device")
    refused(port.hello(Force().camera("0999")), 403, "unknown-device")
    assert (len(port.hall.strangers.all()), port.hall.strangers.beyond) == (1, 1)


def test_a_nonce_and_a_token_run_out(port):
    offered = bytes.fromhex(port.http.get("/hello").json()["nonce"])
    port.clock.advance(121_000)
    refused(port.hello(nonce=offered), 403, "hello-refused")
    port.hello()
    assert port("GET", "/assignment").status_code == 200
    port.clock.advance(901_000)
    refused(port("GET", "/assignment"), 401, "token-expired")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic abc", "bearer " + "0" * 64])
def test_no_header_but_the_token_is_identity(port, header):
    spoofed = {"Authorization": header, "X-Client-Cert": "camera", "X-Forwarded-For": "10.0.0.1"}
    refused(port("GET", "/assignment", headers=spoofed), 401, "token-expired")


def test_a_revoked_camera_is_refused_at_hello(force, port):
    port.hall.identity.keep_crl(force.crl(port.party).decode())
    refused(port.hello(), 403, "revoked")


def test_a_damaged_hello_is_refused(port):
    for junk in (b"", b"\xd2", os.urandom(200)):
        refused(port.http.post("/hello", content=junk), 403, "unknown-device")


# -- manifests ------------------------------------------------------------------------------------------------------


def test_the_same_entries_again_are_harmless_also_with_s_replaced_by_n_minus_s(port, recording):
    assert port.put_manifest(recording).json()["next_seq"] == len(recording.entries)
    twin = [malleated(entry) for entry in recording.entries]
    assert twin != recording.entries
    assert port.put_manifest(recording, entries=twin).status_code == 200
    assert port.aside() == []


def malleated(entry):
    s = int.from_bytes(entry[-32:], "big")
    return entry[:-32] + (CURVE_ORDER - s).to_bytes(32, "big")


def test_two_signed_entries_for_one_number_are_both_kept_and_refused(force, port, recording):
    entry = r.parse_entry(recording.entries[2])
    other = r.sign1(
        r.cbor.encode({**r.cbor.decode(entry.signed.payload), 5: entry.mono_ns + 1}),
        typ=entry.signed.typ, signer=port.party.signer,
    )  # fmt: skip
    refused(port.put_manifest(recording, first=2, entries=[other]), 409, "equivocation")
    assert [path.read_bytes() for path in port.aside()] == [other]
    port.put_manifest(recording, first=2, entries=[other])
    assert len(port.aside()) == 1
    unsigned = other[:-64] + os.urandom(64)
    refused(port.put_manifest(recording, first=2, entries=[unsigned]), 400, "signature-wrong")
    assert len(port.aside()) == 1


def test_holes_wrong_numbers_and_foreign_entries_are_refused_and_leave_the_manifest_as_it_was(force, port):
    recording, other = make_recording(force, port.party), make_recording(force, port.party)
    stranger = make_recording(force, force.camera("0999"))
    refused(port.put_manifest(recording, first=2), 409, "entries-first")
    assert port.put_manifest(recording, entries=recording.entries[:3]).json()["next_seq"] == 3
    assert refused(port.put_manifest(recording, first=4), 409, "entries-first")["next_seq"] == 3
    refused(port.put_manifest(recording, first=3, entries=recording.entries[4:]), 400, "bad-request")
    for bad in (other.entries[3], stranger.entries[3]):
        assert port.put_manifest(recording, first=3, entries=[bad]).status_code in (400, 409)
    swapped = [recording.entries[4], recording.entries[3]]
    assert port.put_manifest(recording, first=4, entries=swapped).status_code == 409
    assert port.put_manifest(recording, first=3, entries=recording.entries[3:]).status_code == 200


def test_entries_signed_under_another_agency_or_by_another_camera_are_not_taken(force, port):
    before = sorted((port.store / "spool").rglob("*"))
    forged = make_recording(Force(), Force().camera())
    assert port.put_manifest(forged).status_code in (400, 403)
    theirs = make_recording(force, force.camera("0999"))
    refused(port.put_manifest(theirs), 400, "bad-request")
    assert port.hall.spool.all() == []
    assert sorted((port.store / "spool").rglob("*")) == before  # or a camera could fill the disk with folders


def test_a_new_key_of_the_same_camera_may_still_bring_recordings_of_the_old_one(force, port):
    old = force.camera()
    recording = make_recording(force, old)
    port.announce(recording)
    assert port.hall.spool.find(old.kid, recording.rec_id) is not None


@pytest.mark.parametrize("place", range(0, 280, 20))
def test_a_flipped_byte_in_an_entry_is_refused(force, port, place):
    recording = make_recording(force, port.party)
    entry = bytearray(recording.entries[1])
    entry[place % len(entry)] ^= 1
    port.put_manifest(recording, entries=[recording.entries[0]])
    assert port.put_manifest(recording, first=1, entries=[bytes(entry)]).status_code in (400, 409)
    assert port("GET", port.path(recording, "manifest")).json()["next_seq"] == 1


def test_a_manifest_torn_by_a_crash_is_cut_at_start_and_taken_anew(port, recording):
    path = port.store / "spool" / recording.kid.hex() / recording.rec_id.hex() / "manifest.cbor"
    path.write_bytes(recording.manifest[:-10])
    port.restart().hello()
    assert port("GET", port.path(recording, "manifest")).json()["next_seq"] == len(recording.entries) - 1
    assert port.put_manifest(recording, first=len(recording.entries) - 1).status_code == 200
    assert path.read_bytes() == recording.manifest


def test_a_recording_that_the_spools_disk_damaged_is_set_aside_and_asked_for_again(force, port, recording):
    path = port.store / "spool" / recording.kid.hex() / recording.rec_id.hex() / "manifest.cbor"
    data = bytearray(recording.manifest)
    data[len(recording.entries[0]) + 60] ^= 1
    path.write_bytes(data)
    port.restart().hello()
    assert port("GET", port.path(recording, "manifest")).json()["next_seq"] == 0
    assert len(port.aside()) == 1
    port.announce(recording)
    assert port.put_part(recording, 1, recording.media).status_code == 201


# -- keys -----------------------------------------------------------------------------------------------------------


def test_another_wrapped_key_is_refused_and_the_first_stays(force, port, recording):
    other = make_recording(force, port.party).key_cbor
    assert port("PUT", port.path(recording, "key"), content=recording.key_cbor).status_code == 200
    refused(port("PUT", port.path(recording, "key"), content=other), 409, "conflict")
    fresh = make_recording(force, port.party)
    refused(port("PUT", port.path(fresh, "key"), content=fresh.key_cbor), 404, "no-such-recording")
    port.put_manifest(fresh)
    assert port("PUT", port.path(fresh, "key"), content=b"junk").status_code == 400
    refused(port("PUT", port.path(fresh, "key"), content=bytes(9000)), 413, "too-long")


# -- parts ----------------------------------------------------------------------------------------------------------


def test_parts_in_any_order_twice_and_overlapping_are_stored_once(port, recording):
    f = recording.fragments
    assert port.put_part(recording, 4, recording.slice(4, 5)).json()["stored"] == [4, 5]
    assert port.put_part(recording, 1, recording.slice(1, 2)).json()["stored"] == [1, 2]
    again = port.put_part(recording, 1, recording.slice(1, 2))
    assert (again.status_code, again.json()["stored"]) == (200, [])
    overlap = port.put_part(recording, 2, recording.slice(2, 6))
    assert (overlap.status_code, overlap.json()["stored"]) == (201, [3, 6])
    assert port.spooled(recording) == recording.media
    held = port("GET", port.path(recording, "parts")).json()["parts"]
    assert sum(each["length"] for each in held) == len(recording.media)
    assert len(f) == 6
    assert port.complete(recording).status_code == 200
    port.restart().hello()
    assert port.complete(recording).status_code == 200


def test_an_overlapping_part_is_checked_in_full_even_where_it_is_held(port, recording):
    port.put_part(recording, 1, recording.slice(1, 3))
    wrong = bytearray(recording.slice(2, 5))
    wrong[10] ^= 1
    refused(port.put_part(recording, 2, bytes(wrong)), 409, "not-the-signed-bytes")
    assert port.spooled(recording) == recording.slice(1, 3)


def test_parts_off_their_edges_are_refused(port, recording):
    whole = recording.slice(2, 3)
    for first, data in ((2, whole[:-1]), (2, whole + b"x"), (3, whole[1:]), (0, whole), (2, b"")):
        refused(port.put_part(recording, first, data), 409, "not-on-a-fragment-edge")
    refused(port.put_part(recording, 99, whole), 409, "entries-first")
    refused(port("PUT", port.path(recording, "parts/two"), content=whole), 400, "bad-request")
    assert port.spooled(recording) == b""


def test_media_never_runs_ahead_of_its_entries(force, port):
    recording = make_recording(force, port.party)
    refused(port.put_part(recording, 1, recording.slice(1, 2)), 404, "no-such-recording")
    port.put_manifest(recording, entries=recording.entries[:3])
    refused(port.put_part(recording, 1, recording.slice(1, 4)), 409, "entries-first")
    refused(port.put_part(recording, 3, recording.slice(3, 4)), 409, "entries-first")
    assert port.put_part(recording, 1, recording.slice(1, 2)).status_code == 201


def test_wrong_bytes_leave_nothing_unless_their_digest_says_they_were_meant(port, recording):
    wrong = bytearray(recording.slice(1, 3))
    wrong[-1] ^= 1
    refused(port.put_part(recording, 1, bytes(wrong)), 409, "not-the-signed-bytes")
    assert port.aside() == []
    off = {"Content-Digest": digest_of(b"something else")}
    refused(port.put_part(recording, 1, bytes(wrong), headers=off), 409, "digest-wrong")
    assert port.aside() == []
    meant = {"Content-Digest": digest_of(wrong)}
    refused(port.put_part(recording, 1, bytes(wrong), headers=meant), 409, "not-the-signed-bytes")
    assert [path.read_bytes() for path in port.aside()] == [bytes(wrong)]
    true = {"Content-Digest": digest_of(recording.slice(1, 3))}
    assert port.put_part(recording, 1, recording.slice(1, 3), headers=true).status_code == 201
    refused(port.put_part(recording, 1, b"x", headers={"Content-Digest": "md5=:x:"}), 400, "bad-request")


def digest_of(data):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def test_bodies_without_or_beyond_a_length_are_refused(port, recording):
    def endless():
        yield recording.slice(1, 2)

    refused(port.put_part(recording, 1, endless()), 411, "length-required")
    refused(port.put_part(recording, 1, b"x", headers={"Content-Length": str((64 << 20) + 1)}), 413, "too-long")


def test_a_part_of_another_recording_is_refused(force, port, recording):
    other = make_recording(force, port.party)
    refused(port.put_part(recording, 1, other.slice(1, 2)), 409, "not-the-signed-bytes")


# -- orphans, completion ----------------------------------------------------------------------------------------------


def test_an_orphan_needs_its_digest_and_stays_what_it_was(port, recording):
    path = port.path(recording, "orphan")
    refused(port("PUT", path, content=b"torn"), 400, "bad-request")
    refused(port("PUT", path, content=b"torn", headers={"Content-Digest": digest_of(b"x")}), 409, "digest-wrong")
    assert port("PUT", path, content=b"torn", headers={"Content-Digest": digest_of(b"torn")}).status_code == 201
    assert port("PUT", path, content=b"torn", headers={"Content-Digest": digest_of(b"torn")}).status_code == 200
    refused(port("PUT", path, content=b"else", headers={"Content-Digest": digest_of(b"else")}), 409, "conflict")


def test_no_custody_receipt_until_everything_is_here(force, port, recording):
    missing = refused(port.complete(recording), 409, "incomplete")["missing"]
    assert [row[0] for row in missing] == [f.seq for f in recording.fragments]
    port.put_part(recording, 1, recording.slice(1, 5))
    assert refused(port.complete(recording), 409, "incomplete")["missing"] == [[6, recording.fragments[-1].n]]
    port.put_part(recording, 6, recording.slice(6, 6))
    refused(port.complete(recording, tail="00" * 32), 409, "entries-first")
    refused(port.complete(recording, last_seq=3), 409, "entries-first")
    refused(port.complete(recording, orphan_length=4, orphan_sha256="00" * 32), 409, "incomplete")
    refused(port.complete(recording, tail="zz"), 400, "bad-request")
    receipt = r.CustodyReceipt.decode(port.complete(recording).content, trust=force.trust).body
    assert (receipt.rec_id, receipt.kid, receipt.tail) == (recording.rec_id, recording.kid, recording.tail)


def test_no_custody_receipt_without_the_wrapped_key(force, port):
    recording = make_recording(force, port.party)
    port.put_manifest(recording)
    port.put_part(recording, 1, recording.media)
    refused(port.complete(recording), 409, "incomplete")


# -- room -------------------------------------------------------------------------------------------------------------


def test_a_full_spool_stops_accepting_loudly_and_keeps_what_it_has(force, tmp_path):
    make_dock_store(force, tmp_path / "dock")
    port = Port(force, tmp_path / "dock", force.camera(), SpoolLimits(max_bytes=30_000, reserve_bytes=0))
    port.hello()
    first, second = make_recording(force, port.party), make_recording(force, port.party, fragments=10)
    port.announce(first)
    assert port.put_part(first, 1, first.media).status_code == 201
    port.announce(second)
    refused(port.put_part(second, 1, second.media), 507, "spool-full")
    assert port.hall.spool.full
    assert port.complete(first).status_code == 200
    port.hall.spool.release(port.hall.spool.find(first.kid, first.rec_id), force.receipt_for(first.facts()))
    assert port.put_part(second, 1, second.media).status_code == 201
    assert not port.hall.spool.full


@pytest.mark.parametrize("call", ["write", "fdatasync", "link"])
def test_a_disk_full_at_each_write_of_a_part_stores_nothing_and_says_507(port, recording, monkeypatch, call):
    def full(*_arguments, **_keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        refused(port.put_part(recording, 1, recording.media), 507, "spool-full")
    assert port.spooled(recording) == b""
    assert not list((port.store / "spool").rglob("*.tmp"))
    assert port.put_part(recording, 1, recording.media).status_code == 201


def test_a_disk_full_while_entries_come_in_leaves_the_manifest_as_it_was(force, port, monkeypatch):
    recording = make_recording(force, port.party)
    port.put_manifest(recording, entries=recording.entries[:2])

    def full(*_arguments, **_keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", full)
        refused(port.put_manifest(recording, first=2), 507, "spool-full")
    assert port("GET", port.path(recording, "manifest")).json()["next_seq"] == 2
    assert port.put_manifest(recording, first=2).status_code == 200
    port.restart().hello()
    assert port("GET", port.path(recording, "manifest")).json()["next_seq"] == len(recording.entries)


# -- what the dock knows after the receipt ---------------------------------------------------------------------------


def test_a_recording_that_is_at_the_server_is_not_asked_for_again(force, port, recording):
    port.put_part(recording, 1, recording.media)
    port.complete(recording)
    receipt = force.receipt_for(recording.facts())
    port.hall.spool.release(port.hall.spool.find(recording.kid, recording.rec_id), receipt)
    assert port("GET", port.path(recording, "manifest")).json()["next_seq"] == len(recording.entries)
    assert port("GET", port.path(recording, "parts")).json()["parts"][0]["last"] == len(recording.entries) - 1
    assert port.complete(recording).status_code == 200
    answer = port("GET", f"/receipts?camera={recording.kid.hex()}").json()["receipts"]
    assert [base64.b64decode(each) for each in answer] == [receipt]
    row = r.InventoryRow(recording.rec_id, 1, len(recording.entries) - 1, recording.tail, True, False)
    port.hello(rows=(row,))
    assert port("GET", "/receipts").json()["receipts"] == answer
    port.hello()  # no longer listed: wiped on the camera
    assert port("GET", "/receipts").json()["receipts"] == []


def test_what_comes_after_a_recording_has_left_for_the_server_is_held_already(force, port, recording):
    """The uplink was done between the camera's question what is held and its answer to that."""
    assert port.put_part(recording, 1, recording.media).status_code == 201
    assert port.complete(recording).status_code == 200
    port.hall.spool.release(port.hall.spool.find(recording.kid, recording.rec_id), force.receipt_for(recording.facts()))
    assert port.put_part(recording, 1, recording.media).json() == {"stored": []}
    orphan = b"torn bytes"
    digest = base64.b64encode(hashlib.sha256(orphan).digest()).decode()
    headers = {"Content-Digest": f"sha-256=:{digest}:"}
    assert port("PUT", port.path(recording, "orphan"), content=orphan, headers=headers).status_code == 200
    assert port.spooled(recording) == b""


def test_a_camera_may_not_ask_for_anothers_receipts_or_journal(force, port):
    other = force.camera("0999").kid.hex()
    refused(port("GET", f"/receipts?camera={other}"), 400, "bad-request")
    refused(port("GET", f"/journal?camera={other}"), 400, "bad-request")


def test_flagged_recordings_are_asked_for_first(port):
    rows = tuple(r.InventoryRow(bytes([n]) * 16, n, 1, bytes(32), True, n == 3) for n in (5, 3, 1))
    queue = port.hello(rows=rows).json()["queue"]
    assert queue == [(bytes([n]) * 16).hex() for n in (3, 1, 5)]


def test_a_name_that_is_no_hex_or_a_path_reaches_no_file(port):
    for name in ("../../../etc", "zz" * 16, "00" * 15, "00" * 17, "%2e%2e"):
        assert port("GET", f"/recordings/{name}/manifest").status_code in (400, 404)


def test_the_same_part_sent_by_two_at_once_is_kept_once(port, recording):
    held = port.hall.spool.find(recording.kid, recording.rec_id)
    aside = port.hall.spool.layout.aside(recording.kid)
    length = len(recording.slice(2, 4))
    with (
        intake.PartIntake(held, first_seq=2, length=length, digest=None, aside=aside) as one,
        intake.PartIntake(held, first_seq=2, length=length, digest=None, aside=aside) as two,
    ):
        one.feed(recording.slice(2, 4))
        two.feed(recording.slice(2, 4))
        assert one.commit() == [2, 3, 4]
        assert two.commit() == []
    assert port.spooled(recording) == recording.slice(2, 4)
