"""Signed messages between camera, dock and server: each a COSE_Sign1 with its own typ and one key use.

Rule: payload = deterministic CBOR map with integer keys (tables: docs/ref/recording-format.md and .cddl); the signer's
chain travels along and must carry the use named here. Messages are compared by the hash of their Sig_structure.
Source: RFC 9052; RFC 9596 for typ.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from cryptography import x509

from openbwv.recording import cbor
from openbwv.recording.certificates import (
    USE_CAMERA,
    USE_DOCK,
    USE_EXPORT,
    USE_FLEET,
    USE_RECEIPT,
    ChainFacts,
    Trust,
    check_chain,
)
from openbwv.recording.cose import Signed, Signer, check_signature, sign1, split1
from openbwv.recording.fields import Fields, decode_inner
from openbwv.recording.problems import CertificateError, CertificateUse, FormatError, Truncated, WrongKey, WrongType
from openbwv.recording.registry import Kind

MAX_MESSAGE_BYTES = 1024 * 1024
PREFIX = "application/vnd.openbwv."
MessageT = TypeVar("MessageT", bound="Message")


class SignerNotTrusted(CertificateError):
    """A message signed under another agency than the one trusted here."""

    code = "signer-not-trusted"
    default_remedy = "Do not act on it. Check that this device is enrolled with the agency that sent it."


@dataclass(frozen=True)
class Received(Generic[MessageT]):
    """A message whose signature holds, with who signed it. `kid` names the signing key."""

    body: MessageT
    signed: Signed
    chain: ChainFacts

    @property
    def kid(self) -> bytes:
        """The signing key: SHA-256 of its SubjectPublicKeyInfo."""
        return self.signed.kid


class Message(ABC):
    """What all messages share. A subclass names its `typ` and the uses a signer's certificate may have."""

    typ: ClassVar[str]
    uses: ClassVar[tuple[x509.ObjectIdentifier, ...]]

    @abstractmethod
    def to_map(self) -> dict[int, Any]:
        """Return the payload map."""

    @classmethod
    @abstractmethod
    def from_map(cls, f: Fields) -> Self:
        """Read the payload map; raises FormatError."""

    def encode(self, signer: Signer, chain: list[bytes] | tuple[bytes, ...]) -> bytes:
        """Return the signed message. `chain` is the signer's, leaf first, root last, DER."""
        return sign1(cbor.encode(self.to_map()), typ=PREFIX + self.typ, signer=signer, x5chain=list(chain))

    @classmethod
    def decode(cls, data: bytes, *, trust: Trust | None = None, at_utc_ms: int | None = None) -> Received[Self]:
        """Check everything about a message and return it; raises FormatError or SignerNotTrusted.

        With `trust`, the signer's root must be one of its roots. With `at_utc_ms`, its certificates must be valid then.
        """
        signed, chain = open_message(data, typ=PREFIX + cls.typ, uses=cls.uses, trust=trust, at_utc_ms=at_utc_ms)
        f = Fields(decode_inner(signed.payload, f"{cls.typ} message"), f"{cls.typ} message")
        body = cls.from_map(f)
        f.done()
        return Received(body, signed, chain)


