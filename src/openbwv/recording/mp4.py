"""Cutting a fragmented MP4 stream into units, and reading where each unit lies in time.

Rule: the first unit is ftyp + moov; every later one is all boxes up to and including an mdat (styp, prft, emsg, moof,
mdat). Source: ISO/IEC 14496-12 sections 4.2 (box), 8.8.7 (tfhd), 8.8.8 (trun), 8.8.12 (tfdt). Bounded: a unit larger
than 16 MiB is refused before it is held.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from openbwv.recording.bodies import TrackTime
from openbwv.recording.problems import MediaError
from openbwv.recording.seal import MAX_FRAGMENT_BYTES


class Unit(NamedTuple):
    """One unit of a stream. `init` marks the first."""

    init: bool
    data: bytes


class TrackInfo(NamedTuple):
    """One track of an init unit: `handler` is vide or soun, `sample_entry` for example avc1 or mp4a."""

    track: int
    handler: str
    sample_entry: str
    timescale: int
    default_duration: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start of content, end) of the boxes in a span; raises MediaError."""
    stop = len(data) if end is None else end
    while start < stop:
        size, kind, content = _head(data, start, stop)
        if size is None or start + size > stop:
            raise MediaError("A box reaches past the end of its parent.")
        yield kind, content, start + size
        start += size


def _head(data: bytes | bytearray, start: int, stop: int) -> tuple[int | None, bytes, int]:
    if stop - start < 8:
        return None, b"", start
    size, kind = struct.unpack_from(">I4s", data, start)
    content = start + 8
    if size == 1:
        if stop - start < 16:
            return None, kind, content
        size, content = struct.unpack_from(">Q", data, start + 8)[0], start + 16
    if size < content - start:
        raise MediaError(f"A box of kind {kind!r} has the impossible size {size}.")
    return size, kind, content


class BoxCutter:
    """Takes the bytes a muxer writes, in any pieces, and returns the units they complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._unit = bytearray()
        self._init_done = False

    def write(self, data: bytes) -> list[Unit]:
        """Take bytes, return the units completed by them; raises MediaError."""
        self._buffer += data
        units = []
        position = 0
        while True:
            size, kind, _ = _head(self._buffer, position, len(self._buffer))
            if size is None:
                break
            if size + len(self._unit) > MAX_FRAGMENT_BYTES:
                raise MediaError("A unit is larger than 16 MiB; cut fragments more often.")
            if position + size > len(self._buffer):
                break
            box = bytes(self._buffer[position : position + size])
            position += size
            unit = self._take(kind, box)
            if unit:
                units.append(unit)
        del self._buffer[:position]
        return units

    def _take(self, kind: bytes, box: bytes) -> Unit | None:
        if kind == b"mfra":  # an index for players that can seek in files: describes, holds no media
            return None
        self._unit += box
        last = b"mdat" if self._init_done else b"moov"
        if kind in (b"mdat", b"moof") and not self._init_done:
            raise MediaError("Media came before the init unit (ftyp and moov).")
        if kind != last:
            return None
        unit = Unit(not self._init_done, bytes(self._unit))
        self._unit.clear()
        self._init_done = True
        return unit

    @property
    def waiting_bytes(self) -> int:
        """Bytes taken that are not part of a whole unit."""
        return len(self._buffer) + len(self._unit)


def _children(data: bytes, start: int, end: int) -> dict[bytes, tuple[int, int]]:
    return {kind: (content, stop) for kind, content, stop in boxes(data, start, end)}


def _u32(data: bytes, position: int, end: int) -> int:
    if position + 4 > end:
        raise MediaError("A box is too short for its fields.")
    return int(struct.unpack_from(">I", data, position)[0])


def _need(found: dict[bytes, tuple[int, int]], kind: bytes) -> tuple[int, int]:
    if kind not in found:
        raise MediaError(f"The box {kind.decode()} is missing.")
    return found[kind]


def track_info(init: bytes) -> list[TrackInfo]:
    """Return the tracks of an init unit; raises MediaError."""
    moov = _need(_children(init, 0, len(init)), b"moov")
    defaults: dict[int, int] = {}
    found = _children(init, *moov)
    if b"mvex" in found:
        for kind, start, end in boxes(init, *found[b"mvex"]):
            if kind == b"trex":
                defaults[_u32(init, start + 4, end)] = _u32(init, start + 12, end)
    tracks = [_track(init, start, end) for kind, start, end in boxes(init, *moov) if kind == b"trak"]
    return [track._replace(default_duration=defaults.get(track.track, 0)) for track in tracks]


def _track(init: bytes, start: int, end: int) -> TrackInfo:
    trak = _children(init, start, end)
    tkhd = _need(trak, b"tkhd")
    mdia = _children(init, *_need(trak, b"mdia"))
    mdhd, hdlr = _need(mdia, b"mdhd"), _need(mdia, b"hdlr")
    stbl = _children(init, *_need(_children(init, *_need(mdia, b"minf")), b"stbl"))
    stsd = _need(stbl, b"stsd")
    number = _u32(init, tkhd[0] + (20 if init[tkhd[0]] == 1 else 12), tkhd[1])
    timescale = _u32(init, mdhd[0] + (20 if init[mdhd[0]] == 1 else 12), mdhd[1])
    handler = init[hdlr[0] + 8 : hdlr[0] + 12].decode("latin-1")
    entry = init[stsd[0] + 12 : stsd[0] + 16].decode("latin-1")
    return TrackInfo(number, handler, entry, timescale, 0)


def fragment_times(unit: bytes, tracks: list[TrackInfo] | None = None) -> list[TrackTime]:
    """Return where a moof + mdat unit lies on each track, from tfdt and the sample durations; raises MediaError."""
    defaults = {track.track: track.default_duration for track in tracks or []}
    found = _children(unit, 0, len(unit))
    times = []
    for kind, start, end in boxes(unit, *_need(found, b"moof")):
        if kind == b"traf":
            times.append(_traf(unit, start, end, defaults))
    return times


def _traf(unit: bytes, start: int, end: int, defaults: dict[int, int]) -> TrackTime:
    kinds = list(boxes(unit, start, end))
    found = {kind: (content, stop) for kind, content, stop in kinds}
    tfhd, tfdt = _need(found, b"tfhd"), _need(found, b"tfdt")
    flags, number = _u32(unit, *tfhd) & 0xFFFFFF, _u32(unit, tfhd[0] + 4, tfhd[1])
    default = defaults.get(number, 0)
    position = tfhd[0] + 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0)
    if flags & 0x8:
        default = _u32(unit, position, tfhd[1])
    base = _u32(unit, tfdt[0] + 4, tfdt[1])
    if unit[tfdt[0]] == 1:
        base = base << 32 | _u32(unit, tfdt[0] + 8, tfdt[1])
    duration = sum(_trun(unit, content, stop, default) for kind, content, stop in kinds if kind == b"trun")
    return TrackTime(number, base, duration)


def _trun(unit: bytes, start: int, end: int, default: int) -> int:
    flags, count = _u32(unit, start, end) & 0xFFFFFF, _u32(unit, start + 4, end)
    if not flags & 0x100:
        return default * count
    position = start + 8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0)
    width = 4 * ((flags & 0xF00) >> 8).bit_count()
    if position + count * width > end:
        raise MediaError("A trun box is too short for its samples.")
    return sum(_u32(unit, position + index * width, end) for index in range(count))
