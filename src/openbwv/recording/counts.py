"""A camera's signed word on its counters: how often it started, how many recordings it began, how far its journal goes.

A camera gives it at every docking, and a dock hands it on as it came. `starts`, `next_rc` and the journal's number only
ever grow, so of two statements of one camera either one follows the other (`after`), and the older changes nothing, or
they contradict each other: then the camera's key was copied or its store replaced.

Proves: the camera's key said so, after the checkpoint in `anchor` was made. Does not prove: that it said all of it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from cryptography import x509

from openbwv.recording.bodies import NO_HASH, Anchor, ClockState
from openbwv.recording.certificates import USE_CAMERA
from openbwv.recording.fields import MAX_UINT, Fields
from openbwv.recording.messages import Message
from openbwv.recording.problems import FormatError

MOST_HELD = 10_000
ID_BYTES, HASH_BYTES = 16, 32


@dataclass(frozen=True)
class CountStatement(Message):
    """What a camera has counted. `held` are the numbers of the recordings that it still holds.

    `journal_id` is empty while there is no journal; `newest` and `newest_tail` name the last recording that is closed,
    and are empty and zeros before the first.
    """

    starts: int
    next_rc: int
    clock: ClockState
    journal_id: bytes = b""
    journal_next_seq: int = 0
    journal_tail: bytes = NO_HASH
    newest: bytes = b""
    newest_tail: bytes = NO_HASH
    held: tuple[int, ...] = ()
    anchor: Anchor | None = None
    typ: ClassVar[str] = "counts+cbor"
    uses: ClassVar[tuple[x509.ObjectIdentifier, ...]] = (USE_CAMERA,)

    def to_map(self) -> dict[int, Any]:
        """Return the payload map."""
        return {
            1: self.starts,
            2: self.next_rc,
            3: self.journal_id,
            4: self.journal_next_seq,
            5: self.journal_tail,
            6: self.newest,
            7: self.newest_tail,
            8: list(self.held),
            9: self.clock.to_row(),
            10: list(self.anchor or ()),
        }

    @classmethod
    def from_map(cls, f: Fields) -> Self:
        """Read the payload map."""
        held = tuple(f.array(8))
        if len(held) > MOST_HELD or any(type(rc) is not int or not 0 <= rc <= MAX_UINT for rc in held):
            raise FormatError(f"The numbers of recordings held are not at most {MOST_HELD} non-negative integers.")
        return cls(
            starts=f.uint(1),
            next_rc=f.uint(2),
            journal_id=_id_or_none(f, 3),
            journal_next_seq=f.uint(4),
            journal_tail=f.octets(5, HASH_BYTES),
            newest=_id_or_none(f, 6),
            newest_tail=f.octets(7, HASH_BYTES),
            held=held,
            clock=ClockState.from_row(f.array(9), "a count statement"),
            anchor=Anchor.from_array(f.array(10), "a count statement") if f.array(10) else None,
        )

    def after(self, other: Self) -> bool:
        """Say whether nothing that `other` counted is counted lower here: this one was made no earlier."""
        if self.starts < other.starts or self.next_rc < other.next_rc:
            return False
        if self.journal_id == other.journal_id:
            same_place = self.journal_next_seq == other.journal_next_seq
            return self.journal_next_seq >= other.journal_next_seq and not (
                same_place and self.journal_tail != other.journal_tail
            )
        return self.starts > other.starts  # another journal begins at a start of the camera, never in between

    def contradicts(self, other: Self) -> bool:
        """Say whether one camera cannot have signed both, whatever the order."""
        return not self.after(other) and not other.after(self)


def _id_or_none(f: Fields, key: int) -> bytes:
    value = f.octets(key)
    if len(value) not in (0, ID_BYTES):
        raise FormatError(f"A count statement needs {ID_BYTES} bytes or none under key {key}.")
    return value
