"""The few file operations that a recording needs; tests put a faulty disk or a model of one in its place.

Evidence is only ever appended to. `cut` takes back bytes that no signed entry covers: a failed append, or what recovery
has copied to orphan.bin first.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from openbwv.shared.durable import DiskFull, as_write_error, make_folder, sync_folder


class Disk:
    """The real disk. A handle is a file descriptor. Raises DiskFull, WriteFailed, AlreadyThere."""

    def make_folder(self, path: Path) -> None:
        """Make `path` and missing parents, each durable in its parent."""
        make_folder(path)

    def create(self, path: Path) -> int:
        """Make a new, empty file; its name is durable only after `sync_folder`."""
        return self._opened(path, os.O_CREAT | os.O_EXCL)

    def reopen(self, path: Path) -> int:
        """Open an existing file to append to it."""
        return self._opened(path, 0)

    def _opened(self, path: Path, extra: int) -> int:
        try:
            return os.open(path, extra | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise as_write_error(problem, path) from problem

    @contextlib.contextmanager
    def changing(self, path: Path, *, new: bool = False) -> Iterator[int]:
        """Give the handle of one file, made here if `new`; what was done to it is on the medium at the end."""
        handle = self.create(path) if new else self.reopen(path)
        try:
            yield handle
            self.sync(handle, path)
        finally:
            self.close(handle)

    def append(self, handle: int, data: bytes, path: Path) -> None:
        """Append all of `data`; on failure the file is as long as before."""
        before = os.fstat(handle).st_size
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(handle, view) :]
        except OSError as problem:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, before)
            raise as_write_error(problem, path) from problem

    def sync(self, handle: int, path: Path) -> None:
        """Put the file's bytes and length on the medium."""
        try:
            os.fdatasync(handle)
        except OSError as problem:
            raise as_write_error(problem, path) from problem

    def sync_folder(self, path: Path) -> None:
        """Put the names in a folder on the medium."""
        try:
            sync_folder(path)
        except OSError as problem:
            raise as_write_error(problem, path) from problem

    def cut(self, handle: int, length: int, path: Path) -> None:
        """Shorten the file to `length` bytes."""
        try:
            os.ftruncate(handle, length)
        except OSError as problem:
            raise as_write_error(problem, path) from problem

    def close(self, handle: int) -> None:
        """Close a handle."""
        os.close(handle)


class Reserve:
    """A file that keeps room for the end of a recording: given up when the disk is full, taken again at next start."""

    def __init__(self, path: Path, *, length: int = 8 << 20) -> None:
        self._path, self._length = path, length

    def take(self) -> bool:
        """Hold the room; returns False when there is not enough."""
        if self._path.exists() and self._path.stat().st_size == self._length:
            return True
        descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._length)
        except OSError:
            os.ftruncate(descriptor, 0)
            return False
        finally:
            os.close(descriptor)
        return True

    def give_up(self) -> bool:
        """Free the room; returns whether there was any."""
        if not self._path.exists() or not self._path.stat().st_size:
            return False
        os.truncate(self._path, 0)
        return True


__all__ = ["Disk", "DiskFull", "Reserve"]
