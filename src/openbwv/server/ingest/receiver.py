"""The door's receiver: a thread for each connection, from its handshake to its last answer.

Threads and not an event loop, because what an upload costs is hashing, writing and syncing: a thread receives a block
into memory that is used again, hashes and writes it while it lies in the core's cache, without another thread or task
in between (docs/adr/0014). Their number is bounded twice: of those who have not shown a certificate yet the one that
has waited longest makes room; of the others one device has only so many, and the one idle longest of a device that has
more makes room. So nobody keeps the others out.

Whatever is not plain HTTP/1.1 is answered once and ends the connection. A refused body is read to its end and forgotten
when it is short enough; else the connection ends as well. So no byte of a body is ever taken for a request.
"""

import contextlib
import errno
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

from openbwv.recording.errors import BwvError
from openbwv.server.ingest.errors import Busy
from openbwv.server.ingest.head import parse_head
from openbwv.server.ingest.http import STEP_BYTES, Answer, Request, error_answer
from openbwv.server.ingest.inlet import Body, Inlet, PeerGone
from openbwv.server.ingest.pace import Limits
from openbwv.server.ingest.places import NoPlace, Places, WaitingRoom
from openbwv.server.ingest.tls import DoorTls

MOST_BEFORE_TLS, MOST_BEFORE_TLS_OF_ONE = 96, 32
MOST_CONNECTIONS, MOST_CONNECTIONS_OF_ONE = 384, 32
MOST_THREADS = 640  # whatever happens: of 1,024 files that a process may have open
BACKLOG = 256
ANSWERED_AT_ONCE = (411, 413)  # how long such a body is nobody knows, or too long to be taken in and forgotten
DRAIN_LIMIT_BYTES = 64 << 20
DRAIN_S = 60.0
LINGER_S = 2.0
GRACE_S = 10.0
OUT_OF = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
METHODS = ("GET", "PUT", "POST")
logger = logging.getLogger(__name__)


