"""Reading a chain: a push parser that checks every entry before it hands it on.

Rule: an entry is accepted only if it is whole, deterministic, signed by the key of the first entry, numbered one after
the last, and chained to it. What follows the last accepted entry is nobody's word. `read` yields entries one by one and
raises at the first bad one; the reader then still describes the good part (recovery and the verifier use that).
The certificate chain is checked in itself, its dates apart (`check_dates`): a camera with a wrong clock is no forger.
Source: docs/ref/recording-format.md, "Reading". Memory: one entry, whatever the length of the recording.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from openbwv.recording import cbor
from openbwv.recording.bodies import CloseBody, EventBody, FragBody, OpenBody
from openbwv.recording.certificates import USE_CAMERA, ChainFacts, check_chain
from openbwv.recording.cose import Signer, check_signature
from openbwv.recording.entries import MAX_ENTRY_BYTES, ZERO_HASH, Entry, FragmentInfo, entry_at, sign_entry
from openbwv.recording.events import check_public
from openbwv.recording.fields import MAX_UINT, Fields, decode_inner
from openbwv.recording.problems import (
    ChainError,
    CloseCounts,
    EntryAfterClose,
    FormatError,
    OpenMissing,
    OrderError,
    SecondOpen,
    SequenceGap,
    TimeWentBack,
    Truncated,
    UncoveredBytes,
    WrongKey,
    WrongRecording,
)
from openbwv.recording.registry import CloseReason, EntryType, EventKind


class ChainReader(ABC):
    """What recording and journal have in common. `good_bytes` counts the bytes of accepted entries."""

    first_type = EntryType.OPEN

    def __init__(self) -> None:
        self.next_seq = 0
        self.tail = ZERO_HASH
        self.good_bytes = 0
        self.rec_id: bytes | None = None
        self.chain: ChainFacts | None = None
        self.last_mono_ns = 0
        self._buffer = bytearray()

    @property
    def opened(self) -> bool:
        """Whether the first entry has been accepted."""
        return self.chain is not None

    @property
    def waiting_bytes(self) -> int:
        """Bytes fed that do not make a whole entry yet; at the end of a file, the torn entry's."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Entry]:
        """Take bytes, return the entries they complete; raises at the first bad one (see `read` to keep the others)."""
        return list(self.read(data))

    def read(self, data: bytes) -> Iterator[Entry]:
        """Take bytes, yield the entries they complete; raises a FormatError at the first bad one."""
        self._buffer += data
        position = 0
        try:
            while position < len(self._buffer):
                found = self._next(position)
                if found is None:
                    return
                entry, end = found
                self.good_bytes += end - position
                position = end
                yield entry
        finally:
            del self._buffer[:position]

    def _next(self, position: int) -> tuple[Entry, int] | None:
        if not _may_begin(self._buffer, position):
            raise UncoveredBytes(f"The bytes after entry {self.next_seq - 1} are not an entry.")
        try:
            entry, end = entry_at(self._buffer, position)
        except Truncated:
            if len(self._buffer) - position > MAX_ENTRY_BYTES:
                raise FormatError(f"The bytes after entry {self.next_seq - 1} make no entry.") from None
            return None
        return self._accept(entry), end

    def finish(self) -> None:
        """Say that no bytes follow; raises UncoveredBytes for a torn entry, OpenMissing for an empty chain."""
        if self._buffer:
            raise UncoveredBytes(f"{len(self._buffer)} bytes after entry {self.next_seq - 1} are no whole entry.")
        if not self.opened:
            raise OpenMissing("There is no entry at all.")

    def _accept(self, entry: Entry) -> Entry:
        if self.chain is None:
            facts = self._check_first(entry)
        else:
            facts = self.chain
            self._check_place(entry)
        check_signature(entry.signed, facts.public_key)
        entry = self._check_body(entry)
        self.chain, self.rec_id = facts, entry.rec_id
        self.next_seq, self.tail, self.last_mono_ns = entry.seq + 1, entry.sig_structure_sha256, entry.mono_ns
        return entry

    def _check_first(self, entry: Entry) -> ChainFacts:
        if entry.type != self.first_type:
            raise OpenMissing(f"The first entry is {entry.type.name}, not {self.first_type.name}.")
        facts = check_chain(entry.x5chain, use=USE_CAMERA)
        if facts.kid != entry.kid:
            raise WrongKey("The certificate in OPEN is of another key than the one that signed.")
        if entry.seq != 0 or entry.prev != ZERO_HASH:
            raise SequenceGap("The first entry is not number 0 after nothing.")
        return facts

    def _check_place(self, entry: Entry) -> None:
        if self.chain is None or entry.kid != self.chain.kid:
            raise WrongKey(f"Entry {entry.seq} is signed by another key than OPEN.")
        if entry.rec_id != self.rec_id:
            raise WrongRecording(f"After entry {self.next_seq - 1} stands an entry of another recording.")
        if entry.type in (EntryType.OPEN, EntryType.JOURNAL):
            raise SecondOpen(f"After entry {self.next_seq - 1} stands a second {entry.type.name}.")
        if entry.seq != self.next_seq:
            raise SequenceGap(f"Entry {entry.seq} stands where entry {self.next_seq} should.")
        if entry.prev != self.tail:
            raise ChainError(f"Entry {entry.seq} does not follow from the entry before it.")

    def _check_time(self, entry: Entry) -> None:
        if entry.mono_ns < self.last_mono_ns:
            raise TimeWentBack(f"Entry {entry.seq} is earlier than the entry before it.")

    @abstractmethod
    def _check_body(self, entry: Entry) -> Entry:
        """Check what is particular to this kind of chain."""


