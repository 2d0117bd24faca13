"""What receipts and certificates are held against: the agency's certificate, and the log as it is now."""

from dataclasses import dataclass

from openbwv.custody import check_tlog_proof
from openbwv.custody.tlog_proof import parse_tlog_proof
from openbwv.recording import Trust
from openbwv.recording.errors import BwvError
from openbwv.server.trail import log
from openbwv.server.trail.models import Event, LogHead
from openbwv.server.vault.force import force


class NotInLog(Exception):
    """Something says that it is in the log, and the log does not have it there; the text says how."""


@dataclass(frozen=True)
class LogNow:
    """The log's files at one moment. `size` is 0 when they cannot be read: the walk of the log says why."""

    generation: int
    size: int

    @classmethod
    def look(cls) -> "LogNow":
        """Return how far the log goes."""
        head = LogHead.objects.filter(id=1).first()
        try:
            size = log.reader().checkpoint().size
        except BwvError:
            size = 0
        return cls(head.generation if head else 1, size)

    def check_event(self, event: Event | None, index: int) -> None:
        """Check that an event is entry `index` of this log; raises NotInLog. Nothing to say of an earlier log."""
        if event is None or event.leaf_index is None:
            raise NotInLog("its event is not in the log")
        if event.log_generation != self.generation or not self.size:
            return
        if event.leaf_index != index:
            raise NotInLog(f"it names entry {index}, its event is entry {event.leaf_index}")
        if index >= self.size or log.reader().entry(index, self.size) != bytes(event.leaf):
            raise NotInLog(f"entry {index} of the log is another")

    def check_proof(self, proof: bytes, leaf: bytes) -> int | None:
        """Check a proof against log key and log; return the entry's number, None when it is of an earlier log.

        Raises NotInLog, and what a damaged proof or log raises.
        """
        note = parse_tlog_proof(proof).note
        if note.partition("\n")[0] != force().origin and self.generation > 1:
            return None
        checkpoint = check_tlog_proof(proof, leaf, log.vkey())
        if checkpoint.size > self.size:
            raise NotInLog(f"its checkpoint has {checkpoint.size} entries, the log has {self.size}")
        if log.reader().root_at(checkpoint.size, self.size) != checkpoint.root:
            raise NotInLog(f"at {checkpoint.size} entries the log had another root")
        return parse_tlog_proof(proof).index


def agency() -> Trust:
    """Return the force's own authority, which certified every key that signs papers; raises NoForce."""
    return Trust.load(force().trust_pem)
