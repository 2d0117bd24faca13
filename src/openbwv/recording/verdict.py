"""What the verifier answers: a verdict, who signed, the reasons, what was not looked at, what it proves and what not.

Rule: `genuine` is exit 0, `changed` 1, `cannot-tell` 2, and nothing else is ever called by these numbers. Verdict and
signer are two answers: unchanged bytes under a key nobody vouches for are `cannot-tell`.
"""

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Literal

from openbwv.recording.certificates import ChainFacts

Word = Literal["genuine", "changed", "cannot-tell"]
Signer = Literal["trusted", "unknown"]


class Weight(IntEnum):
    """How much a reason weighs; the heaviest decides."""

    NOTE = 0
    CANNOT_TELL = 1
    CHANGED = 2


WORDS: dict[Weight, Word] = {
    Weight.NOTE: "genuine",
    Weight.CANNOT_TELL: "cannot-tell",
    Weight.CHANGED: "changed",
}
EXITS: dict[Word, int] = {"genuine": 0, "changed": 1, "cannot-tell": 2}


@dataclass(frozen=True)
class Reason:
    """One finding: stable code, place, sentence. Also used for what was not checked, with weight NOTE."""

    code: str
    where: str
    what: str
    weight: Weight = Weight.CHANGED

    def as_dict(self) -> dict[str, str]:
        """Return what `--json` shows."""
        return {"code": self.code, "where": self.where, "what": self.what}


@dataclass(frozen=True)
class RecordingFacts:
    """What the verified part of a manifest says, for comparing recordings, receipts and bundles with one another."""

    rec_id: bytes
    rc: int
    previous: bytes | None
    previous_tail: bytes | None
    last_seq: int
    tail: bytes
    media_bytes: int
    media_sha256_of_cts: bytes
    chain: ChainFacts
    opened_at_ms: int | None = None  # by the camera's clock; None where that was not set


@dataclass(frozen=True)
class Verdict:
    """The answer. `through_seq` is the last entry that holds, None when there is none."""

    closed: bool
    through_seq: int | None
    signer: Signer
    reasons: tuple[Reason, ...]
    not_checked: tuple[Reason, ...] = ()
    proves: tuple[str, ...] = ()
    does_not_prove: tuple[str, ...] = ()
    facts: RecordingFacts | None = field(default=None, repr=False)

    @property
    def verdict(self) -> Word:
        """One word: genuine, changed or cannot-tell."""
        return WORDS[max((reason.weight for reason in self.reasons), default=Weight.NOTE)]

    @property
    def exit_code(self) -> int:
        """0 genuine, 1 changed, 2 cannot tell."""
        return EXITS[self.verdict]

    def with_more(self, *, reasons: tuple[Reason, ...] = (), not_checked: tuple[Reason, ...] = ()) -> "Verdict":
        """Return this verdict with further findings; what it proves falls away when they change the answer."""
        joined = replace(self, reasons=self.reasons + reasons, not_checked=self.not_checked + not_checked)
        return joined if joined.verdict != "changed" else replace(joined, proves=())

    def proving(self, proves: tuple[str, ...]) -> "Verdict":
        """Return this verdict with what it proves."""
        return replace(self, proves=proves)

    def unsigned(self) -> "Verdict":
        """Return this verdict with the signer unknown: another signer of the same bundle is."""
        return replace(self, signer="unknown")

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` shows (docs/ref/verify.md)."""
        return {
            "verdict": self.verdict,
            "closed": self.closed,
            "through_seq": self.through_seq,
            "signer": self.signer,
            "reasons": [reason.as_dict() for reason in self.reasons],
            "not_checked": [reason.as_dict() for reason in self.not_checked],
            "proves": list(self.proves),
            "does_not_prove": list(self.does_not_prove),
        }
