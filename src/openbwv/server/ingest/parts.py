"""Sealed fragments arrive: every byte hashed once, against the hash its camera signed, while it is written.

A part is a run of whole fragments; its place is the entry number of its first. It is written as one new object beside
the final name, checked, synced, named, and only then is its row made and 201 answered. Fragments that are here already
are checked and not written again: a fragment belongs to the first durable part that holds it (R4). Memory: one
block of half a MiB a request. A body that differs from what was signed is kept only when its Content-Digest
proves that it was sent so.
"""

import base64
import binascii
import hashlib
import itertools
import re
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from openbwv.recording import FragmentInfo, PartChecker, PartError
from openbwv.server.evidence import arrival
from openbwv.server.evidence.models import Recording, State
from openbwv.server.fleet.models import Camera
from openbwv.server.ingest import quick
from openbwv.server.ingest.aside import aside_store, count_only, has_room, keep_file_aside
from openbwv.server.ingest.errors import BadRequest, DigestWrong, EntriesFirst, NotOnEdge, NotSignedBytes, UnknownDevice
from openbwv.server.ingest.http import Request
from openbwv.server.ingest.manifest import GONE, check_owner, find_recording, is_aside
from openbwv.server.ingest.tokens import Peer
from openbwv.server.ingest.unkept import remove_unkept
from openbwv.server.ingest.work import at_database
from openbwv.server.vault.media_map import FragmentTable, fragment_table, held_fragments
from openbwv.server.vault.models import ObjectKind, Part, StoredObject
from openbwv.server.vault.store import vault_store
from openbwv.shared.clock import Clock
from openbwv.shared.door import PART_LIMIT_BYTES
from openbwv.shared.durable import move_durably

DIGEST = re.compile(r"\bsha-256=:([A-Za-z0-9+/=]{44}):")  # RFC 9530, one algorithm


class PartJob:
    """One part on its way in: where it goes, what it must be, what is written."""

    def __init__(self, recording: Recording, first_seq: int, length: int, digest: bytes | None) -> None:
        self.recording = recording
        self.digest = digest
        self.run = run_of(recording, first_seq, length)
        self.within = (self.run[0].seq, self.run[-1].seq)
        held = held_within(recording.pk, self.within)
        self.missing = [info for info in self.run if info.seq not in held]
        keep_all = digest is not None and self.missing  # if it should differ, the whole body is the evidence of it
        self.wanted = {info.seq for info in (self.run if keep_all else self.missing)}
        self.checker = PartChecker(self.run)
        self.whole = hashlib.sha256() if digest is not None else None
        self.problem: PartError | None = None
        self.key, self.file = vault_store().new() if self.wanted else ("", None)
        self._spans = _spans(self.run, self.wanted)
        self._at = 0

    def take(self, block: memoryview) -> None:
        """Check and write the next bytes of the body. Raises PartError at once when no digest was sent."""
        if self.whole is not None:
            self.whole.update(block)
        self._check(block)
        if self.file is not None:
            for piece in self._wanted_of(block):
                self.file.write(piece)

    def finish(self) -> None:
        """Check that the body was whole and what its digest says; raises DigestWrong, PartError."""
        if self.whole is not None and self.whole.digest() != self.digest:
            raise DigestWrong(
                what="The body is not the one its Content-Digest names; nothing was kept.",
                remedy="It was damaged on the way: send it again.",
            )
        if self.problem is not None:
            raise self.problem
        self.checker.finish()

    def _check(self, block: memoryview) -> None:
        if self.problem is not None:
            return
        try:
            self.checker.feed(block)
        except PartError as problem:
            if self.whole is None:
                raise
            self.problem = problem  # go on: with its digest the whole body is kept as evidence of the difference

    def _wanted_of(self, block: memoryview) -> Iterator[memoryview]:
        start, end = self._at, self._at + len(block)
        self._at = end
        for low, high in self._spans:
            if low < end and high > start:
                yield block[max(low, start) - start : min(high, end) - start]


def parts_held(rec_id: bytes, peer: Peer) -> dict[str, Any]:
    """Return the durable runs of fragments: first and last entry number, and length in bytes."""
    recording = find_recording(rec_id, peer)
    if recording is None:
        return {"parts": []}
    if recording.state in GONE:
        return {"parts": [{"first": 0, "last": max(0, recording.next_seq - 1), "length": recording.media_bytes}]}
    runs: list[dict[str, int]] = []
    for part in Part.objects.filter(recording=recording).order_by("first_seq"):
        for seq, _, length in part.offsets:
            runs.append({"first": seq, "last": seq, "length": length})
    return {"parts": _joined(runs, recording)}


