"""What is made from a recording once, after it was stored: presentation times of every picture, and a still.

Pure but for PyAV: bytes in, values out. The results show footage, so they are kept sealed under the derived key.
"""

import io
import json
from collections.abc import Iterable
from typing import Any

import av

from openbwv.recording.errors import BwvError

THUMBNAIL_WIDTH = 320
JPEG_QUALITY = 80
INDEX_VERSION = 1


class CannotIndex(BwvError):
    """Footage that no decoder of ours reads; it is kept and can be verified all the same."""

    code = "cannot-index"


def presentation_times(init: bytes, fragments: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the index as JSON: for each fragment's entry number, the presentation times of its pictures.

    Times are in the video track's timescale. Demuxed, not decoded. Raises CannotIndex.
    """
    pts: dict[str, list[int]] = {}
    for seq, fragment in fragments:
        try:
            with av.open(io.BytesIO(init + fragment), format="mp4") as container:
                stream = container.streams.video[0]
                pts[str(seq)] = sorted(packet.pts for packet in container.demux(stream) if packet.pts is not None)
        except (av.FFmpegError, IndexError, ValueError) as problem:
            raise CannotIndex(
                what=f"Fragment {seq} cannot be demuxed: {problem}.", remedy="Verify the recording; play it elsewhere."
            ) from problem
    return json.dumps({"v": INDEX_VERSION, "pts": pts}, separators=(",", ":")).encode()


def still(init: bytes, fragment: bytes) -> bytes:
    """Return the first picture of a fragment as a JPEG of 320 pixels' width, without metadata; raises CannotIndex."""
    try:
        with av.open(io.BytesIO(init + fragment), format="mp4") as container:
            picture: Any = next(container.decode(video=0)).to_image()
    except (av.FFmpegError, IndexError, ValueError, StopIteration) as problem:
        raise CannotIndex(what=f"No picture can be decoded: {problem}.", remedy="Play it elsewhere.") from problem
    height = max(1, picture.height * THUMBNAIL_WIDTH // max(1, picture.width))
    target = io.BytesIO()
    picture.resize((THUMBNAIL_WIDTH, height)).save(target, "JPEG", quality=JPEG_QUALITY)
    return target.getvalue()
