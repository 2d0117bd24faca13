"""Device journals on their way to the server: each a chain of its own, checked and appended like a manifest."""

import threading

from openbwv.dock.errors import BadCall, EntriesFirst, UnknownDevice
from openbwv.dock.layout import Layout
from openbwv.recording import JournalReader, Trust
from openbwv.recording.entries import entry_at
from openbwv.shared.door import DoorBusy, DoorError, DoorFull, DoorUnreachable
from openbwv.shared.door_client import DoorClient
from openbwv.shared.durable import append_durably, make_folder


class JournalStore:
    """Every journal held here; safe to share between threads."""

    def __init__(self, layout: Layout, *, trust: Trust) -> None:
        self._layout, self._trust = layout, trust
        self._lock = threading.Lock()
        self._readers: dict[bytes, tuple[bytes, JournalReader]] = {}

    def next_seq(self, kid: bytes) -> int:
        """Return the number of the next entry wanted of the newest journal of the key `kid`."""
        with self._lock:
            return self._current(kid)[1].next_seq

    def end(self, kid: bytes) -> tuple[int, bytes]:
        """Return the number of the next entry of the newest journal of `kid`, and its tail."""
        with self._lock:
            _, reader = self._current(kid)
            return reader.next_seq, reader.tail

    def hand_on(self, client: DoorClient, kid: bytes) -> None:
        """Send what the server lacks of the newest journal of `kid`; raises the errors of `door`.

        Where the server holds another journal, this one began after that was damaged, and goes there from its start.
        """
        there = client.journal_state(kid)
        have, tail = self.end(kid)
        start = there.next_seq
        if start > have or (start == have and there.tail not in (None, tail)):
            start = 0
        if not (entries := self.entries_from(kid, start)):
            return
        try:
            client.put_journal(kid, from_seq=start, entries=entries)
        except (DoorUnreachable, DoorBusy, DoorFull):
            raise
        except DoorError:
            if not start:
                raise
            client.put_journal(kid, from_seq=0, entries=self.entries_from(kid, 0))

    def add(self, kid: bytes, data: bytes, *, from_seq: int) -> int:
        """Append new entries of a journal and return the next number wanted.

        A first entry (number 0) of another journal begins that one. Raises EntriesFirst, BadCall, FormatError.
        """
        with self._lock:
            journal_id, reader = self._current(kid)
            position, new = 0, b""
            expected = from_seq
            while position < len(data):
                entry, end = entry_at(data, position)
                if entry.seq != expected or entry.kid != kid:
                    raise BadCall("The journal entries are not those the request names.")
                if entry.seq == 0 and entry.rec_id != journal_id:
                    journal_id, reader = entry.rec_id, JournalReader()
                if entry.rec_id != journal_id or entry.seq > reader.next_seq:
                    raise EntriesFirst(reader.next_seq)
                if entry.seq == reader.next_seq:
                    self._take(reader, entry.raw, kid)
                    new += entry.raw
                position, expected = end, expected + 1
            if new:
                path = self._layout.journal(kid, journal_id)
                make_folder(path.parent)
                append_durably(path, new)
            self._readers[kid] = (journal_id, reader)
            return reader.next_seq

    def _take(self, reader: JournalReader, raw: bytes, kid: bytes) -> None:
        try:
            reader.feed(raw)
        except Exception:
            self._readers.pop(kid, None)  # what is on disk is read again
            raise
        if reader.chain is None or self._trust.judge(reader.chain) != "trusted":
            self._readers.pop(kid, None)
            raise UnknownDevice("its journal is signed under another agency.")

    def entries_from(self, kid: bytes, seq: int) -> bytes:
        """Return the entries of the newest journal from number `seq` on."""
        with self._lock:
            journal_id, _ = self._current(kid)
            path = self._layout.journal(kid, journal_id)
            data = path.read_bytes() if journal_id and path.exists() else b""
        position = 0
        while position < len(data):
            entry, end = entry_at(data, position)
            if entry.seq >= seq:
                return data[position:]
            position = end
        return b""

    def _current(self, kid: bytes) -> tuple[bytes, JournalReader]:
        if kid in self._readers:
            return self._readers[kid]
        reader, journal_id = JournalReader(), b""
        folder = self._layout.camera(kid) / "journal"
        files = sorted(folder.glob("*.cbor")) if folder.is_dir() else []
        if files:  # identifiers are UUIDv7: the newest sorts last
            journal_id = bytes.fromhex(files[-1].stem)
            reader.feed(files[-1].read_bytes())
            if reader.waiting_bytes:
                with files[-1].open("r+b") as target:
                    target.truncate(reader.good_bytes)
                reader = JournalReader()
                reader.feed(files[-1].read_bytes())
        self._readers[kid] = (journal_id, reader)
        return journal_id, reader