def take_part(request: Request, rec_id: bytes, first_seq: int, peer: Peer, clock: Clock) -> tuple[int, list[int]]:
    """Take one part; return the status (201 stored, 200 held already) and the numbers that were stored now."""
    length = request.length(limit=PART_LIMIT_BYTES)
    digest = content_digest(request.headers.get("content-digest"))
    recording, job = at_database(_prepare, rec_id, first_seq, length, digest, peer)
    if recording is None:
        _unknown(request, rec_id, length, peer, clock)
    if job is None:
        return 200, []
    try:
        request.pour(job.take)
        stored = _finish(job)
    except PartError as problem:
        raise _differs(job, problem, peer, clock) from problem
    else:
        return (201 if stored else 200), stored
    finally:
        if job.file is not None:
            job.file.__exit__(None, None, None)  # closed and named already, unless something was raised


def take_kept_part(rec_id: bytes, blocks: Iterator[bytes], *, length: int, digest: bytes, peer: Peer) -> list[int]:
    """Take a part that was kept aside, as if it came now; return the numbers that were stored.

    Its place was not kept, and is where its length and its first fragment's hash fit. Raises EntriesFirst while it fits
    nowhere, PartError, DigestWrong.
    """
    recording = find_recording(rec_id, peer)
    if recording is None:
        raise _entries_first(0)
    if recording.state in GONE:
        return []
    table = fragment_table(recording)
    first = _beginning(blocks, max((info.n for info in table.fragments), default=0))
    seq = _place_of(table, first, length)
    if seq is None:
        raise _entries_first(recording.next_seq)
    job = PartJob(recording, seq, length, digest)
    try:
        for block in itertools.chain((first,), blocks):
            job.take(memoryview(block))
        return _finish(job)
    finally:
        if job.file is not None:
            job.file.__exit__(None, None, None)


def _beginning(blocks: Iterator[bytes], wanted: int) -> bytes:
    """Return what comes first, `wanted` bytes at least unless there are fewer: a whole fragment, however long."""
    begin = bytearray()
    while len(begin) < wanted and (block := next(blocks, b"")):
        begin += block
    return bytes(begin)


def _place_of(table: FragmentTable, begin: bytes, length: int) -> int | None:
    """Return the number of the entry whose fragment begins a run of `length` bytes that begins with `begin`."""
    edges = list(itertools.accumulate((info.n for info in table.fragments), initial=0))
    ends = set(edges)  # there are as many fragments as their camera likes: each is looked at once
    digests: dict[int, bytes] = {}
    for info, edge in zip(table.fragments, edges, strict=False):
        if edge + length not in ends:
            continue
        if info.n not in digests:
            digests[info.n] = hashlib.sha256(begin[: info.n]).digest()
        if digests[info.n] == info.ct:
            return info.seq
    return None


def run_of(recording: Recording, first_seq: int, length: int) -> list[FragmentInfo]:
    """Return the fragments that a part of `length` bytes from entry `first_seq` holds.

    Raises EntriesFirst when the entries do not reach that far, NotOnEdge when it does not begin or end at an edge.
    """
    table = fragment_table(recording)
    start = table.place.get(first_seq)
    if start is None:
        if first_seq >= table.next_seq:
            raise _entries_first(table.next_seq)
        raise NotOnEdge(
            what=f"Entry {first_seq} is not a fragment's.", remedy="Name the entry of the part's first fragment."
        )
    run: list[FragmentInfo] = []
    left = length
    for info in table.fragments[start:]:
        if left <= 0:
            break
        run.append(info)
        left -= info.n
    if left > 0 and not recording.closed:
        raise _entries_first(table.next_seq)
    if left != 0 or not run:
        raise NotOnEdge(
            what=f"{length} bytes from entry {first_seq} do not end where a fragment ends.",
            remedy="Send whole fragments, in order, without gaps.",
        )
    return run


def content_digest(header: str | None) -> bytes | None:
    """Return the SHA-256 of a Content-Digest header (RFC 9530), None without one; raises BadRequest."""
    if header is None:
        return None
    found = DIGEST.search(header)
    try:
        digest = base64.b64decode(found.group(1), validate=True) if found else b""
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        raise BadRequest(what="Content-Digest names no SHA-256.", remedy="Send sha-256=:<base64>: or leave it out.")
    return digest


def _prepare(
    rec_id: bytes, first_seq: int, length: int, digest: bytes | None, peer: Peer
) -> tuple[Recording | None, PartJob | None]:
    facts = quick.facts_of(UUID(bytes=rec_id))
    if facts is None:
        return None, None
    state, next_seq, closed, kid = facts
    check_owner(kid, peer)
    recording = Recording(
        id=UUID(bytes=rec_id), state=state, next_seq=next_seq, closed=closed, camera=Camera(kid=kid) if kid else None
    )
    return recording, None if state in GONE else PartJob(recording, first_seq, length, digest)


def _finish(job: PartJob) -> list[int]:
    """Check the whole body, name the object and make its rows; return the numbers stored now."""
    job.finish()
    if job.file is None:
        return []
    job.file.commit()
    try:
        stored = at_database(_keep, job)
    except BaseException as problem:
        at_database(remove_unkept, job.key, problem)
        raise
    if not stored:
        vault_store().remove(job.key)
    return stored


