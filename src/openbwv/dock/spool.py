"""The spool: everything this dock holds for cameras and has not handed to the server yet. Ciphertext only.

Rule: what a restart finds in the folders is the state; nothing is kept anywhere else. A recording leaves the spool only
when the server's evidence receipt for exactly what is held has been checked and stored; the receipt then waits for its
camera. When there is no room, nothing more is taken, and every page and answer says so.
"""

import contextlib
import logging
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openbwv.dock.counts import CountStore
from openbwv.dock.errors import NoSuchRecording, SpoolFull
from openbwv.dock.held import HeldRecording
from openbwv.dock.journals import JournalStore
from openbwv.dock.layout import ASIDE, CUSTODY, LEAVING, Layout
from openbwv.recording import Trust
from openbwv.recording.errors import BwvError
from openbwv.shared.durable import make_folder, move_durably, remove_durably, sweep, write_durably

log = logging.getLogger("openbwv.dock")

RESERVE_BYTES = 256 << 20  # left free on the disk, for receipts, journals and the system


@dataclass(frozen=True)
class SpoolLimits:
    """How much the spool may take: `max_bytes` of media in all (0 = as much as there is), `reserve_bytes` left free."""

    max_bytes: int = 0
    reserve_bytes: int = RESERVE_BYTES


