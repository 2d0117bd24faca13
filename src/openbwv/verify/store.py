"""A folder of recordings: each judged by itself, then against the others and against receipts.

Rule: every recording names the one before it and that one's tail, and counts. A predecessor that is here, or whose
receipt is, must end in that tail; one that is elsewhere is listed as not checked. A hole in the count that no receipt
explains may be a removed recording: cannot tell. One key with two recordings in one place of the chain is a cloned key.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from openbwv.recording import (
    FormatError,
    JournalReader,
    ManifestReader,
    Reason,
    RecordingFacts,
    Trust,
    Verdict,
    Weight,
)
from openbwv.verify.files import pieces
from openbwv.verify.folder import MANIFEST, is_recording, is_torn_creation, verify_folder
from openbwv.verify.receipts import Receipts, read_receipts
from openbwv.verify.signers import judge_signer

JOURNAL, RECEIPTS = "journal.cbor", "receipts"


@dataclass(frozen=True)
class Part:
    """One recording of the folder and its own verdict."""

    path: Path
    verdict: Verdict


@dataclass
class StoreVerdict:
    """The folder's verdict: the worst of its parts and of what they say about one another."""

    parts: list[Part] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    not_checked: list[Reason] = field(default_factory=list)

    def whole(self) -> Verdict:
        """Return one verdict over everything."""
        reasons = [_placed(reason, part) for part in self.parts for reason in part.verdict.reasons]
        unseen = [_placed(reason, part) for part in self.parts for reason in part.verdict.not_checked]
        alone = self.parts[0].verdict if len(self.parts) == 1 else None
        trusted = all(part.verdict.signer == "trusted" for part in self.parts)
        verdict = Verdict(
            closed=all(part.verdict.closed for part in self.parts),
            through_seq=alone.through_seq if alone else None,
            signer="trusted" if trusted and self.parts else "unknown",
            reasons=(*reasons, *self.reasons),
            not_checked=(*unseen, *self.not_checked),
            proves=alone.proves if alone else (f"Each of the {len(self.parts)} recordings is what its camera signed.",),
            does_not_prove=self.parts[0].verdict.does_not_prove if self.parts else (),
            facts=alone.facts if alone else None,
        )
        return verdict if verdict.verdict != "changed" else verdict.proving(())


def _placed(reason: Reason, part: Part) -> Reason:
    return Reason(reason.code, f"{part.path.name}: {reason.where}", reason.what, reason.weight)


def find_recordings(root: Path) -> Iterator[Path]:
    """Yield the recordings' folders below `root`, in order; links are not followed."""
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink()):
        if is_recording(folder):
            yield folder
        else:
            yield from find_recordings(folder)


def verify_store(
    root: Path, folders: list[Path], *, trust: Trust | None, revocations: Sequence[bytes] = ()
) -> StoreVerdict:
    """Judge the recordings in `folders`, all found below `root`; raises OSError only."""
    result = StoreVerdict()
    for folder in folders:
        if is_torn_creation(folder):
            what = "The camera lost power while it made this folder: nothing is signed or recorded in it."
            result.not_checked.append(Reason("torn-creation", folder.name, what, Weight.NOTE))
        else:
            result.parts.append(Part(folder, verify_folder(folder, trust=trust, revocations=revocations)))
    receipts = read_receipts(root / RECEIPTS, trust)
    result.reasons += receipts.reasons
    _compare(result, receipts)
    _check_journal(root / JOURNAL, trust, result)
    return result


