"""What comes beside entries and fragments: the wrapped key, and bytes that are not evidence (orphan.bin)."""

import hashlib
from typing import Any

from django.db import transaction

from openbwv.recording import read_key_cbor
from openbwv.recording.errors import BwvError
from openbwv.server.evidence.models import Recording
from openbwv.server.ingest import quick
from openbwv.server.ingest.aside import keep_aside
from openbwv.server.ingest.errors import BadRequest, DigestWrong, DoorRefusal, EntriesFirst, KeyRefused, UnknownDevice
from openbwv.server.ingest.http import Request
from openbwv.server.ingest.manifest import GONE, find_recording, is_aside
from openbwv.server.ingest.models import AsideKind
from openbwv.server.ingest.parts import content_digest
from openbwv.server.ingest.tokens import Peer
from openbwv.server.ingest.unkept import remove_unkept
from openbwv.server.ingest.work import at_database
from openbwv.server.vault.models import KeyWrap, ObjectKind, PendingKey, StoredObject
from openbwv.server.vault.store import vault_store
from openbwv.shared.clock import Clock
from openbwv.shared.durable import NewFile

KEY_LIMIT_BYTES = 8192
ORPHAN_LIMIT_BYTES = 1 << 30


def take_key(rec_id: bytes, data: bytes, peer: Peer, clock: Clock) -> bool:
    """Keep the camera's wrapped key until the key service has wrapped it anew; return whether it is new here.

    Raises EntriesFirst, FormatError, and KeyRefused for another key than the one held.
    """
    recording = find_recording(rec_id, peer)
    aside = {"kind": AsideKind.KEY, "sender_kid": peer.kid, "rec_id": rec_id, "clock": clock}
    if recording is None:
        raise _no_recording(rec_id, data, aside)
    if recording.state in GONE or KeyWrap.objects.filter(recording=recording).exists():
        return False
    try:
        read_key_cbor(data)
        return _keep_key(recording, data)
    except BwvError as refusal:
        keep_aside(data, why=refusal, device_kid=recording.camera.kid if recording.camera else "", **aside)
        raise


def _keep_key(recording: Recording, data: bytes) -> bool:
    with transaction.atomic():
        if quick.locked_state_of(recording.pk) in GONE:
            return False  # deleted since it was looked at: no key of it may stay
        row, made = PendingKey.objects.select_for_update().get_or_create(
            recording=recording, defaults={"key_cbor": data}
        )
        if made or bytes(row.key_cbor) == data:
            return made
        if not row.refused_why:
            raise KeyRefused(
                what="Another wrapped key of this recording is here already.",
                remedy="The one that came first is used; this one is kept aside.",
            )
        row.key_cbor, row.refused_why = data, ""
        row.save()
        return True


def take_orphan(request: Request, rec_id: bytes, peer: Peer, clock: Clock) -> bool:
    """Store what recovery set aside on the camera, labelled as no evidence; return whether it is new here."""
    length = request.length(limit=ORPHAN_LIMIT_BYTES)
    digest = content_digest(request.headers.get("content-digest"))
    if digest is None:
        raise BadRequest(what="An orphan needs its Content-Digest.", remedy="Send sha-256=:<base64>: with it.")
    recording = at_database(find_recording, rec_id, peer)
    if recording is None:
        aside = {"kind": AsideKind.ORPHAN, "sender_kid": peer.kid, "rec_id": rec_id, "clock": clock}
        raise at_database(_no_recording, rec_id, None, aside)
    if recording.state in GONE or at_database(_has_orphan, recording, length, digest):
        return False
    key, file = vault_store().new()
    with file:
        found = hashlib.sha256()

        def take(block: memoryview) -> None:
            found.update(block)
            file.write(block)

        request.pour(take)
        if file.length != length or found.digest() != digest:
            raise DigestWrong(
                what="The orphan is not the one its Content-Digest names.", remedy="Send it again; nothing was kept."
            )
        return _keep_orphan(recording, key, file, digest)


def find_orphan(recording: Recording, length: int, sha256: bytes) -> StoredObject | None:
    """Return the orphan of this length and hash, if it is here."""
    return StoredObject.objects.filter(
        recording=recording, kind=ObjectKind.ORPHAN, length=length, sha256=sha256
    ).first()


def _has_orphan(recording: Recording, length: int, sha256: bytes) -> bool:
    return find_orphan(recording, length, sha256) is not None


def _keep_orphan(recording: Recording, key: str, file: NewFile, sha256: bytes) -> bool:
    file.commit()
    facts = {"kind": ObjectKind.ORPHAN, "length": file.length, "sha256": sha256, "recording": recording}
    try:
        kept = at_database(_make_row, key=key, **facts)
    except BaseException as problem:
        at_database(remove_unkept, key, problem)
        raise
    if not kept:
        vault_store().remove(key)
    return kept


def _make_row(*, recording: Recording, **facts: Any) -> bool:
    """Make the orphan's row unless the recording was deleted while it came in: then nothing of it may stay."""
    with transaction.atomic():
        if quick.locked_state_of(recording.pk) in GONE:
            return False
        StoredObject.objects.create(recording=recording, **facts)
        return True


def _no_recording(rec_id: bytes, data: bytes | None, aside: dict) -> DoorRefusal:
    if not is_aside(rec_id):
        return EntriesFirst(
            what="There are no entries of this recording here.", remedy="Send its entries first.", next_seq=0
        )
    refusal = UnknownDevice()
    keep_aside(data, why=refusal, device_kid=aside["sender_kid"], **aside)
    return refusal
