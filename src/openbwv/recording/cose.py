"""COSE_Sign1 with ES256: the envelope of every entry and message.

Rule: `protected` holds exactly alg ES256, kid = SHA-256 of the signer's SubjectPublicKeyInfo, and typ; `unprotected`
is empty or holds only an x5chain, which is believed only as far as its leaf's key hashes to the signed kid. All levels
are deterministic CBOR. Two messages are *the same* when the SHA-256 of their Sig_structure is, never by raw bytes: with
(r, s) also (r, n-s) verifies, and a copy so changed must neither break a chain nor accuse its camera.
Source: RFC 9052 sections 4.2 and 4.4, RFC 9360 (x5chain), RFC 9596 (typ), FIPS 186-5.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from openbwv.recording import cbor
from openbwv.recording.problems import FormatError, SignatureWrong, Truncated, WrongKey, WrongType

ES256 = -7
ALG, KID, TYP, X5CHAIN = 1, 4, 16, 33
SIGN1_TAG = b"\xd2"
MAX_CHAIN = 6
VERIFY = ec.ECDSA(hashes.SHA256())
SIGN = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class Signer(Protocol):
    """Whoever holds a private P-256 key: software, a secure element or the key service."""

    @property
    def kid(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo, 32 bytes."""

    @property
    def public_der(self) -> bytes:
        """The SubjectPublicKeyInfo, DER."""

    def sign(self, data: bytes) -> bytes:
        """Return r || s, 64 bytes, ES256 over `data`."""


class SoftwareSigner:
    """A signer whose private key is in memory. Signatures are deterministic (RFC 6979)."""

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._key = private_key
        self.public_der = spki(private_key.public_key())
        self.kid = hashlib.sha256(self.public_der).digest()

    def sign(self, data: bytes) -> bytes:
        """Return r || s, 64 bytes."""
        r, s = decode_dss_signature(self._key.sign(data, SIGN))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass(frozen=True)
class Signed:
    """One COSE_Sign1 taken apart. `sha256` is the hash of its Sig_structure, the only name to compare it by."""

    payload: bytes
    kid: bytes
    typ: str
    protected: bytes
    signature: bytes
    x5chain: tuple[bytes, ...]
    sig_structure: bytes = field(repr=False)

    @property
    def sha256(self) -> bytes:
        """SHA-256 of the Sig_structure, 32 bytes."""
        return hashlib.sha256(self.sig_structure).digest()


