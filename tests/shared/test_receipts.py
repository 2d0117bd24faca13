"""Nothing but the true receipt permits a wipe."""

import os
from dataclasses import fields, replace

import pytest

from openbwv.custody import EventType
from openbwv.recording import EvidenceReceipt, cbor
from openbwv.shared.agency import Profile
from openbwv.shared.receipts import ReceiptRefused, check_evidence_receipt
from openbwv.shared.revocation import Revocations
from tests.dock.force import Force, make_recording


@pytest.fixture(scope="module")
def force():
    return Force()


@pytest.fixture(scope="module")
def camera(force):
    return force.camera()


@pytest.fixture(scope="module")
def recording(force, camera):
    return make_recording(force, camera, orphan=b"torn")


def check(force, data, own, **more):
    keys = {"trust": force.trust, "log_vkey": force.vkey, "revocations": Revocations()} | more
    return check_evidence_receipt(data, own=own, **keys)


def test_the_true_receipt_holds(force, recording):
    received = check(force, force.receipt_for(recording.facts()), recording.facts())
    assert received.body.tail == recording.tail


def test_an_unclosed_recording_is_receipted_by_its_own_kind_of_leaf(force, camera):
    own = make_recording(force, camera, closed=False).facts()
    check(force, force.receipt_for(own, event_changes={"type": int(EventType.INGEST_UNCLOSED)}), own)


ABOUT_THE_SERVER = {"stored_at_ms", "server_id"}  # say nothing about our bytes; the signature covers them


@pytest.mark.parametrize("name", [each.name for each in fields(EvidenceReceipt) if each.name not in ABOUT_THE_SERVER])
def test_every_field_changed_by_itself_is_refused_even_when_signed_anew(force, recording, name):
    true = EvidenceReceipt.decode(force.receipt_for(recording.facts())).body
    value = getattr(true, name)
    if isinstance(value, int):
        changed = 0 if name == "replicas" else value + 1
    elif isinstance(value, bytes):
        changed = bytes([value[0] ^ 1]) + value[1:]
    forged = replace(true, **{name: changed}).encode(force.receipt.signer, force.receipt.chain)
    with pytest.raises(ReceiptRefused):
        check(force, forged, recording.facts())


def test_any_flipped_byte_of_the_message_is_refused(force, recording):
    """Each byte of the signed part; the certificate chain is unsigned but checked in itself."""
    data = force.receipt_for(recording.facts())
    for place in range(len(data)):
        forged = data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :]
        with pytest.raises(ReceiptRefused):
            check(force, forged, recording.facts())


def test_another_recording_another_camera_or_an_older_tail_is_refused(force, camera, recording):
    own = recording.facts()
    other = make_recording(force, camera).facts()
    stranger = make_recording(force, force.camera("0999")).facts()
    older = replace(own, last_seq=own.last_seq - 1, tail=os.urandom(32))
    for facts in (other, stranger, older):
        with pytest.raises(ReceiptRefused):
            check(force, force.receipt_for(facts), own)


@pytest.mark.parametrize(
    "profile", [Profile.DOCK, Profile.CAMERA, Profile.FLEET, Profile.RECORDS, Profile.EXPORT, Profile.DOOR]
)
def test_a_key_certified_for_another_use_cannot_sign_it(force, recording, profile):
    with pytest.raises(ReceiptRefused, match="certificate is for"):
        check(force, force.receipt_for(recording.facts(), signer=force.party("x", profile)), recording.facts())


def test_a_revoked_key_cannot_sign_it(force, recording):
    data, own = force.receipt_for(recording.facts()), recording.facts()
    by_list = Revocations.read(force.crl(force.receipt), trust_pem=force.trust_pem)
    with pytest.raises(ReceiptRefused, match="revoked"):
        check(force, data, own, revocations=by_list)
    with pytest.raises(ReceiptRefused, match="revoked"):
        check(force, data, own, revoked_kids={force.receipt.kid})


def test_a_receipt_of_a_forged_force_with_the_same_name_is_refused(force, recording):
    forged = Force()
    with pytest.raises(ReceiptRefused, match="not trusted"):
        check(force, forged.receipt_for(recording.facts()), recording.facts())


def test_a_proof_of_another_log_is_refused(force, recording):
    """Signed by the true receipt key, but the leaf stands in a log of the forger's own."""
    other_log = Force(origin="thornbury.example/log")
    data = other_log.receipt_for(recording.facts(), signer=force.receipt)
    with pytest.raises(ReceiptRefused):
        check(force, data, recording.facts())


def test_a_leaf_that_is_not_in_the_log_is_refused(force, recording):
    own = recording.facts()
    here = EvidenceReceipt.decode(force.receipt_for(own)).body
    elsewhere = EvidenceReceipt.decode(Force().receipt_for(own)).body
    mixed = replace(here, leaf=elsewhere.leaf, leaf_event=elsewhere.leaf_event, leaf_salt=elsewhere.leaf_salt)
    with pytest.raises(ReceiptRefused):
        check(force, mixed.encode(force.receipt.signer, force.receipt.chain), own)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": int(EventType.VIEW)},
        {"outcome": "refused"},
        {"rec": bytes(16)},
        {"rec": None},
        {"details": {"tail": "00" * 32, "last_seq": 7}},
        {"details": {}},
        {"details": None},
    ],
)
def test_a_logged_event_about_something_else_is_refused(force, recording, changes):
    with pytest.raises(ReceiptRefused):
        check(force, force.receipt_for(recording.facts(), event_changes=changes), recording.facts())


def test_an_event_that_is_no_map_or_no_cbor_is_refused(force, recording):
    for junk in (cbor.encode([1]), b"", b"\xff", os.urandom(40)):
        with pytest.raises(ReceiptRefused):
            check(force, force.receipt_for(recording.facts(), leaf_event=junk), recording.facts())


def test_junk_is_refused(force, recording):
    for junk in (b"", b"\xd2", os.urandom(300), b"{}"):
        with pytest.raises(ReceiptRefused):
            check(force, junk, recording.facts())
