"""The device journal: starts, standby, power, mute history, alarms, what was recovered and wiped; one signed chain.

It lies beside the recordings and goes up after their manifests. What says in which mode the camera is also says what
its clock showed, so that the server can lay it against a time that somebody asks for. A torn end (power cut) is set
aside and the chain goes on; a journal damaged in the middle is set aside whole and a new one names it.
"""

import secrets
import threading
from collections.abc import Callable
from typing import Any

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.store import Store
from openbwv.recording.events import CLOCK_KEY
from openbwv.shared.durable import append_durably, sync_folder

CLOCKED = {
    r.EventKind.BOOT,
    r.EventKind.HEARTBEAT,
    r.EventKind.POWER,
    r.EventKind.SLEEP,
    r.EventKind.WAKE,
}


class Journal:
    """The journal of one store; `start` it once per start of the camera. Events may come from several threads."""

    def __init__(
        self,
        store: Store,
        signer: r.Signer,
        chain: list[bytes],
        *,
        mono_ns: Callable[[], int],
        utc_ms: Callable[[], int],
        clock_state: Callable[[], r.ClockState] | None = None,
    ) -> None:
        self.path = store.path / layout.JOURNAL
        self._signer, self._chain = signer, chain
        self._mono_ns, self._utc_ms, self._clock_state = mono_ns, utc_ms, clock_state
        self._lock = threading.Lock()  # a docking writes while the camera goes on
        self._builder: r.JournalBuilder | None = None

    def start(self, bt: int) -> str:
        """Go on with the journal, or begin one; writes BOOT. Returns a sentence when something was set aside."""
        data = self.path.read_bytes() if self.path.is_file() else b""
        reader, fault = _walk(data)
        if reader.chain is not None and reader.chain.kid != self._signer.kid:
            return self._begin(bt, None, self._replace("of an earlier identity"))
        if fault:
            return self._begin(bt, reader, self._replace("damaged"))
        said = self._cut_torn_end(data, reader)
        if reader.rec_id is None:
            return self._begin(bt, None, said)
        self._builder = r.JournalBuilder(chain_id=reader.rec_id, signer=self._signer, chain=self._chain)
        self._builder.resume(next_seq=reader.next_seq, tail=reader.tail)
        self.event(r.EventKind.BOOT, public={1: bt})
        return said

    def event(self, kind: r.EventKind, *, public: dict[int, Any] | None = None) -> None:
        """Append an event durably; raises DiskFull, WriteFailed."""
        if self._builder is None:
            raise r.OrderError("The journal has not been started.")
        with self._lock:
            if self._clock_state is not None and kind in CLOCKED:
                public = {**(public or {}), CLOCK_KEY: self._clock_state().to_row()}
            stood_at = (self._builder.next_seq, self._builder.tail, self._builder.last_mono_ns)
            entry = self._builder.event(kind, mono_ns=self._mono_ns(), public=public)
            try:
                append_durably(self.path, entry)
            except r.BwvError:  # it is not there, so the next one must follow the one before it
                self._builder.next_seq, self._builder.tail, self._builder.last_mono_ns = stood_at
                raise

    def mode(self, mode: r.CameraMode, reason: r.PowerReason | None = None) -> None:
        """Write in which mode the camera is from now on, and why where that is known; raises DiskFull, WriteFailed."""
        self.event(r.EventKind.POWER, public={1: int(mode)} if reason is None else {1: int(mode), 2: int(reason)})

    def position(self) -> tuple[bytes, int, bytes]:
        """Return the journal's identifier, the number of its next entry and its tail; raises OrderError."""
        if self._builder is None:
            raise r.OrderError("The journal has not been started.")
        with self._lock:
            return self._builder.rec_id, self._builder.next_seq, self._builder.tail

    def _begin(self, bt: int, before: r.JournalReader | None, said: str) -> str:
        chain_id = r.new_rec_id(self._utc_ms(), secrets.token_bytes)
        self._builder = r.JournalBuilder(chain_id=chain_id, signer=self._signer, chain=self._chain)
        body = r.JournalBody(bt=bt)
        if before is not None and before.rec_id is not None:
            body = r.JournalBody(bt=bt, previous=before.rec_id, previous_tail=before.tail)
        append_durably(self.path, self._builder.open(body, mono_ns=self._mono_ns()))
        self.event(r.EventKind.BOOT, public={1: bt})
        return said

    def _replace(self, why: str) -> str:
        number = 1
        while (aside := self.path.with_name(f"journal.{number}.cbor")).exists():
            number += 1
        self.path.rename(aside)
        sync_folder(self.path.parent)
        return f"The journal was {why}; it is kept as {aside.name} and a new one has begun."

    def _cut_torn_end(self, data: bytes, reader: r.JournalReader) -> str:
        torn = data[reader.good_bytes :]
        if not torn:
            return ""
        append_durably(self.path.with_name("journal.orphan"), torn)
        with self.path.open("r+b") as file:
            file.truncate(reader.good_bytes)
            file.flush()
        sync_folder(self.path.parent)
        return "The journal's last entry was cut by a power loss; it is kept in journal.orphan."


def _walk(data: bytes) -> tuple[r.JournalReader, bool]:
    """Return a reader that has taken the good entries alone, and whether a whole entry behind them is bad."""
    reader, good, fault = r.JournalReader(), 0, False
    try:
        for entry in reader.read(data):
            good += len(entry.raw)
    except r.FormatError:
        fault = True
    reader = r.JournalReader()
    reader.feed(data[:good])
    return reader, fault
