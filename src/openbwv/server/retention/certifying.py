"""Sign destruction certificates: phase 1 after ERASED, phase 2 once the key that wrapped the recording's is destroyed.

Proves: what this system removed, when, under which rule, and where that stands in the log.
Does not prove: that no copy exists elsewhere; the certificate lists what it cannot know.
"""

import secrets

from django.db import transaction

from openbwv.recording import DestructionCertificate, ErasedObject, LeafIndexes
from openbwv.server.clock import to_ms, utc
from openbwv.server.retention.models import Certificate, Deletion, DeletionState
from openbwv.server.trail.actions import wait_for_leaf
from openbwv.server.trail.models import LogHead
from openbwv.server.vault.keys import key_client
from openbwv.server.vault.models import Rotation, RotationState
from openbwv.shared.clock import Clock

STORE = "vault"
NO_COMMITMENT = bytes(32)
CANNOT_PROVE = (
    "that no copy was made outside this system, by export, by camera or screen, or by theft",
    "that no copy of the key service's keyring, made before its rotation, is kept elsewhere",
    "that the camera's epoch key no longer exists: it is kept while any camera may still need it",
)


def sign_phase_1(deletion: Deletion, *, clock: Clock) -> Certificate:
    """Sign "erased online" and keep it. Raises LogNotRunning, KeydUnavailable. Idempotent."""
    deletion = Deletion.objects.select_related("recording", "erased_event").get(pk=deletion.pk)
    existing = Certificate.objects.filter(deletion=deletion).first()
    if existing is not None:
        return existing
    wait_for_leaf(deletion.erased_event)
    cert_id = secrets.token_bytes(16)
    signed = _sign(body_of(deletion, cert_id, phase=1))
    with transaction.atomic():
        certificate, _ = Certificate.objects.get_or_create(
            deletion=deletion, defaults={"cert_id": cert_id, "phase1": signed, "phase1_utc": utc(clock)}
        )
        Deletion.objects.filter(pk=deletion.pk).update(problem="")
    return certificate


def sign_phase_2_where_due(*, clock: Clock) -> int:
    """Sign "irrecoverable" for every erased recording whose retention key has been destroyed; return how many."""
    gone = {
        rotation.old_kek_id: rotation
        for rotation in Rotation.objects.filter(state=RotationState.DONE).select_related("destroyed_event")
    }
    waiting = Deletion.objects.filter(
        state=DeletionState.ERASED, kek_id__in=gone, certificate__isnull=False
    ).select_related("recording", "certificate")
    count = 0
    for deletion in waiting:
        rotation = gone[deletion.kek_id]
        if rotation.destroyed_event is None or rotation.destroyed_event.leaf_index is None:
            continue  # its leaf is on the way; the next run finds it
        body = body_of(deletion, bytes(deletion.certificate.cert_id), phase=2, rotation=rotation)
        signed = _sign(body)
        with transaction.atomic():
            Certificate.objects.filter(pk=deletion.certificate.pk).update(phase2=signed, phase2_utc=utc(clock))
            Deletion.objects.filter(pk=deletion.pk).update(
                state=DeletionState.IRRECOVERABLE, irrecoverable_utc=rotation.destroyed_utc
            )
        count += 1
    return count


def body_of(
    deletion: Deletion, cert_id: bytes, *, phase: int, rotation: Rotation | None = None
) -> DestructionCertificate:
    """Return what a certificate of that phase says about a deletion, as the rows have it."""
    recording = deletion.recording
    removed_ms = to_ms(deletion.erased_utc)
    events = (deletion.proposed_event, deletion.authorised_event, deletion.erased_event)
    return DestructionCertificate(
        cert_id=cert_id,
        rec_id=recording.rec_id,
        phase=phase,
        tail=bytes(recording.tail) or bytes(32),
        last_seq=max(recording.next_seq - 1, 0),
        dc=bytes.fromhex(recording.open_facts.get("dc", "")) or NO_COMMITMENT,
        media_bytes=recording.media_bytes,
        rule=deletion.rule,
        due_at_ms=to_ms(deletion.due_utc),
        hold_check_size=_log_size(deletion),
        approvals=tuple(deletion.authorised_event.details["approvals"]),
        objects=tuple(
            ErasedObject(f"{STORE}/{kind}", bytes.fromhex(digest), 1, removed_ms)
            for kind, digest, _ in deletion.removed
        ),
        kek_id=deletion.kek_id,
        leaves=LeafIndexes(
            *(event.leaf_index or 0 for event in events), rotation.destroyed_event.leaf_index if rotation else 0
        ),
        erased_at_ms=removed_ms,
        kek_destroyed_at_ms=to_ms(rotation.destroyed_utc) if rotation else 0,
        copies_known=tuple(deletion.copies_known),
        cannot_prove=CANNOT_PROVE,
    )


def _log_size(deletion: Deletion) -> int:
    """Return the size of the log up to which the key service looked for holds: at least up to the authorisation."""
    head = LogHead.objects.filter(id=1).first()
    return max(head.size if head else 0, (deletion.authorised_event.leaf_index or 0) + 1)


def _sign(body: DestructionCertificate) -> bytes:
    signer = key_client().signer("records")
    return body.encode(signer, signer.chain)
