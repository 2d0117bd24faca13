"""Reading files in pieces, so that nothing is ever held whole."""

import io
from collections.abc import Iterator
from pathlib import Path

PIECE_BYTES = 1024 * 1024
MOST_BYTES = 4 * 1024 * 1024


def pieces(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file; nothing where the file is absent."""
    if not path.is_file():
        return
    with path.open("rb") as stream:
        while piece := stream.read(PIECE_BYTES):
            yield piece


def open_or_empty(path: Path) -> io.BufferedIOBase:
    """Return a file opened for reading; an empty stream where it is absent, so that what it should hold is missed."""
    return path.open("rb") if path.is_file() else io.BytesIO()


def small(path: Path, most_bytes: int = MOST_BYTES) -> bytes | None:
    """Return the whole of a small file, None where it is absent; no more than `most_bytes` and one more."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return stream.read(most_bytes + 1)
