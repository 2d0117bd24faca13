"""After a power cut: close honestly what was being recorded, keep what nobody signed apart.

Rule: an entry counts only if it is whole, signed, chained, and the bytes it speaks of are in the media file with the
signed hash. Everything behind the last such entry is not evidence; it is copied to orphan.bin before it is cut off.
Then CLOSE "recovered" is appended, with the number of this start. A recording is never resumed. Doing it twice, or
being killed anywhere in it, changes nothing.
Source: docs/ref/recording-format.md, "Recovery".
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.disk import Disk
from openbwv.camera.errors import StoreDamaged
from openbwv.camera.store import is_torn
from openbwv.camera.stored import damaged
from openbwv.shared.durable import append_durably

LAST_ENTRY_BYTES = 64 << 10


@dataclass(frozen=True)
class Recovered:
    """One recording that was closed by recovery: what was kept, and how much was set aside."""

    rec_id: bytes
    folder: Path
    last_seq: int
    tail: bytes
    rc: int
    media_bytes: int
    orphan_bytes: int


@dataclass(frozen=True)
class Report:
    """What recovery found: `torn` folders hold nothing signed; `problems` are recordings that cannot be read."""

    recovered: list[Recovered]
    torn: list[Path]
    problems: list[StoreDamaged]


def recover_store(store: Path, *, signer: r.Signer, bt: int, mono_ns: int, disk: Disk | None = None) -> Report:
    """Recover every recording below `store` that has no CLOSE; raises DiskFull, WriteFailed."""
    report = Report([], [], [])
    for folder in layout.recording_folders(store):
        if is_torn(folder):
            report.torn.append(folder)
            continue
        try:
            done = recover_recording(folder, signer=signer, bt=bt, mono_ns=mono_ns, disk=disk or Disk())
        except StoreDamaged as problem:
            report.problems.append(problem)
            continue
        if done is not None:
            report.recovered.append(done)
    return report


def recover_recording(folder: Path, *, signer: r.Signer, bt: int, mono_ns: int, disk: Disk) -> Recovered | None:
    """Recover one folder; None when it was closed already. Raises StoreDamaged when its OPEN cannot be read."""
    manifest = folder / layout.MANIFEST
    if ends_with_close(manifest):
        return None
    data = manifest.read_bytes() if manifest.is_file() else b""
    reader = good_part(data, folder / layout.MEDIA)
    if reader.open_body is None or reader.rec_id is None:
        raise damaged(folder, "its first entry is missing or not signed")
    if reader.closed and reader.good_bytes == len(data):
        return None
    set_aside = _set_aside(folder, data, reader, disk)
    if not reader.closed:
        close = r.close_recovered(reader, signer=signer, mono_ns=mono_ns, bt=max(bt, reader.open_body.bt + 1))
        with disk.changing(manifest) as handle:
            disk.append(handle, close, manifest)
        disk.sync_folder(folder)
        reader.feed(close)
    return Recovered(
        rec_id=reader.rec_id,
        folder=folder,
        last_seq=reader.next_seq - 1,
        tail=reader.tail,
        rc=reader.open_body.rc,
        media_bytes=reader.media_bytes,
        orphan_bytes=set_aside,
    )


def ends_with_close(manifest: Path) -> bool:
    """Say whether a manifest ends in a CLOSE, looking at its end alone: start-up must not read every recording."""
    if not manifest.is_file():
        return False
    with manifest.open("rb") as file:
        file.seek(max(0, manifest.stat().st_size - LAST_ENTRY_BYTES))
        end = file.read()
    place = len(end)
    while (place := end.rfind(b"\xd2", 0, place)) >= 0:
        try:
            return r.parse_entry(end[place:]).type == r.EntryType.CLOSE
        except r.FormatError:
            continue  # this byte was inside an entry; look further back
    return False


def good_part(manifest: bytes, media: Path) -> r.ManifestReader:
    """Return a reader that has walked exactly the entries that count."""
    end = _good_end(manifest, media)
    reader = r.ManifestReader()
    reader.feed(manifest[:end])
    return reader


def _good_end(manifest: bytes, media: Path) -> int:
    reader = r.ManifestReader()
    end = 0
    with _opened(media) as file:
        try:
            for entry in reader.read(manifest):
                if entry.fragment is not None and not _is_there(file, entry.fragment):
                    return end
                end += len(entry.raw)
        except r.FormatError:
            return end  # from here on nobody signed anything; the caller sets it aside
    return end


def _opened(media: Path) -> BinaryIO:
    return media.open("rb") if media.is_file() else BytesIO()


def _is_there(media: BinaryIO, fragment: r.FragmentInfo) -> bool:
    media.seek(fragment.offset)
    sealed = media.read(fragment.n)
    return len(sealed) == fragment.n and hashlib.sha256(sealed).digest() == fragment.ct


def _set_aside(folder: Path, manifest: bytes, reader: r.ManifestReader, disk: Disk) -> int:
    media_path, manifest_path, orphan = (folder / name for name in (layout.MEDIA, layout.MANIFEST, layout.ORPHAN))
    media_tail = b""
    if media_path.is_file():
        with media_path.open("rb") as file:
            file.seek(reader.media_bytes)
            media_tail = file.read()
    for tail in (media_tail, manifest[reader.good_bytes :]):
        kept = orphan.read_bytes() if orphan.is_file() else b""
        if tail and tail not in kept:  # an earlier recovery may have been killed after it had copied
            append_durably(orphan, tail)
    if media_tail:
        _cut(disk, media_path, reader.media_bytes)
    if reader.good_bytes < len(manifest):
        _cut(disk, manifest_path, reader.good_bytes)
    return orphan.stat().st_size if orphan.is_file() else 0


def _cut(disk: Disk, path: Path, length: int) -> None:
    with disk.changing(path) as handle:
        disk.cut(handle, length, path)
