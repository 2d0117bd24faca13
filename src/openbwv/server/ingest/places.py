"""A bounded number of places, in all and for each holder: whoever opens all it can still leaves the door to others."""

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator


class NoPlace(Exception):
    """Every place is taken; `of_one` says that this holder has all that one may have."""

    def __init__(self, most: int, *, of_one: bool) -> None:
        super().__init__(most)
        self.most, self.of_one = most, of_one


class Places:
    """Counts who holds how many; safe between threads."""

    def __init__(self, *, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._held: Counter[str] = Counter()
        self._count = 0
        self._lock = threading.Lock()

    def take(self, whose: str) -> None:
        """Take a place, to be given back with `leave`; raises NoPlace."""
        with self._lock:
            if self._count >= self._most:
                raise NoPlace(self._most, of_one=False)
            if self._held[whose] >= self._most_of_one:
                raise NoPlace(self._most_of_one, of_one=True)
            self._held[whose] += 1
            self._count += 1

    def leave(self, whose: str) -> None:
        """Give one place back."""
        with self._lock:
            self._count -= 1
            self._held[whose] -= 1
            if not self._held[whose]:
                del self._held[whose]

    @contextlib.contextmanager
    def place(self, whose: str) -> Iterator[None]:
        """Hold a place inside the `with`; raises NoPlace."""
        self.take(whose)
        try:
            yield
        finally:
            self.leave(whose)


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
