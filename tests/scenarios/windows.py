"""Search for footage in the clear: 64-byte windows of decrypted fragments, in every file below some folders."""

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

WINDOW = 64  # bytes
WINDOWS = 400
LEAST_VALUES = 16  # a window of fewer different bytes, such as a run of zeros, may stand in any file


def windows_of(plain: Iterable[bytes], count: int = WINDOWS) -> list[bytes]:
    """Return up to `count` windows of 64 bytes from anywhere in `plain`, without those that say nothing."""
    data = b"".join(plain)
    starts = {secrets.randbelow(len(data) - WINDOW) for _ in range(count)}
    found = [data[start : start + WINDOW] for start in starts]
    return [window for window in found if len(set(window)) > LEAST_VALUES]


def windows_of_each(recordings: Iterable[Iterable[bytes]], count: int) -> list[bytes]:
    """Return up to `count` windows of every one of some recordings."""
    return [window for plain in recordings for window in windows_of(plain, count)]


def files_holding(windows: list[bytes], *folders: Path) -> list[str]:
    """Return, sorted, the paths below `folders` (from there on) of the files that hold one of `windows`."""
    assert windows, "nothing to search for"
    found = []
    for folder in folders:
        assert folder.is_dir(), folder
        for path in files_below(folder):
            with contextlib.suppress(FileNotFoundError):  # the processes live: a file that is gone holds nothing
                if path.is_file() and holds(path.read_bytes(), windows):
                    found.append(path.relative_to(folder).as_posix())
    return sorted(found)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all that lies below `folder`, hidden or not; a folder that goes while it is walked has nothing in it."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def holds(data: bytes, windows: list[bytes]) -> bool:
    """Say whether one of `windows` stands in `data`."""
    return any(window in data for window in windows)
