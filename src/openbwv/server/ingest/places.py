"""A bounded number of places, in all and for each device: whoever opens all it can still leaves the door to others.

When every place is taken, a slow one gives way to a device that holds fewer: the slowest of those devices that hold
more. So no number of certificates keeps the door shut by dripping, and a slow line is cut only while places are short.
"""

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class NoPlace(Exception):
    """Every place is taken; `of_one` says that this holder has all that one may have."""

    def __init__(self, most: int, *, of_one: bool) -> None:
        super().__init__(most)
        self.most, self.of_one = most, of_one


class Occupant(Protocol):
    """What holds a place."""

    def slowness(self) -> float | None:
        """Return a number, the smaller the sooner it gives way; None while it need not."""

    def send_away(self) -> None:
        """Have it leave soon; called once at most, before it has left."""


@dataclass(eq=False)
class Place:
    """One place that is taken."""

    whose: str
    occupant: Occupant | None


class Places:
    """Knows who holds which; safe between threads."""

    def __init__(self, *, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._taken: dict[Place, None] = {}
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, whose: str, occupant: Occupant | None = None) -> Place:
        """Take a place, to be given back with `leave`; raises NoPlace. One without an occupant never gives way."""
        with self._lock:
            if self._held[whose] >= self._most_of_one:
                raise NoPlace(self._most_of_one, of_one=True)
            if len(self._taken) >= self._most:
                slowest = self._slowest(more_than=self._held[whose])
                if slowest is None or slowest.occupant is None:
                    raise NoPlace(self._most, of_one=False)
                slowest.occupant.send_away()
                self._forget(slowest)
            place = Place(whose, occupant)
            self._taken[place] = None
            self._held[whose] += 1
            return place

    def leave(self, place: Place) -> None:
        """Give a place back, unless it was given to another already."""
        with self._lock:
            if place in self._taken:
                self._forget(place)

    @contextlib.contextmanager
    def place(self, whose: str, occupant: Occupant | None = None) -> Iterator[None]:
        """Hold a place inside the `with`; raises NoPlace."""
        place = self.take(whose, occupant)
        try:
            yield
        finally:
            self.leave(place)

    def _slowest(self, *, more_than: int) -> Place | None:
        """Return the slowest place of the devices that hold more than so many, or None when nobody need give way."""
        slow = [
            (slowness, place)
            for place in self._taken
            if self._held[place.whose] > more_than
            and place.occupant is not None
            and (slowness := place.occupant.slowness()) is not None
        ]
        return min(slow, key=lambda each: each[0])[1] if slow else None

    def _forget(self, place: Place) -> None:
        del self._taken[place]
        self._held[place.whose] -= 1
        if not self._held[place.whose]:
            del self._held[place.whose]


class WaitingRoom:
    """Connections that have not shown a certificate yet.

    When it is full, in all or for one address, the one that has waited longest is sent away: a handshake takes
    milliseconds, so whoever connects and says nothing keeps nobody out.
    """

    def __init__(self, *, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._inside: dict[socket.socket, str] = {}  # in the order they came
        self._lock = threading.Lock()

    def enter(self, wire: socket.socket, address: str) -> None:
        """Let a connection in, to be taken out with `leave`."""
        with self._lock:
            of_one = [each for each, whose in self._inside.items() if whose == address]
            if len(of_one) >= self._most_of_one:
                self._send_away(of_one[0])
            elif len(self._inside) >= self._most:
                self._send_away(next(iter(self._inside)))
            self._inside[wire] = address

    def leave(self, wire: socket.socket) -> None:
        """Forget a connection: it showed a certificate, or it ended."""
        with self._lock:
            self._inside.pop(wire, None)

    def _send_away(self, wire: socket.socket) -> None:
        del self._inside[wire]
        with contextlib.suppress(OSError):
            socket.socket.shutdown(wire, socket.SHUT_RDWR)  # its thread wakes and ends
