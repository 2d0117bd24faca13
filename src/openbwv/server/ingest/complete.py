"""The end of an upload: everything is counted, INGEST is logged, the key is wrapped anew, the receipt is signed.

    complete → [Receipt row + INGEST event + due date + state: one transaction] → leaf in the log → keyd wraps → receipt

Each step looks at what the one before left in the database, so whoever asks next (the same dock again, or the worker's
job) goes on where a crash, a missing log or a missing key service stopped it. Until the end the answer is 202.
"""

import hashlib
from typing import Any
from uuid import UUID

from django.db import transaction

from openbwv.custody import EventType
from openbwv.recording import EvidenceReceipt, cbor
from openbwv.recording.errors import BwvError
from openbwv.server.clock import to_ms
from openbwv.server.evidence import arrival
from openbwv.server.evidence.models import Recording
from openbwv.server.ingest import quick
from openbwv.server.ingest.aside import keep_aside
from openbwv.server.ingest.errors import EntriesFirst, Incomplete, NotReady
from openbwv.server.ingest.http import hex_of, number_of
from openbwv.server.ingest.manifest import GONE, find_recording, is_aside
from openbwv.server.ingest.models import AsideKind, Receipt
from openbwv.server.ingest.side_objects import find_orphan
from openbwv.server.ingest.sweep import forget_lost_parts
from openbwv.server.ingest.tokens import Peer
from openbwv.server.trail.actions import event_map, log_event, wait_for_leaf
from openbwv.server.trail.errors import LogNotRunning
from openbwv.server.vault.epochs import note_taken
from openbwv.server.vault.force import force
from openbwv.server.vault.keyd.errors import EpochKeyDestroyed, KeyDoesNotOpen, KeydUnavailable
from openbwv.server.vault.keys import key_client
from openbwv.server.vault.media_map import FragmentTable, fragment_table, held_fragments
from openbwv.server.vault.models import KeyWrap, PendingKey
from openbwv.shared.clock import Clock

LEAF_WAIT_S = 1.0
MOST_LISTED = 1000
REPLICAS = 1
ASK_LATER_S = 3600
KEPT = "The footage is kept and can be checked, but shown by nobody: the force gave up the key that opens it."


def complete(rec_id: bytes, wanted: dict[str, Any], peer: Peer, clock: Clock) -> bytes:
    """Return the signed evidence receipt.

    Raises EntriesFirst, Incomplete (409, with what is missing), NotReady (202) and KeyDoesNotOpen (409).
    """
    tail = hex_of(str(wanted.get("tail", "")), length=32, name="tail")
    last_seq = number_of(wanted.get("last_seq"), name="last_seq")
    recording = find_recording(rec_id, peer)
    if recording is None:
        raise _unknown(rec_id)
    receipt = Receipt.objects.filter(recording=recording, tail=tail).first()
    if receipt is None and recording.state in GONE:
        raise Incomplete(
            what="This recording was deleted here, and no receipt for it is kept any more.",
            remedy="Nothing of it is taken in again. Show the camera to a fleet manager: what it still holds is to go.",
            missing="receipt",
        )
    if receipt is None:
        forget_lost_parts(recording=recording)  # the receipt lets the camera wipe: rows alone are not enough for it
        receipt = _take_in(recording, last_seq, tail, _orphan(wanted), clock)
    return finish_receipt(receipt, clock=clock, wait_s=LEAF_WAIT_S)


def finish_receipt(receipt: Receipt, *, clock: Clock, wait_s: float) -> bytes:
    """Take an ingested recording the rest of the way and return its receipt; raises NotReady, KeyDoesNotOpen."""
    if receipt.signed:
        return bytes(receipt.signed)
    try:
        proof = wait_for_leaf(receipt.event, timeout_s=wait_s)
        wrap_key(receipt.recording, clock=clock)
        signed = _sign(receipt, proof)
    except LogNotRunning as problem:
        raise _not_ready("the log has not taken it yet") from problem
    except KeydUnavailable as problem:
        raise _not_ready("the key service does not answer") from problem
    Receipt.objects.filter(pk=receipt.pk, signed=None).update(signed=signed)
    receipt.refresh_from_db(fields=["signed"])
    return bytes(receipt.signed)


def wrap_key(recording: Recording, *, clock: Clock) -> None:
    """Have the key service open the camera's wrap, check it and wrap it under the retention key. Idempotent.

    Raises Incomplete, KeydUnavailable, and KeyDoesNotOpen, also when the epoch key that it was sealed to was destroyed.
    """
    if KeyWrap.objects.filter(recording=recording).exists():
        return
    pending = PendingKey.objects.filter(recording=recording).first()
    if pending is None or pending.refused_why:
        raise Incomplete(
            what="The recording's wrapped key is missing or does not open.",
            remedy="Send key.cbor again: PUT /recordings/ID/key.",
            missing="key",
        )
    opening = fragment_table(recording)
    kid = bytes.fromhex(recording.camera.kid)
    try:
        wrap = key_client().rewrap(bytes(pending.key_cbor), rec_id=recording.rec_id, kid=kid, dc=opening.open_body.dc)
    except (KeyDoesNotOpen, EpochKeyDestroyed) as problem:
        refusal = problem if isinstance(problem, KeyDoesNotOpen) else KeyDoesNotOpen(what=problem.what, remedy=KEPT)
        _refuse_key(recording, pending, refusal, clock)
        raise refusal from problem
    note_taken(recording, bytes(pending.key_cbor))
    with transaction.atomic():
        if quick.locked_state_of(recording.pk) in GONE:
            return  # deleted since its key was asked for: no key of it may stay
        KeyWrap.objects.get_or_create(recording=recording, defaults=vars(wrap))
        PendingKey.objects.filter(recording=recording).delete()