def open_message(
    data: bytes,
    *,
    typ: str,
    uses: tuple[x509.ObjectIdentifier, ...],
    trust: Trust | None = None,
    at_utc_ms: int | None = None,
) -> tuple[Signed, ChainFacts]:
    """Return a signed message with a chain, everything checked but its payload; raises FormatError."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise FormatError(f"The message has {len(data)} bytes, more than {MAX_MESSAGE_BYTES}.")
    try:
        signed, end = split1(data)
    except Truncated as error:
        raise FormatError("The message is cut short.") from error
    if end != len(data) or not signed.x5chain:
        raise FormatError("The message carries no certificate chain, or bytes follow it.")
    if signed.typ != typ:
        raise WrongType(f"The message is of kind {signed.typ!r}, not {typ!r}.")
    facts = _chain_for(signed, uses, at_utc_ms)
    if facts.kid != signed.kid:
        raise WrongKey("The certificate in the message is of another key than the one that signed.")
    check_signature(signed, facts.public_key)
    if trust is not None and trust.judge(facts) != "trusted":
        raise SignerNotTrusted(f"The message is signed under {facts.root_name}, which is not trusted here.")
    return signed, facts


def _chain_for(signed: Signed, uses: tuple[x509.ObjectIdentifier, ...], at_utc_ms: int | None) -> ChainFacts:
    for use in uses[:-1]:
        try:
            return check_chain(signed.x5chain, use=use, at_utc_ms=at_utc_ms)
        except CertificateUse:
            continue  # this message may also be signed for one of the other uses
    return check_chain(signed.x5chain, use=uses[-1], at_utc_ms=at_utc_ms)


class InventoryRow(NamedTuple):
    """One recording as its camera knows it."""

    rec_id: bytes
    rc: int
    last_seq: int
    tail: bytes
    closed: bool
    evidential: bool


@dataclass(frozen=True)
class Inventory(Message):
    """What a camera (or a dock, with no rows) holds, bound to the door's nonce. Missing numbers are an alarm."""

    nonce: bytes
    door: str
    boot: int
    next_rc: int
    last: tuple[InventoryRow, ...] = ()
    battery: int = 0  # percent
    typ: ClassVar[str] = "inventory+cbor"
    uses: ClassVar[tuple[x509.ObjectIdentifier, ...]] = (USE_CAMERA, USE_DOCK)

    def to_map(self) -> dict[int, Any]:
        """Return the payload map."""
        return {
            1: self.nonce,
            2: self.door,
            3: self.boot,
            4: self.next_rc,
            5: [list(row) for row in self.last],
            6: self.battery,
        }

    @classmethod
    def from_map(cls, f: Fields) -> Self:
        """Read the payload map."""
        rows = tuple(_inventory_row(row) for row in f.array(5))
        return cls(f.octets(1, 32), f.text(2), f.uint(3), f.uint(4), rows, f.uint(6))


def _inventory_row(row: object) -> InventoryRow:
    match row:
        case [bytes(rec_id), int(rc), int(last_seq), bytes(tail), bool(closed), bool(evidential)]:
            if len(rec_id) == 16 and len(tail) == 32 and rc >= 0 and last_seq >= 0:
                return InventoryRow(rec_id, rc, last_seq, tail, closed, evidential)
    raise FormatError("A row of the inventory is not [rec_id, rc, last_seq, tail, closed, evidential].")


@dataclass(frozen=True)
class EvidenceReceipt(Message):
    """The server's word that a recording is stored, checked and logged: the only permission to wipe it.

    `media_sha256_of_cts` is SHA-256 over the `ct` hashes of all fragments in order; `leaf_event` and `leaf_salt` open
    the INGEST leaf's commitment; `proof` is the leaf's tlog-proof.
    """

    rec_id: bytes
    kid: bytes
    last_seq: int
    tail: bytes
    media_length: int
    media_sha256_of_cts: bytes
    stored_at_ms: int
    replicas: int
    server_id: str
    leaf: bytes
    leaf_event: bytes
    leaf_salt: bytes
    proof: bytes
    orphan_length: int = 0
    orphan_sha256: bytes = b""
    typ: ClassVar[str] = "receipt+cbor"
    uses: ClassVar[tuple[x509.ObjectIdentifier, ...]] = (USE_RECEIPT,)

    def to_map(self) -> dict[int, Any]:
        """Return the payload map."""
        return {
            1: self.rec_id,
            2: self.kid,
            3: self.last_seq,
            4: self.tail,
            5: self.media_length,
            6: self.media_sha256_of_cts,
            7: self.orphan_length,
            8: self.orphan_sha256,
            9: self.stored_at_ms,
            10: self.replicas,
            11: self.server_id,
            12: self.leaf,
            13: self.leaf_event,
            14: self.leaf_salt,
            15: self.proof,
        }

    @classmethod
    def from_map(cls, f: Fields) -> Self:
        """Read the payload map."""
        if bool(f.uint(7)) != (len(f.octets(8)) == 32) or len(f.octets(8)) not in (0, 32):
            raise FormatError("The receipt has an orphan length without its hash, or a hash without its length.")
        return cls(
            rec_id=f.octets(1, 16),
            kid=f.octets(2, 32),
            last_seq=f.uint(3),
            tail=f.octets(4, 32),
            media_length=f.uint(5),
            media_sha256_of_cts=f.octets(6, 32),
            orphan_length=f.uint(7),
            orphan_sha256=f.octets(8),
            stored_at_ms=f.uint(9),
            replicas=f.uint(10),
            server_id=f.text(11),
            leaf=f.octets(12),
            leaf_event=f.octets(13),
            leaf_salt=f.octets(14, 32),
            proof=f.octets(15),
        )


