"""Date, time and device burnt into the picture, top left, never over the middle (Home Office CAST 14/14).

The wheel's FFmpeg has no text filter, so a strip drawn with Pillow is laid into the luma plane. It is drawn again only
when its text changes, once a second. The frame is copied first: a decoder may still need its own for later pictures.
"""

from datetime import UTC, datetime
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

BLACK, WHITE = 16, 235  # limited-range luma
MARGIN = 8


class Strip:
    """Draws the strip for one camera. `height` of the picture decides the size of the letters."""

    def __init__(self, device: str, *, height: int, note: str = "") -> None:
        self._device, self._note = device, note
        self._font = ImageFont.load_default(size=max(12, height // 36))
        self._text = ""
        self._pixels: Any = None

    def text(self, utc_ms: int, *, muted: bool) -> str:
        """Return what is written at a time."""
        stamp = datetime.fromtimestamp(utc_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        parts = [stamp, self._device, self._note, "AUDIO MUTED" if muted else ""]
        return "  ".join(part for part in parts if part)

    def burn(self, frame: av.VideoFrame, text: str) -> av.VideoFrame:
        """Return a copy of a yuv420p frame with the text in it."""
        if text != self._text:
            self._text, self._pixels = text, self._draw(text)
        planes = frame.to_ndarray()
        rows, columns = self._pixels.shape
        columns = min(columns, frame.width - MARGIN)
        planes[MARGIN : MARGIN + rows, MARGIN : MARGIN + columns] = self._pixels[:, :columns]
        return av.VideoFrame.from_ndarray(planes, format="yuv420p")

    def _draw(self, text: str) -> Any:
        left, top, right, bottom = self._font.getbbox(text)
        image = Image.new("L", (int(right - left) + 12, int(bottom - top) + 12), BLACK)
        ImageDraw.Draw(image).text((6 - left, 6 - top), text, font=self._font, fill=WHITE)
        return np.asarray(image)
