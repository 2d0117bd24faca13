"""Certificate chains: what a key may be used for, and under which agency it stands.

Rule: a chain carries its root and is checked in itself first: every issuer's signature, CA flags, path lengths, key
use, dates against the time of signing. Whether that root is *ours* is the second, separate question (`Trust.judge`).
A leaf is for one use alone, named by an extended key usage under our arc of UUID-derived OIDs (ITU-T X.667).
Source: RFC 5280 sections 4.2.1.3, 4.2.1.9, 4.2.1.12 and 6.1, without policies and name constraints, which are refused
where critical. Revocation is the server's: a file judged offline says so.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

from openbwv.recording.cose import load_public, spki
from openbwv.recording.problems import CertificateDates, CertificateError, CertificateUse

ARC = "2.25.338029168601376529075508475928103131891"
USE_CAMERA, USE_DOCK, USE_RECEIPT, USE_LOG, USE_RECORDS, USE_EXPORT, USE_FLEET, USE_DOOR = (
    x509.ObjectIdentifier(f"{ARC}.1.{number}") for number in range(1, 9)
)
USES = {
    USE_CAMERA: "camera",
    USE_DOCK: "dock",
    USE_RECEIPT: "receipt",
    USE_LOG: "log",
    USE_RECORDS: "records",
    USE_EXPORT: "export",
    USE_FLEET: "fleet",
    USE_DOOR: "door",
}
PRETEND_OID = x509.ObjectIdentifier(f"{ARC}.2.1")
KNOWN_CRITICAL = {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE}
UNREADABLE = (  # what the library raises for certificates that are no certificates
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
Standing = Literal["trusted", "same-name", "unknown"]


@dataclass(frozen=True)
class ChainFacts:
    """What a chain that holds in itself says. `fingerprint` names the leaf's key; `kid` is the same as bytes."""

    leaf: x509.Certificate
    chain: tuple[bytes, ...]
    root_sha256: bytes
    root_subject: bytes
    root_name: str
    kid: bytes
    public_der: bytes
    san_uri: str | None
    pretend: bool

    @property
    def fingerprint(self) -> str:
        """The signing key, as people compare it: SHA-256 of its SubjectPublicKeyInfo in hex."""
        return self.kid.hex()

    @cached_property  # asked for with every entry of a recording
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The signing key (P-256); raises WrongKey for a log's certificate, whose key is Ed25519."""
        return load_public(self.public_der)


def check_chain(
    chain_der: list[bytes] | tuple[bytes, ...],
    *,
    use: x509.ObjectIdentifier,
    at_utc_ms: int | None = None,
    uncertainty_ms: int = 0,
) -> ChainFacts:
    """Check a chain (leaf first, root last) in itself; raises CertificateError, CertificateUse or CertificateDates.

    `at_utc_ms` is the time of signing; None leaves the dates unchecked.
    """
    try:
        facts = _checked(tuple(chain_der), use)
    except UNREADABLE as error:  # the library parses names, keys and extensions only when they are asked for
        raise CertificateError("A certificate in the chain cannot be read.") from error
    if at_utc_ms is not None:
        check_dates(facts, at_utc_ms, uncertainty_ms)
    return facts


def _checked(chain: tuple[bytes, ...], use: x509.ObjectIdentifier) -> ChainFacts:
    if len(chain) < 2:
        raise CertificateError("The certificate chain needs a leaf and its root.")
    certificates = [_load(der) for der in chain]
    _check_leaf(certificates[0], use)
    for depth, issuer in enumerate(certificates[1:]):
        _check_issuer(issuer, certificates[depth], depth)
    root = certificates[-1]
    if root.subject != root.issuer:
        raise CertificateError("The certificate chain does not end in a root.")
    _check_signed_by(root, root)
    return _facts(certificates, chain)


def _facts(certificates: list[x509.Certificate], chain: tuple[bytes, ...]) -> ChainFacts:
    leaf, root = certificates[0], certificates[-1]
    public_der = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return ChainFacts(
        leaf=leaf,
        chain=chain,
        root_sha256=hashlib.sha256(chain[-1]).digest(),
        root_subject=root.subject.public_bytes(),
        root_name=root.subject.rfc4514_string(),
        kid=hashlib.sha256(public_der).digest(),
        public_der=public_der,
        san_uri=_san_uri(leaf),
        pretend=_has(root, PRETEND_OID),
    )


def _load(der: bytes) -> x509.Certificate:
    certificate = x509.load_der_x509_certificate(der)
    if certificate.version != x509.Version.v3 or certificate.serial_number <= 0:
        raise CertificateError("A certificate is not of version 3 or has no positive serial number.")
    if not der.endswith(b"\x00" + certificate.signature):  # the count of unused bits is not signed: one spelling only
        raise CertificateError("The signature of a certificate is not a whole number of bytes.")
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in KNOWN_CRITICAL:
            raise CertificateError(f"A certificate has the unknown critical extension {extension.oid.dotted_string}.")
    return certificate


