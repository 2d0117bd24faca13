"""Writing a recording: keys, numbers and the chain in one pure object. Bytes out; the caller stores them.

Rule: write and sync key.cbor, then OPEN; per fragment sync the sealed bytes before the entry. Every call takes the
monotonic time of signing, which never goes back. One builder is one recording in one run of the camera: it cannot be
resumed, because a number used twice under one key would break AES-GCM.
Source: docs/ref/recording-format.md, "Writing".
"""

import hashlib
from typing import Any

from openbwv.recording import cbor, keys
from openbwv.recording.bodies import CloseBody, EventBody, FragBody, JournalBody, OpenBody, TrackTime
from openbwv.recording.cose import Signer
from openbwv.recording.entries import ZERO_HASH, sign_entry
from openbwv.recording.events import check_public
from openbwv.recording.problems import OrderError
from openbwv.recording.registry import CloseReason, EntryType, EventKind, FragFlag
from openbwv.recording.seal import MAX_FRAGMENT_BYTES, MEDIA, METADATA, seal


class ChainWriter:
    """The common part of recording and journal: `next_seq`, `tail`, and `last_mono_ns`, which never goes back."""

    def __init__(self, *, chain_id: bytes, signer: Signer, chain: list[bytes] | tuple[bytes, ...]) -> None:
        self.rec_id = chain_id
        self.next_seq = 0
        self.tail = ZERO_HASH
        self._signer = signer
        self._chain = tuple(chain)
        self.last_mono_ns = 0

    def _add(self, kind: EntryType, body: dict[int, Any], mono_ns: int) -> bytes:
        if mono_ns < self.last_mono_ns:
            raise OrderError(f"Entry {self.next_seq} would be earlier than the one before it.")
        first = kind in (EntryType.OPEN, EntryType.JOURNAL)
        entry, self.tail = sign_entry(
            kind,
            rec_id=self.rec_id,
            seq=self.next_seq,
            prev=self.tail,
            mono_ns=mono_ns,
            body=body,
            signer=self._signer,
            chain=self._chain if first else (),
        )
        self.next_seq += 1
        self.last_mono_ns = mono_ns
        return entry


class RecordingBuilder(ChainWriter):
    """Seals and signs one recording. Each method returns the bytes to append to the manifest."""

    def __init__(self, *, rec_id: bytes, dek: bytes, signer: Signer, chain: list[bytes] | tuple[bytes, ...]) -> None:
        super().__init__(chain_id=rec_id, signer=signer, chain=chain)
        self._media_key: bytes | None = keys.media_key(dek, rec_id)
        self._commit_key = keys.commit_key(dek, rec_id)
        self._dc = keys.dek_commitment(dek)
        self._fragments = 0
        self._ends: dict[int, int] = {}

    @property
    def closed(self) -> bool:
        """Whether CLOSE has been written."""
        return self._media_key is None

    def _key(self) -> bytes:
        if self._media_key is None:
            raise OrderError("The recording is closed; start a new one.")
        if self.next_seq == 0:
            raise OrderError("The recording is not open; call open first.")
        return self._media_key

    def open(self, body: OpenBody, *, mono_ns: int) -> bytes:
        """Return OPEN, with the commitments to this recording's keys filled in."""
        if self.next_seq:
            raise OrderError("The recording is open already.")
        body = body.with_commitments(self._dc, keys.commit_key_commitment(self._commit_key))
        return self._add(EntryType.OPEN, body.encode(), mono_ns)

    def fragment(
        self,
        plaintext: bytes,
        *,
        mono_ns: int,
        times: tuple[TrackTime, ...] = (),
        flags: FragFlag | int = 0,
        meta: dict[int, Any] | None = None,
    ) -> tuple[bytes, bytes]:
        """Seal one unit; return (sealed bytes, FRAG entry). `meta` is sealed with it. An init unit has no times."""
        key = self._key()
        if not 0 < len(plaintext) <= MAX_FRAGMENT_BYTES:
            raise OrderError(f"A fragment has 1 byte to 16 MiB, not {len(plaintext)} bytes.")
        sealed = seal(key, self.rec_id, self.next_seq, MEDIA, plaintext)
        body = FragBody(
            n=len(sealed),
            ct=hashlib.sha256(sealed).digest(),
            pc=keys.plaintext_commitment(self._commit_key, plaintext),
            times=tuple(TrackTime(*time) for time in times),
            flags=FragFlag(flags),
            sealed=self._sealed(meta),
        )
        entry = self._add(EntryType.FRAG, body.encode(), mono_ns)
        self._fragments += 1
        self._ends |= {time.track: time.start + time.duration for time in body.times}
        return sealed, entry

    def _sealed(self, meta: dict[int, Any] | None) -> bytes | None:
        if meta is None:
            return None
        return seal(self._key(), self.rec_id, self.next_seq, METADATA, cbor.encode(meta))

    def event(
        self,
        kind: EventKind | int,
        *,
        mono_ns: int,
        public: dict[int, Any] | None = None,
        sealed: dict[int, Any] | None = None,
    ) -> bytes:
        """Return an EVENT. `public` is readable by docks and must hold no personal data; `sealed` may."""
        self._key()
        check_public(kind, public or {}, in_journal=False)
        body = EventBody(kind=int(kind), public=public or {}, sealed=self._sealed(sealed))
        return self._add(EntryType.EVENT, body.encode(), mono_ns)

    def close(self, why: CloseReason, *, mono_ns: int) -> bytes:
        """Return CLOSE and forget the keys."""
        self._key()
        body = CloseBody(why=why, fragments=self._fragments, ends=tuple(sorted(self._ends.items())))
        entry = self._add(EntryType.CLOSE, body.encode(), mono_ns)
        self._media_key = None
        self._commit_key = b""
        return entry


class JournalBuilder(ChainWriter):
    """Signs the device journal: one chain, across starts of the camera, with nothing sealed in it."""

    def open(self, body: JournalBody, *, mono_ns: int) -> bytes:
        """Return the first entry of a new journal."""
        if self.next_seq:
            raise OrderError("The journal is open already.")
        return self._add(EntryType.JOURNAL, body.encode(), mono_ns)

    def resume(self, *, next_seq: int, tail: bytes) -> None:
        """Go on with a journal that a reader has walked; the next event must be BOOT, where the time starts anew."""
        self.next_seq, self.tail, self.last_mono_ns = next_seq, tail, 0

    def event(self, kind: EventKind | int, *, mono_ns: int, public: dict[int, Any] | None = None) -> bytes:
        """Return an EVENT of the journal."""
        if self.next_seq == 0:
            raise OrderError("The journal is not open; call open first.")
        check_public(kind, public or {}, in_journal=True)
        if kind == EventKind.BOOT:
            self.last_mono_ns = 0
        return self._add(EntryType.EVENT, EventBody(kind=int(kind), public=public or {}).encode(), mono_ns)
