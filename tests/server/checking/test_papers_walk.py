"""A receipt or certificate that was changed, forged, exchanged, or is not in the log is found; true ones agree."""

from dataclasses import replace
from datetime import timedelta

import pytest

from openbwv.recording import DestructionCertificate, EvidenceReceipt, SoftwareSigner
from openbwv.server.checking import WALKS, run_check
from openbwv.server.commands.check import ROOMS
from openbwv.server.evidence.models import Recording
from openbwv.server.ingest.models import Receipt
from openbwv.server.retention.models import Certificate, Deletion
from openbwv.server.trail.models import Event
from openbwv.server.vault.actions import rotate_retention_key
from openbwv.server.vault.keys import key_client
from openbwv.server.vault.models import Rotation
from openbwv.shared import agency
from tests.server.ingest.conftest import door, inline, keyd, running_log  # noqa: F401  fixtures
from tests.server.retention.conftest import force, policy  # noqa: F401  fixtures

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture
def changed(codes):
    """Return a function that changes a row, checks one room, and puts the row back."""

    def look(room, row, **values):
        before = type(row).objects.filter(pk=row.pk).values(*values).get()
        type(row).objects.filter(pk=row.pk).update(**values)
        found = codes(room)
        type(row).objects.filter(pk=row.pk).update(**before)
        return found

    return look


def flipped(data, at=-1):
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def signed_by_us(message, use):
    """Sign as the key service would: a forger with its key, but without the log's."""
    signer = key_client().signer(use)
    return message.encode(signer, signer.chain)


def signed_by_strangers(message, profile):
    """Sign under an authority of the same name."""
    from cryptography.hazmat.primitives.asymmetric import ec

    root_key, root = agency.make_agency("Test Force")
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = agency.issue(agency_key=root_key, agency=root, public_key=key.public_key(), profile=profile, name="x")
    return message.encode(SoftwareSigner(key), [agency.to_der(leaf), agency.to_der(root)])


def test_receipts_that_hold_agree(force, codes, clock):  # noqa: F811  a fixture
    force.dock()
    force.dock()
    assert codes("receipts") == []
    assert run_check(clock=clock, only=["receipts"]).looked_at == {"receipts": 2}


def test_a_changed_or_forged_receipt_is_found(force, codes, changed):  # noqa: F811  a fixture
    force.dock()
    other = Receipt.objects.get(recording=force.dock())
    row = Receipt.objects.exclude(pk=other.pk).get()
    true = EvidenceReceipt.decode(bytes(row.signed)).body
    assert changed("receipts", row, signed=flipped(row.signed)) == ["receipt-wrong"]
    assert changed("receipts", row, signed=bytes(row.signed)[:-10]) == ["receipt-wrong"]
    assert changed("receipts", row, signed=signed_by_strangers(true, agency.Profile.RECEIPT)) == ["receipt-wrong"]
    assert changed("receipts", row, signed=signed_by_us(true, "records")) == ["receipt-wrong"]
    assert changed("receipts", row, signed=bytes(other.signed)) == ["receipt-differs", "receipt-not-in-log"]
    for name, value in (
        ("media_length", true.media_length + 1),
        ("media_sha256_of_cts", bytes(32)),
        ("kid", bytes(32)),
    ):
        forged = signed_by_us(replace(true, **{name: value}), "receipt")
        assert changed("receipts", row, signed=forged) == ["receipt-differs"], name
    for name, value in (("tail", bytes(32)), ("last_seq", true.last_seq + 1)):
        forged = signed_by_us(replace(true, **{name: value}), "receipt")
        assert changed("receipts", row, signed=forged) == ["receipt-differs", "receipt-not-in-log"], name
    for name, value in (("leaf_salt", bytes(32)), ("proof", flipped(true.proof)), ("proof", b"")):
        forged = signed_by_us(replace(true, **{name: value}), "receipt")
        assert changed("receipts", row, signed=forged) == ["receipt-not-in-log"], name
    assert codes("receipts") == []


