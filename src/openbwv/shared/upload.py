"""What to send through the door, and in which order; a camera and a dock's uplink do the same.

Rule: manifests and keys of all recordings first, so that the other side knows at once what exists; then media, the
most important recording first; then `complete`. Resuming is not remembered: ask what is held, send what is missing.
Nothing here deletes anything.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from openbwv.shared import door
from openbwv.shared.door import HeldPart
from openbwv.shared.door_client import DoorClient, sha256_of

MANIFEST_SLICE_BYTES = 1 << 20
CHUNK_BYTES = 256 << 10
BUSY_TRIES = 20
CODE_NOT_SIGNED_BYTES = "not-the-signed-bytes"
CODE_INCOMPLETE = "incomplete"
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Fragment:
    """Where one sealed fragment lies: its entry's sequence number, its offset in the media, its length in bytes."""

    seq: int
    offset: int
    length: int


@dataclass(frozen=True)
class Orphan:
    """What recovery set aside: no evidence, but kept."""

    length: int
    sha256: bytes
    chunks: Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Parcel:
    """One recording, ready to be sent: entries as signed, fragments in order, and a way to read a run of them.

    `rank` sorts parcels: lower goes first. `read(run)` yields the ciphertext of consecutive fragments.
    """

    rec_id: bytes
    entries: Sequence[bytes]
    key_cbor: bytes | None
    fragments: Sequence[Fragment]
    read: Callable[[Sequence[Fragment]], Iterator[bytes]]
    tail: bytes
    rank: tuple[int, int] = (9, 0)
    orphan: Orphan | None = None

    @property
    def last_seq(self) -> int:
        """The sequence number of the last entry."""
        return len(self.entries) - 1


@dataclass
class Progress:
    """What an upload has done so far; `told` hears of every change, for a page or a terminal."""

    told: Callable[["Progress"], None] = lambda _progress: None
    rec_id: bytes = b""
    bytes_sent: int = 0
    parts_sent: int = 0
    done: list[bytes] = field(default_factory=list)

    def tell(self, *, sent: int = 0) -> None:
        """Count `sent` bytes of a finished part, and report."""
        self.bytes_sent += sent
        self.parts_sent += 1 if sent else 0
        self.told(self)


def announce(client: DoorClient, parcel: Parcel) -> None:
    """Send the entries that the other side lacks, then the key; raises the errors of `door`."""
    held = client.manifest_held(parcel.rec_id)
    start = held.next_seq
    while start < len(parcel.entries):
        stop, size = start, 0
        while stop < len(parcel.entries) and (
            stop == start or size + len(parcel.entries[stop]) <= MANIFEST_SLICE_BYTES
        ):
            size += len(parcel.entries[stop])
            stop += 1
        held = client.put_manifest(parcel.rec_id, from_seq=start, entries=b"".join(parcel.entries[start:stop]))
        if held.next_seq <= start:
            raise door.bad_answer("the manifest that was just sent")
        start = held.next_seq
    if parcel.key_cbor is not None:
        client.put_key(parcel.rec_id, parcel.key_cbor)


def missing_runs(
    fragments: Sequence[Fragment], held: Iterable[HeldPart], *, target_bytes: int = door.PART_TARGET_BYTES
) -> Iterator[list[Fragment]]:
    """Yield what is to be sent: runs of fragments that are not held, each one stretch of about `target_bytes`.

    `fragments` may have gaps, where a dock has not got them all from the camera yet.
    """
    have = sorted((part.first, part.last) for part in held)
    place = 0
    run: list[Fragment] = []
    size = 0
    for fragment in fragments:
        while place < len(have) and have[place][1] < fragment.seq:
            place += 1
        is_held = place < len(have) and have[place][0] <= fragment.seq
        apart = bool(run) and run[-1].offset + run[-1].length != fragment.offset
        if run and (is_held or apart or size + fragment.length > target_bytes):
            yield run
            run, size = [], 0
        if not is_held:
            run.append(fragment)
            size += fragment.length
    if run:
        yield run


def send_media(client: DoorClient, parcel: Parcel, *, progress: Progress) -> None:
    """Send the fragments and the orphan that the other side lacks."""
    progress.rec_id = parcel.rec_id
    for run in missing_runs(parcel.fragments, client.parts_held(parcel.rec_id)):
        patiently(lambda run=run: send_run(client, parcel.rec_id, run, parcel.read))
        progress.tell(sent=sum(each.length for each in run))
    if parcel.orphan is not None:
        orphan = parcel.orphan
        patiently(
            lambda: client.put_orphan(parcel.rec_id, length=orphan.length, digest=orphan.sha256, chunks=orphan.chunks)
        )


def send_run(
    client: DoorClient, rec_id: bytes, run: Sequence[Fragment], read: Callable[[Sequence[Fragment]], Iterator[bytes]]
) -> None:
    """Send one part, the consecutive fragments in `run` as `read` yields them; raises the errors of `door`."""
    length = sum(each.length for each in run)

    def put(digest: bytes = b"") -> None:
        client.put_part(rec_id, first_seq=run[0].seq, length=length, chunks=lambda: read(run), digest=digest)

    try:
        put()
    except door.DoorError as refusal:
        if refusal.door_code != CODE_NOT_SIGNED_BYTES:
            raise
        put(sha256_of(read(run)))  # with its digest, so that damage on the way and damage here can be told apart


def finish(client: DoorClient, parcel: Parcel) -> bytes:
    """Ask for the receipt of a parcel that was sent, and return it; raises DoorBusy while it is not ready.

    Where something turns out to be missing after all (two senders at once, say), it is sent, and asked once more.
    """
    try:
        return _complete(client, parcel)
    except door.DoorError as refusal:
        if refusal.door_code != CODE_INCOMPLETE:
            raise
    send_media(client, parcel, progress=Progress())
    return _complete(client, parcel)


def _complete(client: DoorClient, parcel: Parcel) -> bytes:
    orphan = parcel.orphan
    return client.complete(
        parcel.rec_id,
        last_seq=parcel.last_seq,
        tail=parcel.tail,
        orphan_length=orphan.length if orphan else 0,
        orphan_sha256=orphan.sha256 if orphan else b"",
    )


def in_order(parcels: Iterable[Parcel], queue: Sequence[bytes]) -> list[Parcel]:
    """Return parcels by rank, and within a rank as the other side asked in `queue`."""
    place = {rec_id: index for index, rec_id in enumerate(queue)}
    return sorted(parcels, key=lambda parcel: (parcel.rank[0], place.get(parcel.rec_id, len(place)), parcel.rank[1]))


def patiently(
    deed: Callable[[], Answer], *, tries: int = BUSY_TRIES, sleep: Callable[[float], None] = time.sleep
) -> Answer:
    """Do `deed`, waiting as long as a busy other side asks, at most `tries` times; raises the last DoorBusy."""
    for left in range(tries, -1, -1):
        try:
            return deed()
        except door.DoorBusy as busy:
            if left == 0:
                raise
            sleep(busy.retry_after_s)
    raise AssertionError("unreachable")


def file_chunks(path: str, offset: int, length: int) -> Iterator[bytes]:
    """Yield `length` bytes of a file from `offset`, in chunks; raises DoorError when the file is too short."""
    with open(path, "rb") as source:
        source.seek(offset)
        left = length
        while left:
            chunk = source.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise door.DoorError(
                    what=f"{path} ends {left} bytes too early.",
                    remedy="Run `./bwv verify` on this store and report what it says.",
                )
            left -= len(chunk)
            yield chunk
