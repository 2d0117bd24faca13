"""A custody log's files in a folder, and its newest checkpoint in a file elsewhere.

Every file is written with `durable.write_durably` (its system calls are listed there), so a name never holds half a
file and, but for `checkpoint`, is never given other bytes. Modes let every user read the log: it is published.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from openbwv.custody.errors import LogDamaged
from openbwv.custody.storage import checkpoint_moved, file_conflict
from openbwv.custody.tiles import (
    BUNDLE_LEVEL,
    CHECKPOINT_PATH,
    MAX_LEVEL,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    parse_tile_path,
)
from openbwv.shared.durable import AlreadyThere, make_folder, remove_durably, sweep, write_durably

FILE_MODE = 0o644
FOLDER_MODE = 0o755
ENDED, ENDED_VKEY = "log-generation-", ".vkey"  # STATE/log-generation-N: a log that a restore ended, and its key
PLACE_VARIABLE = "BWV_CHECKPOINT_PLACE"


class LogFolder:
    """The files of one log below `folder`; implements custody.LogStorage. One writer, any number of readers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, path: str) -> bytes | None:
        """Return the file's bytes, or None when there is none; raises LogDamaged when the disk refuses to read it."""
        try:
            return (self.folder / _checked(path)).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as problem:
            raise LogDamaged(
                what=f"{path} of the custody log cannot be read: {problem.strerror or problem}.",
                remedy="Check the disk and the folder's rights, or bring the file back from a copy of the log.",
            ) from problem

    def write_once(self, path: str, data: bytes) -> None:
        """Make a file, durably; the same bytes again are fine, others LogConflict. Raises DiskFull, WriteFailed."""
        target = self.folder / _checked(path)
        make_folder(target.parent, mode=FOLDER_MODE)
        try:
            write_durably(target, data, mode=FILE_MODE)
        except AlreadyThere as problem:
            if self.read(path) != data:
                raise file_conflict(path) from problem

    def publish_checkpoint(self, note: str) -> None:
        """Replace `checkpoint`, durably and in one step; raises DiskFull, WriteFailed."""
        make_folder(self.folder, mode=FOLDER_MODE)
        write_durably(self.folder / CHECKPOINT_PATH, note.encode(), replace=True, mode=FILE_MODE)

    def list(self, folder: str) -> list[str]:
        """Return the names in `folder`, folders with a `/`; names that begin with a dot are half-written files."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.folder / folder) as found:
            return sorted(f"{each.name}/" if each.is_dir() else each.name for each in found if each.name[0] != ".")
        return []

    def discard(self, path: str) -> None:
        """Remove a file, durably; nothing happens when it is not there. Raises WriteFailed."""
        remove_durably(self.folder / _checked(path))

    def sweep(self, size: int) -> int:
        """Remove what crashes left half-written at the edge of a log of `size` entries; return how many files.

        Only for the one writer, at its start. Older folders are finished: nothing is written there any more.
        """
        folders = {self.folder}
        for level in range(BUNDLE_LEVEL, MAX_LEVEL + 1):
            edge = size >> (TILE_HEIGHT * (max(level, 0) + 1))
            for number in (edge, edge + 1):
                tile = Tile(level, number, TILE_WIDTH)
                folders |= {(self.folder / tile.path).parent, self.folder / tile.folder}
        return sum(sweep(folder) for folder in folders if folder.is_dir())


class CheckpointFile:
    """The newest checkpoint in one file, apart from log and database; implements custody.CheckpointPlace."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> str | None:
        """Return the note, or None when there never was one."""
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def swap(self, old: str | None, new: str) -> None:
        """Put `new` in the place of exactly `old`, durably; raises CheckpointMoved, DiskFull, WriteFailed."""
        make_folder(self.path.parent)
        with _locked(self.path.with_name(self.path.name + ".lock")):
            if self.read() != old:
                raise checkpoint_moved()
            write_durably(self.path, new.encode(), replace=True, mode=FILE_MODE)

    def retire(self, generation: int) -> None:
        """Set the last checkpoint of an ended log aside, so that the next generation's log can begin; durable."""
        make_folder(self.path.parent)
        with _locked(self.path.with_name(self.path.name + ".lock")):
            if (note := self.read()) is not None:
                write_durably(self._retired(generation), note.encode(), replace=True, mode=FILE_MODE)
                remove_durably(self.path)

    def retired(self) -> list[str]:
        """Return the last checkpoints of ended logs."""
        return [path.read_text(encoding="utf-8") for path in sorted(self.path.parent.glob(self._retired("*").name))]

    def _retired(self, generation: int | str) -> Path:
        return self.path.with_name(f"{self.path.name}.generation-{generation}")


def checkpoint_file(state: Path) -> CheckpointFile:
    """Return the checkpoint place of the force in `state`: BWV_CHECKPOINT_PLACE, or a file beside the folder."""
    given = os.environ.get(PLACE_VARIABLE)
    return CheckpointFile(Path(given) if given else state.parent / f"{state.name}.checkpoint")


def log_folder(state: Path) -> LogFolder:
    """Return the log of the force in `state`."""
    return LogFolder(state / "log")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path` while the block runs."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _checked(path: str) -> str:
    """Only names of the tile format reach the disk, so no path can leave the folder."""
    if path != CHECKPOINT_PATH and parse_tile_path(path) is None:
        raise ValueError(f"{path!r} is not a file of a log")
    return path