def _may_begin(data: bytearray, position: int) -> bool:
    # Tag 18 in any spelling: a long spelling is then refused by its own name, everything else is no entry at all.
    return data[position] == 0xD2 or (0xD8 <= data[position] <= 0xDB)


class ManifestReader(ChainReader):
    """Reads a manifest. `fragments` counts, `media_bytes` sums, `ends` are the tracks' ends so far."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.open_body: OpenBody | None = None
        self.fragments = 0
        self.media_bytes = 0
        self.ends: dict[int, int] = {}

    def _check_place(self, entry: Entry) -> None:
        if self.closed:
            raise EntryAfterClose("An entry stands after CLOSE.")
        super()._check_place(entry)

    def _check_body(self, entry: Entry) -> Entry:
        body = entry.body
        recovered = isinstance(body, CloseBody) and body.bt is not None
        if not recovered:  # a later start of the camera writes the recovered CLOSE: its monotonic time began anew
            self._check_time(entry)
        if isinstance(body, OpenBody):
            self.open_body = body
        elif isinstance(body, FragBody):
            return self._take_fragment(entry, body)
        elif isinstance(body, EventBody):
            check_public(body.kind, body.public, in_journal=False)
        elif isinstance(body, CloseBody):
            self._check_close(body)
            self.closed = True
        return entry

    def _take_fragment(self, entry: Entry, body: FragBody) -> Entry:
        known = {track.track: track for track in self.open_body.tracks} if self.open_body else {}
        for time in body.times:
            if self.open_body is None or time.track not in known:
                raise FormatError(f"Entry {entry.seq} names a track that OPEN does not.")
            end = time.start + time.duration
            if max(end, self.open_body.capture_ns(known[time.track], end)) > MAX_UINT:
                raise FormatError(f"Entry {entry.seq} names a time of 2^63 or later.")
        info = FragmentInfo(entry.seq, body.n, body.ct, self.media_bytes, body.flags, body.times, body.pc)
        self.fragments += 1
        self.media_bytes += body.n
        self.ends |= {time.track: time.start + time.duration for time in body.times}
        return replace(entry, fragment=info)

    def _check_close(self, body: CloseBody) -> None:
        if body.fragments != self.fragments or body.ends != tuple(sorted(self.ends.items())):
            raise CloseCounts("CLOSE counts other fragments or track ends than the entries before it.")
        if body.bt is not None and self.open_body and body.bt <= self.open_body.bt:
            raise CloseCounts("CLOSE was written by recovery, but in the same or an earlier start of the camera.")

    def save(self) -> bytes:
        """Return this reader's state between entries, for `restore`; bytes of a torn entry are not part of it."""
        if self.chain is None or self.open_body is None:
            return cbor.encode({})
        return cbor.encode(
            {
                1: self.rec_id,
                2: list(self.chain.chain),
                3: self.next_seq,
                4: self.tail,
                5: self.last_mono_ns,
                6: self.good_bytes,
                7: self.closed,
                8: self.fragments,
                9: self.media_bytes,
                10: [list(end) for end in sorted(self.ends.items())],
                11: self.open_body.encode(),
            }
        )

    @classmethod
    def restore(cls, state: bytes) -> "ManifestReader":
        """Return a reader that goes on where `save` was called. The state must come from a place you trust."""
        reader = cls()
        values = decode_inner(state, "saved reader state")
        if values == {}:
            return reader
        f = Fields(values, "saved reader state")
        reader.rec_id, reader.next_seq, reader.tail = f.octets(1, 16), f.uint(3), f.octets(4, 32)
        reader.chain = check_chain(f.array(2), use=USE_CAMERA)
        reader.last_mono_ns, reader.good_bytes, reader.closed = f.uint(5), f.uint(6), f.flag(7)
        reader.fragments, reader.media_bytes = f.uint(8), f.uint(9)
        reader.ends = {row[0]: row[1] for row in f.rows(10, 2)}
        reader.open_body = OpenBody.decode(f.table(11))
        return reader


class JournalReader(ChainReader):
    """Reads a device journal: JOURNAL, then events; BOOT starts the monotonic time anew."""

    first_type = EntryType.JOURNAL

    def _check_body(self, entry: Entry) -> Entry:
        body = entry.body
        if isinstance(body, EventBody):
            check_public(body.kind, body.public, in_journal=True)
        elif entry.type != EntryType.JOURNAL:
            raise FormatError(f"A journal holds no {entry.type.name} entry.")
        if not (isinstance(body, EventBody) and body.kind == EventKind.BOOT):
            self._check_time(entry)
        return entry


def close_recovered(reader: ManifestReader, *, signer: Signer, mono_ns: int, bt: int) -> bytes:
    """Return the CLOSE that recovery appends to a recording found open, without its data key.

    `reader` has walked the good entries, `bt` is the start of the camera that recovers. Raises OrderError.
    """
    if reader.open_body is None or reader.rec_id is None or reader.closed or bt <= reader.open_body.bt:
        raise OrderError("Only an open recording of an earlier start of the camera is closed by recovery.")
    body: dict[int, Any] = CloseBody(
        why=CloseReason.RECOVERED, fragments=reader.fragments, ends=tuple(sorted(reader.ends.items())), bt=bt
    ).encode()
    entry, _ = sign_entry(
        EntryType.CLOSE,
        rec_id=reader.rec_id,
        seq=reader.next_seq,
        prev=reader.tail,
        mono_ns=mono_ns,
        body=body,
        signer=signer,
    )
    return entry