@dataclass(frozen=True)
class CustodyReceipt(Message):
    """A dock's word that it holds a copy, ciphertext only. It never permits a wipe."""

    rec_id: bytes
    kid: bytes
    last_seq: int
    tail: bytes
    held_at_ms: int
    dock: str
    typ: ClassVar[str] = "custody-receipt+cbor"
    uses: ClassVar[tuple[x509.ObjectIdentifier, ...]] = (USE_DOCK,)

    def to_map(self) -> dict[int, Any]:
        """Return the payload map."""
        return {1: self.rec_id, 2: self.kid, 3: self.last_seq, 4: self.tail, 5: self.held_at_ms, 6: self.dock}

    @classmethod
    def from_map(cls, f: Fields) -> Self:
        """Read the payload map."""
        return cls(f.octets(1, 16), f.octets(2, 32), f.uint(3), f.octets(4, 32), f.uint(5), f.text(6))


@dataclass(frozen=True)
class Assignment(Message):
    """Who carries a camera, as a pseudonym that only the server can map to a person."""

    pseudonym: bytes
    camera_kid: bytes
    from_ms: int
    until_ms: int
    kind: Kind = Kind.PERSON
    typ: ClassVar[str] = "assignment+cbor"
    uses: ClassVar[tuple[x509.ObjectIdentifier, ...]] = (USE_FLEET,)

    def to_map(self) -> dict[int, Any]:
        """Return the payload map."""
        return {1: self.pseudonym, 2: self.camera_kid, 3: self.from_ms, 4: self.until_ms, 5: int(self.kind)}

    @classmethod
    def from_map(cls, f: Fields) -> Self:
        """Read the payload map."""
        return cls(f.octets(1, 16), f.octets(2, 32), f.uint(3), f.uint(4), f.code(5, Kind))


@dataclass(frozen=True)
class EpochKey(Message):
    """The key to which cameras seal data keys from `from_ms` on: an uncompressed P-256 point."""

    epoch_id: str
    public: bytes
    from_ms: int
    typ: ClassVar[str] = "epoch-key+cbor"
    uses: ClassVar[tuple[x509.ObjectIdentifier, ...]] = (USE_FLEET,)

    def to_map(self) -> dict[int, Any]:
        """Return the payload map."""
        return {1: self.epoch_id, 2: self.public, 3: self.from_ms}

    @classmethod
    def from_map(cls, f: Fields) -> Self:
        """Read the payload map."""
        return cls(f.text(1), f.octets(2, 65), f.uint(3))


@dataclass(frozen=True)
class Wiped(Message):
    """A camera's tombstone: it wiped this recording on the strength of that receipt (its Sig_structure hash)."""

    rec_id: bytes
    rc: int
    last_seq: int
    tail: bytes
    receipt_sha256: bytes
    wiped_at_ms: int
    typ: ClassVar[str] = "wiped+cbor"
    uses: ClassVar[tuple[x509.ObjectIdentifier, ...]] = (USE_CAMERA,)

    def to_map(self) -> dict[int, Any]:
        """Return the payload map."""
        return {1: self.rec_id, 2: self.rc, 3: self.last_seq, 4: self.tail, 5: self.receipt_sha256, 6: self.wiped_at_ms}

    @classmethod
    def from_map(cls, f: Fields) -> Self:
        """Read the payload map."""
        return cls(f.octets(1, 16), f.uint(2), f.uint(3), f.octets(4, 32), f.octets(5, 32), f.uint(6))


@dataclass(frozen=True)
class BundleSeal(Message):
    """The exporting server's word on a bundle: SHA-256 of its tagmanifest-sha256.txt, which lists all other files."""

    rec_id: bytes
    tail: bytes
    tagmanifest_sha256: bytes
    exported_at_ms: int
    sealed: bool
    exported_by: str = ""
    typ: ClassVar[str] = "bundle+cbor"
    uses: ClassVar[tuple[x509.ObjectIdentifier, ...]] = (USE_EXPORT,)

    def to_map(self) -> dict[int, Any]:
        """Return the payload map."""
        return {
            1: self.rec_id,
            2: self.tail,
            3: self.tagmanifest_sha256,
            4: self.exported_at_ms,
            5: self.sealed,
            6: self.exported_by,
        }

    @classmethod
    def from_map(cls, f: Fields) -> Self:
        """Read the payload map."""
        return cls(f.octets(1, 16), f.octets(2, 32), f.octets(3, 32), f.uint(4), f.flag(5), f.text(6))
