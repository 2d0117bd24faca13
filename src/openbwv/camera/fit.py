"""Fitting any picture into the profile's: scale, keep the shape, pad with black; never a crop."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import av.filter

from openbwv.camera.profile import Picture


class Fitter:
    """Turns frames of any size and pixel format into yuv420p of the profile's size."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._shape: tuple[int, int, str] | None = None
        self._graph: Any = None
        self._change = ""

    def fit(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame in the profile's size; may be the same object."""
        shape = (frame.width, frame.height, frame.format.name)
        if shape != self._shape:
            if self._shape is not None:
                self._change = f"{shape[0]}x{shape[1]} {shape[2]}"
            self._shape = shape
            self._graph = None if shape == (self._picture.width, self._picture.height, "yuv420p") else self._make(frame)
        if self._graph is None:
            return frame
        self._graph.push(frame)
        return self._graph.pull()

    def changed(self) -> str:
        """Return the new geometry once after it has changed in mid-stream, else an empty text."""
        change, self._change = self._change, ""
        return change

    def _make(self, frame: av.VideoFrame) -> Any:
        p = self._picture
        graph = av.filter.Graph()
        size = f"{p.width}:{p.height}"
        chain = [
            graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1_000_000)
            ),
            graph.add("scale", f"{size}:force_original_aspect_ratio=decrease:force_divisible_by=2"),
            graph.add("pad", f"{size}:(ow-iw)/2:(oh-ih)/2"),
            graph.add("format", "yuv420p"),
            graph.add("buffersink"),
        ]
        for one, other in pairwise(chain):
            one.link_to(other)
        graph.configure()
        return graph
