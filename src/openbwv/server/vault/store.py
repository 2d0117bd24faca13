"""The vault's files: sealed bytes under random names, in two levels of folders, durable before anybody is told.

A name is 32 random hex digits; `ab/cd/abcd…` is its place. Nothing in a name or a file says whose it is: only the
database does, so the rows decide what lives. `shared.durable` lists the system calls of a write. Reads are `pread`.

A file `.anchor` in the folder names the force and the store. Without it the folder is the empty place where a disk
should be mounted: then nothing is written, for it would lie on another disk, and no missing file counts as removed.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from openbwv.server.vault.errors import ObjectMissing, VaultAway
from openbwv.server.vault.force import read_force
from openbwv.shared import durable

ANCHOR_FILE = ".anchor"
NAME_BYTES = 16
CHUNK_BYTES = 1 << 20


class Store:
    """A folder of objects. Safe to share between threads: it holds no state but the path.

    With `anchor` the folder must hold these bytes in its `.anchor`, whoever wants to write, remove, list or sweep.
    """

    def __init__(self, folder: Path, *, anchor: bytes | None = None) -> None:
        self.folder = folder
        self._anchor = anchor

    def require(self) -> None:
        """Raise VaultAway unless the folder is the one where these objects belong, and not an empty mount point."""
        if self._anchor is None:
            return
        try:
            found = (self.folder / ANCHOR_FILE).read_bytes()
        except OSError:
            found = b""
        if found != self._anchor:
            raise _away(self.folder, found, self._anchor)

    def path(self, key: str) -> Path:
        """Return where the object `key` lies."""
        return self.folder / key[:2] / key[2:4] / key

    def new(self) -> tuple[str, durable.NewFile]:
        """Return a fresh name and the file to write; leaving it without `commit` removes it. Raises VaultAway."""
        self.require()
        key = secrets.token_hex(NAME_BYTES)
        path = self.path(key)
        durable.make_folder(path.parent)
        return key, durable.NewFile(path)

    def put(self, data: bytes) -> str:
        """Write an object durably and return its name; raises DiskFull, WriteFailed, VaultAway."""
        key, file = self.new()
        with file:
            file.write(data)
            file.commit()
        return key

    def read(self, key: str, *, offset: int = 0, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`; raises ObjectMissing, VaultAway."""
        try:
            descriptor = os.open(f"{self.folder}/{key[:2]}/{key[2:4]}/{key}", os.O_RDONLY | os.O_CLOEXEC)  # = path(key)
        except OSError as problem:
            self.require()
            raise _missing(key, problem.strerror or "cannot be opened") from problem
        try:
            data = os.pread(descriptor, length, offset)
            while len(data) < length:  # pread may be cut by a signal or at 2 GiB
                more = os.pread(descriptor, length - len(data), offset + len(data))
                if not more:
                    raise _missing(key, f"ends {length - len(data)} bytes too early")
                data += more
        except OSError as problem:
            raise _missing(key, problem.strerror or "cannot be read") from problem
        finally:
            os.close(descriptor)
        return data

    def chunks(self, key: str, *, offset: int = 0, length: int) -> Iterator[bytes]:
        """Yield `length` bytes from `offset`, a MiB at a time; raises ObjectMissing."""
        while length:
            step = min(length, CHUNK_BYTES)
            yield self.read(key, offset=offset, length=step)
            offset, length = offset + step, length - step

    def opened(self, key: str) -> Iterator[bytes]:
        """Open an object now and yield it a MiB at a time later, also when it was removed since; raises ObjectMissing.

        Nothing but this process's open file keeps the bytes then.
        """
        try:
            file = self.path(key).open("rb")
        except OSError as problem:
            raise _missing(key, problem.strerror or "cannot be opened") from problem
        return _pieces(file)

    def remove(self, key: str) -> bool:
        """Unlink an object durably; return whether it was there. Raises WriteFailed, VaultAway."""
        if durable.remove_durably(self.path(key)):
            return True
        self.require()  # it is gone only where it would have been
        return False

    def keys(self) -> Iterator[str]:
        """Yield the names of all objects; half-written files are not among them. Raises VaultAway."""
        self.require()
        for outer in _folders(self.folder):
            for inner in _folders(outer):
                yield from (each.name for each in os.scandir(inner) if not each.name.startswith("."))

    def sweep(self) -> int:
        """Remove what crashes left half-written and return how many files that was. Only while nobody writes.

        Raises VaultAway.
        """
        self.require()
        return sum(durable.sweep(inner) for outer in _folders(self.folder) for inner in _folders(outer))


def vault_store() -> Store:
    """Return the store of this process's force."""
    from django.conf import settings

    return store_of(Path(settings.STATE), "vault")


def store_of(state: Path, name: str) -> Store:
    """Return one of the stores of the force in `state`; raises NoForce."""
    return Store(state / name, anchor=anchor_of(name, read_force(state).fingerprint))


def anchor_of(name: str, fingerprint: str) -> bytes:
    """Return what stands in the `.anchor` of a force's store."""
    return f"{name} of the force {fingerprint}\n".encode("ascii")


def _away(folder: Path, found: bytes, wanted: bytes) -> VaultAway:
    what = f"{folder} is not this force's: its {ANCHOR_FILE} is " + ("another's." if found else "not there.")
    return VaultAway(
        what=f"{what} Nothing was written, removed or certified.",
        remedy="Mount the disk that belongs there. Whoever moves it moves everything in it, the anchor too, and leaves "
        f"nothing behind. Only a force older than that file needs it made: one line, '{wanted.decode().strip()}'.",
    )


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(Path(each.path) for each in os.scandir(folder) if each.is_dir())


def _missing(key: str, why: str) -> ObjectMissing:
    return ObjectMissing(
        what=f"Object {key} of the vault {why}.",
        remedy="Run `./bwv check`; bring the file back from a backup. What the log says about it is not affected.",
    )