def _keep(job: PartJob) -> list[int]:
    """Make the rows of what is missing still: another part may have been faster. Return the numbers of it."""
    try:
        with transaction.atomic():
            state = quick.locked_state_of(job.recording.pk)
            held = held_within(job.recording.pk, job.within)
            owned = [row for row in _rows(job) if row[0] not in held]
            if not owned or state in GONE:
                return []
            _make_rows(job, owned)
            if state == State.ANNOUNCED:
                arrival.mark_arriving(recording=Recording.objects.only("state").get(pk=job.recording.pk))
            return [seq for seq, _, _ in owned]
    except IntegrityError:
        return []  # a part with the same first fragment was committed between: ours holds nothing that is missing


def _make_rows(job: PartJob, owned: list[tuple[int, int, int]]) -> None:
    stored = StoredObject.objects.create(
        key=job.key, kind=ObjectKind.MEDIA, length=job.file.length, recording=job.recording
    )
    Part.objects.create(
        recording=job.recording,
        first_seq=owned[0][0],
        last_seq=owned[-1][0],
        length=sum(length for _, _, length in owned),
        object=stored,
        offsets=owned,
    )


def held_within(rec_id: UUID, within: tuple[int, int]) -> Collection[int]:
    """Return the numbers of the fragments that are here, of the parts that reach into `within` (first, last)."""
    return held_fragments(Recording(id=rec_id), within=within) if quick.is_any_held(rec_id, *within) else ()


def _rows(job: PartJob) -> list[tuple[int, int, int]]:
    rows: list[tuple[int, int, int]] = []
    offset = 0
    for info in job.run:
        if info.seq in job.wanted:
            rows.append((info.seq, offset, info.n))
            offset += info.n
    return rows


def _differs(job: PartJob, problem: PartError, peer: Peer, clock: Clock) -> NotSignedBytes:
    """Return the refusal for bytes that were not signed; with a right digest the body is kept aside first."""
    refusal = NotSignedBytes(
        what=problem.what,
        remedy="Send it again with a Content-Digest; if it differs again it is kept as evidence of that.",
        seq=problem.seq,
    )
    if job.whole is not None and job.file is not None:
        refusal.remedy = "The body is kept aside. Look at the device that sent it: its copy is damaged or was changed."
        refusal.details["aside"] = True
        _quarantine(job, refusal, peer, clock)
    return refusal


def _quarantine(job: PartJob, refusal: NotSignedBytes, peer: Peer, clock: Clock) -> None:
    job.file.commit()
    key, target = aside_store().new()
    target.__exit__(None, None, None)
    move_durably(vault_store().path(job.key), aside_store().path(key))
    at_database(
        keep_file_aside,
        key,
        length=job.file.length,
        sha256=job.digest.hex(),
        why=refusal,
        device_kid=job.recording.camera.kid if job.recording.camera else "",
        sender_kid=peer.kid,
        rec_id=job.recording.pk.bytes,
        clock=clock,
    )


def _unknown(request: Request, rec_id: bytes, length: int, peer: Peer, clock: Clock) -> None:
    """Raise for a recording without entries here: kept aside when its entries were, else the entries come first."""
    if not at_database(is_aside, rec_id):
        raise _entries_first(0)
    kept = UnknownDevice()
    if not at_database(has_room, peer.kid, length):
        at_database(count_only, peer.kid, clock)
        raise kept
    key, file = aside_store().new()
    digest = hashlib.sha256()

    def take(block: memoryview) -> None:
        digest.update(block)
        file.write(block)

    with file:
        request.pour(take)
        file.commit()
    facts = {"length": length, "sha256": digest.hexdigest(), "device_kid": peer.kid, "sender_kid": peer.kid}
    at_database(keep_file_aside, key, why=kept, rec_id=rec_id, clock=clock, **facts)
    raise kept


def _spans(run: list[FragmentInfo], wanted: set[int]) -> list[tuple[int, int]]:
    """Return the byte spans of the body that are written, in order, joined where they touch."""
    spans: list[tuple[int, int]] = []
    at = 0
    for info in run:
        if info.seq in wanted:
            if spans and spans[-1][1] == at:
                spans[-1] = (spans[-1][0], at + info.n)
            else:
                spans.append((at, at + info.n))
        at += info.n
    return spans


def _joined(single: list[dict[str, int]], recording: Recording) -> list[dict[str, int]]:
    """Join fragments that follow one another, in the order of their entries."""
    place = fragment_table(recording).place
    runs: list[dict[str, int]] = []
    for each in sorted(single, key=lambda one: one["first"]):
        if runs and place[each["first"]] == place[runs[-1]["last"]] + 1:
            runs[-1]["last"], runs[-1]["length"] = each["last"], runs[-1]["length"] + each["length"]
        else:
            runs.append(dict(each))
    return runs


def _entries_first(next_seq: int) -> EntriesFirst:
    return EntriesFirst(
        what=f"The entries of this part are not here yet; entry {next_seq} is wanted next.",
        remedy=f"Send the entries from number {next_seq} on, then this part again.",
        next_seq=next_seq,
    )
