"""A copy that any player opens: the camera's own packets, put behind one index at the front of the file.

No picture or sound is encoded anew. The camera's file is fragmented, and some players take minutes to open those.
"""

from pathlib import Path

import av
from av.error import FFmpegError

from openbwv.server.sharing.errors import NoViewCopy

INDEX_FIRST = {"movflags": "+faststart"}


def make_view_copy(master: Path, target: Path) -> None:
    """Write `target`, a faststart MP4 with the same packets as the fragmented `master`; raises NoViewCopy."""
    try:
        with av.open(str(master)) as source, av.open(str(target), "w", format="mp4", options=INDEX_FIRST) as copy:
            streams = {stream.index: copy.add_stream_from_template(stream) for stream in source.streams}
            for packet in source.demux():
                if packet.dts is None:  # the empty packet that ends each stream
                    continue
                packet.stream = streams[packet.stream.index]
                copy.mux(packet)
    except (FFmpegError, ValueError) as problem:
        target.unlink(missing_ok=True)
        raise NoViewCopy(
            what=f"No copy for ordinary players could be made: {problem}.",
            remedy="The recording itself is exported as it is; `ffmpeg -i master.mp4 -c copy view.mp4` may tell more.",
        ) from problem
