"""One file's muxer: packets in, units out; knows which unit is from before the press and which is muted.

Rule: a unit begins at a key frame, and a key frame is forced at press, mute, unmute, marker, split and stop, so units
meet those instants. Both tracks begin with the file and end together: silence, never a missing track, or every tool
that works on the sound alone would be off by the length of the pre-event buffer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import av

from openbwv import recording as r
from openbwv.camera.encode import AUDIO_BASE, VIDEO_BASE
from openbwv.camera.profile import SAMPLE_RATE, VIDEO_TIMESCALE
from openbwv.camera.ring import AAC_FRAME, LEAD_SAMPLES

MUXER_OPTIONS = {
    # delay_moov writes the edit list that lines sound and picture up; without it the first group is 21 ms too long
    "movflags": "+frag_keyframe+empty_moov+default_base_moof+delay_moov+skip_trailer",
    "video_track_timescale": str(VIDEO_TIMESCALE),
}
VIDEO_TRACK, AUDIO_TRACK = 1, 2
MUTED_LEAST = 2 * AAC_FRAME  # less overlap than this is the edge of an AAC frame, not muted sound
TRACKS = (
    r.Track(VIDEO_TRACK, r.TrackKind.VIDEO, r.Container.FMP4, r.Codec.H264, VIDEO_TIMESCALE),
    r.Track(AUDIO_TRACK, r.TrackKind.AUDIO, r.Container.FMP4, r.Codec.AAC, SAMPLE_RATE),
)


@dataclass(frozen=True)
class Piece:
    """A unit ready to be sealed. `start` and `end` are video time since the file began, in track units."""

    data: bytes
    times: tuple[r.TrackTime, ...]
    flags: r.FragFlag
    start: int = 0
    end: int = 0


@dataclass
class MuteSpan:
    """Muted sound, in samples since the file began; `end` is None while it lasts."""

    start: int
    end: int | None = None


@dataclass
class Marks:
    """Where in the file things happened: the press in video units, mute spans, units after lost pictures."""

    press: int = 0
    mutes: list[MuteSpan] = field(default_factory=list)
    drop_at: int | None = None


class Recorder:
    """Muxes one file that begins at video time `zero` (a key frame) of the running encoders."""

    def __init__(self, video_template: Any, audio_template: Any, *, zero: int) -> None:
        self.zero = zero
        self.zero_sample = zero * SAMPLE_RATE // VIDEO_TIMESCALE
        self.marks = Marks()
        self._end: int | None = None
        self._end_sample = 0
        self._cutter = r.BoxCutter()
        self._units: list[r.Unit] = []
        self._tracks: list[r.TrackInfo] = []
        self._sound_done = False
        self._lead_samples: int | None = None  # the edit list skips them; decode times count them
        self._output: Any = av.open(self, "w", format="mp4", options=MUXER_OPTIONS)
        self._video = self._output.add_stream_from_template(video_template, opaque=True)
        self._audio = self._output.add_stream_from_template(audio_template, opaque=True)
        self._video.time_base, self._audio.time_base = VIDEO_BASE, AUDIO_BASE

    def write(self, data: bytes) -> int:
        """Take what the muxer writes: it writes in pieces that have nothing to do with boxes."""
        self._units += self._cutter.write(bytes(data))
        return len(data)

    def end_at(self, pts: int) -> None:
        """Fix the end: pictures and sound from encoder time `pts` on do not belong to this file."""
        self._end = pts
        self._end_sample = pts * SAMPLE_RATE // VIDEO_TIMESCALE

    @property
    def complete(self) -> bool:
        """Whether the sound has reached the end that was fixed."""
        return self._end is not None and self._sound_done

    def video(self, packet: Any) -> None:
        """Take a video packet of the encoder; those outside the file are passed over."""
        if packet.pts < self.zero or (self._end is not None and packet.pts >= self._end):
            return
        self._mux(packet, self._video, packet.pts - self.zero, packet.duration)

    def audio(self, packet: Any) -> None:
        """Take an audio packet; up to two from before the file are kept: its first sample must decode exactly."""
        start, length = packet.pts, packet.duration or AAC_FRAME
        if self._end is not None and start + length >= self._end_sample:
            self._sound_done = True
            length = self._end_sample - start
        if start + AAC_FRAME <= self.zero_sample - LEAD_SAMPLES or length <= 0:
            return
        if self._lead_samples is None:
            self._lead_samples = max(0, self.zero_sample - start)
        self._mux(packet, self._audio, start - self.zero_sample, length)

    def _mux(self, packet: Any, stream: Any, pts: int, duration: int) -> None:
        copy = av.Packet(bytes(packet))  # muxing changes a packet, and the ring may need it again
        copy.pts = copy.dts = pts
        copy.duration, copy.is_keyframe = duration, packet.is_keyframe
        copy.time_base, copy.stream = stream.time_base, stream
        self._output.mux(copy)

    def close(self) -> None:
        """Finish the file; the last unit comes out."""
        self._output.close()

    def pieces(self) -> Iterator[Piece]:
        """Yield the units that have become whole, with their flags."""
        units, self._units = self._units, []
        for unit in units:
            yield self._piece(unit)

    def _piece(self, unit: r.Unit) -> Piece:
        if unit.init:
            self._tracks = list(r.track_info(unit.data))
            return Piece(unit.data, (), r.FragFlag.INIT)
        times = tuple(r.fragment_times(unit.data, self._tracks))
        spans = {time.track: (time.start, time.start + time.duration) for time in times}
        start, end = spans.get(VIDEO_TRACK, (0, 0))
        flags = r.FragFlag(0)
        if end <= self.marks.press:
            flags |= r.FragFlag.PRE
        if AUDIO_TRACK in spans and self._is_muted(*spans[AUDIO_TRACK]):
            flags |= r.FragFlag.MUTED
        if self.marks.drop_at is not None and start <= self.marks.drop_at < end:
            flags |= r.FragFlag.AFTER_DROP
            self.marks.drop_at = None
        return Piece(unit.data, times, flags, start, end)

    def _is_muted(self, start: int, end: int) -> bool:
        lead = self._lead_samples or 0
        start, end = start - lead, end - lead
        overlap = sum(
            max(0, min(end, end if span.end is None else span.end) - max(start, span.start))
            for span in self.marks.mutes
        )
        return overlap > MUTED_LEAST
