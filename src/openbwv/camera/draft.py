"""A recording while it is written: seal, sign, and put on the medium in the one right order.

Rule: key.cbor, synced → manifest with OPEN, synced → media file → all folders synced; then per fragment media synced
before its entry is appended and synced. So an entry on the medium proves that its bytes are, and a power cut costs
what was not synced yet and nothing else. One writer; never resumed after a restart.
Source: docs/ref/recording-format.md, "Writing".
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.disk import Disk, DiskFull, Reserve
from openbwv.camera.identity import Identity

DEK_BYTES = 32


@dataclass(frozen=True)
class Beginning:
    """What is known when a recording starts; the rest of OPEN comes from identity and counters."""

    rec_id: bytes
    utc_ms: int
    body: r.OpenBody


class Draft:
    """One recording being written. Raises DiskFull, WriteFailed, AlreadyThere; then the files end at the last entry."""

    def __init__(self, store: Path, *, disk: Disk, reserve: Reserve | None = None) -> None:
        self._store, self._disk, self._reserve = store, disk, reserve
        self._manifest = self._media = -1
        self._builder: r.RecordingBuilder | None = None
        self.folder = store
        self.rec_id = b""
        self.fragments = 0
        self.bytes_written = 0
        self.open_is_written = False
        self.on_reserve = False  # the disk is full: stop now

    @property
    def is_open(self) -> bool:
        """Whether OPEN is on the medium and CLOSE is not."""
        return self._manifest >= 0

    @property
    def tail(self) -> bytes:
        """The tail of the manifest as far as it is signed."""
        return self._live().tail

    def open(self, beginning: Beginning, identity: Identity, *, mono_ns: int) -> Path:
        """Make the folder, wrap a fresh data key, write OPEN; returns the folder."""
        rec_id, disk = beginning.rec_id, self._disk
        self.rec_id = rec_id
        self.folder = layout.recording_folder(self._store, rec_id, beginning.utc_ms)
        dek = r.new_dek(secrets.token_bytes)
        builder = r.RecordingBuilder(rec_id=rec_id, dek=dek, signer=identity.signer, chain=identity.chain)
        wrapped = r.wrap_dek(
            dek,
            epoch_id=identity.epoch.epoch_id,
            epoch_public=identity.epoch.public,
            rec_id=rec_id,
            kid=identity.kid,
        )
        del dek  # the builder keeps derived keys only, and drops them at CLOSE
        entry = builder.open(beginning.body, mono_ns=mono_ns)
        disk.make_folder(self.folder)
        key_path = self.folder / layout.KEY
        with disk.changing(key_path, new=True) as handle:
            disk.append(handle, wrapped, key_path)
        self._manifest = disk.create(self.folder / layout.MANIFEST)
        self._builder = builder
        self._append_entry(entry)
        self.open_is_written = True
        self._media = disk.create(self.folder / layout.MEDIA)
        disk.sync_folder(self.folder)
        return self.folder

    def fragment(
        self,
        unit: bytes,
        *,
        mono_ns: int,
        times: tuple[r.TrackTime, ...] = (),
        flags: r.FragFlag | int = 0,
        meta: dict[int, Any] | None = None,
    ) -> None:
        """Seal one unit and put it on the medium, then its entry."""
        sealed, entry = self._live().fragment(unit, mono_ns=mono_ns, times=times, flags=flags, meta=meta)
        self._append(self._media, sealed, self.folder / layout.MEDIA)
        self._append_entry(entry)
        self.fragments += 1
        self.bytes_written += len(sealed)

    def event(
        self,
        kind: r.EventKind,
        *,
        mono_ns: int,
        public: dict[int, Any] | None = None,
        sealed: dict[int, Any] | None = None,
    ) -> None:
        """Write an event."""
        self._append_entry(self._live().event(kind, mono_ns=mono_ns, public=public, sealed=sealed))

    def close(self, why: r.CloseReason, *, mono_ns: int) -> bytes:
        """Write CLOSE, forget the keys, close the files; returns the tail."""
        builder = self._live()
        self._append_entry(builder.close(why, mono_ns=mono_ns))
        self.release()
        return builder.tail

    def release(self) -> None:
        """Close the files as they are and forget the keys: after CLOSE, or when the medium has failed."""
        self._builder = None
        for handle in (self._media, self._manifest):
            if handle >= 0:
                self._disk.close(handle)
        self._media = self._manifest = -1

    def _live(self) -> r.RecordingBuilder:
        if self._builder is None:
            raise r.OrderError("The recording is not open.")
        return self._builder

    def _append_entry(self, entry: bytes) -> None:
        self._append(self._manifest, entry, self.folder / layout.MANIFEST)

    def _append(self, handle: int, data: bytes, path: Path) -> None:
        try:
            self._disk.append(handle, data, path)
            self._disk.sync(handle, path)
        except DiskFull:
            # What is signed must get onto the medium, or CLOSE could not follow it: use the room kept for this.
            if self._reserve is None or not self._reserve.give_up():
                raise
            self._disk.append(handle, data, path)
            self._disk.sync(handle, path)
            self.on_reserve = True
