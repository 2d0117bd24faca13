"""Which cameras are at the dock now, and how far each is; kept in memory, for the page and the uplink."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from openbwv.recording import Inventory
from openbwv.recording.messages import InventoryRow

SILENCE_NS = 45 * 1_000_000_000  # a camera not heard of for so long is counted as gone


@dataclass(frozen=True)
class Visit:
    """One camera at the dock. `rows` is what it said it holds; `battery` in percent; sizes in bytes."""

    kid: bytes
    name: str
    battery: int
    rows: tuple[InventoryRow, ...]
    heard_ns: int
    received_bytes: int = 0
    alarms: tuple[str, ...] = field(default_factory=tuple)


class Visits:
    """The cameras at this dock; safe to share between threads."""

    def __init__(self, *, mono_ns: Callable[[], int]) -> None:
        self._mono_ns = mono_ns
        self._lock = threading.Lock()
        self._visits: dict[bytes, Visit] = {}

    def arrive(self, kid: bytes, name: str, inventory: Inventory) -> None:
        """Note a hello."""
        with self._lock:
            received = self._visits[kid].received_bytes if kid in self._visits else 0
            rows = tuple(inventory.last)
            self._visits[kid] = Visit(kid, name, inventory.battery, rows, self._mono_ns(), received)

    def heard(self, kid: bytes, *, received: int = 0) -> None:
        """Note any later request of a camera."""
        with self._lock:
            if visit := self._visits.get(kid):
                self._visits[kid] = replace(
                    visit, heard_ns=self._mono_ns(), received_bytes=visit.received_bytes + received
                )

    def here(self) -> list[Visit]:
        """Return the cameras heard of lately, by name."""
        now = self._mono_ns()
        with self._lock:
            return sorted(
                (visit for visit in self._visits.values() if now - visit.heard_ns < SILENCE_NS),
                key=lambda visit: visit.name,
            )
