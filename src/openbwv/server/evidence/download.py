"""A bundle as one download: written to memory-backed storage where the machine has it, streamed, removed.

The bundle holds the video in the clear, so it stands on no disk longer than the download takes: the folder is made for
one answer and removed when that ends, however it ends. What a crash leaves is in the folder of the name below, which
the machine empties at a restart.
"""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from django.http import HttpRequest, StreamingHttpResponse

from openbwv.server.evidence.models import Recording
from openbwv.server.people.models import Person
from openbwv.server.sharing.actions import export_recording
from openbwv.server.streaming import body_for
from openbwv.shared.clock import Clock

CHUNK_BYTES = 1 << 20
MEMORY = Path("/dev/shm")  # noqa: S108  (named only to be used through tempfile)
PREFIX = "bwv-download-"


def download(
    request: HttpRequest, *, recording: Recording, actor: Person, reason: str, clock: Clock
) -> StreamingHttpResponse:
    """Return the bundle of `recording` as a ZIP. Raises what `export_recording` raises, before the first byte."""
    place = Path(tempfile.mkdtemp(prefix=PREFIX, dir=MEMORY if MEMORY.is_dir() else None))
    try:
        folder = export_recording(
            recording=recording, to=place / recording.reference, actor=actor, reason=reason, clock=clock
        )
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    chunks = _zipped(place, folder)
    answer = StreamingHttpResponse(
        body_for(request, chunks), content_type="application/zip", headers={"Cache-Control": "no-store"}
    )
    answer["Content-Disposition"] = f'attachment; filename="{recording.reference}.zip"'
    return answer


class _Pipe:
    """What ZipFile writes into: it cannot seek, so ZipFile writes each file's sizes after it."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def write(self, data: bytes) -> int:
        """Take bytes."""
        self.waiting += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: `take` empties the pipe."""

    def take(self) -> bytes:
        """Return what was written since the last call."""
        data = bytes(self.waiting)
        self.waiting.clear()
        return data


def _zipped(place: Path, folder: Path) -> Iterator[bytes]:
    pipe = _Pipe()
    try:
        with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[type-var]
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                info = zipfile.ZipInfo.from_file(file, str(file.relative_to(place)))
                with file.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                    while chunk := source.read(CHUNK_BYTES):
                        target.write(chunk)
                        yield pipe.take()
        yield pipe.take()
    finally:
        shutil.rmtree(place, ignore_errors=True)
