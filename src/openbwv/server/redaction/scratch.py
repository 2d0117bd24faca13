"""A file for a muxer to seek in, of which the disk only ever sees ciphertext.

A release copy is longer than memory and its index is written last and stands first, so it needs a file with seeks.
Blocks of 64 KiB are sealed with AES-256-GCM under a key that exists only in this object; each write of a block takes a
fresh nonce, because blocks are rewritten. Without this process the file is noise, also after a crash.
"""

import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BLOCK_BYTES = 1 << 16
NONCE_BYTES, TAG_BYTES = 12, 16
SLOT_BYTES = NONCE_BYTES + BLOCK_BYTES + TAG_BYTES


class Scratch:
    """A binary file object (read, write, seek, tell) over sealed blocks; use as a context manager."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix="bwv-sealed-")  # noqa: SIM115  closed in __exit__
        self._box = AESGCM(secrets.token_bytes(32))
        self._at = self._length = 0
        self._number, self._block, self._dirty = 0, bytearray(BLOCK_BYTES), False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def name(self) -> str:
        """Return a name for error messages; nothing on the disk has it."""
        return "release.mp4"

    def write(self, data: bytes | memoryview) -> int:
        """Write at the position and move it."""
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            offset = self._turn_to(self._at)
            step = min(BLOCK_BYTES - offset, len(view) - done)
            self._block[offset : offset + step] = view[done : done + step]
            self._dirty = True
            done, self._at = done + step, self._at + step
            self._length = max(self._length, self._at)
        return done

    def read(self, size: int = -1) -> bytes:
        """Read from the position and move it."""
        left = max(0, self._length - self._at)
        left = left if size < 0 else min(size, left)
        pieces = []
        while left:
            offset = self._turn_to(self._at)
            step = min(BLOCK_BYTES - offset, left)
            pieces.append(bytes(self._block[offset : offset + step]))
            left, self._at = left - step, self._at + step
        return b"".join(pieces)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position, as io.IOBase.seek does."""
        self._at = offset + (0, self._at, self._length)[whence]
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seekable(self) -> bool:
        """Say that it can be moved."""
        return True

    def chunks(self, size: int = 1 << 20) -> Iterator[bytes]:
        """Yield the content from the start."""
        self.seek(0)
        while piece := self.read(size):
            yield piece

    def _turn_to(self, at: int) -> int:
        """Have the block that holds `at` in memory; return the offset in it."""
        number, offset = divmod(at, BLOCK_BYTES)
        if number != self._number:
            self._flush()
            self._number, self._block = number, self._load(number)
        return offset

    def _flush(self) -> None:
        if self._dirty:
            nonce = secrets.token_bytes(NONCE_BYTES)
            self._file.seek(self._number * SLOT_BYTES)
            self._file.write(nonce + self._box.encrypt(nonce, bytes(self._block), self._place(self._number)))
            self._dirty = False

    def _load(self, number: int) -> bytearray:
        self._file.seek(number * SLOT_BYTES)
        slot = self._file.read(SLOT_BYTES)
        if len(slot) < SLOT_BYTES or not any(slot[:NONCE_BYTES]):
            return bytearray(BLOCK_BYTES)  # never written: behind the end, or a hole that a seek left
        return bytearray(self._box.decrypt(slot[:NONCE_BYTES], slot[NONCE_BYTES:], self._place(number)))

    @staticmethod
    def _place(number: int) -> bytes:
        return number.to_bytes(8, "big")
