"""A camera on Video4Linux2.

Pictures are read by a thread of its own; a tick takes the newest. No picture for two seconds: the device is opened
again, and the recording says that pictures were lost. Sound comes from a microphone on ALSA. Not tried on real
hardware; without a device it fails cleanly.
"""

import threading
import time
from collections.abc import Iterator
from typing import Any

import av
import numpy as np

from openbwv.camera.errors import SourceMissing
from openbwv.camera.fit import Fitter
from openbwv.camera.microphone import open_microphone
from openbwv.camera.profile import Picture
from openbwv.camera.source import Samples, Tick

SILENT_S = 2.0
RETRY_S = 1.0


class Device:
    """A V4L2 device as a live source; its ticks come at the profile's rate, whatever the device does."""

    live = True

    def __init__(self, path: str, picture: Picture, *, sound: str | None = None) -> None:
        self._path, self._picture = path, picture
        self._newest: av.VideoFrame | None = None
        self._seen_s = time.monotonic()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._container = self._open()
        try:
            self._microphone = open_microphone(sound)
        except SourceMissing:
            self._container.close()
            raise
        self._thread = threading.Thread(target=self._read, name="camera-v4l2", daemon=True)
        self._thread.start()

    def ticks(self) -> Iterator[Tick]:
        """Yield a tick each time one is due, until `close`."""
        picture, fitter = self._picture, Fitter(self._picture)
        silence: Samples = np.zeros(picture.samples_per_frame, np.float32)
        start_s, index = time.monotonic(), 0
        while not self._over.is_set():
            wait_s = start_s + (index + 1) / picture.fps - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            with self._lock:
                fresh = time.monotonic() - self._seen_s < SILENT_S
                frame = self._newest if fresh else None
            fitted = None if frame is None else fitter.fit(frame)
            sound = self._microphone.take(silence.size) if self._microphone else silence
            yield Tick(index, fitted, sound, fitter.changed())
            index += 1

    def close(self) -> None:
        """Give the device and the microphone back."""
        self._over.set()
        if self._microphone is not None:
            self._microphone.close()
        self._thread.join(timeout=SILENT_S)
        self._container.close()

    def _open(self) -> Any:
        size = f"{self._picture.width}x{self._picture.height}"
        try:
            return av.open(self._path, format="v4l2", options={"framerate": str(self._picture.fps), "video_size": size})
        except (av.FFmpegError, OSError) as problem:
            raise SourceMissing(
                what=f"The camera device {self._path} cannot be opened: {problem.strerror or problem}.",
                remedy="Check that it is plugged in and that you may use it (group video), or name another source.",
            ) from problem

    def _read(self) -> None:
        while not self._over.is_set():
            try:
                for frame in self._container.decode(video=0):
                    with self._lock:
                        self._newest, self._seen_s = frame, time.monotonic()
                    if self._over.is_set():
                        return
            except (av.FFmpegError, OSError):
                with self._lock:
                    self._newest = None  # the ticks say that nothing was seen until it is back
            self._over.wait(RETRY_S)
            if not self._over.is_set():
                try:
                    self._container = self._open()
                except SourceMissing:
                    continue  # still unplugged; tried again in a second
