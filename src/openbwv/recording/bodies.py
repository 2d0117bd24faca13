"""The bodies of entries: OPEN, FRAG, EVENT, CLOSE, and JOURNAL (which opens the device journal).

The tables of keys are in docs/ref/recording-format.md and recording-format.cddl; this module is their one reader and
writer. Times: `*_ms` are milliseconds, `*_ns` monotonic nanoseconds of one boot, track times are in the track's units.
"""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from openbwv.recording.fields import Fields, is_u63
from openbwv.recording.problems import FormatError
from openbwv.recording.registry import (
    FIRST_PRIVATE,
    FORMAT_VERSION,
    ClockSource,
    CloseReason,
    Codec,
    Container,
    EventKind,
    FragFlag,
    TrackKind,
    Trigger,
)
from openbwv.recording.seal import MAX_FRAGMENT_BYTES, SUITE_AES_256_GCM, TAG_BYTES

NO_HASH = bytes(32)
SECOND_NS = 1_000_000_000
NO_FLAGS = FragFlag(0)


class TrackTime(NamedTuple):
    """Where a fragment lies on one track: baseMediaDecodeTime and duration in the track's units."""

    track: int
    start: int
    duration: int


class Track(NamedTuple):
    """One track as OPEN names it. `timescale` is units a second."""

    track: int
    kind: TrackKind
    container: Container
    codec: Codec
    timescale: int


class Anchor(NamedTuple):
    """The last log checkpoint the camera saw at a dock: "not before this". `nonce` is the server's, or empty."""

    origin: str
    size: int
    root: bytes
    nonce: bytes = b""

    @classmethod
    def from_array(cls, value: list[Any], where: str) -> "Anchor":
        """Read the array; raises FormatError, which names `where` it stood."""
        match value:
            case [str(origin), size, bytes(root), bytes(nonce)] if is_u63(size):
                if len(root) == 32 and len(nonce) in (0, 32):
                    return cls(origin, size, root, nonce)
        raise FormatError(f"The anchor of {where} is not [origin, size, 32-byte root, nonce of 0 or 32 bytes].")


class ClockState(NamedTuple):
    """The camera's UTC, how far it may be off, where it comes from and when it was last set (0 = never)."""

    utc_ms: int
    uncertainty_ms: int
    source: ClockSource
    last_sync_ms: int = 0

    @property
    def synchronised(self) -> bool:
        """Whether this clock is to be relied on."""
        return self.source != ClockSource.NONE

    def to_row(self) -> list[int]:
        """Return the clock as journal events and count statements carry it."""
        return [self.utc_ms, self.uncertainty_ms, int(self.source), self.last_sync_ms]

    @classmethod
    def from_row(cls, value: object, where: str) -> "ClockState":
        """Read what `to_row` wrote; raises FormatError, which names `where` it stood."""
        f = Fields(dict(enumerate(value, start=1)) if isinstance(value, list) else value, f"clock of {where}")
        return _clock(f)


