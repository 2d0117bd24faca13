"""The certificates of a force: one agency CA, and leaves that are each good for one use alone.

Rule: a leaf carries exactly one of our extended key usages (openbwv.recording.certificates) and, where TLS needs it,
the client or server usage beside it; a SAN URI names who it is (`urn:bwv:camera:0417`). A key certified for one use is
nothing in another place: a dock's key cannot sign an evidence receipt, nor a camera's an assignment.
Source: RFC 5280 sections 4.2 and 5; lifetime of leaves 397 days; P-256 everywhere, Ed25519 for the log's key alone.
Dates are the system's, never a pretend clock's: TLS would not accept others.
"""

import enum
import hashlib
import ipaddress
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from openbwv.recording import certificates
from openbwv.recording.errors import BwvError
from openbwv.recording.issue import issue as issue_leaf
from openbwv.recording.issue import make_root

LEAF_DAYS = 397
AGENCY_DAYS = 3650
CRL_DAYS = 397  # devices may be away for long; freshness comes from the CRL number, not from this date
BACKDATE_MS = 3_600_000  # a device whose clock is a little behind must not refuse a new certificate

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Profile(enum.Enum):
    """What a leaf is for: our usage, the TLS usages beside it, and the word in its SAN URI."""

    CAMERA = (certificates.USE_CAMERA, (ExtendedKeyUsageOID.CLIENT_AUTH,), "camera")
    DOCK = (certificates.USE_DOCK, (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH), "dock")
    DOOR = (certificates.USE_DOOR, (ExtendedKeyUsageOID.SERVER_AUTH,), "door")
    RECEIPT = (certificates.USE_RECEIPT, (), "receipt")
    LOG = (certificates.USE_LOG, (), "log")
    RECORDS = (certificates.USE_RECORDS, (), "records")
    EXPORT = (certificates.USE_EXPORT, (), "export")
    FLEET = (certificates.USE_FLEET, (), "fleet")

    @property
    def use(self) -> x509.ObjectIdentifier:
        """Our extended key usage."""
        return self.value[0]

    @property
    def tls_usages(self) -> tuple[x509.ObjectIdentifier, ...]:
        """The usages that TLS asks for, beside ours."""
        return self.value[1]

    def urn(self, name: str) -> str:
        """Return the SAN URI of the device or key called `name`."""
        return f"urn:bwv:{self.value[2]}:{name}"


class BadRequest(BwvError):
    """A certificate request that cannot be granted."""

    code = "bad-csr"
    http_status = 400


def make_agency(
    name: str, *, pretend: bool = False, now_ms: int | None = None, days: int = AGENCY_DAYS
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Make the CA of a force called `name`; `pretend` writes the PRETEND extension, which cannot be added later."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = make_root(
        key,
        organisation=name,
        serial=x509.random_serial_number(),
        from_utc_ms=_start_ms(now_ms),
        days=days,
        pretend=pretend,
    )
    return key, x509.load_der_x509_certificate(root)


def make_csr(key: PrivateKey, common_name: str) -> bytes:
    """Return a DER certificate request for `key`; the name in it is only a wish."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, algorithm)
    return request.public_bytes(serialization.Encoding.DER)


def read_csr(der: bytes) -> x509.CertificateSigningRequest:
    """Return the request in `der` after checking its own signature and its kind of key; raises BadRequest."""
    try:
        request = x509.load_der_x509_csr(der)
        if not request.is_signature_valid:
            raise InvalidSignature
        public_key = request.public_key()
    except (ValueError, InvalidSignature, TypeError) as problem:
        raise BadRequest(
            what="The certificate request is damaged or not signed by its own key.",
            remedy="Start the enrolment again; the device makes a new request.",
        ) from problem
    _check_key(public_key)
    return request


def issue(
    *,
    agency_key: ec.EllipticCurvePrivateKey,
    agency: x509.Certificate,
    public_key: PublicKey,
    profile: Profile,
    name: str,
    hosts: Sequence[str] = (),
    now_ms: int | None = None,
    days: int = LEAF_DAYS,
) -> x509.Certificate:
    """Certify `public_key` for `profile` under the name `name`; `hosts` become DNS or IP names beside the URI.

    Raises BadRequest for a kind of key we do not certify, or a name that cannot stand in a certificate.
    """
    _check_key(public_key)
    if not name or len(name) > 64 or not name.isascii() or not all(c.isalnum() or c in "._-" for c in name):
        raise BadRequest(
            what=f"'{name[:70]}' cannot be the name in a certificate.",
            remedy="Use 1 to 64 letters, digits, dots, hyphens or underscores.",
        )
    leaf = issue_leaf(
        public_key,
        root_der=to_der(agency),
        root_key=agency_key,
        use=profile.use,
        common_name=name,
        serial=x509.random_serial_number(),
        from_utc_ms=_start_ms(now_ms),
        days=days,
        san=[x509.UniformResourceIdentifier(profile.urn(name)), *map(_host_name, hosts)],
        also=list(profile.tls_usages),
    )
    return x509.load_der_x509_certificate(leaf)


def make_crl(
    *,
    agency_key: ec.EllipticCurvePrivateKey,
    agency: x509.Certificate,
    revoked: Iterable[tuple[int, datetime]],
    number: int,
    now_ms: int | None = None,
) -> bytes:
    """Return the PEM revocation list that names the serial numbers in `revoked`; `number` rises with every list."""
    start = datetime.fromtimestamp(_start_ms(now_ms) // 1000, UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(agency.subject)
        .last_update(start)
        .next_update(start + timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(agency_key.public_key()), critical=False)
    )
    for serial, since in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(agency_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def kid_of(public_key: PublicKey) -> bytes:
    """Return the key's identifier: SHA-256 of its SubjectPublicKeyInfo, 32 bytes."""
    return hashlib.sha256(spki_of(public_key)).digest()


def spki_of(public_key: PublicKey) -> bytes:
    """Return the key's DER SubjectPublicKeyInfo."""
    return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def to_der(certificate: x509.Certificate) -> bytes:
    """Return a certificate's DER bytes."""
    return certificate.public_bytes(serialization.Encoding.DER)


def to_pem(chain: Iterable[x509.Certificate]) -> bytes:
    """Return certificates as PEM, one after the other (leaf first when it is a chain)."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in chain)


def key_to_pem(key: PrivateKey) -> bytes:
    """Return an unencrypted PKCS#8 key; write it with mode 0600 only."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _start_ms(now_ms: int | None) -> int:
    return (time.time_ns() // 1_000_000 if now_ms is None else now_ms) - BACKDATE_MS


def _check_key(public_key: object) -> None:
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        return
    if isinstance(public_key, ec.EllipticCurvePublicKey) and isinstance(public_key.curve, ec.SECP256R1):
        return
    raise BadRequest(
        what="The request is for a kind of key that is not used here.",
        remedy="Make a P-256 key (ES256) and a new request.",
    )


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
