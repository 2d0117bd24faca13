"""The movable clock of a pretend force: a small service on a Unix socket.

A force whose agency CA carries the PRETEND extension takes its time from here, so that a month passes in a minute.
Between two settings the time runs on as usual. It never goes back: a value earlier than now is refused.

Wire (lines of ASCII): `now` is answered by `<utc_ms>`; `set <utc_ms>` by `<utc_ms>`, or by `error earlier`; anything
else by `error unknown`.
"""

import contextlib
import os
import socketserver
import threading
import time
from pathlib import Path

LINE_LIMIT_BYTES = 64


class MovableClock:
    """A time that runs, and can be moved forward; safe to share between threads."""

    def __init__(self, utc_ms: int) -> None:
        self._lock = threading.Lock()
        self._base_utc_ms = utc_ms
        self._base_mono_ns = time.monotonic_ns()

    def utc_ms(self) -> int:
        """Return the pretend time in milliseconds since 1970, UTC."""
        with self._lock:
            return self._now()

    def move_to(self, utc_ms: int) -> bool:
        """Set the time; False, and nothing changed, when `utc_ms` is earlier than now."""
        with self._lock:
            if utc_ms < self._now():
                return False
            self._base_utc_ms, self._base_mono_ns = utc_ms, time.monotonic_ns()
            return True

    def _now(self) -> int:
        return self._base_utc_ms + (time.monotonic_ns() - self._base_mono_ns) // 1_000_000


class ClockService:
    """Serves a MovableClock at a socket path until `stop`."""

    def __init__(self, path: Path, clock: MovableClock) -> None:
        self.path = path
        self.clock = clock
        with contextlib.suppress(FileNotFoundError):
            path.unlink()  # left by a demo that was killed
        self._server = _Server(str(path), _Conversation)
        path.chmod(0o600)
        self._server.clock = clock
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="clock")
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and remove the socket."""
        self._server.shutdown()
        self._server.server_close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
    clock: MovableClock


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        """Answer lines until the client hangs up."""
        with contextlib.suppress(ConnectionError):
            while line := self.rfile.readline(LINE_LIMIT_BYTES):
                self.wfile.write(answer(self.server.clock, line))


def answer(clock: MovableClock, line: bytes) -> bytes:
    """Return the answer to one line of the wire."""
    words = line.split()
    if words == [b"now"]:
        return b"%d\n" % clock.utc_ms()
    if len(words) == 2 and words[0] == b"set" and words[1].isdigit():
        return b"%d\n" % int(words[1]) if clock.move_to(int(words[1])) else b"error earlier\n"
    return b"error unknown\n"
