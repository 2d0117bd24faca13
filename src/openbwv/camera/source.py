"""Where picture and sound come from, cut into ticks: one picture and its share of sound at a constant rate.

Whatever the source does (variable frame rate, no sound, another size, odd sizes, a size that changes), the recording's
timeline stays exact: tick n lies at n / fps, its picture is the newest one due by then, scaled and padded; missing
sound is silence. The pattern and files are read in two passes, one for picture and one for sound, so nothing piles up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from av.audio.resampler import AudioResampler

from openbwv.camera.errors import SourceMissing
from openbwv.camera.fit import Fitter
from openbwv.camera.profile import SAMPLE_RATE, Picture

Samples = np.ndarray[Any, np.dtype[np.float32]]
PATTERN = "testsrc2"


@dataclass
class Tick:
    """Picture `index` and its sound. `frame` is None where the source gave nothing; `change` names a new geometry."""

    index: int
    frame: av.VideoFrame | None
    sound: Samples
    change: str = ""


class Source(Protocol):
    """A source of ticks. `live` sources pace themselves."""

    live: bool

    def ticks(self) -> Iterator[Tick]:
        """Yield ticks without end, or until the source ends."""
        ...

    def close(self) -> None:
        """Give the device or file back."""
        ...


class Media:
    """The test pattern, or a media file, as a source. `loop` begins a file again at its end."""

    live = False

    def __init__(self, name: str, picture: Picture, *, loop: bool = False) -> None:
        self.name, self._picture, self._loop = name, picture, loop
        self._containers: list[Any] = []
        self._open_pair()  # say now that it cannot be opened, not at the first tick

    def ticks(self) -> Iterator[Tick]:
        """Yield the source's ticks; raises SourceMissing when a file turns out to hold no picture."""
        index = 0
        while True:
            before = index
            for tick in self._once(index):
                index = tick.index + 1
                yield tick
            if not self._loop or index == before:
                return
            self._open_pair()

    def close(self) -> None:
        """Close the file."""
        for container in self._containers:
            container.close()
        self._containers = []

    def _once(self, first: int) -> Iterator[Tick]:
        picture = self._picture
        fitter = Fitter(picture)
        frames = _Newest(self._containers[0])
        sound = _Sound(self._containers[1])
        offset = 0
        while (frame := frames.at((offset + 0.5) / picture.fps)) is not None:
            fitted = fitter.fit(frame)
            yield Tick(first + offset, fitted, sound.take(picture.samples_per_frame), fitter.changed())
            offset += 1
        self.close()

    def _open_pair(self) -> None:
        self.close()
        if self.name == PATTERN:
            p = self._picture
            self._containers = [
                av.open(f"testsrc2=size={p.width}x{p.height}:rate={p.fps},format=yuv420p", format="lavfi"),
                av.open(f"sine=frequency=440:beep_factor=4:sample_rate={SAMPLE_RATE}", format="lavfi"),
            ]
            return
        path = Path(self.name)
        try:
            first = av.open(str(path))
            self._containers = [first]
            if not first.streams.video:
                raise SourceMissing(what=f"{path} holds no picture.", remedy="Name a file with a video track.")
            self._containers.append(av.open(str(path)))
        except (av.FFmpegError, OSError) as problem:
            raise SourceMissing(
                what=f"The source {path} cannot be opened: {problem.strerror or problem}.",
                remedy="Name a media file, a device such as /dev/video0, or testsrc2 for the test pattern.",
            ) from problem


class _Newest:
    """The newest picture due at a time; holds one ahead. Pictures without a time follow at the stream's rate."""

    def __init__(self, container: Any) -> None:
        self._frames = _decoded(container, "video")
        self._step_s = 1 / float(container.streams.video[0].average_rate or 25)
        self._zero_s: float | None = None
        self._current: av.VideoFrame | None = None
        self._current_s = 0.0
        self._next_s = -self._step_s
        self._next = self._read()

    def at(self, time_s: float) -> av.VideoFrame | None:
        """Return the newest picture shown before `time_s`; None behind the end."""
        while self._next is not None and self._next_s < time_s:
            self._current, self._current_s = self._next, self._next_s
            self._next = self._read()
        if self._next is None and self._current is not None:
            known = self._current.duration and self._current.time_base
            shown_s = float(self._current.duration * self._current.time_base) if known else self._step_s
            if time_s >= self._current_s + shown_s:
                return None
        return self._current or self._next  # before the first picture: the first

    def _read(self) -> av.VideoFrame | None:
        frame = next(self._frames, None)
        if frame is None:
            return None
        if frame.pts is not None and frame.time is not None:
            self._zero_s = frame.time if self._zero_s is None else self._zero_s
            due_s = frame.time - self._zero_s
            self._next_s = due_s if due_s > self._next_s else self._next_s + self._step_s
        else:
            self._next_s += self._step_s
        return frame


class _Sound:
    """Sound as 48 kHz mono floats, placed by its own time; silence where there is none."""

    def __init__(self, container: Any) -> None:
        self._resampler = AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE)
        self._frames = _decoded(container, "audio") if container.streams.audio else iter(())
        video = container.streams.video
        start = video[0].start_time * video[0].time_base if video and video[0].start_time is not None else 0
        self._zero_s = float(start)
        self._waiting: Samples = np.zeros(0, np.float32)
        self._read = 0

    def take(self, count: int) -> Samples:
        """Return the next `count` samples."""
        while self._waiting.size < count:
            frame = next(self._frames, None)
            if frame is None:
                missing = count - self._waiting.size
                self._put(np.zeros(missing, np.float32))
                break
            for piece in self._resampler.resample(frame):
                self._place(piece)
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _place(self, piece: av.AudioFrame) -> None:
        samples = piece.to_ndarray()[0].astype(np.float32, copy=False)
        if piece.time is not None:
            due = round((piece.time - self._zero_s) * SAMPLE_RATE)
            if due > self._read + SAMPLE_RATE // 50:  # a hole of more than 20 ms is a hole; less is rounding
                self._put(np.zeros(due - self._read, np.float32))
            elif due < 0 and self._read == 0:
                samples = samples[-due:]  # sound that begins before the picture
        self._put(samples)

    def _put(self, samples: Samples) -> None:
        self._waiting = np.concatenate([self._waiting, samples])
        self._read += samples.size


def _decoded(container: Any, kind: str) -> Iterator[Any]:
    try:
        yield from container.decode(**{kind: 0})
    except av.FFmpegError:
        return  # a file cut short ends where it is cut; the recording closes there and says that the source ended
