"""The destruction certificate: exactly what was erased, when, under which rule, and what that cannot prove.

Phase 1 says "erased online"; phase 2, after the next rotation of the retention key, "irrecoverable". Both are signed by
the records key. Source: NIST SP 800-88r2 (cryptographic erase); docs/ref/recording-format.md.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from cryptography import x509

from openbwv.recording.certificates import USE_RECORDS
from openbwv.recording.fields import Fields
from openbwv.recording.messages import Message
from openbwv.recording.problems import FormatError


class ErasedObject(NamedTuple):
    """One stored object that was removed: the store, SHA-256 of its key there, versions removed, time."""

    store: str
    key_sha256: bytes
    versions: int
    removed_at_ms: int


class LeafIndexes(NamedTuple):
    """Where the steps stand in the custody log. 0 for `kek` in phase 1."""

    proposed: int
    authorised: int
    erased: int
    kek: int = 0


@dataclass(frozen=True)
class DestructionCertificate(Message):
    """What was destroyed. `approvals` are the references that approved it; `copies_known` the exports that remain."""

    cert_id: bytes
    rec_id: bytes
    phase: int
    tail: bytes
    last_seq: int
    dc: bytes
    media_bytes: int
    rule: str
    due_at_ms: int
    hold_check_size: int  # size of the checkpoint up to which holds were looked for
    approvals: tuple[str, ...]
    objects: tuple[ErasedObject, ...]
    kek_id: str
    leaves: LeafIndexes
    erased_at_ms: int
    kek_destroyed_at_ms: int = 0
    copies_known: tuple[str, ...] = ()
    cannot_prove: tuple[str, ...] = ()
    statement: str = "cryptographic erase (NIST SP 800-88r2)"
    typ: ClassVar[str] = "destruction+cbor"
    uses: ClassVar[tuple[x509.ObjectIdentifier, ...]] = (USE_RECORDS,)

    def to_map(self) -> dict[int, Any]:
        """Return the payload map."""
        return {
            1: self.cert_id,
            2: self.rec_id,
            3: self.phase,
            4: self.tail,
            5: self.last_seq,
            6: self.dc,
            7: self.media_bytes,
            8: self.rule,
            9: self.due_at_ms,
            10: self.hold_check_size,
            11: list(self.approvals),
            12: [list(row) for row in self.objects],
            13: self.kek_id,
            14: list(self.leaves),
            15: self.erased_at_ms,
            16: self.kek_destroyed_at_ms,
            17: list(self.copies_known),
            18: list(self.cannot_prove),
            19: self.statement,
        }

    @classmethod
    def from_map(cls, f: Fields) -> Self:
        """Read the payload map; raises FormatError."""
        if (phase := f.uint(3)) not in (1, 2):
            raise FormatError(f"A destruction certificate has no phase {phase}.")
        return cls(
            cert_id=f.octets(1, 16),
            rec_id=f.octets(2, 16),
            phase=phase,
            tail=f.octets(4, 32),
            last_seq=f.uint(5),
            dc=f.octets(6, 32),
            media_bytes=f.uint(7),
            rule=f.text(8),
            due_at_ms=f.uint(9),
            hold_check_size=f.uint(10),
            approvals=_texts(f, 11),
            objects=tuple(_object(row) for row in f.array(12)),
            kek_id=f.text(13),
            leaves=_leaves(f.array(14)),
            erased_at_ms=f.uint(15),
            kek_destroyed_at_ms=f.uint(16),
            copies_known=_texts(f, 17),
            cannot_prove=_texts(f, 18),
            statement=f.text(19),
        )


def _texts(f: Fields, key: int) -> tuple[str, ...]:
    texts = f.array(key)
    if any(not isinstance(text, str) for text in texts):
        raise FormatError(f"A destruction certificate needs texts under key {key}.")
    return tuple(texts)


def _object(row: object) -> ErasedObject:
    match row:
        case [str(store), bytes(key_sha256), int(versions), int(removed)]:
            if len(key_sha256) == 32 and versions >= 0 and removed >= 0:
                return ErasedObject(store, key_sha256, versions, removed)
    raise FormatError("An erased object is not [store, key hash, versions, time].")


def _leaves(row: list[Any]) -> LeafIndexes:
    if len(row) != 4 or any(type(index) is not int or index < 0 for index in row):
        raise FormatError("The leaf indexes are not [proposed, authorised, erased, kek].")
    return LeafIndexes(*row)
