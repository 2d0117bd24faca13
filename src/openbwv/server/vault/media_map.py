"""Where each fragment of a recording is: what its entries sign, and which object holds the bytes.

Built from the stored entries, whose signatures were checked when they came. Kept for the few recordings that are being
uploaded or watched; an upload that grows extends what is kept instead of reading all of it again.
"""

import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from openbwv.recording import Entry, EntryType, FragBody, FragmentInfo, OpenBody
from openbwv.recording.entries import entry_at
from openbwv.server.evidence.models import Recording
from openbwv.server.vault.models import ManifestPart, Part
from openbwv.server.vault.store import vault_store

MOST_KEPT = 64


@dataclass
class FragmentTable:
    """The fragments that the entries up to `next_seq` sign, in order."""

    next_seq: int = 0
    media_bytes: int = 0
    fragments: list[FragmentInfo] = field(default_factory=list)
    place: dict[int, int] = field(default_factory=dict)
    timed: list[FragmentInfo] = field(default_factory=list)  # those on the time line: all but init units
    timed_place: dict[int, int] = field(default_factory=dict)
    open_body: OpenBody | None = None
    x5chain: tuple[bytes, ...] = ()
    lengths: "array[int]" = field(default_factory=lambda: array("I"))  # of each entry, bytes

    def add(self, entry: Entry) -> None:
        """Take the next entry."""
        body = entry.body
        if isinstance(body, OpenBody):
            self.open_body, self.x5chain = body, entry.x5chain
        elif isinstance(body, FragBody):
            info = FragmentInfo(entry.seq, body.n, body.ct, self.media_bytes, body.flags, body.times, body.pc)
            self.place[entry.seq] = len(self.fragments)
            self.fragments.append(info)
            if info.times:
                self.timed_place[entry.seq] = len(self.timed)
                self.timed.append(info)
            self.media_bytes += body.n
        self.lengths.append(len(entry.raw))
        self.next_seq = entry.seq + 1


@dataclass(frozen=True)
class HeldFragment:
    """Where the bytes of one fragment are."""

    key: str
    offset: int
    length: int


_kept: OrderedDict[UUID, FragmentTable] = OrderedDict()
_lock = threading.Lock()


def fragment_table(recording: Recording) -> FragmentTable:
    """Return the fragments of `recording` as far as its stored entries go; raises ObjectMissing."""
    with _lock:
        table = _kept.pop(recording.pk, None) or FragmentTable()
        if recording.next_seq < table.next_seq:  # the database was restored to an older state under us
            table = FragmentTable()
        if table.next_seq < recording.next_seq:
            for entry in stored_entries(recording, from_seq=table.next_seq):
                table.add(entry)
        _kept[recording.pk] = table
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
        return table


def note_entries(recording_id: UUID, entries: list[Entry]) -> None:
    """Take entries that were stored just now into what is kept, so that the first part need not read them again."""
    with _lock:
        table = _kept.get(recording_id) or FragmentTable()
        if not entries or entries[0].seq != table.next_seq:
            return  # not kept, or read from the store meanwhile
        for entry in entries:
            table.add(entry)
        _kept[recording_id] = table
        _kept.move_to_end(recording_id)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)


def stored_entries(recording: Recording, *, from_seq: int = 0) -> Iterator[Entry]:
    """Yield the stored entries from `from_seq` on, signatures not checked again; raises ObjectMissing."""
    for raw in manifest_runs(recording, from_seq=from_seq):
        position = 0
        while position < len(raw):
            entry, position = entry_at(raw, position)
            if entry.seq >= from_seq:
                yield entry


def raw_entries(recording: Recording, table: FragmentTable) -> Iterator[tuple[int, bytes]]:
    """Yield (number, bytes) of the stored entries that `table` knows, without reading them; raises ObjectMissing."""
    seq = 0
    for run in manifest_runs(recording):
        position = 0
        while position < len(run) and seq < len(table.lengths):
            end = position + table.lengths[seq]
            yield seq, run[position:end]
            seq, position = seq + 1, end


def manifest_runs(recording: Recording, *, from_seq: int = 0) -> Iterator[bytes]:
    """Yield the stored entries as they came, a run at a time, beginning with the run that holds `from_seq`."""
    store = vault_store()
    parts = ManifestPart.objects.filter(recording=recording, last_seq__gte=from_seq).select_related("object")
    for part in parts.order_by("first_seq"):
        yield store.read(part.object.key, length=part.object.length)


def held_fragments(recording: Recording, *, within: tuple[int, int] | None = None) -> dict[int, HeldFragment]:
    """Return where the bytes of each fragment that is here are, by its entry's number.

    With `within`, only of the parts that hold any entry from the first to the last number of it.
    """
    held: dict[int, HeldFragment] = {}
    parts = Part.objects.filter(recording=recording).order_by("id")
    if within is not None:
        parts = parts.filter(first_seq__lte=within[1], last_seq__gte=within[0])
    for key, offsets in parts.values_list("object__key", "offsets"):
        for seq, offset, length in offsets:
            held[seq] = HeldFragment(key, offset, length)
    return held


def forget(recording_id: UUID) -> None:
    """Drop what is kept about a recording (after its deletion)."""
    with _lock:
        _kept.pop(recording_id, None)


def is_fragment(entry: Entry) -> bool:
    """Return whether an entry signs a fragment."""
    return entry.type == EntryType.FRAG