def _p256(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CertificateError("A certificate's key is not on the curve P-256.")
    if spki(key) not in certificate.tbs_certificate_bytes:  # its hash is the kid, so it has one spelling
        raise CertificateError("A certificate's key is not spelled as an uncompressed point.")
    return key


def _has(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> bool:
    return any(extension.oid == oid for extension in certificate.extensions)


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    found = [e.value for e in certificate.extensions if isinstance(e.value, x509.BasicConstraints)]
    return found[0] if found else None


def _usage(certificate: x509.Certificate) -> x509.KeyUsage:
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.KeyUsage):
            return extension.value
    raise CertificateError("A certificate does not say what its key may do (key usage).")


def _check_leaf(leaf: x509.Certificate, use: x509.ObjectIdentifier) -> None:
    constraints = _constraints(leaf)
    if constraints is not None and constraints.ca:
        raise CertificateError("The signing certificate is a CA certificate.")
    if not _usage(leaf).digital_signature:
        raise CertificateUse("The signing certificate may not sign.")
    uses = [e.value for e in leaf.extensions if isinstance(e.value, x509.ExtendedKeyUsage)]
    ours = {oid for usage in uses for oid in usage if oid.dotted_string.startswith(ARC + ".1.")}
    if ours != {use}:
        found = ", ".join(sorted(USES.get(oid, oid.dotted_string) for oid in ours)) or "nothing of ours"
        raise CertificateUse(f"The certificate is for {found}, not for {USES.get(use, use.dotted_string)} alone.")
    if use == USE_LOG:  # C2SP signed notes are Ed25519; everything else of ours is ES256
        if not isinstance(leaf.public_key(), ed25519.Ed25519PublicKey):
            raise CertificateError("The log's certificate does not hold an Ed25519 key.")
    else:
        _p256(leaf)


def _check_issuer(issuer: x509.Certificate, child: x509.Certificate, depth: int) -> None:
    constraints = _constraints(issuer)
    if constraints is None or not constraints.ca or not _usage(issuer).key_cert_sign:
        raise CertificateError("A certificate was issued by one that is not a CA.")
    if constraints.path_length is not None and depth > constraints.path_length:
        raise CertificateError("The certificate chain is longer than its CA allows.")
    _check_signed_by(child, issuer)


def _check_signed_by(child: x509.Certificate, issuer: x509.Certificate) -> None:
    if child.signature_algorithm_oid != SignatureAlgorithmOID.ECDSA_WITH_SHA256:
        raise CertificateError("A certificate is not signed with ECDSA and SHA-256.")
    _p256(issuer)
    try:
        child.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise CertificateError("The signature of a certificate does not hold under its issuer.") from error


def _san_uri(leaf: x509.Certificate) -> str | None:
    for extension in leaf.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            uris = extension.value.get_values_for_type(x509.UniformResourceIdentifier)
            return uris[0] if uris else None
    return None


def check_dates(facts: ChainFacts, at_utc_ms: int, uncertainty_ms: int = 0) -> None:
    """Check every certificate's dates at a time known to within `uncertainty_ms`; raises CertificateDates."""
    for der in facts.chain:
        certificate = x509.load_der_x509_certificate(der)
        earliest, latest = _ms(certificate.not_valid_before_utc), _ms(certificate.not_valid_after_utc)
        if at_utc_ms + uncertainty_ms < earliest or at_utc_ms - uncertainty_ms > latest:
            raise CertificateDates(
                f"The certificate of {certificate.subject.rfc4514_string()} was not valid at the time of signing."
            )


def _ms(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1000


class Trust:
    """The roots a person decided to believe: the content of a trust file."""

    def __init__(self, roots: list[x509.Certificate]) -> None:
        self._roots = {hashlib.sha256(root.public_bytes(Encoding.DER)).digest() for root in roots}
        self._names = {root.subject.public_bytes() for root in roots}
        self.roots = tuple(roots)

    @classmethod
    def load(cls, pem: bytes) -> "Trust":
        """Read a trust file: one or more PEM certificates; raises CertificateError."""
        try:
            return cls(x509.load_pem_x509_certificates(pem))
        except UNREADABLE as error:
            raise CertificateError(
                "The trust file holds no readable certificate.", "Name a PEM file with the agency's CA certificate."
            ) from error

    def judge(self, facts: ChainFacts) -> Standing:
        """Say how a chain's root stands to the believed ones; the same name with another key is the bad case."""
        if facts.root_sha256 in self._roots:
            return "trusted"
        return "same-name" if facts.root_subject in self._names else "unknown"
