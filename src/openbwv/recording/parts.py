"""Checking media bytes while they stream past: every byte hashed once, against the signed hash of its fragment.

Rule: a part is a run of whole fragments back to back; its bytes are good exactly when each fragment's SHA-256 is the
signed `ct`. Source: docs/ref/recording-format.md, "Media".
"""

import hashlib
from collections.abc import Iterable

from openbwv.recording.entries import FragmentInfo
from openbwv.recording.problems import FragmentError, FragmentMissing


class PartError(FragmentError):
    """A part that holds other bytes than the signed ones. `seq` is the first fragment that does not hold."""

    def __init__(self, what: str, seq: int | None) -> None:
        super().__init__(what)
        self.seq = seq


class PartChecker:
    """Takes a part's bytes in any pieces; raises PartError at the first fragment that is not the signed one."""

    def __init__(self, fragments: Iterable[FragmentInfo]) -> None:
        self._left = iter(fragments)
        self._done: list[int] = []
        self._hash = hashlib.sha256()
        self._current: FragmentInfo | None = None
        self._missing = 0
        self._step()

    def _step(self) -> None:
        self._current = next(self._left, None)
        self._missing = self._current.n if self._current else 0
        self._hash = hashlib.sha256()

    @property
    def checked(self) -> list[int]:
        """The numbers of the fragments found good so far."""
        return list(self._done)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Hash the next bytes; raises PartError on a fragment that differs or on bytes past the last one."""
        view = memoryview(data)
        while view:
            if self._current is None:
                raise PartError(f"{len(view)} bytes follow the last fragment of the part.", None)
            piece = view[: self._missing]
            self._hash.update(piece)
            self._missing -= len(piece)
            view = view[len(piece) :]
            if self._missing == 0:
                if self._hash.digest() != self._current.ct:
                    raise PartError(f"Fragment {self._current.seq} is not the signed one.", self._current.seq)
                self._done.append(self._current.seq)
                self._step()

    def finish(self) -> list[int]:
        """Say that no bytes follow; return the numbers of all fragments, or raise FragmentMissing."""
        if self._current is not None:
            raise FragmentMissing(f"The part ends {self._missing} bytes before fragment {self._current.seq} does.")
        return self.checked
