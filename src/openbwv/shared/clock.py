"""Where the time comes from.

Code that must know the time is handed a Clock; nothing else of ours asks the system for the date of a deed. A pretend
force (one whose agency CA carries the PRETEND extension, written when the CA was made and never later) may take its
time from a small clock service on a Unix socket, so that 31 days pass in a minute. Any other force refuses that
socket. TLS, certificate dates, sign-in, tokens, leases and timeouts always use the system's clock, never this one.

Wire (Unix stream, lines of ASCII): `now` is answered by `<utc_ms>`; `set <utc_ms>` by `<utc_ms>` or `error earlier`.
"""

import os
import socket
import threading
import time
from pathlib import Path
from typing import Protocol

from cryptography import x509

from openbwv.recording.certificates import PRETEND_OID
from openbwv.recording.errors import EXIT_TRY_LATER, EXIT_USAGE, BwvError

SOCKET_VARIABLE = "BWV_CLOCK_SOCKET"
ANSWER_TIMEOUT_S = 5.0
LINE_LIMIT_BYTES = 64


class ClockRefused(BwvError):
    """A clock service was offered to a force that is not a pretend force."""

    code = "clock-refused"
    http_status = 400
    exit_code = EXIT_USAGE


class ClockLost(BwvError):
    """The clock service does not answer, or its time went backwards."""

    code = "clock-lost"
    http_status = 503
    exit_code = EXIT_TRY_LATER


class Clock(Protocol):
    """What every part of the system may ask about time."""

    def utc_ms(self) -> int:
        """Return milliseconds since 1970 in UTC."""
        ...

    def mono_ns(self) -> int:
        """Return nanoseconds that never go backwards while the machine runs."""
        ...


class SystemClock:
    """The machine's own clock."""

    def utc_ms(self) -> int:
        """Return the system's time in milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000

    def mono_ns(self) -> int:
        """Return the system's monotonic time in nanoseconds."""
        return time.monotonic_ns()


class FixedClock:
    """A clock for tests that moves only when told."""

    def __init__(self, utc_ms: int, *, mono_ns: int = 1_000_000_000) -> None:
        self._utc_ms = utc_ms
        self._mono_ns = mono_ns

    def utc_ms(self) -> int:
        """Return the time it was set to."""
        return self._utc_ms

    def mono_ns(self) -> int:
        """Return the monotonic time, moved by `advance` alone."""
        return self._mono_ns

    def advance(self, ms: int) -> None:
        """Move both times forward by `ms` milliseconds; a negative value is a ValueError."""
        if ms < 0:
            raise ValueError("a clock only goes forward")
        self._utc_ms += ms
        self._mono_ns += ms * 1_000_000


class PretendClock:
    """The clock service of a pretend force; safe to share between threads. Monotonic time stays the system's."""

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._owner_pid = 0
        self._last_utc_ms = 0

    def utc_ms(self) -> int:
        """Ask the service for the time; raises ClockLost when it does not answer or answers an earlier time."""
        with self._lock:
            answer = self._ask_number(b"now\n")
            if answer < self._last_utc_ms:
                raise ClockLost(
                    what=f"The clock service went back from {self._last_utc_ms} to {answer} ms.",
                    remedy="Set it to a later time; a force's clock never goes back.",
                )
            self._last_utc_ms = answer
            return answer

    def mono_ns(self) -> int:
        """Return the system's monotonic time in nanoseconds."""
        return time.monotonic_ns()

    def _ask_number(self, line: bytes) -> int:
        for attempt in (1, 2):  # the service may have been restarted: one new connection, then give up
            try:
                answer = self._exchange(line)
                return int(answer)
            except (OSError, ValueError) as problem:
                self._drop()
                if attempt == 2:
                    raise ClockLost(
                        what=f"The clock service at {self._path} does not answer: {problem}.",
                        remedy="Start it again, or unset " + SOCKET_VARIABLE + ".",
                    ) from problem
        raise AssertionError("unreachable")

    def _exchange(self, line: bytes) -> bytes:
        if self._connection is None or self._owner_pid != os.getpid():  # a forked child must not share the stream
            self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._connection.settimeout(ANSWER_TIMEOUT_S)
            self._connection.connect(self._path)
            self._owner_pid = os.getpid()
        self._connection.sendall(line)
        answer = b""
        while not answer.endswith(b"\n"):
            piece = self._connection.recv(LINE_LIMIT_BYTES)
            if not piece or len(answer) > LINE_LIMIT_BYTES:
                raise ConnectionError("the connection ended in the middle of an answer")
            answer += piece
        return answer

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def is_pretend_ca(agency_ca_pem: bytes) -> bool:
    """Return whether the first certificate in `agency_ca_pem` carries the PRETEND extension."""
    extensions = x509.load_pem_x509_certificate(agency_ca_pem).extensions
    return any(extension.oid == PRETEND_OID for extension in extensions)


def open_clock(agency_ca_pem: bytes | None, socket_path: str | None) -> Clock:
    """Return the process's clock: the system's, or the service at `socket_path` for a pretend force.

    `agency_ca_pem` is the force's trust file, `socket_path` usually the value of BWV_CLOCK_SOCKET. Raises ClockRefused
    (exit 64) when a socket is named and the CA is missing or is not that of a pretend force.
    """
    if not socket_path:
        return SystemClock()
    if agency_ca_pem is None or not is_pretend_ca(agency_ca_pem):
        raise ClockRefused(
            what="A clock service was named, but this force is not a pretend force.",
            remedy=f"Unset {SOCKET_VARIABLE} (or leave out --clock-socket); only a demo force has a movable clock.",
        )
    return PretendClock(socket_path)


def clock_from_environment(trust_file: Path | None) -> Clock:
    """Return `open_clock` for a trust file and the socket that BWV_CLOCK_SOCKET names, if any."""
    pem = trust_file.read_bytes() if trust_file is not None and trust_file.is_file() else None
    return open_clock(pem, os.environ.get(SOCKET_VARIABLE))
