"""What receipts and certificates are held against: the agency's certificate, and the log as it is now."""

from dataclasses import dataclass

from openbwv.custody import LogReader, check_tlog_proof, parse_vkey
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
    """The log's files at one moment. `size` is 0 when they cannot be read: the walk of the log says why.

    `earlier` holds readers and sizes, by generation, of the logs that a restore ended.
    """

    generation: int
    size: int
    earlier: dict[int, tuple[LogReader, int]]

    @classmethod
    def look(cls) -> "LogNow":
        """Return how far the log goes."""
        head = LogHead.objects.filter(id=1).first()
        generation = head.generation if head else 1
        ended = {number: (reader, log_size(reader)) for number, reader in log.earlier().items() if number < generation}
        try:
            size = log.reader().checkpoint().size
        except BwvError:
            size = 0
        return cls(generation, size, ended)

    def check_event(self, event: Event | None, index: int) -> None:
        """Check that an event is entry `index` of its log, if that is here; raises NotInLog."""
        if event is None or event.leaf_index is None:
            raise NotInLog("its event is not in the log")
        ended = self.earlier.get(event.log_generation)
        if ended is None and (event.log_generation != self.generation or not self.size):
            return
        reader, size = ended or (log.reader(), self.size)
        if event.leaf_index != index:
            raise NotInLog(f"it names entry {index}, its event is entry {event.leaf_index}")
        if index >= size or reader.entry(index, size) != bytes(event.leaf):
            raise NotInLog(f"entry {index} of the log is another")

    def check_proof(self, proof: bytes, leaf: bytes) -> int | None:
        """Check a proof against log key and log; return the entry's number, None when its log is not here.

        Of a log that a restore ended, what came after the part that was saved is not here either. Raises NotInLog, and
        what a damaged proof or log raises.
        """
        origin = parse_tlog_proof(proof).note.partition("\n")[0]
        reader, size = log.reader(), self.size
        if origin != force().origin and self.generation > 1:
            found = [each for each in self.earlier.values() if parse_vkey(each[0].vkey).name == origin]
            if not found:
                return None
            reader, size = found[0]
        checkpoint = check_tlog_proof(proof, leaf, reader.vkey)
        if checkpoint.size > size:
            if origin != force().origin:
                return None
            raise NotInLog(f"its checkpoint has {checkpoint.size} entries, the log has {size}")
        if reader.root_at(checkpoint.size, size) != checkpoint.root:
            raise NotInLog(f"at {checkpoint.size} entries the log had another root")
        return parse_tlog_proof(proof).index


def log_size(reader: LogReader) -> int:
    """Return how many entries a log's checkpoint says it has, 0 where that cannot be read."""
    try:
        return reader.checkpoint().size
    except BwvError:
        return 0


def agency() -> Trust:
    """Return the force's own authority, which certified every key that signs papers; raises NoForce."""
    return Trust.load(force().trust_pem)
