"""The pre-event buffer: encoded packets of the last seconds, in memory only.

Rule: it always begins with a key frame; whole groups of pictures leave it at the old end while what remains is still
long enough. While a recording runs it keeps the newest group alone, from which the next file of a split begins.
"""

from collections import deque
from typing import Any

from openbwv.camera.encode import VIDEO_BASE
from openbwv.camera.profile import SAMPLE_RATE, VIDEO_TIMESCALE

AAC_FRAME = 1024
LEAD_SAMPLES = AAC_FRAME  # one whole packet before the first sample that is heard, or its overlap is missing


class Ring:
    """Packets of both tracks, oldest first. `keep_s` may be changed at any time."""

    def __init__(self, keep_s: float) -> None:
        self.keep_s = keep_s
        self.video: deque[Any] = deque()
        self.audio: deque[Any] = deque()
        self._keys: deque[int] = deque()

    @property
    def length_s(self) -> float:
        """How long the pictures in it are, first to last, in seconds."""
        return float((self.video[-1].pts - self.video[0].pts) * VIDEO_BASE) if self.video else 0.0

    @property
    def size_bytes(self) -> int:
        """How much memory the packets take."""
        return sum(packet.size for packet in (*self.video, *self.audio))

    def add_video(self, packet: Any) -> None:
        """Take a video packet and let go of what is no longer needed."""
        if packet.is_keyframe:
            self._keys.append(packet.pts)
        if not self._keys:
            return  # nothing can be decoded before the first key frame
        self.video.append(packet)
        keep = self.keep_s * VIDEO_TIMESCALE
        while len(self._keys) > 1 and packet.pts - self._keys[1] >= keep:
            self.drop_before(self._keys[1])

    def add_audio(self, packet: Any) -> None:
        """Take an audio packet."""
        self.audio.append(packet)

    def drop_before(self, pts: int) -> None:
        """Forget all before the key frame at video time `pts`."""
        while self.video and self.video[0].pts < pts:
            self.video.popleft()
        while self._keys and self._keys[0] < pts:
            self._keys.popleft()
        first_sample = pts * SAMPLE_RATE // VIDEO_TIMESCALE - LEAD_SAMPLES
        while self.audio and self.audio[0].pts + AAC_FRAME <= first_sample:
            self.audio.popleft()
