"""One recording as it lies in the store, read back: what a dock is sent, and what a receipt is held against."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.errors import StoreDamaged
from openbwv.shared.priority import Rank
from openbwv.shared.receipts import OwnFacts, media_hash

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Stored:
    """A recording's entries and where its fragments lie. `orphan` is (length, SHA-256) or None."""

    rec_id: bytes
    folder: Path
    entries: list[bytes] = field(repr=False)
    fragments: list[r.FragmentInfo] = field(repr=False)
    open_body: r.OpenBody = field(repr=False)
    closed: bool
    tail: bytes
    kid: bytes
    media_bytes: int
    rank: Rank
    orphan: tuple[int, bytes] | None
    key_cbor: bytes | None = field(repr=False)

    @property
    def rc(self) -> int:
        """The camera's own number of this recording."""
        return self.open_body.rc

    @property
    def last_seq(self) -> int:
        """The number of the last entry."""
        return len(self.entries) - 1

    @property
    def evidential(self) -> bool:
        """Whether it was marked as evidence, carries a restricted category, or was started by a signal."""
        return self.rank.evidential or self.rank.signalled

    def own_facts(self) -> OwnFacts:
        """Return what a receipt must say about this recording."""
        length, sha256 = self.orphan or (0, b"")
        return OwnFacts(
            rec_id=self.rec_id,
            kid=self.kid,
            last_seq=self.last_seq,
            tail=self.tail,
            media_length=self.media_bytes,
            media_sha256_of_cts=media_hash(self.fragments),
            orphan_length=length,
            orphan_sha256=sha256,
        )


def read_stored(folder: Path) -> Stored:
    """Read a recording's folder, its entries checked; raises StoreDamaged."""
    reader, rank = r.ManifestReader(), Rank()
    entries: list[bytes] = []
    fragments: list[r.FragmentInfo] = []
    try:
        for entry in reader.read((folder / layout.MANIFEST).read_bytes()):
            entries.append(entry.raw)
            rank.learn([entry])
            if entry.fragment is not None:
                fragments.append(entry.fragment)
        reader.finish()
    except (OSError, r.FormatError) as problem:
        raise damaged(folder, str(problem)) from problem
    if reader.rec_id is None or reader.open_body is None or reader.chain is None:
        raise damaged(folder, "it has no OPEN entry")
    key = folder / layout.KEY
    return Stored(
        rec_id=reader.rec_id,
        folder=folder,
        entries=entries,
        fragments=fragments,
        open_body=reader.open_body,
        closed=reader.closed,
        tail=reader.tail,
        kid=reader.chain.kid,
        media_bytes=reader.media_bytes,
        rank=rank,
        orphan=_orphan(folder / layout.ORPHAN),
        key_cbor=key.read_bytes() if key.is_file() else None,
    )


def damaged(folder: Path, why: str) -> StoreDamaged:
    """Return the error for a recording that cannot be read; it is kept as it is."""
    return StoreDamaged(
        what=f"The recording {folder.name} in the store cannot be read: {why.rstrip('.')}. It was left as it is.",
        remedy="Dock the camera all the same and tell the fleet manager; `./bwv verify` says where it breaks.",
    )


def _orphan(path: Path) -> tuple[int, bytes] | None:
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    length = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            length += len(chunk)
    return length, digest.digest()