def test_rows_that_a_receipt_contradicts_are_found(force, codes, changed):  # noqa: F811  a fixture
    recording = force.dock()
    row = Receipt.objects.get()
    assert changed("receipts", row, tail=bytes(32)) == ["receipt-differs"]
    assert changed("receipts", row, camera_kid="00" * 32) == ["receipt-differs"]
    assert changed("receipts", row, orphan_length=5) == ["receipt-differs"]
    assert changed("receipts", recording, next_seq=3) == ["receipt-differs"]
    assert changed("receipts", row.event, leaf_index=10_000) == ["receipt-not-in-log"]
    assert changed("receipts", row.event, leaf=b"another") == ["receipt-not-in-log"]
    assert codes("receipts") == []


def test_a_finding_says_where_and_what_to_do(force, clock):  # noqa: F811  a fixture
    recording = force.dock()
    Receipt.objects.update(signed=flipped(Receipt.objects.get().signed))
    (finding,) = run_check(clock=clock, only=["receipts"]).disagreements
    assert recording.reference in finding.where
    assert "does not hold" in finding.what
    assert "who changed it" in finding.remedy


@pytest.fixture
def certificate(force):  # noqa: F811  a fixture
    """Return the certificate, both phases, of a recording that is gone."""
    recording = force.dock()
    force.wait(days=31)
    rotate_retention_key(clock=force.clock)
    force.log.drain()
    force.wait(hours=1)
    return Certificate.objects.get(deletion__recording=recording)


def test_certificates_that_hold_agree_and_so_does_the_receipt_of_what_is_gone(certificate, codes, clock):
    assert codes("certificates", "receipts") == []
    looked_at = run_check(clock=clock, only=["certificates", "receipts"]).looked_at
    assert looked_at == {"certificates": 2, "receipts": 1}


def test_a_changed_or_forged_certificate_is_found(certificate, codes, changed):
    for phase in ("phase1", "phase2"):
        signed = bytes(getattr(certificate, phase))
        true = DestructionCertificate.decode(signed).body
        strangers = signed_by_strangers(true, agency.Profile.RECORDS)
        assert changed("certificates", certificate, **{phase: flipped(signed)}) == ["certificate-wrong"]
        assert changed("certificates", certificate, **{phase: strangers}) == ["certificate-wrong"]
        assert changed("certificates", certificate, **{phase: signed_by_us(true, "receipt")}) == ["certificate-wrong"]
        for name, value in (("media_bytes", 1), ("rule", "another"), ("objects", ()), ("approvals", ("indra",))):
            forged = signed_by_us(replace(true, **{name: value}), "records")
            assert changed("certificates", certificate, **{phase: forged}) == ["certificate-differs"], name
        elsewhere = replace(true, leaves=true.leaves._replace(erased=true.leaves.erased - 1))
        found = changed("certificates", certificate, **{phase: signed_by_us(elsewhere, "records")})
        assert found == ["certificate-differs", "certificate-not-in-log"]
        later = signed_by_us(replace(true, hold_check_size=1_000_000), "records")
        assert changed("certificates", certificate, **{phase: later}) == ["certificate-not-in-log"]
    exchanged = changed("certificates", certificate, phase2=bytes(certificate.phase1))
    assert exchanged == ["certificate-differs", "certificate-not-in-log"]
    assert codes("certificates") == []


def test_rows_that_a_certificate_contradicts_are_found(certificate, codes, changed):
    deletion, recording = certificate.deletion, certificate.deletion.recording
    both = ["certificate-differs"] * 2
    assert changed("certificates", deletion, rule="another") == both
    assert changed("certificates", deletion, due_utc=deletion.due_utc + timedelta(seconds=1)) == both
    assert changed("certificates", deletion, removed=deletion.removed[1:]) == both
    assert changed("certificates", recording, tail=bytes(32)) == both
    assert changed("certificates", Event.objects.get(pk=deletion.authorised_event_id), details={}) == both
    assert (
        changed("certificates", Event.objects.get(pk=deletion.erased_event_id), leaf=b"x")
        == ["certificate-not-in-log"] * 2
    )
    rotation = Rotation.objects.get(old_kek_id=deletion.kek_id)
    assert changed("certificates", rotation, destroyed_event=None) == ["certificate-differs"]
    assert codes("certificates") == []


def test_the_command_offers_every_room():
    assert list(WALKS) == ROOMS


def test_nothing_to_look_at_needs_no_force(db, codes):
    assert not Recording.objects.exists()
    assert not Deletion.objects.exists()
    assert codes("receipts", "certificates") == []