@dataclass(frozen=True)
class OpenBody:
    """What is known when a recording starts. The builder fills in `dc` and `cc`."""

    rc: int  # the camera's own recording counter
    bt: int  # starts of the camera
    clock: ClockState
    m0_ns: int  # monotonic time at media time 0
    tracks: tuple[Track, ...]
    trigger: Trigger = Trigger.BUTTON
    pre_ms: int = 0
    previous: bytes | None = None  # rec_id of the recording before, and its tail
    previous_tail: bytes | None = None
    firmware: bytes = NO_HASH
    profile: bytes = NO_HASH
    anchor: Anchor | None = None
    assignment: bytes | None = None  # 16-byte pseudonym, never a name
    dc: bytes = NO_HASH
    cc: bytes = NO_HASH

    def capture_ns(self, track: Track, units: int) -> int:
        """Return the camera's monotonic time of a media time, in whole nanoseconds, rounded down."""
        return self.m0_ns + units * SECOND_NS // track.timescale

    def with_commitments(self, dc: bytes, cc: bytes) -> "OpenBody":
        """Return a copy that commits to a data key and a commitment key."""
        return replace(self, dc=dc, cc=cc)

    def encode(self) -> dict[int, Any]:
        """Return the map that stands in the entry."""
        body: dict[int, Any] = {
            1: FORMAT_VERSION,
            2: SUITE_AES_256_GCM,
            3: self.dc,
            4: self.cc,
            5: self.rc,
            8: self.bt,
            9: self.firmware,
            10: self.profile,
            13: self.m0_ns,
            14: int(self.trigger),
            15: self.pre_ms,
            12: dict(enumerate(self.clock.to_row(), start=1)),
            16: [[int(part) for part in track] for track in self.tracks],
        }
        if self.previous is not None:
            body |= {6: self.previous, 7: self.previous_tail}
        if self.anchor is not None:
            body[11] = list(self.anchor)
        if self.assignment is not None:
            body[17] = self.assignment
        return body

    @classmethod
    def decode(cls, value: object) -> "OpenBody":
        """Read the map; raises FormatError."""
        f = Fields(value, "OPEN entry")
        if (version := f.uint(1)) != FORMAT_VERSION:
            raise FormatError(f"The recording has format version {version}; this reader knows {FORMAT_VERSION}.")
        if (suite := f.uint(2)) != SUITE_AES_256_GCM:
            raise FormatError(f"The recording is sealed with the reserved suite {suite}.")
        if f.has(6) != f.has(7):
            raise FormatError("OPEN names a previous recording without its tail, or a tail without its recording.")
        body = cls(
            dc=f.octets(3, 32),
            cc=f.octets(4, 32),
            rc=f.uint(5),
            bt=f.uint(8),
            firmware=f.octets(9, 32),
            profile=f.octets(10, 32),
            clock=_clock(Fields(f.table(12), "clock of OPEN")),
            m0_ns=f.uint(13),
            trigger=f.code(14, Trigger),
            pre_ms=f.uint(15),
            tracks=_tracks(f.rows(16, 5)),
            previous=f.optional_octets(6, 16),
            previous_tail=f.optional_octets(7, 32),
            anchor=Anchor.from_array(f.array(11), "OPEN") if f.has(11) else None,
            assignment=f.optional_octets(17, 16),
        )
        f.done()
        return body


def _clock(f: Fields) -> ClockState:
    clock = ClockState(f.uint(1), f.uint(2), f.code(3, ClockSource), f.uint(4))
    f.done()
    return clock


def _tracks(value: list[tuple[int, ...]]) -> tuple[Track, ...]:
    tracks = []
    for number, kind, container, codec, timescale in value:
        try:
            track = Track(number, TrackKind(kind), Container(container), Codec(codec), timescale)
        except ValueError:
            raise FormatError("A track of OPEN has an unknown kind, container or codec.") from None
        if not 0 < timescale <= 2**32:
            raise FormatError("A track of OPEN has an impossible timescale.")
        tracks.append(track)
    if not tracks or len({track.track for track in tracks}) != len(tracks):
        raise FormatError("OPEN names no track, or one track twice.")
    return tuple(tracks)


