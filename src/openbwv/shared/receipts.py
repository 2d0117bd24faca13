"""The one permission to wipe, judged.

Rule: an evidence receipt counts for a recording only if all of this holds:
1. it is signed by a key that the pinned agency CA certified for receipts alone, and that is not revoked;
2. recording, camera key, last number, tail, media length, the hash over all fragment hashes and the orphan are ours;
3. its leaf is an INGEST leaf, and event and salt open the leaf's commitment: the event names this recording and tail;
4. the leaf is in the log: the proof leads to a checkpoint signed by the pinned log key.
Proves: the force has said in public, under two keys, that it stored exactly these bytes.
Does not prove: that it still has them. The receipt's certificate may have run out since; revocation is what counts.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from openbwv.custody import EventType, check_tlog_proof, decode_leaf, event_matches
from openbwv.recording import EvidenceReceipt, Received, Trust, cbor
from openbwv.recording.entries import FragmentInfo
from openbwv.recording.errors import BwvError
from openbwv.shared.revocation import Revocations

INGESTED = {EventType.INGEST, EventType.INGEST_UNCLOSED}


class ReceiptRefused(BwvError):
    """A receipt that does not permit anything."""

    code = "receipt-refused"
    http_status = 409

    def __init__(self, why: str) -> None:
        super().__init__(
            what=f"The evidence receipt is refused: {why}. Nothing was wiped.",
            remedy="Keep the recording and dock again; if this repeats, tell the fleet manager.",
        )


@dataclass(frozen=True)
class OwnFacts:
    """What a device knows of its own recording, to hold a receipt against. Lengths in bytes; no orphan: 0 and b""."""

    rec_id: bytes
    kid: bytes
    last_seq: int
    tail: bytes
    media_length: int
    media_sha256_of_cts: bytes
    orphan_length: int = 0
    orphan_sha256: bytes = b""


def media_hash(fragments: Iterable[FragmentInfo]) -> bytes:
    """Return SHA-256 over the `ct` hashes of all fragments in order, 32 bytes."""
    digest = hashlib.sha256()
    for fragment in fragments:
        digest.update(fragment.ct)
    return digest.digest()


def check_evidence_receipt(
    data: bytes,
    *,
    own: OwnFacts,
    trust: Trust,
    log_vkey: str,
    revocations: Revocations,
    revoked_kids: Collection[bytes] = (),
) -> Received[EvidenceReceipt]:
    """Return the receipt when the module's rule holds for it; raises ReceiptRefused and nothing else."""
    try:
        received = EvidenceReceipt.decode(data, trust=trust)
        if revocations.names(received.chain.leaf) or received.kid in revoked_kids:
            raise ReceiptRefused("the key that signed it is revoked")
        _compare(received.body, own)
        _check_leaf(received.body)
        check_tlog_proof(received.body.proof, received.body.leaf, log_vkey)
    except ReceiptRefused:
        raise
    except BwvError as problem:
        raise ReceiptRefused(problem.what.rstrip(".")) from problem
    return received


def _compare(receipt: EvidenceReceipt, own: OwnFacts) -> None:
    pairs = {
        "recording": (receipt.rec_id, own.rec_id),
        "camera": (receipt.kid, own.kid),
        "last entry": (receipt.last_seq, own.last_seq),
        "tail": (receipt.tail, own.tail),
        "media length": (receipt.media_length, own.media_length),
        "media hash": (receipt.media_sha256_of_cts, own.media_sha256_of_cts),
        "orphan length": (receipt.orphan_length, own.orphan_length),
        "orphan hash": (receipt.orphan_sha256, own.orphan_sha256),
    }
    for name, (theirs, ours) in pairs.items():
        if theirs != ours:
            raise ReceiptRefused(f"its {name} is not ours")
    if receipt.replicas < 1:
        raise ReceiptRefused("it says that no copy is stored")


def _check_leaf(receipt: EvidenceReceipt) -> None:
    leaf, event = decode_leaf(receipt.leaf), cbor.decode(receipt.leaf_event)
    if not isinstance(event, dict) or not event_matches(receipt.leaf, event, receipt.leaf_salt):
        raise ReceiptRefused("its event is not the one that the log committed to")
    details = event.get("details")
    if not isinstance(details, dict):
        raise ReceiptRefused("its event has no details")
    tail = details.get("tail")
    holds = (
        leaf.type in INGESTED
        and event.get("type") == leaf.type
        and event.get("outcome") == "done"
        and event.get("rec") == receipt.rec_id
        and details.get("last_seq") == receipt.last_seq
        and isinstance(tail, str)
        and hmac.compare_digest(tail.encode(), receipt.tail.hex().encode())
    )
    if not holds:
        raise ReceiptRefused("its log entry is about something else")
