"""What comes in over one connection: heads up to a limit, bodies of exactly the announced length.

Every wait has an end. A head is there within ten seconds of its first byte; a body keeps up a least pace (`pace`), or
the connection ends: a sender that drips holds a thread, and a place of others.
"""

import contextlib
import socket
import time

from openbwv.server.ingest.errors import HeadTooLong, TooSlow
from openbwv.server.ingest.head import END
from openbwv.server.ingest.pace import Limits, Pace

HEAD_LIMIT_BYTES = 16 << 10
HEAD_S = 10.0
IDLE_S = 60.0
SEND_S = 30.0
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class PeerGone(Exception):
    """The other side closed the connection or fell silent in the middle of its request; there is nobody to answer."""


class Inlet:
    """Reads one connection. What came in behind a head is kept for what follows it: the body, or the next head."""

    def __init__(self, wire: socket.socket, limits: Limits) -> None:
        self.limits = limits
        self._wire = wire
        self._ahead = b""

    def head(self) -> bytes:
        """Return the next request's head with its blank line, or nothing when no other comes.

        Raises TooSlow, HeadTooLong, PeerGone.
        """
        held, self._ahead = self._ahead, b""
        deadline = time.monotonic() + (HEAD_S if held else IDLE_S)
        while END not in held:
            if len(held) >= HEAD_LIMIT_BYTES:
                break
            chunk = self._receive(deadline, begun=bool(held))
            if not chunk:
                return b""
            if not held:
                deadline = time.monotonic() + HEAD_S
            held += chunk
        head, end, self._ahead = held.partition(END)
        if len(head) + len(END) > HEAD_LIMIT_BYTES:
            raise HeadTooLong(what=f"The head has more than {HEAD_LIMIT_BYTES} bytes.", remedy="Send less in it.")
        return head + end

    def _receive(self, deadline: float, *, begun: bool) -> bytes:
        """Return what is there next; nothing at the end of a connection that has said all it began to say."""
        try:
            self._wire.settimeout(max(0.001, deadline - time.monotonic()))
            chunk = self._wire.recv(HEAD_LIMIT_BYTES)
        except TimeoutError:
            if begun:
                raise TooSlow from None
            return b""
        except OSError as problem:
            raise PeerGone from problem
        if begun and not chunk:
            raise PeerGone
        return chunk

    def fill(self, view: memoryview, pace: Pace) -> None:
        """Fill all of `view` with what comes next of a body; raises PeerGone, also for one that is too slow."""
        got = min(len(self._ahead), len(view))
        view[:got], self._ahead = self._ahead[:got], self._ahead[got:]
        pace.is_too_slow(got, 0.0)
        try:
            self._wire.settimeout(self.limits.window_s)
            while got < len(view):
                pace.waits_since_s = asked_s = time.monotonic()
                count = self._wire.recv_into(view[got:])
                pace.waits_since_s = None
                if not count or pace.is_too_slow(count, time.monotonic() - asked_s):
                    raise PeerGone
                got += count
        except OSError as problem:
            raise PeerGone from problem

    def send(self, data: bytes) -> None:
        """Send all of `data`; raises PeerGone."""
        try:
            self._wire.settimeout(SEND_S)
            self._wire.sendall(data)
        except OSError as problem:
            raise PeerGone from problem

    def end(self) -> None:
        """Have whoever waits for this connection wake up and leave it. From any thread, while it is not closed."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._wire, socket.SHUT_RDWR)  # SSLSocket's own would take its TLS off


class Body:
    """The body of one request: `length` bytes (None: it announced none), of which `left` are still to come."""

    def __init__(self, inlet: Inlet, length: int | None, *, expects_continue: bool = False) -> None:
        self._inlet = inlet
        self.length = length
        self.left = length or 0
        self.waits = expects_continue and self.left > 0
        self._pace = Pace(inlet.limits)

    def read_into(self, buffer: memoryview) -> int:
        """Fill `buffer`, or as much of it as is left, and return how much that was; raises PeerGone."""
        if self.waits:
            self._inlet.send(CONTINUE)
            self.waits = False
        count = min(self.left, len(buffer))
        if count:
            self._inlet.fill(buffer[:count], self._pace)
            self.left -= count
        return count

    def slowness(self) -> float | None:
        """Return its bytes a second where it is slow enough to give way when every place is taken, else None."""
        return self._pace.slowness(time.monotonic())

    def send_away(self) -> None:
        """End its connection; whoever reads it gets PeerGone."""
        self._inlet.end()
