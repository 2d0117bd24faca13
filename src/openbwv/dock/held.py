"""One recording as the spool holds it: what arrived, checked, on disk.

Rule: an entry is appended only when signature and chain hold; a fragment is named only when its bytes are the signed
ones and synced. A number belongs to the first durable file that holds it. Everything here is read back from the folder
at start; there is no other record of it. Calls for one recording are serialised by its lock.
"""

import hashlib
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

from openbwv.dock import layout
from openbwv.dock.errors import BadCall, Conflict, EntriesFirst, Equivocation, UnknownDevice
from openbwv.recording import ManifestReader, Trust, read_key_cbor
from openbwv.recording.cose import check_signature
from openbwv.recording.entries import Entry, FragmentInfo, entry_at
from openbwv.shared.door import HeldPart
from openbwv.shared.durable import append_durably, make_folder, remove_durably, sweep, write_durably
from openbwv.shared.priority import Rank
from openbwv.shared.receipts import OwnFacts, media_hash
from openbwv.shared.upload import Fragment, Orphan, Parcel, file_chunks

READ_BYTES = 1 << 20


class HeldRecording:
    """One recording's folder, and what its files add up to."""

    def __init__(self, folder: Path, *, kid: bytes, rec_id: bytes, trust: Trust, owner: str) -> None:
        self.folder, self.kid, self.rec_id, self.owner = folder, kid, rec_id, owner
        self.lock = threading.RLock()
        self.rank = Rank()
        self.reader = ManifestReader()
        self.fragments: list[FragmentInfo] = []
        self.hashes: list[bytes] = []
        self.files: list[HeldPart] = []
        self._ends: list[int] = []
        self._trust = trust
        self._load()

    def _load(self) -> None:
        sweep(self.folder)
        manifest = self.folder / layout.MANIFEST
        if manifest.exists():
            with manifest.open("rb") as source:
                while piece := source.read(READ_BYTES):
                    self._learn(self.reader.feed(piece))
            if self.reader.waiting_bytes:  # a crash tore the last append, which was never acknowledged
                with manifest.open("r+b") as target:
                    target.truncate(self.reader.good_bytes)
                self.reader = ManifestReader.restore(self.reader.save())
        for path in self.folder.iterdir():
            if match := layout.PART_NAME.fullmatch(path.name):
                self._add_file(HeldPart(int(match[1]), int(match[2]), path.stat().st_size))

    def _learn(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.hashes.append(entry.sig_structure_sha256)
            self._ends.append((self._ends[-1] if self._ends else 0) + len(entry.raw))
            if entry.fragment is not None:
                self.fragments.append(entry.fragment)
        self.rank.learn(entries)

    def _add_file(self, part: HeldPart) -> None:
        # A new list: whoever reads the old one without the lock sees it whole.
        self.files = sorted([*self.files, part], key=lambda each: each.first)

    # -- what is held --------------------------------------------------------------------------------------------

    @property
    def next_seq(self) -> int:
        """The number of the next entry wanted."""
        return self.reader.next_seq

    @property
    def tail(self) -> bytes:
        """The hash of the last entry."""
        return self.reader.tail

    def holds(self, seq: int) -> bool:
        """Return whether the fragment of entry `seq` is on disk."""
        files = self.files
        place = bisect_right(files, seq, key=lambda part: part.first) - 1
        return place >= 0 and seq <= files[place].last

    def missing(self) -> list[FragmentInfo]:
        """Return the fragments that are signed and not here yet."""
        return [fragment for fragment in self.fragments if not self.holds(fragment.seq)]

    @property
    def held_bytes(self) -> int:
        """Bytes of media on disk."""
        return sum(part.length for part in self.files)

    @property
    def has_custody(self) -> bool:
        """Whether a custody receipt was given for the present tail."""
        return (self.folder / layout.CUSTODY).exists() and not self.missing()

    @property
    def has_key(self) -> bool:
        """Whether the wrapped data key is here."""
        return (self.folder / layout.KEY).exists()

    @property
    def has_orphan(self) -> bool:
        """Whether the camera sent something that its recovery had set aside."""
        return (self.folder / layout.ORPHAN).exists()

    def facts(self) -> OwnFacts:
        """Return what an evidence receipt for this recording must say."""
        orphan = self.orphan()
        return OwnFacts(
            rec_id=self.rec_id,
            kid=self.kid,
            last_seq=self.next_seq - 1,
            tail=self.tail,
            media_length=self.reader.media_bytes,
            media_sha256_of_cts=media_hash(self.fragments),
            orphan_length=orphan.length if orphan else 0,
            orphan_sha256=orphan.sha256 if orphan else b"",
        )

    # -- taking in -----------------------------------------------------------------------------------------------

    def add_entries(self, data: bytes, *, from_seq: int, aside: Path) -> None:
        """Append the entries in `data` that are new; the same again is harmless.

        Raises EntriesFirst (a hole), Equivocation (two entries for one number; both kept), UnknownDevice, FormatError.
        """
        with self.lock:
            new: list[bytes] = []
            accepted: list[Entry] = []
            saved = self.reader.save()
            try:
                for entry in _entries(data, from_seq):
                    if entry.seq < self.next_seq:
                        self._compare(entry, [*self.hashes, *(each.sig_structure_sha256 for each in accepted)], aside)
                        continue
                    if entry.seq > self.next_seq:
                        raise EntriesFirst(self.next_seq)
                    accepted += self.reader.feed(entry.raw)
                    self._check_owner()
                    new.append(entry.raw)
                if new:
                    make_folder(self.folder)
                    append_durably(self.folder / layout.MANIFEST, b"".join(new))
                    remove_durably(self.folder / layout.CUSTODY)  # it was for an older tail
            except Exception:
                self.reader = ManifestReader.restore(saved)
                raise
            self._learn(accepted)

    def _check_owner(self) -> None:
        chain = self.reader.chain
        if chain is None or self._trust.judge(chain) != "trusted":
            raise UnknownDevice("its certificate is not of this force.")
        if chain.kid != self.kid or self.reader.rec_id != self.rec_id or chain.san_uri != self.owner:
            raise BadCall("The entries are of another camera or recording than the request says.")

    def _compare(self, entry: Entry, hashes: Sequence[bytes], aside: Path) -> None:
        if entry.sig_structure_sha256 == hashes[entry.seq]:
            return
        chain = self.reader.chain
        if chain is None or entry.kid != chain.kid or entry.rec_id != self.rec_id:
            raise BadCall(f"Entry {entry.seq} is of another camera or recording.")
        check_signature(entry.signed, chain.public_key)
        name = f"{self.rec_id.hex()}-{entry.seq:08d}-{entry.sig_structure_sha256.hex()[:16]}.entry"
        if not (aside / name).exists():
            write_durably(aside / name, entry.raw)
        raise Equivocation(entry.seq)

    def add_key(self, data: bytes) -> bool:
        """Store key.cbor; returns whether it is new. Raises Conflict for another one, FormatError."""
        with self.lock:
            if self.next_seq == 0:
                raise EntriesFirst(0)
            path = self.folder / layout.KEY
            if path.exists():
                if path.read_bytes() != data:
                    raise Conflict("Another wrapped key is held for this recording.")
                return False
            read_key_cbor(data)
            write_durably(path, data)
            return True

    def run_at(self, first_seq: int, length: int) -> list[FragmentInfo]:
        """Return the whole fragments that `length` bytes from entry `first_seq` are, or [] when that fits none.

        Raises EntriesFirst when their entries are not all here.
        """
        with self.lock:
            if first_seq >= self.next_seq:
                raise EntriesFirst(self.next_seq)
            place = bisect_right(self.fragments, first_seq, key=lambda each: each.seq) - 1
            if place < 0 or self.fragments[place].seq != first_seq:
                return []
            run, left = [], length
            while left > 0 and place < len(self.fragments):
                run.append(self.fragments[place])
                left -= self.fragments[place].n
                place += 1
            if left > 0:
                if self.reader.closed:
                    return []
                raise EntriesFirst(self.next_seq)
            return run if left == 0 else []

    def note_part(self, first: int, last: int, length: int) -> None:
        """Count a file that has just been made durable."""
        with self.lock:
            self._add_file(HeldPart(first, last, length))

    # -- giving out ----------------------------------------------------------------------------------------------

    def orphan(self) -> Orphan | None:
        """Return what the camera's recovery had set aside, if it was sent."""
        path = self.folder / layout.ORPHAN
        if not path.exists():
            return None
        length = path.stat().st_size
        digest = hashlib.sha256()
        for chunk in file_chunks(str(path), 0, length):
            digest.update(chunk)
        return Orphan(length, digest.digest(), lambda: file_chunks(str(path), 0, length))

    def announcement(self) -> Parcel:
        """Return what the uplink sends first: the entries and the key, no media."""
        with self.lock:
            manifest = (self.folder / layout.MANIFEST).read_bytes()
            starts = [0, *self._ends[:-1]]
            return Parcel(
                rec_id=self.rec_id,
                entries=[manifest[start:end] for start, end in zip(starts, self._ends, strict=True)],
                key_cbor=(self.folder / layout.KEY).read_bytes() if self.has_key else None,
                fragments=(),
                read=self.read_run,
                tail=self.tail,
            )

    def sendable(self) -> tuple[tuple[int, int], list[Fragment]]:
        """Return the fragments that are here, and a stamp that changes whenever they do."""
        stamp = self.stamp()  # first, so that what comes meanwhile is noticed
        return stamp, [Fragment(f.seq, f.offset, f.n) for f in self.fragments if self.holds(f.seq)]

    def stamp(self) -> tuple[int, int]:
        """Return something that differs once another fragment's entry or a part is here."""
        return len(self.fragments), len(self.files)

    def read_run(self, run: Sequence[Fragment]) -> Iterator[bytes]:
        """Yield the ciphertext of fragments that are here, a chunk at a time; raises DoorError on a damaged disk."""
        for fragment in run:
            with self.lock:
                place = bisect_right(self.files, fragment.seq, key=lambda part: part.first) - 1
                part = self.files[place]
            start = self._offset_of(part.first)
            path = self.folder / layout.part_name(part.first, part.last)
            yield from file_chunks(str(path), fragment.offset - start, fragment.length)

    def _offset_of(self, seq: int) -> int:
        place = bisect_right(self.fragments, seq, key=lambda each: each.seq) - 1
        return self.fragments[place].offset


def _entries(data: bytes, from_seq: int) -> Iterator[Entry]:
    position = 0
    while position < len(data):
        entry, position = entry_at(data, position)
        if position == len(entry.raw) and entry.seq != from_seq:
            raise BadCall(f"The first entry is number {entry.seq}, the request says {from_seq}.")
        yield entry
