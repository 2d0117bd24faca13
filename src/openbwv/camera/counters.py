"""What must never repeat on a camera: the number of its starts and of its recordings, and what came last.

The file is written durably once a recording's OPEN is; a power cut between the two is made good by recovery. Should it
be lost or damaged, the recordings and tombstones still in the store say how far the counters were.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from openbwv.camera import layout
from openbwv.recording import FormatError, cbor
from openbwv.shared.durable import write_durably


@dataclass(frozen=True)
class Counters:
    """`boots` starts, `rc` recordings, and the id and tail of the last recording that is closed."""

    boots: int = 0
    rc: int = 0
    last_rec_id: bytes | None = None
    last_tail: bytes | None = None

    def at_least(self, *, boots: int = 0, rc: int = 0) -> "Counters":
        """Return counters that are not behind the given ones."""
        return replace(self, boots=max(self.boots, boots), rc=max(self.rc, rc))


def read_counters(store: Path) -> Counters | None:
    """Return what the file says; None when it is missing or damaged."""
    try:
        value = cbor.decode((store / layout.COUNTERS).read_bytes())
    except (FileNotFoundError, FormatError):
        return None
    match value:
        case {1: int(boots), 2: int(rc), 3: bytes(rec_id), 4: bytes(tail)}:
            return Counters(boots, rc, rec_id or None, tail or None)
    return None


def write_counters(store: Path, counters: Counters) -> None:
    """Write the file durably; raises DiskFull, WriteFailed."""
    value = {1: counters.boots, 2: counters.rc, 3: counters.last_rec_id or b"", 4: counters.last_tail or b""}
    write_durably(store / layout.COUNTERS, cbor.encode(value), replace=True)