def _compare(result: StoreVerdict, receipts: Receipts) -> None:
    by_id: dict[bytes, list[tuple[Part, RecordingFacts]]] = defaultdict(list)
    by_kid: dict[bytes, list[RecordingFacts]] = defaultdict(list)
    for part in result.parts:
        if (facts := part.verdict.facts) is not None:
            by_id[facts.rec_id].append((part, facts))
            by_kid[facts.chain.kid].append(facts)
    for copies in by_id.values():
        for (one, _), (other, _) in pairwise(copies):
            result.reasons += _compare_copies(one.path, other.path)
    for part in result.parts:
        if part.verdict.facts is not None:
            _check_predecessor(part, part.verdict.facts, by_id, receipts, result)
            result.reasons += receipts.compare(part.path.name, part.verdict.facts)
    for camera in by_kid.values():
        _check_counters(camera, receipts, result)


def _compare_copies(one: Path, other: Path) -> Iterator[Reason]:
    """Two folders with the same recording: the first place where the camera's key signed two different entries."""
    for first, second in zip(_hashes(one), _hashes(other), strict=False):
        if first != second:
            what = (
                f"The same key signed two different entries for one place of one recording ({one.name}, {other.name})."
            )
            yield Reason("equivocation", f"{other.name}: entry {first[0]}", what)
            return


def _hashes(folder: Path) -> Iterator[tuple[int, bytes]]:
    reader = ManifestReader()
    try:
        for piece in pieces(folder / MANIFEST):
            for entry in reader.read(piece):
                yield entry.seq, entry.sig_structure_sha256
    except FormatError:
        return  # its own verdict names the fault; only entries whose signature holds are compared


def _check_predecessor(
    part: Part,
    facts: RecordingFacts,
    by_id: dict[bytes, list[tuple[Part, RecordingFacts]]],
    receipts: Receipts,
    result: StoreVerdict,
) -> None:
    if facts.previous is None:
        return
    tails = [before.tail for _, before in by_id.get(facts.previous, [])]
    receipt = receipts.by_id.get(facts.previous)
    if receipt is not None:
        tails.append(receipt.tail)
    where = f"{part.path.name}: entry 0"
    if not tails:
        what = f"The recording before this one, {facts.previous.hex()}, is not here, nor is its receipt."
        result.not_checked.append(Reason("predecessor-elsewhere", where, what, Weight.NOTE))
    elif any(tail != facts.previous_tail for tail in tails):
        what = f"The recording before this one, {facts.previous.hex()}, does not end as this one says it did."
        result.reasons.append(Reason("predecessor-differs", where, what))


def _check_counters(camera: list[RecordingFacts], receipts: Receipts, result: StoreVerdict) -> None:
    ordered = sorted({facts.rec_id: facts for facts in camera}.values(), key=lambda facts: facts.rc)
    followed: dict[bytes, bytes] = {}
    for facts in ordered:
        if facts.previous is not None and followed.setdefault(facts.previous, facts.rec_id) != facts.rec_id:
            what = f"Two recordings of one camera say that they follow {facts.previous.hex()}."
            result.reasons.append(Reason("two-successors", facts.rec_id.hex(), what))
    for before, after in pairwise(ordered):
        if after.rc == before.rc:
            what = f"Two recordings of one camera have the same number, {after.rc}."
            result.reasons.append(Reason("counter-twice", after.rec_id.hex(), what))
        elif (hole := after.rc - before.rc - 1) and receipts.explain(before, after) < hole:
            what = f"Between numbers {before.rc} and {after.rc}, {hole} recordings are neither here nor receipted."
            result.reasons.append(Reason("missing-recording", after.rec_id.hex(), what, Weight.CANNOT_TELL))


def _check_journal(path: Path, trust: Trust | None, result: StoreVerdict) -> None:
    if not path.is_file():
        return
    reader = JournalReader()
    try:
        for piece in pieces(path):
            for _ in reader.read(piece):
                pass  # being accepted is all that is asked of a journal's entry
        reader.finish()
    except FormatError as error:
        where = f"{JOURNAL}: after entry {reader.next_seq - 1}"
        result.reasons.append(Reason(error.code, where, f"{error.what} {error.remedy}"))
    if reader.chain is not None:
        result.reasons += judge_signer(reader.chain, trust, "camera key", JOURNAL)
