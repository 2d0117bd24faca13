"""Which recordings have a live key: the key service's own count, so that a rotation loses and revives nothing.

File = records of 17 bytes, appended and synced: 0x01 || rec_id when a key was first wrapped, 0x00 || rec_id when it was
dropped for good. A torn last record (a power cut) is cut off at start: its request was never answered.
A dropped recording stays dropped: wrapping its key again is refused, from whatever backup it comes.
"""

import os
from pathlib import Path

from openbwv.shared import durable

LIVE, DROPPED = b"\x01", b"\x00"
RECORD_BYTES = 17


class Ledger:
    """The set of live and of dropped recordings, kept in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.live: set[bytes] = set()
        self.dropped: set[bytes] = set()
        self._read()

    def wrapped(self, rec_id: bytes) -> None:
        """Note that `rec_id` has a live key; noting it twice changes nothing. Raises DiskFull, WriteFailed."""
        if rec_id not in self.live:
            durable.append_durably(self._path, LIVE + rec_id)
            self.live.add(rec_id)

    def drop(self, rec_id: bytes) -> None:
        """Note that the key of `rec_id` is dropped for good. Raises DiskFull, WriteFailed."""
        if rec_id not in self.dropped:
            durable.append_durably(self._path, DROPPED + rec_id)
            self.live.discard(rec_id)
            self.dropped.add(rec_id)

    def _read(self) -> None:
        if not self._path.exists():
            return
        data = self._path.read_bytes()
        whole = len(data) - len(data) % RECORD_BYTES
        for start in range(0, whole, RECORD_BYTES):
            rec_id = data[start + 1 : start + RECORD_BYTES]
            if data[start : start + 1] == LIVE:
                self.live.add(rec_id)
            else:
                self.live.discard(rec_id)
                self.dropped.add(rec_id)
        if whole != len(data):
            os.truncate(self._path, whole)
