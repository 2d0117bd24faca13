"""The one way to put a file on disk so that a power cut leaves all of it or none of it.

System calls of `write_durably` and of `NewFile`, in order:

1. `openat(folder/.NAME.RANDOM.tmp, O_CREAT|O_EXCL|O_WRONLY)`   a name nobody reads
2. `write` until every byte is taken
3. `fdatasync(file)`                                            the bytes and the length are on the medium
4. `linkat(temp, NAME)`                                         refuses a NAME that exists; all or nothing
5. `unlinkat(temp)`
6. `fsync(folder)`                                              the name is on the medium

A crash after any of them leaves either no NAME or the whole NAME, and at most one `.tmp` file, which `sweep` removes.
`replace=True` (only for files that are state, never evidence) puts `renameat` in the place of 4 and 5.
`move_durably` renames and then syncs both folders: until then a power cut may bring the old name back. To another disk
the bytes are copied as above, and only then is the old name unlinked.
`append_durably` opens with O_APPEND, writes, and calls `fdatasync`; a failed append is cut off again with `ftruncate`.
"""

import contextlib
import errno
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from openbwv.recording.errors import EXIT_IO, BwvError

TEMPORARY_SUFFIX = ".tmp"
PRIVATE_MODE = 0o600
# At a time. From 128 KiB on Linux looks for large runs of free memory, which a virtual machine may have given back to
# its host: measured 1.4 ms a MB against 0.4. It costs 16 system calls a MB.
WRITE_BYTES = 64 << 10
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class AlreadyThere(BwvError):
    """The final name exists; durable writes never replace evidence."""

    code = "already-there"
    http_status = 409


class DiskFull(BwvError):
    """No space is left where the file should go."""

    code = "disk-full"
    http_status = 507
    exit_code = EXIT_IO


class WriteFailed(BwvError):
    """The operating system refused the write for another reason."""

    code = "write-failed"
    http_status = 500
    exit_code = EXIT_IO


def as_write_error(problem: OSError, path: Path) -> BwvError:
    """Return the error of ours that stands for `problem` met while writing `path`."""
    if problem.errno == errno.EEXIST:
        return AlreadyThere(
            what=f"{path.name} is there already.", remedy="Nothing was changed; compare the two before you go on."
        )
    if problem.errno in FULL:
        return DiskFull(
            what=f"The disk that holds {path.parent} is full; {path.name} was not written.",
            remedy="Free some space or add a disk, then try again. Nothing that was stored before is lost.",
        )
    return WriteFailed(
        what=f"{path} could not be written: {problem.strerror or problem}.",
        remedy="Check that the folder exists, may be written to and that its disk is healthy, then try again.",
    )


class NewFile:
    """A file that does not exist until `commit`; use as a context manager, leaving without commit removes it."""

    def __init__(self, path: Path, *, replace: bool = False, mode: int = PRIVATE_MODE) -> None:
        self.path = path
        self.length = 0
        self._replace = replace
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
        self._descriptor = -1
        self._named = False
        try:
            self._descriptor = os.open(self._temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode)
        except OSError as problem:
            raise as_write_error(problem, path) from problem

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take all of `data`; raises DiskFull or WriteFailed."""
        try:
            _write_all(self._descriptor, data)
        except OSError as problem:
            raise as_write_error(problem, self.path) from problem
        self.length += len(data)

    def commit(self) -> None:
        """Give the file its name, durably; raises AlreadyThere, DiskFull or WriteFailed."""
        try:
            os.fdatasync(self._descriptor)
            if self._replace:
                os.rename(self._temporary, self.path)
            else:
                os.link(self._temporary, self.path)
                os.unlink(self._temporary)
            self._named = True
            sync_folder(self.path.parent)
        except OSError as problem:
            raise as_write_error(problem, self.path) from problem
        finally:
            self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if not self._named:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temporary)


def write_durably(
    path: Path, data: bytes | bytearray | memoryview, *, replace: bool = False, mode: int = PRIVATE_MODE
) -> None:
    """Write `data` to `path` as the module says.

    Raises AlreadyThere when the name exists (unless `replace`), DiskFull, WriteFailed; then nothing has changed.
    """
    with NewFile(path, replace=replace, mode=mode) as new:
        new.write(data)
        new.commit()


def append_durably(path: Path, data: bytes | bytearray | memoryview, *, mode: int = PRIVATE_MODE) -> int:
    """Append `data` to `path` (made if missing), sync it, and return the new length in bytes.

    One writer per file. Raises DiskFull or WriteFailed; then the file is as long as before.
    """
    try:
        created = not path.exists()
        descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, mode)
        try:
            before = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, data)
                os.fdatasync(descriptor)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, before)
                raise
        finally:
            os.close(descriptor)
        if created:
            sync_folder(path.parent)
    except OSError as problem:
        raise as_write_error(problem, path) from problem
    return before + len(data)


def make_folder(path: Path, *, mode: int = 0o700) -> None:
    """Make `path` and its missing parents, each synced into its own parent; nothing happens if it exists."""
    if path.is_dir():
        return
    make_folder(path.parent, mode=mode)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode)
        sync_folder(path.parent)
    except OSError as problem:
        raise as_write_error(problem, path) from problem


def move_durably(source: Path, target: Path) -> None:
    """Give a file or a folder another name, durably; raises DiskFull, WriteFailed, and then the old name stands.

    A file may go to another disk; there a `target` that exists is refused (AlreadyThere), here it is replaced.
    """
    try:
        try:
            os.rename(source, target)
        except OSError as problem:
            if problem.errno != errno.EXDEV:
                raise
            _copy(source, target)
            os.unlink(source)
        sync_folder(target.parent)
        sync_folder(source.parent)
    except OSError as problem:
        raise as_write_error(problem, target) from problem


def remove_durably(path: Path) -> bool:
    """Unlink `path` and sync its folder; return whether it was there. Raises WriteFailed."""
    try:
        os.unlink(path)
        sync_folder(path.parent)
    except FileNotFoundError:
        return False
    except OSError as problem:
        raise as_write_error(problem, path) from problem
    return True


def sync_folder(folder: Path) -> None:
    """`fsync` a folder, so that names made or removed in it survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> int:
    """Remove what crashes left behind in `folder` (not below it) and return how many files that was.

    Only at start, while nobody writes there.
    """
    found = [path for path in folder.glob(f".*{TEMPORARY_SUFFIX}") if path.is_file()]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as file, NewFile(target) as new:
        while block := file.read(WRITE_BYTES):
            new.write(block)
        new.commit()


def _write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(descriptor, view[:WRITE_BYTES]) :]
