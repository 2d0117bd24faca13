"""Devices that came to this dock and do not belong to the force: named, counted, kept aside, told to the server.

SPOOL/strangers/<key>.cbor holds what such a device signed, as it came; `<key>.told.cbor` once the server has it too.
Who gets here has passed TLS, so there are few; past the limit only the count goes on. A device of another agency does
not get through the handshake: openbwv.dock.turned_away says what can be known of it.
"""

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from openbwv.recording import Inventory
from openbwv.recording.errors import BwvError
from openbwv.shared.durable import make_folder, remove_durably, write_durably

MOST_KEPT = 100
TOLD = ".told.cbor"


@dataclass(frozen=True)
class Stranger:
    """One such device: `times` counts its hellos since this dock started, `told` says whether the server knows."""

    kid: bytes
    name: str
    times: int
    told: bool


class Strangers:
    """The strangers of one dock; safe to share between threads."""

    def __init__(self, spool: Path) -> None:
        self._folder = spool / "strangers"
        self._lock = threading.Lock()
        self.beyond = 0
        self._known: dict[bytes, Stranger] = {}
        for path in sorted(self._folder.glob("*.cbor")):
            received = Inventory.decode(path.read_bytes())
            told = path.name.endswith(TOLD)
            self._known[received.kid] = Stranger(received.kid, received.chain.san_uri or "", 0, told)

    def keep(self, message: bytes) -> Stranger | None:
        """Keep the hello of a stranger and count it; None when nothing in it says whose it is, or past the limit."""
        try:
            received = Inventory.decode(message)
        except BwvError:
            return None
        with self._lock:
            known = self._known.get(received.kid)
            if known is None:
                if len(self._known) >= MOST_KEPT:
                    self.beyond += 1
                    return None
                make_folder(self._folder)
                write_durably(self._folder / f"{received.kid.hex()}.cbor", message, replace=True)
                known = Stranger(received.kid, received.chain.san_uri or "", 0, told=False)
            self._known[received.kid] = replace(known, times=known.times + 1)
            return self._known[received.kid]

    def all(self) -> list[Stranger]:
        """Return them by name."""
        with self._lock:
            return sorted(self._known.values(), key=lambda each: (each.name, each.kid))

    def untold(self) -> list[tuple[bytes, bytes]]:
        """Return (key, what it signed) of those the server does not know of."""
        kids = [each.kid for each in self.all() if not each.told]
        return [(kid, (self._folder / f"{kid.hex()}.cbor").read_bytes()) for kid in kids]

    def mark_told(self, kid: bytes) -> None:
        """Note that the server keeps this one aside."""
        path = self._folder / f"{kid.hex()}.cbor"
        write_durably(path.with_name(f"{kid.hex()}{TOLD}"), path.read_bytes(), replace=True)
        remove_durably(path)
        with self._lock:
            self._known[kid] = replace(self._known[kid], told=True)
