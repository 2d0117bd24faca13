"""A listener whose certificate and revocation list may change while the dock runs.

TLS reads its files once, when a listener starts. So a listener that sees other files ends and begins again on the same
port: from then on a certificate that the new list names does not get through the handshake. What was under way breaks
off; cameras ask what is held and go on.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

log = logging.getLogger("openbwv.dock")

LOOK_S = 1.0
LONGEST_END_S = 5.0


class Serving(Protocol):
    """What is asked of a server: granian's embedded one."""

    async def serve(self) -> None:
        """Serve until stopped."""
        ...

    def stop(self) -> None:
        """End soon."""
        ...


class Listener:
    """One port, served by what `make` returns; made anew whenever one of `files` changes."""

    def __init__(self, make: Callable[[], Serving], *, files: Sequence[Path] = ()) -> None:
        self._make, self._files = make, files
        self._stopping = False
        self._server: Serving | None = None

    async def serve(self) -> None:
        """Serve until `stop`; raises what a server raises that cannot start."""
        while not self._stopping:
            read = self._stamp()
            self._server = self._make()
            task = asyncio.create_task(self._server.serve())
            while not task.done() and self._stamp() == read:
                await asyncio.wait([task], timeout=LOOK_S)
            if task.done():
                return await task
            log.info("certificate or revocation list changed; the listener begins again")
            self._server.stop()
            await asyncio.wait([task], timeout=LONGEST_END_S)

    def stop(self) -> None:
        """End soon and for good."""
        self._stopping = True
        if self._server is not None:
            self._server.stop()

    def _stamp(self) -> list[tuple[int, int] | None]:
        return [(stat.st_ino, stat.st_mtime_ns) if (stat := _stat(path)) else None for path in self._files]


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
