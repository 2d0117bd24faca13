"""The door's TLS: version 1.3, and nobody without a certificate of this force's agency CA that still stands.

It keeps strangers out and is not identity (R4). The revocation list is read anew when its file changes, so a device
that it names gets through no further handshake; its dates are not judged (shared/revocation.py says why). No session is
resumed: every handshake looks at the certificate.
"""

import logging
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509

from openbwv.recording.errors import EXIT_CONFIG, BwvError
from openbwv.shared.revocation import BadRevocationList, Revocations
from openbwv.shared.tls import PeerRefused

HANDSHAKE_S = 10.0
logger = logging.getLogger(__name__)


class NoDoorCertificate(BwvError):
    """The door's certificate, its key, the trust file or the revocation list is not there or cannot be used."""

    code = "no-door-certificate"
    http_status = 500
    exit_code = EXIT_CONFIG

    def __init__(self, problem: object) -> None:
        super().__init__(
            what=f"The door's TLS files cannot be read: {problem}.",
            remedy="STATE/tls holds door.pem, door.key and crl.pem, STATE/trust.pem the agency CA; restore them.",
        )


class DoorTls:
    """Shakes hands with devices of the force whose STATE folder is given; raises NoDoorCertificate."""

    def __init__(self, state: Path) -> None:
        self._list = state / "tls" / "crl.pem"
        self._lock = threading.Lock()
        try:
            self._trust_pem = (state / "trust.pem").read_bytes()
            self._context = _context(self._trust_pem, state / "tls" / "door.pem", state / "tls" / "door.key")
            self._read = self._stamp()
            self._revocations = Revocations.read(self._list.read_bytes(), trust_pem=self._trust_pem)
        except (OSError, ValueError, BadRevocationList) as problem:
            raise NoDoorCertificate(problem) from problem

    def wrap(self, wire: socket.socket) -> ssl.SSLSocket:
        """Return `wire` with TLS on it, before its handshake; raises OSError when the other side has gone."""
        return self._context.wrap_socket(wire, server_side=True, do_handshake_on_connect=False)

    def shake(self, wire: ssl.SSLSocket) -> str:
        """Shake hands and return the serial number of the certificate at the other end; raises OSError."""
        wire.settimeout(HANDSHAKE_S)
        wire.do_handshake()
        try:
            certificate = x509.load_der_x509_certificate(wire.getpeercert(binary_form=True) or b"")
        except ValueError as problem:
            raise PeerRefused("the peer's certificate cannot be read") from problem
        if self._newest().names(certificate):
            raise PeerRefused("the peer's certificate is revoked")
        return f"{certificate.serial_number:x}"

    def _newest(self) -> Revocations:
        """Return what the list says now; one that cannot be read changes nothing, and is named in the output."""
        with self._lock:
            try:
                stamp = self._stamp()
                if stamp != self._read:
                    self._revocations = Revocations.read(self._list.read_bytes(), trust_pem=self._trust_pem)
                    self._read = stamp  # not before: a list that could not be read now is tried again
            except (OSError, BadRevocationList) as problem:
                logger.error("the revocation list cannot be read, the last good one stands: %s", problem)
            return self._revocations

    def _stamp(self) -> tuple[int, int]:
        stat = self._list.stat()
        return stat.st_ino, stat.st_mtime_ns


def _context(trust_pem: bytes, chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(cadata=trust_pem.decode("ascii"))
    context.load_cert_chain(chain, key)
    return context
