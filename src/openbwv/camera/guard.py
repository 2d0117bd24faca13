"""Whether there is room: to start, to go on.

Rule: a start needs max(1 GiB, 15 minutes) free; warn below 30 minutes, critical below 5; full is a clean stop. Nothing
is overwritten to make room.
"""

import shutil
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

START_LEAST_BYTES = 1 << 30
START_LEAST_S = 15 * 60
WARN_S = 30 * 60
CRITICAL_S = 5 * 60
FULL_BYTES = 32 << 20


class Level(IntEnum):
    """How the storage stands; the numbers are those of STORAGE events."""

    ENOUGH = 0
    WARN = 1
    CRITICAL = 2
    FULL = 3


@dataclass(frozen=True)
class StorageGuard:
    """Judges free space for a rate of `bytes_per_second`."""

    bytes_per_second: int
    start_least_bytes: int = START_LEAST_BYTES

    def refuses_start(self, free_bytes: int) -> str:
        """Return why no recording may start, or an empty text."""
        need = max(self.start_least_bytes, START_LEAST_S * self.bytes_per_second if self.start_least_bytes else 0)
        if free_bytes >= need:
            return ""
        return f"only {free_bytes >> 20} MiB are free, and a start needs {need >> 20} MiB"

    def level(self, free_bytes: int) -> Level:
        """Return how the storage stands."""
        if free_bytes < FULL_BYTES:
            return Level.FULL
        left_s = free_bytes / self.bytes_per_second
        if left_s < CRITICAL_S:
            return Level.CRITICAL
        return Level.WARN if left_s < WARN_S else Level.ENOUGH


def free_bytes(path: Path) -> int:
    """Return the bytes an ordinary process may still write where `path` lies."""
    return shutil.disk_usage(path).free
