"""Devices that did not get through the TLS handshake at the camera port: why and from where, never who.

What stands: the listener (granian, rustls) demands a certificate under the force's CA and ends every other handshake.
It reports each end to its own log at level DEBUG, with address and reason, and this module listens there. Nothing is
let in, answered or stored for it: at most MOST_KEPT notes in memory, one line an hour for each in the dock's log.

Why the dock cannot say who it was. In TLS 1.3 the server shows its certificate first. A camera of another agency does
not know our CA, so it ends the handshake before it has said anything of itself. A client that goes on and shows a
foreign or expired certificate is refused by rustls, which gives the reason and not the certificate. To get at it we
would have to take the certificate without verifying it on the one listener that cameras know (then every handler
behind it would have to be right, always), or put a TLS server of our own before it that relays every byte (OpenSSL as
Python has it verifies what it asks for as well, and shows a refused certificate in a debugging hook alone). Neither is
worth a name: the address and the reason send a person to the right slot, and the camera itself says on its own screen
why it was refused. So subject and issuer stay unknown here.
"""

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

log = logging.getLogger("openbwv.dock")

MOST_KEPT = 50
QUIET_NS = 3600 * 1_000_000_000
FAILED = re.compile(r"TlsAcceptError \{ error: (?P<error>.*), peer_addr: (?P<address>\S+):\d+ \}")
RAN_OUT = re.compile(r"not_after: UnixTime\((\d{1,12})\)")
REASONS = {  # what rustls says, in the order in which it is looked for; anything else is no device (a cut line, a scan)
    "AlertReceived(UnknownCA)": "it does not know this force: a camera of another agency, or one never enrolled here",
    "AlertReceived(CertificateExpired)": "it says that this dock's certificate ran out",
    "AlertReceived(CertificateRevoked)": "it says that this dock's certificate was revoked",
    "AlertReceived": "it does not take this dock's certificate",
    "UnknownIssuer": "its certificate is of another agency or of nobody's",
    "UnknownRevocationStatus": "its certificate is of another agency or of nobody's",
    "Expired": "its certificate ran out",
    "NotValidYet": "its certificate is not valid yet: compare the clocks",
    "Revoked": "its certificate was revoked",
    "InvalidPurpose": "its certificate is for another use than a camera's",
    "InvalidCertificate": "its certificate is damaged",
    "NoCertificatesPresented": "it showed no certificate",
    "PeerIncompatible": "it does not speak TLS 1.3",
}


@dataclass(frozen=True)
class TurnedAway:
    """One address and reason: how often since this dock started, and when last (monotonic)."""

    address: str
    why: str
    times: int
    last_ns: int
    told_ns: int


class TurnedAwayBook(logging.Handler):
    """Reads the listener's log and keeps a bounded note of failed handshakes; safe to share between threads."""

    def __init__(self, *, mono_ns: Callable[[], int]) -> None:
        super().__init__(logging.DEBUG)
        self.beyond = 0
        self._mono_ns = mono_ns
        self._changing = threading.Lock()
        self._notes: dict[tuple[str, str], TurnedAway] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take in one line of the listener's log; what is no failed handshake is passed on if it is a warning."""
        message = record.getMessage()
        found = FAILED.search(message)
        if found is not None:
            if why := reason(found["error"]):
                self.note(found["address"].strip("[]"), why)
        elif record.levelno >= logging.WARNING:
            log.log(record.levelno, "%s", message)

    def note(self, address: str, why: str) -> None:
        """Count one handshake that failed; past the limit only the count goes on."""
        now_ns = self._mono_ns()
        with self._changing:
            known = self._notes.get((address, why))
            if known is None and len(self._notes) >= MOST_KEPT:
                self.beyond += 1
                return
            known = known or TurnedAway(address, why, 0, now_ns, now_ns - QUIET_NS)
            tell = now_ns - known.told_ns >= QUIET_NS
            told_ns = now_ns if tell else known.told_ns
            self._notes[address, why] = replace(known, times=known.times + 1, last_ns=now_ns, told_ns=told_ns)
        if tell:
            log.warning("a device at %s was turned away: %s", address, why)

    def all(self) -> list[TurnedAway]:
        """Return the notes, the newest first."""
        with self._changing:
            return sorted(self._notes.values(), key=lambda each: -each.last_ns)


def reason(error: str) -> str:
    """Return in words why a handshake failed, an empty text when that is no device's doing."""
    words = next((words for name, words in REASONS.items() if name in error), "")
    if found := RAN_OUT.search(error):
        day = datetime.fromtimestamp(int(found[1]), UTC)
        return f"{words} on {day.day} {day:%B %Y}"
    return words


def listener_log(book: TurnedAwayBook) -> dict[str, object]:
    """Return the logging configuration with which a listener writes to `book` and nowhere else."""
    return {
        "handlers": {"turned-away": {"()": lambda: book}},
        "loggers": {"_granian": {"handlers": ["turned-away"], "propagate": False}},
    }
