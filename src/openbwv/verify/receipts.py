"""The receipts beside recordings: the server's word on what it stored, and how a recording here compares with it."""

from dataclasses import dataclass, field
from pathlib import Path

from openbwv.recording import EvidenceReceipt, FormatError, Reason, RecordingFacts, Trust, Wiped, split1
from openbwv.verify.files import small
from openbwv.verify.signers import judge_signer

PREFIX = "application/vnd.openbwv."


@dataclass
class Receipts:
    """Receipts whose signature holds, by recording, and tombstones by camera and recording.

    `reasons` says what is wrong with the others.
    """

    by_id: dict[bytes, EvidenceReceipt] = field(default_factory=dict)
    wiped: dict[tuple[bytes, bytes], Wiped] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)

    def compare(self, where: str, facts: RecordingFacts) -> list[Reason]:
        """Return why a recording is not the one its receipt was written for; nothing where there is no receipt."""
        receipt = self.by_id.get(facts.rec_id)
        return [] if receipt is None else compare_receipt(receipt, facts, where)

    def explain(self, before: RecordingFacts, after: RecordingFacts) -> int:
        """Return how many recordings between these two have receipts here.

        A tombstone says the number of the recording that was wiped; without one, ids that grow with time must do.
        """
        last, kid = after.previous, after.chain.kid
        if last is None or last not in self.by_id:
            return 0
        return sum(receipt.kid == kid and self._between(receipt, before, after) for receipt in self.by_id.values())

    def _between(self, receipt: EvidenceReceipt, before: RecordingFacts, after: RecordingFacts) -> bool:
        wiped = self.wiped.get((receipt.kid, receipt.rec_id))
        if wiped is not None:
            return before.rc < wiped.rc < after.rc
        return before.rec_id < receipt.rec_id <= (after.previous or b"")


def compare_receipt(receipt: EvidenceReceipt, facts: RecordingFacts, where: str) -> list[Reason]:
    """Return one reason for each value of a receipt that is not the recording's."""
    wrong = [
        name
        for name, said, found in (
            ("camera key", receipt.kid, facts.chain.kid),
            ("recording", receipt.rec_id, facts.rec_id),
            ("last entry", receipt.last_seq, facts.last_seq),
            ("tail", receipt.tail, facts.tail),
            ("media length", receipt.media_length, facts.media_bytes),
            ("media hash", receipt.media_sha256_of_cts, facts.media_sha256_of_cts),
        )
        if said != found
    ]
    if not wrong:
        return []
    return [
        Reason("receipt-differs", where, f"The server's receipt has another {', '.join(wrong)} than this recording.")
    ]


def read_receipts(folder: Path, trust: Trust | None) -> Receipts:
    """Read `folder`/*.cbor: evidence receipts and tombstones; other messages are passed over."""
    found = Receipts()
    for path in sorted(folder.glob("*.cbor")) if folder.is_dir() else []:
        where = f"receipts/{path.name}"
        try:
            _take(small(path) or b"", where, trust, found)
        except FormatError as error:
            found.reasons.append(Reason("receipt-wrong", where, f"This receipt does not hold: {error.what}"))
    return found


def _take(data: bytes, where: str, trust: Trust | None, found: Receipts) -> None:
    typ = split1(data)[0].typ
    if typ == PREFIX + EvidenceReceipt.typ:
        received = EvidenceReceipt.decode(data)
        found.reasons += judge_signer(received.chain, trust, "receipt key", where)
        found.by_id[received.body.rec_id] = received.body
    elif typ == PREFIX + Wiped.typ:  # explains a hole only together with the receipt it was written for
        tombstone = Wiped.decode(data)
        found.wiped[tombstone.kid, tombstone.body.rec_id] = tombstone.body
