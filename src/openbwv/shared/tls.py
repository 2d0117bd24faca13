"""TLS 1.3 between devices of one force.

Rule: the peer's certificate hangs under the one pinned agency CA, is not revoked, and carries one of the usages the
caller names. Host names are not identity here (a dock moves between stations and addresses), usages are. The check
runs inside the handshake, so not one byte of a request leaves before it. This keeps strangers out and no more: who is
speaking is proved by signed messages (docs/ref/door.md).
"""

import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509

from openbwv.recording import USE_DOOR
from openbwv.shared.agency import Profile
from openbwv.shared.revocation import Revocations


class PeerRefused(ssl.SSLError):
    """The peer's certificate is under our CA but is not good for this; an `ssl.SSLError`, as callers expect one."""


@dataclass(frozen=True)
class TlsIdentity:
    """Where a device's private key and certificate chain are."""

    key_file: Path
    chain_file: Path


def client_context(
    *,
    trust_pem: bytes,
    identity: TlsIdentity | None,
    uses: Collection[x509.ObjectIdentifier],
    revocations: Revocations | None = None,
    met: Callable[[x509.Certificate], None] | None = None,
) -> ssl.SSLContext:
    """Return a context that accepts only peers of this force with one of `uses`, and speaks as `identity`.

    `met` hears of the certificate of every peer that was accepted.
    """

    def check(peer_der: bytes) -> None:
        peer = x509.load_der_x509_certificate(peer_der)
        if revocations is not None and revocations.names(peer):
            raise PeerRefused("the peer's certificate is revoked")
        if not set(uses) & set(_usages(peer)):
            raise PeerRefused("the peer's certificate is for another use")
        if met is not None:
            met(peer)

    context = _context(check)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=trust_pem.decode("ascii"))
    if identity is not None:
        context.load_cert_chain(identity.chain_file, identity.key_file)
    return context


def first_meeting_context(seen: Callable[[bytes], None]) -> ssl.SSLContext:
    """Return a context for enrolment, before there is a CA to trust: `seen` gets the peer's SPKI of every connection.

    It may raise PeerRefused. The six digits, not TLS, say who the peer is.
    """

    def check(peer_der: bytes) -> None:
        seen(spki_of_certificate(peer_der))

    context = _context(check)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def may_be_door(certificate: x509.Certificate, name: str) -> bool:
    """Return whether the peer with this certificate may ask for a hello to the door `name`.

    A server's door may name itself; a dock only by the name it was enrolled under, else it could hand on the server's
    nonce and speak there as the device that signed.
    """
    if USE_DOOR in _usages(certificate):
        return True
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return Profile.DOCK.urn(name) in uris


def spki_of_certificate(der: bytes) -> bytes:
    """Return the DER SubjectPublicKeyInfo of a DER certificate."""
    from cryptography.hazmat.primitives import serialization

    key = x509.load_der_x509_certificate(der).public_key()
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _context(check: Callable[[bytes], None]) -> ssl.SSLContext:
    class CheckedSocket(ssl.SSLSocket):
        """Checks the peer as the last act of the handshake."""

        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            peer_der = self.getpeercert(binary_form=True)
            if peer_der is None:
                raise PeerRefused("the peer showed no certificate")
            check(peer_der)

    context: Any = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.sslsocket_class = CheckedSocket
    return context


def _usages(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return []
