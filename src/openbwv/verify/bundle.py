"""Judging an offline bundle: bag, seal, recording, receipt and custody log, each against the others.

The layout and who signs what: docs/ref/bundle-format.md. Nothing outside the bundle is read but the trust file.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

from openbwv.custody import CustodyError, EventType, check_tlog_proof, decode_leaf, event_matches
from openbwv.recording import (
    BundleSeal,
    CertificateError,
    EvidenceReceipt,
    FormatError,
    Reason,
    RecordingFacts,
    Trust,
    Verdict,
    Weight,
    cbor,
    from_pem,
    verify_recording,
)
from openbwv.verify.bag import TAGMANIFEST, check_bag
from openbwv.verify.custody_log import (
    EARLIER_CHAIN,
    EVENTS,
    CustodyLog,
    EarlierLogMissing,
    earlier_log,
    read_custody_log,
)
from openbwv.verify.files import open_or_empty, pieces, small
from openbwv.verify.folder import ORPHAN
from openbwv.verify.keyfile import read_commit_key
from openbwv.verify.receipts import compare_receipt
from openbwv.verify.revocations import list_beside, with_revocation
from openbwv.verify.signers import judge_signer

SEAL = TAGMANIFEST + ".cose"
MASTER, SEALED, VIEW, COMMIT_KEY = "master.mp4", "media.bin", "view.mp4", "commit.key"
DEVICE_CHAIN, RECEIPT = "device-chain.pem", "receipt.cbor"
INGESTED = (EventType.INGEST, EventType.INGEST_UNCLOSED)
UNSEEN = (
    ("view-copy", VIEW, "view.mp4 is a copy for watching; only its bytes as exported were checked."),
    ("orphan.bin", ORPHAN, "What recovery found after the last signed entry is not evidence."),
    ("other-events", EVENTS, "That the log has no other event on this recording needs the whole log."),
    ("custody-text", EVENTS, "Only `event` is proved; the readable fields beside it are not."),
)


def is_bundle(root: Path) -> bool:
    """Say whether a folder is a bundle, whole or damaged."""
    return (root / "bagit.txt").is_file() or (root / SEAL).is_file()


def verify_bundle(root: Path, *, trust: Trust | None, revocations: Sequence[bytes] = ()) -> tuple[Verdict, CustodyLog]:
    """Judge a bundle; return the verdict and the proved part of its custody log. Raises OSError only.

    The list of revocations that it brings counts beside `revocations`.
    """
    data = root / "data"
    lists = [*revocations, *list_beside(data / MASTER)]
    verdict = with_revocation(_judge_recording(data, trust), lists, trust)
    reasons = check_bag(root)
    facts = verdict.facts
    log = read_custody_log(data, trust, facts.rec_id if facts else None)
    reasons += log.reasons
    if facts is not None:
        reasons += _check_device_chain(data, facts)
    held = facts if verdict.verdict != "changed" else None  # a broken recording differs from everything anyway
    reasons += _check_seal(root, held, trust)
    reasons += _check_receipt(data, held, log, trust)
    unseen = [Reason(code, name, what, Weight.NOTE) for code, name, what in UNSEEN if (data / name).is_file()]
    whole = verdict.with_more(reasons=tuple(reasons), not_checked=tuple(unseen))
    doubted = any(reason.code.startswith("signer-") for reason in whole.reasons)
    return (whole.unsigned() if doubted else whole), log


def _judge_recording(data: Path, trust: Trust | None) -> Verdict:
    """With master.mp4 the decrypted bytes are judged by the commitment key, with media.bin the sealed ones."""
    sealed, master = (data / SEALED).is_file(), (data / MASTER).is_file()
    key, problem = read_commit_key(data / COMMIT_KEY)
    with ExitStack() as stack:
        media = stack.enter_context(open_or_empty(data / SEALED)) if sealed else None
        plaintext = stack.enter_context(open_or_empty(data / MASTER)) if key and not (sealed and not master) else None
        verdict = verify_recording(
            pieces(data / "manifest.cbor"), media, trust=trust, commit_key=key, plaintext=plaintext
        )
    if problem and (master or (data / COMMIT_KEY).is_file()):
        verdict = verdict.with_more(reasons=(Reason("commit-key-wrong", COMMIT_KEY, problem),))
    if sealed == master:
        what = "A bundle holds either master.mp4 or media.bin, and this one does not."
        verdict = verdict.with_more(reasons=(Reason("bundle-incomplete", "data", what),))
    return verdict


def _check_seal(root: Path, facts: RecordingFacts | None, trust: Trust | None) -> list[Reason]:
    data, listed = small(root / SEAL), small(root / TAGMANIFEST)
    if data is None or listed is None:
        return [Reason("seal-missing", SEAL, "The exporting server's signature is missing.")]
    try:
        received = BundleSeal.decode(data)
    except FormatError as error:
        return [Reason("seal-wrong", SEAL, f"The exporting server's signature does not hold: {error.what}")]
    seal = received.body
    if seal.tagmanifest_sha256 != sha256(listed).digest():
        return [Reason("seal-wrong", SEAL, "The list of files is not the one that the exporting server signed.")]
    if facts is not None and (seal.rec_id, seal.tail) != (facts.rec_id, facts.tail):
        return [Reason("seal-wrong", SEAL, "The exporting server signed another recording than this one.")]
    return list(judge_signer(received.chain, trust, "export key", SEAL))


def _check_device_chain(data: Path, facts: RecordingFacts) -> list[Reason]:
    try:
        chain = tuple(from_pem(small(data / DEVICE_CHAIN) or b""))
    except CertificateError as error:
        return [Reason("device-chain-differs", DEVICE_CHAIN, error.what)]
    if chain != facts.chain.chain:
        return [Reason("device-chain-differs", DEVICE_CHAIN, "These are not the certificates in the recording's OPEN.")]
    return []


def _check_receipt(data: Path, facts: RecordingFacts | None, log: CustodyLog, trust: Trust | None) -> list[Reason]:
    message = small(data / RECEIPT)
    if message is None:
        return [Reason("bundle-incomplete", RECEIPT, "The server's receipt is missing.")]
    try:
        received = EvidenceReceipt.decode(message)
    except FormatError as error:
        return [Reason("receipt-wrong", RECEIPT, f"The server's receipt does not hold: {error.what}")]
    reasons = [
        *(compare_receipt(received.body, facts, RECEIPT) if facts else []),
        *judge_signer(received.chain, trust, "receipt key", RECEIPT),
    ]
    if log.vkey is not None:
        reasons += _check_ingest(received.body, data, log, log.vkey, trust)
    return reasons


def _check_ingest(
    receipt: EvidenceReceipt, data: Path, log: CustodyLog, vkey: str, trust: Trust | None
) -> list[Reason]:
    def blame(what: str) -> list[Reason]:
        return [Reason("ingest-wrong", RECEIPT, what)]

    try:
        event: Any = cbor.decode(receipt.leaf_event)
        if not isinstance(event, dict) or not event_matches(receipt.leaf, event, receipt.leaf_salt):
            return blame("The receipt's event is not the one that was logged.")
        earlier = earlier_log(data, receipt.proof, vkey)
        check_tlog_proof(receipt.proof, receipt.leaf, earlier[0] if earlier else vkey)
        kind = decode_leaf(receipt.leaf).type
    except EarlierLogMissing:
        what = "The ingest stands in the log before a restore, and that log's certificate is not in the bundle."
        return [Reason("ingest-elsewhere", EARLIER_CHAIN, what, Weight.CANNOT_TELL)]
    except (CustodyError, FormatError) as error:
        return blame(f"The receipt's leaf or proof does not hold: {error.what}")
    details = event.get("details")
    tail = details.get("tail") if isinstance(details, dict) else None
    checks: list[tuple[Callable[[], bool], str]] = [
        (lambda: kind in INGESTED, "The receipt's leaf is not that of an ingest."),
        (lambda: event.get("rec") == receipt.rec_id, "The receipt's event is about another recording."),
        (lambda: tail == receipt.tail.hex(), "The receipt's event names another tail."),
    ]
    if earlier is None:  # the events of a log that ended are not in the bundle; the receipt brings the ingest's own
        here = any(line.leaf == receipt.leaf for line in log.lines)
        checks.append((lambda: here, "The custody events lack the ingest itself."))
    found = [reason for holds, what in checks if not holds() for reason in blame(what)]
    return [*found, *(judge_signer(earlier[1], trust, "log key", EARLIER_CHAIN) if earlier else ())]
