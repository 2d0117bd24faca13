"""A microphone on ALSA: 48 kHz mono, taken in the pieces that pictures ask for.

The sound card has its own clock. What it gives too much is dropped once a quarter of a second waits, oldest first; what
it gives too little is silence. A microphone that goes away is silence until it is back. Not tried on a real sound card.
"""

import logging
import os
import threading
from collections import deque
from typing import Any

import av
import numpy as np
from av.audio.resampler import AudioResampler

from openbwv.camera.errors import SourceMissing
from openbwv.camera.profile import SAMPLE_RATE
from openbwv.camera.source import Samples

log = logging.getLogger("openbwv.camera")

OFF = "off"
DEFAULT = "default"
ALSA_FOLDER = "/usr/share/alsa"  # the one compiled into PyAV's ALSA exists on the machine that built it alone
LONGEST_WAITING = SAMPLE_RATE // 4
RETRY_S = 1.0


class Microphone:
    """One ALSA PCM, read by a thread of its own."""

    def __init__(self, pcm: str = DEFAULT) -> None:
        self._pcm = pcm
        self._pieces: deque[Samples] = deque()
        self._waiting = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._container = self._open()
        self._thread = threading.Thread(target=self._read, name="camera-sound", daemon=True)
        self._thread.start()

    def take(self, count: int) -> Samples:
        """Return the next `count` samples; zeros stand in for what has not come."""
        taken: Samples = np.zeros(count, np.float32)
        filled = 0
        with self._lock:
            while self._pieces and filled < count:
                piece = self._pieces.popleft()
                used = min(piece.size, count - filled)
                taken[filled : filled + used] = piece[:used]
                if used < piece.size:
                    self._pieces.appendleft(piece[used:])
                filled += used
            self._waiting -= filled
        return taken

    def close(self) -> None:
        """Give the sound card back."""
        self._over.set()
        self._thread.join(timeout=2 * RETRY_S)
        self._container.close()

    def _open(self) -> Any:
        os.environ.setdefault("ALSA_CONFIG_DIR", ALSA_FOLDER)
        os.environ.setdefault("ALSA_CONFIG_PATH", f"{ALSA_FOLDER}/alsa.conf")
        options = {"channels": "1", "sample_rate": str(SAMPLE_RATE)}
        try:
            return av.open(self._pcm, format="alsa", options=options)
        except (av.FFmpegError, OSError, ValueError) as problem:
            raise SourceMissing(
                what=f"The microphone '{self._pcm}' cannot be opened: {getattr(problem, 'strerror', '') or problem}.",
                remedy="Check that it is plugged in and that you may use it (group audio), or use --sound off.",
            ) from problem

    def _read(self) -> None:
        resampler = AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE)
        while not self._over.is_set():
            try:
                for frame in self._container.decode(audio=0):
                    for piece in resampler.resample(frame):
                        self._put(piece.to_ndarray()[0])
                    if self._over.is_set():
                        return
            except (av.FFmpegError, OSError) as problem:
                log.warning("the microphone is silent: %s", problem)
            self._over.wait(RETRY_S)
            if not self._over.is_set():
                try:
                    self._container.close()
                    self._container = self._open()
                except SourceMissing:
                    continue  # still unplugged; tried again in a second

    def _put(self, samples: Samples) -> None:
        with self._lock:
            self._pieces.append(samples)
            self._waiting += samples.size
            while self._waiting > LONGEST_WAITING:
                self._waiting -= self._pieces.popleft().size


def open_microphone(sound: str | None) -> Microphone | None:
    """Return the microphone called `sound`, None for "off"; raises SourceMissing.

    Where nobody named one (None), the default one is used if there is one: better a recording without sound than none.
    """
    if sound == OFF:
        return None
    try:
        return Microphone(sound or DEFAULT)
    except SourceMissing as problem:
        if sound is not None:
            raise
        log.warning("%s Recording goes on without sound.", problem.what)
        return None
