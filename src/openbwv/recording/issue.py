"""Making certificates: an agency's root and the leaves under it, each for one use.

Randomness and time are arguments (`serial`, dates); the private key stays with the caller. The profile is the one that
`certificates.check_chain` demands. Source: RFC 5280 section 4.2.1.
"""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from openbwv.recording.certificates import PRETEND_OID, UNREADABLE
from openbwv.recording.problems import CertificateError

DAY_MS = 86_400_000
CAMERA_DAYS = 397
NOTHING = dict.fromkeys(
    ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
    False,
)
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def _moment(utc_ms: int) -> datetime:
    return datetime.fromtimestamp(utc_ms // 1000, UTC)


def _name(organisation: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def make_root(
    private_key: ec.EllipticCurvePrivateKey,
    *,
    organisation: str,
    serial: int,
    from_utc_ms: int,
    days: int = 3650,
    pretend: bool = False,
) -> bytes:
    """Return an agency's root certificate, DER. `pretend` marks a force whose clock may be moved, for ever."""
    name = _name(organisation, f"{organisation} agency CA")
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(serial)
        .not_valid_before(_moment(from_utc_ms))
        .not_valid_after(_moment(from_utc_ms + days * DAY_MS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **NOTHING), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private_key.public_key()), critical=False)
    )
    if pretend:
        builder = builder.add_extension(x509.UnrecognizedExtension(PRETEND_OID, b"\x05\x00"), critical=False)
    return builder.sign(private_key, hashes.SHA256()).public_bytes(Encoding.DER)


def issue(
    public_key: PublicKey,
    *,
    root_der: bytes,
    root_key: ec.EllipticCurvePrivateKey,
    use: x509.ObjectIdentifier,
    common_name: str,
    serial: int,
    from_utc_ms: int,
    days: int = CAMERA_DAYS,
    san: list[x509.GeneralName] | None = None,
    also: list[x509.ObjectIdentifier] | None = None,
) -> bytes:
    """Return a leaf certificate for `use` alone, DER. `also` adds foreign uses, such as TLS client authentication.

    It never outlives its root: the later date is cut to the root's.
    """
    root = x509.load_der_x509_certificate(root_der)
    organisation = root.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    until = min(_moment(from_utc_ms + days * DAY_MS), root.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(str(organisation), common_name))
        .issuer_name(root.subject)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(_moment(from_utc_ms))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **NOTHING), critical=True
        )
        .add_extension(x509.ExtendedKeyUsage([use, *(also or [])]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
    )
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName(san), critical=False)
    return builder.sign(root_key, hashes.SHA256()).public_bytes(Encoding.DER)


def camera_uri(name: str) -> x509.GeneralName:
    """Return the subject alternative name of a camera: urn:bwv:camera:<name>."""
    return x509.UniformResourceIdentifier(f"urn:bwv:camera:{name}")


def to_pem(chain_der: list[bytes] | tuple[bytes, ...]) -> bytes:
    """Return a chain as PEM, in the order given."""
    return b"".join(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in chain_der)


def from_pem(pem: bytes) -> list[bytes]:
    """Return the certificates of a PEM file as DER, in order; raises CertificateError."""
    try:
        return [certificate.public_bytes(Encoding.DER) for certificate in x509.load_pem_x509_certificates(pem)]
    except UNREADABLE as error:
        raise CertificateError("The PEM file holds no readable certificate.") from error
