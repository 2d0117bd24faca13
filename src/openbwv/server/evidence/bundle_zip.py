"""A bundle as one stream of bytes: a ZIP that is written as it is read, and never as a file.

The bundle holds the video in the clear. Its folder is made where the machine keeps files in memory, if it has such a
place, stands there while it is read, and is removed however that ends. What a cut job left is removed by the next try.
"""

import contextlib
import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

CHUNK_BYTES = 1 << 20
MEMORY = Path("/dev/shm")  # noqa: S108  (named only to be used through tempfile)
PREFIX = "bwv-download-"


@contextlib.contextmanager
def place_for(number: int) -> Iterator[Path]:
    """Yield an empty folder for the bundle of one download; an earlier one of the same download is removed first."""
    force = hashlib.sha256(str(settings.STATE).encode()).hexdigest()[:12]
    prefix, parent = f"{PREFIX}{force}-{number}-", MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())
    for left in parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    place = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


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


def zipped(folder: Path) -> Iterator[bytes]:
    """Yield a ZIP of `folder`, whose name its members begin with."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[type-var]
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            info = zipfile.ZipInfo.from_file(file, str(file.relative_to(folder.parent)))
            with file.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK_BYTES):
                    target.write(chunk)
                    yield pipe.take()
    yield pipe.take()