@dataclass(frozen=True)
class FragBody:
    """One fragment: its sealed length and hashes, its place in time, its flags, perhaps sealed metadata."""

    n: int
    ct: bytes
    pc: bytes
    times: tuple[TrackTime, ...]
    flags: FragFlag = NO_FLAGS
    sealed: bytes | None = None

    def encode(self) -> dict[int, Any]:
        """Return the map that stands in the entry."""
        body: dict[int, Any] = {
            1: self.n,
            2: self.ct,
            3: self.pc,
            4: [list(time) for time in self.times],
            5: int(self.flags),
        }
        return body if self.sealed is None else body | {6: self.sealed}

    @classmethod
    def decode(cls, value: object) -> "FragBody":
        """Read the map; raises FormatError."""
        f = Fields(value, "FRAG entry")
        n, flags = f.uint(1), f.uint(5)
        if not TAG_BYTES < n <= MAX_FRAGMENT_BYTES + TAG_BYTES:
            raise FormatError(f"A fragment of {n} bytes is outside 1 byte to 16 MiB.")
        if flags > 15:
            raise FormatError(f"The fragment has unknown flags ({flags}).")
        times = tuple(TrackTime(*row) for row in f.rows(4, 3))
        if len({time.track for time in times}) != len(times):
            raise FormatError("A fragment names one track twice.")
        if bool(flags & FragFlag.INIT) == bool(times):
            raise FormatError("An init unit has no times; every other fragment has one for each of its tracks.")
        body = cls(n, f.octets(2, 32), f.octets(3, 32), times, FragFlag(flags), f.optional_octets(6))
        f.done()
        return body


@dataclass(frozen=True)
class EventBody:
    """Something that happened. `public` is readable by docks; `sealed` only with the data key."""

    kind: int
    public: dict[int, Any] = field(default_factory=dict)
    sealed: bytes | None = None

    def encode(self) -> dict[int, Any]:
        """Return the map that stands in the entry."""
        body: dict[int, Any] = {1: int(self.kind)}
        if self.public:
            body[2] = self.public
        return body if self.sealed is None else body | {3: self.sealed}

    @classmethod
    def decode(cls, value: object) -> "EventBody":
        """Read the map; raises FormatError."""
        f = Fields(value, "EVENT entry")
        kind = f.uint(1)
        if kind < FIRST_PRIVATE:
            kind = f.code(1, EventKind)
        body = cls(kind, f.table(2) if f.has(2) else {}, f.optional_octets(3))
        f.done()
        return body


@dataclass(frozen=True)
class CloseBody:
    """The end of a recording. `bt` is there only when a later start of the camera wrote it."""

    why: CloseReason
    fragments: int
    ends: tuple[tuple[int, int], ...]
    bt: int | None = None

    def encode(self) -> dict[int, Any]:
        """Return the map that stands in the entry."""
        body: dict[int, Any] = {1: int(self.why), 2: self.fragments, 3: [list(end) for end in self.ends]}
        return body if self.bt is None else body | {4: self.bt}

    @classmethod
    def decode(cls, value: object) -> "CloseBody":
        """Read the map; raises FormatError."""
        f = Fields(value, "CLOSE entry")
        ends = tuple((row[0], row[1]) for row in f.rows(3, 2))
        body = cls(f.code(1, CloseReason), f.uint(2), ends, f.uint(4) if f.has(4) else None)
        f.done()
        if (body.why == CloseReason.RECOVERED) != (body.bt is not None):
            raise FormatError("CLOSE names a later start of the camera exactly when it was written by recovery.")
        return body


@dataclass(frozen=True)
class JournalBody:
    """The first entry of a device journal. A new journal names the one before it where it still knows it."""

    bt: int
    firmware: bytes = NO_HASH
    previous: bytes | None = None
    previous_tail: bytes | None = None

    def encode(self) -> dict[int, Any]:
        """Return the map that stands in the entry."""
        body: dict[int, Any] = {1: FORMAT_VERSION, 2: self.bt, 3: self.firmware}
        return body if self.previous is None else body | {4: self.previous, 5: self.previous_tail}

    @classmethod
    def decode(cls, value: object) -> "JournalBody":
        """Read the map; raises FormatError."""
        f = Fields(value, "JOURNAL entry")
        if f.uint(1) != FORMAT_VERSION or f.has(4) != f.has(5):
            raise FormatError("The journal has an unknown version, or half a predecessor.")
        body = cls(f.uint(2), f.octets(3, 32), f.optional_octets(4, 16), f.optional_octets(5, 32))
        f.done()
        return body


Body = OpenBody | FragBody | EventBody | CloseBody | JournalBody