def spki(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the SubjectPublicKeyInfo of a public key, DER."""
    return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_public(public_der: bytes) -> ec.EllipticCurvePublicKey:
    """Return the P-256 key in a SubjectPublicKeyInfo; raises WrongKey for anything else."""
    try:
        key = serialization.load_der_public_key(public_der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise WrongKey("The public key cannot be read.") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise WrongKey("The public key is not on the curve P-256.")
    return key


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """Return the bytes that are signed (RFC 9052 section 4.4)."""
    return b"".join(
        (
            b"\x84\x6aSignature1",
            cbor.head(cbor.BYTES, len(protected)),
            protected,
            b"\x40",
            cbor.head(cbor.BYTES, len(payload)),
            payload,
        )
    )


def sign1(payload: bytes, *, typ: str, signer: Signer, x5chain: list[bytes] | tuple[bytes, ...] | None = None) -> bytes:
    """Return the COSE_Sign1 of `payload`. With `x5chain` (leaf first, root last, DER) the chain travels unsigned."""
    return sign1_with_hash(payload, typ=typ, signer=signer, x5chain=x5chain or ())[0]


def sign1_with_hash(payload: bytes, *, typ: str, signer: Signer, x5chain: Sequence[bytes] = ()) -> tuple[bytes, bytes]:
    """Return the COSE_Sign1 of `payload` and the SHA-256 of its Sig_structure."""
    protected = _protected_of(signer.kid, typ)
    structure = sig_structure(protected, payload)
    signature = signer.sign(structure)
    unprotected = {X5CHAIN: list(x5chain)} if x5chain else {}
    message = SIGN1_TAG + cbor.encode([protected, unprotected, payload, signature])
    return message, hashlib.sha256(structure).digest()


@functools.lru_cache(maxsize=64)
def _protected_of(kid: bytes, typ: str) -> bytes:
    return cbor.encode({ALG: ES256, KID: kid, TYP: typ})


def split1(data: bytes | bytearray | memoryview, position: int = 0) -> tuple[Signed, int]:
    """Return (Signed, end) of the COSE_Sign1 at `position`, its signature **not** checked; raises FormatError."""
    major, number, inside = cbor.read_head(data, position)
    if major != cbor.TAG or number != 18:
        raise FormatError("The bytes are not a COSE_Sign1 message (CBOR tag 18).")
    body, end = cbor.decode_at(data, inside, 1)
    match body:
        case [bytes(protected), dict(unprotected), bytes(payload), bytes(signature)] if len(signature) == 64:
            pass
        case _:
            raise FormatError("A COSE_Sign1 is [protected, unprotected, payload, 64-byte signature].")
    kid, typ = _protected(protected)
    structure = sig_structure(protected, payload)
    return Signed(payload, kid, typ, protected, signature, _chain(unprotected), structure), end


def _protected(protected: bytes) -> tuple[bytes, str]:
    try:
        headers = cbor.decode(protected)
    except Truncated as error:  # the string itself is whole, so this is damage and not a cut
        raise FormatError("The protected header is cut short.") from error
    match headers:
        case {1: -7, 4: bytes(kid), 16: str(typ)} if len(headers) == 3 and len(kid) == 32:
            return kid, typ
    raise FormatError("The protected header is not {1: -7, 4: 32-byte kid, 16: typ}.")


def _chain(unprotected: dict[int, object]) -> tuple[bytes, ...]:
    if not unprotected:
        return ()
    match unprotected:
        case {33: list(chain)} if len(unprotected) == 1 and 2 <= len(chain) <= MAX_CHAIN:
            if all(isinstance(certificate, bytes) for certificate in chain):
                return tuple(chain)
    raise FormatError(f"The unprotected header may hold only an x5chain of 2 to {MAX_CHAIN} certificates.")


def check_signature(signed: Signed, public_key: ec.EllipticCurvePublicKey) -> None:
    """Check the ES256 signature; raises SignatureWrong."""
    verify_es256(public_key, signed.signature, signed.sig_structure)


def verify_es256(public_key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
    """Check r || s over `data` under a P-256 key; raises SignatureWrong."""
    if len(signature) != 64:
        raise SignatureWrong("An ES256 signature has 64 bytes.")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        public_key.verify(encode_dss_signature(r, s), data, VERIFY)
    except InvalidSignature as error:
        raise SignatureWrong("The signature does not hold over these bytes.") from error


def open1(message: bytes, *, typ: str, public_key: ec.EllipticCurvePublicKey | bytes) -> Signed:
    """Return a COSE_Sign1 whose kind, key and signature hold under `public_key` (a key or its SPKI); else raises."""
    try:
        signed, end = split1(message)
    except Truncated as error:
        raise FormatError("The message is cut short.") from error
    if end != len(message):
        raise FormatError("Bytes follow the message.")
    if signed.typ != typ:
        raise WrongType(f"The message is of kind {signed.typ!r}, not {typ!r}.")
    key = load_public(public_key) if isinstance(public_key, bytes) else public_key
    if hashlib.sha256(spki(key)).digest() != signed.kid:
        raise WrongKey("The message is signed by another key than the one expected.")
    check_signature(signed, key)
    return signed


def sig_structure_hash(message: bytes) -> bytes:
    """Return the SHA-256 of a message's Sig_structure; its signature is not checked."""
    signed, end = split1(message)
    if end != len(message):
        raise FormatError("Bytes follow the message.")
    return signed.sha256
