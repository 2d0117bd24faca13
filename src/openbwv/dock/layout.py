"""Where the spool keeps what, and what its files mean. Nothing else records a recording's state.

SPOOL/<kid>/<rec_id>/manifest.cbor     signed entries, checked, appended
                     key.cbor          the wrapped data key, which the dock cannot open
                     <first>-<last>.part   sealed fragments `first` to `last`, back to back
                     orphan.bin        what the camera's recovery set aside
                     custody.cbor      the custody receipt that was given: every byte above is held
SPOOL/<kid>/receipts/<rec_id>.cbor     the server's evidence receipt; the folder above goes when it is there
SPOOL/<kid>/journal/<journal id>.cbor  the device journal, entries appended
SPOOL/<kid>/counts/<hash>.cbor         what the camera signed of its counters, until the server has taken it
SPOOL/<kid>/aside/                     what contradicts what is held; never deleted here. Signed entries are told to the
                                       server (….told), the rest is forwarded by a person
SPOOL/<kid>/assignment.cbor            the newest assignment for this camera, until it takes the next one
"""

import re
from dataclasses import dataclass
from pathlib import Path

from openbwv.shared.durable import make_folder

MANIFEST, KEY, ORPHAN, CUSTODY = "manifest.cbor", "key.cbor", "orphan.bin", "custody.cbor"
PART_NAME = re.compile(r"(\d{8,})-(\d{8,})\.part")
KID_NAME = re.compile(r"[0-9a-f]{64}")
REC_NAME = re.compile(r"[0-9a-f]{32}")
LEAVING, ASIDE = ".leaving-", "aside"


@dataclass(frozen=True)
class Layout:
    """The folders below one spool."""

    root: Path

    def camera(self, kid: bytes) -> Path:
        """One camera's folder."""
        return self.root / kid.hex()

    def recording(self, kid: bytes, rec_id: bytes) -> Path:
        """One recording's folder."""
        return self.camera(kid) / rec_id.hex()

    def receipt(self, kid: bytes, rec_id: bytes) -> Path:
        """Where an evidence receipt waits for its camera."""
        return self.camera(kid) / "receipts" / f"{rec_id.hex()}.cbor"

    def aside(self, kid: bytes) -> Path:
        """Where contradictions of one camera are kept."""
        folder = self.camera(kid) / ASIDE
        make_folder(folder)
        return folder

    def journal(self, kid: bytes, journal_id: bytes) -> Path:
        """One chain of a camera's journal."""
        return self.camera(kid) / "journal" / f"{journal_id.hex()}.cbor"

    def counts(self, kid: bytes) -> Path:
        """Where what a camera signed of its counters waits for the server."""
        return self.camera(kid) / "counts"

    def assignment(self, kid: bytes) -> Path:
        """The assignment that waits for a camera."""
        return self.camera(kid) / "assignment.cbor"

    def cameras(self) -> list[bytes]:
        """Every camera of which something is held."""
        if not self.root.is_dir():
            return []
        return [bytes.fromhex(path.name) for path in sorted(self.root.iterdir()) if KID_NAME.fullmatch(path.name)]

    def recordings(self, kid: bytes) -> list[bytes]:
        """Every recording of a camera that is held."""
        folder = self.camera(kid)
        if not folder.is_dir():
            return []
        return [bytes.fromhex(path.name) for path in sorted(folder.iterdir()) if REC_NAME.fullmatch(path.name)]

    def receipts(self, kid: bytes) -> list[bytes]:
        """Every recording of a camera whose evidence receipt waits here."""
        folder = self.camera(kid) / "receipts"
        return [bytes.fromhex(path.stem) for path in sorted(folder.glob("*.cbor"))] if folder.is_dir() else []


def part_name(first: int, last: int) -> str:
    """Return the file name of a run of fragments."""
    return f"{first:08d}-{last:08d}.part"