class Spool:
    """All recordings, receipts and journals that a dock holds; safe to share between threads."""

    def __init__(self, root: Path, *, trust: Trust, limits: SpoolLimits | None = None) -> None:
        self.layout = Layout(root)
        self.journals = JournalStore(self.layout, trust=trust)
        self.counts = CountStore(self.layout, trust=trust)
        self.full = False
        self._trust, self._limits = trust, limits or SpoolLimits()
        self._lock = threading.RLock()
        self._held: dict[tuple[bytes, bytes], HeldRecording] = {}
        self._promised = 0
        make_folder(root)
        self._load()

    def _load(self) -> None:
        for kid in self.layout.cameras():
            folder = self.layout.camera(kid)
            for leftover in folder.glob(f"{LEAVING}*"):
                shutil.rmtree(leftover)
            receipts, counts = self.layout.receipt(kid, b"").parent, self.layout.counts(kid)
            for place in (folder, receipts, counts, self.layout.aside(kid)):
                sweep(place)
            for rec_id in self.layout.recordings(kid):
                self._load_recording(kid, rec_id)

    def _load_recording(self, kid: bytes, rec_id: bytes) -> None:
        folder = self.layout.recording(kid, rec_id)
        try:
            held = HeldRecording(folder, kid=kid, rec_id=rec_id, trust=self._trust, owner=self.name_of(kid))
        except BwvError as problem:
            # This disk damaged it. The camera has not been wiped, so it will send it again; the rest goes on.
            aside = self.layout.aside(kid) / f"damaged-{rec_id.hex()}-{secrets.token_hex(4)}"
            move_durably(folder, aside)
            log.error("recording %s in the spool is damaged (%s); set aside as %s", rec_id.hex(), problem.what, aside)
            return
        if held.reader.opened:
            self._held[kid, rec_id] = held

    # -- cameras -------------------------------------------------------------------------------------------------

    def name_of(self, kid: bytes) -> str:
        """Return the name (SAN URI) of the camera whose recordings carry the key `kid`, or an empty text."""
        path = self.layout.camera(kid) / "name"
        return path.read_text("utf-8") if path.exists() else ""

    def meet(self, kid: bytes, name: str) -> None:
        """Remember the name in the certificate of the key `kid`."""
        with self._lock:
            make_folder(self.layout.camera(kid))
            if not self.name_of(kid):
                write_durably(self.layout.camera(kid) / "name", name.encode())

    def find(self, kid: bytes, rec_id: bytes) -> HeldRecording | None:
        """Return what is held of a recording, or None."""
        held = self._held.get((kid, rec_id))
        return held if held is not None and held.reader.opened else None

    def of_owner(self, name: str, rec_id: bytes) -> HeldRecording:
        """Return the recording of the camera called `name`; raises NoSuchRecording."""
        for held in self.all():
            if held.rec_id == rec_id and held.owner == name:
                return held
        raise NoSuchRecording

    def begin(self, kid: bytes, rec_id: bytes, *, owner: str) -> HeldRecording:
        """Return the place for a recording; it counts as held once its first entry is in."""
        folder = self.layout.recording(kid, rec_id)
        with self._lock:
            held = self._held.get((kid, rec_id))
            if held is None:
                make_folder(folder)
                held = HeldRecording(folder, kid=kid, rec_id=rec_id, trust=self._trust, owner=owner)
                self._held[kid, rec_id] = held
            return held

    def forget_unopened(self, held: HeldRecording) -> None:
        """Drop the place for a recording of which no entry was taken: whoever sends rubbish leaves nothing behind."""
        with self._lock, held.lock:
            if held.reader.opened:
                return
            self._held.pop((held.kid, held.rec_id), None)
            for folder in (held.folder, self.layout.camera(held.kid) / ASIDE, self.layout.camera(held.kid)):
                with contextlib.suppress(OSError):  # what holds something stays
                    folder.rmdir()

    def all(self) -> list[HeldRecording]:
        """Return every recording held, the most urgent first."""
        with self._lock:
            return sorted((held for held in self._held.values() if held.reader.opened), key=lambda held: held.rank.key)

    def of_camera(self, kid: bytes) -> Iterator[HeldRecording]:
        """Yield what is held of one key's recordings."""
        return (held for held in self.all() if held.kid == kid)

    # -- room ----------------------------------------------------------------------------------------------------

    def used_bytes(self) -> int:
        """Return the bytes of media held."""
        return sum(held.held_bytes for held in self.all())

    def promise(self, length: int) -> None:
        """Set `length` bytes aside for a part on its way in; raises SpoolFull. `unpromise` gives them back."""
        with self._lock:
            disk = os.statvfs(self.layout.root)
            free = disk.f_bavail * disk.f_frsize - self._limits.reserve_bytes - self._promised
            limit = self._limits.max_bytes
            too_much = bool(limit) and self.used_bytes() + self._promised + length > limit
            self.full = too_much or free < length
            if self.full:
                raise SpoolFull
            self._promised += length

    def unpromise(self, length: int) -> None:
        """Give back what `promise` set aside."""
        with self._lock:
            self._promised -= length

    # -- receipts ------------------------------------------------------------------------------------------------

    def receipts(self, kid: bytes) -> list[bytes]:
        """Return the evidence receipts that wait for the key `kid`."""
        return [self.layout.receipt(kid, rec_id).read_bytes() for rec_id in self.layout.receipts(kid)]

    def has_receipt(self, kid: bytes, rec_id: bytes) -> bool:
        """Return whether a receipt for this recording waits here."""
        return self.layout.receipt(kid, rec_id).exists()

    def add_receipt(self, kid: bytes, rec_id: bytes, receipt: bytes) -> None:
        """Store an evidence receipt, whoever brought it; it is checked by whoever acts on it."""
        path = self.layout.receipt(kid, rec_id)
        make_folder(path.parent)
        write_durably(path, receipt, replace=True)

    def release(self, held: HeldRecording, receipt: bytes) -> None:
        """Store the checked receipt for `held`, then remove the copy."""
        self.add_receipt(held.kid, held.rec_id, receipt)
        leaving = held.folder.with_name(LEAVING + held.folder.name)
        with self._lock, held.lock:
            self._held.pop((held.kid, held.rec_id), None)
            move_durably(held.folder, leaving)
            self.full = False
        shutil.rmtree(leaving)

    def forget_receipts(self, kid: bytes, still_there: set[bytes]) -> None:
        """Drop the receipts of recordings that the camera no longer lists: it has wiped them."""
        for rec_id in self.layout.receipts(kid):
            if rec_id not in still_there:
                remove_durably(self.layout.receipt(kid, rec_id))

    # -- assignments ---------------------------------------------------------------------------------------------

    def assignment(self, kid: bytes) -> bytes | None:
        """Return the assignment that waits for a camera."""
        path = self.layout.assignment(kid)
        return path.read_bytes() if path.exists() else None

    def set_assignment(self, kid: bytes, assignment: bytes) -> None:
        """Keep an assignment for a camera, in the place of an older one."""
        make_folder(self.layout.camera(kid))
        write_durably(self.layout.assignment(kid), assignment, replace=True)


def custody_file(held: HeldRecording) -> Path:
    """Where the custody receipt of a recording is kept."""
    return held.folder / CUSTODY
