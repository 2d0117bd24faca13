"""What a camera's own entries must agree on: mute, pre-event buffer, and time without holes.

Rule: (mute) a fragment is flagged exactly when its sound overlaps a signed mute span; the mute event stands before the
first fragment that ends after its instant. (pre-event) flagged fragments come first, only when OPEN announces them,
and are signed no later after capture than OPEN's `pre` allows. (time) every track goes on where it ended, unless a flag
or a drop event says that something was lost. No key is needed.
Source: docs/ref/recording-format.md, "Rules of the timeline".
Does not prove: that muted sound is silent (that needs the key), nor that an officer did not cover the lens.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from openbwv.recording.bodies import EventBody, FragBody, OpenBody, TrackTime
from openbwv.recording.entries import Entry
from openbwv.recording.registry import EventKind, FragFlag, TrackKind

MS = 1_000_000
MUTE_EDGE_NS = 100 * MS  # an AAC frame and its encoder delay do not end where a picture does
VIDEO_GAP_NS = 250 * MS  # sources with a variable frame rate guess the length of a fragment's last picture
AUDIO_GAP_NS = 50 * MS
PRE_SLACK_NS = 10_000 * MS  # sealing a full pre-event buffer takes a slow card some seconds


@dataclass(frozen=True)
class Finding:
    """One disagreement between entries."""

    code: str
    seq: int
    what: str


class Timeline:
    """Takes the entries of one recording in order and yields what does not agree. Memory: the open spans only."""

    def __init__(self, body: OpenBody) -> None:
        self._open = body
        self._tracks = {track.track: track for track in body.tracks}
        self._ends: dict[int, int] = {}
        self._spans: list[tuple[int, int | None]] = []
        self._sound_end_ns: int | None = None
        self._live = False
        self._init_seen = False

    @property
    def muted(self) -> bool:
        """Whether a mute span is open."""
        return bool(self._spans) and self._spans[-1][1] is None

    def add(self, entry: Entry) -> Iterator[Finding]:
        """Take the next entry; yield what it disagrees with."""
        if isinstance(entry.body, EventBody):
            yield from self._event(entry.seq, entry.body)
        elif isinstance(entry.body, FragBody):
            yield from self._fragment(entry, entry.body)

    def _event(self, seq: int, body: EventBody) -> Iterator[Finding]:
        if body.kind == EventKind.DROP:
            self._ends.clear()  # whichever fragment is the next on a track, this event stands before it
        if body.kind not in (EventKind.MUTE_ON, EventKind.MUTE_OFF):
            return
        instant = int(body.public[2])
        turns_on = body.kind == EventKind.MUTE_ON
        if turns_on == self.muted:
            yield Finding("mute-order", seq, "Sound is muted twice, or unmuted without having been muted.")
            return
        if self._sound_end_ns is not None and instant < self._sound_end_ns - MUTE_EDGE_NS:
            yield Finding("mute-flag", seq, "A mute event reaches back over fragments that were signed before it.")
        if turns_on:
            self._spans.append((instant, None))
        else:
            self._spans[-1] = (self._spans[-1][0], instant)

    def _fragment(self, entry: Entry, body: FragBody) -> Iterator[Finding]:
        if body.flags & FragFlag.INIT:
            if self._init_seen:
                yield Finding("init-order", entry.seq, "A second init unit stands in the recording.")
            self._init_seen = True
            return
        if not self._init_seen:
            self._init_seen = True  # say it once
            yield Finding("init-order", entry.seq, "Media stands before the init unit.")
        yield from self._check_pre(entry, body)
        yield from self._check_gaps(entry.seq, body)
        yield from self._check_mute(entry.seq, body)
        self._ends |= {time.track: time.start + time.duration for time in body.times}

    def _ns(self, track: int, units: int) -> int:
        return self._open.capture_ns(self._tracks[track], units)

    def _check_pre(self, entry: Entry, body: FragBody) -> Iterator[Finding]:
        if not body.flags & FragFlag.PRE:
            self._live = True
            return
        if self._live or not self._open.pre_ms:
            yield Finding("pre-buffer", entry.seq, "A fragment is marked as pre-event where none can be.")
            return
        captured_ns = max(self._ns(time.track, time.start + time.duration) for time in body.times)
        if entry.mono_ns - captured_ns > self._open.pre_ms * MS + PRE_SLACK_NS:
            yield Finding("pre-buffer", entry.seq, "A pre-event fragment was signed later than the buffer is long.")

    def _check_gaps(self, seq: int, body: FragBody) -> Iterator[Finding]:
        if body.flags & FragFlag.AFTER_DROP:
            return
        for time in body.times:
            if time.track not in self._ends:
                continue
            ended_ns, starts_ns = self._ns(time.track, self._ends[time.track]), self._ns(time.track, time.start)
            sound = self._tracks[time.track].kind == TrackKind.AUDIO
            if abs(starts_ns - ended_ns) > (AUDIO_GAP_NS if sound else VIDEO_GAP_NS):
                lost_ms = (starts_ns - ended_ns) // MS
                yield Finding(
                    "media-time-gap",
                    seq,
                    f"Track {time.track} jumps by {lost_ms} ms and nothing says that it was lost.",
                )

    def _check_mute(self, seq: int, body: FragBody) -> Iterator[Finding]:
        time = self._heard(body.times)
        start_ns, end_ns = self._ns(time.track, time.start), self._ns(time.track, time.start + time.duration)
        self._spans = [span for span in self._spans if span[1] is None or span[1] > start_ns - MUTE_EDGE_NS]
        overlap_ns = sum(
            max(0, min(end_ns, end_ns if off is None else off) - max(start_ns, on)) for on, off in self._spans
        )
        near = any(on < end_ns + MUTE_EDGE_NS for on, _ in self._spans)
        self._sound_end_ns = end_ns
        if body.flags & FragFlag.MUTED and not near:
            yield Finding("mute-flag", seq, "A fragment is marked as muted, but no mute event covers it.")
        if not body.flags & FragFlag.MUTED and overlap_ns > MUTE_EDGE_NS:
            yield Finding("mute-flag", seq, "A fragment lies in a mute span and is not marked as muted.")

    def _heard(self, times: tuple[TrackTime, ...]) -> TrackTime:
        for time in times:
            if self._tracks[time.track].kind == TrackKind.AUDIO:
                return time
        return times[0]
