"""What the key service knows of the custody log: it reads the published files itself and believes no caller.

Rule: entries are read from the log's own files and count only when they lead to the root of a checkpoint that the
log's key signed; what was read before must be the beginning of what is read now. So a leaf that authorises a deletion
cannot be invented, and a hold cannot be left out, without the log's signature saying so. The wait of 72 hours is
counted here too, by the leaves' own times: neither an early authorisation nor a caller's word shortens it.
"""

from dataclasses import dataclass

from openbwv.custody import Edge, EventType, LogReader, decode_leaf
from openbwv.server.vault.keyd.errors import DropRefused

STEP_ENTRIES = 4096
WAIT_S = 72 * 3600  # between DELETE_PROPOSED and DELETE_AUTHORISED, and so before a key is dropped (R1)


@dataclass
class Standing:
    """The newest leaf of each kind that decides about one recording's key: indexes into the log, -1 for none.

    `proposed_s` and `authorised_s` are the times those two leaves carry, seconds UTC.
    """

    proposed: int = -1
    authorised: int = -1
    cancelled: int = -1
    held: int = -1
    erased: int = -1
    proposed_s: int = 0
    authorised_s: int = 0

    def note(self, name: str, index: int, t_s: int) -> None:
        """Take a newer leaf, found at `index` and carrying the time `t_s`."""
        setattr(self, name, index)
        if name == "proposed":
            self.proposed_s = t_s
        elif name == "authorised":
            self.authorised_s = t_s


_FIELD = {
    EventType.DELETE_PROPOSED: "proposed",
    EventType.DELETE_AUTHORISED: "authorised",
    EventType.DELETE_CANCELLED: "cancelled",
    EventType.HOLD: "held",
    EventType.ERASED: "erased",
}


class LogWatch:
    """The log, read as far as its checkpoint reaches, and what it says about each subject's deletion."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        self._edge = Edge()
        self._standing: dict[bytes, Standing] = {}

    def standing(self, subject: bytes) -> Standing:
        """Return what the newest checkpoint says about `subject`; raises LogMissing, LogDamaged, LogRolledBack."""
        self._catch_up()
        return self._standing.get(subject, Standing())

    def check_drop(self, subject: bytes, authorised_index: int, *, now_ms: int) -> None:
        """Raise DropRefused unless the leaf at `authorised_index` is the last word and the wait before it was whole."""
        now = self.standing(subject)
        problem = None
        if now.proposed < 0:
            problem = "its deletion was never proposed"
        elif now.authorised != authorised_index or now.authorised < now.proposed:
            problem = "the authorisation shown is not the newest, or a newer proposal follows it"
        elif now.held > now.proposed:
            problem = "a hold was placed after its deletion was proposed"
        elif now.cancelled > now.proposed:
            problem = "its deletion was cancelled"
        elif now.authorised_s - now.proposed_s < WAIT_S:
            problem = "its deletion was authorised before the 72 hours after its proposal were over"
        elif now_ms < (now.proposed_s + WAIT_S) * 1000:
            problem = "the 72 hours after its deletion was proposed are not over by this clock"
        if problem:
            raise DropRefused(
                what=f"The key was kept: {problem}.",
                remedy="Look at the recording's trail; propose the deletion anew when nothing keeps it any more.",
            )

    def _catch_up(self) -> None:
        checkpoint = self._reader.checkpoint()
        if checkpoint.size < self._edge.size:
            raise _rolled_back(self._edge.size, checkpoint.size)
        edge, found = self._edge, list[tuple[int, bytes, str, int]]()
        while edge.size < checkpoint.size:
            stop = min(edge.size + STEP_ENTRIES, checkpoint.size)
            entries = list(self._reader.entries(edge.size, stop))
            for index, entry in enumerate(entries, start=edge.size):
                leaf = decode_leaf(entry)
                if leaf.type in _FIELD:
                    found.append((index, leaf.subj, _FIELD[EventType(leaf.type)], leaf.t_s))
            edge, _ = edge.extended(entries)
        if edge.root() != checkpoint.root:
            raise _rolled_back(self._edge.size, checkpoint.size)
        self._edge = edge
        for index, subject, name, t_s in found:
            self._standing.setdefault(subject, Standing()).note(name, index, t_s)


def _rolled_back(seen: int, now: int) -> DropRefused:
    return DropRefused(
        what=f"The log's files ({now} entries) do not continue what was read before ({seen} entries).",
        remedy="Run `./bwv check`; bring the log's files back from a copy before anything is deleted.",
    )
