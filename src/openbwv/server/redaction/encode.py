"""The release copy: every picture and sound decoded, changed by the plan, and encoded anew.

No packet of the recording is copied, so nothing that was covered can be dug out again; container, streams and tags are
new as well. Sound is zeroed from a little before a span to a little after it, because one AAC window spreads over 2048
samples: inside the span the decoded samples are then exact zeros. The index stands in front (`moov_size` reserves its
place), so a browser starts at once. Plaintext is in memory only; what the disk sees is `scratch`'s ciphertext.
"""

import contextlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from openbwv.recording.errors import BwvError
from openbwv.server.redaction.plan import Plan, Span
from openbwv.server.redaction.scratch import Scratch

SPREAD_SAMPLES = 2048
BLACK_Y, NO_COLOUR = 16, 128
SOUND_RATE = 48_000
SAMPLE_BYTES_IN_INDEX = 40  # generous: sizes, times, offsets, key frames of one sample
INDEX_BASE_BYTES = 1 << 16
MOST_FPS = 60
X264 = {"preset": "veryfast", "crf": "23"}


class NoReleaseCopy(BwvError):
    """The recording cannot be decoded as far as the plan needs it."""

    code = "no-release-copy"
    http_status = 422


class _Chunks:
    """What PyAV reads a recording from: a file object without seeks over an iterator of bytes."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b""

    def read(self, size: int) -> bytes:
        while not self._left:
            self._left = next(self._pieces, b"")
            if not self._left:
                return b""
        piece, self._left = self._left[:size], self._left[size:]
        return piece


@contextlib.contextmanager
def release_copy(fragments: Iterable[bytes], plan: Plan) -> Iterator[Iterator[bytes]]:
    """Encode the copy that `plan` describes and yield its bytes in pieces; raises NoReleaseCopy.

    `fragments` are the recording's units in the clear, the init unit first, in order; they are read once.
    """
    with Scratch() as scratch:
        try:
            with av.open(_Chunks(fragments), format="mp4") as source:
                _Encoder(source, scratch, plan).run()
        except (FFmpegError, ValueError) as problem:
            raise NoReleaseCopy(
                what=f"The recording cannot be encoded anew: {problem}.",
                remedy="Run `./bwv check`; if the recording is whole, report this with its length and codec.",
            ) from problem
        yield scratch.chunks()


class _Encoder:
    """One run from the recording's streams to the copy's."""

    def __init__(self, source: Any, scratch: Scratch, plan: Plan) -> None:
        self._source, self._plan = source, plan
        self._picture_in = source.streams.video[0]
        self._sound_in = source.streams.audio[0] if source.streams.audio and not plan.drop_sound else None
        seconds = (plan.to_ms - plan.from_ms) / 1000 + 1
        samples = seconds * (MOST_FPS + SOUND_RATE / 1024)
        options = {
            "moov_size": str(int(samples * SAMPLE_BYTES_IN_INDEX) + INDEX_BASE_BYTES),
            "fflags": "+bitexact",  # no tag that names the program
        }
        self._copy = av.open(scratch, "w", format="mp4", options=options)
        self._picture = self._add_picture()
        self._sound = self._copy.add_stream("aac", rate=SOUND_RATE, layout="mono") if self._sound_in else None
        self._resampler = av.AudioResampler(format="fltp", layout="mono", rate=SOUND_RATE)
        self._origin: dict[str, float] = {}
        self._pictures = 0

    def run(self) -> None:
        streams = [stream for stream in (self._picture_in, self._sound_in) if stream is not None]
        zero = self._plan.from_ms / 1000
        for frame in self._frames(streams):
            if isinstance(frame, av.VideoFrame):
                self._put_picture(frame, zero)
            else:
                for piece in self._resampler.resample(frame):
                    self._put_sound(piece, zero)
        if not self._pictures:
            raise ValueError("no picture lies between its start and its end")
        for stream in filter(None, (self._picture, self._sound)):
            self._copy.mux(stream.encode(None))
        self._copy.close()

    def _frames(self, streams: list[Any]) -> Iterator[Any]:
        """Yield decoded frames until both streams are past the end of the cut."""
        running = {stream.index for stream in streams}
        for packet in self._source.demux(streams):
            if packet.stream.index not in running:
                continue
            for frame in packet.decode():
                if frame.time is not None and frame.time * 1000 >= self._plan.to_ms:
                    running.discard(packet.stream.index)
                else:
                    yield frame
            if not running:
                return

    def _put_picture(self, frame: Any, zero: float) -> None:
        at_ms = frame.time * 1000
        if not self._plan.cut.holds(at_ms):
            return
        frame = frame.reformat(format="yuv420p")
        if any(span.holds(at_ms) for span in self._plan.fill):
            _blacken(frame)
        frame.pict_type = av.video.frame.PictureType.NONE
        frame.pts = round((at_ms / 1000 - zero) / self._picture.codec_context.time_base)
        frame.time_base = self._picture.codec_context.time_base
        self._copy.mux(self._picture.encode(frame))
        self._pictures += 1

    def _put_sound(self, frame: Any, zero: float) -> None:
        start = round(float(frame.pts * frame.time_base) * SOUND_RATE)
        samples = frame.to_ndarray()[0]
        first, last = (round(ms * SOUND_RATE / 1000) for ms in (self._plan.from_ms, self._plan.to_ms))
        low, high = max(first - start, 0), min(last - start, len(samples))
        if low >= high:
            return
        for span in self._plan.silence:
            _zero(samples, start, span)
        cut = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, low:high]), format="fltp", layout="mono")
        cut.sample_rate, cut.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
        cut.pts = start + low - round(zero * SOUND_RATE)
        self._copy.mux(self._sound.encode(cut))

    def _add_picture(self) -> Any:
        source = self._picture_in
        made = self._copy.add_stream("libx264", rate=source.average_rate or 25, options=X264)
        made.width, made.height = source.width - source.width % 2, source.height - source.height % 2
        made.pix_fmt = "yuv420p"
        made.codec_context.time_base = Fraction(1, 90_000)
        return made


def _blacken(frame: Any) -> None:
    """Cover the whole picture with one colour; the pixels below are gone."""
    for plane, value in zip(frame.planes, (BLACK_Y, NO_COLOUR, NO_COLOUR), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)


def _zero(samples: np.ndarray, start: int, span: Span) -> None:
    low = round(span.from_ms * SOUND_RATE / 1000) - SPREAD_SAMPLES - start
    high = round(span.to_ms * SOUND_RATE / 1000) + SPREAD_SAMPLES - start
    samples[max(low, 0) : max(high, 0)] = 0.0
