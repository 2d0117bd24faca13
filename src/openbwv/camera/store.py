"""The camera's store: one process at a time, append only, and one way to delete.

Rule: nothing in it is ever overwritten. `wipe` removes a recording, and only on an evidence receipt that says that the
server holds exactly these bytes; receipt and tombstone are on the medium before the first name goes.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.counters import Counters, read_counters, write_counters
from openbwv.camera.errors import StoreBusy, StoreDamaged
from openbwv.camera.stored import Stored, read_stored
from openbwv.shared.durable import AlreadyThere, make_folder, remove_durably, sync_folder, write_durably
from openbwv.shared.receipts import OwnFacts, ReceiptRefused

WIPE_ORDER = (layout.KEY, layout.MEDIA, layout.ORPHAN, layout.MANIFEST)  # the key first: then the rest is noise


class Store:
    """A camera's store at `path`. Methods that change it need the lock."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock_descriptor = -1

    @property
    def identity_folder(self) -> Path:
        """Where the camera's identity lies."""
        return self.path / layout.IDENTITY

    def lock(self) -> None:
        """Make the store if need be and take it for this process; raises StoreBusy, WriteFailed."""
        make_folder(self.path)
        descriptor = os.open(self.path / layout.LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            os.close(descriptor)
            raise StoreBusy(
                what=f"Another process is using the store {self.path}.",
                remedy=f"End it first, or ask it through {self.path / layout.SOCKET} (`./bwv camera run` listens).",
            ) from problem
        self._lock_descriptor = descriptor

    def unlock(self) -> None:
        """Give the store back."""
        if self._lock_descriptor >= 0:
            os.close(self._lock_descriptor)
            self._lock_descriptor = -1

    @contextlib.contextmanager
    def locked(self) -> Iterator[Self]:
        """Hold the lock for a block; raises StoreBusy."""
        self.lock()
        try:
            yield self
        finally:
            self.unlock()

    def folders(self) -> list[Path]:
        """Return the folders of all recordings, oldest first."""
        return layout.recording_folders(self.path)

    def rec_ids(self) -> list[bytes]:
        """Return the ids of all recordings that have an OPEN, oldest first."""
        return [bytes.fromhex(folder.name) for folder in self.folders() if not is_torn(folder)]

    def torn(self) -> list[Path]:
        """Return the folders that a power cut left without anything signed; they are kept and reported."""
        return [folder for folder in self.folders() if is_torn(folder)]

    def folder(self, rec_id: bytes) -> Path:
        """Return a recording's folder; raises StoreDamaged when there is none."""
        for folder in (self.path / layout.RECORDINGS).glob(f"*/{rec_id.hex()}"):
            return folder
        raise StoreDamaged(
            what=f"There is no recording {rec_id.hex()} in {self.path}.",
            remedy="List what is there with `./bwv verify` on the store.",
        )

    def read(self, rec_id: bytes) -> Stored:
        """Return a recording; raises StoreDamaged."""
        return read_stored(self.folder(rec_id))

    def own_facts(self, rec_id: bytes) -> OwnFacts:
        """Return what an evidence receipt must say about a recording; raises StoreDamaged."""
        return self.read(rec_id).own_facts()

    def counters(self) -> Counters:
        """Return the counters; a lost or damaged file is made good from what the store holds."""
        kept = read_counters(self.path)
        return kept if kept is not None else self._counted()

    def _counted(self) -> Counters:
        found = Counters()
        for folder in self.folders():
            try:
                stored = read_stored(folder)
            except StoreDamaged:
                found = found.at_least(rc=found.rc + 1)  # what its number was cannot be told; do not use one twice
                continue
            found = found.at_least(boots=stored.open_body.bt, rc=stored.rc)
            if stored.closed and stored.rc == found.rc:
                found = Counters(found.boots, found.rc, stored.rec_id, stored.tail)
        for path in (self.path / layout.RECEIPTS).glob("*.wiped.cbor"):
            with contextlib.suppress(r.BwvError):
                wiped = r.Wiped.decode(path.read_bytes()).body
                if wiped.rc > found.rc:
                    found = Counters(found.boots, wiped.rc, wiped.rec_id, wiped.tail)
        return found

    def count(self, counters: Counters) -> None:
        """Keep new counters, durably; raises DiskFull, WriteFailed."""
        write_counters(self.path, counters)

    def boots(self) -> int:
        """Return how often this camera has started."""
        return self.counters().boots

    def next_rc(self) -> int:
        """Return the number that the next recording gets."""
        return self.counters().rc + 1

    def wipe(
        self,
        rec_id: bytes,
        verified: r.Received[r.EvidenceReceipt],
        raw_receipt: bytes,
        *,
        signer: r.Signer,
        chain: list[bytes],
        utc_ms: int,
    ) -> None:
        """Remove a recording on an evidence receipt that `shared.receipts` has judged.

        The receipt is held against the store once more. Order: receipt, tombstone, then key, media, orphan, manifest,
        folder. Raises ReceiptRefused, StoreDamaged, WriteFailed; killed in between, `finish_wipes` goes on.
        """
        stored = self.read(rec_id)
        self._compare(stored, verified.body)
        make_folder(self.path / layout.RECEIPTS)
        _write_once(self.path / layout.RECEIPTS / f"{rec_id.hex()}.cbor", raw_receipt)
        tombstone = r.Wiped(
            rec_id=rec_id,
            rc=stored.rc,
            last_seq=stored.last_seq,
            tail=stored.tail,
            receipt_sha256=verified.signed.sha256,
            wiped_at_ms=utc_ms,
        ).encode(signer, chain)
        _write_once(self._tombstone(rec_id), tombstone)
        self._remove(stored.folder)

    def _compare(self, stored: Stored, receipt: r.EvidenceReceipt) -> None:
        own = stored.own_facts()
        theirs = OwnFacts(
            rec_id=receipt.rec_id,
            kid=receipt.kid,
            last_seq=receipt.last_seq,
            tail=receipt.tail,
            media_length=receipt.media_length,
            media_sha256_of_cts=receipt.media_sha256_of_cts,
            orphan_length=receipt.orphan_length,
            orphan_sha256=receipt.orphan_sha256,
        )
        if not stored.closed or theirs != own:
            raise ReceiptRefused("it does not describe the recording in this store")

    def _tombstone(self, rec_id: bytes) -> Path:
        return self.path / layout.RECEIPTS / f"{rec_id.hex()}.wiped.cbor"

    def _remove(self, folder: Path) -> None:
        for name in WIPE_ORDER:
            remove_durably(folder / name)
        folder.rmdir()
        with contextlib.suppress(OSError):  # other recordings of that day are still there
            folder.parent.rmdir()
        sync_folder(self.path / layout.RECORDINGS)

    def finish_wipes(self) -> list[bytes]:
        """Go on with wipes that a power cut ended: the tombstone stands, names are left. Returns their ids."""
        finished = []
        for folder in self.folders():
            rec_id = bytes.fromhex(folder.name)
            if self._tombstone(rec_id).is_file():
                r.Wiped.decode(self._tombstone(rec_id).read_bytes())
                self._remove(folder)
                finished.append(rec_id)
        return finished


def is_torn(folder: Path) -> bool:
    """Say whether nothing is signed or recorded in a folder: power went while it was made."""
    return not any(
        (folder / name).is_file() and (folder / name).stat().st_size for name in (layout.MANIFEST, layout.MEDIA)
    )


def _write_once(path: Path, data: bytes) -> None:
    try:
        write_durably(path, data)
    except AlreadyThere:
        if path.name.endswith(".wiped.cbor"):  # a wipe that was interrupted wrote it; its time may differ
            return
        if path.read_bytes() != data:
            raise
