"""Taking in one part while it streams past.

Rule: every byte is hashed once, against the signed hash of its fragment; only fragments not held yet are written, each
run of them to a file that gets its name when the whole part is good and synced. A part that differs from what was
signed leaves nothing, except when its sender says with a Content-Digest that it meant exactly these bytes: then the
part is set aside as evidence of a conflict.
"""

import base64
import binascii
import hashlib
import re
from contextlib import ExitStack
from pathlib import Path

from openbwv.dock import layout
from openbwv.dock.errors import BadCall, CutShort, DigestWrong, NotOnAnEdge, NotSignedBytes
from openbwv.dock.held import HeldRecording
from openbwv.recording import PartChecker
from openbwv.recording.entries import FragmentInfo
from openbwv.recording.problems import FragmentError, FragmentMissing
from openbwv.shared.durable import AlreadyThere, NewFile, write_durably

DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")
ASIDE_LIMIT_BYTES = 64 << 20


def read_digest(header: str | None) -> bytes | None:
    """Return the SHA-256 of a Content-Digest header (RFC 9530), None without the header; raises BadCall."""
    if header is None:
        return None
    found = DIGEST.search(header)
    try:
        digest = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        raise BadCall("The Content-Digest is not 'sha-256=:BASE64:'.")
    return digest


class PartIntake:
    """One part on its way in; a context manager that removes what was not committed."""

    def __init__(self, held: HeldRecording, *, first_seq: int, length: int, digest: bytes | None, aside: Path) -> None:
        run = held.run_at(first_seq, length)
        if not run:
            raise NotOnAnEdge
        self._held, self._length, self._digest, self._aside = held, length, digest, aside
        self._checker = PartChecker(run)
        self._whole = hashlib.sha256() if digest is not None else None
        self._kept = bytearray() if digest is not None and length <= ASIDE_LIMIT_BYTES else None
        self._first_seq = first_seq
        self._sinks = _sinks(held, run)
        self._stack = ExitStack()
        self._files: dict[int, NewFile] = {}
        self._position = 0
        self._wrong: FragmentError | None = None

    def __enter__(self) -> "PartIntake":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def feed(self, data: bytes | memoryview) -> None:
        """Check and write the next bytes; raises NotSignedBytes, DiskFull."""
        view = memoryview(data)
        if self._whole is not None:
            self._whole.update(view)
        if self._kept is not None:
            self._kept += view
        if self._wrong is None:
            try:
                self._checker.feed(view)
            except FragmentError as problem:
                self._wrong = problem
                if self._whole is None:
                    raise NotSignedBytes(aside=False) from problem
            else:
                self._write(view)
        self._position += len(view)

    def _write(self, view: memoryview) -> None:
        start, end = self._position, self._position + len(view)
        for index, (first_byte, last_byte, first, last) in enumerate(self._sinks):
            low, high = max(start, first_byte), min(end, last_byte)
            if low < high:
                if index not in self._files:
                    path = self._held.folder / layout.part_name(first, last)
                    self._files[index] = self._stack.enter_context(NewFile(path))
                self._files[index].write(view[low - start : high - start])

    def commit(self) -> list[int]:
        """Name what was written, durably; returns the numbers newly stored, [] when all were held.

        Raises CutShort, DigestWrong, NotSignedBytes, DiskFull; then nothing is stored.
        """
        if self._position != self._length:
            raise CutShort
        if self._whole is not None and self._whole.digest() != self._digest:
            raise DigestWrong
        if self._wrong is not None:
            self._set_aside()
            raise NotSignedBytes(aside=self._kept is not None) from self._wrong
        try:
            good = self._checker.finish()
        except FragmentMissing as problem:
            raise CutShort from problem
        stored: list[int] = []
        with self._held.lock:
            for index, new in self._files.items():
                _, _, first, last = self._sinks[index]
                if any(self._held.holds(seq) for seq in good if first <= seq <= last):
                    continue  # an overlapping part came in at the same time and was first; what is missing is asked for
                try:
                    new.commit()
                except AlreadyThere:
                    continue
                self._held.note_part(first, last, new.length)
                stored += [seq for seq in good if first <= seq <= last]
        return stored

    def _set_aside(self) -> None:
        if self._kept is not None and self._digest is not None:
            name = f"{self._held.rec_id.hex()}-{self._first_seq:08d}-{self._digest.hex()[:16]}.part"
            if not (self._aside / name).exists():
                write_durably(self._aside / name, self._kept)


def _sinks(held: HeldRecording, run: list[FragmentInfo]) -> list[tuple[int, int, int, int]]:
    """Return (first byte, end byte, first seq, last seq) of every stretch of the run that is not held yet."""
    sinks: list[tuple[int, int, int, int]] = []
    position, joined = 0, False
    for fragment in run:
        end = position + fragment.n
        if held.holds(fragment.seq):
            joined = False
        elif joined:
            first_byte, _, first, _ = sinks[-1]
            sinks[-1] = (first_byte, end, first, fragment.seq)
        else:
            sinks.append((position, end, fragment.seq, fragment.seq))
            joined = True
        position = end
    return sinks
