"""The custody log as it stood at one checkpoint, so that every proof of a bundle names the same one."""

from openbwv.custody import LogMissing, LogReader, LogStorage
from openbwv.custody.tiles import CHECKPOINT_PATH


class Snapshot:
    """A log's files with the checkpoint held still; what is appended meanwhile is not seen. Reads only."""

    def __init__(self, storage: LogStorage) -> None:
        note = storage.read(CHECKPOINT_PATH)
        if note is None:
            raise LogMissing(what="The custody log has no checkpoint.", remedy="Start `./bwv worker`, then try again.")
        self.note = note
        self._storage = storage

    def read(self, path: str) -> bytes | None:
        """See LogStorage."""
        return self.note if path == CHECKPOINT_PATH else self._storage.read(path)


def snapshot_of(reader: LogReader) -> LogReader:
    """Return a reader of the same log that stays at the checkpoint published now; raises LogMissing."""
    return LogReader(Snapshot(reader.storage), vkey=reader.vkey)  # type: ignore[arg-type]  # a reader never writes
