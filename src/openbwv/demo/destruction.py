"""What a destruction certificate says, and why nobody should believe it."""

from dataclasses import dataclass
from pathlib import Path

from openbwv.demo import signed
from openbwv.demo.signed import SIGNATURE_WRONG

__all__ = ["SIGNATURE_WRONG", "Said", "objection", "said_by"]

REC_ID, PHASE, ERASED_MS, IRRECOVERABLE_MS = 2, 3, 15, 16


@dataclass(frozen=True)
class Said:
    """What a certificate says: which recording, which phase, and its two dates in ms since 1970 (0: not yet)."""

    rec_id: str
    phase: int
    erased_ms: int
    irrecoverable_ms: int


def said_by(message: bytes) -> Said:
    """Return what a certificate says; nothing is checked. ValueError and its kin when it is none."""
    body = signed.body_of(message)
    return Said(body[REC_ID].hex(), body[PHASE], body[ERASED_MS], body[IRRECOVERABLE_MS])


def objection(message: bytes, trust: Path, *, at_s: int) -> str:
    """Return why nobody should believe a certificate at a time in s since 1970, or "" when everything holds."""
    return signed.objection(message, trust, signed.DESTRUCTION, at_s=at_s)
