"""The encoders: H.264 and AAC, on all the time, outliving recordings.

Why always on: a press needs what was before it. Sound before a press is silence by construction: the encoder is fed
zeros, the microphone is not open. Each encoder sits in a container that is never written, from which muxers take their
stream as a template; without `start_encoding` a template has no SPS and PPS and nothing could be decoded.
"""

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType

from openbwv.camera.profile import AUDIO_BIT_RATE, SAMPLE_RATE, VIDEO_TIMESCALE, Picture
from openbwv.camera.source import Samples

VIDEO_BASE = Fraction(1, VIDEO_TIMESCALE)
AUDIO_BASE = Fraction(1, SAMPLE_RATE)


class VideoEncoder:
    """libx264, one key frame a second and one wherever asked; no frame is held back."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._container: Any = av.open(io.BytesIO(), "w", format="mp4")
        self.stream: Any = self._container.add_stream("libx264", rate=picture.fps)
        context = self._context = self.stream.codec_context
        context.width, context.height, context.pix_fmt = picture.width, picture.height, "yuv420p"
        context.time_base, context.framerate = VIDEO_BASE, Fraction(picture.fps, 1)
        context.bit_rate, context.gop_size, context.max_b_frames = picture.bit_rate, picture.fps, 0
        context.thread_count = 1  # measured: 720p25 needs about a seventh of one core, more threads only add delay
        context.flags |= av.codec.context.Flags.global_header
        rate_kb, fps = picture.bit_rate // 1000, picture.fps
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "x264-params": f"scenecut=0:keyint={fps}:min-keyint=1:vbv-maxrate={rate_kb}:vbv-bufsize={2 * rate_kb}",
        }
        context.open()
        self._container.start_encoding()

    def encode(self, frame: av.VideoFrame, index: int, *, key: bool) -> list[av.Packet]:
        """Encode picture `index`; `key` makes it one at which a fragment can begin."""
        frame.pts, frame.time_base = index * self._picture.units_per_frame, VIDEO_BASE
        frame.pict_type = PictureType.I if key else PictureType.NONE  # or x264 would copy the source's types
        return list(self._context.encode(frame))


class AudioEncoder:
    """AAC-LC mono at 48 kHz. What it is fed must follow without a hole; `fed` counts samples."""

    def __init__(self) -> None:
        self._container: Any = av.open(io.BytesIO(), "w", format="mp4")
        self.stream: Any = self._container.add_stream("aac", rate=SAMPLE_RATE)
        context = self._context = self.stream.codec_context
        context.sample_rate, context.layout, context.format = SAMPLE_RATE, "mono", "fltp"
        context.bit_rate, context.time_base = AUDIO_BIT_RATE, AUDIO_BASE
        context.flags |= av.codec.context.Flags.global_header
        context.open()
        self._container.start_encoding()
        self.fed = 0

    def encode(self, samples: Samples) -> list[av.Packet]:
        """Encode samples; packets come some 20 to 40 ms later."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, self.fed, AUDIO_BASE
        self.fed += samples.size
        return list(self._context.encode(frame))

    def silence(self, count: int) -> list[av.Packet]:
        """Encode `count` samples of silence."""
        return self.encode(np.zeros(count, np.float32)) if count > 0 else []