class Receiver:
    """Accepts connections on `listener` and has `answer` answer their requests; without `tls` only for measuring."""

    def __init__(
        self,
        listener: socket.socket,
        answer: Callable[[Request], Answer],
        tls: DoorTls | None,
        *,
        limits: Limits | None = None,
    ) -> None:
        self._listener, self._answer, self._tls = listener, answer, tls
        self._limits = limits or Limits()
        self._strangers = WaitingRoom(most=MOST_BEFORE_TLS, most_of_one=MOST_BEFORE_TLS_OF_ONE)
        self._devices = Places(most=MOST_CONNECTIONS, most_of_one=MOST_CONNECTIONS_OF_ONE)
        self._state = threading.Condition()
        self._idle: dict[socket.socket, float] = {}  # between two requests, since when
        self._answering = 0
        self._stopping = False

    def serve(self) -> None:
        """Accept until `stop`, then wait a little for what is in hand."""
        while not self._stopping:
            try:
                wire, address = self._listener.accept()
            except OSError as problem:
                if problem.errno in OUT_OF:
                    logger.error("the door cannot take a connection: %s", problem)
                    time.sleep(0.1)
                continue
            self._begin(wire, str(address[0]))
        self._listener.close()
        with self._state:
            self._state.wait_for(lambda: not self._answering, timeout=GRACE_S)

    def stop(self) -> None:
        """Take no further connection or request. Safe in a signal handler: it waits for nothing."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RD)
        threading.Thread(target=self._send_home, daemon=True).start()

    def _send_home(self) -> None:
        with self._state:
            for wire in self._idle:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(wire, socket.SHUT_RD)  # SSLSocket's own would take its TLS off

    def _begin(self, wire: socket.socket, address: str) -> None:
        """Give a new connection its thread."""
        try:
            if threading.active_count() < MOST_THREADS:
                wire = self._tls.wrap(wire) if self._tls is not None else wire
                self._strangers.enter(wire, address)
                threading.Thread(target=self._run, args=(wire, address), daemon=True).start()
                return
        except (OSError, RuntimeError) as problem:
            logger.debug("a connection could not begin: %s", problem)
        self._strangers.leave(wire)
        wire.close()

    def _run(self, wire: socket.socket, address: str) -> None:
        whose = address
        try:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None and isinstance(wire, ssl.SSLSocket):
                whose = self._tls.shake(wire)
            self._strangers.leave(wire)
            with self._devices.place(whose, _Connection(wire, self._idle)):
                self.converse(wire)
        except NoPlace as full:
            _refuse(wire, Busy(what=f"There are {full.most} connections already.", remedy="Try again in a second."))
        except (PeerGone, OSError):
            pass  # a stranger, or somebody who left: there is nobody to answer
        except Exception:
            logger.exception("the door failed on a connection")
        finally:
            self._strangers.leave(wire)
            wire.close()

    def converse(self, wire: socket.socket) -> None:
        """Answer the requests of one connection, one after the other; raises PeerGone."""
        inlet = Inlet(wire, self._limits)
        while True:
            try:
                raw = self._next_head(wire, inlet)
                if not raw:
                    return
                head = parse_head(raw)
            except BwvError as refusal:
                return _refuse(wire, refusal)
            body = Body(inlet, head.length, expects_continue=head.expects_continue)
            request = Request(head.method, head.path, head.query, head.headers, body)
            with self._in_hand():
                answer = self._answer(request)
                goes_on = not (head.closes or self._stopping) and head.method in METHODS and _can_forget(body, answer)
                inlet.send(answer.encode(closes=not goes_on))
            if not goes_on:
                return _linger(wire) if body.left else None
            _forget(body)

    def _next_head(self, wire: socket.socket, inlet: Inlet) -> bytes:
        with self._state:
            if self._stopping:
                return b""
            self._idle[wire] = time.monotonic()
        try:
            return inlet.head()
        finally:
            with self._state:
                self._idle.pop(wire, None)

    @contextlib.contextmanager
    def _in_hand(self) -> Iterator[None]:
        with self._state:
            self._answering += 1
        try:
            yield
        finally:
            with self._state:
                self._answering -= 1
                self._state.notify_all()


class _Connection:
    """A connection as the occupant of a place: it gives way between two requests, the one idle longest first."""

    def __init__(self, wire: socket.socket, idle: dict[socket.socket, float]) -> None:
        self._wire, self._idle = wire, idle

    def slowness(self) -> float | None:
        """Return since when it is idle, None while a request is under way."""
        return self._idle.get(self._wire)

    def send_away(self) -> None:
        """Have its thread wake up and end."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._wire, socket.SHUT_RDWR)  # SSLSocket's own would take its TLS off


def _can_forget(body: Body, answer: Answer) -> bool:
    """Say whether what is left of a body may be read and forgotten, so that the next request can be found behind it."""
    if not body.left:
        return True
    return not body.waits and body.left <= DRAIN_LIMIT_BYTES and answer.status not in ANSWERED_AT_ONCE


def _forget(body: Body) -> None:
    """Take in what is left of a body; raises PeerGone when that takes too long."""
    deadline = time.monotonic() + DRAIN_S
    step = memoryview(bytearray(min(body.left, STEP_BYTES)))
    while body.left:
        body.read_into(step)
        if time.monotonic() > deadline:
            raise PeerGone


def _refuse(wire: socket.socket, refusal: BwvError) -> None:
    """Answer what cannot be taken, if there is still somebody to answer; the connection ends with it."""
    with contextlib.suppress(PeerGone):
        Inlet(wire, Limits()).send(error_answer(refusal).encode(closes=True))
        _linger(wire)


def _linger(wire: socket.socket) -> None:
    """Let the answer arrive: a connection that is closed with bytes unread is reset, and the answer lost with it."""
    deadline = time.monotonic() + LINGER_S
    with contextlib.suppress(OSError):
        socket.socket.shutdown(wire, socket.SHUT_WR)
        while (left_s := deadline - time.monotonic()) > 0:
            wire.settimeout(left_s)
            if not socket.socket.recv(wire, STEP_BYTES):  # as it comes, not deciphered: nobody looks at it
                return
