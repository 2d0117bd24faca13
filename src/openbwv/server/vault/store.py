"""The vault's files: sealed bytes under random names, in two levels of folders, durable before anybody is told.

A name is 32 random hex digits; `ab/cd/abcd…` is its place. Nothing in a name or a file says whose it is: only the
database does, so the rows decide what lives. `shared.durable` lists the system calls of a write. Reads are `pread`.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from openbwv.server.vault.errors import ObjectMissing
from openbwv.shared import durable

NAME_BYTES = 16
CHUNK_BYTES = 1 << 20


class Store:
    """A folder of objects. Safe to share between threads: it holds no state but the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Return where the object `key` lies."""
        return self.folder / key[:2] / key[2:4] / key

    def new(self) -> tuple[str, durable.NewFile]:
        """Return a fresh name and the file to write; leaving it without `commit` removes it."""
        key = secrets.token_hex(NAME_BYTES)
        path = self.path(key)
        durable.make_folder(path.parent)
        return key, durable.NewFile(path)

    def put(self, data: bytes) -> str:
        """Write an object durably and return its name; raises DiskFull, WriteFailed."""
        key, file = self.new()
        with file:
            file.write(data)
            file.commit()
        return key

    def read(self, key: str, *, offset: int = 0, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`; raises ObjectMissing."""
        try:
            descriptor = os.open(f"{self.folder}/{key[:2]}/{key[2:4]}/{key}", os.O_RDONLY | os.O_CLOEXEC)  # = path(key)
        except OSError as problem:
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

    def remove(self, key: str) -> bool:
        """Unlink an object durably; return whether it was there. Raises WriteFailed."""
        return durable.remove_durably(self.path(key))

    def keys(self) -> Iterator[str]:
        """Yield the names of all objects; half-written files are not among them."""
        for outer in _folders(self.folder):
            for inner in _folders(outer):
                yield from (each.name for each in os.scandir(inner) if not each.name.startswith("."))

    def sweep(self) -> int:
        """Remove what crashes left half-written and return how many files that was. Only while nobody writes."""
        return sum(durable.sweep(inner) for outer in _folders(self.folder) for inner in _folders(outer))


def vault_store() -> Store:
    """Return the store of this process's force."""
    from django.conf import settings

    return Store(Path(settings.STATE) / "vault")


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(Path(each.path) for each in os.scandir(folder) if each.is_dir())


def _missing(key: str, why: str) -> ObjectMissing:
    return ObjectMissing(
        what=f"Object {key} of the vault {why}.",
        remedy="Run `./bwv check`; bring the file back from a backup. What the log says about it is not affected.",
    )