def _take_in(recording: Recording, last_seq: int, tail: bytes, orphan: tuple[int, bytes], clock: Clock) -> Receipt:
    from openbwv.server.retention.actions import recording_ingested

    with transaction.atomic():
        recording = Recording.objects.select_for_update(of=("self",)).select_related("camera").get(pk=recording.pk)
        table = _check_all_here(recording, last_seq, tail, orphan)
        earlier = Receipt.objects.filter(recording=recording, tail=tail).first()
        if earlier is not None:
            return earlier
        arrival.mark_stored(recording=recording, clock=clock)
        event = log_event(
            EventType.INGEST if recording.closed else EventType.INGEST_UNCLOSED,
            recording=recording,
            actor_label="door",
            rule="every fragment's signed hash was checked; stored durably",
            details=_facts(recording, table, orphan),
            clock=clock,
        )
        recording_ingested(recording, clock)
        return Receipt.objects.create(
            recording=recording,
            camera_kid=recording.camera.kid,
            tail=tail,
            event=event,
            orphan_length=orphan[0],
            orphan_sha256=orphan[1],
        )


def _check_all_here(recording: Recording, last_seq: int, tail: bytes, orphan: tuple[int, bytes]) -> FragmentTable:
    if recording.next_seq != last_seq + 1 or bytes(recording.tail) != tail:
        raise EntriesFirst(
            what=f"The entries here end with number {recording.next_seq - 1}, not as was said.",
            remedy="Send the missing entries, or ask GET …/manifest where they stand.",
            next_seq=recording.next_seq,
            tail=bytes(recording.tail).hex(),
        )
    table = fragment_table(recording)
    held = held_fragments(recording)
    missing = [info.seq for info in table.fragments if info.seq not in held]
    if missing:
        raise Incomplete(
            what=f"{len(missing)} fragments are not here yet.",
            remedy="Ask GET …/parts what is held and send the rest.",
            missing="parts",
            seqs=missing[:MOST_LISTED],
        )
    if orphan[0] and find_orphan(recording, *orphan) is None:
        raise Incomplete(what="The orphan is not here yet.", remedy="Send it: PUT …/orphan.", missing="orphan")
    has_key = PendingKey.objects.filter(recording=recording, refused_why="").exists()
    if not has_key and not KeyWrap.objects.filter(recording=recording).exists():
        raise Incomplete(
            what="The recording's wrapped key is not here yet.", remedy="Send it: PUT …/key.", missing="key"
        )
    return table


def _facts(recording: Recording, table: FragmentTable, orphan: tuple[int, bytes]) -> dict[str, Any]:
    return {
        "camera": recording.camera.name,
        "kid": recording.camera.kid,
        "last_seq": recording.next_seq - 1,
        "tail": bytes(recording.tail).hex(),
        "media_length": table.media_bytes,
        "media_sha256_of_cts": _hash_of_hashes(table).hex(),
        "orphan_length": orphan[0],
        "orphan_sha256": orphan[1].hex(),
    }


def _sign(receipt: Receipt, proof: bytes) -> bytes:
    facts = receipt.event.details
    signer = key_client().signer("receipt")
    return EvidenceReceipt(
        rec_id=receipt.recording.rec_id,
        kid=bytes.fromhex(facts["kid"]),
        last_seq=facts["last_seq"],
        tail=bytes.fromhex(facts["tail"]),
        media_length=facts["media_length"],
        media_sha256_of_cts=bytes.fromhex(facts["media_sha256_of_cts"]),
        stored_at_ms=to_ms(receipt.event.at_utc),
        replicas=REPLICAS,
        server_id=force().origin,
        leaf=bytes(receipt.event.leaf),
        leaf_event=cbor.encode(event_map(receipt.event)),
        leaf_salt=bytes(receipt.event.salt),
        proof=proof,
        orphan_length=receipt.orphan_length,
        orphan_sha256=bytes(receipt.orphan_sha256),
    ).encode(signer, signer.chain)


def _refuse_key(recording: Recording, pending: PendingKey, refusal: BwvError, clock: Clock) -> None:
    """The footage stays; no receipt is given, so the camera, which holds the last copy of the wrap, keeps it."""
    PendingKey.objects.filter(pk=pending.pk).update(refused_why=refusal.what)
    keep_aside(
        bytes(pending.key_cbor),
        kind=AsideKind.KEY,
        why=refusal,
        device_kid=recording.camera.kid,
        rec_id=recording.rec_id,
        clock=clock,
    )


def _orphan(wanted: dict[str, Any]) -> tuple[int, bytes]:
    length = number_of(wanted.get("orphan_length") or 0, name="orphan_length")
    if not length:
        return 0, b""
    return length, hex_of(str(wanted.get("orphan_sha256", "")), length=32, name="orphan_sha256")


def _hash_of_hashes(table: FragmentTable) -> bytes:
    digest = hashlib.sha256()
    for info in table.fragments:
        digest.update(info.ct)
    return digest.digest()


def _not_ready(why: str) -> NotReady:
    return NotReady(
        what=f"Everything is here and stored; the receipt is not signed yet, because {why}.",
        remedy="Ask again in a moment. Until then the camera keeps its copy.",
        retry_after_s=1,
    )


def _unknown(rec_id: bytes) -> BwvError:
    if is_aside(rec_id):
        return NotReady(
            what="This recording is kept aside: its camera is not enrolled here.",
            remedy="There is no receipt until a fleet manager has looked at it. The camera keeps its copy.",
            aside=True,
            retry_after_s=ASK_LATER_S,
        )
    return EntriesFirst(
        what=f"There are no entries of recording {UUID(bytes=rec_id)} here.", remedy="Send its entries.", next_seq=0
    )
