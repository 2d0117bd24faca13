"""What cameras signed of their counters, on its way to the server: kept as it came until the server has taken it.

SPOOL/<kid>/counts/<hash>.cbor is one statement. A later one of the same camera takes the place of those that it follows
(openbwv.recording.counts), so one file is the rule; two that contradict each other are both kept and both handed on,
for the server to raise the alarm. The dock can read a statement and not write one: it has not the camera's key.
"""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from openbwv.dock.errors import BadCall, SpoolFull
from openbwv.dock.layout import Layout
from openbwv.recording import CountStatement, Received, Trust
from openbwv.recording.errors import BwvError
from openbwv.shared.durable import make_folder, remove_durably, write_durably

log = logging.getLogger("openbwv.dock")

MOST_OF_ONE = 8  # statements of one camera that contradict each other; honest cameras need one


@dataclass(frozen=True)
class Waiting:
    """One statement that the server has not taken: its file, and its bytes as they came."""

    path: Path
    data: bytes


class CountStore:
    """The statements that wait here; safe to share between threads."""

    def __init__(self, layout: Layout, *, trust: Trust) -> None:
        self._layout, self._trust = layout, trust
        self._lock = threading.Lock()

    def add(self, kid: bytes, data: bytes) -> bool:
        """Keep a statement durably and return whether it is new here.

        One that a waiting one follows changes nothing. Raises FormatError, SignerNotTrusted, BadCall (another camera),
        SpoolFull (more contradictions than are kept of one camera).
        """
        received = CountStatement.decode(data, trust=self._trust)
        if received.kid != kid:
            raise BadCall("The counters were signed by another camera than the request says.")
        with self._lock:
            known = self._known(kid)
            if any(held.body.after(received.body) for _, held in known):
                return False
            followed = [path for path, held in known if received.body.after(held.body)]
            if len(known) - len(followed) >= MOST_OF_ONE:
                raise SpoolFull
            path = self._layout.counts(kid) / f"{received.signed.sha256.hex()}.cbor"
            make_folder(path.parent)
            write_durably(path, data, replace=True)
            for old in followed:
                remove_durably(old)
            return True

    def waiting(self, kid: bytes) -> list[Waiting]:
        """Return what the server has not taken of a camera."""
        with self._lock:
            return [Waiting(path, path.read_bytes()) for path in self._files(kid)]

    def taken(self, waiting: Waiting) -> None:
        """Forget a statement: the server has it, in its books or aside."""
        with self._lock:
            if waiting.path.exists():  # a later one may have taken its place meanwhile
                remove_durably(waiting.path)

    def _files(self, kid: bytes) -> list[Path]:
        return sorted(self._layout.counts(kid).glob("*.cbor"))

    def _known(self, kid: bytes) -> list[tuple[Path, Received[CountStatement]]]:
        known = []
        for path in self._files(kid):
            try:
                known.append((path, CountStatement.decode(path.read_bytes(), trust=self._trust)))
            except BwvError as problem:  # this disk damaged it; the camera gives another at its next docking
                aside = self._layout.aside(kid) / f"counts-{path.name}"
                path.rename(aside)
                log.error("a count statement in the spool is damaged (%s); set aside as %s", problem.what, aside)
        return known
