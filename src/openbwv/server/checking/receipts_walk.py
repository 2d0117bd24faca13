"""Does every receipt still hold that let a camera wipe: its signature, its log entry, and what our rows say of it?"""

from collections.abc import Iterator

from openbwv.custody import event_matches
from openbwv.recording import EvidenceReceipt, Trust, cbor
from openbwv.recording.errors import BwvError
from openbwv.server.checking.papers import LogNow, NotInLog, agency
from openbwv.server.checking.result import Context, Disagreement
from openbwv.server.evidence.models import State
from openbwv.server.ingest.models import Receipt
from openbwv.server.vault.media_map import fragment_table
from openbwv.shared.receipts import media_hash

FROM_COPY = (
    "Keep the row as it is and find out who changed it. The dock and the camera hold the receipt too, and every backup "
    "since; the recording itself is judged by the other findings."
)


def walk_receipts(context: Context) -> Iterator[Disagreement]:
    """Verify every signed receipt again, as the camera did before it wiped."""
    rows = Receipt.objects.exclude(signed=None).select_related("recording__camera", "event").order_by("pk")
    if not rows.exists():
        return
    try:
        trust, log_now = agency(), LogNow.look()
    except BwvError as problem:
        yield Disagreement(problem.code, "trust.pem", problem.what, problem.remedy)
        return
    for row in rows.iterator(chunk_size=200):
        context.looked_at["receipts"] += 1
        where = f"receipt {row.pk} of {row.recording.reference}"
        for code, what in _problems(row, trust, log_now, context):
            yield Disagreement(code, where, what, FROM_COPY)


def _problems(row: Receipt, trust: Trust, log_now: LogNow, context: Context) -> Iterator[tuple[str, str]]:
    try:
        receipt = EvidenceReceipt.decode(bytes(row.signed), trust=trust).body
    except BwvError as problem:
        yield "receipt-wrong", f"it does not hold: {problem.what}"
        return
    differing = [name for name, said, ours in _facts(receipt, row, context) if said != ours]
    if differing:
        yield "receipt-differs", f"it says another {', '.join(differing)} than the database and the signed entries"
    try:
        _check_log(receipt, row, log_now, context)
    except NotInLog as problem:
        yield "receipt-not-in-log", str(problem)
    except BwvError as problem:
        yield "receipt-not-in-log", f"its log entry does not hold: {problem.what}"


def _facts(receipt: EvidenceReceipt, row: Receipt, context: Context) -> Iterator[tuple[str, object, object]]:
    recording = row.recording
    yield "recording", receipt.rec_id, recording.rec_id
    yield "camera", receipt.kid.hex(), row.camera_kid
    yield "camera of the recording", receipt.kid.hex(), recording.camera.kid
    yield "tail", receipt.tail, bytes(row.tail)
    yield "orphan", (receipt.orphan_length, receipt.orphan_sha256), (row.orphan_length, bytes(row.orphan_sha256))
    if receipt.tail != bytes(recording.tail):
        return  # the receipt of an earlier state; what came later has one of its own
    yield "last entry", receipt.last_seq, recording.next_seq - 1
    if recording.state == State.STORED and context.media:
        try:
            table = fragment_table(recording)
        except BwvError:
            return  # the walk of the vault says what is missing
        yield "media length", receipt.media_length, table.media_bytes
        yield "media hash", receipt.media_sha256_of_cts, media_hash(table.fragments)


def _check_log(receipt: EvidenceReceipt, row: Receipt, log_now: LogNow, context: Context) -> None:
    told = cbor.decode(receipt.leaf_event)
    if not isinstance(told, dict) or not event_matches(receipt.leaf, told, receipt.leaf_salt):
        raise NotInLog("its event is not the one that its log entry commits to")
    details = told.get("details")
    told_of = (told.get("rec"), details.get("last_seq"), details.get("tail")) if isinstance(details, dict) else None
    if told_of != (receipt.rec_id, receipt.last_seq, receipt.tail.hex()):
        raise NotInLog("its log entry is about something else")
    if receipt.leaf != bytes(row.event.leaf):
        raise NotInLog("its log entry is not that of its event in the database")
    index = log_now.check_proof(receipt.proof, receipt.leaf)
    if index is None:
        context.looked_at["receipts under an earlier log that is not here, whose proof was not checked"] += 1
    else:
        log_now.check_event(row.event, index)
